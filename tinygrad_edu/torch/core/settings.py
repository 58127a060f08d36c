"""torch's switches and facts that are one thing here: threads, determinism, precision, kinds of objects."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.backend import precision
from tinygrad_edu.engine.modes import current
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.dtypes import dtype, get_default_dtype
from tinygrad_edu.torch.core.tensor import Tensor

__all__ = ["are_deterministic_algorithms_enabled", "compiled_with_cxx11_abi", "finfo",
           "get_float32_matmul_precision", "get_num_interop_threads", "get_num_threads", "iinfo",
           "is_deterministic_algorithms_warn_only_enabled", "is_inference_mode_enabled", "set_flush_denormal",
           "set_float32_matmul_precision", "set_num_interop_threads", "set_num_threads",
           "set_warn_always", "typename", "use_deterministic_algorithms"]  # fmt: skip


def is_inference_mode_enabled() -> bool:
    """Whether nothing is recorded."""
    return not current.get().grad


def typename(obj: Any) -> str:
    """The name of an object's type."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = type(obj)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Nothing changes: every result here is deterministic."""


def are_deterministic_algorithms_enabled() -> bool:
    """Whether equal programs get equal bits: always."""
    return True


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether other algorithms are only warned of: there are none."""
    return False


def get_num_threads() -> int:
    """The threads that NumPy's matrix products use."""
    return int(te.get_num_threads())


def set_num_threads(number: int) -> None:
    """Let NumPy's matrix products use so many threads."""
    if not isinstance(number, int) or number < 1:
        raise wrong(RuntimeError, "set_num_threads", f"expects a positive integer, not {number!r}")
    te.set_num_threads(number)


def get_num_interop_threads() -> int:
    """How many ops run at once: one."""
    return 1


def set_num_interop_threads(number: int) -> None:
    """Nothing changes: ops run one after the other."""


def set_flush_denormal(mode: bool) -> bool:
    """Whether numbers near zero are now flushed to zero: no."""
    return False


def set_warn_always(b: bool) -> None:
    """Nothing changes: Python's filters decide which warnings are shown."""


def compiled_with_cxx11_abi() -> bool:
    """Whether PyTorch's C++ has the new ABI; there is none here."""
    return True


def get_float32_matmul_precision() -> str:
    """PyTorch's word for the precision of matrix products on the GPU."""
    return "highest" if precision.get_matmul_precision() == "float32" else "high"


def set_float32_matmul_precision(precision: str) -> None:
    """On a GPU "high" and "medium" may use tensor cores; the cpu computes float32 throughout."""
    if precision not in ("highest", "high", "medium"):
        raise wrong(
            RuntimeError,
            "set_float32_matmul_precision",
            f"{precision!r} is not one of 'highest', 'high', 'medium'",
        )


class _Limits:
    """The limits of a dtype."""

    def __init__(self, kind: dtype, found: Any) -> None:
        self.dtype = kind.name
        self.bits = kind.itemsize * 8
        self.max = float(found.max) if kind.is_floating_point else int(found.max)
        self.min = float(found.min) if kind.is_floating_point else int(found.min)
        self._facts = found

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._facts, name)
        return value.item() if hasattr(value, "item") else value

    def __repr__(self) -> str:
        kind = type(self).__name__
        if kind == "iinfo":
            return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class finfo(_Limits):
    """The limits of a float dtype, of PyTorch's default if none is given."""

    def __init__(self, type: Any = None) -> None:
        kind = get_default_dtype() if type is None else type
        if not isinstance(kind, dtype) or kind.name not in ("float16", "float32", "float64"):
            raise wrong(TypeError, "finfo", f"torch.finfo() requires a floating point input type, not {kind}")
        super().__init__(kind, np.finfo(kind.name))


class iinfo(_Limits):
    """The limits of an integer dtype."""

    def __init__(self, type: Any) -> None:
        if not isinstance(type, dtype) or type.is_floating_point or type.is_complex or type.name == "bool":
            raise wrong(TypeError, "iinfo", f"torch.iinfo() requires an integer input type, not {type}")
        super().__init__(type, np.iinfo(type.name))
