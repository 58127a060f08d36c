"""Indexing in brackets, reading and writing, in the graph too."""

from __future__ import annotations

from typing import Any

import numpy as np


def byte_mask(t: Any, d: Any) -> Any:
    """A mask of bytes: PyTorch refuses a number at one, and takes tensors."""
    return t.tensor([1, 0, 1], dtype=t.uint8)


# Keys of a tensor of shape (3, 4, 5); each is made by t, PyTorch or the face, and a Draw.
KEYS: list[Any] = [
    lambda t, d: 1,
    lambda t, d: -1,
    lambda t, d: (0, 1, 2),
    lambda t, d: (slice(None), 1),
    lambda t, d: (slice(0, 2), slice(None, None, 2)),
    lambda t, d: (Ellipsis, 0),
    lambda t, d: (0, Ellipsis, slice(1, -1)),
    lambda t, d: Ellipsis,
    lambda t, d: (),
    lambda t, d: (None, 1, None),
    lambda t, d: (slice(None), None, Ellipsis, None),
    lambda t, d: slice(5, 9),
    lambda t, d: slice(-2, None),
    lambda t, d: t.tensor(1),
    lambda t, d: (t.tensor(2), slice(None), t.tensor(0)),
    lambda t, d: [0, 2],
    lambda t, d: t.tensor([2, 0]),
    lambda t, d: t.tensor([[2], [-3]]),
    lambda t, d: (slice(None), [1, 3]),
    lambda t, d: ([0, 1], [2, 3]),
    lambda t, d: ([0, 1], slice(None), [2, 3]),
    lambda t, d: (0, slice(None), [1, 2]),
    lambda t, d: ([0, 1], 2, slice(1, 3)),
    lambda t, d: (slice(None), [0, 1], None, [1, 2]),
    lambda t, d: (t.tensor([[0], [1]]), t.tensor([1, 2])),
    lambda t, d: d.bools(3),
    lambda t, d: d.bools(3, 4),
    lambda t, d: (slice(None), d.bools(4)),
    lambda t, d: (d.bools(3), 1),
    lambda t, d: (1, d.bools(4)),
    lambda t, d: d.bools(3, 4, 5),
    lambda t, d: [True, False, True],
    lambda t, d: True,
    lambda t, d: False,
    lambda t, d: (0, True),
    byte_mask,
    lambda t, d: t.tensor([1, 0], dtype=t.int32),
    lambda t, d: np.array([1, 0]),
    lambda t, d: np.int64(2),
    lambda t, d: [],
    lambda t, d: t.zeros(0, dtype=t.int64),
    lambda t, d: range(2),
    lambda t, d: (slice(None), t.arange(2), Ellipsis),
]
WRONG: list[Any] = [
    lambda t, d: 3,
    lambda t, d: -4,
    lambda t, d: [3],
    lambda t, d: (0, 0, 0, 0),
    lambda t, d: slice(None, None, -1),
    lambda t, d: t.tensor([0.5]),
    lambda t, d: 1.5,
    lambda t, d: d.bools(4),
    lambda t, d: (slice(None), d.bools(4, 4)),
    lambda t, d: (slice(None), t.tensor([4])),
    lambda t, d: ([0, 1], [0, 1, 2]),
    lambda t, d: slice("a"),
]


def _read(key: Any) -> Any:
    return lambda t, d: d.floats(3, 4, 5)[key(t, d)]


def _write_number(key: Any) -> Any:
    def recipe(t: Any, d: Any) -> Any:
        x = d.choose([d.floats(3, 4, 5, grad=False), d.ints(3, 4, 5)])
        x[key(t, d)] = d.choose([7, 2.5])
        return x

    return recipe


def _write(key: Any) -> Any:
    def recipe(t: Any, d: Any) -> Any:
        x = t.zeros(3, 4, 5, dtype=t.float64)
        where = key(t, d)
        x[where] = d.floats(*x[where].shape)
        return x

    return recipe


def _write_over(key: Any) -> Any:
    """The same into a tensor of a graph, by a number and by one that broadcasts."""

    def recipe(t: Any, d: Any) -> Any:
        x = d.floats(3, 4, 5) * 2
        where = key(t, d)
        y = x * 1
        y[where] = d.number()
        x[where] = d.floats()
        x[where] *= 2
        return [x, y]

    return recipe


def _assigned(make: Any) -> Any:
    def recipe(t: Any, d: Any) -> Any:
        x = d.floats(3, 4, grad=False)
        key, value = make(t, d)
        x[key] = value
        return x

    return recipe


def _leaf(t: Any, d: Any) -> Any:
    x = d.floats(3)
    x[0] = 1
    return x


def _data(t: Any, d: Any) -> Any:
    x = d.floats(3)
    x.data[0] = 1
    with t.no_grad():
        x[1] = 2
    return x * 2


def _recurrent(t: Any, d: Any) -> Any:
    w, x = d.floats(3, 3), d.floats(4, 3)
    out, h = t.zeros(4, 3, dtype=t.float64), t.zeros(3, dtype=t.float64)
    for i in range(4):
        h = t.tanh(x[i] + (w * h).sum(1))
        out[i] = h
    return [out, out[-1]]


def _augmented(t: Any, d: Any) -> Any:
    x = t.zeros(4, 3)
    x[:, 1].add_(1)
    x[1:, 0] += 2
    x[x > 1] -= 0.5
    x[[0, 3]] *= 3
    x[..., -1].fill_(9)
    x[0][0] = 5
    return x


def _overlap(t: Any, d: Any) -> Any:
    x = d.ints(6)
    x[1:] = x[:-1].clone()
    y = t.arange(6)
    y[:3] = y[3:]
    return [x, y]


RECIPES: dict[str, list[Any]] = {
    "Tensor.__getitem__": [
        *map(_read, [*KEYS, *WRONG]),
        lambda t, d: d.any(3, 4, 5)[d.choose(KEYS)(t, d)],
        lambda t, d: d.any()[...],
        lambda t, d: d.any()[None],
        lambda t, d: d.any()[0],
        lambda t, d: d.any()[()],
        lambda t, d: d.floats(0, 3)[:, 1],
        lambda t, d: d.floats(5)[t.tensor(1) : t.tensor(4)],
        lambda t, d: list(d.floats(3, 2)),
        lambda t, d: d.floats(3, 4, 5)[1][2][0],
        lambda t, d: d.floats(3, 4)[t.tensor([0, 1])][:, [2, 0]].sum(0),
    ],
    "Tensor.__setitem__": [
        *map(_write_number, [k for k in KEYS if k is not byte_mask]),
        *map(_write, KEYS),
        *map(_write_over, [k for k in KEYS if k is not byte_mask]),
        *map(_write_number, WRONG),
        _leaf,
        _data,
        _recurrent,
        _augmented,
        _overlap,
        _assigned(lambda t, d: (0, d.floats(1, 1, 4))),
        _assigned(lambda t, d: (0, d.floats(5))),
        _assigned(lambda t, d: ([0, 1], d.floats(5))),
        _assigned(lambda t, d: (d.bools(3, 4), d.floats(50))),
        _assigned(lambda t, d: (slice(None), d.ints(4))),
        _assigned(lambda t, d: (1, d.floats(4, dtype="float32"))),
        _assigned(lambda t, d: (0, [1, 2, 3, 4])),
        _assigned(lambda t, d: (0, "a")),
        _assigned(lambda t, d: (0, None)),
        _assigned(lambda t, d: (slice(5, 9), 1)),
        _assigned(lambda t, d: ((slice(None), 1), d.ints(3).bool())),
    ],
}
