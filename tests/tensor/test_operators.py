"""Operators: every one, with everything on either side, against NumPy; the graph is kept throughout."""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te

ARITHMETIC: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
COMPARISONS: dict[str, Callable[..., Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]
OTHERS = {
    "array": np.array([2.0, 3.0]),
    "single array": np.array([2.0, 3.0], np.float32),
    "0-d array": np.array(2.0),
    "scalar": np.float64(2),
    "single scalar": np.float32(2),
    "integer scalar": np.int64(2),
    "float": 2.0,
    "int": 2,
    "bool": True,
    "list": [2.0, 3.0],
    "tuple": (2.0, 3.0),
    "tensor": te.tensor([2.0, 3.0]),
    "column": np.array([[2.0], [3.0]]),
}


@pytest.mark.parametrize("other", sorted(OTHERS))
@pytest.mark.parametrize("sign", sorted(ARITHMETIC))
def test_operands_of_every_kind_on_both_sides(sign: str, other: str) -> None:
    op, y = ARITHMETIC[sign], OTHERS[other]
    plain = (
        y.numpy()
        if isinstance(y, te.Tensor)
        else np.asarray(y, np.float32)
        if isinstance(y, (list, tuple))
        else y
    )
    for flipped in (False, True):
        x = te.tensor([1.5, 2.5], requires_grad=True)
        found = op(y, x) if flipped else op(x, y)
        expected = op(plain, x.numpy()) if flipped else op(x.numpy(), plain)
        assert isinstance(found, te.Tensor) and found.requires_grad
        assert found.dtype == expected.dtype and found.shape == expected.shape
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
        found.sum().backward()
        assert x.grad.shape == (2,) and x.grad.dtype == np.float32


@pytest.mark.parametrize("other", sorted(OTHERS))
@pytest.mark.parametrize("sign", sorted(COMPARISONS))
def test_comparisons(sign: str, other: str) -> None:
    op, y = COMPARISONS[sign], OTHERS[other]
    x = te.tensor([2.0, 2.5], requires_grad=True)
    plain = y.numpy() if isinstance(y, te.Tensor) else np.asarray(y)
    for found, expected in ((op(x, y), op(x.numpy(), plain)), (op(y, x), op(plain, x.numpy()))):
        assert isinstance(found, te.Tensor) and found.dtype == np.bool_ and not found.requires_grad
        np.testing.assert_array_equal(found.numpy(), expected)


def test_matrix_product_on_both_sides() -> None:
    x = te.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for y in (np.eye(2, dtype=np.float32), [[1.0, 0.0], [0.0, 1.0]], te.eye(2)):
        for found in (x @ y, y @ x):
            assert found.requires_grad
            np.testing.assert_array_equal(found.numpy(), x.numpy())
    assert (np.ones(2, np.float32) @ x).tolist() == [4.0, 6.0] and (x @ [1.0, 1.0]).tolist() == [3.0, 7.0]


def test_unary_operators() -> None:
    x = te.tensor([-1.0, 2.0], requires_grad=True)
    assert (-x).tolist() == [1.0, -2.0] and (+x) is x and abs(x).tolist() == [1.0, 2.0]
    assert (~te.tensor([True, False])).tolist() == [False, True]
    a, b = te.tensor([True, True, False]), te.tensor([True, False, False])
    assert (a & b).tolist() == [True, False, False]
    assert (a | b).tolist() == [True, True, False]
    assert (a ^ b).tolist() == [False, True, False]


def test_augmented_assignment_makes_a_new_tensor() -> None:
    x = te.tensor([1.0, 2.0], requires_grad=True)
    y = middle = x + 1.0
    y *= 2.0
    y.sum().backward()
    assert middle.tolist() == [2.0, 3.0] and x.grad.tolist() == [2.0, 2.0]
    total = old = te.zeros(2)
    with te.no_grad():
        total += x
    assert old.tolist() == [0.0, 0.0] and total.tolist() == [1.0, 2.0]


def test_a_step_of_training_changes_the_weight_itself() -> None:
    w = te.tensor([1.0, -4.0], requires_grad=True)
    same = w
    for _ in range(60):
        (w * w).sum().backward()
        with te.no_grad():
            w -= 0.1 * w.grad
        w.grad = None
    assert same is w and w.is_leaf and abs(w.numpy()).max() < 1e-4
    with te.no_grad():
        w += 2.0
        w *= te.tensor([2.0, 3.0])
        w /= 2
        with pytest.raises(ValueError, match=r"\*=: \(3,\) does not broadcast to \(2,\)"):
            w *= te.ones(3)
    np.testing.assert_allclose(w.numpy(), [2.0, 3.0], atol=1e-3)


@pytest.mark.parametrize("function", [lambda k: operator.iadd(k, 1.0), lambda k: operator.isub(k, 1.0),
                                      lambda k: operator.imul(k, 2.0), lambda k: operator.itruediv(k, 2.0)]
)  # fmt: skip
def test_a_line_that_would_change_a_weight_is_refused_wherever_a_graph_is_or_will_be(function: Any) -> None:
    """The same code must not compute a new tensor in training and change the weight in a checkpoint."""
    w, x = te.tensor([1.0, 2.0], requires_grad=True), te.tensor([1.0, 1.0], requires_grad=True)
    for call in (
        lambda: function(w),
        lambda: te.checkpoint(lambda x: (x * function(w)).sum(), x),
        lambda: te.checkpoint(lambda k: function(k).sum(), w),
    ):
        with pytest.raises(RuntimeError, match=r"leaf that requires grad.*test_operators.py:\d+.*no_grad"):
            call()
    assert w.tolist() == [1.0, 2.0]
    given = te.tensor([1.0, 2.0])  # what te.grad hands to a function is no weight
    assert te.grad(lambda k: (function(k) * function(k)).sum())(given).shape == (2,)
    assert te.jvp(lambda k: function(k).sum(), [given], [te.ones(2)])[0].shape == ()
    assert given.tolist() == [1.0, 2.0]


def test_the_gradient_of_a_weight_that_became_a_result_is_warned_of() -> None:
    w = te.tensor([1.0], requires_grad=True)
    (w * w).sum().backward()
    w = w - 0.1 * w.grad
    (w * w).sum().backward()
    with pytest.warns(UserWarning, match=r"of sub.*test_operators.py:\d+.*no_grad"):
        assert w.grad is None


@pytest.mark.parametrize("other", ["text", None, object(), {"a": 1}])
def test_what_is_no_number_is_refused(other: Any) -> None:
    for op in (operator.add, operator.mul, operator.eq, operator.lt):
        if op is not operator.eq or other is not None:
            with pytest.raises(TypeError):
                op(te.ones(2), other)
    assert operator.eq(te.ones(2), None) is False and operator.ne(te.ones(2), None) is True


def test_functions_of_numpy_say_what_to_call_instead() -> None:
    x = te.tensor([1.0, 2.0], requires_grad=True)
    for call, words in (
        (lambda: np.sin(x), r"np.sin .*test_operators.py:\d+.*te.sin\(x\)"),
        (lambda: np.arctan(x.detach()), r"te.atan\(x\)"),
        (lambda: np.add.reduce(x), r"use x.numpy\(\)"),
    ):
        with pytest.raises(TypeError, match=words):
            call()
    array = np.ones(2, np.float32)
    with pytest.raises(TypeError, match=r"into an array.*array = array \+ x"):
        array += x
    with pytest.raises(TypeError, match=r"into an array"):
        np.multiply(array, x.detach(), out=array)
    array[:] += x.numpy()
    assert array.tolist() == [2.0, 3.0]
    found = np.array([True, False]) & te.tensor([True, True])
    assert isinstance(found, te.Tensor) and found.tolist() == [True, False]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("sign", sorted(ARITHMETIC | COMPARISONS))
@pytest.mark.parametrize(("left", "right"), list(product(DTYPES, DTYPES)))
def test_promotion_is_numpys(sign: str, left: str, right: str) -> None:
    op = (ARITHMETIC | COMPARISONS)[sign]
    x, y = np.array([1, 0], left), np.array([1, 1], right)
    try:
        expected = op(x, y)
    except TypeError:
        with pytest.raises(TypeError, match="bool"):
            op(te.tensor(x), te.tensor(y))
        return
    found = op(te.tensor(x), te.tensor(y))
    assert found.dtype == (
        "int64" if expected.dtype == np.int8 else expected.dtype
    )  # the library has no int8
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("sign", sorted(ARITHMETIC))
@pytest.mark.parametrize(("dtype", "number"), list(product(DTYPES, (2, 2.0, True))))
def test_python_numbers_are_weak(sign: str, dtype: str, number: Any) -> None:
    x = np.array([1, 1], dtype)
    try:
        expected = ARITHMETIC[sign](x, number)
    except TypeError:
        with pytest.raises(TypeError):
            ARITHMETIC[sign](te.tensor(x), number)
        return
    found = ARITHMETIC[sign](te.tensor(x), number)
    assert found.dtype == ("int64" if expected.dtype == np.int8 else expected.dtype)
    np.testing.assert_array_equal(found.numpy(), expected)
