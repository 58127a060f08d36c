"""What is said of tensors: whether something is one, how many elements it has, of what kind they are."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.raising import check_tensor
from tinygrad_edu.torch.core.tensor import Tensor

__all__ = ["is_complex", "is_conj", "is_floating_point", "is_inference", "is_neg", "is_nonzero",
           "is_same_size", "is_storage", "is_tensor", "numel", "resolve_conj", "resolve_neg"]  # fmt: skip


def is_tensor(obj: Any) -> bool:
    """Whether it is a tensor."""
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> bool:
    """Whether it is one of PyTorch's storages: there are none here."""
    return False


def numel(input: Tensor) -> int:
    """The number of elements."""
    check_tensor("numel", input)
    return input.numel()


def is_floating_point(input: Tensor) -> bool:
    """Whether its elements are floats."""
    check_tensor("is_floating_point", input)
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """Whether its elements are complex: never here."""
    check_tensor("is_complex", input)
    return False


def is_nonzero(input: Tensor) -> bool:
    """Whether its one element is not 0. RuntimeError for more or fewer elements."""
    check_tensor("is_nonzero", input)
    if input.numel() != 1:
        said = "no values" if not input.numel() else "more than one value"
        raise wrong(RuntimeError, "is_nonzero", f"Boolean value of Tensor with {said} is ambiguous")
    return bool(input)


def is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape."""
    return self.shape == other.shape


def is_conj(input: Tensor) -> bool:
    """Whether its elements are conjugated when they are read: never here."""
    check_tensor("is_conj", input)
    return False


is_neg = is_conj


def is_inference(input: Tensor) -> bool:
    """Whether it was made in inference mode, which is no_grad here."""
    check_tensor("is_inference", input)
    return False


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether two tensors are the same memory, in one shape."""
    return (
        self.data_ptr() == tensor.data_ptr()
        and self.shape == tensor.shape
        and self.stride() == tensor.stride()
    )


def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether its memory is locked for transfers to a GPU: never here."""
    return False


def is_shared(self: Tensor) -> bool:
    """Whether its memory is shared with other processes: never here."""
    return False


def ndimension(self: Tensor) -> int:
    """The number of dimensions."""
    return self.ndim


def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """Itself: memory is locked for transfers by the driver."""
    return self


share_memory_ = pin_memory


def resolve_conj(input: Tensor) -> Tensor:
    """Itself: nothing is conjugated here."""
    return input


resolve_neg = resolve_conj
