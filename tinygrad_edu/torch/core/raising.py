"""For functions that are written about the face's tensors themselves: views, changes in place, composites."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import names_of_numpy, torch_error, torch_function
from tinygrad_edu.torch.core.quiet import IGNORED, resume, silence


def face_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, with the library's errors changed to those that PyTorch raises, and NumPy's words taken."""
    named_by = names_of_numpy(function)

    @functools.wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        token = silence(IGNORED)
        try:
            if named:
                named = {named_by.get(key, key): x for key, x in named.items()}
            return function(*args, **named)
        except Exception as error:
            changed = torch_error(error)
            if changed is error:
                raise
            raise changed from None
        finally:
            resume(token)

    return called


def tensor_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `torch_function`, of a function whose first argument is a tensor: anything else is a TypeError."""
    name, first = function.__name__, next(iter(inspect.signature(function).parameters))

    named_by = names_of_numpy(function)

    @functools.wraps(function)
    def checked(*args: Any, **named: Any) -> Any:
        if named:
            named = {named_by.get(key, key): x for key, x in named.items()}
        if args or first in named:
            check_tensor(name, args[0] if args else named[first], first)
        return function(*args, **named)

    return torch_function(checked)


def check_tensor(name: str, x: Any, argument: str = "input") -> None:
    """TypeError for what is no tensor."""
    if not isinstance(x, Value):
        raise wrong(
            TypeError, name, f"{name}(): argument '{argument}' must be Tensor, not {type(x).__name__}"
        )


def several(name: str, given: tuple[Any, ...], named: Any = None, word: str = "") -> tuple[int, ...]:
    """The integers in `f(2, 3)`, in `f((2, 3))` and in `f(word=(2, 3))`. TypeError for what is no integer."""
    if named:
        if set(named) != {word} or given:
            raise wrong(TypeError, name, f"{name}() got an unexpected keyword argument {min(named)!r}")
        given = (named[word],)
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = tuple(given[0])
    found = []
    for n in given:
        if isinstance(n, (bool, float, str)) or not hasattr(n, "__index__"):
            raise wrong(TypeError, name, f"{name}(): integers were expected, not {type(n).__name__}")
        found.append(n.__index__())
    return tuple(found)
