"""tinygrad_edu: an autograd framework to learn on and to keep. `import tinygrad_edu as te`.

Arrays speak the Array API standard (`axis`, `keepdims`, `concat`, `permute_dims`), learning speaks PyTorch
(`requires_grad`, `backward`, `nn.Linear`, `optim.SGD`).
"""

from __future__ import annotations

import importlib
import sys
from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

from tinygrad_edu import functional, tree
from tinygrad_edu._version import __version__
from tinygrad_edu.anomaly import detect_anomaly
from tinygrad_edu.backend.philox import Generator, manual_seed
from tinygrad_edu.backend.precision import get_matmul_precision, set_matmul_precision
from tinygrad_edu.backend.registry import devices
from tinygrad_edu.backend.registry import set_default as set_default_device
from tinygrad_edu.backend.threads import get_num_threads, set_num_threads
from tinygrad_edu.calculus import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tinygrad_edu.domain import Call, Edge, Interval, edge
from tinygrad_edu.dtypes import bool_, finfo, float32, float64, iinfo, int32, int64, uint8
from tinygrad_edu.engine.modes import enable_grad, is_grad_enabled, no_grad
from tinygrad_edu.engine.op import Op
from tinygrad_edu.functional import *  # noqa: F403 - the array functions are the public face
from tinygrad_edu.functional import linalg
from tinygrad_edu.recompute import checkpoint
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.words import imports, missing_from

if TYPE_CHECKING:
    from tinygrad_edu import array_api as array_api
    from tinygrad_edu import check, cuda, data, distributed, graph, metrics, nn, optim, profile, testing, viz
    from tinygrad_edu import interop as interop
    from tinygrad_edu import training as training
    from tinygrad_edu.cuda import device_info
    from tinygrad_edu.functional import special

# imported when named
_LATER = (
    "array_api",
    "check",
    "cuda",
    "data",
    "distributed",
    "graph",
    "interop",
    "metrics",
    "nn",
    "optim",
    "profile",
    "testing",
    "training",
    "viz",
)

__all__ = [
    "Call", "Edge", "Generator", "Interval", "Op", "Tensor", "__version__", "array_api", "bool_", "check",
    "checkpoint", "cuda", "data", "detect_anomaly", "device_info", "devices", "distributed", "e", "edge",
    "enable_grad", "finfo", "float32", "float64", "get_matmul_precision", "get_num_threads", "grad", "graph",
    "hessian", "hvp", "iinfo", "inf", "int32", "int64", "interop", "is_grad_enabled", "jacobian", "jvp",
    "linalg", "manual_seed", "metrics", "nan", "nn", "no_grad", "optim", "pi", "profile",
    "set_default_device", "set_matmul_precision", "set_num_threads", "special", "testing", "training", "tree",
    "uint8", "value_and_grad", "viz", "vjp",
]  # fmt: skip
__all__ += functional.PUBLIC
_missing = missing_from(__name__)
imports.install()
del imports


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return importlib.import_module(f"tinygrad_edu.{name}")
    if name == "device_info":
        return importlib.import_module("tinygrad_edu.cuda").device_info
    if name == "special":
        return importlib.import_module("tinygrad_edu.functional.special")
    return _missing(name, sys._getframe(1))


def __dir__() -> list[str]:
    return sorted(__all__)
