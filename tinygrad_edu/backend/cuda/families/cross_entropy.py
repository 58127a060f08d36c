"""Cross-entropy of logits and class numbers, and its gradient; a class out of range is an IndexError."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import CODES, DeviceArray
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families import reduce as reducing
from tinygrad_edu.backend.cuda.families.hosts import fused

THREADS, SHORT = 256, 1024  # as in kernels/cross_entropy/
WARP_KEEPS = {4: 1024, 8: 256}  # {itemsize: most logits of a row that a warp keeps}, as in 04_registers.cu
_ROWS = struct.Struct("PPqqqqqPqii")
_SEED = struct.Struct("Pqd")
_BLOCK = (THREADS, 1, 1)
RANGE = "target {value} is out of range for {size} classes (0 to {last}); ignore_index={value} skips it"
LADDER = Ladder(
    family="cross_entropy",
    unit="rows",
    production="04_registers",
    extra=("registers.cuh",),
    symbols={"cross_entropy_loss": f"P{_ROWS.size}sd", "cross_entropy_slope": f"P{_ROWS.size}s{_SEED.size}s"},
    rungs=(
        Rung("01_thread_per_row", block=_BLOCK, grid=lambda rows, n, itemsize: (blocks(rows, THREADS), 1, 1)),
        Rung("02_block_per_row", block=_BLOCK, grid=lambda rows, n, itemsize: (blocks(rows, 1), 1, 1)),
        Rung(
            "03_warp_per_row",
            block=_BLOCK,
            grid=lambda rows, n, itemsize: (blocks(rows, THREADS // 32 if n <= SHORT else 1), 1, 1),
        ),
        Rung(
            "04_registers",
            block=_BLOCK,
            grid=lambda rows, n, itemsize: (
                blocks(rows, THREADS // 32 if n <= WARP_KEEPS[itemsize] else 1),
                1,
                1,
            ),
        ),
    ),
)


def _rows_struct(device: Device, logits: DeviceArray, target: DeviceArray) -> bytes:
    rows, classes = logits.shape
    call = device.faults.register_call("cross_entropy", RANGE)
    row, column = logits.steps
    return _ROWS.pack(
        logits.pointer,
        target.pointer,
        row,
        column,
        target.steps[0],
        rows,
        classes,
        device.faults.pointer,
        call,
        CODES[target.dtype],
        0,
    )


@fused("cross_entropy")
def cross_entropy(
    device: Device, logits: DeviceArray, target: DeviceArray, *, reduction: str = "mean"
) -> DeviceArray:
    """-log softmax(logits)[target] of each row, or their mean or sum."""
    rows, classes = logits.shape
    if not rows:
        shape = (0,) if reduction == "none" else ()
        return device.full(shape, logits.dtype, np.nan if reduction == "mean" else 0.0)
    losses = device.empty((rows,), logits.dtype)
    device.kernel("cross_entropy", "cross_entropy_loss", logits.dtype).launch(
        (rows, classes, logits.itemsize),
        losses.pointer,
        _rows_struct(device, logits, target),
        1.0 / rows if reduction == "mean" else 1.0,
    )
    if reduction == "none":
        return losses
    total = reducing.reduce(device, "sum", losses, (0,), logits.dtype)
    return device.view(total, (), (), 0)


@fused("cross_entropy_grad")
def cross_entropy_grad(
    device: Device, seed: Any, logits: DeviceArray, target: DeviceArray, *, reduction: str = "mean"
) -> DeviceArray:
    """(softmax - one_hot) of each row, times the seed, and times 1 / rows for a mean."""
    rows, classes = logits.shape
    out = device.empty(logits.shape, logits.dtype)
    if not out.size:
        return out
    factor = 1.0 / rows if reduction == "mean" else 1.0
    if isinstance(seed, DeviceArray):
        if seed.dtype != logits.dtype:
            seed = device.copy(seed, dtype=logits.dtype)
        step = seed.steps[0] if seed.ndim and seed.shape[0] != 1 else 0
        weight = _SEED.pack(seed.pointer, step, factor)
    else:
        weight = _SEED.pack(0, 0, float(seed) * factor)
    device.kernel("cross_entropy", "cross_entropy_slope", logits.dtype).launch(
        (rows, classes, logits.itemsize), out.pointer, _rows_struct(device, logits, target), weight
    )
    return out


def _logits(rows: int, n: int) -> Any:
    def make() -> tuple[np.ndarray[Any, Any], ...]:
        rng = np.random.default_rng(0)
        return rng.standard_normal((rows, n)).astype(np.float32), rng.integers(0, n, rows)

    return make


def _expected_gradient(logits: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    e = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    e /= e.sum(1, keepdims=True)
    e[np.arange(len(target)), target] -= 1
    return e / len(target)


def _case(rows: int, n: int) -> Case:
    return Case(
        title=f"gradient of cross-entropy, {rows:,} rows of {n:,} classes, float32",
        arrays=_logits(rows, n),
        run=lambda device, x, t: cross_entropy_grad(device, 1.0, x, t),
        expect=_expected_gradient,
        bytes=8 * rows * n + 8 * rows,
        flops=5 * rows * n,
        tolerance=1e-5,
    )


CASES = {"count": _case(64, 512), "time": _case(65536, 1024)}
