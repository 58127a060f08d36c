"""Methods by PyTorch's names: PyTorch's values, the functions' documentation, and changes in place."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import tinygrad_edu as te
from tinygrad_edu.errors import StaleValueError
from tinygrad_edu.methods import Functions, Methods

X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.5]])
Y = np.array([[0.25, 2.0, -3.0], [2.5, -4.0, 1.5]])
UNIT, CUBE = np.abs(X) / 5, np.arange(8.0).reshape(2, 2, 2)
SQUARE = np.array([[1.0, 2.0], [3.0, -4.0]])
LINE, MASK = np.array([1.0, 2.0, -3.0]), X > 0
PLACES = np.array([[0, 2], [1, 0]])

# method: (arguments, the tensor); arrays among the arguments become tensors
CASES: dict[str, tuple[tuple[Any, ...], Any]] = {
    **dict.fromkeys(
        (
            "add",
            "sub",
            "mul",
            "div",
            "remainder",
            "floor_divide",
            "maximum",
            "minimum",
            "atan2",
            "logaddexp",
            "eq",
            "ne",
            "lt",
            "le",
            "gt",
            "ge",
            "allclose",
        ),
        ((Y,), X),
    ),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), ((MASK,), ~MASK)),
    **dict.fromkeys(
        (
            "neg",
            "reciprocal",
            "isnan",
            "isinf",
            "isfinite",
            "floor",
            "ceil",
            "round",
            "trunc",
            "sign",
            "exp2",
            "expm1",
            "tan",
            "atan",
            "sinh",
            "cosh",
            "asinh",
            "erf",
            "logical_not",
            "tril",
            "triu",
            "dim",
            "numel",
            "element_size",
            "is_floating_point",
            "ravel",
            "contiguous",
            "t",
            "float",
            "double",
            "int",
            "long",
            "bool",
            "cpu",
            "norm",
            "amax",
            "amin",
            "unbind",
        ),
        ((), X),
    ),
    **{name: ((), np.abs(X)) for name in ("log1p", "log2", "log10", "rsqrt")},
    **dict.fromkeys(("asin", "acos", "atanh"), ((), UNIT)),
    **dict.fromkeys(
        ("cumsum", "cumprod", "cummax", "cummin", "logsumexp", "argsort", "unbind", "flip"), ((1,), X)
    ),
    "acosh": ((), np.abs(X) + 1),
    "pow": ((3,), X),
    "lerp": ((Y, 0.25), X),
    "quantile": ((0.3, 1), X),
    **dict.fromkeys(("nansum", "nanmean"), ((1,), np.where(X < 0, np.nan, X))),
    "nan_to_num": ((), np.where(X < 0, np.nan, X)),
    "isclose": ((X * (1 + 1e-6),), X),
    "count_nonzero": ((1,), np.round(X)),
    "diff": ((), X),
    **dict.fromkeys(("moveaxis", "movedim"), ((0, 2), CUBE)),
    "narrow": ((1, -2, 2), X),
    "topk": ((2, 1), X),
    "matmul": ((Y.T.copy(),), X),
    "mm": ((Y.T.copy(),), X),
    "mv": ((LINE,), X),
    "dot": ((LINE,), X[0]),
    "outer": ((LINE,), X[0]),
    "bmm": ((CUBE,), CUBE),
    "trace": ((), SQUARE),
    "split": ((2, 1), X),
    "chunk": ((2, 1), X),
    "roll": ((1, 1), X),
    "repeat_interleave": ((2, 1), X),
    "masked_fill": ((MASK, 9.0), X),
    "masked_select": ((MASK,), X),
    "diag": ((), SQUARE),
    "bincount": ((), np.array([0, 2, 2])),
    "view": ((3, 2), X),
    "view_as": ((X.T,), X),
    "reshape_as": ((X.T,), X),
    "expand_as": ((X,), LINE),
    "swapaxes": ((0, 1), X),
    "swapdims": ((0, 1), X),
    "tile": ((2, 1), X),
    "clamp": ((-1.0, 2.0), X),
    "clamp_min": ((0.0,), X),
    "clamp_max": ((0.0,), X),
    "where": ((MASK, Y), X),
    "gather": ((1, PLACES[:1]), X),
    "index_select": ((1, np.array([2, 0])), X),
    "scatter_add": ((1, PLACES, Y[:, :2].copy()), X),
    "new_zeros": ((2, 3), X),
    "new_ones": ((2, 3), X),
    "new_full": (((2, 3), 5.0), X),
    "new_tensor": (([1.0, 2.0],), X),
    "type_as": ((np.array([1]),), X),
    "sub_": ((Y,), X),
    "div_": ((Y,), X),
    "clamp_": ((-1.0, 2.0), X),
    "masked_fill_": ((MASK, 9.0), X),
}
# below: they are not PyTorch's, random, or not here
ELSEWHERE = {"sort", "multinomial", "new_empty", "cuda", "to_device"}


def names(*kinds: type) -> set[str]:
    return {name for kind in kinds for name in vars(kind) if not name.startswith("_")}


def test_every_method_is_compared_with_pytorchs() -> None:
    assert names(Functions, Methods) == set(CASES) | ELSEWHERE


def numbers(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return [numbers(v) for v in x]
    return np.asarray(x.tolist()) if hasattr(x, "tolist") else x


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_a_method_is_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    args, x = CASES[name]

    def result(make: Any) -> Any:
        given = [make(np.array(a)) if isinstance(a, np.ndarray) else a for a in args]
        return getattr(make(np.array(x)), name)(*given)

    found, expected = result(te.tensor), result(torch.tensor)
    for ours, theirs in zip(
        *([r] if not isinstance(r, (list, tuple)) else r for r in (found, expected)), strict=True
    ):
        np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-12)
        if hasattr(theirs, "dtype"):
            assert str(theirs.dtype) == f"torch.{ours.dtype}" and tuple(theirs.shape) == ours.shape


@pytest.mark.parametrize("name", sorted(names(Functions)))
def test_a_function_that_is_a_method_is_the_public_one(name: str) -> None:
    """The names that differ are those of the comparisons, and of NumPy's functions."""
    renamed = {
        "eq": "equal",
        "ne": "not_equal",
        "lt": "less",
        "le": "less_equal",
        "gt": "greater",
        "ge": "greater_equal",
        "amax": "max",
        "amin": "min",
        "repeat_interleave": "repeat",
        "movedim": "moveaxis",
    }
    ours, public = vars(Functions)[name], getattr(te, renamed.get(name, name))
    if name in ("amax", "amin"):  # they take `dim=`, which max and min do not
        ours, public = inspect.unwrap(ours), inspect.unwrap(public)
    assert ours is public


@pytest.mark.parametrize("name", sorted(names(Functions, Methods)))
def test_every_method_says_what_it_does(name: str) -> None:
    method = getattr(te.Tensor, name)
    assert (inspect.getdoc(method) or "") and name in dir(te.Tensor)
    assert getattr(te.ones(2), name).__self__.shape == (2,)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"new_tensor", "type_as"}))
def test_methods_compute_where_the_tensor_is(name: str) -> None:
    args, x = CASES[name]
    start = te.tensor(x)
    found = getattr(start, name)(*(te.tensor(a) if isinstance(a, np.ndarray) else a for a in args))
    for y in found if isinstance(found, (list, tuple)) else [found]:
        assert not isinstance(y, te.Tensor) or y.device == (start.device if name != "cpu" else "cpu")


def test_dim_and_keepdim_are_taken() -> None:
    x = te.tensor(X)
    assert x.cumsum(dim=1).tolist() == X.cumsum(1).tolist()
    assert x.norm(dim=1, keepdim=True).shape == (2, 1) and x.amax(dim=0).tolist() == X.max(0).tolist()
    assert x.logsumexp(dim=1, keepdim=True).shape == (2, 1)


def test_sort_gives_values_as_te_does() -> None:
    assert te.tensor(X).sort(1).tolist() == np.sort(X, 1).tolist()


def test_new_tensors_take_the_dtype_of_x() -> None:
    x = te.tensor([1, 2], dtype="int32")
    assert x.new_empty(2, 3).tolist() == [[0] * 3] * 2 and x.new_empty((2, 3)).dtype == np.int32
    assert x.new_zeros(2, dtype="float64").dtype == np.float64
    drawn = te.tensor([0.0, 1.0]).multinomial(3, replacement=True)
    assert drawn.tolist() == [1, 1, 1]


@pytest.mark.parametrize("change, expected", [
    (lambda x: x.sub_(1.0), X - 1), (lambda x: x.div_(2.0), X / 2),
    (lambda x: x.clamp_(0.0, 1.0), np.clip(X, 0, 1)), (lambda x: x.clamp_(max=1.0), np.minimum(X, 1)),
    (lambda x: x.masked_fill_(x > 0, 1.0), np.where(X > 0, 1, X)),
])  # fmt: skip
def test_changes_in_place_go_the_way_of_all(change: Any, expected: Any) -> None:
    """They write into the memory, are refused where a graph would be wrong, and are seen by backward."""
    x = te.tensor(X)
    view = x[0]
    assert change(x) is x and x.tolist() == expected.tolist() and view.tolist() == expected[0].tolist()
    leaf = te.tensor(X, requires_grad=True)
    with pytest.raises(RuntimeError, match="cannot be changed in place"):
        change(leaf)
    with te.no_grad():
        change(leaf)
    saved = te.tensor(X)
    y = (te.tensor(X, requires_grad=True) * saved).sum()
    change(saved)
    with pytest.raises(StaleValueError):
        y.backward()


@given(data=st.data(), shape=npst.array_shapes(min_dims=1, max_dims=3, max_side=3))
def test_gather_takes_the_part_that_the_indices_cover(data: st.DataObject, shape: Any) -> None:
    """y[..., i, ...] = x[..., indices[..., i, ...], ...]; the gradient counts the reads."""
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = tuple(data.draw(st.integers(0, 5 if a == axis % len(shape) else n)) for a, n in enumerate(shape))
    index = data.draw(npst.arrays(np.int64, sizes, elements=st.integers(0, shape[axis] - 1)))
    x = te.tensor(np.arange(float(np.prod(shape))).reshape(shape), requires_grad=True)
    found, reads = x.gather(axis, te.tensor(index)), np.zeros(shape)
    assert found.shape == sizes
    for at in np.ndindex(sizes):
        source = tuple(index[at] if a == axis % len(shape) else i for a, i in enumerate(at))
        assert found.numpy()[at] == x.numpy()[source]
        reads[source] += 1
    found.sum().backward()
    assert x.grad.numpy().tolist() == reads.tolist()


def test_wrong_calls_say_what_to_do() -> None:
    x = te.tensor(X)
    for call, text in (
        (
            lambda: x.gather(te.tensor(PLACES), 1),
            r"the axis comes first, as in PyTorch: x.gather\(axis, indices\)",
        ),
        (lambda: x.gather(1, te.tensor([[0], [0], [0]])), "but for axis 1 none longer.*take_along_axis"),
        (lambda: x.gather(1, te.tensor([0])), "must have as many axes as x"),
        (lambda: x.gather(1, te.tensor([[3]])), "index 3 is out of range"),
        (lambda: x.gather(1, te.tensor([[-1]])), "index -1 is below 0.*te.gather"),
        (lambda: x.index_select(1, te.tensor([0, -2])), "index -2 is below 0.*te.index_select"),
        (lambda: x.index_select(1, [-2]), "index -2 is below 0.*te.index_select"),
        (
            lambda: x.scatter_add(0, te.tensor([[-1, 0, 0]]), te.ones(1, 3)),
            "index -1 is below 0.*te.scatter_add",
        ),
        (lambda: x.index_select([0], 1), r"x.index_select\(axis, indices\)"),
        (lambda: x.mm(te.ones(3)), r"mm needs 2 axes and 2, got \(2, 3\) and \(3,\)"),
        (lambda: te.ones(2, 2, 2).t(), r"t\(\) is for matrices"),
        (lambda: te.tensor([1, 2]).clamp_(0.5), "do not fit into a int64 tensor"),
        (lambda: te.tensor([1, 2]).masked_fill(te.tensor([True, False]), 0.5), "does not fit into a int64"),
        (lambda: x.masked_fill(te.tensor([1, 0, 1]), 0.5), "a mask must hold bools"),
        (lambda: x.masked_fill(te.tensor(MASK), [1.0, 2.0]), "value must be one number"),
    ):
        with pytest.raises((TypeError, ValueError, IndexError), match=text):
            call()


def test_functions_count_from_the_end_where_the_methods_of_pytorch_do_not() -> None:
    x = te.tensor(X)
    np.testing.assert_array_equal(
        te.gather(x, te.tensor([[-1], [0]]), axis=1).numpy()[:, 0], [X[0, -1], X[1, 0]]
    )
    np.testing.assert_array_equal(te.index_select(x, te.tensor([-1]), axis=1).numpy(), X[:, -1:])
    added = te.scatter_add(te.zeros(2, 3), te.tensor([[-1, 0, 0]]), te.ones(1, 3)).numpy()
    assert added.tolist() == [[0, 1, 1], [1, 0, 0]]
