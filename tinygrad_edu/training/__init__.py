"""Floor 7: training: `fit` for any model; and for a multilayer perceptron on a Table, three classes.

`fit(model, data, ...)` is the loop over batches with what a long run needs around it: validation, metrics,
callbacks, early stopping, checkpoints, logs, several machines. `find_lr` looks for its learning rate.

`Settings` holds all options. A `Predictor` is a network with the meaning of its numbers (columns, classes,
scaling), so that a checkpoint is complete without other files. A `Trainer` trains it, step by step; its whole
state is in the checkpoint, so a run that was interrupted and resumed ends with the same bits as one that was
not.
"""

from tinygrad_edu.training.callbacks import Callback as Callback
from tinygrad_edu.training.callbacks import EarlyStopping as EarlyStopping
from tinygrad_edu.training.fit import evaluate as evaluate
from tinygrad_edu.training.fit import fit as fit
from tinygrad_edu.training.history import History as History
from tinygrad_edu.training.logs import CSVLog as CSVLog
from tinygrad_edu.training.logs import JSONLog as JSONLog
from tinygrad_edu.training.logs import ProgressLog as ProgressLog
from tinygrad_edu.training.logs import TableLog as TableLog
from tinygrad_edu.training.predictor import PredictionError as PredictionError
from tinygrad_edu.training.predictor import Predictor as Predictor
from tinygrad_edu.training.rate_finder import LearningRates as LearningRates
from tinygrad_edu.training.rate_finder import find_lr as find_lr
from tinygrad_edu.training.run import Run as Run
from tinygrad_edu.training.saving import Checkpoint as Checkpoint
from tinygrad_edu.training.settings import Scaling as Scaling
from tinygrad_edu.training.settings import Settings as Settings
from tinygrad_edu.training.tensorboard import TensorBoardLog as TensorBoardLog
from tinygrad_edu.training.trainer import Trainer as Trainer
from tinygrad_edu.training.trainer import TrainingError as TrainingError
from tinygrad_edu.words import explain_classes, missing_from

__all__ = [
    "CSVLog", "Callback", "Checkpoint", "EarlyStopping", "History", "JSONLog", "LearningRates",
    "PredictionError", "Predictor", "ProgressLog", "Run", "Scaling", "Settings", "TableLog", "TensorBoardLog",
    "Trainer", "TrainingError", "evaluate", "find_lr", "fit",
]  # fmt: skip
explain_classes(globals(), __name__)
__getattr__ = missing_from(__name__)
