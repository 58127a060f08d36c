"""New tensors of the elements of others."""

from __future__ import annotations

from typing import Any

from tests.torch.kinds import NONE, method, of


def _cat(name: str) -> list[Any]:
    return [
        lambda t, d: getattr(t, name)([d.any(2, 3), d.any(2, 3)], d.whole(-2, 2)),
        lambda t, d: getattr(t, name)((d.floats(2, 3), d.floats(1, 3))),
        lambda t, d: getattr(t, name)([d.floats(2, 3), d.floats(2, 2)], dim=1),
        lambda t, d: getattr(t, name)([d.floats(0), d.floats(2, 3)], dim=1),
        lambda t, d: getattr(t, name)([d.floats(2), d.floats(2, 3)]),
        lambda t, d: getattr(t, name)([d.floats(2, 3), d.floats(2, 4)]),
        lambda t, d: getattr(t, name)([]),
        lambda t, d: getattr(t, name)(d.floats(2, 3)),
        lambda t, d: getattr(t, name)([d.floats(2), 3]),
        lambda t, d: getattr(t, name)([d.floats(), d.floats()]),
        lambda t, d: getattr(t, name)([d.floats(2), d.floats(2)], 1),
        lambda t, d: getattr(t, name)([d.ints(2), d.ints(2)], out=t.zeros(1)),
        lambda t, d: getattr(t, name)([d.floats(2)], out=t.zeros(1)),
    ]


def _stack(name: str) -> list[Any]:
    return [
        lambda t, d: (lambda s: getattr(t, name)([d.any(*s), d.any(*s)]))(d.shape(least=1)),
        lambda t, d: getattr(t, name)((d.floats(2, 3), d.floats(2, 3), d.floats(2, 3))),
        lambda t, d: getattr(t, name)([d.floats(2), d.floats(3)]),
        lambda t, d: getattr(t, name)([]),
        lambda t, d: getattr(t, name)([d.floats(2, 3), d.floats(4, 3)]),
        lambda t, d: getattr(t, name)([d.floats(2, 3, 4), d.floats(2, 3, 4)]),
    ]


RECIPES: dict[str, list[Any]] = {
    "torch.cat": _cat("cat"),
    "torch.concat": _cat("concat"),
    "torch.concatenate": _cat("concatenate")[:3],
    "torch.stack": [
        *_stack("stack"),
        lambda t, d: t.stack([d.any(2, 3), d.any(2, 3)], d.whole(-3, 3)),
        lambda t, d: t.stack([d.floats(2), d.floats(2)], 3),
        lambda t, d: t.stack([d.floats(), d.floats()]),
        lambda t, d: t.stack([d.ints(2), d.ints(2)], out=t.zeros(2, 2)),
    ],
    "torch.hstack": _stack("hstack"),
    "torch.vstack": _stack("vstack"),
    "torch.row_stack": _stack("row_stack")[:2],
    "torch.dstack": _stack("dstack"),
    "torch.column_stack": _stack("column_stack"),
    "torch.atleast_1d": [
        lambda t, d: t.atleast_1d(d.any(*d.shape())),
        lambda t, d: t.atleast_1d(d.any(), d.any(2)),
        lambda t, d: t.atleast_1d([d.any(), d.any(2)]),
        lambda t, d: t.atleast_1d(3),
    ],
    "torch.atleast_2d": [
        lambda t, d: t.atleast_2d(d.any(*d.shape())),
        lambda t, d: t.atleast_2d((d.any(), d.any(2))),
    ],
    "torch.atleast_3d": [
        lambda t, d: t.atleast_3d(d.any(*d.shape())),
        lambda t, d: t.atleast_3d(d.any(2, 3)),
    ],
    "Tensor.repeat": [
        *method(
            "repeat",
            ((2, 3), (2, 1), NONE),
            ((2, 3), (2, 1, 2), NONE),
            ((2, 3), ((1, 2),), NONE),
            ((2, 3), (2,), NONE),
            ((), (2,), NONE),
            ((2,), (0,), NONE),
            ((2,), (-1,), NONE),
            ((2,), (1.5,), NONE),
        ),
        lambda t, d: d.floats(2, 3).repeat(2, 2),
    ],
    "torch.tile": of(
        "tile",
        ((2, 3), ((2, 1),), NONE),
        ((2, 3), ((2,),), NONE),
        ((3,), ((2, 2),), NONE),
        ((2,), ((),), NONE),
        ((2,), (), {"dims": (2,)}),
    ),
    "torch.repeat_interleave": [
        *of(
            "repeat_interleave",
            ((2, 3), (2,), NONE),
            ((2, 3), (2, 1), NONE),
            ((2, 3), (2, 2), NONE),
            ((2, 3), (-1,), NONE),
            ((), (3,), NONE),
            ((2, 3), (), {"repeats": 2, "dim": 0}),
        ),
        lambda t, d: t.repeat_interleave(d.floats(3, 2), t.tensor([1, 0, 2]), dim=0),
        lambda t, d: d.floats(3).repeat_interleave(t.tensor([1, 2])),
        lambda t, d: t.repeat_interleave(t.tensor([1, 0, 2])),
        lambda t, d: d.any(3).repeat_interleave(t.tensor([2]), 0),
    ],
    "torch.flip": of(
        "flip",
        ((2, 3), ((0,),), NONE),
        ((2, 3), ((0, 1),), NONE),
        ((2, 3), ((-1,),), NONE),
        ((2, 3), ((2,),), NONE),
        ((2, 3), ((0, 0),), NONE),
        ((2, 3), (), {"dims": [1]}),
        ((0,), ((0,),), NONE),
        ((), ((),), NONE),
    ),
    "Tensor.flip": [lambda t, d: d.floats(2, 3).flip(0, 1), lambda t, d: d.any(4).flip(0)],
    "torch.fliplr": of("fliplr", ((2, 3), (), NONE), ((2,), (), NONE)),
    "torch.flipud": of("flipud", ((2, 3), (), NONE), ((2,), (), NONE), ((), (), NONE)),
    "torch.roll": of(
        "roll",
        ((2, 3), (1,), NONE),
        ((2, 3), (1, 0), NONE),
        ((2, 3), ((1, -2), (0, 1)), NONE),
        ((2, 3), ((1, 2), 0), NONE),
        ((2, 3), (1, 2), NONE),
        ((2, 3), (), {"shifts": 2, "dims": -1}),
        ((0, 2), (1, 0), NONE),
    ),
    "torch.rot90": of(
        "rot90",
        ((2, 3), (), NONE),
        ((2, 3), (2,), NONE),
        ((2, 3), (-1, (0, 1)), NONE),
        ((2, 3, 4), (1, [1, 2]), NONE),
        ((2, 3), (4,), NONE),
        ((2,), (1,), NONE),
        ((2, 3), (1, (0, 0)), NONE),
        ((2, 3), (1, (0,)), NONE),
    ),
    "torch.meshgrid": [
        lambda t, d: t.meshgrid(d.floats(2), d.floats(3), indexing="ij"),
        lambda t, d: t.meshgrid(d.floats(2), d.floats(3), indexing="xy"),
        lambda t, d: t.meshgrid([d.ints(2), d.ints(3), d.ints(2)], indexing="xy"),
        lambda t, d: t.meshgrid(d.floats(), d.floats(3), indexing="ij"),
        lambda t, d: t.meshgrid(d.floats(2, 2), d.floats(3), indexing="ij"),
        lambda t, d: t.meshgrid(d.floats(2), d.ints(3)),
        lambda t, d: t.meshgrid(d.floats(2)),
        lambda t, d: t.meshgrid(d.floats(2), indexing="yx"),
    ],
    "torch.cartesian_prod": [
        lambda t, d: t.cartesian_prod(d.floats(2), d.floats(3)),
        lambda t, d: t.cartesian_prod(d.ints(2)),
        lambda t, d: t.cartesian_prod(d.floats(2, 2), d.floats(3)),
    ],
    "torch.combinations": [
        lambda t, d: t.combinations(d.floats(4)),
        lambda t, d: t.combinations(d.ints(4), 3),
        lambda t, d: t.combinations(d.floats(3), r=2, with_replacement=True),
        lambda t, d: t.combinations(d.floats(2, 2)),
        lambda t, d: t.combinations(d.floats(2), 3),
        lambda t, d: t.combinations(d.floats(2), 0),
        lambda t, d: t.combinations(d.floats(2), -1),
    ],
}
