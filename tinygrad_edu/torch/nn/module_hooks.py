"""Hooks of modules: functions that are called before and after a forward, and in the backward pass.

All hooks of a module are in one dict, in the order in which they are called. Those of the backward pass are
called by the library's: the module's forward is given to it as one about the library's tensors.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tinygrad_edu.engine.hooks import RemovableHook
from tinygrad_edu.errors import wrong
from tinygrad_edu.nn import module_hooks as of_library
from tinygrad_edu.torch.core.border import bare, wrapped

PRE, FORWARD, BACKWARD_PRE, BACKWARD = "forward_pre", "forward", "full_backward_pre", "full_backward"


class Hook(NamedTuple):
    """A function, when it is called, and what with."""

    kind: str
    function: Any
    with_kwargs: bool = False
    always_call: bool = False


for_all: OrderedDict[int, Hook] = OrderedDict()  # hooks of every module


class RemovableHandle(RemovableHook):
    """What registering a hook returns: `remove()` removes it, and so does the end of a `with` block."""

    @property
    def id(self) -> int:
        return self._key

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: Any) -> None:
        self.remove()


def add(hooks: Any, hook: Any, prepend: bool = False) -> RemovableHandle:
    """Add a hook, at the end or before all others."""
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def call(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`module.forward(*args, **kwargs)` between the hooks of all modules and its own."""
    hooks = (*for_all.values(), *module._hooks.values())
    for hook in _of(hooks, PRE):
        answer = hook.function(module, args, kwargs) if hook.with_kwargs else hook.function(module, args)
        if answer is not None and hook.with_kwargs:
            if not (isinstance(answer, tuple) and len(answer) == 2):
                raise wrong(
                    RuntimeError, "a forward pre-hook", "forward pre-hook must return None or a tuple of "
                    f"(new_args, new_kwargs), but got {answer!r:.60}.",
                )  # fmt: skip
            args, kwargs = answer
        elif answer is not None:
            args = answer if isinstance(answer, tuple) else (answer,)
    called: set[int] = set()
    try:
        out = _between_gradients(module, hooks, args, kwargs)
        for hook in _of(hooks, FORWARD):
            called.add(id(hook))
            answer = _after(module, hook, args, kwargs, out)
            out = out if answer is None else answer
    except Exception:
        for hook in _of(hooks, FORWARD):
            if hook.always_call and id(hook) not in called:
                _after(module, hook, args, kwargs, None)
        raise
    return out


def _of(hooks: Iterable[Hook], kind: str) -> list[Hook]:
    return [hook for hook in hooks if hook.kind == kind]


def _after(module: Any, hook: Hook, args: Any, kwargs: Any, out: Any) -> Any:
    return hook.function(module, args, kwargs, out) if hook.with_kwargs else hook.function(module, args, out)


class _Bare:
    """A module of the face as one about the library's tensors, for the library's backward hooks."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return bare(self.module.forward(*wrapped(args), **kwargs))


def _between_gradients(module: Any, hooks: Iterable[Hook], args: Any, kwargs: Any) -> Any:
    backward = [hook for hook in hooks if hook.kind in (BACKWARD, BACKWARD_PRE)]
    if not backward:
        return module.forward(*args, **kwargs)

    def about(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda _, *gradients: bare(function(module, *wrapped(gradients)))

    given = {i: of_library.Hook(hook.kind, about(hook.function)) for i, hook in enumerate(backward)}
    return wrapped(of_library.call(_Bare(module), given, bare(tuple(args)), kwargs))


class Hooked:
    """What a Module has for hooks."""

    _hooks: Any
    _state_hooks: Any

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before each forward; what it returns, if any, are the arguments.

        With `with_kwargs`, it is `hook(module, args, kwargs)`, and returns (args, kwargs) or None.
        """
        return add(self._hooks, Hook(PRE, hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:  # fmt: skip
        """Call `hook(module, args, output)` after each forward; what it returns, if any, is the output."""
        return add(self._hooks, Hook(FORWARD, hook, with_kwargs, always_call), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when a backward pass has both; what it returns, if
        any, replaces `grad_input`."""
        return add(self._hooks, Hook(BACKWARD, hook), prepend)

    register_backward_hook = register_full_backward_hook

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, grad_output)` when a backward pass has it; the hook may return another."""
        return add(self._hooks, Hook(BACKWARD_PRE, hook), prepend)

    def _add_state_hook(self, kind: str, hook: Callable[..., Any]) -> RemovableHandle:
        return add(self._state_hooks, Hook(kind, hook))

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before the module's state is taken."""
        return self._add_state_hook("state_pre", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` when the module's state has been taken."""
        return self._add_state_hook("state", hook)

    _register_state_dict_hook = register_state_dict_post_hook

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
        error_msgs)` before the module's state is loaded."""
        return self._add_state_hook("load_pre", lambda *args: hook(self, *args))

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        return self._add_state_hook("load_pre", (lambda *args: hook(self, *args)) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` when the module's state has been loaded."""
        return self._add_state_hook("load", hook)


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args)` before each forward of every module."""
    return add(for_all, Hook(PRE, hook))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after each forward of every module."""
    return add(for_all, Hook(FORWARD, hook, with_kwargs, always_call))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` in a backward pass through any module."""
    return add(for_all, Hook(BACKWARD, hook))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_output)` in a backward pass through any module."""
    return add(for_all, Hook(BACKWARD_PRE, hook))
