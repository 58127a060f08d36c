"""Distributions over integers and classes. Each is given by probabilities, or by logits."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

import tinygrad_edu.torch as torch
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.size import Size
from tinygrad_edu.torch.distributions import constraints
from tinygrad_edu.torch.distributions.continuous import Gumbel, numpy_draw
from tinygrad_edu.torch.distributions.distribution import Distribution, tensors
from tinygrad_edu.torch.nn import functional as F


def one_of(name: str, probs: Any, logits: Any) -> None:
    """ValueError unless exactly one of them is given."""
    if (probs is None) == (logits is None):
        raise wrong(ValueError, name, "Either `probs` or `logits` must be specified, but not both.")


def inside(probs: Any) -> Any:
    """Probabilities moved off 0 and 1, so that their logarithms are finite."""
    eps = float(np.finfo(probs.dtype.name).eps)
    return probs.clamp(min=eps, max=1 - eps)


class _ByProbability(Distribution):
    """A distribution with one probability for each element."""

    def __init__(self, probs: Any, logits: Any, validate_args: bool | None) -> None:
        one_of(type(self).__name__, probs, logits)
        if probs is not None:
            (self.probs,) = tensors(probs)
        else:
            (self.logits,) = tensors(logits)
        super().__init__((self.probs if probs is not None else self.logits).size(), (), validate_args)

    def __getattr__(self, name: str) -> Any:
        if name == "probs" and "logits" in vars(self):
            self.probs = torch.sigmoid(self.logits)
            return self.probs
        if name == "logits" and "probs" in vars(self):
            p = inside(self.probs)
            self.logits = torch.log(p) - torch.log1p(-p)
            return self.logits
        raise AttributeError(name)

    @property
    def param_shape(self) -> Any:
        return self._batch_shape


class Bernoulli(_ByProbability):
    """1 with probability p, else 0."""

    has_enumerate_support = True
    arg_constraints: ClassVar[dict[str, Any]] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    support = constraints.boolean

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)

    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            return torch.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        logits, value = torch.broadcast_tensors(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value.to(logits.dtype), reduction="none")

    def entropy(self) -> Any:
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Any:
        values = torch.arange(2, dtype=self.probs.dtype).view(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values


class Geometric(_ByProbability):
    """The number of failures before the first success."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)

    mean = property(lambda self: 1.0 / self.probs - 1.0)
    variance = property(lambda self: (1.0 / self.probs - 1.0) / self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        return numpy_draw("geometric", self._extended_shape(sample_shape), self.probs) - 1

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        value, probs = torch.broadcast_tensors(value, self.probs)
        return torch.xlogy(value, 1 - probs) + self.probs.log()

    def entropy(self) -> Any:
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs


class Binomial(_ByProbability):
    """The number of successes among total_count tries."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }

    def __init__(self, total_count: Any = 1, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:  # fmt: skip
        one_of("Binomial", probs, logits)
        self.total_count, given = tensors(total_count, probs if probs is not None else logits)
        super().__init__(
            given if probs is not None else None, given if probs is None else None, validate_args
        )

    support = property(lambda self: constraints.integer_interval(0, self.total_count))
    mean = property(lambda self: self.total_count * self.probs)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = tuple(self._extended_shape(sample_shape))
        random = np.random.default_rng(int(torch.randint(0, 2**52, ()).item()))
        count, p = (x.detach().cpu().numpy() for x in (self.total_count, self.probs))
        return torch.as_tensor(random.binomial(count.astype(np.int64), p, size=shape), dtype=self.probs.dtype)

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        n = self.total_count
        ways = torch.lgamma(n + 1) - torch.lgamma(value + 1) - torch.lgamma(n - value + 1)
        return ways + value * F.logsigmoid(self.logits) + (n - value) * F.logsigmoid(-self.logits)


class Poisson(Distribution):
    """The number of events at a rate."""

    arg_constraints: ClassVar[dict[str, Any]] = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = tensors(rate)
        super().__init__(self.rate.size(), (), validate_args)

    mean = variance = property(lambda self: self.rate)

    def sample(self, sample_shape: Any = ()) -> Any:
        return numpy_draw("poisson", self._extended_shape(sample_shape), self.rate)

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        rate, value = torch.broadcast_tensors(self.rate, value)
        return torch.xlogy(value, rate) - rate - torch.lgamma(value + 1)


class _ByClass(Distribution):
    """A distribution with a probability for each class, on the last axis: `probs` over their sum."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }

    def _take(self, probs: Any, logits: Any) -> Any:
        one_of(type(self).__name__, probs, logits)
        given = probs if probs is not None else logits
        if given.dim() < 1:
            raise wrong(
                ValueError, type(self).__name__, "`probs` and `logits` must be at least one-dimensional."
            )
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
        self._num_events = given.size(-1)
        return given

    def __getattr__(self, name: str) -> Any:
        if name == "probs" and "logits" in vars(self):
            self.probs = F.softmax(self.logits, dim=-1)
            return self.probs
        if name == "logits" and "probs" in vars(self):
            self.logits = torch.log(inside(self.probs))
            return self.logits
        raise AttributeError(name)

    @property
    def param_shape(self) -> Any:
        return getattr(self, "logits" if "logits" in vars(self) else "probs").size()

    def _entropy(self) -> Any:
        least = float(np.finfo(self.logits.dtype.name).min)
        return -(self.logits.clamp(min=least) * self.probs).sum(-1)

    def _draw(self, sample_shape: Any) -> Any:
        """The class of each sample."""
        flat = self.probs.detach().reshape(-1, self._num_events)
        shape = Size(tuple(sample_shape) + tuple(self._batch_shape))
        drawn = torch.multinomial(flat, Size(sample_shape).numel(), True).T
        return drawn.reshape(shape)


class Categorical(_ByClass):
    """The number of a class."""

    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        given = self._take(probs, logits)
        super().__init__(given.size()[:-1], (), validate_args)

    support = property(lambda self: constraints.integer_interval(0, self._num_events - 1))
    mean = property(lambda self: torch.full(self._batch_shape, float("nan")))
    mode = property(lambda self: self.probs.argmax(dim=-1))

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            return self._draw(sample_shape)

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        value = value.long().unsqueeze(-1)
        shape = torch.broadcast_shapes(value.shape[:-1], self.logits.shape[:-1])
        logits = self.logits.expand(*shape, self._num_events)
        return logits.gather(-1, value.expand(*shape, 1)).squeeze(-1)

    def entropy(self) -> Any:
        return self._entropy()

    def enumerate_support(self, expand: bool = True) -> Any:
        values = torch.arange(self._num_events).view(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values


class OneHotCategorical(_ByClass):
    """A class, as a vector with one 1."""

    support = constraints.one_hot

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        given = self._take(probs, logits)
        super().__init__(given.size()[:-1], given.size()[-1:], validate_args)

    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            return F.one_hot(self._draw(sample_shape), self._num_events).to(self.probs.dtype)

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        return (value * self.logits).sum(-1)

    def entropy(self) -> Any:
        return self._entropy()


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """OneHotCategorical whose rsample has the gradient of the probabilities."""

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())


class RelaxedOneHotCategorical(_ByClass):
    """Points of the simplex near its corners: softmax((logits + Gumbel noise) / temperature)."""

    has_rsample = True
    support = constraints.simplex

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:  # fmt: skip
        given = self._take(probs, logits)
        self.temperature = temperature
        super().__init__(given.size()[:-1], given.size()[-1:], validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        noise = Gumbel(torch.zeros_like(self.logits), 1.0).sample(sample_shape)
        return F.softmax((self.logits.expand(shape) + noise) / self.temperature, dim=-1)


class Multinomial(_ByClass):
    """How often each class comes in total_count draws."""

    def __init__(self, total_count: int = 1, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:  # fmt: skip
        given = self._take(probs, logits)
        self.total_count = total_count
        super().__init__(given.size()[:-1], given.size()[-1:], validate_args)

    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            drawn = self._draw((self.total_count, *sample_shape))
            return F.one_hot(drawn, self._num_events).sum(0).to(self.probs.dtype)

    def log_prob(self, value: Any) -> Any:
        logits, value = torch.broadcast_tensors(self.logits, value)
        ways = torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1)
        return ways + torch.where(
            (value == 0) & (logits == -float("inf")), torch.zeros_like(logits), logits * value
        ).sum(-1)
