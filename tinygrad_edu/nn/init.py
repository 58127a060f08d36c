"""Initial values of parameters, so that signals and gradients keep their size from layer to layer.

Every function fills in place, outside the graph, from `generator` or the default one.
Sources: Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
2010 (xavier); He, Zhang, Ren, Sun, "Delving deep into rectifiers", arXiv 1502.01852 (kaiming); Saxe,
McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear networks", arXiv
1312.6120 (orthogonal).
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.backend import philox
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import wrong
from tinygrad_edu.nn import normal_quantile
from tinygrad_edu.scalars import number
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.words import missing_from

__getattr__ = missing_from(__name__)

_GAINS = {"linear": 1.0, "identity": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2.0), "selu": 0.75}


def calculate_gain(nonlinearity: str, slope: float = 0.01) -> float:
    """The inverse of an activation's factor on a standard normal signal; `slope` is leaky_relu's."""
    if nonlinearity == "leaky_relu":
        slope = number(slope, "calculate_gain: slope")
        return math.sqrt(2.0 / (1.0 + slope * slope))
    if nonlinearity not in _GAINS:
        raise wrong(
            ValueError, "calculate_gain", f"{nonlinearity!r} is none of {', '.join([*_GAINS, 'leaky_relu'])}"
        )
    return _GAINS[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """(fan in, fan out) of a weight (out, in, *receptive field). Raises ValueError below two dimensions."""
    if tensor.ndim < 2:
        raise wrong(
            ValueError,
            None,
            f"a tensor of shape {tensor.shape} has no fan in or out",
            "use uniform_ or zeros_",
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def constant_(tensor: Tensor, value: float) -> Tensor:
    """`value` everywhere."""
    tensor.detach().fill_(value)
    return tensor


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def uniform_(
    tensor: Tensor, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Uniform on [low, high)."""
    low, high = number(low, "uniform_: low"), number(high, "uniform_: high")
    if low > high:
        raise wrong(ValueError, "uniform_", f"low {low} is above high {high}")
    tensor.detach().copy_(F.rand(tensor.shape, generator=generator, dtype=tensor.dtype) * (high - low) + low)
    return tensor


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Normal with this mean and standard deviation."""
    mean, std = number(mean, "normal_: mean"), number(std, "normal_: std")
    if std < 0:
        raise wrong(ValueError, "normal_", f"the standard deviation must be >= 0, not {std}")
    tensor.detach().copy_(F.randn(tensor.shape, generator=generator, dtype=tensor.dtype) * std + mean)
    return tensor


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Normal with this mean and standard deviation, of the numbers in [a, b] alone.

    `a` and `b` are numbers themselves, as in PyTorch, and not multiples of `std`. One uniform number for each
    element goes through the quantile of the distribution. Raises ValueError where [a, b] has no probability.
    """
    mean, std = number(mean, "trunc_normal_: mean"), number(std, "trunc_normal_: std")
    a, b = number(a, "trunc_normal_: a"), number(b, "trunc_normal_: b")
    if not std > 0:
        raise wrong(ValueError, "trunc_normal_", f"the standard deviation must be > 0, not {std}")
    if not a < b:
        raise wrong(ValueError, "trunc_normal_", f"a {a} must be below b {b}")
    low, high = (a - mean) / std, (b - mean) / std
    upper = low > 0  # the upper tail is computed as the lower one, which has more digits
    ends = (-high, -low) if upper else (low, high)
    first, last = map(normal_quantile.below, ends)
    if not last > first:
        problem = f"[{a}, {b}] has no probability for mean {mean} and standard deviation {std}"
        raise wrong(ValueError, "trunc_normal_", problem, "move a and b, or take a larger std")
    share = (generator or philox.current()).uniform(tensor.shape, np.float64)
    z = normal_quantile.quantile(first + (last - first) * share)
    values = np.clip(mean + std * (-z if upper else z), a, b)
    tensor.detach().copy_(values)
    return tensor


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Uniform with variance gain^2 * 2 / (fan in + fan out)."""
    bound = number(gain, "xavier_uniform_: gain") * math.sqrt(6.0 / max(1, sum(fans(tensor))))
    return uniform_(tensor, -bound, bound, generator=generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Normal with variance gain^2 * 2 / (fan in + fan out)."""
    gain = number(gain, "xavier_normal_: gain")
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / max(1, sum(fans(tensor)))), generator=generator)


def _kaiming(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """The standard deviation that keeps the size of the signal (fan_in) or of the gradient (fan_out)."""
    if mode not in ("fan_in", "fan_out"):
        raise wrong(ValueError, None, f"mode must be 'fan_in' or 'fan_out', not {mode!r}")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fan))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Uniform with variance gain^2 / fan; `a` is leaky_relu's slope (0: relu)."""
    bound = math.sqrt(3.0) * _kaiming(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator=generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Normal with variance gain^2 / fan; `a` is leaky_relu's slope (0: relu)."""
    return normal_(tensor, 0.0, _kaiming(tensor, a, mode, nonlinearity), generator=generator)


def orthogonal_(tensor: Tensor, gain: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Rows (columns, if they are fewer) of length `gain` at right angles, uniform among all such matrices.

    The Q of a QR decomposition is uniform only after the signs of R's diagonal are moved into it
    (Mezzadri, "How to generate random matrices from the classical compact groups", math-ph/0609050).
    """
    fans(tensor)
    gain = number(gain, "orthogonal_: gain")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    source = (generator or philox.current()).normal((max(rows, columns), min(rows, columns)), np.float64)
    q, r = np.linalg.qr(source)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    tensor.detach().copy_((gain * (q.T if rows < columns else q)).reshape(tensor.shape))
    return tensor
