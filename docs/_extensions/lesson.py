"""For the cells of docs/lecture: run a script of examples/lecture, then show the pictures it drew.

`script = run("01_perceptron")` prints what the script prints, and its functions are at hand afterwards;
`picture("01_line.png")` shows the picture.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "lecture"
_drawn = Path(tempfile.mkdtemp(prefix="lecture-"))


def load(name: str) -> ModuleType:
    """The script as a module: its functions, without running it."""
    if str(EXAMPLES) not in sys.path:
        sys.path.insert(0, str(EXAMPLES))
    return importlib.import_module(name)


def run(name: str, *arguments: str) -> ModuleType:
    """Run a script as on the command line and print what it says, but for where its pictures went."""
    script, said = load(name), io.StringIO()
    with contextlib.redirect_stdout(said):
        script.main(["--out", str(_drawn), *arguments])
    text = said.getvalue().replace(f"{ROOT}/", "")  # reports name files as a reader would
    lines = [line for line in text.splitlines() if not line.startswith("picture: ")]
    print("\n".join(lines).strip("\n"))
    return script


def picture(name: str) -> Any:
    """A picture that the script drew, for a notebook. Raises FileNotFoundError naming those it did draw."""
    from IPython.display import SVG, Image

    path = _drawn / name
    if not path.exists():
        raise FileNotFoundError(f"no {name}; there are {', '.join(sorted(p.name for p in _drawn.iterdir()))}")
    return SVG(filename=str(path)) if path.suffix == ".svg" else Image(filename=str(path))


def shown(drawing: Any, name: str = "drawing.png") -> Any:
    """A drawing of tinygrad_edu.viz, for a notebook."""
    drawing.save(_drawn / name)
    return picture(name)
