"""torch.distributions.categorical: where PyTorch keeps Categorical."""

from tinygrad_edu.torch.distributions import Categorical

__all__ = ["Categorical"]
