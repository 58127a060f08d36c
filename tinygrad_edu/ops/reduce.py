"""Reductions and scans. A reduction keeps its axes, at size 1,
so that its gradient only has to broadcast back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.backend.sums import RUN, power_of_two, total
from tinygrad_edu.domain import REAL, Call, Draw, Edge, Interval, Recipe, edge
from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import wrong
from tinygrad_edu.ops.elementwise import abs, cast, equal, exp, isfinite, pow, sign, where
from tinygrad_edu.ops.movement import expand, flip, permute, reshape
from tinygrad_edu.shapes import inverse_permutation

Axes = tuple[int, ...]
EMPTY = "the input has no elements along the reduced axes, and no value stands for none"


class Reduce(Op):
    """A reduction over `axes` (a sorted tuple), which stay at size 1."""

    family = "reduce"

    def lower(self, backend: Backend) -> Callable[..., Any]:
        known: dict[Any, Any] = {}  # dtype of the input -> of the result

        def run(array: Any, *, axes: Axes, **params: Any) -> Any:
            dtype = known.get(array.dtype)
            if dtype is None:
                dtype = known[array.dtype] = self.result_dtype((array.dtype,), {"axes": (0,), **params})
            return backend.reduce(self, array, axes, dtype, params)

        return run


def _calls(
    interval: Interval = REAL, *, distinct: bool = False, min_side: int = 0, one: bool = False
) -> Recipe:
    def recipe(draw: Draw) -> Call:
        x = draw.array(draw.shape(min_dims=int(one), min_side=min_side), interval, distinct=distinct)
        if one:
            return Call((x,), {"axes": (draw.integer(0, x.ndim - 1),)})
        return Call((x,), {"axes": tuple(a for a in range(x.ndim) if draw.choice((True, True, False)))})

    return recipe


def _axis_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    return Call((x,), {"axis": draw.integer(0, x.ndim - 1)})


def _norm_p_calls(draw: Draw) -> Call:
    call = _calls(Interval(0.2, 2), min_side=1)(draw)
    return Call(call.arrays, {**call.params, "ord": draw.choice((0.5, 1.5, 3.0))})


def reduction(
    name: str,
    numpy: Callable[..., Any],
    vjp: Callable[..., Any] | None,
    *,
    calls: Recipe | None = None,
    edges: tuple[Edge, ...] = (),
    math: str = "",
) -> Reduce:
    """Declare a reduction; `numpy` takes `axis` and `keepdims`."""
    return Reduce(
        name,
        lambda x, *, axes: numpy(x, axis=axes, keepdims=True),
        (vjp,),
        calls=calls or _calls(),
        edges=edges,
        math=math,
    )


def _count(shape: tuple[int, ...], axes: Axes) -> int:
    out = 1
    for a in axes:
        out *= shape[a]
    return out


def _total(numpy: Callable[..., Any]) -> Callable[..., Any]:
    """A sum or product of uint8 is int64, as of every other integer: the library has no uint64."""

    def compute(x: Any, axis: Any, **keep: Any) -> Any:
        return numpy(x, axis=axis, dtype=np.int64 if x.dtype.char == "B" else None, **keep)

    return compute


def _sum(x: Any, *, axes: Axes) -> Any:
    return total(x if x.dtype.char != "B" else x.astype(np.int64), axes, keepdims=True)


def _cumsum(x: Any, *, axis: int) -> Any:
    """A long running sum of float32 is computed in float64."""
    if x.dtype.char == "f" and x.shape[axis] > RUN:
        return np.cumsum(x, axis, np.float64).astype(x.dtype)
    return _total(np.cumsum)(x, axis)


def _extreme(numpy: Callable[..., Any]) -> Callable[..., Any]:
    def compute(x: Any, *, axes: Axes) -> Any:
        if _count(x.shape, axes) == 0:
            raise wrong(ValueError, None, EMPTY, "check the size first")
        return numpy(x, axis=axes, keepdims=True)

    return compute


def _position(numpy: Callable[..., Any]) -> Callable[..., Any]:
    def compute(x: Any, *, axes: Axes) -> Any:
        if x.shape[axes[0]] == 0:
            raise wrong(ValueError, None, EMPTY, "check the size first")
        return numpy(x, axis=axes[0], keepdims=True)

    return compute


def _shared(g: Any, x: Any, out: Any, axes: Axes) -> Any:
    """The gradient of a maximum or minimum: all elements equal to it share g evenly, so that the sum is g."""
    hit = cast(equal(x, out), dtype=g.dtype)
    return g * hit / sum(hit, axes=axes)


def floats(x: Any) -> Any:
    """x as floats: integers would overflow or wrap around in the computation."""
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def _norm2(x: Any, *, axes: Axes) -> Any:
    """x is divided by a power of two near the largest element, so that no square overflows or vanishes."""
    x = floats(x)
    if _count(x.shape, axes) == 0:
        return total(x, axes, keepdims=True)
    scale = power_of_two(x, axes)
    scaled = x / scale
    return np.sqrt(total(scaled * scaled, axes, keepdims=True)) * scale


def _norm_p(x: Any, *, axes: Axes, ord: float) -> Any:
    """x is divided by the largest element, so that no power overflows or vanishes."""
    x = floats(x)
    if _count(x.shape, axes) == 0:
        return total(x, axes, keepdims=True)
    size = x * np.sign(x.real)
    top = np.max(size.real, axis=axes, keepdims=True)
    top = np.where(np.isfinite(top) & (top > 0), top, 1).astype(top.dtype)
    return total((size / top) ** ord, axes, keepdims=True) ** (1 / ord) * top


def _norm_p_slope(g: Any, x: Any, out: Any, ord: float) -> Any:
    """The slope by powers of |x| / norm, which do not depend on the scale of x."""
    zero = equal(x, 0)
    share = where(zero, 1.0, abs(x) / where(equal(out, 0), 1.0, out))
    return g * where(zero, 0.0, sign(x) * pow(share, ord - 1.0))


def _logsumexp(x: Any, *, axes: Axes) -> Any:
    x = floats(x)
    if _count(x.shape, axes) == 0:
        return np.full([1 if a in axes else n for a, n in enumerate(x.shape)], -np.inf, x.dtype)
    top = np.max(x.real, axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, 0).astype(top.dtype)
    with np.errstate(divide="ignore"):
        return log_sum(np.asarray(np.exp(x - top)), axes) + top


def log_sum(e: Any, axes: Axes) -> Any:
    """The logarithm of a sum of exponentials, the largest of which is 1; small ones keep their digits. Writes
    into `e`."""
    found = total(e, axes, keepdims=True)
    if found.size and np.minimum.reduce(found.real, None) >= 1.5:  # then adding 1 costs the others no digits
        return np.log(found)
    ones = e.real == 1
    np.subtract(e, ones, out=e)  # 0, except the imaginary part in a complex step
    counted = np.add.reduce(ones, axes, dtype=np.float64, keepdims=True)
    return np.log1p(total(e, axes, keepdims=True) + (counted - 1).astype(e.real.dtype))


def _shares(x: Any, out: Any, axes: Axes) -> Any:
    """exp(x - out) divided by its sum, which is 1 up to the rounding of `out`; 0 where all x are -inf. Where
    some are +inf, these share it evenly: the limit of equal ones."""
    unbounded = equal(out, np.inf)
    e = exp(where(unbounded, 0.0, x) - where(isfinite(out), out, 0.0))
    e = where(unbounded, cast(equal(x, np.inf), dtype=x.dtype), e)
    return e / where(equal(out, -np.inf), 1.0, sum(e, axes=axes))


# fmt: off
sum = Reduce("sum", _sum, (lambda g, x_shape: expand(g, shape=x_shape),), calls=_calls(),
             math=r"\sum_i x_i")
max = Reduce("max", _extreme(np.max), (_shared,), calls=_calls(distinct=True, min_side=1), math=r"\max_i x_i",
             edges=(edge(x=[1.0, 3.0, 3.0], out=[3.0], slope=[0.0, 0.5, 0.5], params={"axes": (0,)},
                         why="a tie is shared evenly"),))
min = Reduce("min", _extreme(np.min), (_shared,), calls=_calls(distinct=True, min_side=1), math=r"\min_i x_i",
             edges=(edge(x=[1.0, 1.0, 3.0], out=[1.0], slope=[0.5, 0.5, 0.0], params={"axes": (0,)},
                         why="a tie is shared evenly"),))
argmax = Reduce("argmax", _position(np.argmax), (None,), calls=_calls(one=True, min_side=1, distinct=True),
                math=r"\operatorname{argmax}_i x_i")
argmin = Reduce("argmin", _position(np.argmin), (None,), calls=_calls(one=True, min_side=1, distinct=True),
                math=r"\operatorname{argmin}_i x_i")
any = reduction("any", np.any, None, math=r"\exists i: x_i")
all = reduction("all", np.all, None, math=r"\forall i: x_i")
logsumexp = Reduce("logsumexp", _logsumexp,
                   (lambda g, x, out, axes: g * _shares(x, out, axes),), calls=_calls(),
                   edges=(edge(x=[-np.inf, -np.inf], out=[-np.inf], slope=[0.0, 0.0], params={"axes": (0,)}),
                          edge(x=[1000.0, 1000.0], out=[1000.0 + np.log(2.0)], slope=[0.5, 0.5],
                               params={"axes": (0,)}),
                          edge(x=[np.inf, 0.0, np.inf], out=[np.inf], slope=[0.5, 0.0, 0.5],
                               params={"axes": (0,)}, why="the limit of equal ones"),
                          edge(x=[0.0, -40.0], out=[np.exp(-40.0)], slope=[1.0, np.exp(-40.0)],
                               params={"axes": (0,)}, why="not 0")), math=r"\ln \sum_i e^{x_i}")
norm2 = Reduce("norm2", _norm2,
               (lambda g, x, out: g * where(equal(out, 0), 0.0, x / where(equal(out, 0), 1.0, out)),),
               calls=_calls(Interval(0.2, 2), min_side=1),
               edges=(edge(x=[0.0, 0.0], out=[0.0], slope=[0.0, 0.0], params={"axes": (0,)}),),
               math=r"\sqrt{\sum_i x_i^2}")
norm_p = Op("norm_p", _norm_p, (_norm_p_slope,), calls=_norm_p_calls,
            edges=(edge(x=[0.0, 0.0], out=[0.0], slope=[0.0, 0.0], params={"axes": (0,), "ord": 3.0}),
                   edge(x=[0.0, -2.0], out=[2.0], slope=[0.0, -1.0], params={"axes": (0,), "ord": 0.5})),
            math=r"(\sum_i |x_i|^p)^{1/p}")
# fmt: on

# -- products, without division ------------------------------------------------------------------------------


def _axes_last(x: Any, axes: Axes) -> Any:
    """`x` with `axes` moved to the end and joined into one."""
    kept = tuple(a for a in range(len(x.shape)) if a not in axes)
    return reshape(
        permute(x, axes=(*kept, *axes)), shape=(*(x.shape[a] for a in kept), _count(x.shape, axes))
    )


def _axes_back(x: Any, shape: tuple[int, ...], axes: Axes) -> Any:
    order = (*(a for a in range(len(shape)) if a not in axes), *axes)
    return permute(reshape(x, shape=tuple(shape[a] for a in order)), axes=inverse_permutation(order))


def _prod_others(x: Any, *, axes: Axes) -> Any:
    """Prefix products times suffix products: two scans, correct with any number of zeros."""
    line = _axes_last(x, axes)
    ones = np.ones((*line.shape[:-1], 1), line.dtype)
    before = np.concatenate([ones, np.cumprod(line, -1)[..., :-1]], -1)[..., : line.shape[-1]]
    backwards = np.cumprod(line[..., ::-1], -1)[..., ::-1]
    after = np.concatenate([backwards[..., 1:], ones], -1)[..., : line.shape[-1]]
    return _axes_back(before * after, x.shape, axes)


def _prod_others_vjp(g: Any, x: Any, x_shape: tuple[int, ...], axes: Axes) -> Any:
    """Row i of a matrix has all factors except the i-th; its `prod_others` gives derivatives of any order."""
    line, n = _axes_last(x, axes), _count(x_shape, axes)
    rows = (*line.shape[:-1], n, n)
    diagonal = np.eye(n, dtype=bool)
    factors = where(diagonal, 1.0, expand(reshape(line, shape=(*line.shape[:-1], 1, n)), shape=rows))
    weights = reshape(_axes_last(g, axes), shape=(*line.shape[:-1], n, 1))
    slopes = where(diagonal, 0.0, weights * prod_others(factors, axes=(len(rows) - 1,)))
    return _axes_back(reshape(sum(slopes, axes=(len(rows) - 2,)), shape=line.shape), x_shape, axes)


def _cumprod_vjp(g: Any, x: Any, x_shape: tuple[int, ...], axis: int) -> Any:
    """Row i of a matrix has the factors of the i-th product, then ones. Its size is quadratic in the axis;
    it is exact at zeros."""
    line, n = _axes_last(x, (axis,)), x_shape[axis]
    rows = (*line.shape[:-1], n, n)
    mine = np.tri(n, dtype=bool)
    factors = where(mine, expand(reshape(line, shape=(*line.shape[:-1], 1, n)), shape=rows), 1.0)
    weights = reshape(_axes_last(g, (axis,)), shape=(*line.shape[:-1], n, 1))
    slopes = where(mine, weights * prod_others(factors, axes=(len(rows) - 1,)), 0.0)
    return _axes_back(reshape(sum(slopes, axes=(len(rows) - 2,)), shape=line.shape), x_shape, (axis,))


# fmt: off
prod_others: Op = Op("prod_others", _prod_others, (_prod_others_vjp,), calls=_calls(Interval(0.5, 2)),
                     edges=(edge(x=[0.0, 2.0, 3.0], out=[6.0, 0.0, 0.0], slope=[5.0, 3.0, 2.0],
                                 params={"axes": (0,)}),), math=r"y_i = \prod_{j \ne i} x_j")
prod = reduction("prod", _total(np.prod), lambda g, x, axes: g * prod_others(x, axes=axes),
                 calls=_calls(Interval(0.5, 2)),
                 edges=(edge(x=[0.0, 2.0, 3.0], out=[0.0], slope=[6.0, 0.0, 0.0], params={"axes": (0,)}),
                        edge(x=[0.0, 0.0, 3.0], out=[0.0], slope=[0.0, 0.0, 0.0], params={"axes": (0,)})),
                 math=r"\prod_i x_i")
cumsum: Op = Op("cumsum", _cumsum,
            (lambda g, axis: flip(cumsum(flip(g, axes=(axis,)), axis=axis), axes=(axis,)),),
            calls=_axis_calls, math=r"y_i = \sum_{j \le i} x_j")
cumprod = Op("cumprod", lambda x, *, axis: _total(np.cumprod)(x, axis), (_cumprod_vjp,), calls=_axis_calls,
             edges=(edge(x=[2.0, 0.0, 3.0], out=[2.0, 0.0, 0.0], slope=[1.0, 8.0, 0.0], params={"axis": 0}),),
             math=r"y_i = \prod_{j \le i} x_j")
# fmt: on
