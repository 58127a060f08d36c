"""Arrays of other libraries: DLPack, and the array interface of CUDA."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
import tinygrad_edu.simulator as sim
from tinygrad_edu.backend.cuda.device import dlpack
from tinygrad_edu.errors import DeviceError


@given(
    shape=st.lists(st.integers(0, 4), max_size=3).map(tuple),
    dtype=st.sampled_from(("float32", "float64", "int64", "int32", "uint8", "bool")),
)
@settings(max_examples=20)
def test_dlpack_and_the_array_interface_share_memory(device, shape, dtype):
    x = te.tensor(
        (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2).astype(dtype), device=device.name
    ).T
    same = te.from_dlpack(x, device=device.name)
    also = te.cuda.from_gpuarray(x.storage.array, device=device.name)
    for other in (same, also):
        assert other.storage.array.pointer == x.storage.array.pointer
        np.testing.assert_array_equal(other.numpy(), x.numpy())
    gpu = te.cuda.as_gpuarray(x)
    assert int(gpu.gpudata) == x.storage.array.pointer
    if sim.is_installed():  # whose memory is this process's
        np.testing.assert_array_equal(np.from_dlpack(x), x.numpy())


def test_a_consumer_keeps_memory_alive_and_lets_it_go(device):
    x = te.tensor([1.0, 2.0], device=device.name)
    before = len(dlpack._exports)
    capsule = x.__dlpack__()
    assert len(dlpack._exports) == before + 1
    del capsule  # nobody took it
    assert len(dlpack._exports) == before
    same = te.from_dlpack(x, device=device.name)
    del x
    gc.collect()
    assert same.numpy().tolist() == [1.0, 2.0]
    del same
    gc.collect()
    assert len(dlpack._exports) == before


def test_other_devices_and_types_are_refused(device):
    with pytest.raises(BufferError, match="not \\(8, 1\\)"):
        te.tensor([1.0], device=device.name).__dlpack__(dl_device=(8, 1))
    with pytest.raises(TypeError, match="no float16"):
        device.asarray(np.zeros(2, np.float16))
    with pytest.raises(TypeError, match="__cuda_array_interface__"):
        te.cuda.from_gpuarray(np.zeros(2), device=device.name)


def test_host_memory_is_taken_by_dlpack_as_a_copy_that_kernels_may_use(device):
    if device.name != "simulator":
        pytest.skip("on a GPU host memory is another DLPack device, and refused; use --device simulator")
    host = np.arange(12, dtype="f4").reshape(3, 4)
    with sim.check():
        for given in (host, host[::-1, ::2], host.T, host[:0], np.full((), 7, "f4"), host > 3):
            x = te.from_dlpack(given, device=device.name)
            np.testing.assert_array_equal(x.numpy(), given)
            np.testing.assert_array_equal(x.clone().to("cpu").numpy(), given)
            np.testing.assert_array_equal(te.concat([x.reshape(-1)] * 2).numpy(), np.tile(given.ravel(), 2))
        x = te.from_dlpack(host, device=device.name)
        x.add_(1.0)
        np.testing.assert_array_equal(x.numpy(), host + 1)


def test_memory_of_another_device_is_not_adopted(device, second):
    x = te.ones(3, device=second)
    with pytest.raises(DeviceError, match=f"memory is that of device 1, {device.name} is device 0"):
        te.cuda.from_gpuarray(te.cuda.as_gpuarray(x), device=device.name)
    with pytest.raises((DeviceError, BufferError), match="device"):
        te.from_dlpack(x, device=device.name)
    assert te.from_dlpack(x, device=second).numpy().tolist() == [1, 1, 1]


class Described:
    """An array of another library, with a description of our choice."""

    def __init__(self, x, **changes):
        self.owner, self.__cuda_array_interface__ = x, {**x.storage.array.__cuda_array_interface__, **changes}


def test_arrays_of_others_may_be_read_only_and_must_lie_on_their_elements(device):
    x = te.ones(4, device=device.name)
    pointer = x.storage.array.pointer
    y = te.cuda.from_gpuarray(Described(x, data=(pointer, True)), device=device.name)
    y.add_(1.0)
    assert (x.numpy().tolist(), y.numpy().tolist()) == ([1.0] * 4, [2.0] * 4)
    for odd in ({"strides": (6,), "shape": (2,)}, {"data": (pointer + 2, False), "shape": (2,)}):
        with pytest.raises(ValueError, match="multiples of 4 bytes"):
            te.cuda.from_gpuarray(Described(x, **odd), device=device.name)
    with pytest.raises(ValueError, match=r"strides \(-4,\) run backwards.*clone"):
        te.cuda.as_gpuarray(x[::-1])
