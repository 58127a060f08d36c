"""DLPack: memory that is lent to another library, and memory of another that is used here."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te

DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")
pytestmark = pytest.mark.cpu


@pytest.mark.parametrize("dtype", DTYPES)
def test_memory_is_shared_both_ways(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    x = te.from_dlpack(array)
    assert x.dtype == array.dtype and x.shape == (3, 4) and np.shares_memory(x.numpy(), array)
    array[1, 2] = 0
    assert x[1, 2].item() == 0
    for view in (x, x.T, x[1:, ::2], x[0], x[0, 0], x[:0]):
        back = np.from_dlpack(view)
        np.testing.assert_array_equal(back, view.numpy())
        assert back.dtype == dtype and (view.size == 0 or np.shares_memory(back, array))


def test_copies_are_made_where_they_are_asked_for():
    array = np.arange(3.0)
    x = te.from_dlpack(array, copy=True)
    x.zero_()
    assert array.tolist() == [0.0, 1.0, 2.0] and np.shares_memory(
        te.from_dlpack(array, copy=False).numpy(), array
    )
    y = te.from_dlpack(array)
    assert not np.shares_memory(np.from_dlpack(y, copy=True), array)
    assert np.shares_memory(np.from_dlpack(y, copy=False), array)
    assert np.shares_memory(te.from_dlpack(te.from_dlpack(y)).numpy(), array)


def test_every_keyword_of_the_standard():
    x = te.tensor(np.arange(3.0))
    assert x.__dlpack_device__() == (1, 0)
    for how in ({}, {"stream": None}, {"max_version": (1, 0)}, {"max_version": (2, 5)},
                {"max_version": None}, {"dl_device": (1, 0)}, {"dl_device": None, "copy": None},
                {"copy": True, "max_version": (1, 0)},
                {"copy": False, "dl_device": (1, 0), "max_version": (1, 0)}):  # fmt: skip
        capsule = x.__dlpack__(**how)
        newer = (how.get("max_version") or (0,)) >= (1,)
        assert ("dltensor_versioned" if newer else '"dltensor"') in repr(capsule)
    with pytest.raises(BufferError):
        x.__dlpack__(dl_device=(2, 0))  # a GPU
    with pytest.raises((RuntimeError, BufferError), match="stream"):
        x.__dlpack__(stream=3)
    with pytest.raises(TypeError):
        x.__dlpack__(where=1)


def test_memory_that_may_not_be_written():
    x = te.tensor(np.arange(3.0))
    lent = np.from_dlpack(x)  # NumPy knows of read-only memory
    assert not lent.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        lent[0] = 1.0
    repeated = te.broadcast_to(x, (2, 3))
    np.testing.assert_array_equal(np.from_dlpack(repeated), repeated.numpy())
    with pytest.raises(BufferError):  # an older consumer cannot be kept from writing
        repeated.__dlpack__()
    frozen = np.arange(3.0)
    frozen.flags.writeable = False
    with pytest.raises(RuntimeError, match="share memory"):
        te.from_dlpack(frozen).zero_()


def test_a_graph_is_not_lost_and_dtypes_are_named():
    x = te.ones(2, requires_grad=True)
    for given in (x, x * 2):
        with pytest.raises(BufferError, match=r"without its graph .*; say x\.detach\(\)"):
            np.from_dlpack(given)
    np.from_dlpack(x.detach())
    with te.no_grad():
        np.from_dlpack(x)
    for dtype in ("int8", "float16", "complex64"):
        with pytest.raises(TypeError, match=dtype):
            te.from_dlpack(np.zeros(2, dtype))


def test_a_consumer_on_the_host_gets_a_copy_of_what_is_elsewhere(boxed):
    x = te.ones(3, device="boxed")

    class Elsewhere:
        """Memory as of a GPU: it has another device, and cannot be read."""

        def __dlpack_device__(self):
            return 2, 0

    x.storage.array = _Proxy(x.storage.array, Elsewhere())
    with pytest.raises(BufferError, match="copy=False, and the memory is on boxed"):
        x.__dlpack__(dl_device=(1, 0), copy=False)


class _Proxy:
    """An array, but for what `instead` has."""

    def __init__(self, array, instead):
        self._array, self._instead = array, instead

    def __getattr__(self, name):
        return getattr(self._array, name)

    def __dlpack_device__(self):
        return self._instead.__dlpack_device__()


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch_shares_memory_both_ways(dtype):
    torch = pytest.importorskip("torch")
    theirs = torch.arange(6).reshape(2, 3).to(getattr(torch, dtype))
    ours = te.from_dlpack(theirs)
    ours.zero_()
    assert not theirs.any() and ours.dtype.name == dtype
    x = te.tensor(np.ones((2, 3), dtype))
    back = torch.from_dlpack(x.T)
    assert back.shape == (3, 2) and back.dtype == theirs.dtype and bool(back.all())
    x.zero_()
    assert not back.any()
    copied = torch.from_dlpack(x, copy=True)
    copied.fill_(1)
    assert not x.numpy().any()
