"""`gradcheck`: a function's gradients, held against its derivatives order by order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.backend import philox, registry
from tinygrad_edu.check.judgement import Judgement
from tinygrad_edu.check.level import CannotJudge, GradientError, Level, pull
from tinygrad_edu.engine.modes import enable_grad, watch
from tinygrad_edu.engine.undo import Undo
from tinygrad_edu.errors import wrong
from tinygrad_edu.tensor import Tensor

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

PROBED = 1024  # at most so many elements are tried one by one to name the worst
NAMED = 8  # and so many of the result's
DIRECTION = "along a random direction"  # where no single element shows a fault


@dataclass(frozen=True)
class Report:
    """What `gradcheck` measured: for each order, the largest relative error, and how it was measured."""

    errors: tuple[float, ...]
    methods: tuple[str, ...]


def gradcheck(
    f: Function,
    inputs: Sequence[Any] | Tensor | Array,
    *,
    order: int = 2,
    eps: float | None = None,
    tolerance: float | None = None,
    seed: int = 0,
    complex_step: bool = True,
    device: str | None = None,
) -> Report:
    """Prove that the gradients of `f(*inputs)` are its derivatives; order 2: the gradient's gradients too.

    f             takes float64 tensors, returns one; what it should not be differentiated by, it closes over
    inputs        a tensor or array for each argument of f; of one argument, the tensor itself
    eps           the largest step of the differences, relative to |x| (to 1 where x is 0); 1/256 by default.
                  Steps shrink until two extrapolations agree
    tolerance     relative error allowed; by default 1e-6 against differences, 1e-10 against the complex step
    seed          of the random directions
    complex_step  also run f on complex numbers, where all of its ops can
    device        where f runs; the default device if not said

    Returns a Report when they are right. An error is relative to the derivative along a direction in which
    the elements of an input matter alike, so none hides behind a larger one. Infinite elements of the result
    are left out; NaN is an error. Inputs are copied for every call, and the default random generator is set
    back, so a function with dropout is checked at one mask; what f changes in place, such as a batch norm's
    averages, is set back at the end.
    Raises GradientError when they are wrong, naming the input, the index and both numbers; CannotJudge where
    no number can tell, and why: nothing to differentiate, a kink at the inputs, fewer digits in the result
    than the tolerance asks for; TypeError for inputs that are not float64; ValueError if f returns different
    numbers for the same inputs, or for an order, eps or tolerance that means nothing.
    """
    if order < 1:
        raise wrong(ValueError, "gradcheck", f"order must be at least 1, not {order}")
    for word, given in (("eps", eps), ("tolerance", tolerance)):
        if given is not None and not (math.isfinite(given) and given > 0.0):
            raise wrong(ValueError, "gradcheck", f"{word} must be a number above 0, not {given}")
    alone = isinstance(inputs, Tensor | np.ndarray)
    arrays = [_float64(i, x) for i, x in enumerate([inputs] if alone else inputs)]
    random, stream = np.random.default_rng(seed), philox.default.state_dict()
    name, where = getattr(f, "__name__", repr(f)), registry.get(device).name
    if not any(a.size for a in arrays):
        what = f"of shape {', '.join(str(a.shape) for a in arrays)}, empty" if arrays else "none"
        raise CannotJudge(
            f"{name}: the inputs are {what}, so there is nothing to differentiate by; give at "
            "least one with elements"
        )

    def level(*xs: Tensor) -> Tensor:
        philox.default.load_state_dict(stream)
        return _checked(f(*xs), name)

    errors, methods, size, changes = [], [], 0.0, Undo()
    try:
        with enable_grad(), watch(changes), np.errstate(all="ignore"):
            for k in range(1, order + 1):
                proof = Level(
                    level,
                    arrays,
                    random,
                    name=name,
                    order=k,
                    device=where,
                    eps=eps,
                    tolerance=tolerance,
                    complex_step=complex_step,
                    least=size,
                )
                error, method = _worst_error(proof)
                errors.append(error)
                methods.append(method)
                if k < order:
                    level, arrays = _next_order(proof)
                    size = proof.size
    finally:
        philox.default.load_state_dict(stream)
        changes.undo()
    return Report(tuple(errors), tuple(methods))


def _float64(i: int, x: Any) -> Array:
    array = x.numpy() if isinstance(x, Tensor) else np.asarray(x)
    if array.dtype != np.float64:
        raise wrong(
            TypeError,
            "gradcheck",
            f"input {i} is {array.dtype}",
            "differences need float64's digits. Cast to float64: x.to('float64'); close over inputs that "
            "are integers",
        )
    return np.array(array)


def _checked(y: Any, name: str) -> Tensor:
    if not isinstance(y, Tensor) or y.dtype not in (np.float64, np.complex128):
        if y is None:
            raise wrong(TypeError, "gradcheck", f"{name} returned None", "does it lack a return?")
        what = y.dtype if isinstance(y, Tensor) else type(y).__name__
        raise wrong(
            TypeError,
            "gradcheck",
            f"{name} returned {what}, a float64 tensor is needed",
            "does it cast to float32 inside, or use float32 parameters? Call model.to('float64') first",
        )
    return y


def _worst_error(level: Level) -> tuple[float, str]:
    """The largest error and the weaker method. Raises GradientError, else CannotJudge."""
    worst, methods, doubt = 0.0, set(), None
    for i in range(len(level.arrays)):
        for v in level.directions(i):
            found = level.judged(i, v)
            if found.verdict == "wrong" and not _is_of_several_kinks(level, i, found):
                raise GradientError(_wrong(level, i, found))
            if found.verdict != "right":
                doubt = doubt or (i, replace(found, verdict="unknown"))
            else:
                worst = max(worst, found.error)
                methods.add(found.method)
    if doubt is not None:
        raise CannotJudge(_unknown(level, *doubt))
    return worst, "complex step" if methods == {"complex step"} else "differences"


def _is_of_several_kinks(level: Level, i: int, along: Judgement) -> bool:
    """Whether a number that is no side of a kink along a direction can be right for every element.

    With kinks in several elements it can: each element has a side of its own, and a direction has two.
    """
    return bool(along.because) and _find_element(level, i, along)[0] == DIRECTION


def _next_order(level: Level) -> tuple[Function, list[Array]]:
    """The next order's function: <w, gradients of <u, f>>, of the inputs and of u."""
    weights = [level.equal(i) for i in range(len(level.arrays))]

    def slope(*args: Tensor) -> Tensor:
        *xs, u = args
        grads = pull(level.f, xs, u, True)
        total = F.sum(u * 0.0)
        for g, w in zip(grads, weights, strict=True):
            total = total if g is None else total + F.sum(g * w)
        return total

    return slope, [*level.arrays, level.u]


# -- what a judgement says in words ----------------------------------------------------------------


def _find_element(level: Level, i: int, along: Judgement) -> tuple[str, Judgement]:
    """Which element of input i has this verdict, the one with the largest error first."""
    worst, found = along, None
    a = level.arrays[i]
    for flat in range(min(a.size, PROBED)):
        index = tuple(int(k) for k in np.unravel_index(flat, a.shape))
        unit = np.zeros_like(a)
        unit[index] = level.lengths[i][index]
        here = level.judged(i, unit, float(unit[index]))
        if here.verdict == along.verdict and (found is None or here.error > worst.error):
            found, worst = index, here
    if found is None:
        return DIRECTION, along
    unit = np.zeros_like(a)
    length = unit[found] = level.lengths[i][found]
    where = f"at index {found}"
    for j in level.moved_most(i, unit)[:NAMED] if level.first.size > 1 else ():
        here = level.of_element(j).judged(i, unit, float(length))
        if here.verdict == along.verdict:
            element = tuple(int(k) for k in np.unravel_index(j, level.first.shape))
            return f"{where}, for the result's element {element}", _by_element(here, length)
    return where, _by_element(worst, length)


def _by_element(found: Judgement, length: float) -> Judgement:
    """The same, of a derivative by the element rather than along a step of that length."""
    return Judgement(
        found.verdict,
        found.claimed / length,
        found.numeric / length,
        found.error,
        found.allowed,
        found.method,
        found.because,
    )


def _wrong(level: Level, i: int, along: Judgement) -> str:
    """Which element, both numbers, and where to look."""
    where, worst = _find_element(level, i, along)
    if worst.because:  # a kink, of which the claimed number is no side
        advice = worst.because
    elif not level.grads[i].any():
        advice = (
            "the graph has no path from it to the result, though the result depends on it: a "
            "detach(), a .numpy(), a value computed under no_grad, or an op whose rule for it is "
            "None, or lacks a return?"
        )
    elif level.order > 1:
        advice = (
            "the lower orders are right, so a rule computes something the graph does not see: a "
            "NumPy call or a constant in a vjp that depends on an input, or a wrong rule of an op "
            "that vjps use"
        )
    elif worst.error < 1e-6:
        advice = (
            "so small an error is that of float32: look for a constant or a tensor of float32 in the "
            "function or in a vjp"
        )
    else:
        advice = (
            "look for a part that the graph does not see, by detach(), .numpy() or no_grad, or at the "
            "vjp of the op you added last: a factor, a sign, an axis"
        )
    return (
        f"{level.name}: the gradient of order {level.order} with respect to {level.which(i)}, of shape "
        f"{level.arrays[i].shape}, is wrong {where}: analytic {worst.claimed:.10g}, numeric "
        f"{worst.numeric:.10g} by {worst.method}, relative error {worst.error:.2g} where "
        f"{worst.allowed:.0e} is allowed; {advice}"
    )


def _unknown(level: Level, i: int, along: Judgement) -> str:
    where, worst = _find_element(level, i, along)
    return (
        f"{level.name}: the gradient of order {level.order} with respect to {level.which(i)}, of shape "
        f"{level.arrays[i].shape}, cannot be judged {where}, because {worst.because}"
    )
