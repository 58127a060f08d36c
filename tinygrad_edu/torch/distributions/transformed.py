"""Distributions made of others: of a function of a variable, and mixtures."""

from __future__ import annotations

import math
from typing import Any

import tinygrad_edu.torch as torch
from tinygrad_edu.torch.distributions.continuous import Normal
from tinygrad_edu.torch.distributions.distribution import Distribution, sum_rightmost
from tinygrad_edu.torch.nn import functional as F


class Transform:
    """A function with an inverse, and the logarithm of its slope. `cache_size` is taken; nothing is kept."""

    bijective = True
    event_dim = 0

    def __init__(self, cache_size: int = 0) -> None:
        self._cache_size = cache_size

    def __call__(self, x: Any) -> Any:
        return self._call(x)

    def _call(self, x: Any) -> Any:
        raise RuntimeError(f"{type(self).__name__} defines no _call")

    def _inverse(self, y: Any) -> Any:
        raise RuntimeError(f"{type(self).__name__} defines no _inverse")

    @property
    def inv(self) -> Transform:
        return _Inverse(self)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """log |dy/dx|, element by element."""
        raise RuntimeError(f"{type(self).__name__} defines no log_abs_det_jacobian")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _Inverse(Transform):
    def __init__(self, transform: Transform) -> None:
        super().__init__()
        self._inv = transform

    def _call(self, x: Any) -> Any:
        return self._inv._inverse(x)

    def _inverse(self, y: Any) -> Any:
        return self._inv._call(y)

    @property
    def inv(self) -> Transform:
        return self._inv

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -self._inv.log_abs_det_jacobian(y, x)


class ExpTransform(Transform):
    """y = exp(x)."""

    def _call(self, x: Any) -> Any:
        return x.exp()

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return x


class SigmoidTransform(Transform):
    """y = 1 / (1 + exp(-x))."""

    def _call(self, x: Any) -> Any:
        return torch.sigmoid(x)

    def _inverse(self, y: Any) -> Any:
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -F.softplus(-x) - F.softplus(x)


class TanhTransform(Transform):
    """y = tanh(x)."""

    def _call(self, x: Any) -> Any:
        return x.tanh()

    def _inverse(self, y: Any) -> Any:
        return torch.atanh(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return 2.0 * (math.log(2.0) - x - F.softplus(-2.0 * x))


class AffineTransform(Transform):
    """y = loc + scale x."""

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self.event_dim = loc, scale, event_dim

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        scale = torch.as_tensor(self.scale, dtype=x.dtype)
        return sum_rightmost(scale.abs().log().expand(x.shape), self.event_dim)


class ComposeTransform(Transform):
    """Several functions, one after the other."""

    def __init__(self, parts: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = list(parts)
        self.event_dim = max((p.event_dim for p in self.parts), default=0)

    def _call(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: Any) -> Any:
        for part in reversed(self.parts):
            y = part._inverse(y)
        return y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        total: Any = 0.0
        for part in self.parts:
            z = part(x)
            total = total + sum_rightmost(part.log_abs_det_jacobian(x, z), self.event_dim - part.event_dim)
            x = z
        return total


class TransformedDistribution(Distribution):
    """The distribution of transforms(x), for x of another one."""

    def __init__(self, base_distribution: Any, transforms: Any, validate_args: bool | None = None) -> None:
        self.base_dist = base_distribution
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        event = max([len(base_distribution.event_shape), *(t.event_dim for t in self.transforms)])
        shape = tuple(base_distribution.batch_shape) + tuple(base_distribution.event_shape)
        at = len(shape) - event
        super().__init__(shape[:at], shape[at:], validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return bool(self.base_dist.has_rsample)

    def _forward(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self._forward(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        axes = len(self._event_shape)
        total: Any = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform._inverse(y)
            total = total - sum_rightmost(transform.log_abs_det_jacobian(x, y), axes - transform.event_dim)
            y = x
        return total + sum_rightmost(self.base_dist.log_prob(y), axes - len(self.base_dist.event_shape))


class LogNormal(TransformedDistribution):
    """exp of a normal variable."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    loc = property(lambda self: self.base_dist.loc)
    scale = property(lambda self: self.base_dist.scale)
    mean = property(lambda self: (self.loc + self.scale.pow(2) / 2).exp())

    @property
    def variance(self) -> Any:
        s = self.scale.pow(2)
        return torch.expm1(s) * (2 * self.loc + s).exp()

    def entropy(self) -> Any:
        return self.base_dist.entropy() + self.loc


class MixtureSameFamily(Distribution):
    """A mixture of the last batch axis of `component_distribution`, with the weights of a Categorical."""

    def __init__(self, mixture_distribution: Any, component_distribution: Any,
                 validate_args: bool | None = None) -> None:  # fmt: skip
        self.mixture_distribution, self.component_distribution = mixture_distribution, component_distribution
        self._event = len(component_distribution.event_shape)
        super().__init__(
            component_distribution.batch_shape[:-1], component_distribution.event_shape, validate_args
        )

    def _weights(self) -> Any:
        probs = self.mixture_distribution.probs
        return probs.reshape(*probs.shape, *(1,) * self._event)

    @property
    def mean(self) -> Any:
        return (self._weights() * self.component_distribution.mean).sum(-1 - self._event)

    @property
    def variance(self) -> Any:
        w, part = self._weights(), self.component_distribution
        inner = (w * part.variance).sum(-1 - self._event)
        return inner + (w * (part.mean - self.mean.unsqueeze(-1 - self._event)).pow(2)).sum(-1 - self._event)

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            which = self.mixture_distribution.sample(sample_shape)
            every = self.component_distribution.sample(sample_shape)
            at = every.dim() - 1 - self._event
            index = which.reshape(*which.shape, 1, *(1,) * self._event)
            index = index.expand(*every.shape[:at], 1, *every.shape[at + 1 :])
            return every.gather(at, index).squeeze(at)

    def log_prob(self, value: Any) -> Any:
        each = self.component_distribution.log_prob(value.unsqueeze(-1 - self._event))
        return torch.logsumexp(each + torch.log_softmax(self.mixture_distribution.logits, dim=-1), dim=-1)
