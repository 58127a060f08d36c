"""torch.optim.adamw: where PyTorch keeps AdamW."""

from tinygrad_edu.torch.optim.adam import AdamW

__all__ = ["AdamW"]
