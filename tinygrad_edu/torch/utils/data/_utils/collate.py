"""How the rows of a batch become one: tensors stacked, numbers in tensors, dicts and tuples part by part."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.dtypes import float64
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.functions.creation import as_tensor, tensor
from tinygrad_edu.torch.functions.joins import stack

Functions = dict[Any, Callable[..., Any]]
_TEXT = (np.str_, np.bytes_, np.object_)


def default_convert(data: Any) -> Any:
    """`data` with its NumPy arrays as tensors, in dicts, tuples and lists too."""
    kind = type(data)
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if issubclass(np.asarray(data).dtype.type, _TEXT) else as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return kind(*(default_convert(one) for one in data))
    if isinstance(data, tuple):
        return [default_convert(one) for one in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _sequence(data, [default_convert(one) for one in data])
    return data


def _mapping(like: Any, parts: dict[Any, Any]) -> Any:
    """Parts in a mapping of the type of `like`; a dict if that type cannot be made so."""
    try:
        if isinstance(like, MutableMapping):
            made = copy.copy(like)
            made.update(parts)
            return made
        return type(like)(parts)
    except TypeError:
        return parts


def _sequence(like: Any, parts: list[Any]) -> Any:
    """Parts in a sequence of the type of `like`; a list if that type cannot be made so."""
    try:
        if isinstance(like, MutableSequence):
            made = copy.copy(like)
            for i, part in enumerate(parts):
                made[i] = part
            return made
        return parts if isinstance(like, range) else type(like)(parts)
    except TypeError:
        return parts


def collate(batch: Any, *, collate_fn_map: Functions | None = None) -> Any:
    """The batch of some rows: `collate_fn_map` has a function for each type of what is no container."""
    first = batch[0]
    known = collate_fn_map or {}
    function = known.get(type(first))
    if function is None:
        function = next((f for kind, f in known.items() if isinstance(first, kind)), None)
    if function is not None:
        return function(batch, collate_fn_map=collate_fn_map)

    def again(rows: Any) -> Any:
        return collate(rows, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _mapping(first, {key: again([row[key] for row in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(again(part) for part in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        if any(len(row) != len(first) for row in batch):
            raise wrong(
                RuntimeError,
                "default_collate",
                "each element in list of batch should be of equal size",
                "pad the rows in a collate_fn of your own",
            )
        parts = [again(part) for part in zip(*batch)]
        return parts if isinstance(first, tuple) else _sequence(first, parts)
    raise wrong(
        TypeError,
        "default_collate",
        "default_collate: batch must contain tensors, numpy arrays, numbers, "
        f"dicts or lists; found {type(first)}",
        "pass a collate_fn of your own",
    )


def collate_tensor_fn(batch: Any, *, collate_fn_map: Functions | None = None) -> Any:
    """Tensors of one shape, stacked."""
    return stack(batch, 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: Functions | None = None) -> Any:
    """Arrays of one shape, stacked in a tensor."""
    if issubclass(batch[0].dtype.type, _TEXT):
        raise wrong(
            TypeError,
            "default_collate",
            "default_collate: batch must contain tensors, numpy arrays, "
            f"numbers, dicts or lists; found {batch[0].dtype}",
            "make its texts numbers first",
        )
    return collate([as_tensor(row) for row in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: Functions | None = None) -> Any:
    """NumPy's numbers in a tensor of their dtype."""
    return as_tensor(np.array(batch))


def collate_float_fn(batch: Any, *, collate_fn_map: Functions | None = None) -> Any:
    """Floats in a tensor, of float64."""
    return tensor(batch, dtype=float64)


def collate_int_fn(batch: Any, *, collate_fn_map: Functions | None = None) -> Any:
    """Integers, or bools, in a tensor."""
    return tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: Functions | None = None) -> Any:
    """Texts in a list."""
    return batch


default_collate_fn_map: Functions = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """The batch of some rows: tensors stacked, numbers in tensors, texts in lists, the rest part by part.

    A tuple becomes a list of its parts; dicts, lists and named tuples keep their type.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


__getattr__ = missing_from("torch.utils.data._utils.collate")
