"""torch.special, and those of its functions that torch has, too."""

from __future__ import annotations

from typing import Any

INF, NAN = float("inf"), float("nan")


def _of(t: Any, name: str) -> Any:
    return getattr(t.special if name.startswith("special.") else t, name.rpartition(".")[2])


def _unary(name: str, low: float, high: float, *points: float) -> list[Any]:
    """Recipes of a function of one tensor, within an interval and at special points."""
    return [
        lambda t, d: _of(t, name)(d.floats(3, 4, low=low, high=high)),
        lambda t, d: _of(t, name)(d.floats(5, low=low, high=high, dtype="float32")),
        lambda t, d: _of(t, name)(t.tensor(points, dtype=t.float64)),
        lambda t, d: _of(t, name)(d.ints(4, low=0, high=2)),
        lambda t, d: _of(t, name)(d.bools(3)),
        lambda t, d: _of(t, name)(d.choose([1.5, "a"])),
    ]


def _pair(name: str, low: float, high: float) -> list[Any]:
    return [
        lambda t, d: _of(t, name)(d.floats(2, 3, low=low, high=high), d.floats(3, low=low, high=high)),
        lambda t, d: _of(t, name)(d.floats(2, 3, low=low, high=high), d.choose([0.5, 2])),
        lambda t, d: _of(t, name)(d.choose([1.5, 2]), d.floats(3, low=low, high=high)),
        lambda t, d: _of(t, name)(d.ints(3, low=1), d.ints(3, low=1)),
        lambda t, d: _of(t, name)(d.floats(2), d.floats(3)),
    ]


def _polynomial(name: str) -> list[Any]:
    return [
        lambda t, d: _of(t, name)(d.floats(3, 4, low=-0.9, high=0.9, grad=False), d.ints(4, low=0, high=7)),
        lambda t, d: _of(t, name)(d.floats(3, low=0.1, high=0.9, grad=False), d.choose([0, 1, 2, 5, -1])),
        lambda t, d: _of(t, name)(d.choose([0.5, 0.25]), d.ints(4, low=0, high=7)),
        lambda t, d: _of(t, name)(d.floats(3, low=0.1, high=0.9, grad=False, dtype="float32"), 3),
    ]


def _tensors(name: str) -> list[Any]:
    """Recipes of the incomplete gamma functions; PyTorch has no gradient by the first argument."""
    return [
        lambda t, d: _of(t, name)(d.floats(2, 4, low=0.1, high=6, grad=False), d.floats(4, low=0.1, high=9)),
        lambda t, d: _of(t, name)(
            d.floats(4, low=10, high=60, grad=False), d.floats(4, low=10, high=60, grad=False)
        ),
        lambda t, d: _of(t, name)(
            t.tensor([0.0, 1.0, 2.0, 1.0, 0.0, -1.0]), t.tensor([1.0, 0.0, INF, -1.0, 0.0, 1.0])
        ),
        lambda t, d: _of(t, name)(
            d.floats(4, low=0.1, high=6, grad=False, dtype="float32"),
            d.floats(4, low=0.1, high=9, grad=False, dtype="float32"),
        ),
        lambda t, d: _of(t, name)(d.ints(3, low=1), d.ints(3, low=1)),
    ]


UNARY: dict[str, tuple[float, ...]] = {
    "lgamma": (0.05, 30, 0.0, 1.0, 2.0, -1.0, -0.5, -7.3, INF, -INF, NAN, 1e5, 1e-5),
    "digamma": (0.05, 30, 0.0, -0.0, 1.0, -1.0, -0.5, -7.3, INF, NAN, 1e5),
    "erfinv": (-0.99, 0.99, 0.0, 1.0, -1.0, 1.5, NAN, 0.999999, 1e-9),
    "erfc": (-3, 6, 0.0, 10.0, -10.0, INF, -INF, NAN),
    "i0": (-5, 5, 0.0, 14.9, 15.1, -20.0, 80.0),
    "special.i0e": (-5, 5, 0.0, 14.9, 15.1, -20.0, 800.0),
    "special.i1": (-5, 5, 0.0, 14.9, 15.1, -20.0, 80.0),
    "special.i1e": (-5, 5, 0.0, 14.9, 15.1, -20.0, 800.0),
    "special.erfcx": (-2, 20, 0.0, 2.0, 2.1, 100.0),
    "special.ndtr": (-4, 4, 0.0, -8.0, 8.0, INF, -INF),
    "special.log_ndtr": (-9, 4, 0.0, -30.0, 8.0),
    "special.ndtri": (0.001, 0.999, 0.0, 1.0, 0.5, 1e-10, 2.0, -1.0, 0.02),
    "special.entr": (0.1, 3, 0.0, -1.0, 1.0, NAN),
    "special.gammaln": (0.05, 30, 0.0, 1.0),
    "special.psi": (0.05, 30, 1.0),
    "special.digamma": (0.05, 30, 1.0),
    "special.erf": (-2, 2, 0.0),
    "special.erfc": (-2, 2, 0.0),
    "special.erfinv": (-0.9, 0.9, 0.0),
    "special.exp2": (-2, 2, 0.0),
    "special.expit": (-2, 2, 0.0),
    "special.expm1": (-2, 2, 0.0),
    "special.i0": (-2, 2, 0.0),
    "special.log1p": (-0.5, 2, 0.0),
    "special.logit": (0.1, 0.9, 0.5),
    "special.sinc": (-2, 2, 0.0),
}
POLYNOMIALS = [
    *(f"{ahead}chebyshev_polynomial_{kind}" for ahead in ("", "shifted_") for kind in "tuvw"),
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
]

NO_GRADIENT = ["modified_bessel_i0", "modified_bessel_i1", "spherical_bessel_j0"]  # in PyTorch

RECIPES: dict[str, list[Any]] = {
    **{
        f"torch.special.{name}": [
            lambda t, d, name=name: getattr(t.special, name)(d.floats(3, 4, low=-5, high=5, grad=False)),
            lambda t, d, name=name: getattr(t.special, name)(t.tensor([0.0, 15.0, -20.0]).double()),
            lambda t, d, name=name: getattr(t.special, name)(d.ints(3)),
        ]
        for name in NO_GRADIENT
    },
    **{f"torch.{name}": _unary(name, *domain) for name, domain in UNARY.items()},
    **{f"torch.special.{name}": _polynomial(f"special.{name}") for name in POLYNOMIALS},
    "torch.special.xlogy": _pair("special.xlogy", 0.3, 3),
    "torch.special.xlog1py": [
        *_pair("special.xlog1py", 0.3, 3),
        lambda t, d: t.special.xlog1py(t.tensor([0.0, 0.0, 0.0, 1.0]), t.tensor([-1.0, NAN, INF, -1.0])),
    ],
    "torch.special.zeta": [
        lambda t, d: t.special.zeta(
            d.floats(3, low=1.5, high=6, grad=False), d.floats(2, 3, low=0.3, high=5, grad=False)
        ),
        lambda t, d: t.special.zeta(d.choose([2, 3.5]), d.floats(3, low=0.3, grad=False)),
        lambda t, d: t.special.zeta(
            t.tensor([1.0, 0.5, 2.0, 2.0, 3.0, 2.5]), t.tensor([1.0, 1.0, 0.0, -1.0, -1.5, -1.5])
        ),
    ],
    "torch.igamma": _tensors("igamma"),
    "torch.igammac": _tensors("igammac"),
    "torch.special.gammainc": _tensors("special.gammainc"),
    "torch.special.gammaincc": _tensors("special.gammaincc"),
    "torch.polygamma": [
        lambda t, d: t.polygamma(d.choose([0, 1, 2, 3]), d.floats(4, low=0.2, high=9)),
        lambda t, d: d.floats(4, low=0.2, high=9, dtype="float32").polygamma(d.choose([0, 1, 2])),
        lambda t, d: t.polygamma(1, t.tensor([-0.5, -2.3, 3.0]).double()),
        lambda t, d: t.polygamma(-1, d.floats(2)),
        lambda t, d: t.polygamma(1, d.ints(3, low=1)),
    ],
    "torch.special.polygamma": [lambda t, d: t.special.polygamma(2, d.floats(3, low=0.5))],
    "torch.mvlgamma": [
        lambda t, d: t.mvlgamma(d.floats(4, low=2, high=9), d.choose([1, 2, 3, 0])),
        lambda t, d: d.floats(4, low=2, high=9).mvlgamma(p=2),
        lambda t, d: t.mvlgamma(d.ints(3, low=3, high=6), 2),
    ],
    "torch.special.multigammaln": [lambda t, d: t.special.multigammaln(d.floats(4, low=2, high=9), 3)],
    "torch.special.round": [
        lambda t, d: t.special.round(d.floats(3, 4, low=-9, high=9), decimals=d.choose([0, 1]))
    ],
    "torch.special.softmax": [lambda t, d: t.special.softmax(d.floats(2, 3), 1)],
    "torch.special.log_softmax": [lambda t, d: t.special.log_softmax(d.floats(2, 3), 1)],
    "torch.special.logsumexp": [lambda t, d: t.special.logsumexp(d.floats(2, 3), 1)],
    "Tensor.lgamma_": [lambda t, d: (d.floats(3, low=0.5) * 1).lgamma_(), lambda t, d: d.ints(3).lgamma_()],
    "Tensor.digamma_": [lambda t, d: (d.floats(3, low=0.5) * 1).digamma_()],
    "Tensor.erfinv_": [lambda t, d: (d.floats(3, low=-0.9, high=0.9) * 1).erfinv_()],
    "Tensor.i0_": [lambda t, d: (d.floats(3) * 1).i0_()],
    "Tensor.polygamma_": [lambda t, d: (d.floats(3, low=0.5) * 1).polygamma_(1)],
    "Tensor.mvlgamma_": [lambda t, d: (d.floats(3, low=2, high=5) * 1).mvlgamma_(2)],
    "Tensor.igamma_": [
        lambda t, d: d.floats(3, low=0.5, grad=False).igamma_(d.floats(3, low=0.5, grad=False))
    ],
    "Tensor.igammac_": [
        lambda t, d: d.floats(3, low=0.5, grad=False).igammac_(d.floats(3, low=0.5, grad=False))
    ],
}
