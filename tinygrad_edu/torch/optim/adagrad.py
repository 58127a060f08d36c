"""torch.optim.adagrad: where PyTorch keeps Adagrad."""

from tinygrad_edu.torch.optim.adaptive import Adagrad

__all__ = ["Adagrad"]
