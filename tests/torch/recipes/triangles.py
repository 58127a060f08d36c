"""Triangles, diagonals and blocks of matrices; facts about tensors."""

from __future__ import annotations

from typing import Any

from tests.torch.kinds import NONE, of

RECIPES: dict[str, list[Any]] = {
    "torch.tril": of(
        "tril",
        ((3, 4), (), NONE),
        ((3, 4), (1,), NONE),
        ((2, 3, 3), (-1,), NONE),
        ((3,), (), NONE),
        ((3, 3), (), {"diagonal": -1}),
    ),
    "torch.triu": of(
        "triu",
        ((3, 4), (), NONE),
        ((3, 4), (1,), NONE),
        ((2, 3, 3), (-1,), NONE),
        ((), (), NONE),
        ((3, 3), (), {"diagonal": 1}),
    ),
    "Tensor.tril_": [
        lambda t, d: d.ints(3, 3).tril_(),
        lambda t, d: (d.floats(3, 3) * 2).triu_(1),
        lambda t, d: d.floats(3, 3).tril_(),
    ],
    "torch.tril_indices": [
        lambda t, d: t.tril_indices(3, 4, d.whole(-2, 3)),
        lambda t, d: t.tril_indices(3, 3, dtype=t.int32),
        lambda t, d: t.tril_indices(-1, 3),
    ],
    "torch.triu_indices": [
        lambda t, d: t.triu_indices(3, 4, offset=d.whole(-2, 3)),
        lambda t, d: t.triu_indices(0, 3),
    ],
    "torch.diag": of(
        "diag",
        ((3,), (), NONE),
        ((3,), (1,), NONE),
        ((3, 4), (-1,), NONE),
        ((2, 3, 4), (), NONE),
        ((), (), NONE),
        ((3,), (), {"diagonal": -2}),
    ),
    "torch.diagflat": of("diagflat", ((2, 2), (), NONE), ((3,), (1,), NONE), ((), (), NONE)),
    "torch.diag_embed": of(
        "diag_embed",
        ((2, 3), (), NONE),
        ((3,), (1,), NONE),
        ((2, 3), (-1, 0, 2), NONE),
        ((2, 3), (0, 1, 1), NONE),
        ((2, 3), (0, 0, 3), NONE),
    ),
    "torch.block_diag": [
        lambda t, d: t.block_diag(d.floats(2, 3), d.floats(2), d.floats()),
        lambda t, d: t.block_diag(d.any(2, 2), d.any(1, 3)),
        lambda t, d: t.block_diag(d.floats(2, 2, 2)),
    ],
    "Tensor.fill_diagonal_": [
        lambda t, d: d.floats(3, 4, grad=False).fill_diagonal_(7.0),
        lambda t, d: d.floats(7, 3, grad=False).fill_diagonal_(7.0, wrap=True),
        lambda t, d: d.ints(7, 3).fill_diagonal_(2),
        lambda t, d: (d.floats(3, 3) * 2).fill_diagonal_(0),
        lambda t, d: d.ints(3).fill_diagonal_(0),
        lambda t, d: d.ints(2, 2, 2).fill_diagonal_(9),
    ],
    "torch.diagonal_scatter": [
        lambda t, d: t.diagonal_scatter(d.floats(3, 4), d.floats(3)),
        lambda t, d: d.floats(3, 4).diagonal_scatter(d.floats(2), -1),
        lambda t, d: t.diagonal_scatter(d.floats(3, 4), d.floats(2)),
    ],
    "torch.numel": [lambda t, d: t.numel(d.any(*d.shape())), lambda t, d: t.numel([1])],
    "torch.is_tensor": [lambda t, d: [t.is_tensor(d.any(2)), t.is_tensor(3)]],
    "torch.is_floating_point": [
        lambda t, d: t.is_floating_point(d.any(2)),
        lambda t, d: t.is_floating_point(2.5),
    ],
    "torch.is_complex": [lambda t, d: t.is_complex(d.any(2))],
    "torch.is_nonzero": [
        lambda t, d: t.is_nonzero(d.any(1)),
        lambda t, d: t.is_nonzero(d.any(2)),
        lambda t, d: d.ints().is_nonzero(),
        lambda t, d: t.is_nonzero(d.any(0)),
    ],
    "torch.is_same_size": [lambda t, d: t.is_same_size(d.any(2, 3), d.any(2, d.whole(2, 4)))],
}
