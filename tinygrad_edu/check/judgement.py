"""Right, wrong, or not to be judged: what a claimed slope and the measured ones say together.

Nothing is called wrong unless the two differ by more than the measured one may be off, and by more than the
claimed one changes when the inputs move by a few units in the last place. Nothing is called right unless the
measured one is known at least as well as is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tinygrad_edu.check.slopes import EPSILON, SURE, Slope

DIFFERENCES, COMPLEX = 1e-6, 1e-10  # the relative errors allowed against either method
# fmt: off
COARSE = 1e-2                       # differences with this relative error prove nothing wrong
UNSEEN = 1e-18                      # of what the inputs move: less than that, a complex function may lose
SMALL = 1e-5                        # an error by the complex step that roundoff far from it explains
NOISE = 10.0                        # the measured effect of a few units in the last place, so many times
# fmt: on


@dataclass(frozen=True)
class Judgement:
    """`verdict` is "right", "wrong" or "unknown"; `because` says why nothing can be said."""

    verdict: str
    claimed: float
    numeric: float
    error: float  # relative
    allowed: float
    method: str
    because: str = ""


def judge(
    claimed: float,
    slope: Slope | None,
    step: float | None,
    *,
    share: float,
    size: float,
    below: float,
    most: float,
    noise: Callable[[bool], float],
    tolerance: float | None = None,
    unit: float = 1.0,
) -> Judgement:
    """Hold the claimed slope against differences and, where it is not None, the complex step.

    share      a part of the terms that the claimed slope is a sum of; errors are not relative to less
    size       of all that the claimed gradients say the inputs could change, beside which roundoff is 0
    below      the same of the orders below, from whose terms this one's are differences; 0 for the first
    most       beyond which a slope by the element is infinite in float64
    noise      how much the claimed slope, less the complex step, changes by a few units in the last place of
               the inputs; or, given True, by some more units
    tolerance  relative error allowed; by default `COMPLEX` or `DIFFERENCES`
    unit       what slopes are divided by where they are named
    """
    if math.isinf(claimed):
        known = (
            slope is not None
            and abs(slope.value) < most
            and slope.error <= DIFFERENCES * max(abs(slope.value), slope.nearby) < math.inf
        )
        return Judgement(
            "wrong" if known else "unknown",
            claimed,
            slope.value if slope else math.nan,
            math.inf,
            0.0,
            "differences",
            "the gradient is infinite there; move the inputs away",
        )
    if slope is None or not math.isfinite(slope.value):
        return Judgement(
            "unknown",
            claimed,
            math.nan,
            math.inf,
            0.0,
            "differences",
            "the result is not finite at any step away from these inputs, or its slope is not",
        )
    measured = slope.value
    if slope.jumps:
        return Judgement(
            "unknown",
            claimed,
            math.nan,
            math.inf,
            0.0,
            "differences",
            "the function jumps there, so it has no derivative; move the inputs away",
        )
    if slope.sides is not None:
        low, high = sorted(slope.sides)
        room = 1e-2 * (high - low)
        wrong = slope.at_point and not low - room <= claimed <= high + room
        return Judgement(
            "wrong" if wrong else "unknown",
            claimed,
            measured,
            abs(claimed - measured),
            0.0,
            "differences",
            f"the function has a kink {'there' if slope.at_point else 'close by'}, with slope "
            f"{low / unit:.6g} on one side and {high / unit:.6g} on the other"
            f"{', so it has no derivative' if slope.at_point else ''}; move the inputs away",
        )
    fine = slope.error <= (tolerance or DIFFERENCES) * abs(measured)  # stairs no higher than roundoff
    if slope.stairs and not fine and (claimed == 0.0 or abs(claimed - measured) <= SURE * slope.error):
        return Judgement(
            "unknown",
            claimed,
            measured,
            0.0,
            0.0,
            "differences",
            f"the result goes in stairs: its slope is {measured / unit:.6g} over larger steps "
            "and 0 over small ones; is something inside rounded, or cast to float32?",
        )
    if step is not None and _consistent(step, slope, share):
        return _by_complex_step(claimed, slope, step, share, size, below, noise, tolerance or COMPLEX)
    return _by_differences(claimed, slope, share, size, noise, tolerance or DIFFERENCES)


def _consistent(step: float, slope: Slope, share: float) -> bool:
    """Whether differences do not contradict the complex step, or are too coarse to contradict anything."""
    scale = max(abs(step), abs(slope.value), share)
    return abs(step - slope.value) <= DIFFERENCES * scale + SURE * slope.error or slope.error > COARSE * scale


def _by_complex_step(
    claimed: float,
    slope: Slope,
    step: float,
    share: float,
    size: float,
    below: float,
    noise: Callable[[bool], float],
    tolerance: float,
) -> Judgement:
    scale = max(abs(claimed), abs(step), share)
    difference = abs(claimed - step)
    error = difference / scale if difference else 0.0

    def found(verdict: str, because: str = "") -> Judgement:
        return Judgement(verdict, claimed, step, error, tolerance, "complex step", because)

    if error <= tolerance:
        return found("right")
    if step == 0.0 and difference <= UNSEEN * size:
        return Judgement("right", claimed, step, difference / size, tolerance, "complex step")
    small = error <= SMALL
    ulps = max(noise(small), EPSILON * below)
    if difference <= NOISE * ulps:
        if small or ulps <= DIFFERENCES * scale:
            return found("right")
        if _vanishes(claimed, step, ulps, size):
            return Judgement("right", claimed, step, difference / size, tolerance, "complex step")
        return found("unknown", _cancels(ulps))
    return found("wrong")


def _by_differences(
    claimed: float, slope: Slope, share: float, size: float, noise: Callable[[bool], float], tolerance: float
) -> Judgement:
    measured = slope.value
    scale = max(abs(claimed), abs(measured), share)
    difference, allowed = abs(claimed - measured), tolerance * scale
    error = difference / scale if difference else 0.0

    def found(verdict: str, because: str = "") -> Judgement:
        return Judgement(verdict, claimed, measured, error, tolerance, "differences", because)

    if claimed == 0.0 and slope.still:
        return Judgement("right", claimed, 0.0, 0.0, tolerance, "differences")
    if difference <= allowed and slope.error <= allowed:
        return found("right")
    flat = tolerance * slope.nearby  # a slope of 0 beside ones that are not
    if difference <= flat and slope.error <= flat:
        return Judgement("right", claimed, measured, difference / slope.nearby, tolerance, "differences")
    ulps = noise(False)
    if difference > allowed + SURE * slope.error:
        if difference <= NOISE * ulps:
            return found("unknown", _cancels(ulps))
        if slope.error <= COARSE * scale:
            return found("wrong")
        return found("unknown", _too_coarse(slope, scale))
    least = max(abs(measured) - SURE * slope.error, 0.0)
    size = max(size, slope.weight)
    if _vanishes(claimed, least, ulps, size) and slope.error <= DIFFERENCES * size:
        return Judgement("right", claimed, measured, 0.0, tolerance, "differences")
    return found("unknown", _too_coarse(slope, scale))


def _vanishes(claimed: float, measured: float, ulps: float, size: float) -> bool:
    """Whether both are nothing but roundoff, in a function that a change of the inputs leaves as it is."""
    return abs(claimed) <= NOISE * ulps and abs(measured) <= 2.0 * NOISE * ulps and ulps <= DIFFERENCES * size


def _cancels(ulps: float) -> str:
    return (
        "its terms cancel: a few units in the last place of the inputs change the claimed slope by "
        f"{ulps:.2g}; give inputs at which fewer digits are lost"
    )


def _too_coarse(slope: Slope, scale: float) -> str:
    known = (
        f"differences know the slope only to {slope.error:.2g}"
        if math.isfinite(slope.error)
        else "differences at no two steps agree"
    )
    rough = slope.weight and slope.error < 1e3 * EPSILON * slope.weight
    size = (
        f", since values of size {slope.weight:.2g} are rounded"
        if rough
        else ": the result is rough or rounded there (a cast to float32?), or not differentiable"
    )
    remedy = (
        "; differentiate it without the large part that does not change, or pass "
        f"tolerance={10.0 ** math.ceil(math.log10(8.0 * slope.error / scale)):.0e}"
        if scale and math.isfinite(slope.error) and slope.error < 0.01 * scale
        else ""
    )
    return known + size + remedy
