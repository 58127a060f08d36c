"""Holding a file to the model that it was made of, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.interop.onnx.calls import REFUSALS, Array, Call
from tinygrad_edu.interop.onnx.load import load
from tinygrad_edu.interop.onnx.proto import OnnxError
from tinygrad_edu.interop.onnx.sizes import Sizes
from tinygrad_edu.nn.module import evaluating

_CLOSE = 1e-3  # of the largest number of a result
_SMALL = 1e-6  # ONNX has no word for the tails of a normal distribution


def compare(made: Any, call: Call, inputs: Mapping[str, Array], sizes: list[Sizes]) -> None:
    """Compute by the file, read again, and by the model, for several sizes: the examples at other places.

    Raises OnnxError if the file computes something else. A size that the model does not take is left out.
    """
    read = load(made)
    for size in sizes:
        given = call.resized(inputs, size)
        arrays, wanted = _by_model(call, {name: _other_numbers(x) for name, x in given.items()}, given)
        if wanted is None:
            continue
        with no_grad(), evaluating():
            found = read(*(as_tensor(x) for x in arrays.values()))
        results = found if isinstance(found, tuple) else (found,)
        if len(wanted) != len(results):
            raise _differ(size, f"{len(results)} results", f"{len(wanted)}")
        for mine, other in zip(wanted, results, strict=True):
            _check_close(np.asarray(mine.storage.backend.numpy(mine.storage.array)), other.numpy(), size)


def _by_model(call: Call, *choices: dict[str, Array]) -> tuple[dict[str, Array], list[Any] | None]:
    """The first of these inputs that the model takes, and its results; None if it takes none."""
    for arrays in choices:
        try:
            return arrays, [x for _, x in call(call.tensors(arrays))]
        except REFUSALS:
            continue
    return {}, None


def _other_numbers(x: Array) -> Array:
    """The same numbers at other places: a model that keeps some of an earlier call is found by them."""
    axis = next((a for a, n in enumerate(x.shape) if n > 1), None)
    return x if axis is None else np.roll(x, 1, axis)


def _check_close(wanted: Array, found: Array, size: Sizes) -> None:
    if wanted.shape == found.shape and wanted.dtype == found.dtype:
        whole = np.isfinite(wanted)
        scale = float(np.abs(wanted[whole].astype(np.float64)).max()) if whole.any() else 0.0
        if np.allclose(wanted, found, rtol=_CLOSE, atol=_CLOSE * scale + _SMALL, equal_nan=True):
            return
    raise _differ(size, f"{found.shape} {found.dtype}", f"{wanted.shape} {wanted.dtype}")


def _differ(size: Sizes, found: str, wanted: str) -> OnnxError:
    where = f" with {', '.join(f'{k}={n}' for k, n in size.items())}" if size else ""
    return wrong(
        OnnxError,
        "onnx.export",
        f"the file would compute something else than the model{where}: {found}, and the model {wanted}",
        "does the model decide by a size, or keep numbers from call to call?",
    )
