"""The errors of the library, and the facts in each: the op, its inputs, the user's line, the remedy.

An error is one of Python's own or of those below, made by `wrong`. Its facts are in `error.fault`, and its
text is composed from them in one place: `op(inputs): problem (at file.py:12); remedy`. It names the line
of the user's program, because the last lines of the traceback are the library's.
"""

from __future__ import annotations

import dis
import os
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any, NamedTuple, TypeVar

from tinygrad_edu.phrases import Phrase

# Code that is not the user's; some is ours: the code that `dataclasses` writes for our classes has no file.
_BETWEEN = (__name__.partition(".")[0], "sklearn", "joblib", "numpy", "contextlib")
_STORES = {dis.opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in dis.opmap}
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_COMMANDS = _HERE + "cli" + os.sep  # a user does not call by name what is called from there
Kind = TypeVar("Kind", bound=Exception)


class StaleValueError(RuntimeError):
    """A value was changed in place after an op had saved it for backward."""


class FreedGraphError(RuntimeError):
    """The graph was already used, and its saved values are freed."""


class NotDifferentiableError(RuntimeError):
    """A gradient was requested of a value that no differentiable op produced."""


class AnomalyError(RuntimeError):
    """An op made the first NaN or infinity (only raised under `te.detect_anomaly()`)."""


class DeviceError(RuntimeError):
    """A device is missing, or the inputs of one op live on different devices."""


class ShapeError(ValueError):
    """Shapes that do not fit together."""


class OpError(ValueError):
    """A primitive was declared wrongly; raised when it is declared, not when it runs."""


class Fault(NamedTuple):
    """The facts of an error. `str()` of it is the error's text.

    op       what failed: an op, a function, a class
    problem  what is wrong; it may begin with the op or the place itself
    remedy   what to do; "" if the problem says it
    inputs   what the op was given: `(3, 4) float32, 2.0, axis=1`; "" if that does not matter
    where    the user's line: `file.py:12`
    place    the place in a file that was read, for an error there: `patients.csv:12, column 3 ('age')`; it
             stands in the text in place of the line of a program
    """

    op: str
    problem: str
    remedy: str = ""
    inputs: str = ""
    where: str = ""
    place: str = ""

    def __str__(self) -> str:
        return str(self.text)

    @property
    def text(self) -> Phrase:
        """The error's text, a Phrase if it names arguments."""
        about = self.place or self.op
        head = f"{about}({self.inputs})" if self.inputs and not self.place else about
        told = self.problem.startswith(about) and not self.problem[len(about) :][:1].isidentifier()
        said = "" if told or not about else f"{head}: "
        at = f" (at {self.where})" if self.where and not self.place else ""
        return Phrase(said, self.problem, at, "; " if self.remedy else "", self.remedy)


def wrong(
    kind: type[Kind],
    op: str | None,
    problem: str,
    remedy: str = "",
    *,
    inputs: Iterable[Any] | str = (),
    where: str | None = None,
    place: str = "",
) -> Kind:
    """The error of that kind to raise: `raise wrong(ShapeError, "dot", "...", "flatten x", inputs=(x, y))`.

    op      None: it is found from what the user called; for helpers that serve many ops
    inputs  the inputs themselves, whose shapes and dtypes are kept, or a text
    where   by default the current line of the user
    """
    called, line = _asked()
    given = inputs if isinstance(inputs, str) else describe(*inputs)
    fault = Fault(
        called if op is None else op, problem, remedy, given, line if where is None else where, place
    )
    error = kind(str(fault))
    error.fault = fault  # type: ignore[attr-defined]
    return error


def retold(
    error: Exception,
    op: str | None,
    kind: type[Exception] | None = None,
    *,
    inputs: str = "",
    place: str = "",
    before: str = "",
) -> Exception:
    """The same error about `op` or a `place`: its problem, with `before` in front, and its remedy.

    kind  by default its own
    """
    known = fault_of(error) or Fault("", str(error))
    within = f"{known.op}({known.inputs}): " if known.inputs else ""  # for an op within the op
    problem = Phrase(before, within, known.problem)
    return wrong(kind or _kind(error), op, problem, known.remedy, inputs=inputs, place=place)


def fault_of(error: BaseException) -> Fault | None:
    """The facts of an error; None for one that is not the library's."""
    return getattr(error, "fault", None)


def without_line(error: BaseException) -> str:
    """The text of an error without a line, for a user who wrote no program, as on the command line."""
    known = fault_of(error)
    return str(error) if known is None else known._replace(op=known.op * bool(known.inputs), where="").text


def _kind(error: Exception) -> type[Exception]:
    """The kind to raise again: one that takes only a text; some of NumPy's do not."""
    known = (ShapeError, DeviceError, IndexError, TypeError, MemoryError, ZeroDivisionError, OverflowError,
             ValueError)  # fmt: skip
    numpy = sys.modules.get("numpy.linalg")  # not imported here: the command's help does without NumPy
    if numpy is not None and isinstance(error, numpy.LinAlgError):
        kind: type[Exception] = numpy.LinAlgError
        return kind
    return next((kind for kind in known if isinstance(error, kind)), RuntimeError)


def _asked() -> tuple[str, str]:
    """The function that the user called, and the line: (`reshape`, `file.py:12`)."""
    called, frame = "", user_frame()
    inner: FrameType | None = sys._getframe(1)
    while inner is not None and inner is not frame:
        called = _name(inner) or called
        inner = inner.f_back
    return called, _line(frame)


def _name(frame: FrameType) -> str:
    """The name of a frame of ours, if users know the name: `reshape`, `Linear`, `getitem`."""
    code, name, file = frame.f_code, frame.f_code.co_name, frame.f_code.co_filename
    if "<" in code.co_qualname or not file.startswith(_HERE) or file.startswith(_COMMANDS):
        return ""
    if name in ("__init__", "__post_init__", "__call__"):
        name = type(frame.f_locals.get(code.co_varnames[0])).__name__
    elif name.startswith("__"):
        name = name.strip("_")
    return "" if name.startswith("_") else name


def user_frame() -> FrameType | None:
    """The innermost frame outside this package, and outside those that call it for users."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (
        frame.f_code.co_filename.startswith(_HERE)
        or frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN
    ):
        frame = frame.f_back
    return frame


def user_line() -> str:
    """`file.py:12` of the user's line, or `<unknown>` if every frame is ours."""
    return _line(user_frame())


def _line(frame: FrameType | None) -> str:
    return "<unknown>" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def is_stored(frame: FrameType) -> bool:
    """Whether a frame is now executing an assignment to an item, `b[0] = x`."""
    return frame.f_code.co_code[frame.f_lasti] in _STORES


def shut_down(op: str, device: str) -> DeviceError:
    """The error for a tensor of a device that was shut down."""
    return wrong(
        DeviceError,
        op,
        f"the device {device!r} of an input was shut down and its memory is gone",
        "make that tensor again",
    )


def describe(*inputs: object) -> str:
    """Shapes and dtypes of an op's inputs, for messages: `(3, 4) float32, 2.0`."""
    return ", ".join(
        f"{tuple(x.shape)} {getattr(x, 'dtype', '')}".strip() if hasattr(x, "shape") else f"{x!r:.60}"
        for x in inputs
    )
