"""MLPRegressor: quantities, or counts, from a multilayer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from tinygrad_edu.sklearn.door import RegressorMixin, available_if, fit_context, issparse, r2_score
from tinygrad_edu.sklearn.estimator import Perceptron
from tinygrad_edu.sklearn.losses import Array
from tinygrad_edu.sklearn.parameters import REGRESSOR, is_stochastic

OUTPUTS = {"squared_error": "identity", "poisson": "exp"}  # {loss: the output activation that belongs to it}


class MLPRegressor(RegressorMixin, Perceptron):
    """scikit-learn's MLPRegressor, on this library: quantities, or counts with `loss="poisson"`.

    Parameters, attributes and results are scikit-learn's, and its documentation applies. These are added.
    """

    _numeric = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = REGRESSOR

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float | Sequence[float] = 0.0,
        callbacks: Sequence[Callable[[Any], Any]] | None = None,
        device: str | None = None,
        dtype: Any = None,
        module: Any = None,
        comm: Any = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.callbacks = callbacks
        self.device = device
        self.dtype = dtype
        self.module = module
        self.comm = comm

    def _targets(self, y: Any, *, fresh: bool, held_out: bool = False) -> Array:
        y = np.asarray(y.toarray() if issparse(y) else y)
        if y.dtype.kind not in "biuf":
            raise ValueError(f"y has dtype {y.dtype}; a regressor learns numbers, so convert it first")
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _predictions(self, outputs: Array) -> Array:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _score(self, labels: Array, predicted: Array, weight: Array | None) -> float:
        if not np.isfinite(predicted).all():
            return np.nan
        return float(r2_score(labels, predicted, sample_weight=weight))

    def _out_activation(self) -> str:
        return OUTPUTS[self.loss]

    @available_if(is_stochastic)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on these rows."""
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """The quantity of each row (rows,), or its quantities (rows, outputs)."""
        return self._predictions(self._outputs(X))
