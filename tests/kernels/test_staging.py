"""Uploads never stand behind kernels: a training loop runs ahead of its device."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
import tinygrad_edu.simulator as sim
from tinygrad_edu.backend.cuda.device import staging
from tinygrad_edu.backend.cuda.device.staging import SLAB, Staging

NAN = float("nan")


@pytest.fixture
def late(device):
    """Nothing runs before somebody waits, so that a wait that nobody asked for shows."""
    if not sim.is_installed():
        pytest.skip("only the simulator can put all work off; on a GPU it runs when it likes")
    device.synchronize()
    with sim.deferred():
        yield
    device.synchronize()


def unfinished(device):
    """An event that has not passed, and will not until somebody waits."""
    te.zeros(1, device=device.name)
    event = device.context.event()
    assert not device.context.has_passed(event)
    return event


def trained(start, batches, where, between=lambda k: None):
    """What ten steps make of `start`; `between` is called before each."""
    w = te.tensor(start, device=where, requires_grad=True)
    optimizer = te.optim.SGD([w], lr=0.01)
    for k, batch in enumerate(batches):
        between(k)
        x, target = (te.tensor(a, device=where) for a in (batch, batch + 1))
        optimizer.zero_grad()
        loss = ((x @ w - target) ** 2).mean()
        (loss * te.full((), 2.0, device=where) + te.ones((), device=where)).backward()
        te.optim.clip_grad_norm_([w], 1.0)
        te.optim.clip_grad_value_([w], 0.01)
        optimizer.step()
    return w.detach()


def test_ten_training_steps_wait_for_nothing(device, late):
    start = np.linspace(-1, 1, 64 * 64, dtype="f4").reshape(64, 64)
    batches = [np.full((8, 64), k / 10, "f4") for k in range(12)]
    events = []

    def begin(k):
        if k == 2:  # the first two compile kernels and ask the driver for memory, which may wait
            events.append(unfinished(device))

    found = trained(start, batches, device.name, begin)
    assert not device.context.has_passed(events[0])
    np.testing.assert_allclose(found.numpy(), trained(start, batches, "cpu").numpy(), atol=1e-5)


def test_more_uploads_than_there_is_pinned_memory_for_wait_and_are_whole(device, late, monkeypatch):
    monkeypatch.setattr(staging, "SLABS", 2)
    mine = Staging(device.context)
    monkeypatch.setattr(device, "staging", mine)
    arrays = [np.full(SLAB // 8 - 100, k, np.int32) for k in range(9)]
    there = [device.empty(a.shape, a.dtype) for a in arrays]  # memory for all: the driver's may wait
    mine._slabs.extend(staging._Slab(device.context) for _ in range(2))
    device.synchronize()
    event = unfinished(device)
    for k, array in enumerate(arrays):
        mine.upload(there[k].pointer, array)
        array += 100
        if k in (3, 4):  # two fit into a slab; a device that is asked too often gets on with its work
            assert device.context.has_passed(event) == (k == 4)
    assert len(mine._slabs) == 2
    for k, array in enumerate(there):
        assert set(device.numpy(array).tolist()) == {k}
    mine.close()


def test_slabs_that_were_read_are_used_again(device, monkeypatch):
    mine = Staging(device.context)
    monkeypatch.setattr(device, "staging", mine)
    for k in range(20):
        there = device.asarray(np.full(SLAB // 4 - 7, k, np.int32))
        device.synchronize()
        assert device.numpy(there)[-1] == k
    assert len(mine._slabs) <= 2


def test_constants_are_made_where_they_are(device, monkeypatch):
    monkeypatch.setattr(device.staging, "upload", lambda *_: pytest.fail("uploaded"))
    for dtype, refused in (
        *((name, {}) for name in ("float32", "float64", "bool")),
        ("int64", {NAN: ValueError}),
        ("int32", {2**40 + 1: OverflowError, NAN: ValueError}),
        ("uint8", {-3: OverflowError, 300: OverflowError, 2**40 + 1: OverflowError, NAN: ValueError}),
    ):
        for number in (0, 1, -0.0, 2.75, -3, 300, 2**40 + 1, NAN, True):

            def made(where, number=number, dtype=dtype):
                return te.full((3, 2), number, dtype=dtype, device=where)

            if number in refused:
                for where in ("cpu", device.name):
                    with pytest.raises(refused[number], match=rf"full: .*{dtype}"):
                        made(where)
                continue
            here, there = made("cpu"), made(device.name)
            assert there.dtype == here.dtype == dtype
            np.testing.assert_array_equal(there.numpy(), here.numpy())
            signs = [np.signbit(x.numpy().astype("f8")) for x in (there, here)]
            np.testing.assert_array_equal(*signs)
        there = te.ones(3, 2, dtype=dtype, device=device.name)
        assert te.ones(2, 0, dtype=dtype, device=device.name).shape == (2, 0)
        np.testing.assert_array_equal(te.zeros_like(there).numpy(), np.zeros((3, 2), dtype))
        np.testing.assert_array_equal(te.ones_like(there).numpy(), np.ones((3, 2), dtype))
    assert te.full((), 7, device=device.name).item() == te.full((), 7).item() == 7
    assert te.full((2,), True, device=device.name).dtype == np.bool_
    x = te.ones(3, device=device.name, requires_grad=True)
    x.sum().backward()
    assert x.grad.numpy().tolist() == [1, 1, 1]
    with pytest.raises(TypeError, match="no gradient"):
        te.ones(2, dtype="int32", device=device.name, requires_grad=True)
