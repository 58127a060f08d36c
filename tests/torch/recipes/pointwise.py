"""Functions of one tensor that work element by element, and their forms in place."""

from __future__ import annotations

from typing import Any

from tests.torch.harness import near

INF, NAN = float("inf"), float("nan")


def _special(t: Any, dtype: str = "float64") -> Any:
    return t.tensor([0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 2.5, -2.5], dtype=getattr(t, dtype))


def _unary(name: str, low: float = -2.0, high: float = 2.0) -> list[Any]:
    """Recipes of torch.name and the method: all dtypes, within its domain and outside."""
    return [
        lambda t, d: getattr(t, name)(d.floats(*d.shape(), low=low, high=high)),
        lambda t, d: getattr(t, name)(d.floats(2, 3, low=low, high=high, dtype="float32")),
        lambda t, d: getattr(d.floats(2, 3, low=low, high=high), name)(),
        lambda t, d: getattr(t, name)(d.ints(3, 2)),
        lambda t, d: getattr(t, name)(input=d.ints(4, low=0, high=3, dtype=d.choose(["int32", "uint8"]))),
        lambda t, d: getattr(t, name)(d.bools(3)),
        lambda t, d: getattr(t, name)(_special(t, d.choose(["float32", "float64"]))),
        lambda t, d: getattr(t, name)(d.choose([1.5, 2, "a", None])),
        lambda t, d: getattr(t, name)(d.floats(3, low=low, high=high, grad=False), out=t.zeros(3).double()),
    ]


def _in_place(name: str, low: float = -2.0, high: float = 2.0) -> list[Any]:
    """Recipes of the method with an underscore: in the graph, outside, and where the dtype does not fit."""
    return [
        lambda t, d: getattr(d.floats(2, 3, low=low, high=high) * 1.0, name)(),
        lambda t, d: getattr(d.floats(2, 3, low=low, high=high, grad=False), name)(),
        lambda t, d: getattr(d.ints(3, low=1), name)(),
        lambda t, d: getattr(d.bools(3), name)(),
        lambda t, d: getattr(d.floats(3, low=low, high=high), name)(),
    ]


# Each name with the interval that its arguments are from.
DOMAINS: dict[str, tuple[float, float]] = {
    "exp": (-2, 2),
    "exp2": (-2, 2),
    "expm1": (-2, 2),
    "log": (0.1, 3),
    "log2": (0.1, 3),
    "log10": (0.1, 3),
    "log1p": (-0.9, 3),
    "sqrt": (0.1, 3),
    "rsqrt": (0.1, 3),
    "reciprocal": (0.2, 3),
    "sin": (-4, 4),
    "cos": (-4, 4),
    "tan": (-1, 1),
    "asin": (-0.9, 0.9),
    "acos": (-0.9, 0.9),
    "atan": (-3, 3),
    "sinh": (-2, 2),
    "cosh": (-2, 2),
    "tanh": (-2, 2),
    "asinh": (-2, 2),
    "acosh": (1.1, 3),
    "atanh": (-0.9, 0.9),
    "arcsin": (-0.9, 0.9),
    "arccos": (-0.9, 0.9),
    "arctan": (-3, 3),
    "arcsinh": (-2, 2),
    "arccosh": (1.1, 3),
    "arctanh": (-0.9, 0.9),
    "sigmoid": (-4, 4),
    "erf": (-2, 2),
    "erfc": (-3, 6),
    "abs": (-2, 2),
    "absolute": (-2, 2),
    "neg": (-2, 2),
    "negative": (-2, 2),
    "sign": (-2, 2),
    "sgn": (-2, 2),
    "relu": (-2, 2),
    "square": (-2, 2),
    "deg2rad": (-90, 90),
    "rad2deg": (-3, 3),
    "sinc": (-3, 3),
    "floor": (-9, 9),
    "ceil": (-9, 9),
    "trunc": (-9, 9),
    "fix": (-9, 9),
    "frac": (-9, 9),
    "round": (-9, 9),
    "nan_to_num": (-2, 2),
}
ALONE = {"positive": (-2, 2), "angle": (-2, 2)}  # without a form in place

RECIPES: dict[str, list[Any]] = {
    **{f"torch.{name}": _unary(name, *domain) for name, domain in {**DOMAINS, **ALONE}.items()},
    **{f"Tensor.{name}_": _in_place(f"{name}_", *domain) for name, domain in DOMAINS.items()},
}
for _name in ("asinh", "acosh", "atanh", "arcsinh", "arccosh", "arctanh", "sgn"):
    del RECIPES[f"Tensor.{_name}_"][0]  # PyTorch has no gradient of these
RECIPES["torch.sgn"] = RECIPES["torch.sgn"][3:]  # and here one that cannot be read
for _name in ("relu", "positive"):
    del RECIPES[f"torch.{_name}"][-1]  # no out=
RECIPES["torch.round"] += [
    lambda t, d: t.round(d.floats(3, 4, low=-99, high=99), decimals=d.choose([0, 1, 2, -1])),
    lambda t, d: d.floats(3).round(decimals=2),
    lambda t, d: t.round(t.tensor([0.5, 1.5, 2.5, -0.5])),
    lambda t, d: t.round(d.ints(3), decimals=1),
]
RECIPES["torch.nan_to_num"] += [
    lambda t, d: t.nan_to_num(
        _special(t), nan=d.choose([None, 3.0]), posinf=d.choose([None, 9.0]), neginf=-7.0
    )
]
RECIPES |= {
    f"torch.{name}_": [
        lambda t, d, name=name: getattr(t, f"{name}_")(d.floats(3, low=0.2, high=0.8, grad=False)),
        lambda t, d, name=name: getattr(t, f"{name}_")(d.floats(3)),
    ]
    for name in DOMAINS
    if name not in ("absolute", "sgn", "sign")
}
RECIPES |= {
    "torch.clamp_max_": [lambda t, d: t.clamp_max_(d.ints(3), 1)],
    "torch.clamp_min_": [lambda t, d: t.clamp_min_(d.ints(3), 1)],
    "torch.clip_": [lambda t, d: t.clip_(d.floats(3, grad=False), max=0.5)],
    "torch.conj_physical_": [lambda t, d: t.conj_physical_(d.ints(3))],
    "Tensor.conj_physical_": [lambda t, d: d.floats(3, grad=False).conj_physical_()],
    "torch.gcd_": [lambda t, d: t.gcd_(d.ints(3), d.ints(3))],
    "torch.lcm_": [lambda t, d: t.lcm_(d.ints(3), d.ints(3))],
    "torch.i0_": [lambda t, d: t.i0_(d.floats(3, grad=False))],
    "torch.ldexp_": [lambda t, d: t.ldexp_(d.floats(3, grad=False), d.ints(3, low=0))],
    "torch.logit_": [lambda t, d: t.logit_(d.floats(3, low=0.1, high=0.9, grad=False), 0.2)],
    "torch.zero_": [lambda t, d: t.zero_(d.ints(3))],
    "torch.fill_": [lambda t, d: t.fill_(d.ints(3), 2)],
    "torch.clamp_": [lambda t, d: t.clamp_(d.ints(3), 0, 2)],
    "torch.xlogy_": [lambda t, d: t.xlogy_(d.floats(3, grad=False), d.floats(3, low=0.5, grad=False))],
    "Tensor.apply_": [
        lambda t, d: d.floats(2, 3, grad=False).apply_(lambda x: x * 2 + 1),
        lambda t, d: d.floats(3).apply_(lambda x: x),
    ],
    "Tensor.map_": [
        lambda t, d: d.floats(2, 3, grad=False).map_(d.floats(2, 3, grad=False), lambda x, y: x + 2 * y)
    ],
    "Tensor.map2_": [
        lambda t, d: d.floats(3, grad=False).map2_(
            d.floats(3, grad=False), d.floats(3, grad=False), lambda x, y, z: x + y * z
        )
    ],
    "torch.signbit": [
        lambda t, d: t.signbit(d.any(2, 3)),
        lambda t, d: _special(t)[:6].signbit(),
        lambda t, d: d.floats(3, grad=False).signbit(),
    ],
    "torch.logit": [
        lambda t, d: t.logit(d.floats(3, 4, low=0.05, high=0.95)),
        lambda t, d: t.logit(d.floats(3, 4, low=-0.5, high=1.5), d.choose([0.1, 0.3])),
        lambda t, d: d.floats(3, low=0.1, high=0.9, dtype="float32").logit(eps=1e-3),
        lambda t, d: t.logit(t.tensor([0.0, 1.0, 2.0, -1.0])),
        lambda t, d: t.logit(d.bools(3)),
    ],
    "Tensor.logit_": [
        lambda t, d: (d.floats(3, low=0.1, high=0.9) * 1).logit_(),
        lambda t, d: d.ints(2).logit_(),
    ],
    "torch.frexp": [
        lambda t, d: t.frexp(d.floats(3, 4, low=-1000, high=1000)),
        lambda t, d: t.frexp(t.tensor([0.0, 1.0, -8.0, 1e-30])),
        lambda t, d: t.frexp(d.ints(3)),
        lambda t, d: d.floats(3).frexp().mantissa,
    ],
    "torch.softmax": [
        lambda t, d: t.softmax(d.floats(2, 3, 4), d.choose([0, 1, -1, 3])),
        lambda t, d: t.softmax(d.floats(2, 3, dtype="float32"), dim=1, dtype=t.float64),
        lambda t, d: d.floats(3, 4).softmax(-1),
        lambda t, d: d.floats().softmax(0),
        lambda t, d: t.softmax(d.ints(3), 0),
        lambda t, d: t.softmax(d.ints(3), 0, dtype=t.float32),
        lambda t, d: t.softmax(d.floats(0, 3), 0),
    ],
    "torch.log_softmax": [
        lambda t, d: t.log_softmax(d.floats(2, 3, 4) * 50, d.choose([0, 1, -1, 3])),
        near(lambda t, d: d.floats(3, 4).log_softmax(dim=1, dtype=t.float32)),
        lambda t, d: t.log_softmax(d.bools(3), 0),
    ],
    "torch.conj": [lambda t, d: t.conj(d.any(3)), lambda t, d: d.floats(3).conj()],
    "torch.conj_physical": [lambda t, d: t.conj_physical(d.any(3)), lambda t, d: d.floats(3).conj_physical()],
    "torch.real": [lambda t, d: t.real(d.any(3))],
    "Tensor.zero_": [
        lambda t, d: (d.floats(3) * 1).zero_(),
        lambda t, d: d.any(2, 2).detach().zero_(),
        lambda t, d: d.floats(3).zero_(),
    ],
    "Tensor.fill_": [
        lambda t, d: (d.floats(3) * 1).fill_(2.5),
        lambda t, d: d.any(2, 2).detach().fill_(d.choose([0, 3, 1.5, True])),
        lambda t, d: d.ints(3).fill_(d.floats().detach() * 5),
        lambda t, d: (d.floats(3) * 1).fill_(d.floats()),
        lambda t, d: d.ints(3).fill_(d.ints(3)),
    ],
    "torch.fill": [lambda t, d: t.fill(d.any(2, 3), d.choose([2, 2.5]))],
    "Tensor.copy_": [
        lambda t, d: (d.floats(2, 3) * 1).copy_(d.floats(3)),
        lambda t, d: d.any(2, 3).detach().copy_(d.ints(2, 3), non_blocking=True),
        lambda t, d: d.ints(2, 3).copy_(d.floats(2, 3, grad=False)),
        lambda t, d: d.ints(2, 3).copy_(d.ints(2, 4)),
        lambda t, d: d.floats(2).copy_(d.floats(2)),
        lambda t, d: d.ints(2).copy_(d.choose([3, None])),
    ],
}
