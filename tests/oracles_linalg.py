"""What the ops of linear algebra should return, from definitions: permutations, exact fractions, rotations.

No LAPACK. Arrays come in as float64.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np


def each(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of matrices for stacks of them, which broadcast."""

    def compute(*stacks: Any, **params: Any) -> Any:
        lead = np.broadcast_shapes(*(x.shape[:-2] for x in stacks))
        given = [np.broadcast_to(x, (*lead, *x.shape[-2:])) for x in stacks]
        found = [np.asarray(function(*(x[at] for x in given), **params), float) for at in np.ndindex(lead)]
        shape = np.shape(function(*(np.eye(*x.shape[-2:]) for x in given), **params))
        return np.array(found).reshape((*lead, *shape))

    return compute


def determinant(x: Any) -> Fraction:
    """The sum over all permutations, exactly."""
    n, total = len(x), Fraction(0)
    rows = [[Fraction(v) for v in row] for row in x.tolist()]
    for order in itertools.permutations(range(n)):
        swaps = sum(order[i] > order[j] for i in range(n) for j in range(i + 1, n))
        total += (-1) ** swaps * math.prod((rows[i][order[i]] for i in range(n)), start=Fraction(1))
    return total


def cofactors(x: Any) -> list[list[Fraction]]:
    n = len(x)
    return [
        [(-1) ** (i + j) * determinant(np.delete(np.delete(x, i, 0), j, 1)) for j in range(n)]
        for i in range(n)
    ]


def inverse(x: Any) -> list[list[Fraction]]:
    n, whole, parts = len(x), determinant(x), cofactors(x)
    return [[parts[j][i] / whole for j in range(n)] for i in range(n)]


def product(x: Any, y: Any) -> list[list[Fraction]]:
    """Exactly; lists of rows."""
    columns = list(zip(*y, strict=True)) if y else []
    return [[sum((a * b for a, b in zip(r, c, strict=True)), Fraction(0)) for c in columns] for r in x]


def exact(x: Any) -> list[list[Fraction]]:
    return [[Fraction(v) for v in row] for row in np.asarray(x).tolist()]


def rounded(rows: list[list[Fraction]], shape: tuple[int, ...]) -> Any:
    return np.array([[float(v) for v in row] for row in rows]).reshape(shape)


def solve(x: Any, y: Any) -> Any:
    return rounded(product(inverse(x), exact(y)), y.shape)


def pinv(x: Any, *, rtol: float) -> Any:
    """(x^T x)^-1 x^T of full columns, and the transpose of that of full rows; exactly."""
    if len(x) < len(x.T):
        return pinv(x.T, rtol=rtol).T
    a, at = exact(x), exact(x.T)
    gram = product(at, a)
    n = len(gram)
    whole = _determinant_of(gram)
    parts = [
        [(-1) ** (i + j) * _determinant_of([r[:j] + r[j + 1 :] for k, r in enumerate(gram) if k != i])
         for j in range(n)] for i in range(n)
    ]  # fmt: skip
    inverted = [[parts[j][i] / whole for j in range(n)] for i in range(n)]
    return rounded(product(inverted, at), x.T.shape)


def _determinant_of(rows: list[list[Fraction]]) -> Fraction:
    if not rows:
        return Fraction(1)
    minors = (_determinant_of([r[:j] + r[j + 1 :] for r in rows[1:]]) for j in range(len(rows)))
    return sum(((-1) ** j * v * m for j, (v, m) in enumerate(zip(rows[0], minors, strict=True))), Fraction(0))


def slogdet(x: Any) -> Any:
    d = determinant(x)
    return [float((d > 0) - (d < 0)), math.log(abs(d)) if d else -math.inf]


def cholesky(x: Any) -> Any:
    """Row by row, as in Golub and Van Loan, "Matrix Computations"."""
    a, n = (x + x.T) / 2, len(x)
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            rest = a[i, j] - math.fsum(out[i, k] * out[j, k] for k in range(j))
            out[i, j] = math.sqrt(rest) if i == j else rest / out[j, j]
    return out


def signed(vectors: Any) -> list[float]:
    """The sign of each column: its first component not much smaller than the largest is positive."""
    out = []
    for column in vectors.T.tolist():
        top = max((abs(v) for v in column), default=0.0)
        lead = next((v for v in column if abs(v) >= 0.9 * top), 1.0)
        out.append(-1.0 if lead < 0 else 1.0)
    return out


def eigh(x: Any) -> Any:
    """Jacobi's rotations, until nothing is left beside the diagonal."""
    a, n = (x + x.T) / 2, len(x)
    v = np.eye(n)
    for _ in range(12):
        for i, j in itertools.combinations(range(n), 2):
            angle = 0.5 * math.atan2(2 * a[i, j], a[j, j] - a[i, i])
            turn = np.eye(n)
            turn[i, i] = turn[j, j] = math.cos(angle)
            turn[i, j], turn[j, i] = math.sin(angle), -math.sin(angle)
            a, v = turn.T @ a @ turn, v @ turn
    order = sorted(range(n), key=lambda i: a[i, i])
    v = v[:, order]
    return np.concatenate([v * signed(v), np.diag(a)[order][None]])


def svd(x: Any) -> Any:
    """One-sided Jacobi: columns are turned until they are orthogonal; then their lengths are the values."""
    if len(x) < len(x.T):
        packed, n = svd(x.T), len(x.T)
        v, s, u = packed[:n], packed[n : n + 1], packed[n + 1 :]
        signs = signed(u)
        return np.concatenate([u * signs, s, v * signs])
    n = len(x.T)
    a, v = x.copy(), np.eye(n)
    for _ in range(12):
        for i, j in itertools.combinations(range(n), 2):
            angle = 0.5 * math.atan2(2 * (a[:, i] @ a[:, j]), a[:, j] @ a[:, j] - a[:, i] @ a[:, i])
            turn = np.eye(n)
            turn[i, i] = turn[j, j] = math.cos(angle)
            turn[i, j], turn[j, i] = math.sin(angle), -math.sin(angle)
            a, v = a @ turn, v @ turn
    sizes = [math.hypot(*column) for column in a.T]
    order = sorted(range(n), key=lambda i: -sizes[i])
    s = np.array(sizes)[order]
    u, v = a[:, order] / s, v[:, order]
    signs = signed(u)
    return np.concatenate([u * signs, s[None], v * signs])


def svdvals(x: Any) -> Any:
    return svd(x)[len(x)]


def reflections(x: Any) -> tuple[Any, Any]:
    """Q (m, m) and R by Householder's reflections, which leave the last row of a square matrix as it is."""
    m, n = x.shape
    q, r = np.eye(m), x.copy()
    for k in range(n if m > n else n - 1):
        column = r[k:, k]
        v = column.copy()
        v[0] += math.copysign(math.hypot(*column), column[0])
        h = np.eye(m)
        h[k:, k:] -= 2 * np.outer(v, v) / (v @ v)
        q, r = q @ h, h @ r
    return q, np.triu(r)


def qr(x: Any) -> Any:
    q, r = reflections(x)
    n = x.shape[1]
    return np.concatenate([q[:, :n], r[:n].T])


def svd_full(x: Any) -> Any:
    """The thin factors; what completes them is any basis, here the one that has a sign as the others do.

    Held where one vector is missing at most, which is defined up to its sign; `test_linalg.py` has the rest.
    """
    m, n = x.shape
    packed, k = svd(x), min(m, n)
    out = np.zeros((m + n, max(m, n)))
    out[:m, :k], out[m:, :k] = packed[:m], packed[m + 1 :]
    if m > k:
        out[:m, :m] = completed(out[:m, :k], m)
    if n > k:
        out[m:, :n] = completed(out[m:, :k], n)
    return out


def completed(columns: Any, n: int) -> Any:
    """One more column, orthogonal to all: the signed minors."""
    assert n - columns.shape[1] == 1
    last = np.array([(-1) ** i * float(determinant(np.delete(columns, i, 0))) for i in range(n)])
    last /= math.hypot(*last)
    return np.column_stack([columns, last * signed(last[:, None])])


# fmt: off
LOOPS: dict[str, Callable[..., Any]] = {
    "solve": each(solve), "cofactor": each(lambda x: rounded(cofactors(x), x.shape)),
    "det": each(lambda x: float(determinant(x))), "slogdet": each(slogdet), "cholesky": each(cholesky),
    "pinv": each(pinv), "eigh": each(eigh), "eigvalsh": each(lambda x: eigh(x)[-1]), "svd": each(svd),
    "svdvals": each(svdvals), "svd_full": each(svd_full), "qr": each(qr),
    "qr_full": each(lambda x: reflections(x)[0]),
}
# fmt: on
