"""The largest and the smallest, and the middle."""

from __future__ import annotations

from typing import Any

NAN = float("nan")


def _some_nan(t: Any, d: Any, *shape: int) -> Any:
    return t.where(d.bools(*shape), t.tensor(NAN, dtype=t.float64), d.distinct(*shape))


def _named(function: str) -> list[Any]:
    """Recipes of a function whose result along a dimension is (values, indices)."""
    return [
        lambda t, d: getattr(t, function)(
            d.distinct(2, 3, 4), d.choose([0, 1, -1, 3]), d.choose([False, True])
        ),
        lambda t, d: getattr(d.distinct(2, 4), function)(dim=1, keepdim=True).values,
        lambda t, d: getattr(d.distinct(2, 4), function)(1).indices,
        lambda t, d: getattr(t.tensor(3.0), function)(d.choose([0, -1, 1])),
        lambda t, d: getattr(d.floats(2, 0), function)(d.choose([0, 1])),
        lambda t, d: getattr(t.cat([_some_nan(t, d, 3, 5), d.distinct(3, 1)], 1), function)(1),
        lambda t, d: getattr(t, function)(d.ints(3, 4, low=-20, high=20), axis=0),
    ]


def _full(function: str) -> list[Any]:
    return [
        lambda t, d: getattr(t, function)(d.distinct(2, 3)),
        lambda t, d: getattr(d.ints(2, 3), function)(),
        lambda t, d: getattr(d.bools(2, 3), function)(),
        lambda t, d: getattr(t, function)(d.floats()),
        lambda t, d: getattr(t, function)(_some_nan(t, d, 4).detach()),
        lambda t, d: getattr(t, function)(1.0),
    ]


def _extreme(function: str) -> list[Any]:
    return [
        *_named(function),
        *_full(function),
        lambda t, d: getattr(t, function)(d.any(2, 3), d.any(3)),
        lambda t, d: getattr(d.floats(3), function)(other=d.floats(3)),
        lambda t, d: getattr(t, function)(d.floats(0)),
        lambda t, d: getattr(t, function)(t.tensor([1.0, 2.0, 2.0, 1.0], requires_grad=True)),
        lambda t, d: getattr(d.bools(3, 4), function)(0),
        lambda t, d: getattr(t, function)(
            d.floats(3, 4, grad=False), 1, out=(t.tensor([0.0]).double(), t.tensor([0]))
        ),
    ]


def _over_dims(function: str) -> list[Any]:
    return [
        *_full(function),
        lambda t, d: getattr(t, function)(d.distinct(2, 3, 4), d.choose([0, -1, (0, 2), (), 3, (0, 0)])),
        lambda t, d: getattr(d.ints(3, 4), function)(1, True),
        lambda t, d: getattr(d.floats(2, 0), function)(d.choose([0, 1, ()])),
        lambda t, d: getattr(d.distinct(3, 4), function)(dim=(0, 1), keepdim=True),
    ]


def _place(function: str) -> list[Any]:
    return [
        *_full(function),
        lambda t, d: getattr(t, function)(
            d.ints(3, 4), d.choose([0, 1, -1, 2, None]), d.choose([False, True])
        ),
        lambda t, d: getattr(t, function)(_some_nan(t, d, 3, 4), dim=1, keepdim=True),
        lambda t, d: getattr(d.floats(2, 0), function)(d.choose([None, 0, 1])),
        lambda t, d: getattr(d.floats(), function)(d.choose([0, -1, 1])),
    ]


def _running(function: str) -> list[Any]:
    return [
        lambda t, d: getattr(t, function)(d.distinct(3, 5), d.choose([0, 1, -1, 2])),
        lambda t, d: getattr(d.ints(3, 5), function)(1),
        lambda t, d: getattr(d.floats(), function)(0),
        lambda t, d: getattr(_some_nan(t, d, 3, 5), function)(1).values,
    ]


def _quantile(function: str) -> list[Any]:
    kinds = ["linear", "lower", "higher", "nearest", "midpoint", "what"]
    return [
        lambda t, d: getattr(t, function)(d.distinct(3, 5), d.choose([0.0, 0.3, 0.5, 1.0, 1.5])),
        lambda t, d: getattr(t, function)(
            d.distinct(3, 5),
            t.tensor([0.1, 0.7]).double(),
            d.choose([None, 0, 1, -1]),
            d.choose([False, True]),
        ),
        lambda t, d: getattr(d.distinct(3, 5), function)(0.37, dim=1, interpolation=d.choose(kinds)),
        lambda t, d: getattr(_some_nan(t, d, 3, 5), function)(0.4, d.choose([None, 1])),
        lambda t, d: getattr(d.ints(3), function)(0.5),
        lambda t, d: getattr(d.floats(3), function)(t.tensor([0.5])),
        lambda t, d: getattr(d.floats(0), function)(0.5),
        lambda t, d: getattr(d.floats(), function)(0.5, 0),
    ]


RECIPES: dict[str, list[Any]] = {
    "torch.max": _extreme("max"),
    "torch.min": _extreme("min"),
    "torch.amax": _over_dims("amax"),
    "torch.amin": _over_dims("amin"),
    "torch.aminmax": [
        lambda t, d: t.aminmax(d.distinct(3, 4)),
        lambda t, d: t.aminmax(
            d.distinct(3, 4), dim=d.choose([0, 1, -1, 2]), keepdim=d.choose([False, True])
        ),
        lambda t, d: d.ints(3, 4).aminmax(dim=0).max,
        lambda t, d: t.aminmax(d.floats(0)),
    ],
    "torch.argmax": _place("argmax"),
    "torch.argmin": _place("argmin"),
    "torch.cummax": _running("cummax"),
    "torch.cummin": _running("cummin"),
    "torch.median": [
        *_named("median"),
        *_full("median"),
        lambda t, d: t.median(d.distinct(d.whole(1, 7))),
        lambda t, d: t.median(t.tensor([1.0, 2.0, 2.0, 3.0], requires_grad=True)),
        lambda t, d: t.median(t.tensor([])),
    ],
    "torch.nanmedian": [*_named("nanmedian"), *_full("nanmedian")],
    "torch.mode": [
        *_named("mode")[:-2],
        lambda t, d: t.mode(d.ints(3, 9, low=0, high=3)).values,
        lambda t, d: d.ints(9, 3, low=0, high=3).mode(0, True).values,
        lambda t, d: d.ints(9, low=0, high=3).mode(),
        lambda t, d: d.bools(9).mode(),
    ],
    "torch.quantile": _quantile("quantile"),
    "torch.nanquantile": _quantile("nanquantile"),
}
