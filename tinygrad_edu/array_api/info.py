"""What a program can ask the namespace about itself: dtypes, devices, and what it can do."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.array_api.dtypes import isdtype
from tinygrad_edu.array_api.host import OTHERS
from tinygrad_edu.backend import registry

__all__ = ["__array_namespace_info__"]


class Info:
    """The answers of `__array_namespace_info__()`."""

    def capabilities(self) -> dict[str, Any]:
        """Masks as indices, and results whose shapes depend on numbers, are possible; 64 axes at most."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """The device of new tensors."""
        return registry.default()

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype[Any]]:
        """The dtypes of Python's numbers, and of indices."""
        whole = {"integral": dtypes.int64, "indexing": dtypes.int64}
        return {"real floating": dtypes.float32, "complex floating": OTHERS["complex64"], **whole}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, np.dtype[Any]]:
        """The dtypes by name, or those of a kind such as "integral", or of a tuple of kinds."""
        return {name: d for name, d in (dtypes.DTYPES | OTHERS).items() if kind is None or isdtype(d, kind)}

    def devices(self) -> tuple[str, ...]:
        """The devices that are in use; `te.devices()` has all names that `device=` takes."""
        return tuple(registry.opened())


def __array_namespace_info__() -> Info:
    """What this namespace has and can do."""
    return Info()
