"""torch.testing: assert_close, with PyTorch's tolerances by dtype."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.functions.creation import tensor

_TOLERANCE = {"float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


def assert_close(actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None,
                 atol: float | None = None, equal_nan: bool = False, check_device: bool = True,
                 check_dtype: bool = True, check_layout: bool = True, check_stride: bool = False,
                 msg: Any = None) -> None:  # fmt: skip
    """AssertionError unless |actual - expected| <= atol + rtol |expected|, in sequences and mappings, too."""
    if (rtol is None) != (atol is None):
        raise wrong(ValueError, "assert_close", "rtol and atol must both be specified or both be unspecified")
    options = {"rtol": rtol, "atol": atol, "equal_nan": equal_nan, "check_device": check_device,
               "check_dtype": check_dtype, "msg": msg}  # fmt: skip
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping) or actual.keys() != expected.keys():
            raise AssertionError(msg or "The keys of the mappings do not match")
        for key in expected:
            assert_close(actual[key], expected[key], **options)
        return
    if isinstance(expected, Sequence) and not isinstance(expected, str):
        if not isinstance(actual, Sequence) or len(actual) != len(expected):
            raise AssertionError(msg or "The length of the sequences mismatch")
        for one, other in zip(actual, expected, strict=True):
            assert_close(one, other, **options)
        return
    _compare(actual, expected, **options)


def _compare(actual: Any, expected: Any, rtol: Any, atol: Any, equal_nan: bool, check_device: bool,
             check_dtype: bool, msg: Any) -> None:  # fmt: skip
    one, other = (x if isinstance(x, Tensor) else tensor(x) for x in (actual, expected))
    problem = ""
    if one.shape != other.shape:
        problem = f"The values for attribute 'shape' do not match: {one.shape} != {other.shape}."
    elif check_device and one.device != other.device:
        problem = f"The values for attribute 'device' do not match: {one.device} != {other.device}."
    elif check_dtype and one.dtype != other.dtype and isinstance(actual, Tensor):
        problem = f"The values for attribute 'dtype' do not match: {one.dtype} != {other.dtype}."
    else:
        a, b = (np.array(x.detach().cpu().numpy()) for x in (one, other))
        names = [n for n in (one.dtype.name, other.dtype.name) if n in _TOLERANCE]
        limits = (
            [max(pair) for pair in zip(*(_TOLERANCE[n] for n in names), strict=True)] if names else [0.0, 0.0]
        )
        relative, absolute = (limits[0], limits[1]) if rtol is None else (rtol, atol)
        close = np.isclose(a, b, rtol=relative, atol=absolute, equal_nan=equal_nan)
        if not close.all():
            off = np.abs(a.astype(float) - b.astype(float))
            problem = (
                f"Tensor-likes are not close!\n\nMismatched elements: {(~close).sum()} / {close.size}\n"
                f"Greatest absolute difference: {np.nanmax(off)} (up to {absolute} allowed)"
            )
    if problem:
        raise AssertionError(msg(problem) if callable(msg) else msg or problem)


def make_tensor(*shape: Any, dtype: Any, device: Any, low: Any = None, high: Any = None,
                requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False,
                memory_format: Any = None) -> Tensor:  # fmt: skip
    """A tensor of a shape, of numbers that are uniform in [low, high)."""
    size = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
    floats = dtype.is_floating_point
    least, most = (-9 if low is None else low), (9 if high is None else high)
    random = np.random.default_rng(0)
    array = random.uniform(least, most, size) if floats else random.integers(int(least), int(most), size)
    made = tensor(array, dtype=dtype, device=device)
    return made.requires_grad_() if requires_grad else made


__getattr__ = missing_from("torch.testing")
