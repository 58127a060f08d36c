"""One call of each function of `te.linalg` that takes a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_edu as te

L = te.linalg


def matrix() -> tuple[Any, ...]:
    return (te.tensor([[2.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 4.0]]),)


def two() -> tuple[Any, ...]:
    return (*matrix(), *matrix())


def functions(call: Callable[..., Any]) -> dict[str, Any]:
    """The rows of the table, made by the table's own class."""
    return {
        "diagonal": call(L.diagonal, matrix, {"offset": 1}),
        "trace": call(L.trace, matrix, {"offset": 1}),
        "matrix_power": call(L.matrix_power, matrix, {"n": 3}),
        "matrix_norm": call(L.matrix_norm, matrix, {"ord": 1, "keepdims": True}),
        "vector_norm": call(L.vector_norm, matrix, {"ord": 3.0, "axis": 1, "keepdims": True}),
        "vecdot": call(L.vecdot, two, {"axis": 0}),
        "cross": call(L.cross, two, {"axis": 0}),
        "tensordot": call(L.tensordot, two, {"axes": 1}),
        "pinv": call(L.pinv, matrix, {"rtol": 0.25}),
        "matrix_rank": call(L.matrix_rank, matrix, {"rtol": 0.25}),
        "lstsq": call(L.lstsq, two, {"rcond": 0.25}),
        "svd": call(L.svd, matrix, {"full_matrices": False}),
        "cholesky": call(L.cholesky, matrix, {"upper": True}),
        "solve_triangular": call(
            L.solve_triangular, two, {"upper": True, "left": False, "unitriangular": True}
        ),
    }
