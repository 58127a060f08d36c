"""torch.optim.rmsprop: where PyTorch keeps RMSprop."""

from tinygrad_edu.torch.optim.adaptive import RMSprop

__all__ = ["RMSprop"]
