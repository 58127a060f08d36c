"""The middle storey: one file per family of kernels, with its rungs, its cases and its host functions.

A host function launches kernels. A family may import another family, as `norm` imports `reduce`, and the
device below, but not the backend above.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from types import ModuleType

from tinygrad_edu.backend.cuda.device import kernels
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder
from tinygrad_edu.backend.cuda.families import (
    convolution,
    copy,
    cross_entropy,
    einsum,
    elementwise,
    fold,
    gather,
    matmul,
    norm,
    optim,
    pooling,
    random,
    reduce,
    scan,
    scatter,
    softmax,
    sort,
)
from tinygrad_edu.backend.cuda.families.hosts import FUSED as FUSED
from tinygrad_edu.backend.cuda.families.hosts import REDUCTIONS as REDUCTIONS

# In the order in which to read them first.
# fmt: off
FAMILIES: tuple[ModuleType, ...] = (
    elementwise, copy, reduce, scan, softmax, cross_entropy, norm, matmul, einsum, gather, scatter, sort,
    random, convolution, pooling, fold, optim)
# fmt: on
_OF = {family.LADDER.family: family for family in FAMILIES if family is not einsum}  # einsum has no kernels
LADDERS: dict[str, Ladder] = {folder: family.LADDER for folder, family in _OF.items()}


def ladder(family: str) -> Ladder:
    """The ladder of a folder of kernels/. Raises KeyError with the names of all folders."""
    try:
        return LADDERS[family]
    except KeyError:
        raise KeyError(f"no family of kernels {family!r}; there are {', '.join(LADDERS)}") from None


def cases(family: str) -> Mapping[str, Case]:
    """The cases "count" and "time" of a ladder."""
    found: Mapping[str, Case] = _OF[family].CASES
    return found


@contextlib.contextmanager
def using(family: str, rung: str) -> Iterator[None]:
    """Use this rung of `family` inside the block. Raises KeyError with the names of all rungs."""
    ladder(family).rung(rung)
    token = kernels.active_rungs.set({**kernels.active_rungs.get(), family: rung})
    try:
        yield
    finally:
        kernels.active_rungs.reset(token)
