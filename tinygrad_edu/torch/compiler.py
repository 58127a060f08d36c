"""torch.compile and torch.compiler: programs are run as they are written, one op after the other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tinygrad_edu.torch.core.words import missing_from


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
) -> Any:
    """The model or function itself: nothing is compiled here, and the numbers are those of the eager run."""
    if model is None:
        return functools.partial(compile, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode)
    if isinstance(getattr(model, "_modules", None), dict):
        vars(model)["_orig_mod"] = model  # the name by which programs ask for the module that they compiled
    return model


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function itself: nothing is compiled."""
    return (lambda f: f) if fn is None else fn


allow_in_graph = assume_constant_result = disable


def reset() -> None:
    """Nothing to do: nothing is compiled."""


def is_compiling() -> bool:
    """Whether a program is being compiled: never."""
    return False


is_dynamo_compiling = is_compiling


def cudagraph_mark_step_begin() -> None:
    """Nothing to do: no graphs of the GPU are captured."""


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """The compilers that are here: none."""
    return []


Function = Callable[..., Any]
__getattr__ = missing_from("torch.compiler")
