"""Floor 4: the Array API standard over tensors, for programs that are written for any array library.

`import tinygrad_edu.array_api as xp`, or `xp = x.__array_namespace__()`. The arrays are the library's
tensors, on any device, and functions keep the graph, so that a program for the standard has gradients. The
library has six of the standard's dtypes, bool, uint8, int32, int64, float32 and float64, and the extension
`linalg`.
Source: data-apis.org/array-api, version 2025.12.
"""

from math import e, inf, nan, pi

import numpy as _np

from tinygrad_edu._version import __version__
from tinygrad_edu.array_api import creation as _creation
from tinygrad_edu.array_api import dtypes as _dtypes
from tinygrad_edu.array_api import elementwise as _elementwise
from tinygrad_edu.array_api import fft, linalg
from tinygrad_edu.array_api import manipulation as _manipulation
from tinygrad_edu.array_api import reductions as _reductions
from tinygrad_edu.array_api import searching as _searching
from tinygrad_edu.array_api.creation import *  # noqa: F403
from tinygrad_edu.array_api.dtypes import *  # noqa: F403
from tinygrad_edu.array_api.elementwise import *  # noqa: F403
from tinygrad_edu.array_api.host import OTHERS as _OTHERS
from tinygrad_edu.array_api.host import with_others as _with_others
from tinygrad_edu.array_api.info import __array_namespace_info__
from tinygrad_edu.array_api.manipulation import *  # noqa: F403
from tinygrad_edu.array_api.reductions import *  # noqa: F403
from tinygrad_edu.array_api.searching import *  # noqa: F403
from tinygrad_edu.dtypes import bool_ as bool
from tinygrad_edu.dtypes import float32, float64, int32, int64, uint8

VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")  # each has all of those before
__array_api_version__ = VERSIONS[-1]
newaxis = None

__all__ = [
    "__array_api_version__", "__array_namespace_info__", "__version__", "bool", "e", "fft", "float32",
    "float64", "inf", "int32", "int64", "linalg", "matmul", "matrix_transpose", "nan", "newaxis", "pi",
    "tensordot", "uint8", "vecdot",
]  # fmt: skip
int8, int16, uint16, uint32, uint64, complex64, complex128 = _OTHERS.values()

# Each function takes arrays of those dtypes, too, by NumPy's function of its name.
for _part in (_creation, _elementwise, _manipulation, _reductions, _searching, linalg):
    for _name in _part.__all__:
        if _name not in ("asarray", "broadcast_shapes", "eig", "eigvals", "from_dlpack"):
            _numpys = getattr(_np.linalg if _part is linalg else _np, _name)
            _theirs = getattr(_part, f"host_{_name}", _numpys)
            vars(_part)[_name] = _with_others(vars(_part)[_name], _theirs)
    if _part is not linalg:
        globals().update({_name: vars(_part)[_name] for _name in _part.__all__})
        __all__ += _part.__all__
matmul, matrix_transpose, tensordot, vecdot = (
    getattr(linalg, _name) for _name in ("matmul", "matrix_transpose", "tensordot", "vecdot")
)
__all__ += [*_dtypes.__all__, *_OTHERS]
