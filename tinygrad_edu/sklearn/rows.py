"""Rows: the data as the first layer takes it, batch by batch.

Two products use the data: `times`, batch @ weight in the forward pass, and `outer`, batch.T @ delta in the
backward pass. With many columns they take most of a step, and in real tables most numbers are zeros: bits
of a fingerprint, the margins of an image. `Split` multiplies the columns that are mostly zero as a sparse
matrix and the rest as a dense one; it adds in another order, so its sums differ in their last bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.sklearn.door import csr_array, issparse

Array = np.ndarray[Any, Any]

# fmt: off
WORK = 5_000_000        # multiplications of a batch from which a split may pay
SMALL = 2**17           # numbers: what is no more is put in order once an epoch, and cut into views
SELDOM = 0.15           # a column with fewer entries than that is cheaper as a part of a sparse matrix
WORTH = 0.6             # the share of other columns up to which the split pays
# fmt: on


class Batch(Protocol):
    """Some rows (rows, inputs), and their two products with arrays of the first layer."""

    def times(self, weight: Array, out: Array | None = None) -> Array:
        """batch @ weight, (rows, units)."""

    def outer(self, delta: Array, out: Array) -> Array:
        """batch.T @ delta, (inputs, units)."""

    def array(self) -> Array:
        """The rows as a dense array."""

    def part(self, rows: slice) -> Batch:
        """Some of the rows."""


class Rows(Protocol):
    """All rows."""

    def __len__(self) -> int: ...

    def whole(self) -> Batch:
        """All of them as one batch."""

    def batches(self, order: Array | None, size: int) -> Iterator[Batch]:
        """All rows, `size` at a time, in `order` or in their own; a batch is valid until the next."""


def rows_of(data: Any, *, work: int) -> Rows:
    """The right kind for `data`, an array or a sparse matrix, and `work` multiplications with each batch."""
    if issparse(data):
        return Sparse(data)
    if work >= WORK:
        often = np.count_nonzero(data, axis=0) > SELDOM * len(data)
        if often.mean() <= WORTH:
            return Split(data, often)
    return Dense(data)


class Dense:
    """An array."""

    def __init__(self, data: Array) -> None:
        self.data = np.ascontiguousarray(data)
        self.memory = np.empty((0, data.shape[1]), data.dtype)

    def __len__(self) -> int:
        return len(self.data)

    def whole(self) -> Batch:
        return DenseBatch(self.data)

    def batches(self, order: Array | None, size: int) -> Iterator[Batch]:
        return map(DenseBatch, self.arrays(order, size))

    def arrays(self, order: Array | None, size: int) -> Iterator[Array]:
        """The batches as arrays: views, or copies in memory that the next batch overwrites."""
        if order is not None and self.data.size > SMALL:
            yield from (self._gather(order[start : start + size]) for start in range(0, len(self), size))
        else:
            data = self.data if order is None else self._gather(order)
            yield from (data[start : start + size] for start in range(0, len(self), size))

    def _gather(self, index: Array) -> Array:
        if len(index) > len(self.memory):
            self.memory = np.empty((len(index), self.data.shape[1]), self.data.dtype)
        return self.data.take(index, 0, self.memory[: len(index)], "clip")  # clip: the mode with no copy


class DenseBatch:
    """Rows of an array."""

    def __init__(self, rows: Array) -> None:
        self.rows = rows

    def times(self, weight: Array, out: Array | None = None) -> Array:
        return np.matmul(self.rows, weight, out)

    def outer(self, delta: Array, out: Array) -> Array:
        return np.matmul(self.rows.T, delta, out)

    def array(self) -> Array:
        return self.rows

    def part(self, rows: slice) -> Batch:
        return DenseBatch(self.rows[rows])


class Sparse:
    """A sparse matrix, kept by rows."""

    def __init__(self, data: Any) -> None:
        self.data = csr_array(data)

    def __len__(self) -> int:
        return int(self.data.shape[0])

    def whole(self) -> Batch:
        return SparseBatch(self.data)

    def batches(self, order: Array | None, size: int) -> Iterator[Batch]:
        return map(SparseBatch, self.matrices(order, size))

    def matrices(self, order: Array | None, size: int) -> Iterator[Any]:
        """The batches as sparse matrices."""
        data = self.data if order is None else self.data[order]
        return (data[start : start + size] for start in range(0, len(self), size))


class SparseBatch:
    """Rows of a sparse matrix."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def times(self, weight: Array, out: Array | None = None) -> Array:
        product = self.rows @ weight
        if out is None:
            return np.asarray(product)
        out[...] = product
        return out

    def outer(self, delta: Array, out: Array) -> Array:
        out[...] = self.rows.T @ delta
        return out

    def array(self) -> Array:
        return np.asarray(self.rows.toarray())

    def part(self, rows: slice) -> Batch:
        return SparseBatch(self.rows[rows])


class Split:
    """An array, split by columns: those `often` not zero are an array, the others a wide sparse matrix."""

    def __init__(self, data: Array, often: Array) -> None:
        self.columns, others = np.flatnonzero(often), np.flatnonzero(~often)
        self.dense = Dense(data[:, self.columns])
        narrow = csr_array(data[:, others])
        self.sparse = Sparse(csr_array((narrow.data, others[narrow.indices], narrow.indptr), data.shape))

    def __len__(self) -> int:
        return len(self.dense)

    def whole(self) -> Batch:
        return SplitBatch(self.dense.data, self.sparse.data, self.columns)

    def batches(self, order: Array | None, size: int) -> Iterator[Batch]:
        arrays, matrices = self.dense.arrays(order, size), self.sparse.matrices(order, size)
        return (SplitBatch(*both, self.columns) for both in zip(arrays, matrices, strict=True))


class SplitBatch:
    """Rows of which some columns are dense and the rest sparse."""

    def __init__(self, dense: Array, sparse: Any, columns: Array) -> None:
        self.dense, self.sparse, self.columns = dense, sparse, columns

    def times(self, weight: Array, out: Array | None = None) -> Array:
        product = np.matmul(self.dense, weight[self.columns], out)
        return np.add(product, self.sparse @ weight, product)

    def outer(self, delta: Array, out: Array) -> Array:
        out[...] = self.sparse.T @ delta
        out[self.columns] = np.matmul(self.dense.T, delta)
        return out

    def array(self) -> Array:
        rows = np.asarray(self.sparse.toarray())
        rows[:, self.columns] = self.dense
        return rows

    def part(self, rows: slice) -> Batch:
        return SplitBatch(self.dense[rows], self.sparse[rows], self.columns)
