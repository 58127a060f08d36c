"""Tensors as text, character by character. Names in grad_fn are the library's, and are cut out of both."""

from __future__ import annotations

import re
from typing import Any

import numpy as np


def _text(x: Any) -> list[str]:
    return [re.sub(r"grad_fn=<\w+>", "grad_fn", text) for text in (repr(x), str(x))]


def _shown(make: Any) -> Any:
    return lambda t, d: _text(make(t, d))


def _scaled(t: Any, d: Any) -> Any:
    return t.tensor(d.random.normal(size=d.shape(2, least=1)) * 10.0 ** d.whole(-8, 10))


def _with(make: Any, **options: Any) -> Any:
    def recipe(t: Any, d: Any) -> Any:
        try:
            t.set_printoptions(**options)
            return _text(make(t, d))
        finally:
            t.set_printoptions(profile="default")

    return recipe


MAKERS: list[Any] = [
    lambda t, d: d.any(*d.shape(least=1)),
    lambda t, d: d.floats(*d.shape(3, least=1), dtype="float32"),
    lambda t, d: t.tensor(d.choose([1.5, 3, True, 0.0, -2.0, 1e10, 1e-10, float("nan"), float("inf")])),
    lambda t, d: t.tensor([1.0, 2.0, -3.0]),
    lambda t, d: t.tensor([0.0, -0.0, 0.0]),
    lambda t, d: t.tensor([1.0, float("nan"), float("inf"), -float("inf")]),
    lambda t, d: t.tensor([1.5, float("nan"), float("inf"), -100.25]),
    lambda t, d: t.tensor([float("nan")] * 3),
    lambda t, d: t.tensor([1e-5, 1.0]),
    lambda t, d: t.tensor([1e-5, 1e-4]),
    lambda t, d: t.tensor([1001.0, 1.0]),
    lambda t, d: t.tensor([1e9, 2e9]),
    lambda t, d: t.tensor([123456.78, 234567.89]),
    lambda t, d: t.tensor([0.1, 99.9]),
    _scaled,
    lambda t, d: t.tensor(d.random.integers(-(10 ** d.whole(1, 10)), 10**5, d.shape(2, least=1))),
    lambda t, d: t.zeros(d.whole(0, 3), 0, d.whole(0, 3)),
    lambda t, d: t.zeros(0),
    lambda t, d: t.zeros(0, dtype=t.int64),
    lambda t, d: t.zeros(2, 0, dtype=t.float64, requires_grad=True),
    lambda t, d: t.arange(100.0),
    lambda t, d: t.arange(1001),
    lambda t, d: t.arange(2000.0).reshape(40, 50),
    lambda t, d: t.arange(24000.0).reshape(20, 30, 40) / 7,
    lambda t, d: t.arange(5000).reshape(5, 1000).t(),
    lambda t, d: t.arange(60).reshape(3, 4, 5),
    lambda t, d: t.tensor(d.random.normal(size=(3, 25)).astype("float32")),
    lambda t, d: t.tensor([True, False]),
    lambda t, d: t.ones(3, dtype=t.uint8),
    lambda t, d: t.ones(3, dtype=t.int32),
    lambda t, d: t.ones(30, dtype=t.float64, requires_grad=True),
    lambda t, d: t.ones(19, dtype=t.float64, requires_grad=True),
    lambda t, d: d.floats(2, 3) * 2,
    lambda t, d: d.floats(2, 3, dtype="float32")[0],
    lambda t, d: d.floats(2, 3).t(),
    lambda t, d: t.nn.Parameter(t.arange(6.0).reshape(2, 3)),
    lambda t, d: t.tensor(np.float64(2.5)),
    lambda t, d: [t.ones(2), t.zeros(1)],
    lambda t, d: t.ones(2, 3, 2, 2),
]
OPTIONS: list[dict[str, Any]] = [
    {"precision": 2},
    {"precision": 8},
    {"threshold": 5},
    {"threshold": 5, "edgeitems": 1},
    {"linewidth": 40},
    {"profile": "short"},
    {"profile": "full"},
    {"sci_mode": True},
    {"sci_mode": False},
    {"profile": "short", "precision": 6},
]
RECIPES: dict[str, list[Any]] = {
    "Tensor.__repr__": [
        *map(_shown, MAKERS),
        lambda t, d: f"{t.tensor(2.5)} {t.ones(2)} {t.tensor(2.5):.1f} {t.tensor(7):3d}",
        lambda t, d: f"{t.ones(2)!s} {t.tensor([1, 2])!r}",
        lambda t, d: str(t.ones(2, 3).shape) + repr(t.float32) + str(t.device("cpu")) + repr(t.device("cpu")),
    ],
    "torch.set_printoptions": [
        *(
            _with(make, **options)
            for options in OPTIONS
            for make in MAKERS[:8] + MAKERS[13:16] + MAKERS[20:24]
        ),
        lambda t, d: t.set_printoptions(profile="long"),
    ],
}
