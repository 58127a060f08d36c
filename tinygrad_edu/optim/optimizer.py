"""Optimizer: the base of all rules, with groups, checks, state, and a step that needs little extra memory.

A rule states its mathematics once, in `formula`, with operators. On the cpu the formula is compiled into a
program that writes in place (`backend.in_place`), so that a large parameter passes through main memory once
per step and not once per operation. A device that has a kernel for the rule, `kernel`, updates all parameters
of a group with it, and a test compares the kernel with the formula. A device without one computes the formula
in ops.
"""

from __future__ import annotations

import math
import operator
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.optim import saving
from tinygrad_edu.optim.rule import SCHEDULED, Numbers
from tinygrad_edu.optim.rule import Group as Group
from tinygrad_edu.optim.slot import Slot
from tinygrad_edu.optim.updating import Batch, Updating
from tinygrad_edu.scalars import plain
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.words import explaining, unknown_attribute
from tinygrad_edu.words.calls import explain_methods

_parameter = operator.attrgetter("parameter")


def _named(parameter: Any) -> Any:
    """The tensor of a pair (name, tensor), as `model.named_parameters()` gives them; else the parameter."""
    is_pair = isinstance(parameter, tuple) and len(parameter) == 2 and isinstance(parameter[0], str)
    return parameter[1] if is_pair else parameter


class Optimizer(Updating, ABC):
    """The base of SGD, Adam and the rest.

    Parameters
    ----------
    params : iterable of tensors, or of dicts
        The parameters to update; or groups, `{"params": [...], "lr": ...}`, each with its own options.
    options
        The rule's settings, for groups without their own. `param_groups` has the current ones, and changing
        `optimizer.param_groups[0]["lr"]` takes effect at the next step.

    Raises
    ------
    TypeError, ValueError
        No parameters, a tensor instead of a list of tensors, a parameter that is computed or is given twice,
        or a bad setting.
    """

    kernel: ClassVar[str] = ""  # the name of its kernel on devices, such as `sgd_step`
    sometimes: ClassVar[tuple[str, ...]] = ()  # the last of `memory`, which only some settings need
    scalars: ClassVar[
        tuple[str, ...]
    ] = ()  # names of the numbers of each parameter, which `advance` computes
    ahead: ClassVar[bool] = (
        False  # whether `advance` computes the scalars of the next update, not of this one
    )
    structural: ClassVar[tuple[str, ...]] = ()  # integers among the settings whose value a formula may use

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        ours = cls.__module__.startswith(f"{__package__}.")
        if "formula" in vars(cls) and "kernel" not in vars(
            cls
        ):  # an inherited kernel computes another formula
            cls.kernel = f"{cls.__name__.lower()}_step" if ours else ""
        if "__init__" in vars(cls) and ours:
            cls.__init__ = explaining(cls.__init__)  # type: ignore[method-assign]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise unknown_attribute(self, name)

    def __init__(self, params: Any, options: Group) -> None:
        self.defaults = {"maximize": False} | {name: plain(value) for name, value in options.items()}
        self.param_groups: list[Group] = []
        self._slots: list[list[Slot]] = []
        self._checked_settings: list[list[Any]] = []  # the settings of each group at its last check
        self._rules, self._programs = [], []
        title = type(self).__name__
        if isinstance(params, Tensor):
            raise wrong(
                TypeError, title, "params is a single tensor", "pass a list, [tensor], or model.parameters()"
            )
        if hasattr(params, "parameters") or not isinstance(params, Iterable):
            remedy = "pass a list of tensors, or model.parameters()"
            if hasattr(params, "parameters"):
                remedy = "pass model.parameters()"
            elif callable(params):
                remedy = f"call it: {getattr(params, '__name__', 'params')}()"
            raise wrong(TypeError, title, f"params is a {type(params).__name__}", remedy)
        given = list(params)
        if not given:
            raise wrong(
                ValueError,
                title,
                "no parameters to optimise",
                "a generator such as model.parameters() can be read only once, and a model finds those "
                "of its tensors that are nn.Parameter",
            )
        for group in given if isinstance(given[0], Mapping) else [{"params": given}]:
            self.add_param_group(group)

    # -- what a rule defines ---------------------------------------------------------------------------------

    def check(self, group: Group) -> None:
        """Raise ValueError for settings that the rule does not allow. NumPy's numbers become Python's.

        Every rule has `lr` and `maximize`: with True it steps up the gradient. Most have `weight_decay`.
        """
        rates = ("lr", "weight_decay", *SCHEDULED)
        self._at_least_zero(group, *(name for name in rates if name in group))
        self._true_or_false(group, "maximize")

    def check_parameter(self, i: int, parameter: Tensor) -> None:
        """Raise ValueError for a parameter that the rule cannot update; `i` is its index in the group."""

    def check_together(self, group: Group) -> None:
        """Raise ValueError for settings that a new group cannot have together.

        A group whose settings were changed to these one by one works, and its saved state is loaded.
        """

    @abstractmethod
    def numbers(self, group: Group, step: int) -> Numbers:
        """The constants of the `step`-th update (from 1)."""

    @abstractmethod
    def formula(self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers,
                group: Group) -> tuple[Any, ...]:  # fmt: skip
        """(new p, *new state), by operators and elementwise functions: the definition.

        It is called with tensors, arrays and symbols. It computes with `numbers`; a setting in `group` it may
        only compare with True or 0.
        """

    def flag(self, group: Group) -> int:
        """The variant of the rule, which a kernel gets beside its numbers: the sum of some of 1 and 2."""
        return 0

    def memory(self, group: Group) -> tuple[str, ...]:
        """The names, as in PyTorch, of the arrays in the state of each parameter."""
        return ()

    def start(self, group: Group) -> Numbers:
        """The numbers that fill those arrays before the first update."""
        return (0.0,) * len(self.memory(group))

    def advance(self, group: Group, step: int, scalars: Numbers) -> Numbers:
        """The `scalars` of a parameter at its `step`-th update, from the last ones; () before the first.

        `numbers` gets them as further arguments; if the rule is `ahead`, those of the update before, and none
        at the first.
        """
        return scalars

    def advanced(self, slot: Slot, group: Group) -> Numbers:
        """The scalars for the next update of a parameter, whose `step` counts it already."""
        last = slot.scalars
        slot.scalars = self.advance(group, slot.step, last)
        return last if self.ahead else slot.scalars

    def _at_least_zero(self, group: Group, *names: str) -> None:
        for name in names:
            group[name] = self._number(name, group[name], math.inf, "be a finite number >= 0")

    def _true_or_false(self, group: Group, *names: str) -> None:
        for name in names:
            if not isinstance(group[name], bool | np.bool_):
                raise wrong(
                    ValueError, type(self).__name__, f"{name}={group[name]!r:.60} must be True or False"
                )
            group[name] = bool(group[name])

    def _pair(self, group: Group, name: str) -> tuple[Any, Any]:
        """The setting `name`, as a pair."""
        pair = group[name]
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise wrong(ValueError, type(self).__name__, f"{name}={pair!r:.60} must be two numbers")
        return pair[0], pair[1]

    def _check_betas(self, group: Group) -> None:
        """Raise ValueError unless `betas` are two numbers in [0, 1)."""
        pair = self._pair(group, "betas")
        group["betas"] = tuple(self._fraction(f"betas[{i}]", beta) for i, beta in enumerate(pair))

    def _fraction(self, name: str, value: Any) -> float:
        return self._number(name, value, 1.0, "lie in [0, 1)")

    def _number(self, name: str, value: Any, end: float, words: str) -> float:
        """`value` as a Python number, at least 0 and below `end`."""
        number = value.item() if isinstance(value, np.generic) else value
        real = isinstance(number, int | float) and not isinstance(number, bool)
        if not real or not 0.0 <= number < end or number > sys.float_info.max:
            raise wrong(ValueError, type(self).__name__, f"{name}={value!r} must {words}")
        return number

    # -- parameters ------------------------------------------------------------------------------------------

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add parameters, with their own settings where `group` has some."""
        title = type(self).__name__
        params = group.get("params", ())
        params = [params] if isinstance(params, Tensor) else [_named(p) for p in params]
        given = {name: plain(value) for name, value in group.items() if name != "params"}
        full: Group = {**self.defaults, **given, "params": params}
        unknown = set(full) - set(self.defaults) - {"params", *SCHEDULED}
        if unknown or "params" not in group:
            raise wrong(
                ValueError,
                title,
                f"a group has 'params' and any of {sorted(self.defaults)}, not {sorted(group)}",
            )
        if not params:
            raise wrong(ValueError, title, "a group without parameters")
        known = {id(slot.parameter) for slots in self._slots for slot in slots}
        for i, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise wrong(TypeError, title, f"parameter {i} is a {type(p).__name__}, not a tensor")
            if not p.is_leaf:
                made = p.node.name if p.node is not None else "an op"
                raise wrong(
                    ValueError,
                    title,
                    f"parameter {i}, of shape {p.shape}, is the result of {made}",
                    "optimise the leaf it was computed from, or x.detach().requires_grad_()",
                )
            if id(p) in known:
                raise wrong(
                    ValueError, title, f"parameter {i}, of shape {p.shape}, comes twice", "name it once"
                )
            self.check_parameter(i, p)
            known.add(id(p))
        self.check(full)
        self.check_together(full)
        self.param_groups.append(full)
        self._slots.append([Slot(p) for p in params])
        self._checked_settings.append([])
        self._rules.append(None)
        self._programs.append({})

    def _check_groups(self) -> None:
        """Raise ValueError if the parameters in `param_groups` were changed; these have no state."""
        title = type(self).__name__
        if len(self.param_groups) != len(self._slots):
            problem = f"param_groups has {len(self.param_groups)} groups, {len(self._slots)} were added"
            remedy = "add one by add_param_group(), and to leave one out make a new optimizer"
            raise wrong(ValueError, title, problem, remedy)
        for i, (group, slots) in enumerate(zip(self.param_groups, self._slots, strict=True)):
            params = group["params"]
            if len(params) != len(slots) or not all(map(operator.is_, params, map(_parameter, slots))):
                problem = f"the parameters of group {i} are not those that were added"
                remedy = "add others by add_param_group(), and to leave some out make a new optimizer"
                raise wrong(ValueError, title, problem, remedy)
            self._check_settings(i, group)

    def _check_settings(self, i: int, group: Group) -> None:
        """Check the settings of a group that the user or a schedule has changed since the last check."""
        now = [value for name, value in group.items() if name != "params"]
        try:
            if now == self._checked_settings[i]:
                return
        except ValueError:  # an array cannot be a setting
            pass
        if unknown := set(group) - set(self.defaults) - {"params", *SCHEDULED}:
            problem = f"a group has no setting {sorted(unknown)[0]!r}"
            raise wrong(ValueError, type(self).__name__, problem, f"it has {sorted(self.defaults)}")
        self.check(group)
        self._checked_settings[i] = [value for name, value in group.items() if name != "params"]
        self._rules[i] = None

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Remove gradients, of frozen parameters too, or with `set_to_none=False` fill them with zeros."""
        self._check_groups()
        for slots in self._slots:
            for slot in slots:
                node = slot.node
                if node is not None and node.grad is not None:
                    if set_to_none:
                        node.grad = None
                    else:
                        node.grad.detach().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place. Returns the result of `closure`, if given."""
        loss = None if closure is None else closure()
        self._check_groups()
        for i, (group, slots) in enumerate(zip(self.param_groups, self._slots, strict=True)):
            state_count = len(self.memory(group))
            batches: dict[Any, Batch] = {}  # (backend, dtype, step) -> parameters to update together
            batch: Batch = []
            last: Any = None
            for slot in slots:
                parameter = slot.parameter
                if parameter.node is None or (grad := parameter.node.grad) is None:
                    continue
                storage = parameter.storage
                array = storage.array
                if array is not slot.array or len(slot.state) < state_count:
                    slot.prepare(self.start(group))
                slot.step = step = slot.step + 1
                key: tuple[Any, ...] = (storage.backend, array.dtype, step)
                if self.scalars:
                    key += self.advanced(slot, group)
                if key != last:
                    batch, last = batches.setdefault(key, []), key
                batch.append((slot, grad.storage.array))
            for (backend, _, *count), batch in batches.items():
                self._update(i, group, backend, batch, self.numbers(group, *count))
        return loss

    def __getstate__(self) -> dict[str, Any]:
        """For copy and pickle: rules and programs are left out, and made again when they are needed."""
        groups = range(len(self.param_groups))
        return {**self.__dict__, "_rules": [None for _ in groups], "_programs": [{} for _ in groups]}

    # -- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """`{"state": {i: {"step": ..., name: array copy}}, "param_groups": [{..., "params": [i, ...]}]}`."""
        self._check_groups()
        return saving.state_of(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`. Raises ValueError if it does not fit; then nothing is changed."""
        for install in self._plan(state):
            install()

    def _plan(self, state: Mapping[str, Any]) -> list[Callable[[], None]]:
        """The steps of `load_state_dict`, as functions that cannot fail: all checks have been made."""
        return saving.plan(self, state)

    def _state_names(self, group: Group) -> tuple[str, ...]:
        """The names of all arrays that the state may have, even if a setting has switched one off since."""
        return (*(name for name in self.memory(group) if name not in self.sometimes), *self.sometimes)

    def __repr__(self) -> str:
        said = [", ".join(f"{k}={g[k]}" for k in self.defaults) for g in self.param_groups]
        lines = [f"  {len(g['params'])} tensors, {s}" for g, s in zip(self.param_groups, said, strict=True)]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


explain_methods(Optimizer, only=("add_param_group", "zero_grad", "step", "state_dict", "load_state_dict"))
