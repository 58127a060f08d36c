"""weight_norm and spectral_norm in their older form: a hook computes the weight before each forward."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.backend import philox
from tinygrad_edu.torch.core.border import faced
from tinygrad_edu.torch.nn.module import Module
from tinygrad_edu.torch.nn.parameter import Parameter
from tinygrad_edu.torch.nn.utils.parametrizations import norm_except

__all__ = [
    "weight_norm",
    "remove_weight_norm",
    "spectral_norm",
    "remove_spectral_norm",
    "skip_init",
    "convert_conv2d_weight_memory_format",
    "convert_conv3d_weight_memory_format",
]


class WeightNorm:
    """The hook of `weight_norm`: weight = g v / |v|."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Any:
        """The weight of the present length and direction."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except(v, 2, self.dim))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Let a weight be g v / |v|, with `weight_g` and `weight_v` as parameters."""
    warnings.warn(
        "`torch.nn.utils.weight_norm` is the older form of `torch.nn.utils.parametrizations.weight_norm`",
        FutureWarning,
        stacklevel=2,
    )
    if any(isinstance(h.function, WeightNorm) and h.function.name == name for h in module._hooks.values()):
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    delattr(module, name)
    with te.no_grad():
        length = norm_except(weight, 2, hook.dim)
    module.register_parameter(f"{name}_g", Parameter(length.detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def _remove(module: Any, kind: type[Any], name: str, what: str) -> Any:
    for key, hook in module._hooks.items():
        if isinstance(hook.function, kind) and hook.function.name == name:
            del module._hooks[key]
            return hook.function
    raise ValueError(f"{what} of '{name}' not found in {module}")


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Make a weight a parameter again."""
    hook = _remove(module, WeightNorm, name, "weight_norm")
    weight = hook.compute_weight(module).detach()
    for part in (name, f"{name}_g", f"{name}_v"):
        delattr(module, part)
    module.register_parameter(name, Parameter(weight))
    return module


class SpectralNorm:
    """The hook of `spectral_norm`: weight divided by its largest singular value."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def matrix(self, weight: Any) -> Any:
        """The weight as a matrix."""
        if self.dim:
            weight = weight.permute(self.dim, *(a for a in range(weight.dim()) if a != self.dim))
        return weight.reshape(weight.size(0), -1)

    def compute_weight(self, module: Any, iterate: bool) -> Any:
        """The weight, after steps of power iteration if that is asked for."""
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = self.matrix(weight)
        if iterate:
            with te.no_grad():
                w, left, right = (x.inner.detach() for x in (matrix, u, v))
                for _ in range(self.n_power_iterations):
                    right.copy_(te.normalize(te.matmul(te.matrix_transpose(w), left), 2, 0, eps=self.eps))
                    left.copy_(te.normalize(te.matmul(w, right), 2, 0, eps=self.eps))
            u, v = u.clone(), v.clone()
        return weight / (u * matrix.matmul(v)).sum()

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Let a weight be divided by its largest singular value, with `weight_orig` as the parameter."""
    if n_power_iterations <= 0:
        raise ValueError(f"Expected n_power_iterations to be positive, but got {n_power_iterations}")
    if any(isinstance(h.function, SpectralNorm) and h.function.name == name for h in module._hooks.values()):
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    matrix = hook.matrix(weight)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    object.__setattr__(module, name, weight.detach())
    source, kind = philox.current(), weight.inner.dtype
    for end, count in (("u", matrix.shape[0]), ("v", matrix.shape[1])):
        drawn = source.normal((count,), np.float64)
        unit = drawn / max(float(np.linalg.norm(drawn)), eps)
        module.register_buffer(f"{name}_{end}", faced(te.tensor(unit.astype(kind))))
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Make a weight a parameter again, with the numbers that it has in the forward."""
    hook = _remove(module, SpectralNorm, name, "spectral_norm")
    with te.no_grad():
        weight = hook.compute_weight(module, False).detach()
    for part in (name, f"{name}_u", f"{name}_v", f"{name}_orig"):
        delattr(module, part)
    module.register_parameter(name, Parameter(weight))
    return module


def convert_conv2d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """The module itself: memory has one order here."""
    return module


convert_conv3d_weight_memory_format = convert_conv2d_weight_memory_format


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A module whose parameters need no first values; they have them all the same."""
    return module_cls(*args, **kwargs)
