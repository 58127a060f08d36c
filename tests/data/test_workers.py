"""Worker processes: the same order and bits for any number of them, and an error for whatever goes wrong."""

import contextlib
import gc
import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from tests.data import worker_sets as sets
from tinygrad_edu import Tensor
from tinygrad_edu.data import (
    ArrayDataset,
    Compose,
    DataLoader,
    RandomAffine,
    RandomHorizontalFlip,
    ShuffleBuffer,
    Subset,
    WeightedRandomSampler,
    WorkerError,
)

LIMIT = 60  # seconds that a test may take before it counts as hanging


@pytest.fixture(autouse=True)
def limit():
    """An error in a test that hangs, and no worker after any."""

    def stop(*_):
        raise AssertionError("the test hangs")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    if multiprocessing.active_children():
        gc.collect()
    assert not multiprocessing.active_children()


def loader(dataset, batch_size=3, **options):
    return DataLoader(dataset, batch_size, as_numpy=True, **options)


def plain(batch):
    if isinstance(batch, dict):
        return {name: plain(value) for name, value in batch.items()}
    return [(p.dtype.str, p.shape, p.tobytes()) if isinstance(p, np.ndarray) else p for p in batch]


def epochs(batches, count=2):
    return [[plain(batch) for batch in batches] for _ in range(count)]


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


IMAGES = ArrayDataset(np.random.default_rng(0).random((10, 1, 6, 6)), np.arange(10))


@pytest.mark.parametrize(
    ("dataset", "options"),
    [
        (sets.Rows(), {"shuffle": True, "seed": 3}),
        (sets.Rows(), {"collate_fn": sets.pairs, "drop_last": True, "shard": (1, 2)}),
        (Subset(sets.Rows(), [5, 2, 8, 8, 0]), {"transform": sets.double}),
        (IMAGES, {"transform": Compose([RandomHorizontalFlip(), RandomAffine(degrees=20, translate=1)])}),
        (
            IMAGES,
            {"sampler": WeightedRandomSampler(np.arange(10.0), 14), "transform": RandomAffine(degrees=9)},
        ),
        (IMAGES, {"batch_sampler": [[1, 2], [3], [2, 2, 4, 5]], "batch_size": 32}),
        (sets.Counting(), {}),
        (ShuffleBuffer(sets.Counting(14), 5, seed=2), {"drop_last": True}),
        (sets.Large(7), {"batch_size": 2}),
        (sets.Uneven(5), {"batch_size": 1}),
    ],
)
def test_any_number_of_workers_gives_the_same_bits(dataset, options):
    alone = epochs(loader(dataset, **options))
    assert alone[0] and len(alone[0]) >= 2
    for workers in (1, 3):
        many = loader(dataset, num_workers=workers, persistent_workers=workers == 3, **options)
        assert epochs(many) == alone
        many.close()


def test_random_numbers_in_a_row_do_not_depend_on_the_worker():
    one, three = (epochs(loader(sets.Drawing(), shuffle=True, num_workers=workers)) for workers in (1, 3))
    assert one == three
    drawn = np.concatenate([np.frombuffer(part[2], part[0]) for batch in one[0] for part in batch[1:]])
    assert len(np.unique(drawn)) == drawn.size == 48
    assert one[0] != one[1]
    others = loader(sets.Drawing(), 5, shuffle=True, num_workers=2)
    by_row = [
        {index: numbers for batch in batches for index, *numbers in zip(*batch, strict=True)}
        for batches in (loader(sets.Drawing(), shuffle=True, num_workers=1), others)
    ]
    assert by_row[0] == by_row[1], "nor on the batch"
    alone = epochs(loader(sets.Drawing(), shuffle=True))
    assert [[batch[:2] for batch in epoch] for epoch in alone] == [[b[:2] for b in epoch] for epoch in one]


@pytest.mark.parametrize("dataset", [IMAGES, sets.Counting()])
@pytest.mark.parametrize("workers", [(0, 2), (2, 0), (1, 3)])
def test_a_run_resumes_in_the_middle_of_an_epoch_with_any_number_of_workers(dataset, workers):
    def make(number):
        options = {"transform": RandomAffine(degrees=20)} if dataset is IMAGES else {}
        return loader(dataset, num_workers=number, **options)

    whole = epochs(make(0))
    first, second = map(make, workers)
    with contextlib.closing(iter(first)) as running:
        assert [plain(batch) for batch in itertools.islice(running, 2)] == whole[0][:2]
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert epochs(second) == [whole[0][2:], whole[1]]


def test_batches_of_workers_are_tensors_and_arrays_that_can_be_changed():
    (large,) = next(iter(loader(sets.Large(), num_workers=1)))
    large += 1
    assert (large == np.arange(1, 4)[:, None]).all()
    x, y = next(iter(DataLoader(sets.Rows(), 2, num_workers=1)))
    assert isinstance(x, Tensor) and x.tolist() == [[0, 0], [1, 1]] and y.tolist() == [0, 1]
    arrays, _ = next(iter(loader(sets.Rows(), num_workers=1)))
    arrays += 1
    assert arrays[0].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("dataset", "options", "text"),
    [
        (sets.Raising(), {}, r"fetch row 7 of the dataset, for batch 2 of epoch 0: KeyError: 'the row"),
        (sets.Whole(), {}, r"fetch row 7 of the dataset, .*: ValueError: cannot read \[6, 7, 8\]"),
        (sets.Counting(bad=4), {}, "fetch item 4 of the dataset, for batch 1 of epoch 0: ValueError: no"),
        (sets.Rows(), {"collate_fn": sets.double}, r"make batch 0 of epoch 0 from rows \[0, 1, 2\]: Typ"),
        (sets.Rows(), {"worker_init_fn": sets.refuse}, "call worker_init_fn: RuntimeError: worker 0 does"),
    ],
)
def test_an_error_in_a_worker_is_one_here_with_its_row_and_traceback(dataset, options, text):
    batches = loader(dataset, num_workers=2, persistent_workers=True, **options)
    with pytest.raises(WorkerError, match=text) as caught:
        list(batches)
    assert "Traceback (most recent call last)" in str(caught.value)
    assert caught.value.__cause__ is not None
    assert "test_workers.py:" in caught.value.fault.where


def test_after_an_error_the_loader_works_again():
    batches = loader(sets.Raising(), num_workers=2, persistent_workers=True)
    for _ in range(2):
        running = iter(batches)
        assert [x[1].tolist() for x in itertools.islice(running, 2)] == [[0, 1, 2], [3, 4, 5]]
        with pytest.raises(WorkerError):
            next(running)


@pytest.mark.parametrize(
    ("dataset", "how"), [(sets.Exiting(), "ended with exit code 3"), (sets.Killed(), "was killed by SIGKILL")]
)
def test_a_worker_that_dies_is_an_error_at_once(dataset, how):
    with pytest.raises(WorkerError, match=rf"worker 0 of 2 \(process \d+\) {how}"):
        list(loader(dataset, num_workers=2))


def test_a_death_is_reported_while_another_worker_is_waited_for():
    dataset = sets.Stuck(bad=0)
    batches = loader(dataset, num_workers=2, persistent_workers=True)
    running = iter(batches)
    threading.Timer(1.5, lambda: os.kill(batches._pool._processes[1].pid, signal.SIGKILL)).start()
    with pytest.raises(WorkerError, match=r"worker 1 of 2 .* was killed by SIGKILL"):
        next(running)


def test_a_slow_worker_only_delays():
    quick, slow = (epochs(loader(kind(), num_workers=2), 1) for kind in (sets.Rows, sets.Slow))
    assert quick == slow


def test_a_timeout_names_the_worker():
    with pytest.raises(WorkerError, match=r"worker 1 .* has not returned batch 1 after timeout=0\.5 s"):
        list(loader(sets.Stuck(bad=4), num_workers=2, timeout=0.5))


def test_a_break_leaves_no_process():
    for batch in loader(sets.Process(), num_workers=2):
        pids = set(batch[0].tolist())
        break
    gc.collect()
    assert not multiprocessing.active_children() and all(map(is_gone, pids))


def test_workers_that_persist_are_the_same_processes_until_they_are_closed():
    batches = loader(sets.Process(), num_workers=2, persistent_workers=True)
    first, second = ({pid for batch in batches for pid in batch[0].tolist()} for _ in range(2))
    assert first == second and len(first) == 2
    with contextlib.closing(iter(batches)) as older:  # a pass that is not at its end keeps its workers
        next(older)
        others = {pid for batch in batches for pid in batch[0].tolist()}
        assert others.isdisjoint(first)
        assert {pid for batch in older for pid in batch[0].tolist()} <= first
    for _ in batches:
        break
    assert {pid for batch in batches for pid in batch[0].tolist()} == first, "an abandoned pass is dropped"
    del batches
    gc.collect()
    assert all(map(is_gone, first))


def test_batches_of_an_abandoned_pass_come_in_no_other():
    kept = loader(sets.Rows(40), shuffle=True, num_workers=2, persistent_workers=True, prefetch_factor=4)
    alone = loader(sets.Rows(40), shuffle=True)
    for _ in range(3):
        assert plain(next(iter(kept))) == plain(next(iter(alone)))
    assert epochs(kept, 1) == epochs(alone, 1)


def test_without_persistence_each_epoch_has_its_own_workers():
    batches = loader(sets.Process(), num_workers=2)
    first, second = ({pid for batch in batches for pid in batch[0].tolist()} for _ in range(2))
    assert first.isdisjoint(second)


def test_a_worker_is_initialised_and_has_its_number():
    assert all(x.all() for (x,) in loader(sets.Traced(), num_workers=2, worker_init_fn=sets.initialise))
    numbers = {
        (i, n) for _, ids, of in loader(sets.Process(), num_workers=3) for i, n in zip(ids, of, strict=True)
    }
    assert numbers == {(0, 3), (1, 3), (2, 3)}


@pytest.mark.parametrize(
    ("dataset", "options", "part"),
    [
        (sets.Unpicklable(), {}, "the dataset"),
        (sets.Rows(), {"transform": lambda x, y: x}, "transform"),
        (sets.Rows(), {"collate_fn": lambda items: items}, "collate_fn"),
        (sets.Rows(), {"worker_init_fn": lambda number: None}, "worker_init_fn"),
    ],
)
def test_what_cannot_be_pickled_is_named(dataset, options, part):
    with pytest.raises(TypeError, match=rf"{part} cannot be pickled, .*; define its class"):
        next(iter(loader(dataset, num_workers=1, **options)))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_workers": -1}, ValueError, "num_workers must be at least 0, not -1"),
        ({"num_workers": 1.5}, TypeError, "num_workers must be an integer, not 1.5"),
        ({"prefetch_factor": 0}, ValueError, "prefetch_factor must be at least 1"),
        ({"timeout": -1}, ValueError, "timeout must be at least 0"),
        ({"timeout": "long"}, TypeError, "timeout must be a number of seconds"),
        ({"worker_init_fn": 3}, TypeError, "worker_init_fn must be a function, not a int"),
        ({"collate": sets.pairs, "collate_fn": sets.pairs}, ValueError, "older name of collate_fn"),
    ],
)
def test_bad_arguments_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        loader(sets.Rows(), **options)


PROGRAM = """
import os, signal, sys, threading, time
from tests.data import worker_sets as sets
from tinygrad_edu.data import DataLoader

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
{guard}
    pids = set()
    batches = DataLoader(sets.Process(60), 2, num_workers=2, as_numpy=True, persistent_workers=True)
    for i, (pid, _, _) in enumerate(batches):
        pids |= set(pid.tolist())
        if len(pids) == 2:
            print(*pids, flush=True)
            {then}
"""


def run(tmp_path, then, guard='if __name__ == "__main__":'):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.format(guard=guard, then=then))
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return subprocess.run(
        [sys.executable, str(path)], cwd=root, env={**os.environ, "PYTHONPATH": root}, timeout=LIMIT,
        capture_output=True, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ("os.killpg(0, signal.SIGINT); time.sleep(30)", -signal.SIGINT),  # Ctrl-C reaches the whole group
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("sys.exit(4)", 4),
    ],
)
def test_no_worker_outlives_its_program(tmp_path, then, code):
    done = run(tmp_path, then)
    assert done.returncode == code, done.stderr
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    until = time.monotonic() + 10
    while not all(map(is_gone, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    assert all(map(is_gone, pids))


def test_a_program_that_is_no_file_is_told_of_it():
    program = "from tests.data.worker_sets import *\nfrom tinygrad_edu.data import DataLoader\n"
    program += "list(DataLoader(Rows(), num_workers=1))"
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.run(
        [sys.executable, "-"], input=program, cwd=root, timeout=LIMIT, capture_output=True, text=True
    )
    assert "RuntimeError: DataLoader: the program comes from <stdin>, which is no file" in done.stderr


def test_a_program_without_its_guard_is_told_of_it(tmp_path):
    done = run(tmp_path, "break", guard="if True:")
    assert done.returncode == 1
    assert textwrap.dedent("put what the program does under `if __name__ == '__main__':`") in done.stderr


@pytest.mark.parametrize("contiguous", [False, True])
@pytest.mark.parametrize(
    ("count", "workers", "size"), [(10, 2, 4), (7, 3, 2), (1, 2, 2), (9, 2, 1), (0, 2, 3)]
)
def test_a_stream_that_chooses_its_items_loses_none(contiguous, count, workers, size):
    parts = []
    share = -(-count // workers)
    for k in range(workers):
        rows = range(k * share, min(count, (k + 1) * share)) if contiguous else range(k, count, workers)
        parts.append([list(rows)[i : i + size] for i in range(0, len(rows), size)])
    expected = [batch for turn in itertools.zip_longest(*parts) for batch in turn if batch is not None]
    loader = DataLoader(sets.Part(count, contiguous), size, num_workers=workers, as_numpy=True, seed=3)
    batches = list(loader)
    assert [x.tolist() for x, _ in batches] == expected and len(list(loader)) == len(expected)
    if not contiguous:  # then item numbers are those of one process, and so are the draws
        alone = dict(sets_of(DataLoader(sets.Part(count), 3, as_numpy=True, seed=3)))
        assert dict(sets_of(batches)) == alone
    short = DataLoader(sets.Part(count, contiguous), size, num_workers=workers, drop_last=True, as_numpy=True)
    assert [x.tolist() for x, _ in short] == [batch for batch in expected if len(batch) == size]


def sets_of(batches):
    return [pair for x, y in batches for pair in zip(x.tolist(), y.tolist(), strict=True)]


@pytest.mark.parametrize("given_out", [1, 3])
def test_a_stream_that_chooses_its_items_resumes(given_out):
    loaders = [DataLoader(sets.Part(9, True), 2, num_workers=2, as_numpy=True) for _ in range(2)]
    whole = [x.tolist() for x, _ in loaders[0]]
    for _ in zip(range(given_out), passed := iter(loaders[0]), strict=False):
        pass
    loaders[1].load_state_dict(loaders[0].state_dict())
    passed.close()
    assert [x.tolist() for x, _ in loaders[1]] == whole[given_out:]
    assert [x.tolist() for x, _ in loaders[1]] == whole


def test_a_shuffled_stream_that_chooses_its_items():
    loader = DataLoader(ShuffleBuffer(sets.Part(10), 3), 2, num_workers=2, as_numpy=True)
    assert sorted(int(i) for (x, _) in loader for i in x) == list(range(10))


def test_a_stream_that_asks_too_late_is_refused():
    with pytest.raises(WorkerError, match="after its first item"):
        list(DataLoader(sets.LatePart(), 2, num_workers=2))
    assert len(list(DataLoader(sets.LatePart(), 2))) == 10


def test_a_stream_that_worker_init_fn_cuts_is_refused():
    with pytest.raises(WorkerError, match="worker_init_fn changed stop of the stream"):
        list(DataLoader(sets.Counted(), 2, num_workers=2, worker_init_fn=sets.cut))
    assert len(list(DataLoader(sets.Counted(), 2, num_workers=2, worker_init_fn=sets.initialise))) == 3
