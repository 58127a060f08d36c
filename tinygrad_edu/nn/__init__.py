"""Floor 5: models. Modules with PyTorch's names, their first values, and checkpoints."""
from tinygrad_edu.nn import init
from tinygrad_edu.nn.activations import (
    ELU, GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh,
)
from tinygrad_edu.nn.layers import Dropout, Embedding, Flatten, Identity, LayerNorm, Linear, Sequential
from tinygrad_edu.nn.losses import (
    BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, HingeLoss, HuberLoss, L1Loss, LogisticLoss, MSELoss, NLLLoss,
)
from tinygrad_edu.nn.module import Module, Parameter
from tinygrad_edu.nn.serialization import CheckpointError, load_checkpoint, save_checkpoint

__all__ = [
    "Module", "Parameter", "Sequential", "Linear", "Flatten", "Identity", "Dropout", "LayerNorm", "Embedding",
    "ReLU", "LeakyReLU", "ELU", "SiLU", "GELU", "Tanh", "Sigmoid", "Softplus", "Softmax", "LogSoftmax",
    "MSELoss", "L1Loss", "HuberLoss", "HingeLoss", "LogisticLoss", "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss",
    "NLLLoss", "init", "save_checkpoint", "load_checkpoint", "CheckpointError",
]
