"""Views as copies (transpose_copy), views without their checks (unsafe_split), and memory taken over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import faced
from tinygrad_edu.torch.core.raising import check_tensor, face_function
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions import constants, parts, shapes

__all__ = ["alias_copy", "as_strided_", "as_strided_copy", "as_strided_scatter", "detach", "detach_",
           "detach_copy", "diagonal_copy", "empty_permuted", "empty_strided", "expand_copy", "get_device",
           "is_signed", "permute_copy", "select_copy", "slice_copy", "split_copy", "split_with_sizes_copy",
           "squeeze_copy", "t_copy", "transpose_copy", "unbind_copy", "unfold_copy", "unsafe_chunk",
           "unsafe_split", "unsafe_split_with_sizes", "unsqueeze_copy", "view_copy"]  # fmt: skip


def _copied(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that gives what a view shows, with memory of its own."""

    def copied(input: Tensor, *args: Any, **named: Any) -> Any:
        found = function(input, *args, **named)
        return found.clone() if isinstance(found, Tensor) else tuple(x.clone() for x in found)

    copied.__name__ = copied.__qualname__ = f"{name}_copy"
    copied.__doc__ = f"`{name}`, with memory of its own."
    return copied


def detach(input: Tensor) -> Tensor:
    """The same memory, outside the graph."""
    check_tensor("detach", input)
    return input.detach()


def detach_(input: Tensor) -> Tensor:
    """The tensor itself, taken out of the graph."""
    check_tensor("detach_", input)
    return input.detach_()


def _alias(input: Tensor) -> Tensor:
    return input


def _part(input: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Tensor:
    at = dim % max(1, input.ndim)
    return parts.part(input, (*(slice(None),) * at, slice(start, end, step)))


alias_copy, detach_copy, view_copy = (
    _copied(name, function)
    for name, function in (("alias", _alias), ("detach", detach), ("view", shapes.view))
)
as_strided_copy, diagonal_copy, unbind_copy, unfold_copy = (
    _copied(name, getattr(parts, name)) for name in ("as_strided", "diagonal", "unbind", "unfold")
)
select_copy, split_copy, split_with_sizes_copy = (
    _copied(name, getattr(parts, name)) for name in ("select", "split", "split_with_sizes")
)
expand_copy, permute_copy, squeeze_copy, t_copy, transpose_copy, unsqueeze_copy = (
    _copied(name, getattr(shapes, name))
    for name in ("expand", "permute", "squeeze", "t", "transpose", "unsqueeze")
)
slice_copy = _copied("slice", _part)


def _separate(name: str, function: Callable[..., tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, ...]]:
    """The function whose pieces may be changed in place within the graph: each is a tensor by itself."""

    def pieces(tensor: Tensor, *args: Any, **named: Any) -> tuple[Tensor, ...]:
        return tuple(faced(x.inner) for x in function(tensor, *args, **named))

    pieces.__name__ = pieces.__qualname__ = f"unsafe_{name}"
    pieces.__doc__ = f"`{name}`, of pieces that may be changed in place if the whole is not used any more."
    return pieces


unsafe_chunk, unsafe_split = _separate("chunk", parts.chunk), _separate("split", parts.split)
unsafe_split_with_sizes = _separate("split_with_sizes", parts.split_with_sizes)


def empty_strided(size: Any, stride: Any, **options: Any) -> Tensor:
    """Numbers to be written over; their order in memory is that of rows here, whatever is asked for."""
    return constants.empty(size, **options)


def empty_permuted(size: Any, physical_layout: Any, **options: Any) -> Tensor:
    """Numbers to be written over; their order in memory is that of rows here, whatever is asked for."""
    return constants.empty(size, **options)


def new_empty_strided(self: Tensor, size: Any, stride: Any, **options: Any) -> Tensor:
    """Numbers to be written over, in the dtype and on the device of self."""
    return constants.new_empty(self, size, **options)


@face_function
def as_strided_(self: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """`as_strided`, of the tensor itself."""
    seen = parts.as_strided(faced(self.inner), size, stride, storage_offset)
    self._inner, self._view = seen.inner, None
    return self


@face_function
def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: Any = None
) -> Tensor:
    """`input` with `src` at given distances in its memory."""
    made = shapes.clone(input)
    parts.as_strided(made, size, stride, storage_offset).copy_(src)
    return made


@face_function
def set_(self: Tensor, source: Tensor | None = None) -> Tensor:
    """The memory and the shape of `source` for the tensor itself; without it, no elements."""
    if self.requires_grad:
        raise wrong(
            RuntimeError, "set_", "a leaf Variable that requires grad is being used in an in-place operation."
        )
    if source is None:
        source = constants.empty(0, dtype=self.dtype, device=self.device)
    if source.dtype is not self.dtype:
        raise wrong(
            RuntimeError,
            "set_",
            f"Could not set tensor of type {source.dtype} to a tensor of type {self.dtype}",
        )
    seen = views.view(source, lambda i: i, lambda i, part: part)
    self._inner, self._view = seen.inner, seen._view
    return self


def get_device(input: Tensor) -> int:
    """The index of its GPU; -1 on the cpu."""
    check_tensor("get_device", input)
    return input.get_device()


def is_signed(input: Tensor) -> bool:
    """Whether its dtype has negative numbers."""
    check_tensor("is_signed", input)
    return input.is_signed()


def dim_order(self: Tensor, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The dimensions from the slowest to the fastest in memory."""
    return tuple(range(self.ndim))


def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool = True) -> Tensor:
    """Itself, in a dtype: all tensors are dense here."""
    return self if dtype is None else self.to(dtype)


def _hermitian(self: Tensor) -> Tensor:
    if self.ndim not in (0, 2):
        raise wrong(
            RuntimeError,
            "H",
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.",
        )
    return shapes.t(self)


H = property(_hermitian, doc="A matrix with rows and columns exchanged: numbers are real here.")
real = property(_alias, doc="Itself: numbers are real here.")
is_ipu = is_maia = is_mtia = is_sparse_csr = is_vulkan = is_xla = is_xpu = property(lambda self: False)
