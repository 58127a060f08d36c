"""KL divergences: of pairs of distributions for which there is a formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_edu.torch as torch
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.distributions.continuous import Beta, Exponential, Gamma, Laplace, Normal, Uniform
from tinygrad_edu.torch.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    OneHotCategorical,
    Poisson,
)
from tinygrad_edu.torch.distributions.distribution import Independent, sum_rightmost
from tinygrad_edu.torch.distributions.vectors import Dirichlet, MultivariateNormal

_KNOWN: dict[tuple[type, type], Callable[[Any, Any], Any]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """Decorates the function of (p, q) that is the divergence of those types."""

    def register(function: Any) -> Any:
        _KNOWN[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Any, q: Any) -> Any:
    """KL(p || q), in nats, of the batch shape. RuntimeError for a pair without a formula."""
    best: Any = None
    for (a, b), function in _KNOWN.items():
        if isinstance(p, a) and isinstance(q, b) and (best is None or issubclass(a, best[0])):
            best = (a, function)
    if best is None:
        raise wrong(
            RuntimeError,
            "kl_divergence",
            f"there is no formula for {type(p).__name__} and {type(q).__name__}",
            "estimate it by (p.log_prob(x) - q.log_prob(x)).mean() over samples x of p",
        )
    return best[1](p, q)


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    softplus = torch.nn.functional.softplus
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    other = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    return one + other


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Any:
    return p.total_count * _bernoulli(p, q)


def _by_class(p: Any, q: Any) -> Any:
    each = p.probs * (p.logits - q.logits)
    each = torch.where(p.probs == 0, torch.zeros_like(each), each)
    each = torch.where((q.probs == 0) & (p.probs > 0), torch.full_like(each, float("inf")), each)
    return each.sum(-1)


register_kl(Categorical, Categorical)(_by_class)
register_kl(OneHotCategorical, OneHotCategorical)(_by_class)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + apart / q.scale + ratio * torch.exp(-apart / p.scale) - 1


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Any:
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return torch.where((q.low > p.low) | (q.high < p.high), torch.full_like(result, float("inf")), result)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    return (
        b * (p.rate / q.rate).log()
        + torch.lgamma(b)
        - torch.lgamma(a)
        + (a - b) * torch.digamma(a)
        + (q.rate - p.rate) * (a / p.rate)
    )


def _of_weights(a: Any, b: Any) -> Any:
    total = a.sum(-1)
    return (
        torch.lgamma(total)
        - torch.lgamma(b.sum(-1))
        - (torch.lgamma(a) - torch.lgamma(b)).sum(-1)
        + ((a - b) * (torch.digamma(a) - torch.digamma(total).unsqueeze(-1))).sum(-1)
    )


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Any:
    return _of_weights(p.concentration, q.concentration)


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Any:
    return _of_weights(*(torch.stack([d.concentration1, d.concentration0], -1) for d in (p, q)))


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate(p: Any, q: Any) -> Any:
    if p.event_shape != q.event_shape:
        raise wrong(
            ValueError,
            "kl_divergence",
            "KL-divergence between two Multivariate Normals with different event shapes cannot be computed",
        )
    moved = torch.linalg.solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    apart = torch.linalg.solve_triangular(q.scale_tril, (q.loc - p.loc).unsqueeze(-1), upper=False)
    return q._half_log_det() - p._half_log_det() + 0.5 * (
        moved.pow(2).sum((-2, -1)) + apart.pow(2).sum((-2, -1)) - p.event_shape[0]
    )  # fmt: skip


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise wrong(RuntimeError, "kl_divergence", "the two have other numbers of event axes")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)
