"""Parts of tensors, as views."""

from __future__ import annotations

from typing import Any

from tests.torch.kinds import NONE, method, of, views

RECIPES: dict[str, list[Any]] = {
    "torch.narrow": [
        *of(
            "narrow",
            ((4, 3), (0, 1, 2), NONE),
            ((4, 3), (-1, 0, 2), NONE),
            ((4, 3), (0, -2, 2), NONE),
            ((4, 3), (0, 3, 2), NONE),
            ((4, 3), (0, 5, 0), NONE),
            ((4, 3), (0, 0, -1), NONE),
            ((4, 3), (2, 0, 1), NONE),
            ((), (0, 0, 1), NONE),
            ((4,), (0, 4, 0), NONE),
        ),
        *views(lambda t, x: x.narrow(1, 1, 2)),
        lambda t, d: t.narrow(d.any(4), 0, t.tensor(1), 2),
    ],
    "torch.narrow_copy": of("narrow_copy", ((4, 3), (0, 1, 2), NONE)),
    "torch.select": [
        *of(
            "select",
            ((4, 3), (0, 1), NONE),
            ((4, 3), (-1, -1), NONE),
            ((4, 3), (0, 4), NONE),
            ((4, 3), (2, 0), NONE),
            ((), (0, 0), NONE),
        ),
        *views(lambda t, x: x.select(1, 2)),
    ],
    "torch.split": [
        *of(
            "split",
            ((5, 3), (2,), NONE),
            ((5, 3), ([1, 4],), NONE),
            ((5, 3), ([1, 3],), NONE),
            ((5, 3), (2,), {"dim": 1}),
            ((5, 3), (2, -1), NONE),
            ((5, 3), (0,), NONE),
            ((5, 3), (-1,), NONE),
            ((), (1,), NONE),
            ((0, 3), (2,), NONE),
            ((5, 3), ([6, -1],), NONE),
        ),
        *views(lambda t, x: x.split(2)[0]),
        *views(lambda t, x: t.split(x, [1, 3], 1)[1]),
    ],
    "Tensor.split_with_sizes": [
        lambda t, d: d.any(5).split_with_sizes([2, 3]),
        lambda t, d: d.any(5).split_with_sizes([2, 2]),
    ],
    "torch.chunk": [
        *of(
            "chunk",
            ((5, 3), (2,), NONE),
            ((5, 3), (4,), NONE),
            ((5, 3), (2, 1), NONE),
            ((5, 3), (7,), NONE),
            ((5, 3), (0,), NONE),
            ((), (2,), NONE),
            ((0, 2), (3,), NONE),
            ((4, 2), (), {"chunks": 2, "dim": -1}),
        ),
        *views(lambda t, x: x.chunk(2, dim=1)[1]),
    ],
    "torch.tensor_split": of(
        "tensor_split",
        ((5, 3), (2,), NONE),
        ((5, 3), ((1, 3),), NONE),
        ((5, 3), (4, 1), NONE),
        ((5, 3), (0,), NONE),
        ((5,), ((3, 1, -1),), NONE),
        ((), (2,), NONE),
    ),
    "torch.hsplit": of(
        "hsplit",
        ((4, 6), (3,), NONE),
        ((4,), (2,), NONE),
        ((4, 6), ([1, 2],), NONE),
        ((4, 6), (4,), NONE),
        ((), (1,), NONE),
    ),
    "torch.vsplit": of("vsplit", ((4, 6), (2,), NONE), ((4,), (2,), NONE)),
    "torch.dsplit": of("dsplit", ((2, 3, 4), (2,), NONE), ((4, 4), (2,), NONE)),
    "torch.unbind": [
        *of(
            "unbind",
            ((2, 3), (), NONE),
            ((2, 3), (1,), NONE),
            ((2, 3), (-1,), NONE),
            ((2, 3), (2,), NONE),
            ((), (), NONE),
            ((0, 2), (), NONE),
        ),
        *views(lambda t, x: x.unbind(1)[2]),
    ],
    "torch.diagonal": [
        *of(
            "diagonal",
            ((3, 4), (), NONE),
            ((3, 4), (1,), NONE),
            ((3, 4), (-2,), NONE),
            ((2, 3, 4), (0, 1, 2), NONE),
            ((2, 3, 4), (), {"dim1": -1, "dim2": 0, "offset": 1}),
            ((3, 4), (0, 0, 0), NONE),
            ((3,), (), NONE),
            ((3, 4), (9,), NONE),
        ),
        *views(lambda t, x: x.diagonal()),
        *views(lambda t, x: x.t().diagonal(-1)),
        *views(lambda t, x: x.diagonal(1, 1, 0)),
    ],
    "Tensor.unfold": [
        *method(
            "unfold",
            ((7,), (0, 3, 2), NONE),
            ((2, 7), (1, 2, 1), NONE),
            ((5, 2), (0, 2, 3), NONE),
            ((5,), (0, 6, 1), NONE),
            ((5,), (0, 2, 0), NONE),
            ((5,), (1, 2, 1), NONE),
            ((), (0, 1, 1), NONE),
        ),
        lambda t, d: d.floats(3, 7).unfold(1, 3, 2),
        *views(lambda t, x: x.unfold(1, 2, 2)),
        *views(lambda t, x: x.t().unfold(0, 2, 2)),
    ],
    "torch.as_strided": [
        lambda t, d: t.as_strided(d.floats(3, 3), (2, 2), (1, 2)),
        lambda t, d: d.floats(9).as_strided((2, 2), (3, 1), 1),
        lambda t, d: d.floats(3).as_strided((2, 2), (3, 1)),
        *views(lambda t, x: x.as_strided((2, 2), (4, 1))),
    ],
}
