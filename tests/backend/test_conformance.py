"""One body for every backend: what the protocol promises, method by method, against NumPy spelled out."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backend.boxed import BoxedBackend
from tinygrad_edu.backend.registry import cpu
from tinygrad_edu.engine.op import REGISTRY

DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")


@pytest.fixture(params=["cpu", "boxed"])
def backend(request):
    return cpu if request.param == "cpu" else BoxedBackend()


def numbers(shape, dtype="float64"):
    return np.asarray(np.arange(int(np.prod(shape))).reshape(shape) * 3 % 7, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (0,), (2, 0, 3), (2, 3, 4)])
def test_host_memory_goes_there_and_comes_back(backend, shape, dtype):
    host = numbers(shape, dtype)
    there = backend.asarray(host)
    assert (tuple(there.shape), there.dtype) == (shape, host.dtype)
    back = backend.numpy(there)
    np.testing.assert_array_equal(back, host)
    assert back.dtype == host.dtype
    assert not back.flags.writeable


def test_asarray_copies_and_strided_hosts_are_fine(backend):
    host = numbers((4, 6))
    there = backend.asarray(host[::2, ::-1].T)
    expected = host[::2, ::-1].T.copy()
    host[...] = -1
    np.testing.assert_array_equal(backend.numpy(there), expected)


def test_empty_has_its_shape_and_dtype(backend):
    there = backend.empty((2, 3), np.dtype("int32"))
    assert (tuple(there.shape), there.dtype) == ((2, 3), np.int32)


@pytest.mark.parametrize(("shape", "strides", "offset"), [
    ((3, 2), (8, 24), 0), ((2, 3), (24, -8), 16), ((4, 2, 3), (0, 24, 8), 0), ((2,), (24,), 8),
    ((0, 5), (8, 8), 0), ((), (), 40), ((2, 2, 2), (24, 8, 8), 0)])  # fmt: skip
def test_views_are_the_same_memory_through_other_strides(backend, shape, strides, offset):
    host = numbers((2, 3))
    there = backend.asarray(host)
    seen = backend.view(there, shape, strides, offset)
    expected = np.empty(shape)
    if expected.size:
        expected = np.ndarray(shape, np.float64, host.tobytes(), offset, strides)
    np.testing.assert_array_equal(backend.numpy(seen), expected)
    assert tuple(seen.strides) == strides or 0 in shape
    again = backend.view(seen, (1, *shape), (8, *strides), 0)
    np.testing.assert_array_equal(backend.numpy(again)[0], expected)


def test_a_view_sees_later_writes_and_copy_does_not(backend):
    there = backend.asarray(numbers((2, 3)))
    row = backend.view(there, (3,), (8,), 24)
    copied = backend.copy(row)
    backend.write(row, None, (backend.asarray(np.full(3, 9.0)),))
    np.testing.assert_array_equal(backend.numpy(there)[1], np.full(3, 9.0))
    np.testing.assert_array_equal(backend.numpy(copied), numbers((2, 3))[1])


def test_copy_is_contiguous(backend):
    there = backend.view(backend.asarray(numbers((3, 4))), (4, 3), (8, 32), 0)
    out = backend.copy(there)
    assert tuple(out.strides) == (24, 8)
    np.testing.assert_array_equal(backend.numpy(out), numbers((3, 4)).T)


@pytest.mark.parametrize("dtype", DTYPES)
def test_write_broadcasts_and_casts(backend, dtype):
    out = backend.asarray(numbers((2, 3), "float64"))
    source = numbers((3,), dtype)
    backend.write(out, None, (backend.asarray(source),))
    np.testing.assert_array_equal(backend.numpy(out), np.broadcast_to(source.astype("float64"), (2, 3)))


def test_write_applies_an_op_whose_operand_is_what_is_written(backend):
    x, y = numbers((2, 3)), numbers((3,)) + 1
    out = backend.asarray(x)
    backend.write(out, REGISTRY["mul"], (out, backend.asarray(y)))
    backend.write(out, REGISTRY["sub"], (out, 1.5))
    np.testing.assert_array_equal(backend.numpy(out), x * y - 1.5)


def test_write_reads_a_view_of_the_same_memory_before_it_overwrites_it(backend):
    x = numbers((5,))
    out = backend.asarray(x)
    backend.write(out, REGISTRY["add"], (out, backend.view(out, (5,), (-8,), 32)))
    np.testing.assert_array_equal(backend.numpy(out), x + x[::-1])


KEYS = (0, -1, (slice(None), 1), (..., slice(None, None, -1)), (1, 2), (None, 1), np.array([1, 0]),
        (np.array([True, False]), slice(0, 2)))  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=repr)
@pytest.mark.parametrize("source", [7.0, "array"])
def test_put_is_an_assignment_to_places(backend, key, source):
    expected = numbers((2, 3))
    there = backend.asarray(expected)
    value = (
        source if source == 7.0 else np.arange(expected[key].size, dtype=float).reshape(expected[key].shape)
    )
    backend.put(there, key, value if source == 7.0 else backend.asarray(np.asarray(value)))
    expected[key] = value
    np.testing.assert_array_equal(backend.numpy(there), expected)


def test_what_may_be_written_and_what_shares_elements(backend):
    there = backend.asarray(numbers((2, 3)))
    assert backend.writable(there) and backend.writable(backend.view(there, (3, 2), (8, 24), 0))
    for shape, strides in (((4, 2, 3), (0, 24, 8)), ((2, 2), (8, 8))):
        assert backend is cpu or not backend.writable(backend.view(there, shape, strides, 0))


def test_a_glance_costs_nothing_or_is_none(backend):
    there = backend.asarray(numbers((2, 3)))
    seen = backend.glance(there)
    if seen is not None:
        np.testing.assert_array_equal(seen, numbers((2, 3)))
        assert not seen.flags.writeable
    assert type(there) is backend.array_type and not backend.closed


def test_memory_that_is_given_up_holds_the_same_numbers(backend):
    there = backend.asarray(numbers((2, 3)), copy=False)
    np.testing.assert_array_equal(backend.numpy(there), numbers((2, 3)))


def test_map_broadcasts_and_takes_numbers(backend):
    x, y = numbers((2, 1, 3)), numbers((4, 1))
    both, float64 = (backend.asarray(x), backend.asarray(y)), np.dtype("float64")
    out = backend.map(REGISTRY["mul"], both, (2, 4, 3), float64, {})
    np.testing.assert_array_equal(backend.numpy(out), x * y)
    out = backend.map(REGISTRY["add"], (both[0], 1.5), (2, 1, 3), float64, {})
    np.testing.assert_array_equal(backend.numpy(out), x + 1.5)


@pytest.mark.parametrize("axes", [(), (0,), (1, 2), (0, 1, 2)])
def test_reduce_keeps_its_axes(backend, axes):
    x = numbers((2, 3, 4))
    out = backend.reduce(REGISTRY["sum"], backend.asarray(x), axes, np.dtype("float64"), {})
    np.testing.assert_array_equal(backend.numpy(out), x.sum(axes, keepdims=True))


def test_matmul_of_views_and_batches(backend):
    x, y = numbers((5, 2, 3)), numbers((4, 3))
    there = backend.view(backend.asarray(y), (3, 4), (8, 24), 0)
    np.testing.assert_array_equal(backend.numpy(backend.matmul(backend.asarray(x), there)), x @ y.T)
    nothing = backend.matmul(backend.asarray(np.ones((2, 0))), backend.asarray(np.ones((0, 3))))
    np.testing.assert_array_equal(backend.numpy(nothing), np.zeros((2, 3)))


def test_gather_and_scatter_add_are_adjoint_and_count_duplicates(backend):
    x, index = numbers((3, 4)), np.array([[0, 2, 2], [1, 1, 1], [3, 0, 3]])
    taken = backend.gather(backend.asarray(x), backend.asarray(index), 1)
    np.testing.assert_array_equal(backend.numpy(taken), np.take_along_axis(x, index, 1))
    added = backend.scatter_add((3, 4), backend.asarray(index), backend.asarray(np.ones((3, 3))), 1)
    np.testing.assert_array_equal(backend.numpy(added), [[1, 0, 2, 0], [0, 3, 0, 0], [1, 0, 0, 2]])


def test_gather_out_of_range_is_an_error_not_a_read(backend):
    x = backend.asarray(numbers((3,)))
    with pytest.raises(IndexError):
        backend.gather(x, backend.asarray(np.array([3])), 0)


def test_fused_runs_an_op_by_its_specification(backend):
    x = numbers((2, 3))
    out = backend.fused(REGISTRY["softmax"], (backend.asarray(x),), {"axis": 1})
    e = np.exp(x)
    np.testing.assert_allclose(backend.numpy(out), e / e.sum(1, keepdims=True), rtol=1e-14)


def test_synchronize_returns(backend):
    assert backend.synchronize() is None
