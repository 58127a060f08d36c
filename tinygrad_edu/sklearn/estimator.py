"""Perceptron: what both estimators share: checks, first weights, and the way of a fit and of a prediction."""
from __future__ import annotations

import copy
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.sklearn import graph, plain
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
from tinygrad_edu.sklearn.graph import Graph, made, moved, perceptron
from tinygrad_edu.sklearn.losses import LOSSES, Array, Loss
from tinygrad_edu.sklearn.network import Network, Samples
from tinygrad_edu.sklearn.parameters import (
    ADDED,
    activation_names,
    check,
    dropout_shares,
    dtype_of,
    hidden_sizes,
)
from tinygrad_edu.sklearn.plain import Plain
from tinygrad_edu.sklearn.progress import Progress
from tinygrad_edu.sklearn.quasi_newton import QuasiNewton
from tinygrad_edu.sklearn.rows import rows_of
from tinygrad_edu.sklearn.stochastic import Descent

SPARSE = ("csr", "csc")


class Perceptron(BaseEstimator, metaclass=ABCMeta):
    """The base of MLPClassifier and MLPRegressor, which say what targets, outputs and scores mean."""
    _numeric: ClassVar[bool]        # whether targets must be numbers

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(f"{__package__}."):     # and not of a user's subclass
            cls.__doc__ = (cls.__doc__ or "").rstrip() + ADDED

    # -- what the two say ------------------------------------------------------------------------------------

    @abstractmethod
    def _targets(self, y: Any, *, fresh: bool, held_out: bool = False) -> Array:
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

    def _weights_of(self, y: Any, weight: Array | None, *, incremental: bool = False,
                    held_out: bool = False) -> Array | None:
        """Sample weights, with whatever the estimator adds to them."""
        return weight

    def _meet(self, y: Any, classes: Any) -> None:
        """What the first `partial_fit` must be told."""

    # -- fitting ---------------------------------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *,
            validation_set: tuple[Any, Any] | None = None) -> Self:
        """Learn from `X` (rows, inputs), an array, data frame or sparse matrix, and targets `y`.

        `validation_set`, (X, y), is held out: its loss goes into `validation_curve_`, and `early_stopping`
        watches it instead of rows split off from these. Returns the estimator.
        """
        return self._fit(X, y, sample_weight, validation_set=validation_set)

    def _fit(self, X: Any, y: Any, weight: Any = None, *, incremental: bool = False, classes: Any = None,
             validation_set: Any = None) -> Self:
        before = self.__dict__.copy()
        try:
            training = self._prepared(X, y, weight, incremental, classes, validation_set)
        except BaseException:       # then nothing has been trained, and nothing is lost
            self.__dict__ = before
            raise
        training.run()
        if not np.isfinite(training.network.vector()).all():
            raise ValueError("Solver produced non-finite parameter weights. The input data may contain large "
                             "values and need to be preprocessed.")
        return self

    def _prepared(self, X: Any, y: Any, weight: Any, incremental: bool, classes: Any,
                  validation_set: Any) -> Descent | QuasiNewton:
        """Everything checked, in its place and ready to run."""
        check(self)
        if self.early_stopping and incremental and self.solver != "lbfgs":
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "t_") or not (self.warm_start or incremental)
        if incremental:
            self._meet(y, classes)
        X, y = self._checked(X, y, reset=first)
        target = self._targets(y, fresh=not (self.warm_start or incremental))
        if weight is not None:
            weight = check_sample_weight(weight, X)
        weight = self._weights_of(y, weight, incremental=incremental)
        self.n_outputs_ = target.shape[1]
        self._random_state = check_random_state(self.random_state)
        hidden = hidden_sizes(self.hidden_layer_sizes)
        if first:
            self._initialize([X.shape[1], *hidden, self.n_outputs_], X.dtype)
        else:
            self._check_same_network(hidden)
        dtype = X.dtype if first or self.dtype is not None else self._weights_dtype()
        if self.solver == "lbfgs" and self.dtype is None:
            X, dtype = X.astype(np.float64, copy=False), np.dtype(np.float64)     # SciPy's own
        if hasattr(self, "module_"):
            self.module_: nn.Module = moved(self.module_, self.device or "cpu", dtype)
        held_out = None if validation_set is None else self._validation(validation_set)
        if self.solver == "lbfgs":
            return QuasiNewton(self, self._network(dtype), self._samples(X, target, weight), held_out)
        self._open_books(first)
        self._progress = self._go_on(dtype, incremental)
        self._adopt(self._progress.network)
        return self._descent(self._progress, X, target, weight, incremental, held_out)

    def _descent(self, progress: Progress, X: Any, target: Array, weight: Array | None, incremental: bool,
                 held_out: Samples | None) -> Descent:
        if held_out is None and self.early_stopping:
            parts = train_test_split(X, target, *([] if weight is None else [weight]),
                                     stratify=target if self._stratified() else None,
                                     random_state=self._random_state, test_size=self.validation_fraction)
            X, target, weight = (*parts[0::2], None)[:3]
            held_out = self._samples(*(*parts[1::2], None)[:3])
            if len(held_out.rows) < 2:
                raise ValueError("The validation set is too small. Increase 'validation_fraction' or the "
                                 "size of your dataset.")
        rows = X.shape[0]
        batch_size = min(200, rows) if self.batch_size == "auto" else self.batch_size
        if batch_size > rows:
            warnings.warn("Got `batch_size` less than 1 or larger than sample size. It is going to be "
                          "clipped", stacklevel=2)
            batch_size = rows
        train = self._samples(X, target, weight, batch_size)
        return Descent(self, progress, train, held_out, batch_size, incremental=incremental)

    def _validation(self, given: Any) -> Samples:
        """The rows that the user holds out."""
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise ValueError(f"validation_set must be a pair, (X, y), not {type(given).__name__}"
                             + (f" of {len(given)}" if isinstance(given, tuple | list) else ""))
        X, y = self._checked(*given, reset=False)
        target = self._targets(y, fresh=False, held_out=True)
        if X.shape[0] < 2 or target.shape[1] != self.n_outputs_:
            raise ValueError(f"validation_set has {X.shape[0]} rows and {target.shape[1]} outputs; it needs "
                             f"2 rows or more, and the {self.n_outputs_} outputs of the training data")
        return self._samples(X, target, self._weights_of(y, None, held_out=True))

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y, accept_sparse=SPARSE, multi_output=True, y_numeric=self._numeric,
                             dtype=self._dtypes(), reset=reset)
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _samples(self, X: Any, y: Array, weight: Array | None, batch_size: int = 0) -> Samples:
        """`batch_size`, if given, is that of the descent: then the products may be cut by columns."""
        work = batch_size * X.shape[1] * self.coefs_[0].shape[1] if self._is_plain() else 0
        return Samples(rows_of(X, work=work), y, self._loss.prepare(y, X.dtype), weight)

    def _initialize(self, sizes: Sequence[int], dtype: Any) -> None:
        """Draw the first weights, as Glorot and Bengio do (AISTATS 2010)."""
        for name in ("coefs_", "intercepts_", "module_", "_module", "_generator", "_progress"):
            self.__dict__.pop(name, None)
        self.n_iter_ = self.t_ = 0
        self.out_activation_ = self._out_activation()
        self.n_layers_ = len(sizes)
        if self.module is not None or any(self._dropout(len(sizes) - 2)):
            self._generator = Generator(self._random_state.randint(2**31))
        if self.module is not None:
            self._module = self.module
            self.module_ = made(self.module, sizes[0], sizes[-1], self._generator.key)
            return
        names = self._activations(len(sizes) - 2)
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

    def _hidden_layers(self) -> int:
        return len(self.coefs_) - 1

    def _activations(self, layers: int) -> tuple[str, ...]:
        return activation_names(self.activation, layers)

    def _dropout(self, layers: int) -> tuple[float, ...]:
        return dropout_shares(self.dropout, layers)

    def _dtypes(self) -> Any:
        return dtype_of(self.dtype) or (np.float64, np.float32)

    def _is_plain(self, *, training: bool = True) -> bool:
        """Whether the formulas of `plain` are enough, or autograd is needed."""
        if hasattr(self, "module_") or self.device not in (None, "cpu"):
            return False
        layers = self._hidden_layers()
        return (set(self._activations(layers)) <= set(plain.ACTIVATIONS)
                and not (training and any(self._dropout(layers))))

    def _check_same_network(self, hidden: list[int]) -> None:
        """What a warm start or `partial_fit` goes on with must be what the parameters say."""
        remedy = "call fit with warm_start=False to begin anew"
        if self.module is not getattr(self, "_module", None):
            raise ValueError(f"module= is not the one that the trained network was made from; {remedy}")
        if self.module is not None:
            return
        *trained, outputs = (coef.shape[1] for coef in self.coefs_)
        if hidden != trained or outputs != self.n_outputs_:
            raise ValueError(f"the trained network has hidden layers of {trained} and {outputs} outputs, "
                             f"hidden_layer_sizes and y now say {hidden} and {self.n_outputs_}; {remedy}")

    def _go_on(self, dtype: Any, incremental: bool) -> Progress:
        """A network to train, with the weights that the estimator has, and its optimizer: in `partial_fit`
        that of the call before."""
        module = getattr(self, "module_", None)
        layers = 0 if module is not None else self._hidden_layers()
        key = (np.dtype(dtype), self.device, self.alpha, self.out_activation_,
               None if module is not None else (self._activations(layers), self._dropout(layers)))
        kept = getattr(self, "_progress", None)
        shown = (module,) if module is not None else (*self.coefs_, *self.intercepts_)
        if isinstance(kept, Progress) and kept.key == key and kept.network.shows(shown):
            return kept if incremental else Progress(key, kept.network, self)
        saved = kept.saved() if isinstance(kept, Progress) else kept
        return Progress(key, self._network(dtype), self, saved if incremental else None)

    def _network(self, dtype: Any) -> Network:
        if self._is_plain():
            coefs, intercepts = ([a.astype(dtype, copy=False) for a in arrays]
                                 for arrays in (self.coefs_, self.intercepts_))
            return Plain(coefs, intercepts, self._activations(self._hidden_layers()), self._loss, self.alpha)
        if not hasattr(self, "_generator") and any(self._dropout(self._hidden_layers())):
            self._generator = Generator(self._random_state.randint(2**31))
        device = self.device or "cpu"
        return Graph(moved(self._as_module(), device, dtype), self.n_outputs_, self._loss, self.alpha, device,
                     dtype, getattr(self, "_generator", None))

    def _as_module(self) -> nn.Module:
        if hasattr(self, "module_"):
            return self.module_
        layers = self._hidden_layers()
        return perceptron(self.coefs_, self.intercepts_, self._activations(layers), self._dropout(layers))

    def _adopt(self, network: Network) -> None:
        """Show the network's weights as the estimator's; those of a `Plain` are its memory itself."""
        if not hasattr(self, "module_"):
            self.coefs_, self.intercepts_ = network.layers()

    def _hold_out(self, network: Network, held_out: Samples) -> Array:
        """The outputs for rows that are held out; their loss goes into the records."""
        outputs = network.outputs(held_out.rows.whole())
        self.validation_curve_.append(self._loss.value(outputs, held_out.target, held_out.weight))
        return outputs

    def _called_back(self, network: Network) -> bool:
        """Call the user's functions with the estimator as it is; one that returns True ends the training."""
        if not self.callbacks:
            return False
        self._adopt(network)
        answers = [callback(self) for callback in self.callbacks]
        return any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in answers)

    def __getstate__(self) -> Any:
        """Of the progress, what can be pickled: views of an arena come out of a pickle as copies."""
        state = dict(super().__getstate__())
        if isinstance(state.get("_progress"), Progress):
            state["_progress"] = state["_progress"].saved()
        return state

    def to_module(self) -> nn.Module:
        """A copy of the trained network, a module of this library; it takes and returns Tensors.

        Its outputs are the sums before the output activation. It is in evaluation mode; `train()` it to go
        on with dropout or batch norm.
        """
        check_is_fitted(self)
        module = copy.deepcopy(self._as_module())
        module.eval()
        return module

    def _outputs(self, X: Any) -> Array:
        """What the network says (rows, outputs) for data that is checked here."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=SPARSE, reset=False,
                          dtype="numeric" if self.dtype is None else self._dtypes())
        batch = rows_of(X, work=0).whole()
        device = self.device or "cpu"
        if hasattr(self, "module_"):
            return graph.outputs_of_module(batch, self.module_, self.n_outputs_, self._loss, device)
        weights = self.coefs_, self.intercepts_, self._activations(self._hidden_layers())
        if self._is_plain(training=False):
            return plain.outputs_of(batch, *weights, self._loss)
        return graph.outputs_of(batch, *weights, self._loss, device)

    def _weights_dtype(self) -> Any:
        return next(self.module_.parameters()).dtype if hasattr(self, "module_") else self.coefs_[0].dtype

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
