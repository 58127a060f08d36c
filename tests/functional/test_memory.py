"""Which results share memory with an argument: the functions that say so, and no other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.doors.calls import FUNCTIONS
from tests.functional.table import TABLE
from tinygrad_edu.domain import SeededDraw

VIEWS = {"reshape", "flatten", "unflatten", "squeeze", "expand_dims", "transpose", "permute_dims", "moveaxis",
         "matrix_transpose", "diagonal", "split", "chunk", "unbind", "getitem", "wrap"}  # fmt: skip
LOCKED = {"broadcast_to", "expand", "meshgrid", "sliding_windows"}  # elements share memory with each other
X = np.arange(16.0).reshape(1, 1, 4, 4)
UNCHANGED: dict[str, Callable[[te.Tensor], te.Tensor]] = {  # x itself by its numbers
    "flip of nothing": lambda x: te.flip(x, ()),
    "flip": lambda x: x.flip(0),
    "tile once": lambda x: te.tile(x, (1, 1)),
    "tile an axis of 1": lambda x: te.tile(x, (2, 1, 1, 1)),
    "repeat once": lambda x: te.repeat(x, 1, 2),
    "repeat an axis of 1": lambda x: te.repeat(x, 3, 0),
    "diag": lambda x: te.diag(x[0, 0]),
    "dropout of none": lambda x: te.dropout(x, 0.0),
    "interpolate": lambda x: te.interpolate(x, 4),
    "interpolate, bilinear": lambda x: te.interpolate(x, 4, mode="bilinear"),
    "interpolate, area": lambda x: te.interpolate(x, 4, mode="area"),
    "adaptive_avg_pool2d": lambda x: te.adaptive_avg_pool2d(x, 4),
    "unfold": lambda x: te.unfold(x, 1),
    "unfold, a row": lambda x: te.unfold(x[:, :, :1], (1, 4)),
    "pixel_shuffle": lambda x: te.pixel_shuffle(x, 1),
    "pixel_unshuffle": lambda x: te.pixel_unshuffle(x, 1),
    "pad": lambda x: te.pad(x, 0),
    "pad, reflect": lambda x: te.pad(x, 0, mode="reflect"),
    "matrix_power": lambda x: te.linalg.matrix_power(x, 1),
    "roll": lambda x: te.roll(x, 0, 0),
    "concat": lambda x: te.concat([x]),
    "einsum": lambda x: te.einsum("abcd->abcd", x),
}


def tensors(x: Any) -> Iterator[te.Tensor]:
    if isinstance(x, te.Tensor):
        yield x
    elif isinstance(x, (list, tuple, dict)):
        for item in x.values() if isinstance(x, dict) else x:
            yield from tensors(item)


def lifted(x: Any) -> Any:
    if isinstance(x, list):
        return [lifted(v) for v in x]
    return te.functional.wrap(x.copy()) if isinstance(x, np.ndarray) else x


def sharing(given: Any, found: Any) -> list[te.Tensor]:
    """The results that share memory with an argument."""
    arguments = [x.storage.array for x in tensors(given) if x.size]
    return [
        y
        for y in tensors(found)
        if y.size and any(np.may_share_memory(y.storage.array, a) for a in arguments)
    ]


def calls(name: str) -> Iterator[tuple[Any, Any]]:
    """The arguments and the result of some calls."""
    for call in FUNCTIONS.values():
        if call.function is getattr(te, name):
            given = lifted(list(call.given()))
            yield given, call.function(*given, *call.star, **call.numbers)
    for seed in range(25 if name in TABLE else 0):
        drawn = TABLE[name].calls(SeededDraw(seed))
        given = lifted(list(drawn.arrays))
        numbers = drawn.params if name == "getitem" else {k: lifted(v) for k, v in drawn.params.items()}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                yield [given, numbers], getattr(te, name)(*given, **numbers)
            except ValueError:
                continue


@pytest.mark.cpu
@pytest.mark.parametrize("name", sorted(te.functional.__all__))
def test_only_views_share_memory_with_an_argument(name: str) -> None:
    for given, found in calls(name):
        shared = sharing(given, found)
        if name in LOCKED:
            for y in shared:
                with pytest.raises(RuntimeError, match="share memory"):
                    y.fill_(0.0)
        elif name not in VIEWS:
            assert shared == []


@pytest.mark.parametrize("title", UNCHANGED)
def test_a_copy_is_one_for_every_number(title: str) -> None:
    x = te.tensor(X)
    y = UNCHANGED[title](x)
    before = y.numpy().copy()
    y.fill_(-1.0)
    np.testing.assert_array_equal(x.numpy(), X)
    y.copy_(before)
    x.fill_(7.0)
    np.testing.assert_array_equal(y.numpy(), before)
