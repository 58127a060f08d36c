"""Progress: a network in training and the optimizer that changes it, which `partial_fit` goes on with."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.sklearn.network import Network
from tinygrad_edu.sklearn.rules import SGD, Adam

if TYPE_CHECKING:
    from tinygrad_edu.sklearn.estimator import Perceptron


class Progress:
    """`solver` is the name of the rule that `optimizer` follows over the parameters of `network`.

    The network was made for the settings `key`, and serves as long as these are the estimator's.
    """

    def __init__(self, key: Any, network: Network, model: Perceptron,
                 saved: Mapping[str, Any] | None = None) -> None:
        """A new optimizer of the estimator's settings; or one that goes on where `saved` was taken, with the
        settings it was begun with."""
        self.key, self.network = key, network
        self.solver = saved["solver"] if saved else model.solver
        self.optimizer: Adam | SGD
        if self.solver == "adam":
            self.optimizer = Adam(self.network.parameters, model.learning_rate_init, model.beta_1,
                                  model.beta_2, model.epsilon)
        else:
            self.optimizer = SGD(self.network.parameters, model.learning_rate_init, model.momentum,
                                 model.nesterovs_momentum, model.learning_rate, model.power_t)
        if saved:
            self._load(saved)

    def saved(self) -> dict[str, Any]:
        """The optimizer in plain arrays, packed, so that any kind of network of these layers can go on."""
        state = self.optimizer.state_dict()
        settings = {k: v for k, v in state["param_groups"][0].items() if k != "params"}
        rows, names = state["state"], self.optimizer.memory(settings)
        moments = {name: self.network.pack([rows[i][name] if i in rows else np.zeros(p.shape, p.dtype)
                                            for i, p in enumerate(self.network.parameters)])
                   for name in names if rows}
        return {"solver": self.solver, "settings": settings, "moments": moments,
                "step": max((row["step"] for row in rows.values()), default=0)}

    def _load(self, saved: Mapping[str, Any]) -> None:
        numbers = range(len(self.network.parameters))
        moments = {name: self.network.unpack(vector) for name, vector in saved["moments"].items()}
        rows = {i: {"step": saved["step"], **{name: arrays[i] for name, arrays in moments.items()}}
                for i in numbers if moments}
        self.optimizer.load_state_dict({"state": rows, "param_groups": [{**saved["settings"],
                                                                         "params": list(numbers)}]})
