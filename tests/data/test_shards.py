"""DataLoader(shard=): the ranks of a job share every batch, see every row once, and end an epoch together."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.data import ArrayDataset, DataLoader


def loader(rows, batch_size, shard=(0, 1), **options):
    return DataLoader(ArrayDataset(np.arange(rows)), batch_size, as_numpy=True, shard=shard, **options)


def seen(batches):
    return [x.tolist() for (x,) in batches]


@st.composite
def jobs(draw, drop_last=None):
    """(rows, batch size of a rank, ranks, options) that a loader takes."""
    size, batch_size = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    drop_last = draw(st.booleans()) if drop_last is None else drop_last
    rows = draw(st.integers(size * batch_size if drop_last else size, 70))
    options = {"shuffle": draw(st.booleans()), "seed": draw(st.integers(0, 99)), "drop_last": drop_last}
    return rows, batch_size, size, options


def ranks_of(rows, batch_size, size, options):
    return [loader(rows, batch_size, (rank, size), **options) for rank in range(size)]


@given(jobs(drop_last=False), st.integers(0, 3))
def test_together_the_ranks_see_every_row_once_in_the_common_order(job, epoch):
    ranks = ranks_of(*job)
    for _ in range(epoch):
        for batches in ranks:
            list(batches)
    every = [seen(batches) for batches in ranks]
    assert {len(batches) for batches in every} == {len(ranks[0])}, "a rank would wait for ever"
    together = list(itertools.chain(*(part for step in zip(*every, strict=True) for part in step)))
    assert together == ranks[0].order(epoch).tolist() == loader(job[0], 1, **job[3]).order(epoch).tolist()
    assert sorted(together) == list(range(job[0]))


@given(jobs())
def test_batch_k_of_all_ranks_is_batch_k_of_one_loader_with_their_rows(job):
    rows, batch_size, size, options = job
    one = seen(loader(rows, batch_size * size, **options))
    if len(one) > 1 and len(one[-1]) < size:  # fewer rows than ranks: they join the batch before
        one[-2:] = [one[-2] + one[-1]]
    parts = list(zip(*map(seen, ranks_of(*job)), strict=True))
    assert [list(itertools.chain(*step)) for step in parts] == one
    for step in parts:
        lengths = {len(part) for part in step}
        assert max(lengths) - min(lengths) <= 1 and min(lengths) >= 1
        assert max(lengths) <= batch_size + 1
    for step in parts[:-1]:
        assert {len(part) for part in step} == {batch_size}
    if options["drop_last"]:
        assert {len(part) for step in parts for part in step} == {batch_size}


@given(jobs())
def test_weights_make_the_mean_over_ranks_the_mean_over_rows(job):
    ranks = ranks_of(*job)
    for parts in zip(*ranks, strict=True):
        rows = np.concatenate([x for (x,) in parts])
        means = [x.mean() * batches.weight for (x,), batches in zip(parts, ranks, strict=True)]
        assert np.mean(means) == pytest.approx(rows.mean(), rel=1e-12, abs=1e-12)


@given(jobs(), st.integers(0, 40))
def test_a_shard_resumes_exactly_and_from_the_state_of_any_rank(job, consumed):
    def stream(batches):
        while True:
            yield from batches

    def after(number, batches):
        return seen(itertools.islice(stream(batches), number))

    ranks = ranks_of(*job)
    running = [stream(batches) for batches in ranks]
    for batches in running:
        seen(itertools.islice(batches, consumed))
    states = [json.loads(json.dumps(batches.state_dict())) for batches in ranks]
    assert all(state == states[0] for state in states)
    resumed = ranks_of(*job)
    for batches in resumed:
        batches.load_state_dict(states[-1])
    following = 2 * len(ranks[0]) + 1
    for before, batches in zip(running, resumed, strict=True):
        assert seen(itertools.islice(before, following)) == after(following, batches)


def test_one_rank_is_no_shard():
    plain, one = loader(10, 3, shuffle=True), loader(10, 3, (0, 1), shuffle=True)
    assert seen(plain) == seen(one) and plain.weight == one.weight == 1.0
    assert plain.state_dict() == one.state_dict()
    assert set(one.state_dict()) == {
        "epoch", "position", "rows", "batch_size", "shuffle", "drop_last", "seed"
    }  # fmt: skip


def test_the_rows_that_are_too_few_for_a_batch_of_their_own():
    every = [seen(loader(10, 1, (rank, 4))) for rank in range(4)]
    assert every == [[[0], [4]], [[1], [5, 6]], [[2], [7]], [[3], [8, 9]]]
    assert loader(10, 1, (0, 4)).weight == 1.0
    last = loader(10, 1, (0, 4))
    list(last)
    assert last.weight == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("shard", "error", "message"),
    [
        ((2, 2), ValueError, r"shard=\(2, 2\) is no rank of a job of 2 .*; ranks go from 0"),
        ((-1, 2), ValueError, r"shard=\(-1, 2\)"),
        ((0, 0), ValueError, r"shard=\(0, 0\)"),
        ((0.5, 2), TypeError, r"two integers, not \(0.5, 2\)"),
        ((1, 2, 3), TypeError, "two integers"),
        (3, TypeError, "two integers, not 3 .*; pass shard=.comm.rank, comm.size"),
        ("ab", TypeError, "two integers"),
        ((0, 11), ValueError, "10 rows cannot be shared by 11 ranks"),
    ],
)
def test_a_shard_that_is_none_is_refused(shard, error, message):
    with pytest.raises(error, match=message):
        loader(10, 3, shard)


def test_batches_that_cannot_be_whole_are_refused():
    with pytest.raises(ValueError, match="10 rows make no batch of 3 on each of 4 ranks with drop_last=True"):
        loader(10, 3, (0, 4), drop_last=True)


def test_a_state_of_another_number_of_ranks_is_refused():
    alone, shared = loader(10, 3), loader(10, 3, (0, 2))
    with pytest.raises(ValueError, match="saved with shards=2, this loader has 1"):
        alone.load_state_dict(shared.state_dict())
    with pytest.raises(ValueError, match="saved with shards=1, this loader has 2"):
        shared.load_state_dict(alone.state_dict())
    with pytest.raises(ValueError, match="saved with shards=2, this loader has 3"):
        loader(10, 3, (0, 3)).load_state_dict(shared.state_dict())


def test_every_kind_of_loader_takes_its_share():
    joined = loader(9, 2, (1, 2), collate=lambda items: (np.array([x for (x,) in items]),))
    assert seen(joined) == seen(loader(9, 2, (1, 2))) == [[2, 3], [6, 7, 8]]
    doubled = loader(9, 2, (1, 2), transform=lambda x: 2 * x)
    assert seen(doubled) == [[4, 6], [12, 14, 16]]
    assert "'shards': 2" in repr(joined)
