"""Gather, scatter and sort: every rung against NumPy under the checker, places out of range, same bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.backend.cuda.families.scatter import scatter_add
from tinygrad_edu.engine.op import REGISTRY

KINDS = st.sampled_from(("int64", "int32", "uint8"))
TYPES = st.sampled_from(("float32", "float64", "int64", "int32", "uint8", "bool"))


def run(device, name, *arrays, **params):
    return device.numpy(REGISTRY[name].kernel(device)(*arrays, **params))


@pytest.mark.parametrize("rung", RUNGS("gather"))
@given(
    rows=st.integers(1, 9),
    width=st.sampled_from((1, 3, 16, 20, 64)),
    count=st.integers(0, 20),
    kind=KINDS,
    dtype=TYPES,
    layout=st.tuples(layouts(), layouts()),
    seed=st.integers(0, 9),
)
@settings(max_examples=10)
@checked
def test_rows_are_taken(device, rung, rows, width, count, kind, dtype, layout, seed):
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 99, (rows, width)).astype(dtype)
    index = rng.integers(0, rows, (2, count)).astype(kind)
    with using("gather", rung):
        found = run(device, "take_rows", placed(device, weight, layout[0]), placed(device, index, layout[1]))
    np.testing.assert_array_equal(found, weight[index])


@pytest.mark.parametrize("rung", RUNGS("gather"))
@given(data=st.data(), kind=KINDS, dtype=TYPES, layout=st.tuples(layouts(), layouts()))
@settings(max_examples=8)
@checked
def test_gather_is_take_along_axis(device, rung, data, kind, dtype, layout):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    count = data.draw(st.integers(0, 6))
    x = np.random.default_rng(0).integers(0, 99, shape).astype(dtype)
    index = (
        np.random.default_rng(1)
        .integers(0, shape[axis], (*shape[:axis], count, *shape[axis + 1 :]))
        .astype(kind)
    )
    with using("gather", rung):
        found = run(
            device, "gather", placed(device, x, layout[0]), placed(device, index, layout[1]), axis=axis
        )
    np.testing.assert_array_equal(found, np.take_along_axis(x, index, axis))


KEYS = [
    (np.array([2, 0, -1]),),
    (np.array([[0, 1], [2, 2]]),),
    (slice(None), np.array([1, 1])),
    (np.array([0, 2]), np.array([1, 0])),
    (np.array([True, False, True]),),
    (np.arange(12).reshape(3, 4) % 2 == 0,),
    (np.array([0]), ..., None),
    (1, np.array([3])),
    (slice(None, None, -1), np.array([0, 3])),
    (np.array([], int),),
    (..., np.array([1, 2])),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_any_key_reads_and_adds_as_numpys(device, key):
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(run(device, "index", placed(device, x, "transposed"), key=key), x[key])
    source = np.random.default_rng(0).normal(size=x[key].shape)
    wanted = np.zeros((3, 4))
    np.add.at(wanted, key, source)
    np.testing.assert_allclose(
        run(device, "index_add", device.asarray(source), shape=(3, 4), key=key), wanted
    )


def test_a_key_out_of_range_is_an_error_at_once(device):
    x = te.tensor(np.zeros((3, 4)), device=device.name)
    for key in (np.array([3]), np.array([-4]), (slice(None), np.array([4]))):
        with pytest.raises(IndexError, match="out of bounds"):
            x[key]


@pytest.mark.parametrize("rung", RUNGS("scatter"))
@given(
    data=st.data(),
    kind=KINDS,
    dtype=st.sampled_from(("float32", "float64", "int64")),
    layout=st.tuples(layouts(), layouts()),
)
@settings(max_examples=8)
@checked
def test_scatter_adds_in_the_order_of_the_source(device, rung, data, kind, dtype, layout):
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    axis, size = data.draw(st.integers(0, len(shape) - 1)), data.draw(st.integers(1, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    source, index = (rng.normal(size=shape) * 9).astype(dtype), rng.integers(0, size, shape).astype(kind)
    target = (*shape[:axis], size, *shape[axis + 1 :])
    with using("scatter", rung):
        found = device.numpy(
            scatter_add(
                device, target, placed(device, index, layout[0]), placed(device, source, layout[1]), axis
            )
        )
    np.testing.assert_array_equal(
        found, REGISTRY["scatter_add"].numpy(source, index, shape=target, axis=axis)
    )


@pytest.mark.parametrize("rung", RUNGS("scatter"))
def test_rows_add_up_with_the_bits_of_numpy_in_any_order_of_threads(device, rung):
    rng = np.random.default_rng(0)
    source, index = rng.normal(size=(300, 5)).astype(np.float32), rng.integers(0, 7, 300)
    here, there = device.asarray(source), device.asarray(index)
    wanted = np.zeros((8, 5), np.float32)
    np.add.at(wanted, index, source)

    @checked
    def once():
        with using("scatter", rung):
            np.testing.assert_array_equal(run(device, "add_rows", here, there, rows=8), wanted)

    once()


@pytest.mark.parametrize("bad", [-1, 5, 2**33])
@pytest.mark.parametrize("name", ["take_rows", "add_rows", "one_hot", "gather", "scatter_add"])
def test_a_place_out_of_range_is_an_index_error_and_no_access(device, name, bad):
    index = te.tensor(np.array([0, bad, 1]), device=device.name)
    x = te.tensor(
        np.ones(3 if "scatter" in name or name == "add_rows" else 5, np.float32), device=device.name
    )
    call = {
        "take_rows": lambda: REGISTRY[name](x, index),
        "add_rows": lambda: REGISTRY[name](x, index, rows=5),
        "one_hot": lambda: REGISTRY[name](index, classes=5),
        "gather": lambda: REGISTRY[name](x, index, axis=0),
        "scatter_add": lambda: REGISTRY[name](x, index, shape=(5,), axis=0),
    }[name]

    @checked
    def body():
        with pytest.raises(
            IndexError, match=rf"{name}.*index {bad} is out of range for an axis of size 5.*test_index"
        ):
            call().numpy()

    body()
    assert x.sum().item() == x.size  # and the device works on


def test_an_index_of_floats_is_refused(device):
    x = te.tensor(np.ones(3, np.float32), device=device.name)
    with pytest.raises(TypeError, match="must hold integers"):
        REGISTRY["take_rows"](x, x)


@pytest.mark.parametrize("rung", RUNGS("sort"))
@given(
    shape=st.lists(st.sampled_from((1, 2, 5, 33)), min_size=1, max_size=3).map(tuple),
    data=st.data(),
    dtype=TYPES,
    layout=layouts(),
    descending=st.booleans(),
)
@settings(max_examples=10)
@checked
def test_sorting_is_numpys_with_ties_in_order(device, rung, shape, data, dtype, layout, descending):
    x = np.random.default_rng(data.draw(st.integers(0, 9))).integers(0, 6, shape).astype(dtype)
    axis = data.draw(st.integers(0, len(shape) - 1))
    with using("sort", rung):
        found = run(device, "argsort", placed(device, x, layout), axis=axis, descending=descending)
    np.testing.assert_array_equal(found, REGISTRY["argsort"].numpy(x, axis=axis, descending=descending))


@pytest.mark.parametrize("rung", RUNGS("sort"))
@pytest.mark.parametrize("n", [255, 256, 257, 512, 1000, 3000])
def test_long_lines_and_nan(device, rung, n):
    x = np.random.default_rng(0).normal(size=(2, n)).astype(np.float32)
    x[0, ::7], x[1, 3] = np.nan, -np.inf
    for descending in (False, True):
        with using("sort", rung):
            found = run(device, "argsort", device.asarray(x), axis=1, descending=descending)
        np.testing.assert_array_equal(found, REGISTRY["argsort"].numpy(x, axis=1, descending=descending))


def test_one_hot_and_nothing(device):
    x = np.array([[0, 2], [1, 1]], np.uint8)
    np.testing.assert_array_equal(
        run(device, "one_hot", device.asarray(x), classes=3, dtype=np.float64), np.eye(3)[x]
    )
    assert run(device, "one_hot", device.asarray(x[:0]), classes=3).shape == (0, 2, 3)
    assert run(device, "argsort", device.asarray(np.zeros((3, 0))), axis=1).shape == (3, 0)


@bugs_of("gather", "scatter", "sort", names=("family", "rung", "old", "new", "says"))
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, family, rung, old, new, says):
    def body():
        weight = device.asarray(np.ones((4, 65), np.float32))
        index = device.asarray(np.array([3, 1, 3, 3 if rung != "01_thread_per_element" else 400]))
        with planted(family, rung, old, new):
            if family == "sort":
                run(device, "argsort", weight, axis=1)
            elif family == "gather":
                run(device, "take_rows", weight, index)
            else:
                run(device, "add_rows", weight, index, rows=4)

    assert says in report(body)


def test_a_place_that_comes_often_is_added_up_in_parts(device):
    source = np.full((100_000, 2), 0.1, np.float32)
    index = np.zeros(len(source), np.int64)
    op = REGISTRY["add_rows"]
    found = device.numpy(op.kernel(device)(device.asarray(source), device.asarray(index), rows=2))
    np.testing.assert_allclose(found, [[source[0, 0] * 1e5] * 2, [0, 0]], rtol=1e-5)
