"""Shapes as data: axes, broadcasting and views are computed from tuples only, without arrays."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.scalars import integer, integers

Shape = tuple[int, ...]
Axis = int | Sequence[int] | None


def normalize_axis(axis: int, ndim: int) -> int:
    """`axis` counted from the front. IndexError if there is no such axis, TypeError for no integer."""
    if type(axis) is not int:
        axis = integer(axis, "axis")
    if not -ndim <= axis < ndim:
        raise wrong(
            IndexError,
            None,
            f"axis {axis} is out of range for a tensor of {ndim} dimensions (allowed: {-ndim} to {ndim - 1})"
            if ndim
            else f"axis {axis}: a 0-d tensor has no axes",
        )
    return axis % ndim


def normalize_axes(axis: Axis, ndim: int) -> Shape:
    """`axis` as a sorted tuple counted from the front; None means every axis."""
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int:
        return (normalize_axis(axis, ndim),)
    given = integers(axis, "axis")
    axes = tuple(sorted(normalize_axis(a, ndim) for a in given))
    if len(set(axes)) != len(axes):
        raise wrong(ValueError, None, f"axis {given} names one axis twice")
    return axes


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The common shape of `shapes` under NumPy's rule. Raises ShapeError when there is none."""
    ndim = max((len(s) for s in shapes), default=0)
    out = []
    for i in range(-ndim, 0):
        sizes = {s[i] for s in shapes if -i <= len(s)} - {1}
        if len(sizes) > 1:
            raise wrong(
                ShapeError,
                None,
                f"shapes {' and '.join(map(str, shapes))} do not broadcast: axis {i} has sizes "
                f"{sorted(sizes)}",
                "sizes must be equal or 1",
            )
        out.append(sizes.pop() if sizes else 1)
    return tuple(out)


@lru_cache(maxsize=4096)
def stretched_axes(shape: Shape, to: Shape) -> Shape:
    """The axes of `to` along which `shape` was repeated by broadcasting; the axes to sum when undoing it.

    Raises ShapeError when `shape` does not broadcast to `to`.
    """
    if len(to) < len(shape) or any(n not in (1, m) for n, m in zip(shape[::-1], to[::-1], strict=False)):
        raise wrong(ShapeError, None, f"{shape} does not broadcast to {to}")
    lead = len(to) - len(shape)
    return (*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1 and to[i + lead] != 1))


def broadcast_strides(shape: Shape, strides: Shape, to: Shape) -> Shape:
    """The strides to view memory of `shape` and `strides` as `to`: 0 along every axis that repeats, and along
    axes of size 1. They are in bytes or elements, as `strides` are.

    Raises ShapeError when `shape` does not broadcast to `to`.
    """
    stretched_axes(shape, to)
    lead = len(to) - len(shape)
    return (0,) * lead + tuple(0 if n == 1 else step for n, step in zip(shape, strides, strict=True))


def einsum_letters(subscripts: str, shapes: Sequence[Shape]) -> tuple[list[str], str, dict[str, int]]:
    """The letters of each operand, those of the result, and {letter: size}, for operands of `shapes`.

    An ellipsis is replaced by unused letters. Raises ValueError for invalid subscripts, and ShapeError if
    they do not fit: a letter that occurs twice in one operand needs equal sizes; between operands a size of 1
    is repeated.
    """
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    for part in (*terms, right):
        letters = part.replace("...", "", 1)
        if letters and not (letters.isascii() and letters.isalpha()):
            raise wrong(ValueError, None, f"{part!r} may have letters and one ellipsis, no more")
    if len(terms) != len(shapes):
        raise wrong(ShapeError, None, f"the subscripts name {len(terms)} operands, {len(shapes)} were given")
    free = [c for c in string.ascii_letters if c not in subscripts]
    hidden = [max(len(s) - len(t) + 3, 0) if "..." in t else 0 for t, s in zip(terms, shapes, strict=True)]
    most = max(hidden)
    dots = "".join(free[:most])
    spelled = [t.replace("...", dots[most - n :]) for t, n in zip(terms, hidden, strict=True)]
    if not arrow:
        named = "".join(terms)
        right = "..." + "".join(sorted(c for c in set(named) - {"."} if named.count(c) == 1))
    elif most and "..." not in right:
        raise wrong(ValueError, None, f"the result needs an ellipsis for {most} axes of an operand's")
    result = right.replace("...", dots)
    if len(set(result)) != len(result) or not set(result) <= set("".join(spelled)):
        raise wrong(ValueError, None, "each letter of the result must be an operand's, and come once")
    sizes: dict[str, int] = {}
    for term, shape in zip(spelled, shapes, strict=True):
        if len(term) != len(shape):
            raise wrong(ShapeError, None, f"{term!r} names {len(term)} axes of a shape {shape}")
        here: dict[str, int] = {}
        for c, n in zip(term, shape, strict=True):
            if here.setdefault(c, n) != n:
                raise wrong(ShapeError, None, f"{shape} has no diagonal {c!r}", "sizes must be equal")
        for c, n in here.items():
            if n != 1 and sizes.get(c, 1) not in (1, n):
                raise wrong(
                    ShapeError, None, f"axis {c!r} has size {sizes[c]} in one operand and {n} in another"
                )
            sizes[c] = n if n != 1 else sizes.get(c, 1)
    return spelled, result, sizes


def einsum_text(given: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Subscripts and operands of `operand, numbers, operand, numbers, ..., numbers of the result`.

    Numbers name axes as letters do; without numbers of the result, it has those that occur once, in order.
    Raises TypeError for other arguments.
    """
    letters = string.ascii_uppercase + string.ascii_lowercase  # in the order of their codes

    def text(numbers: Any) -> str:
        if isinstance(numbers, str) or not isinstance(numbers, Iterable):
            raise wrong(
                TypeError,
                "einsum",
                "einsum takes subscripts first, 'ij,jk->ik', or after each operand a list of the numbers "
                f"of its axes, not {numbers!r:.60}",
            )
        return "".join(
            "..." if n is Ellipsis else letter(integer(n, "einsum: an axis", least=0)) for n in numbers
        )

    def letter(n: int) -> str:
        if n >= len(letters):
            raise wrong(ValueError, "einsum", f"axes are numbered 0 to {len(letters) - 1}, not {n}")
        return letters[n]

    pairs = len(given) // 2
    terms = ",".join(text(numbers) for numbers in given[1 : 2 * pairs : 2])
    result = "->" + text(given[-1]) if len(given) % 2 else ""
    return terms + result, tuple(given[: 2 * pairs : 2])


def reduced_shape(shape: Shape, axes: Iterable[int]) -> Shape:
    """`shape` with `axes` kept at size 1, as every reduction primitive leaves it."""
    gone = set(axes)
    return tuple(1 if i in gone else n for i, n in enumerate(shape))


def dropped_shape(shape: Shape, axes: Iterable[int]) -> Shape:
    """`shape` without `axes`."""
    gone = set(axes)
    return tuple(n for i, n in enumerate(shape) if i not in gone)


def resolve_reshape(shape: Shape, to: Sequence[int]) -> Shape:
    """`to` with its one -1 filled in. Raises ShapeError when the element counts differ."""
    to = integers(to, "a shape")
    size, known = prod(shape), prod(n for n in to if n != -1)
    if to.count(-1) > 1 or any(n < -1 for n in to):
        raise wrong(ShapeError, "reshape", f"reshape to {to}: sizes must be >= 0, with at most one -1")
    if -1 in to:
        if known == 0 or size % known:
            raise wrong(
                ShapeError,
                None,
                f"cannot reshape {shape} ({size} elements) to {to}: {size} is not a multiple of {known}",
            )
        return tuple(size // known if n == -1 else n for n in to)
    if known != size:
        raise wrong(ShapeError, None, f"cannot reshape {shape} ({size} elements) to {to} ({known} elements)")
    return to


def inverse_permutation(axes: Sequence[int]) -> Shape:
    """The permutation that undoes `axes`."""
    out = [0] * len(axes)
    for i, axis in enumerate(axes):
        out[axis] = i
    return tuple(out)


def check_size(shape: Sequence[int] | int) -> Shape:
    """`shape` as a tuple of ints; a single size may be an int. TypeError if it is not a shape, ValueError for
    a negative size or one that no memory could hold."""
    out = integers(shape, "a shape")
    if any(n < 0 for n in out):
        raise wrong(ValueError, None, f"shape {out} has a negative dimension", "sizes must be >= 0")
    if prod(out) * 8 >= 2**63:
        raise wrong(
            ValueError, None, f"shape {out} has {prod(out)} elements: more bytes than an address can count"
        )
    return out


def writable(shape: Shape, strides: Shape, itemsize: int) -> bool:
    """Whether no two elements share memory: each stride, from the smallest up, exceeds all smaller ones."""
    extent, empty = itemsize, 0 in shape
    for stride, n in sorted((abs(s), n) for s, n in zip(strides, shape, strict=True) if n != 1):
        if stride < extent and not empty:
            return False
        extent += stride * (n - 1)
    return True
