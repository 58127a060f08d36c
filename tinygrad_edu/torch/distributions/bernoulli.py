"""torch.distributions.bernoulli: where PyTorch keeps Bernoulli."""

from tinygrad_edu.torch.distributions import Bernoulli

__all__ = ["Bernoulli"]
