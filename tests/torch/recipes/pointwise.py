"""Functions that work element by element."""

from __future__ import annotations

from typing import Any

RECIPES: dict[str, list[Any]] = {
    "torch.sin": [lambda t, d: t.sin(d.any(*d.shape()))],
    "torch.add": [
        lambda t, d: t.add(d.any(*d.shape(2, least=1)), d.any(1)),
        lambda t, d: t.add(d.any(2, 3), d.choose([2, 0.5, True])),
        lambda t, d: t.add(d.floats(2, 3), d.floats(3), alpha=0.5),
        lambda t, d: t.add(d.floats(2, 3), d.floats(4)),
    ],
    "Tensor.mul_": [lambda t, d: (d.floats(2, 3) * 2).mul_(d.floats(3)), lambda t, d: d.any(3).clone().mul_(2.5)],
}
