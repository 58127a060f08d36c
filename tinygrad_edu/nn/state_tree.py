"""A state as JSON and arrays: what `state_dict()` of any object returns, taken apart for a file and joined.

JSON has no arrays, NumPy scalars, tuples, and keys that are not text. They are marked by dicts with one key
that begins with `$`; a dict of the state that has such a key itself is marked, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.tensor import NumpyArray, Tensor

_ARRAY, _SCALAR, _TUPLE, _ITEMS = "$array", "$scalar", "$tuple", "$items"


def take_apart(value: Any, name: str, arrays: dict[str, NumpyArray]) -> Any:
    """`value` as JSON; its arrays are put into `arrays` as `name.0`, `name.1`, ...; tensors become arrays.

    Raises TypeError for what is neither number, text, array, nor a list, tuple or dict of these.
    """
    if isinstance(value, Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray | np.generic) and not isinstance(value, str):
        key = f"{name}.{sum(known.startswith(f'{name}.') for known in arrays)}"
        arrays[key] = np.array(value, order="C")
        return {_ARRAY if isinstance(value, np.ndarray) else _SCALAR: key}
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: take_apart(item, name, arrays) for key, item in value.items()}
        pairs = [[take_apart(k, name, arrays), take_apart(v, name, arrays)] for k, v in value.items()]
        return {_ITEMS: pairs}
    if isinstance(value, list | tuple):
        items = [take_apart(item, name, arrays) for item in value]
        return {_TUPLE: items} if isinstance(value, tuple) else items
    raise wrong(
        TypeError,
        "save_checkpoint",
        f"the state of {name.partition('.')[2]!r} has a {type(value).__name__} in it",
        "state_dict() may return numbers, text, arrays, and lists, tuples and dicts of these",
    )


def join(value: Any, arrays: Mapping[str, NumpyArray]) -> Any:
    """What `take_apart` took apart. Raises KeyError or TypeError for what it does not return."""
    if isinstance(value, list):
        return [join(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if _ARRAY in value:
        return arrays[value[_ARRAY]]
    if _SCALAR in value:
        return arrays[value[_SCALAR]][()]
    if _TUPLE in value:
        return tuple(join(item, arrays) for item in value[_TUPLE])
    if _ITEMS in value:
        return {join(key, arrays): join(item, arrays) for key, item in value[_ITEMS]}
    return {key: join(item, arrays) for key, item in value.items()}
