"""PyTorch's older types of tensors, `torch.Tensor` as a constructor, and `x.new`."""

from __future__ import annotations

from typing import Any

import numpy as np

NAMES = ["FloatTensor", "DoubleTensor", "LongTensor", "IntTensor", "ByteTensor", "BoolTensor"]


def _default(t: Any, d: Any) -> Any:
    try:
        t.set_default_tensor_type(d.choose([t.DoubleTensor, "torch.DoubleTensor"]))
        return [
            t.zeros(2),
            t.tensor([1.5]),
            t.get_default_dtype(),
            t.Tensor([1, 2]),
            t.arange(3.0),
            t.rand(2).dtype,
        ]
    finally:
        t.set_default_tensor_type("torch.FloatTensor")


def _default_dtype(t: Any, d: Any) -> Any:
    try:
        t.set_default_dtype(t.float64)
        return [t.zeros(2), t.tensor([1.5]), t.get_default_dtype(), t.ones(2, dtype=t.int64) / 2, t.eye(2)]
    finally:
        t.set_default_dtype(t.float32)


def _shared(t: Any, d: Any) -> Any:
    x = t.zeros(3)
    y = t.Tensor(x)
    y[0] = 5
    return x


def _made(name: str) -> list[Any]:
    def kind(t: Any) -> Any:
        return getattr(t, name)

    return [
        lambda t, d: kind(t)([1, 0, 2]),
        lambda t, d: kind(t)([[1, 0], [2, 3]]),
        lambda t, d: kind(t)((2, 3)),
        lambda t, d: tuple(kind(t)(2, 3).shape),
        lambda t, d: [tuple(kind(t)(t.Size([2, 1])).shape), tuple(kind(t)().shape), tuple(kind(t)(4).shape)],
        lambda t, d: [
            isinstance(kind(t)([1]), kind(t)),
            isinstance(kind(t)([1]), t.Tensor),
            isinstance(3, kind(t)),
        ],
        lambda t, d: [isinstance(d.any(2), kind(t)), isinstance(np.ones(2), kind(t))],
        lambda t, d: kind(t)([1]).type(),
        lambda t, d: [kind(t).__name__, str(kind(t).dtype), t.is_tensor(kind(t)([1]))],
        lambda t, d: kind(t)("a"),
        lambda t, d: kind(t)([t.tensor(1), t.tensor(0)]),
        lambda t, d: kind(t)(-1),
    ]


def _types(t: Any, d: Any) -> Any:
    return d.choose(
        [t.FloatTensor, "torch.LongTensor", t.int32, "torch.DoubleTensor", t.BoolTensor, t.float64]
    )


RECIPES: dict[str, list[Any]] = {
    **{f"torch.{name}": _made(name) for name in NAMES},
    "torch.Tensor": [
        lambda t, d: t.Tensor([1, 2]),
        lambda t, d: t.Tensor([[1.5, 2], [3, 4]]),
        lambda t, d: tuple(t.Tensor(2, 3).shape),
        lambda t, d: [tuple(t.Tensor().shape), tuple(t.Tensor(3).shape), tuple(t.Tensor(t.Size([2])).shape)],
        lambda t, d: t.Tensor(np.array([1.0, 2.0], "float32")),
        lambda t, d: t.Tensor((2, 3)),
        lambda t, d: t.Tensor([]),
        lambda t, d: t.Tensor("a"),
        lambda t, d: t.Tensor(2.5),
        lambda t, d: t.Tensor(-2),
        lambda t, d: [isinstance(t.ones(1), t.Tensor), isinstance(1, t.Tensor), t.Tensor.__name__],
        _shared,
    ],
    "Tensor.type": [
        lambda t, d: d.any(2).type(),
        lambda t, d: d.any(2).type(_types(t, d)),
        lambda t, d: d.floats(2).type(t.float64),
        lambda t, d: d.ints(2).type("torch.NoTensor"),
        lambda t, d: d.floats(2, 2).type(t.FloatTensor).sum(),
    ],
    "Tensor.type_as": [lambda t, d: d.any(3).type_as(d.any(2))],
    "Tensor.new": [
        lambda t, d: tuple(d.any(2).new(2, 3).shape),
        lambda t, d: d.any(2).new([1, 0]),
        lambda t, d: d.ints(2).new(),
        lambda t, d: d.floats(2, grad=False).new(3).dtype,
        lambda t, d: d.floats(2, dtype="float32", grad=False).new(t.Size([2, 2])).fill_(1),
        lambda t, d: d.ints(2).new((1, 2)),
        lambda t, d: d.ints(2).new("a"),
    ],
    "torch.set_default_tensor_type": [_default, lambda t, d: t.set_default_tensor_type("torch.NoTensor")],
    "torch.set_default_dtype": [_default_dtype, lambda t, d: t.set_default_dtype(t.int64)],
}
