"""DataLoader: every row once an epoch, an order that two numbers recompute, and exact resumption."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Tensor
from tinygrad_edu.data import ArrayDataset, DataLoader, Dataset, PadCollate, Subset


def rows(count):
    return ArrayDataset(np.arange(count), np.arange(count) * 0.5)


def loader(count=10, batch_size=3, **options):
    return DataLoader(rows(count), batch_size, as_numpy=True, **options)


def seen(batches):
    return [x.tolist() for x, *_ in batches]


@given(st.integers(1, 40), st.integers(1, 12), st.booleans(), st.booleans(), st.integers(0, 2**64 - 1))
def test_an_epoch_is_every_row_once(count, batch_size, shuffle, drop_last, seed):
    drop_last = drop_last and count >= batch_size
    batches = loader(count, batch_size, shuffle=shuffle, drop_last=drop_last, seed=seed)
    epoch = list(batches)
    assert len(epoch) == len(batches)
    assert all((y == x * 0.5).all() for x, y in epoch)
    assert {len(x) for x, _ in epoch[:-1]} <= {batch_size}
    flat = list(itertools.chain(*seen(epoch)))
    kept = count - count % batch_size if drop_last else count
    assert flat == batches.order(0)[:kept].tolist()
    assert len(set(flat)) == kept


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32))
def test_the_order_is_philox_of_seed_and_epoch(seed, epoch):
    key = np.array([seed, epoch], dtype=np.uint64)
    expected = np.random.Generator(np.random.Philox(key=key)).permutation(10)
    assert loader(shuffle=True, seed=seed).order(epoch).tolist() == expected.tolist()


def test_the_order_of_today_is_the_order_of_tomorrow():
    first = np.random.Generator(np.random.Philox(key=[7, 1])).permutation(10)
    assert loader(shuffle=True, seed=7).order(1).tolist() == first.tolist() == [1, 9, 2, 8, 5, 0, 4, 3, 7, 6]


@given(st.integers(1, 30), st.integers(1, 7), st.booleans(), st.integers(0, 100), st.integers(0, 12))
def test_resume_is_exact(count, batch_size, shuffle, seed, consumed):
    def make():
        return loader(count, batch_size, shuffle=shuffle, seed=seed)

    def stream(batches):
        while True:
            yield from batches

    original = make()
    running = stream(original)
    for _ in range(consumed):
        next(running)
    state = json.loads(json.dumps(original.state_dict()))
    resumed = make()
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state
    following = 2 * len(original) + 1
    assert seen(itertools.islice(running, following)) == seen(itertools.islice(stream(resumed), following))


def test_a_broken_off_epoch_is_spent():
    batches = loader(shuffle=True)
    for _ in batches:
        break
    assert batches.state_dict()["position"] == 1
    assert seen(batches) == seen(loader_at(1))
    iter(batches)
    assert batches.epoch == 2, "an iterator that yielded nothing spends nothing"
    assert seen(batches) == seen(loader_at(2))


def loader_at(epoch):
    batches = loader(shuffle=True)
    batches.load_state_dict(batches.state_dict() | {"epoch": epoch})
    return batches


def test_an_older_iterator_does_not_disturb():
    batches = loader()
    old = iter(batches)
    next(old)
    new = iter(batches)
    next(new)
    next(old)
    assert (batches.epoch, batches.state_dict()["position"]) == (1, 1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "at least 1, not 0"),
        ({"batch_size": 2.5}, TypeError, "an integer, not 2.5"),
        ({"batch_size": 11, "drop_last": True}, ValueError, "10 rows make no batch of 11"),
        ({"seed": -1}, ValueError, "seed must lie in"),
        ({"seed": 0.5}, TypeError, "seed must be an integer"),
        ({"count": 0}, ValueError, "no rows"),
    ],
)
def test_bad_settings_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        loader(**options)


@pytest.mark.parametrize("thing", [np.zeros((3, 2)), (np.zeros(3),), iter([1]), None])
def test_what_is_no_dataset_is_refused(thing):
    with pytest.raises(TypeError, match="ArrayDataset"):
        DataLoader(thing, 2)


def test_bad_states_are_refused():
    batches, state = loader(), loader().state_dict()
    with pytest.raises(ValueError, match="saved with batch_size=4, this loader has 3"):
        batches.load_state_dict(loader(batch_size=4).state_dict())
    with pytest.raises(ValueError, match=r"lacks \['epoch'\]"):
        batches.load_state_dict({name: value for name, value in state.items() if name != "epoch"})
    with pytest.raises(ValueError, match="position 4; an epoch has 4 batches"):
        batches.load_state_dict(state | {"position": 4})


def test_transform_and_collate():
    doubled = loader(transform=lambda x, y: (2 * x, y))
    assert seen(doubled)[0] == [0, 2, 4]
    only_x = loader(transform=lambda x, y: x)
    assert len(next(iter(only_x))) == 1
    with pytest.raises(ValueError, match="transform returned None"):
        next(iter(loader(transform=lambda x, y: None)))
    joined = loader(collate=lambda items: (np.array([x + y for x, y in items]),))
    assert seen(joined)[0] == [0, 1.5, 3]


def test_batches_are_gathered_not_looped():
    class Watched(ArrayDataset):
        def __getitem__(self, index):
            raise AssertionError("one row was asked for")

    dataset = Subset(Watched(np.arange(10)), [4, 2, 9])
    assert seen(DataLoader(dataset, 2, as_numpy=True)) == [[4, 2], [9]]


def test_batches_are_tensors_unless_asked():
    first, second = next(iter(DataLoader(rows(4), 2)))
    assert isinstance(first, Tensor) and first.tolist() == [0, 1]
    assert isinstance(second, Tensor) and second.tolist() == [0.0, 0.5]


def test_the_tensors_are_the_librarys():
    x, y = next(iter(DataLoader(rows(4), 3)))
    assert type(x).__name__ == type(y).__name__ == "Tensor" and tuple(x.shape) == (3,)


def test_a_list_of_rows_is_a_dataset():
    ragged = [(np.ones(i + 1, "f"), i) for i in range(4)]
    (batch,) = DataLoader(ragged, 4, collate_fn=PadCollate())
    assert batch[0].shape == (4, 4) and batch[1].numpy().tolist() == [0, 1, 2, 3]
    assert [b[0].numpy().tolist() for b in DataLoader([(i,) for i in range(5)], 2)] == [[0, 1], [2, 3], [4]]
    assert [b[1].numpy().tolist() for b in DataLoader(((1, 2), (3, 4)), 1)] == [[2], [4]]
    shuffled = DataLoader([(i, -i) for i in range(8)], 8, shuffle=True, num_workers=1)
    assert [b[0].numpy().tolist() for b in shuffled] == [shuffled.order(0).tolist()]


@pytest.mark.parametrize("arrays", [np.ones((3, 2)), [np.ones(3), np.ones(3)], (np.ones(3),)])
def test_arrays_are_no_dataset_by_themselves(arrays):
    with pytest.raises(TypeError, match=r"is not a dataset.*ArrayDataset\(x, y\)"):
        DataLoader(arrays, 2)


def test_lists_of_different_lengths_are_no_array():
    with pytest.raises(ValueError, match=r"words is a list of rows of different lengths.*PadCollate"):
        ArrayDataset(np.arange(2), [[1, 2], [3]], names=["number", "words"])
    with pytest.raises(ValueError, match="2 arrays and 1 names"):
        ArrayDataset(np.arange(2), np.arange(2), names=["number"])


class Endless(Dataset):
    def __getitem__(self, index):
        return index


class Without(Dataset):
    def __len__(self):
        return 3


@pytest.mark.parametrize(("dataset", "words"), [
    (Endless(), r"Endless does not define __len__ and __getitem__.*IterableDataset"),
    (Without(), r"Without does not define __len__ and __getitem__.*IterableDataset"),
    ({"x": 1}, r"a dict has keys, not rows.*StackDataset"),
])  # fmt: skip
def test_what_only_looks_like_a_dataset_is_refused(dataset, words):
    with pytest.raises(TypeError, match=words):
        DataLoader(dataset)
