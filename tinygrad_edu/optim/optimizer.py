"""Optimizer: what every rule shares: groups, checks, state, and a step without parameter-sized temporaries.

A rule gives its mathematics twice. `formula` is the definition, in operators, and runs on any device;
`update` is the same in place, on NumPy blocks small enough to stay in the second-level cache, so that a large
parameter goes through main memory once per step and not once per operation. A test holds the two together.
Constants travel as 0-d arrays, which NumPy takes in half the time of a Python float. A device that has a
kernel for the rule, `kernel`, updates all parameters of a group with it.
"""
from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import user_line
from tinygrad_edu.optim.slot import Scratch, Slot
from tinygrad_edu.tensor import NumpyArray, Tensor

Group = dict[str, Any]
Numbers = tuple[float, ...]     # the constants of one update
Arrays = Sequence[NumpyArray]


class Step(NamedTuple):
    """What a backend needs to know of a rule that it has a kernel for."""
    name: str
    numpy: Any = None


class Optimizer(ABC):
    """The base of SGD, Adam and the rest.

    Parameters
    ----------
    params : iterable of tensors, or of dicts
        What to change; or groups, `{"params": [...], "lr": ...}`, each with options of its own.
    options
        The rule's settings, for groups that do not say otherwise. `param_groups` holds those in force, and
        changing `optimizer.param_groups[0]["lr"]` takes effect at the next step.

    Raises
    ------
    TypeError, ValueError
        No parameters, a tensor instead of a list of them, one computed or coming twice, a bad setting.
    """
    kernel: ClassVar[str] = ""      # of devices, "" where there is none; it takes `numbers` and `flag`

    def __init__(self, params: Any, options: Group) -> None:
        self.defaults = dict(options)
        self.param_groups: list[Group] = []
        self._slots: list[list[Slot]] = []
        self._scratch: dict[np.dtype[Any], Scratch] = {}
        self._cells: dict[np.dtype[Any], list[NumpyArray]] = {}
        title = type(self).__name__
        if isinstance(params, Tensor):
            raise TypeError(f"{title}: params is a single tensor (at {user_line()}); pass a list, [tensor], "
                            "or model.parameters()")
        if hasattr(params, "parameters") or not isinstance(params, Iterable):
            remedy = ("pass model.parameters()" if hasattr(params, "parameters") else
                      f"call it: {getattr(params, '__name__', 'params')}()" if callable(params) else
                      "pass a list of tensors, or model.parameters()")
            raise TypeError(f"{title}: params is a {type(params).__name__} (at {user_line()}); {remedy}")
        given = list(params)
        if not given:
            raise ValueError(f"{title}: no parameters to optimise (at {user_line()}); a generator such as "
                             "model.parameters() can be read only once")
        for group in given if isinstance(given[0], Mapping) else [{"params": given}]:
            self.add_param_group(group)

    # -- what a rule says ------------------------------------------------------------------------------------

    def check(self, group: Group) -> None:
        """Raise ValueError for settings the rule does not have. Every rule has `lr` and `weight_decay`."""
        self._at_least_zero(group, "lr", "weight_decay")

    @abstractmethod
    def numbers(self, group: Group, step: int) -> Numbers:
        """The constants of the `step`-th update (from 1), for both `formula` and `update`."""

    @abstractmethod
    def formula(self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers,
                group: Group) -> tuple[Any, ...]:
        """(new p, *new state), by operators: the definition."""

    @abstractmethod
    def update(self, p: NumpyArray, g: NumpyArray, state: Arrays, scratch: Arrays, numbers: Arrays,
               group: Group) -> None:
        """The same in place; `g` stays as it is, two scratch arrays of p's shape may be overwritten."""

    def flag(self, group: Group) -> bool:
        """The variant of the rule that a kernel is told of beside its numbers."""
        return False

    def memory(self, group: Group) -> tuple[str, ...]:
        """The names, PyTorch's, of the arrays that are remembered of each parameter."""
        return ()

    def start(self, group: Group) -> Numbers:
        """What those arrays are filled with before the first update."""
        return (0.0,) * len(self.memory(group))

    def _at_least_zero(self, group: Group, *names: str) -> None:
        for name in names:
            value = group[name]
            if not isinstance(value, int | float) or not 0.0 <= value < math.inf:
                raise ValueError(f"{type(self).__name__}: {name}={value!r} must be a finite number >= 0")

    def _fraction(self, name: str, value: Any) -> None:
        if not isinstance(value, int | float) or not 0.0 <= value < 1.0:
            raise ValueError(f"{type(self).__name__}: {name}={value!r} must lie in [0, 1)")

    # -- parameters ------------------------------------------------------------------------------------------

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """More parameters, with settings of their own where `group` names some."""
        title = type(self).__name__
        params = group.get("params", ())
        params = [params] if isinstance(params, Tensor) else list(params)
        full: Group = {**self.defaults, **group, "params": params}
        unknown = set(full) - set(self.defaults) - {"params"}
        if unknown or "params" not in group:
            raise ValueError(f"{title}: a group has 'params' and any of {sorted(self.defaults)}, "
                             f"not {sorted(group)}")
        if not params:
            raise ValueError(f"{title}: a group without parameters (at {user_line()})")
        known = {id(slot.parameter) for slots in self._slots for slot in slots}
        for i, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise TypeError(f"{title}: parameter {i} is a {type(p).__name__}, not a tensor")
            if not p.is_leaf:
                made = p.node.name if p.node is not None else "an op"
                raise ValueError(f"{title}: parameter {i}, of shape {p.shape}, is the result of {made}; "
                                 "optimise the leaf it was computed from, or x.detach().requires_grad_()")
            if id(p) in known:
                raise ValueError(f"{title}: parameter {i}, of shape {p.shape}, comes twice; name it once")
            known.add(id(p))
        self.check(full)
        self.param_groups.append(full)
        self._slots.append([Slot(p) for p in params])

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or with `set_to_none=False` fill those that exist with zeros."""
        for slots in self._slots:
            for slot in slots:
                node = slot.parameter.node
                if node is not None and node.grad is not None:
                    if set_to_none:
                        node.grad = None
                    else:
                        node.grad.detach().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place. Returns what `closure` did, if given."""
        loss = None if closure is None else closure()
        for group, slots in zip(self.param_groups, self._slots, strict=True):
            cells: list[NumpyArray] = []
            at: tuple[int, Any] = (-1, None)
            remembered = len(self.memory(group))
            elsewhere: dict[Any, list[tuple[Any, ...]]] = {}        # (backend, dtype, step) -> arrays of each
            for slot in slots:
                parameter = slot.parameter
                if parameter.node is None or (grad := parameter.node.grad) is None:
                    continue
                storage = parameter.storage
                array = storage.array
                if array is not slot.array or len(slot.state) < remembered:
                    slot.prepare(self.start(group), self._scratch)
                slot.step = step = slot.step + 1
                if not storage.backend.arithmetic:
                    if self.kernel in getattr(storage.backend, "steps", ()) and array.contiguous:
                        elsewhere.setdefault((storage.backend, array.dtype, step), []).append(
                            (array, grad.storage.array, *(s.array for s in slot.state[:remembered])))
                    else:
                        self._step_elsewhere(slot, grad, group)
                else:
                    if at != (step, array.dtype):
                        at = (step, array.dtype)
                        cells = self._fill(self.numbers(group, step), array.dtype)
                    g = grad.storage.array
                    blocks = slot.blocks
                    if len(blocks) == 1:
                        p, state, scratch = blocks[0]
                        self.update(p, g, state, scratch, cells, group)
                    else:
                        g, start = g.reshape(-1), 0
                        for p, state, scratch in blocks:
                            stop = start + p.size
                            self.update(p, g[start:stop], state, scratch, cells, group)
                            start = stop
                writes = storage.writes
                writes.count += 1
                writes.where = "optimizer step"
            for (backend, _, step), tensors in elsewhere.items():
                backend.fused(Step(self.kernel), [a for arrays in tensors for a in arrays],
                              {"each": len(tensors[0]), "numbers": self.numbers(group, step),
                               "flag": self.flag(group)})
        return loss

    def _fill(self, numbers: Numbers, dtype: np.dtype[Any]) -> list[NumpyArray]:
        cells = self._cells.get(dtype)
        if cells is None:
            cells = self._cells[dtype] = [np.zeros((), dtype) for _ in numbers]
        for cell, number in zip(cells, numbers, strict=True):
            cell.fill(number)
        return cells

    def _step_elsewhere(self, slot: Slot, grad: Tensor, group: Group) -> None:
        """The formula, in ops, on a device whose arrays have no operators."""
        storage = slot.parameter.storage
        with no_grad():
            state = tuple(Tensor(s) for s in slot.state)
            new = self.formula(Tensor(storage), grad.detach(), state, self.numbers(group, slot.step), group)
        for old, fresh in zip((storage, *slot.state), new, strict=True):
            if fresh.storage is not old:
                storage.backend.copy(fresh.storage.array, out=old.array)

    # -- its state -------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """`{"state": {i: {"step": ..., name: array copy}}, "param_groups": [{..., "params": [i, ...]}]}`."""
        groups, state, count = [], {}, 0
        for group, slots in zip(self.param_groups, self._slots, strict=True):
            numbers = list(range(count, count + len(slots)))
            count += len(slots)
            groups.append({**group, "params": numbers})
            for i, slot in zip(numbers, slots, strict=True):
                if slot.step:
                    arrays = [np.array(s, order="C") for s in slot.host()]
                    state[i] = {"step": slot.step, **dict(zip(self.memory(group), arrays, strict=False))}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken. Raises ValueError saying what does not fit; then nothing changed."""
        for install in self._plan(state):
            install()

    def _plan(self, state: Mapping[str, Any]) -> list[Callable[[], None]]:
        """What `load_state_dict` will do, step by step; all that can fail has been tried."""
        title = type(self).__name__
        try:
            groups, rows = list(state["param_groups"]), {int(i): dict(s) for i, s in state["state"].items()}
            sizes = [len(g["params"]) for g in groups]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ValueError(f"{title}.load_state_dict: no optimizer's state; nothing was loaded") from None
        if sizes != [len(slots) for slots in self._slots]:
            raise ValueError(f"{title}.load_state_dict: the state has groups of {sizes} parameters, this "
                             f"optimizer of {[len(s) for s in self._slots]}; nothing was loaded")
        installs: list[Callable[[], None]] = []
        for group, slots, saved in zip(self.param_groups, self._slots, groups, strict=True):
            fresh = {**group, **{k: v for k, v in saved.items() if k in self.defaults}}
            for k, v in fresh.items():
                if isinstance(self.defaults.get(k), tuple) and isinstance(v, list):
                    fresh[k] = tuple(v)
            self.check(fresh)
            installs.append(lambda group=group, fresh=fresh: group.update(fresh))  # type: ignore[misc]
            for slot, i in zip(slots, saved["params"], strict=True):
                try:
                    installs.append(slot.restoring(rows.get(int(i)), self.memory(fresh)))
                except ValueError as error:
                    raise ValueError(f"{title}.load_state_dict: nothing was loaded; of parameter {i}, "
                                     f"{error}") from None
        return installs

    def __repr__(self) -> str:
        lines = [f"  {len(g['params'])} tensors, " + ", ".join(f"{k}={g[k]}" for k in self.defaults)
                 for g in self.param_groups]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


def gradients(parameters: Iterable[Tensor] | Tensor) -> list[Tensor]:
    """The gradients there are, of one tensor or several."""
    several = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in several if p.grad is not None]


