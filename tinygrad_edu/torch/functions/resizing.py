"""Other shapes for a tensor itself: x.unsqueeze_(0), x.resize_(3, 2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import faced
from tinygrad_edu.torch.core.raising import face_function, several
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions.shapes import squeeze, t, transpose, unsqueeze


def _itself(name: str, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The method that gives a tensor the shape that `function` gives a view of it."""

    def method(self: Tensor, *args: Any, **named: Any) -> Tensor:
        views.check_may_change(self)
        before = faced(self.inner)
        before._view, before.version = self._view, self.version
        seen = function(before, *args, **named)
        found = seen._view
        self._inner = seen.inner
        if self._view is not None and found is not None:
            self._view = found
        return self

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{name.rstrip('_')}`, of the tensor itself."
    return method


squeeze_, unsqueeze_, t_ = _itself("squeeze_", squeeze), _itself("unsqueeze_", unsqueeze), _itself("t_", t)
transpose_ = _itself("transpose_", transpose)
swapaxes_ = swapdims_ = transpose_


@face_function
def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Another shape for the tensor itself: its first elements stay, and new ones are 0."""
    shape = several("resize_", sizes)
    if min(shape, default=0) < 0:
        raise wrong(RuntimeError, "resize_", f"Trying to create tensor with negative dimension {min(shape)}")
    if self.requires_grad:
        raise wrong(RuntimeError, "resize_", "cannot resize variables that require grad")
    inner = self.inner
    if shape == inner.shape:
        return self
    count = math.prod(shape)
    flat = te.reshape(inner, (-1,))[:count]
    if count > flat.size:
        flat = te.concat([flat, te.zeros((count - flat.size,), dtype=inner.dtype, device=inner.device)])
    self._inner, self._view = te.reshape(flat, shape), None
    return self


def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """The shape of another tensor for the tensor itself; see `resize_`."""
    return resize_(self, *the_template.shape)


def resize_to(self: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Another shape for a tensor that will be written over: `out=`."""
    return self if tuple(shape) == self.inner.shape else resize_(self, *shape)
