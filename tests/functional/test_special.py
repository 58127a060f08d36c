"""`te.special` against SciPy and mpmath, and its gradients of every order against differences."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu.check import gradcheck
from tinygrad_edu.errors import ShapeError

T: Any = te.special
S = pytest.importorskip("scipy.special")
INF, NAN = math.inf, math.nan


def numbers(low: float, high: float, count: int = 201) -> Any:
    return np.linspace(low, high, count)


def powers(low: float, high: float, count: int = 201) -> Any:
    return 10.0 ** np.linspace(low, high, count)


POSITIVE = np.concatenate([numbers(0.05, 30), powers(-6, 8)])
LEFT = numbers(-20.13, -0.11)
# name: the arrays at which a function of one array has to be SciPy's, how close, and how close in float32
ONE: dict[str, tuple[Any, float, float]] = {
    "gammaln": (np.concatenate([LEFT, POSITIVE]), 1e-14, 2e-6),
    "digamma": (np.concatenate([LEFT, POSITIVE]), 3e-13, 3e-5),
    "psi": (POSITIVE, 1e-14, 2e-6),
    "erfc": (numbers(-4, 9), 1e-14, 1e-5),
    "erfcx": (np.concatenate([numbers(-4, 9), powers(1, 30)]), 1e-14, 5e-6),
    "erfinv": (np.concatenate([numbers(-0.99, 0.99), 1.0 - powers(-15, -1), powers(-9, -1)]), 1e-14, 2e-6),
    "ndtr": (numbers(-12, 9), 2e-13, 1e-5),
    "log_ndtr": (np.concatenate([numbers(-30, 9), -powers(1, 6)]), 2e-14, 1e-5),
    "ndtri": (np.concatenate([numbers(0.01, 0.99), powers(-30, -1), 1.0 - powers(-15, -1)]), 1e-14, 2e-6),
    "entr": (np.concatenate([POSITIVE, [0.0, -1.0]]), 1e-14, 1e-6),
    "sinc": (numbers(-5.3, 5.2), 1e-14, 2e-6),
    "i0": (numbers(-60, 60), 1e-14, 1e-5),
    "i0e": (np.concatenate([numbers(-60, 60), powers(1, 30)]), 1e-14, 2e-6),
    "i1": (numbers(-60, 60), 1e-14, 1e-5),
    "i1e": (np.concatenate([numbers(-60, 60), powers(1, 30)]), 1e-14, 2e-6),
}
ORDERS = [0.5, 1.0, 3.7, 40.0, 99.0, 101.0, 700.0, 2e4]
SHARES = np.array([[a, x * a] for a in ORDERS for x in (0.2, 0.49, 0.51, 0.9, 0.99, 1.0, 1.01, 1.2, 3.0)])
X, Y = numbers(0.2, 9.3, 7), numbers(0.1, 4, 5)[:, None]
# name: function, oracle, arrays, how close, and how close in float32
SEVERAL: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[Any], float, float]] = {
    "gammainc": (T.gammainc, S.gammainc, [*SHARES.T], 1e-12, 2e-2),
    "gammaincc": (T.gammaincc, S.gammaincc, [*SHARES.T], 1e-12, 2e-2),
    "zeta": (T.zeta, S.zeta, [X + 1.0, Y], 1e-14, 2e-6),
    "zeta, of Riemann": (T.zeta, S.zeta, [X + 1.0], 1e-14, 2e-6),
    "xlogy": (T.xlogy, S.xlogy, [np.append(X, 0.0), np.append(Y, 0.0)[:, None]], 1e-14, 1e-6),
    "xlog1py": (T.xlog1py, S.xlog1py, [np.append(X, 0.0), np.append(Y, -1.0)[:, None]], 1e-14, 1e-6),
    "spherical_bessel_j0": (
        T.spherical_bessel_j0, lambda x: S.spherical_jn(0, x), [numbers(-9, 9)], 1e-14, 2e-6,
    ),
    **{
        f"polygamma, {n}": (
            lambda x, n=n: T.polygamma(n, x), lambda x, n=n: S.polygamma(n, x), [X], 1e-13, 1e-5,
        )
        for n in (0, 1, 2, 7)
    },
    **{
        f"multigammaln, {d}": (
            lambda x, d=d: T.multigammaln(x, d), lambda x, d=d: S.multigammaln(x, d), [X + 2.0], 1e-14, 2e-6,
        )
        for d in (1, 2, 4)
    },
    **{
        f"eval_{family}, {degree}": (
            lambda x, f=family, n=degree: getattr(T, f"eval_{f}")(n, x),
            lambda x, f=family, n=degree: getattr(S, f"eval_{f}")(n, x), [numbers(0.03, 0.97)], 1e-14, 1e-5,
        )
        for family in ("chebyt", "chebyu", "sh_chebyt", "sh_chebyu", "hermite", "hermitenorm", "laguerre",
                       "legendre")
        for degree in (0, 1, 2, 7)
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_values_are_scipys(name: str) -> None:
    x, near, near32 = ONE[name]
    for dtype, tolerance in (("float64", near), ("float32", near32)):
        points = x.astype(dtype)
        if dtype == "float32":
            points = points[(np.abs(points) < 1.0) | (name not in ("erfinv", "ndtri"))]
        found, expected = getattr(T, name)(te.tensor(points)), getattr(S, name)(points.astype("float64"))
        assert found.dtype == dtype and found.shape == points.shape
        kept = np.abs(expected) > np.finfo(dtype).tiny * 16
        floor = tolerance if name in ("gammaln", "digamma", "psi", "entr", "sinc") else 0.0  # they have zeros
        np.testing.assert_allclose(found.numpy()[kept], expected[kept], rtol=tolerance, atol=floor)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("name", SEVERAL)
def test_values_of_several_arguments_are_scipys(name: str) -> None:
    function, oracle, arrays, near, near32 = SEVERAL[name]
    for dtype, tolerance in (("float64", near), ("float32", near32)):
        points = [a.astype(dtype) for a in arrays]
        found, expected = function(*map(te.tensor, points)), oracle(*(p.astype("float64") for p in points))
        assert found.dtype == dtype and found.shape == expected.shape
        kept = np.abs(expected) > (1e-290 if dtype == "float64" else 1e-30)
        floor = tolerance * np.abs(expected[np.isfinite(expected)]).max() if "gammainc" not in name else 0.0
        np.testing.assert_allclose(found.numpy()[kept], expected[kept], rtol=tolerance, atol=floor)


def test_the_table_is_complete() -> None:
    tested = {name.partition(",")[0] for name in (*ONE, *SEVERAL)} | {*KINDS}
    assert set(T.__all__) == tested
    for name in T.__all__:
        assert len(inspect.getdoc(getattr(T, name)) or "") > 10


KINDS = {  # SciPy has none of these; each is a quotient of a sine or cosine, at x = cos t
    "eval_chebyv": lambda n, t: np.cos((n + 0.5) * t) / np.cos(t / 2),
    "eval_chebyw": lambda n, t: np.sin((n + 0.5) * t) / np.sin(t / 2),
    "eval_sh_chebyv": lambda n, t: np.cos((n + 0.5) * t) / np.cos(t / 2),
    "eval_sh_chebyw": lambda n, t: np.sin((n + 0.5) * t) / np.sin(t / 2),
}


@pytest.mark.parametrize("name", KINDS)
def test_chebyshevs_polynomials_of_the_third_and_fourth_kind(name: str) -> None:
    t = numbers(0.1, 3.0, 20)
    x = (np.cos(t) + 1.0) / 2.0 if "_sh_" in name else np.cos(t)
    degrees = np.arange(9)[:, None]
    found = getattr(T, name)(degrees, te.tensor(x))
    np.testing.assert_allclose(found.numpy(), KINDS[name](degrees, t), rtol=1e-12, atol=1e-12)


def test_degrees_are_integers_alone_or_many() -> None:
    x = te.tensor([0.3, -0.2, 0.9], dtype="float64")
    each = [T.eval_legendre(n, x).numpy() for n in (0, 4, 2)]
    many = T.eval_legendre(np.array([[0], [4], [2]]), x)
    np.testing.assert_array_equal(many.numpy(), np.stack(each))
    assert T.eval_legendre(-1, x).tolist() == [0.0] * 3
    assert T.eval_legendre(te.tensor([-2, 0, 1]), x).tolist() == [0.0, 1.0, 0.9]
    assert T.eval_legendre(te.zeros(0, dtype="int64"), 0.5).shape == (0,)
    with pytest.raises(TypeError, match=r"eval_legendre.*a degree is an integer.*cast"):
        T.eval_legendre(1.5, x)


# name: points, and the exact results there
EDGES: dict[str, tuple[list[float], list[float]]] = {
    "gammaln": ([0.0, -1.0, -7.0, 1.0, 2.0, INF, -INF, NAN], [INF, INF, INF, 0.0, 0.0, INF, INF, NAN]),
    "digamma": ([0.0, -0.0, -1.0, -8.0, INF, NAN], [-INF, INF, NAN, NAN, INF, NAN]),
    "erfc": ([0.0, INF, -INF, NAN, 30.0], [1.0, 0.0, 2.0, NAN, 0.0]),
    "erfcx": ([0.0, INF, -INF, NAN, -30.0], [1.0, 0.0, INF, NAN, INF]),
    "erfinv": ([0.0, 1.0, -1.0, 1.5, -1.5, NAN], [0.0, INF, -INF, NAN, NAN, NAN]),
    "ndtr": ([0.0, INF, -INF, NAN], [0.5, 1.0, 0.0, NAN]),
    "log_ndtr": ([INF, -INF, NAN, 40.0], [0.0, -INF, NAN, 0.0]),
    "ndtri": ([0.0, 1.0, 0.5, -0.1, 1.1, NAN], [-INF, INF, 0.0, NAN, NAN, NAN]),
    "entr": ([0.0, 1.0, -1.0, NAN, INF], [0.0, 0.0, -INF, NAN, -INF]),
    "sinc": ([0.0, NAN], [1.0, NAN]),
    "spherical_bessel_j0": ([0.0, INF, -INF, NAN], [1.0, 0.0, 0.0, NAN]),
    "i0": ([0.0, INF, -INF, NAN, 800.0], [1.0, INF, INF, NAN, INF]),
    "i0e": ([0.0, INF, -INF, NAN], [1.0, 0.0, 0.0, NAN]),
    "i1": ([0.0, INF, -INF, NAN, -800.0], [0.0, INF, -INF, NAN, -INF]),
    "i1e": ([0.0, INF, -INF, NAN], [0.0, 0.0, 0.0, NAN]),
}  # fmt: skip
PAIRS: dict[str, list[tuple[float, float, float]]] = {
    "gammainc": [(0, 1, 1), (1, 0, 0), (2, INF, 1), (INF, 2, 0), (1, -1, NAN), (-1, 1, NAN), (0, 0, NAN),
                 (INF, INF, NAN), (NAN, 1, NAN), (1, NAN, NAN), (5, 1e30, 1), (500, 1e30, 1),
                 (500, 1e-9, 0), (1e12, 1.0, 0)],
    "zeta": [(1, 1, INF), (0.5, 1, NAN), (2, 0, INF), (2, -3, INF), (2.5, -1.5, NAN), (2, INF, 0),
             (2, NAN, NAN), (NAN, 1, NAN)],
    "xlogy": [(0, 0, 0), (0, -1, 0), (0, INF, 0), (0, NAN, NAN), (NAN, 1, NAN), (1, 0, -INF)],
    "xlog1py": [(0, -1, 0), (0, -2, 0), (0, INF, 0), (0, NAN, NAN), (1, -1, -INF)],
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_extreme_values(dtype: str) -> None:
    for name, (points, expected) in EDGES.items():
        for point, value in zip(points, expected, strict=True):
            found = getattr(T, name)(te.tensor(point, dtype=dtype))
            near = 1e-6 if dtype == "float32" else 1e-14
            np.testing.assert_allclose(found.item(), value, atol=near, err_msg=f"{name}({point})")
    for name, rows in PAIRS.items():
        for x, y, value in rows:
            found = getattr(T, name)(te.tensor(x, dtype=dtype), te.tensor(y, dtype=dtype))
            assert found.item() == pytest.approx(value, nan_ok=True), f"{name}({x}, {y})"
            if name == "gammainc":
                other = T.gammaincc(te.tensor(x, dtype=dtype), te.tensor(y, dtype=dtype))
                assert other.item() == pytest.approx(1.0 - value, nan_ok=True), f"gammaincc({x}, {y})"


def test_what_scipy_has_few_digits_of_is_mpmaths() -> None:
    mp = pytest.importorskip("mpmath")
    with mp.workdps(30):
        a = 1e6
        x = a - 8e3
        below = mp.quad(lambda t: mp.exp((a - 1) * mp.log(t / x) - (t - x)), [x - 8e3, x - 2e3, x - 5e2, x])
        expected = float(below * mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a)))
        np.testing.assert_allclose(T.gammainc(a, np.array(x)).item(), expected, rtol=1e-12)
        for order in (2, 3, 6):  # a sum that begins below 0
            for q in (-0.5, -7.3, -123.4, -4321.25):
                start = math.ceil(-q)
                terms = mp.fsum((mp.mpf(q) + k) ** -order for k in range(start))
                value = float(terms + mp.zeta(order, mp.mpf(q) + start))
                np.testing.assert_allclose(T.zeta(float(order), np.array(q)).item(), value, rtol=1e-10)
        for p in (5e-324, 1e-310, 1e-300):  # SciPy's derivative overflows there
            value = T.log_ndtr(T.ndtri(np.array(p))).item()
            np.testing.assert_allclose(value, math.log(p), rtol=1e-14)
        assert T.i0(np.array(713.5)).item() == pytest.approx(float(mp.besseli(0, 713.5)), rel=1e-12)


PROOFS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "gammaln": (T.gammaln, [[0.3, 2.2, -1.4, 9.3]]),
    "digamma": (T.digamma, [[0.3, 2.2, -1.4, 9.3]]),
    "psi": (T.psi, [[0.3, 2.2]]),
    "polygamma": (lambda x: T.polygamma(1, x), [[0.3, 2.2, -1.4]]),
    "multigammaln": (lambda x: T.multigammaln(x, 3), [[1.7, 12.0]]),
    "zeta": (T.zeta, [[2.3, 3.5], [0.4, 2.0]]),
    "gammainc": (T.gammainc, [[0.5, 3.0, 150.0, 150.0], [0.7, 9.0, 140.0, 170.0]]),
    "gammaincc": (T.gammaincc, [[0.5, 3.0, 150.0, 150.0], [0.7, 9.0, 140.0, 170.0]]),
    "erfc": (T.erfc, [[-1.0, 0.0, 1.9, 3.0]]),
    "erfcx": (T.erfcx, [[-1.0, 0.0, 1.9, 3.0]]),
    "erfinv": (T.erfinv, [[-0.9, 0.0, 0.3, 0.7]]),
    "ndtr": (T.ndtr, [[-3.0, 0.0, 2.0]]),
    "log_ndtr": (T.log_ndtr, [[-12.0, -0.5, 1.0]]),
    "ndtri": (T.ndtri, [[0.001, 0.3, 0.6, 0.99]]),
    "entr": (T.entr, [[0.2, 1.0, 3.0]]),
    "xlogy": (T.xlogy, [[0.5, 2.0], [0.4, 2.0]]),
    "xlog1py": (T.xlog1py, [[0.5, 2.0], [0.4, 2.0]]),
    "sinc": (T.sinc, [[0.0, 0.1, -1.4, 3.0]]),
    "spherical_bessel_j0": (T.spherical_bessel_j0, [[0.0, 0.1, -1.4, 3.0]]),
    "i0": (T.i0, [[-3.0, 0.0, 1.2, 19.0, 25.0]]),
    "i0e": (T.i0e, [[-3.0, 1.2, 25.0, -25.0]]),
    "i1": (T.i1, [[-3.0, 0.0, 1.2, 25.0]]),
    "i1e": (T.i1e, [[-3.0, 1.2, 25.0, -25.0]]),
    **{
        name: (lambda x, name=name: getattr(T, name)(5, x), [[0.1, 0.4, 0.8]])
        for name in T.__all__ if name.startswith("eval_")
    },
}  # fmt: skip


@pytest.mark.cpu
@pytest.mark.parametrize("name", PROOFS)
def test_gradients_of_every_order_are_proven(name: str) -> None:
    function, arrays = PROOFS[name]
    order = {"gammaln": 3, "sinc": 3, "gammaincc": 1}.get(name, 2)  # the second of gammainc are its own
    gradcheck(function, [np.array(a) for a in arrays], order=order)


def test_every_gradient_is_proven() -> None:
    assert set(PROOFS) == set(T.__all__)


def test_derivatives_where_a_formula_has_none() -> None:
    x = te.tensor(0.0, dtype="float64")
    assert te.grad(te.grad(T.sinc))(x).item() == pytest.approx(-(math.pi**2) / 3)
    assert te.grad(T.i0)(x).item() == 0.0 and te.grad(T.i1)(x).item() == 0.5
    zero = te.tensor(0.0, dtype="float64")
    assert te.grad(lambda y: T.xlogy(0.0, y))(zero).item() == 0.0
    y = te.tensor([INF, 2.0], dtype="float64", requires_grad=True)
    T.gammaln(y).sum().backward()
    assert y.grad is not None and y.grad[1].item() == pytest.approx(S.digamma(2.0))


def test_dtypes_and_errors() -> None:
    assert T.gammaln(te.tensor([1, 2])).dtype == np.float64
    assert T.gammaln(3.0).dtype == np.float32
    assert T.gammainc(te.tensor([1, 2]), te.tensor([0.5], dtype="float32")).dtype == np.float64
    assert T.xlogy(2.0, te.tensor([1.0, 2.0])).dtype == np.float32
    assert T.zeta([2.0, 4.0]).numpy() == pytest.approx([math.pi**2 / 6, math.pi**4 / 90], rel=1e-6)
    with pytest.raises(ValueError, match=r"polygamma.*n=-1"):
        T.polygamma(-1, 1.0)
    with pytest.raises(ValueError, match=r"multigammaln.*d=0"):
        T.multigammaln(2.0, 0)
    with pytest.raises(TypeError, match=r"polygamma.*n must be an integer"):
        T.polygamma(1.5, 1.0)
    with pytest.raises(ShapeError, match=r"gammainc.*\(2,\).*\(3,\)"):
        T.gammainc(te.ones(2), te.ones(3))
    with pytest.raises(TypeError, match="no_such_argument"):
        T.gammaln(1.0, no_such_argument=1)


def test_a_name_that_is_not_here_is_explained() -> None:
    for name, answer in (
        ("lgamma", r"te\.special\.gammaln"),
        ("erf", r"write te\.erf"),
        ("gamaln", "gammaln"),
    ):
        with pytest.raises(AttributeError, match=answer):
            getattr(T, name)
    with pytest.raises(AttributeError, match=r"te\.special\.gammaln"):
        te.lgamma  # noqa: B018
    with pytest.raises(AttributeError, match=r"te\.special\.ndtri"):
        te.ndtri  # noqa: B018


def test_devices_compute_them_too(boxed: Any) -> None:
    for name, (function, arrays) in PROOFS.items():
        found = [function(*(te.tensor(np.array(a), device=d) for a in arrays)) for d in ("cpu", "boxed")]
        assert found[1].device == "boxed", name
        np.testing.assert_allclose(found[1].numpy(), found[0].numpy(), rtol=1e-12, atol=1e-12)


def test_it_is_imported_when_named() -> None:
    line = (
        "import sys, tinygrad_edu as te; a = 'tinygrad_edu.functional.special' in sys.modules; te.special; "
    )
    done = subprocess.run([sys.executable, "-c", line + "print(a, te.special.i0(0.0).item())"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.split() == ["False", "1.0"]
