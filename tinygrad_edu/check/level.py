"""One order of a proof: h(x) = <u, f(x)>, the gradient that it claims, and directions in which to try it.

A gradient has many elements, and one number tells of them all along a direction. So that none hides behind
another, elements are moved the less the more the claimed gradient says that they matter: each adds about as
much to the slope. Those more than four decades apart get directions of their own, since roundoff of the large
ones would cover the small ones. Elements of the result are weighted likewise, by how much they move.
"""

from __future__ import annotations

import copy
import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.check.judgement import DIFFERENCES, Judgement, judge
from tinygrad_edu.check.slopes import EPSILON, LARGEST, slope
from tinygrad_edu.engine.backprop import backprop
from tinygrad_edu.engine.modes import watch
from tinygrad_edu.engine.observer import Observer
from tinygrad_edu.tensor import Tensor

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

SUBNORMAL = 1e-290  # imaginary parts below, or what they are made of, may have lost digits
LIMIT = float(np.finfo(np.float64).max)
# fmt: off
TINY = 1e-20                # the complex step
DECADES = 1e4               # elements of one direction matter alike within this factor
SIZES = 6                   # at most so many directions for one input
NEIGHBOURS = 6              # points that tell how far roundoff carries a gradient
ULPS, WIDE = 4, 2**42       # so many units in the last place away; some roundoff shows only in the wide ones
WEIGHTS = 1e4               # elements of the result are weighted within this factor of one another
# fmt: on


class GradientError(AssertionError):
    """A gradient is not the derivative of its function, or an op does not keep what it declares."""


class CannotJudge(AssertionError):
    """Neither right nor wrong: at these inputs no number can tell, and the message says why."""


def direction(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Signs times lengths of [0.5, 1): no element is left out, and none moves far."""
    return np.asarray(random.choice((-1.0, 1.0), shape) * random.uniform(0.5, 1.0, shape))


def pull(f: Function, xs: Sequence[Any], u: Any, create_graph: bool) -> list[Tensor | None]:
    """The gradients of <u, f(*xs)> by each x; None where the graph has no path."""
    y = f(*xs)
    if y.node is None:
        return [None] * len(xs)
    nodes = [x.node for x in xs]
    found = backprop(y, u, create_graph=create_graph, retain_graph=True, wanted=nodes)
    return [found.get(n) for n in nodes]


class Unrepeatable(CannotJudge, ValueError):
    """The same inputs give other numbers."""


class _Whole(Observer):
    """Watches whether an op makes real numbers of complex ones, and so loses the imaginary part."""

    lost = False

    def applied(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], result: Any, node: Any, seconds: float
    ) -> None:
        if result.array.dtype.kind == "f":
            self.lost = self.lost or any(isinstance(x, Tensor) and x.dtype.kind == "c" for x in inputs)


class Level:
    """One order of `gradcheck` on one function."""

    def __init__(
        self,
        f: Function,
        arrays: Sequence[Array],
        random: np.random.Generator,
        *,
        name: str,
        order: int,
        device: str,
        eps: float | None = None,
        tolerance: float | None = None,
        complex_step: bool = True,
        least: float = 0.0,
    ) -> None:
        self.f, self.arrays, self.random, self.name, self.order = f, list(arrays), random, name, order
        self.device, self.largest, self.tolerance = device, eps or LARGEST, tolerance
        self.complex_step, self.least = complex_step, least
        self._roundings: dict[int, list[float]] = {}
        self._known: dict[int, list[tuple[list[Array], list[Array]]]] = {}
        self.lengths = [np.where(a == 0.0, 1.0, np.abs(a)) for a in self.arrays]
        self.first = self.values(self.arrays)
        if not np.array_equal(self.first, self.values(self.arrays), equal_nan=True):
            raise Unrepeatable(
                f"gradcheck: {name} returned different numbers for the same inputs; make it "
                "a function, for example with its own te.Generator, created inside it"
            )
        if np.isnan(self.first).any():
            raise GradientError(
                f"{name}: {'the result' if order == 1 else 'its gradient'} is NaN at these "
                "inputs; give inputs where it has a value, or run it under "
                "te.detect_anomaly() to find the op"
            )
        self.finite = np.isfinite(self.first)
        if not self.finite.any():
            what = "infinite in every element" if self.first.size else f"empty, of shape {self.first.shape}"
            raise CannotJudge(
                f"{name}: the result is {what}, so there is nothing to differentiate; give other inputs"
            )
        self.u = self._weights()
        self.grads = self._gradients(self.arrays, self.u)
        for i, grad in enumerate(self.grads):
            if np.isnan(grad).any():
                self._nan(i, grad)

    # -- the function --------------------------------------------------------------------------

    def leaves(self, arrays: Sequence[Array]) -> list[Tensor]:
        return [F.wrap(a.copy(), requires_grad=True, device=self.device) for a in arrays]

    def values(self, arrays: Sequence[Array]) -> Array:
        found: Array = self.f(*self.leaves(arrays)).numpy()
        if found.shape != getattr(self, "first", found).shape:
            raise CannotJudge(
                f"{self.name}: the result has shape {self.first.shape} at these inputs and "
                f"{found.shape} close by, so it has no derivative; is its shape made of "
                "values, as by x[x > 0]?"
            )
        return found

    def _gradients(self, arrays: Sequence[Array], u: Array) -> list[Array]:
        found = pull(self.f, self.leaves(arrays), F.wrap(u, device=self.device), False)
        return [np.zeros_like(a) if g is None else g.numpy() for a, g in zip(arrays, found, strict=True)]

    def _weights(self) -> Array:
        """u: random, and the smaller the more an element moves with the inputs; 0 where it is infinite."""
        if self.first.size == 1:
            return np.ones(self.first.shape)
        u = direction(self.random, self.first.shape)
        steps = [
            LARGEST * direction(self.random, a.shape) * b
            for a, b in zip(self.arrays, self.lengths, strict=True)
        ]
        ahead, behind = (
            self.values([a + sign * s for a, s in zip(self.arrays, steps, strict=True)])
            for sign in (1.0, -1.0)
        )
        sizes = np.maximum(np.abs(ahead - behind) / LARGEST, 1e-3 * np.abs(self.first))
        usable = self.finite & np.isfinite(sizes) & (sizes > 0.0)
        if usable.any():
            middle = float(np.median(sizes[usable]))
            u = u / np.clip(np.where(usable, sizes / middle, 1.0), 1.0 / WEIGHTS, WEIGHTS)
        return np.where(self.finite, u, 0.0)

    def _nan(self, i: int, grad: Array) -> None:
        index = tuple(int(k) for k in np.argwhere(np.isnan(grad))[0])
        where = f"the gradient of order {self.order} with respect to {self.which(i)} is NaN at index {index}"
        if not self.finite.all():
            raise CannotJudge(
                f"{self.name}: {where}, where elements of the result are infinite; give inputs "
                "at which all are finite"
            )
        raise GradientError(
            f"{self.name}: {where}, though the result is finite; is a 0 divided by 0, or "
            "multiplied by inf, in the vjp? te.detect_anomaly() names the op"
        )

    def which(self, i: int) -> str:
        return f"input {i}" if i < len(self.arrays) - self.order + 1 else "the incoming gradient"

    # -- directions ----------------------------------------------------------------------------

    def directions(self, i: int) -> Iterator[Array]:
        """Ways to move input i, which together move each of its elements."""
        lengths = self._lengths(i)
        effects = np.abs(self.grads[i]) * self.lengths[i]
        infinite, left = ~np.isfinite(effects), np.isfinite(effects) & (effects > 0.0)
        rest = effects == 0.0  # alone: beside others, a slope that is missing might not show
        if infinite.any():
            yield np.where(infinite, lengths, 0.0)
        for k in range(SIZES):
            if not left.any():
                break
            here = left & (effects >= effects[left].max() / DECADES) if k < SIZES - 1 else left
            left = left & ~here
            shares = effects[here].min() / np.where(here, effects, 1.0)
            yield np.where(here, lengths * shares, 0.0)
        if rest.any():
            yield np.where(rest, lengths, 0.0)

    def _lengths(self, i: int) -> Array:
        """Random ones; of a few, those along which the claimed terms cancel least."""
        drawn = [self.lengths[i] * direction(self.random, self.arrays[i].shape) for _ in range(4)]
        signs = np.sign(self.grads[i])
        return max(drawn, key=lambda v: abs(float((signs * v / self.lengths[i]).sum())))

    def equal(self, i: int) -> Array:
        """A way to move input i along which its elements matter alike, however far apart they are."""
        effects = np.abs(self.grads[i]) * self.lengths[i]
        usable = np.isfinite(effects) & (effects > 0.0)
        middle = float(np.median(effects[usable])) if usable.any() else 1.0
        shares = np.clip(middle / np.where(usable, effects, middle), 1.0 / WEIGHTS, WEIGHTS)
        return np.asarray(direction(self.random, effects.shape) * self.lengths[i] * shares)

    def judged(self, i: int, v: Array, unit: float = 1.0) -> Judgement:
        """What can be said of the slope along v, a way to move input i; named in units of `unit`."""
        terms = np.where(v == 0.0, 0.0, self.grads[i]) * v
        claimed = float(terms.sum()) if np.isfinite(terms).all() else float("inf")
        share = 1e-3 * float(np.abs(terms).sum()) if np.isfinite(claimed) else 0.0
        allowed = self.tolerance or DIFFERENCES

        def at(t: float) -> Array:
            return self.values(self._moved(i, self.arrays[i] + t * v))

        step = self._imaginary(i, v) if self.complex_step else None
        if step and claimed == 0.0 and abs(self._imaginary(i, v, h=1e-3 * TINY) or 0.0) < 0.1 * abs(step):
            step = 0.0  # what a cube leaves of the step itself
        for samples in (2, 12):  # nothing is called wrong before its roundoff is looked at well
            measured = slope(
                at,
                self.u,
                self.first,
                self._rounding(i, samples),
                lambda value: (
                    allowed * max(abs(value), abs(claimed), share)
                    if np.isfinite(claimed)
                    else allowed * abs(value)
                ),
                claimed,
                self.largest,
            )
            found = judge(
                claimed,
                measured,
                step,
                share=share,
                size=self.size,
                below=self.least,
                most=LIMIT * float(np.abs(v).max()),
                noise=lambda wide: self._noise(i, v, claimed, step, wide),
                tolerance=self.tolerance,
                unit=unit,
            )
            if found.verdict != "wrong":
                break
        return found

    def _moved(self, i: int, to: Array) -> list[Array]:
        return [*self.arrays[:i], to, *self.arrays[i + 1 :]]

    def _imaginary(
        self, i: int, v: Array, arrays: Sequence[Array] | None = None, h: float = TINY
    ) -> float | None:
        """The complex step; None when an op refuses complex numbers or returns real ones."""
        moved = [a.astype(np.complex128) for a in arrays or self.arrays]
        moved[i] = moved[i] + 1j * h * v
        whole = _Whole()
        try:
            with warnings.catch_warnings(), watch(whole):
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                out = self.values(moved)
        except Exception:  # whatever an op says to complex numbers, which are not its business
            return None
        if whole.lost or not np.iscomplexobj(out):
            return None
        parts = np.abs(out.imag[out.imag != 0.0])
        if parts.size and parts.min() < SUBNORMAL:  # which have few digits
            return None
        found = float((np.where(self.finite, out.imag, 0.0) * self.u).sum()) / h
        return found if np.isfinite(found) else None

    @functools.cached_property
    def size(self) -> float:
        """How large <u, f> is, or how far inputs move it by the claimed gradients, here or an order below."""
        values = float(np.abs(np.where(self.finite, self.first, 0.0) * self.u).sum())
        effects = (np.abs(g) * b for g, b in zip(self.grads, self.lengths, strict=True))
        return max(self.least, values, float(sum(e[np.isfinite(e)].sum() for e in effects)))

    def _neighbours(self, ulps: int) -> list[tuple[list[Array], list[Array]]]:
        """Inputs that many units in the last place away, more or less, and the gradients there."""
        if ulps not in self._known:
            near = [[self._neighbour(a, ulps) for a in self.arrays] for _ in range(NEIGHBOURS)]
            self._known[ulps] = [
                (arrays, self._gradients(arrays, self._neighbour(self.u, ULPS))) for arrays in near
            ]
        return self._known[ulps]

    def _rounding(self, i: int, samples: int) -> float:
        """How far <u, f> goes when input i moves by a few units in the last place."""
        known = self._roundings.setdefault(i, [0.0])
        while len(known) <= samples:
            moved = self.values(self._moved(i, self._neighbour(self.arrays[i], ULPS))) - self.first
            found = abs(float((np.where(self.finite, moved, 0.0) * self.u).sum()))
            known.append(found if np.isfinite(found) else 0.0)
        return max(known)

    def _neighbour(self, a: Array, ulps: int) -> Array:
        return np.asarray(a + EPSILON * self.random.integers(-ulps, ulps + 1, a.shape) * np.abs(a))

    def _noise(self, i: int, v: Array, claimed: float, step: float | None, wide: bool) -> float:
        """How far the claimed slope along v, less the complex step if there is one, goes among neighbours."""
        worst = 0.0
        for arrays, grads in self._neighbours(WIDE if wide else ULPS):
            d = float((grads[i] * v).sum()) - claimed
            if step is not None:
                d -= (self._imaginary(i, v, arrays) or 0.0) - step
            worst = max(worst, abs(d) if np.isfinite(d) else 0.0)
        return worst

    # -- one number of the result ----------------------------------------------------------------

    def of_element(self, j: int) -> Level:
        """The same, of element j of the result alone, so that slopes are those of a user's own numbers."""
        alone = copy.copy(self)
        alone.__dict__.pop("size", None)
        alone._roundings, alone._known = {}, {}
        alone.u = np.zeros_like(self.u)
        alone.u.flat[j] = 1.0
        alone.grads = alone._gradients(self.arrays, alone.u)
        return alone

    def moved_most(self, i: int, v: Array) -> list[int]:
        """The elements of the result that move when input i moves along v, those first that count most."""
        ahead = self.values(self._moved(i, self.arrays[i] + LARGEST * v))
        effects = np.nan_to_num(np.abs((ahead - np.where(self.finite, self.first, 0.0)) * self.u), posinf=0.0)
        return [int(j) for j in np.argsort(-effects, axis=None) if effects.flat[j] > 0.0]
