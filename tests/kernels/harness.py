"""What tests of kernels share: arrays in odd layouts, rungs by family, the checker, and copies with a bug."""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

import tinygrad_edu.simulator as sim
from tinygrad_edu.backend import registry
from tinygrad_edu.backend.cuda.device import compile as compiler
from tinygrad_edu.backend.cuda.device.array import DeviceArray
from tinygrad_edu.backend.cuda.families import ladder, using
from tinygrad_edu.simulator.bugs.rungs import of

LAYOUTS = ("contiguous", "transposed", "stepped", "offset", "negative")


def RUNGS(family: str) -> list[str]:
    """The names of a family's rungs, naive first."""
    return [rung.name for rung in ladder(family).rungs]


def layouts() -> st.SearchStrategy[str]:
    """How an array lies in memory; shrinks towards contiguous."""
    return st.sampled_from(LAYOUTS)


def placed(device: Any, array: Any, layout: str = "contiguous") -> DeviceArray:
    """`array` on the device, as a view of memory laid out otherwise; what lies between its elements is 77."""
    array = np.asarray(array)
    if layout == "contiguous" or not array.ndim or not array.size:
        return device.asarray(array)
    if layout == "transposed":
        base = device.asarray(np.ascontiguousarray(array.T))
        return device.view(base, array.shape, base.strides[::-1], 0)
    if layout == "stepped":
        wide = np.full((*array.shape[:-1], 2 * array.shape[-1] + 1), 77).astype(array.dtype)
        wide[..., 1::2] = array
        base = device.asarray(wide)
        return device.view(base, array.shape, (*base.strides[:-1], 2 * array.itemsize), array.itemsize)
    if layout == "offset":
        wide = np.full((*array.shape[:-1], array.shape[-1] + 3), 77).astype(array.dtype)
        wide[..., 1:-2] = array
        base = device.asarray(wide)
        return device.view(base, array.shape, base.strides, array.itemsize)
    backwards = device.asarray(np.ascontiguousarray(array[..., ::-1]))
    return device.view(
        backwards,
        array.shape,
        (*backwards.strides[:-1], -array.itemsize),
        (array.shape[-1] - 1) * array.itemsize,
    )


def checked(test: Callable[..., Any]) -> Callable[..., Any]:
    """Run the test under the simulator's checker, in an order of threads and blocks that hypothesis draws.

    Goes below `@given` (each example gets an order) or on a plain test. On a real GPU the test runs as it is.
    """

    @functools.wraps(test)
    def watched(*arguments: Any, **named: Any) -> Any:
        with sim.check():
            return test(*arguments, **named)

    scheduled = sim.any_schedule()(watched)

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> Any:
        return (scheduled if sim.is_installed() else test)(*arguments, **named)

    return run


def bugs_of(*families: str, names: tuple[str, ...] = ("rung", "old", "new", "says")) -> Any:
    """A test for each bug of these families of simulator/bugs/rungs.py, with those fields of it."""
    cases = [tuple(getattr(bug, name) for name in names) for bug in of(*families)]
    return pytest.mark.parametrize(names, cases)


@contextlib.contextmanager
def planted(family: str, rung: str, old: str, new: str) -> Iterator[None]:
    """Inside, `rung` of `family` is a copy in which `old` became `new`: a bug for the checker to find.

    Any white space in `old` stands for any other: the formatter may move code, and the bug moves with it.
    """
    pattern = re.compile(r"\s+".join(map(re.escape, old.split())))
    shipped = compiler.kernels_folder()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "kernels"
        shutil.copytree(shipped, folder, ignore=shutil.ignore_patterns("__pycache__"))
        found = False
        for path in [
            folder / family / f"{ladder(family).rung(rung).source}.cu",
            *sorted((folder / family).glob("*.cuh")),
            *(folder / name for name in ladder(family).extra),
        ]:
            text = path.read_text()
            if pattern.search(text):
                path.write_text(pattern.sub(lambda _: new, text))
                found = True
        assert found, f"kernels/{family}/{rung}.cu and its headers do not have the text {old!r} to break"
        with compiler.kernels_from(folder), using(family, rung):
            yield


def report(body: Callable[[], Any]) -> str:
    """What the checker says of `body`; "" when it has nothing to say. A GPU has no checker, and its memory
    is not to be overwritten by bugs: there the test is skipped."""
    if not sim.is_installed():
        pytest.skip("a planted bug is for the checker to find; it runs with --device simulator")
    try:
        with sim.check():
            body()
    except Exception as error:
        return str(error)
    finally:
        for device in [d for d in registry._backends.values() if hasattr(d, "faults")]:
            with contextlib.suppress(IndexError):  # what the broken kernel left behind
                device.synchronize()
    return ""
