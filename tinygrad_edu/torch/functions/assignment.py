"""Changes of a whole tensor in place: copies, constants, another shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import bare, torch_error, torch_function
from tinygrad_edu.torch.core.quiet import quietly
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions.axes import beside, check_tensor, is_tensor, numbers
from tinygrad_edu.torch.functions.changes import in_place

__all__ = ["fill"]


@quietly
def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """self with the numbers of `src`, broadcast to its shape, in its dtype and on its device."""
    if not isinstance(src, (Value, int, float, np.generic)):
        check_tensor("copy_", src, "src")
    try:
        views.check_may_change(self)
        inner, value = self.inner, te.as_tensor(bare(src))
        if views.recording(inner, value):
            value = _over(inner, te.expand(value.to(inner.device).cast(inner.dtype), inner.shape))
        return views.write(self, value, "copy_")
    except Exception as error:
        changed = torch_error(error)
        if changed is error:
            raise
        raise changed from None


def _over(old: te.Tensor, new: te.Tensor) -> te.Tensor:
    """`new`, as a function of `old`, too: its gradient is 0."""
    return te.where(True, new, old)


@torch_function
def fill(input: Any, value: Any) -> Any:
    """A tensor like input, filled with `value`, a number or a 0-d tensor."""
    check_tensor("fill", input)
    if is_tensor(value):
        if value.shape:
            raise wrong(
                RuntimeError,
                "fill_",
                "fill_ only supports 0-dimension value tensor but got tensor with "
                f"{len(value.shape)} dimensions.",
            )
        return _over(input, te.expand(value.cast(input.dtype), input.shape))
    number = np.asarray(value).astype(input.dtype).item()
    found = te.full(input.shape, number, dtype=input.dtype, device=input.device)
    return found if input.node is None else _over(input, found)


def _mapped(name: str, count: int) -> Callable[..., Tensor]:
    """The method that changes each element to what a function of it, and of `count` others, returns."""

    def method(self: Tensor, *given: Any) -> Tensor:
        *others, function = given
        if len(others) != count or not callable(function):
            raise wrong(TypeError, name, f"{name} takes {count} tensors and a function")
        if views.recording(self.inner):
            raise wrong(RuntimeError, name, f"Can't call {name}() on Variable that requires grad.",
                        "use var.detach()")  # fmt: skip
        arrays = [numbers(self.inner, name), *(numbers(bare(x), name) for x in others)]
        lines = [np.broadcast_to(a, arrays[0].shape).ravel().tolist() for a in arrays]
        found = [function(*items) for items in zip(*lines, strict=True)]
        made = np.asarray(found).astype(self.inner.dtype).reshape(self.inner.shape)
        return views.write(self, beside(self.inner, made), name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = "Each element changed to what a Python function makes of it; slow, on the cpu."
    return method


apply_, map_, map2_ = _mapped("apply_", 0), _mapped("map_", 1), _mapped("map2_", 2)
_filled = in_place("fill_", fill)


def fill_(self: Tensor, value: Any) -> Tensor:
    """self with `value`, a number or a 0-d tensor, everywhere."""
    inner, seen = self.inner, self._view
    if type(value) in (int, float) and inner.node is None and (seen is None or not seen.loose):
        try:
            with te.no_grad():
                inner.copy_(np.asarray(value).astype(inner.dtype).item())
        except Exception as error:
            raise torch_error(error) from None
        return self
    return _filled(self, value)


def zero_(self: Tensor) -> Tensor:
    """self with 0 everywhere."""
    return fill_(self, 0)
