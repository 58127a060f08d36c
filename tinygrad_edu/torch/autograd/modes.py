"""Whether a graph is recorded: no_grad, enable_grad and the like, as contexts and decorators."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.anomaly import detect_anomaly as inner_detect
from tinygrad_edu.engine import modes
from tinygrad_edu.engine.modes import Modes, Switch, current, is_grad_enabled


def _recording(wanted: bool) -> Switch:
    return Switch(lambda before: Modes(wanted, before.observers, before.deferred and wanted))


class _Mode:
    """A mode that holds within `with`, and within a function that it decorates."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._switches: list[Switch] = []

    def __enter__(self) -> None:
        switch = _recording(self._wanted)
        switch.__enter__()
        self._switches.append(switch)

    def __exit__(self, *error: Any) -> None:
        self._switches.pop().__exit__(*error)

    def __call__(self, function: Any) -> Any:
        return _recording(self._wanted)(function)


class no_grad(_Mode):
    """Record nothing: `with torch.no_grad():`, `@torch.no_grad()` or `@torch.no_grad`."""

    def __new__(cls, function: Any = None) -> Any:
        return object.__new__(cls) if function is None else _recording(False)(function)

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_Mode):
    """Record again, inside a `no_grad`."""

    def __new__(cls, function: Any = None) -> Any:
        return object.__new__(cls) if function is None else _recording(True)(function)

    def __init__(self) -> None:
        super().__init__(True)


class inference_mode(_Mode):
    """Record nothing, as `no_grad`; with False it changes nothing."""

    def __new__(cls, mode: Any = True) -> Any:
        return object.__new__(cls) if isinstance(mode, bool) else _recording(False)(mode)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode and is_grad_enabled())
        self.mode = mode


class set_grad_enabled(_Mode):
    """Record, or not, from the call on; as a context, until its end."""

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self.mode = bool(mode)
        self._before: Modes | None = current.get()
        current.set(_made(self.mode))

    def __enter__(self) -> None:
        if self._before is None:  # entered for the second time
            self._before = current.get()
            current.set(_made(self.mode))

    def __exit__(self, *error: Any) -> None:
        assert self._before is not None
        current.set(self._before)
        self._before = None

    def __call__(self, function: Any) -> Any:
        self.__exit__()
        return super().__call__(function)


def _made(wanted: bool) -> Modes:
    before = current.get()
    made = Modes(wanted, before.observers, before.deferred and wanted)
    made.outer, made.change = before.outer, before.change
    return made


def is_inference_mode_enabled() -> bool:
    """Whether nothing is recorded by `inference_mode`; it is `no_grad` here."""
    return False


class set_detect_anomaly:
    """Find the op that makes the first NaN in backward, or stop looking for it; also as a context."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = current.get()
        watched = tuple(o for o in self._before.observers if type(o).__name__ != "_AnomalyObserver")
        if mode:
            made = inner_detect().change(Modes(self._before.grad, watched, self._before.deferred))
        else:
            made = Modes(self._before.grad, watched, self._before.deferred)
        made.outer, made.change = self._before.outer, self._before.change
        current.set(made)

    def __enter__(self) -> None:
        """It holds since it was made."""

    def __exit__(self, *error: Any) -> None:
        current.set(self._before)


class detect_anomaly:
    """Find the op that makes the first NaN: `with torch.autograd.detect_anomaly():`."""

    def __init__(self, check_nan: bool = True) -> None:
        self._switch: Any = None

    def __enter__(self) -> None:
        self._switch = inner_detect()
        self._switch.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._switch.__exit__(*error)


def is_anomaly_enabled() -> bool:
    """Whether NaNs are looked for."""
    return any(type(o).__name__ == "_AnomalyObserver" for o in current.get().observers)


__all__ = [
    "detect_anomaly",
    "enable_grad",
    "inference_mode",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "modes",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
