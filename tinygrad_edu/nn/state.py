"""Loading a state into a model: everything is compared before anything is written."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds

from tinygrad_edu.errors import wrong
from tinygrad_edu.tensor import Tensor


class Keys(NamedTuple):
    """What did not match in `load_state_dict(strict=False)`."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def plan(
    title: str,
    own: Mapping[str, Tensor],
    state: Mapping[str, Any],
    strict: bool,
    never_negative: Container[int] = (),
) -> tuple[list[Callable[[], Any]], Keys]:
    """The writes that set the tensors of `own` to `state`, not yet executed, and the keys that did not fit.

    never_negative  the id() of tensors that hold counts or sums of squares
    Raises ValueError that names every missing, unexpected (if `strict`), wrong-shaped and non-numeric key.
    """
    keys = Keys([k for k in own if k not in state], [str(k) for k in state if k not in own])
    arrays = {k: v.numpy() if isinstance(v, Tensor) else np.asarray(v) for k, v in state.items() if k in own}
    unfit = [
        f"{k} is {a.shape} in the state, {own[k].shape} in the model"
        for k, a in arrays.items()
        if a.shape != own[k].shape
    ]
    unfit += [
        f"{k} is {a.dtype} in the state, not numbers" for k, a in arrays.items() if a.dtype.kind not in "fiub"
    ]
    unfit += [
        f"{k} has numbers in the state that {own[k].dtype} does not have"
        for k, a in arrays.items()
        if a.dtype.kind in "fiub" and not _converts_safely(a, own[k].dtype)
    ]
    unfit += [
        f"{k} has negative numbers in the state, and can have none"
        for k, a in arrays.items()
        if id(own[k]) in never_negative and a.dtype.kind in "fi" and bool((a < 0).any())
    ]
    unfit += [
        f"{first} and {k} are one tensor in the model and two in the state"
        for first, k in _shared_names(own, arrays)
        if arrays[first].tobytes() != arrays[k].tobytes()
    ]
    unfit += [
        f"{k} of the model is a read-only view"
        for k in arrays
        if not own[k].storage.backend.writable(own[k].storage.array)
    ]
    found = [f"missing: {', '.join(keys.missing_keys)}"] if strict and keys.missing_keys else []
    found += [f"unexpected: {', '.join(keys.unexpected_keys)}"] if strict and keys.unexpected_keys else []
    if found or unfit:
        raise wrong(
            ValueError,
            "load_state_dict",
            f"the state is not one of this {title}, nothing was loaded: {'; '.join([*found, *unfit])}",
            "pass strict=False to load what does match" if found and not unfit else "",
        )
    arrays = _apart(arrays, [own[k].storage.array for k in arrays])
    return [_write(own[k], a) for k, a in arrays.items()], keys


def _apart(arrays: Mapping[str, Any], targets: Iterable[Any]) -> dict[str, Any]:
    """The arrays, with a copy of each that may share memory with a target: no write changes one to come."""
    ranges = sorted(byte_bounds(t) for t in targets if isinstance(t, np.ndarray) and t.size)
    starts, ends = [start for start, _ in ranges], list(accumulate((end for _, end in ranges), max))

    def overlaps(array: Any) -> bool:
        start, end = byte_bounds(array)
        before = bisect_left(starts, end)  # so many targets begin before the array ends
        return before > 0 and ends[before - 1] > start

    return {k: a.copy() if a.size and overlaps(a) else a for k, a in arrays.items()}


def _shared_names(own: Mapping[str, Tensor], names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of names that belong to one tensor."""
    seen: dict[int, str] = {}
    for name in names:
        first = seen.setdefault(id(own[name].storage), name)
        if first != name:
            yield first, name


def _converts_safely(given: Any, dtype: np.dtype[Any]) -> bool:
    """Whether conversion to `dtype` only rounds: no finite number becomes infinite, no integer changes."""
    if given.dtype == dtype:
        return True
    with np.errstate(all="ignore"):
        fresh = given.astype(dtype)
        same = fresh == given if dtype.kind != "f" else np.isfinite(fresh) == np.isfinite(given)
    return bool(np.all(same))


def _write(tensor: Tensor, data: Any) -> Callable[[], Any]:
    return lambda: tensor.detach().copy_(data)
