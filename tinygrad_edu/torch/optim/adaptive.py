"""torch.optim.Adagrad, Adadelta and RMSprop, by the library's rules."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import optim as rules
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.optim.ruled import Ruled, Settings, _plain, check_fused, check_numbers


class Adagrad(Ruled):
    """Steps that shrink as the sum of squared gradients grows; see `tinygrad_edu.optim.Adagrad`."""

    rule = rules.Adagrad
    settings = ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps", "maximize")

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_numbers(
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            epsilon=eps,
            initial_accumulator_value=initial_accumulator_value,
        )
        check_fused(fused, foreach, differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        self._forget()
        rule = self.rule.alone()
        for group in self.param_groups:
            settings = {name: _plain(group[name]) for name in self.settings}
            for p in group["params"]:
                self._kept_of(p, p.inner, rule, settings)

    def share_memory(self) -> None:
        """Here all threads of a process share memory already; processes do not."""


class Adadelta(Ruled):
    """Steps in the units of the parameter; see `tinygrad_edu.optim.Adadelta`."""

    rule = rules.Adadelta
    settings = ("lr", "rho", "eps", "weight_decay", "maximize")

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_numbers(lr=lr, epsilon=eps, weight_decay=weight_decay)
        if not 0.0 <= rho <= 1.0:
            raise wrong(ValueError, "Adadelta", f"Invalid rho value: {rho}", "it must be in [0, 1]")
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )


class RMSprop(Ruled):
    """Steps divided by a running root mean square of the gradient; see `tinygrad_edu.optim.RMSprop`."""

    rule = rules.RMSprop
    settings = ("lr", "alpha", "eps", "weight_decay", "momentum", "centered", "maximize")

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_numbers(lr=lr, epsilon=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def hidden(self, settings: Settings) -> tuple[str, ...]:
        return () if settings["momentum"] > 0 else ("momentum_buffer",)


__getattr__ = missing_from("torch.optim.adaptive")
