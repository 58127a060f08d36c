"""torch.nn.functional: activations, softmax and what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Recipe = Callable[[Any, Any], Any]


def _floats(d: Any) -> Any:
    return d.floats(*d.shape(), low=-4.0, high=4.0, dtype=d.choose(["float64", "float32"]))


def _plain(name: str, *options: dict[str, Any], ints: bool = True) -> list[Recipe]:
    """Recipes for an activation: drawn shapes, each set of options, integers."""

    def of(given: dict[str, Any]) -> Recipe:
        return lambda t, d: getattr(t.nn.functional, name)(_floats(d), **given)

    found = [of({}), *map(of, options)]
    return [*found, lambda t, d: getattr(t.nn.functional, name)(d.ints(3))] if ints else found


def _inplace(name: str, *args: Any) -> list[Recipe]:
    """Recipes for an activation that changes its input."""

    def changed(t: Any, d: Any) -> Any:
        x = d.floats(2, 3, low=-4.0, high=4.0) * 1.5
        y = getattr(t.nn.functional, name)(x, *args, inplace=True)
        return [y is x, x * 2]

    def under(t: Any, d: Any) -> Any:
        x = d.floats(4, low=-4.0, high=4.0, grad=False)
        y = getattr(t.nn.functional, f"{name}_")(x, *args)
        return [y is x, x]

    def leaf(t: Any, d: Any) -> Any:
        return getattr(t.nn.functional, name)(d.floats(3), *args, inplace=True)

    kept = ("relu", "leaky_relu", "elu", "celu", "selu", "hardtanh", "threshold", "rrelu")
    return [changed, leaf, *([under] if name in kept else [])]


def _kinks(name: str, *points: float) -> Recipe:
    """Gradients where the function has a kink."""

    def at(t: Any, d: Any) -> Any:
        x = t.tensor([*points, 0.0], dtype=t.float64, requires_grad=True)
        d.leaves.append(x)
        return getattr(t.nn.functional, name)(x)

    return at


def _loose(recipes: list[Recipe]) -> list[Recipe]:
    """The recipes, for a function whose constants PyTorch rounds to float32."""
    for recipe in recipes:
        recipe.tolerance = 1e-6  # type: ignore[attr-defined]
    return recipes


def _gumbel(t: Any, d: Any) -> Any:
    x = d.floats(5, 4, grad=False)
    hard, soft = t.nn.functional.gumbel_softmax(x, hard=True), t.nn.functional.gumbel_softmax(x, 0.5, dim=0)
    ones = ((hard == 0) | ((hard - 1).abs() < 1e-9)).sum()
    return [ones, hard.sum(-1), soft.sum(0), soft.shape, bool((soft >= 0).all())]


def _gumbel_gradient(t: Any, d: Any) -> Any:
    x = d.floats(3, 4)
    d.leaves.clear()
    t.nn.functional.gumbel_softmax(x, hard=True).sum().backward()
    return [x.grad.shape, bool(x.grad.abs().max() < 1e-6)]


def _drawn_slopes(t: Any, d: Any) -> Any:
    x = d.floats(50, low=-2.0, high=-1.0, grad=False)
    y = t.nn.functional.rrelu(x, 0.2, 0.4, training=True) / x
    return [bool(((y >= 0.2) & (y <= 0.4)).all()), bool(y.std() > 0.01)]


_SOFT = {
    f"torch.nn.functional.{name}": [
        lambda t, d, f=name: getattr(t.nn.functional, f)(d.floats(3, 4), dim=d.choose([0, 1, -1, -2])),
        lambda t, d, f=name: getattr(t.nn.functional, f)(d.floats(2, 3, 4, dtype="float32"), 1),
        lambda t, d, f=name: getattr(t.nn.functional, f)(d.floats(3), 0, dtype=t.float64),
        lambda t, d, f=name: getattr(t.nn.functional, f)(d.ints(3), 0, dtype=t.float32),
        lambda t, d, f=name: getattr(t.nn.functional, f)(d.floats(), d.choose([0, -1])),
        lambda t, d, f=name: getattr(t.nn.functional, f)(d.floats(*d.shape(d.whole(1, 4), least=1))),
        lambda t, d, f=name: getattr(t.nn.functional, f)(d.floats(2, 3), 2),
        lambda t, d, f=name: getattr(t.nn.functional, f)(d.ints(3), 0),
        lambda t, d, f=name: getattr(t.nn.functional, f)(d.floats(0, 3), 1),
    ]
    for name in ("softmax", "log_softmax", "softmin")
}

RECIPES: dict[str, list[Any]] = {
    "torch.nn.functional.relu": [*_plain("relu"), *_inplace("relu"), _kinks("relu")],
    "torch.nn.functional.relu6": [*_plain("relu6"), *_inplace("relu6"), _kinks("relu6", 6.0)],
    "torch.nn.functional.leaky_relu": [
        *_plain("leaky_relu", {"negative_slope": 0.2}),
        *_inplace("leaky_relu", 0.3),
        _kinks("leaky_relu"),
    ],
    "torch.nn.functional.elu": [*_plain("elu", {"alpha": 0.5}), *_inplace("elu", 0.5), _kinks("elu")],
    "torch.nn.functional.celu": [*_plain("celu", {"alpha": 0.5}), *_inplace("celu", 2.0), _kinks("celu")],
    "torch.nn.functional.selu": [*_plain("selu"), *_inplace("selu")],
    "torch.nn.functional.silu": [*_plain("silu"), *_inplace("silu")],
    "torch.nn.functional.mish": [*_plain("mish"), *_inplace("mish")],
    "torch.nn.functional.gelu": _plain("gelu", {"approximate": "tanh"}, {"approximate": "no"}),
    "torch.nn.functional.glu": [
        lambda t, d: t.nn.functional.glu(d.floats(2, 4), d.choose([-1, 1])),
        lambda t, d: t.nn.functional.glu(d.floats(2, 4), 0),
        lambda t, d: t.nn.functional.glu(d.floats(2, 3)),
        lambda t, d: t.nn.functional.glu(d.floats()),
    ],
    "torch.nn.functional.tanh": _plain("tanh"),
    "torch.nn.functional.sigmoid": _plain("sigmoid"),
    "torch.nn.functional.logsigmoid": _plain("logsigmoid"),
    "torch.nn.functional.softplus": _plain("softplus", {"beta": 2}, {"beta": 0.5, "threshold": 1}),
    "torch.nn.functional.hardtanh": [
        *_plain("hardtanh", {"min_val": -2.0, "max_val": 0.5}, {"min_val": 1.0, "max_val": 0.0}),
        *_inplace("hardtanh", -0.5, 0.5),
        _kinks("hardtanh", -1.0, 1.0),
    ],
    "torch.nn.functional.hardsigmoid": _loose(
        [*_plain("hardsigmoid"), *_inplace("hardsigmoid"), _kinks("hardsigmoid", -3.0, 3.0)]
    ),
    "torch.nn.functional.hardswish": [
        *_plain("hardswish"),
        *_inplace("hardswish"),
        _kinks("hardswish", -3.0, 3.0),
    ],
    "torch.nn.functional.hardshrink": [
        *_plain("hardshrink", {"lambd": 1.0}),
        _kinks("hardshrink", 0.5, -0.5),
    ],
    "torch.nn.functional.softshrink": [
        *_plain("softshrink", {"lambd": 1.0}, {"lambd": -1.0}),
        _kinks("softshrink", 0.5, -0.5),
    ],
    "torch.nn.functional.softsign": _plain("softsign"),
    "torch.nn.functional.tanhshrink": _plain("tanhshrink"),
    "torch.nn.functional.threshold": [
        lambda t, d: t.nn.functional.threshold(d.floats(3, 4), 0.5, d.number()),
        lambda t, d: t.nn.functional.threshold(d.ints(5), 1, 7),
        *_inplace("threshold", 0.1, 20.0),
    ],
    "torch.nn.functional.prelu": [
        lambda t, d: t.nn.functional.prelu(d.floats(2, 3), d.floats(3)),
        lambda t, d: t.nn.functional.prelu(d.floats(2, 3, 2), d.floats(1)),
        lambda t, d: t.nn.functional.prelu(d.floats(2, 3), d.floats(2)),
        lambda t, d: t.nn.functional.prelu(d.floats(2, 3), d.floats(3, dtype="float32")),
    ],
    "torch.nn.functional.rrelu": [
        *_plain("rrelu", {"lower": 0.1, "upper": 0.9}),
        *_inplace("rrelu"),
        _drawn_slopes,
    ],
    **_SOFT,
    "torch.nn.functional.gumbel_softmax": [_gumbel, _gumbel_gradient],
}
for _name in ("relu", "leaky_relu", "elu", "celu", "selu", "hardtanh", "rrelu"):
    RECIPES[f"torch.nn.functional.{_name}_"] = _inplace(_name)
RECIPES["torch.nn.functional.threshold_"] = _inplace("threshold", 0.1, 2.0)
