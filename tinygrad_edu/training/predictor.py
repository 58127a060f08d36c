"""Predictor: a network with the meaning of its numbers, and the way back to it from a checkpoint."""
from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu import nn
from tinygrad_edu.backend import philox
from tinygrad_edu.data import Table
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.nn.serialization import read_checkpoint
from tinygrad_edu.training.settings import ACTIVATIONS, Array, Scaling, Settings

PathLike = str | os.PathLike[str]

_ROWS_AT_ONCE = 4096


def network(inputs: int, outputs: int, settings: Settings) -> nn.Sequential:
    """Linear, activation and dropout for each hidden layer, and a last Linear."""
    layers: list[nn.Module] = []
    sizes = [inputs, *settings.hidden]
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after, dtype=settings.dtype), ACTIVATIONS[settings.activation]()]
        if settings.dropout:
            layers.append(nn.Dropout(settings.dropout))
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs, dtype=settings.dtype))


def _outputs(class_names: Sequence[str]) -> int:
    """One a class; but a single logit for two: Adam moves the difference of two units twice as far."""
    return len(class_names) if len(class_names) > 2 else 1


@dataclass(eq=False)
class Predictor:
    """A network and what its numbers mean: columns in; classes, or with no class names a quantity, out."""

    model: nn.Sequential
    settings: Settings
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    scaling: Scaling
    target: Scaling     # of a regression's targets, (1,) each; 0 and 1 for classes

    @classmethod
    def untrained(cls, table: Table, settings: Settings) -> Self:
        """A fresh one for the rows of `table`, its first weights drawn from the settings' seed."""
        philox.manual_seed(settings.seed)
        outputs = _outputs(table.class_names)
        target = Scaling(np.zeros(1), np.ones(1))
        if not table.class_names:
            target = Scaling.fit(table.labels[:, None])
        return cls(network(table.features.shape[1], outputs, settings), settings, table.feature_names,
                   table.class_names, Scaling.fit(table.features), target)

    @property
    def task(self) -> str:
        return "classification" if self.class_names else "regression"

    def raw(self, features: Array) -> Array:
        """The network's outputs (rows, outputs) for unscaled features (rows, columns), in evaluation mode."""
        columns = len(self.feature_names)
        if features.ndim != 2 or features.shape[1] != columns:
            raise ValueError(f"features {features.shape} for a model of {columns}; give (rows, {columns})")
        training = self.model.training
        self.model.eval()
        try:
            with no_grad():
                parts = [self._part(features[i:i + _ROWS_AT_ONCE])
                         for i in range(0, len(features), _ROWS_AT_ONCE)]
        finally:
            self.model.train(training)
        nothing = np.empty((0, _outputs(self.class_names)), self.settings.dtype)
        return np.concatenate([nothing, *parts])

    def _part(self, features: Array) -> Array:
        out: Array = self.model(F.wrap(self.scaling.forwards(features, self.settings.dtype))).numpy()
        return out

    def __call__(self, features: Array) -> Array:
        """Probabilities (rows, classes) that sum to 1, or the quantity (rows,) in its own unit; float64."""
        return self.meaning(self.raw(features))

    def meaning(self, raw: Array) -> Array:
        """What the network's outputs (rows, outputs) say, as `__call__` returns it."""
        raw = raw.astype(np.float64)
        if not self.class_names:
            return self.target.backwards(raw)[:, 0]
        if raw.shape[1] == 1:
            raw = np.concatenate([np.zeros_like(raw), raw], axis=1)     # the logistic is a softmax with a 0
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def to_json(self) -> dict[str, Any]:
        """All but the weights."""
        return {"settings": asdict(self.settings), "feature_names": list(self.feature_names),
                "class_names": list(self.class_names), "scaling": self.scaling.to_json(),
                "target": self.target.to_json()}

    @classmethod
    def from_json(cls, card: Mapping[str, Any]) -> Self:
        """A predictor of that description; its weights still have to be loaded."""
        settings = Settings.from_json(card["settings"])
        classes = tuple(card["class_names"])
        model = network(len(card["feature_names"]), _outputs(classes), settings)
        return cls(model, settings, tuple(card["feature_names"]), classes,
                   Scaling.from_json(card["scaling"]), Scaling.from_json(card["target"]))

    @classmethod
    def load(cls, path: PathLike) -> tuple[Self, dict[str, Any]]:
        """The predictor in a checkpoint, and the notes that were saved with it.

        Raises nn.CheckpointError for what is no checkpoint, or not one of `Trainer.save`.
        """
        extra = read_extra(path)
        with philox.drawing_from(philox.Generator()):       # and not from the caller's stream
            predictor = cls.from_json(extra["predictor"])
        nn.load_checkpoint(path, model=predictor.model, default_generator=False)
        predictor.model.eval()
        return predictor, extra["notes"]


def read_extra(path: PathLike) -> dict[str, Any]:
    """What `Trainer.save` wrote beside the arrays."""
    extra = read_checkpoint(path)[0]["extra"]
    if not isinstance(extra, dict) or not {"predictor", "run", "notes"} <= set(extra):
        raise nn.CheckpointError(f"{os.fspath(path)} is a checkpoint, but not of `tinygrad-edu train`: it "
                                 "does not say what its model is; use nn.load_checkpoint(path, model=...)")
    return extra
