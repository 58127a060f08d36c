"""PyTorch's face of the library: `import tinygrad_edu.torch as torch`.

The names in the `__all__` of each file here are those of torch; its modules are imported when they are named.
"""

from __future__ import annotations

import importlib as _importlib
from math import e, inf, nan, pi
from typing import Any as _Any

from tinygrad_edu.torch import autograd, random, return_types, special
from tinygrad_edu.torch import methods as _methods
from tinygrad_edu.torch.autograd.modes import (
    enable_grad,
    inference_mode,
    is_anomaly_enabled,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from tinygrad_edu.torch.compiler import compile
from tinygrad_edu.torch.core import legacy as _legacy
from tinygrad_edu.torch.core.devices import *
from tinygrad_edu.torch.core.dtypes import *
from tinygrad_edu.torch.core.dtypes import NAMES as _NAMES
from tinygrad_edu.torch.core.formats import *
from tinygrad_edu.torch.core.generators import *
from tinygrad_edu.torch.core.legacy import set_default_tensor_type
from tinygrad_edu.torch.core.printing import *
from tinygrad_edu.torch.core.settings import *
from tinygrad_edu.torch.core.size import Size
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from as _missing_from
from tinygrad_edu.torch.functions.assignment import *
from tinygrad_edu.torch.functions.bessel import *
from tinygrad_edu.torch.functions.binary import *
from tinygrad_edu.torch.functions.comparisons import *
from tinygrad_edu.torch.functions.constants import *
from tinygrad_edu.torch.functions.copies import *
from tinygrad_edu.torch.functions.counting import *
from tinygrad_edu.torch.functions.creation import *
from tinygrad_edu.torch.functions.draws import *
from tinygrad_edu.torch.functions.extremes import *
from tinygrad_edu.torch.functions.facts import *
from tinygrad_edu.torch.functions.gamma import *
from tinygrad_edu.torch.functions.indexing import *
from tinygrad_edu.torch.functions.joins import *
from tinygrad_edu.torch.functions.normal import *
from tinygrad_edu.torch.functions.parts import *
from tinygrad_edu.torch.functions.pointwise import *
from tinygrad_edu.torch.functions.products import *
from tinygrad_edu.torch.functions.reductions import *
from tinygrad_edu.torch.functions.rounding import *
from tinygrad_edu.torch.functions.scattering import *
from tinygrad_edu.torch.functions.shapes import *
from tinygrad_edu.torch.functions.slopes import *
from tinygrad_edu.torch.functions.sorting import *
from tinygrad_edu.torch.functions.systems import *
from tinygrad_edu.torch.functions.triangles import *
from tinygrad_edu.torch.version import __version__

newaxis = None
set_anomaly_enabled = autograd.set_detect_anomaly
globals().update({_name: getattr(Tensor, _name) for _name in _methods.CHANGES})  # relu_(x) is x.relu_()
globals().update(_NAMES)  # float, long, bool: dtypes here
globals().update(_legacy.of_device("cpu"))  # FloatTensor, LongTensor and their kin

_MODULES = """accelerator amp backends compiler cuda distributed distributions func jit linalg multiprocessing
    nn optim overrides profiler serialization special testing types utils version"""
_LATER = {  # names of torch that are in a module of it
    "vmap": "func",
    "save": "serialization",
    "load": "serialization",
    "OutOfMemoryError": "cuda",
    "Event": "cuda",
    "Stream": "cuda",
    "autocast": "amp",
    "GradScaler": "amp",
}
_missing = _missing_from("torch")


def __getattr__(name: str) -> _Any:
    """Modules are imported when they are named."""
    if name in _MODULES.split():
        return _importlib.import_module(f"{__name__}.{name}")
    if name in _LATER:
        return getattr(_importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    namesakes = _importlib.import_module(f"{__name__}.functions.namesakes")  # of torch.nn.functional
    return getattr(namesakes, name) if name in namesakes.NAMES else _missing(name)
