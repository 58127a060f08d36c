"""The quantile of the standard normal distribution, for values that are drawn from a part of it.

Source: M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
Statistics 37 (1988), whose quotients of polynomials (PPND16) have a relative error of about 1e-16.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
_SMALLEST = 1e-300  # the logarithm of 0 would be infinite

# (numerator, denominator), from the constant term on
# fmt: off
_MIDDLE = (  # in 0.180625 - (p - 1/2)^2, for |p - 1/2| <= 0.425
    (3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3))
_TAIL = (  # in r - 1.6, where r = sqrt(-ln p) <= 5
    (1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
     1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
     1.4810397642748007459e-1, 1.51986665636164571966e-2, 5.475938084995344946e-4, 1.05075007164441684324e-9))
_FAR_TAIL = (  # in r - 5
    (6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 2.96560571828504891230e-1,
     2.6532189526576123093e-2, 1.2426609473880784386e-3, 2.71155556874348757815e-5, 2.0103343992922881326e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.868691311456132591e-4, 1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15))
# fmt: on


def below(z: float) -> float:
    """The probability of a standard normal number below z, with all digits in the lower tail."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def quantile(p: Array) -> Array:
    """The numbers below which a standard normal one is with the probabilities p, in (0, 1), in float64."""
    offset = p - 0.5
    middle = offset * _quotient(_MIDDLE, 0.180625 - offset * offset)
    root = np.sqrt(-np.log(np.maximum(np.minimum(p, 1.0 - p), _SMALLEST)))
    tail = np.where(root <= 5.0, _quotient(_TAIL, root - 1.6), _quotient(_FAR_TAIL, root - 5.0))
    return np.where(np.abs(offset) <= 0.425, middle, np.copysign(tail, offset))


def _quotient(polynomials: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    upper, lower = (np.polynomial.polynomial.polyval(x, factors) for factors in polynomials)
    return np.asarray(upper / lower)
