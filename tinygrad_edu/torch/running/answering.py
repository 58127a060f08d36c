"""Lets the face answer `import torch`, in this process only."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.torch.core.absent import reason_of

FACE = "tinygrad_edu.torch"


class _Loader(importlib.abc.Loader):
    """Gives the module of the face that has the name; it is executed already."""

    def __init__(self, module: types.ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return self.module

    def exec_module(self, module: types.ModuleType) -> None:
        module.__spec__ = self.spec


class Finder(importlib.abc.MetaPathFinder):
    """Finds `torch` and what is below it in the face. What is not there is a ModuleNotFoundError."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "torch" and not name.startswith("torch."):
            return None
        ours = FACE + name.removeprefix("torch")
        try:
            module = importlib.import_module(ours)
        except ModuleNotFoundError as error:
            if error.name is None or not ours.startswith(error.name):
                raise
            raise ModuleNotFoundError(
                f"No module named {name!r}; {reason_of(name)}", name=name, path=ours
            ) from None
        return importlib.machinery.ModuleSpec(name, _Loader(module), is_package=hasattr(module, "__path__"))


def answer() -> Finder:
    """From now on `import torch` imports the face. RuntimeError if PyTorch itself is imported already."""
    there: Any = sys.modules.get("torch")
    if there is not None and there.__name__ != FACE:
        raise RuntimeError("PyTorch is imported already in this process; let the face answer first")
    for finder in sys.meta_path:
        if isinstance(finder, Finder):
            return finder
    found = Finder()
    sys.meta_path.insert(0, found)
    return found


def stop(finder: Finder) -> None:
    """Let `import torch` mean PyTorch again; modules of the face stay what they are."""
    sys.meta_path.remove(finder)
    for name in [name for name in sys.modules if name == "torch" or name.startswith("torch.")]:
        if sys.modules[name].__name__.startswith(FACE):
            del sys.modules[name]
