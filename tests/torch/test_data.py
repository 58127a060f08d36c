"""torch.utils.data where PyTorch need not be there: random numbers of workers, seeds, names of modules."""

from __future__ import annotations

import random

import numpy as np
import pytest

import tinygrad_edu.torch as torch
from tinygrad_edu.torch.utils.data import (
    DataLoader,
    Dataset,
    DistributedSampler,
    TensorDataset,
    get_worker_info,
)


class Noise(Dataset[list[float]]):
    """Rows of random numbers from each of the three sources."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> list[float]:
        info = get_worker_info()
        assert info is not None
        return [index, info.id, info.seed, random.random(), np.random.rand(), float(torch.rand(()))]  # noqa: NPY002


def rows(seed: int, **settings) -> list[list[float]]:
    """All rows of a pass with two workers."""
    torch.manual_seed(seed)
    loader = DataLoader(Noise(), 2, num_workers=2, collate_fn=list, **settings)
    return [row for batch in loader for row in batch]


def test_workers_draw_numbers_of_their_own_and_leave_those_outside_alone():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = random.random(), np.random.rand()  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    found = rows(3)
    assert (random.random(), np.random.rand()) == expected  # noqa: NPY002
    assert [row[1] for row in found] == [0, 0, 1, 1, 0, 0, 1, 1]
    assert found[2][2] == found[0][2] + 1, "seed plus the worker's number"
    numbers = [number for row in found for number in row[3:]]
    assert len(set(numbers)) == len(numbers)


def test_a_seed_gives_the_same_rows_again_and_another_seed_others():
    assert rows(3) == rows(3)
    assert rows(3) != rows(4)


def test_worker_init_fn_runs_in_its_worker_once_for_workers_that_stay():
    met = []

    def begin(number: int) -> None:
        info = get_worker_info()
        assert info is not None
        met.append((number, info.id, info.num_workers))
        random.seed(number)

    loader = DataLoader(
        Noise(), 2, num_workers=2, worker_init_fn=begin, persistent_workers=True, collate_fn=list
    )
    first = [row[3] for batch in loader for row in batch]
    random.seed(0)
    assert first[0] == random.random()
    assert [len(batch) for batch in loader] == [2, 2, 2, 2]
    assert met == [(0, 0, 2), (1, 1, 2)]


def test_an_error_in_a_dataset_is_raised_with_its_worker_over():
    class Bad(Dataset[int]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> int:
            raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        list(DataLoader(Bad(), num_workers=1))
    assert get_worker_info() is None


def test_batches_of_tensors_are_copies_in_the_dataset_s_dtype():
    numbers = torch.arange(6)
    dataset = TensorDataset(numbers, torch.rand(6, 2))
    ((x, y),) = DataLoader(dataset, 6)
    x[0] = 100
    assert int(numbers[0]) == 0
    assert x.dtype == torch.int64 and y.dtype == torch.float32 and y.shape == (6, 2)


def test_a_distributed_sampler_without_a_job_says_what_to_do():
    with pytest.raises((RuntimeError, ValueError)):
        DistributedSampler(range(4))


def test_the_modules_of_pytorch_s_names_are_there():
    from tinygrad_edu.torch.utils.data import dataloader, dataset, distributed, sampler
    from tinygrad_edu.torch.utils.data._utils import collate

    assert dataloader.DataLoader is torch.utils.data.DataLoader
    assert dataset.Dataset is torch.utils.data.Dataset
    assert sampler.RandomSampler is torch.utils.data.RandomSampler
    assert distributed.DistributedSampler is torch.utils.data.DistributedSampler
    assert collate.default_collate is torch.utils.data.default_collate
    with pytest.raises(AttributeError, match="DataPipe"):
        torch.utils.data.IterDataPipe  # noqa: B018
