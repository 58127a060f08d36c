"""The normal distribution's functions, by PyTorch's names; the mathematics is `te.special`'s."""

from __future__ import annotations

from tinygrad_edu.functional import special
from tinygrad_edu.torch.core.dtypes import floating
from tinygrad_edu.torch.functions.makers import of_two, real

__all__ = ["erfc", "erfinv"]

erfc = real(special.erfc, "erfc", "1 - erf(input), right in all digits where that is small.")
erfcx = real(special.erfcx, "erfcx", "e^(input^2) erfc(input).")
erfinv = real(special.erfinv, "erfinv", "The inverse of erf: infinite at -1 and 1, NaN beyond.")
ndtr = real(special.ndtr, "ndtr", "The share of the standard normal distribution that lies below input.")
log_ndtr = real(special.log_ndtr, "log_ndtr", "ln of ndtr, right in all digits far below 0, too.")
ndtri = real(special.ndtri, "ndtri", "The inverse of ndtr.")
entr = real(special.entr, "entr", "-x ln x: 0 at 0, -infinity below.")
xlog1py = of_two(special.xlog1py, "xlog1py", floating, doc="input * ln(1 + other), 0 where input is 0.")
