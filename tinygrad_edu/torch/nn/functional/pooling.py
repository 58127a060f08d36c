"""Pooling: the largest element, the mean or the norm of each window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function

__all__ = [
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "max_pool1d_with_indices",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d_with_indices",
]

_MAX = (te.max_pool1d, te.max_pool2d, te.max_pool3d)
_AVG = (te.avg_pool1d, te.avg_pool2d, te.avg_pool3d)
_ADAPTIVE_MAX = (te.adaptive_max_pool1d, te.adaptive_max_pool2d, te.adaptive_max_pool3d)
_ADAPTIVE_AVG = (te.adaptive_avg_pool1d, te.adaptive_avg_pool2d, te.adaptive_avg_pool3d)


def _check(name: str, x: Any, axes: int) -> None:
    if x.ndim not in (axes + 1, axes + 2):
        raise wrong(
            RuntimeError,
            name,
            f"{name}: Expected {axes + 1}D or {axes + 2}D (batch mode) tensor, got {x.ndim} dimensions",
            inputs=(x,),
        )


def _stride(stride: Any) -> Any:
    return None if isinstance(stride, (tuple, list)) and not stride else stride


def _named(function: Callable[..., Any], name: str, text: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return torch_function(function)


def _max(axes: int) -> Any:
    def pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        _check(f"max_pool{axes}d", input, axes)
        found = _MAX[axes - 1](
            input,
            kernel_size,
            stride=_stride(stride),
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            return_indices=return_indices,
        )
        return tuple(found) if return_indices else found

    return _named(
        pool, f"max_pool{axes}d", "The largest of each window, and where it is if that is asked for."
    )


def _avg(axes: int) -> Any:
    if axes == 1:

        def pool(
            input: Any,
            kernel_size: Any,
            stride: Any = None,
            padding: Any = 0,
            ceil_mode: bool = False,
            count_include_pad: bool = True,
        ) -> Any:
            return mean(input, kernel_size, stride, padding, ceil_mode, count_include_pad)

    else:

        def pool(  # type: ignore[misc]
            input: Any,
            kernel_size: Any,
            stride: Any = None,
            padding: Any = 0,
            ceil_mode: bool = False,
            count_include_pad: bool = True,
            divisor_override: int | None = None,
        ) -> Any:
            if divisor_override == 0:
                raise wrong(RuntimeError, f"avg_pool{axes}d", "divisor must be not zero")
            return mean(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)

    def mean(x: Any, size: Any, stride: Any, padding: Any, ceil: bool, include: bool, by: Any = None) -> Any:
        _check(f"avg_pool{axes}d", x, axes)
        return _AVG[axes - 1](
            x,
            size,
            stride=_stride(stride),
            padding=padding,
            ceil_mode=ceil,
            count_include_pad=include,
            divisor_override=by,
        )

    return _named(pool, f"avg_pool{axes}d", "The mean of each window, zeros of the padding included.")


def _lp(axes: int) -> Any:
    def pool(
        input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> Any:
        _check(f"lp_pool{axes}d", input, axes)
        mean = _AVG[axes - 1](input**norm_type, kernel_size, stride=_stride(stride), ceil_mode=ceil_mode)
        count = kernel_size**axes if isinstance(kernel_size, int) else int(np.prod(kernel_size))
        return (te.sign(mean) * te.relu(te.abs(mean)) * count) ** (1.0 / norm_type)

    return _named(pool, f"lp_pool{axes}d", "The norm of each window: the root of the sum of its powers.")


def _adaptive_max(axes: int) -> Any:
    def pool(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        _check(f"adaptive_max_pool{axes}d", input, axes)
        found = _ADAPTIVE_MAX[axes - 1](input, output_size, return_indices=return_indices)
        return tuple(found) if return_indices else found

    return _named(pool, f"adaptive_max_pool{axes}d", "The largest of windows that make a result of one size.")


def _adaptive_avg(axes: int) -> Any:
    def pool(input: Any, output_size: Any) -> Any:
        _check(f"adaptive_avg_pool{axes}d", input, axes)
        return _ADAPTIVE_AVG[axes - 1](input, output_size)

    return _named(pool, f"adaptive_avg_pool{axes}d", "The means of windows that make a result of one size.")


def _unpool(axes: int) -> Any:
    def pool(
        input: Any,
        indices: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        output_size: Any = None,
    ) -> Any:
        name = f"max_unpool{axes}d"
        _check(name, input, axes)
        if indices.shape != input.shape:
            raise wrong(
                RuntimeError, name, "Expected shape of indices to be same as that of the input tensor",
                inputs=(input, indices),
            )  # fmt: skip
        sizes, strides, edges = (
            (n,) * axes if isinstance(n, int) else tuple(n)
            for n in (kernel_size, kernel_size if _stride(stride) is None else stride, padding)
        )
        spatial = tuple(
            (n - 1) * s - 2 * p + k
            for n, s, p, k in zip(input.shape[-axes:], strides, edges, sizes, strict=True)
        )
        if output_size is not None:
            wanted = tuple(output_size)[-axes:]
            for least, size, step in zip(spatial, wanted, strides, strict=True):
                if not least - step < size < least + step:
                    raise ValueError(
                        f"invalid output_size {output_size} for {name}: near {spatial} is possible"
                    )
            spatial = wanted
        return _placed(input, indices, axes, spatial, name)

    return _named(
        pool, f"max_unpool{axes}d", "The adjoint of max_pool: each number where it was, zeros elsewhere."
    )


def _placed(x: Any, indices: Any, axes: int, spatial: tuple[int, ...], name: str) -> Any:
    """The numbers of x at their flat indices in the last axes, of sizes `spatial`."""
    lead, count = x.shape[:-axes], int(np.prod(spatial))
    rows = int(np.prod(lead))
    at = indices.numpy().reshape(rows, -1)
    if at.size and not (at.min() >= 0 and at.max() < count):
        raise wrong(RuntimeError, name, f"Found an invalid max index {at.max()} for an output of {spatial}")
    source = np.full((rows, count), at.shape[1])
    np.put_along_axis(source, at, np.broadcast_to(np.arange(at.shape[1]), at.shape), 1)
    flat = te.pad(te.reshape(x, (rows, at.shape[1])), [(0, 0), (0, 1)])  # what has no source is 0
    return te.reshape(te.take_along_axis(flat, te.tensor(source, device=x.device), 1), (*lead, *spatial))


max_pool1d, max_pool2d, max_pool3d = map(_max, (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = map(_avg, (1, 2, 3))
lp_pool1d, lp_pool2d, lp_pool3d = map(_lp, (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_max, (1, 2, 3))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(_adaptive_avg, (1, 2, 3))
max_unpool1d, max_unpool2d, max_unpool3d = map(_unpool, (1, 2, 3))


def _with_indices(function: Callable[..., Any]) -> Any:
    def pool(*args: Any, **named: Any) -> Any:
        named.pop("return_indices", None)
        return function(*args, **named, return_indices=True)

    pool.__name__ = pool.__qualname__ = f"{function.__name__}_with_indices"
    pool.__doc__ = f"`{function.__name__}`, and where the largest are."
    return pool


max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices = map(
    _with_indices, (max_pool1d, max_pool2d, max_pool3d)
)
(adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices) = map(
    _with_indices, (adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)
)
