"""Einstein sums: diagonals and transposes as views, sums by `reduce`, and pairs of operands by `matmul`."""

from __future__ import annotations

import itertools
import math

import numpy as np

from tinygrad_edu.backend.cuda.device.array import DeviceArray
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.families import reduce as reducing
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.backend.cuda.families.matmul import matmul
from tinygrad_edu.shapes import einsum_letters

Term = tuple[DeviceArray, str]  # an operand and the letters of its axes, each once


@fused("einsum")
def einsum(device: Device, *xs: DeviceArray, subscripts: str) -> DeviceArray:
    """NumPy's einsum. Operands are multiplied pair by pair, from the left."""
    terms, result, sizes = einsum_letters(subscripts, [x.shape for x in xs])
    dtype = np.result_type(*(x.dtype for x in xs))
    left: list[Term] = [
        _diagonal(device, x if x.dtype == dtype else device.copy(x, dtype=dtype), letters, sizes)
        for x, letters in zip(xs, terms, strict=True)
    ]
    while len(left) > 1:
        (x, a), (y, b), *rest = left
        needed = set(result).union(*(letters for _, letters in rest))
        left = [_product(device, (x, a), (y, b), needed, sizes), *rest]
    x, letters = _sum_away(device, left[0], set(result))
    x = _permuted(device, x, letters, result)
    return device.copy(x) if len(xs) == 1 else x


def _diagonal(device: Device, x: DeviceArray, letters: str, sizes: dict[str, int]) -> Term:
    """The diagonal of letters that occur twice: their strides are added. An axis of size 1 broadcasts."""
    unique = "".join(dict.fromkeys(letters))
    strides = [
        sum(s for c, s, n in zip(letters, x.strides, x.shape, strict=True) if c == u and n == sizes[u])
        for u in unique
    ]
    return device.view(x, tuple(sizes[u] for u in unique), tuple(strides), 0), unique


def _sum_away(device: Device, term: Term, needed: set[str]) -> Term:
    """Sum over the axes whose letters are not needed."""
    x, letters = term
    axes = tuple(i for i, c in enumerate(letters) if c not in needed)
    if not axes:
        return term
    dtype = x.dtype
    out = reducing.reduce(device, "any" if dtype == np.bool_ else "sum", x, axes, dtype)
    kept = [i for i in range(len(letters)) if i not in axes]
    return (device.permuted(out, kept), "".join(letters[i] for i in kept))


def _permuted(device: Device, x: DeviceArray, letters: str, order: str) -> DeviceArray:
    if letters == order:
        return x
    places = [letters.index(c) for c in order]
    return device.permuted(x, places)


def _product(device: Device, left: Term, right: Term, needed: set[str], sizes: dict[str, int]) -> Term:
    """The product of two operands. Letters of both are batch axes if they are needed, else summed over."""
    (x, a), (y, b) = (
        _sum_away(device, t, needed | set(other)) for t, other in ((left, right[1]), (right, left[1]))
    )
    batch = [c for c in a if c in b and c in needed]
    inner = [c for c in a if c in b and c not in needed]
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]
    x = _merge_groups(device, x, a, (batch, rows, inner), sizes)
    y = _merge_groups(device, y, b, (batch, inner, columns), sizes)
    out = matmul(device, x, y)
    letters = "".join([*batch, *rows, *columns])
    return device.reshaped(out, tuple(sizes[c] for c in letters)), letters


def _merge_groups(
    device: Device, x: DeviceArray, letters: str, groups: tuple[list[str], ...], sizes: dict[str, int]
) -> DeviceArray:
    """Merge each of the last two groups into one axis. It copies only if the axes do not merge."""
    x = _permuted(device, x, letters, "".join(c for group in groups for c in group))
    lead = len(groups[0])
    shape, strides = list(x.shape[:lead]), list(x.strides[:lead])
    start = lead
    for group in groups[1:]:
        stop = start + len(group)
        step = _merged_stride(x.shape[start:stop], x.strides[start:stop])
        if step is None:
            return device.reshaped(
                x, (*x.shape[:lead], *(math.prod(sizes[c] for c in g) for g in groups[1:]))
            )
        shape.append(math.prod(x.shape[start:stop]))
        strides.append(step)
        start = stop
    return device.view(x, tuple(shape), tuple(strides), 0)


def _merged_stride(shape: tuple[int, ...], strides: tuple[int, ...]) -> int | None:
    """The stride of several axes merged into one; None if they do not merge; 0 if all sizes are 1."""
    kept = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    for (_, outer), (n, inner) in itertools.pairwise(kept):
        if outer != n * inner:
            return None
    return kept[-1][1] if kept else 0
