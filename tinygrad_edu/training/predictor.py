"""Predictor: a network with the meaning of its numbers, and how it is loaded from a checkpoint."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu import memory, nn
from tinygrad_edu.backend import philox
from tinygrad_edu.data import Table
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import retold, wrong
from tinygrad_edu.nn.checkpoint_file import FAULTS, read_checkpoint
from tinygrad_edu.phrases import Phrase, passing
from tinygrad_edu.training.settings import ACTIVATIONS, Array, Scaling, Settings

PathLike = str | os.PathLike[str]

_ROWS_AT_ONCE = 4096
_UNITS_AT_ONCE = 1 << 24  # of one layer, for all these rows: 64 MB in float32


class PredictionError(ValueError):
    """The network has no prediction for a row: its outputs are infinite or NaN.

    row  the index of the row among those to predict, from 0
    """

    row = 0


def count_weights(inputs: int, outputs: int, settings: Settings) -> int:
    """How many parameters `network` makes."""
    return sum(
        (before + 1) * after for before, after in itertools.pairwise([inputs, *settings.hidden, outputs])
    )


def network(inputs: int, outputs: int, settings: Settings) -> nn.Sequential:
    """Linear, activation and dropout for each hidden layer, and a last Linear."""
    layers: list[nn.Module] = []
    sizes = [inputs, *settings.hidden]
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after, dtype=settings.dtype), ACTIVATIONS[settings.activation]()]
        if settings.dropout:
            layers.append(nn.Dropout(settings.dropout))
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs, dtype=settings.dtype))


def shapes(inputs: int, outputs: int, settings: Settings) -> dict[str, tuple[int, ...]]:
    """The shapes of `network`'s parameters by name, without making any."""
    sizes, step = [inputs, *settings.hidden, outputs], 3 if settings.dropout else 2
    return {
        name: shape
        for i, (before, after) in enumerate(itertools.pairwise(sizes))
        for name, shape in ((f"{i * step}.weight", (after, before)), (f"{i * step}.bias", (after,)))
    }


def _output_count(class_names: Sequence[str]) -> int:
    """One output per class, but one logit for two: Adam moves the difference of two outputs twice as far."""
    return len(class_names) if len(class_names) > 2 else 1


@dataclass(eq=False)
class Predictor:
    """A network and the meaning of its numbers: columns in; classes, or a quantity if there are none, out."""

    model: nn.Sequential
    settings: Settings
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    scaling: Scaling
    target: Scaling  # of a regression's targets, (1,) each; 0 and 1 for classes

    @classmethod
    def untrained(cls, table: Table, settings: Settings) -> Self:
        """A new predictor for the rows of `table`, with initial weights drawn from the settings' seed."""
        outputs, inputs = _output_count(table.class_names), table.features.shape[1]
        _require_memory(len(table), inputs, outputs, settings)
        philox.manual_seed(settings.seed)
        target = Scaling(np.zeros(1), np.ones(1))
        if not table.class_names:
            target = Scaling.fit(table.labels[:, None])
        return cls(
            network(inputs, outputs, settings),
            settings,
            table.feature_names,
            table.class_names,
            Scaling.fit(table.features),
            target,
        )

    @property
    def task(self) -> str:
        return "classification" if self.class_names else "regression"

    def raw(self, features: Array) -> Array:
        """The network's outputs (rows, outputs) for unscaled features (rows, columns), in evaluation mode."""
        columns = len(self.feature_names)
        if features.ndim != 2 or features.shape[1] != columns:
            raise wrong(
                ValueError,
                "Predictor",
                f"features {features.shape} for a model of {columns}",
                f"give (rows, {columns})",
            )
        with no_grad(), nn.evaluating():
            step = min(_ROWS_AT_ONCE, max(1, _UNITS_AT_ONCE // max(columns, *self.settings.hidden, 1)))
            parts = [self._section(features[i : i + step]) for i in range(0, len(features), step)]
        nothing = np.empty((0, _output_count(self.class_names)), self.settings.dtype)
        return np.concatenate([nothing, *parts])

    def _section(self, features: Array) -> Array:
        out: Array = self.model(F.wrap(self.scaling.forwards(features, self.settings.dtype))).numpy()
        return out

    def __call__(self, features: Array) -> Array:
        """Probabilities (rows, classes) that sum to 1, or the quantity (rows,) in its own unit; float64.

        Raises PredictionError for a row whose prediction is not finite.
        """
        raw = self.raw(features)
        means = self.meaning(raw)
        lost = ~(np.isfinite(raw).all(axis=1) & np.isfinite(means if means.ndim == 1 else means.sum(axis=1)))
        if lost.any():
            row = int(lost.argmax())
            answer = ", ".join(map(str, raw[row][:5].tolist()))
            error = wrong(
                PredictionError,
                "Predictor",
                f"the network answers {answer}, which is none",
                "a value is far outside what it was trained on, or its training diverged",
            )
            error.row = row
            raise error
        return means

    def lost_weight(self) -> str:
        """The name of a parameter that holds NaN or an infinity, or ""."""
        return next(
            (
                name
                for name, parameter in self.model.named_parameters()
                if not np.isfinite(parameter.numpy()).all()
            ),
            "",
        )

    def meaning(self, raw: Array) -> Array:
        """The predictions of `__call__` from the network's outputs (rows, outputs)."""
        raw = raw.astype(np.float64)
        if not self.class_names:
            return self.target.backwards(raw)[:, 0]
        if raw.shape[1] == 1:
            raw = np.concatenate([np.zeros_like(raw), raw], axis=1)  # the logistic is a softmax with a 0
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def to_json(self) -> dict[str, Any]:
        """Everything except the weights."""
        return {"settings": asdict(self.settings), "feature_names": list(self.feature_names),
                "class_names": list(self.class_names), "scaling": self.scaling.to_json(),
                "target": self.target.to_json()}  # fmt: skip

    @classmethod
    def from_json(cls, card: Mapping[str, Any]) -> Self:
        """A predictor of that description; its weights still have to be loaded."""
        settings = Settings.from_json(card["settings"])
        features, classes = _names(card["feature_names"]), _names(card["class_names"])
        if len(classes) == 1 or len(set(classes)) < len(classes):
            raise ValueError(f"classes cannot be {list(classes)!r:.60}")
        return cls(
            network(len(features), _output_count(classes), settings),
            settings,
            features,
            classes,
            Scaling.from_json(card["scaling"], len(features)),
            Scaling.from_json(card["target"], 1),
        )

    @classmethod
    def load(cls, path: PathLike) -> tuple[Self, dict[str, Any]]:
        """The predictor in a checkpoint, and the notes that were saved with it.

        Raises nn.CheckpointError for a file that is no checkpoint or was not written by `Trainer.save`, and
        for weights that are not all finite.
        """
        facts, arrays = read_run(path)
        extra = facts["extra"]
        try:
            _check_sizes(extra["predictor"], arrays)
            with philox.replacing_default(philox.Generator()):  # and not from the caller's stream
                predictor = cls.from_json(extra["predictor"])
        except FAULTS as error:
            before = f"{os.fspath(path)} does not say what its model is: "
            raise retold(error, None, nn.CheckpointError, place=os.fspath(path), before=before) from error
        nn.load_checkpoint(path, model=predictor.model, default_generator=False)
        predictor.model.eval()
        if name := predictor.lost_weight():
            raise wrong(
                nn.CheckpointError,
                None,
                f"{name} holds NaN or infinities, because the training diverged",
                "train again with a lower learning rate",
                place=os.fspath(path),
            )
        return predictor, extra["notes"]


def _require_memory(rows: int, inputs: int, outputs: int, settings: Settings) -> None:
    """Raise MemoryError if a network of that size, or its outputs for so many rows, do not fit in memory."""
    item = np.dtype(settings.dtype).itemsize
    weights = count_weights(inputs, outputs, settings)
    # the weights, their gradients, an optimizer's two memories, and one more while they are drawn
    memory.require(
        5 * weights * item,
        f"training {weights} weights ({inputs} inputs, hidden layers of {list(settings.hidden)}, "
        f"{outputs} outputs)",
        "choose fewer columns, units or classes",
    )
    # outputs in the network's own type and in float64, their exponentials, and the quotients
    memory.require(
        rows * outputs * (2 * item + 32),
        f"probabilities of {outputs} classes for {rows} rows",
        Phrase("are these classes? If they are quantities ", passing("task", "regression")),
    )


def _names(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(name, str) for name in values):
        raise ValueError(f"names cannot be {values!r:.60}")
    return tuple(values)


def _check_sizes(card: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Raise ValueError unless the network described is that of the arrays, before memory is taken for it."""
    wanted = shapes(
        len(card["feature_names"]), _output_count(card["class_names"]), Settings.from_json(card["settings"])
    )
    found = {
        name.removeprefix("model."): array.shape
        for name, array in arrays.items()
        if name.startswith("model.")
    }
    if wanted != found:
        raise ValueError("its settings describe another network than that of its arrays")


def read_run(path: PathLike) -> tuple[dict[str, Any], dict[str, Array]]:
    """The facts, with what `Trainer.save` wrote as `extra`, and the arrays."""
    facts, arrays = read_checkpoint(path)
    extra = facts["extra"]
    if not isinstance(extra, dict) or not all(
        isinstance(extra.get(part), dict) for part in ("predictor", "run", "notes")
    ):
        raise wrong(
            nn.CheckpointError,
            None,
            f"{os.fspath(path)} is a checkpoint, but not of `tinygrad-edu train`: it does not say what its "
            "model is",
            "use nn.load_checkpoint(path, model=...)",
            place=os.fspath(path),
        )
    return facts, arrays
