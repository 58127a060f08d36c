"""The names that a `.pt` file may use, and the functions of this library that stand for each.

Nothing is imported or looked up by a name of a file: a name is a key of the tables here, or of the function
`find` of the caller, or it is refused.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.interop.pt_errors import refuse
from tinygrad_edu.interop.pt_pickle import Made, hashable
from tinygrad_edu.interop.pt_storage import KINDS, STORAGES, Kind, Storage, StorageType, view
from tinygrad_edu.tensor import NumpyArray

Make = Callable[[NumpyArray, bool, bool, str], Any]
Find = Callable[[str, str], Any]
_TO_WEIGHTS = (
    "save the weights alone, torch.save(model.state_dict(), path); if you trust the file, load it in PyTorch "
    "with torch.load(path, weights_only=False) and save the state_dict() from there"
)
# PyTorch's functions for tensors that are no plain memory
_OTHER_TENSORS = {
    "_rebuild_qtensor": "quantized", "_rebuild_sparse_tensor": "sparse", "_rebuild_nested_tensor": "nested",
    "_rebuild_meta_tensor_no_storage": "meta", "_rebuild_sparse_csr_tensor": "sparse",
    "_rebuild_wrapper_subclass": "wrapped",
}  # fmt: skip
_NUMBERS = re.compile(r"[<>|=]?(f[248]|[iu][1248]|b1)")


class Globals:
    """What the names of one file stand for; `make(array, requires_grad, is_parameter, device)` makes tensors.

    find  asked first; None from it means that it does not know the name
    """

    def __init__(self, make: Make, find: Find | None) -> None:
        self.make, self.given = make, find
        self.made: dict[int, tuple[Any, NumpyArray, str]] = {}  # by id(): a tensor, its array and its device
        self.classes: set[type] = set()  # that `find` returned
        self.notes: set[str] = set()
        functions: dict[str, Callable[..., Any]] = {
            "collections.OrderedDict": _ordered,
            "collections.Counter": _counter,
            "builtins.set": _set,
            "builtins.frozenset": lambda items=(): frozenset(_set(items)),
            "builtins.bytearray": _bytearray,
            "builtins.complex": _complex,
            "_codecs.encode": _encode,
            "torch.Size": _size,
            "torch.device": _device,
            "torch._utils._rebuild_tensor": self.tensor,
            "torch._utils._rebuild_tensor_v2": self.tensor,
            "torch._utils._rebuild_tensor_v3": self.typed_tensor,
            "torch._utils._rebuild_parameter": self.parameter,
            "torch._utils._rebuild_parameter_with_state": self.parameter,
            "torch._tensor._rebuild_from_type_v2": self.of_type,
            "numpy.dtype": _dtype,
            "numpy._core.multiarray.scalar": _scalar,
            "numpy._core.multiarray._reconstruct": _empty_array,
        }
        self.names: dict[str, Any] = dict(functions)
        self.names |= {f"torch.{name}": StorageType(KINDS[kind]) for name, kind in STORAGES.items()}
        self.names["torch.storage.UntypedStorage"] = StorageType(KINDS["uint8"], untyped=True)
        self.names |= {f"torch.{name}": _as_dtype(kind) for name, kind in KINDS.items()}
        self.names |= {"numpy.ndarray": "numpy.ndarray", "torch.Tensor": "torch.Tensor",
                       "torch.nn.parameter.Parameter": "torch.nn.parameter.Parameter"}  # fmt: skip

    def find(self, module: str, name: str) -> Any:
        """What stands for `module.name` of a file. PTError that names it if nothing does."""
        module = {"__builtin__": "builtins", "numpy.core.multiarray": "numpy._core.multiarray"}.get(
            module, module
        )
        given = None if self.given is None else self.given(module, name)
        if given is not None:
            kind = given.value if isinstance(given, Made) else given
            if isinstance(kind, type):
                self.classes.add(kind)
            return given
        known = self.names.get(f"{module}.{name}")
        if known is not None:
            return known
        if name in _OTHER_TENSORS and module == "torch._utils":
            raise refuse(
                f"it has a {_OTHER_TENSORS[name]} tensor, and the library has dense ones only",
                "convert it in PyTorch, with x.dequantize(), x.to_dense() or x.cpu()",
            )
        raise refuse(
            f"it asks for {module}.{name}, which is no part of weights; nothing was run", _TO_WEIGHTS
        )

    # -- tensors ---------------------------------------------------------------------------------------------

    def tensor(
        self,
        storage: Any,
        offset: Any,
        size: Any,
        stride: Any,
        requires_grad: Any = False,
        hooks: Any = None,
        metadata: Any = None,
    ) -> Any:
        """A tensor in a storage, in the dtype of that."""
        kind = storage.kind if isinstance(storage, Storage) else None
        return self._tensor(storage, kind, offset, size, stride, requires_grad, hooks, metadata)

    def typed_tensor(
        self,
        storage: Any,
        offset: Any,
        size: Any,
        stride: Any,
        requires_grad: Any,
        hooks: Any,
        dtype: Any,
        metadata: Any = None,
    ) -> Any:
        """A tensor in a storage of bytes, in a dtype of its own."""
        name = str(dtype).removeprefix("torch.")
        return self._tensor(storage, KINDS.get(name), offset, size, stride, requires_grad, hooks, metadata)

    def _tensor(
        self,
        storage: Any,
        kind: Kind | None,
        offset: Any,
        size: Any,
        stride: Any,
        requires_grad: Any,
        hooks: Any,
        metadata: Any,
    ) -> Any:
        if not isinstance(storage, Storage) or kind is None or type(requires_grad) is not bool:
            raise refuse("it has a tensor without a storage, a dtype, or a yes or no to requires_grad")
        if hooks or metadata:
            raise refuse(
                "it has a tensor with backward hooks, or one that is conjugated or negated in its memory",
                "save x.detach().clone(), or x.resolve_neg() and x.resolve_conj()",
            )
        array = view(storage, kind, offset, size, stride)
        if array is None:
            return None
        if requires_grad and array.dtype.kind != "f":
            raise refuse(f"it has a {array.dtype} tensor that requires grad, which there cannot be")
        if array.dtype.name != kind.name:
            self.notes.add(f"{kind.name} became {array.dtype}")
        return self._made(array, requires_grad, False, storage.device)

    def _made(self, array: NumpyArray, requires_grad: bool, is_parameter: bool, device: str) -> Any:
        tensor = self.make(array, requires_grad, is_parameter, device)
        self.made[id(tensor)] = tensor, array, device
        return tensor

    def parameter(self, data: Any, requires_grad: Any, hooks: Any = None, state: Any = None) -> Any:
        """A parameter over the memory of a tensor of the file."""
        if data is None:
            return None
        _, array, device = self.made.get(id(data), (None, None, ""))
        if array is None or type(requires_grad) is not bool or hooks:
            raise refuse("it has a parameter that is no plain tensor")
        if requires_grad and array.dtype.kind != "f":
            raise refuse(f"it has a {array.dtype} parameter that requires grad, which there cannot be")
        self._note_attributes(state)
        return self._made(array, requires_grad, True, device)

    def of_type(self, function: Any, kind: Any, arguments: Any, state: Any) -> Any:
        """A tensor with attributes of its own, which are left out."""
        known = {"torch.Tensor": False, "torch.nn.parameter.Parameter": True}
        if kind not in known or function not in (self.tensor, self.typed_tensor, self.parameter):
            raise refuse(f"it has a tensor of the class {kind!r:.60}", "save x.detach().clone()")
        tensor = function(*arguments)
        self._note_attributes(state)
        if tensor is None or function == self.parameter or not known[kind]:
            return tensor
        return self.parameter(tensor, bool(arguments[4]))

    def _note_attributes(self, state: Any) -> None:
        if state and state != (None, None):
            self.notes.add("attributes that a tensor had beside its numbers were left out")

    def warn(self, place: str) -> None:
        """One warning about all that did not come as it was."""
        if self.notes:
            warnings.warn(f"{place}: {', '.join(sorted(self.notes))}", UserWarning, stacklevel=3)

    # -- states ----------------------------------------------------------------------------------------------

    def build(self, value: Any, state: Any) -> Any:
        """`value` with the state that the file has for it. PTError for one that takes none."""
        if type(value) is OrderedDict and type(state) is dict and state.keys() <= {"_metadata"}:
            vars(value).update(state)  # what state_dict() of PyTorch notes about versions of modules
        elif type(value) is np.ndarray:
            _fill(value, state)
        elif isinstance(value, np.dtype):
            _set_order(value, state)
        elif type(value) in self.classes:
            _set_state(value, state)
        else:
            raise refuse(f"it sets the state of a {type(value).__name__}, which has none")
        return value


def _set_state(value: Any, state: Any) -> None:
    """The state of an object of a class that the caller's `find` returned."""
    if hasattr(value, "__setstate__"):
        value.__setstate__(state)
    elif type(state) is dict and hasattr(value, "__dict__"):
        vars(value).update(state)
    else:
        raise refuse(f"it sets the state of a {type(value).__name__}, which has no __setstate__")


def _as_dtype(kind: Kind) -> Any:
    """What `torch.float32` becomes: NumPy's dtype, or the text `torch.bfloat16` if it has none."""
    try:
        found = np.dtype(kind.name)
    except TypeError:
        return f"torch.{kind.name}"
    return f"torch.{kind.name}" if found.kind == "V" else found  # another library's, as ml_dtypes' bfloat16


# -- containers and texts ------------------------------------------------------------------------------------


def _pairs(items: Any) -> dict[Any, Any]:
    if type(items) is dict:
        return items
    if type(items) not in (list, tuple) or any(type(p) not in (list, tuple) or len(p) != 2 for p in items):
        raise TypeError("a dict of what are no pairs")
    return {hashable(key): value for key, value in items}


def _ordered(items: Any = ()) -> OrderedDict[Any, Any]:
    return OrderedDict(_pairs(items))


def _counter(items: Any = ()) -> Counter[Any]:
    return Counter(_pairs(items))


def _set(items: Any = ()) -> set[Any]:
    if type(items) not in (list, tuple, set):
        raise TypeError("a set of what is no list")
    return set(map(hashable, items))


def _bytearray(data: Any = b"", encoding: Any = None) -> bytearray:
    if type(data) is str and encoding in ("latin-1", "latin1"):
        data = data.encode("latin-1")
    if type(data) is not bytes:  # bytearray(n) would be n bytes
        raise TypeError("a bytearray of what are no bytes")
    return bytearray(data)


def _complex(real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise TypeError("a complex number of what are no floats")
    return complex(real, imaginary)


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    if type(text) is not str or encoding not in ("latin1", "latin-1", "utf-8"):
        raise TypeError("bytes of what is no text")
    return text.encode(encoding)


def _size(numbers: Any = ()) -> tuple[int, ...]:
    if type(numbers) is not tuple or any(type(n) is not int for n in numbers):
        raise TypeError("a torch.Size of what are no integers")
    return numbers


def _device(name: Any, index: Any = None) -> str:
    if type(name) is not str or not (index is None or type(index) is int):
        raise TypeError("a torch.device without a name")
    return name if index is None else f"{name}:{index}"


# -- NumPy's own numbers -------------------------------------------------------------------------------------


def _dtype(text: Any, align: Any = False, copy: Any = False) -> np.dtype[Any]:
    if type(text) is not str or not _NUMBERS.fullmatch(text):
        raise refuse(f"it has a NumPy array of dtype {text!r:.60}, which is none of numbers")
    return np.dtype(text, False, True)  # a copy, which may get another byte order


def _set_order(dtype: np.dtype[Any], state: Any) -> None:
    if type(state) is not tuple or len(state) < 2 or state[0] != 3 or state[1] not in ("<", ">", "|", "="):
        raise TypeError("the state of no dtype of numbers")
    if state[2:] != (None, None, None, -1, -1, 0):
        raise refuse("it has a NumPy array whose elements have fields")
    dtype.__setstate__(state)  # type: ignore[attr-defined]


def _scalar(dtype: Any, data: Any) -> Any:
    if not isinstance(dtype, np.dtype) or type(data) is not bytes:
        raise TypeError("a NumPy number without a dtype or bytes")
    if len(data) != dtype.itemsize:
        raise ValueError("a NumPy number of another length")
    return np.frombuffer(data, dtype)[0]


def _empty_array(kind: Any, shape: Any, code: Any) -> NumpyArray:
    if kind != "numpy.ndarray" or shape != (0,):
        raise TypeError("a NumPy array of another class")
    return np.empty(0, np.uint8)


def _fill(array: NumpyArray, state: Any) -> None:
    """Give an array that has just been made the contents that the file has for it."""
    if type(state) is not tuple or len(state) != 5:
        raise TypeError("the state of no NumPy array")
    _, shape, dtype, fortran, data = state
    sizes = list(_size(shape))
    if not isinstance(dtype, np.dtype) or type(data) is not bytes or type(fortran) is not bool:
        raise TypeError("a NumPy array without a dtype or bytes")
    count = dtype.itemsize
    for n in sizes:
        count *= n
    if any(n < 0 for n in sizes) or len(sizes) > 64 or count != len(data):
        raise ValueError(f"a NumPy array of shape {tuple(sizes)!r:.80} in {len(data)} bytes")
    array.__setstate__((1, shape, dtype, fortran, data))  # type: ignore[arg-type]
