"""Trained rows for numbers, and what tells a model the positions of its inputs."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.nn import init
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer
from tinygrad_edu.tensor import Tensor

__all__ = ["Embedding", "PositionalEncoding", "LearnedPositionalEncoding"]


class Embedding(Module):
    """A trained row for each of `num_embeddings` numbers: indices (...) -> (..., embedding_dim).

    Initial values are standard normal. The row `padding_idx` begins as zeros and gets no gradient: it stands
    for places that hold nothing. A negative `padding_idx` counts from the end. Raises ValueError if there is
    no such row.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.num_embeddings = integer(num_embeddings, "Embedding: num_embeddings", least=0)
        self.embedding_dim = integer(embedding_dim, "Embedding: embedding_dim", least=0)
        self.padding_idx: int | None = None
        if padding_idx is not None:
            row = integer(padding_idx, "Embedding: padding_idx")
            if not -self.num_embeddings <= row < self.num_embeddings:
                problem = f"padding_idx={row} is none of the {self.num_embeddings} rows"
                raise wrong(ValueError, "Embedding", problem)
            self.padding_idx = row % self.num_embeddings
        kind = dtypes.as_dtype(dtype or float)
        self.weight = Parameter(F.zeros(self.num_embeddings, self.embedding_dim, dtype=kind), device=device)
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            self.weight.detach()[self.padding_idx] = 0.0

    @classmethod
    def from_pretrained(
        cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None
    ) -> Embedding:
        """An Embedding whose rows are those of `embeddings`, (rows, n); trained only if not `freeze`."""
        rows = F.as_tensor(embeddings)
        if rows.ndim != 2:
            raise wrong(ShapeError, "Embedding.from_pretrained", f"a table has 2 axes, not {rows.shape}")
        made = cls(0, rows.shape[1])
        made.num_embeddings = rows.shape[0]
        made.padding_idx = None if padding_idx is None else cls(rows.shape[0], 0, padding_idx).padding_idx
        made.weight = Parameter(rows.detach(), requires_grad=not freeze)
        return made

    def forward(self, indices: Any) -> Tensor:
        return F.embedding(indices, self.weight, padding_idx=self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class _Positions(Module):
    """What both encodings do: add a row for each position, then dropout."""

    table: ClassVar[str]  # the attribute with the rows

    def __init__(self, d_model: int, dropout: float, max_len: int, batch_first: bool, generator: Any) -> None:
        title = type(self).__name__
        self.d_model = integer(d_model, f"{title}: d_model", least=1)
        self.max_len = integer(max_len, f"{title}: max_len", least=1)
        self.batch_first = bool(batch_first)
        self.dropout = Dropout(dropout, generator=generator)

    def forward(self, x: Any) -> Any:
        x = F.as_tensor(x)
        axis = 1 if self.batch_first and x.ndim == 3 else 0
        if x.ndim not in (2, 3) or x.shape[-1] != self.d_model or x.shape[axis] > self.max_len:
            shape = "(N, L, d_model)" if self.batch_first else "(L, N, d_model)"
            problem = f"x {x.shape} is not {shape} with d_model={self.d_model} and L <= {self.max_len}"
            raise wrong(ShapeError, type(self).__name__, problem)
        rows = getattr(self, self.table)[: x.shape[axis]]
        return self.dropout(x + (rows if axis or x.ndim == 2 else F.expand_dims(rows, 1)))

    def extra_repr(self) -> str:
        return f"{self.d_model}, max_len={self.max_len}, batch_first={self.batch_first}"


class PositionalEncoding(_Positions):
    """Adds sines and cosines of the position: (L, N, d_model), or (N, L, d_model) with `batch_first`.

    Column 2i is sin(position / 10000^(2i / d_model)), column 2i + 1 the cosine of the same. Nothing is
    trained or saved. Source: Vaswani and others, "Attention is all you need", NeurIPS 2017, section 3.5.
    """

    table = "pe"
    pe: Any

    def __init__(
        self,
        d_model: int,
        dropout: float = 0.1,
        max_len: int = 5000,
        *,
        batch_first: bool = False,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(d_model, dropout, max_len, batch_first, generator)
        even = np.arange(0, self.d_model, 2)
        angles = np.arange(self.max_len)[:, None] * np.exp(even * (-math.log(10000.0) / self.d_model))
        rows = np.empty((self.max_len, self.d_model))
        rows[:, 0::2], rows[:, 1::2] = np.sin(angles), np.cos(angles[:, : self.d_model // 2])
        kind = dtypes.as_dtype(dtype or float)
        self.register_buffer("pe", F.tensor(rows, dtype=kind, device=device), persistent=False)


class LearnedPositionalEncoding(_Positions):
    """Adds a trained row for each position: (L, N, d_model), or (N, L, d_model) with `batch_first`.

    Initial values are normal with standard deviation 0.02, as in GPT-2.
    """

    table = "weight"

    def __init__(
        self,
        d_model: int,
        dropout: float = 0.1,
        max_len: int = 5000,
        *,
        batch_first: bool = False,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(d_model, dropout, max_len, batch_first, generator)
        kind = dtypes.as_dtype(dtype or float)
        self.weight = Parameter(F.zeros(self.max_len, self.d_model, dtype=kind), device=device)
        init.normal_(self.weight, std=0.02, generator=generator)
