"""Copies and fills against NumPy: flat, rows, boxes; and what is said when an end is not where it should."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_ulonglong

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator import driver as abi
from tests.simulator.driver import Memcpy2D, Memcpy3D, examples


def draw_bytes(data, size):
    return np.random.default_rng(data.draw(st.integers(0, 2**32))).integers(0, 256, size, np.uint8)


@examples
@given(data=st.data(), size=st.integers(1, 5000))
def test_flat_copies_keep_every_byte_and_touch_no_other(driver, data, size):
    begin = data.draw(st.integers(0, size))
    count = data.draw(st.integers(0, size - begin))
    source, target = draw_bytes(data, size), draw_bytes(data, size)
    a, b = driver.upload(source), driver.upload(target)
    shift = data.draw(st.integers(0, size - count))
    driver.cuMemcpyDtoD_v2(b + shift, a + begin, count)
    target[shift : shift + count] = source[begin : begin + count]
    assert driver.download(b, size) == target.tobytes()
    driver.cuMemFree_v2(a)
    driver.cuMemFree_v2(b)


@examples
@given(data=st.data(), name=st.sampled_from(["cuMemsetD8_v2", "cuMemsetD16_v2", "cuMemsetD32_v2",
                                             "cuMemsetD8Async", "cuMemsetD16Async", "cuMemsetD32Async"]
))  # fmt: skip
def test_fills_write_the_element_as_often_as_told(driver, data, name):
    kind = {"8": np.uint8, "1": np.uint16, "3": np.uint32}[name[9]]
    array = draw_bytes(data, 4 * 200).view(kind)
    begin = data.draw(st.integers(0, array.size))
    count = data.draw(st.integers(0, array.size - begin))
    value = data.draw(st.integers(0, int(np.iinfo(kind).max)))
    address = driver.upload(array.tobytes())
    stream = [None] if name.endswith("Async") else []
    getattr(driver, name)(address + begin * array.itemsize, value, count, *stream)
    array[begin : begin + count] = value
    assert driver.download(address, array.nbytes) == array.tobytes()
    driver.cuMemFree_v2(address)


@examples
@given(
    data=st.data(),
    width=st.integers(0, 20),
    height=st.integers(0, 9),
    gap=st.integers(0, 9),
    name=st.sampled_from(["cuMemsetD2D8_v2", "cuMemsetD2D16_v2", "cuMemsetD2D32_v2"]),
)
def test_fills_of_rows_leave_the_gaps(driver, data, width, height, gap, name):
    kind = {"8": np.uint8, "1": np.uint16, "3": np.uint32}[name[11]]
    array = draw_bytes(data, 4 * 29 * 9).view(kind)[: (width + gap) * 9 + 1]
    rows = array[: (width + gap) * 9].reshape(9, width + gap)
    value = data.draw(st.integers(0, int(np.iinfo(kind).max)))
    address = driver.upload(array.tobytes())
    getattr(driver, name)(address, rows.strides[0], value, width, height)
    rows[:height, :width] = value
    assert driver.download(address, array.nbytes) == array.tobytes()
    driver.cuMemFree_v2(address)


class Place:
    """One end of a copy: an array on the host or the device, and a corner in it."""

    def __init__(self, driver, data, box):
        self.driver = driver
        self.kind = data.draw(st.sampled_from(["host", "device", "pinned", "unified"]))
        self.corner = [data.draw(st.integers(0, 3)) for _ in box]
        shape = [at + size + data.draw(st.integers(0, 3)) for at, size in zip(self.corner, box)]
        self.array = draw_bytes(data, int(np.prod(shape))).reshape(shape)
        if self.kind == "pinned":
            self.address, pinned = driver.pinned(self.array.nbytes)
            pinned[:] = self.array.tobytes()
        elif self.kind == "host":
            self.memory = self.array.copy()
            self.address = self.memory.ctypes.data
        else:
            self.address = driver.upload(self.array.tobytes())

    def describe(self, copy, prefix):
        """Fill in this end of a CUDA_MEMCPY2D or 3D."""
        host = self.kind in ("host", "pinned")
        values = {"MemoryType": abi.HOST if host else abi.UNIFIED if self.kind == "unified" else abi.DEVICE,
                  "Host" if host else "Device": self.address, "XInBytes": self.corner[-1],
                  "Y": self.corner[-2], "Pitch": self.array.shape[-1]}  # fmt: skip
        if self.array.ndim == 3:
            values.update(Z=self.corner[0], Height=self.array.shape[1])
        for name, value in values.items():
            setattr(copy, prefix + name, value)

    def box(self, size):
        return self.array[tuple(slice(at, at + n) for at, n in zip(self.corner, size))]

    def now(self):
        """The bytes there, after everything has run."""
        if self.kind == "host":
            return self.memory.tobytes()
        return self.driver.download(self.address, self.array.nbytes)

    def free(self):
        if self.kind != "host":
            getattr(self.driver, "cuMemFreeHost" if self.kind == "pinned" else "cuMemFree_v2")(self.address)


@pytest.mark.parametrize("deferred", ["0", "1"])
@pytest.mark.parametrize(("name", "kind"), [
    ("cuMemcpy2D_v2", Memcpy2D), ("cuMemcpy2DUnaligned_v2", Memcpy2D), ("cuMemcpy2DAsync_v2", Memcpy2D),
    ("cuMemcpy3D_v2", Memcpy3D), ("cuMemcpy3DAsync_v2", Memcpy3D), ("cuMemcpy3DPeer", Memcpy3D),
    ("cuMemcpy3DPeerAsync", Memcpy3D)])  # fmt: skip
@examples
@given(data=st.data())
def test_boxes_are_copied_as_slices_of_arrays(driver, deferred, name, kind, data):
    driver.set("deferred", deferred)
    dimensions = 2 if kind is Memcpy2D else 3
    size = [data.draw(st.integers(1, 5)) for _ in range(dimensions)]
    source, target = Place(driver, data, size), Place(driver, data, size)
    copy = kind(WidthInBytes=size[-1], Height=size[-2])
    if dimensions == 3:
        copy.Depth = size[0]
    if "Peer" in name:
        copy.srcContext = copy.dstContext = driver.get(ctypes.c_void_p, "cuCtxGetCurrent")
    source.describe(copy, "src")
    target.describe(copy, "dst")
    stream = [None] if "Async" in name else []
    getattr(driver, name)(byref(copy), *stream)
    target.box(size)[...] = source.box(size)
    assert target.now() == target.array.tobytes()
    assert source.now() == source.array.tobytes()
    source.free()
    target.free()


# -- errors ------------------------------------------------------------------------------------------


def test_host_memory_as_a_destination_on_the_device(driver):
    array = np.zeros(4, np.float32)
    text = driver.refused(abi.INVALID_VALUE, "cuMemcpyHtoD_v2", array.ctypes.data, driver.alloc(16), 16)
    assert "destination is not 16 bytes of device memory" in text
    assert "NumPy array" in text and "wrong order" in text


def test_device_memory_as_a_source_on_the_host(driver):
    a, b = driver.alloc(16), driver.alloc(16)
    text = driver.refused(abi.INVALID_VALUE, "cuMemcpyHtoD_v2", a, b, 16)
    assert "source is not 16 bytes of host memory" in text
    assert "the beginning of the 16 bytes allocated" in text
    assert "null pointer" in driver.refused(abi.INVALID_VALUE, "cuMemcpyHtoD_v2", a, None, 16)


@pytest.mark.parametrize("name", ["cuMemcpyHtoD_v2", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoH_v2",
                                  "cuMemcpyDtoHAsync_v2", "cuMemcpyDtoD_v2", "cuMemcpyDtoDAsync_v2"]
)  # fmt: skip
@examples
@given(begin=st.integers(0, 100), over=st.integers(1, 5000))
def test_a_copy_past_the_end_is_refused_before_a_byte_moves(driver, name, begin, over):
    small, large = driver.upload(b"s" * 100), driver.upload(b"l" * 6000)
    host = ctypes.create_string_buffer(b"h" * 5999)
    size = 100 - begin + over
    ends = {"HtoD": (small + begin, host), "DtoH": (host, small + begin), "DtoD": (small + begin, large)}
    stream = [None] if "Async" in name else []
    text = driver.refused(abi.INVALID_VALUE, name, *ends[name[8:12]], size, *stream)
    assert text.startswith(name.removesuffix("_v2") + ": the ") and f"not {size} bytes" in text
    assert f"has {100 - begin} bytes" in text or begin == 100
    assert driver.download(small, 100) == b"s" * 100 and host.value == b"h" * 5999
    driver.cuMemFree_v2(small)
    driver.cuMemFree_v2(large)


def test_a_wrong_size_that_wraps_around_is_refused(driver):
    address = driver.alloc(16)
    for size in (2**64 - 1, 2**63, 2**64 - address):
        assert driver.code("cuMemsetD8_v2", address, 0, size) == abi.INVALID_VALUE
        assert driver.code("cuMemcpyDtoD_v2", address, address, size) == abi.INVALID_VALUE
    assert driver.code("cuMemsetD32_v2", address, 0, 2**62 + 4) == abi.INVALID_VALUE
    assert "multiple" in driver.refused(abi.INVALID_VALUE, "cuMemsetD32_v2", address + 2, 0, 1)
    assert "multiple" in driver.refused(abi.INVALID_VALUE, "cuMemsetD16_v2", address + 1, 0, 1)


def test_what_is_wrong_with_a_box_is_said(driver):
    address, array = driver.alloc(64), np.zeros(64, np.uint8)
    # fmt: off
    good = {"srcMemoryType": abi.HOST, "srcHost": array.ctypes.data, "srcPitch": 8,
            "dstMemoryType": abi.DEVICE, "dstDevice": address, "dstPitch": 8, "WidthInBytes": 8, "Height": 8}
    # fmt: on
    driver.cuMemcpy2D_v2(byref(Memcpy2D(**good)))

    def refused(code=abi.INVALID_VALUE, **changed):
        return driver.refused(code, "cuMemcpy2D_v2", byref(Memcpy2D(**{**good, **changed})))

    assert "pitch of the source is 7 bytes" in refused(srcPitch=7)
    assert "from x = 1" in refused(dstXInBytes=1)
    assert "set_src_host" in refused(srcMemoryType=0)
    assert "destination is not 72 bytes" in refused(Height=9)
    assert "would not fit" in refused(dstPitch=2**63)
    assert "no arrays" in refused(abi.NOT_SUPPORTED, srcMemoryType=abi.ARRAY)
    assert "null pointer" in driver.refused(abi.INVALID_VALUE, "cuMemcpy2D_v2", None)


def test_freed_memory_is_refused(driver):
    address = driver.alloc(8)
    driver.cuMemFree_v2(address)
    text = driver.refused(abi.INVALID_VALUE, "cuMemcpyDtoH_v2", ctypes.create_string_buffer(8), address, 8)
    assert "the beginning of the 8 bytes allocated" in text and "freed" in text
    assert driver.code("cuMemGetAddressRange_v2", byref(c_ulonglong()), None, address) == abi.NOT_FOUND
