"""The errors the library raises, and the two facts every one of them carries: the user's line and what to do.

A message names the op, the shapes and the line of the user's program that asked for it, because the
traceback's last lines are ours, not theirs.
"""
from __future__ import annotations

import os
import sys
from types import FrameType

_BETWEEN = ("sklearn", "joblib")    # their code is neither ours nor the user's
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class StaleValueError(RuntimeError):
    """A value was changed in place after an op had saved it for backward."""


class FreedGraphError(RuntimeError):
    """The graph was already walked, and what it had saved is gone."""


class NotDifferentiableError(RuntimeError):
    """A gradient was asked of something that no differentiable op produced."""


class AnomalyError(RuntimeError):
    """An op made the first NaN or infinity (only raised under `te.detect_anomaly()`)."""


class DeviceError(RuntimeError):
    """A device is missing, or the inputs of one op live on different devices."""


class ShapeError(ValueError):
    """Shapes that do not fit together."""


class OpError(ValueError):
    """A primitive was declared wrongly; raised when it is declared, not when it runs."""


def user_frame() -> FrameType | None:
    """The innermost frame outside this package, and outside those that call it for users: the user's line."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename.startswith(_HERE)
                                 or frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN):
        frame = frame.f_back
    return frame


def user_line() -> str:
    """`file.py:12` of the user's line, or `<unknown>` when every frame is ours."""
    frame = user_frame()
    return "<unknown>" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def shut_down(op: str, device: str) -> DeviceError:
    """What to raise when an op meets a tensor of a device that was shut down."""
    return DeviceError(f"{op}: the device {device!r} of an input was shut down and its memory is gone; make "
                       f"that tensor again (at {user_line()})")


def describe(*inputs: object) -> str:
    """Shapes and dtypes of an op's inputs, for messages: `(3, 4) float32, 2.0`."""
    return ", ".join(
        f"{tuple(x.shape)} {getattr(x, 'dtype', '')}".strip() if hasattr(x, "shape") else repr(x)
        for x in inputs
    )
