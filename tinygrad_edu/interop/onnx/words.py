"""The word of ONNX for each op: a function that adds its nodes. WITHOUT says why an op has none."""

from __future__ import annotations

from tinygrad_edu.interop.onnx import words_elementwise, words_movement, words_reduce, words_windows
from tinygrad_edu.interop.onnx.words_elementwise import Emitter

TABLE: dict[str, Emitter] = {
    **words_elementwise.TABLE,
    **words_movement.TABLE,
    **words_reduce.TABLE,
    **words_windows.TABLE,
}
_RANDOM = "it draws other numbers in every run"
_LINALG = "ONNX has no operator that factorises a matrix"
_TIES = "ONNX has no operator for the gradient of a maximum that ties share"
WITHOUT: dict[str, str] = {
    **dict.fromkeys(("uniform", "normal", "integers", "bernoulli", "permutation"), _RANDOM),
    **dict.fromkeys(("solve", "cofactor", "slogdet", "cholesky", "pinv", "eigh", "eigvalsh", "qr", "qr_full",
                     "svd", "svd_full", "svdvals"), _LINALG),
    **dict.fromkeys(("max_pool_spread", "max_pool_read"), _TIES),
}  # fmt: skip
