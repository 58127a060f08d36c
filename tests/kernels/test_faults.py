"""Bad indices, which kernels find and waits raise: between threads, in long loops, at the end."""

from __future__ import annotations

import sys
import threading
from collections import Counter

import pytest

import tinygrad_edu as te


@pytest.fixture
def table(device):
    """(a table of three rows, a place in it, a place that is not)."""
    device.synchronize()
    return te.ones(3, 2, device=device.name), *(te.tensor([k], device=device.name) for k in (1, 99))


def test_another_thread_that_waits_before_the_launch_swallows_nothing(device, table, monkeypatch):
    rows, good, bad = table
    register_call = device.faults.register_call
    told = []

    def interrupted(op, text):
        number = register_call(op, text)
        other = threading.Thread(target=device.synchronize)  # between the announcement and the launch
        other.start()
        other.join()
        return number

    monkeypatch.setattr(device.faults, "register_call", interrupted)
    try:
        te.embedding(bad, rows).numpy()
    except IndexError as error:
        told.append(str(error))
    assert len(told) == 1 and "index 99" in told[0] and __file__ in told[0]
    assert te.embedding(good, rows).numpy().tolist() == [[1.0, 1.0]]


def test_a_bad_index_of_a_thread_that_ended_is_told_to_who_waits_next(device, table):
    rows, _, bad = table
    thread = threading.Thread(target=lambda: te.embedding(bad, rows))
    thread.start()
    thread.join()
    with pytest.raises(IndexError, match="index 99"):
        device.synchronize()
    assert not device.faults._pending  # and no wait reads the cell any more


def test_of_threads_that_use_bad_and_good_indices_each_error_names_the_bad_one(device, table):
    rows, good, bad = table
    found: Counter[str] = Counter()

    def work(index):
        for _ in range(300):
            try:
                te.embedding(index, rows).numpy()
                found["zeros" if index is bad else "good"] += 1
            except IndexError as error:
                found["named" if "index 99" in str(error) else str(error)] += 1
            except Exception as error:
                found[repr(error)] += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=work, args=(i,)) for i in (bad, good, good)]
    try:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(interval)
    assert set(found) <= {"named", "good"} and found["named"] >= 300


def test_a_loop_that_never_waits_remembers_its_lines_not_its_calls(device, table):
    rows, good, _ = table
    te.embedding(good, rows)
    before = len(device.faults._calls)
    for _ in range(100):
        te.embedding(good, rows)
    assert len(device.faults._calls) <= before + 1
