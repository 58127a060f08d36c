"""torch.nn.init: initial values of parameters, filled in place, outside the graph."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.backend import philox
from tinygrad_edu.errors import wrong
from tinygrad_edu.nn import init as of_library
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.words import missing_from

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


def _filled(tensor: Any, value: te.Tensor) -> Any:
    """The tensor with these numbers, and outside the graph."""
    with te.no_grad():
        return views.write(tensor, value, "init")


def _generator(given: Any) -> Any:
    return None if given is None else getattr(given, "inner", given)


def _drawn(
    fill: Callable[..., te.Tensor], tensor: Any, *args: Any, generator: Any = None, **named: Any
) -> Any:
    """The tensor with numbers that a function of the library fills into one of its shape."""
    value = tensor.inner
    fresh = te.zeros(value.shape, dtype=value.dtype)
    return _filled(tensor, fill(fresh, *args, generator=_generator(generator), **named))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor on weights before an activation that keeps the size of signals."""
    if nonlinearity in _LINEAR or nonlinearity == "sigmoid":
        return 1
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, (int, float))):
            raise wrong(ValueError, "calculate_gain", f"negative_slope {param} not a valid number")
        return of_library.calculate_gain("leaky_relu", 0.01 if param is None else param)
    if nonlinearity not in ("tanh", "relu", "selu"):
        raise wrong(ValueError, "calculate_gain", f"Unsupported nonlinearity {nonlinearity}")
    return of_library.calculate_gain(nonlinearity)


def _calculate_fan_in_and_fan_out(tensor: Any) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise wrong(
            ValueError, None,
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions",
        )  # fmt: skip
    return of_library.fans(tensor.inner)


def _calculate_correct_fan(tensor: Any, mode: str) -> int:
    lower = mode.lower()
    if lower not in ("fan_in", "fan_out"):
        raise wrong(ValueError, None, f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return _calculate_fan_in_and_fan_out(tensor)[lower == "fan_out"]


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Any:
    """Uniform on [a, b)."""
    if a > b:
        raise wrong(
            RuntimeError,
            "uniform_",
            f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}",
        )
    return _drawn(of_library.uniform_, tensor, a, b, generator=generator)


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Any:
    """Normal with this mean and standard deviation."""
    if std < 0:
        raise wrong(RuntimeError, "normal_", f"normal expects std >= 0.0, but found std {std}")
    return _drawn(of_library.normal_, tensor, mean, std, generator=generator)


def trunc_normal_(
    tensor: Any, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Any:
    """Normal with this mean and standard deviation, of the numbers in [a, b] alone."""
    return _drawn(of_library.trunc_normal_, tensor, mean, std, a, b, generator=generator)


def constant_(tensor: Any, val: float) -> Any:
    """`val` everywhere."""
    value = tensor.inner
    return _filled(tensor, te.full(value.shape, val, dtype=value.dtype))


def ones_(tensor: Any) -> Any:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Any) -> Any:
    """0 everywhere."""
    return constant_(tensor, 0.0)


def eye_(tensor: Any) -> Any:
    """The identity in a matrix."""
    if tensor.dim() != 2:
        raise wrong(ValueError, "eye_", "Only tensors with 2 dimensions are supported")
    return _filled(tensor, te.eye(*tensor.shape, dtype=tensor.inner.dtype))


def dirac_(tensor: Any, groups: int = 1) -> Any:
    """The identity of a convolution: as many channels as possible are kept."""
    axes = tensor.dim()
    if axes not in (3, 4, 5):
        raise wrong(ValueError, "dirac_", "Only tensors with 3, 4, or 5 dimensions are supported")
    sizes = tuple(tensor.shape)
    if sizes[0] % groups:
        raise wrong(ValueError, "dirac_", "dim 0 must be divisible by groups")
    rows = sizes[0] // groups
    numbers = np.zeros(sizes, tensor.inner.dtype)
    middle = tuple(n // 2 for n in sizes[2:])
    for group in range(groups):
        for i in range(min(rows, sizes[1])):
            numbers[(group * rows + i, i, *middle)] = 1
    return _filled(tensor, te.tensor(numbers))


def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Uniform with variance gain^2 * 2 / (fan in + fan out)."""
    _calculate_fan_in_and_fan_out(tensor)
    return _drawn(of_library.xavier_uniform_, tensor, gain, generator=generator)


def xavier_normal_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Normal with variance gain^2 * 2 / (fan in + fan out)."""
    _calculate_fan_in_and_fan_out(tensor)
    return _drawn(of_library.xavier_normal_, tensor, gain, generator=generator)


def _kaiming(tensor: Any, a: float, mode: str, nonlinearity: str) -> float | None:
    """The standard deviation; None for a tensor without elements, of which a warning says so."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Any:
    """Uniform with variance gain^2 / fan; `a` is leaky_relu's slope."""
    std = _kaiming(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    return uniform_(tensor, -math.sqrt(3.0) * std, math.sqrt(3.0) * std, generator)


def kaiming_normal_(
    tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Any:
    """Normal with variance gain^2 / fan; `a` is leaky_relu's slope."""
    std = _kaiming(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Any, gain: float = 1, generator: Any = None) -> Any:
    """Rows (columns, if they are fewer) of length `gain` at right angles."""
    if tensor.dim() < 2:
        raise wrong(ValueError, "orthogonal_", "Only tensors with 2 or more dimensions are supported")
    if not tensor.numel():
        return tensor
    return _drawn(of_library.orthogonal_, tensor, gain, generator=generator)


def sparse_(tensor: Any, sparsity: float, std: float = 0.01, generator: Any = None) -> Any:
    """Normal, and the share `sparsity` of each column zeros."""
    if tensor.dim() != 2:
        raise wrong(ValueError, "sparse_", "Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    source = _generator(generator) or philox.current()
    numbers = source.normal((rows, columns), np.float64) * std
    count = math.ceil(sparsity * rows)
    order = source.uniform((rows, columns), np.float64).argsort(0)[:count]
    np.put_along_axis(numbers, order, 0.0, 0)
    return _filled(tensor, te.tensor(numbers.astype(tensor.inner.dtype)))


def _old(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function by the name that it had before it changed tensors in place."""

    def called(*args: Any, **named: Any) -> Any:
        warnings.warn(
            f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.", FutureWarning, stacklevel=2
        )
        return function(*args, **named)

    called.__name__ = called.__qualname__ = name
    called.__doc__ = f"`{name}_`, by its old name."
    return called


uniform, normal, constant, eye, dirac = (
    _old(uniform_, "uniform"),
    _old(normal_, "normal"),
    _old(constant_, "constant"),
    _old(eye_, "eye"),
    _old(dirac_, "dirac"),
)
xavier_uniform, xavier_normal = _old(xavier_uniform_, "xavier_uniform"), _old(xavier_normal_, "xavier_normal")
kaiming_uniform, kaiming_normal = (
    _old(kaiming_uniform_, "kaiming_uniform"),
    _old(kaiming_normal_, "kaiming_normal"),
)
orthogonal, sparse = _old(orthogonal_, "orthogonal"), _old(sparse_, "sparse")

__getattr__ = missing_from("torch.nn.init")
