"""The operators of ONNX that can be read, by name."""

from __future__ import annotations

from tinygrad_edu.interop.onnx import (
    operators_elementwise,
    operators_recurrent,
    operators_reduce,
    operators_shape,
    operators_windows,
)
from tinygrad_edu.interop.onnx.given import Operator

TABLE: dict[str, Operator] = {
    **operators_elementwise.TABLE,
    **operators_shape.TABLE,
    **operators_reduce.TABLE,
    **operators_windows.TABLE,
    **operators_recurrent.TABLE,
}
