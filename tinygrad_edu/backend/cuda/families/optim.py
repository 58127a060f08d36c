"""Optimizer steps: one launch updates many tensors in place."""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import DeviceArray
from tinygrad_edu.backend.cuda.device.compile import kernels_folder
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung
from tinygrad_edu.backend.protocol import ParameterState, Rule

# The names of the kernels, one for each rule, from the table at the end of kernels/optim/rules.cuh.
STEPS = tuple(re.findall(r"STEP\((\w+), \w+\)", (kernels_folder() / "optim" / "rules.cuh").read_text()))
MOST, CHUNK, STATES, NUMBERS = 48, 4096, 3, 8  # as in kernels/optim/rules.cuh
_TABLE = struct.Struct(f"{(2 + STATES) * MOST}P{2 * MOST + 1}q{NUMBERS}dii")
_BLOCK = (256, 1, 1)
LADDER = Ladder(
    family="optim",
    unit="optim",
    production="03_vector_loads",
    symbols=dict.fromkeys(STEPS, f"{_TABLE.size}s"),
    rungs=(
        Rung(
            "01_thread_per_element",
            block=_BLOCK,
            grid=lambda count, largest, chunks: (min(-(-largest // 256), 2**31 - 1), count, 1),
        ),
        Rung("02_chunks", block=_BLOCK, grid=lambda count, largest, chunks: (chunks, 1, 1)),
        Rung("03_vector_loads", block=_BLOCK, grid=lambda count, largest, chunks: (chunks, 1, 1)),
    ),
)
Tensors = Sequence[tuple[DeviceArray, ...]]  # (parameter, gradient, *memories) of each


def step(device: Device, rule: str, tensors: Tensors, numbers: Sequence[float], flag: int) -> None:
    """Update dense tensors of one dtype in place, up to 48 in one launch."""
    tensors = [t for t in tensors if t[0].size]
    for begin in range(0, len(tensors), MOST):
        part = tensors[begin : begin + MOST]
        pad = [0] * (MOST - len(part))
        columns = [[t[k].pointer if k < len(t) else 0 for t in part] + pad for k in range(2 + STATES)]
        sizes = [t[0].size for t in part]
        chunks = [0]
        for n in sizes:
            chunks.append(chunks[-1] + -(-n // CHUNK))
        device.kernel("optim", rule, part[0][0].dtype).launch(
            (len(part), max(sizes), chunks[-1]),
            _TABLE.pack(
                *itertools.chain(*columns),
                *sizes,
                *pad,
                *chunks,
                *[chunks[-1]] * len(pad),
                *numbers,
                *[0.0] * (NUMBERS - len(numbers)),
                len(part),
                int(flag),
            ),
        )


def update(
    device: Device,
    rule: Rule,
    tensors: Sequence[tuple[ParameterState, DeviceArray]],
    numbers: Sequence[float],
) -> Sequence[tuple[ParameterState, DeviceArray]]:
    """The backend's `update`. It returns the parameters without a kernel, and those that are not dense."""
    if rule.name not in STEPS:
        return tensors
    dense, remaining = [], []
    for slot, g in tensors:
        p = slot.array
        if not p.contiguous:
            remaining.append((slot, g))
            continue
        if g.dtype != p.dtype or not g.contiguous:
            g = device.copy(g, dtype=p.dtype)
        dense.append((p, g, *slot.memories[: rule.state_count]))
    step(device, rule.name, dense, numbers, rule.flag)
    return remaining


def _adam(device: Device, p: DeviceArray, g: DeviceArray, m: DeviceArray, v: DeviceArray) -> DeviceArray:
    step(device, "adam_step", [(p, g, m, v)], (0.9, 0.1, 0.999, 0.001, 1e-3, 1e-8, 0.0), False)
    return p


def _case(n: int) -> Case:
    def arrays() -> tuple[np.ndarray[Any, Any], ...]:
        rng = np.random.default_rng(0)
        return tuple(rng.random(n, np.float32) for _ in range(4))

    def expect(*given: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        p, g, m, v = (a.astype(np.float64) for a in given)
        result: np.ndarray[Any, Any] = (
            p - (m * 0.9 + g * 0.1) / (np.sqrt(v * 0.999 + g * g * 0.001) + 1e-8) * 1e-3
        )
        return result

    return Case(
        title=f"Adam, {n:,} float32",
        arrays=arrays,
        run=_adam,
        expect=expect,
        bytes=28 * n,
        flops=14 * n,
        tolerance=1e-5,
    )


CASES = {"count": _case(1 << 14), "time": _case(1 << 26)}
