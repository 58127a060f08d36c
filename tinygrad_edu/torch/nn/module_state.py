"""The part of a Module that saves its state and loads one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import bare
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.nn.parameter import Parameter, is_lazy, of_same_kind, trained

EXTRA = "_extra_state"


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


class _IncompatibleKeys(_Keys):
    """The keys that the module has and the state has not, and those that only the state has."""

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class State:
    """What a Module has for its state."""

    _state_hooks: Any
    _version: int

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """Parameters and buffers by name, detached unless `keep_vars`; they share the module's memory."""
        if args:
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            destination = given.get("destination", destination)
            prefix, keep_vars = given.get("prefix", prefix), given.get("keep_vars", keep_vars)
        this: Any = self
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local
        for hook in self._hooks_of("state_pre"):
            hook(self, prefix, keep_vars)
        this._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in this._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._hooks_of("state"):
            answer = hook(self, destination, prefix, local)
            destination = destination if answer is None else answer
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, x in self._own():
            destination[prefix + name] = x if keep_vars else x.detach()
        if type(self).get_extra_state is not State.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def _own(self) -> Iterator[tuple[str, Tensor]]:
        this: Any = self
        for name, x in this._parameters.items():
            if x is not None:
                yield name, x
        for name, x in this._buffers.items():
            if x is not None and name not in this._non_persistent_buffers_set:
                yield name, x

    def _hooks_of(self, kind: str) -> list[Any]:
        return [hook.function for hook in self._state_hooks.values() if hook.kind == kind]

    def get_extra_state(self) -> Any:
        """What a subclass saves beside its tensors."""
        raise wrong(RuntimeError, type(self).__name__, "Reached a code path in Module.get_extra_state() that "
                    "should never be called.")  # fmt: skip

    def set_extra_state(self, state: Any) -> None:
        """Take what `get_extra_state` saved."""
        raise wrong(RuntimeError, type(self).__name__, "Reached a code path in Module.set_extra_state() that "
                    "should never be called.")  # fmt: skip

    # -- loading ---------------------------------------------------------------------------------------------

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """Overwrite parameters and buffers with those of the same names; with `assign` take their place.

        Returns the missing and the unexpected keys. Raises RuntimeError that lists them, if `strict`, and all
        shapes that do not fit.
        """
        if not isinstance(state_dict, Mapping):
            raise wrong(TypeError, "load_state_dict", "Expected state_dict to be dict-like, got "
                        f"{type(state_dict)}.")  # fmt: skip
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        state = OrderedDict(state_dict)

        def load(module: Any, local_state: Any, prefix: str = "") -> None:
            local = {} if metadata is None else metadata.get(prefix[:-1], {})
            if assign:
                local = {**local, "assign_to_params_buffers": True}
            module._load_from_state_dict(local_state, prefix, local, True, missing, unexpected, errors)
            for name, child in module._modules.items():
                if child is not None:
                    start = f"{prefix}{name}."
                    load(child, {k: v for k, v in local_state.items() if k.startswith(start)}, start)
            keys = _IncompatibleKeys(missing, unexpected)
            for hook in module._hooks_of("load"):
                hook(module, keys)

        load(self, state)
        if strict:
            for what, names in (("Unexpected", unexpected), ("Missing", missing)):
                if names:
                    listed = ", ".join(f'"{name}"' for name in names)
                    errors.insert(0, f"{what} key(s) in state_dict: {listed}. ")
        if errors:
            text = "\n\t".join(errors)
            name = type(self).__name__
            raise wrong(RuntimeError, name, f"Error(s) in loading state_dict for {name}:\n\t{text}",
                        "" if missing == [] and unexpected == [] else "strict=False loads what does match",
                        )  # fmt: skip
        return _IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: list[str],
        unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        this: Any = self
        for hook in self._hooks_of("load_pre"):
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = dict(self._own())
        for name, x in own.items():
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
                continue
            problem = self._load_one(name, x, state_dict[key], key, assign)
            if problem:
                error_msgs.append(problem)
        extra = prefix + EXTRA
        keeps_extra = type(self).set_extra_state is not State.set_extra_state
        if keeps_extra and extra in state_dict:
            self.set_extra_state(state_dict[extra])
        elif keeps_extra and strict:
            missing_keys.append(extra)
        elif extra in state_dict and strict:
            unexpected_keys.append(extra)
        if strict:
            for key in state_dict:
                name = key[len(prefix) :].partition(".")
                if key.startswith(prefix) and key != extra and (
                    name[0] not in this._modules if name[1] else name[0] not in own
                ):  # fmt: skip
                    unexpected_keys.append(key)

    def _load_one(self, name: str, x: Tensor, given: Any, key: str, assign: bool) -> str:
        """Load one tensor. Returns what is wrong with it, or nothing."""
        if not isinstance(given, Tensor):
            return (
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object '
                f"from checkpoint but received {type(given)}"
            )
        if is_lazy(x):
            x.materialize(given.shape)
        if x.shape == (1,) and not given.shape:  # a number in a state of long ago
            given = given[None]
        if given.shape != x.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the "
                f"shape in current model is {x.shape}."
            )
        if assign:
            if isinstance(x, Parameter) and not isinstance(given, Parameter):
                given = of_same_kind(x, trained(bare(given).detach(), x.requires_grad))
            setattr(self, name, given)
        else:
            with no_grad():
                views.write(x, bare(given).detach(), "load_state_dict")
        return ""
