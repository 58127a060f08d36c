"""NumPy's ufuncs called with tensors: operators use the tensor's operator, all others raise an error."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import functional as F
from tinygrad_edu.errors import wrong

# NumPy's name -> the operator of a tensor on the right of an array
_REFLECTED = {"add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__",
              "floor_divide": "__rfloordiv__", "remainder": "__rmod__", "power": "__rpow__",
              "matmul": "__rmatmul__", "equal": "__eq__", "not_equal": "__ne__", "less": "__gt__",
              "less_equal": "__ge__", "greater": "__lt__", "greater_equal": "__le__",
              "bitwise_and": "__and__", "bitwise_or": "__or__", "bitwise_xor": "__xor__"}  # fmt: skip


def meet_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The result of `array op tensor`, on the graph.

    Raises TypeError for every other function, because its result would have no gradient, and for
    `array op= tensor`, which would write into the array.
    """
    name = ufunc.__name__
    if options.get("out"):
        raise wrong(
            TypeError,
            f"np.{name}",
            f"np.{name} was to write a tensor into an array, and the gradient would be lost",
            "make a new tensor, array = array + x, or write x.numpy()",
        )
    if (
        method == "__call__"
        and name in _REFLECTED
        and len(inputs) == 2
        and hasattr(inputs[1], "node")
        and not options
    ):
        return getattr(inputs[1], _REFLECTED[name])(inputs[0])
    ours = {"absolute": "abs", "subtract": "sub", "multiply": "mul", "divide": "div", "negative": "neg",
            "power": "pow", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}.get(name, name)  # fmt: skip
    call = f"te.{ours}({', '.join('xy'[: ufunc.nin])}), which keeps it, or "
    remedy = call if hasattr(F, ours) and method == "__call__" else ""
    raise wrong(
        TypeError,
        f"np.{name}",
        f"np.{name} works on arrays, and the gradient would be lost",
        f"use {remedy}x.numpy()",
    )
