"""torch.amp: mixed precision. There is no float16 here, so everything stays in float32, and says so."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.torch.core import dtypes
from tinygrad_edu.torch.core.border import bare
from tinygrad_edu.torch.core.words import missing_from


class autocast(contextlib.ContextDecorator):
    """A context in which PyTorch computes in float16 or bfloat16; here it is float32, more exactly."""

    def __init__(self, device_type: Any = "cuda", dtype: Any = None, enabled: bool = True,
                 cache_enabled: bool | None = None) -> None:  # fmt: skip
        self.device, self.fast_dtype, self.enabled = device_type, dtype, bool(enabled)
        if self.enabled and dtype in (None, dtypes.float16, dtypes.bfloat16):
            _tell()

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *error: Any) -> None:
        """Nothing changes."""


@functools.cache
def _tell() -> None:
    warnings.warn("autocast computes in float32 here: there is no float16 and no bfloat16", stacklevel=3)


class GradScaler:
    """Multiplies a loss so that gradients in float16 do not vanish, and divides them again before the step.

    The rule is PyTorch's: a step whose gradients are not finite is left out, and the scale is lowered.
    """

    def __init__(
        self,
        device: Any = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if isinstance(device, (int, float)) and not isinstance(
            device, bool
        ):  # torch.cuda.amp's first is the scale
            init_scale = float(device)
        self._enabled = bool(enabled)
        self._scale, self._growth, self._backoff = float(init_scale), growth_factor, backoff_factor
        self._interval, self._good = growth_interval, 0
        self._bad: dict[int, bool] = {}  # of the optimizers whose gradients are unscaled in this iteration

    def is_enabled(self) -> bool:
        return self._enabled

    def get_scale(self) -> float:
        return self._scale if self._enabled else 1.0

    def scale(self, outputs: Any) -> Any:
        """The outputs times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(self.scale(x) for x in outputs)
        return outputs * self._scale

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of the optimizer's parameters by the scale."""
        if not self._enabled:
            return
        if id(optimizer) in self._bad:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        bad = False
        with te.no_grad():
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        grad = bare(p.grad)
                        grad.mul_(1.0 / self._scale)
                        bad = bad or not np.isfinite(grad.numpy()).all()
        self._bad[id(optimizer)] = bad

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimizer's step, unless a gradient is not finite."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if id(optimizer) not in self._bad:
            self.unscale_(optimizer)
        return None if self._bad[id(optimizer)] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """The scale for the next iteration."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif any(self._bad.values()):
            self._scale, self._good = self._scale * self._backoff, 0
        else:
            self._good += 1
            if self._good == self._interval:
                self._scale, self._good = self._scale * self._growth, 0
        self._bad.clear()

    def get_growth_factor(self) -> float:
        return self._growth

    def get_backoff_factor(self) -> float:
        return self._backoff

    def get_growth_interval(self) -> int:
        return self._interval

    def state_dict(self) -> dict[str, Any]:
        if not self._enabled:
            return {}
        return {"scale": self._scale, "growth_factor": self._growth, "backoff_factor": self._backoff,
                "growth_interval": self._interval, "_growth_tracker": self._good}  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self._enabled:
            self._scale, self._growth = float(state["scale"]), state["growth_factor"]
            self._backoff, self._interval = state["backoff_factor"], state["growth_interval"]
            self._good = state["_growth_tracker"]


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str = "cuda", cast_inputs: Any = None
) -> Any:
    """Decorates the forward of a Function; nothing is cast here."""
    return functools.partial(custom_fwd, device_type=device_type) if fwd is None else fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str = "cuda") -> Any:
    """Decorates the backward of a Function; nothing is cast here."""
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd


def is_autocast_available(device_type: str) -> bool:
    """Whether there is a faster dtype on that device: no."""
    return False


__getattr__ = missing_from("torch.amp")
__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
