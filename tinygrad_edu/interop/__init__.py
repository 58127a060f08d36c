"""Floor 7: files and arrays of other libraries, one file of this folder a format.

Each is imported when one of its names is used.
"""

from __future__ import annotations

import importlib
from typing import Any

# the file that holds each public name
_WHERE = {
    "load_pt": "pt_file",
    "save_pt": "pt_file",
    "PTError": "pt_errors",
    "load_safetensors": "safetensors_file",
    "save_safetensors": "safetensors_file",
}

__all__ = [*_WHERE]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"tinygrad_edu.interop.{_WHERE[name]}"), name)
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"tinygrad_edu.interop.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"tinygrad_edu.interop.{name}":
                raise
    raise AttributeError(f"tinygrad_edu.interop has no {name!r}; it has {', '.join(sorted(__all__))}")


def __dir__() -> list[str]:
    return sorted(__all__)
