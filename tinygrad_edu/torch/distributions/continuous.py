"""Distributions over real numbers."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

import tinygrad_edu.torch as torch
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.distributions import constraints
from tinygrad_edu.torch.distributions.distribution import LOG_ROOT_2PI, Distribution, tensors

TINY = {"float32": float(np.finfo(np.float32).tiny), "float64": float(np.finfo(np.float64).tiny)}


def uniform(shape: Any, like: Any) -> Any:
    """Numbers of (0, 1), never 0."""
    return torch.rand(shape, dtype=like.dtype, device=like.device).clamp(min=TINY[like.dtype.name])


def numpy_draw(name: str, shape: Any, *parameters: Any) -> Any:
    """A sample of a distribution that NumPy draws, from a seed that the face's generator gives."""
    like = parameters[0]
    random = np.random.default_rng(int(torch.randint(0, 2**52, ()).item()))
    given = [p.detach().cpu().numpy().astype(np.float64) for p in parameters]
    drawn = getattr(random, name)(*given, size=tuple(shape))
    return torch.as_tensor(np.asarray(drawn), dtype=like.dtype, device=like.device)


class Normal(Distribution):
    """The normal distribution with mean `loc` and standard deviation `scale`."""

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = tensors(loc, scale)
        super().__init__(self.loc.size(), (), validate_args)

    mean = mode = property(lambda self: self.loc)
    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.scale.pow(2))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        return self.loc + torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device) * self.scale

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        return -((value - self.loc) ** 2) / (2 * self.scale**2) - self.scale.log() - LOG_ROOT_2PI

    def entropy(self) -> Any:
        return 0.5 + LOG_ROOT_2PI + self.scale.log()

    def cdf(self, value: Any) -> Any:
        return 0.5 * (1 + torch.erf((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)))

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * torch.erfinv(2 * value - 1) * math.sqrt(2)


class Uniform(Distribution):
    """The uniform distribution on [low, high)."""

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Any]] = {"low": constraints.real, "high": constraints.real}

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = tensors(low, high)
        super().__init__(self.low.size(), (), validate_args)
        if self._validate_args and not bool((self.low < self.high).all()):
            raise wrong(ValueError, "Uniform", "Uniform is not defined when low>= high")

    mean = property(lambda self: (self.high + self.low) / 2)
    variance = property(lambda self: (self.high - self.low).pow(2) / 12)
    support = property(lambda self: constraints.interval(self.low, self.high))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        drawn = torch.rand(shape, dtype=self.low.dtype, device=self.low.device)
        return self.low + drawn * (self.high - self.low)

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        inside = ((self.low <= value) & (value < self.high)).to(self.low.dtype)
        return torch.log(inside) - torch.log(self.high - self.low)

    def entropy(self) -> Any:
        return torch.log(self.high - self.low)

    def cdf(self, value: Any) -> Any:
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value: Any) -> Any:
        return value * (self.high - self.low) + self.low


class Exponential(Distribution):
    """The exponential distribution: density rate exp(-rate x)."""

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Any]] = {"rate": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = tensors(rate)
        super().__init__(self.rate.size(), (), validate_args)

    mean = property(lambda self: self.rate.reciprocal())
    variance = property(lambda self: self.rate.pow(-2))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return -uniform(self._extended_shape(sample_shape), self.rate).log() / self.rate

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        return self.rate.log() - self.rate * value

    def entropy(self) -> Any:
        return 1.0 - torch.log(self.rate)

    def cdf(self, value: Any) -> Any:
        return 1 - torch.exp(-self.rate * value)

    def icdf(self, value: Any) -> Any:
        return -torch.log1p(-value) / self.rate


class Laplace(Distribution):
    """Density exp(-|x - loc| / scale) / (2 scale)."""

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = tensors(loc, scale)
        super().__init__(self.loc.size(), (), validate_args)

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: 2 * self.scale.pow(2))

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = uniform(self._extended_shape(sample_shape), self.loc) - 0.5
        return self.loc - self.scale * u.sign() * torch.log1p(-2 * u.abs())

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        return -torch.log(2 * self.scale) - torch.abs(value - self.loc) / self.scale

    def entropy(self) -> Any:
        return 1 + torch.log(2 * self.scale)

    def cdf(self, value: Any) -> Any:
        return 0.5 - 0.5 * (value - self.loc).sign() * torch.expm1(-(value - self.loc).abs() / self.scale)


class Cauchy(Distribution):
    """Density 1 / (pi scale (1 + ((x - loc) / scale)^2)); it has no mean."""

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = tensors(loc, scale)
        super().__init__(self.loc.size(), (), validate_args)

    mean = property(lambda self: torch.full_like(self.loc, math.nan))
    variance = property(lambda self: torch.full_like(self.loc, math.inf))

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = uniform(self._extended_shape(sample_shape), self.loc)
        return self.loc + self.scale * torch.tan(math.pi * (u - 0.5))

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        return -math.log(math.pi) - self.scale.log() - ((value - self.loc) / self.scale).pow(2).log1p()

    def entropy(self) -> Any:
        return math.log(4 * math.pi) + self.scale.log()


class Gumbel(Distribution):
    """The distribution of a maximum: density exp(-(z + exp(-z))) / scale with z = (x - loc) / scale."""

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = tensors(loc, scale)
        super().__init__(self.loc.size(), (), validate_args)

    mean = property(lambda self: self.loc + self.scale * np.euler_gamma)
    variance = property(lambda self: (math.pi / math.sqrt(6) * self.scale).pow(2))

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = uniform(self._extended_shape(sample_shape), self.loc)
        return self.loc - self.scale * torch.log(-torch.log(u).clamp(max=-TINY[self.loc.dtype.name]))

    def log_prob(self, value: Any) -> Any:
        z = (value - self.loc) / self.scale
        return -(z + torch.exp(-z)) - self.scale.log()

    def entropy(self) -> Any:
        return self.scale.log() + (1 + np.euler_gamma)


class HalfNormal(Distribution):
    """The absolute value of a normal variable with mean 0."""

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Any]] = {"scale": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = tensors(scale)
        super().__init__(self.scale.size(), (), validate_args)

    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    variance = property(lambda self: self.scale.pow(2) * (1 - 2 / math.pi))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return Normal(torch.zeros_like(self.scale), self.scale).rsample(sample_shape).abs()

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        return Normal(torch.zeros_like(self.scale), self.scale).log_prob(value) + math.log(2)

    def entropy(self) -> Any:
        return Normal(torch.zeros_like(self.scale), self.scale).entropy() - math.log(2)


class Gamma(Distribution):
    """Density rate^c x^(c - 1) exp(-rate x) / Gamma(c), with concentration c. Samples have no gradient."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "concentration": constraints.positive, "rate": constraints.positive,
    }  # fmt: skip
    support = constraints.nonnegative

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = tensors(concentration, rate)
        super().__init__(self.concentration.size(), (), validate_args)

    mean = property(lambda self: self.concentration / self.rate)
    variance = property(lambda self: self.concentration / self.rate.pow(2))

    def sample(self, sample_shape: Any = ()) -> Any:
        return (
            numpy_draw("standard_gamma", self._extended_shape(sample_shape), self.concentration)
            / self.rate.detach()
        )

    def log_prob(self, value: Any) -> Any:
        value = torch.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        self._check_sample(value)
        return (
            torch.xlogy(self.concentration, self.rate)
            + torch.xlogy(self.concentration - 1, value)
            - self.rate * value
            - torch.lgamma(self.concentration)
        )

    def entropy(self) -> Any:
        c = self.concentration
        return c - self.rate.log() + torch.lgamma(c) + (1.0 - c) * torch.digamma(c)


class Chi2(Gamma):
    """The sum of squares of df standard normal variables."""

    arg_constraints: ClassVar[dict[str, Any]] = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        (self.df,) = tensors(df)
        super().__init__(0.5 * self.df, 0.5, validate_args)


class Beta(Distribution):
    """Density proportional to x^(a - 1) (1 - x)^(b - 1) on [0, 1]. Samples have no gradient."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "concentration1": constraints.positive, "concentration0": constraints.positive,
    }  # fmt: skip
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = tensors(concentration1, concentration0)
        super().__init__(self.concentration1.size(), (), validate_args)

    mean = property(lambda self: self.concentration1 / (self.concentration1 + self.concentration0))

    @property
    def variance(self) -> Any:
        a, b = self.concentration1, self.concentration0
        return a * b / ((a + b).pow(2) * (a + b + 1))

    def sample(self, sample_shape: Any = ()) -> Any:
        return numpy_draw(
            "beta", self._extended_shape(sample_shape), self.concentration1, self.concentration0
        )

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        a, b = self.concentration1, self.concentration0
        return (
            torch.xlogy(a - 1, value)
            + torch.xlogy(b - 1, 1 - value)
            + torch.lgamma(a + b)
            - torch.lgamma(a)
            - torch.lgamma(b)
        )

    def entropy(self) -> Any:
        a, b = self.concentration1, self.concentration0
        return (
            torch.lgamma(a)
            + torch.lgamma(b)
            - torch.lgamma(a + b)
            - (a - 1) * torch.digamma(a)
            - (b - 1) * torch.digamma(b)
            + (a + b - 2) * torch.digamma(a + b)
        )


class StudentT(Distribution):
    """Student's distribution with df degrees of freedom, moved and scaled. Samples have no gradient."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "df": constraints.positive, "loc": constraints.real, "scale": constraints.positive,
    }  # fmt: skip
    support = constraints.real

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = tensors(df, loc, scale)
        super().__init__(self.df.size(), (), validate_args)

    @property
    def mean(self) -> Any:
        return torch.where(self.df > 1, self.loc, torch.full_like(self.loc, math.nan))

    def sample(self, sample_shape: Any = ()) -> Any:
        drawn = numpy_draw("standard_t", self._extended_shape(sample_shape), self.df)
        return self.loc.detach() + self.scale.detach() * drawn

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        y = (value - self.loc) / self.scale
        z = (
            self.scale.log()
            + 0.5 * self.df.log()
            + 0.5 * math.log(math.pi)
            + torch.lgamma(0.5 * self.df)
            - torch.lgamma(0.5 * (self.df + 1.0))
        )
        return -0.5 * (self.df + 1.0) * torch.log1p(y**2.0 / self.df) - z
