"""What may be chosen: scikit-learn's parameters of a multilayer perceptron and their ranges, then ours."""
from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from tinygrad_edu.sklearn.door import Interval, Options, StrOptions
from tinygrad_edu.sklearn.graph import ACTIVATIONS


def _counts() -> Any:
    return Interval(Integral, 1, None, closed="left")


def _numbers(low: float, high: float | None, closed: str) -> list[Any]:
    return [Interval(Real, low, high, closed=closed)]


SHARED: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", _counts()],
    "activation": [StrOptions(set(ACTIVATIONS)), list, tuple],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": _numbers(0, None, "left"),
    "batch_size": [StrOptions({"auto"}), _counts()],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": _numbers(0, None, "neither"),
    "power_t": _numbers(0, None, "left"),
    "max_iter": [_counts()],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": _numbers(0, None, "left"),
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": _numbers(0, 1, "both"),
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": _numbers(0, 1, "left"),
    "beta_1": _numbers(0, 1, "left"),
    "beta_2": _numbers(0, 1, "left"),
    "epsilon": _numbers(0, None, "neither"),
    "n_iter_no_change": [_counts(), Options(Real, {np.inf})],
    "max_fun": [_counts()],
    "dropout": [*_numbers(0, 1, "left"), list, tuple],
    "callbacks": [list, tuple, None],
    "device": [str, None],
    "dtype": [StrOptions({"float32", "float64"}), type, np.dtype, None],
    "module": [callable, None],
}
CLASSIFIER = {**SHARED, "class_weight": [StrOptions({"balanced"}), dict, list, None]}
REGRESSOR = {**SHARED, "loss": [StrOptions({"squared_error", "poisson"})]}

# Stands at the end of the documentation of both.
ADDED = """

    Parameters
    ----------
    class_weight : dict, "balanced" or None, default None
        Of the classifier: what a row counts for, by its class; "balanced" makes all classes count the same.
    activation : str or list of str
        One for all hidden layers, or a list with one for each; of this library's functions too.
    dropout : float or list of float, default 0
        The share of outputs that training drops, of every hidden layer or of each.
    callbacks : list of functions, default None
        Called with the estimator after every epoch; one that returns True ends the fit.
    device : "cpu", "cuda" or "simulator", default None
        Where to compute; the simulator is a CUDA device on the CPU. None is the cpu.
    dtype : "float32" or "float64", default None
        What to compute in; None is the data's own, and float64 for integers.
    module : nn.Module or function, default None
        Your own network, (rows, inputs) -> (rows, outputs), instead of the perceptron: a module, of which a
        copy is trained, or a function (inputs, outputs) -> module. What comes out are sums, before the output
        activation. The trained one is the attribute `module_`; there are no `coefs_` then.

    Attributes
    ----------
    validation_curve_ : list of float
        The loss of the held-out rows, an epoch each: with `early_stopping` or `fit(validation_set=(X, y))`.
    """


def descends(estimator: Any) -> bool:
    """Whether its solver goes batch by batch. Raises AttributeError, as an absent method does, if not."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is only available for stochastic optimizers. "
                             f"{estimator.solver} is not stochastic.")
    return True
