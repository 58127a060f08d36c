"""torch.nn.utils.rnn: sequences of several lengths, padded to one or packed into one row after the other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare, faced, torch_function
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from


class _Packed(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any = None
    unsorted_indices: Any = None


class PackedSequence(_Packed):
    """Sequences of several lengths, longest first, step by step: all first elements, all second ones, ...

    batch_sizes       how many sequences have each step
    sorted_indices    where each of these sequences was, None if they were sorted
    unsorted_indices  the inverse
    """

    __slots__ = ()

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> Any:
        if sorted_indices is not None and unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is not None and batch_sizes.inner.device != "cpu":
            raise ValueError("batch_sizes should always be on CPU")
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **named: Any) -> PackedSequence:
        """The same with its data on a device or in a dtype."""
        data = self.data.to(*args, **named)
        if data is self.data:
            return self
        at = [None if x is None else x.to(data.device) for x in (self.sorted_indices, self.unsorted_indices)]
        return type(self)(data, self.batch_sizes, *at)

    def pin_memory(self) -> PackedSequence:
        return self

    def cpu(self) -> PackedSequence:
        return self.to("cpu")

    def cuda(self, *args: Any, **named: Any) -> PackedSequence:
        return self.to(self.data.cuda().device)

    def double(self) -> PackedSequence:
        return self.to(dtype=float64)

    def float(self) -> PackedSequence:
        return self.to(dtype=float32)

    @property
    def is_cuda(self) -> bool:
        return bool(self.data.is_cuda)

    def is_pinned(self) -> bool:
        return False


from tinygrad_edu.torch.core.dtypes import float32, float64  # noqa: E402 - their names are methods above


def invert_permutation(permutation: Any) -> Any:
    """The permutation that undoes another; None of None."""
    if permutation is None:
        return None
    value = bare(permutation)
    return faced(te.tensor(np.argsort(value.numpy(), kind="stable"), device=value.device))


def _lengths(lengths: Any) -> np.ndarray[Any, Any]:
    found = bare(lengths)
    found = found.to("cpu").numpy() if isinstance(found, te.Tensor) else np.array(found, np.int64)
    return found.astype(np.int64)


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Padded sequences (T, B, ...), or (B, T, ...) with `batch_first`, packed by their lengths.

    With `enforce_sorted`, the lengths must be from the longest to the shortest.
    """
    sizes = _lengths(lengths)
    if batch_first:
        input = input.transpose(0, 1)
    order = None
    if enforce_sorted:
        if (np.diff(sizes) > 0).any():
            raise wrong(
                RuntimeError,
                "pack_padded_sequence",
                "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True.",
                "pass enforce_sorted=False",
            )
    else:
        at = np.argsort(-sizes, kind="stable")
        sizes = sizes[at]
        order = faced(te.tensor(at, device=input.inner.device))
        input = input.index_select(1, order)
    if len(sizes) != input.shape[1]:
        raise wrong(
            RuntimeError,
            "pack_padded_sequence",
            f"Expected `len(lengths)` to be equal to batch_size, but got "
            f"{len(sizes)} (batch_size={input.shape[1]})",
        )
    if not sizes.size or sizes[-1] <= 0:
        raise wrong(RuntimeError, "pack_padded_sequence", "Length of all samples has to be greater than 0")
    if sizes[0] > input.shape[0]:
        raise wrong(RuntimeError, "pack_padded_sequence", f"a length is {sizes[0]} of {input.shape[0]} steps")
    steps = np.arange(sizes[0])
    counts = (sizes[None, :] > steps[:, None]).sum(1)
    step, row = np.nonzero(sizes[None, :] > steps[:, None])
    return PackedSequence(_taken(input, step, row), faced(te.tensor(counts)), order)


@torch_function
def _taken(x: Any, step: Any, row: Any) -> Any:
    """The rows of x (T, B, ...) at these steps of these sequences."""
    flat = te.reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))
    return te.take(flat, te.tensor(step * x.shape[1] + row, device=x.device), 0)


@torch_function
def _spread(data: Any, sizes: Any, total: int, padding: float) -> Any:
    """Packed rows as (T, B, ...), with `padding` where a sequence has ended."""
    steps, rows = total, int(sizes[0])
    at = np.full((steps, rows), data.shape[0])
    first = 0
    for step, count in enumerate(sizes):
        at[step, :count] = np.arange(first, first + count)
        first += int(count)
    border = te.full((1, *data.shape[1:]), padding, dtype=data.dtype, device=data.device)
    taken = te.take(te.concat([data, border]), te.tensor(at.reshape(-1), device=data.device), 0)
    return te.reshape(taken, (steps, rows, *data.shape[1:]))


def lengths_of(batch_sizes: Any) -> np.ndarray[Any, Any]:
    """The length of each sequence, longest first."""
    counts = bare(batch_sizes).numpy()
    return (counts[:, None] > np.arange(counts[0])[None, :]).sum(0)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Any, Any]:
    """(padded sequences, their lengths), in the order that they had before they were packed."""
    counts = bare(sequence.batch_sizes).numpy()
    longest = len(counts)
    if total_length is not None and total_length < longest:
        raise ValueError(
            f"Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    padded = _spread(sequence.data, counts, total_length or longest, padding_value)
    lengths = lengths_of(sequence.batch_sizes)
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        lengths = lengths[bare(sequence.unsorted_indices).numpy()]
    return padded.transpose(0, 1) if batch_first else padded, faced(te.tensor(lengths))


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:
    """Sequences (L_i, ...) as one tensor (T, B, ...), or (B, T, ...), filled with `padding_value`."""
    if padding_side not in ("right", "left"):
        raise wrong(
            RuntimeError, "pad_sequence", f"padding_side must be 'right' or 'left', not {padding_side!r}"
        )
    several = list(sequences) if not isinstance(sequences, Tensor) else list(sequences.unbind(0))
    if not several:
        raise wrong(RuntimeError, "pad_sequence", "received an empty list of sequences")
    return _padded(several, 0 if batch_first else 1, padding_value, padding_side == "left")


@torch_function
def _padded(sequences: Any, axis: int, value: float, left: bool) -> Any:
    longest = max(x.shape[0] for x in sequences)
    rows = []
    for x in sequences:
        missing = longest - x.shape[0]
        width = (missing, 0) if left else (0, missing)
        rows.append(te.pad(x, [width, *[(0, 0)] * (x.ndim - 1)], value))
    return te.stack(rows, axis)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The sequences in a padded tensor, each with its length."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    sizes = _lengths(lengths)
    return [row[: int(n)] for row, n in zip(padded_sequences.unbind(0), sizes, strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (L_i, ...), packed."""
    several = list(sequences)
    lengths = [x.shape[0] for x in several]
    return pack_padded_sequence(pad_sequence(several), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The sequences that were packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


__getattr__ = missing_from("torch.nn.utils.rnn")
