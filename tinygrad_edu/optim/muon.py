"""Muon: momentum whose matrix is made orthogonal, so that a step moves all directions by the same length.

    b' = momentum b + (1 - momentum) g
    u = momentum b' + (1 - momentum) g with nesterov, else b'
    X_0 = u / |u|_F                                     (transposed if u has more rows than columns)
    X_{k+1} = a X_k + (b A + c A^2) X_k,  A = X_k X_k^T                 (ns_steps times)
    w' = (1 - lr weight_decay) w - lr adjustment X

The iteration of Newton and Schulz moves every singular value of u to about 1 and leaves its directions as
they are. It is made of products of matrices only, so it is fast on every device. PyTorch computes it in
bfloat16, here it has the dtype of the parameter.

Sources: Jordan, Jin, Boza, You, Cesista, Newhouse, Bernstein, "Muon: an optimizer for hidden layers in neural
networks", 2024; for "match_rms_adamw", Liu and others, "Muon is scalable for LLM training", arXiv 2502.16982.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.ops.elementwise import maximum, sqrt
from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.rule import Numbers
from tinygrad_edu.scalars import integer, number
from tinygrad_edu.tensor import Tensor

ADJUSTMENTS = ("original", "match_rms_adamw")


class Muon(Optimizer):
    """Momentum orthogonalised by Newton and Schulz, for the matrices of hidden layers.

    Parameters
    ----------
    params
        Matrices only: biases, embeddings and the last layer are better updated by AdamW, in a second
        optimizer.
    lr, weight_decay, momentum
        The step size, the factor by which weights shrink, and the share of the momentum that is kept.
    nesterov
        Whether the gradient is looked ahead.
    ns_coefficients, ns_steps, eps
        a, b and c of the iteration, how often it is done, and the smallest norm that is divided by.
    adjust_lr_fn
        "original" (or None): times sqrt(max(1, rows / columns)); "match_rms_adamw": times
        0.2 sqrt(max(rows, columns)), so that the settings of AdamW can be used.
    """

    elementwise = False
    structural = ("ns_steps",)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": ns_coefficients,
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "eps")
        self._true_or_false(group, "nesterov")
        group["momentum"] = self._fraction("momentum", group["momentum"])
        factors = group["ns_coefficients"]
        if not isinstance(factors, tuple | list) or len(factors) != 3:
            raise wrong(ValueError, "Muon", f"ns_coefficients={factors!r:.60} must be three numbers")
        try:
            group["ns_coefficients"] = tuple(float(number(x)) for x in factors)
            finite = all(map(math.isfinite, group["ns_coefficients"]))
            group["ns_steps"] = integer(group["ns_steps"], "Muon: ns_steps", 0)
        except (TypeError, OverflowError) as error:
            raise wrong(ValueError, "Muon", f"ns_coefficients or ns_steps: {error}") from None
        if not finite or group["ns_steps"] >= 100:
            problem = f"ns_coefficients={factors} must be finite, ns_steps={group['ns_steps']} below 100"
            raise wrong(ValueError, "Muon", problem)
        if group["adjust_lr_fn"] is not None and group["adjust_lr_fn"] not in ADJUSTMENTS:
            problem = f"adjust_lr_fn={group['adjust_lr_fn']!r:.60} must be one of {', '.join(ADJUSTMENTS)}"
            raise wrong(ValueError, "Muon", problem, "or None, which is the same as original")

    def check_parameter(self, i: int, parameter: Tensor) -> None:
        if parameter.ndim != 2:
            problem = f"parameter {i}, of shape {parameter.shape}, is no matrix"
            raise wrong(ValueError, "Muon", problem, "update it with another optimizer, such as optim.AdamW")

    def memory(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",)

    def numbers(self, group: Group, step: int) -> Numbers:
        lr, momentum = group["lr"], group["momentum"]
        kept = 1.0 - lr * group["weight_decay"]
        return lr, momentum, 1.0 - momentum, kept, *group["ns_coefficients"], group["eps"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        lr, momentum, fresh, kept, a, b, c, eps = numbers
        mean = state[0] * momentum + g * fresh
        x = mean * momentum + g * fresh if group["nesterov"] else mean
        rows, columns = p.shape
        if rows > columns:
            x = x.mT
        x = x / maximum(sqrt((x * x).sum()), eps)
        for _ in range(group["ns_steps"]):
            gram = x @ x.mT
            x = x * a + (gram * b + gram @ gram * c) @ x
        if rows > columns:
            x = x.mT
        return p * kept - x * (lr * adjustment(rows, columns, group["adjust_lr_fn"])), mean


def adjustment(rows: int, columns: int, kind: str | None) -> float:
    """The factor of the learning rate for a matrix of this shape."""
    if kind == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1.0, rows / columns)) if columns else 1.0
