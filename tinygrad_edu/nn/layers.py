"""Layers with parameters, and layers that contain others or reshape."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import wrong
from tinygrad_edu.nn import init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer, number
from tinygrad_edu.tensor import Tensor

__all__ = ["Linear", "Sequential", "Identity", "Flatten", "Dropout", "Embedding"]


class Linear(Module):
    """y = x W^T + b: x (..., in) -> (..., out), with weight (out, in) and bias (out,).

    Initial values are PyTorch's: weight and bias uniform on +-1 / sqrt(in_features).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.in_features = integer(in_features, "Linear: in_features", least=0)
        self.out_features = integer(out_features, "Linear: out_features", least=0)
        kind = dtypes.as_dtype(dtype or float)
        self.weight = Parameter(F.zeros(self.out_features, self.in_features, dtype=kind), device=device)
        init.kaiming_uniform_(self.weight, a=math.sqrt(5.0), generator=generator)
        self.bias: Parameter | None = None
        if bias:
            self.bias = Parameter(F.zeros(self.out_features, dtype=kind), device=device)
            bound = 1.0 / math.sqrt(max(1, self.in_features))
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def forward(self, x: Any) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class Sequential(Module):
    """Layers one after the other: `Sequential(a, b)` computes b(a(x)); or `Sequential({"name": a, ...})`."""

    def __init__(self, *layers: Module | Mapping[str, Module]) -> None:
        named = layers[0] if len(layers) == 1 and isinstance(layers[0], Mapping) else dict(_numbered(layers))
        if len({str(name) for name in named}) < len(named):
            raise wrong(
                ValueError, "Sequential", f"of the names {list(named)} two are the same text", "rename one"
            )
        for name, layer in named.items():
            if not isinstance(layer, Module):
                raise wrong(
                    TypeError, "Sequential", f"layer {name} is {layer!r:.60}, not a Module", _remedy(layer)
                )
        self._layers: dict[str, Module] = {str(name): layer for name, layer in named.items()}

    def forward(self, x: Any) -> Any:
        for layer in self._layers.values():
            x = layer(x)
        return x

    def _members(self) -> Iterator[tuple[str, Any]]:
        yield from self._layers.items()
        for name, value in super()._members():
            if not name.startswith("_layers."):
                yield name, value

    def append(self, layer: Module) -> Sequential:
        """Add a layer at the end, named by the first number from `len` on that is not yet a name."""
        if not isinstance(layer, Module):
            raise wrong(TypeError, "Sequential.append", f"{layer!r:.60} is not a Module")
        free = next(str(i) for i in itertools.count(len(self)) if str(i) not in self._layers)
        self._layers[free] = layer
        return self

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._layers.values())

    def __getitem__(self, key: int | slice) -> Any:
        layers = list(self._layers.values())
        return Sequential(*layers[key]) if isinstance(key, slice) else layers[key]

    def __setitem__(self, key: int, layer: Module) -> None:
        if not isinstance(layer, Module):
            raise wrong(TypeError, "Sequential", f"Sequential[{key}] = {layer!r:.60}: not a Module")
        self._layers[list(self._layers)[key]] = layer


def _remedy(layer: Any) -> str:
    """What to do instead of passing `layer`, which is not a Module."""
    if isinstance(layer, type):
        return f"call it: {layer.__name__}()"
    if isinstance(layer, list | tuple):
        return "pass the layers one by one: Sequential(*layers)"
    if not callable(layer):
        return ""
    name = getattr(layer, "__name__", "").replace("_", "").lower()
    known = next((n for n in dir(sys.modules["tinygrad_edu.nn"]) if n.lower() == name and n.lower() != n), "")
    return (
        f"the layer is nn.{known}()"
        if known
        else "of a function make a layer by a Module whose forward calls it"
    )


def _numbered(layers: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(i), layer) for i, layer in enumerate(layers))


class Identity(Module):
    """x itself."""

    def forward(self, x: Any) -> Any:
        return x


class Flatten(Module):
    """(rows, ...) -> (rows, features): the axes from `start` to `end` become one."""

    def __init__(self, start: int = 1, end: int = -1) -> None:
        self.start, self.end = start, end

    def forward(self, x: Any) -> Tensor:
        return F.flatten(F.as_tensor(x), self.start, self.end)

    def extra_repr(self) -> str:
        return f"start={self.start}, end={self.end}"


class Dropout(Module):
    """In training, drop elements with probability `p` and divide the rest by 1 - p; in evaluation, x itself.

    The division keeps the expectation, so that nothing needs rescaling afterwards ("inverted dropout").
    Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15 (2014); the lecture's dropout.
    """

    def __init__(self, p: float = 0.5, generator: Generator | None = None) -> None:
        p = number(p, "Dropout: p")
        if not 0.0 <= p <= 1.0:
            raise wrong(ValueError, "Dropout", f"p={p} is not a probability", "it must lie in [0, 1]")
        self.p, self.generator = float(p), generator

    def forward(self, x: Any) -> Any:
        if not self.training or self.p == 0.0:
            return x
        x = F.as_tensor(x)
        if self.p == 1.0:
            return x * 0.0
        kept = F.bernoulli(1.0 - self.p, x.shape, generator=self.generator, dtype=x.dtype, device=x.device)
        return x * (kept * (1.0 / (1.0 - self.p)))

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Embedding(Module):
    """A trained row for each of `num_embeddings` numbers: indices (...) -> (..., embedding_dim)."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.num_embeddings = integer(num_embeddings, "Embedding: num_embeddings", least=0)
        self.embedding_dim = integer(embedding_dim, "Embedding: embedding_dim", least=0)
        kind = dtypes.as_dtype(dtype or float)
        self.weight = Parameter(F.zeros(self.num_embeddings, self.embedding_dim, dtype=kind), device=device)
        init.normal_(self.weight, generator=generator)

    def forward(self, indices: Any) -> Tensor:
        return F.embedding(indices, self.weight)

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}"
