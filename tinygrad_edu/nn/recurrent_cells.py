"""Cells: one time step of a recurrent network, from an input and a state to the next state.

`step_rnn`, `step_lstm` and `step_gru` are the formulas. They take the products of the input, which a layer
computes for all time steps at once, and the products of the state. Sources: Elman, "Finding structure in
time", 1990; Hochreiter, Schmidhuber, "Long short-term memory", 1997, with the forget gate of Gers,
Schmidhuber, Cummins, 2000; Cho and others, "Learning phrase representations using RNN encoder-decoder", EMNLP
2014, with the reset gate after the product.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.nn import init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer
from tinygrad_edu.tensor import Tensor

__all__ = ["RNNCell", "LSTMCell", "GRUCell"]

State = tuple[Tensor, ...]
NONLINEARITIES = {"tanh": F.tanh, "relu": F.relu}


def step_rnn(inputs: Tensor, products: Tensor, state: State, nonlinearity: str) -> State:
    """h' = tanh(W x + U h), or relu."""
    return (NONLINEARITIES[nonlinearity](inputs + products),)


def step_lstm(inputs: Tensor, products: Tensor, state: State, _: str = "") -> State:
    """c' = f c + i g, h' = o tanh(c'): i, f, o are sigmoids, g a tanh of W x + U h, in the order i f g o."""
    i, f, g, o = F.split(inputs + products, state[1].shape[-1], axis=-1)
    c = F.sigmoid(f) * state[1] + F.sigmoid(i) * F.tanh(g)
    return F.sigmoid(o) * F.tanh(c), c


def step_gru(inputs: Tensor, products: Tensor, state: State, _: str = "") -> State:
    """h' = (1 - z) n + z h: r and z are sigmoids of W x + U h, n = tanh(W x + r U h), in the order rzn."""
    (h,) = state
    size = h.shape[-1]
    (gates, x), (rz, u) = (F.split(t, (2 * size, size), axis=-1) for t in (inputs, products))
    r, z = F.split(F.sigmoid(gates + rz), size, axis=-1)
    n = F.tanh(x + r * u)
    return (n + z * (h - n),)


# How many blocks of rows a weight has, how many tensors a state has, and the formula.
KINDS: dict[str, tuple[int, int, Any]] = {
    "RNN": (1, 1, step_rnn),
    "LSTM": (4, 2, step_lstm),
    "GRU": (3, 1, step_gru),
}


def weights(
    module: Module,
    sizes: dict[str, tuple[int, ...]],
    bound: float,
    dtype: Any,
    device: Any,
    generator: Generator | None,
) -> None:
    """Assign parameters of these shapes to `module`, uniform on +-bound."""
    kind = dtypes.as_dtype(dtype or float)
    for name, shape in sizes.items():
        parameter = Parameter(F.zeros(shape, dtype=kind), device=device)
        init.uniform_(parameter, -bound, bound, generator=generator)
        setattr(module, name, parameter)


class _Cell(Module):
    """The common part of the cells. Initial values are PyTorch's: uniform on +-1 / sqrt(hidden_size)."""

    kind: ClassVar[str]
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        title = type(self).__name__
        self.input_size = integer(input_size, f"{title}: input_size", least=0)
        self.hidden_size = integer(hidden_size, f"{title}: hidden_size", least=1)
        self.nonlinearity = "tanh"
        rows = KINDS[self.kind][0] * self.hidden_size
        sizes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, self.input_size),
            "weight_hh": (rows, self.hidden_size),
        }
        if bias:
            sizes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        else:
            self.bias_ih = self.bias_hh = None
        weights(self, sizes, 1.0 / math.sqrt(self.hidden_size), dtype, device, generator)

    def _next(self, x: Any, given: Any) -> State:
        """The next state after `x`, (N, input_size) or (input_size,), from a state, or from zeros."""
        title, count = type(self).__name__, KINDS[self.kind][1]
        x = F.as_tensor(x, self.weight_ih)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            problem = f"x {x.shape} must be (N, {self.input_size}) or ({self.input_size},)"
            raise wrong(ShapeError, title, problem)
        wanted = (*x.shape[:-1], self.hidden_size)
        if given is None:
            state: State = (F.zeros(wanted, dtype=x.dtype, device=x.device),) * count
        else:
            if count > 1 and not (isinstance(given, tuple | list) and len(given) == count):
                raise wrong(TypeError, title, "the state is a pair of tensors", "pass (h, c)")
            state = tuple(F.as_tensor(s, x) for s in (given if count > 1 else (given,)))
        for s in state:
            if s.shape != wanted:
                raise wrong(ShapeError, title, f"the state must be {wanted}, not {s.shape}", inputs=(x, s))
        inputs = F.linear(x, self.weight_ih, self.bias_ih)
        products = F.linear(state[0], self.weight_hh, self.bias_hh)
        found: State = KINDS[self.kind][2](inputs, products, state, self.nonlinearity)
        return found

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias_ih is not None else ", bias=False")


class RNNCell(_Cell):
    """h' = tanh(W x + b + U h + c): (N, input_size), (N, hidden_size) -> (N, hidden_size).

    `nonlinearity` is "tanh" or "relu". Without a state, h is zeros.
    """

    kind = "RNN"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype=dtype, device=device, generator=generator)
        self.nonlinearity = checked_nonlinearity("RNNCell", nonlinearity)

    def forward(self, x: Any, hx: Any = None) -> Tensor:
        return self._next(x, hx)[0]

    def extra_repr(self) -> str:
        return super().extra_repr() + (", nonlinearity='relu'" if self.nonlinearity == "relu" else "")


def checked_nonlinearity(title: str, name: str) -> str:
    """The name of a nonlinearity. Raises ValueError for others than "tanh" and "relu"."""
    if name not in NONLINEARITIES:
        raise wrong(ValueError, title, f"nonlinearity must be 'tanh' or 'relu', not {name!r}")
    return name


class LSTMCell(_Cell):
    """One step of an LSTM: (N, input_size), (h, c) -> (h', c'), each (N, hidden_size).

    The blocks of rows in weights and biases are the gates i, f, g, o. Without a state, h and c are zeros.
    """

    kind = "LSTM"

    def forward(self, x: Any, hx: Any = None) -> tuple[Tensor, Tensor]:
        h, c = self._next(x, hx)
        return h, c


class GRUCell(_Cell):
    """One step of a GRU: (N, input_size), (N, hidden_size) -> (N, hidden_size).

    The blocks of rows in weights and biases are r, z, n. Without a state, h is zeros.
    """

    kind = "GRU"

    def forward(self, x: Any, hx: Any = None) -> Tensor:
        return self._next(x, hx)[0]
