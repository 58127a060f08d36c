"""MLPClassifier: classes, or sets of labels, from a multilayer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from tinygrad_edu.sklearn.door import (
    ClassifierMixin,
    LabelBinarizer,
    accuracy_score,
    available_if,
    compute_class_weight,
    compute_sample_weight,
    first_partial_fit,
    fit_context,
    type_of_target,
    unique_labels,
)
from tinygrad_edu.sklearn.estimator import Perceptron
from tinygrad_edu.sklearn.losses import Array
from tinygrad_edu.sklearn.parameters import CLASSIFIER, is_stochastic


class MLPClassifier(ClassifierMixin, Perceptron):
    """scikit-learn's MLPClassifier, on this library: classes, or sets of labels.

    Parameters, attributes and results are scikit-learn's, and its documentation applies. These are added.
    """

    loss = "log_loss"
    _numeric = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CLASSIFIER

    def __init__(
        self,
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
        class_weight: Mapping[Any, float] | str | None = None,
        dropout: float | Sequence[float] = 0.0,
        callbacks: Sequence[Callable[[Any], Any]] | None = None,
        device: str | None = None,
        dtype: Any = None,
        module: Any = None,
        comm: Any = None,
    ) -> None:
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
        self.class_weight = class_weight
        self.dropout = dropout
        self.callbacks = callbacks
        self.device = device
        self.dtype = dtype
        self.module = module
        self.comm = comm

    # -- what targets and outputs mean -----------------------------------------------------------------------

    def _targets(self, y: Any, *, fresh: bool, held_out: bool = False) -> Array:
        """Booleans (rows, classes); two classes have a single column."""
        if fresh or not hasattr(self, "classes_"):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        classes = unique_labels(y)
        seen, known = set(classes), set(self.classes_)
        if self.warm_start and seen != known and not held_out:
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        if seen - known:
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {classes}."
            )
        target = self._label_binarizer.transform(y).astype(bool)
        return np.asarray(target.toarray() if hasattr(target, "toarray") else target)

    def _labels(self, target: Array) -> Array:
        return self._label_binarizer.inverse_transform(target)

    def _predictions(self, outputs: Array) -> Array:
        return self._label_binarizer.inverse_transform(outputs.ravel() if self.n_outputs_ == 1 else outputs)

    def _score(self, labels: Array, predicted: Array, weight: Array | None) -> float:
        return float(accuracy_score(labels, predicted, sample_weight=weight))

    def _stratified(self) -> bool:
        return self.n_outputs_ == 1

    def _out_activation(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _sample_weights(
        self, y: Any, weight: Array | None, *, incremental: bool = False, held_out: bool = False
    ) -> Array | None:
        if self.class_weight is None:
            return weight
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' needs to see all classes at once, which partial_fit "
                "does not; pass a dict, {class: weight}"
            )
        if self._label_binarizer.y_type_.startswith("multilabel"):
            of_classes = compute_sample_weight(self.class_weight, y)
        else:  # computed from all classes: a batch may not contain every class
            if not held_out:
                self._of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
            of_classes = self._of_class[np.searchsorted(self.classes_, y)]
        return np.asarray(of_classes if weight is None else of_classes * weight)

    # -- the public rest -------------------------------------------------------------------------------------

    @available_if(is_stochastic)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch on these rows. The first call needs `classes`: all that will ever occur."""
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def _set_classes(self, y: Any, classes: Any) -> None:
        if first_partial_fit(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)

    def predict(self, X: Any) -> Array:
        """The class of each row (rows,), or its labels (rows, labels) of 0 and 1."""
        return self._predictions(self._outputs(X))

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class (rows, classes), in the order of `classes_`."""
        p = self._outputs(X)
        return np.hstack([1 - p, p]) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of `predict_proba`."""
        p = self.predict_proba(X)
        return np.log(p, out=p)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
