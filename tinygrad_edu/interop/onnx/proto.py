"""What the package onnx is asked for: messages, nodes, arrays, the checker. No other file imports it.

It is imported when a file is first written or read: `pip install onnx`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.errors import wrong

Array = np.ndarray[Any, Any]
LOWEST, HIGHEST, DEFAULT = 18, 21, 18  # versions of the operators that are written
NEWEST = 28  # the newest version whose operators are read
_CODES = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "bool": 9, "float64": 11}
_NAMES = {code: name for name, code in _CODES.items()}


class OnnxError(ValueError):
    """A model that has no ONNX file which computes the same, or a file that is damaged or not understood."""


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise wrong(ImportError, None, "ONNX files need the package onnx", "pip install onnx") from error
    importlib.import_module("onnx.checker")
    return onnx


def code_of(dtype: Any) -> int:
    """The number that stands for a dtype of the library in a file."""
    return _CODES[np.dtype(dtype).name]


def dtype_of(code: int, what: str) -> np.dtype[Any]:
    """The dtype for a number in a file; OnnxError that names `what` for one that the library lacks."""
    if code not in _NAMES:
        numbers = _onnx().TensorProto.DataType
        name = numbers.Name(code) if code in numbers.values() else str(code)
        raise wrong(
            OnnxError, "onnx.load", f"{what} is {name}, none of {', '.join(dtypes.DTYPES)}",
            "convert the file to float32",
        )  # fmt: skip
    return np.dtype(_NAMES[code])


# -- writing -------------------------------------------------------------------------------------------------


def node(
    operator: str, inputs: Sequence[str], outputs: Sequence[str], name: str, given: dict[str, Any]
) -> Any:
    """A node; of its attributes, those that are None are left out, arrays are tensors."""
    made = {
        key: tensor("", value) if isinstance(value, np.ndarray) else value
        for key, value in given.items()
        if value is not None
    }
    return _onnx().helper.make_node(operator, list(inputs), list(outputs), name=name, **made)


def tensor(name: str, array: Array) -> Any:
    """An array with a name."""
    return _onnx().numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)


def value(name: str, dtype: Any, shape: Iterable[int | str | None]) -> Any:
    """An input or output: a size is a number, the name of one that varies, or None."""
    return _onnx().helper.make_tensor_value_info(name, code_of(dtype), list(shape))


def model(
    nodes: list[Any],
    inputs: list[Any],
    outputs: list[Any],
    initializers: list[Any],
    opset: int,
    facts: dict[str, str],
    version: str,
) -> Any:
    """A whole model, with texts by name that say more of it."""
    helper = _onnx().helper
    graph = helper.make_graph(nodes, "tinygrad_edu", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", opset)]
    made = helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="tinygrad_edu",
        producer_version=version,
    )
    helper.set_model_props(made, facts)
    return made


def check(made: Any) -> None:
    """Hold a model to the standard, shapes and dtypes included. OnnxError says what the checker says."""
    onnx = _onnx()
    try:
        onnx.checker.check_model(made, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        raise wrong(OnnxError, "onnx.export", f"the checker of onnx refuses the model: {error}") from error


def packed(made: Any) -> bytes:
    """The bytes of a model's file. OnnxError for one above the two gigabytes that a message can have."""
    if made.ByteSize() >= 2**31:
        problem = f"the file would have {made.ByteSize()} bytes; a message of protobuf has less than 2^31"
        raise wrong(OnnxError, "onnx.export", problem, "export parts of the model")
    content: bytes = made.SerializeToString()
    return content


# -- reading -------------------------------------------------------------------------------------------------


def unpacked(content: bytes, place: str) -> Any:
    """The model in the bytes of a file. OnnxError for others."""
    onnx = _onnx()
    made = onnx.ModelProto()
    try:
        made.ParseFromString(content)
    except Exception as error:  # protobuf has an error class for each of its implementations
        if type(error).__name__ != "DecodeError" and not isinstance(error, RuntimeError | ValueError):
            raise
        raise wrong(OnnxError, "onnx.load", "it is no ONNX file, or it is damaged", place=place) from error
    if not _has_texts(made):
        raise wrong(OnnxError, "onnx.load", "it is no ONNX file, or a name in it is damaged", place=place)
    return made


def _has_texts(message: Any) -> bool:
    """Whether each text in a message is one. Some implementations of protobuf give bytes for what is not."""
    for field, value in message.ListFields():
        single = isinstance(value, str | bytes | int | float) or hasattr(value, "ListFields")
        items = [value] if single else value
        if field.type == field.TYPE_STRING and not all(isinstance(item, str) for item in items):
            return False
        if field.type == field.TYPE_MESSAGE and not all(map(_has_texts, items)):
            return False
    return True


def is_model(given: Any) -> bool:
    """Whether that is a model in memory."""
    return type(given).__name__ == "ModelProto" and isinstance(given, _onnx().ModelProto)


def array_of(given: Any, what: str) -> Array:
    """The array of a tensor in a file; OnnxError for one that is outside, damaged, or of a foreign dtype.

    Nothing outside the file is read.
    """
    onnx = _onnx()
    if given.data_location == onnx.TensorProto.EXTERNAL or given.external_data:
        problem = f"the numbers of {what} are in another file, which is not read"
        raise wrong(
            OnnxError, "onnx.load", problem, "onnx.save(model, path) of the package onnx puts them in"
        )
    half = given.data_type in (10, 16)  # float16 and bfloat16: float32 holds their numbers
    kind = np.dtype("float32") if half else dtype_of(given.data_type, what)
    if any(n < 0 for n in given.dims):
        raise wrong(OnnxError, "onnx.load", f"{what} has the shape {tuple(given.dims)}")
    try:
        made = np.array(onnx.numpy_helper.to_array(given)).astype(kind)
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise wrong(OnnxError, "onnx.load", f"{what} is damaged: {error}") from error
    if made.shape != tuple(given.dims):
        raise wrong(OnnxError, "onnx.load", f"{what} is damaged: {made.shape} is not {tuple(given.dims)}")
    return made


def attribute(given: Any, what: str) -> Any:
    """The value of an attribute: a number, a text, an array, a list of these. OnnxError for other kinds."""
    onnx = _onnx()
    kinds = onnx.AttributeProto
    if given.ref_attr_name:
        raise wrong(OnnxError, "onnx.load", f"{what} refers to an attribute of a function")
    if given.type == kinds.TENSOR:
        return array_of(given.t, what)
    plain = (kinds.FLOAT, kinds.INT, kinds.STRING, kinds.FLOATS, kinds.INTS, kinds.STRINGS)
    if given.type not in plain:
        raise wrong(OnnxError, "onnx.load", f"{what} is no number, text or array")
    found = onnx.helper.get_attribute_value(given)
    if given.type == kinds.STRING:
        return _text(found, what)
    if given.type == kinds.STRINGS:
        return [_text(item, what) for item in found]
    return list(found) if given.type in (kinds.FLOATS, kinds.INTS) else found


def _text(given: bytes, what: str) -> str:
    try:
        return given.decode()
    except UnicodeDecodeError as error:
        raise wrong(OnnxError, "onnx.load", f"{what} is no text") from error


def plain_name(text: str) -> str:
    """A text as part of a name: letters, digits, underscores."""
    return re.sub(r"\W+", "_", text).strip("_")
