"""Contractions: sums of products. The backend's own matmul multiplies matrices; transposes are not copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.domain import Call, Draw
from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.ops.movement import expand, permute, reshape
from tinygrad_edu.shapes import Shape, einsum_letters, stretched_axes


class Contract(Op):
    """A product of matrices, by the backend's matmul."""

    family = "contract"

    def lower(self, backend: Backend) -> Callable[..., Any]:
        return lambda x, y: backend.matmul(x, y)


def _matmul(x: Any, y: Any) -> Any:
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-2]:
        raise wrong(
            ShapeError,
            None,
            f"the last axis of x {x.shape} must equal the last but one of y {y.shape}",
            "for x @ y.T use y.mT",
        )
    return np.matmul(x, y)


def _matmul_calls(draw: Draw) -> Call:
    m, k, n = (draw.integer(0, 3) for _ in range(3))
    lead_x, lead_y = draw.broadcast(2) if draw.choice((True, False)) else [(), ()]
    return Call((draw.array((*lead_x, m, k)), draw.array((*lead_y, k, n))))


# fmt: off
matmul: Op = Contract("matmul", _matmul, (lambda g, y: matmul(g, y.mT), lambda g, x: matmul(x.mT, g)),
                  calls=_matmul_calls, math=r"Z_{ij} = \sum_k X_{ik} Y_{kj}")
# fmt: on


def _fits_linear(x: Any, weight: Any, bias: Any) -> None:
    shape, sizes = x.shape, weight.shape
    if not shape or len(sizes) != 2 or shape[-1] != sizes[1]:
        raise wrong(
            ShapeError, None, f"the last axis of x {shape} must equal the columns of weight {sizes} (out, in)"
        )
    if bias.shape != sizes[:1]:
        stretched_axes(bias.shape, (*shape[:-1], sizes[0]))


def _linear(x: Any, weight: Any, bias: Any) -> Any:
    out = np.matmul(x, weight.T)
    if out.dtype == bias.dtype and out.ndim:
        out += bias  # in place: nothing else refers to the product
        return out
    return out + bias


def _rows(x: Any) -> Any:
    """x with its leading axes joined into one: (..., n) as (rows, n)."""
    if len(x.shape) == 2:
        return x
    return reshape(x, shape=(int(np.prod(x.shape[:-1])), x.shape[-1]))


def _linear_calls(draw: Draw) -> Call:
    n_in, n_out = draw.integer(0, 3), draw.integer(0, 3)
    return Call(
        (draw.array((*draw.shape(max_dims=2), n_in)), draw.array((n_out, n_in)), draw.array((n_out,)))
    )


def _linear_x(g: Any, weight: Any, x_shape: Shape) -> Any:
    if len(x_shape) == 1:
        return reshape(matmul(_rows(g), weight), shape=x_shape)
    return matmul(g, weight)


# fmt: off
linear = Op("linear", _linear, (_linear_x, lambda g, x: matmul(_rows(g).mT, _rows(x)), lambda g: g),
            fits=_fits_linear, calls=_linear_calls, math=r"y = x W^\top + b")
# fmt: on


def _fits_einsum(*xs: Any, subscripts: str) -> None:
    einsum_letters(subscripts, [x.shape for x in xs])


def _einsum(*xs: Any, subscripts: str) -> Any:
    out = np.einsum(subscripts, *xs, optimize=len(xs) > 2)
    return out.copy() if len(xs) == 1 and np.may_share_memory(out, xs[0]) else out  # "ij->ji" would be a view


def _einsum_vjp(
    g: Any, xs: tuple[Any, ...], xs_shape: tuple[Shape, ...], subscripts: str, wants: tuple[bool, ...]
) -> list[Any]:
    """Exchange operand and result. A letter that only this operand has was summed over, so broadcast."""
    terms, result, _ = einsum_letters(subscripts, xs_shape)
    out: list[Any] = []
    for i, (term, shape, wanted) in enumerate(zip(terms, xs_shape, wants, strict=True)):
        if not wanted:
            out.append(None)
            continue
        others = [(t, x) for j, (t, x) in enumerate(zip(terms, xs, strict=True)) if j != i]
        known = set(result).union(*(t for t, _ in others))
        letters = "".join(dict.fromkeys(term))
        kept = "".join(c for c in letters if c in known)
        slope = einsum(
            g, *(x for _, x in others), subscripts=",".join([result, *(t for t, _ in others)]) + "->" + kept
        )
        size = dict(zip(term, shape, strict=True))
        have = dict(zip(kept, slope.shape, strict=True))
        slope = reshape(slope, shape=tuple(have.get(c, 1) for c in letters))
        slope = expand(
            slope, shape=tuple(have[c] if c in have and have[c] != 1 else size[c] for c in letters)
        )
        out.append(_onto_diagonal(slope, letters, term, shape))
    return out


def _onto_diagonal(g: Any, letters: str, term: str, shape: Shape) -> Any:
    """For an operand that repeats a letter (a trace): its gradient is the diagonal, with 0 elsewhere."""
    if letters == term:
        return g
    for i, letter in enumerate(letters):
        count = term.count(letter)
        for _ in range(count - 1):
            n = g.shape[i]
            eye = np.eye(n).reshape(
                [n if a == i or a == len(g.shape) else 1 for a in range(len(g.shape) + 1)]
            )
            g = reshape(g, shape=(*g.shape, 1)) * eye.astype(g.dtype)
            letters += letter
    places = list(range(len(letters)))
    order = []
    for c in term:
        at = next(p for p in places if letters[p] == c)
        places.remove(at)
        order.append(at)
    return permute(g, axes=tuple(order))


def _einsum_calls(draw: Draw) -> Call:
    subscripts = draw.choice(("ij,jk->ik", "ij->ji", "ij,ij->", "i,j->ij", "bij,bjk->bik", "ii->i", "ii",
                              "ij->i", "...i,i->...", "ij,jk,kl->il"))  # fmt: skip
    sizes = {c: draw.integer(1, 3) for c in "ijklb"}
    terms = subscripts.partition("->")[0].split(",")
    return Call(
        tuple(
            draw.array((*((2,) if "..." in t else ()), *(sizes[c] for c in t.replace("...", ""))))
            for t in terms
        ),
        {"subscripts": subscripts},
    )


# fmt: off
einsum: Op = Op("einsum", _einsum, joint=_einsum_vjp, variadic=True, inputs=("xs",), fits=_fits_einsum,
            calls=_einsum_calls, math=r"\sum_{\text{letters not in the result}} \prod_i x_i")
# fmt: on
