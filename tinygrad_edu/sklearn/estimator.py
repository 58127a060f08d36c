"""Perceptron: what both estimators share: checks, first weights, the steps of a fit and of a prediction."""

from __future__ import annotations

import copy
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.sklearn import graph, plain
from tinygrad_edu.sklearn.door import (
    BaseEstimator,
    check_is_fitted,
    check_sample_weight,
    column_or_1d,
    fit_context,
    train_test_split,
    validate_data,
)
from tinygrad_edu.sklearn.graph import Graph, moved, new_module, perceptron
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
from tinygrad_edu.sklearn.records import Fit, HeldOut, Records
from tinygrad_edu.sklearn.rows import rows_of
from tinygrad_edu.sklearn.shared import check_same, common_random_state, shared, stream_of_rank
from tinygrad_edu.sklearn.stochastic import Descent

SPARSE = ("csr", "csc")


class Perceptron(BaseEstimator, metaclass=ABCMeta):
    """The base of MLPClassifier and MLPRegressor, which define what targets, outputs and scores mean."""

    _numeric: ClassVar[bool]  # whether targets must be numbers

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(f"{__package__}."):  # a user's subclass keeps its own text
            cls.__doc__ = (cls.__doc__ or "").rstrip() + ADDED

    # -- what the two define ---------------------------------------------------------------------------------

    @abstractmethod
    def _targets(self, y: Any, *, fresh: bool, held_out: bool = False) -> Array:
        """Checked targets (rows, outputs) as numbers; `fresh`: nothing of an earlier fit is kept."""

    @abstractmethod
    def _predictions(self, outputs: Array) -> Array:
        """What `predict` returns for outputs (rows, outputs) of the network."""

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
        """Whether the held-out rows contain every class in the same proportion as all rows."""
        return False

    def _sample_weights(
        self, y: Any, weight: Array | None, *, incremental: bool = False, held_out: bool = False
    ) -> Array | None:
        """Sample weights, multiplied by the class weights if the estimator has them."""
        return weight

    def _set_classes(self, y: Any, classes: Any) -> None:
        """Set what the first call of `partial_fit` must know: the classes, in a classifier."""

    # -- fitting ---------------------------------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_set: tuple[Any, Any] | None = None
    ) -> Self:
        """Learn from `X` (rows, inputs), an array, data frame or sparse matrix, and targets `y`.

        `validation_set`, (X, y), is held out: its loss goes into `validation_curve_`, and `early_stopping`
        watches it instead of rows split off from these. Returns the estimator.
        """
        return self._fit(X, y, sample_weight, validation_set=validation_set)

    def _fit(
        self,
        X: Any,
        y: Any,
        weight: Any = None,
        *,
        incremental: bool = False,
        classes: Any = None,
        validation_set: Any = None,
    ) -> Self:
        before = self.__dict__.copy()
        try:
            training = self._new_solver(X, y, weight, incremental, classes, validation_set)
        except BaseException:  # nothing has been trained yet: restore the earlier fit
            self.__dict__ = before
            raise
        training.run()
        if not np.isfinite(training.network.vector()).all():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )
        return self

    def _new_solver(
        self, X: Any, y: Any, weight: Any, incremental: bool, classes: Any, validation_set: Any
    ) -> Descent | QuasiNewton:
        """Check the arguments and return a solver that is ready to run."""
        check(self)
        if self.early_stopping and incremental and self.solver != "lbfgs":
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "t_") or not (self.warm_start or incremental)
        if incremental:
            self._set_classes(y, classes)
        X, y = self._checked(X, y, reset=first)
        target = self._targets(y, fresh=not (self.warm_start or incremental))
        if weight is not None:
            weight = check_sample_weight(weight, X)
        weight = self._sample_weights(y, weight, incremental=incremental)
        self.n_outputs_ = target.shape[1]
        check_same(self.comm, self.get_params(deep=False), X, target, weight)
        self._random_state = common_random_state(self.random_state, self.comm)
        hidden = hidden_sizes(self.hidden_layer_sizes)
        if first:
            self._initialize([X.shape[1], *hidden, self.n_outputs_], X.dtype)
        else:
            self._check_same_network(hidden)
        dtype = X.dtype if first or self.dtype is not None else self._weights_dtype()
        if self.solver == "lbfgs" and self.dtype is None:
            X, dtype = X.astype(np.float64, copy=False), np.dtype(np.float64)  # the dtype of SciPy's L-BFGS
        if hasattr(self, "module_"):
            self.module_: nn.Module = moved(self.module_, self.device or "cpu", dtype)
        held_out = None if validation_set is None else self._validation_samples(validation_set)
        if self.solver == "lbfgs":
            fit = self._new_fit(held_out)
            return QuasiNewton(fit, self._network(dtype), self._samples(X, target, weight))
        self._progress = self._progress_for(dtype, incremental)
        self._share_weights(self._progress.network)
        return self._descent(X, target, weight, held_out, first=first, incremental=incremental)

    def _descent(
        self,
        X: Any,
        target: Array,
        weight: Array | None,
        held_out: Samples | None,
        *,
        first: bool,
        incremental: bool,
    ) -> Descent:
        if held_out is None and self.early_stopping:
            parts = train_test_split(
                X,
                target,
                *([] if weight is None else [weight]),
                stratify=target if self._stratified() else None,
                random_state=self._random_state,
                test_size=self.validation_fraction,
            )
            X, target, weight = (*parts[0::2], None)[:3]
            held_out = self._samples(*(*parts[1::2], None)[:3])
            if len(held_out.rows) < 2:
                raise ValueError(
                    "The validation set is too small. Increase 'validation_fraction' or the "
                    "size of your dataset."
                )
        rows = X.shape[0]
        batch_size = min(200, rows) if self.batch_size == "auto" else self.batch_size
        if batch_size > rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                stacklevel=2,
            )
            batch_size = rows
        train, fit = self._samples(X, target, weight, batch_size), self._new_fit(held_out)
        fit.records.open(anew=first, early_stopping=self.early_stopping)
        return Descent(fit, self._progress, train, batch_size, self._random_state, incremental=incremental)

    def _new_fit(self, held_out: Samples | None) -> Fit:
        """The records so far, and what else a solver needs from this estimator."""
        records, measured = Records(vars(self)), None
        if held_out is not None:
            labels = self._labels(held_out.y)

            def score(outputs: Array) -> float:
                return self._score(labels, self._predictions(outputs), held_out.weight)

            measured = HeldOut(held_out, self._loss, score)
        set_attributes, run_callbacks = (
            partial(self._set_attributes, records),
            partial(self._run_callbacks, records),
        )
        return Fit(self, records, measured, set_attributes, run_callbacks)

    def _validation_samples(self, given: Any) -> Samples:
        """The samples of `validation_set`, checked."""
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise ValueError(
                f"validation_set must be a pair, (X, y), not {type(given).__name__}"
                + (f" of {len(given)}" if isinstance(given, tuple | list) else "")
            )
        X, y = self._checked(*given, reset=False)
        target = self._targets(y, fresh=False, held_out=True)
        if X.shape[0] < 2 or target.shape[1] != self.n_outputs_:
            raise ValueError(
                f"validation_set has {X.shape[0]} rows and {target.shape[1]} outputs; it needs "
                f"2 rows or more, and the {self.n_outputs_} outputs of the training data"
            )
        return self._samples(X, target, self._sample_weights(y, None, held_out=True))

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y, accept_sparse=SPARSE, multi_output=True, y_numeric=self._numeric,
                             dtype=self._dtypes(), reset=reset)  # fmt: skip
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _samples(self, X: Any, y: Array, weight: Array | None, batch_size: int = 0) -> Samples:
        """With a `batch_size`, wide data may be split into sparse and dense columns, see `rows.Split`."""
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
            self.module_ = new_module(self.module, sizes[0], sizes[-1], self._generator.key)
            return
        names = self._activations(len(sizes) - 2)
        last = names[-1] if names else self.activation
        self.coefs_: list[Array] = []
        self.intercepts_: list[Array] = []
        for name, (inputs, units) in zip((*names, last), pairwise(sizes), strict=True):
            bound = np.sqrt((2.0 if name in ("logistic", "sigmoid") else 6.0) / (inputs + units))
            for shape, drawn in (((inputs, units), self.coefs_), (units, self.intercepts_)):
                drawn.append(self._random_state.uniform(-bound, bound, shape).astype(dtype, copy=False))

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
        """Whether the formulas of `plain` are sufficient; if not, autograd is needed."""
        if hasattr(self, "module_") or self.device not in (None, "cpu"):
            return False
        layers = self._hidden_layers()
        return set(self._activations(layers)) <= set(plain.ACTIVATIONS) and not (
            training and any(self._dropout(layers))
        )

    def _check_same_network(self, hidden: list[int]) -> None:
        """Check that a network to be trained further agrees with the parameters."""
        remedy = "call fit with warm_start=False to begin anew"
        if self.module is not getattr(self, "_module", None):
            raise ValueError(f"module= is not the one that the trained network was made from; {remedy}")
        if self.module is not None:
            return
        *trained, outputs = (coef.shape[1] for coef in self.coefs_)
        if hidden != trained or outputs != self.n_outputs_:
            raise ValueError(
                f"the trained network has hidden layers of {trained} and {outputs} outputs, "
                f"hidden_layer_sizes and y now say {hidden} and {self.n_outputs_}; {remedy}"
            )

    def _progress_for(self, dtype: Any, incremental: bool) -> Progress:
        """A network with the estimator's weights, and its optimizer; `partial_fit` keeps the optimizer of the
        call before."""
        module = getattr(self, "module_", None)
        layers = 0 if module is not None else self._hidden_layers()
        inside = None if module is not None else (self._activations(layers), self._dropout(layers))
        key = (np.dtype(dtype), self.device, self.alpha, self.out_activation_, inside, self.comm)
        kept = getattr(self, "_progress", None)
        shown = (module,) if module is not None else (*self.coefs_, *self.intercepts_)
        if isinstance(kept, Progress) and kept.key == key and kept.network.uses(shown):
            return kept if incremental else Progress(key, kept.network, self)
        saved = kept.saved() if isinstance(kept, Progress) else kept
        return Progress(key, self._network(dtype), self, saved if incremental else None)

    def _network(self, dtype: Any) -> Network:
        if self._is_plain():
            coefs, intercepts = (
                [a.astype(dtype, copy=False) for a in arrays] for arrays in (self.coefs_, self.intercepts_)
            )
            activations = self._activations(self._hidden_layers())
            return shared(Plain(coefs, intercepts, activations, self._loss, self.alpha), self.comm)
        if not hasattr(self, "_generator") and any(self._dropout(self._hidden_layers())):
            self._generator = Generator(self._random_state.randint(2**31))
        device = self.device or "cpu"
        draws = stream_of_rank(getattr(self, "_generator", None), self.comm)
        module = moved(self._as_module(), device, dtype)
        return shared(Graph(module, self.n_outputs_, self._loss, self.alpha, device, dtype, draws), self.comm)

    def _as_module(self) -> nn.Module:
        if hasattr(self, "module_"):
            return self.module_
        layers = self._hidden_layers()
        return perceptron(self.coefs_, self.intercepts_, self._activations(layers), self._dropout(layers))

    def _share_weights(self, network: Network) -> None:
        """Set the estimator's weights to those of the network; with a `Plain`, both share memory."""
        if not hasattr(self, "module_"):
            self.coefs_, self.intercepts_ = network.layers()

    def _set_attributes(self, records: Records, network: Network) -> None:
        """Set the estimator's attributes to the records and the network's weights."""
        self.__dict__.update(vars(records))
        self._share_weights(network)

    def _run_callbacks(self, records: Records, network: Network) -> bool:
        """Call the user's callbacks with the estimator; return whether one of them ends the training."""
        if not self.callbacks:
            return False
        self._set_attributes(records, network)
        answers = [callback(self) for callback in self.callbacks]
        return any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in answers)

    def __getstate__(self) -> Any:
        """The attributes, `_progress` as plain arrays: pickle would make copies of its views of the arena."""
        state = {**super().__getstate__(), "comm": None}
        if isinstance(state.get("_progress"), Progress):
            state["_progress"] = state["_progress"].saved()
        return state

    def to_module(self) -> nn.Module:
        """A copy of the trained network, a module of this library; it takes and returns Tensors.

        Its outputs are the sums before the output activation. It is in evaluation mode; call its
        `train()` before you train it further with dropout or batch norm.
        """
        check_is_fitted(self)
        module = copy.deepcopy(self._as_module())
        module.eval()
        return module

    def _outputs(self, X: Any) -> Array:
        """The outputs of the network (rows, outputs) for `X`, which is checked here."""
        check_is_fitted(self)
        dtype = "numeric" if self.dtype is None else self._dtypes()
        X = validate_data(self, X, accept_sparse=SPARSE, reset=False, dtype=dtype)
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
