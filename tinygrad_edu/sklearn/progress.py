"""Progress: a network in training and the optimizer that changes it, which `partial_fit` continues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.sklearn.network import Network
from tinygrad_edu.sklearn.records import Settings
from tinygrad_edu.sklearn.rules import ScikitAdam, ScikitSGD


class Progress:
    """`solver` is the name of the rule that `optimizer` follows over the parameters of `network`.

    `key` holds the settings that the network was made for; with other settings a new network is needed.
    """

    def __init__(
        self, key: Any, network: Network, settings: Settings, saved: Mapping[str, Any] | None = None
    ) -> None:
        """A new optimizer with these settings, or one that continues from `saved`, with the settings it
        started with."""
        self.key, self.network = key, network
        self.solver = saved["solver"] if saved else settings.solver
        self.optimizer: ScikitAdam | ScikitSGD
        if self.solver == "adam":
            self.optimizer = ScikitAdam(
                self.network.parameters,
                settings.learning_rate_init,
                settings.beta_1,
                settings.beta_2,
                settings.epsilon,
            )
        else:
            self.optimizer = ScikitSGD(
                self.network.parameters,
                settings.learning_rate_init,
                settings.momentum,
                settings.nesterovs_momentum,
                settings.learning_rate,
                settings.power_t,
            )
        if saved:
            self._load(saved)

    def saved(self) -> dict[str, Any]:
        """The optimizer as packed arrays, so that either kind of network with these layers can use it."""
        state = self.optimizer.state_dict()
        settings = {k: v for k, v in state["param_groups"][0].items() if k != "params"}
        rows, names = state["state"], self.optimizer.memory(settings)
        moments = {
            name: self.network.pack(
                [
                    rows[i][name] if i in rows else np.zeros(p.shape, p.dtype)
                    for i, p in enumerate(self.network.parameters)
                ]
            )
            for name in names
            if rows
        }
        return {
            "solver": self.solver,
            "settings": settings,
            "moments": moments,
            "step": max((row["step"] for row in rows.values()), default=0),
        }

    def _load(self, saved: Mapping[str, Any]) -> None:
        numbers = range(len(self.network.parameters))
        moments = {name: self.network.unpack(vector) for name, vector in saved["moments"].items()}
        rows = {
            i: {"step": saved["step"], **{name: arrays[i] for name, arrays in moments.items()}}
            for i in numbers
            if moments
        }
        self.optimizer.load_state_dict(
            {"state": rows, "param_groups": [{**saved["settings"], "params": list(numbers)}]}
        )
