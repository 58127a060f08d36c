"""torch.distributions.normal: where PyTorch keeps Normal."""

from tinygrad_edu.torch.distributions import Normal

__all__ = ["Normal"]
