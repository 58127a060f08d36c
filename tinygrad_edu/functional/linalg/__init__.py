"""`te.linalg`: linear algebra of stacks of matrices, by names of the Array API, or PyTorch's if it has none.

A matrix is the last two axes, (..., m, n); earlier axes are a stack, and each of its matrices is computed for
itself. Floats stay float32 or float64, integers become float64. All functions have derivatives of every order
wherever these exist. A function says in its description what holds at singular matrices, at repeated
eigenvalues and where ranks change.

Decompositions, systems of equations and determinants are computed by NumPy's LAPACK on the host: on a device
each of these calls copies its matrices to the host and its result back, and waits for both. Products and
norms (but those of singular values) run on the device.

Errors are `te.linalg.LinAlgError`, NumPy's own, a ValueError. They name the matrix of the stack.
"""

from __future__ import annotations

import sys
from typing import Any

from numpy.linalg import LinAlgError as LinAlgError

from tinygrad_edu.functional.linalg.decompositions import eigh, eigvalsh, matrix_rank, qr, svd, svdvals
from tinygrad_edu.functional.linalg.products import (
    cross,
    diagonal,
    matmul,
    matrix_norm,
    matrix_transpose,
    outer,
    tensordot,
    trace,
    vecdot,
    vector_norm,
)
from tinygrad_edu.functional.linalg.systems import (
    cholesky,
    det,
    inv,
    lstsq,
    matrix_exp,
    matrix_power,
    pinv,
    slogdet,
    solve,
    solve_triangular,
)
from tinygrad_edu.functional.synonyms import taking_synonyms
from tinygrad_edu.words import missing_from

__all__ = ["LinAlgError", "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "lstsq",
           "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "outer",
           "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd", "svdvals", "tensordot", "trace",
           "vecdot", "vector_norm"]  # fmt: skip

for _name in __all__[1:]:  # as the functions of `te`, these take PyTorch's `dim` and `keepdim`
    _own: Any = globals()[_name]
    if hasattr(_own, "__wrapped__"):
        continue  # it is a function of `te`, too
    globals()[_name] = taking_synonyms(_own)
    _home = vars(sys.modules[_own.__module__])
    _called: str = _own.__name__
    if _home.get(_called) is _own:
        _home[_called] = globals()[_name]  # where pickle looks for it

__getattr__ = missing_from(__name__)
