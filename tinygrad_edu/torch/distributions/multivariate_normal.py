"""torch.distributions.multivariate_normal: where PyTorch keeps MultivariateNormal."""

from tinygrad_edu.torch.distributions import MultivariateNormal

__all__ = ["MultivariateNormal"]
