"""Products of matrices: every rung, transposes, batches, edges, parts of k, tensor cores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.families import matmul as multiplying
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.backend.precision import get_matmul_precision, set_matmul_precision
from tinygrad_edu.engine.op import REGISTRY

TF32 = "09_tensor_cores"
SIZES = st.sampled_from((1, 2, 5, 8, 17, 33, 64, 65))


def tolerance(rung, dtype):
    if np.dtype(dtype) == np.float32:
        return 2e-3 if rung == TF32 else 2e-5
    return 1e-12


def operand(device, array, layout):
    """`array` in a layout; the last two axes may be those of a transpose."""
    if layout == "transposed" and array.ndim >= 2:
        base = device.asarray(np.ascontiguousarray(np.swapaxes(array, -1, -2)))
        return device.view(base, array.shape, (*base.strides[:-2], base.strides[-1], base.strides[-2]), 0)
    return placed(device, array, layout)


@pytest.mark.parametrize("rung", RUNGS("matmul"))
@given(
    m=SIZES,
    n=SIZES,
    k=SIZES,
    layout=st.tuples(layouts(), layouts()),
    dtype=st.sampled_from(("float32", "float64")),
    seed=st.integers(0, 9),
    biased=st.booleans(),
)
@settings(max_examples=5)
@checked
def test_every_rung_multiplies_any_layout(device, rung, m, n, k, layout, dtype, seed, biased):
    rng = np.random.default_rng(seed)
    x, y, bias = (rng.normal(size=s).astype(dtype) for s in ((m, k), (k, n), (n,)))
    with using("matmul", rung):
        found = device.numpy(
            multiplying.matmul(
                device,
                operand(device, x, layout[0]),
                operand(device, y, layout[1]),
                device.asarray(bias) if biased else None,
            )
        )
    wanted = x.astype(np.float64) @ y + (bias if biased else 0)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance(rung, dtype) * np.sqrt(k) * 4)


@pytest.mark.parametrize("rung", RUNGS("matmul"))
@pytest.mark.parametrize(
    ("m", "n", "k"), [(130, 129, 40), (3, 4, 3000), (128, 128, 32), (1, 200, 1), (200, 1, 65)]
)
@pytest.mark.parametrize("layout", ["contiguous", "transposed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tiles_edges_and_parts_of_k(device, rung, m, n, k, layout, dtype):
    rng = np.random.default_rng(0)
    x, y, bias = (rng.normal(size=s).astype(dtype) for s in ((m, k), (k, n), (n,)))
    with using("matmul", rung):
        found = device.numpy(
            multiplying.matmul(
                device, operand(device, x, layout), operand(device, y, layout), device.asarray(bias)
            )
        )
    np.testing.assert_allclose(
        found, x.astype(np.float64) @ y + bias, rtol=0, atol=tolerance(rung, dtype) * np.sqrt(k) * 4
    )


@pytest.mark.parametrize("rung", RUNGS("matmul"))
def test_batches_broadcast_without_copies(device, rung):
    rng = np.random.default_rng(0)
    for left, right in (
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((2, 1), (1, 3)),
        ((), (4,)),
        ((2, 1, 2, 1, 2), (2, 1, 2, 1)),
    ):
        x, y = rng.normal(size=(*left, 5, 7)), rng.normal(size=(*right, 7, 6))
        with using("matmul", rung):
            found = device.numpy(device.matmul(device.asarray(x), device.asarray(y)))
        np.testing.assert_allclose(found, x @ y, atol=1e-12)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("rung", [None, "01_naive", "02_coalesced", "03_shared_tiles"])
def test_whole_numbers_are_exact(device, rung, dtype):
    x = np.random.default_rng(0).integers(0, 9, (20, 35)).astype(dtype)
    with using("matmul", rung or "03_shared_tiles"):
        found = device.numpy(device.matmul(device.asarray(x), device.asarray(x.T.copy())))
    np.testing.assert_array_equal(found, x @ x.T)
    assert found.dtype == x.dtype


def test_mixed_types_and_nothing(device):
    x, y = np.ones((2, 3), np.float32), np.arange(6).reshape(3, 2)
    found = device.numpy(device.matmul(device.asarray(x), device.asarray(y)))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, x @ y)
    for m, k, n in ((0, 3, 2), (2, 0, 3), (2, 3, 0)):
        found = device.numpy(device.matmul(device.asarray(np.ones((m, k))), device.asarray(np.ones((k, n)))))
        np.testing.assert_array_equal(found, np.ones((m, k)) @ np.ones((k, n)))


def test_precision_chooses_the_tensor_cores_and_only_for_float32(device):
    x = np.random.default_rng(0).normal(size=(40, 64))
    exact = x @ x.T
    assert get_matmul_precision() == "highest"
    with set_matmul_precision("high"):
        single = device.numpy(device.matmul(*(device.asarray(a.astype(np.float32)) for a in (x, x.T.copy()))))
        double = device.numpy(device.matmul(device.asarray(x), device.asarray(x.T.copy())))
    assert get_matmul_precision() == "highest"
    error = np.abs(single - exact).max()
    assert 1e-5 < error < 5e-2  # TF32 rounds its inputs to 10 bits, and it did
    np.testing.assert_allclose(double, exact, atol=1e-12)
    with pytest.raises(ValueError, match="none of highest, high"):
        set_matmul_precision("medium")


@pytest.mark.parametrize("rung", RUNGS("matmul"))
def test_the_same_bits_in_any_order_of_threads_and_blocks(device, rung):
    rng = np.random.default_rng(0)
    x, y = (device.asarray(rng.normal(size=s).astype(np.float32)) for s in ((20, 700), (700, 20)))
    found = set()

    @checked
    def once():
        with using("matmul", rung):
            found.add(device.numpy(device.matmul(x, y)).tobytes())

    once()
    assert len(found) == 1


@given(
    data=st.data(),
    rows=st.lists(st.integers(0, 4), max_size=2).map(tuple),
    dtype=st.sampled_from(("float32", "float64")),
)
@settings(max_examples=10)
def test_linear_is_numpys(device, data, rows, dtype):
    n_in, n_out = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype(dtype) for s in ((*rows, n_in), (n_out, n_in), (n_out,))]
    found = device.numpy(REGISTRY["linear"].kernel(device)(*(device.asarray(a) for a in arrays)))
    wanted = REGISTRY["linear"].numpy(*arrays)
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "subscripts",
    [
        "ij,jk->ik",
        "ij->ji",
        "ij,ij->",
        "i,j->ij",
        "bij,bjk->bik",
        "ii->i",
        "ii",
        "ij->i",
        "...i,i->...",
        "ij,jk,kl->il",
        "bhqd,bhkd->bhqk",
        "ijk,kj->i",
        "ab,cd->dbac",
        "...ij,...jk->...ik",
        "iij->j",
        "ij,j",
        "ijk->",
        "bi,bi->b",
        "ij,kj,lj->ikl",
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_einsum_is_numpys(device, subscripts, dtype):
    sizes = dict(zip("abcdhijklmnopq", (2, 3, 4, 2, 2, 3, 3, 4, 2, 1, 1, 1, 1, 3), strict=True))
    rng = np.random.default_rng(0)
    xs = []
    for term in subscripts.partition("->")[0].split(","):
        shape = tuple(sizes[c] for c in term.replace("...", ""))
        xs.append((rng.normal(size=(*((2,) if "..." in term else ()), *shape)) * 5).astype(dtype))
    found = device.numpy(
        REGISTRY["einsum"].kernel(device)(
            *(placed(device, x, "transposed") for x in xs), subscripts=subscripts
        )
    )
    wanted = np.asarray(np.einsum(subscripts, *xs))
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@bugs_of("matmul")
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, rung, old, new, says):
    def body():
        x = device.asarray(np.ones((30, 65), np.float32))
        y = device.asarray(np.ones((65, 30), np.float32))
        with planted("matmul", rung, old, new):
            device.numpy(device.matmul(x, y))

    assert says in report(body)
