"""Comparisons, logic, choices, and bits."""

from __future__ import annotations

import operator
from typing import Any

INF, NAN = float("inf"), float("nan")


def _compared(name: str) -> list[Any]:
    return [
        lambda t, d: getattr(t, name)(d.any(2, 3), d.any(3)),
        lambda t, d: getattr(d.ints(3, 3), name)(d.choose([1, 0.5, True, -1])),
        lambda t, d: getattr(t, name)(t.tensor([NAN, INF, 0.0, -0.0]), d.choose([0.0, NAN, INF])),
        lambda t, d: getattr(t, name)(d.floats(2), d.floats(3)),
        lambda t, d: getattr(t, name)(d.floats(2), d.choose([None, "a"])),
        lambda t, d: getattr(d.ints(3, low=0, dtype="uint8"), name)(d.choose([2, 300, -1])),
    ]


def _sign(function: Any) -> list[Any]:
    return [
        lambda t, d: function(d.any(2, 3), d.any(3)),
        lambda t, d: function(d.any(3), d.choose([1, 0.5, True])),
        lambda t, d: function(d.choose([1, 0.5]), d.any(3)),
        lambda t, d: function(d.any(3), d.choose([None, "a", [1, 2], {}])),
        lambda t, d: function(d.floats(3), d.random.uniform(-1.0, 1.0)),
    ]


def _asked(name: str) -> list[Any]:
    return [
        lambda t, d: getattr(t, name)(t.tensor([NAN, INF, -INF, 0.0, 2.0])),
        lambda t, d: getattr(d.any(2, 3), name)(),
        lambda t, d: getattr(t, name)(2.0),
    ]


def _logic(name: str) -> list[Any]:
    return [
        lambda t, d: getattr(t, name)(d.any(2, 3), d.any(3)),
        lambda t, d: getattr(d.ints(3, low=0, high=2), name)(d.floats(3)),
        lambda t, d: getattr(t, name)(d.bools(3), d.bools(4)),
        lambda t, d: getattr(t, name)(d.bools(3), True),
        lambda t, d: getattr(t, name)(t.tensor([NAN, 0.0]), t.tensor([0.0, 0.0])),
    ]


def _bits(name: str) -> list[Any]:
    return [
        lambda t, d: getattr(t, name)(d.ints(2, 3), d.ints(3, low=0, dtype="int32")),
        lambda t, d: getattr(d.ints(3, low=0, dtype="uint8"), name)(d.ints(3, low=0, dtype="uint8")),
        lambda t, d: getattr(t, name)(d.ints(3), d.choose([1, 3, 2.0, True])),
        lambda t, d: getattr(t, name)(d.choose([1, 3]), d.ints(3, low=0)),
        lambda t, d: getattr(d.bools(3), name)(d.bools(3)),
        lambda t, d: getattr(d.bools(3), name)(d.ints(3, low=0)),
        lambda t, d: getattr(d.floats(3), name)(d.floats(3)),
    ]


COMPARED = ["eq", "ne", "lt", "le", "gt", "ge", "not_equal", "less", "less_equal", "greater", "greater_equal"]
BITS = ["bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"]
LOGIC = ["logical_and", "logical_or", "logical_xor"]

RECIPES: dict[str, list[Any]] = {
    **{f"torch.{name}": _compared(name) for name in COMPARED},
    **{
        f"torch.{name}": _asked(name)
        for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "isreal", "logical_not")
    },
    **{f"torch.{name}": _logic(name) for name in LOGIC},
    **{f"torch.{name}": _bits(name) for name in BITS},
    **{f"Tensor.__{name}__": _sign(getattr(operator, name)) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{
        f"Tensor.{name}_": [
            lambda t, d, name=name: getattr(d.ints(3), f"{name}_")(d.choose([1, 0.5])),
            lambda t, d, name=name: getattr(d.floats(3, grad=False), f"{name}_")(d.floats(3, grad=False)),
            lambda t, d, name=name: getattr(d.floats(3), f"{name}_")(1),
        ]
        for name in COMPARED
    },
    **{
        f"Tensor.{name}_": [
            lambda t, d, name=name: getattr(d.ints(3, low=0, high=2), f"{name}_")(d.floats(3)),
            lambda t, d, name=name: getattr(d.bools(3), f"{name}_")(d.bools(3)),
        ]
        for name in LOGIC
    },
    **{
        f"Tensor.{name}_": [
            lambda t, d, name=name: getattr(d.ints(3), f"{name}_")(d.choose([1, 3, 2.5])),
            lambda t, d, name=name: getattr(d.bools(3), f"{name}_")(d.bools(3)),
        ]
        for name in BITS
    },
    **{
        f"Tensor.__{name}__": [
            lambda t, d, name=name: getattr(operator, name)(d.ints(3, low=0), d.ints(2, 3, low=0)),
            lambda t, d, name=name: getattr(operator, name)(
                d.ints(3, low=0), d.choose([1, True, 2.0, "a", None])
            ),
            lambda t, d, name=name: getattr(operator, name)(d.choose([1, True]), d.ints(3, low=0)),
            lambda t, d, name=name: getattr(operator, name)(d.bools(3), d.bools(3)),
            lambda t, d, name=name: getattr(operator, name)(d.floats(3), d.floats(3)),
        ]
        for name in ("and_", "or_", "xor", "lshift", "rshift")
    },
    **{
        f"Tensor.__{name}__": [
            lambda t, d, name=name: getattr(operator, name)(d.ints(3, low=0), d.choose([1, 2.0])),
            lambda t, d, name=name: getattr(operator, name)(d.bools(3), d.bools(3)),
        ]
        for name in ("iand", "ior", "ixor", "ilshift", "irshift")
    },
    "Tensor.logical_not_": [
        lambda t, d: d.ints(3, low=0, high=2).logical_not_(),
        lambda t, d: d.bools(3).logical_not_(),
    ],
    "torch.bitwise_not": [
        lambda t, d: t.bitwise_not(d.any(3)),
        lambda t, d: d.ints(3, low=0, dtype="uint8").bitwise_not(),
    ],
    "Tensor.bitwise_not_": [lambda t, d: d.ints(3).bitwise_not_(), lambda t, d: d.bools(3).bitwise_not_()],
    "Tensor.__invert__": [lambda t, d: ~d.any(3)],
    "torch.isclose": [
        lambda t, d: t.isclose(
            t.tensor([1.0, 1.0 + 1e-6, 2, NAN, INF]),
            t.tensor([1.0, 1, 2.1, NAN, INF]),
            equal_nan=d.choose([True, False]),
        ),
        lambda t, d: d.floats(3).isclose(d.floats(3), rtol=d.choose([0.5, 1]), atol=d.choose([0.5, 1, -1])),
        lambda t, d: t.isclose(d.floats(3), d.ints(3)),
        lambda t, d: t.isclose(d.ints(3), d.ints(3)),
    ],
    "torch.allclose": [
        lambda t, d: t.allclose(
            t.tensor([1.0, NAN]), t.tensor([1.0, NAN]), equal_nan=d.choose([True, False])
        ),
        lambda t, d: d.floats(3).allclose(d.floats(3), atol=d.choose([0.1, 4.0])),
        lambda t, d: d.floats(3).allclose(d.ints(3)),
    ],
    "torch.equal": [
        lambda t, d: t.equal(d.ints(2, low=0, high=2), d.ints(2, low=0, high=2)),
        lambda t, d: t.equal(
            t.tensor([1.0]), d.choose([t.tensor([1.0, 1.0]), t.tensor([1]), t.tensor([NAN])])
        ),
        lambda t, d: t.equal(d.floats(2), 2.0),
        lambda t, d: d.floats(0).equal(d.floats(0)),
    ],
    "torch.where": [
        lambda t, d: t.where(d.bools(2, 3), d.floats(3), d.floats(2, 1)),
        lambda t, d: t.where(d.bools(2, 3), d.any(3), d.any(3)),
        lambda t, d: t.where(d.bools(2, 3), d.any(3), d.choose([0, 1.5, True, INF])),
        lambda t, d: t.where(d.bools(2, 3), d.choose([0, 1.5]), d.choose([1, 2.5, False])),
        lambda t, d: d.floats(2, 3).where(d.bools(3), d.choose([0.0, d.floats(3)])),
        lambda t, d: t.where(d.bools(2, 3)),
        lambda t, d: t.where(d.ints(2), 1.0, 2.0),
        lambda t, d: t.where(d.bools(2), d.floats(3), 2.0),
        lambda t, d: t.where(True, d.floats(3), 2.0),
    ],
    "torch.masked_fill": [
        lambda t, d: t.masked_fill(d.floats(2, 3), d.bools(3), d.choose([-INF, 0, 2.5, True])),
        lambda t, d: d.ints(2, 3).masked_fill(d.bools(3), d.choose([5, 2.5, t.tensor(7.5)])),
        lambda t, d: d.floats(3).masked_fill(d.bools(2, 3), d.floats()),
        lambda t, d: d.floats(3).masked_fill(d.bools(3), d.floats(3)),
        lambda t, d: d.floats(3).masked_fill(d.ints(3), 1),
        lambda t, d: d.floats(3).masked_fill(d.bools(4), 1),
    ],
    "Tensor.masked_fill_": [
        lambda t, d: (d.floats(2, 3) * 1).masked_fill_(d.bools(3), -INF),
        lambda t, d: d.ints(2, 3).masked_fill_(d.bools(2, 1), 2.5),
        lambda t, d: d.ints(3).masked_fill_(d.bools(2, 3), 2.5),
    ],
    "torch.result_type": [
        lambda t, d: t.result_type(d.any(d.whole(1, 3)), d.choose([d.any(2), d.any(), 1, 2.5, True])),
        lambda t, d: t.result_type(d.choose([d.any(), 1, 0.5]), d.any(*d.choose([(), (2,)]))),
    ],
    "torch.promote_types": [
        lambda t, d: t.promote_types(
            *[
                getattr(
                    t,
                    d.choose(
                        [
                            "bool",
                            "uint8",
                            "int8",
                            "int16",
                            "int32",
                            "int64",
                            "float16",
                            "bfloat16",
                            "float32",
                            "float64",
                            "complex64",
                        ]
                    ),
                )
                for _ in range(2)
            ]
        )
    ],
    "torch.can_cast": [
        lambda t, d: t.can_cast(
            *[getattr(t, d.choose(["bool", "uint8", "int64", "float32", "float64"])) for _ in range(2)]
        )
    ],
}
RECIPES["Tensor.where"] = [lambda t, d: d.any(2, 3).where(d.bools(2, 3), d.any(3))]
