"""torch.optim.LBFGS, by the library's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu import optim as rules
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare, faced
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.optim.optimizer import Optimizer
from tinygrad_edu.torch.optim.ruled import _plain, check_numbers

SETTINGS = (
    "lr",
    "max_iter",
    "max_eval",
    "tolerance_grad",
    "tolerance_change",
    "history_size",
    "line_search_fn",
)


class LBFGS(Optimizer):
    """Newton's steps with a curvature from the last gradients; see `tinygrad_edu.optim.LBFGS`.

    `step(closure)` evaluates the closure several times. All of the state is that of the first parameter.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_numbers(lr=lr)
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )
        if len(self.param_groups) != 1:
            raise wrong(
                ValueError,
                "LBFGS",
                "LBFGS doesn't support per-parameter options (parameter groups)",
                "put all parameters into one list",
            )

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take up to `max_iter` steps. Returns the first loss of `closure`, which also computes gradients."""
        (group,) = self.param_groups
        inners = [p.inner for p in group["params"]]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise wrong(RuntimeError, "LBFGS", "only 'strong_wolfe' is supported")
        row = self.state[group["params"][0]]
        search = rules.LBFGS(inners, **{name: _plain(group[name]) for name in SETTINGS})
        if row.get("func_evals"):
            search._state = {name: _given(name, value) for name, value in row.items() if name != "al"}
        row.setdefault("func_evals", 0)
        row.setdefault("n_iter", 0)
        losses: list[Any] = []

        def bare_closure() -> Any:
            losses.append(closure())
            return bare(losses[-1])

        search.step(bare_closure)
        found = search._state
        row.update({name: _taken(name, value, inners[0]) for name, value in found.items()})
        if "old_dirs" in found:
            row.setdefault("al", [None] * group["history_size"])
        return losses[0]


def _given(name: str, value: Any) -> Any:
    """A part of PyTorch's state as the library has it."""
    if name == "ro":
        return [float(one) for one in value]
    return float(value) if name in ("H_diag", "t", "prev_loss") else bare(value)


def _taken(name: str, value: Any, like: te.Tensor) -> Any:
    """A part of the library's state as PyTorch has it."""
    if name == "ro":
        return [faced(te.tensor(one, dtype=like.dtype, device=like.device)) for one in value]
    if name in ("old_dirs", "old_stps"):
        return [faced(one) for one in value]
    if name == "H_diag":
        return faced(te.tensor(value, dtype=like.dtype, device=like.device))
    return faced(value) if isinstance(value, te.Tensor) else value


__getattr__ = missing_from("torch.optim.lbfgs")
