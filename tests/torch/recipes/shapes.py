"""Other shapes of the same memory."""

from __future__ import annotations

from typing import Any

from tests.torch.kinds import NONE, method, of, views


def _chain(t: Any, d: Any) -> Any:
    x, w = t.zeros(4, 6, dtype=t.float64), d.floats(6)
    rows = x.view(2, 2, 6)
    one = rows[1]
    line = one.t()[2:5]
    line[:, 0] = w[:3]
    rows[0].add_(w)
    one.select(0, 1)[::2] *= w[3:]
    x.view(-1)[0] = w[5] * 3
    x[:, 1].add_(1)
    x.t()[0] += 1
    return [x, rows, one, line]


def _refused(t: Any, d: Any) -> Any:
    x = d.floats(3, 1)
    d.floats(3, 1, grad=False).expand(3, 4).add_(1)
    return x


RECIPES: dict[str, list[Any]] = {
    "Tensor.view": [
        *method(
            "view",
            ((2, 6), (3, 4), NONE),
            ((2, 6), (-1,), NONE),
            ((2, 6), (-1, 3), NONE),
            ((2, 6), ((4, 3),), NONE),
            ((2, 6), (5,), NONE),
            ((2, 6), (-1, -1), NONE),
            ((2, 6), (-1, 5), NONE),
            ((), (1, 1), NONE),
            ((1,), (), NONE),
            ((0, 3), (3, 0), NONE),
            ((0, 3), (-1, 0), NONE),
            ((2, 3), (2.0, 3), NONE),
        ),
        lambda t, d: d.floats(2, 3).t().view(6),
        lambda t, d: d.floats(2, 3).t().contiguous().view(6),
        lambda t, d: d.floats(2, 3).view(d.floats(3, 2).shape),
        lambda t, d: d.floats(2, 3).view(size=(3, 2)),
        lambda t, d: d.floats(2, 3, 4).transpose(0, 1)[:1].view(-1, 4),
        lambda t, d: d.floats(3, dtype="float32", grad=False).view(t.int32),
        *views(lambda t, x: x.view(-1)),
        *views(lambda t, x: x.view(2, 6)[1]),
        _chain,
    ],
    "Tensor.reshape": [*views(lambda t, x: x.reshape(4, 3)), *views(lambda t, x: x.t().reshape(12))],
    "torch.reshape": [
        *of(
            "reshape",
            ((2, 6), ((3, 4),), NONE),
            ((2, 6), ((-1,),), NONE),
            ((2, 6), ((5, 2),), NONE),
            ((2, 6), ((-1, 5),), NONE),
            ((), ((1,),), NONE),
            ((2, 3), (), {"shape": (6,)}),
        ),
        lambda t, d: t.reshape(d.floats(2, 3).t(), (6,)),
    ],
    "Tensor.view_as": [
        lambda t, d: d.any(2, 3).view_as(d.any(3, 2)),
        lambda t, d: d.any(2, 3).view_as(d.any(3, 3)),
    ],
    "Tensor.reshape_as": [
        lambda t, d: d.any(2, 3).t().reshape_as(d.any(6)),
        lambda t, d: d.any(2, 3).reshape_as(d.any(3, 3)),
    ],
    "torch.flatten": of(
        "flatten",
        ((2, 3, 4), (), NONE),
        ((2, 3, 4), (1,), NONE),
        ((2, 3, 4), (), {"start_dim": -2}),
        ((2, 3, 4), (0, 1), NONE),
        ((), (), NONE),
        ((2, 3), (1, 0), NONE),
        ((2, 3), (2,), NONE),
        ((0, 3), (), NONE),
    ),
    "torch.unflatten": [
        lambda t, d: t.unflatten(d.any(2, 6), 1, (2, -1)),
        lambda t, d: d.floats(6, 2).unflatten(-2, (2, 3)),
        lambda t, d: t.unflatten(d.any(2, 6), 1, (4, 2)),
        lambda t, d: t.unflatten(d.any(2, 6), 2, (4, 2)),
    ],
    "torch.ravel": of("ravel", ((2, 3), (), NONE), ((), (), NONE)),
    "torch.squeeze": [
        *of(
            "squeeze",
            ((1, 3, 1), (), NONE),
            ((1, 3, 1), (0,), NONE),
            ((1, 3, 1), (1,), NONE),
            ((1, 3, 1), (-1,), NONE),
            ((1, 3, 1), ((0, 2),), NONE),
            ((1, 3, 1), (3,), NONE),
            ((), (), NONE),
            ((), (0,), NONE),
            ((1, 3), (), {"dim": 0}),
            ((1, 1), ((0, 0),), NONE),
            ((), (1,), NONE),
        ),
        *views(lambda t, x: x[:1].squeeze(0)),
    ],
    "torch.unsqueeze": [
        *of(
            "unsqueeze",
            ((2, 3), (0,), NONE),
            ((2, 3), (-1,), NONE),
            ((2, 3), (1,), NONE),
            ((2, 3), (3,), NONE),
            ((2, 3), (-4,), NONE),
            ((), (0,), NONE),
            ((2, 3), (), {"dim": 2}),
        ),
        *views(lambda t, x: x.unsqueeze(1)),
    ],
    "torch.transpose": [
        *of(
            "transpose",
            ((2, 3, 4), (0, 1), NONE),
            ((2, 3, 4), (-1, 0), NONE),
            ((2, 3), (0, 2), NONE),
            ((), (0, 0), NONE),
            ((2, 3), (), {"dim0": 0, "dim1": 1}),
        ),
        *views(lambda t, x: x.transpose(0, 1)),
        *views(lambda t, x: x.transpose(0, 1)[1:3]),
    ],
    "torch.swapaxes": of("swapaxes", ((2, 3, 4), (0, 1), NONE)),
    "torch.swapdims": of("swapdims", ((2, 3, 4), (0, 1), NONE)),
    "torch.permute": [
        *of(
            "permute",
            ((2, 3, 4), ((2, 0, 1),), NONE),
            ((2, 3), ((-1, 0),), NONE),
            ((2, 3), ((0, 0),), NONE),
            ((2, 3), ((0,),), NONE),
            ((2, 3), ((0, 2),), NONE),
            ((2, 3), (), {"dims": (1, 0)}),
        ),
        lambda t, d: d.any(2, 3, 4).permute(1, 2, 0),
        *views(lambda t, x: x.view(3, 2, 2).permute(2, 0, 1)),
    ],
    "torch.t": [
        *of("t", ((2, 3), (), NONE), ((2,), (), NONE), ((), (), NONE), ((2, 3, 4), (), NONE)),
        *views(lambda t, x: x.t()),
    ],
    "torch.adjoint": of("adjoint", ((2, 3), (), NONE), ((2, 3, 4), (), NONE)),
    "Tensor.T": [lambda t, d: d.any(2, 3).T, *views(lambda t, x: x.T)],
    "Tensor.mT": [lambda t, d: d.any(2, 3, 4).mT, lambda t, d: d.any(3).mT, *views(lambda t, x: x.mT)],
    "torch.movedim": of(
        "movedim",
        ((2, 3, 4), (0, 2), NONE),
        ((2, 3, 4), ((0, 1), (2, 0)), NONE),
        ((2, 3, 4), (-1, 0), NONE),
        ((2, 3), (0, 2), NONE),
        ((2, 3), ((0, 1), (0, 0)), NONE),
        ((2, 3), ((0, 1), 0), NONE),
    ),
    "torch.moveaxis": of("moveaxis", ((2, 3, 4), (0, 2), NONE)),
    "Tensor.expand": [
        *method(
            "expand",
            ((2, 1), (2, 3), NONE),
            ((2, 1), (4, -1, 3), NONE),
            ((2, 1), ((2, 3),), NONE),
            ((3,), (2, 3), NONE),
            ((), (2, 2), NONE),
            ((2, 3), (2, 4), NONE),
            ((2, 3), (3,), NONE),
            ((2, 1), (-1, 2, 3), NONE),
            ((2, 1), (-2, 3), NONE),
            ((2, 1), (2, 0), NONE),
        ),
        lambda t, d: d.floats(2, 1).expand(2, 3),
        _refused,
        *views(lambda t, x: x.expand(3, 4)),
        *views(lambda t, x: x.expand(1, 3, 4)),
        lambda t, d: (d.floats(1, 2) * 2).expand(3, 2).add_(1),
    ],
    "Tensor.expand_as": [
        lambda t, d: d.floats(2, 1).expand_as(d.floats(2, 3)),
        lambda t, d: d.floats(2, 2).expand_as(d.floats(2, 3)),
    ],
    "torch.broadcast_to": [
        lambda t, d: t.broadcast_to(d.any(2, 1), (2, 3)),
        lambda t, d: d.floats(1).broadcast_to((3,)),
        lambda t, d: t.broadcast_to(d.any(2, 3), (3, 3)),
    ],
    "torch.broadcast_tensors": [
        lambda t, d: t.broadcast_tensors(d.any(2, 1), d.floats(3)),
        lambda t, d: t.broadcast_tensors(d.any(2, 2), d.floats(3)),
        lambda t, d: t.broadcast_tensors(d.floats(), d.floats()),
    ],
    "torch.broadcast_shapes": [
        lambda t, d: t.broadcast_shapes((2, 1), (3,)),
        lambda t, d: t.broadcast_shapes((2, 1), 4),
        lambda t, d: t.broadcast_shapes((2, 2), (3,)),
    ],
    "Tensor.contiguous": [
        lambda t, d: d.any(2, 3).t().contiguous(),
        lambda t, d: (lambda x: x.contiguous() is x)(d.floats(2, 3)),
        lambda t, d: [
            d.floats(2, 3).is_contiguous(),
            d.floats(2, 3).t().is_contiguous(),
            d.floats(2, 3).t().contiguous().is_contiguous(),
        ],
        lambda t, d: d.any(2, 3, 2, 2).contiguous(memory_format=t.channels_last),
    ],
    "torch.clone": [
        lambda t, d: t.clone(d.any(*d.shape())),
        lambda t, d: d.floats(2).clone(memory_format=t.preserve_format),
        lambda t, d: (lambda x: [x.clone().add_(1), x])(d.floats(3, grad=False)),
    ],
    "Tensor.squeeze_": [
        lambda t, d: d.ints(1, 3).squeeze_(),
        lambda t, d: (lambda x: [x.squeeze_(0), x])(d.floats(1, 3, grad=False)),
    ],
    "Tensor.unsqueeze_": [
        lambda t, d: (lambda x: [x.unsqueeze_(1), x])(d.ints(2, 3)),
        lambda t, d: (d.floats(2) * 2).unsqueeze_(0),
        lambda t, d: d.ints(2).unsqueeze_(4),
    ],
    "Tensor.t_": [lambda t, d: (lambda x: [x.t_(), x])(d.ints(2, 3))],
    "Tensor.transpose_": [
        lambda t, d: (lambda x: [x.transpose_(0, 1), x])(d.ints(2, 3)),
        lambda t, d: d.floats(2, 3).transpose_(0, 1).add(1),
    ],
    "Tensor.resize_": [
        lambda t, d: d.ints(2, 3).resize_(3, 2),
        lambda t, d: d.ints(2, 3).resize_(2),
        lambda t, d: d.ints(2, 3).resize_((2, 2)),
        lambda t, d: d.floats(3).resize_(2),
        lambda t, d: tuple(d.ints(2).resize_(3, 3).shape),
        lambda t, d: d.ints(2).resize_(-1),
    ],
    "Tensor.resize_as_": [lambda t, d: d.ints(2, 3).resize_as_(d.floats(3, 2))],
}
