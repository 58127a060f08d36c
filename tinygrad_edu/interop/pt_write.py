"""Writing a `.pt` file that `torch.load` reads with `weights_only=True`.

The pickle is written here instruction by instruction, because Python's own pickler would import what it
names, and PyTorch need not be installed. It has protocol 2 and the instructions that PyTorch's reader of
weights knows. The same object gives the same bytes.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.interop.pt_storage import KINDS, STORAGES
from tinygrad_edu.tensor import NumpyArray

Taken = tuple[NumpyArray, bool, bool]  # the array, whether it is a parameter, whether it requires grad
TensorOf = Callable[[Any], Taken | None]


class Parts(NamedTuple):
    """An object as a file has it: a name, or what a function of that name returns, with a state.

    module, name  of a class, a function or a value
    arguments     of the function; None for the value of the name itself
    state         that the object is given then; None if it has none
    is_made       whether the name is that of a class, whose object is made without `__init__`
    """

    module: str
    name: str
    arguments: tuple[Any, ...] | None = None
    state: Any = None
    is_made: bool = False


PartsOf = Callable[[Any], Parts | None]
_ALIGNED = 64  # bytes: PyTorch can map the storages of a file into memory
_STORAGE = {
    kind: name for name, kind in STORAGES.items() if KINDS[kind].read is not None and name != "UntypedStorage"
}


class Pickled:
    """The pickle of one object, and the arrays that are its storages, each once."""

    def __init__(self, value: Any, tensor_of: TensorOf, parts_of: PartsOf | None = None) -> None:
        self.tensor_of, self.parts_of = tensor_of, parts_of
        self.out = io.BytesIO()
        self.memo: dict[Any, int] = {}
        self.kept: list[Any] = []  # while their id() is a key of the memo
        self.storages: list[NumpyArray] = []
        self.storage_keys: dict[Any, int] = {}
        self.out.write(pickle.PROTO + b"\x02")
        try:
            self._save(value, "")
        except RecursionError:
            raise wrong(TypeError, "save_pt", "the object is nested too deeply to be pickled") from None
        self.out.write(pickle.STOP)

    # -- the instructions ------------------------------------------------------------------------------------

    def _remember(self, key: Any, value: Any = None) -> None:
        index = len(self.memo)
        self.memo[key] = index
        self.kept.append(value)
        small = index < 256
        self.out.write(pickle.BINPUT + bytes([index]) if small else pickle.LONG_BINPUT + _four(index))

    def _recall(self, key: Any) -> bool:
        index = self.memo.get(key)
        if index is None:
            return False
        self.out.write(pickle.BINGET + bytes([index]) if index < 256 else pickle.LONG_BINGET + _four(index))
        return True

    def _text(self, text: str) -> None:
        if not self._recall(("text", text)):
            data = text.encode("utf-8", "surrogatepass")
            self.out.write(pickle.BINUNICODE + _four(len(data)) + data)
            self._remember(("text", text))

    def _global(self, module: str, name: str) -> None:
        if not self._recall(("global", module, name)):
            self.out.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
            self._remember(("global", module, name))

    def _integer(self, number: int, place: str = "") -> None:
        if -(2**31) <= number < 2**31:
            self.out.write(pickle.BININT + struct.pack("<i", number))
            return
        data = pickle.encode_long(number)
        if len(data) > 255:
            raise _unfit(place, f"an integer of {number.bit_length()} bits", "PyTorch reads up to 2040")
        self.out.write(pickle.LONG1 + bytes([len(data)]) + data)

    def _integers(self, numbers: tuple[int, ...]) -> None:
        self.out.write(pickle.MARK)
        for number in numbers:
            self._integer(number)
        self.out.write(pickle.TUPLE)

    # -- objects ---------------------------------------------------------------------------------------------

    def _save(self, value: Any, place: str) -> None:
        """Write the instructions that make `value`, which is at this place in the whole object."""
        if value is None or value is True or value is False:
            self.out.write({None: pickle.NONE, True: pickle.NEWTRUE, False: pickle.NEWFALSE}[value])
        elif self._recall(id(value)):
            pass
        elif self.parts_of is not None and (parts := self.parts_of(value)) is not None:
            self._save_parts(value, parts, place)
        elif (taken := self.tensor_of(value)) is not None:
            self._save_tensor(value, *taken, place)
        elif isinstance(value, np.bool_):
            self._save(bool(value), place)
        elif isinstance(value, str):
            self._text(str(value))
        elif isinstance(value, (int, np.integer)):
            self._integer(int(value), place)
        elif isinstance(value, (float, np.floating)):
            self.out.write(pickle.BINFLOAT + struct.pack(">d", float(value)))
        elif isinstance(value, (bytes, bytearray)):
            self._save_bytes(value)
        elif isinstance(value, (list, tuple, set, frozenset)):
            self._save_row(value, place)
        elif isinstance(value, Mapping):
            self._save_mapping(value, place)
        else:
            raise _unfit(place, f"a {type(value).__name__}", _remedy(value))

    def _save_bytes(self, value: bytes | bytearray) -> None:
        if isinstance(value, bytearray):
            self._global("__builtin__", "bytearray")
        self._global("_codecs", "encode")
        self._text(bytes(value).decode("latin-1"))
        self._text("latin1")
        self.out.write(pickle.TUPLE2 + pickle.REDUCE)
        if isinstance(value, bytearray):
            self.out.write(pickle.TUPLE1 + pickle.REDUCE)

    def _save_parts(self, value: Any, parts: Parts, place: str) -> None:
        self._global(parts.module, parts.name)
        if parts.arguments is None:
            return
        self._save(parts.arguments, place)
        self.out.write(pickle.NEWOBJ if parts.is_made else pickle.REDUCE)
        self._remember(id(value), value)  # before its state, which may contain it
        if parts.state is not None:
            self._save(parts.state, place)
            self.out.write(pickle.BUILD)

    def _save_row(self, value: Any, place: str) -> None:
        if isinstance(value, tuple):
            self.out.write(pickle.MARK)
            for i, item in enumerate(value):
                self._save(item, f"{place}[{i}]")
            self.out.write(pickle.TUPLE)
            self._remember(id(value), value)
            return
        is_set = not isinstance(value, list)
        if is_set:
            self._global("__builtin__", "set")
        self.out.write(pickle.EMPTY_LIST)
        if not is_set:  # before its items: a list may contain itself
            self._remember(id(value), value)
        self.out.write(pickle.MARK)
        for i, item in enumerate(sorted(value, key=repr) if is_set else value):
            self._save(item, f"{place}[{i}]")
        self.out.write(pickle.APPENDS)
        if is_set:
            self.out.write(pickle.TUPLE1 + pickle.REDUCE)
            self._remember(id(value), value)

    def _save_mapping(self, value: Mapping[Any, Any], place: str) -> None:
        if isinstance(value, OrderedDict):
            self._global("collections", "OrderedDict")
            self.out.write(pickle.EMPTY_TUPLE + pickle.REDUCE)
        elif isinstance(value, Counter):
            self._global("collections", "Counter")
            self.out.write(pickle.EMPTY_DICT + pickle.TUPLE1 + pickle.REDUCE)
        else:
            self.out.write(pickle.EMPTY_DICT)
        self._remember(id(value), value)
        self.out.write(pickle.MARK)
        for key, item in value.items():
            self._save(key, f"{place}'s keys")
            self._save(item, f"{place}[{key!r:.60}]")
        self.out.write(pickle.SETITEMS)
        metadata = getattr(value, "_metadata", None) if isinstance(value, OrderedDict) else None
        if metadata is not None:
            self._save({"_metadata": metadata}, f"{place}._metadata")
            self.out.write(pickle.BUILD)

    # -- tensors ---------------------------------------------------------------------------------------------

    def _save_tensor(
        self, value: Any, array: NumpyArray, is_parameter: bool, requires_grad: bool, place: str
    ) -> None:
        if array.dtype.name not in _STORAGE:
            raise _unfit(place, f"an array of {array.dtype}", f"a tensor has one of {', '.join(_STORAGE)}")
        if is_parameter:
            self._global("torch._utils", "_rebuild_parameter")
        memory, strides = _dense(array)
        self._global("torch._utils", "_rebuild_tensor_v2")
        self.out.write(pickle.MARK)
        self._save_storage(memory, array)
        self._integer(0)
        self._integers(array.shape)
        self._integers(strides)
        self.out.write(pickle.NEWTRUE if requires_grad and not is_parameter else pickle.NEWFALSE)
        self._no_hooks()
        self.out.write(pickle.TUPLE + pickle.REDUCE)
        if is_parameter:
            self.out.write(pickle.NEWTRUE if requires_grad else pickle.NEWFALSE)
            self._no_hooks()
            self.out.write(pickle.TUPLE3 + pickle.REDUCE)
        self._remember(id(value), value)

    def _no_hooks(self) -> None:
        self._global("collections", "OrderedDict")
        self.out.write(pickle.EMPTY_TUPLE + pickle.REDUCE)

    def _save_storage(self, memory: NumpyArray, array: NumpyArray) -> None:
        key = _identity(array)
        index = self.storage_keys.get(key)
        if index is None:
            index = self.storage_keys[key] = len(self.storages)
            self.storages.append(memory)
            self.kept.append(array)
        self.out.write(pickle.MARK)
        self._text("storage")
        self._global("torch", _STORAGE[array.dtype.name])
        self._text(str(index))
        self._text("cpu")
        self._integer(memory.size)
        self.out.write(pickle.TUPLE + pickle.BINPERSID)


def _four(number: int) -> bytes:
    return struct.pack("<I", number)


def _unfit(place: str, what: str, remedy: str) -> TypeError:
    return wrong(TypeError, "save_pt", f"{what} at {place or 'the top'} of the object", remedy)


def _remedy(value: Any) -> str:
    if hasattr(value, "state_dict"):
        return "save its state_dict()"
    return "a file of weights has tensors, numbers, texts, and lists, tuples, sets and dicts of these"


def _axes(array: NumpyArray) -> list[tuple[int, int]]:
    """(stride in bytes, size) of each axis with more than one element, the longest stride first."""
    return sorted(((s, n) for s, n in zip(array.strides, array.shape) if n > 1 and s != 0), reverse=True)


def _is_dense(array: NumpyArray) -> bool:
    step = array.itemsize
    for stride, size in reversed(_axes(array)):
        if stride != step:
            return False
        step *= size
    return True


def _identity(array: NumpyArray) -> Any:
    """A key that two arrays share if they have the same elements in the same memory."""
    return array.__array_interface__["data"][0], array.dtype.str, array.size == 0, tuple(_axes(array))


def _dense(array: NumpyArray) -> tuple[NumpyArray, tuple[int, ...]]:
    """(the elements in the order of their memory, the strides of the array over these, in elements).

    An axis that repeats its elements, with a stride of 0, keeps it.
    """
    if array.size == 0 or not array.ndim:
        strides = np.empty(array.shape, np.uint8, "C").strides
        return array.reshape(-1), tuple(int(s) for s in strides)
    repeats = tuple(slice(0, 1) if s == 0 else slice(None) for s in array.strides)
    once = array[repeats]
    if not _is_dense(once):
        once = np.ascontiguousarray(once)
    order = sorted(range(once.ndim), key=lambda i: (-once.strides[i], -i))
    memory = once.transpose(order).reshape(-1)
    sizes = zip(array.shape, array.strides, once.strides)
    return memory, tuple(1 if n == 1 else 0 if a == 0 else s // once.itemsize for n, a, s in sizes)


def archive(pickled: Pickled) -> bytes:
    """The bytes of the zip archive with the pickle and its storages."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as container:
        _add(container, file, "data.pkl", pickled.out.getbuffer())
        _add(container, file, ".format_version", b"1")
        _add(container, file, ".storage_alignment", str(_ALIGNED).encode())
        _add(container, file, "byteorder", b"little")
        for i, memory in enumerate(pickled.storages):
            lies = memory.astype(memory.dtype.newbyteorder("<"), copy=False)
            _add(container, file, f"data/{i}", np.ascontiguousarray(lies).view(np.uint8).data)
        _add(container, file, "version", b"3\n")
    return file.getvalue()


def _add(container: zipfile.ZipFile, file: io.BytesIO, name: str, content: Any) -> None:
    """An entry whose bytes begin at a multiple of the alignment; padding in its header moves them there."""
    entry = zipfile.ZipInfo(
        f"archive/{name}", (1980, 1, 1, 0, 0, 0)
    )  # no time: the same object, the same bytes
    begins = file.tell() + 30 + len(entry.filename) + 4
    padding = -begins % _ALIGNED
    entry.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
    entry.file_size = len(content)
    container.writestr(entry, content)
