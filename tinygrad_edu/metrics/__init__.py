"""Floor 5: how good predictions are: scores of arrays, and metrics that are counted batch by batch.

A score takes all labels and predictions at once, labels first, `accuracy(labels, predicted)`, as those of
scikit-learn do. A `Metric` is given batch after batch, outputs first, `update(outputs, targets)`, as a loss
is, and `compute()` is the number of all of them, however they were split.
"""

from tinygrad_edu.metrics.classes import Accuracy as Accuracy
from tinygrad_edu.metrics.classes import ConfusionMatrix as ConfusionMatrix
from tinygrad_edu.metrics.classes import F1Score as F1Score
from tinygrad_edu.metrics.classes import Precision as Precision
from tinygrad_edu.metrics.classes import Recall as Recall
from tinygrad_edu.metrics.classes import TopKAccuracy as TopKAccuracy
from tinygrad_edu.metrics.quantities import R2 as R2
from tinygrad_edu.metrics.quantities import Mean as Mean
from tinygrad_edu.metrics.quantities import MeanAbsoluteError as MeanAbsoluteError
from tinygrad_edu.metrics.quantities import MeanSquaredError as MeanSquaredError
from tinygrad_edu.metrics.ranking import ROCAUC as ROCAUC
from tinygrad_edu.metrics.ranking import Perplexity as Perplexity
from tinygrad_edu.metrics.scores import accuracy as accuracy
from tinygrad_edu.metrics.scores import mean_squared_error as mean_squared_error
from tinygrad_edu.metrics.scores import r2 as r2
from tinygrad_edu.metrics.scores import roc_auc as roc_auc
from tinygrad_edu.metrics.streaming import Metric as Metric
from tinygrad_edu.words import missing_from

__all__ = [
    "ROCAUC", "Accuracy", "ConfusionMatrix", "F1Score", "Mean", "MeanAbsoluteError", "MeanSquaredError",
    "Metric", "Perplexity", "Precision", "R2", "Recall", "TopKAccuracy", "accuracy", "mean_squared_error",
    "r2", "roc_auc",
]  # fmt: skip
__getattr__ = missing_from(__name__)
