"""Recurrent layers: a cell that walks along a sequence, forwards, or forwards and backwards.

The products of the inputs are one matrix product for all time steps; a step has one product, of the state.
The steps of a sequence are taken out of it by fours of fours, since the gradient of a slice is as large as
what it is a slice of: T slices of T steps would cost T^2.

Sequences of several lengths are padded to one, with `lengths=`: a mask keeps the state of a sequence beyond
its end. So its last state is that of its last step, its outputs beyond the end are zeros, the backward
direction begins at its end, and what stands beyond it is without effect, even NaN. These are PyTorch's
numbers for packed sequences.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

from tinygrad_edu import functional as F
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.recurrent_cells import KINDS, State, checked_nonlinearity, weights
from tinygrad_edu.scalars import integer, number
from tinygrad_edu.tensor import Tensor

__all__ = ["RNN", "LSTM", "GRU"]

MOST_LAYERS = 10_000  # a mistyped number is an error at once, and no loop until the memory is full
_FAN = 4  # into how many parts a sequence is split at once


def _steps(x: Tensor) -> Iterator[Tensor]:
    """The parts of x along axis 0, without that axis, in order."""
    if x.shape[0] == 1:
        yield F.reshape(x, x.shape[1:])
    elif x.shape[0]:
        for part in F.split(x, -(-x.shape[0] // _FAN)):
            yield from _steps(part)


class _Recurrent(Module):
    """The common part of the recurrent layers; the names and the order of the parameters are PyTorch's.

    Initial values are PyTorch's: uniform on +-1 / sqrt(hidden_size).
    """

    kind: ClassVar[str]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        title = type(self).__name__
        self.input_size = integer(input_size, f"{title}: input_size", least=1)
        self.hidden_size = integer(hidden_size, f"{title}: hidden_size", least=1)
        self.num_layers = integer(num_layers, f"{title}: num_layers", least=1, most=MOST_LAYERS)
        self.dropout = float(number(dropout, f"{title}: dropout"))
        if not 0.0 <= self.dropout <= 1.0:
            raise wrong(ValueError, title, f"dropout={dropout} is not a probability", "it must lie in [0, 1]")
        self.bias, self.batch_first, self.bidirectional = bool(bias), bool(batch_first), bool(bidirectional)
        self.nonlinearity, self.generator = "tanh", generator
        rows, sizes = KINDS[self.kind][0] * self.hidden_size, dict[str, tuple[int, ...]]()
        for layer in range(self.num_layers):
            inputs = self.input_size if layer == 0 else self.hidden_size * len(self._directions)
            for direction in self._directions:
                end = f"l{layer}{direction}"
                sizes |= {f"weight_ih_{end}": (rows, inputs), f"weight_hh_{end}": (rows, self.hidden_size)}
                if self.bias:
                    sizes |= {f"bias_ih_{end}": (rows,), f"bias_hh_{end}": (rows,)}
        weights(self, sizes, 1.0 / math.sqrt(self.hidden_size), dtype, device, generator)

    @property
    def _directions(self) -> tuple[str, ...]:
        """The end of the names of each direction's parameters."""
        return ("", "_reverse") if self.bidirectional else ("",)

    def forward(self, x: Any, hx: Any = None, *, lengths: Any = None) -> tuple[Tensor, Any]:
        """(outputs of the last layer, last state of every layer and direction).

        x is (L, N, input_size), (N, L, input_size) with `batch_first`, or (L, input_size) for one sequence;
        the outputs are (L, N, hidden_size), twice as many with `bidirectional`. A state is (layers *
        directions, N, hidden_size), also with `batch_first`; zeros if it is not given. `lengths` has the
        number of steps of each sequence, from 1 to L. N may be 0. Raises ShapeError, and ValueError for wrong
        lengths.
        """
        x = F.as_tensor(x, vars(self)["weight_ih_l0"])
        one = x.ndim == 2
        steps = 1 if self.batch_first and not one else 0
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size or not x.shape[steps]:
            order = f"(N, L, {self.input_size})" if self.batch_first else f"(L, N, {self.input_size})"
            problem = f"x {x.shape} must be {order} or (L, {self.input_size}), with a step"
            raise wrong(ShapeError, type(self).__name__, problem, inputs=(x,))
        if one:
            x = F.expand_dims(x, 1)
        elif self.batch_first:
            x = F.transpose(x, 0, 1)
        masks = None
        if lengths is not None:
            masks = self._masks(lengths, x)
            x = F.where(F.stack(masks), x, F.zeros((), dtype=x.dtype, device=x.device))
        states = self._first_states(hx, x, one)
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                x = F.dropout(x, self.dropout, generator=self.generator)
            sides = []
            for direction in self._directions:
                out, state = self._walk(x, f"l{layer}{direction}", states[len(last)], masks)
                sides.append(out)
                last.append(state)
            x = sides[0] if len(sides) == 1 else F.concat(sides, -1)
        ends = tuple(F.stack(parts) for parts in zip(*last, strict=True))
        if one:
            x, ends = F.squeeze(x, 1), tuple(F.squeeze(end, 1) for end in ends)
        elif self.batch_first:
            x = F.transpose(x, 0, 1)
        return x, ends if len(ends) > 1 else ends[0]

    def _masks(self, lengths: Any, x: Tensor) -> list[Tensor]:
        """For each time step, (N, 1), whether a sequence has that step. ValueError for impossible lengths."""
        given = F.as_tensor(lengths, x)
        steps, rows = x.shape[:2]
        if given.shape != (rows,) or given.dtype.kind != "i":
            problem = f"lengths must be {rows} integers, not {given.shape} {given.dtype}"
            raise wrong(ValueError, type(self).__name__, problem, "give one for each sequence")
        found = given.numpy()
        if not ((found >= 1) & (found <= steps)).all():
            problem = f"the lengths {found.tolist()} must lie in 1...{steps}"
            raise wrong(ValueError, type(self).__name__, problem)
        column = F.expand_dims(F.tensor(found, device=x.device), 1)
        return [column > step for step in range(steps)]

    def _first_states(self, given: Any, x: Tensor, one: bool) -> list[State]:
        """The state in which each layer and direction begins."""
        count = self.num_layers * len(self._directions)
        parts, title = KINDS[self.kind][1], type(self).__name__
        if given is None:
            zeros = F.zeros(x.shape[1], self.hidden_size, dtype=x.dtype, device=x.device)
            return [(zeros,) * parts] * count
        if parts > 1 and not (isinstance(given, tuple | list) and len(given) == parts):
            raise wrong(TypeError, title, "the state is a pair of tensors", "pass (h, c)")
        tensors = [F.as_tensor(s, x) for s in (given if parts > 1 else (given,))]
        wanted = (count, self.hidden_size) if one else (count, x.shape[1], self.hidden_size)
        for s in tensors:
            if s.shape != wanted:
                raise wrong(ShapeError, title, f"the state must be {wanted}, not {s.shape}", inputs=(x, s))
        split = [list(_steps(F.expand_dims(s, 1) if one else s)) for s in tensors]
        return list(zip(*split, strict=True))

    def _walk(self, x: Tensor, end: str, state: State, masks: list[Tensor] | None) -> tuple[Tensor, State]:
        """One layer in one direction: its outputs for all steps, and its last state."""
        parameters = (
            getattr(self, f"{n}_{end}", None) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        w_ih, w_hh, b_ih, b_hh = parameters
        assert w_ih is not None and w_hh is not None
        if b_ih is not None and b_hh is not None and self.kind != "GRU":  # both are added to the same sum
            b_ih, b_hh = b_ih + b_hh, None
        inputs = list(_steps(F.linear(x, w_ih, b_ih)))
        formula = KINDS[self.kind][2]
        order = list(range(len(inputs)))
        if end.endswith("_reverse"):
            order.reverse()
        outs: list[Any] = [None] * len(inputs)
        nothing = F.zeros((), dtype=x.dtype, device=x.device)
        for step in order:
            new = formula(inputs[step], F.linear(state[0], w_hh, b_hh), state, self.nonlinearity)
            out = new[0]
            if masks is not None:
                new = tuple(F.where(masks[step], s, old) for s, old in zip(new, state, strict=True))
                out = F.where(masks[step], out, nothing)
            outs[step], state = out, new
        return F.stack(outs), state

    def extra_repr(self) -> str:
        said = [str(self.input_size), str(self.hidden_size)]
        usual: dict[str, Any] = {"num_layers": 1, "nonlinearity": "tanh", "bias": True, "batch_first": False,
                                 "dropout": 0.0, "bidirectional": False}  # fmt: skip
        said += [f"{name}={getattr(self, name)!r}" for name, v in usual.items() if getattr(self, name) != v]
        return ", ".join(said)


class RNN(_Recurrent):
    """Elman's network: h' = tanh(W x + b + U h + c), or relu, at each step of a sequence.

    The state is one tensor; see `forward` for shapes and `lengths`.
    """

    kind = "RNN"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            dtype=dtype, device=device, generator=generator,
        )  # fmt: skip
        self.nonlinearity = checked_nonlinearity("RNN", nonlinearity)


class LSTM(_Recurrent):
    """Long short-term memory: c' = f c + i g, h' = o tanh(c') at each step of a sequence.

    The state is a pair (h, c); see `forward` for shapes and `lengths`.
    """

    kind = "LSTM"


class GRU(_Recurrent):
    """Gated recurrent units: h' = (1 - z) n + z h at each step of a sequence.

    The state is one tensor; see `forward` for shapes and `lengths`.
    """

    kind = "GRU"
