"""All imports from scikit-learn and SciPy that this package uses. No other file imports from them.

A name that is renamed here begins with an underscore in scikit-learn: it is meant for authors of estimators,
and a later version may move it.
"""

from __future__ import annotations

try:
    from sklearn.base import BaseEstimator
except ImportError as error:
    raise ImportError(
        "tinygrad_edu.sklearn speaks scikit-learn's language and needs it installed: pip install scikit-learn"
    ) from error

from scipy.optimize import minimize
from scipy.sparse import csr_array, issparse
from scipy.special import expit, xlogy
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.base import _fit_context as fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call as first_partial_fit
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.optimize import _check_optimize_result as check_optimize_result
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = [
    "BaseEstimator", "ClassifierMixin", "ConvergenceWarning", "HasMethods", "Interval", "LabelBinarizer",
    "Options", "RegressorMixin", "StrOptions", "accuracy_score", "available_if", "check_is_fitted",
    "check_optimize_result", "check_random_state", "check_sample_weight", "column_or_1d",
    "compute_class_weight", "compute_sample_weight", "csr_array", "expit", "first_partial_fit",
    "fit_context", "issparse", "minimize", "r2_score", "train_test_split", "type_of_target",
    "unique_labels", "validate_data", "xlogy",
]  # fmt: skip
