"""What may be chosen about a run, and how columns are scaled: data, with its passage through JSON."""
from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from tinygrad_edu import nn, optim

Array = np.ndarray[Any, Any]

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "leaky-relu": nn.LeakyReLU, "elu": nn.ELU,
    "silu": nn.SiLU, "gelu": nn.GELU, "identity": nn.Identity,
}
OPTIMIZERS: Mapping[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "adam": (optim.Adam, {}),
    "adamw": (optim.AdamW, {}),
    "sgd": (optim.SGD, {}),
    "momentum": (optim.SGD, {"momentum": 0.9}),
    "nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True}),
}


@dataclass(frozen=True)
class Settings:
    """Everything that may be chosen about a run; equal settings and data give equal bits on one machine.

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
        """Raise ValueError that names the setting, what it is, and what it may be."""
        positive = {"lr": self.lr, "epochs": self.epochs, "batch_size": self.batch_size}
        for name, value in positive.items():
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be positive, not {value}")
        for name, number in {"weight_decay": self.weight_decay, "patience": self.patience}.items():
            if not 0 <= number < math.inf:
                raise ValueError(f"{name} must be 0 or more, not {number}")
        if any(units < 1 for units in self.hidden):
            raise ValueError(f"hidden layers need at least one unit each, not {list(self.hidden)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), not {self.dropout}")
        if not 0 <= self.seed < 2**64:
            raise ValueError(f"seed must lie in [0, 2**64), not {self.seed}")
        choices = {"activation": ACTIVATIONS, "optimizer": OPTIMIZERS, "dtype": ("float32", "float64")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"no {name} {getattr(self, name)!r}; there are {', '.join(allowed)}")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The settings that `dataclasses.asdict` wrote, after a passage through JSON."""
        known = {field.name for field in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown settings {sorted(unknown)}; was this written by a later version?")
        return cls(**{**values, "hidden": tuple(values["hidden"])})


@dataclass(frozen=True, eq=False)
class Scaling:
    """x -> (x - offset) / scale, one of each a column; learned from training rows only."""

    offset: Array
    scale: Array

    @classmethod
    def fit(cls, values: Array) -> Self:
        """Mean 0 and standard deviation 1 for each column of (rows, columns), with three exceptions.

        A constant column is only centred. A column of 0 and 1 stays as it is: a rare bit, standardised, would
        be a huge number. A table that fills [0, 1] as a whole, an image, stays too: a pixel that is nearly
        always dark is the same case.
        """
        values = values.astype(np.float64)
        low, high = values.min(axis=0), values.max(axis=0)
        offset, scale = values.mean(axis=0), values.std(axis=0)
        constant = high == low
        scale = np.where(constant, 1.0, scale)
        bits = ((values == 0) | (values == 1)).all(axis=0)
        image = values.shape[1] > 1 and low.min() == 0 and high.max() == 1
        keep = bits | image
        return cls(np.where(keep, 0.0, offset), np.where(keep, 1.0, scale))

    def forwards(self, values: Array, dtype: str) -> Array:
        """`values` scaled, in float64 until the end."""
        return ((values.astype(np.float64) - self.offset) / self.scale).astype(dtype)

    def backwards(self, values: Array) -> Array:
        """The inverse, float64."""
        return np.asarray(values.astype(np.float64) * self.scale + self.offset)

    def to_json(self) -> dict[str, list[float]]:
        """Lists of floats; JSON keeps every bit of them."""
        return {"offset": self.offset.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_json(cls, values: Mapping[str, Sequence[float]]) -> Self:
        return cls(np.array(values["offset"], np.float64), np.array(values["scale"], np.float64))
