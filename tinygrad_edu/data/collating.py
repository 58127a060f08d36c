"""Collating: the items of a batch joined into arrays, text into lists, and sequences padded to one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from tinygrad_edu.errors import wrong
from tinygrad_edu.functional import tensor
from tinygrad_edu.tensor import Tensor

Array: TypeAlias = npt.NDArray[Any]
Batch: TypeAlias = tuple[Any, ...]


def collate(items: Sequence[Any]) -> Any:
    """Stack items into arrays along a new first axis: k items of (x, y) become ((k, ...), (k, ...)).

    Items that are dicts become a dict of such columns, and a column of text a list of k strings; in a tuple
    or list that holds either, each place is a column of its own. Named tuples stay what they are. An item
    that is neither tuple, list nor dict is a tuple of one. Tensors become arrays, on the host. ValueError
    when items differ in length, keys or shape, TypeError for what is neither number nor text.
    """
    if any(isinstance(item, dict) for item in items):
        return _column(items, "the items")
    rows = [tuple(item) if isinstance(item, tuple | list) else (item,) for item in items]
    columns = _columns(rows, "the items")
    return _like(items[0], columns) if items and isinstance(items[0], tuple) else columns


def as_array(value: Any) -> Array:
    """A value as an array on the host; a tensor without its graph."""
    return value.numpy() if isinstance(value, Tensor) else np.asarray(value)


def _array(value: Any, title: str, where: str) -> Array:
    """`as_array`. ValueError that names `where` if lists within the value differ in length."""
    try:
        return as_array(value)
    except ValueError:
        raise wrong(
            ValueError, title, f"{where} is a list whose inner lists differ in length",
            "pad them first: data.pad_sequence(rows, batch_first=True)",
        ) from None  # fmt: skip


def _like(item: tuple[Any, ...], columns: Batch) -> Batch:
    """Columns as a named tuple if the items are one."""
    return type(item)(*columns) if hasattr(item, "_fields") else columns


def _columns(rows: Sequence[tuple[Any, ...]], where: str) -> Batch:
    if len({len(row) for row in rows}) > 1:
        raise wrong(
            ValueError, "collate", f"{where} have {sorted({len(r) for r in rows})} parts", "make all the same"
        )
    return tuple(_column(part, f"part {i} of {where}") for i, part in enumerate(zip(*rows, strict=True)))


def _column(values: Sequence[Any], where: str) -> Any:
    """The values at one position of every item, joined: an array, strings, or a dict or tuple of such."""
    kinds = {_kind(value) for value in values}
    if len(kinds) > 1:
        raise wrong(TypeError, "collate", f"{where} are {' and '.join(sorted(kinds))}", "make them one kind")
    if kinds == {"text"}:
        return list(values)
    if kinds == {"dicts"}:
        keys = list(values[0])
        if any(set(value) != set(keys) for value in values):
            raise wrong(
                ValueError, "collate", f"{where} have different keys, {keys} and others", "make all the same"
            )
        return {key: _column([value[key] for value in values], f"{key!r} in {where}") for key in keys}
    if kinds == {"tuples"}:
        columns = _columns([tuple(value) for value in values], where)
        return _like(values[0], columns) if isinstance(values[0], tuple) else columns
    arrays = [_array(value, "collate", where) for value in values]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise wrong(
            ValueError,
            "collate",
            f"{where} comes in shapes {shapes}",
            "pad or crop the items to one shape, or pass collate_fn=PadCollate(), or your own",
        )
    stacked = np.stack(arrays)
    if stacked.dtype.kind not in "fiubc":
        raise wrong(
            TypeError,
            "collate",
            f"{where} is no number but a {type(values[0]).__name__}",
            "leave it out, or pass DataLoader a collate_fn= of your own",
        )
    return stacked


def _kind(value: Any) -> str:
    if isinstance(value, str | bytes):
        return "text"
    if isinstance(value, dict):
        return "dicts"
    if hasattr(value, "_fields"):
        return "tuples"
    holds = isinstance(value, tuple | list) and any(_kind(inner) != "numbers" for inner in value)
    return "tuples" if holds else "numbers"


def tensors_of(batch: Any) -> Any:
    """The arrays of a batch as tensors, also within dicts and tuples; text as a list of strings."""
    if isinstance(batch, dict):
        return {key: tensors_of(value) for key, value in batch.items()}
    if isinstance(batch, tuple):
        return _like(batch, tuple(map(tensors_of, batch)))
    if isinstance(batch, np.ndarray) and batch.dtype.kind in "US":
        return batch.tolist()
    if isinstance(batch, list) and all(isinstance(value, str | bytes) for value in batch):
        return batch
    return tensor(batch)


def pad_sequence(
    sequences: Sequence[Any],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: Literal["right", "left"] = "right",
) -> Array:
    """Arrays (length, ...) of different lengths as one array (longest, k, ...), padded.

    batch_first   (k, longest, ...) instead
    padding_side  "left" puts the padding before a sequence

    The result is an array of the dtype that the sequences share. ValueError for no sequence, for one without
    axes, and for shapes that differ after the first axis; a `padding_value` that the dtype cannot hold, too.
    TypeError for sequences that hold no numbers.
    """
    sequences = list(sequences)
    if not sequences:
        raise wrong(ValueError, "pad_sequence", "there are no sequences", "pass at least one")
    names = [f"sequence {i}" for i in range(len(sequences))]
    return _padded(sequences, names, batch_first, padding_value, padding_side)


def _padded(
    sequences: Sequence[Any], names: Sequence[str], batch_first: bool, padding_value: float, padding_side: str
) -> Array:
    """`pad_sequence` of at least one; `names` are those of the sequences in errors."""
    arrays = [_array(value, "pad_sequence", name) for value, name in zip(sequences, names, strict=True)]
    for array, name in zip(arrays, names, strict=True):
        if array.dtype.kind not in "fiubc":
            raise wrong(
                TypeError, "pad_sequence", f"{name} holds {array.dtype}, not numbers",
                "encode text first: data.WordTokenizer.learn(texts).encode_batch(texts)",
            )  # fmt: skip
    if any(array.ndim == 0 or array.shape[1:] != arrays[0].shape[1:] for array in arrays):
        shapes = sorted({array.shape for array in arrays})
        raise wrong(
            ValueError, "pad_sequence",
            f"sequences of shapes {shapes} differ in more than their length ({names[0]} and others)",
            "give each the shape (length, ...)",
        )  # fmt: skip
    if padding_side not in ("right", "left"):
        raise wrong(
            ValueError, "pad_sequence", f"padding_side={padding_side!r} is neither 'right' nor 'left'"
        )
    dtype = np.result_type(*{array.dtype for array in arrays})
    padding = np.asarray(padding_value)
    if padding.ndim or padding.dtype.kind not in "fiub":
        raise wrong(TypeError, "pad_sequence", f"padding_value={padding_value!r:.60} must be one number")
    if dtype.kind in "iub" and (not np.isfinite(padding) or padding.astype(dtype) != padding):
        raise wrong(
            ValueError, "pad_sequence", f"padding_value={padding_value} is no {dtype}", "pass an integer"
        )
    with np.errstate(over="ignore"):
        if np.isfinite(padding) and not np.isfinite(padding.astype(dtype)):
            raise wrong(
                ValueError, "pad_sequence", f"padding_value={padding_value} does not fit {dtype}",
                "pass a smaller number, or infinity itself",
            )  # fmt: skip
    longest = max(map(len, arrays))
    out = np.full((len(arrays), longest, *arrays[0].shape[1:]), padding, dtype)
    for row, array in zip(out, arrays, strict=True):
        start = longest - len(array) if padding_side == "left" else 0
        row[start : start + len(array)] = array
    return out if batch_first else np.ascontiguousarray(out.swapaxes(0, 1))


class PadCollate:
    """A `collate_fn` for sequences of different lengths: pads them, and adds their lengths to the batch.

    A field of the items, (x, y) or a dict, that has axes is a sequence, padded at its end to (k, longest,
    ...); the others are collated as usual. The lengths follow as one more part, (k,) int64, those of the
    first field with axes; in a dict their key is "lengths".

    padding_value  what follows the end of a sequence
    lengths        whether to add them
    """

    def __init__(self, padding_value: float = 0.0, *, lengths: bool = True) -> None:
        self.padding_value, self.lengths = padding_value, bool(lengths)

    def __call__(self, items: Sequence[Any]) -> Any:
        """The batch of some items."""
        if not items:
            raise wrong(ValueError, "PadCollate", "there are no items", "pass at least one")
        if isinstance(items[0], dict):
            names = list(items[0])
            if any(set(item) != set(names) for item in items):
                raise wrong(ValueError, "PadCollate", "the items have different keys", "make all the same")
            columns = {name: [item[name] for item in items] for name in names}
            places = [f"{name!r} in the items" for name in names]
            found = self._lengths(list(columns.values()), places)
            batch = {
                name: self._column(column, where)
                for (name, column), where in zip(columns.items(), places, strict=True)
            }
            if self.lengths and "lengths" in batch:
                raise wrong(
                    ValueError, "PadCollate", "the items have a key 'lengths' of their own",
                    "rename it, or pass lengths=False",
                )  # fmt: skip
            return {**batch, **({"lengths": found} if self.lengths else {})}
        rows = [item if isinstance(item, tuple) else (item,) for item in items]
        if len({len(row) for row in rows}) > 1:
            raise wrong(
                ValueError, "PadCollate", "the items have different numbers of parts", "make all the same"
            )
        parts = [list(part) for part in zip(*rows, strict=True)]
        places = [f"part {i} of the items" for i in range(len(parts))]
        padded = tuple(self._column(part, where) for part, where in zip(parts, places, strict=True))
        return (*padded, self._lengths(parts, places)) if self.lengths else padded

    def _column(self, values: list[Any], where: str) -> Any:
        if _is_sequence(values[0], where):
            names = [f"{where}, item {i}," for i in range(len(values))]
            return _padded(values, names, True, self.padding_value, "right")
        return _column(values, where)

    def _lengths(self, columns: list[list[Any]], places: list[str]) -> Array:
        for values, where in zip(columns, places, strict=True):
            if _is_sequence(values[0], where):
                return np.array([len(value) for value in values], np.int64)
        raise wrong(
            ValueError, "PadCollate", "no part of the items is a sequence",
            "give the items an axis, or pass lengths=False",
        )  # fmt: skip


def _is_sequence(value: Any, where: str) -> bool:
    return _kind(value) == "numbers" and _array(value, "PadCollate", where).ndim > 0
