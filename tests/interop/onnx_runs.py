"""Holding an exported model to ONNX Runtime, and to itself read again."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.interop import onnx


def results(outputs: Any) -> list[np.ndarray]:
    """The arrays of nested results."""
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    if isinstance(outputs, tuple | list):
        return [x for item in outputs for x in results(item)]
    return [] if outputs is None else [outputs.detach().numpy()]


def evaluated(model: Any, *arrays: np.ndarray) -> list[np.ndarray]:
    """What the model computes in evaluation mode."""
    with te.no_grad(), nn.evaluating():
        return results(model(*(te.tensor(x) for x in arrays)))


def session(made: Any) -> Any:
    """A session of ONNX Runtime, which is quiet about what it optimises."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(made.SerializeToString(), options)


def run(made: Any, *arrays: np.ndarray) -> list[np.ndarray]:
    """What ONNX Runtime computes."""
    inside = session(made)
    names = [x.name for x in inside.get_inputs()]
    return inside.run(None, dict(zip(names, arrays, strict=True)))


def resized(array: np.ndarray, size: int) -> np.ndarray:
    """The array with `size` rows, the first ones again."""
    return np.take(array, np.arange(size) % array.shape[0], 0)


def agree(
    model: Any, *examples: Any, sizes: tuple[int, ...] = (1, 2, 5), rtol: float = 1e-5, **how: Any
) -> Any:
    """Export `model`, and assert that ONNX Runtime and `load` compute what it computes; returns the file.

    sizes  of the batch, if it varies; examples as they are if there are none
    """
    arrays = [np.asarray(x.numpy() if isinstance(x, te.Tensor) else x) for x in examples]
    how = {"dynamic_axes": "batch", **how} if sizes else how
    made = onnx.export(model, tuple(te.tensor(x) for x in arrays), **how)
    again, inside = onnx.load(made), session(made)
    names = [x.name for x in inside.get_inputs()]
    for size in sizes or (None,):
        given = arrays if size is None else [resized(x, size) for x in arrays]
        wanted = evaluated(model, *given)
        theirs = inside.run(None, dict(zip(names, given, strict=True)))
        for others in (theirs, evaluated(again, *given)):
            assert len(others) == len(wanted)
            for mine, other in zip(wanted, others, strict=True):
                close(mine, other, rtol)
    return made


def close(mine: np.ndarray, other: np.ndarray, rtol: float = 1e-5) -> None:
    """Assert that shapes, dtypes and numbers are the same, to `rtol` of a number or of the largest."""
    assert (mine.shape, mine.dtype) == (other.shape, other.dtype)
    whole = mine[np.isfinite(mine)]
    scale = max(1.0, float(np.abs(whole.astype(np.float64)).max())) if whole.size else 1.0
    np.testing.assert_allclose(other, mine, rtol=rtol, atol=rtol * scale)
