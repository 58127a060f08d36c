"""The base of schedules: PyTorch's LRScheduler, and one whose rates a schedule of the library computes."""

from __future__ import annotations

import types
import warnings
from typing import Any, ClassVar

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare, faced
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.optim.optimizer import Optimizer

Rates = list[Any]
EPOCH = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
    "possible. Please "
    "use `scheduler.step()` to step the scheduler."
)
ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in the opposite "
    "order: `optimizer.step()` before `lr_scheduler.step()`. Otherwise the first value of the learning rate "
    "schedule is skipped."
)


def values(optimizer: Optimizer, key: str) -> list[Any]:
    """A setting of each group; rates that are tensors are copied."""
    return [_copy(group[key]) for group in optimizer.param_groups]


def _copy(value: Any) -> Any:
    return faced(bare(value).detach().clone()) if isinstance(value, Tensor) else value


def put(group: dict[str, Any], key: str, value: Any) -> None:
    """Set a setting of a group; a rate that is a tensor is written into."""
    old = group[key]
    if isinstance(old, Tensor):
        with te.no_grad():
            old.inner.copy_(te.full((), float(value), dtype=old.inner.dtype))
    else:
        group[key] = value


def for_groups(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A setting for each group: one for all, or a list of one per group. ValueError for another number."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise wrong(
            ValueError,
            name,
            f"{name} must have the same length as optimizer.param_groups. {name} has "
            f"{len(value)} values, param_groups has {count}.",
        )
    return list(value)


class LRScheduler:
    """Sets the `lr` of each group of an optimizer to what `get_lr` says, at first and at each `step()`.

    A program's own schedule defines `get_lr`, from `self.base_lrs`, the first rates, and `self.last_epoch`,
    the number of steps. `last_epoch` other than -1 continues a schedule, whose groups have their
    `initial_lr`.
    """

    _get_lr_called_within_step = False
    _is_initial = False
    optimizer: Any
    last_epoch: Any
    base_lrs: Rates

    def __init__(self, optimizer: Any, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise wrong(TypeError, type(self).__name__, f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copy(group["lr"]))
            elif "initial_lr" not in group:
                raise wrong(
                    KeyError,
                    type(self).__name__,
                    f"param 'initial_lr' is not specified in param_groups"
                    f"[{i}] when resuming scheduler with last_epoch >= 0.",
                    "load the optimizer's state first, or leave last_epoch out",
                )
        self.base_lrs = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> Rates:
        """The rate of each group at `last_epoch`."""
        raise wrong(RuntimeError, type(self).__name__, "it has no get_lr", "define get_lr(self)")

    def get_last_lr(self) -> Rates:
        """The rates that the last step set."""
        return self._last_lr

    def step(self, epoch: Any = None) -> None:
        """Set the rates of the next step; call it after `optimizer.step()`."""
        if self._step_count == 1 and not getattr(self.optimizer, "_opt_called", False):
            warnings.warn(ORDER, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: Any = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._set(self.get_lr if closed is None else closed)

    def _set(self, rates: Any) -> None:
        self._get_lr_called_within_step = True
        try:
            found = rates()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, found, strict=True):
            put(group, "lr", lr)
        self._last_lr = values(self.optimizer, "lr")

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state."""
        self.__dict__.update(state_dict)


class _LRScheduler(LRScheduler):
    """LRScheduler under its older name."""


class Scheduled(LRScheduler):
    """A schedule whose rates a schedule of the library computes, which is another base of the class.

    The library's one has `get_lr`, `closed_form` and `momenta`, about `rates()`, `base_lrs` and `last_epoch`.
    """

    rule: ClassVar[Any]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        ours = [kind for kind in cls.__mro__ if kind.__module__.startswith("tinygrad_edu.optim.")]
        if ours:
            cls.rule = ours[0]

    def get_lr(self) -> Rates:
        """The rate of each group at `last_epoch`."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=2,
            )
        found: Rates = self.rule.get_lr(self)
        for group, momentum in zip(self.groups, self.rule.momenta(self) or ()):
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum
        return found

    # what the library's schedules ask of their own

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The groups of the optimizer."""
        found: list[dict[str, Any]] = self.optimizer.param_groups
        return found

    def rates(self) -> Rates:
        """The current rates of the groups."""
        return [float(lr) if isinstance(lr, Tensor) else lr for lr in (group["lr"] for group in self.groups)]

    @property
    def _initial(self) -> bool:
        return self._is_initial

    @property
    def steps(self) -> int:
        """The number of steps, without the first."""
        return self._step_count - 1

    def _for_groups(self, name: str, value: Any, least: float = 0.0, most: float = 0.0) -> list[Any]:
        return for_groups(name, self.optimizer, value)


def functions_state(functions: list[Any]) -> list[Any]:
    """Functions in a state: None, or the attributes of an object that can be called."""
    return [None if isinstance(f, types.FunctionType) else dict(vars(f)) for f in functions]
