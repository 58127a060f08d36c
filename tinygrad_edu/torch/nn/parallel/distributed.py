"""torch.nn.parallel.distributed: DistributedDataParallel by its other name."""

from tinygrad_edu.torch.nn.parallel import DistributedDataParallel

__all__ = ["DistributedDataParallel"]
