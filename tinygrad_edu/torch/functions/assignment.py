"""Changes of a whole tensor in place: copies, constants, another shape."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import bare, torch_error, torch_function
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions.axes import check_tensor, is_tensor
from tinygrad_edu.torch.functions.changes import in_place

__all__ = ["fill"]


def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """self with the numbers of `src`, broadcast to its shape, in its dtype and on its device."""
    if not isinstance(src, (Value, int, float, np.generic)):
        check_tensor("copy_", src, "src")
    try:
        views.check_may_change(self)
        inner, value = self.inner, te.as_tensor(bare(src))
        if views.recording(inner):
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


fill_ = in_place("fill_", fill)


def zero_(self: Tensor) -> Tensor:
    """self with 0 everywhere."""
    return fill_(self, 0)
