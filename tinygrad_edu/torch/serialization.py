"""torch.save and torch.load: PyTorch's files, by `tinygrad_edu.interop`, which runs nothing in them.

`torch.load(file)` reads weights: tensors, numbers, texts and containers of these. With `weights_only=False` a
file may also have whole modules, of the classes of this library and of the running program. They are made
without `__init__`, and get their attributes. Classes are looked up among those that the program has
imported; a file cannot import, and cannot call them.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.errors import retold, wrong
from tinygrad_edu.interop.pt_errors import PTError, refuse
from tinygrad_edu.interop.pt_file import _Tensors, load_pt, save_pt
from tinygrad_edu.interop.pt_pickle import Made, Named
from tinygrad_edu.interop.pt_write import Parts
from tinygrad_edu.torch.core import devices, dtypes
from tinygrad_edu.torch.core.border import faced, torch_error
from tinygrad_edu.torch.core.size import Size
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.nn.module import Module
from tinygrad_edu.torch.nn.parameter import Parameter, around

__all__ = ["save", "load", "add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals",
           "location_tag", "default_restore_location"]  # fmt: skip
_MODULES = (Module, nn.Module)
_PLAIN = (argparse.Namespace, types.SimpleNamespace)  # objects with attributes and nothing else
_OURS = "tinygrad_edu."
_FUNCTIONS = (
    "tinygrad_edu.torch.functions.",
    "tinygrad_edu.torch.nn.",
    "tinygrad_edu.functional",
    "tinygrad_edu.ops.",
)
_PUBLIC = ("torch", "torch.nn.functional")  # where functions have PyTorch's names
_KNOWN = ("builtins", "__builtin__", "collections", "_codecs", "numpy", "torch")  # to the reader of weights
_safe: dict[str, Any] = {}


# -- names that a file may use -------------------------------------------------------------------------------


def add_safe_globals(safe_globals: Iterable[Any]) -> None:
    """Let files make objects of these classes, and call these functions; or pairs (object, its full name)."""
    _safe.update(map(_named, safe_globals))


def get_safe_globals() -> list[Any]:
    """What was given to `add_safe_globals`."""
    return list(_safe.values())


def clear_safe_globals() -> None:
    """Forget what was given to `add_safe_globals`."""
    _safe.clear()


@contextmanager
def _within(safe_globals: Iterable[Any]) -> Iterator[None]:
    before = dict(_safe)
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _safe.clear()
        _safe.update(before)


def safe_globals(safe_globals: Iterable[Any]) -> Any:
    """A context in which files may use these classes and functions."""
    return _within(safe_globals)


def _named(given: Any) -> tuple[str, Any]:
    if isinstance(given, tuple):
        value, name = given
        return name, value
    return f"{given.__module__}.{given.__qualname__}", given


def _lookup(module: str, name: str) -> Any:
    """What the program has under this name in a module that it has imported; None if there is nothing."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = None if found is None else getattr(found, "__dict__", {}).get(part)
    return found


def _find(whole: bool, module: str, name: str) -> Any:
    """What stands for a name of a file; None if only the reader of weights may know it."""
    if f"{module}.{name}" in _safe:
        return _safe[f"{module}.{name}"]
    if module == "torch" and name in dtypes.NAMES:
        return dtypes.NAMES[name]
    if (module, name) in _VALUES:
        return _VALUES[module, name]
    if not whole:
        return None
    found = _lookup(f"{_OURS}{module}" if module in _PUBLIC else module, name)
    if isinstance(found, type) and (issubclass(found, _MODULES) or found in _PLAIN):
        return Made(found)
    if _is_function(found):
        return Named(found)
    if module.startswith("torch.") and not module.startswith(
        ("torch._", "torch.storage", "torch.nn.parameter")
    ):
        raise refuse(
            f"it has an object of PyTorch's class {module}.{name}",
            "save its weights in PyTorch, torch.save(model.state_dict(), path), and load them here with "
            "model.load_state_dict(torch.load(path))",
        )
    if module.split(".")[0] not in _KNOWN:
        raise refuse(
            f"it has an object of {module}.{name}, and a file may only make modules, of classes that the "
            "program has imported",
            "import the file that defines it, or say torch.serialization.add_safe_globals([its class])",
        )
    return None


def _size(numbers: Any = ()) -> Size:
    return Size(numbers)


def _device(kind: Any, index: Any = None) -> devices.device:
    return devices.device(kind, index)


def _is_function(value: Any) -> bool:
    """Whether it is one of the library's functions of tensors, which a model may have as an attribute."""
    places = f"{getattr(value, '__module__', '')}.", f"{type(value).__module__}."
    plain = callable(value) and not isinstance(value, (type, Tensor))
    return plain and any(place.startswith(_FUNCTIONS) for place in places)


_VALUES: dict[tuple[str, str], Any] = {("torch", "Size"): _size, ("torch", "device"): _device}


# -- writing -------------------------------------------------------------------------------------------------


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write `obj` to a file, a path or one that is open for binary writing, which PyTorch reads, and `load`.

    Tensors, numbers, texts, NumPy's arrays and containers of these, or whole modules, which only `load` here
    reads. A path is replaced whole or not at all. The format is always the same: `pickle_module`,
    `pickle_protocol` and the old format are not needed. TypeError for other objects, with their place in
    `obj`.
    """
    if isinstance(f, (str, os.PathLike)):
        folder = os.path.dirname(os.fspath(f))
        if folder and not os.path.isdir(folder):
            raise wrong(RuntimeError, "torch.save", f"Parent directory {folder} does not exist.")
    try:
        save_pt(obj, f, tensor_of=_tensor_of, parts_of=_parts_of)
    except Exception as error:
        raise torch_error(error) from None


def _tensor_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        inner = value.inner
        return inner.detach().numpy(), isinstance(value, Parameter), inner.requires_grad
    return None


def _parts_of(value: Any) -> Parts | None:
    """How an object that is no plain data is written; None for plain data, and for what cannot be written."""
    kind = type(value)
    if kind in (dict, list, tuple, str, int, float, bool, bytes) or isinstance(value, Tensor):
        return None
    if kind is Size:
        return Parts("torch", "Size", (tuple(value),))
    if kind is dtypes.dtype:
        return Parts("torch", value.name)
    if kind is devices.device:
        return Parts("torch", "device", (value.type, *(() if value.index is None else (value.index,))))
    if isinstance(value, (np.ndarray, np.dtype)):
        reduced: Any = value.__reduce__()
        make, arguments, state = reduced
        return Parts(
            "numpy" if make is np.dtype else "numpy._core.multiarray", make.__name__, arguments, state
        )
    if value is np.ndarray:
        return Parts("numpy", "ndarray")
    if isinstance(value, (*_MODULES, *_PLAIN)):
        return Parts(*_name_of(kind), (), value.__getstate__() or None, is_made=True)
    if isinstance(value, (type, types.FunctionType)) or _is_function(value):
        return Parts(*_name_of(value))
    if f"{kind.__module__}.{kind.__qualname__}" in _safe:
        return Parts(*_name_of(kind), (), value.__getstate__() or None, is_made=True)
    return None


def _name_of(value: Any) -> tuple[str, str]:
    """(module, name) of a class or a function. AttributeError for one that cannot be found by its name."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    for public in _PUBLIC:
        if isinstance(name, str) and _lookup(f"{_OURS}{public}", name) is value:
            return public, name
    if not isinstance(module, str) or not isinstance(name, str) or _lookup(module, name) is not value:
        raise wrong(
            AttributeError,
            "torch.save",
            f"{name or repr(value)} of {module} cannot be found by its name, and a file "
            "has names of classes and functions",
            "define it at the top of a module, or save the state_dict()",
        )
    return module, name


# -- reading -------------------------------------------------------------------------------------------------


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """The object in a file of `save`, or of PyTorch's.

    f             a path, or a file that is open for binary reading
    map_location  where its tensors are put: a device, a dict from the places noted in the file, or a
    function of
                  (storage, place); by default the place that is noted
    weights_only  False: whole modules, too, see the module's text; nothing of a file is ever run

    Raises pickle.UnpicklingError for a damaged file and for one with other objects, RuntimeError for a
    device that is not here, FileNotFoundError.
    """
    whole = weights_only is False
    make = _Restored(map_location)
    if _is_empty(f):
        raise wrong(
            EOFError, "torch.load", "the file is empty", "if it was just written, say file.seek(0) first"
        )
    try:
        return load_pt(f, tensor=make, find=functools.partial(_find, whole))
    except PTError as error:
        raise retold(error, None, FileError) from None
    except Exception as error:
        raise torch_error(error) from None


class FileError(PTError, RuntimeError):
    """A file that is damaged, or has what it may not have: as in PyTorch, an UnpicklingError."""


def _is_empty(f: Any) -> bool:
    if isinstance(f, (str, os.PathLike)):
        return os.path.isfile(f) and not os.path.getsize(f)
    if not (hasattr(f, "seekable") and f.seekable()):
        return False
    position = f.tell()
    first = f.read(1)
    f.seek(position)
    return not first


class _Restored:
    """Makes the tensors of a file."""

    def __init__(self, map_location: Any) -> None:
        self.made, self.map_location = _Tensors(), map_location

    def __call__(self, array: Any, requires_grad: bool, is_parameter: bool, place: str) -> Tensor:
        value = self.made(array, requires_grad, is_parameter, place)
        where = self._place(place)
        if where != "cpu":
            moved = value.detach().to(where)
            if is_parameter:
                value = nn.Parameter(moved, requires_grad, device=where)
            else:
                value = moved
                value.requires_grad = requires_grad
        return around(value) if is_parameter else faced(value)

    def _place(self, noted: str) -> str:
        """The library's name of the device for what was noted as lying there."""
        asked = self.map_location
        if isinstance(asked, Mapping):
            asked = asked.get(noted)
        elif callable(asked) and not isinstance(asked, (str, devices.device)):
            answer = asked(Location(noted), noted)
            asked = answer.location if isinstance(answer, Location) else None
        if asked is not None:
            return devices.here(asked)
        if noted.partition(":")[0] == "cuda" and not _has_cuda():
            raise wrong(
                RuntimeError,
                "torch.load",
                "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False.",
                "pass map_location=torch.device('cpu') to have its tensors on the cpu",
            )
        return devices.here(noted) if noted.partition(":")[0] in devices.KNOWN else "cpu"


def _has_cuda() -> bool:
    from tinygrad_edu.torch import cuda

    return bool(cuda.is_available())


class Location:
    """What a `map_location` function gets in place of a storage: it may return it, or `storage.cuda(0)`."""

    def __init__(self, noted: str) -> None:
        self.noted, self.location = noted, "cpu"

    def cpu(self) -> Location:
        """On the cpu, where the function gets it."""
        return self._at("cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Location:
        """On the GPU."""
        return self._at("cuda" if device is None else str(devices.device(device)))

    def to(self, device: Any, non_blocking: bool = False) -> Location:
        """On a device."""
        return self._at(str(device))

    def _at(self, location: str) -> Location:
        made = Location(self.noted)
        made.location = location
        return made


def location_tag(storage: Any) -> str:
    """The text that a file has for the place of a tensor."""
    return "cpu" if isinstance(storage, Location) else str(storage.device)


def default_restore_location(storage: Any, location: str) -> Any:
    """The storage in the place that is noted."""
    return storage.to(location)


__getattr__ = missing_from("torch.serialization")
