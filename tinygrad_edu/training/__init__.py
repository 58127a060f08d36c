"""Floor 7: training a multilayer perceptron on a Table, with three classes: Settings, Predictor, Trainer.

`Settings` holds all options. A `Predictor` is a network with the meaning of its numbers (columns, classes,
scaling), so that a checkpoint is complete without other files. A `Trainer` trains it, step by step; its whole
state is in the checkpoint, so a run that was interrupted and resumed ends with the same bits as one that was
not.
"""

from tinygrad_edu.training.predictor import PredictionError as PredictionError
from tinygrad_edu.training.predictor import Predictor as Predictor
from tinygrad_edu.training.settings import Scaling as Scaling
from tinygrad_edu.training.settings import Settings as Settings
from tinygrad_edu.training.trainer import Trainer as Trainer
from tinygrad_edu.training.trainer import TrainingError as TrainingError

__all__ = ["PredictionError", "Predictor", "Scaling", "Settings", "Trainer", "TrainingError"]
