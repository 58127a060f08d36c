"""Distributions over vectors: MultivariateNormal and Dirichlet."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import tinygrad_edu.torch as torch
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.distributions import constraints
from tinygrad_edu.torch.distributions.continuous import numpy_draw
from tinygrad_edu.torch.distributions.distribution import Distribution, tensors


class MultivariateNormal(Distribution):
    """The normal distribution over vectors (..., n), by its covariance, precision, or Cholesky factor."""

    has_rsample = True
    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real_vector}
    support = constraints.real_vector

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        given = [m for m in (covariance_matrix, precision_matrix, scale_tril) if m is not None]
        if len(given) != 1:
            raise wrong(
                ValueError,
                "MultivariateNormal",
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.",
            )
        if loc.dim() < 1:
            raise wrong(ValueError, "MultivariateNormal", "loc must be at least one-dimensional.")
        if scale_tril is not None:
            factor = scale_tril
        elif covariance_matrix is not None:
            factor = torch.linalg.cholesky(covariance_matrix)
        else:
            factor = torch.linalg.cholesky(torch.linalg.inv(precision_matrix))
        batch = torch.broadcast_shapes(factor.shape[:-2], loc.shape[:-1])
        n = loc.shape[-1]
        self.loc = loc.expand(*batch, n)
        self._unbroadcasted_scale_tril = factor
        self.scale_tril = factor.expand(*batch, n, n)
        super().__init__(batch, (n,), validate_args)

    mean = mode = property(lambda self: self.loc)
    covariance_matrix = property(lambda self: self.scale_tril @ self.scale_tril.transpose(-1, -2))
    precision_matrix = property(lambda self: torch.linalg.inv(self.covariance_matrix))
    variance = property(lambda self: self.scale_tril.pow(2).sum(-1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        eps = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + (self.scale_tril @ eps.unsqueeze(-1)).squeeze(-1)

    def _half_log_det(self) -> Any:
        return self.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        diff = (value - self.loc).unsqueeze(-1)
        factor = self.scale_tril.expand(*diff.shape[:-2], *self.scale_tril.shape[-2:])
        z = torch.linalg.solve_triangular(factor, diff, upper=False).squeeze(-1)
        n = self._event_shape[0]
        return -0.5 * (n * math.log(2 * math.pi) + z.pow(2).sum(-1)) - self._half_log_det()

    def entropy(self) -> Any:
        n = self._event_shape[0]
        return 0.5 * n * (1.0 + math.log(2 * math.pi)) + self._half_log_det()


class Dirichlet(Distribution):
    """Probabilities that add up to 1; density ~ prod x_i^(c_i - 1). Samples have no gradient."""

    arg_constraints: ClassVar[dict[str, Any]] = {"concentration": constraints.positive}
    support = constraints.simplex

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        (self.concentration,) = tensors(concentration)
        if self.concentration.dim() < 1:
            raise wrong(
                ValueError, "Dirichlet", "`concentration` parameter must be at least one-dimensional."
            )
        super().__init__(self.concentration.shape[:-1], self.concentration.shape[-1:], validate_args)

    mean = property(lambda self: self.concentration / self.concentration.sum(-1, True))

    def sample(self, sample_shape: Any = ()) -> Any:
        drawn = numpy_draw("standard_gamma", self._extended_shape(sample_shape), self.concentration)
        return drawn / drawn.sum(-1, True)

    def log_prob(self, value: Any) -> Any:
        self._check_sample(value)
        c = self.concentration
        return torch.xlogy(c - 1.0, value).sum(-1) + torch.lgamma(c.sum(-1)) - torch.lgamma(c).sum(-1)

    def entropy(self) -> Any:
        c, k = self.concentration, self.concentration.size(-1)
        total = c.sum(-1)
        return (
            torch.lgamma(c).sum(-1)
            - torch.lgamma(total)
            - (k - total) * torch.digamma(total)
            - ((c - 1.0) * torch.digamma(c)).sum(-1)
        )
