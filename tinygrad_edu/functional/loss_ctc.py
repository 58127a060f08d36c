"""Connectionist temporal classification: the loss of a sequence of labels without their times.

Source: Graves, Fernandez, Gomez, Schmidhuber, "Connectionist temporal classification", ICML 2006.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.dtypes import int64
from tinygrad_edu.engine.access import look
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_array, as_tensor, wrap
from tinygrad_edu.functional.elementwise import clip, where
from tinygrad_edu.functional.loss_parts import as_floats, reduced
from tinygrad_edu.functional.movement import expand_dims, sliding_windows, squeeze
from tinygrad_edu.functional.reduction import logsumexp
from tinygrad_edu.ops import index as _i
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.scalars import integer

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["ctc"]

# The logarithm of what is impossible. It is finite, so that no gradient becomes infinity minus infinity.
_NEVER = -1e30
Array = np.ndarray[Any, Any]


def ctc(
    log_probabilities: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    *,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-ln of the probability of the labels `targets`, summed over all their alignments with the input.

    An alignment gives each time a label or a blank; repeated labels are merged, then blanks are removed.

    log_probabilities  (times, rows, classes), or (times, classes) for a single row, as from log_softmax
    targets            (rows, labels), or the labels of all rows one after the other, (sum of lengths,)
    input_lengths      how many times of each row count
    target_lengths     how many labels each row has
    blank              the class number of the blank
    reduction          "mean" divides each loss by its number of labels (at least 1), then averages over rows
    zero_infinity      whether rows without any alignment, whose loss is infinity, count 0; their gradient is
                       0 in both cases

    The forward recursion is done in logarithms, for all rows and labels at once: one step for each time. The
    targets and the lengths are read, and a device is waited for. Raises ShapeError, ValueError, IndexError.
    """
    if reduction not in ("mean", "sum", "none"):
        raise wrong(ValueError, "ctc", f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    x = as_floats(as_tensor(log_probabilities))
    single = x.ndim == 2
    x = expand_dims(x, 1) if single else x
    if x.ndim != 3:
        problem = f"log-probabilities {x.shape} must be (times, rows, classes)"
        raise wrong(ShapeError, "ctc", problem, inputs=(x,))
    times, rows, classes = x.shape
    none = integer(blank, "ctc: blank")
    if not 0 <= none < classes:
        raise wrong(IndexError, "ctc", f"blank {none} is out of range for {classes} classes", inputs=(x,))
    spans = _lengths("input_lengths", input_lengths, rows, times)
    counts = _lengths("target_lengths", target_lengths, rows, None)
    labels = _labels(targets, counts, rows, classes, none, single)
    losses = -_log_likelihood(x, labels, spans, counts, none)
    losses = where(losses > -0.5 * _NEVER, 0.0 if zero_infinity else np.inf, losses)
    if single:
        losses = squeeze(losses, 0)
    if reduction == "mean":
        least = np.maximum(counts[0] if single else counts, 1)
        losses = losses / wrap(least.astype(x.dtype), device=x.storage.backend)
    return reduced(losses, reduction)


def _integers(name: str, given: Any) -> Array:
    """Integers on the host. TypeError for others."""
    array = look(given.storage, "ctc") if isinstance(given, Value) else as_array("ctc", given, None)
    if array.dtype.kind not in "iu":
        raise wrong(TypeError, "ctc", f"{name} must hold integers, not {array.dtype}")
    return array.astype(int64)


def _lengths(name: str, given: Any, rows: int, most: int | None) -> Array:
    """One length for each row, (rows,). ShapeError or ValueError."""
    found = _integers(name, given)
    if found.size != rows or found.ndim > 1:
        problem = f"{name} must have one number for each of {rows} rows, not the shape {found.shape}"
        raise wrong(ShapeError, "ctc", problem)
    found = found.reshape(rows)
    if rows and (found.min() < 0 or (most is not None and found.max() > most)):
        bad = found.min() if found.min() < 0 else found.max()
        limit = "at least 0" if most is None else f"from 0 to {most}, the number of times"
        raise wrong(ValueError, "ctc", f"{name} has {bad}, and they are {limit}")
    return found


def _labels(targets: Any, counts: Array, rows: int, classes: int, blank: int, single: bool) -> Array:
    """The labels of each row, (rows, most labels), filled with blanks. ShapeError, IndexError."""
    given, most = _integers("targets", targets), int(counts.max(initial=0))
    used = np.arange(most) < counts[:, None]
    out = np.full((rows, most), blank, int64)
    if given.ndim == 1 and (given.size == counts.sum() or (single and given.size >= most)):
        out[used] = given[: counts.sum()]
    elif given.ndim == 2 and given.shape[0] == rows and given.shape[1] >= most:
        out[used] = given[:, :most][used]
    else:
        problem = (f"targets {given.shape} must be ({rows}, at least {most}) or ({counts.sum()},), by "
                   "target_lengths")  # fmt: skip
        raise wrong(ShapeError, "ctc", problem)
    wrong_ones = out[used & ((out < 0) | (out >= classes) | (out == blank))]
    if wrong_ones.size:
        problem = f"label {wrong_ones[0]} is the blank, or out of range for {classes} classes"
        raise wrong(IndexError, "ctc", problem)
    return out


def _times(x: Tensor) -> list[Tensor]:
    """x[0], x[1], ..., taken out by halves of halves.

    The gradient of a slice is as large as what it is a slice of: T slices of T times would cost T^2.
    """
    n = x.shape[0]
    if n < 2:
        return [squeeze(x, 0)] if n else []
    halves = (slice(0, n // 2), slice(n // 2, n))
    return [now for half in halves for now in _times(_m.slice_(x, key=(half,)))]


def _log_likelihood(x: Tensor, labels: Array, spans: Array, counts: Array, blank: int) -> Tensor:
    """ln of the probability of each row's labels, (rows,); about `_NEVER` or below if there is none.

    State s of a row is its label (s - 1) / 2 for odd s, and a blank for even s. A state is reached from
    itself, from the one before, and, for a label that differs from the label before, from that label. Two
    states stand in front of the first: the second of these holds the beginning.
    """
    (rows, most), backend = labels.shape, x.storage.backend
    states = 2 * most + 1
    symbols = np.full((rows, states), blank, int64)
    symbols[:, 1::2] = labels
    skips = np.zeros((rows, states), bool)
    skips[:, 1:2] = True
    skips[:, 3::2] = labels[:, 1:] != labels[:, :-1]
    reach = np.zeros((rows, states, 3), x.dtype)
    reach[..., 0] = np.where(skips, 0.0, _NEVER)
    begin = np.full((rows, states + 2), _NEVER, x.dtype)
    begin[:, 1] = 0.0
    reached, alpha = wrap(reach, device=backend), wrap(begin, device=backend)
    steps = int(spans.max(initial=0))
    every = wrap(np.ascontiguousarray(np.broadcast_to(symbols, (steps, rows, states))), device=backend)
    emitted = _m.slice_(x, key=(slice(0, steps), slice(None), slice(None)))
    emitted = clip(_i.gather(emitted, every, axis=2), _NEVER, None)
    for t, now in enumerate(_times(emitted)):
        following = logsumexp(sliding_windows(alpha, 3) + reached, -1) + now
        following = _m.pad(following, widths=((0, 0), (2, 0)), value=_NEVER)
        going_on = spans > t
        if not going_on.all():
            following = where(wrap(going_on[:, None], device=backend), following, alpha)
        alpha = following
    last = wrap((2 * counts[:, None] + np.array([1, 2])).astype(int64), device=backend)
    return logsumexp(_i.gather(alpha, last, axis=1), 1)
