"""Decompositions by LAPACK: orthogonal factors, eigenvalues of symmetric matrices, singular values.

An op returns one array, so the factors stand in it one below the other, as in the formula of each op;
`te.linalg` takes them apart. Rules are written with ops, so derivatives of every order exist.

Eigenvectors and singular vectors are defined up to their sign only. Here the first component that is at
least 0.9 times as large as the largest is positive, so that results do not depend on the LAPACK.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from tinygrad_edu.domain import Call, Draw, Interval, edge
from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.ops.contract import matmul
from tinygrad_edu.ops.elementwise import logical_and, not_equal, where
from tinygrad_edu.ops.linalg import (
    SMALL,
    Lapack,
    bad_numbers,
    check_matrices,
    check_square,
    solve,
    stack,
    symmetric,
    triangle,
)
from tinygrad_edu.ops.movement import slice_
from tinygrad_edu.ops.reduce import any as any_
from tinygrad_edu.shapes import Shape

_NEAR = Interval(-0.1, 0.1)


def rows(x: Any, start: int, stop: int) -> Any:
    """The rows from `start` to before `stop` of each matrix."""
    return slice_(x, key=(..., slice(start, stop), slice(None)))


def _is_used(g: Any) -> Any:
    """Whether any gradient of a matrix's vectors is not 0, (..., 1, 1)."""
    return any_(not_equal(g, 0.0), axes=(len(g.shape) - 2, len(g.shape) - 1))


def _signs(vectors: Any) -> Any:
    """What each column is multiplied by, (..., 1, k)."""
    sizes = np.abs(vectors)
    if not sizes.size:
        return np.ones((*vectors.shape[:-2], 1, vectors.shape[-1]), vectors.dtype)
    first = (sizes >= 0.9 * sizes.max(-2, keepdims=True)).argmax(-2)
    lead = np.take_along_axis(vectors, first[..., None, :], -2)
    return np.where(lead < 0, -1, 1).astype(vectors.dtype)


# -- eigenvalues ---------------------------------------------------------------------------------------------


def _eigh(x: Any) -> Any:
    try:
        values, vectors = np.linalg.eigh(symmetric(x))
    except LinAlgError:
        raise bad_numbers(x, "the eigenvalue decomposition") from None
    return np.concatenate([vectors * _signs(vectors), values[..., None, :]], -2)


def _eigh_rule(g: Any, out: Any) -> Any:
    """V (K / E + diag(g of the values)) V^T: K is the skew part of V^T (g of V), E_ij = w_j - w_i.

    Where only values are used, K is 0 and E does not matter. Vectors of a repeated eigenvalue may be any
    basis of a space, so they have no derivative: 0 / 0 gives NaN, and never a wrong number.
    """
    n = out.shape[-1]
    v, w, gv, gw = rows(out, 0, n), rows(out, n, n + 1), rows(g, 0, n), rows(g, n, n + 1)
    inner = matmul(v.mT, gv)
    one = np.eye(n, dtype=bool)
    gaps = where(logical_and(_is_used(gv), ~one), w - w.mT, 1.0)
    return matmul(matmul(v, (inner - inner.mT) * 0.5 / gaps + where(one, gw, 0.0)), v.mT)


def _eigvalsh(x: Any) -> Any:
    try:
        return np.linalg.eigvalsh(symmetric(x))
    except LinAlgError:
        raise bad_numbers(x, "the eigenvalue decomposition") from None


def _scaled(left: Any, g: Any, right: Any) -> Any:
    """left diag(g) right^T, with g (..., k)."""
    return matmul(left * g[..., None, :], right.mT)


def _eigvalsh_rule(g: Any, x: Any) -> Any:
    v = rows(eigh(x), 0, x.shape[-1])
    return _scaled(v, g, v)


# -- singular values -----------------------------------------------------------------------------------------


def _svd(x: Any) -> Any:
    try:
        u, s, vh = np.linalg.svd(x, full_matrices=False)
    except LinAlgError:
        raise bad_numbers(x, "the singular value decomposition") from None
    signs = _signs(u)
    return np.concatenate([u * signs, s[..., None, :], vh.mT * signs], -2)


def _svd_rule(g: Any, out: Any, x_shape: Shape) -> Any:
    """The gradient by all three factors.

    Source: Townsend, "Differentiating the singular value decomposition", 2016. As for eigenvectors, vectors
    of repeated singular values have no derivative, and of a singular value 0 none outside the square part:
    these give NaN or infinity. Where only values are used, the gradient is U diag(g) V^T.
    """
    m, n = x_shape[-2:]
    k = m if m < n else n
    u, s, v = rows(out, 0, m), rows(out, m, m + 1), rows(out, m + 1, m + 1 + n)
    gu, gs, gv = rows(g, 0, m), rows(g, m, m + 1), rows(g, m + 1, m + 1 + n)
    of_u, of_v = matmul(u.mT, gu), matmul(v.mT, gv)
    one = np.eye(k, dtype=bool)
    used = any_(not_equal(g * _vectors_only(m, n, k), 0.0), axes=(len(g.shape) - 2, len(g.shape) - 1))
    gaps = where(logical_and(used, ~one), (s - s.mT) * (s + s.mT), 1.0)
    inner = (of_u - of_u.mT) / gaps * s + s.mT * ((of_v - of_v.mT) / gaps) + where(one, gs, 0.0)
    found = matmul(matmul(u, inner), v.mT)
    safe = where(used, s, 1.0)
    if m > k:
        found = found + matmul((gu - matmul(u, of_u)) / safe, v.mT)
    if n > k:
        found = found + matmul(u, ((gv - matmul(v, of_v)) / safe).mT)
    return found


def _vectors_only(m: int, n: int, k: int) -> Any:
    """1 in the rows of the vectors, 0 in that of the values."""
    mask = np.ones((m + 1 + n, 1))
    mask[m] = 0.0
    return mask


def _svdvals(x: Any) -> Any:
    try:
        return np.linalg.svd(x, compute_uv=False)
    except LinAlgError:
        raise bad_numbers(x, "the singular value decomposition") from None


def _svdvals_rule(g: Any, x: Any) -> Any:
    m, n = x.shape[-2:]
    packed = svd(x)
    return _scaled(rows(packed, 0, m), g, rows(packed, m + 1, m + 1 + n))


def _svd_full(x: Any) -> Any:
    """U and V with all their columns, and zeros in the corner where one of them is smaller."""
    m, n = x.shape[-2:]
    try:
        u, _, vh = np.linalg.svd(x, full_matrices=True)
    except LinAlgError:
        raise bad_numbers(x, "the singular value decomposition") from None
    signs_u, signs_v = _signs(u), _signs(vh.mT)
    k = m if m < n else n
    signs_v[..., :k] = signs_u[..., :k]  # what a singular value joins has one sign
    out = np.zeros((*x.shape[:-2], m + n, m if m > n else n), x.dtype)
    out[..., :m, :m], out[..., m:, :n] = u * signs_u, vh.mT * signs_v
    return out


# -- orthogonal factors --------------------------------------------------------------------------------------


def _check_tall(x: Any) -> None:
    check_matrices(x)
    if x.shape[-2] < x.shape[-1]:
        raise wrong(ShapeError, None, f"it needs as many rows as columns or more, and not {x.shape}")


def _qr(x: Any) -> Any:
    q, r = np.linalg.qr(x)
    return np.concatenate([q, r.mT], -2)


def _qr_rule(g: Any, out: Any) -> Any:
    """(G_Q + Q S) R^-T: S is symmetric and has the lower triangle of R G_R^T - G_Q^T Q.

    Source: Walter, Lehmann, Lamour, "On evaluating higher-order derivatives of the QR decomposition of
    tall matrices with full column rank", 2012.
    """
    m, n = out.shape[-2] - out.shape[-1], out.shape[-1]
    q, lower = rows(out, 0, m), rows(out, m, m + n)  # lower is R^T
    gq, glower = rows(g, 0, m), triangle(rows(g, m, m + n))
    inner = matmul(lower.mT, glower) - matmul(gq.mT, q)
    both = triangle(inner) + triangle(inner, keep=-1).mT
    return solve(lower.mT, (gq + matmul(q, both)).mT).mT


def _qr_full(x: Any) -> Any:
    return np.linalg.qr(x, mode="complete")[0]


# -- recipes -------------------------------------------------------------------------------------------------


def _turn(n: int) -> Any:
    """A reflection, so that vectors are no axes; no two of its components tie."""
    v = np.arange(1.0, n + 1)
    return np.eye(n) - 2.0 * np.outer(v, v) / (v @ v) if n else np.eye(0)


def _eigh_calls(draw: Draw) -> Call:
    n = draw.integer(1, 3)
    x = draw.array((*stack(draw), n, n), _NEAR) + np.diag([-2.0, 1.0, 3.0][:n])
    return Call((_turn(n) @ x @ _turn(n),))


def _svd_calls(draw: Draw) -> Call:
    m, n = draw.integer(1, 3), draw.integer(1, 3)
    x = draw.array((*stack(draw), m, n), _NEAR)
    x = x + np.diag([5.0, 3.0, 1.0])[:m, :n]
    return Call((_turn(m) @ x @ _turn(n),))


def _nearly_square_calls(draw: Draw) -> Call:
    """At most one vector is missing, so that it is defined up to its sign."""
    x = _svd_calls(draw).arrays[0]
    return Call((x[..., : x.shape[-1] + 1, : x.shape[-2] + 1].copy(),))


def _tall_calls(draw: Draw) -> Call:
    n = draw.integer(0, 2)
    m = n + draw.integer(1 if n == 1 else 0, 2)  # Q of a number is a constant
    base = np.array([[3.0, 1.0], [1.5, -3.0], [0.5, 2.0], [-1.0, 1.0]])
    return Call((draw.array((*stack(draw), m, n), SMALL) * 0.4 + base[:m, :n],))


# fmt: off
_TWICE = [[2.0, 0.0], [0.0, 2.0]]
_NANS = [[np.nan, np.nan], [np.nan, np.nan]]
eigh: Op = Lapack("eigh", _eigh, (_eigh_rule,), calls=_eigh_calls, fits=check_square,
                  math=r"\binom{V}{w^\top}: V \operatorname{diag}(w) V^\top = (A + A^\top) / 2",
                  edges=(edge(x=_TWICE, out=[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]], slope=_NANS,
                              why="vectors of a repeated eigenvalue have no derivative"),))
eigvalsh: Op = Lapack("eigvalsh", _eigvalsh, (_eigvalsh_rule,), calls=_eigh_calls, fits=check_square,
                      math=r"w: V \operatorname{diag}(w) V^\top = (A + A^\top) / 2",
                      edges=(edge(x=_TWICE, out=[2.0, 2.0], slope=[[1.0, 0.0], [0.0, 1.0]],
                                  why="of the sum, the trace, though each value has a kink"),))
svd: Op = Lapack("svd", _svd, (_svd_rule,), calls=_svd_calls, fits=check_matrices,
                 math=r"\left(U^\top \; s \; V^\top\right)^\top: U \operatorname{diag}(s) V^\top = A",
                 edges=(edge(x=_TWICE, out=[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0], [1.0, 0.0], [0.0, 1.0]],
                             slope=_NANS, why="vectors of a repeated singular value have no derivative"),))
svdvals: Op = Lapack("svdvals", _svdvals, (_svdvals_rule,), calls=_svd_calls, fits=check_matrices,
                     math=r"s: U \operatorname{diag}(s) V^\top = A",
                     edges=(edge(x=_TWICE, out=[2.0, 2.0], slope=[[1.0, 0.0], [0.0, 1.0]]),))
svd_full: Op = Lapack("svd_full", _svd_full, (None,), calls=_nearly_square_calls, fits=check_matrices,
                      math=r"\binom{U}{V}: U S V^\top = A, \; U U^\top = I, \; V V^\top = I")
qr: Op = Lapack("qr", _qr, (_qr_rule,), calls=_tall_calls, fits=_check_tall,
                math=r"\binom{Q}{R^\top}: Q R = A, \; Q^\top Q = I")
qr_full: Op = Lapack("qr_full", _qr_full, (None,), calls=_tall_calls, fits=check_matrices,
                     math=r"Q: Q R = A, \; Q Q^\top = I")
# fmt: on
