"""Module: a model is a plain object, and its parameters are those found among its attributes.

nn/module_tree.py finds them, nn/module_hooks.py calls functions around a forward.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import registry
from tinygrad_edu.engine.hooks import RemovableHook
from tinygrad_edu.errors import wrong
from tinygrad_edu.nn import members, module_hooks
from tinygrad_edu.nn import state as _state
from tinygrad_edu.nn.module_tree import Tree
from tinygrad_edu.nn.parameter import Parameter, move
from tinygrad_edu.tensor import NumpyArray, Tensor
from tinygrad_edu.words import explaining, unknown_attribute
from tinygrad_edu.words.calls import explain_methods

if TYPE_CHECKING:
    from tinygrad_edu.nn.summary import Summary

_evaluating: ContextVar[bool] = ContextVar("tinygrad_edu_evaluating", default=False)


@contextmanager
def evaluating() -> Iterator[None]:
    """Within this context, every module is in evaluation mode, in this thread or task only. No module is
    changed, so that other threads may train or evaluate the same ones."""
    before = _evaluating.get()
    try:
        _evaluating.set(True)
        yield
    finally:
        _evaluating.set(before)


class Module(Tree):
    """The base of layers and models: assign Parameters and Modules in `__init__`, compute in `forward`.

    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = nn.Parameter([1.0]), nn.Parameter([0.0])
    ...     def forward(self, x):
    ...         return x * self.slope + self.offset
    """

    _hooks: Mapping[int, module_hooks.Hook] = {}
    never_negative: ClassVar[tuple[str, ...]] = ()  # buffers that are counts, or sums of squares

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if vars(cls).get("__slots__"):
            raise wrong(
                TypeError, cls.__name__, "parameters are found in a Module's __dict__", "drop __slots__"
            )
        cls._class_attributes += tuple(name for name, value in vars(cls).items() if members.has_things(value))
        if "__init__" in vars(cls) and cls.__module__.startswith(__package__):
            cls.__init__ = explaining(cls.__init__)  # type: ignore[method-assign]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if hasattr(type(self), name):  # a property: raise its own AttributeError again
                return object.__getattribute__(self, name)
            raise unknown_attribute(self, name)

    @property
    def training(self) -> bool:
        """Whether this is in training mode: at first yes, within `nn.evaluating()` never."""
        return vars(self).get("training", True) and not _evaluating.get()

    @training.setter
    def training(self, mode: bool) -> None:
        vars(self)["training"] = bool(mode)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise wrong(
            NotImplementedError,
            type(self).__name__,
            f"{type(self).__name__} has no forward()",
            "define def forward(self, x): ...",
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks:
            return module_hooks.call(self, self._hooks, args, kwargs)
        return self.forward(*args, **kwargs)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHook:
        """Call `hook(module, args)` before each forward; what it returns, if any, are the arguments.

        With `with_kwargs`, it is `hook(module, args, kwargs)`, and returns (args, kwargs) or None. With
        `prepend`, it is called before the hooks that are there. `remove()` of the result removes it.
        """
        return self._add_hook(prepend, module_hooks.PRE, hook, with_kwargs)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHook:
        """Call `hook(module, args, output)` after each forward; what it returns, if any, is the output.

        With `with_kwargs`, it is `hook(module, args, kwargs, output)`. With `always_call`, it is called with
        the output None if the forward raises an error.
        """
        return self._add_hook(prepend, module_hooks.FORWARD, hook, with_kwargs, always_call)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHook:
        """Call `hook(module, grad_input, grad_output)` when a backward pass has both.

        `grad_input` is a tuple with the gradient of each positional input, None for those without one;
        `grad_output` has those of the output's tensors. What the hook returns, if any, replaces `grad_input`.
        """
        return self._add_hook(prepend, module_hooks.BACKWARD, hook)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHook:
        """Call `hook(module, grad_output)` when a backward pass has the gradients of the output; what it
        returns, if any, replaces them."""
        return self._add_hook(prepend, module_hooks.BACKWARD_PRE, hook)

    def _add_hook(self, prepend: bool, kind: str, *facts: Any) -> RemovableHook:
        hooks = vars(self).setdefault("_hooks", {})
        return module_hooks.add(hooks, module_hooks.Hook(kind, *facts), prepend)

    def __setattr__(self, name: str, value: Any) -> None:
        if (
            isinstance(value, Tensor)
            and not isinstance(value, Parameter)
            and isinstance(vars(self).get(name), Parameter)
        ):
            raise wrong(
                TypeError,
                type(self).__name__,
                f"{type(self).__name__}.{name} is a Parameter",
                "a plain tensor in its place would not be trained: assign nn.Parameter(...), or write "
                "into it with copy_()",
            )
        if name in self._buffers and value is not None and not isinstance(value, Tensor):
            raise wrong(TypeError, type(self).__name__, f"{type(self).__name__}.{name} is a buffer, not a "
                        f"{type(value).__name__}", "assign te.tensor(...), or write into it with copy_() "
                        "or fill_()")  # fmt: skip
        object.__setattr__(self, name, value)

    # -- its state -------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, NumpyArray]:
        """Parameters and buffers by name, as NumPy copies; a shared one under each of its names."""
        return {name: np.array(t.numpy(), order="C") for name, t in self._named_tensors(saved_only=True)}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> _state.Keys:
        """Overwrite parameters and buffers with `state` (arrays or tensors by name), in the dtypes they have.

        Raises ValueError that lists every missing, unexpected and wrong-shaped key, and then changes nothing;
        `strict=False` tolerates missing and unexpected keys and returns them.
        """
        if not isinstance(state, Mapping):
            raise wrong(
                TypeError,
                "load_state_dict",
                f"{type(state).__name__} is no dict of arrays by name",
                "of another model say other.state_dict(); a file is loaded by nn.load_checkpoint(path, "
                "model=model), which fills the model itself",
            )
        writes, keys = self._plan(state, strict)
        for write in writes:
            write()
        return keys

    def _plan(self, state: Mapping[str, Any], strict: bool) -> tuple[list[Callable[[], Any]], _state.Keys]:
        counts = {id(getattr(module, name)) for module in self.modules() for name in module.never_negative}
        return _state.plan(
            type(self).__name__, dict(self._named_tensors(saved_only=True)), state, strict, counts
        )

    # -- changing it -----------------------------------------------------------------------------------------

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on every module below, then on this one."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Training mode (dropout drops) or, with `mode=False`, evaluation mode, here and below."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Evaluation mode: dropout is the identity."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Remove the gradients or, with `set_to_none=False`, fill those that exist with zeros."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad.detach().zero_()

    def requires_grad_(self, wanted: bool = True) -> Self:
        """Make every parameter require a gradient or, with `wanted=False`, freeze it."""
        for parameter in self.parameters():
            parameter.requires_grad = wanted
        return self

    @functools.partial(explaining, title="Module.to")
    def to(self, *targets: Any, device: Any = None, dtype: Any = None) -> Self:
        """Move parameters and buffers to a device, or their floats to a dtype, or both. They stay the same
        objects: an existing optimizer continues, and its state moves with them at its next step.

        A tensor as the target gives its device and its dtype.
        """
        for target in targets:
            if isinstance(target, Tensor):
                device, dtype = target.device, target.dtype
            elif isinstance(target, str) and registry.known(target):
                device = target
            else:
                dtype = target
        if device is None and dtype is None:
            raise wrong(TypeError, "Module.to", "nothing says where to", "pass a device, a dtype or a tensor")
        kind = None if dtype is None else registry.dtype_of(dtype)
        if kind is not None and not dtypes.is_floating(kind):
            raise wrong(TypeError, f"Module.to({dtype!r})", "parameters must stay floats, to have gradients")
        for tensor in (*self.parameters(), *self.buffers()):
            if device is not None:
                move(tensor, device, None)
            if kind is not None:
                move(tensor, None, kind)
        return self

    def float(self) -> Self:
        """Make every float among parameters and buffers a float32."""
        return self.to(dtypes.float32)

    def double(self) -> Self:
        """Make every float among parameters and buffers a float64."""
        return self.to(dtypes.float64)

    def cpu(self) -> Self:
        """Move parameters and buffers to the cpu."""
        return self.to("cpu")

    # -- in print --------------------------------------------------------------------------------------------

    def summary(self, input_shape: Any = None) -> Summary:
        """A table of layers, output shapes, parameters, bytes; `input_shape` may be an example tensor too."""
        from tinygrad_edu.nn.summary import summarize  # the table needs Module

        return summarize(self, input_shape)

    def extra_repr(self) -> str:
        """The text between the parentheses of a layer in `repr`."""
        return ""

    def __repr__(self) -> str:
        inner = [
            f"({name}): {module!r}".replace("\n", "\n  ")
            for name, module in self._members()
            if isinstance(module, Module)
        ]
        head = f"{type(self).__name__}({self.extra_repr()}"
        return "\n  ".join([head, *inner]) + "\n)" if inner else head + ")"


explain_methods(Module, but=("forward",))
