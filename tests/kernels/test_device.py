"""The device itself: memory and its end, arrays of other libraries, waiting, shutting down, several names."""

from __future__ import annotations

import contextlib
import gc
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
import tinygrad_edu.simulator as sim
from tinygrad_edu.backend import registry
from tinygrad_edu.backend.cuda.device import driver
from tinygrad_edu.backend.cuda.device.kernels import Kernel
from tinygrad_edu.backend.cuda.device.memory import Pool, label_text, rounded, size_text
from tinygrad_edu.errors import DeviceError


class Ten:
    """A driver with ten times 1 MiB."""

    def __init__(self):
        self.left = 10 << 20

    def allocate(self, size):
        if size > self.left:
            raise MemoryError
        self.left -= size
        return Lent(self, size)

    def memory(self):
        return self.left, 10 << 20

    def is_checking(self):
        return False


class Lent:
    """Memory of it, which goes back when it is forgotten."""

    count = 0

    def __init__(self, source, size):
        Lent.count += 1
        self.source, self.size, self.at = source, size, 4096 * Lent.count

    def __int__(self):
        return self.at

    def __del__(self):
        self.source.left += self.size


@given(st.integers(1, 1 << 40))
@settings(max_examples=200)
def test_blocks_are_at_most_an_eighth_too_large(size):
    assert size <= rounded(size) <= max(512, size + size // 8 + 512)
    assert rounded(rounded(size)) == rounded(size)


def test_a_freed_block_is_the_next_array_of_its_size():
    pool = Pool(Ten(), "ten")
    first = pool.take(1000, "a")
    pointer = first.pointer
    del first
    assert pool.take(990, "b").pointer == pointer
    assert pool.statistics() == {
        "in_use": 0,
        "kept": 1024,
        "peak": 1024,
        "blocks": 0,
        "taken": 2,
        "allocated": 1,
    }


def test_what_is_kept_is_given_back_before_memory_ends():
    pool = Pool(Ten(), "ten")
    del [pool.take(6 << 20, "a")][:]
    gc.collect()
    assert pool.take(9 << 20, "b").size == 9 << 20


def test_out_of_memory_says_who_holds_what():
    pool = Pool(Ten(), "ten")
    held = [pool.take(1 << 20, ((512, 512), np.dtype(np.float32))) for _ in range(9)]
    with pytest.raises(MemoryError) as error:
        pool.take(2 << 20, ((1024, 512), np.dtype(np.float32)))
    said = str(error.value)
    assert "float32 array of shape (1024, 512) needs 2.0 MiB" in said
    assert "9.0 MiB  9 x float32 array of shape (512, 512)" in said
    assert "smaller batches" in said
    assert len(held) == 9
    assert "9.0 MiB in use by 9 arrays" in pool.summary()


def test_words_for_bytes_and_labels():
    assert [size_text(v) for v in (3, 2048, 5 << 20, 3 << 40)] == ["3 B", "2.0 KiB", "5.0 MiB", "3072.0 GiB"]
    assert label_text("the cell") == "the cell"


def test_running_out_on_the_device_is_a_memory_error_that_names_op_and_line(device):
    with pytest.raises(
        MemoryError, match=r"(?s)float64 array of shape \(68719476736,\) needs 512.0 GiB.*512 B  1 x the cell"
    ):
        te.zeros(1, device=device.name).expand(2**36).to("float64").clone()


def test_te_cuda_says_what_is_held(device):
    before = te.cuda.memory_stats(device.name)["in_use"]
    x = te.zeros(1000, 1000, device=device.name)
    assert te.cuda.memory_stats(device.name)["in_use"] - before >= x.nbytes
    assert "float32 array of shape (1000, 1000)" in te.cuda.memory_summary(device.name)
    del x
    assert te.cuda.empty_cache(device.name) >= 4_000_000
    info = te.device_info(device.name)
    assert info.facts["arch"].startswith("sm_")
    assert "multiprocessors" in str(info)
    assert te.device_info("cpu").kind == "NumPy on the CPU"


@pytest.mark.parametrize("n", [0, 1, 1000, 1 << 19, (1 << 19) + 1, 3_000_001])
def test_transfers_of_any_size_survive_a_change_of_the_source(device, n):
    host = np.arange(n, dtype=np.float32)
    there = device.asarray(host)
    host[...] = -1  # the copy must not look at it any more
    np.testing.assert_array_equal(device.numpy(there), np.arange(n, dtype=np.float32))


def test_nothing_waits_but_numpy_item_and_printing(device, monkeypatch):
    waited = []
    monkeypatch.setattr(
        type(device.context), "synchronize", lambda self: waited.append(1) or self.stream.synchronize()
    )
    x = te.tensor(np.ones((8, 8), np.float32), device=device.name, requires_grad=True)
    loss = ((x @ x).relu().softmax(1) * 2).sum()
    loss.backward()
    te.optim.Adam([x]).step()
    places = te.tensor([[3, -1], [0, 2]], device=device.name)
    read = [te.take_along_axis(x, te.argmax(x, 1, keepdims=True), 1), x[places], x[places[0, 0]],
            te.index_select(x, places[0], 1), te.scatter_add(x, places, x[:2, :2].detach()),
            te.cross_entropy(x, np.arange(8)), te.mse(x, np.zeros((8, 8), np.float32))]  # fmt: skip
    sum(r.sum() for r in read).backward()
    assert not waited
    host, at = x.detach().numpy(), places.numpy()
    for found, wanted in zip(read[1:4], (host[at], host[3], host[:, at[0]]), strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted)
    with pytest.raises(IndexError, match="index 8"):
        x[te.tensor([0, 8], device=device.name)].numpy()
    if sim.is_installed():
        with sim.deferred():  # nothing ran yet; the numbers must come all the same
            y = x * 2 + 1
            assert y.sum().item() == pytest.approx(float((x.numpy() * 2 + 1).sum()))


def test_synchronize_waits_for_other_libraries_too_and_numpy_for_its_own_stream_alone(device):
    from pycuda import driver as cuda

    x = te.zeros(4, device=device.name)
    te.cuda.synchronize(device.name)
    ones = cuda.pagelocked_empty(4, np.float32)
    ones.fill(1)
    with sim.deferred() if sim.is_installed() else contextlib.nullcontext():
        cuda.memcpy_htod_async(x.storage.array.pointer, ones)  # into the default stream, as PyCUDA's kernels
        if sim.is_installed():  # a GPU may have done it by now
            assert x.numpy().tolist() == [0, 0, 0, 0]
        te.cuda.synchronize(device.name)
        assert x.numpy().tolist() == [1, 1, 1, 1]


def test_a_new_thread_may_begin_by_writing_in_place(device):
    w = te.tensor([1.0, 2.0], device=device.name, requires_grad=True)
    (w * w).sum().backward()
    other = te.tensor([5.0, 6.0], device=device.name)

    def work():
        te.optim.SGD([w], lr=0.5).step()
        other.copy_(w.detach())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert w.numpy().tolist() == other.numpy().tolist() == [0.0, 0.0]


def test_threads_share_the_device(device):
    found = []

    def work(k):
        x = te.full((50,), float(k), device=device.name)
        found.append((x * x).sum().item() == 50.0 * k * k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [True] * 6


def test_names_of_devices():
    for bad in ("gpu", "cuda:x", "cuda:", "tpu:0"):
        with pytest.raises(DeviceError, match="no device"):
            registry.get(bad)
    assert registry.known("cuda:3")
    assert not registry.known("float32")


def test_a_device_that_is_not_there(device):
    with pytest.raises(DeviceError, match=r"no device with index 99: there are \d"):
        registry.get(f"{device.name}:99")
    other = "cuda" if device.name == "simulator" else "simulator"
    with pytest.raises(DeviceError, match="one CUDA driver"):
        registry.get(other)


def test_zero_is_the_first(device):
    assert registry.get(f"{device.name}:0") is device
    x = te.ones(2, device=device.name)
    assert x.to(f"{device.name}:0").device == device.name


def test_devices_by_index_have_memory_of_their_own(device, second):
    before = te.cuda.memory_stats(device.name)["in_use"]
    x = te.tensor(np.arange(6.0).reshape(2, 3), device=second, requires_grad=True)
    y = te.tensor(np.ones((3, 2)), device=device.name, requires_grad=True)
    big = te.zeros(1000, 1000, device=second)
    assert te.cuda.memory_stats(second)["in_use"] >= big.nbytes
    assert te.cuda.memory_stats(device.name)["in_use"] - before < big.nbytes
    assert te.device_info(second).facts["index"] == 1
    with pytest.raises(DeviceError, match=f"different devices .{second}, {device.name}."):
        x @ y
    loss = ((x @ y.to(second)).softmax(1)[:, 0] * 2).to(device.name).square().sum()  # there and back
    loss.backward()
    assert (x.grad.device, y.grad.device, loss.device) == (second, device.name, device.name)
    a, b = te.tensor(x.numpy(), requires_grad=True), te.tensor(y.numpy(), requires_grad=True)
    ((a @ b).softmax(1)[:, 0] * 2).square().sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), a.grad.numpy(), atol=1e-12)
    np.testing.assert_allclose(y.grad.numpy(), b.grad.numpy(), atol=1e-12)


def test_a_thread_may_use_both_devices_and_threads_one_each(device, second):
    found = {}

    def work(name, k):
        for _ in range(5):
            x = te.full((50,), float(k), device=name)
            found[name] = (x * x).sum().item()

    threads = [threading.Thread(target=work, args=(n, k)) for k, n in enumerate((device.name, second), 2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {device.name: 200.0, second: 450.0}


def test_memory_of_one_device_runs_out_alone(device, second):
    if not sim.is_installed():
        pytest.skip("would fill a GPU; the simulator's devices are small")
    with pytest.raises(MemoryError):
        te.zeros(2**29, dtype="float64", device=second)
    assert te.zeros(2**20, device=device.name).sum().item() == 0.0


def test_every_launch_packs_what_its_kernel_takes(device):
    """A format that is a byte short would shift every parameter after it; the driver compares the sizes."""
    kernel = device.kernel("fold", "fold", np.dtype(np.float64))
    assert isinstance(kernel, Kernel)
    assert kernel.resources()["registers"] > 0


def test_without_a_name_the_default_device_is_meant_then_the_one_in_use(device, second):
    x = te.ones(1000, device=second)
    registry.set_default(second)
    try:
        assert te.cuda.memory_stats()["in_use"] == te.cuda.memory_stats(second)["in_use"]
        te.embedding(te.tensor([9]), te.ones(3, 2))
        with pytest.raises(IndexError, match="index 9"):
            te.cuda.synchronize()
    finally:
        registry.set_default("cpu")
    assert te.cuda._default_name() == device.name
    open_now = registry._backends.pop(device.name)
    try:
        assert te.cuda._default_name() == second
    finally:
        registry._backends[device.name] = open_now
    assert x.sum().item() == 1000


def test_asking_whether_there_is_a_gpu_opens_nothing(device):
    before = list(driver._open), registry.opened()
    assert te.cuda.is_available() is (device.name == "cuda")
    assert (list(driver._open), registry.opened()) == before
