"""torch.autograd.Function: a function with a gradient of the user's own.

Its result becomes one application of an op whose rule calls the user's backward. An op has one output here,
so several outputs are one vector, and each of them a part of it.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.engine.modes import current
from tinygrad_edu.engine.op import Op
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import StaleValueError, wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import bare, faced
from tinygrad_edu.torch.core.tensor import Tensor


class FunctionCtx:
    """What forward leaves for backward: `save_for_backward`, `needs_input_grad`, and any attributes."""

    needs_input_grad: tuple[bool, ...] = ()
    _saved: tuple[Any, ...] = ()
    _materialize = True
    _dirty: tuple[Any, ...] = ()
    _not_differentiable: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for backward. Changing one in place before that is an error there."""
        for x in tensors:
            if x is not None and not isinstance(x, Tensor):
                raise wrong(TypeError, "save_for_backward", "save_for_backward can only save variables, but "
                            f"argument is of type {type(x).__name__}")  # fmt: skip
        self._saved = tuple(
            None if x is None else (x, x.inner.storage, x.inner.storage.writes.count) for x in tensors
        )

    save_for_forward = save_for_backward

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return tuple(None if kept is None else self._restored(*kept) for kept in self._saved)

    saved_variables = saved_tensors

    def _restored(self, x: Any, storage: Any, count: int) -> Tensor:
        if storage.writes.count != count:
            raise wrong(
                StaleValueError,
                type(self).__name__,
                "one of the variables needed for gradient computation has been modified by an inplace "
                "operation "
                f"(at {storage.writes.where})",
                "save a clone",
            )
        if isinstance(x, Tensor):
            return x
        return faced(te.Tensor(storage, x()))  # an output, with the node that it got

    def _outputs_are(self, made: dict[int, Tensor]) -> None:
        """Replace saved outputs by a reference to their node, which would else keep itself alive."""
        self._saved = tuple(
            kept
            if kept is None or id(kept[0]) not in made
            else (weakref.ref(made[id(kept[0])].node), made[id(kept[0])].storage, kept[2])
            for kept in self._saved
        )

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Outputs that have no gradient."""
        self._not_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Inputs that forward has changed in place."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros, or None, for an output that nothing was computed from."""
        self._materialize = bool(value)


class _Custom(Op):
    """The op of every application: its result was computed by forward."""

    def lower(self, backend: Any) -> Callable[..., Any]:
        return _result


def _result(*xs: Any, call: Any) -> Any:
    return call.value


def _rule(g: Any, call: Any, wants: Any) -> Any:
    gradient = g if isinstance(g, Value) else wrap(g)
    return call.pull(gradient, wants)


_op = _Custom("custom", _result, joint=_rule, variadic=True, register=False, doc="A function of the user's.")
_op.trusted = False  # the user's backward may return one array twice


class _Call:
    """One application: the value that forward computed, and the way back."""

    def __init__(self, function: Any, ctx: Any, places: list[int], count: int) -> None:
        self.function, self.ctx, self.places, self.count = function, ctx, places, count
        self.value: Any = None
        self.parts: list[tuple[Any, ...] | None] = []  # shape, start and dtype of each differentiable output

    def pull(self, g: Any, wants: Any) -> list[Any]:
        """The gradients of the tensors that it was given."""
        given: list[Any] = []
        single = len(self.parts) == 1
        for part in self.parts:
            if part is None:
                given.append(None)
                continue
            shape, start, size, dtype = part
            piece = g if single else te.reshape(g[start : start + size], shape)
            given.append(faced(piece.cast(dtype) if piece.dtype != dtype else piece))
        name = self.function.__name__
        found = self.function.backward(self.ctx, *given)
        several = found if isinstance(found, (tuple, list)) else (found,)
        if len(several) > self.count and all(x is None for x in several[self.count :]):
            several = several[: self.count]
        if len(several) != self.count:
            raise wrong(
                RuntimeError,
                name,
                f"function {name}Backward returned an incorrect number of gradients (expected {self.count}, "
                "got "
                f"{len(several)})",
                "return one for each argument of forward, None where there is none",
            )
        slopes = [bare(several[i]) for i in self.places]
        for i, slope in enumerate(slopes):
            if slope is not None and not isinstance(slope, Value):
                raise wrong(TypeError, name, f"function {name}Backward returned {type(slope).__name__} for "
                            f"argument {i}", "return a tensor, or None")  # fmt: skip
        return [s if wanted else None for s, wanted in zip(slopes, wants, strict=True)]


class Function:
    """Derive from it, with the static methods forward(ctx, ...) and backward(ctx, *grads); call `apply`.

    forward runs without recording. backward returns a gradient, or None, for each argument of forward. In
    PyTorch's newer form forward takes no ctx, and setup_context(ctx, inputs, output) fills it.
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise wrong(RuntimeError, "Function", "You must implement the forward function for custom "
                    "autograd.Function.")  # fmt: skip

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise wrong(RuntimeError, "Function", "You must implement either the backward or vjp method for your "
                    "custom autograd.Function to use it with backward mode AD.")  # fmt: skip

    vjp = backward

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Keep what backward needs."""

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """The function's result, recorded with its own gradient."""
        ctx = type(f"{cls.__name__}Backward", (FunctionCtx,), {})()
        ctx.needs_input_grad = tuple(isinstance(x, Tensor) and x.requires_grad for x in args)
        with te.no_grad():
            if cls.setup_context is not Function.setup_context:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        if not (current.get().grad and any(ctx.needs_input_grad)):
            return output
        return cls._recorded(ctx, args, output)

    @classmethod
    def _recorded(cls, ctx: Any, args: tuple[Any, ...], output: Any) -> Any:
        outputs = output if isinstance(output, tuple) else (output,)
        places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        call = _Call(cls, ctx, places, len(args))
        excluded = {id(x) for x in ctx._not_differentiable}
        whole = [
            x if isinstance(x, Tensor) and x.is_floating_point() and id(x) not in excluded else None
            for x in outputs
        ]
        start, flat = 0, []
        for x in whole:
            if x is None:
                call.parts.append(None)
                continue
            call.parts.append((tuple(x.shape), start, x.numel(), x.inner.dtype))
            start += x.numel()
            flat.append(te.reshape(x.inner.detach(), (-1,)))
        if not flat:
            return output
        single = len(outputs) == 1
        with te.no_grad():
            values = whole[0].inner.detach() if single and whole[0] is not None else te.concat(flat)
        call.value = values.storage.array
        vector = _op(*[args[i].inner for i in places], call=call)
        call.value = None  # the result holds it
        made: dict[int, Tensor] = {}
        results = []
        for x, part in zip(outputs, call.parts, strict=True):
            if part is None or x is None:
                results.append(x)
                continue
            shape, at, size, dtype = part
            value = vector if single else te.reshape(vector[at : at + size], shape)
            new = faced(value.cast(dtype) if value.dtype != dtype else value)
            if any(x is dirty for dirty in ctx._dirty):
                views.rebind(x, new.inner)
                new = x
            made[id(x)] = new
            results.append(new)
        ctx._outputs_are(made)
        return tuple(results) if isinstance(output, tuple) else results[0]


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A backward that is not differentiated in its turn."""

    @functools.wraps(function)
    def called(ctx: Any, *grads: Any) -> Any:
        with te.no_grad():
            return function(ctx, *grads)

    return called


BackwardCFunction = FunctionCtx
NestedIOFunction = InplaceFunction = Function
