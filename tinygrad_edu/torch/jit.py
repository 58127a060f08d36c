"""torch.jit: scripted functions and modules are what they were; nothing is compiled, and none is saved."""

from __future__ import annotations

import builtins
from typing import Any

from tinygrad_edu.torch.core.words import missing_from


def script(obj: Any, optimize: Any = None, example_inputs: Any = None, **options: Any) -> Any:
    """The function, module or class itself."""
    return obj


def trace(func: Any, example_inputs: Any = None, **options: Any) -> Any:
    """The function or module itself; its Python is run at every call."""
    return func


def trace_module(mod: Any, inputs: Any, **options: Any) -> Any:
    """The module itself."""
    return mod


def _same(fn: Any = None, *args: Any, **options: Any) -> Any:
    return fn if fn is not None else _same


ignore = unused = export = script_method = interface = script_if_tracing = freeze = optimize_for_inference = (
    _same
)
ScriptModule = object
ScriptFunction = object
Final = Any


def is_scripting() -> bool:
    """Whether the code is being compiled: never."""
    return False


is_tracing = is_scripting


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value itself."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether obj is of that type, as Python says."""
    return builtins.isinstance(obj, target_type)


def fork(func: Any, *args: Any, **kwargs: Any) -> Any:
    """The result of the function, which is called at once."""
    return func(*args, **kwargs)


def wait(future: Any) -> Any:
    """The result."""
    return future


__getattr__ = missing_from("torch.jit")
