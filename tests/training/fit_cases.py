"""What the tests of `fit` train: small models, whose whole state can be compared bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu import data, metrics, nn, optim, training

RANDOM = np.random.default_rng(5)
X, LABELS = RANDOM.normal(size=(37, 3)).astype(np.float32), RANDOM.integers(0, 3, 37)
HELD = RANDOM.normal(size=(11, 3)).astype(np.float32), RANDOM.integers(0, 3, 11)


def model_of(seed: int = 0, dropout: float = 0.25) -> nn.Sequential:
    """A classifier that draws random numbers and has buffers."""
    te.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(dropout), nn.Linear(6, 3))


def loader_of(seed: int = 3, **options: Any) -> data.DataLoader:
    return data.DataLoader(data.ArrayDataset(X, LABELS), 8, shuffle=True, seed=seed, **options)


class Average:
    """An exponential mean of the weights, written by hand."""

    def __init__(self, model: nn.Module) -> None:
        self.weights = model.state_dict()

    def update_parameters(self, model: nn.Module) -> None:
        for name, array in model.state_dict().items():
            self.weights[name] = (0.9 * self.weights[name] + 0.1 * array).astype(array.dtype)

    def state_dict(self) -> dict[str, Any]:
        return self.weights

    def load_state_dict(self, state: Any) -> None:
        self.weights = dict(state)


class Notes(training.Callback):
    """Everything that happens, and a state that depends on all of it."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.total = 0.0

    def on_fit_begin(self, run: Any) -> None:
        self.events.append("fit")

    def on_epoch_begin(self, run: Any) -> None:
        self.events.append(f"epoch {run.epoch}")

    def on_step(self, run: Any) -> None:
        self.events.append(f"step {run.step}")
        self.total = self.total * 0.9 + run.loss

    def on_epoch_end(self, run: Any) -> None:
        self.events.append(f"end {run.row['epoch']}")

    def on_fit_end(self, run: Any) -> None:
        self.events.append(run.history.ended)

    def state_dict(self) -> dict[str, Any]:
        return {"total": self.total}

    def load_state_dict(self, state: Any) -> None:
        self.total = state["total"]


class Interrupt(training.Callback):
    """Ends the run after a step, as Ctrl-C does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: Any) -> None:
        if run.step == self.step:
            run.interrupt()


class Whole:
    """A run with everything that has a state; `fit` trains it, `bits` is all of its state."""

    def __init__(self, **options: Any) -> None:
        self.model = model_of()
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.02)
        self.schedule = optim.Schedule(self.optimizer, optim.CosineLR(30))
        self.ema, self.notes = Average(self.model), Notes()
        self.stopping = training.EarlyStopping(patience=50)
        self.noise = te.Generator(17)
        self.loader: Any = loader_of()
        self.options: dict[str, Any] = {
            "epochs": 4, "validation": HELD, "metrics": [metrics.Accuracy(), metrics.ROCAUC()],
            "ema": self.ema, "schedule": self.schedule, "callbacks": [self.notes, self.stopping],
            "verbose": False,
            "generators": {"noise": self.noise}, **options,
        }  # fmt: skip
        self.history: Any = None

    def step(self, model: Any, batch: Any) -> dict[str, Any]:
        x, y = batch
        if te.is_grad_enabled():
            x = x + 0.1 * te.tensor(self.noise.normal(x.shape))
        out = model(x)
        return {"loss": te.cross_entropy(out, y), "outputs": out, "targets": y, "size": abs(out).mean()}

    def fit(self, **options: Any) -> Whole:
        extra = options.pop("extra", [])
        given = {**self.options, **options}
        given["callbacks"] = [*given["callbacks"], *extra]
        self.history = training.fit(
            self.model, self.loader, optimizer=self.optimizer, step=self.step, **given
        )
        return self

    def bits(self) -> str:
        """All of it, as text in which numbers have all of their digits."""

        def exact(value: Any) -> Any:
            if isinstance(value, np.ndarray):
                return value.dtype.str, value.shape, value.tobytes().hex()
            if isinstance(value, dict):
                return {key: exact(item) for key, item in value.items()}
            return [exact(item) for item in value] if isinstance(value, list) else repr(value)

        objects = (self.model, self.optimizer, self.schedule, self.ema, self.notes, self.stopping, self.noise)
        loader = self.loader.state_dict() if hasattr(self.loader, "state_dict") else None
        return repr([*(exact(one.state_dict()) for one in objects), loader, exact(self.history.rows),
                     te.rand(3).numpy().tobytes().hex()])  # fmt: skip


def weights(model: nn.Module) -> str:
    return repr({name: array.tobytes().hex() for name, array in model.state_dict().items()})
