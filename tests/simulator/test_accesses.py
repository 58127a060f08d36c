"""The checker sees every way to move a value: kernels of accesses.py, each with its bug and repaired."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest

import tinygrad_edu.simulator as sim
from tests.simulator.accesses import COUNT, TYPES, Type, kernel, lines, source, ways

SPACES = ("shared", "dynamic shared", "global")
CONSTANT = 3
OPTIONS = ["-std=c++20", "--expt-relaxed-constexpr"]  # for std::pair and std::swap
PER_MODULE = 11  # types in one source: g++ and addr2line like small ones
each = pytest.mark.parametrize("type", TYPES, ids=lambda type: type.name)


@functools.cache
def _module(number: int):
    from pycuda.compiler import SourceModule

    with sim.check():  # so that nothing but the checked variant is compiled
        text = source(TYPES[PER_MODULE * number : PER_MODULE * (number + 1)])
        return text, SourceModule(text, no_extern_c=True, options=OPTIONS)


class _Cases:
    """The kernels of one type, and their memory."""

    def __init__(self, pycuda, type: Type) -> None:
        self._error = pycuda.driver.Error
        self._type = type
        self.text, self._module = _module(TYPES.index(type) // PER_MODULE)
        with sim.check():
            x, y, z = (pycuda.gpuarray.zeros(COUNT * type.bytes, np.uint8) for _ in range(3))
        self._memory = x, y, z

    def launch(
        self, access: str, way: int, space: int, *, byte: int = -1, ordered: bool = False, index: int = 0
    ) -> str:
        numbers = [np.int32(number) for number in (way, space, byte, ordered, index, 0)]
        try:
            with sim.check():
                self._module.get_function(kernel(self._type, access))(
                    *numbers, *self._memory, block=(2, 1, 1), shared=COUNT * self._type.bytes
                )
        except self._error as error:
            return str(error)
        return ""

    def complaint(self, report: str, title: str, access: str, way: int) -> str:
        """What is wrong with a report; "" when nothing is."""
        if title not in report:
            return f"not {title!r} but {report!r}"
        named = {int(match) for match in re.findall(r"kernel\.cu:(\d+)", report)}
        allowed = lines(self.text, access, self._type, way)
        return "" if named & allowed else f"none of the lines {sorted(allowed)}: {report}"


@pytest.mark.parametrize("access", ["read", "write"])
@each
def test_a_race_with_any_byte_is_found_at_its_line_and_none_invented(pycuda, type, access):
    cases, wrong = _Cases(pycuda, type), []
    last = type.last if type.last >= 0 else type.bytes - 1
    for number, name in enumerate(ways(type, access)):
        for space, where in enumerate(SPACES):
            title = "Data race on " + ("global" if where == "global" else "shared")
            for byte in {0, last}:
                report = cases.launch(access, number, space, byte=byte)
                bad = cases.complaint(report, title, access, number)
                wrong += [(name, where, byte, bad)] if bad else []
            report = cases.launch(access, number, space, byte=last, ordered=True)
            wrong += [(name, where, "repaired", report)] if report else []
    assert wrong == []


@each
def test_an_element_past_the_end_is_found_and_those_before_are_not_reported(pycuda, type):
    cases, wrong = _Cases(pycuda, type), []
    for number, name in enumerate(ways(type, "read")):
        if name != "exchanged":  # which writes, too
            report = cases.launch("read", number, CONSTANT, index=COUNT)
            bad = cases.complaint(report, "Out-of-bounds read of", "read", number)
            wrong += [(name, bad)] if bad else []
            report = cases.launch("read", number, CONSTANT, index=COUNT - 1)
            wrong += [(name, "repaired", report)] if report else []
    assert wrong == []


@each
def test_a_write_to_constant_memory_is_found(pycuda, type):
    cases, wrong = _Cases(pycuda, type), []
    for number, name in enumerate(ways(type, "write")):
        bad = cases.complaint(cases.launch("write", number, CONSTANT), "__constant__", "write", number)
        wrong += [(name, bad)] if bad else []
    assert wrong == []
