"""Recurrent layers and cells: hidden states, packed sequences and names as in PyTorch."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare
from tinygrad_edu.torch.core.dtypes import dtype_of
from tinygrad_edu.torch.nn import init
from tinygrad_edu.torch.nn.layer import Layer, placed
from tinygrad_edu.torch.nn.utils import rnn

__all__ = ["RNNBase", "RNN", "LSTM", "GRU", "RNNCellBase", "RNNCell", "LSTMCell", "GRUCell"]

_MODES = {"RNN_TANH": te.nn.RNN, "RNN_RELU": te.nn.RNN, "LSTM": te.nn.LSTM, "GRU": te.nn.GRU}


def _draw(layer: Any) -> None:
    bound = 1.0 / math.sqrt(layer.hidden_size) if layer.hidden_size > 0 else 0
    for parameter in layer.parameters():
        init.uniform_(parameter, -bound, bound)


class RNNBase(Layer):
    """The common part of the recurrent layers: (L, N, input_size), or (N, L, ...) with `batch_first`."""

    options = ("num_layers", "batch_first", "dropout", "bidirectional", "hidden_size", "input_size")
    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    batch_first: bool
    bidirectional: bool
    dropout: float
    proj_size = 0

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError("dropout should be a number in range [0, 1]: the probability of zeros")
        for name, value, kind in (
            ("bias", bias, bool), ("batch_first", batch_first, bool), ("input_size", input_size, int),
            ("hidden_size", hidden_size, int),
        ):  # fmt: skip
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
        if mode not in _MODES:
            raise ValueError(f"Unrecognized RNN mode: {mode}")
        if proj_size:
            raise wrong(RuntimeError, mode, "proj_size is not here", "put a torch.nn.Linear after the layer")
        if dropout > 0 and num_layers == 1:
            warnings.warn(f"dropout={dropout} comes between layers, and num_layers is 1", stacklevel=3)
        relu = {"nonlinearity": "relu"} if mode == "RNN_RELU" else {}
        inner = _MODES[mode](
            input_size, hidden_size, num_layers, bias=bias, batch_first=batch_first, dropout=dropout,
            bidirectional=bidirectional, **relu, **placed(device, dtype),
        )  # fmt: skip
        names = ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if bias else ()))
        ends = ("", "_reverse") if bidirectional else ("",)
        self.__dict__["tensors"] = tuple(
            f"{name}_l{layer}{end}" for layer in range(num_layers) for end in ends for name in names
        )
        super().__init__(inner)
        self.mode, self.proj_size = mode, 0

    @property
    def all_weights(self) -> list[list[Any]]:
        """The parameters, layer by layer and direction by direction."""
        names, count = self.tensors, 4 if self.bias else 2
        return [[getattr(self, n) for n in names[i : i + count]] for i in range(0, len(names), count)]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for name in self.tensors]

    def flatten_parameters(self) -> None:
        """Nothing: it is about how a GPU's library wants its memory."""

    def reset_parameters(self) -> None:
        """Draw all parameters again."""
        _draw(self)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """(outputs of the last layer, last states). A PackedSequence gives one."""
        if isinstance(input, rnn.PackedSequence):
            return self._of_packed(input, hx)
        _check_input(self, input)
        return self.run(input, hx)

    def _of_packed(self, packed: rnn.PackedSequence, hx: Any) -> Any:
        _check_input(self, packed.data)
        lengths = rnn.lengths_of(packed.batch_sizes)
        padded, _ = rnn.pad_packed_sequence(packed._replace(sorted_indices=None, unsorted_indices=None))
        batch_first, self.batch_first = self.batch_first, False
        try:
            out, state = self.run(padded, _rows(hx, packed.sorted_indices), lengths=lengths)
        finally:
            self.batch_first = batch_first
        again = rnn.pack_padded_sequence(out, lengths)
        made = packed._replace(data=again.data)
        return made, _rows(state, packed.unsorted_indices)

    def extra_repr(self) -> str:
        said = f"{self.input_size}, {self.hidden_size}"
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        for name, value in usual.items():
            if getattr(self, name) != value:
                said += f", {name}={getattr(self, name)}"
        return said


def _rows(state: Any, at: Any) -> Any:
    """A state with its sequences in another order."""
    if state is None or at is None:
        return state
    if isinstance(state, tuple):
        return tuple(_rows(x, at) for x in state)
    return state.index_select(1, at)


def _check_input(layer: Any, x: Any) -> None:
    """Errors for a dtype or a number of axes that do not fit."""
    kind = bare(layer._parameters[layer.tensors[0]]).dtype
    if x.inner.dtype != kind:
        raise ValueError(f"RNN input dtype ({x.dtype}) does not match weight dtype ({dtype_of(kind)})")


class RNN(RNNBase):
    """h' = tanh(W x + b + U h + c), or relu, at each step of a sequence."""

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
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity != "tanh" and nonlinearity != "relu":
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(
            f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first, dropout,
            bidirectional, 0, device, dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity


class _Gated(RNNBase):
    """The common part of LSTM and GRU."""

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
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            self.kind,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )


class LSTM(_Gated):
    """c' = f c + i g, h' = o tanh(c') at each step of a sequence; the state is (h, c)."""

    kind = "LSTM"


class GRU(_Gated):
    """h' = (1 - z) n + z h at each step of a sequence."""

    kind = "GRU"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )  # fmt: skip


class RNNCellBase(Layer):
    """The common part of the cells: one step, (N, input_size) and a state (N, hidden_size)."""

    tensors = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    of: ClassVar[Any]
    input_size: int
    hidden_size: int

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, *, device: Any = None, dtype: Any = None,
        **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(self.of(input_size, hidden_size, bool(bias), **more, **placed(device, dtype)))
        self.bias = bias

    def reset_parameters(self) -> None:
        """Draw all parameters again."""
        _draw(self)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state."""
        if input.dim() not in (1, 2):
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 1D or 2D, got {input.dim()}D instead"
            )
        return self.run(input, hx)

    def extra_repr(self) -> str:
        said = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")
        relu = vars(self).get("nonlinearity") == "relu" and isinstance(self, RNNCell)
        return said + (", nonlinearity=relu" if relu else "")


class RNNCell(RNNCellBase):
    """h' = tanh(W x + b + U h + c), or relu."""

    of = te.nn.RNNCell
    options = ("nonlinearity",)

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, nonlinearity=nonlinearity, device=device, dtype=dtype)


class LSTMCell(RNNCellBase):
    """One step of an LSTM: (h', c')."""

    of = te.nn.LSTMCell

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device=device, dtype=dtype)


class GRUCell(RNNCellBase):
    """One step of a GRU."""

    of = te.nn.GRUCell

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device=device, dtype=dtype)
