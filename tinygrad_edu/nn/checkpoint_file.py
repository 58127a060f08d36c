"""The file of a checkpoint: arrays and facts in safetensors format, written whole or not at all.

Arrays are entries of the file. The facts are one JSON text in its metadata, next to a SHA-256 of that text
and of every array, because the format itself does not detect a flipped bit. No other file imports
safetensors.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu import dtypes, files
from tinygrad_edu.errors import retold, wrong
from tinygrad_edu.tensor import NumpyArray

FORMAT = 1
FACTS, DIGEST = "tinygrad_edu", "sha256"
PathLike = str | os.PathLike[str]
# What reading a forged file with a valid checksum can raise, at any place that has the wrong form.
FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class CheckpointError(ValueError):
    """A file that is damaged, of another kind, or does not fit its target. Nothing was changed."""


def write_checkpoint(path: PathLike, facts: dict[str, Any], arrays: dict[str, NumpyArray]) -> None:
    """Write facts and arrays to `path`. TypeError for facts that JSON does not have, and for other dtypes."""
    try:
        _keys_are_text(facts)
        text = json.dumps(facts, default=_of_numpy)
        json.loads(text)  # nesting that can be written can be too deep to be read
    except (TypeError, ValueError, RecursionError) as error:
        raise wrong(
            TypeError,
            "save_checkpoint",
            str(error),
            "`extra` and settings must be numbers, strings, lists and dicts, as JSON has them",
        ) from None
    for name, array in arrays.items():
        if array.dtype not in dtypes.SUPPORTED:
            raise wrong(
                TypeError, "save_checkpoint", f"{name} is {array.dtype}, none of {', '.join(dtypes.DTYPES)}"
            )
    write_file(path, arrays, {FACTS: text, DIGEST: digest_of(text, arrays)})


def _keys_are_text(value: Any, place: str = "") -> None:
    """Raise TypeError for any other key: JSON would convert it to text, and two keys could become one."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r:.60} of {place or 'the state'} is no text")
            _keys_are_text(item, f"{place}[{key!r:.60}]" if place else key)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _keys_are_text(item, f"{place}[{i}]")


def _of_numpy(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} is not JSON")


def write_file(path: PathLike, arrays: dict[str, NumpyArray], metadata: dict[str, str]) -> None:
    """Write arrays and metadata to `path`, atomically."""
    # not safetensors' save_file: its temporary file would remain after the process is killed
    files.write(path, packed(arrays, metadata))


def packed(arrays: Mapping[str, NumpyArray], metadata: dict[str, str]) -> bytes:
    """The bytes of a safetensors file."""
    from safetensors.numpy import save

    # safetensors writes memory in its own order and ignores the strides
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata)


def unpacked(content: bytes) -> list[tuple[str, list[int], str, bytearray]]:
    """(name, shape, dtype in the format's words, bytes) of each array. CheckpointError if it is damaged."""
    from safetensors import SafetensorError, deserialize

    try:
        entries = deserialize(content)  # type: ignore[no-untyped-call]
    except (SafetensorError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise wrong(CheckpointError, None, f"it is damaged, or no safetensors file: {error}") from error
    return [(name, entry["shape"], entry["dtype"], entry["data"]) for name, entry in entries]


def read_checkpoint(path: PathLike) -> tuple[dict[str, Any], dict[str, NumpyArray]]:
    """The facts and the arrays of a checkpoint, verified against its SHA-256, not loaded into anything.

    `facts["extra"]` is what was saved as `extra`. Raises as `load_checkpoint` does.
    """
    from safetensors import SafetensorError, safe_open

    where = os.fspath(path)
    if not os.path.isfile(where):
        raise FileNotFoundError(f"no checkpoint at {where}")
    try:
        with safe_open(where, framework="np") as file:
            metadata = file.metadata() or {}
            arrays = {name: np.asarray(file.get_tensor(name)) for name in list(file.keys())}
    except (
        SafetensorError,
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        MemoryError,
    ) as error:
        raise wrong(
            CheckpointError,
            None,
            f"{where} is damaged, or no safetensors file: {error}",
            "what torch.save wrote, te.interop.load_pt reads, and model.load_state_dict() takes it",
            place=where,
        ) from error
    text = metadata.get(FACTS)
    if text is None:
        raise wrong(
            CheckpointError,
            None,
            f"{where} is a safetensors file, but no checkpoint of tinygrad_edu",
            "read its arrays with te.interop.load_safetensors, and pass them to model.load_state_dict()",
            place=where,
        )
    if metadata.get(DIGEST) != digest_of(text, arrays):
        raise wrong(
            CheckpointError,
            None,
            f"{where} is damaged: its contents are not those its SHA-256 was taken of",
            place=where,
        )
    try:
        return _read_facts(text), arrays
    except FAULTS as error:
        if isinstance(error, CheckpointError):
            raise retold(error, None, CheckpointError, place=where, before=f"{where} ") from error
        problem = f"{where} has facts that no checkpoint here has: {error!r:.200}"
        raise wrong(CheckpointError, None, problem, place=where) from error


def _read_facts(text: str) -> dict[str, Any]:
    """The facts in the metadata. CheckpointError for another format, one of FAULTS if it is not JSON."""
    facts: dict[str, Any] = json.loads(text)
    if type(facts["format"]) is not int or facts["format"] < 1:
        raise wrong(CheckpointError, None, f"has no format {facts['format']!r:.60}")
    if facts["format"] > FORMAT:
        raise wrong(
            CheckpointError,
            None,
            f"has format {facts['format']}, this version reads up to {FORMAT}",
            "update tinygrad_edu",
        )
    if not isinstance(facts["generators"], dict) or "extra" not in facts:
        raise wrong(CheckpointError, None, "lacks parts that every checkpoint here has")
    return facts


def digest_of(text: str, arrays: Mapping[str, NumpyArray]) -> str:
    """SHA-256 of the facts and of every array's name, dtype, shape and bytes."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"\0{name}\0{array.dtype.str}{array.shape}\0".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
