"""safetensors: files of named arrays, which PyTorch's, JAX's and Hugging Face's programs read and write.

The format has names, dtypes, shapes and bytes, and can hold nothing that runs. It has no nested objects; a
file of a whole training run is a checkpoint (`nn.save_checkpoint`), which is a safetensors file, too.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu import files
from tinygrad_edu.errors import retold, wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.interop.pt_errors import PTError
from tinygrad_edu.interop.pt_storage import KINDS, Storage
from tinygrad_edu.nn.checkpoint_file import CheckpointError, packed, unpacked
from tinygrad_edu.tensor import NumpyArray, Tensor

_OF_PYTORCH = {"format": "pt"}  # without this, Hugging Face's programs refuse a file
_NAMES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


def load_safetensors(file: Any) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, on the cpu: `model.load_state_dict(load_safetensors(path))`.

    file  a path, or a binary file that can be read, from its position on

    float16 and bfloat16 become float32, int8, int16 and uint16 int32, and uint32 int64, with a warning: these
    hold all their numbers.
    Raises CheckpointError for a file that is damaged or of another kind, or for another dtype,
    FileNotFoundError if there is none.
    """
    place, content = _content(file)
    tensors, notes = {}, set()
    try:
        for name, shape, dtype, data in unpacked(content):
            kind = KINDS.get(_NAMES.get(dtype, ""))
            if kind is None:
                raise wrong(CheckpointError, None, f"{name} is {dtype}, which this library does not have")
            array = Storage(name, kind, data, "cpu", False).elements(kind).reshape(shape)
            if array.dtype.name != kind.name:
                notes.add(f"{kind.name} became {array.dtype}")
            tensors[name] = wrap(array, device="cpu")
    except (CheckpointError, PTError) as error:
        raise retold(error, None, CheckpointError, place=place) from error
    if notes:
        warnings.warn(f"{place}: {', '.join(sorted(notes))}", UserWarning, stacklevel=2)
    return tensors


def _content(file: Any) -> tuple[str, bytes]:
    """What errors call a file, and its bytes."""
    if hasattr(file, "read"):
        return f"the file {getattr(file, 'name', '')}".strip(), file.read()
    place = os.fspath(file)
    if not os.path.exists(place):
        raise FileNotFoundError(f"no file at {place}")
    with open(file, "rb") as stream:
        return place, stream.read()


def save_safetensors(tensors: Any, file: Any, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors or arrays by name, such as a model's `state_dict()`, to a safetensors file.

    file      a path, whose file is replaced whole or not at all; or a binary file that can be written
    metadata  texts by name; by default what PyTorch writes, {"format": "pt"}

    The format cannot share memory: a tensor with two names is in the file twice.
    Raises TypeError for what is no dict of tensors by name, or for a dtype that cannot be loaded again,
    OSError if the disk cannot store it.
    """
    if not isinstance(tensors, Mapping):
        remedy = "give model.state_dict(), or a dict of tensors by name"
        raise wrong(
            TypeError, "save_safetensors", f"a {type(tensors).__name__} has no tensors by name", remedy
        )
    content = packed({name: _array(name, x) for name, x in tensors.items()}, dict(metadata or _OF_PYTORCH))
    if hasattr(file, "write"):
        file.write(content)
    else:
        files.write(file, content)


def _array(name: Any, value: Any) -> NumpyArray:
    array = value.numpy() if isinstance(value, Tensor) else value
    if not isinstance(name, str) or not isinstance(array, np.ndarray):
        raise wrong(
            TypeError,
            "save_safetensors",
            f"{name!r:.60} is a {type(value).__name__}, and the format has tensors by name only",
            "nn.save_checkpoint writes other objects beside them, save_pt writes nested ones",
        )
    if array.dtype.name not in _NAMES.values():
        known = ", ".join(_NAMES.values())
        raise wrong(TypeError, "save_safetensors", f"{name} is {array.dtype}, none of {known}")
    return array
