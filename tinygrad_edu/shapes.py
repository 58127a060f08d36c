"""Shapes as data: axes, broadcasting and views worked out on tuples alone. No array enters here."""
from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import prod

from tinygrad_edu.errors import ShapeError

Shape = tuple[int, ...]
Axis = int | Sequence[int] | None


def normalize_axis(axis: int, ndim: int) -> int:
    """`axis` counted from the front. Raises IndexError when there is no such axis."""
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of range for a tensor of {ndim} dimensions "
                         f"(allowed: {-ndim} to {ndim - 1})" if ndim
                         else f"axis {axis}: a 0-d tensor has no axes")
    return axis % ndim


def normalize_axes(axis: Axis, ndim: int) -> Shape:
    """`axis` as a sorted tuple counted from the front; None means every axis."""
    if axis is None:
        return tuple(range(ndim))
    if isinstance(axis, int):
        return (normalize_axis(axis, ndim),)
    axes = tuple(sorted(normalize_axis(int(a), ndim) for a in axis))
    if len(set(axes)) != len(axes):
        raise ValueError(f"axis {tuple(axis)} names one axis twice")
    return axes


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The common shape of `shapes` under NumPy's rule. Raises ShapeError when there is none."""
    ndim = max((len(s) for s in shapes), default=0)
    out = []
    for i in range(-ndim, 0):
        sizes = {s[i] for s in shapes if -i <= len(s)} - {1}
        if len(sizes) > 1:
            raise ShapeError(f"shapes {' and '.join(map(str, shapes))} do not broadcast: axis {i} has sizes "
                             f"{sorted(sizes)}; sizes must be equal or 1")
        out.append(sizes.pop() if sizes else 1)
    return tuple(out)


@lru_cache(maxsize=4096)
def stretched_axes(shape: Shape, to: Shape) -> Shape:
    """The axes of `to` along which `shape` was repeated by broadcasting; the axes to sum when undoing it.

    Raises ShapeError when `shape` does not broadcast to `to`.
    """
    if len(to) < len(shape) or any(n not in (1, m) for n, m in zip(shape[::-1], to[::-1], strict=False)):
        raise ShapeError(f"{shape} does not broadcast to {to}")
    lead = len(to) - len(shape)
    return (*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1 and to[i + lead] != 1))


def einsum_letters(subscripts: str, shapes: Sequence[Shape]) -> tuple[list[str], str, dict[str, int]]:
    """What `subscripts` says of operands of `shapes`: the letters of each, of the result, and their sizes.

    An ellipsis is spelled out in letters that nobody used. Raises ValueError for subscripts that mean nothing
    and ShapeError where they do not fit: a letter that one operand has twice needs equal sizes there, between
    operands a size of 1 is repeated.
    """
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    for part in (*terms, right):
        letters = part.replace("...", "", 1)
        if letters and not (letters.isascii() and letters.isalpha()):
            raise ValueError(f"{part!r} may have letters and one ellipsis, no more")
    if len(terms) != len(shapes):
        raise ShapeError(f"the subscripts name {len(terms)} operands, {len(shapes)} were given")
    free = [c for c in string.ascii_letters if c not in subscripts]
    hidden = [max(len(s) - len(t) + 3, 0) if "..." in t else 0 for t, s in zip(terms, shapes, strict=True)]
    most = max(hidden)
    dots = "".join(free[:most])
    spelled = [t.replace("...", dots[most - n:]) for t, n in zip(terms, hidden, strict=True)]
    if not arrow:
        named = "".join(terms)
        right = "..." + "".join(sorted(c for c in set(named) - {"."} if named.count(c) == 1))
    elif most and "..." not in right:
        raise ValueError(f"the result needs an ellipsis for {most} axes of an operand's")
    result = right.replace("...", dots)
    if len(set(result)) != len(result) or not set(result) <= set("".join(spelled)):
        raise ValueError("each letter of the result must be an operand's, and come once")
    sizes: dict[str, int] = {}
    for term, shape in zip(spelled, shapes, strict=True):
        if len(term) != len(shape):
            raise ShapeError(f"{term!r} names {len(term)} axes of a shape {shape}")
        here: dict[str, int] = {}
        for c, n in zip(term, shape, strict=True):
            if here.setdefault(c, n) != n:
                raise ShapeError(f"{shape} has no diagonal {c!r}; sizes must be equal")
        for c, n in here.items():
            if n != 1 and sizes.get(c, 1) not in (1, n):
                raise ShapeError(f"axis {c!r} has size {sizes[c]} in one operand and "
                                 f"{n} in another")
            sizes[c] = n if n != 1 else sizes.get(c, 1)
    return spelled, result, sizes


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
    to = tuple(int(n) for n in to)
    size, known = prod(shape), prod(n for n in to if n != -1)
    if to.count(-1) > 1 or any(n < -1 for n in to):
        raise ShapeError(f"reshape to {to}: sizes must be >= 0, with at most one -1")
    if -1 in to:
        if known == 0 or size % known:
            raise ShapeError(f"cannot reshape {shape} ({size} elements) to {to}: "
                             f"{size} is not a multiple of {known}")
        return tuple(size // known if n == -1 else n for n in to)
    if known != size:
        raise ShapeError(f"cannot reshape {shape} ({size} elements) to {to} ({known} elements)")
    return to


def inverse_permutation(axes: Sequence[int]) -> Shape:
    """The permutation that undoes `axes`."""
    out = [0] * len(axes)
    for i, axis in enumerate(axes):
        out[axis] = i
    return tuple(out)


def check_size(shape: Sequence[int]) -> Shape:
    """`shape` as a tuple of ints. Raises ValueError on a negative size or one that no memory could hold."""
    out = tuple(int(n) for n in shape)
    if any(n < 0 for n in out):
        raise ValueError(f"shape {out} has a negative dimension; sizes must be >= 0")
    if prod(out) * 8 >= 2**63:
        raise ValueError(f"shape {out} has {prod(out)} elements: more bytes than an address can count")
    return out
