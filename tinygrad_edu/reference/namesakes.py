"""The names of ops and functions in NumPy and PyTorch, for the pages; tests check that each exists.

The keywords may differ: `te.sum` has `axis=`, `torch.sum` has `dim=`. None means that there is no single
function for it. An op that is not in the table has the same name in both, where they have it. PyTorch is
seldom installed, so it is not imported: a list of its names is read.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.reference.pytorch import NAMES

# op or function: (under numpy, under torch), where one of the two is not simply its own name
# fmt: off
NAMESAKES: dict[str, tuple[str | None, str | None]] = {
    # elementwise
    "equal": ("equal", "eq"), "not_equal": ("not_equal", "ne"), "less": ("less", "lt"),
    "less_equal": ("less_equal", "le"), "greater": ("greater", "gt"),
    "greater_equal": ("greater_equal", "ge"), "step": ("heaviside", "heaviside"), "sub": ("subtract", "sub"),
    "mul": ("multiply", "mul"), "div": ("divide", "div"), "neg": ("negative", "neg"),
    "clip": ("clip", "clamp"), "pow": ("power", "pow"), "asin": ("arcsin", "asin"),
    "acos": ("arccos", "acos"), "atan": ("arctan", "atan"), "atan2": ("arctan2", "atan2"),
    "asinh": ("arcsinh", "asinh"), "acosh": ("arccosh", "acosh"), "atanh": ("arctanh", "atanh"),
    # activations
    "log_sigmoid": (None, "nn.functional.logsigmoid"), "normal_cdf": (None, "special.ndtr"),
    # movement
    "permute": ("permute_dims", "permute"), "expand": ("broadcast_to", "broadcast_to"),
    "windows": ("lib.stride_tricks.sliding_window_view", "Tensor.unfold"), "concat": ("concatenate", "cat"),
    # contractions
    "einsum": ("einsum", "einsum"), "convolution": (None, "convolution"),
    "convolution_input": (None, "nn.grad.conv2d_input"),
    "convolution_weight": (None, "nn.grad.conv2d_weight"),
    # linear algebra
    "solve": ("linalg.solve", "linalg.solve"), "det": ("linalg.det", "linalg.det"),
    "slogdet": ("linalg.slogdet", "linalg.slogdet"), "cholesky": ("linalg.cholesky", "linalg.cholesky"),
    "pinv": ("linalg.pinv", "linalg.pinv"), "eigh": ("linalg.eigh", "linalg.eigh"),
    "eigvalsh": ("linalg.eigvalsh", "linalg.eigvalsh"), "svd": ("linalg.svd", "linalg.svd"),
    "svdvals": ("linalg.svdvals", "linalg.svdvals"), "qr": ("linalg.qr", "linalg.qr"),
    "svd_full": ("linalg.svd", "linalg.svd"), "qr_full": ("linalg.qr", "linalg.qr"),
    # reductions and scans
    "cast": ("ndarray.astype", "Tensor.to"), "max": ("max", "amax"), "min": ("min", "amin"),
    "norm2": ("linalg.norm", "linalg.vector_norm"), "norm_p": ("linalg.norm", "linalg.vector_norm"),
    # places
    "gather": ("take_along_axis", "gather"), "scatter_add": ("add.at", "scatter_add"),
    "index": ("ndarray.__getitem__", "Tensor.__getitem__"), "index_add": ("add.at", "index_put"),
    "take_rows": ("take", "nn.functional.embedding"), "add_rows": ("add.at", "index_add"),
    "max_pool": (None, "nn.functional.max_pool2d"),
    # random
    "uniform": ("random.Generator.random", "rand"), "normal": ("random.Generator.standard_normal", "randn"),
    "integers": ("random.Generator.integers", "randint"),
    "permutation": ("random.Generator.permutation", "randperm"),
    # compositions: losses
    "mse": (None, "nn.functional.mse_loss"), "l1": (None, "nn.functional.l1_loss"),
    "huber": (None, "nn.functional.huber_loss"), "logistic": (None, "nn.functional.soft_margin_loss"),
    "nll": (None, "nn.functional.nll_loss"), "smooth_l1": (None, "nn.functional.smooth_l1_loss"),
    "poisson_nll": (None, "nn.functional.poisson_nll_loss"), "ctc": (None, "nn.functional.ctc_loss"),
    "gaussian_nll": (None, "nn.functional.gaussian_nll_loss"),
    "margin_ranking": (None, "nn.functional.margin_ranking_loss"),
    "cosine_embedding": (None, "nn.functional.cosine_embedding_loss"),
    "triplet_margin": (None, "nn.functional.triplet_margin_loss"),
    "multi_margin": (None, "nn.functional.multi_margin_loss"),
    "hinge_embedding": (None, "nn.functional.hinge_embedding_loss"),
    "multilabel_soft_margin": (None, "nn.functional.multilabel_soft_margin_loss"),
    # compositions: linear algebra and statistics
    "norm": ("linalg.norm", "linalg.vector_norm"),
    "median": ("median", "quantile"), "cummax": ("maximum.accumulate", "cummax"),
    "cummin": ("minimum.accumulate", "cummin"),
    # compositions: shapes and places
    "chunk": ("array_split", "chunk"), "unbind": ("unstack", "unbind"),
    "unique_values": ("unique_values", "unique"), "unique_counts": ("unique_counts", "unique"),
    "unique_inverse": ("unique_inverse", "unique"), "masked_select": ("extract", "masked_select"),
    "expand_dims": ("expand_dims", "unsqueeze"), "flatten": ("ndarray.flatten", "flatten"),
    "permute_dims": ("permute_dims", "permute"), "matrix_transpose": ("matrix_transpose", "Tensor.mT"),
    "clone": ("copy", "clone"), "stack": ("stack", "stack"), "split": ("array_split", "split"),
    "repeat": ("repeat", "repeat_interleave"),
    "sliding_windows": ("lib.stride_tricks.sliding_window_view", "Tensor.unfold"),
    "getitem": ("ndarray.__getitem__", "Tensor.__getitem__"),
    "take_along_axis": ("take_along_axis", "take_along_dim"), "index_select": ("take", "index_select"),
    "take": ("take", "index_select"), "embedding": ("take", "nn.functional.embedding"),
}
# fmt: on


def namesakes(name: str) -> tuple[str | None, str | None]:
    """What NumPy and PyTorch call an op or a function, each None where it has none."""
    return NAMESAKES.get(name) or by_name(name)


def by_name(name: str) -> tuple[str | None, str | None]:
    """`name` itself, where NumPy has it, and where PyTorch does."""
    places = [place for place, names in NAMES.items() if name in names.split()]
    torch = f"{places[0]}.{name}".removeprefix("torch.") if places else None
    return name if callable(getattr(np, name, None)) else None, torch


def sentence(name: str) -> str:
    """The sentence of a page with the names in other libraries; "" if there are none."""
    numpy, torch = namesakes(name)
    said = [f"`numpy.{numpy}`"] * (numpy is not None) + [f"`torch.{torch}`"] * (torch is not None)
    return f"Elsewhere: {', '.join(said)}." if said else ""
