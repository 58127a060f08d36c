"""NumPy's functions of arrays, given tensors; PyTorch's names of `axis`, `keepdims`; einsum's other form."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.doors.calls import FUNCTIONS
from tests.doors.test_numbers_that_fit import devices, on
from tinygrad_edu import nn
from tinygrad_edu.functional.array_functions import _OURS

X, Y = np.arange(6.0).reshape(2, 3), np.array([3.0, 1.0, 2.0])
# fmt: off
CALLS: dict[str, list[Callable[..., Any]]] = {
    **{n: [lambda x, n=n: getattr(np, n)(x), lambda x, n=n: getattr(np, n)(x, 1),
           lambda x, n=n: getattr(np, n)(x, axis=0, keepdims=True)]
       for n in ("sum", "mean", "prod", "max", "min", "amax", "amin", "any", "all", "argmax", "argmin", "var",
                 "std")},
    **{n: [lambda x, n=n: getattr(np, n)(x), lambda x, n=n: getattr(np, n)(x, 1)] for n in ("cumsum",
                                                                                            "cumprod")},
    **{n: [lambda x, n=n: getattr(np, n)(-x), lambda x, n=n: getattr(np, n)(-x, axis=0),
           lambda x, n=n: getattr(np, n)(-x, None)] for n in ("sort", "argsort")},
    "linalg.norm": [lambda x: np.linalg.norm(x), lambda x: np.linalg.norm(x, axis=1, keepdims=True)],
    **{f"linalg.{n}": [lambda x, n=n: getattr(np.linalg, n)(x[:, :2] @ x[:, :2].T)]
       for n in ("inv", "det", "cholesky", "eigvalsh", "pinv")},
    "linalg.eigh": [lambda x: np.linalg.eigh(x[:, :2] @ x[:, :2].T)[0]],
    "linalg.slogdet": [lambda x: np.linalg.slogdet(x[:, 1:]).logabsdet],
    "linalg.qr": [lambda x: np.linalg.qr(x)[1], lambda x: np.linalg.qr(x)[0]],
    "linalg.solve": [lambda x: np.linalg.solve(x[:, 1:], Y[:2])],
    "linalg.matrix_power": [lambda x: np.linalg.matrix_power(x[:, 1:], 3)],
    "concatenate": [lambda x: np.concatenate([x, x]), lambda x: np.concatenate((x, X), axis=1),
                    lambda x: np.concatenate([X, x], axis=None)],
    "stack": [lambda x: np.stack([x, x]), lambda x: np.stack([X, x], axis=-1)],
    "where": [lambda x: np.where(X > 2, x, 0.0), lambda x: np.where(X > 2, 0.0, x)],
    "clip": [lambda x: np.clip(x, 1, 3), lambda x: np.clip(x, 1, None), lambda x: np.clip(x, min=1, max=4)],
    "reshape": [lambda x: np.reshape(x, (3, 2)), lambda x: np.reshape(x, -1)],
    "ravel": [lambda x: np.ravel(x)], "swapaxes": [lambda x: np.swapaxes(x, 0, 1)],
    "transpose": [lambda x: np.transpose(x), lambda x: np.transpose(x, (1, 0))],
    "squeeze": [lambda x: np.squeeze(x[:1]), lambda x: np.squeeze(x[:1], 0)],
    "expand_dims": [lambda x: np.expand_dims(x, 1)],
    "broadcast_to": [lambda x: np.broadcast_to(x, (2, 2, 3))],
    "flip": [lambda x: np.flip(x), lambda x: np.flip(x, 0)],
    "roll": [lambda x: np.roll(x, 2), lambda x: np.roll(x, 1, axis=1)],
    "tile": [lambda x: np.tile(x, (2, 1))],
    "repeat": [lambda x: np.repeat(x, 2), lambda x: np.repeat(x, 2, axis=0)],
    "take": [lambda x: np.take(x, [1, 4]), lambda x: np.take(x, [1, 0], axis=1)],
    "take_along_axis": [lambda x: np.take_along_axis(x, np.array([[0], [1]]), 1)],
    "dot": [lambda x: np.dot(x[0], Y)], "outer": [lambda x: np.outer(x[0], Y)],
    "trace": [lambda x: np.trace(x[:, :2])],
    "einsum": [lambda x: np.einsum("ij,j->i", x, Y), lambda x: np.einsum(x, [0, 1], Y, [1])],
    "round": [lambda x: np.round(x * 0.7)], "around": [lambda x: np.around(x * 0.7)],
    "copy": [lambda x: np.copy(x)],
    "allclose": [lambda x: np.allclose(x, X), lambda x: np.allclose(x, X + 1, rtol=1, atol=2)],
    "zeros_like": [lambda x: np.zeros_like(x)],
    "ones_like": [lambda x: np.ones_like(x), lambda x: np.ones_like(x, dtype="int64")],
}
# fmt: on
LOST = ("any", "all", "argmax", "argmin", "argsort", "allclose", "zeros_like", "ones_like")


@pytest.mark.parametrize("name", sorted(_OURS))
@pytest.mark.parametrize("device", devices())
def test_a_function_of_numpys_is_ours_with_the_graph(device: str, name: str) -> None:
    with on(device):
        for call in CALLS[name]:
            x = te.tensor(X, requires_grad=True)
            found, expected = call(x), call(X)
            if name == "allclose":
                assert found is expected
                continue
            assert isinstance(found, te.Tensor) and found.dtype == expected.dtype
            assert found.requires_grad == (name not in LOST)
            np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-12)
            if found.requires_grad:
                found.sum().backward()
                assert x.grad is not None and x.grad.shape == X.shape


def test_a_function_that_we_lack_gets_arrays_or_is_told_off() -> None:
    x, w = te.tensor(X), te.tensor(X, requires_grad=True)
    assert np.median(x) == 2.5 and np.array_equal(x, X)
    assert isinstance(np.vstack([x, X]), np.ndarray)
    for call in (
        lambda v: np.median(v),
        lambda v: np.vstack([X, v]),
        lambda v: np.linalg.svd(v),
        lambda v: np.array_equal(v, X),
        lambda v: np.percentile(v, q=50),
    ):
        with pytest.raises(TypeError, match=r"gradient would be lost \(at .*test_numpy_functions.py:\d+"):
            call(w)
        with te.no_grad():
            call(w)
    with pytest.raises(TypeError, match=r"te\.exp"):
        np.exp(x)


def test_an_option_that_we_lack_is_named() -> None:
    w = te.tensor(X, requires_grad=True)
    for call, option in (
        (lambda: np.sum(w, dtype="float32"), "dtype"),
        (lambda: np.sum(w, where=X > 1), "where"),
        (lambda: np.mean(w, out=np.zeros(())), "out"),
        (lambda: np.max(w, initial=0), "initial"),
        (lambda: np.linalg.norm(w, 2), "ord"),
        (lambda: np.round(w, 2), "decimals"),
        (lambda: np.concatenate([w, w], dtype="float32"), "dtype"),
    ):
        with pytest.raises(TypeError, match=rf"{option}= \(at .*test_numpy_functions.py:\d+"):
            call()
    assert np.sum(w, axis=None, dtype=None, out=None).item() == 15.0


def test_facts_are_facts_of_any_tensor() -> None:
    w = te.tensor(X, requires_grad=True)
    assert np.shape(w) == (2, 3) and np.ndim(w) == 2 and np.size(w) == 6 and np.size(w, 1) == 3
    assert np.result_type(w, np.float32) == np.float64 and not np.iscomplexobj(w)


SYNONYMS = {"axis": ("dim", "dims"), "axes": ("dim", "dims"), "keepdims": ("keepdim",)}


@pytest.mark.cpu
@pytest.mark.parametrize("title", [t for t, c in FUNCTIONS.items() if set(SYNONYMS) & set(c.numbers)])
def test_dim_and_keepdim_are_axis_and_keepdims(title: str) -> None:
    call = FUNCTIONS[title]
    function = getattr(te, title.split()[0])
    if title.startswith("grad"):
        return
    expected = call()
    for name in set(SYNONYMS) & set(call.numbers):
        for other in SYNONYMS[name]:
            rest = {k: v for k, v in call.numbers.items() if k != name}
            if function.__name__ in ("max", "min", "sort", "median") and other != "dims":
                with pytest.raises(TypeError, match="values alone"):
                    function(*call.given(), **rest, **{other: call.numbers[name]})
                continue
            found = function(*call.given(), **rest, **{other: call.numbers[name]})
            several = isinstance(found, (list, tuple))
            for a, b in zip(found, expected, strict=True) if several else [(found, expected)]:
                np.testing.assert_array_equal(a.numpy(), b.numpy())
            with pytest.raises(TypeError, match=f"{other}= and {name}= mean the same"):
                function(*call.given(), **call.numbers, **{other: call.numbers[name]})


@pytest.mark.cpu
def test_every_function_and_method_with_an_axis_takes_dim() -> None:
    for name in te.functional.__all__:
        function = getattr(te, name)
        known = inspect.signature(function).parameters
        if "axis" in known or ("axes" in known and name != "transpose"):
            assert any(
                t.split()[0] == name and {"axis", "axes"} & set(c.numbers) for t, c in FUNCTIONS.items()
            ), name
    x = te.tensor(X)
    for name in ("sum", "mean", "prod", "any", "all", "var", "std", "argmax", "argmin", "amax", "amin"):
        np.testing.assert_array_equal(
            getattr(x, name)(dim=1, keepdim=True).numpy(), getattr(x, name)(axis=1, keepdims=True).numpy()
        )
        with pytest.raises(TypeError, match="axis"):
            getattr(x, name)(1, dim=1)
    for name in ("softmax", "log_softmax", "unsqueeze"):
        np.testing.assert_array_equal(getattr(x, name)(dim=0).numpy(), getattr(x, name)(axis=0).numpy())
    assert x[:1].squeeze(dim=0).shape == (3,)
    assert nn.Softmax(dim=1).axis == 1 and nn.LogSoftmax(dim=0).axis == 0
    with pytest.raises(TypeError, match="mean the same"):
        nn.Softmax(dim=1, axis=1)


def test_dim_where_no_axis_goes_is_an_error_with_a_word() -> None:
    x = te.tensor(X)
    for call in (lambda: te.relu(x, dim=1), lambda: te.add(x, x, axis=0), lambda: te.exp(x, dim=0)):
        with pytest.raises(TypeError, match=r"has no argument (dim|axis)= \(at .*element by element"):
            call()
    for call in (lambda: te.mse(x, x, dim=1), lambda: te.reshape(x, (3, 2), dim=1), lambda: nn.ReLU(dim=1)):
        with pytest.raises(TypeError, match="dim"):
            call()


@pytest.mark.parametrize("device", devices())
def test_einsum_takes_numbers_of_axes_as_numpy_does(device: str) -> None:
    y = np.arange(12.0).reshape(3, 4)
    with on(device):
        for args in ((X, [0, 1]), (X, [1, 0]), (X, [0, 1], []), (X, [0, 1], [1]), (X, [0, 1], y, [1, 2]),
                     (X, (0, 1), y, (1, 2), (2, 0)), (X, [30, 1]), (X, [30, 1], y, [1, 7]), (X, [..., 0]),
                     (X, [..., 0], [..., 0]), (X[:, :2], [3, 3]), (X, [np.int64(0), np.int64(1)], [1]),
                     (X, [25, 26], y, [26, 51])):  # fmt: skip
            found = te.einsum(*(te.tensor(a) if isinstance(a, np.ndarray) else a for a in args))
            np.testing.assert_allclose(found.numpy(), np.einsum(*args))
        x = te.tensor(X, requires_grad=True)
        te.einsum(x, [0, 1], te.tensor(y), [1, 2], [0]).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), np.tile(y.sum(1), (2, 1)))
        for wrong in ((x, "ij"), (x, 3), (x, [0.5, 1]), (x, ["i", "j"])):
            with pytest.raises(TypeError, match=r"einsum"):
                te.einsum(*wrong)
        with pytest.raises(ValueError, match="numbered 0 to 51"):
            te.einsum(x, [0, 52])
