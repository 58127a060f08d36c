"""Linear algebra by LAPACK: systems of equations, determinants, the Cholesky factor and the pseudo-inverse.

NumPy's LAPACK computes these ops. There are no kernels for them: on a device the matrices are copied to the
host, and the result is copied back. All take stacks of matrices, (..., m, n), of float32 or float64.

Rules are written with ops, so derivatives of every order exist. Source of the formulas: Giles, "An extended
collection of matrix derivative results for forward and reverse mode algorithmic differentiation", 2008.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.domain import Call, Draw, Interval, edge
from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.ops.contract import matmul
from tinygrad_edu.ops.elementwise import where
from tinygrad_edu.ops.movement import reshape, slice_
from tinygrad_edu.ops.reduce import sum
from tinygrad_edu.shapes import Shape, broadcast_shapes

SMALL = Interval(-1.0, 1.0)


class Lapack(Op):
    """An op that the host computes for every device: inputs are copied there, and the result back."""

    family = "host"

    def lower(self, backend: Backend) -> Callable[..., Any]:
        def run(*arrays: Any, **params: Any) -> Any:
            found = self.compute(*(backend.numpy(a) for a in arrays), **params)
            return backend.asarray(np.asarray(found, order="C"), copy=False)

        return run


# -- what fits -----------------------------------------------------------------------------------------------


def check_matrices(x: Any, kinds: str = "f") -> None:
    """Raise ShapeError or TypeError unless x is a stack of matrices of floats.

    kinds  "fc" where the op of complex numbers is analytic, as the complex step of a proof needs it.
    """
    if len(x.shape) < 2:
        raise wrong(
            ShapeError, None, f"it needs matrices, (..., m, n), and not shape {x.shape}", "reshape x first"
        )
    if x.dtype.kind not in kinds:
        raise wrong(TypeError, None, f"matrices must be floats, not {x.dtype}", "convert: x.to('float64')")


def check_square(x: Any, kinds: str = "f", **_: Any) -> None:
    """Raise ShapeError or TypeError unless x is a stack of square matrices of floats."""
    check_matrices(x, kinds)
    if x.shape[-1] != x.shape[-2]:
        raise wrong(ShapeError, None, f"matrices must be square, (..., n, n), and not {x.shape}")


def _check_system(x: Any, y: Any) -> None:
    check_square(x, "fc")
    check_matrices(y, "fc")
    if x.shape[-1] != y.shape[-2]:
        raise wrong(
            ShapeError,
            None,
            f"{x.shape[-1]} equations meet right sides of {y.shape[-2]} rows: x is {x.shape}, y {y.shape}",
            "a vector of right sides is y[:, None]",
        )
    broadcast_shapes(x.shape[:-2], y.shape[:-2])


def which(index: tuple[int, ...]) -> str:
    """The name of a matrix of a stack in errors."""
    return f"matrix {index if len(index) > 1 else index[0]} of the stack" if index else "the matrix"


def bad_numbers(x: Any, name: str) -> LinAlgError:
    """The error for matrices on which LAPACK did not converge: it names the first that is not finite."""
    known = np.isfinite(x).all((-2, -1))
    bad = next((i for i in np.ndindex(known.shape) if not known[i]), None)
    if bad is None:
        return wrong(LinAlgError, None, f"{name} did not converge", "scale the matrix")
    return wrong(
        LinAlgError, None, f"{which(bad)} is not finite", "te.detect_anomaly() finds the op that made NaN"
    )


# -- recipes -------------------------------------------------------------------------------------------------


def stack(draw: Draw) -> Shape:
    """The leading axes of a stack: often none."""
    return draw.choice(((), (), (2,), (2, 1)))


def eye(n: int, like: Any) -> Any:
    """The identity as a host array of the dtype of `like`."""
    return np.eye(n, dtype=like.dtype)


def well(draw: Draw, lead: Shape, n: int) -> Any:
    """Square matrices whose diagonal dominates: none is close to a singular one."""
    return draw.array((*lead, n, n), SMALL) + np.diag([4.0, -3.0, 5.0][:n])


def _square_calls(draw: Draw) -> Call:
    return Call((well(draw, stack(draw), draw.integer(0, 3)),))


def _system_calls(draw: Draw) -> Call:
    n, k = draw.integer(0, 3), draw.integer(0, 2)
    lead_x, lead_y = draw.broadcast(2) if draw.choice((True, False)) else [(), ()]
    return Call((well(draw, lead_x, n), draw.array((*lead_y, n, k))))


def _positive_calls(draw: Draw) -> Call:
    n = draw.integer(0, 3)
    return Call((draw.array((*stack(draw), n, n), SMALL) + np.diag([3.0, 4.0, 5.0][:n]),))


def _pinv_calls(draw: Draw) -> Call:
    m, n = draw.integer(1, 3), draw.integer(1, 3)
    x = draw.array((*stack(draw), m, n), SMALL) + 4.0 * np.eye(m, n)
    return Call((x,), {"rtol": 1e-12})


# -- systems -------------------------------------------------------------------------------------------------


def _solve(x: Any, y: Any) -> Any:
    try:
        return np.linalg.solve(x, y)
    except LinAlgError:
        signs = np.linalg.slogdet(x)[0]  # 0 where the same factorisation meets a pivot of 0
        bad = next((i for i in np.ndindex(signs.shape) if signs[i] == 0), ())
        raise wrong(
            LinAlgError,
            None,
            f"{which(bad)} is singular: a column is a combination of the others",
            "te.linalg.lstsq and te.linalg.pinv take such matrices; x + eps * te.eye(n) is not singular",
        ) from None


def _solve_rule(g: Any, x: Any, out: Any, wants: tuple[bool, ...]) -> list[Any]:
    """dX = A^-1 (dB - dA X): one more system, with the transposed matrix."""
    back = solve(x.mT, g)
    return [-matmul(back, out.mT) if wants[0] else None, back if wants[1] else None]


def triangle(x: Any, *, keep: int = 0) -> Any:
    """The lower triangle with the diagonal (keep=0) or without it (keep=-1); 0 elsewhere."""
    return where(np.tri(x.shape[-2], x.shape[-1], keep, bool), x, 0.0)


def inverse_transposed(x: Any) -> Any:
    """(x^-1)^T."""
    return solve(x.mT, eye(x.shape[-1], x))


def _each(g: Any) -> Any:
    """A number for each matrix, (...,), as (..., 1, 1)."""
    return reshape(g, shape=(*g.shape, 1, 1))


def _cofactor(x: Any) -> Any:
    """det(U) det(V) U C V^T for x = U S V^T, where C has the products of all other singular values.

    Unlike det(x) x^-T this needs no division, so singular matrices are as good as others.
    """
    n = x.shape[-1]
    if not np.isfinite(x).all():
        raise bad_numbers(x, "the singular value decomposition")
    try:
        u, s, vh = np.linalg.svd(x)
    except LinAlgError:
        raise bad_numbers(x, "the singular value decomposition") from None
    others = np.stack([np.delete(s, i, -1).prod(-1) for i in range(n)], -1) if n else s
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return (u * (others * sign[..., None])[..., None, :]) @ vh


def _cofactor_rule(g: Any, x: Any, out: Any) -> Any:
    """C = det(A) A^-T, so <G, dC> = <G, C> tr(A^-1 dA) - <C G^T A^-T, dA>."""
    whole = sum(g * out, axes=(len(out.shape) - 2, len(out.shape) - 1))
    return matmul(whole * eye(x.shape[-1], x) - matmul(out, g.mT), inverse_transposed(x))


def _slogdet(x: Any) -> Any:
    sign, size = np.linalg.slogdet(x)
    return np.stack([np.where(np.isnan(size), size, sign), size], -1).astype(x.dtype, copy=False)


def _slogdet_rule(g: Any, x: Any) -> Any:
    """d ln|det A| = tr(A^-1 dA); the sign is constant where the matrix is not singular."""
    return _each(reshape(slice_(g, key=(..., slice(1, 2))), shape=x.shape[:-2])) * inverse_transposed(x)


# -- Cholesky ------------------------------------------------------------------------------------------------


def symmetric(x: Any) -> Any:
    """(x + x^T) / 2: equal to a symmetric x to the last bit."""
    return (x + x.mT) * 0.5


def _cholesky(x: Any) -> Any:
    if not np.isfinite(x).all():  # LAPACK takes a NaN for a pivot and goes on
        raise bad_numbers(x, "the Cholesky factorisation")
    x = symmetric(x)
    try:
        return np.linalg.cholesky(x)
    except LinAlgError:
        for at in np.ndindex(x.shape[:-2]):
            try:
                np.linalg.cholesky(x[at])
            except LinAlgError:
                least = f"{np.linalg.eigvalsh(x[at])[0]:.3g}" if np.isfinite(x[at]).all() else "not finite"
                raise wrong(
                    LinAlgError,
                    None,
                    f"{which(at)} is not positive definite: its smallest eigenvalue is {least}",
                    "a covariance of few samples needs x + eps * te.eye(n)",
                ) from None
        raise


def _cholesky_rule(g: Any, out: Any) -> Any:
    """L^-T P L^-1, where P is the symmetric part of L^T G with the upper triangle left out, halved."""
    inner = triangle(matmul(out.mT, triangle(g)))
    inner = (inner - inner * eye(out.shape[-1], out) * 0.5) * 0.5
    left = solve(out.mT, inner + inner.mT)
    return solve(out.mT, left.mT)


# -- the pseudo-inverse --------------------------------------------------------------------------------------


def _pinv(x: Any, *, rtol: float) -> Any:
    try:
        return np.linalg.pinv(x, rcond=np.asarray(rtol, x.dtype))
    except LinAlgError:
        raise bad_numbers(x, "the singular value decomposition") from None


def _pinv_rule(g: Any, x: Any, out: Any) -> Any:
    """dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P, among matrices of one rank.

    Source: Golub, Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
    variables separate", 1973.
    """
    m, n = x.shape[-2:]
    t, gt = out.mT, g.mT
    of_rows = matmul(eye(m, x) - matmul(x, out), matmul(matmul(gt, out), t))
    of_columns = matmul(matmul(matmul(t, out), gt), eye(n, x) - matmul(out, x))
    return of_rows + of_columns - matmul(matmul(t, g), t)


# fmt: off
solve: Op = Lapack("solve", _solve, joint=_solve_rule, calls=_system_calls, fits=_check_system,
                   math=r"A^{-1} B", doc="The solution X of A X = B.")
cofactor: Op = Lapack("cofactor", _cofactor, (_cofactor_rule,), calls=_square_calls, fits=check_square,
                      math=r"\partial \det A / \partial A = \det(A) \, A^{-\top}",
                      doc="The cofactors of a matrix, which are the gradient of its determinant.")
det: Op = Lapack("det", lambda x: np.linalg.det(x), (lambda g, x: _each(g) * cofactor(x),),
                 calls=_square_calls, fits=lambda x: check_square(x, "fc"), math=r"\det A",
                 edges=(edge(x=[[1.0, 2.0], [2.0, 4.0]], out=0.0, slope=[[4.0, -2.0], [-2.0, 1.0]],
                             why="the cofactors: the matrix is singular"),))
slogdet: Op = Lapack("slogdet", _slogdet, (_slogdet_rule,), calls=_square_calls, fits=check_square,
                     math=r"(\operatorname{sign} \det A, \ln |\det A|)",
                     edges=(edge(x=[[1.0, 2.0], [2.0, 4.0]], out=[0.0, -np.inf],
                                 why="singular; its gradient is an error, there is no inverse"),))
cholesky: Op = Lapack("cholesky", _cholesky, (_cholesky_rule,), calls=_positive_calls, fits=check_square,
                      math=r"L: L L^\top = (A + A^\top) / 2")
pinv: Op = Lapack("pinv", _pinv, (_pinv_rule,), calls=_pinv_calls,
                  fits=lambda x, *, rtol: check_matrices(x), math=r"A^+",
                  edges=(edge(x=[[0.0, 0.0]], out=[[0.0], [0.0]], slope=[[0.0, 0.0]],
                              params={"rtol": 1e-12}, why="among matrices of the same rank"),))
# fmt: on
