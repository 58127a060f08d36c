"""Orders, unique elements, searches, and counts."""

from __future__ import annotations

from typing import Any

INF, NAN = float("inf"), float("nan")


def _nan(t: Any) -> Any:
    return t.tensor([2.0, NAN, -1.0, INF, NAN, -INF, 0.0])


def _row(t: Any, d: Any, n: int, **named: Any) -> Any:
    """Sorted floats."""
    return t.sort(d.distinct(n, grad=False, **named)).values


RECIPES: dict[str, list[Any]] = {
    "torch.sort": [
        lambda t, d: t.sort(d.distinct(2, 3, 4), d.choose([0, 1, -1, 3]), d.choose([False, True])),
        lambda t, d: d.distinct(5).sort(descending=True),
        lambda t, d: d.ints(6, low=0, high=3).sort(stable=True),
        lambda t, d: t.sort(d.ints(6, low=0, high=3), stable=True, dim=0, descending=True),
        lambda t, d: t.sort(d.bools(6), stable=True).values,
        lambda t, d: t.sort(_nan(t), descending=d.choose([False, True]), stable=True),
        lambda t, d: d.floats().sort(),
        lambda t, d: d.floats(2, 0).sort(d.choose([0, 1])),
        lambda t, d: t.sort([1, 2]),
    ],
    "torch.argsort": [
        lambda t, d: t.argsort(d.distinct(2, 3, 4), d.choose([0, 1, -1, 3]), d.choose([False, True])),
        lambda t, d: d.ints(6, low=0, high=3).argsort(stable=True),
        lambda t, d: t.argsort(_nan(t), descending=d.choose([False, True]), stable=True),
        lambda t, d: d.floats().argsort(),
    ],
    "torch.msort": [lambda t, d: t.msort(d.distinct(4, 3)), lambda t, d: d.ints(5).msort()],
    "torch.topk": [
        lambda t, d: t.topk(d.distinct(3, 5), d.choose([0, 1, 3, 5, 6]), d.choose([0, 1, -1])),
        lambda t, d: d.distinct(3, 5).topk(2, largest=False),
        lambda t, d: d.distinct(5).topk(k=2, dim=0, largest=d.choose([True, False]), sorted=True).indices,
        lambda t, d: t.topk(d.ints(5), 2).values,
        lambda t, d: t.topk(_nan(t), 3).values,
        lambda t, d: d.floats().topk(d.choose([1, 2])),
    ],
    "torch.kthvalue": [
        lambda t, d: t.kthvalue(
            d.distinct(3, 5), d.choose([1, 2, 3, 0, 6]), d.choose([0, 1, -1]), d.choose([True, False])
        ),
        lambda t, d: d.distinct(5).kthvalue(2, keepdim=True).values,
        lambda t, d: d.floats().kthvalue(1),
    ],
    "torch.unique": [
        lambda t, d: t.unique(d.any(3, 4).detach()),
        lambda t, d: t.unique(d.ints(3, 4), return_inverse=True, return_counts=d.choose([True, False])),
        lambda t, d: d.ints(4, 3, low=0, high=2).unique(
            dim=d.choose([0, 1, -1]), return_counts=True, return_inverse=True
        ),
        lambda t, d: t.unique(d.ints(0)),
        lambda t, d: t.unique(d.ints(3), True, True),
    ],
    "torch.unique_consecutive": [
        lambda t, d: t.unique_consecutive(d.ints(9, low=0, high=2), return_inverse=True, return_counts=True),
        lambda t, d: d.ints(3, 4, low=0, high=2).unique_consecutive(),
        lambda t, d: d.ints(5, 1, low=0, high=2).unique_consecutive(
            dim=0, return_counts=True, return_inverse=True
        ),
        lambda t, d: d.ints(0).unique_consecutive(),
    ],
    "torch.isin": [
        lambda t, d: t.isin(d.ints(3, 4), d.ints(5)),
        lambda t, d: t.isin(d.ints(3), d.choose([1, 2]), invert=True),
        lambda t, d: t.isin(1, d.ints(3)),
        lambda t, d: t.isin(d.ints(4), d.ints(2), assume_unique=False, invert=d.choose([True, False])),
    ],
    "torch.searchsorted": [
        lambda t, d: t.searchsorted(_row(t, d, 6), d.floats(3, 4, grad=False), right=d.choose([True, False])),
        lambda t, d: t.searchsorted(
            t.tensor([1, 3, 5]), t.tensor([[3, 6, 9], [1, 5, 0]]), side=d.choose(["left", "right"])
        ),
        lambda t, d: t.searchsorted(
            t.tensor([[1, 3, 5], [2, 4, 6]]), t.tensor([[3, 6], [1, 5]]), out_int32=True
        ),
        lambda t, d: t.searchsorted(_row(t, d, 6), d.choose([0.5, 1])),
        lambda t, d: t.searchsorted(t.tensor([3, 1, 5]), t.tensor([2, 4]), sorter=t.tensor([1, 0, 2])),
        lambda t, d: t.searchsorted(_row(t, d, 4), d.ints(3)),
        lambda t, d: t.searchsorted(t.tensor([[1, 3, 5], [2, 4, 6]]), t.tensor([3, 6])),
        lambda t, d: t.searchsorted(t.tensor([1, 2]), t.tensor([2]), right=True, side="left"),
    ],
    "torch.bucketize": [
        lambda t, d: t.bucketize(d.floats(3, 4, grad=False), _row(t, d, 5), right=d.choose([True, False])),
        lambda t, d: t.bucketize(t.tensor([1, 3, 5]), t.tensor([1, 3]), out_int32=True),
        lambda t, d: t.bucketize(d.choose([0.5, 1.0]), _row(t, d, 5)),
        lambda t, d: t.bucketize(d.floats(3), t.ones(2, 2).double()),
    ],
    "torch.nonzero": [
        lambda t, d: t.nonzero(d.ints(3, 4, low=0, high=2), as_tuple=d.choose([True, False])),
        lambda t, d: d.bools(4).nonzero(),
        lambda t, d: (d.any(2, 3) * 1).nonzero(as_tuple=True),
        lambda t, d: t.nonzero(d.bools(), as_tuple=d.choose([True, False])),
        lambda t, d: t.nonzero(d.bools(0, 3)),
    ],
    "torch.argwhere": [
        lambda t, d: t.argwhere(d.ints(3, 4, low=0, high=2)),
        lambda t, d: d.bools().argwhere(),
    ],
    "torch.nonzero_static": [
        lambda t, d: t.nonzero_static(d.ints(3, 4, low=0, high=2), size=d.choose([2, 20]), fill_value=-3),
        lambda t, d: d.bools(5).nonzero_static(size=3),
    ],
    "torch.unravel_index": [
        lambda t, d: t.unravel_index(t.tensor([5, 0, 11]), d.choose([(3, 4), (2, 2, 3), 12, (2, 2)])),
        lambda t, d: t.unravel_index(d.floats(2), (3, 4)),
    ],
    "torch.bincount": [
        lambda t, d: t.bincount(d.ints(9, low=0), minlength=d.choose([0, 8, -1])),
        lambda t, d: d.ints(9, low=0, dtype="int32").bincount(
            d.floats(9, grad=False, dtype=d.choose(["float32", "float64"]))
        ),
        lambda t, d: t.bincount(d.ints(5, low=0), weights=d.ints(5)),
        lambda t, d: t.bincount(d.ints(9)),
        lambda t, d: t.bincount(d.floats(3)),
        lambda t, d: t.bincount(d.ints(0)),
        lambda t, d: t.bincount(d.ints(3, low=0), d.floats(2)),
    ],
    "torch.histc": [
        lambda t, d: t.histc(d.floats(20, grad=False), d.choose([3, 10]), *d.choose([(), (-1, 1), (0, 0)])),
        lambda t, d: d.floats(20, grad=False, dtype="float32").histc(bins=4, min=-1, max=1),
        lambda t, d: t.histc(t.ones(3), 4),
        lambda t, d: t.histc(d.ints(3)),
        lambda t, d: t.histc(d.floats(3, grad=False), 0),
        lambda t, d: t.histc(d.floats(3, grad=False), 3, 2, 1),
    ],
    "torch.histogram": [
        lambda t, d: t.histogram(
            d.floats(20, grad=False), d.choose([3, 10]), density=d.choose([True, False])
        ),
        lambda t, d: t.histogram(
            d.floats(20, grad=False), 4, range=(-1.0, 1.0), weight=d.floats(20, grad=False)
        ),
        lambda t, d: t.histogram(d.floats(20, grad=False), _row(t, d, 5)),
        lambda t, d: d.floats(4, 5, grad=False).histogram(3).hist,
        lambda t, d: t.histogram(d.ints(4), 3),
    ],
    "torch.histogramdd": [
        lambda t, d: t.histogramdd(d.floats(20, 2, grad=False), [3, 2], density=d.choose([True, False])),
        lambda t, d: t.histogramdd(d.floats(20, 2, grad=False), [3, 2], range=[-1.0, 1.0, 0.0, 2.0]),
    ],
}
