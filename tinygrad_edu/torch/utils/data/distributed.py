"""torch.utils.data.distributed: the rows of one process of a job."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch import distributed
from tinygrad_edu.torch.core.generators import Generator
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.functions.draws import randperm
from tinygrad_edu.torch.utils.data.sampler import Sampler


class DistributedSampler(Sampler[int]):
    """The rows of one rank of a job: rank r has every `num_replicas`-th row from r.

    All ranks have the same number of rows: the first rows of the order are used twice to fill up, or, with
    `drop_last`, the last are left out. The order of an epoch depends on seed and epoch: call
    `set_epoch(epoch)` before each one.
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        num_replicas = distributed.get_world_size() if num_replicas is None else num_replicas
        rank = distributed.get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise wrong(
                ValueError,
                "DistributedSampler",
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]",
            )
        self.dataset, self.num_replicas, self.rank, self.epoch = dataset, num_replicas, rank, 0
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        rows = len(dataset)
        self.num_samples = rows // num_replicas if drop_last else math.ceil(rows / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        order: list[int] = list(range(len(self.dataset)))
        if self.shuffle:
            order = randperm(len(order), generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        if not self.drop_last and order:
            order *= math.ceil(self.total_size / len(order))
        return iter(order[: self.total_size][self.rank :: self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next order is that of."""
        self.epoch = epoch


__getattr__ = missing_from("torch.utils.data.distributed")
