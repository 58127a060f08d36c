"""PyTorch's `.pt` and `.pth` files: `load_pt` reads the weights of one, `save_pt` writes one.

A `.pt` file is a pickle, and a pickle is a program: `torch.load(path, weights_only=False)` runs whatever is
in it. `load_pt` runs nothing. It interprets the few instructions that weights need (`pt_pickle.py`), knows a
fixed list of names (`pt_globals.py`), and compares every size in the file with the bytes that are there
(`pt_storage.py`, `pt_archive.py`). What else a file asks for is an error that names it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import files
from tinygrad_edu.backend import registry
from tinygrad_edu.engine.value import Storage, leaf
from tinygrad_edu.errors import retold, wrong
from tinygrad_edu.interop.pt_archive import is_row, is_zip, read_row, read_zip
from tinygrad_edu.interop.pt_errors import PTError, refuse
from tinygrad_edu.interop.pt_globals import Find, Globals, Make
from tinygrad_edu.interop.pt_write import PartsOf, Pickled, Taken, TensorOf, archive
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.tensor import NumpyArray, Tensor

_START = 64  # bytes, by which a format is known


def load_pt(file: Any, *, tensor: Make | None = None, find: Find | None = None) -> Any:
    """The object in a `.pt` file, with a tensor of this library, on the cpu, for each of PyTorch's.

    file    a path, or a binary file that can be read, from its position on
    tensor  `tensor(array, requires_grad, is_parameter, device)` makes the tensors instead; `device` is the
            text that PyTorch noted, such as "cuda:0"
    find    `find(module, name)` is asked first what a name of the file stands for; None if it does not know.
            What it returns the file may call, and a class of it may be given a state, as in pickle; what is
            in `pt_pickle.Made` it may only make objects of, and what is in `pt_pickle.Named` it may only have

    dicts, OrderedDicts, lists, tuples, sets, numbers and texts come back as they are, `torch.Size` as a
    tuple, `torch.device` as a text, `torch.float32` as NumPy's dtype, parameters as `nn.Parameter`, NumPy's
    arrays as arrays. Tensors that share memory in the file share it here; an expanded one is read-only.
    float16 and bfloat16 become float32, int8, int16 and uint16 int32, and uint32 int64, with a warning:
    these hold all their numbers. `model.load_state_dict(load_pt(path))` fills a model.

    Raises PTError for a file that is damaged, not of PyTorch, or that has anything but weights in it,
    FileNotFoundError if there is none. Nothing of the file is ever run, and no more memory is used than its
    size is worth.
    """
    place = f"the file {getattr(file, 'name', '')}".strip()
    names = Globals(_Tensors() if tensor is None else tensor, find)
    try:
        if isinstance(file, (str, os.PathLike)):
            place = os.fspath(file)
            if not os.path.exists(place):
                raise FileNotFoundError(f"no file at {place}")
            with open(file, "rb") as stream:
                value = _read(stream, names)
        elif hasattr(file, "read"):
            value = _read(file if _can_seek(file) else io.BytesIO(file.read()), names)
        else:
            raise wrong(TypeError, "load_pt", f"a {type(file).__name__} is neither a path nor a file")
    except PTError as error:
        raise retold(error, None, PTError, place=place) from error
    names.warn(place)
    return value


def _can_seek(file: Any) -> bool:
    return hasattr(file, "seekable") and file.seekable()


def _read(file: Any, names: Globals) -> Any:
    position = file.tell()
    start = file.read(_START)
    file.seek(position)
    if is_zip(start):
        return read_zip(file, names)
    if is_row(start):
        content = file.read()
        rest = io.BytesIO(content)
        value = read_row(rest, len(content), names)
        file.seek(position + rest.tell())
        return value
    if not start:
        raise refuse("there is nothing to read", "if the file was just written, say file.seek(0)")
    if start[257:262] == b"ustar":
        raise refuse("it is a tar archive, as PyTorch wrote before 0.1.10", "save it with a newer PyTorch")
    raise refuse(
        "it is no file of torch.save",
        "a safetensors file is read by te.interop.load_safetensors, and a checkpoint of this library by "
        "nn.load_checkpoint",
    )


class _Tensors:
    """Makes tensors of this library over the memory of a file: one storage for all views of the same."""

    def __init__(self) -> None:
        self.backend = registry.get("cpu")
        self.roots: dict[int, tuple[Any, Storage]] = {}

    def __call__(self, array: NumpyArray, requires_grad: bool, is_parameter: bool, device: str) -> Tensor:
        memory = array.base if isinstance(array.base, np.ndarray) else array
        _, root = self.roots.setdefault(id(memory), (memory, Storage(memory, self.backend)))
        made = Parameter.__new__(Parameter) if is_parameter else Tensor.__new__(Tensor)
        node = leaf(array.shape, array.dtype) if requires_grad else None
        Tensor.__init__(made, Storage(array, self.backend, root), node)
        return made


def save_pt(
    obj: Any, file: Any, *, tensor_of: TensorOf | None = None, parts_of: PartsOf | None = None
) -> None:
    """Write `obj` to a `.pt` file, which `torch.load(path)` reads, and `load_pt`.

    obj        a model's `state_dict()`, or numbers, texts, tensors and arrays in dicts, lists, tuples, sets
    file       a path, whose file is replaced whole or not at all; or a binary file that can be written
    tensor_of  `tensor_of(x)` is asked first of each object: (array, is_parameter, requires_grad) if it is a
               tensor, or None
    parts_of   `parts_of(x)` is asked before that: what `pt_write.Parts` describes, or None

    Tensors and NumPy arrays become tensors of PyTorch on its cpu, `nn.Parameter` its parameter, NumPy's
    numbers Python's. Keys keep their order. Memory that several tensors have in common is written once, if it
    is all of each.

    Raises TypeError for what is no weights, such as a model, with its place in `obj`, OSError if the disk
    cannot store it.
    """
    if not isinstance(file, (str, os.PathLike)) and not hasattr(file, "write"):
        raise wrong(
            TypeError,
            "save_pt",
            f"a {type(file).__name__} is neither a path nor a file",
            "save_pt(obj, path)",
        )
    pickled = Pickled(obj, _taken if tensor_of is None else _first(tensor_of), parts_of)
    content = archive(pickled)
    if isinstance(file, (str, os.PathLike)):
        files.write(file, content)
        return
    rest = memoryview(content)
    while len(rest):  # a raw file may take a part of it
        written = file.write(rest)
        rest = rest[len(rest) if written is None else written :]


def _taken(value: Any) -> Taken | None:
    """The array of a tensor or of NumPy, whether it is a parameter, whether it requires grad."""
    if isinstance(value, Tensor):
        return value.numpy(), isinstance(value, Parameter), value.requires_grad
    if isinstance(value, np.ndarray):
        return value, False, False
    return None


def _first(tensor_of: TensorOf) -> Callable[[Any], Taken | None]:
    def taken(value: Any) -> Taken | None:
        found = tensor_of(value)
        return _taken(value) if found is None else found

    return taken
