"""Proofs by number: `gradcheck` holds a function's gradients, `opcheck` a whole op, against what they claim.

A gradient is right, wrong, or cannot be judged at these inputs, because. The analytic derivative along
directions in which no element hides behind another is compared with two independent numeric ones: central
differences, extrapolated over steps that fit the function and with their own estimate of their error, and,
where every op also computes on complex numbers, the complex step (about 1e-15; Squire and Trapp, "Using
complex variables to estimate derivatives of real functions", SIAM Review 40, 1998). One direction costs the
same for a thousand inputs as for one; single elements are probed only to name the wrong one.
"""

from tinygrad_edu.check.gradients import Report, gradcheck
from tinygrad_edu.check.judgement import COMPLEX, DIFFERENCES
from tinygrad_edu.check.level import CannotJudge, GradientError
from tinygrad_edu.check.ops import callcheck, edgecheck, opcheck
from tinygrad_edu.words import missing_from

__all__ = ["COMPLEX", "DIFFERENCES", "CannotJudge", "GradientError", "Report", "callcheck", "edgecheck",
           "gradcheck", "opcheck"]  # fmt: skip
__getattr__ = missing_from(__name__)
