"""Streams and events, eager and deferred: what has run when a call returns, and what has not."""

from __future__ import annotations

import ctypes
import time
from ctypes import byref, c_float

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator import driver as abi
from tests.simulator.driver import DriverError, Memcpy2D, examples

NON_BLOCKING, NO_TIMING = 1, 2


@pytest.fixture
def late(driver):
    """The driver, with work deferred."""
    driver.set("deferred", "1")
    return driver


class Cell:
    """Four bytes that host and device share, so that a test can look without waiting."""

    def __init__(self, driver):
        self.driver = driver
        self.address, self.bytes = driver.pinned(4)
        self.bytes[:] = b"\0\0\0\0"

    def write(self, value, stream=None):
        self.driver.cuMemsetD8Async(self.address, value, 4, stream)

    @property
    def value(self):
        return self.bytes[0]


@pytest.mark.parametrize("flags", [0, NON_BLOCKING])
def test_eager_work_is_done_at_once(driver, flags):
    cell, stream = Cell(driver), driver.stream(flags)
    cell.write(5, stream)
    assert cell.value == 5
    driver.cuStreamQuery(stream)


def test_deferred_work_waits_for_its_stream(late):
    cell, stream, other = Cell(late), late.stream(NON_BLOCKING), late.stream(NON_BLOCKING)
    cell.write(5, stream)
    late.cuStreamSynchronize(other)
    late.cuStreamSynchronize(None)  # the default stream does not wait for non-blocking ones
    assert cell.value == 0
    late.cuStreamSynchronize(stream)
    assert cell.value == 5


@pytest.mark.parametrize("wait", [
    lambda d, s, e: d.cuCtxSynchronize(), lambda d, s, e: d.cuStreamSynchronize(s),
    lambda d, s, e: d.cuStreamSynchronize(None), lambda d, s, e: d.cuEventSynchronize(e),
    lambda d, s, e: d.cuMemFree_v2(d.alloc(4)), lambda d, s, e: d.download(d.alloc(4), 4),
    lambda d, s, e: d.cuStreamDestroy_v2(s), lambda d, s, e: d.set("deferred", "0")])  # fmt: skip
def test_what_waits_for_a_blocking_stream(late, wait):
    cell, stream, event = Cell(late), late.stream(), late.event()
    cell.write(5, stream)
    late.cuEventRecord(event, stream)
    assert cell.value == 0
    wait(late, stream, event)
    assert cell.value == 5


def test_the_default_stream_and_blocking_streams_wait_for_each_other(late):
    cell, one, two = Cell(late), late.stream(), late.stream()
    for value, stream in enumerate([one, None, two, None, one], 1):
        cell.write(value, stream)
    late.cuStreamSynchronize(one)  # the last in line: all the others come before it
    assert cell.value == 5
    late.cuCtxSynchronize()  # and so nothing was left that could still change it
    assert cell.value == 5
    cell.write(6, one)
    cell.write(7, two)
    late.cuStreamSynchronize(two)
    assert cell.value == 7
    late.cuStreamSynchronize(one)  # nothing ordered these two
    assert cell.value == 6


def test_a_stream_waits_for_the_record_an_event_had(late):
    cell, one, two, event = Cell(late), late.stream(NON_BLOCKING), late.stream(NON_BLOCKING), late.event()
    late.cuStreamWaitEvent(two, event, 0)  # never recorded: no wait
    cell.write(1, one)
    late.cuEventRecord(event, one)
    late.cuStreamWaitEvent(two, event, 0)
    cell.write(2, one)
    late.cuEventRecord(event, one)  # a later record does not move the wait
    late.cuEventDestroy_v2(event)
    late.cuStreamSynchronize(two)
    assert cell.value == 1
    late.cuCtxSynchronize()
    assert cell.value == 2


@examples
@given(order=st.lists(st.integers(0, 3), min_size=1, max_size=12), waited=st.integers(0, 3))
def test_a_chain_of_events_keeps_the_order_in_which_work_was_given(driver, order, waited):
    driver.set("deferred", "1")
    cell = Cell(driver)
    streams = [driver.stream(NON_BLOCKING) for _ in range(4)]
    event = driver.event(NO_TIMING)
    last = {waited: 0}
    for value, stream in enumerate(order, 1):
        driver.cuStreamWaitEvent(streams[stream], event, 0)
        cell.write(value, streams[stream])
        driver.cuEventRecord(event, streams[stream])
        last[stream] = value
    driver.cuStreamSynchronize(streams[waited])
    assert cell.value == last[waited]
    driver.cuCtxSynchronize()
    assert cell.value == len(order)
    for stream in streams:
        driver.cuStreamDestroy_v2(stream)
    driver.cuMemFreeHost(cell.address)


def test_pageable_memory_is_read_at_the_call_and_pinned_memory_late(late):
    stream, target = late.stream(), late.alloc(4)
    pageable = (ctypes.c_ubyte * 4)(*b"abcd")
    late.cuMemcpyHtoDAsync_v2(target, pageable, 4, stream)
    pageable[:] = b"----"
    late.cuStreamSynchronize(stream)
    assert late.download(target, 4) == b"abcd"
    address, pinned = late.pinned(4)
    pinned[:] = b"efgh"
    late.cuMemcpyHtoDAsync_v2(target, address, 4, stream)
    pinned[:] = b"ijkl"  # the mistake that deferring shows
    late.cuStreamSynchronize(stream)
    assert late.download(target, 4) == b"ijkl"


def test_rows_of_pageable_memory_are_read_at_the_call(late):
    pageable, target = (ctypes.c_ubyte * 6)(*b"ab-cd-"), late.alloc(4)
    copy = Memcpy2D(
        srcMemoryType=abi.HOST,
        srcHost=ctypes.addressof(pageable),
        srcPitch=3,
        dstMemoryType=abi.DEVICE,
        dstDevice=target,
        dstPitch=2,
        WidthInBytes=2,
        Height=2,
    )
    late.cuMemcpy2DAsync_v2(byref(copy), late.stream())
    pageable[:] = b"------"
    assert late.download(target, 4) == b"abcd"


def test_pageable_memory_is_written_before_the_call_returns_and_pinned_memory_late(late):
    stream, source = late.stream(), late.upload(b"abcd")
    pageable = (ctypes.c_ubyte * 4)()
    late.cuMemcpyDtoHAsync_v2(pageable, source, 4, stream)
    assert bytes(pageable) == b"abcd"
    address, pinned = late.pinned(4)
    late.cuMemcpyDtoHAsync_v2(address, source, 4, stream)
    assert bytes(pinned) == b"\xff" * 4
    late.cuStreamSynchronize(stream)
    assert bytes(pinned) == b"abcd"


@pytest.mark.parametrize("what", ["stream", "event"])
def test_asking_again_and_again_gets_on(late, what):
    cell, stream, event = Cell(late), late.stream(), late.event()
    for value in range(1, 4):
        cell.write(value, stream)
    late.cuEventRecord(event, stream)
    ask = ("cuStreamQuery", stream) if what == "stream" else ("cuEventQuery", event)
    assert "not all work" in late.refused(abi.NOT_READY, *ask)
    assert cell.value == 1
    asked = 1
    while late.code(*ask) == abi.NOT_READY:
        asked += 1
        assert asked < 10
    assert cell.value == 3


# -- events ------------------------------------------------------------------------------------------


def test_time_is_that_of_the_work_not_of_the_call(late):
    stream, start, end = late.stream(), late.event(), late.event()
    late.cuEventRecord(start, stream)
    late.cuEventRecord(end, stream)
    text = late.refused(abi.NOT_READY, "cuEventElapsedTime_v2", byref(c_float()), start, end)
    assert "not done yet" in text
    late.cuEventSynchronize(start)
    time.sleep(0.02)
    late.cuEventSynchronize(end)
    assert late.elapsed(start, end) >= 20
    assert late.elapsed(end, start) == -late.elapsed(start, end)


def test_time_takes_two_recorded_events(driver):
    start, end, untimed = driver.event(), driver.event(), driver.event(NO_TIMING)
    driver.cuEventSynchronize(start)  # never recorded counts as done
    driver.cuEventQuery(start)
    driver.cuEventRecord(start, None)
    for event, word in [(end, "second event was never recorded"), (untimed, "DISABLE_TIMING")]:
        given_events = byref(c_float()), start, event
        assert word in driver.refused(abi.INVALID_HANDLE, "cuEventElapsedTime_v2", *given_events)


def test_dead_handles_are_errors_not_crashes(driver):
    stream, event = driver.stream(), driver.event()
    driver.cuStreamDestroy_v2(stream)
    driver.cuEventDestroy_v2(event)
    for name in ("cuStreamSynchronize", "cuStreamQuery", "cuStreamDestroy_v2"):
        assert "not a living stream" in driver.refused(abi.INVALID_HANDLE, name, stream)
    for name in ("cuEventSynchronize", "cuEventQuery", "cuEventDestroy_v2"):
        assert "not a living event" in driver.refused(abi.INVALID_HANDLE, name, event)
    assert driver.code("cuMemsetD8Async", driver.alloc(4), 0, 4, stream) == abi.INVALID_HANDLE
    assert "cannot be destroyed" in driver.refused(abi.INVALID_HANDLE, "cuStreamDestroy_v2", None)


def test_streams_go_with_their_context(driver):
    context = driver.get(ctypes.c_void_p, "cuCtxCreate_v4", None, 0, 0)
    stream, event = driver.stream(), driver.event()
    driver.cuCtxPopCurrent_v2(None)
    text = driver.refused(abi.INVALID_HANDLE, "cuMemsetD8Async", driver.alloc(4), 0, 4, stream)
    assert "another context" in text
    driver.cuCtxDestroy_v2(context)
    assert driver.code("cuStreamQuery", stream) == driver.code("cuEventQuery", event) == abi.INVALID_HANDLE


def test_work_left_in_a_context_runs_before_it_goes(late):
    cell = Cell(late)
    context = late.get(ctypes.c_void_p, "cuCtxCreate_v4", None, 0, 0)
    cell.write(9, late.stream(NON_BLOCKING))
    late.cuCtxDetach(context)
    assert cell.value == 9


def test_wrong_flags_are_named(driver):
    answer = ctypes.c_void_p()
    assert "0x10" in driver.refused(abi.INVALID_VALUE, "cuStreamCreate", byref(answer), 16)
    assert "INTERPROCESS" in driver.refused(abi.INVALID_VALUE, "cuEventCreate", byref(answer), 4)
    with pytest.raises(DriverError, match="flags must be 0"):
        driver.cuStreamWaitEvent(None, driver.event(), 1)
