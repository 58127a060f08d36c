"""Every function of te.array_api beside NumPy's of its name, on arrays that hypothesis draws of tensors."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.array_api import make_strategies_namespace

import tinygrad_edu as te
import tinygrad_edu.array_api as xp

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that its check of the namespace found float32 to be the default
    xps = make_strategies_namespace(xp)

FLOATS, INTEGERS = (
    ("float32", "float64"),
    ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
COMPLEX, BOOL = ("complex64", "complex128"), ("bool",)
REAL, NUMBERS = (*FLOATS, *INTEGERS), (*FLOATS, *INTEGERS, *COMPLEX)
OURS = ("float32", "float64", "int32", "int64", "uint8", "bool")
# of a test with many names, the usual number in all; `--hypothesis-profile=thorough` draws more of each
FEW = settings(max_examples=max(8, settings().max_examples // 3))
SHAPES = xps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def arrays(kinds, shape=SHAPES, **limits):
    """Tensors, or arrays of a dtype that tensors lack; of moderate numbers."""

    def of(kind):
        dtype = getattr(xp, kind)
        if kind in COMPLEX:
            elements = st.complex_numbers(max_magnitude=50, allow_nan=False, width=8 * dtype.itemsize)
        elif kind in BOOL:
            elements = None
        else:
            least = max(-50, np.iinfo(kind).min) if kind in INTEGERS else -50.0
            numbers = {"min_value": least, "max_value": 50, **limits}
            elements = xps.from_dtype(dtype, **numbers, **({"allow_nan": False} if kind in FLOATS else {}))
        return xps.arrays(dtype, shape, elements=elements)

    return st.sampled_from(kinds).flatmap(of)


def host(x):
    if isinstance(x, (tuple, list)):
        return type(x)(map(host, x)) if type(x) in (tuple, list) else tuple(map(host, x))
    return x.numpy() if isinstance(x, te.Tensor) else x


def alike(found, expected, exact=False):
    """Check types, dtypes, shapes and numbers of a result."""
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            alike(a, b, exact)
        return
    expected = np.asarray(expected)
    assert isinstance(found, te.Tensor) and found.shape == expected.shape
    assert found.dtype == expected.dtype, f"{found.dtype} instead of {expected.dtype}"
    assert (type(found) is te.Tensor) == (found.dtype.name in OURS)
    if exact or expected.dtype.kind not in "fc":
        np.testing.assert_array_equal(found.numpy(), expected)
    else:
        tolerance = 1e-4 if expected.dtype.itemsize // (1 + (expected.dtype.kind == "c")) == 4 else 1e-10
        np.testing.assert_allclose(found.numpy(), expected, rtol=tolerance, atol=tolerance)


def compare(name, *args, of=None, exact=False, **options):
    """Call both functions of this name, and compare."""
    ours, theirs = (xp, np) if of is None else (getattr(xp, of), getattr(np, of))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(theirs, name)(*map(host, args), **{k: host(v) for k, v in options.items()})
        alike(getattr(ours, name)(*args, **options), expected, exact)


UNARY = {
    "abs": NUMBERS, "acos": FLOATS + COMPLEX, "acosh": FLOATS + COMPLEX, "asin": FLOATS + COMPLEX,
    "asinh": FLOATS + COMPLEX, "atan": FLOATS + COMPLEX, "atanh": FLOATS + COMPLEX,
    "bitwise_invert": INTEGERS + BOOL, "ceil": REAL, "conj": COMPLEX + FLOATS, "cos": FLOATS + COMPLEX,
    "cosh": FLOATS, "exp": FLOATS + COMPLEX, "expm1": FLOATS + COMPLEX, "floor": REAL, "imag": COMPLEX,
    "isfinite": NUMBERS, "isinf": NUMBERS, "isnan": NUMBERS, "log": FLOATS + COMPLEX, "log10": FLOATS,
    "log1p": FLOATS, "log2": FLOATS, "logical_not": BOOL, "negative": (*FLOATS, "int8", "int32", "complex64"),
    "positive": NUMBERS, "real": COMPLEX, "reciprocal": FLOATS, "round": NUMBERS, "sign": REAL,
    "signbit": FLOATS, "sin": FLOATS + COMPLEX, "sinh": FLOATS, "sqrt": FLOATS + COMPLEX, "square": NUMBERS,
    "tan": FLOATS, "tanh": FLOATS, "trunc": REAL,
}  # fmt: skip
BINARY = {
    "add": NUMBERS, "atan2": FLOATS, "bitwise_and": INTEGERS + BOOL, "bitwise_or": INTEGERS + BOOL,
    "bitwise_xor": INTEGERS + BOOL, "copysign": FLOATS, "divide": FLOATS + COMPLEX, "equal": NUMBERS + BOOL,
    "greater": REAL, "greater_equal": REAL, "hypot": FLOATS, "less": REAL, "less_equal": REAL,
    "logaddexp": FLOATS, "logical_and": BOOL, "logical_or": BOOL, "logical_xor": BOOL, "maximum": REAL,
    "minimum": REAL, "multiply": NUMBERS, "nextafter": FLOATS, "not_equal": NUMBERS + BOOL,
    "remainder": FLOATS, "subtract": NUMBERS,
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
@FEW
@given(data=st.data())
def test_unary(name, data):
    x = data.draw(arrays(UNARY[name]))
    if name in ("tan", "reciprocal", "sinh", "cosh", "exp", "expm1", "log1p"):
        x = x * xp.asarray(0.1, dtype=x.dtype)
    compare(
        name, x, exact=name in ("ceil", "floor", "trunc", "round", "abs", "positive") and x.dtype.kind != "c"
    )


@pytest.mark.parametrize("name", BINARY)
@FEW
@given(data=st.data())
def test_binary_broadcasts_and_promotes(name, data):
    shapes = data.draw(xps.mutually_broadcastable_shapes(2, max_dims=3, max_side=3)).input_shapes
    kinds = BINARY[name]
    first = data.draw(st.sampled_from(kinds))
    second = data.draw(st.sampled_from([k for k in kinds if np.dtype(k).kind == np.dtype(first).kind]))
    x, y = data.draw(arrays((first,), shapes[0])), data.draw(arrays((second,), shapes[1]))
    compare(name, x, y)


@given(data=st.data())
def test_shifts_powers_and_quotients(data):
    x = data.draw(arrays(INTEGERS, min_value=0, max_value=9))
    y = data.draw(arrays((x.dtype.name,), x.shape, min_value=1, max_value=3))
    for name in ("bitwise_left_shift", "bitwise_right_shift", "floor_divide", "remainder"):
        compare(name, x, y)
    floats = data.draw(arrays(FLOATS, min_value=0.125, max_value=4.0))
    compare("pow", floats, floats)
    compare("pow", floats, 2.0)
    compare("floor_divide", floats, floats)


OPERATORS = {"+": NUMBERS, "-": NUMBERS, "*": NUMBERS, "/": FLOATS + COMPLEX, "==": NUMBERS, "!=": NUMBERS,
             "<": REAL, "<=": REAL, ">": REAL, ">=": REAL, "&": BOOL, "|": BOOL, "^": BOOL}  # fmt: skip


@pytest.mark.parametrize("sign", OPERATORS)
@FEW
@given(data=st.data())
def test_operators_of_every_pair_of_dtypes(sign, data):
    x = data.draw(arrays(OPERATORS[sign], (2, 3)))
    kinds = [k for k in OPERATORS[sign] if np.dtype(k).kind == x.dtype.kind]
    y = data.draw(arrays(kinds, (3,)))
    with np.errstate(all="ignore"):
        alike(eval(f"x {sign} y"), eval(f"a {sign} b", {"a": host(x), "b": host(y)}))
        if x.dtype.kind != "b" and y.dtype.kind != "u":
            scalar = 3 if x.dtype.kind in "iu" else 2.5
            for text in (f"x {sign} s", f"s {sign} x"):
                alike(eval(text, {"x": x, "s": scalar}), eval(text, {"x": host(x), "s": scalar}))


REDUCTIONS = (
    "sum",
    "prod",
    "max",
    "min",
    "mean",
    "std",
    "var",
    "all",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
)


@pytest.mark.parametrize("name", REDUCTIONS)
@FEW
@given(data=st.data())
def test_reductions(name, data):
    kinds = {"sum": NUMBERS, "prod": NUMBERS, "mean": FLOATS + COMPLEX, "std": FLOATS, "var": FLOATS}.get(
        name, REAL
    )
    x = data.draw(arrays(kinds, xps.array_shapes(min_dims=1, max_dims=3, max_side=3)))
    if name == "prod" and x.dtype.kind in "fc":
        x = x * xp.asarray(0.05, dtype=x.dtype)
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    options = {"axis": axis, "keepdims": data.draw(st.booleans())}
    if name in ("std", "var"):
        options["correction"] = data.draw(st.sampled_from([0.0, 1.0]))
        assume(options["correction"] < (x.size if axis is None else x.shape[axis]))
    if name in ("sum", "prod"):
        options["dtype"] = data.draw(
            st.sampled_from([None, x.dtype, xp.float64 if x.dtype.kind != "c" else None])
        )
    compare(name, x, **options)


@given(data=st.data())
def test_cumulative_functions_and_differences(data):
    x = data.draw(arrays(REAL, xps.array_shapes(max_dims=2, max_side=4), min_value=0, max_value=3))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    for name in ("cumulative_sum", "cumulative_prod"):
        compare(name, x, axis=axis, include_initial=data.draw(st.booleans()))
    signed = xp.astype(x, xp.int8)
    compare("diff", x if x.dtype.kind in "f" else signed, axis=axis, n=data.draw(st.integers(0, 2)))
    compare("diff", signed, axis=axis, prepend=signed, append=signed)


@given(data=st.data())
def test_manipulation(data):
    x = data.draw(arrays(NUMBERS + BOOL, xps.array_shapes(min_dims=1, max_dims=3, max_side=3)))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    order = tuple(data.draw(st.permutations(range(x.ndim))))
    exact = {"exact": True}
    compare("permute_dims", x, order, **exact)
    compare("moveaxis", x, axis, 0, **exact)
    compare("flip", x, axis=data.draw(st.none() | st.just(axis)), **exact)
    compare("roll", x, data.draw(st.integers(-3, 3)), axis=axis, **exact)
    compare("expand_dims", x, axis=axis, **exact)
    compare("expand_dims", x, axis=(0, -1), **exact)
    compare("squeeze", xp.expand_dims(x, axis=1), axis=1, **exact)
    compare("reshape", x, (-1,), **exact)
    compare("concat", [x, x], axis=axis, **exact)
    compare("concat", [x, x], axis=None, **exact)
    compare("stack", [x, x], axis=axis, **exact)
    compare("unstack", x, axis=axis, **exact)
    compare("tile", x, (2, 1), **exact)
    compare("broadcast_to", x, (2, *x.shape), **exact)
    compare("broadcast_arrays", x, xp.zeros((2, *x.shape)), **exact)
    counts = xp.asarray(
        data.draw(st.lists(st.integers(0, 2), min_size=x.shape[axis], max_size=x.shape[axis]))
    )
    compare("repeat", x, xp.astype(counts, xp.int64), axis=axis, **exact)
    compare("repeat", x, 2, **exact)
    indices = xp.asarray(data.draw(st.lists(st.integers(0, x.shape[axis] - 1), min_size=1, max_size=3)))
    compare("take", x, indices, axis=axis, **exact)
    compare(
        "take_along_axis",
        x,
        xp.argsort(xp.real(x) if x.dtype.kind == "c" else x, axis=axis),
        axis=axis,
        **exact,
    )
    for name in ("tril", "triu"):
        compare(name, xp.stack([x, x], axis=-1), k=data.draw(st.integers(-2, 2)), **exact)


@given(data=st.data())
def test_sorting_searching_and_sets(data):
    x = data.draw(arrays(REAL, xps.array_shapes(max_dims=2, max_side=5)))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    for descending in (False, True):
        order = xp.argsort(x, axis=axis, descending=descending)
        expected = np.sort(host(x), axis=axis)
        expected = np.flip(expected, axis) if descending else expected
        alike(xp.sort(x, axis=axis, descending=descending), expected, exact=True)
        alike(xp.take_along_axis(x, order, axis=axis), expected, exact=True)
        steps, key = np.diff(np.moveaxis(expected, axis, -1)), np.diff(np.moveaxis(order.numpy(), axis, -1))
        assert (key[steps == 0] > 0).all()  # equal elements keep their order
    for name in ("unique_all", "unique_counts", "unique_inverse"):
        compare(name, x)
    alike(xp.unique_values(x), np.unique(host(x)))  # NumPy's function of the name has them in any order
    compare("nonzero", x)
    compare("where", x > xp.asarray(1, dtype=x.dtype), x, xp.zeros_like(x), exact=True)
    compare("isin", x, xp.asarray([0, 1], dtype=x.dtype), invert=descending)
    row = xp.sort(xp.reshape(x, (-1,)))
    compare("searchsorted", row, x, side=data.draw(st.sampled_from(["left", "right"])))
    flat = xp.reshape(x, (-1,))
    compare("searchsorted", flat, x, sorter=xp.argsort(flat))


@given(data=st.data())
def test_products(data):
    kinds = data.draw(st.sampled_from([FLOATS, ("int32",), ("int8",), COMPLEX]))
    kind = data.draw(st.sampled_from(kinds))
    x, y = data.draw(arrays((kind,), (2, 3))), data.draw(arrays((kind,), (3, 4)))
    compare("matmul", x, y)
    compare("tensordot", x, y, axes=1)
    compare("vecdot", x, x)
    compare("matrix_transpose", x, exact=True)
    compare("outer", xp.reshape(x, (-1,)), y[0, :], of="linalg")
    compare("trace", x, of="linalg", offset=1)
    compare("diagonal", x, of="linalg")
    compare("cross", x, x[:1, :], of="linalg", axis=-1)


@pytest.mark.parametrize("kind", [*FLOATS, *COMPLEX])
def test_linear_algebra(kind):
    draw = np.random.default_rng(0)
    a = draw.normal(size=(2, 3, 3)) + (1j * draw.normal(size=(2, 3, 3)) if kind in COMPLEX else 0)
    x = xp.asarray(a.astype(kind) + 3 * np.eye(3, dtype=kind))
    symmetric = xp.matmul(x, xp.conj(xp.matrix_transpose(x)))
    for name in ("det", "inv", "slogdet", "svdvals", "matrix_rank", "matrix_norm", "pinv"):
        compare(name, x, of="linalg")
    compare("matrix_power", x, 3, of="linalg")
    compare("solve", x, x[:, :, :1], of="linalg")
    compare("cholesky", symmetric, of="linalg")
    compare("eigvalsh", symmetric, of="linalg")
    compare("vector_norm", x, of="linalg", axis=(0, 1))
    for parts, again in ((xp.linalg.qr(x), lambda p: p.Q @ p.R),
                         (xp.linalg.svd(x), lambda p: (p.U * p.S[..., None, :]) @ p.Vh)):  # fmt: skip
        np.testing.assert_allclose(again(parts).numpy(), x.numpy(), atol=1e-4)
    values, vectors = xp.linalg.eig(x)
    np.testing.assert_allclose((x @ vectors).numpy(), (vectors * values[..., None, :]).numpy(), atol=1e-4)
    np.testing.assert_allclose(np.sort(xp.linalg.eigvals(x).numpy()), np.sort(values.numpy()), atol=1e-4)
    assert values.dtype == {"float32": "complex64", "float64": "complex128"}.get(kind, kind)


def test_tolerances_of_each_matrix():
    x = te.tensor(np.stack([np.diag([4.0, 2.0, 1.0])] * 2), requires_grad=True)
    tolerances = xp.asarray([0.3, 0.6], dtype=xp.float64)
    assert xp.linalg.matrix_rank(x, rtol=tolerances).tolist() == [2, 1]
    found = xp.linalg.pinv(x, rtol=tolerances)
    np.testing.assert_allclose(np.diagonal(found.detach().numpy(), axis1=1, axis2=2),
                               [[0.25, 0.5, 0.0], [0.25, 0.0, 0.0]], atol=1e-15)  # fmt: skip
    assert xp.linalg.matrix_rank(xp.zeros((2, 0, 3)), rtol=tolerances).tolist() == [0, 0]


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_fourier_transforms(data):
    x = data.draw(arrays(COMPLEX, (3, 4)))
    for name in ("fft", "ifft", "fftn", "ifftn", "fftshift", "ifftshift", "irfft", "hfft", "irfftn"):
        compare(name, x, of="fft")
    real = data.draw(arrays(FLOATS, (3, 4)))
    for name in ("rfft", "rfftn", "ihfft", "fft"):
        compare(name, real, of="fft")
    for name in ("fftfreq", "rfftfreq"):
        assert getattr(xp.fft, name)(5).dtype == xp.float32
        alike(getattr(xp.fft, name)(5, d=0.5, dtype=xp.float64), getattr(np.fft, name)(5, d=0.5))


@pytest.mark.parametrize("kind", [None, *NUMBERS, "bool"])
def test_creation(kind):
    dtype = None if kind is None else getattr(xp, kind)
    default = dtype or xp.float32
    for name in ("zeros", "ones", "empty"):
        made = getattr(xp, name)((2, 3), dtype=dtype)
        assert made.dtype == default and made.shape == (2, 3)
        like = getattr(xp, f"{name}_like")(made)
        assert like.dtype == default and like.shape == (2, 3) and type(like) is type(made)
    assert xp.zeros(3).tolist() == [0.0] * 3 and xp.ones(2, dtype=xp.int8).tolist() == [1, 1]
    alike(xp.full((2,), 1, dtype=default), np.full(2, 1, default))
    alike(xp.full_like(xp.zeros(2, dtype=default), 1), np.full(2, 1, default))
    alike(xp.eye(2, 3, k=1, dtype=dtype), np.eye(2, 3, k=1, dtype=default))
    if kind != "bool":
        alike(
            xp.linspace(0, 4, 5, dtype=dtype, endpoint=False),
            np.linspace(0, 4, 5, dtype=default, endpoint=False),
        )
    if kind in REAL:
        alike(xp.arange(1, 7, 2, dtype=dtype), np.arange(1, 7, 2, dtype=default))
    alike(xp.asarray([1, 0], dtype=dtype or xp.int64), np.asarray([1, 0], dtype or "int64"))


def test_every_function_has_a_docstring_and_can_be_inspected():
    for part in (xp, xp.linalg, xp.fft):
        for name in part.__all__:
            value = getattr(part, name)
            if inspect.isfunction(value):
                assert value.__doc__, name
                assert inspect.signature(value).parameters or name == "__array_namespace_info__"
    tested = {*UNARY, *BINARY}
    assert tested <= set(xp.__all__)


@given(xps.arrays(xps.scalar_dtypes(), SHAPES), st.data())
def test_indexing(x, data):
    index = data.draw(xps.indices(x.shape, allow_newaxis=True, max_dims=4))
    alike(x[index], host(x)[index], exact=True)
    mask = data.draw(xps.arrays(xp.bool, x.shape))
    alike(x[mask], host(x)[host(mask)], exact=True)
