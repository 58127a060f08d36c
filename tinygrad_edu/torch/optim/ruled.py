"""Optimizers that compute by a rule of the library, `tinygrad_edu.optim`.

`param_groups` and `state` are PyTorch's, and hold what PyTorch's hold. At each step the rule gets the
settings of a group, and the memory of the parameters and of the tensors in their state, which it changes in
place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import tinygrad_edu as te
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.optim.slot import Slot
from tinygrad_edu.torch.core import dtypes
from tinygrad_edu.torch.core.border import bare, faced
from tinygrad_edu.torch.core.quiet import quietly
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.optim.optimizer import Group, Optimizer

Settings = dict[str, Any]


class Kept:
    """A parameter of a rule: its slot there, and the tensors of its state that the slot's memory is that of.

    names  of the arrays in the state, of numbers, and of both, in PyTorch's order
    """

    __slots__ = ("names", "numbers", "slot", "state", "values")

    def __init__(self, slot: Slot, state: dict[str, Any], names: tuple[str, ...], counts: int) -> None:
        self.slot, self.state, self.names = slot, state, names
        self.values = tuple(state.get(name) for name in names)
        self.numbers = [bare(value).storage.array for value in self.values[:counts]]

    def is_current(self, inner: te.Tensor, state: dict[str, Any], names: tuple[str, ...]) -> bool:
        """Whether neither the parameter's memory nor the tensors of its state were replaced since."""
        slot = self.slot
        return (
            self.state is state
            and self.names == names
            and slot.parameter is inner
            and slot.array is inner.storage.array
            and all(state.get(name) is value for name, value in zip(names, self.values, strict=True))
        )


class Ruled(Optimizer):
    """The base of the optimizers with a rule.

    settings  the names of the group's settings that the rule takes
    counted   whether the state has PyTorch's `step`
    first     the first values of the numbers in the state, from the settings
    """

    rule: ClassVar[Any]
    settings: ClassVar[tuple[str, ...]]
    counted: ClassVar[bool] = True
    first: ClassVar[dict[str, Callable[[Group], float]]] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, default in self.defaults.items():
                group.setdefault(name, default)
        self._forget()

    def _forget(self) -> None:
        self._rules: dict[Any, Any] = {}
        self._kept: dict[Any, Kept] = {}
        self._last: dict[int, Settings] = {}

    def rule_of(self, group: Group) -> Any:
        """The class of the rule for a group."""
        return self.rule

    def hidden(self, settings: Settings) -> tuple[str, ...]:
        """The arrays of the rule that PyTorch's state does not have with these settings."""
        return ()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place. Returns the result of `closure`, if given."""
        loss = None
        if closure is not None:
            with te.enable_grad():
                loss = closure()
        if "_rules" not in self.__dict__:
            self._forget()
        for i, group in enumerate(self.param_groups):
            if group.get("differentiable"):
                raise wrong(
                    RuntimeError,
                    type(self).__name__,
                    "differentiable=True: a step is no part of the graph",
                    "compute the new parameters with tensors, p - lr * grad",
                )
            self._step_group(i, group)
        return loss

    @quietly
    def _step_group(self, i: int, group: Group) -> None:
        kind = self.rule_of(group)
        rule = self._rules.get(kind)
        if rule is None:
            rule = self._rules[kind] = kind.alone()
        settings = {name: _plain(group[name]) for name in self.settings}
        settings.setdefault("maximize", False)
        changed = self._last.get(i) != settings
        batches: dict[Any, Any] = {}
        done = []
        for p in group["params"]:
            inner = p.inner
            node = inner.node
            grad = node.grad if node is not None else bare(p.grad)
            if grad is None:
                continue
            kept = self._kept_of(p, inner, rule, settings)
            slot = kept.slot
            key = self._begin(kept, rule, settings)
            storage = inner.storage
            batch = batches.setdefault((storage.backend, storage.array.dtype, *key), [])
            batch.append((slot, grad.storage.array))
            done.append(kept)
        for (_, _, *count), batch in batches.items():
            rule.update(i, settings, batch, rule.numbers(settings, *count), changed=changed)
            changed = False
        self._last[i] = settings
        for kept in done:
            self._end(kept)

    def _begin(self, kept: Kept, rule: Any, settings: Settings) -> tuple[Any, ...]:
        """Count a step; (step, numbers of the state) that the rule computes with."""
        slot = kept.slot
        if not self.counted:
            slot.step += 1 if slot.step < 2 else 0  # whether it is the first is all that is asked
            return (slot.step,)
        step, *numbers = kept.numbers
        slot.step = int(step) + 1
        if not numbers:
            return (slot.step,)
        slot.scalars = tuple(map(float, numbers))
        return slot.step, *rule.advanced(slot, settings)

    def _end(self, kept: Kept) -> None:
        """Put the counts into the state."""
        if self.counted:
            for array, number in zip(kept.numbers, (kept.slot.step, *kept.slot.scalars), strict=True):
                array[...] = number

    def _kept_of(self, p: Tensor, inner: te.Tensor, rule: Any, settings: Settings) -> Kept:
        arrays = rule.memory(settings)
        hidden = self.hidden(settings)
        counts = ("step", *rule.scalars) if self.counted else ()
        names = counts + tuple(name for name in arrays if name not in hidden)
        state = self.state[p] if names else {}
        kept = self._kept.get(p)
        if kept is None or not kept.is_current(inner, state if names else kept.state, names):
            kept = self._kept[p] = self._adopted(inner, state, names, len(counts), rule, settings)
        return kept

    def _adopted(
        self,
        inner: te.Tensor,
        state: dict[str, Any],
        names: tuple[str, ...],
        counts: int,
        rule: Any,
        settings: Settings,
    ) -> Kept:
        """The parameter with a slot over the memory of the tensors in `state`; what is missing is made."""
        storage = inner.storage
        if not storage.backend.writable(storage.array):
            raise wrong(
                RuntimeError,
                type(self).__name__,
                f"a parameter of shape {tuple(inner.shape)} is a read-only view and cannot be updated",
                "optimize a copy, x.detach().clone()",
            )
        for name in names[:counts]:
            value = state.get(name)
            if not isinstance(value, Tensor) or value.inner.device != "cpu":
                start = 0.0 if name == "step" else self.first[name](settings)
                kind = dtypes.numpy_of(dtypes.get_default_dtype())
                state[name] = faced(te.tensor(start if value is None else float(value), dtype=kind))
        slot = Slot(inner)
        arrays = rule.memory(settings)
        slot.step = 2 if arrays and state.get(arrays[0]) is not None else 0
        memories = []
        for name, start in zip(arrays, rule.start(settings), strict=True):
            made = _fitting(bare(state.get(name)), inner, start)
            if name in names:
                old = state.get(name)
                state[name] = old if old is not None and old.inner is made else faced(made)
            memories.append(made.storage)
        slot.state = tuple(memories)
        slot.array, slot.memories = storage.array, tuple(memory.array for memory in memories)
        return Kept(slot, state, names, counts)


def _fitting(value: te.Tensor | None, like: te.Tensor, start: float) -> te.Tensor:
    """A tensor of the state in the shape, dtype and device of its parameter, dense and writable."""
    if value is None:
        return te.full(like.shape, start, dtype=like.dtype, device=like.device)
    if tuple(value.shape) != tuple(like.shape):
        raise wrong(
            RuntimeError,
            "step",
            f"a tensor of the state has shape {tuple(value.shape)}, its parameter {tuple(like.shape)}",
            "load a state that was saved with this model",
        )
    if value.node is not None:
        value = value.detach()
    if value.dtype != like.dtype or value.device != like.device:
        value = value.to(like.device).cast(like.dtype)
    flags = getattr(value.storage.array, "flags", None)
    if getattr(flags, "c_contiguous", True) and value.storage.backend.writable(value.storage.array):
        return value
    return value.clone()


def _plain(value: Any) -> Any:
    """A setting as Python's number; a rate may be a tensor."""
    if isinstance(value, Value):
        return float(bare(value).item())
    if type(value) in (tuple, list):
        return tuple(map(_plain, value))
    return value


def check_numbers(**numbers: Any) -> None:
    """ValueError for a setting that is below 0, or no number; tensors of one number are numbers."""
    for name, value in numbers.items():
        if isinstance(value, Value) and bare(value).size != 1:
            raise wrong(ValueError, name, f"Tensor {name} must be 1-element")
        if not _plain(value) >= 0.0:
            raise wrong(ValueError, name, f"Invalid {name} value: {value}", "it must be at least 0")


def check_betas(betas: Any) -> None:
    """ValueError unless both are in [0, 1)."""
    for i, beta in enumerate(betas):
        if not 0.0 <= _plain(beta) < 1.0:
            raise wrong(
                ValueError, "betas", f"Invalid beta parameter at index {i}: {beta}", "it must be in [0, 1)"
            )


def check_fused(fused: bool | None, foreach: bool | None, differentiable: bool = False) -> None:
    """RuntimeError for ways of computing that exclude each other; here all are the same."""
    if fused and differentiable:
        raise wrong(RuntimeError, "fused", "`fused` does not support `differentiable`")
    if fused and foreach:
        raise wrong(RuntimeError, "fused", "`fused` and `foreach` cannot be `True` together.")
