"""Floor 7: training a multilayer perceptron on a Table, in three nouns: Settings, Predictor, Trainer.

`Settings` is all that may be chosen. A `Predictor` is a network with what its numbers mean (columns, classes,
scaling), so that a checkpoint needs nothing beside it. A `Trainer` makes one better, step by step; all it
knows lies in the checkpoint, so a run interrupted and resumed ends with the bits of one that was not.
"""
from tinygrad_edu.training.predictor import Predictor as Predictor
from tinygrad_edu.training.settings import Scaling as Scaling
from tinygrad_edu.training.settings import Settings as Settings
from tinygrad_edu.training.trainer import Trainer as Trainer
from tinygrad_edu.training.trainer import TrainingError as TrainingError

__all__ = ["Predictor", "Scaling", "Settings", "Trainer", "TrainingError"]
