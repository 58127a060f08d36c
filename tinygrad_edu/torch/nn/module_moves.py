"""The part of a Module that changes what is in its registers: devices, dtypes, modes, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import devices, dtypes
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions import conversions


class Moves:
    """What a Module does to all its tensors."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Put `fn(x)` in place of the numbers of every parameter and of every buffer x, here and below."""
        this: Any = self
        if recurse:
            for module in this.children():
                module._apply(fn)
        for parameter in this._parameters.values():
            if parameter is not None:
                _replace(parameter, fn)
        for name, buffer in this._buffers.items():
            if buffer is not None:
                this._buffers[name] = fn(buffer)
        return self

    def apply(self, fn: Callable[[Any], Any]) -> Self:
        """Call `fn` on every module below, then on this one."""
        for module in self.children():  # type: ignore[attr-defined]
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Training mode (dropout drops) or, with `mode=False`, evaluation mode, here and below."""
        if not isinstance(mode, bool):
            raise wrong(ValueError, "train", "training mode is expected to be boolean")
        self.training = mode
        for module in self.children():  # type: ignore[attr-defined]
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Evaluation mode: dropout is the identity, and batch norm uses its averages."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Make every parameter require a gradient or, with False, freeze it."""
        for parameter in self.parameters():  # type: ignore[attr-defined]
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Remove the gradients or, with `set_to_none=False`, fill those that exist with zeros."""
        for parameter in self.parameters():  # type: ignore[attr-defined]
            grad = parameter.grad
            if grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                with no_grad():
                    grad.inner.detach().zero_()

    # -- devices and dtypes ----------------------------------------------------------------------------------

    def to(self, *args: Any, non_blocking: bool = False, memory_format: Any = None, **named: Any) -> Self:
        """Move parameters and buffers to a device, or their floats to a dtype, or both; they stay the same
        parameters."""
        place, kind = conversions.target_of(args, named)
        if kind is not None and kind.kind != "f":
            raise wrong(
                TypeError,
                "to",
                "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={dtypes.dtype_of(kind)}",
            )
        return self._apply(lambda x: conversions.moved(x, place, kind if x.is_floating_point() else None))

    def cpu(self) -> Self:
        """Move parameters and buffers to the cpu."""
        return self._apply(lambda x: conversions.moved(x, "cpu", None))

    def cuda(self, device: Any = None) -> Self:
        """Move parameters and buffers to the GPU."""
        place = devices.here("cuda" if device is None else device)
        return self._apply(lambda x: conversions.moved(x, place, None))

    def type(self, dst_type: Any) -> Self:
        """Cast parameters and buffers to a dtype."""
        return self._apply(lambda x: x.type(dst_type))

    def _floats(self, kind: Any) -> Self:
        found = dtypes.numpy_of(kind)
        return self._apply(lambda x: conversions.moved(x, None, found) if x.is_floating_point() else x)

    def float(self) -> Self:
        """Make every float among parameters and buffers a float32."""
        return self._floats(dtypes.float32)

    def double(self) -> Self:
        """Make every float among parameters and buffers a float64."""
        return self._floats(dtypes.float64)

    def half(self) -> Self:
        """A TypeError: there is no float16 here."""
        return self._floats(dtypes.float16)

    def bfloat16(self) -> Self:
        """A TypeError: there is no bfloat16 here."""
        return self._floats(dtypes.bfloat16)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move parameters and buffers to a device, where their numbers need not be kept."""
        place = devices.here(device)
        return self._apply(lambda x: conversions.moved(x, place, None), recurse)

    def share_memory(self) -> Self:
        """The module itself: threads share memory anyway."""
        return self


def _replace(parameter: Tensor, fn: Callable[[Tensor], Tensor]) -> None:
    with no_grad():
        grad = parameter.grad
        new, new_grad = fn(parameter), None if grad is None else fn(grad)
        if new is parameter or new.inner is parameter.inner:
            return
        parameter.grad = None
        parameter.data = new
        if new_grad is not None:
            parameter.grad = new_grad
