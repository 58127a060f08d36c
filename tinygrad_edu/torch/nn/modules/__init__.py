"""torch.nn.modules: the layers by the names of PyTorch's files, `torch.nn.modules.conv.Conv2d`."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterable
from typing import Any

from tinygrad_edu.torch.core.words import missing_from

# PyTorch's files, and where here their names are.
_FILES = {
    "activation": "activations attention",
    "batchnorm": "normalization",
    "container": "containers parameter_containers",
    "conv": "convolution",
    "distance": "pooling",
    "dropout": "dropout",
    "flatten": "linear",
    "fold": "pooling",
    "instancenorm": "normalization",
    "linear": "linear",
    "loss": "losses",
    "module": "module module_hooks module_state",
    "normalization": "normalization",
    "padding": "pooling",
    "pixelshuffle": "pooling",
    "pooling": "pooling",
    "rnn": "recurrent",
    "sparse": "embedding",
    "transformer": "transformer",
    "upsampling": "pooling",
}


def _make(name: str, sources: str) -> types.ModuleType:
    """A module with all names of others."""
    made = types.ModuleType(f"{__name__}.{name}", f"torch.nn.modules.{name}.")
    for source in sources.split():
        found = importlib.import_module(f"tinygrad_edu.torch.nn.{source}")
        vars(made).update({key: value for key, value in vars(found).items() if not key.startswith("__")})
    sys.modules[made.__name__] = made
    return made


def _ntuple(n: int, name: str = "parse") -> Any:
    """A function that repeats a number n times, and leaves several as they are."""

    def parse(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    parse.__name__ = name
    return parse


for _name, _sources in _FILES.items():
    globals()[_name] = _make(_name, _sources)
utils = types.ModuleType(f"{__name__}.utils", "torch.nn.modules.utils: numbers repeated for each axis.")
for _count, _name in enumerate(("_single", "_pair", "_triple", "_quadruple"), 1):
    setattr(utils, _name, _ntuple(_count, _name))
utils._ntuple = _ntuple  # type: ignore[attr-defined]
sys.modules[utils.__name__] = utils
_missing = missing_from("torch.nn.modules")


def __getattr__(name: str) -> Any:
    nn = importlib.import_module("tinygrad_edu.torch.nn")
    found = vars(nn).get(name)
    return _missing(name) if found is None else found
