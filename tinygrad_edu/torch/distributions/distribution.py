"""Distribution: what all distributions share. Written in the face's own words, as a user would write one."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import tinygrad_edu.torch as torch
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.size import Size
from tinygrad_edu.torch.core.tensor import Tensor


def tensors(*values: Any) -> list[Any]:
    """Parameters as tensors that are broadcast to one shape; Python's numbers take the tensors' dtype."""
    kind = next((v.dtype for v in values if isinstance(v, Tensor) and v.is_floating_point()), None)
    made = [
        v
        if isinstance(v, Tensor) and v.is_floating_point()
        else torch.as_tensor(v, dtype=kind or torch.get_default_dtype())
        for v in values
    ]
    return list(torch.broadcast_tensors(*made))


class Distribution:
    """A distribution over the last `len(event_shape)` axes; those before, `batch_shape`, are independent.

    `sample` has no gradient, `rsample` has one, by the parameters, where `has_rsample` says so.
    """

    has_rsample: ClassVar[bool] = False
    has_enumerate_support: ClassVar[bool] = False
    arg_constraints: ClassVar[dict[str, Any]] = {}
    _validate_args = __debug__

    def __init__(
        self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, constraint in self.arg_constraints.items():
                value = vars(self).get(name)
                if value is not None and not bool(constraint.check(value).all()):
                    raise wrong(
                        ValueError,
                        type(self).__name__,
                        f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) "
                        "of "
                        f"distribution {type(self).__name__} to satisfy the constraint {constraint}, but "
                        "found invalid values",
                    )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether parameters and samples are checked, unless told otherwise."""
        Distribution._validate_args = bool(value)

    @property
    def batch_shape(self) -> Size:
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        return self._event_shape

    @property
    def stddev(self) -> Any:
        return self.variance.sqrt()

    @property
    def variance(self) -> Any:
        raise self._without("variance")

    @property
    def mean(self) -> Any:
        raise self._without("mean")

    def _without(self, name: str) -> Exception:
        return wrong(RuntimeError, type(self).__name__, f"{type(self).__name__} has no {name}")

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size(tuple(sample_shape) + tuple(self._batch_shape) + tuple(self._event_shape))

    def sample(self, sample_shape: Any = ()) -> Any:
        """A tensor of the shape sample_shape + batch_shape + event_shape, without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """A sample that is a differentiable function of the parameters."""
        raise wrong(
            RuntimeError,
            type(self).__name__,
            f"samples of {type(self).__name__} have no gradient",
            "use sample(), and the score function's gradient: -(log_prob(x) * reward)",
        )

    def sample_n(self, n: int) -> Any:
        return self.sample((n,))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or of the probability, of `value`."""
        raise self._without("log_prob")

    def entropy(self) -> Any:
        """The entropy, in nats."""
        raise self._without("entropy")

    def perplexity(self) -> Any:
        return torch.exp(self.entropy())

    def cdf(self, value: Any) -> Any:
        raise self._without("cdf")

    def icdf(self, value: Any) -> Any:
        raise self._without("icdf")

    def enumerate_support(self, expand: bool = True) -> Any:
        raise self._without("finite support")

    def expand(self, batch_shape: Any, _instance: Any = None) -> Distribution:
        """The same distribution with a larger batch_shape."""
        made: Distribution = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        extra = len(batch_shape) - len(self._batch_shape)
        for name in self._parameters():
            value = getattr(self, name)
            own = value.shape[len(self._batch_shape) :]
            setattr(made, name, value.expand(*batch_shape, *own) if extra >= 0 else value)
        made._batch_shape = Size(batch_shape)
        return made

    def _parameters(self) -> list[str]:
        return [name for name in self.arg_constraints if isinstance(vars(self).get(name), Tensor)]

    def _check_sample(self, value: Any) -> None:
        support = getattr(self, "support", None)
        if self._validate_args and support is not None and not bool(support.check(value).all()):
            raise wrong(
                ValueError,
                type(self).__name__,
                f"Expected value argument (Tensor of shape {tuple(value.shape)}) to be within the support "
                f"({support}) "
                f"of the distribution {type(self).__name__}",
            )

    def __repr__(self) -> str:
        given = ", ".join(
            f"{n}: {getattr(self, n) if getattr(self, n).numel() == 1 else getattr(self, n).size()}"
            for n in self._parameters()
        )
        return f"{type(self).__name__}({given})"


def sum_rightmost(value: Any, axes: int) -> Any:
    """The sum over the last `axes` axes."""
    return value if axes == 0 else value.sum(tuple(range(-axes, 0)))


class Independent(Distribution):
    """A distribution whose last batch axes are read as one event: log_prob is their sum."""

    def __init__(self, base_distribution: Any, reinterpreted_batch_ndims: int,
                 validate_args: bool | None = None) -> None:  # fmt: skip
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        shape = tuple(base_distribution.batch_shape) + tuple(base_distribution.event_shape)
        at = len(base_distribution.batch_shape) - reinterpreted_batch_ndims
        if at < 0:
            raise wrong(
                ValueError,
                "Independent",
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape)",
            )
        super().__init__(shape[:at], shape[at:], validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return bool(self.base_dist.has_rsample)

    @property
    def mean(self) -> Any:
        return self.base_dist.mean

    @property
    def variance(self) -> Any:
        return self.base_dist.variance

    def sample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Any:
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Any:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"


LOG_ROOT_2PI = math.log(math.sqrt(2 * math.pi))
