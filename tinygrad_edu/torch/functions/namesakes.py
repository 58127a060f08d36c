"""torch's functions that are those of torch.nn.functional under the same name, with the arguments in their
order.

PyTorch's own have another order in a few: `torch.embedding(weight, indices)`, `torch.dropout(input, p,
train)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
import tinygrad_edu.torch as torch
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import dtypes
from tinygrad_edu.torch.functions.creation import made
from tinygrad_edu.torch.nn import functional as F

# The same function, by the same name.
SAME = """adaptive_avg_pool1d avg_pool1d bilinear celu celu_ channel_shuffle conv1d conv2d conv3d
    conv_transpose1d conv_transpose2d conv_transpose3d cosine_similarity group_norm hardshrink layer_norm
    max_pool1d max_pool2d max_pool3d native_channel_shuffle pairwise_distance pdist pixel_shuffle
    pixel_unshuffle prelu rms_norm rrelu rrelu_ selu selu_ threshold threshold_"""


def _part(p: float) -> float:
    """p, if it is a part of a whole; RuntimeError if not."""
    if not 0 <= p <= 1:
        raise wrong(RuntimeError, "dropout", f"dropout probability has to be between 0 and 1, but got {p}")
    return p


def dropout(input: Any, p: float, train: bool) -> Any:
    """Zeros in place of a part p of the elements, in training."""
    return F.dropout(input, _part(p), train)


def alpha_dropout(input: Any, p: float, train: bool) -> Any:
    """Dropout that keeps mean and variance, in training."""
    return F.alpha_dropout(input, _part(p), train)


def feature_alpha_dropout(input: Any, p: float, train: bool) -> Any:
    """Dropout of whole channels that keeps mean and variance, in training."""
    return F.feature_alpha_dropout(input, _part(p), train)


def dropout_(input: Any, p: float, train: bool) -> Any:
    """Dropout, written into the tensor itself."""
    return input.copy_(F.dropout(input, _part(p), train))


def alpha_dropout_(input: Any, p: float, train: bool) -> Any:
    """Dropout that keeps mean and variance, written into the tensor itself."""
    return input.copy_(alpha_dropout(input, p, train))


def feature_alpha_dropout_(input: Any, p: float, train: bool) -> Any:
    """Dropout of whole channels that keeps mean and variance, written into the tensor itself."""
    return input.copy_(feature_alpha_dropout(input, p, train))


def feature_dropout(input: Any, p: float, train: bool) -> Any:
    """Zeros in place of a part p of the channels, in training."""
    spread = input.reshape(*input.shape[:2], -1)
    mask = F.dropout(torch.ones_like(spread[..., :1]), _part(p), train)
    return (spread * mask).reshape(input.shape)


def feature_dropout_(input: Any, p: float, train: bool) -> Any:
    """Dropout of whole channels, written into the tensor itself."""
    return input.copy_(feature_dropout(input, p, train))


def constant_pad_nd(input: Any, pad: Any, value: float = 0) -> Any:
    """The tensor with a border of one value."""
    return F.pad(input, list(pad), "constant", value)


def index_put_(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """Values written at indices, into the tensor itself."""
    return input.index_put_(indices, values, accumulate)


def resize_as_(input: Any, the_template: Any, *, memory_format: Any = None) -> Any:
    """The tensor itself, with the shape of another one."""
    return input.resize_(the_template.shape)


def addmv_(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """The tensor, plus the product of a matrix and a vector, written into itself."""
    return input.addmv_(mat, vec, beta=beta, alpha=alpha)


def embedding(weight: Any, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False,
              sparse: bool = False) -> Any:  # fmt: skip
    """Rows of a table."""
    return F.embedding(indices, weight, None if padding_idx < 0 else padding_idx)


def adaptive_max_pool1d(input: Any, output_size: Any) -> Any:
    """(largest, where): of as many windows as are asked for."""
    return F.adaptive_max_pool1d(input, output_size, return_indices=True)


def max_pool1d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """(largest, where) of each window."""
    return F.max_pool1d(input, kernel_size, stride or None, padding, dilation, ceil_mode, return_indices=True)


def instance_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Any:
    """Each channel of each example, normalized."""
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def batch_norm(input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, training: bool,
               momentum: float, eps: float, cudnn_enabled: bool) -> Any:  # fmt: skip
    """Each channel, normalized over the batch."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def _window(shape: Any) -> Any:
    def window(
        window_length: int,
        periodic: bool = True,
        *,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        **shape_of: float,
    ) -> Any:
        steps = window_length if periodic else window_length - 1
        if window_length < 2:
            numbers = np.ones(window_length)
        else:
            numbers = shape(np.arange(window_length) / steps, **shape_of)
        kind = dtypes.numpy_of(dtype or dtypes.get_default_dtype())
        return made(te.tensor(numbers.astype(kind)), None, device, requires_grad)

    return window


hann_window = _window(lambda t: 0.5 - 0.5 * np.cos(2 * np.pi * t))
hamming_window = _window(lambda t, alpha=0.54, beta=0.46: alpha - beta * np.cos(2 * np.pi * t))
blackman_window = _window(lambda t: 0.42 - 0.5 * np.cos(2 * np.pi * t) + 0.08 * np.cos(4 * np.pi * t))
bartlett_window = _window(lambda t: 1 - np.abs(2 * t - 1))
OWN = """adaptive_max_pool1d addmv_ alpha_dropout alpha_dropout_ bartlett_window batch_norm
    blackman_window constant_pad_nd dropout dropout_ embedding feature_alpha_dropout
    feature_alpha_dropout_ feature_dropout feature_dropout_ hamming_window hann_window index_put_
    instance_norm max_pool1d_with_indices resize_as_"""
NAMES = frozenset(f"{SAME} {OWN}".split())
globals().update({name: getattr(F, name) for name in SAME.split()})
