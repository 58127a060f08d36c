"""Named results of functions that return several tensors: `torch.return_types.max(values, indices)`."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from tinygrad_edu.torch.core.words import missing_from

_FIELDS = {
    "values indices": "max min median nanmedian mode sort topk kthvalue cummax cummin msort",
    "min max": "aminmax",
    "hist bin_edges": "histogram histogramdd",
    "mantissa exponent": "frexp",
    "Q R": "qr linalg_qr",
    "U S Vh": "linalg_svd",
    "U S V": "svd",
    "eigenvalues eigenvectors": "linalg_eigh linalg_eig",
    "sign logabsdet": "linalg_slogdet",
    "sign logabsdet_": "slogdet",
    "solution residuals rank singular_values": "linalg_lstsq",
    "P L U": "linalg_lu lu_unpack",
    "LU pivots": "linalg_lu_factor",
    "solution cloned_coefficient": "triangular_solve",
    "inverse info": "linalg_inv_ex",
    "result info": "linalg_solve_ex",
    "L info": "linalg_cholesky_ex",
}


def _text(self: Any) -> str:
    rows = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
    return f"torch.return_types.{type(self).__name__}(\n{rows})"


def _make(name: str, fields: str) -> Any:
    """The type of one function's results."""
    made: Any = namedtuple
    kind: Any = made(name, [f.strip("_") for f in fields.split()], module=__name__)
    kind.__repr__ = _text
    kind.__doc__ = f"What torch.{name} returns: {', '.join(kind._fields)}."
    return kind


for _fields, _names in _FIELDS.items():
    for _name in _names.split():
        globals()[_name] = _make(_name, _fields)

__getattr__ = missing_from("torch.return_types")
