"""Layers whose sizes are known when they see their first input: nn.LazyLinear(10)."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare
from tinygrad_edu.torch.nn import convolution, linear, normalization
from tinygrad_edu.torch.nn.module import Module, begin
from tinygrad_edu.torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

__all__ = ["LazyLinear"]


class _Lazy(Module):
    """A layer that is made at its first call, by its class with the size of that call's input.

    It becomes an object of that class; its parameters stay the objects that they were, so that an optimizer
    may have them already.
    """

    becomes: ClassVar[type[Any]]
    names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    def __init__(self, *args: Any, **named: Any) -> None:
        begin(self)
        self._settings = (args, named)
        self._wait(named)

    def _wait(self, named: dict[str, Any]) -> None:
        for name in self.names:
            given = name != "bias" or self._has_bias()
            self.register_parameter(name, UninitializedParameter() if given else None)

    def _has_bias(self) -> bool:
        args, named = self._settings
        probe = self.becomes(1, *args, **named)
        return probe.bias is not None

    def _size(self, x: Any) -> int:
        return int(x.shape[-1])

    def has_uninitialized_params(self) -> bool:
        """Whether the layer has no sizes yet."""
        return True

    def initialize_parameters(self, input: Any) -> None:
        """Make the layer for inputs of this size."""
        args, named = self._settings
        made = self.becomes(self._size(input), *args, **named)
        made.train(self.training)
        lazy: dict[str, Any] = {**self._parameters, **self._buffers}
        for register in (made._parameters, made._buffers):
            for name, x in register.items():
                waiting: Any = lazy.get(name)
                if is_lazy(waiting) and x is not None:
                    waiting.__class__ = type(waiting).becomes
                    wanted = waiting.__dict__.pop("wanted", True)
                    waiting._inner, waiting._view = bare(x), None
                    if not wanted:
                        waiting.requires_grad = False
                    register[name] = waiting
        hooks = self._hooks
        self.__class__ = self.becomes
        self.__dict__.clear()
        self.__dict__.update(made.__dict__)
        self._hooks.update(hooks)

    def forward(self, input: Any) -> Any:
        self.initialize_parameters(input)
        return self.forward(input)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *more: Any) -> None:
        weight = state_dict.get(f"{prefix}{self.names[0]}")
        if weight is None:
            raise wrong(
                RuntimeError,
                type(self).__name__,
                f"the state has no {prefix}{self.names[0]}, from which the layer would know its sizes",
                "call it with an input first",
            )
        self.initialize_parameters(self._like(weight))
        self._load_from_state_dict(state_dict, prefix, *more)

    def _like(self, weight: Any) -> Any:
        """A tensor of the inputs' size, from a weight in a state."""
        return weight

    def extra_repr(self) -> str:
        args, named = self._settings
        return ", ".join(["0", *map(str, args), *(f"{name}={value}" for name, value in named.items())])


class LazyLinear(_Lazy):
    """A `Linear` whose in_features are those of its first input."""

    becomes = linear.Linear

    def extra_repr(self) -> str:
        args, named = self._settings
        out = args[0] if args else named["out_features"]
        return f"in_features=0, out_features={out}, bias={self.bias is not None}"


class _LazyConv(_Lazy):
    """A convolution whose in_channels are those of its first input."""

    becomes: ClassVar[Any]

    def _size(self, x: Any) -> int:
        return int(x.shape[-self.becomes.axes - 1])

    def _like(self, weight: Any) -> Any:
        args, named = self._settings
        groups = self.becomes(1, *args, **{**named, "groups": 1}).groups
        groups = named.get("groups", groups)
        channels = weight.shape[0] if self.becomes.transposed else weight.shape[1] * groups
        return weight.new_zeros(channels, *(1,) * self.becomes.axes)


class _LazyNorm(_Lazy):
    """A norm whose num_features are the channels of its first input."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _wait(self, named: dict[str, Any]) -> None:
        probe = self.becomes(1, *self._settings[0], **named)
        for name, x in probe._parameters.items():
            self.register_parameter(name, None if x is None else UninitializedParameter())
        for name, x in probe._buffers.items():
            waits = x is not None and name != "num_batches_tracked"
            self.register_buffer(name, UninitializedBuffer() if waits else x)

    def _size(self, x: Any) -> int:
        return int(x.shape[1 if x.dim() > 1 else 0])


def _declare() -> None:
    for end in ("1d", "2d", "3d"):
        for base, kind, file in (
            (_LazyConv, "Conv", convolution), (_LazyConv, "ConvTranspose", convolution),
            (_LazyNorm, "BatchNorm", normalization), (_LazyNorm, "InstanceNorm", normalization),
        ):  # fmt: skip
            title, becomes = f"Lazy{kind}{end}", getattr(file, f"{kind}{end}")
            body = {"becomes": becomes, "__doc__": base.__doc__, "__module__": __name__}
            body["__qualname__"] = title
            globals()[title] = type(title, (base,), body)
            __all__.append(title)


_declare()
