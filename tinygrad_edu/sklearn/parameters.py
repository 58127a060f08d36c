"""The parameters of the estimators and their ranges: first those of scikit-learn, then ours.

The tables say which values are allowed. The functions below convert them, and raise errors for what a table
cannot check.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from tinygrad_edu import catalogue
from tinygrad_edu.backend import registry
from tinygrad_edu.sklearn.door import HasMethods, Interval, Options, StrOptions
from tinygrad_edu.sklearn.graph import ACTIVATIONS


def _positive_integers() -> Any:
    return Interval(Integral, 1, None, closed="left")


def _numbers(low: float, high: float | None, closed: str) -> list[Any]:
    return [Interval(Real, low, high, closed=closed)]


SHARED: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", _positive_integers()],
    "activation": [StrOptions(set(ACTIVATIONS)), list, tuple, np.ndarray],
    "solver": [StrOptions(set(catalogue.SOLVERS))],
    "alpha": _numbers(0, None, "left"),
    "batch_size": [StrOptions({"auto"}), _positive_integers()],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": _numbers(0, None, "neither"),
    "power_t": _numbers(0, None, "left"),
    "max_iter": [_positive_integers()],
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
    "n_iter_no_change": [_positive_integers(), Options(Real, {np.inf})],
    "max_fun": [_positive_integers()],
    "dropout": [*_numbers(0, 1, "left"), list, tuple, np.ndarray],
    "callbacks": [list, tuple, None],
    "device": [str, None],
    "dtype": [str, type, np.dtype, None],
    "module": [callable, None],
    "comm": [HasMethods(["all_reduce", "broadcast_object"]), None],
}
CLASSIFIER = {**SHARED, "class_weight": [StrOptions({"balanced"}), dict, list, None]}
REGRESSOR = {**SHARED, "loss": [StrOptions(set(catalogue.LOSSES))]}

# The end of the docstring of both estimators.
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
        Called with the estimator after every epoch, or iteration of L-BFGS; one that returns True ends the
        fit. `coefs_` may be the memory that training goes on in: keep copies, and do not write.
    device : "cpu", "cuda" or "simulator", default None
        Where to compute; the simulator is a CUDA device on the CPU. None is the cpu.
    dtype : "float32" or "float64", default None
        What to compute in; None is the data's own, and float64 for integers.
    module : nn.Module or function, default None
        Your own network, (rows, inputs) -> (rows, outputs), instead of the perceptron: a module, of which a
        copy is trained, or a function (inputs, outputs) -> module. What comes out are sums, before the output
        activation. The trained one is the attribute `module_`; there are no `coefs_` then.
    comm : Comm of tinygrad_edu.distributed, default None
        In a job, all ranks of which fit the same rows together: each works on its part of every batch, and
        all get the same network, that of one process to rounding. Random numbers and scores are rank 0's,
        a callback of any rank can end the fit, and rank 0 prints. Dropout differs between ranks, and batch
        norm sees the rank's part. `clone` keeps the comm; a pickle and a copy have None.

    Attributes
    ----------
    validation_curve_ : list of float
        The loss of the held-out rows after every epoch, or iteration of L-BFGS: with `early_stopping` or
        `fit(validation_set=(X, y))`.

    Notes
    -----
    Where the data are wide and mostly zeros, the first layer multiplies the seldom filled columns apart and
    adds the sums in another order. Their last bits are then not scikit-learn's, and a fit that magnifies
    rounding, by high learning rates over many epochs, shows it: as scikit-learn's own result changes there
    with the number of threads of its BLAS. A difference on purpose: `partial_fit` is refused with "lbfgs" by
    both estimators; scikit-learn's regressor lets it through, and then fits anew on each part.
    """


def hidden_sizes(given: Any) -> list[int]:
    """A width for each hidden layer."""
    sizes = list(given) if hasattr(given, "__iter__") else [given]
    if np.any(np.array(sizes) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def _as_tuple(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, list | tuple | np.ndarray) else (None,)


def activation_names(given: Any, layers: int) -> tuple[str, ...]:
    """One name for each of `layers` hidden layers."""
    names = (given,) * layers if isinstance(given, str) else _as_tuple(given)
    if len(names) != layers or not all(isinstance(name, str) and name in ACTIVATIONS for name in names):
        raise ValueError(
            f"activation={given!r} must be one of {', '.join(ACTIVATIONS)}, or a list of "
            f"{layers} of them, one for each hidden layer"
        )
    return names


def dropout_shares(given: Any, layers: int) -> tuple[float, ...]:
    """One share for each of `layers` hidden layers."""
    shares = (given,) * layers if isinstance(given, Real) else _as_tuple(given)
    fair = [isinstance(share, Real) and 0 <= float(share) < 1 for share in shares]
    if len(shares) != layers or not all(fair):
        raise ValueError(
            f"dropout={given!r} must be a number in [0, 1), or a list of {layers}, one for each hidden layer"
        )
    return tuple(map(float, shares))


def dtype_of(given: Any) -> np.dtype[Any] | None:
    """The dtype that `given` names; None stays None."""
    try:
        dtype = None if given is None else np.dtype(given)
    except TypeError:
        dtype = np.dtype(object)
    if dtype not in (None, np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype={given!r} must be float32 or float64, or None for the data's own")
    return dtype


def check(estimator: Any) -> None:
    """Raise ValueError for settings that cannot be used, or not together."""
    layers = len(hidden_sizes(estimator.hidden_layer_sizes))
    activation_names(estimator.activation, layers)
    dtype_of(estimator.dtype)
    if any(dropout_shares(estimator.dropout, layers)) and estimator.solver == "lbfgs":
        raise ValueError(
            "dropout makes the loss another one at every evaluation, which solver='lbfgs' "
            "cannot descend; use 'adam' or 'sgd', or dropout=0"
        )
    device, callbacks = estimator.device, estimator.callbacks
    if device is not None and not (isinstance(device, str) and registry.known(device)):
        raise ValueError(f"device={device!r} is not here; there are: {', '.join(registry.devices())}")
    if callbacks is not None and not (isinstance(callbacks, list | tuple) and all(map(callable, callbacks))):
        raise ValueError(
            f"callbacks={callbacks!r:.80} must be a list of functions that can be called with the estimator"
        )
    if not isinstance(getattr(estimator, "class_weight", None), str | Mapping | list | None):
        raise ValueError(
            f"class_weight={estimator.class_weight!r:.80} must be a dict, {{class: weight}}, "
            "'balanced' or None; of several labels a list of dicts"
        )


def is_stochastic(estimator: Any) -> bool:
    """Whether its solver trains batch by batch; if not, raises AttributeError, as an absent method does."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True
