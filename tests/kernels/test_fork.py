"""A child of a fork has no device: it is told so at once, whatever other threads were doing with it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import tinygrad_edu as te

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


@contextmanager
def held(lock: Any) -> Iterator[None]:
    """Another thread holds the lock meanwhile."""
    taken, go = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            taken.set()
            go.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    try:
        yield
    finally:
        go.set()
        thread.join()


@pytest.mark.parametrize(
    "lock",
    [
        lambda d: d.pool._lock,
        lambda d: d.staging._uploading,
        lambda d: d.staging._downloading,
        lambda d: d.faults._calls_lock,
        lambda d: d.faults._cell_lock,
    ],
)
def test_a_child_is_refused_and_does_not_hang(lock: Any, device: Any) -> None:
    x = te.ones(5, device=device, requires_grad=True)
    with held(lock(device)):
        child = os.fork()
        if child == 0:
            signal.alarm(30)  # ends it if it hangs
            try:
                for refused in (lambda: te.tensor([1.0], device=device).tolist(), lambda: (x * 2.0).tolist()):
                    try:
                        refused()
                    except Exception as error:
                        assert "fork" in str(error)
                    else:
                        os._exit(3)
                y = te.ones(2, requires_grad=True, device="cpu")
                (y * te.rand(2, device="cpu")).sum().backward()
                os._exit(0)
            except BaseException:
                os._exit(4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (x * 2.0).tolist() == [2.0] * 5
