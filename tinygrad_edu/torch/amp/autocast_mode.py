"""torch.amp.autocast_mode: where PyTorch keeps autocast."""

from tinygrad_edu.torch.amp import autocast, custom_bwd, custom_fwd

__all__ = ["autocast", "custom_bwd", "custom_fwd"]
