"""torch.utils.data: PyTorch's datasets and samplers, and its DataLoader."""

from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.utils.data._utils.collate import default_collate, default_convert
from tinygrad_edu.torch.utils.data._utils.worker import get_worker_info
from tinygrad_edu.torch.utils.data.dataloader import DataLoader
from tinygrad_edu.torch.utils.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from tinygrad_edu.torch.utils.data.distributed import DistributedSampler
from tinygrad_edu.torch.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

__all__ = ["Dataset", "IterableDataset", "TensorDataset", "StackDataset", "ConcatDataset", "ChainDataset",
           "Subset", "random_split", "Sampler", "SequentialSampler", "RandomSampler",
           "SubsetRandomSampler", "WeightedRandomSampler", "BatchSampler", "DistributedSampler",
           "DataLoader", "default_collate", "default_convert", "get_worker_info"]  # fmt: skip
__getattr__ = missing_from("torch.utils.data")
