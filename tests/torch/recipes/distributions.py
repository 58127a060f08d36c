"""torch.distributions: densities, entropies, moments and divergences, whose parameters are drawn."""

from __future__ import annotations

from typing import Any


def _facts(t: Any, x: Any, value: Any) -> Any:
    """All that is compared of one distribution."""
    return [x.log_prob(value), x.entropy(), x.mean, x.variance, list(x.batch_shape), list(x.event_shape)]


def _positive(d: Any, *shape: int) -> Any:
    return d.floats(*shape, low=0.3, high=2.0)


def _probs(d: Any, *shape: int) -> Any:
    return d.floats(*shape, low=0.1, high=0.9)


def _samples(t: Any, x: Any, *shape: int) -> Any:
    """Of a sample: its shape, dtype, and that it has no gradient."""
    t.manual_seed(0)
    drawn = x.sample(shape)
    return [list(drawn.shape), str(drawn.dtype), drawn.requires_grad]


def _covariance(d: Any, n: int) -> Any:
    a = d.floats(n, n)
    return a @ a.transpose(-1, -2) + d.torch.eye(n, dtype=a.dtype)


D = "torch.distributions."
RECIPES: dict[str, list[Any]] = {
    D + "Normal": [
        lambda t, d: _facts(t, t.distributions.Normal(d.floats(3), _positive(d, 3)), d.floats(2, 3)),
        lambda t, d: _facts(t, t.distributions.Normal(d.floats(3), 1.5), d.floats(3)),
        lambda t, d: t.distributions.Normal(d.floats(3), _positive(d, 3)).cdf(d.floats(3)),
        lambda t, d: t.distributions.Normal(d.floats(3), -1.0),
        lambda t, d: _samples(t, t.distributions.Normal(d.floats(2, 1), _positive(d, 3)), 4, 5),
        lambda t, d: t.distributions.Normal(d.floats(3), 1.0).rsample((2,)).requires_grad,
    ],
    D + "Categorical": [
        lambda t, d: t.distributions.Categorical(_probs(d, 4, 3)).log_prob(d.ints(4, low=0, high=3)),
        lambda t, d: t.distributions.Categorical(logits=d.floats(4, 3)).log_prob(d.ints(2, 4, low=0, high=3)),
        lambda t, d: t.distributions.Categorical(logits=d.floats(4, 3)).entropy(),
        lambda t, d: t.distributions.Categorical(_probs(d, 3)).probs,
        lambda t, d: t.distributions.Categorical(logits=d.floats(3)).logits,
        lambda t, d: _samples(t, t.distributions.Categorical(_probs(d, 4, 3)), 2),
        lambda t, d: _samples(t, t.distributions.Categorical(_probs(d, 3))),
        lambda t, d: t.distributions.Categorical(_probs(d, 3)).log_prob(d.torch.tensor(3)),
        lambda t, d: t.distributions.Categorical(),
    ],
    D + "Bernoulli": [
        lambda t, d: _facts(t, t.distributions.Bernoulli(_probs(d, 3)), d.ints(3, low=0, high=2).double()),
        lambda t, d: _facts(
            t, t.distributions.Bernoulli(logits=d.floats(3)), d.ints(3, low=0, high=2).double()
        ),
        lambda t, d: _samples(t, t.distributions.Bernoulli(_probs(d, 2, 3)), 4),
        lambda t, d: t.distributions.Bernoulli(d.floats(3, low=1.1)),
    ],
    D + "Uniform": [
        lambda t, d: _facts(
            t, t.distributions.Uniform(d.floats(3, high=0), _positive(d, 3)), d.floats(3, low=0.0, high=0.2)
        ),
        lambda t, d: t.distributions.Uniform(1.0, 0.0),
        lambda t, d: _samples(t, t.distributions.Uniform(0.0, 1.0), 3),
    ],
    D + "Exponential": [
        lambda t, d: _facts(t, t.distributions.Exponential(_positive(d, 3)), _positive(d, 3)),
        lambda t, d: _samples(t, t.distributions.Exponential(_positive(d, 3)), 3),
    ],
    D + "Laplace": [
        lambda t, d: _facts(t, t.distributions.Laplace(d.floats(3), _positive(d, 3)), d.floats(3)),
        lambda t, d: t.distributions.Laplace(d.floats(3), _positive(d, 3)).cdf(d.floats(3)),
    ],
    D + "Cauchy": [
        lambda t, d: t.distributions.Cauchy(d.floats(3), _positive(d, 3)).log_prob(d.floats(3)),
        lambda t, d: t.distributions.Cauchy(d.floats(3), _positive(d, 3)).entropy(),
    ],
    D + "Gumbel": [lambda t, d: _facts(t, t.distributions.Gumbel(d.floats(3), _positive(d, 3)), d.floats(3))],
    D + "HalfNormal": [lambda t, d: _facts(t, t.distributions.HalfNormal(_positive(d, 3)), _positive(d, 3))],
    D + "LogNormal": [
        lambda t, d: _facts(t, t.distributions.LogNormal(d.floats(3), _positive(d, 3)), _positive(d, 3))
    ],
    D + "Gamma": [
        lambda t, d: _facts(t, t.distributions.Gamma(_positive(d, 3), _positive(d, 3)), _positive(d, 3)),
        lambda t, d: _samples(t, t.distributions.Gamma(_positive(d, 3), _positive(d, 3)), 2),
    ],
    D + "Chi2": [lambda t, d: t.distributions.Chi2(_positive(d, 3)).log_prob(_positive(d, 3))],
    D + "Beta": [
        lambda t, d: _facts(t, t.distributions.Beta(_positive(d, 3), _positive(d, 3)), _probs(d, 3)),
        lambda t, d: _samples(t, t.distributions.Beta(_positive(d, 3), _positive(d, 3)), 2),
    ],
    D + "StudentT": [
        lambda t, d: t.distributions.StudentT(_positive(d, 3), d.floats(3), _positive(d, 3)).log_prob(
            d.floats(3)
        )
    ],
    D + "Dirichlet": [
        lambda t, d: t.distributions.Dirichlet(_positive(d, 2, 3)).entropy(),
        lambda t, d: t.distributions.Dirichlet(_positive(d, 3)).log_prob(t.softmax(d.floats(4, 3), -1)),
    ],
    D + "MultivariateNormal": [
        lambda t, d: t.distributions.MultivariateNormal(d.floats(3), _covariance(d, 3)).log_prob(
            d.floats(4, 3)
        ),
        lambda t, d: t.distributions.MultivariateNormal(d.floats(3), _covariance(d, 3)).entropy(),
        lambda t, d: _samples(t, t.distributions.MultivariateNormal(t.zeros(3), t.eye(3)), 4),
    ],
    D + "Poisson": [
        lambda t, d: t.distributions.Poisson(_positive(d, 3)).log_prob(d.ints(3, low=0, high=5).double())
    ],
    D + "Geometric": [
        lambda t, d: _facts(t, t.distributions.Geometric(_probs(d, 3)), d.ints(3, low=0, high=5).double())
    ],
    D + "Binomial": [
        lambda t, d: t.distributions.Binomial(6, _probs(d, 3)).log_prob(d.ints(3, low=0, high=7).double())
    ],
    D + "Multinomial": [
        lambda t, d: t.distributions.Multinomial(6, _probs(d, 3)).log_prob(
            t.tensor([1.0, 2.0, 3.0], dtype=t.float64)
        ),
        lambda t, d: _samples(t, t.distributions.Multinomial(6, _probs(d, 2, 3)), 4),
    ],
    D + "OneHotCategorical": [
        lambda t, d: t.distributions.OneHotCategorical(_probs(d, 3)).log_prob(
            t.tensor([0.0, 1.0, 0.0], dtype=t.float64)
        ),
        lambda t, d: t.distributions.OneHotCategorical(logits=d.floats(2, 3)).entropy(),
        lambda t, d: _samples(t, t.distributions.OneHotCategorical(_probs(d, 2, 3)), 4),
    ],
    D + "OneHotCategoricalStraightThrough": [
        lambda t, d: (
            t.distributions.OneHotCategoricalStraightThrough(_probs(d, 3)).rsample((2,)).requires_grad
        )
    ],
    D + "RelaxedOneHotCategorical": [
        lambda t, d: t.distributions.RelaxedOneHotCategorical(0.7, _probs(d, 3)).rsample((2,)).sum(-1)
    ],
    D + "Independent": [
        lambda t, d: _facts(
            t,
            t.distributions.Independent(t.distributions.Normal(d.floats(2, 3), _positive(d, 2, 3)), 1),
            d.floats(2, 3),
        )
    ],
    D + "MixtureSameFamily": [
        lambda t, d: (lambda m, x: [m.log_prob(x), m.mean, m.variance])(
            t.distributions.MixtureSameFamily(
                t.distributions.Categorical(_probs(d, 3)),
                t.distributions.Normal(d.floats(3), _positive(d, 3)),
            ),
            d.floats(4),
        )
    ],
    D + "TransformedDistribution": [
        lambda t, d: t.distributions.TransformedDistribution(
            t.distributions.Normal(d.floats(3), _positive(d, 3)), [t.distributions.transforms.TanhTransform()]
        ).log_prob(d.floats(3, low=-0.9, high=0.9)),
        lambda t, d: t.distributions.TransformedDistribution(
            t.distributions.Normal(d.floats(3), _positive(d, 3)),
            [
                t.distributions.transforms.AffineTransform(1.0, 2.0),
                t.distributions.transforms.SigmoidTransform(),
            ],
        ).log_prob(_probs(d, 3)),
    ],
    D + "kl_divergence": [
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Normal(d.floats(3), _positive(d, 3)),
            t.distributions.Normal(d.floats(3), _positive(d, 3)),
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Categorical(_probs(d, 2, 3)), t.distributions.Categorical(logits=d.floats(2, 3))
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Bernoulli(_probs(d, 3)), t.distributions.Bernoulli(_probs(d, 3))
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Gamma(_positive(d, 3), _positive(d, 3)),
            t.distributions.Gamma(_positive(d, 3), _positive(d, 3)),
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Beta(_positive(d, 3), _positive(d, 3)),
            t.distributions.Beta(_positive(d, 3), _positive(d, 3)),
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Dirichlet(_positive(d, 3)), t.distributions.Dirichlet(_positive(d, 3))
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.MultivariateNormal(d.floats(3), _covariance(d, 3)),
            t.distributions.MultivariateNormal(d.floats(3), _covariance(d, 3)),
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Exponential(_positive(d, 3)), t.distributions.Exponential(_positive(d, 3))
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Poisson(_positive(d, 3)), t.distributions.Poisson(_positive(d, 3))
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Laplace(d.floats(3), _positive(d, 3)),
            t.distributions.Laplace(d.floats(3), _positive(d, 3)),
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Geometric(_probs(d, 3)), t.distributions.Geometric(_probs(d, 3))
        ),
        lambda t, d: t.distributions.kl_divergence(
            t.distributions.Normal(d.floats(3), 1.0), t.distributions.Poisson(_positive(d, 3))
        ),
    ],
}
