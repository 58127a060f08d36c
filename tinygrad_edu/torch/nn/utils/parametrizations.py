"""torch.nn.utils.parametrizations: weights as direction and length, of spectral norm 1, orthogonal."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.backend import philox
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import faced, torch_function
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.nn.module import Module
from tinygrad_edu.torch.nn.utils.parametrize import register_parametrization


@torch_function
def norm_except(v: Any, pow: float = 2, dim: int | None = 0) -> Any:
    """The norm of v over all axes but one; over all, if `dim` is None or -1."""
    if dim is None or dim == -1:
        return te.norm(te.reshape(v, (-1,)), pow)
    axes = tuple(a for a in range(v.ndim) if a != dim % v.ndim)
    rows = te.reshape(te.moveaxis(v, dim, 0), (v.shape[dim], -1))
    lengths = te.norm(rows, pow, 1)
    return te.reshape(lengths, tuple(1 if a in axes else v.shape[a] for a in range(v.ndim)))


class _WeightNorm(Module):
    """weight = g v / |v|: the length apart from the direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        return weight_v * (weight_g / norm_except(weight_v, 2, self.dim))

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        """(length, direction) of a weight."""
        return norm_except(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Let a weight be g v / |v|, with the length g and the direction v as parameters.

    Source: Salimans, Kingma, "Weight normalization", NeurIPS 2016.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    return module


def _unit(rows: np.ndarray[Any, Any], eps: float) -> np.ndarray[Any, Any]:
    return np.asarray(rows / max(float(np.linalg.norm(rows)), eps), rows.dtype)


class _SpectralNorm(Module):
    """weight divided by its largest singular value, which power iteration estimates."""

    def __init__(self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % weight.dim() if weight.dim() else dim
        self.eps = eps
        if weight.dim() > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._matrix(weight)
            kind, (rows, columns) = matrix.inner.dtype, matrix.shape
            source = philox.current()
            first = (_unit(source.normal((n,), np.float64).astype(kind), eps) for n in (rows, columns))
            self.register_buffer("_u", faced(te.tensor(next(first))))
            self.register_buffer("_v", faced(te.tensor(next(first))))
            self._iterate(matrix, 15)

    def _matrix(self, weight: Any) -> Any:
        if self.dim:
            weight = weight.permute(self.dim, *(a for a in range(weight.dim()) if a != self.dim))
        return weight.flatten(1)

    def _iterate(self, matrix: Any, count: int) -> None:
        with te.no_grad():
            w, u, v = (x.inner.detach() for x in (matrix, self._u, self._v))
            for _ in range(count):
                u.copy_(te.normalize(te.matmul(w, v), 2, 0, eps=self.eps))
                v.copy_(te.normalize(te.matmul(te.matrix_transpose(w), u), 2, 0, eps=self.eps))

    def forward(self, weight: Any) -> Any:
        if weight.dim() == 1:
            return weight / weight.norm().clamp(min=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()
        return weight / (u * matrix.matmul(v)).sum()

    def right_inverse(self, value: Any) -> Any:
        """The weight itself."""
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Let a weight be divided by its largest singular value.

    Source: Miyato, Kataoka, Koyama, Yoshida, "Spectral normalization for generative adversarial networks",
    ICLR 2018.
    """
    weight = getattr(module, name, None)
    if weight is None:
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
    return module


class _Orthogonal(Module):
    """An orthogonal matrix of any one: Q of its QR decomposition, with the signs of R's diagonal."""

    def forward(self, x: Any) -> Any:
        return _orthogonal(x)

    def right_inverse(self, value: Any) -> Any:
        """The nearest orthogonal matrix by the same map."""
        return _orthogonal(value)


@torch_function
def _orthogonal(x: Any) -> Any:
    wide = x.shape[-2] < x.shape[-1]
    q, r = te.linalg.qr(te.matrix_transpose(x) if wide else x)
    signs = te.where(te.diagonal(r.detach()) < 0, -1.0, 1.0).cast(x.dtype)
    q = q * te.expand_dims(signs, -2)
    return te.matrix_transpose(q) if wide else q


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Let a weight be an orthogonal matrix: Q of the QR decomposition of the original."""
    weight = getattr(module, name, None)
    if weight is None:
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.dim() < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions."
        )
    if orthogonal_map not in (None, "householder", "matrix_exp", "cayley"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    if orthogonal_map not in (None, "householder"):
        raise wrong(
            RuntimeError, "orthogonal", f"orthogonal_map={orthogonal_map!r} is not here", "leave it out"
        )
    register_parametrization(module, name, _Orthogonal(), unsafe=True)
    return module


__all__ = ["norm_except", "orthogonal", "spectral_norm", "weight_norm"]
__getattr__ = missing_from("torch.nn.utils.parametrizations")
