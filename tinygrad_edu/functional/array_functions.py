"""NumPy's functions called with tensors: the library's function of that meaning runs, and keeps the graph.

`np.sum(x)` is `te.sum(x)`. A function that the library does not have gets arrays if no gradient can be lost;
otherwise it raises TypeError.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.engine.modes import current
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional import linalg as L

Function = Callable[..., Any]


def _reduction(ours: Function) -> Function:
    return lambda a, axis=None, keepdims=False: ours(a, axis, keepdims=keepdims)


def _variance(ours: Function) -> Function:
    return lambda a, axis=None, ddof=0, keepdims=False, correction=0: ours(
        a, axis, correction=ddof or correction, keepdims=keepdims
    )


def _scan(ours: Function) -> Function:
    return lambda a, axis=None: ours(F.flatten(a), 0) if axis is None else ours(a, axis)


def _sorting(ours: Function) -> Function:
    return lambda a, axis=-1: ours(F.flatten(a), 0) if axis is None else ours(a, axis)


def _of_matrices(ours: Function) -> Function:
    return lambda a: ours(a)


# Each takes NumPy's parameter names and defaults, for the parameters that the library's function has.
# fmt: off
_OURS: dict[str, Function] = {
    **{name: _reduction(getattr(F, name)) for name in ("sum", "mean", "prod", "max", "min", "any", "all",
                                                       "argmax", "argmin")},
    "amax": _reduction(F.max), "amin": _reduction(F.min), "var": _variance(F.var), "std": _variance(F.std),
    "cumsum": _scan(F.cumsum), "cumprod": _scan(F.cumprod),
    "linalg.norm": lambda x, axis=None, keepdims=False: F.norm(x, axis=axis, keepdims=keepdims),
    **{f"linalg.{f.__name__}": _of_matrices(f) for f in (L.inv, L.det, L.cholesky, L.eigh, L.eigvalsh,
                                                         L.slogdet)},
    "linalg.solve": lambda a, b: L.solve(a, b), "linalg.qr": lambda a: L.qr(a),
    "linalg.pinv": lambda a: L.pinv(a), "linalg.matrix_power": lambda a, n: L.matrix_power(a, n),
    "concatenate": lambda arrays, axis=0: (
        F.concat([F.flatten(F.as_tensor(a)) for a in arrays]) if axis is None else F.concat(arrays, axis)),
    "stack": lambda arrays, axis=0: F.stack(arrays, axis),
    "where": lambda condition, x, y: F.where(condition, x, y),
    "clip": lambda a, a_min=None, a_max=None, min=None, max=None: F.clip(
        a, min if a_min is None else a_min, max if a_max is None else a_max),
    "reshape": lambda a, shape: F.reshape(a, shape),
    "ravel": lambda a: F.flatten(a),
    "transpose": lambda a, axes=None: F.transpose(a) if axes is None else F.permute_dims(a, axes),
    "swapaxes": lambda a, axis1, axis2: F.transpose(a, axis1, axis2),
    "squeeze": lambda a, axis=None: F.squeeze(a, axis),
    "expand_dims": lambda a, axis: F.expand_dims(a, axis),
    "broadcast_to": lambda array, shape: F.broadcast_to(array, shape),
    "flip": lambda m, axis=None: F.flip(m, axis),
    "roll": lambda a, shift, axis=None: F.roll(a, shift, axis),
    "tile": lambda A, reps: F.tile(A, reps),
    "repeat": lambda a, repeats, axis=None: F.repeat(a, repeats, axis),
    "sort": _sorting(F.sort), "argsort": _sorting(F.argsort),
    "take": lambda a, indices, axis=None: (
        F.getitem(F.flatten(a), indices) if axis is None else F.take(a, indices, axis)),
    "take_along_axis": lambda arr, indices, axis=-1: F.take_along_axis(arr, indices, axis),
    "dot": lambda a, b: F.dot(a, b), "outer": lambda a, b: F.outer(a, b), "trace": lambda a: F.trace(a),
    "einsum": lambda *operands: F.einsum(*operands),
    "round": lambda a: F.round(a), "around": lambda a: F.round(a), "copy": lambda a: F.clone(a),
    "allclose": lambda a, b, rtol=1e-5, atol=1e-8: F.allclose(a, b, rtol=rtol, atol=atol),
    "zeros_like": lambda a, dtype=None: F.zeros_like(a, dtype=dtype),
    "ones_like": lambda a, dtype=None: F.ones_like(a, dtype=dtype),
}
# fmt: on
# These functions read only the shape and the dtype.
_OF_SHAPE = ("shape", "ndim", "size", "result_type", "can_cast", "iscomplexobj", "isrealobj", "common_type")


def meet_function(function: Function, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The result of `function(*args, **options)`, some of which are tensors.

    Raises TypeError for an option that the library's function does not have, and for a function that would
    lose a gradient.
    """
    module = getattr(function, "__module__", "") or ""
    name = ".".join((*module.split(".")[1:], function.__name__))
    if name in _OURS:
        ours, given = _OURS[name], inspect.signature(function).bind(*args, **options)
        usual = {p.name: p.default for p in given.signature.parameters.values()}
        known = inspect.signature(ours).parameters
        extra = [
            k
            for k, v in given.arguments.items()
            if k not in known and not (v is usual[k] or (np.ndim(v) == 0 and v == usual[k]))
        ]
        if extra:
            raise wrong(
                TypeError,
                f"np.{name}",
                f"np.{name} of a tensor is computed by te, without {', '.join(extra)}=",
                "leave it out, or work on x.numpy()",
            )
        return ours(
            *given.arguments.get("operands", ()),
            **{k: v for k, v in given.arguments.items() if k in known and k != "operands"},
        )
    if name in _OF_SHAPE:
        return function(*_without_tensors(args, _stand_in), **_without_tensors(options, _stand_in))
    return function(
        *_without_tensors(args, lambda x: _array(x, name)),
        **_without_tensors(options, lambda x: _array(x, name)),
    )


def _array(x: Any, name: str) -> Any:
    if x.requires_grad and current.get().grad:
        raise wrong(
            TypeError,
            f"np.{name}",
            f"np.{name} works on arrays, and the gradient would be lost",
            "compute it by te's functions, or use x.detach() or x.numpy()",
        )
    return x.numpy()


def _stand_in(x: Any) -> Any:
    return np.broadcast_to(np.empty((), x.dtype), x.shape)


def _without_tensors(given: Any, array: Function) -> Any:
    """`given` with each tensor replaced by `array` of it."""
    if isinstance(given, Value):
        return array(given)
    if isinstance(given, dict):
        return {key: _without_tensors(value, array) for key, value in given.items()}
    if type(given) in (tuple, list):
        return type(given)(_without_tensors(value, array) for value in given)
    return given
