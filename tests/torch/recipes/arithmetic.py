"""Functions of two tensors and more, operators, and their forms in place."""

from __future__ import annotations

import operator
from typing import Any

from tests.torch.harness import near

INF, NAN = float("inf"), float("nan")


def _number(d: Any) -> Any:
    return d.choose([2, 0.5, True, -3, 3.0])


def _floats(name: str, low: float = -2.0, high: float = 2.0) -> list[Any]:
    """Recipes of a function of two tensors of floats: broadcast, promoted, wrong shapes and dtypes."""
    return [
        lambda t, d: getattr(t, name)(d.floats(2, 3, low=low, high=high), d.floats(3, low=low, high=high)),
        near(
            lambda t, d: getattr(d.floats(2, 1, low=low, high=high), name)(
                d.floats(3, low=low, high=high, dtype="float32")
            )
        ),
        near(
            lambda t, d: getattr(t, name)(
                d.floats(low=low, high=high), d.floats(2, low=low, high=high, dtype="float32")
            )
        ),
        lambda t, d: getattr(t, name)(d.floats(2, 3), d.floats(4)),
        lambda t, d: getattr(t, name)(d.floats(2, 0), d.floats(1)),
        lambda t, d: getattr(t, name)(d.ints(3), d.ints(3)),
        lambda t, d: getattr(t, name)(d.floats(3), d.ints(3, low=1)),
        lambda t, d: getattr(t, name)(d.bools(3), d.bools(3)),
        lambda t, d: getattr(t, name)(d.floats(3), d.choose([None, "a", [1.0]])),
        lambda t, d: getattr(t, name)(
            d.floats(3, grad=False), d.floats(1, grad=False), out=t.zeros(3).double()
        ),
    ]


def _numbers(name: str) -> list[Any]:
    """Recipes of a function of a tensor and a number, all dtypes."""
    return [
        lambda t, d: getattr(t, name)(d.floats(2, 3, low=0.5, high=3), _number(d)),
        lambda t, d: getattr(d.floats(2, 3, dtype="float32", low=0.5, high=3), name)(_number(d)),
        lambda t, d: getattr(d.ints(4, dtype=d.choose(["int32", "int64"])), name)(_number(d)),
        lambda t, d: getattr(d.ints(4, low=0, dtype="uint8"), name)(d.choose([1, 3, 300, 0.5])),
        lambda t, d: getattr(d.bools(4), name)(_number(d)),
        lambda t, d: getattr(d.bools(4), name)(d.bools(4)),
        lambda t, d: getattr(d.bools(4), name)(d.ints(4, low=1, dtype="uint8")),
        lambda t, d: getattr(t.tensor([1, 2, 3]), name)(d.choose([0, t.tensor(0), t.tensor([1, 0, 2])])),
        lambda t, d: getattr(t.tensor([1.0, -2, INF, NAN, 0]), name)(d.choose([0, 0.0, INF, t.tensor(NAN)])),
        lambda t, d: getattr(t.tensor([7, -7, 7, -7]), name)(t.tensor([2, 2, -2, -2])),
        lambda t, d: getattr(t.tensor([7.5, -7.5, 7.5, -7.5]), name)(t.tensor([2.0, 2, -2, -2])),
    ]


def _in_place(name: str) -> list[Any]:
    return [
        lambda t, d: getattr(d.floats(2, 3, low=0.5, high=3) * 1.0, name)(d.floats(3, low=0.5, high=3)),
        lambda t, d: getattr(d.floats(2, 3, low=0.5, high=3) * 1.0, name)(2.0),
        lambda t, d: getattr(d.ints(4, low=1), name)(d.choose([2, 0.5, True])),
        lambda t, d: getattr(d.ints(4, low=1, dtype="int32"), name)(d.ints(4, low=1)),
        lambda t, d: getattr(d.bools(4), name)(d.choose([2, True, 0.5])),
        lambda t, d: getattr(d.floats(3), name)(d.floats(3)),
        lambda t, d: getattr(d.floats(3, grad=False), name)(d.floats(2, 3, grad=False)),
    ]


def _tensors_in_place(name: str) -> list[Any]:
    """As `_in_place`, of functions that take no numbers."""
    both = _in_place(name)
    return [both[0], *both[3:4], *both[5:]]


def _operator(function: Any) -> list[Any]:
    return [
        lambda t, d: function(d.floats(2, 3, low=0.5, high=3), d.floats(3, low=0.5, high=3)),
        lambda t, d: function(d.floats(2, 3, low=0.5, high=3, dtype="float32"), d.floats(3, low=0.5, high=3)),
        lambda t, d: function(d.any(3), _number(d)),
        lambda t, d: function(_number(d), d.any(3).detach()),
        lambda t, d: function(d.any(3).detach(), d.ints(3, low=1)),
        lambda t, d: function(d.any(3), d.choose(["a", None, [1, 2], {}, object])),
        lambda t, d: function(d.ints(3), 0),
        lambda t, d: function(d.floats(3), d.floats(2)),
        lambda t, d: function(d.floats(3, low=0.5), d.random.uniform(1.0, 2.0)),
        lambda t, d: function(d.ints(3), d.random.integers(1, 4, dtype="int32")),
        near(lambda t, d: function(d.floats(3, low=1, dtype="float32"), d.floats(low=1))),
    ]


FLOAT_PAIRS = {
    "atan2": (0.3, 3),
    "arctan2": (0.3, 3),
    "hypot": (0.3, 3),
    "logaddexp": (-3, 3),
    "logaddexp2": (-3, 3),
    "maximum": (-2, 2),
    "minimum": (-2, 2),
    "fmax": (-2, 2),
    "fmin": (-2, 2),
    "copysign": (-2, 2),
    "ldexp": (-2, 2),
    "float_power": (0.3, 3),
    "xlogy": (0.3, 3),
}
WITH_NUMBERS = [
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "remainder",
    "fmod",
    "divide",
    "true_divide",
    "subtract",
    "multiply",
    "copysign",
    "xlogy",
    "float_power",
]
SIGNS = ["add", "sub", "mul", "truediv", "pow", "mod"]

RECIPES: dict[str, list[Any]] = {
    f"torch.{name}": _floats(name, *domain) for name, domain in FLOAT_PAIRS.items()
}
for _name in WITH_NUMBERS:
    RECIPES.setdefault(f"torch.{_name}", _floats(_name, 0.3, 3)).extend(_numbers(_name))
for _name in WITH_NUMBERS:
    RECIPES[f"Tensor.{_name}_"] = _in_place(f"{_name}_")
for _name in ("atan2", "arctan2", "hypot", "ldexp"):
    RECIPES[f"Tensor.{_name}_"] = _tensors_in_place(f"{_name}_")
for _name in SIGNS:
    RECIPES[f"Tensor.__{_name}__"] = _operator(getattr(operator, _name))
    RECIPES[f"Tensor.__i{_name}__"] = [
        lambda t, d, name=f"i{_name}": getattr(operator, name)(
            d.floats(2, 3, low=0.5) * 1.0, d.floats(3, low=0.5)
        ),
        lambda t, d, name=f"i{_name}": getattr(operator, name)(
            d.any(3).detach(), d.choose([2, 1.5, "a", None])
        ),
        lambda t, d, name=f"i{_name}": getattr(operator, name)(d.floats(3), 2),
    ]


def _whole(x: Any) -> Any:
    """x outside the graph: a rounded quotient has no gradient there."""
    return x.detach()


RECIPES["torch.floor_divide"] = [
    lambda t, d, recipe=recipe: _whole(recipe(t, d)) for recipe in _numbers("floor_divide")
]
RECIPES["Tensor.__floordiv__"] = [
    lambda t, d, recipe=recipe: _whole(recipe(t, d)) for recipe in _operator(operator.floordiv)
]
RECIPES["Tensor.floor_divide_"] = [
    lambda t, d: d.floats(2, 3, grad=False, low=0.5).floor_divide_(d.choose([2, 0.7])),
    lambda t, d: operator.ifloordiv(d.ints(4), d.choose([3, 2.5, 0])),
]
RECIPES["torch.div"] += [
    lambda t, d: t.div(d.any(4).detach(), d.choose([3, -3, 0.7]), rounding_mode=d.choose(["floor", "trunc"])),
    lambda t, d: d.floats(2, 3).div(d.floats(3, low=0.5), rounding_mode=d.choose(["floor", "trunc"])),
    lambda t, d: t.div(
        d.ints(4), d.ints(4, low=-3, high=4), rounding_mode=d.choose(["floor", "trunc", "what"])
    ),
]
RECIPES["Tensor.div_"].append(
    lambda t, d: d.ints(4).div_(3, rounding_mode=d.choose(["floor", "trunc", None]))
)
RECIPES["torch.pow"] += [
    lambda t, d: t.pow(d.choose([2, 2.0, 0.5]), d.any(3)),
    lambda t, d: t.pow(d.ints(4, low=-2, high=3), d.ints(4, low=-2, high=4)),
    lambda t, d: d.ints(4).pow(d.choose([-1, 2, 0.5])),
    lambda t, d: d.floats(4).pow(d.choose([2, 3, 0, 1, -1])),
    lambda t, d: t.pow(2, 3),
]
RECIPES["torch.add"] += [
    lambda t, d: t.add(d.floats(2, grad=False), 1, out=d.choose([t.zeros(2).long(), t.zeros(3), t.zeros(2)])),
    lambda t, d: t.add(d.floats(2), 1, out=t.zeros(2).double()),
    lambda t, d: t.add(d.floats(2, 3), d.floats(3), alpha=0.5),
    lambda t, d: d.any(3).detach().add(d.any(3).detach(), alpha=d.choose([2, 0.5, True])),
    lambda t, d: t.add(d.floats(2, 3), d.floats(3), alpha=d.choose([t.tensor(2.0), 3])),
]
RECIPES["torch.sub"] += [
    lambda t, d: t.sub(d.floats(2, 3), d.floats(3), alpha=0.5),
    lambda t, d: d.ints(3).sub(2, alpha=d.choose([2, 0.5, True])),
]
RECIPES["Tensor.div_"].append(
    lambda t, d: d.floats(4, grad=False).div_(d.floats(4, low=0.5, grad=False), rounding_mode="floor")
)
RECIPES["Tensor.mul_"].append(lambda t, d: d.floats(4, grad=False).mul_(d.floats(4, grad=False), alpha=2))
RECIPES["Tensor.sub_"].append(lambda t, d: d.floats(4, grad=False).sub_(d.floats(4, grad=False), alpha=2))
RECIPES["Tensor.add_"].append(lambda t, d: (d.floats(3) * 1).add_(d.floats(3), alpha=-0.5))
RECIPES |= {
    "torch.rsub": [
        lambda t, d: t.rsub(d.any(3), d.choose([1, 2.5])),
        lambda t, d: t.rsub(d.floats(3), d.floats(2, 3), alpha=0.5),
    ],
    "torch.addcmul": [
        lambda t, d: t.addcmul(d.floats(3, 4), d.floats(4), d.floats(3, 1), value=d.choose([1, 0.5, -2])),
        lambda t, d: t.addcmul(d.ints(3), d.ints(3), d.ints(3), value=d.choose([1, 2, 1.5])),
        lambda t, d: d.floats(3, dtype="float32").addcmul(d.floats(3), d.ints(3)),
        lambda t, d: d.bools(3).addcmul(d.bools(3), d.bools(3)),
        lambda t, d: t.addcmul(d.floats(3), 2.0, d.floats(3)),
    ],
    "Tensor.addcmul_": [
        lambda t, d: (d.floats(3, 4) * 1).addcmul_(d.floats(4), d.floats(3, 1), value=0.5),
        lambda t, d: d.ints(3).addcmul_(d.floats(3), d.ints(3)),
    ],
    "torch.addcdiv": [
        lambda t, d: t.addcdiv(
            d.floats(3, 4), d.floats(4), d.floats(3, 1, low=0.5), value=d.choose([1, 0.5])
        ),
        lambda t, d: t.addcdiv(d.any(3), d.ints(3), d.ints(3, low=1)),
        lambda t, d: t.addcdiv(d.floats(3, grad=False), d.floats(3, grad=False), d.ints(3, low=1)),
    ],
    "Tensor.addcdiv_": [
        lambda t, d: (d.floats(3, 4) * 1).addcdiv_(d.floats(4), d.floats(3, 1, low=0.5), value=-2)
    ],
    "torch.lerp": [
        lambda t, d: t.lerp(d.floats(3, 4), d.floats(4), d.choose([0.3, 1, 0.0])),
        lambda t, d: t.lerp(d.floats(3, 4), d.floats(4), d.floats(3, 1)),
        lambda t, d: d.floats(3).lerp(d.floats(3, dtype="float32"), 0.5),
        lambda t, d: d.ints(3).lerp(d.ints(3), 0.5),
        lambda t, d: d.floats(3).lerp(d.floats(3), d.ints(3)),
    ],
    "Tensor.lerp_": [lambda t, d: (d.floats(3, 4) * 1).lerp_(d.floats(4), 0.25)],
    "torch.clamp": [
        lambda t, d: t.clamp(
            d.floats(3, 4), *d.choose([(-1, 1), (None, 0.5), (0.1,), (1, -1), (None, None)])
        ),
        lambda t, d: t.clamp(d.ints(3, 4), *d.choose([(-1, 1), (None, 0.5), (True,)])),
        lambda t, d: d.floats(3, 4).clamp(min=d.floats(4), max=d.choose([None, d.floats(3, 1)])),
        lambda t, d: d.floats(3, dtype="float32").clamp(min=d.floats(3)),
        lambda t, d: t.clamp(t.tensor([0.0, 1.0, 0.5, NAN], requires_grad=True), 0, 1),
        lambda t, d: d.bools(3).clamp(0, 1),
        lambda t, d: d.floats(3).clamp(NAN, 1),
        lambda t, d: d.ints(3, low=0, dtype="uint8").clamp(1, 2),
    ],
    "torch.clip": [lambda t, d: t.clip(d.any(3), 0, 1), lambda t, d: d.floats(3).clip(max=1)],
    "torch.clamp_min": [
        lambda t, d: t.clamp_min(d.any(3), d.choose([1, 0.5])),
        lambda t, d: d.floats(3).clamp_min(d.floats(3)),
    ],
    "torch.clamp_max": [
        lambda t, d: t.clamp_max(d.any(3), d.choose([1, 0.5])),
        lambda t, d: d.floats(3).clamp_max(d.floats(3)),
    ],
    "Tensor.clamp_": [
        lambda t, d: (d.floats(3, 4) * 1).clamp_(-1, 1),
        lambda t, d: d.ints(3).clamp_(d.choose([0, 0.5])),
        lambda t, d: (d.floats(3) * 1).clamp_(min=d.floats(3)),
    ],
    "Tensor.clip_": [lambda t, d: (d.floats(3, 4) * 1).clip_(max=1)],
    "Tensor.clamp_min_": [
        lambda t, d: (d.floats(3) * 1).clamp_min_(0.5),
        lambda t, d: d.ints(3).clamp_min_(0.5),
    ],
    "Tensor.clamp_max_": [lambda t, d: (d.floats(3) * 1).clamp_max_(0.5)],
    "torch.heaviside": [
        lambda t, d: t.heaviside(t.tensor([-1.0, 0, 2, NAN, INF]), t.tensor(0.5)),
        lambda t, d: d.ints(4).heaviside(d.ints(1)),
        lambda t, d: t.heaviside(d.floats(3), d.ints(3)),
        lambda t, d: t.heaviside(d.bools(3), d.bools(3)),
    ],
    "Tensor.heaviside_": [lambda t, d: d.ints(4).heaviside_(d.ints(1))],
    "torch.nextafter": [
        lambda t, d: t.nextafter(d.floats(3, grad=False), d.floats(2, 3, grad=False)),
        lambda t, d: t.nextafter(d.floats(3, grad=False, dtype="float32"), t.tensor(INF)),
        lambda t, d: t.nextafter(d.ints(3), d.ints(3)),
    ],
    "Tensor.nextafter_": [lambda t, d: d.floats(3, grad=False).nextafter_(t.tensor(0.0).double())],
    "torch.gcd": [
        lambda t, d: t.gcd(d.ints(4, low=-20, high=20), d.ints(4)),
        lambda t, d: d.ints(3).gcd(d.ints(2, 3, dtype="int32")),
        lambda t, d: t.gcd(d.ints(3), 6),
        lambda t, d: t.gcd(d.bools(3), d.bools(3)),
        lambda t, d: t.gcd(d.floats(3), d.floats(3)),
    ],
    "torch.lcm": [
        lambda t, d: t.lcm(d.ints(4, low=-20, high=20), d.ints(4)),
        lambda t, d: d.ints(3).lcm(d.ints(2, 3, dtype="int32")),
    ],
    "Tensor.gcd_": [lambda t, d: d.ints(4, low=-20, high=20).gcd_(d.ints(4))],
    "Tensor.lcm_": [lambda t, d: d.ints(4, low=-20, high=20).lcm_(d.ints(4))],
    "Tensor.__neg__": [lambda t, d: -d.any(3)],
    "Tensor.__pos__": [lambda t, d: +d.any(3)],
    "Tensor.__abs__": [lambda t, d: abs(d.any(3))],
}
RECIPES["torch.xlogy"] += [
    lambda t, d: t.xlogy(t.tensor([0.0, 0.0, 0.0, 1.0, 0.0]), t.tensor([0.0, -1.0, NAN, 0.0, INF])),
    lambda t, d: t.xlogy(2.0, d.floats(3, low=0.1)),
    lambda t, d: t.xlogy(t.tensor([0.0, 0.0], requires_grad=True), t.tensor([0.0, 2.0])),
]
RECIPES["torch.maximum"] += [
    lambda t, d: t.maximum(d.floats(3), 1.0),
    lambda t, d: t.maximum(t.tensor([NAN, 1.0]), t.tensor([1.0, NAN])),
    lambda t, d: t.maximum(t.ones(2, requires_grad=True), t.ones(2, requires_grad=True)),
]
RECIPES["torch.fmax"].append(lambda t, d: t.fmax(t.tensor([NAN, 1.0, NAN]), t.tensor([1.0, NAN, NAN])))
RECIPES["torch.fmin"].append(lambda t, d: t.fmin(t.tensor([NAN, 1.0, NAN]), t.tensor([1.0, NAN, NAN])))
RECIPES["torch.copysign"] += [lambda t, d: t.copysign(t.tensor([0.0, 1.0, -0.0]), d.choose([-0.0, 0.0, -1]))]
RECIPES["torch.ldexp"] += [lambda t, d: t.ldexp(d.floats(3), d.ints(3, low=0))]
