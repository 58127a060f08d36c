"""Einstein sums: diagonals and transposes as views, sums by `reduce`, and pairs of operands by `matmul`."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.backend.cuda.array import DeviceArray
from tinygrad_edu.backend.cuda.families import fused
from tinygrad_edu.backend.cuda.families import reduce as reducing
from tinygrad_edu.backend.cuda.families.matmul import matmul
from tinygrad_edu.shapes import einsum_letters

if TYPE_CHECKING:
    from tinygrad_edu.backend.cuda.backend import Cuda

Term = tuple[DeviceArray, str]  # an operand and the letters of its axes, each once


@fused("einsum")
def einsum(device: Cuda, *xs: DeviceArray, subscripts: str) -> DeviceArray:
    """NumPy's einsum. Operands are multiplied pair by pair, from the left."""
    terms, result, sizes = einsum_letters(subscripts, [x.shape for x in xs])
    dtype = np.result_type(*(x.dtype for x in xs))
    left: list[Term] = [
        _diagonal(device, x if x.dtype == dtype else device.copy(x, dtype=dtype), letters, sizes)
        for x, letters in zip(xs, terms, strict=True)
    ]
    while len(left) > 1:
        (x, a), (y, b), *rest = left
        wanted = set(result).union(*(letters for _, letters in rest))
        left = [_product(device, (x, a), (y, b), wanted, sizes), *rest]
    x, letters = _summed(device, left[0], set(result))
    x = _ordered(device, x, letters, result)
    return device.copy(x) if len(xs) == 1 else x


def _diagonal(device: Cuda, x: DeviceArray, letters: str, sizes: dict[str, int]) -> Term:
    """A letter that comes twice steps along the diagonal: its strides add up. A size of 1 repeats."""
    unique = "".join(dict.fromkeys(letters))
    strides = [
        sum(s for c, s, n in zip(letters, x.strides, x.shape, strict=True) if c == u and n == sizes[u])
        for u in unique
    ]
    return device.view(x, tuple(sizes[u] for u in unique), tuple(strides), 0), unique


def _summed(device: Cuda, term: Term, wanted: set[str]) -> Term:
    """Letters that nobody wants any more are summed away."""
    x, letters = term
    axes = tuple(i for i, c in enumerate(letters) if c not in wanted)
    if not axes:
        return term
    dtype = x.dtype
    out = reducing.reduce(device, "any" if dtype == np.bool_ else "sum", x, axes, dtype)
    kept = [i for i in range(len(letters)) if i not in axes]
    return (
        device.permuted(out, kept),
        "".join(letters[i] for i in kept),
    )


def _ordered(device: Cuda, x: DeviceArray, letters: str, order: str) -> DeviceArray:
    if letters == order:
        return x
    places = [letters.index(c) for c in order]
    return device.permuted(x, places)


def _product(device: Cuda, left: Term, right: Term, wanted: set[str], sizes: dict[str, int]) -> Term:
    """Two operands as one: letters of both that are wanted number the batch, others of both are summed."""
    (x, a), (y, b) = (
        _summed(device, t, wanted | set(other)) for t, other in ((left, right[1]), (right, left[1]))
    )
    batch = [c for c in a if c in b and c in wanted]
    inner = [c for c in a if c in b and c not in wanted]
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]
    x = _grouped(device, x, a, (batch, rows, inner), sizes)
    y = _grouped(device, y, b, (batch, inner, columns), sizes)
    out = matmul(device, x, y)
    letters = "".join([*batch, *rows, *columns])
    return device.reshaped(out, tuple(sizes[c] for c in letters)), letters


def _grouped(
    device: Cuda, x: DeviceArray, letters: str, groups: tuple[list[str], ...], sizes: dict[str, int]
) -> DeviceArray:
    """One axis for each of the last two groups; copied only where axes do not merge."""
    x = _ordered(device, x, letters, "".join(c for group in groups for c in group))
    lead = len(groups[0])
    shape, strides = list(x.shape[:lead]), list(x.strides[:lead])
    start = lead
    for group in groups[1:]:
        stop = start + len(group)
        step = _one_step(x.shape[start:stop], x.strides[start:stop])
        if step is None:
            return device.reshaped(
                x, (*x.shape[:lead], *(math.prod(sizes[c] for c in g) for g in groups[1:]))
            )
        shape.append(math.prod(x.shape[start:stop]))
        strides.append(step)
        start = stop
    return device.view(x, tuple(shape), tuple(strides), 0)


def _one_step(shape: tuple[int, ...], strides: tuple[int, ...]) -> int | None:
    """The stride of several axes taken as one; None where they cannot be. No axis at all steps anyhow."""
    kept = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    for (_, outer), (n, inner) in itertools.pairwise(kept):
        if outer != n * inner:
            return None
    return kept[-1][1] if kept else 0


CASES: dict[str, Any] = {}
