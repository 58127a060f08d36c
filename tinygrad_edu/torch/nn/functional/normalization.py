"""Norms: numbers brought to mean 0 and variance 1, or to a mean square of 1."""

from __future__ import annotations

import math
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.nn.functional.convolution import check_dtypes

__all__ = ["batch_norm", "instance_norm", "layer_norm", "group_norm", "rms_norm", "local_response_norm"]


def _channels(x: Any, weight: Any, bias: Any) -> Any:
    """x (batch, channels, ...) times the weights of the channels, plus their biases."""
    shape = (1, -1, *(1,) * (x.ndim - 2))
    x = x if weight is None else x * te.reshape(weight, shape)
    return x if bias is None else x + te.reshape(bias, shape)


def _move(running: Any, batch: Any, momentum: float) -> None:
    running.copy_(running * (1.0 - momentum) + batch.cast(running.dtype) * momentum)


def _by_averages(x: Any, mean: Any, var: Any, eps: float) -> Any:
    shape = (1, -1, *(1,) * (x.ndim - 2))
    return (x - te.reshape(mean, shape)) * te.reshape(1.0 / te.sqrt(var + eps), shape)


@torch_function
def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel (axis 1) to mean 0 and variance 1 over the rest, by the batch or by running averages.

    In training, the averages move towards the batch's mean and unbiased variance, in place.
    """
    x = input
    if x.ndim < 2:
        raise wrong(RuntimeError, "batch_norm", f"x {x.shape} must be (batch, channels, ...)", inputs=(x,))
    for given in (running_mean, running_var, weight, bias):
        if given is not None and given.shape != (x.shape[1],):
            raise wrong(
                RuntimeError,
                "batch_norm",
                f"there are {x.shape[1]} channels and {given.shape} numbers for them",
                inputs=(x, given),
            )
    if not training:
        if running_mean is None or running_var is None:
            raise wrong(
                RuntimeError,
                "batch_norm",
                "Expected running_mean and running_var to be defined when training=False",
            )
        return _channels(_by_averages(x, running_mean, running_var, eps), weight, bias)
    axes = tuple(a for a in range(x.ndim) if a != 1)
    if math.prod(x.shape[a] for a in axes) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {list(x.shape)}"
        )
    if running_mean is not None:
        with te.no_grad():
            seen = x.detach()
            _move(running_mean, te.mean(seen, axes), momentum)
            _move(running_var, te.var(seen, axes, correction=1), momentum)
    return _channels(te.layer_norm(x, axes, eps=eps), weight, bias)


@torch_function
def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel of each row of (batch, channels, ...) to mean 0 and variance 1."""
    x = input
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise wrong(
                RuntimeError, "instance_norm",
                "Expected running_mean and running_var to be defined when use_input_stats=False",
            )  # fmt: skip
        return _channels(_by_averages(x, running_mean, running_var, eps), weight, bias)
    if math.prod(x.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size torch.Size({list(x.shape)})"
        )
    if running_mean is not None:
        axes = tuple(range(2, x.ndim))
        with te.no_grad():
            seen = x.detach()
            _move(running_mean, te.mean(te.mean(seen, axes), 0), momentum)
            _move(running_var, te.mean(te.var(seen, axes, correction=1), 0), momentum)
    return te.instance_norm(x, weight, bias, eps)


def last_axes(name: str, x: Any, normalized_shape: Any) -> tuple[int, ...]:
    """The last axes of x, whose sizes are `normalized_shape`. Raises RuntimeError for others."""
    sizes = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not sizes or x.shape[max(0, x.ndim - len(sizes)) :] != sizes:
        raise wrong(
            RuntimeError,
            name,
            f"Given normalized_shape={list(sizes)}, expected input with shape [*, "
            f"{', '.join(map(str, sizes))}], but got input of size {list(x.shape)}",
            inputs=(x,),
        )
    return tuple(range(-len(sizes), 0))


@torch_function
def layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """The last axes, of shape `normalized_shape`, to mean 0 and variance 1."""
    check_dtypes("layer_norm", input, weight, bias)
    return te.layer_norm(input, last_axes("layer_norm", input, normalized_shape), weight, bias, eps)


@torch_function
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """The last axes divided by the root of their mean square, plus eps under the root."""
    return te.rms_norm(input, last_axes("rms_norm", input, normalized_shape), weight, eps)


@torch_function
def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each of `num_groups` groups of channels of (batch, channels, ...) to mean 0 and variance 1."""
    if input.ndim < 2:
        raise wrong(RuntimeError, "group_norm", "Expected at least 2 dimensions", inputs=(input,))
    return te.group_norm(input, num_groups, weight, bias, eps)


@torch_function
def local_response_norm(
    input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """x / (k + alpha m)^beta, where m is the mean square of `size` neighbouring channels."""
    x = input
    if x.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {x.ndim} dimensions)")
    if not x.size:
        return x
    rows = te.reshape(x * x, (x.shape[0], 1, x.shape[1], -1))
    rows = te.pad(rows, [(0, 0), (0, 0), (size // 2, (size - 1) // 2), (0, 0)])
    mean = te.reshape(te.avg_pool2d(rows, (size, 1), stride=1), x.shape)
    return x / (mean * alpha + k) ** beta
