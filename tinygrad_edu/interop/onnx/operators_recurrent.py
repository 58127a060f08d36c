"""The recurrent operators of ONNX: RNN, GRU and LSTM, step by step in ops of the library.

X is (steps, batch, features), W (directions, gates * hidden, features), R (directions, gates * hidden,
hidden) and B (directions, 2 * gates * hidden). The gates of a GRU are z r h, those of an LSTM i o f c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.interop.onnx.given import Given, Operator
from tinygrad_edu.tensor import Tensor

State = tuple[Tensor, ...]
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": F.sigmoid, "tanh": F.tanh, "relu": F.relu, "softsign": F.softsign, "softplus": F.softplus,
}  # fmt: skip
_USUAL = {"RNN": ("Tanh",), "GRU": ("Sigmoid", "Tanh"), "LSTM": ("Sigmoid", "Tanh", "Tanh")}
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def _functions(g: Given, count: int) -> list[list[Callable[[Any], Any]]]:
    """The activations of each direction."""
    usual = _USUAL[g.operator]
    names = g.get("activations", list(usual) * count)
    if len(names) != len(usual) * count or any(str(n).lower() not in _FUNCTIONS for n in names):
        raise g.fault(f"activations={names} are not understood")
    made = [_FUNCTIONS[n.lower()] for n in names]
    return [made[i * len(usual) : (i + 1) * len(usual)] for i in range(count)]


def _cell(g: Given, functions: list[Any], x: Any, state: State, weights: State, hidden: int) -> State:
    """One step: from what W gives of the input, x (batch, gates * hidden), and the state, the next state.

    weights  R transposed, and the bias of R
    """
    recurrent, bias = weights

    def part(t: Any, i: int) -> Any:
        return t[..., i * hidden : (i + 1) * hidden]

    if g.operator == "RNN":
        return (functions[0](x + F.matmul(state[0], recurrent) + bias),)
    if g.operator == "LSTM":
        total, (f, gate, h) = x + F.matmul(state[0], recurrent) + bias, functions
        c = f(part(total, 2)) * state[1] + f(part(total, 0)) * gate(part(total, 3))
        return f(part(total, 1)) * h(c), c
    f, gate = functions
    old = state[0]
    both = F.matmul(old, recurrent[:, : 2 * hidden]) + bias[: 2 * hidden]
    z, r = f(part(x, 0) + part(both, 0)), f(part(x, 1) + part(both, 1))
    if g.get("linear_before_reset", 0):
        new = gate(part(x, 2) + r * (F.matmul(old, recurrent[:, 2 * hidden :]) + bias[2 * hidden :]))
    else:
        new = gate(part(x, 2) + F.matmul(r * old, recurrent[:, 2 * hidden :]) + bias[2 * hidden :])
    return ((1.0 - z) * new + z * old,)


def _recurrent(g: Given, x: Tensor, w: Tensor, r: Tensor, b: Tensor | None = None,
               lengths: Tensor | None = None, *states: Tensor | None) -> Any:  # fmt: skip
    g.only("clip", (None,))
    g.only("input_forget", (0,))
    g.only("layout", (0,))
    directions = {"forward": (1,), "reverse": (-1,), "bidirectional": (1, -1)}[
        g.only("direction", ("forward", "reverse", "bidirectional"))
    ]
    if len(states) > 2:
        raise g.fault("peepholes are not computed")
    steps, batch = x.shape[:2]
    hidden, gates = r.shape[-1], _GATES[g.operator]
    count = 2 if g.operator == "LSTM" else 1
    functions = _functions(g, len(directions))
    given = [*states, None, None][:count]
    masks = None
    if lengths is not None and (np.asarray(lengths.numpy()) != steps).any():
        masks = [F.reshape(lengths > i, (batch, 1)) for i in range(steps)]
    sides, last = [], []
    for d, step in enumerate(directions):
        zeros = F.zeros(batch, hidden, dtype=x.dtype, device=x.device)
        state: State = tuple(zeros if s is None else s[d] for s in given)
        bias = F.zeros(2 * gates * hidden, dtype=x.dtype, device=x.device) if b is None else b[d]
        rows = F.linear(x, w[d], bias[: gates * hidden])
        weights = (r[d].mT, bias[gates * hidden :])
        outs: list[Any] = [None] * steps
        for i in range(steps)[::step]:
            new = _cell(g, functions[d], rows[i], state, weights, hidden)
            outs[i] = new[0]
            if masks is not None:
                outs[i] = F.where(masks[i], new[0], 0.0)
                new = tuple(F.where(masks[i], n, old) for n, old in zip(new, state, strict=True))
            state = new
        sides.append(F.stack(outs))
        last.append(state)
    ends = tuple(F.stack(list(parts)) for parts in zip(*last, strict=True))
    return (F.stack(sides, 1), *ends)


TABLE: dict[str, Operator] = {"RNN": _recurrent, "GRU": _recurrent, "LSTM": _recurrent}
