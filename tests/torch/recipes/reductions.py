"""Functions of all elements, or of those along some dimensions."""

from __future__ import annotations

from typing import Any


def _dims(d: Any, axes: int) -> Any:
    """One dimension, several, none, or one that is not there."""
    picked = sorted(d.random.permutation(axes)[: d.whole(0, axes + 1)].tolist())
    return d.choose([None, d.whole(-axes, axes), tuple(picked), picked, axes])


def _over_dims(function: str, **named: Any) -> list[Any]:
    """Recipes of a reduction that takes none, one or several dims."""
    return [
        lambda t, d: getattr(t, function)(d.distinct(2, 3, 4), **named),
        lambda t, d: getattr(t, function)(
            d.distinct(2, 3, 4), dim=_dims(d, 3), keepdim=d.choose([False, True])
        ),
        lambda t, d: getattr(t, function)(d.any(3, 2), d.choose([0, 1, -1])),
        lambda t, d: getattr(d.distinct(3, dtype="float32"), function)(d.choose([0, -1, (0,)]), True),
        lambda t, d: getattr(d.distinct(), function)(d.choose([0, -1, 1])),
        lambda t, d: getattr(t, function)(d.distinct(2, 3), (0, d.choose([0, 1, -2]))),
        lambda t, d: getattr(t, function)(d.floats(2, 0, 3), d.choose([0, 1, 2])),
        lambda t, d: getattr(t, function)(d.floats(2, 3), axis=1, keepdims=True),
        lambda t, d: getattr(t, function)(d.number(), 0),
    ]


def _one_dim(function: str) -> list[Any]:
    """Recipes of a function along one dimension."""
    return [
        lambda t, d: getattr(t, function)(d.distinct(2, 3, 4), d.choose([0, 1, 2, -1, -3, 3])),
        lambda t, d: getattr(t, function)(d.ints(3, 4), dim=d.choose([0, 1])),
        lambda t, d: getattr(d.bools(3, 4), function)(d.choose([0, 1])),
        lambda t, d: getattr(d.distinct(), function)(d.choose([0, -1])),
        lambda t, d: getattr(d.floats(2, 0, 3), function)(d.choose([0, 1])),
        lambda t, d: getattr(d.floats(2, 3), function)(d.choose([1.5, "a"])),
    ]


def _nan(t: Any, d: Any, *shape: int) -> Any:
    """Floats, some of them NaN."""
    x = d.distinct(*shape)
    return t.where(d.bools(*shape), t.tensor(float("nan"), dtype=t.float64), x)


def _spread(function: str) -> list[Any]:
    return [
        lambda t, d: getattr(t, function)(d.floats(2, 3, 4)),
        lambda t, d: getattr(t, function)(d.floats(3, 4), d.choose([True, False])),
        lambda t, d: getattr(t, function)(
            d.floats(3, 4), d.choose([0, 1, (0, 1), -1, 5]), d.choose([True, False])
        ),
        lambda t, d: getattr(t, function)(
            d.floats(3, 4, dtype="float32"),
            dim=d.choose([None, 0, -1, (0, 1)]),
            keepdim=True,
            correction=d.choose([0, 1]),
        ),
        lambda t, d: getattr(t, function)(d.floats(3, 4), 1, unbiased=False, keepdim=True),
        lambda t, d: getattr(t, function)(d.ints(3)),
        lambda t, d: getattr(t, function)(
            d.floats(d.choose([0, 1, 2]), grad=False), correction=d.choose([0, 1, 2])
        ),
        lambda t, d: getattr(t, function)(d.floats(3, grad=False) * 0, 0),
    ]


RECIPES: dict[str, list[Any]] = {
    "torch.sum": [
        *_over_dims("sum"),
        lambda t, d: t.sum(d.ints(3, dtype=d.choose(["uint8", "int32", "int64"]), low=0), dtype=t.float64),
        lambda t, d: t.sum(d.ints(3, 2, low=0, dtype="uint8"), 0),
        lambda t, d: d.floats(3, grad=False).sum(dtype=d.choose([t.float32, t.int64])),
        lambda t, d: d.floats(3).sum(dtype=t.float32),
        lambda t, d: t.sum(d.floats(3, 2, grad=False), 0, out=t.tensor([0.0])),
        lambda t, d: d.floats(2, 3).sum((0, 1)),
        lambda t, d: d.floats(2, 3).sum(d.choose([(), []])),
    ],
    "torch.mean": [
        *_over_dims("mean"),
        lambda t, d: t.mean(d.ints(3)),
        lambda t, d: t.mean(d.ints(3, 2), 0, dtype=t.float32),
        lambda t, d: t.mean(d.floats(0, grad=False)),
        lambda t, d: t.mean(d.bools(3)),
    ],
    "torch.prod": [
        *_one_dim("prod"),
        lambda t, d: t.prod(d.any(2, 3)),
        lambda t, d: t.prod(d.floats(2, 3), 1, True),
        lambda t, d: t.prod(d.ints(2, 3), 1, dtype=t.float64),
        lambda t, d: t.prod(d.ints(2, 3, dtype="int32"), 1),
        lambda t, d: t.prod(t.cat([d.floats(2), t.tensor([0.0, 0.0]).double()[: d.whole(0, 3)]])),
    ],
    "torch.any": [
        *_over_dims("any"),
        lambda t, d: t.any(d.ints(3, 2, low=0, high=2, dtype="uint8"), 0),
        lambda t, d: d.bools(2, 2).any(),
        lambda t, d: d.bools(0).any(),
    ],
    "torch.all": [
        *_over_dims("all"),
        lambda t, d: t.all(d.ints(3, 2, low=0, high=2, dtype="uint8"), 0),
        lambda t, d: d.bools(2, 2).all(),
        lambda t, d: d.bools(0).all(),
    ],
    "torch.nansum": [
        lambda t, d: t.nansum(_nan(t, d, 3, 4), dim=_dims(d, 2), keepdim=d.choose([False, True])),
        lambda t, d: d.any(3, 2).nansum(),
        lambda t, d: d.floats(3, 2).nansum(0, dtype=t.float32),
    ],
    "torch.nanmean": [
        lambda t, d: t.nanmean(_nan(t, d, 3, 4), dim=_dims(d, 2), keepdim=d.choose([False, True])),
        lambda t, d: d.any(3, 2).nanmean(),
        lambda t, d: t.nanmean(t.tensor([float("nan")] * 2)),
    ],
    "torch.std": _spread("std"),
    "torch.var": _spread("var"),
    "torch.std_mean": _spread("std_mean"),
    "torch.var_mean": _spread("var_mean"),
    "torch.norm": [
        lambda t, d: t.norm(d.floats(2, 3)),
        lambda t, d: d.floats(2, 3, 4).norm(d.choose([2, 1, 3, 0.5, float("inf"), -float("inf"), "fro", -1])),
        lambda t, d: d.floats(2, 3, grad=False).norm(0, d.choose([0, 1])),
        lambda t, d: t.norm(d.floats(2, 3), d.choose([2, 1, 3.5]), d.choose([0, 1, -1, (0, 1), 2]), True),
        lambda t, d: t.norm(d.floats(2, 3, dtype="float32"), dim=1, dtype=t.float64),
        lambda t, d: d.floats(3, 4).norm(p="nuc"),
        lambda t, d: d.ints(3).norm(),
        lambda t, d: d.floats().norm(d.choose([2, 1])),
        lambda t, d: (d.floats(3, grad=False) * 0).requires_grad_().norm(),
        lambda t, d: d.floats(0).norm(d.choose([2, 1, float("inf")])),
        lambda t, d: d.floats(2).norm("what"),
    ],
    "torch.frobenius_norm": [
        lambda t, d: t.frobenius_norm(d.floats(2, 3, 4), d.choose([(0, 1), (1,)]), True)
    ],
    "torch.nuclear_norm": [lambda t, d: t.nuclear_norm(d.floats(3, 4), keepdim=d.choose([True, False]))],
    "Tensor.sum_to_size": [
        lambda t, d: d.floats(2, 3, 4).sum_to_size(3, 1),
        lambda t, d: d.floats(2, 3, 4).sum_to_size((1, 3, 4)),
        lambda t, d: d.floats(2, 3).sum_to_size(2, 2),
    ],
    "torch.gradient": [
        lambda t, d: t.gradient(d.floats(4, 5), edge_order=d.choose([1, 2, 3])),
        lambda t, d: t.gradient(d.floats(4, 5), spacing=0.5, dim=d.choose([0, -1])),
        lambda t, d: t.gradient(d.floats(4, 5), spacing=[0.5, 2.0], edge_order=2),
        lambda t, d: t.gradient(
            d.floats(4, 5),
            spacing=(t.tensor([0.0, 1, 3, 4]).double(), t.arange(5.0).double() ** 2),
            edge_order=1,
        ),
        lambda t, d: t.gradient(d.floats(5), spacing=(t.tensor([0.0, 1, 3, 4, 9]).double(),), edge_order=2),
        lambda t, d: t.gradient(d.floats(1)),
        lambda t, d: t.gradient(d.floats(4, 4), spacing=[1.0, 2.0, 3.0]),
    ],
    "torch.dist": [
        lambda t, d: t.dist(d.floats(2, 3), d.floats(3), d.choose([2, 1, 3, float("inf"), 0])),
        lambda t, d: d.floats(3).dist(d.floats(3, dtype="float32")),
    ],
    "torch.renorm": [
        lambda t, d: t.renorm(d.floats(3, 4), d.choose([1, 2, 3]), d.choose([0, -1]), d.choose([0.5, 9])),
        lambda t, d: t.renorm(d.floats(3), 2, 0, 1),
        lambda t, d: d.floats(3, 4).renorm(2, 0, -1.0),
    ],
    "Tensor.renorm_": [lambda t, d: d.floats(3, 4, grad=False).renorm_(2, 0, 1.5)],
    "torch.logsumexp": [
        lambda t, d: t.logsumexp(d.floats(2, 3, 4), d.choose([0, 1, -1, (0, 2), 3])),
        lambda t, d: t.logsumexp(d.floats(3, 4) * 1000, 1, keepdim=True),
        lambda t, d: d.ints(3, 4).logsumexp(0),
        lambda t, d: d.floats().logsumexp(0),
    ],
    "torch.count_nonzero": [
        lambda t, d: t.count_nonzero(d.ints(3, 4, low=0, high=2), dim=d.choose([None, 0, 1, (0, 1), -1, 2])),
        lambda t, d: (d.any(3) * 1).count_nonzero(),
    ],
    "torch.cumsum": [
        *_one_dim("cumsum"),
        lambda t, d: d.ints(3, dtype="int32").cumsum(0, dtype=t.float32),
        lambda t, d: d.ints(3, dtype="int32").cumsum(-1),
    ],
    "torch.cumprod": [
        *_one_dim("cumprod"),
        lambda t, d: d.ints(3, dtype="int32").cumprod(0, dtype=t.float32),
    ],
    "Tensor.cumsum_": [
        lambda t, d: (d.floats(3, 4) * 1).cumsum_(1),
        lambda t, d: d.ints(3, dtype="int32").cumsum_(0),
    ],
    "Tensor.cumprod_": [lambda t, d: (d.floats(3, 4) * 1).cumprod_(1)],
    "torch.logcumsumexp": [
        lambda t, d: t.logcumsumexp(d.floats(3, 5, low=-50, high=50), d.choose([0, 1, -1, 2])),
        lambda t, d: d.floats().logcumsumexp(0),
        lambda t, d: d.ints(3).logcumsumexp(0),
    ],
    "torch.diff": [
        lambda t, d: t.diff(d.any(4, 5), d.choose([0, 1, 2, 6]), d.choose([0, 1, -1])),
        lambda t, d: t.diff(d.floats(4, 5), prepend=d.floats(4, 1), append=d.floats(4, 2)),
        lambda t, d: d.floats().diff(),
        lambda t, d: d.ints(5).diff(-1),
    ],
    "torch.trapezoid": [
        lambda t, d: t.trapezoid(d.floats(3, 4), dim=d.choose([0, 1, -1])),
        lambda t, d: t.trapezoid(d.floats(3, 4), dx=0.5),
        lambda t, d: t.trapezoid(d.floats(3, 4), d.floats(4)),
        lambda t, d: t.trapezoid(d.floats(3, 4), d.floats(3), dim=0),
        lambda t, d: t.trapezoid(d.floats(3, 4), d.floats(3, 4), dim=d.choose([0, 1])),
        lambda t, d: t.trapezoid(d.floats(3, 4), d.floats(5)),
    ],
    "torch.trapz": [lambda t, d: t.trapz(d.floats(3, 4), dx=2)],
    "torch.cumulative_trapezoid": [
        lambda t, d: t.cumulative_trapezoid(d.floats(3, 4), dim=d.choose([0, 1])),
        lambda t, d: t.cumulative_trapezoid(d.floats(3, 4), d.floats(4)),
    ],
}
