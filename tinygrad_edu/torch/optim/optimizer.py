"""torch.optim.Optimizer: groups of parameters, their state, hooks, and the state as PyTorch saves it.

It computes nothing. A program's own optimizer defines `step`; those of this folder compute by the library's
rules (`ruled.py`).
"""

from __future__ import annotations

import functools
import itertools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import faced
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.functions.conversions import moved

Group = dict[str, Any]


class _Required:
    """The default of a setting that every group must give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


class Removable:
    """What `register_..._hook` returns: `remove()` takes the hook back."""

    counts = itertools.count()

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.hooks, self.id = hooks, next(self.counts)

    def remove(self) -> None:
        self.hooks.pop(self.id, None)

    def __enter__(self) -> Removable:
        return self

    def __exit__(self, *error: Any) -> None:
        self.remove()


class Optimizer:
    """The base of all optimizers, and of a program's own.

    params    tensors, or dicts of groups, `{"params": [...], "lr": ...}`, or pairs (name, tensor)
    defaults  the settings of groups that do not give them

    `param_groups` is a list of dicts whose settings may be changed at any time; `state[p]` is a dict of what
    the optimizer keeps for a parameter.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = _hooked(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._without_hooks()
        if isinstance(params, Tensor):
            raise wrong(
                TypeError,
                "Optimizer",
                "params argument given to the optimizer should be an iterable of "
                "Tensors or dicts, but got a Tensor",
                "pass [tensor], or model.parameters()",
            )
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[Group] = []
        given = list(params)
        if not given:
            raise wrong(
                ValueError,
                "Optimizer",
                "optimizer got an empty parameter list",
                "a generator such as model.parameters() can be read only once",
            )
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def _without_hooks(self) -> None:
        kinds = ("step_pre", "step_post", "state_dict_pre", "state_dict_post", "load_pre", "load_post")
        self._hooks: dict[str, OrderedDict[int, Any]] = {kind: OrderedDict() for kind in kinds}
        self._is_stepping = self._opt_called = False

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_hooks" not in self.__dict__:
            self._without_hooks()
        self.__dict__.setdefault("defaults", {})

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
        return text + ")"

    # -- steps -----------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters. A subclass defines it."""
        raise wrong(
            RuntimeError, "Optimizer.step", f"{type(self).__name__} has no step", "define step(self, closure)"
        )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Remove all gradients, or with `set_to_none=False` fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                node = p.inner.node
                if node is None:
                    if p.grad is not None:
                        p.grad = None if set_to_none else faced(te.zeros_like(p.grad.inner))
                elif set_to_none:
                    node.grad = None
                elif node.grad is not None:
                    node.grad = node.grad.detach()
                    with te.no_grad():
                        node.grad.zero_()

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return other args and kwargs."""
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Removable:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer)` before each `state_dict()`."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer, state_dict)` after each `state_dict()`; it may return another one."""
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """Call `hook(optimizer, state_dict)` before a state is loaded; it may return another one."""
        return self._register("load_pre", hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Removable:
        """Call `hook(optimizer)` after a state was loaded."""
        return self._register("load_post", hook, prepend)

    def _register(self, kind: str, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        handle = Removable(self._hooks[kind])
        self._hooks[kind][handle.id] = hook
        if prepend:
            self._hooks[kind].move_to_end(handle.id, last=False)
        return handle

    # -- parameters ------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters, with their own settings where the group has some.

        Raises TypeError for what is no tensor, ValueError for a tensor that is computed, or that another
        group has.
        """
        title = "add_param_group"
        if not isinstance(param_group, dict):
            raise wrong(TypeError, title, f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise wrong(
                TypeError,
                title,
                "optimizer parameters need to be organized in ordered collections, but "
                "the ordering of tensors in sets will change between runs.",
                "use a list",
            )
        params = [params] if isinstance(params, Tensor) else list(params)
        _split_names(param_group, params)
        for p in param_group["params"]:
            if not isinstance(p, Tensor):
                raise wrong(
                    TypeError,
                    title,
                    f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}",
                )
            if not (self.defaults.get("differentiable") or p.is_leaf or p.retains_grad):
                raise wrong(
                    ValueError,
                    title,
                    "can't optimize a non-leaf Tensor",
                    "optimize the leaf it was computed from, or x.detach().requires_grad_()",
                )
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise wrong(
                    ValueError,
                    title,
                    f"parameter group didn't specify a value of required optimization parameter {name}",
                )
            param_group.setdefault(name, default)
        found = [id(p) for p in param_group["params"]]
        if len(found) != len(set(found)):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will "
                "cause an error",
                stacklevel=3,
            )
        if set(found) & {id(p) for group in self.param_groups for p in group["params"]}:
            raise wrong(ValueError, title, "some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    # -- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """`{"state": {i: {...}}, "param_groups": [{..., "params": [i, ...]}]}`: the tensors themselves."""
        for hook in self._hooks["state_dict_pre"].values():
            hook(self)
        index: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                index.setdefault(id(p), len(index))
            packed = {key: value for key, value in group.items() if key != "params"}
            groups.append(packed | {"params": [index[id(p)] for p in group["params"]]})
        state = {index[id(k)] if isinstance(k, Tensor) else k: row for k, row in self.state.items()}
        found: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in self._hooks["state_dict_post"].values():
            found = hook(self, found) or found
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from a state. Raises ValueError for one with other groups; then nothing is changed."""
        given = dict(state_dict)
        for hook in self._hooks["load_pre"].values():
            given = hook(self, given) or given
        saved = deepcopy(given["param_groups"])
        title = "load_state_dict"
        if len(saved) != len(self.param_groups):
            raise wrong(ValueError, title, "loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(self.param_groups, saved, strict=True)):
            raise wrong(
                ValueError,
                title,
                "loaded state dict contains a parameter group that doesn't match the "
                "size of optimizer's group",
            )
        params = itertools.chain.from_iterable(group["params"] for group in self.param_groups)
        by_index = dict(zip(itertools.chain.from_iterable(g["params"] for g in saved), params, strict=True))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in given["state"].items():
            if key in by_index:
                state[by_index[key]] = _placed(by_index[key], value)
            else:
                state[key] = value
        groups = []
        for group, new in zip(self.param_groups, saved, strict=True):
            new["params"] = group["params"]
            if "param_names" in group and "param_names" not in new:
                new["param_names"] = group["param_names"]
            groups.append(new)
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._hooks["load_post"].values():
            hook(self)


def _split_names(param_group: Group, params: list[Any]) -> None:
    """Put parameters, and the names of pairs (name, parameter), into the group."""
    pairs = [p for p in params if isinstance(p, tuple) and len(p) == 2]
    if pairs and len(pairs) != len(params):
        raise wrong(
            ValueError,
            "add_param_group",
            "all optimizer params should be with/without names. Some param names are missing",
        )
    if pairs:
        param_group["param_names"] = [name for name, _ in pairs]
        params = [p for _, p in pairs]
    param_group["params"] = params


def _placed(p: Tensor, value: Any, key: Any = None) -> Any:
    """A loaded part of the state of p, in p's dtype and on its device; the count of steps stays as it is."""
    if isinstance(value, Tensor):
        if key == "step":
            return value
        return moved(value, p.inner.device, p.inner.dtype if p.is_floating_point() else None)
    if isinstance(value, dict):
        return {k: _placed(p, v, k) for k, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Iterator)):
        return type(value)(_placed(p, v) for v in value)  # type: ignore[call-arg]
    return value


def _hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """The method `step`, with the hooks before and after it; one that calls its parent's has them once."""

    @functools.wraps(step)
    def stepped(self: Optimizer, *rest: Any, **named: Any) -> Any:
        if self._is_stepping:
            return step(self, *rest, **named)
        self._is_stepping = True
        args: tuple[Any, ...] = (self, *rest)
        try:
            for hook in self._hooks["step_pre"].values():
                changed = hook(self, args, named)
                if changed is not None:
                    if not (isinstance(changed, tuple) and len(changed) == 2):
                        raise wrong(
                            RuntimeError,
                            "step",
                            "a step_pre_hook must return None or a tuple of "
                            f"(new_args, new_kwargs), but got {changed!r:.60}",
                        )
                    args, named = changed
            result = step(*args, **named)
            for hook in self._hooks["step_post"].values():
                hook(self, args, named)
        finally:
            self._is_stepping = False
        self._opt_called = True
        return result

    return stepped


__getattr__ = missing_from("torch.optim.optimizer")
