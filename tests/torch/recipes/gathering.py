"""Functions that read and write at indices: gather, index_select, scatter, index_add, masked_select."""

from __future__ import annotations

from typing import Any

import numpy as np


def _places(t: Any, d: Any, size: int, *shape: int) -> Any:
    return d.ints(*shape, low=0, high=size)


def _distinct(t: Any, d: Any, size: int, rows: int, columns: int) -> Any:
    """Indices of which no two in a column are equal."""
    lines = np.stack([d.random.permutation(size)[:rows] for _ in range(columns)], 1)
    return t.tensor(lines)


def _both(name: str, *calls: Any) -> list[Any]:
    """Recipes of a function, its method and its form in place; `calls` give the tensor and the arguments."""
    made: list[Any] = []
    for call in calls:
        made.append(lambda t, d, c=call: (lambda x, *a: getattr(t, name)(x, *a))(*c(t, d)))
        made.append(lambda t, d, c=call: (lambda x, *a: getattr(x * 1, name)(*a))(*c(t, d)))
    return made


def _changed(name: str, *calls: Any) -> list[Any]:
    made: list[Any] = []
    for call in calls:
        made.append(lambda t, d, c=call: (lambda x, *a: getattr(x * 1, name)(*a))(*c(t, d)))
        made.append(
            lambda t, d, c=call: (
                lambda x, *a: getattr(x.detach(), name)(
                    *[y.detach() if isinstance(y, t.Tensor) else y for y in a]
                )
            )(*c(t, d))
        )
    return made


SCATTER = [
    lambda t, d: (d.floats(4, 3), 0, _distinct(t, d, 4, 3, 3), d.floats(3, 3)),
    lambda t, d: (d.floats(4, 3), -2, _distinct(t, d, 4, 2, 2), d.floats(3, 3, grad=False)),
    lambda t, d: (d.floats(2, 3), 1, t.tensor([[0], [2]]), 1.5),
    lambda t, d: (d.floats(2, 3), 1, t.tensor([[0], [3]]), 1.5),
    lambda t, d: (d.floats(2, 3), 1, t.tensor([[0], [-1]]), 1.5),
    lambda t, d: (d.floats(2, 3), 1, t.tensor([0, 1]), d.floats(2)),
    lambda t, d: (d.floats(2, 3), 1, t.tensor([[0.0]]), d.floats(2, 3)),
    lambda t, d: (d.floats(2, 3), 2, t.tensor([[0]]), d.floats(2, 3)),
    lambda t, d: (d.floats(3), 0, t.tensor([2, 0]), d.floats(2)),
    lambda t, d: (d.floats(2, 3), 0, t.zeros(0, 3, dtype=t.int64), d.floats(2, 3, grad=False)),
    lambda t, d: (d.floats(2, 3), 0, t.tensor([[0]]), d.floats(2, 3, dtype="float32")),
    lambda t, d: (d.floats(), 0, t.tensor(0), d.floats()),
    lambda t, d: (d.floats(2, 3), 0, t.tensor([[0, 1], [1, 0], [1, 1]]), d.floats(2, 2)),
]
ADD = [
    lambda t, d: (d.floats(4, 3), 0, _places(t, d, 4, 5, 3), d.floats(5, 3)),
    lambda t, d: (d.floats(4, 3), 1, _places(t, d, 3, 2, 5), d.floats(3, 6, grad=False)),
    lambda t, d: (d.ints(4), 0, _places(t, d, 4, 6), d.ints(6)),
    *SCATTER[3:7],
    *SCATTER[8:],
]


def _reduce(reduce: str) -> list[Any]:
    return [
        lambda t, d: t.scatter_reduce(d.floats(4, 3), 0, _places(t, d, 4, 5, 3), d.floats(5, 3), reduce),
        lambda t, d: d.floats(4, 3).scatter_reduce(
            1, _places(t, d, 3, 3, 2), d.floats(3, 2), reduce, include_self=False
        ),
        lambda t, d: t.scatter_reduce(d.ints(4), 0, _places(t, d, 4, 6), d.ints(6), reduce=reduce),
        lambda t, d: (d.floats(4) * 1).scatter_reduce_(0, _places(t, d, 4, 6), d.floats(6), reduce),
    ]


TAKEN = [
    lambda t, d: (d.floats(4, 3), 0, _places(t, d, 4, 5)),
    lambda t, d: (d.floats(4, 3), -1, t.tensor([0, 0, 2])),
    lambda t, d: (d.floats(4, 3), 0, t.tensor([4])),
    lambda t, d: (d.floats(4, 3), 0, t.tensor([-1])),
    lambda t, d: (d.floats(4, 3), 2, t.tensor([0])),
    lambda t, d: (d.floats(4, 3), 0, t.tensor([[0]])),
    lambda t, d: (d.floats(4, 3), 0, t.tensor([0.5])),
    lambda t, d: (d.floats(4, 3), 0, t.tensor(1)),
    lambda t, d: (d.floats(4, 3), 0, t.tensor([0, 1], dtype=t.int32)),
    lambda t, d: (d.ints(4, 3), 1, t.zeros(0, dtype=t.int64)),
    lambda t, d: (d.floats(), 0, t.tensor([0])),
]
INTO = [
    lambda t, d: (d.floats(4, 3), 0, t.tensor([2, 0]), d.floats(2, 3)),
    lambda t, d: (d.floats(4, 3), -1, t.tensor([1]), d.floats(4, 1)),
    lambda t, d: (d.floats(4, 3), 0, t.tensor([2, 0]), d.floats(3, 3)),
    lambda t, d: (d.floats(4, 3), 0, t.tensor([4]), d.floats(1, 3)),
    lambda t, d: (d.floats(4, 3), 0, t.tensor([1]), d.floats(1, 3, dtype="float32")),
    lambda t, d: (d.floats(4, 3), 0, t.tensor([1.0]), d.floats(1, 3)),
    lambda t, d: (d.floats(4), 0, t.tensor([3, 1]), d.floats(2)),
]
PUT = [
    lambda t, d: (d.floats(4, 3), (t.tensor([2, 0]), t.tensor([1, 2])), d.floats(2)),
    lambda t, d: (d.floats(4, 3), (t.tensor([2, 0]),), d.floats(3)),
    lambda t, d: (d.floats(4, 3), [d.bools(4, 3)], d.floats()),
    lambda t, d: (d.floats(4, 3), (t.tensor([2, 0, 2]),), d.floats(3, 3), True),
    lambda t, d: (d.floats(4, 3), (None, t.tensor([2, 0])), d.floats(4, 2)),
    lambda t, d: (d.floats(4, 3), (t.tensor([2, 0]),), d.floats(4)),
    lambda t, d: (d.floats(4, 3), (t.tensor([5]),), d.floats()),
    lambda t, d: (d.floats(4, 3), (t.tensor([1]),), d.floats(dtype="float32")),
    lambda t, d: (d.floats(4, 3), (t.tensor([1]),), 2.0),
]
FLAT = [
    lambda t, d: (d.floats(4, 3), t.tensor([[2, 0], [10, -1]])),
    lambda t, d: (d.floats(4, 3), t.tensor(5)),
    lambda t, d: (d.floats(4, 3), t.tensor([12])),
    lambda t, d: (d.floats(4, 3), t.tensor([1.0])),
    lambda t, d: (d.floats(4, 3).t(), t.tensor([1, 2])),
]


RECIPES: dict[str, list[Any]] = {
    "torch.gather": _both(
        "gather",
        lambda t, d: (d.floats(4, 3), 0, _places(t, d, 4, 5, 3)),
        lambda t, d: (d.floats(4, 3), -1, _places(t, d, 3, 2, 5)),
        lambda t, d: (d.any(4, 3), 0, _places(t, d, 4, 1, 2)),
        lambda t, d: (d.floats(4, 3), 0, _places(t, d, 4, 1, 4)),
        lambda t, d: (d.floats(4, 3), 0, t.tensor([[4]])),
        lambda t, d: (d.floats(4, 3), 0, t.tensor([[-1]])),
        lambda t, d: (d.floats(4, 3), 0, t.tensor([1])),
        lambda t, d: (d.floats(4, 3), 2, t.tensor([[1]])),
        lambda t, d: (d.floats(4, 3), 0, t.tensor([[1.0]])),
        lambda t, d: (d.floats(), 0, t.tensor([0, 0])),
        lambda t, d: (d.floats(4, 3), 0, t.zeros(0, dtype=t.int64)),
    ),
    "torch.index_select": _both("index_select", *TAKEN),
    "torch.take": _both("take", *FLAT),
    "torch.take_along_dim": [
        *_both(
            "take_along_dim",
            lambda t, d: (d.floats(4, 3), _places(t, d, 4, 1, 3), 0),
            lambda t, d: (d.floats(4, 3), t.tensor([1, 5])),
            lambda t, d: (d.floats(4, 3), t.tensor([1]), 0),
            lambda t, d: (d.floats(4, 1), _places(t, d, 4, 2, 3), 0),
        ),
        lambda t, d: (
            lambda x: t.take_along_dim(x, t.tensor([[3, 1, 0, 2], [0, 1, 2, 3], [3, 2, 1, 0]]), dim=1)
        )(d.distinct(3, 4)),
    ],
    "torch.masked_select": _both(
        "masked_select",
        lambda t, d: (d.any(2, 3), d.bools(2, 3)),
        lambda t, d: (d.floats(2, 3), d.bools(3)),
        lambda t, d: (d.floats(3), d.bools(2, 3)),
        lambda t, d: (d.floats(3), d.ints(3)),
        lambda t, d: (d.floats(3), d.bools(2)),
    ),
    "torch.scatter": _both("scatter", *SCATTER),
    "Tensor.scatter_": [
        *_changed("scatter_", *SCATTER),
        lambda t, d: t.zeros(3, 5).scatter_(1, t.tensor([[1], [0], [4]]), 1),
        lambda t, d: t.zeros(3, 5).scatter_(dim=1, index=t.tensor([[1], [0], [4]]), value=2.0),
        lambda t, d: t.ones(4).scatter_(0, t.tensor([1, 1]), t.tensor([2.0, 3.0]), reduce="add"),
        lambda t, d: t.ones(4).scatter_(0, t.tensor([1, 1]), 3.0, reduce="multiply"),
        lambda t, d: t.ones(4).scatter_(0, t.tensor([1, 1]), 3.0, reduce="mean"),
        lambda t, d: d.floats(3).scatter_(0, t.tensor([1]), 3.0),
    ],
    "torch.scatter_add": _both("scatter_add", *ADD),
    "Tensor.scatter_add_": _changed("scatter_add_", *ADD),
    "torch.scatter_reduce": [
        *_reduce("sum"),
        *_reduce("prod"),
        *_reduce("mean"),
        *_reduce("amax"),
        *_reduce("amin"),
        lambda t, d: t.scatter_reduce(d.floats(3), 0, t.tensor([0]), d.floats(1), "max"),
    ],
    "torch.index_reduce": [
        lambda t, d: t.index_reduce(
            d.floats(4, 3, grad=False), 0, t.tensor([1, 1, 0]), d.floats(3, 3, grad=False), "prod"
        ),
        lambda t, d: d.floats(4, grad=False).index_reduce_(
            0, t.tensor([1, 1]), d.floats(2, grad=False), "amax", include_self=False
        ),
    ],
    "torch.index_add": [
        *_both("index_add", *INTO),
        lambda t, d: t.index_add(d.floats(4, 3), 0, t.tensor([1, 1]), d.floats(2, 3), alpha=2.5),
        lambda t, d: d.ints(4).index_add(0, t.tensor([1, 1]), d.ints(2)),
        lambda t, d: t.index_add(d.floats(4), 0, t.tensor([-1]), d.floats(1)),
    ],
    "Tensor.index_add_": _changed("index_add_", *INTO),
    "torch.index_copy": _both("index_copy", *INTO),
    "Tensor.index_copy_": _changed("index_copy_", *INTO),
    "torch.index_fill": _both(
        "index_fill",
        *[lambda t, d, c=c: (*c(t, d), 2.5) for c in TAKEN],
        lambda t, d: (d.ints(3), 0, t.tensor([1, -1]), 7),
        lambda t, d: (d.floats(3), 0, t.tensor([1]), d.floats()),
        lambda t, d: (d.floats(3), 0, t.tensor([1]), d.floats(1)),
    ),
    "Tensor.index_fill_": _changed("index_fill_", lambda t, d: (d.floats(4, 3), 1, t.tensor([0, 2]), 1.0)),
    "torch.index_put": _both("index_put", *PUT),
    "Tensor.index_put_": _changed("index_put_", *PUT),
    "torch.masked_scatter": _both(
        "masked_scatter",
        lambda t, d: (d.floats(2, 3), d.bools(2, 3), d.floats(6)),
        lambda t, d: (d.floats(2, 3), d.bools(3), d.floats(3, 2)),
        lambda t, d: (d.floats(2, 3), t.ones(2, 3).bool(), d.floats(5)),
        lambda t, d: (d.floats(2, 3), d.ints(2, 3), d.floats(6)),
        lambda t, d: (d.floats(2, 3), d.bools(2, 3), d.ints(6)),
    ),
    "Tensor.masked_scatter_": _changed(
        "masked_scatter_", lambda t, d: (d.floats(2, 3), d.bools(2, 3), d.floats(6))
    ),
    "torch.put": [
        *_both(
            "put",
            *[lambda t, d, c=c: (*c(t, d), d.floats(*c(t, d)[1].shape)) for c in FLAT[:2]],
            lambda t, d: (d.floats(4), t.tensor([1]), d.floats(2)),
            lambda t, d: (d.floats(4), t.tensor([1, 1]), d.floats(2), True),
            lambda t, d: (d.floats(4), t.tensor([9]), d.floats(1)),
        )
    ],
    "Tensor.put_": _changed("put_", lambda t, d: (d.floats(4), t.tensor([1, -1]), d.floats(2))),
    "torch.select_scatter": _both(
        "select_scatter",
        lambda t, d: (d.floats(4, 3), d.floats(3), 0, 1),
        lambda t, d: (d.floats(4, 3), d.floats(4), -1, -1),
        lambda t, d: (d.floats(4, 3), d.floats(3), 0, 4),
        lambda t, d: (d.floats(4, 3), d.floats(2), 0, 1),
    ),
    "torch.slice_scatter": _both(
        "slice_scatter",
        lambda t, d: (d.floats(4, 3), d.floats(2, 3), 0, 1, 3),
        lambda t, d: (d.floats(4, 3), d.floats(4, 2), 1, 0, 3, 2),
        lambda t, d: (d.floats(4, 3), d.floats(3, 3), 0, 1, 3),
    ),
}
