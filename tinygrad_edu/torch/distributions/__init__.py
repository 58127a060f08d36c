"""torch.distributions: sampling, densities, entropies and divergences.

Samples of Gamma, Beta, Dirichlet, StudentT and of discrete distributions have no gradient; `has_rsample` says
of which they have one.
"""

from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.distributions import constraints as constraints
from tinygrad_edu.torch.distributions import transforms as transforms
from tinygrad_edu.torch.distributions.continuous import (
    Beta,
    Cauchy,
    Chi2,
    Exponential,
    Gamma,
    Gumbel,
    HalfNormal,
    Laplace,
    Normal,
    StudentT,
    Uniform,
)
from tinygrad_edu.torch.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    Multinomial,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    Poisson,
    RelaxedOneHotCategorical,
)
from tinygrad_edu.torch.distributions.distribution import Distribution, Independent
from tinygrad_edu.torch.distributions.kl import kl_divergence, register_kl
from tinygrad_edu.torch.distributions.transformed import (
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    LogNormal,
    MixtureSameFamily,
    SigmoidTransform,
    TanhTransform,
    Transform,
    TransformedDistribution,
)
from tinygrad_edu.torch.distributions.vectors import Dirichlet, MultivariateNormal

__all__ = [
    "AffineTransform", "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "ComposeTransform",
    "Dirichlet", "Distribution", "ExpTransform", "Exponential", "Gamma", "Geometric", "Gumbel", "HalfNormal",
    "Independent", "Laplace", "LogNormal", "MixtureSameFamily", "Multinomial", "MultivariateNormal", "Normal",
    "OneHotCategorical", "OneHotCategoricalStraightThrough", "Poisson", "RelaxedOneHotCategorical",
    "SigmoidTransform", "StudentT", "TanhTransform", "Transform", "TransformedDistribution", "Uniform",
    "constraints", "kl_divergence", "register_kl", "transforms",
]  # fmt: skip
__getattr__ = missing_from("torch.distributions")
