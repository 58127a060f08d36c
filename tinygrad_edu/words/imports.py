"""`import tinygrad_edu.nn.functional` has the hint that `tinygrad_edu.nn.functional` has.

Python asks the finders of `sys.meta_path` in turn for a module that is imported. The last of them is the one
here: it is reached only for modules that no other finder has, and answers for those of this library.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType

from tinygrad_edu.errors import wrong

_PACKAGE = __name__.partition(".")[0]
_MACHINERY = ("importlib", "importlib._bootstrap", "importlib._bootstrap_external")


class MissingModules:
    """The finder that explains names of other libraries; it finds nothing."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """None, or ModuleNotFoundError with a hint where a program imports a module that is not here."""
        parent, _, last = name.rpartition(".")
        if not name.startswith(f"{_PACKAGE}.") or last.startswith("_"):
            return
        frame = _importing_frame()
        if frame is None:
            return
        from tinygrad_edu.words import module_hints

        hints = module_hints(parent, last, _names_after(name, frame))
        line = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        error = wrong(ModuleNotFoundError, "", f"No module named {name!r}", hints, where=line)
        error.name = name
        raise error


def install() -> None:
    """Put the finder at the end of `sys.meta_path`, once."""
    if not any(getattr(finder, "__name__", "") == MissingModules.__name__ for finder in sys.meta_path):
        sys.meta_path.append(MissingModules)


def _importing_frame() -> FrameType | None:
    """The frame with the import; None where a program only asks by `importlib.util.find_spec`."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in _MACHINERY:
        frame = frame.f_back
    asks = frame is not None and frame.f_globals.get("__name__") in ("importlib.util", "pkgutil")
    return None if asks else frame


def _names_after(name: str, frame: FrameType) -> list[str]:
    """The names that a program imports from the missing module: `data`, `DataLoader` for `utils` in
    `from tinygrad_edu.utils.data import DataLoader`."""
    steps = (step for step in dis.get_instructions(frame.f_code) if step.offset >= frame.f_lasti)
    written, taken = next(steps, None), next(steps, None)
    if written is None or written.opname != "IMPORT_NAME" or not str(written.argval).startswith(name):
        return []
    names = str(written.argval)[len(name) :].split(".")[1:]
    if taken is not None and taken.opname == "IMPORT_FROM":
        names.append(taken.argval)
    return names
