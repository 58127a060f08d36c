"""`apply`: the only place where arrays meet the graph. Recording, no_grad, tapes, profiling and NaN hunting
ride here."""
from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.dtypes import SUPPORTED, float32, float64, int32, int64
from tinygrad_edu.engine.modes import Modes, current
from tinygrad_edu.engine.value import Node, Storage, Value
from tinygrad_edu.errors import DeviceError, ShapeError, describe, shut_down, user_line

if TYPE_CHECKING:
    from tinygrad_edu.engine.op import Op

_SCALARS = (float, int, bool)
_ndarray = np.ndarray


def apply(op: Op, xs: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Compute `op` and, if anyone will ask, remember how. Returns a Value."""
    mode = current.get()
    recording = mode.grad
    backend: Backend | None = None
    arrays: list[Any] = []
    nodes: list[Node | None] = []
    live = foreign = False
    for x in xs:
        if isinstance(x, Value):
            storage = x.storage
            if backend is None:
                backend = storage.backend
            elif storage.backend is not backend:
                raise _devices_differ(op, xs)
            arrays.append(storage.array)
            nodes.append(node := x.node)
            if node is not None:
                live = True
        else:
            if type(x) not in _SCALARS:
                x = _constant(x)
                foreign = foreign or (x.dtype not in SUPPORTED and x.dtype.kind != "c")
            arrays.append(x)
            nodes.append(None)
    assert backend is not None
    if foreign:
        arrays = _ours(arrays)
    kernel = op.kernels.get(backend) or op.kernel(backend)
    try:
        if mode.observers:
            start = perf_counter()
            result = kernel(*_on(backend, arrays), **params)
            seconds = perf_counter() - start
        elif backend.arithmetic:
            result = kernel(*arrays, **params)
        else:
            result = kernel(*_on(backend, arrays), **params)
    except Exception as error:
        raise explain(op, xs, params, error) from error
    if backend.arithmetic:
        if type(result) is not _ndarray:
            result = np.asarray(result)
        for array in arrays:
            if result is array and not op.view:     # an op that returns its input as it came
                result = result.copy()
    out = Storage(result, backend, _writes_of(xs) if op.view else None)
    node = None
    if live and recording and op.differentiable:
        node = _record(op, xs, nodes, arrays, params, out)
    if mode.observers:
        for observer in mode.observers:
            observer.applied(op, xs, params, out, node, seconds)
    return Value.kind(out, node)


def create(op: Op, params: dict[str, Any], backend: Backend) -> Any:
    """`apply` for an op without inputs (a random one), which only its caller knows the device of."""
    params = {**op.defaults, **params}
    mode: Modes = current.get()
    start = perf_counter()
    result = op.kernel(backend)(**params)
    out = Storage(np.asarray(result) if backend.arithmetic else result, backend)
    for observer in mode.observers:
        observer.applied(op, (), params, out, None, perf_counter() - start)
    return Value.kind(out, None)


def transfer(op: Op, x: Value, params: dict[str, Any], backend: Backend) -> Any:
    """`apply` for the one op whose result lives elsewhere than its input: the same numbers on `backend`."""
    mode: Modes = current.get()
    start = perf_counter()
    try:
        out = Storage(backend.asarray(x.storage.backend.numpy(x.storage.array)), backend)
    except Exception as error:
        raise explain(op, (x,), params, error) from error
    node = None
    if x.node is not None and mode.grad:
        node = _record(op, (x,), [x.node], [x.storage.array], params, out)
    for observer in mode.observers:
        observer.applied(op, (x,), params, out, node, perf_counter() - start)
    return Value.kind(out, node)


def _record(op: Op, xs: tuple[Any, ...], nodes: list[Node | None], arrays: list[Any], params: dict[str, Any],
            out: Storage) -> Node | None:
    """The node of this application: edges, shapes, and what its rules named; None if no input has a rule."""
    if op.joint is None and None in op.vjps:
        nodes = [None if rule is None else node for node, rule in zip(nodes, op.vjps, strict=True)]
    parents = tuple(nodes)
    mask = tuple([p is not None for p in parents])
    if True not in mask:
        return None
    plan = op.plans.get(mask) or op.planned(mask)
    saved: list[tuple[str, Any, Node | None, int]] = []
    for name, i in plan.saves:
        if i < 0:
            saved.append((name, out, None, 0 if not op.view else out.writes.count))
            continue
        x = xs[i]
        if isinstance(x, Value):
            saved.append((name, x.storage, x.node, x.storage.writes.count))
        else:
            constant = arrays[i]            # the caller's own array: he may change it later, so keep a copy
            saved.append((name, constant.copy() if isinstance(constant, _ndarray) else constant, None, -1))
    metas = tuple([(a.shape, a.dtype) if hasattr(a, "shape") else ((), None) for a in arrays])
    return Node(op, parents, metas, params, tuple(saved), plan)


def _constant(x: Any) -> Any:
    """An operand that is not a Value: an array stays one, a list becomes one."""
    if isinstance(x, _ndarray):
        return x
    if isinstance(x, np.generic):
        return np.asarray(x)
    from_list = np.asarray(x)
    if from_list.dtype.kind not in "fiub":
        raise TypeError(f"{type(x).__name__} {x!r:.60} is not a number, an array or a tensor")
    return from_list.astype(np.float32) if from_list.dtype.kind == "f" else from_list


def _on(backend: Backend, arrays: list[Any]) -> list[Any]:
    if backend.arithmetic:
        return arrays
    return [backend.asarray(a) if isinstance(a, _ndarray) else a for a in arrays]


def _ours(arrays: list[Any]) -> list[Any]:
    """Operands in the library's dtypes: an int8 or float16 array becomes what it and others promote to, or
    the first of our dtypes that holds all numbers of that."""
    met = np.result_type(*(a.dtype for a in arrays if hasattr(a, "dtype")))
    found = next((d for d in (met, int32, int64, float32, float64) if d in SUPPORTED and np.can_cast(met, d)),
                 met)
    return [a.astype(found) if isinstance(a, _ndarray) and a.dtype not in SUPPORTED else a for a in arrays]


def _writes_of(xs: tuple[Any, ...]) -> Any:
    return xs[0].storage.writes if isinstance(xs[0], Value) else None


def _devices_differ(op: Op, xs: tuple[Any, ...]) -> DeviceError:
    for x in xs:
        if isinstance(x, Value) and getattr(x.storage.backend, "closed", False):
            return shut_down(op.name, x.storage.backend.name)
    names = ", ".join(x.storage.backend.name if isinstance(x, Value) else "any" for x in xs)
    return DeviceError(f"{op.name}: inputs are on different devices ({names}) at {user_line()}; "
                       "move them to one with .to(device)")


def explain(op: Op, xs: tuple[Any, ...], params: dict[str, Any], error: Exception) -> Exception:
    """The same error, saying which op, which shapes, and which line of the user's."""
    inputs = describe(*(x.storage.array if isinstance(x, Value) else x for x in xs))
    given = "".join(f", {k}={v!r:.80}" for k, v in params.items())
    message = f"{op.name}({inputs}{given}): {error} (at {user_line()})"
    if isinstance(error, ShapeError) or (type(error) is ValueError and "broadcast" in str(error)):
        return ShapeError(message)
    known = (DeviceError, IndexError, TypeError, MemoryError, ZeroDivisionError, OverflowError, ValueError)
    return next((kind(message) for kind in known if isinstance(error, kind)), RuntimeError(message))
