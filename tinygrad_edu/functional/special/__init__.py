"""`te.special`: functions of mathematics, element by element, by SciPy's names, or PyTorch's if it has none.

Floats stay float32 or float64, integers become float64. All functions are compositions of the functions of
`te`: they run on every device, and have derivatives of every order wherever these exist.
"""

from __future__ import annotations

import sys
from typing import Any

from tinygrad_edu.functional.special.bessel import i0, i0e, i1, i1e
from tinygrad_edu.functional.special.gamma import digamma, gammaln, multigammaln, polygamma, psi, zeta
from tinygrad_edu.functional.special.incomplete import gammainc, gammaincc
from tinygrad_edu.functional.special.logarithms import entr, sinc, spherical_bessel_j0, xlog1py, xlogy
from tinygrad_edu.functional.special.normal import erfc, erfcx, erfinv, log_ndtr, ndtr, ndtri
from tinygrad_edu.functional.special.polynomials import (
    eval_chebyt,
    eval_chebyu,
    eval_chebyv,
    eval_chebyw,
    eval_hermite,
    eval_hermitenorm,
    eval_laguerre,
    eval_legendre,
    eval_sh_chebyt,
    eval_sh_chebyu,
    eval_sh_chebyv,
    eval_sh_chebyw,
)
from tinygrad_edu.functional.synonyms import taking_synonyms
from tinygrad_edu.words import missing_from

__all__ = ["digamma", "entr", "erfc", "erfcx", "erfinv", "eval_chebyt", "eval_chebyu", "eval_chebyv",
           "eval_chebyw", "eval_hermite", "eval_hermitenorm", "eval_laguerre", "eval_legendre",
           "eval_sh_chebyt", "eval_sh_chebyu", "eval_sh_chebyv", "eval_sh_chebyw", "gammainc", "gammaincc",
           "gammaln", "i0", "i0e", "i1", "i1e", "log_ndtr", "multigammaln", "ndtr", "ndtri", "polygamma",
           "psi", "sinc", "spherical_bessel_j0", "xlog1py", "xlogy", "zeta"]  # fmt: skip

for _name in __all__:  # as the functions of `te`, these explain arguments that they do not take
    _own: Any = globals()[_name]
    globals()[_name] = vars(sys.modules[_own.__module__])[_name] = taking_synonyms(_own)

__getattr__ = missing_from(__name__)
