"""PyTorch's older types of tensors: torch.FloatTensor, torch.LongTensor, torch.cuda.FloatTensor and so on.

They make tensors (`torch.LongTensor([1, 2])`, `torch.FloatTensor(2, 3)`), and are what `isinstance` and
`x.type()` say of a tensor's dtype and device.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import devices, dtypes
from tinygrad_edu.torch.core.border import faced, torch_error
from tinygrad_edu.torch.core.making import made_of
from tinygrad_edu.torch.core.tensor import Tensor

_KINDS = {
    "Float": dtypes.float32, "Double": dtypes.float64, "Long": dtypes.int64, "Int": dtypes.int32,
    "Byte": dtypes.uint8, "Bool": dtypes.bool_, "Half": dtypes.float16, "Short": dtypes.int16,
    "Char": dtypes.int8, "BFloat16": dtypes.bfloat16,
}  # fmt: skip


class LegacyType(type):
    """The type of torch.FloatTensor: a call makes a tensor, and `isinstance` asks for dtype and device."""

    dtype: dtypes.dtype
    place: str

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor) and x.dtype is cls.dtype and x.device.type == cls.place

    def __call__(cls, *data: Any, device: Any = None) -> Tensor:
        try:
            return faced(made_of(data, dtypes.numpy_of(cls.dtype), devices.here(device or cls.place)))
        except Exception as error:
            raise torch_error(error) from None

    def __repr__(cls) -> str:
        return f"<class '{cls.__module__}.{cls.__name__}'>"

    def __str__(cls) -> str:
        return f"{cls.__module__}.{cls.__name__}"


def types_of(place: str) -> dict[str, LegacyType]:
    """The types of a device: {"FloatTensor": ...}."""
    module = "torch" if place == "cpu" else f"torch.{place}"
    made = {}
    for word, kind in _KINDS.items():
        name = f"{word}Tensor"
        made[name] = LegacyType(
            name, (), {"dtype": kind, "place": place, "__module__": module, "__slots__": ()}
        )
    return made


_BY_NAME = {str(kind): kind for place in ("cpu", "cuda") for kind in types_of(place).values()}


def named(name: str) -> LegacyType:
    """The type of a name, "torch.LongTensor". Raises ValueError for another name."""
    if name not in _BY_NAME:
        raise wrong(ValueError, "type", f"invalid type: {name!r}")
    return _BY_NAME[name]


def of_device(place: str) -> dict[str, LegacyType]:
    """The one type of each name, on a device."""
    start = "torch." if place == "cpu" else f"torch.{place}."
    return {f"{word}Tensor": _BY_NAME[f"{start}{word}Tensor"] for word in _KINDS}


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False, **options: Any) -> Any:
    """The name of its type, "torch.FloatTensor"; with a dtype, or a type, the tensor in that one."""
    if dtype is None:
        word = next(w for w, kind in _KINDS.items() if kind is self.dtype)
        place = "" if self.device.type == "cpu" else f"{self.device.type}."
        return f"torch.{place}{word}Tensor"
    if isinstance(dtype, str):
        dtype = named(dtype)
    if isinstance(dtype, LegacyType):
        return self.to(dtype.place, dtype.dtype) if dtype.place != self.device.type else self.to(dtype.dtype)
    return self.to(dtype)


def new(self: Tensor, *data: Any, device: Any = None) -> Tensor:
    """A tensor of self's dtype and device: of zeros, of the lengths given, or of a sequence of numbers."""
    place = self.inner.device if device is None else devices.here(device)
    try:
        return faced(made_of(data, self.inner.dtype, place))
    except Exception as error:
        raise torch_error(error) from None


def set_default_tensor_type(t: Any) -> None:
    """Make new floats of this type: torch.DoubleTensor, "torch.FloatTensor"."""
    if isinstance(t, str) and t not in _BY_NAME:
        raise AttributeError(f"{t} is no type of tensors")
    kind = named(t) if isinstance(t, str) else t
    dtypes.set_default_dtype(kind.dtype)
    devices.set_default_device(kind.place)
