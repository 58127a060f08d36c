"""torch.special: functions of mathematics, element by element, by the names that SciPy has."""

from __future__ import annotations

from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.functions.bessel import POLYNOMIALS as _POLYNOMIALS
from tinygrad_edu.torch.functions.bessel import i0 as i0
from tinygrad_edu.torch.functions.bessel import i0e as i0e
from tinygrad_edu.torch.functions.bessel import i1 as i1
from tinygrad_edu.torch.functions.bessel import i1e as i1e
from tinygrad_edu.torch.functions.bessel import spherical_bessel_j0 as spherical_bessel_j0
from tinygrad_edu.torch.functions.binary import xlogy as xlogy
from tinygrad_edu.torch.functions.gamma import digamma as digamma
from tinygrad_edu.torch.functions.gamma import igamma as gammainc
from tinygrad_edu.torch.functions.gamma import igammac as gammaincc
from tinygrad_edu.torch.functions.gamma import lgamma as gammaln
from tinygrad_edu.torch.functions.gamma import mvlgamma as multigammaln
from tinygrad_edu.torch.functions.gamma import polygamma as polygamma
from tinygrad_edu.torch.functions.gamma import zeta as zeta
from tinygrad_edu.torch.functions.normal import entr as entr
from tinygrad_edu.torch.functions.normal import erfc as erfc
from tinygrad_edu.torch.functions.normal import erfcx as erfcx
from tinygrad_edu.torch.functions.normal import erfinv as erfinv
from tinygrad_edu.torch.functions.normal import log_ndtr as log_ndtr
from tinygrad_edu.torch.functions.normal import ndtr as ndtr
from tinygrad_edu.torch.functions.normal import ndtri as ndtri
from tinygrad_edu.torch.functions.normal import xlog1py as xlog1py
from tinygrad_edu.torch.functions.pointwise import erf as erf
from tinygrad_edu.torch.functions.pointwise import exp2 as exp2
from tinygrad_edu.torch.functions.pointwise import expm1 as expm1
from tinygrad_edu.torch.functions.pointwise import log1p as log1p
from tinygrad_edu.torch.functions.pointwise import log_softmax as log_softmax
from tinygrad_edu.torch.functions.pointwise import logit as logit
from tinygrad_edu.torch.functions.pointwise import sigmoid as expit
from tinygrad_edu.torch.functions.pointwise import sinc as sinc
from tinygrad_edu.torch.functions.pointwise import softmax as softmax
from tinygrad_edu.torch.functions.reductions import logsumexp as logsumexp
from tinygrad_edu.torch.functions.rounding import round as round

psi = digamma
modified_bessel_i0, modified_bessel_i1 = i0, i1
globals().update(_POLYNOMIALS)

__getattr__ = missing_from("torch.special")
__all__ = ["expit", "gammainc", "gammaincc", "gammaln", "modified_bessel_i0", "modified_bessel_i1",
           "multigammaln", "psi"]  # fmt: skip
