"""Makes a public function of an op: it converts arrays and numbers to tensors.

Its documentation and signature come from the op's declaration.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine.op import Op
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import with_a_tensor
from tinygrad_edu.scalars import plain
from tinygrad_edu.words import as_pytorch, unknown_argument

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def lifted(op: Op) -> Callable[..., Tensor]:
    """`op` as a function that always returns a tensor; its module is the caller's."""
    known, name, count = frozenset(op.params), op.name, len(op.inputs)

    def function(*xs: Any, **params: Any) -> Any:
        if params:
            if not params.keys() <= known:
                xs, params = as_pytorch(name, name, xs, params, known)
            if not params.keys() <= known:
                unknown = min(params.keys() - known)
                raise unknown_argument(name, unknown, op.params, "it works element by element")
            params = {key: plain(value) for key, value in params.items()}
        if len(xs) != count:  # a ufunc would write into one more
            raise wrong(
                TypeError,
                name,
                f"{name} needs {count} inputs, {', '.join(op.inputs)}; {len(xs)} were given",
                inputs=xs,
            )
        for x in xs:
            if isinstance(x, Value):
                return op(*xs, **params)
        return op(*with_a_tensor(xs), **params)

    function.__name__ = function.__qualname__ = name
    function.__module__ = sys._getframe(1).f_globals["__name__"]
    function.__signature__ = _signature(op)  # type: ignore[attr-defined]
    function.__doc__ = f"${op.math}$, elementwise."
    function.op = op  # type: ignore[attr-defined]
    function.explains = True  # type: ignore[attr-defined]  # the arguments that it does not take
    return function


def _signature(op: Op) -> inspect.Signature:
    """The signature of the function: inputs are positional, parameters keyword-only."""
    given = [inspect.Parameter(x, inspect.Parameter.POSITIONAL_ONLY, annotation="Any") for x in op.inputs]
    if op.params:
        written = inspect.signature(op.numpy).parameters
        given += [written[name] for name in op.params]
    return inspect.Signature(given, return_annotation="Tensor")
