"""Perceptron: what both estimators share: checks, first weights, and the way of a fit and of a prediction."""
from __future__ import annotations

import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.dtypes import as_dtype
from tinygrad_edu.sklearn import plain
from tinygrad_edu.sklearn.door import (
    BaseEstimator,
    check_is_fitted,
    check_random_state,
    check_sample_weight,
    column_or_1d,
    fit_context,
    train_test_split,
    validate_data,
)
from tinygrad_edu.sklearn.graph import ACTIVATIONS, Graph, made, perceptron
from tinygrad_edu.sklearn.losses import LOSSES, Array, Loss
from tinygrad_edu.sklearn.network import Network, Samples
from tinygrad_edu.sklearn.parameters import ADDED
from tinygrad_edu.sklearn.plain import Plain, outputs_of
from tinygrad_edu.sklearn.quasi_newton import fit_by_lbfgs
from tinygrad_edu.sklearn.rows import rows_of
from tinygrad_edu.sklearn.stochastic import Descent

SPARSE = ("csr", "csc")


class Perceptron(BaseEstimator, metaclass=ABCMeta):
    """The base of MLPClassifier and MLPRegressor, which say what targets, outputs and scores mean."""
    _numeric: ClassVar[bool]        # whether targets must be numbers

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__doc__ = (cls.__doc__ or "").rstrip() + ADDED

    # -- what the two say ------------------------------------------------------------------------------------

    @abstractmethod
    def _targets(self, y: Any, *, fresh: bool) -> Array:
        """Checked targets (rows, outputs) as numbers; `fresh`: with nothing kept of a fit before."""

    @abstractmethod
    def _meaning(self, outputs: Array) -> Array:
        """What `predict` says for outputs (rows, outputs) of the network."""

    def _labels(self, target: Array) -> Array:
        """The inverse of `_targets`, for scores."""
        return target

    @abstractmethod
    def _score(self, labels: Array, predicted: Array, weight: Array | None) -> float:
        """The score that early stopping watches."""

    @abstractmethod
    def _out_activation(self) -> str:
        """The name of a loss in `LOSSES`."""

    def _stratified(self) -> bool:
        """Whether rows are held out with the targets in equal shares."""
        return False

    def _weights_of(self, y: Any, weight: Array | None, *, incremental: bool) -> Array | None:
        """Sample weights, with whatever the estimator adds to them."""
        return weight

    # -- fitting ---------------------------------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *,
            validation_set: tuple[Any, Any] | None = None) -> Self:
        """Learn from `X` (rows, inputs), an array, data frame or sparse matrix, and targets `y`.

        `validation_set`, (X, y), is held out: its loss goes into `validation_curve_`, and `early_stopping`
        watches it instead of rows split off from these. Returns the estimator.
        """
        return self._fit(X, y, sample_weight, validation_set=validation_set)

    def _fit(self, X: Any, y: Any, weight: Any = None, *, incremental: bool = False,
             validation_set: tuple[Any, Any] | None = None) -> Self:
        hidden = self._hidden()
        first = not hasattr(self, "t_") or not (self.warm_start or incremental)
        X, y = self._checked(X, y, reset=first)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        target = self._targets(y, fresh=not (self.warm_start or incremental))
        if weight is not None:
            weight = check_sample_weight(weight, X)
        weight = self._weights_of(y, weight, incremental=incremental)
        self.n_outputs_ = target.shape[1]
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialize([X.shape[1], *hidden, self.n_outputs_], X.dtype)
        network = self._network(X.dtype)
        self._adopt(network)
        if self.solver == "lbfgs":
            fit_by_lbfgs(self, network, self._samples(X, target, weight))
        else:
            self._open_books(first)
            self._descend(network, X, target, weight, incremental, validation_set)
        self._adopt(network)
        if not np.isfinite(network.vector()).all():
            raise ValueError("Solver produced non-finite parameter weights. The input data may contain large "
                             "values and need to be preprocessed.")
        return self

    def _descend(self, network: Network, X: Any, target: Array, weight: Array | None, incremental: bool,
                 validation_set: tuple[Any, Any] | None) -> None:
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        held_out = None
        if validation_set is not None:
            other, y = self._checked(*validation_set, reset=False)
            held_out = self._samples(other, self._targets(y, fresh=False), None)
        elif self.early_stopping:
            parts = train_test_split(X, target, *([] if weight is None else [weight]),
                                     stratify=target if self._stratified() else None,
                                     random_state=self._random_state, test_size=self.validation_fraction)
            X, target, weight = (*parts[0::2], None)[:3]
            held_out = self._samples(*(*parts[1::2], None)[:3])
        if held_out is not None and len(held_out.rows) < 2:
            raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of "
                             "your dataset.")
        rows = X.shape[0]
        batch_size = min(200, rows) if self.batch_size == "auto" else self.batch_size
        if batch_size > rows:
            warnings.warn("Got `batch_size` less than 1 or larger than sample size. It is going to be "
                          "clipped", stacklevel=2)
            batch_size = rows
        train = self._samples(X, target, weight, batch_size)
        Descent(self, network, train, held_out, batch_size, incremental=incremental).run()

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        return validate_data(self, X, y, accept_sparse=SPARSE, multi_output=True, y_numeric=self._numeric,
                             dtype=self._dtypes(), reset=reset)

    def _samples(self, X: Any, y: Array, weight: Array | None, batch_size: int = 0) -> Samples:
        """`batch_size`, if given, is that of the descent: then the products may be cut by columns."""
        work = batch_size * X.shape[1] * self.coefs_[0].shape[1] if self._is_plain() else 0
        return Samples(rows_of(X, work=work), y, self._loss.prepare(y, X.dtype), weight)

    def _initialize(self, sizes: Sequence[int], dtype: Any) -> None:
        """Draw the first weights, as Glorot and Bengio do (AISTATS 2010)."""
        self.n_iter_ = self.t_ = 0
        self.out_activation_ = self._out_activation()
        self.n_layers_ = len(sizes)
        if self.module is not None or any(self._dropout()):
            self._generator = Generator(self._random_state.randint(2**31))
        if self.module is not None:
            self.module_ = made(self.module, sizes[0], sizes[-1], self._generator.key)
            return
        names = self._activations()
        last = names[-1] if names else self.activation
        self.coefs_: list[Array] = []
        self.intercepts_: list[Array] = []
        for name, (inputs, units) in zip((*names, last), pairwise(sizes), strict=True):
            bound = np.sqrt((2.0 if name in ("logistic", "sigmoid") else 6.0) / (inputs + units))
            for shape, drawn in (((inputs, units), self.coefs_), (units, self.intercepts_)):
                drawn.append(self._random_state.uniform(-bound, bound, shape).astype(dtype, copy=False))

    def _open_books(self, first: bool) -> None:
        """Begin the records of a descent, or see to it that those of the fit before can be gone on with."""
        if first or not hasattr(self, "loss_curve_"):
            self.loss_curve_: list[float] = []
            self.validation_curve_: list[float] = []
            self._no_improvement_count = 0
            self.validation_scores_: Any = None
            self.best_validation_score_: Any = None
            self.best_loss_: Any = None
        if self.early_stopping and self.validation_scores_ is None:
            self.validation_scores_, self.best_validation_score_ = [], -np.inf
        if not self.early_stopping and self.best_loss_ is None:
            self.best_loss_ = np.inf

    # -- the network -----------------------------------------------------------------------------------------

    @property
    def _loss(self) -> Loss:
        return LOSSES[self.out_activation_]

    def _hidden(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        hidden = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        if np.any(np.array(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return hidden

    def _activations(self) -> tuple[str, ...]:
        """A name for each hidden layer."""
        layers, given = len(self._hidden()), self.activation
        names = (given,) * layers if isinstance(given, str) else tuple(given)
        if len(names) != layers or set(names) - set(ACTIVATIONS):
            raise ValueError(f"activation={given!r} must be one of {', '.join(ACTIVATIONS)}, or a list of "
                             f"{layers} of them, one for each hidden layer")
        return names

    def _dropout(self) -> tuple[float, ...]:
        """A share for each hidden layer."""
        layers, given = len(self._hidden()), self.dropout
        shares = tuple(given) if isinstance(given, list | tuple) else (given,) * layers
        if len(shares) != layers or not all(0 <= share < 1 for share in shares):
            raise ValueError(f"dropout={given!r} must be a number in [0, 1), or a list of {layers}, one for "
                             "each hidden layer")
        return shares

    def _dtypes(self) -> Any:
        return (np.float64, np.float32) if self.dtype is None else as_dtype(self.dtype)

    def _is_plain(self, *, training: bool = True) -> bool:
        """Whether the formulas of `plain` are enough, or autograd is needed."""
        return (self.module is None and self.device in (None, "cpu")
                and set(self._activations()) <= set(plain.ACTIVATIONS)
                and not (training and any(self._dropout())))

    def _network(self, dtype: Any) -> Network:
        """A network to train, with the weights that the estimator has."""
        if self._is_plain():
            return Plain(self.coefs_, self.intercepts_, self._activations(), self._loss, self.alpha)
        if any(self._dropout()) and not hasattr(self, "_generator"):
            self._generator = Generator(self._random_state.randint(2**31))
        return self._graph(dtype)

    def _graph(self, dtype: Any) -> Graph:
        return Graph(self.to_module(), self._loss, self.alpha, self.device or "cpu", dtype,
                     getattr(self, "_generator", None))

    def _adopt(self, network: Network) -> None:
        """Show the network's weights as the estimator's; those of a `Plain` are its memory itself."""
        if self.module is None:
            self.coefs_, self.intercepts_ = network.layers()

    def to_module(self) -> nn.Module:
        """The trained network as a module of this library, to go on with; it takes and returns Tensors.

        Its outputs are the sums before the output activation.
        """
        check_is_fitted(self)
        if self.module is not None:
            return self.module_
        return perceptron(self.coefs_, self.intercepts_, self._activations(), self._dropout())

    def _outputs(self, X: Any) -> Array:
        """What the network says (rows, outputs) for data that is checked here."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=SPARSE, reset=False,
                          dtype="numeric" if self.dtype is None else self._dtypes())
        batch = rows_of(X, work=0).whole()
        if self._is_plain(training=False):
            return outputs_of(batch, self.coefs_, self.intercepts_, self._activations(), self._loss)
        return self._graph(self._weights_dtype()).outputs(batch)

    def _weights_dtype(self) -> Any:
        return next(self.to_module().parameters()).dtype

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
