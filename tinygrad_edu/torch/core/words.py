"""What is said of a name of PyTorch that the face does not have, and what to write instead."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.absent import reason_of

FACE = __name__.removesuffix(".core.words")


def unknown_method(x: object, name: str) -> AttributeError:
    """The error for an attribute that a tensor does not have."""
    title = "'Tensor' object"
    if name.startswith("__"):
        return AttributeError(f"{title} has no attribute {name!r}")
    return wrong(AttributeError, title, f"{title} has no attribute {name!r}", reason_of(f"Tensor.{name}"))


def missing_from(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module of the face; `module` is its name there, `torch.nn`.

    As there, a module below it need not be imported before it is named: `torch.cuda.amp.autocast`.
    """
    below = f"{FACE}{module.removeprefix('torch')}"

    def __getattr__(name: str) -> Any:
        title = f"module {module!r}"
        if name.startswith("__"):
            raise AttributeError(f"{title} has no attribute {name!r}")
        if hasattr(sys.modules.get(below), "__path__") and importlib.util.find_spec(f"{below}.{name}"):
            return importlib.import_module(f"{below}.{name}")
        raise wrong(
            AttributeError, title, f"{title} has no attribute {name!r}", reason_of(f"{module}.{name}")
        )

    return __getattr__


def not_here(name: str) -> Any:
    """The error for a word of PyTorch that the face knows and does not have, when it is called."""
    return wrong(RuntimeError, name, f"{name} is not here", reason_of(name) or "", where=None)


__all__ = ["missing_from", "not_here", "sys", "unknown_method"]
