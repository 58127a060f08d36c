"""The Array API's extension for Fourier transforms, by NumPy on the host; they have no gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.array_api.host import numpy_of, of_numpy
from tinygrad_edu.tensor import Tensor

__all__ = ["fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft",
           "irfftn", "rfft", "rfftfreq", "rfftn"]  # fmt: skip


def _along_one(theirs: Callable[..., Any], about: str) -> Callable[..., Tensor]:
    def transform(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
        return of_numpy(theirs(numpy_of(x), n=n, axis=axis, norm=norm))

    transform.__name__ = transform.__qualname__ = theirs.__name__
    transform.__doc__ = f"{about} along an axis, of n elements: x is cut off, or has zeros added."
    return transform


def _along_many(theirs: Callable[..., Any], about: str) -> Callable[..., Tensor]:
    def transform(x: Tensor, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Tensor:
        return of_numpy(theirs(numpy_of(x), s=s, axes=axes, norm=norm))

    transform.__name__ = transform.__qualname__ = theirs.__name__
    transform.__doc__ = f"{about} along axes, of the sizes s: x is cut off, or has zeros added."
    return transform


fft = _along_one(np.fft.fft, "The Fourier transform")
ifft = _along_one(np.fft.ifft, "The inverse of the Fourier transform")
rfft = _along_one(np.fft.rfft, "The Fourier transform of real numbers, its first half,")
irfft = _along_one(np.fft.irfft, "The inverse of `rfft`")
hfft = _along_one(np.fft.hfft, "The Fourier transform of a signal that is half of a symmetric one")
ihfft = _along_one(np.fft.ihfft, "The inverse of `hfft`")
fftn = _along_many(np.fft.fftn, "The Fourier transform")
ifftn = _along_many(np.fft.ifftn, "The inverse of the Fourier transform")
rfftn = _along_many(np.fft.rfftn, "The Fourier transform of real numbers, its first half,")
irfftn = _along_many(np.fft.irfftn, "The inverse of `rfftn`")


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of `fft` of n samples at distances d."""
    return _numbers(np.fft.fftfreq(n, d), dtype, device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of `rfft` of n samples at distances d."""
    return _numbers(np.fft.rfftfreq(n, d), dtype, device)


def _numbers(found: Any, dtype: Any, device: Any) -> Tensor:
    made: Tensor = of_numpy(found.astype(dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)))
    return made if device is None else made.to(device)


def fftshift(x: Tensor, /, *, axes: Any = None) -> Tensor:
    """The frequency 0 moved to the middle."""
    return of_numpy(np.fft.fftshift(numpy_of(x), axes))


def ifftshift(x: Tensor, /, *, axes: Any = None) -> Tensor:
    """The inverse of `fftshift`."""
    return of_numpy(np.fft.ifftshift(numpy_of(x), axes))
