"""Every formula of kernels/elementwise, on every rung, against the op's own NumPy, under the checker."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.device import compile as compiler
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.errors import DeviceError
from tinygrad_edu.ops.elementwise import Map
from tinygrad_edu.testing import calls

MAPS = sorted(name for name, op in REGISTRY.items() if isinstance(op, Map))
FLOATS = (np.float32, np.float64)
INTEGERS = (np.int64, np.int32, np.uint8, np.bool_)
LINES = re.findall(
    r"^(?:ANY|FLOAT|TEST)\d\((\w+),",
    (compiler.kernels_folder() / "elementwise" / "formulas.cuh").read_text(),
    re.MULTILINE,
)
EXACT = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 1e-14}


def test_every_elementwise_op_has_its_line_and_every_line_its_op():
    assert sorted(LINES) == sorted(MAPS)


def run(device, op, arrays, params):
    return device.numpy(op.kernel(device)(*arrays, **params))


def agree(found, wanted, wide):
    """`wanted` is NumPy's in the same dtype, `wide` from float64 inputs; floats are compared with that."""
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    if wanted.dtype.kind == "f":
        rtol = EXACT[wanted.dtype]
        np.testing.assert_allclose(found, wide.astype(wanted.dtype), rtol=rtol * 4, atol=rtol)
    else:
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", MAPS)
@given(data=st.data(), rung=st.sampled_from(RUNGS("elementwise")), dtype=st.sampled_from(FLOATS))
@settings(max_examples=6)
@checked
def test_every_op_on_every_rung_is_numpys(device, name, data, rung, dtype):
    op = REGISTRY[name]
    call = data.draw(calls(op))
    arrays = [a.astype(dtype) if np.asarray(a).dtype.kind == "f" else np.asarray(a) for a in call.arrays]
    params = {**op.defaults, **call.params}
    with np.errstate(all="ignore"):
        wanted = np.asarray(op.numpy(*arrays, **params))
        wide = np.asarray(
            op.numpy(*(a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays), **params)
        )
    with using("elementwise", rung):
        found = run(device, op, [placed(device, a, data.draw(layouts())) for a in arrays], params)
    agree(found, wanted, wide)


@pytest.mark.parametrize("rung", RUNGS("elementwise"))
@given(
    shape=st.lists(st.sampled_from((1, 2, 3, 7, 33, 130)), max_size=3).map(tuple),
    data=st.data(),
    dtypes=st.tuples(*[st.sampled_from((*FLOATS, *INTEGERS))] * 2),
)
@settings(max_examples=10)
@checked
def test_layouts_broadcasting_and_mixed_dtypes(device, rung, shape, data, dtypes):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    there = [
        tuple(1 if data.draw(st.booleans()) else n for n in shape[data.draw(st.integers(0, len(shape))) :])
        for _ in dtypes
    ]
    x, y = (rng.integers(0, 9, s).astype(d) for s, d in zip(there, dtypes, strict=True))
    xs = [placed(device, a, data.draw(layouts())) for a in (x, y)]
    with using("elementwise", rung):
        for op in (REGISTRY["add"], REGISTRY["less"], REGISTRY["maximum"]):
            wanted = np.asarray(op.numpy(x, y))
            agree(run(device, op, xs, {}), wanted, wanted.astype(np.float64))


@pytest.mark.parametrize(
    "name",
    [
        "floor_divide",
        "remainder",
        "maximum",
        "minimum",
        "sign",
        "round",
        "pow",
        "clip",
        "relu",
        "isnan",
        "isinf",
        "isfinite",
        "less",
        "equal",
        "logical_and",
        "step",
        "floor",
        "abs",
        "sigmoid",
        "softplus",
        "log_sigmoid",
        "hypot",
        "atan2",
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32, np.uint8])
def test_corners_are_numpys(device, name, dtype):
    op = REGISTRY[name]
    special = [0, -0.0, 1, -1, 2, -2, 3, 7, -7, 0.5, -0.5, 1.5, 2.5, 1e30, -1e30, np.inf, -np.inf, np.nan]
    with np.errstate(all="ignore"):
        if np.dtype(dtype).kind == "f":
            values = np.array(special, dtype)
        else:
            values = np.array([0, 1, 2, 3, 7, 250, *((-1, -7) if dtype != np.uint8 else ())], dtype)
        if len(op.inputs) == 2:
            x, y = (a.reshape(-1).copy() for a in np.meshgrid(values, values))
            if name == "pow" and np.dtype(dtype).kind != "f":
                y = np.abs(y) % 5
            arrays = [x, y]
        else:
            arrays = [values]
        params = {"low": dtype(1), "high": dtype(3)} if name == "clip" else {}
        params = {k: v.item() for k, v in params.items()}
        wanted = np.asarray(op.numpy(*arrays, **params))
    found = run(device, op, [device.asarray(a) for a in arrays], params)
    assert found.dtype == wanted.dtype
    if wanted.dtype.kind == "f":
        np.testing.assert_allclose(found, wanted, rtol=4 * EXACT[wanted.dtype], atol=0)
        zero = wanted == 0
        if name not in (
            "hypot",
            "pow",
            "sigmoid",
            "log_sigmoid",
            "softplus",
            "maximum",
            "minimum",
            "relu",
            "sign",
            "abs",
        ):
            np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(wanted[zero]))
    else:
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("n", [1, 3, 255, 256, 257, 1023, 1025, 100_003])
@pytest.mark.parametrize("rung", RUNGS("elementwise"))
def test_any_length_at_any_alignment(device, rung, n):
    x = np.arange(n + 3, dtype=np.float32)
    base = device.asarray(x)
    add = REGISTRY["add"].kernel(device)
    with using("elementwise", rung):
        for shift in (0, 1, 3):
            part = device.view(base, (n,), (4,), 4 * shift)
            np.testing.assert_array_equal(device.numpy(add(part, part)), 2 * x[shift : shift + n])
            np.testing.assert_array_equal(
                device.numpy(add(part, 0.5)), x[shift : shift + n] + np.float32(0.5)
            )


def test_numbers_compare_as_numbers_and_not_wrapped(device):
    x = device.asarray(np.array([0, 44, 255], np.uint8))
    assert device.numpy(REGISTRY["less"].kernel(device)(x, 300)).all()
    assert not device.numpy(REGISTRY["equal"].kernel(device)(x, -1)).any()


def test_zero_dimensions_and_nothing(device):
    for shape in ((), (0,), (3, 0)):
        x = np.ones(shape, np.float32)
        found = run(device, REGISTRY["square"], [device.asarray(x)], {})
        np.testing.assert_array_equal(found, x)


def test_more_axes_than_kernels_have(device):
    x = np.arange(2**10, dtype=np.float32).reshape((2,) * 10)
    here = device.asarray(x)
    order = (9, 1, 7, 3, 5, 4, 6, 2, 8, 0)
    turned = device.view(here, x.shape, tuple(here.strides[a] for a in order), 0)
    found = run(device, REGISTRY["mul"], [turned, here], {})
    np.testing.assert_array_equal(found, x.transpose(order) * x)


def test_a_new_op_costs_two_lines_in_two_files(device, tmp_path):
    """The line of the declaration, here; and the line of its formula, in a copy of the kernels."""
    folder = tmp_path / "kernels"
    shutil.copytree(compiler.kernels_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    with open(folder / "elementwise" / "formulas.cuh", "a") as formulas:
        formulas.write("FLOAT1(bump, exp(-x *x))\n")
    bump = Map("bump", lambda x: np.exp(-x * x), (lambda g, x, out: g * out * x * -2.0,), register=False)
    with compiler.kernels_from(folder):
        here = te.tensor([0.5, -1.0, 2.0], dtype="float64", requires_grad=True)
        there = te.tensor([0.5, -1.0, 2.0], dtype="float64", device=device.name, requires_grad=True)
        for x in (here, there):
            bump(x).sum().backward()
        np.testing.assert_allclose(bump(there).numpy(), bump(here).numpy(), rtol=1e-14)
        np.testing.assert_allclose(there.grad.numpy(), here.grad.numpy(), rtol=1e-14)


def test_an_op_without_its_line_says_where_it_goes(device):
    ghost = Map("ghost", lambda x: x + 1, (None,), register=False)
    with pytest.raises(DeviceError, match=r"formulas\.cuh"):
        ghost(te.tensor([1.0], device=device.name))


@bugs_of("elementwise")
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, rung, old, new, says):
    n = 1000

    def body():
        x = device.asarray(np.arange(n + 1, dtype=np.int32))  # half as many formulas to compile
        part = device.view(x, (n,), (4,), 4)
        with planted("elementwise", rung, old, new):
            REGISTRY["add"].kernel(device)(part, part)
            device.synchronize()

    assert says in report(body)
