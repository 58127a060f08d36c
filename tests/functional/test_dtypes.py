"""Every function of every dtype gives one of the six dtypes, and the value that float64 gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.functional.table import ELEMENTWISE, REDUCTIONS
from tinygrad_edu.dtypes import SUPPORTED

WRAPS = {"neg", "sub", "add"}  # unsigned arithmetic is modular and True + True is True, as in NumPy
PARAMS: dict[str, dict[str, Any]] = {"clip": {"low": 0, "high": 1}, "topk": {"k": 2}, "cumsum": {"axis": 0}}
NAMES = sorted(set(ELEMENTWISE) | set(REDUCTIONS))


def arguments(name: str, dtype: str) -> list[Any]:
    x = te.tensor(np.array([1, 1, 0] if dtype == "bool" else [1, 3, 2], dtype))
    if name == "where":
        return [te.tensor([True, False, True]), x, x]
    one = te.tensor(np.ones(3, dtype))
    two_inputs = (
        name in ELEMENTWISE and len(getattr(getattr(te, name), "op", te.exp.op).inputs) == 2
    ) or name == "pow"
    return [x, one] if two_inputs or name == "allclose" else [x]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("name", NAMES)
def test_results_are_of_a_supported_dtype(name: str, dtype: str) -> None:
    f, xs, params = getattr(te, name), arguments(name, dtype), PARAMS.get(name, {})
    try:
        found = f(*xs, **params)
    except TypeError as error:
        assert dtype == "bool" and "bool" in str(error)  # NumPy has no -True either
        return
    found = found if isinstance(found, tuple) else (found,)
    expected = f(*(x.cast("float64") if x.dtype != np.bool_ or dtype == "bool" else x for x in xs), **params)
    for y, e in zip(found, expected if isinstance(expected, tuple) else (expected,), strict=True):
        if isinstance(y, te.Tensor):
            assert y.dtype in SUPPORTED
            if dtype == "float32":
                assert y.dtype != np.float64
            if name not in WRAPS:
                np.testing.assert_allclose(
                    y.numpy().astype(float), e.numpy().astype(float), rtol=2e-6, atol=2e-7
                )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("allclose",)])
def test_gradients_keep_the_dtype_of_their_input(name: str, dtype: str) -> None:
    xs = [x.cast(dtype) if x.dtype != np.bool_ else x for x in arguments(name, "float64")]
    xs = [(x * 0.3).detach() if name in ("acos", "asin", "atanh") and x.dtype != np.bool_ else x for x in xs]
    xs = [(x + 1.0).detach() if name == "acosh" else x for x in xs]
    for x in xs:
        if x.dtype != np.bool_:
            x.requires_grad_()
    y = getattr(te, name)(*xs, **PARAMS.get(name, {}))
    y = y[0] if isinstance(y, tuple) else y
    if not y.requires_grad:
        assert y.dtype in (np.bool_, np.int64)
        return
    with np.errstate(all="ignore"):
        y.sum().backward()
    assert y.dtype == dtype
    for x in xs:
        assert x.grad is None or (x.grad.dtype == dtype and x.grad.shape == x.shape)


def test_casting_is_differentiable_and_names_are_checked() -> None:
    x = te.ones(2, requires_grad=True)
    x.double().sum().backward()
    assert x.grad.dtype == np.float32 and x.grad.tolist() == [1.0, 1.0]
    assert x.long().dtype == np.int64 and not x.long().requires_grad
    with pytest.raises(TypeError, match="float32, float64"):
        x.cast("float16")
