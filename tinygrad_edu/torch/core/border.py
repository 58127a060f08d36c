"""The border: PyTorch's words on one side, the library's functions on the other.

A function of the face is written in the library's words, about the library's tensors; `torch_function` lets
it take and return the face's. It takes the inner tensors out of all arguments, in lists too, calls, puts
every tensor of the result into one of the face's, writes to `out=` if that is given, and raises errors of
PyTorch's types: shapes and values that do not fit are RuntimeErrors there.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import NotDifferentiableError, ShapeError, fault_of, wrong
from tinygrad_edu.functional.linalg import LinAlgError
from tinygrad_edu.tensor import Tensor as Inner
from tinygrad_edu.torch.core.dtypes import dtype_of
from tinygrad_edu.torch.core.quiet import IGNORED, resume, silence

if TYPE_CHECKING:
    from tinygrad_edu.torch.core.tensor import Tensor

_kind: list[Any] = []  # the face's Tensor, which stands above this file
_new = object.__new__
_PLAIN = frozenset({int, float, bool, str, type(None)})
_OF_NUMPY = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}


class FaceError(RuntimeError, ValueError):
    """Shapes or values that do not fit: a RuntimeError, as in PyTorch, and the ValueError of the library."""


class FaceLinAlgError(RuntimeError, LinAlgError):
    """A matrix that an algorithm cannot take: a RuntimeError, as in PyTorch, and our LinAlgError."""


class FaceShapeError(RuntimeError, ShapeError):
    """Shapes that do not fit: a RuntimeError, as in PyTorch, and the library's ShapeError."""


def faced(value: Inner) -> Tensor:
    """The face's tensor of one of the library's: the same memory and the same node."""
    made: Tensor = _new(_kind[0])
    made._inner = value
    return made


def bare(x: Any) -> Any:
    """x with the library's tensors in place of the face's, in lists, tuples, dicts and slices too."""
    if type(x) in _PLAIN:
        return x
    if isinstance(x, Value):
        return x if type(x) is Inner else getattr(x, "inner", x)
    if isinstance(x, (list, tuple)):
        items = [bare(y) for y in x]
        if hasattr(x, "_fields"):
            return type(x)(*items)
        return tuple(items) if isinstance(x, tuple) else items
    if isinstance(x, slice):
        return slice(_number(x.start), _number(x.stop), _number(x.step))
    if isinstance(x, dict):
        return {key: bare(y) for key, y in x.items()}
    return x


def _number(x: Any) -> Any:
    return x.__index__() if isinstance(x, Value) else x  # type: ignore[attr-defined]


def wrapped(x: Any) -> Any:
    """x with the face's tensors in place of the library's."""
    if type(x) is Inner:
        return faced(x)
    if type(x) in _PLAIN:
        return x
    if isinstance(x, Value):
        return faced(x) if isinstance(x, Inner) else x
    if isinstance(x, (list, tuple)):
        items = [wrapped(y) for y in x]
        if hasattr(x, "_fields"):
            return type(x)(*items)
        return tuple(items) if type(x) is tuple else items if type(x) is list else type(x)(items)
    if isinstance(x, Mapping):
        return {key: wrapped(y) for key, y in x.items()}
    return x


def torch_error(error: Exception) -> Exception:
    """The error of the type that PyTorch raises in its place, with the same text."""
    kind: Any
    if isinstance(error, RuntimeError) or fault_of(error) is None:
        return error
    if isinstance(error, ShapeError):
        kind = FaceShapeError
    elif isinstance(error, LinAlgError):
        kind = FaceLinAlgError
    elif isinstance(error, (ValueError, OverflowError)):
        kind = FaceError
    else:
        return error
    other = kind(str(error))
    other.fault = fault_of(error)
    return other


def names_of_numpy(function: Callable[..., Any]) -> dict[str, str]:
    """NumPy's words for arguments that a function knows by PyTorch's: {"axis": "dim"}."""
    known = inspect.signature(function).parameters
    return {old: new for old, new in _OF_NUMPY.items() if new in known and old not in known}


def torch_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, about the library's tensors, as one about the face's.

    It takes `out=`, a tensor that the result is written to, and is shaped by. A ValueError that `function`
    raises itself, with Python's `raise`, stays one; those of the library's functions become RuntimeErrors.
    As in PyTorch, arguments may have NumPy's names: `axis` for `dim`, `keepdims` for `keepdim`.
    """
    named_by = names_of_numpy(function)

    @functools.wraps(function)
    def method(*args: Any, **named: Any) -> Any:
        token = silence(IGNORED)
        try:
            face = _kind[0]
            result = function(
                *[
                    x._inner if type(x) is face and x._view is None else x if type(x) in _PLAIN else bare(x)
                    for x in args
                ],
                **({named_by.get(key, key): bare(x) for key, x in named.items()} if named else named),
            )
        except Exception as error:
            changed = torch_error(error)
            if changed is error:
                raise
            raise changed from None
        finally:
            resume(token)
        return faced(result) if type(result) is Inner else wrapped(result)

    @functools.wraps(function)
    def called(*args: Any, out: Any = None, **named: Any) -> Any:
        result = method(*args, **named)
        return result if out is None else _into(out, bare(result))

    called.face = method.face = function  # type: ignore[attr-defined]
    called.method = method  # type: ignore[attr-defined]  # of a tensor, which takes no out=
    return called


def _into(out: Any, result: Any) -> Any:
    """`out` with the numbers of `result`, each of several."""
    if isinstance(out, (list, tuple)):
        for one, found in zip(out, result, strict=True):
            _into(one, found)
        return type(result)(*out) if hasattr(result, "_fields") else out
    if out.requires_grad or (result.node is not None):
        raise wrong(
            RuntimeError,
            None,
            "functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad",
            "write inside `with torch.no_grad():`, or take the result",
        )
    have, given = dtype_of(out.inner.dtype), dtype_of(result.dtype)
    if given.category > have.category:
        raise wrong(
            RuntimeError,
            None,
            f"result type {given.name} can't be cast to the desired output type {have.name}",
        )
    out.resize_to(result.shape)
    return out.copy_(faced(result))


def differentiable_error() -> type[Exception]:
    """What the library raises for backward() of a tensor without a graph."""
    return NotDifferentiableError
