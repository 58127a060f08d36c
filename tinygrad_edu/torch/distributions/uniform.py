"""torch.distributions.uniform: where PyTorch keeps Uniform."""

from tinygrad_edu.torch.distributions import Uniform

__all__ = ["Uniform"]
