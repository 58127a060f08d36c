"""The lecture's `.fp` files: molecules as names, labels and rows of bits.

A line is `name label bit bit ...`, separated by blanks. The lecture reads such a file by
`np.genfromtxt('compounds.fp', comments=None)` and takes `data[:, 2:]` and `data[:, 1]`: the bits are columns,
and `#` starts no comment inside a line, because a name may be a SMILES and `#` is its triple bond. So
`write_fp` writes exactly that. `read_fp` also takes the bits as one word (`0110...`), blank lines, and lines
whose first character is `#` as comments. Source: lecture, section "Example 2".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.dataset import Array
from tinygrad_edu.data.labels import Task, read_labels
from tinygrad_edu.data.source import PathLike, bad, place, read_text, write_bytes
from tinygrad_edu.data.table import Table
from tinygrad_edu.errors import wrong


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Names (n words), labels (n,), bits (n, length) uint8 of 0 and 1; `class_names` as in Table."""

    names: tuple[str, ...]
    labels: Array
    bits: npt.NDArray[np.uint8]
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rows = len(self.names)
        if self.bits.ndim != 2 or len(self.bits) != rows or self.labels.shape != (rows,):
            raise wrong(
                ValueError,
                "Fingerprints",
                f"{rows} names, labels {self.labels.shape}, bits {self.bits.shape}",
                "they must be n words, (n,) and (n, length)",
            )
        if self.bits.size and self.bits.max() > 1:
            raise wrong(
                ValueError,
                "Fingerprints",
                f"bits must be 0 or 1, found {self.bits.max()}",
                "use (counts > 0)",
            )

    def __len__(self) -> int:
        return len(self.names)

    def table(self, name: str = "", source: str = "") -> Table:
        """The same as a Table: features float32 (n, length), one `bit<i>` a column."""
        return Table(
            features=self.bits.astype(np.float32),
            labels=self.labels if self.class_names else self.labels.astype(np.float32),
            feature_names=tuple(f"bit{i}" for i in range(self.bits.shape[1])),
            class_names=self.class_names,
            row_names=self.names,
            name=name,
            source=source,
        )


def read_fp(path: PathLike, *, task: Task | None = None) -> Fingerprints:
    """Read a `.fp` file, plain or gzipped. Labels become classes or quantities as `read_labels` decides.

    Raises DataError with file and line for: an empty file, a line without label or bits, a bit that is not
    0 or 1, bits of different lengths, a bad label.
    """
    lines: list[int] = []
    names: list[str] = []
    words: list[str] = []
    bits: list[npt.NDArray[np.uint8]] = []
    for line, text in enumerate(read_text(path).split("\n"), 1):
        fields = text.split()
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) < 3:
            raise bad(place(path, line), f"{len(fields)} fields", "a line is `name label bits`")
        joined = "".join(fields[2:])
        row = np.frombuffer(joined.encode("utf-32-le"), np.uint32) - ord("0")  # below "0" wraps far above 1
        if row.max() > 1:
            column = next(i for i, field in enumerate(fields[2:], 3) if set(field) - {"0", "1"})
            raise bad(
                place(path, line, column), f"{fields[column - 1]!r} is not made of 0 and 1", "correct it"
            )
        if bits and len(row) != len(bits[0]):
            raise bad(
                place(path, line), f"{len(row)} bits, but line {lines[0]} has {len(bits[0])}", "complete it"
            )
        lines.append(line)
        names.append(fields[0])
        words.append(fields[1])
        bits.append(row.astype(np.uint8))
    if not bits:
        raise bad(place(path), "the file is empty", "a line is `name label bits`")
    labels, class_names = read_labels(words, lambda i: place(path, lines[i], 2, "label"), task)
    return Fingerprints(tuple(names), labels, np.stack(bits), class_names)


def write_fp(path: PathLike, fingerprints: Fingerprints) -> None:
    """Write a `.fp` file that the lecture's line can read; gzipped when the name ends in `.gz`.

    Raises ValueError for a name or label that `read_fp` could not restore: an empty one, one with a blank
    inside, or a name that starts with `#`.
    """
    if fingerprints.class_names:
        labels = [fingerprints.class_names[i] for i in fingerprints.labels]
    else:
        labels = [repr(float(value)) for value in fingerprints.labels]
    lines = []
    for name, label, bits in zip(fingerprints.names, labels, fingerprints.bits, strict=True):
        for word in (name, label):
            if word.split() != [word]:
                raise wrong(
                    ValueError,
                    "write_fp",
                    f"{word!r} is empty or has a blank inside",
                    "replace blanks by '_'",
                )
        if name.startswith("#"):
            raise wrong(ValueError, "write_fp", f"the name {name!r} would read as a comment", "rename it")
        lines.append(f"{name} {label} {' '.join(map(str, bits.tolist()))}\n")
    write_bytes(path, "".join(lines).encode())
