"""tinygrad_edu: an autograd framework to learn on and to keep. `import tinygrad_edu as te`.

Arrays speak the Array API standard (`axis`, `keepdims`, `concat`, `permute_dims`), learning speaks PyTorch
(`requires_grad`, `backward`, `nn.Linear`, `optim.SGD`).
"""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tinygrad_edu import functional
from tinygrad_edu._version import __version__
from tinygrad_edu.anomaly import detect_anomaly
from tinygrad_edu.backend.philox import Generator, manual_seed
from tinygrad_edu.backend.precision import get_matmul_precision, set_matmul_precision
from tinygrad_edu.backend.registry import devices
from tinygrad_edu.backend.registry import set_default as set_default_device
from tinygrad_edu.calculus import checkpoint, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tinygrad_edu.domain import Call, Edge, Interval, edge
from tinygrad_edu.dtypes import bool_, float32, float64, int32, int64, uint8
from tinygrad_edu.engine.modes import enable_grad, is_grad_enabled, no_grad
from tinygrad_edu.engine.op import Op
from tinygrad_edu.functional import *  # noqa: F403 - the array functions are the public face
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu import check, cuda, data, metrics, nn, optim, profile, testing, viz
    from tinygrad_edu.cuda import device_info

_LATER = ("check", "cuda", "data", "metrics", "nn", "optim", "profile", "testing",
          "viz")      # imported when named

__all__ = [
    "Call", "Edge", "Generator", "Interval", "Op", "Tensor", "__version__", "bool_", "check",
    "checkpoint", "cuda", "data", "detect_anomaly", "device_info", "devices", "edge", "enable_grad",
    "float32", "float64", "get_matmul_precision", "grad", "hessian", "hvp", "int32", "int64",
    "is_grad_enabled", "jacobian", "jvp", "manual_seed", "metrics", "nn", "no_grad", "optim", "profile",
    "set_default_device", "set_matmul_precision", "testing", "uint8", "value_and_grad", "viz", "vjp",
]
__all__ += functional.__all__


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return importlib.import_module(f"tinygrad_edu.{name}")
    if name == "device_info":
        return importlib.import_module("tinygrad_edu.cuda").device_info
    raise AttributeError(f"module 'tinygrad_edu' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
