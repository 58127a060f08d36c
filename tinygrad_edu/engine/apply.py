"""`apply`: the only function that computes an op on arrays and records it in the graph.

Recording, no_grad, tapes, profiling and the search for NaNs are all done here.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.dtypes import SUPPORTED, among, bare, common, fit
from tinygrad_edu.engine.modes import Modes, current
from tinygrad_edu.engine.value import Deferred, Node, Storage, Value, values_in
from tinygrad_edu.errors import DeviceError, ShapeError, describe, retold, shut_down, wrong

if TYPE_CHECKING:
    from tinygrad_edu.engine.op import Op

_SCALARS = (float, int, bool)
_ndarray = np.ndarray


def apply(op: Op, xs: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Compute `op`, and record it if an input has a node and gradients are on. Returns a Value."""
    mode = current.get()
    recording = mode.grad
    backend: Backend | None = None
    arrays: list[Any] = []
    nodes: list[Node | None] = []
    live = given = foreign = False
    for x in xs:
        if isinstance(x, Value):
            storage = x.storage
            if backend is None:
                backend = storage.backend
            elif storage.backend is not backend:
                raise _device_error(op, xs)
            arrays.append(storage.array)
            nodes.append(node := x.node)
            if node is not None:
                live = True
        else:
            if type(x) not in _SCALARS:
                if isinstance(x, np.generic):
                    x = np.asarray(x)
                elif type(x) is not _ndarray and values_in(x):  # stack lists of tensors, then start again
                    return apply(
                        op,
                        tuple(
                            [
                                Value._stack_lists(y) if isinstance(y, (list, tuple)) and values_in(y) else y
                                for y in xs
                            ]
                        ),
                        params,
                    )
                given = True
                if type(x) is not _ndarray or x.dtype not in SUPPORTED:
                    foreign = True
            arrays.append(x)
            nodes.append(None)
    assert backend is not None
    if len(xs) > op.max_inputs:  # a ufunc would take one more as its `out`, and write into it
        raise wrong(
            TypeError,
            op.name,
            f"it has {op.max_inputs} inputs, {', '.join(op.inputs)}, and {len(xs)} were given",
            inputs=xs,
        )
    if foreign:
        arrays = _to_supported_dtypes(op, xs, arrays)
    kernel = op.kernels.get(backend) or op.kernel(backend)
    moved = given and backend.array_type is not _ndarray
    try:
        if mode.observers:
            start = perf_counter()
            result = kernel(*(_on_backend(backend, arrays) if moved else arrays), **params)
            seconds = perf_counter() - start
        else:
            result = kernel(*(_on_backend(backend, arrays) if moved else arrays), **params)
    except Exception as error:
        raise explain(op, xs, params, error) from error
    if type(result) is not backend.array_type:
        result = (
            np.asarray(result)
            if isinstance(result, np.generic)
            else _as_backend_array(op, xs, result, backend)
        )
    for array in arrays:
        if result is array and not op.view:  # the op returned its input itself
            result = backend.copy(result)
    out = Storage(result, backend, _memory_of_view(xs) if op.view else None)
    node = None
    if live and op.differentiable and (recording or mode.deferred):
        node = _record(op, xs, nodes, arrays, params, out) if recording else _deferred_node(op, nodes)
    if mode.observers:
        for observer in mode.observers:
            observer.applied(op, xs, params, out, node, seconds)
    return Value.kind(out, node)


def create(op: Op, params: dict[str, Any], backend: Backend) -> Any:
    """`apply` for an op without inputs, a constant or a random one: the caller gives the device."""
    if len(params) < len(op.params):
        params = {**op.defaults, **params}
    observers = current.get().observers
    start = perf_counter() if observers else 0.0
    result = (op.kernels.get(backend) or op.kernel(backend))(**params)
    if type(result) is not backend.array_type:
        result = _as_backend_array(op, (), result, backend)
    out = Storage(result, backend)
    for observer in observers:
        observer.applied(op, (), params, out, None, perf_counter() - start)
    return Value.kind(out, None)


def transfer(op: Op, x: Value, params: dict[str, Any], backend: Backend) -> Any:
    """`apply` for the one op whose result is on another device: the numbers of x on `backend`."""
    mode: Modes = current.get()
    start = perf_counter()
    try:
        out = Storage(backend.asarray(x.storage.backend.numpy(x.storage.array)), backend)
    except Exception as error:
        raise explain(op, (x,), params, error) from error
    node = None
    if x.node is not None and mode.grad:
        node = _record(op, (x,), [x.node], [x.storage.array], params, out)
    elif x.node is not None and mode.deferred:
        node = _deferred_node(op, [x.node])
    for observer in mode.observers:
        observer.applied(op, (x,), params, out, node, perf_counter() - start)
    return Value.kind(out, node)


def _record(
    op: Op,
    xs: tuple[Any, ...],
    nodes: list[Node | None],
    arrays: list[Any],
    params: dict[str, Any],
    out: Storage,
) -> Node | None:
    """The node of this application: parents, shapes, and what its rules need; None if no input has a rule."""
    parents = _parents(op, nodes)
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
            constant = arrays[i]  # the caller may change this array later, so save a copy
            saved.append((name, constant.copy() if isinstance(constant, _ndarray) else constant, None, -1))
    metas = tuple([(a.shape, a.dtype) if hasattr(a, "shape") else ((), None) for a in arrays])
    return Node(op, parents, metas, params, tuple(saved), plan)


def _deferred_node(op: Op, nodes: list[Node | None]) -> Node | None:
    """A node for a deferred recording: the real one is recorded when the same op is computed again."""
    return Deferred(()) if any(_parents(op, nodes)) else None


def _parents(op: Op, nodes: list[Node | None]) -> tuple[Node | None, ...]:
    """The nodes of the inputs, None where the op has no rule for one."""
    if op.joint is None and None in op.vjps:
        return tuple([None if rule is None else node for node, rule in zip(nodes, op.vjps, strict=True)])
    return tuple(nodes)


def _on_backend(backend: Backend, arrays: list[Any]) -> list[Any]:
    """The operands, with NumPy arrays moved to `backend`."""
    return [backend.asarray(a, copy=False) if isinstance(a, _ndarray) else a for a in arrays]


def _as_backend_array(op: Op, xs: tuple[Any, ...], result: Any, backend: Backend) -> Any:
    """The result of an op's function as an array of the backend. Raises TypeError if it is not one array."""
    if result is None or isinstance(result, (list, tuple)):
        raise wrong(
            TypeError,
            op.name,
            f"its function returned a {type(result).__name__}, one array is needed",
            "does it lack a return?" if result is None else "",
            inputs=xs,
        )
    return backend.asarray(np.asarray(result), copy=False)


def _to_supported_dtypes(op: Op, xs: tuple[Any, ...], arrays: list[Any]) -> list[Any]:
    """The operands in the library's dtypes.

    An int8 or float16 array gets the dtype that it and the other operands promote to, or the first supported
    dtype that holds all numbers of that one. A list gets the dtype of the operands beside it.

    Raises TypeError for an operand that is not numbers, and for a dtype that no supported dtype can hold.
    """
    try:
        given = [bare(a) if isinstance(a, _ndarray) else a for a in arrays]
        met = [a.dtype for a in given if hasattr(a, "dtype")]
        if any(isinstance(x, Value) and x.storage.array.dtype.kind == "c" for x in xs):
            return given  # the complex step of a proof
        found = common(met)
        return [
            a
            if type(a) in _SCALARS or (hasattr(a, "dtype") and a.dtype in SUPPORTED)
            else fit(a, found)
            if hasattr(a, "dtype")
            else among(a, met)
            for a in given
        ]
    except Exception as error:
        raise explain(op, xs, {}, error) from error


def _memory_of_view(xs: tuple[Any, ...]) -> Any:
    return xs[0].storage.writes if isinstance(xs[0], Value) else None


def _device_error(op: Op, xs: tuple[Any, ...]) -> DeviceError:
    for x in xs:
        if isinstance(x, Value) and x.storage.backend.closed:
            return shut_down(op.name, x.storage.backend.name)
    names = ", ".join(x.storage.backend.name if isinstance(x, Value) else "any" for x in xs)
    return wrong(
        DeviceError,
        op.name,
        f"inputs are on different devices ({names})",
        "move them to one with .to(device)",
        inputs=xs,
    )


def explain(op: Op, xs: tuple[Any, ...], params: dict[str, Any], error: Exception) -> Exception:
    """The same error, with the op, the shapes, and the user's line."""
    inputs = describe(*(x.storage.array if isinstance(x, Value) else x for x in xs))
    given = "".join(f", {k}={v!r:.80}" for k, v in params.items())
    kind = ShapeError if type(error) is ValueError and "broadcast" in str(error) else None
    return retold(error, op.name, kind, inputs=inputs + given)
