"""The settings of a run, and the scaling of columns: data that can be written to JSON and read back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from tinygrad_edu import catalogue, nn, optim
from tinygrad_edu.backend.sums import power_of_two
from tinygrad_edu.errors import wrong
from tinygrad_edu.phrases import Argument, Phrase

Array = np.ndarray[Any, Any]

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "leaky-relu": nn.LeakyReLU, "elu": nn.ELU,
    "silu": nn.SiLU, "gelu": nn.GELU, "identity": nn.Identity,
}  # fmt: skip
OPTIMIZERS: Mapping[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "adam": (optim.Adam, {}),
    "adamw": (optim.AdamW, {}),
    "sgd": (optim.SGD, {}),
    "momentum": (optim.SGD, {"momentum": 0.9}),
    "nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True}),
}

# The JSON types of a setting, or of each item of a tuple. A bool is no number.
_KINDS = {"int": (int,), "float": (int, float), "str": (str,), "tuple[int, ...]": (int,)}


@dataclass(frozen=True)
class Settings:
    """All settings of a run; equal settings and data give equal bits on one machine.

    hidden    units of each hidden layer; () for a linear model
    patience  stop when the training loss has not fallen by 1e-4 for so many epochs in a row; 0: never
    """

    hidden: tuple[int, ...] = (100,)
    activation: str = "relu"
    optimizer: str = "adam"
    lr: float = 1e-3
    epochs: int = 100
    batch_size: int = 32
    dropout: float = 0.0
    weight_decay: float = 0.0
    patience: int = 0
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        """Raise ValueError that names the setting, its value, and the values it may have."""
        positive = {"lr": self.lr, "epochs": self.epochs, "batch_size": self.batch_size}
        for name, value in positive.items():
            if not 0 < value < math.inf:
                raise _wrong(name, f"must be positive, not {value}")
        for name, number in {"weight_decay": self.weight_decay, "patience": self.patience}.items():
            if not 0 <= number < math.inf:
                raise _wrong(name, f"must be 0 or more, not {number}")
        if any(units < 1 for units in self.hidden):
            raise _wrong("hidden", f"needs at least one unit in each layer, not {list(self.hidden)}")
        if not 0 <= self.dropout < 1:
            raise _wrong("dropout", f"must lie in [0, 1), not {self.dropout}")
        if not 0 <= self.seed < 2**64:
            raise _wrong("seed", f"must lie in [0, 2**64), not {self.seed}")
        choices = {"activation": ACTIVATIONS, "optimizer": OPTIMIZERS, "dtype": catalogue.DTYPES}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                problem = f"cannot be {getattr(self, name)!r}"
                raise _wrong(name, problem, f"there are {', '.join(allowed)}")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The settings that `dataclasses.asdict` wrote, read back from JSON."""
        known = {field.name for field in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown settings {sorted(unknown)}; was this written by a later version?")
        settings = cls(**{**values, "hidden": tuple(values["hidden"])})
        for field in fields(cls):
            value = getattr(settings, field.name)
            for part in value if isinstance(value, tuple) else (value,):
                if type(part) not in _KINDS[str(field.type)]:
                    raise ValueError(f"{field.name} cannot be {value!r:.60}")
        return settings


def _wrong(name: str, problem: str, remedy: str = "") -> ValueError:
    """The error for a setting with an invalid value."""
    return wrong(ValueError, "Settings", Phrase(Argument(name), " ", problem), remedy)


@dataclass(frozen=True, eq=False)
class Scaling:
    """x -> (x - offset) / scale, one of each per column; learned from training rows only."""

    offset: Array
    scale: Array

    @classmethod
    def fit(cls, values: Array) -> Self:
        """Mean 0 and standard deviation 1 for each column of (rows, columns), with three exceptions.

        A constant column is only centred. A column of 0 and 1 is not changed: a rare bit, standardised, would
        be a huge number. A table whose values fill [0, 1], such as images, is not changed either: a pixel
        that is almost always dark is the same case.
        """
        values = values.astype(np.float64)
        low, high = values.min(axis=0), values.max(axis=0)
        one = power_of_two(values, (0,))  # so that no square overflows or underflows
        offset, scale = (values / one).mean(axis=0) * one[0], (values / one).std(axis=0) * one[0]
        constant = high == low
        scale = np.where(constant, 1.0, scale)
        bits = ((values == 0) | (values == 1)).all(axis=0)
        image = values.shape[1] > 1 and low.min() == 0 and high.max() == 1
        keep = bits | image
        return cls(np.where(keep, 0.0, offset), np.where(keep, 1.0, scale))

    def forwards(self, values: Array, dtype: str) -> Array:
        """`values` scaled, computed in float64."""
        return ((values.astype(np.float64) - self.offset) / self.scale).astype(dtype)

    def backwards(self, values: Array) -> Array:
        """The inverse, float64."""
        return np.asarray(values.astype(np.float64) * self.scale + self.offset)

    def to_json(self) -> dict[str, list[float]]:
        """Lists of floats; JSON keeps every bit of them."""
        return {"offset": self.offset.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_json(cls, values: Mapping[str, Sequence[float]], columns: int) -> Self:
        """What `to_json` wrote for so many columns. ValueError for anything that `to_json` does not write."""
        offset, scale = (np.array(values[name]) for name in ("offset", "scale"))
        for array in (offset, scale):
            if (
                array.shape != (columns,)
                or (columns and array.dtype.kind not in "if")
                or not np.isfinite(array).all()
            ):
                raise ValueError(f"the scaling of {columns} columns cannot be {array!r:.60}")
        if not scale.all():
            raise ValueError("a column cannot be scaled by 0")
        return cls(offset.astype(np.float64), scale.astype(np.float64))
