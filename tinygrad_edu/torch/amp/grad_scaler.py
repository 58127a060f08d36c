"""torch.amp.grad_scaler: where PyTorch keeps GradScaler."""

from tinygrad_edu.torch.amp import GradScaler

__all__ = ["GradScaler"]
