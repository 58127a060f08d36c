"""torch.optim.SGD, ASGD, Rprop and Muon, by the library's rules."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_edu import optim as rules
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.optim.ruled import Ruled, check_fused, check_numbers


class SGD(Ruled):
    """Stochastic gradient descent, with momentum and Nesterov's look-ahead; see `tinygrad_edu.optim.SGD`."""

    rule = rules.SGD
    settings = ("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize")
    counted = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_numbers(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise wrong(ValueError, "SGD", "Nesterov momentum requires a momentum and zero dampening")
        check_fused(fused, foreach, differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )


class ASGD(Ruled):
    """Averaged stochastic gradient descent, `state[p]["ax"]`; see `tinygrad_edu.optim.ASGD`."""

    rule = rules.ASGD
    settings = ("lr", "lambd", "alpha", "t0", "weight_decay", "maximize")
    first: ClassVar = {"eta": lambda group: group["lr"], "mu": lambda group: 1.0}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_numbers(lr=lr, weight_decay=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )


class Rprop(Ruled):
    """Resilient backpropagation; see `tinygrad_edu.optim.Rprop`."""

    rule = rules.Rprop
    settings = ("lr", "etas", "step_sizes", "maximize")

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_numbers(lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise wrong(ValueError, "Rprop", f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )


class Muon(Ruled):
    """Momentum orthogonalised by Newton and Schulz, for matrices; see `tinygrad_edu.optim.Muon`.

    PyTorch computes the iteration in bfloat16, the library in the dtype of the parameter.
    """

    rule = rules.Muon
    settings = (
        "lr",
        "weight_decay",
        "momentum",
        "nesterov",
        "ns_coefficients",
        "eps",
        "ns_steps",
        "adjust_lr_fn",
    )
    counted = False

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
    ) -> None:
        check_numbers(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise wrong(ValueError, "Muon", f"Adjust learning rate function {adjust_lr_fn} is not supported")
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
            },
        )
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise wrong(
                        ValueError,
                        "Muon",
                        "Muon only supports 2D parameters whereas we found a parameter "
                        f"with size: {p.size()}",
                        "update it with another optimizer, AdamW",
                    )


__getattr__ = missing_from("torch.optim.sgd")
