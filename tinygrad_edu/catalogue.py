"""What is chosen by name: data sets, activations, optimizers, losses. Nothing is imported here, nor is NumPy.

So the command line has its choices at once, and every other place reads the same words. Whoever makes a thing
of its name is held to these tables by tests/test_catalogue.py: a word without a meaning fails there, and a
meaning without a word.
"""

_PLANE: dict[str, object] = {"hidden": (16,), "activation": "tanh", "lr": 1e-2, "epochs": 100}
_SPARSE: dict[str, object] = {"dropout": 0.5, "epochs": 30}  # few rows, many bits: they overfit

# `tinygrad-edu train NAME`, `data.load(NAME)`: {name: what suits it, over the defaults of training.Settings}
# fmt: off
DATA_SETS: dict[str, dict[str, object]] = {
    "digits": {"lr": 2e-3, "dropout": 0.2, "epochs": 60},
    "tcga": _SPARSE,
    "compounds": _SPARSE,
    "mnist": {"batch_size": 64, "dropout": 0.2, "epochs": 30},
    "spiral": {"hidden": (64, 64), "activation": "silu", "optimizer": "adamw", "lr": 5e-3,
               "weight_decay": 0.1, "epochs": 300},
    "circle": _PLANE,
    "xor": _PLANE,
    "gaussian": _PLANE,
}
# fmt: on
FILE: dict[str, object] = {"dropout": 0.1, "epochs": 100}  # what suits a file of the user's
NEEDS = {"digits": "sklearn", "mnist": "mnist"}  # {data set: the extra that brings it}

# Of hidden layers, and of the rule that trains them: `training.Settings`, `tinygrad-edu train`.
ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky-relu", "elu", "silu", "gelu", "identity")
OPTIMIZERS = ("adam", "adamw", "sgd", "momentum", "nesterov")
DTYPES = ("float32", "float64")
SCHEMES = ("all-reduce", "parameter-server")  # of the workers of a job

# Of the estimators of tinygrad_edu.sklearn, in scikit-learn's words.
SYNONYMS = {"logistic": "sigmoid"}  # {its word for an activation: ours}; either can be said
SOLVERS = ("lbfgs", "sgd", "adam")
LOSSES = ("squared_error", "poisson")  # a regressor's
