"""torch.utils: data, checkpoints of a graph, logs for TensorBoard. Each part is imported when it is named."""

from __future__ import annotations

import importlib
from typing import Any

from tinygrad_edu.torch.core.words import missing_from

_MODULES = ("checkpoint", "data", "tensorboard")
_missing = missing_from("torch.utils")


def __getattr__(name: str) -> Any:
    """The modules of this folder."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    return _missing(name)
