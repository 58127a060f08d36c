"""PyTorch's names of arguments that functions and methods take beside their own.

`NAMES` says, by function, what each of PyTorch's names is here: a name, or the place of an argument that has
none. They are looked up when a call has a name that is not known, and cost nothing else.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.words import explaining

Names = Mapping[str, str | int]

_SECOND: Names = {"other": 1}
_SIZE: Names = {"size": 0}
_SIZE_BESIDE_X: Names = {"size": 1}
_MATRIX: Names = {"A": 0, "B": 1}
_AXES: Names = {"axis0": "first", "axis1": "second", "dim0": "first", "dim1": "second"}

NAMES: dict[str, Names] = {  # of a function of tensors, place 0 is the first of them
    "gather": {"dim": "axis", "index": "indices"},
    "index_select": {"dim": "axis", "index": "indices"},
    "scatter_add": {"dim": "axis", "index": "indices", "src": "source"},
    "take_along_axis": {"index": "indices"},
    "narrow": {"dim": "axis"},
    "flip": {"dims": 1},
    "permute": {"dims": 1},
    "tile": {"dims": 1},
    "reshape": {"shape": 1},
    "transpose": {"dim0": 1, "dim1": 2},
    "clip": {"min": "low", "max": "high"},
    "full": {"size": "shape", "fill_value": "value"},
    "new_full": {"size": "shape", "fill_value": "value"},
    "arange": {"end": "stop"},
    "linspace": {"end": "stop"},
    "pow": {"exponent": 1},
    "lerp": {"end": 1, "weight": 2},
    "mm": {"mat2": "other"},
    "mv": {"vec": "other"},
    "bmm": {"mat2": 1},
    "outer": {"vec2": 1},
    "dot": {"tensor": 1, "other": 1},
    "roll": {"shifts": "shift"},
    "repeat": {"repeats": "count"},
    "split": {"split_size": "sizes"},
    "chunk": {"chunks": "count"},
    "tril": {"diagonal": "k"},
    "triu": {"diagonal": "k"},
    "diag": {"diagonal": "k"},
    "copy_": {"src": "other"},
    "requires_grad_": {"requires_grad": "wanted"},  # of a tensor, and of a module
    "load_state_dict": {"state_dict": "state"},
    "add_param_group": {"param_group": "group"},
    **dict.fromkeys(("view", "expand", "new_zeros", "new_ones", "new_empty"), _SIZE_BESIDE_X),
    **dict.fromkeys(("zeros", "ones", "empty", "rand", "randn"), _SIZE),
    **dict.fromkeys(("swapaxes", "swapdims"), _AXES),
    **dict.fromkeys(("cholesky", "det", "eigh", "eigvalsh", "inv", "lstsq", "matrix_power", "matrix_rank",
                     "pinv", "qr", "slogdet", "solve", "svd", "svdvals"), _MATRIX),
    **dict.fromkeys(("add", "sub", "mul", "div", "remainder", "floor_divide", "equal", "not_equal", "less",
                     "less_equal", "greater", "greater_equal", "maximum", "minimum", "logical_and",
                     "logical_or", "logical_xor", "atan2", "logaddexp", "isclose", "allclose", "matmul"),
                    _SECOND),
}  # fmt: skip


def explain_methods(kind: type, *, only: Collection[str] = (), but: Collection[str] = ()) -> None:
    """Let the public methods that a class defines explain the calls that do not fit.

    A wrapper costs a tenth of a microsecond a call; those in `but` are called too often for that.
    """
    for name, function in list(vars(kind).items()):
        if name.startswith("_") or name in but or (only and name not in only):
            continue
        if inspect.isfunction(function) and function.__qualname__.startswith(f"{kind.__name__}."):
            setattr(kind, name, function if hasattr(function, "__wrapped__") else explaining(function, name))


def renamed(
    name: str, title: str, args: tuple[Any, ...], named: dict[str, Any], known: Collection[str]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of the function `name`, by the names and places that it has for PyTorch's names.

    Raises TypeError for an argument that is given twice, and for one without the one before it.
    """
    names = NAMES.get(name, {})
    places: dict[int, Any] = {}
    for key in [key for key in named if key not in known and key in names]:
        own = names[key]
        if isinstance(own, str) and own in named:
            raise wrong(TypeError, title, f"{key}= and {own}= mean the same", "give one of them")
        if isinstance(own, str):
            named = {own if one == key else one: value for one, value in named.items()}
        elif own < len(args):
            raise wrong(TypeError, title, f"{key}= is given by position, too", "give it once")
        else:
            places[own] = named[key]
            named = {one: value for one, value in named.items() if one != key}
    for place in sorted(places):
        if place != len(args):
            missing = next((key for key, own in names.items() if own == len(args)), "an input")
            raise wrong(TypeError, title, f"{title} needs {missing}, too", f"give {missing}=")
        args = (*args, places[place])
    return args, named
