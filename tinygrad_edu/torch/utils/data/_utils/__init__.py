"""What torch.utils.data's loader is made of: how rows become batches, and workers."""

from tinygrad_edu.torch.utils.data._utils import collate, worker

__all__ = ["collate", "worker"]
