"""Constants: an op without inputs, so that observers see filled memory like any other result."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.domain import Call, Draw
from tinygrad_edu.engine.op import Op
from tinygrad_edu.shapes import Shape


def _full(*, shape: Shape, number: Any, dtype: Any) -> Any:
    if not shape:
        return np.array(number, dtype)
    if number == 0 and math.copysign(1, number) > 0:
        return np.zeros(shape, dtype)  # memory that the system clears when it is first touched
    return np.full(shape, number, dtype)


def _calls(draw: Draw) -> Call:
    dtype = draw.choice(("float32", "float64", "int64", "bool"))
    number = draw.choice((0.0, -0.0, 2.5)) if dtype.startswith("float") else draw.choice((0, 1))
    return Call((), {"shape": draw.shape(), "number": number, "dtype": np.dtype(dtype)})


full = Op("full", _full, (), calls=_calls, math=r"\text{number}")
