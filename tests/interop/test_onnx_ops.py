"""Every op has nodes that ONNX Runtime computes as the library does, or is an error that says why."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tests.interop.onnx_runs import agree, close, evaluated, run
from tinygrad_edu import ops
from tinygrad_edu.backend.registry import cpu
from tinygrad_edu.domain import SeededDraw, elementwise
from tinygrad_edu.engine.apply import create
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.interop import onnx
from tinygrad_edu.interop.onnx.words import TABLE, WITHOUT

pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")

# those of the library: other tests declare more
BUILT_IN = sorted({op.name for name in ops.__all__ for op in vars(getattr(ops, name)).values()
                   if isinstance(op, te.Op) and op.name in REGISTRY})  # fmt: skip
WRITTEN = sorted(set(BUILT_IN) & set(TABLE))
CONSTANT = ("full",)  # it has no inputs, so a constant takes its place


def test_every_op_is_written_or_has_a_reason():
    """A new op gets a row of a table in interop/onnx/words_*.py, or of WITHOUT in words.py."""
    assert set(BUILT_IN) - set(TABLE) == set(WITHOUT)
    assert not set(TABLE) & set(WITHOUT)
    assert set(TABLE) - set(BUILT_IN) == {"to_device", "mean", "window_sum", "window_mean"}


def _call(op, seed):
    draw = SeededDraw(seed)
    call = (op.calls or elementwise(*op.domain))(draw)
    return [np.asarray(x) for x in call.arrays], call.params


def _single(x):
    return x.astype(np.float32) if x.dtype == np.float64 else x


@pytest.mark.parametrize("name", [n for n in WRITTEN if n not in CONSTANT])
def test_an_op_is_what_onnx_runtime_computes(name):
    op, tried = REGISTRY[name], 0
    for seed in range(40):
        arrays, params = _call(op, seed)
        arrays = [_single(x) for x in arrays]
        if any(x.size == 0 for x in arrays) or tried >= 6:
            continue
        tried += 1
        agree(lambda *xs, p=params: op(*xs, **p), *arrays, sizes=())
    assert tried


UNARY = [n for n in WRITTEN if REGISTRY[n].family == "map" and len(REGISTRY[n].inputs) == 1 and n in
         ("abs", "ceil", "floor", "isfinite", "isinf", "isnan", "logical_not", "neg", "relu", "round", "sign",
          "square", "step", "trunc", "exp", "sqrt", "sigmoid", "tanh", "reciprocal", "log1p")]  # fmt: skip
BINARY = ["add", "sub", "mul", "div", "floor_divide", "remainder", "maximum", "minimum", "pow", "equal",
          "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or",
          "logical_xor"]  # fmt: skip


@pytest.mark.parametrize("dtype", ["int64", "int32", "float64"])
@pytest.mark.parametrize("name", UNARY)
def test_a_unary_op_of_integers_and_doubles(name, dtype):
    x = np.array([[1, 2, 3], [7, 1, 4]], dtype)
    if name not in ("sqrt", "log1p", "reciprocal"):
        x = x - 3 if dtype != "float64" else x - 2.5
    agree(lambda x: REGISTRY[name](x), x, sizes=())


KINDS = [("int64", "int64"), ("int32", "int64"), ("float32", "int64"), ("bool", "float32"),
         ("float32", "float64"), ("bool", "bool")]  # fmt: skip


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("name", BINARY)
def test_a_binary_op_of_other_dtypes(name, kinds):
    x, y = np.array([[-3, 2, 5], [1, 0, -7]]).astype(kinds[0]), np.array([2, 1, 3]).astype(kinds[1])
    try:
        evaluated(lambda x, y: REGISTRY[name](x, y), x, y)
    except TypeError:
        return  # NumPy has no such function of bools
    agree(lambda x, y: REGISTRY[name](x, y), x, y, sizes=())


MOVED = {
    "where": lambda x, y: te.where(x > y, x, y),
    "concat": lambda x, y: te.concat([x, y], 1),
    "pad": lambda x, y: te.pad(x, [(1, 0), (0, 2)]),
    "slice": lambda x, y: x[:, ::-1][1:, None, -2],
    "expand": lambda x, y: te.broadcast_to(x[:, None], (2, 4, 3)),
    "roll": lambda x, y: te.roll(x, 1, 1),
    "flip": lambda x, y: te.flip(x, 0),
    "gather": lambda x, y: te.take_along_axis(x, te.argmax(x, 1, keepdims=True), 1),
    "rows": lambda x, y: x[te.tensor([1, 0, 1])],
    "sort": lambda x, y: te.sort(x, 1, descending=True),
    "max": lambda x, y: (te.max(x, 1), te.min(y)),
    "any": lambda x, y: (te.any(x, 0), te.all(y, 1)),
    "sum": lambda x, y: (te.sum(x, 1), te.cumsum(y, 0), te.prod(x, 0)),
    "argmax": lambda x, y: (te.argmax(x, 0), te.argmin(y)),
    "one_hot": lambda x, y: te.one_hot(x.cast("int64") % 3, 3, dtype=x.dtype),
    "cast": lambda x, y: tuple(x.cast(kind) for kind in ("float32", "float64", "int64", "int32", "bool")),
    "matmul": lambda x, y: x @ y.T,
    "triangle": lambda x, y: te.tril(x),
}


@pytest.mark.parametrize("dtype", ["float64", "int64", "int32", "bool"])
@pytest.mark.parametrize("name", MOVED)
def test_dtypes_of_ops_that_are_not_elementwise(name, dtype):
    x, y = (np.array(rows, dtype) for rows in ([[1, 0, 2], [5, 3, 4]], [[0, 1, 3], [2, 9, 1]]))
    agree(MOVED[name], x, y, sizes=())


@pytest.mark.parametrize("number", [2, 0.5, True])
def test_numbers_of_python_take_the_dtype_beside_them(number):
    for x in (np.arange(4, dtype=np.float32), np.arange(4, dtype=np.int64)):
        agree(
            lambda x: (x + number, number - x, x * number, x > number, te.where(x > 1, x, number)),
            x,
            sizes=(),
        )


SPECIAL = np.array(
    [0.0, -0.0, 1e-6, -1e-6, 0.25, -0.75, 3.0, -40.0, 40.0, 100.0, np.inf, -np.inf, np.nan], "f4"
)


OF_ONE = [n for n in WRITTEN if REGISTRY[n].family == "map" and len(REGISTRY[n].inputs) == 1]


@pytest.mark.parametrize("name", [n for n in OF_ONE if not REGISTRY[n].params])
def test_special_numbers(name):
    """Infinities and NaN are where the library has them, except where ONNX Runtime has no NaN."""
    op = REGISTRY[name]
    with np.errstate(all="ignore"):
        made = onnx.export(lambda x: op(x), te.tensor(SPECIAL))
        mine, theirs = evaluated(lambda x: op(x), SPECIAL)[0], run(made, SPECIAL)[0]
        again = evaluated(onnx.load(made), SPECIAL)[0]
    close(mine, again)
    close(mine, theirs)


def test_small_numbers_keep_their_digits():
    x = np.array([1e-7, -3e-5, 1e-3, 0.4, 0.6, 5.0, -0.3], "f4")
    for name in ("expm1", "log1p", "elu"):
        made = onnx.export(lambda x, n=name: REGISTRY[n](x), te.tensor(x))
        np.testing.assert_allclose(
            run(made, x)[0], evaluated(lambda x, n=name: REGISTRY[n](x), x)[0], rtol=1e-6
        )


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_an_op_without_a_word_is_named(name):
    arrays, params = _call(REGISTRY[name], 3)

    # an op without inputs is multiplied with one
    def model(*xs):
        return REGISTRY[name](*xs, **params) if arrays else xs[0] * create(REGISTRY[name], {**params}, cpu)

    with pytest.raises(onnx.OnnxError, match=rf"^{name}.*test_onnx_ops.py:\d+"):
        onnx.export(model, tuple(map(te.tensor, arrays)) or te.ones(1))
