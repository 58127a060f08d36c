"""An op as a public function: arrays and numbers are lifted to tensors, the documentation comes from the
declaration."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine.op import Op
from tinygrad_edu.engine.value import Value
from tinygrad_edu.functional.creation import as_tensor

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def lifted(op: Op, name: str | None = None) -> Callable[..., Tensor]:
    """`op` as a function that always returns a tensor."""
    def function(*xs: Any, **params: Any) -> Any:
        for x in xs:
            if isinstance(x, Value):
                return op(*xs, **params)
        if not xs:
            raise TypeError(f"{op.name} needs {len(op.inputs)} inputs: {', '.join(op.inputs)}")
        return op(as_tensor(xs[0]), *xs[1:], **params)

    function.__name__ = function.__qualname__ = name or op.name
    arguments = ", ".join([*op.inputs, *(f"*, {p}" for p in op.params)])
    function.__doc__ = f"{op.name}({arguments}): ${op.math}$, elementwise."
    function.op = op  # type: ignore[attr-defined]
    return function
