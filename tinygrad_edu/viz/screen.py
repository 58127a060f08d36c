"""Shows pictures: in the notebook, or in the default viewer of the system."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any


def present(thing: Any, file: Callable[[], Path]) -> None:
    """Show `thing` in the notebook, or open its file in the default viewer.

    Without a screen it warns where the file is. The warning has the line of the user's call.
    """
    if _in_notebook():
        sys.modules["IPython"].display.display(thing)
        return
    path = file()
    screen = sys.platform in ("darwin", "win32") or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if not (screen and webbrowser.open(path.resolve().as_uri())):
        warnings.warn(f"no screen to show the picture on; it is in {path}", stacklevel=3)


def temporary(ending: str, content: bytes) -> Path:
    """A new temporary file with this suffix."""
    with tempfile.NamedTemporaryFile(suffix=ending, prefix="picture-", delete=False) as file:
        file.write(content)
    return Path(file.name)


def _in_notebook() -> bool:
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return shell is not None and hasattr(shell, "kernel")
