"""PyTorch's older types of tensors."""

from __future__ import annotations

from typing import Any

NAMES = ("FloatTensor", "DoubleTensor", "LongTensor", "IntTensor", "ByteTensor", "BoolTensor")


def _made(name: str) -> list[Any]:
    return [
        lambda t, d: getattr(t, name)([[1, 0], [2, 3]]),
        lambda t, d: getattr(t, name)(2, 3).shape,
        lambda t, d: getattr(t, name)(),
        lambda t, d: getattr(t, name)([t.tensor(1), t.tensor(2)]),
        lambda t, d: [isinstance(d.any(2), getattr(t, name)) for _ in range(4)],
        lambda t, d: d.any(3).type(getattr(t, name)),
        lambda t, d: d.any(3).type(f"torch.{name}"),
        lambda t, d: getattr(t, name)(d.ints(3).numpy()) if name == "LongTensor" else 0,
    ]


RECIPES: dict[str, list[Any]] = {f"torch.{name}": _made(name) for name in NAMES} | {
    "Tensor.type": [
        lambda t, d: d.any(2).type(),
        lambda t, d: d.any(2).type(t.float64),
        lambda t, d: d.any(2).type("torch.NoTensor"),
    ],
    "torch.set_default_tensor_type": [
        lambda t, d: (t.set_default_tensor_type(t.DoubleTensor), t.zeros(2), t.set_default_tensor_type("torch.FloatTensor"),
                      t.zeros(2)),
    ],
}  # fmt: skip
