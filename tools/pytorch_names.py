"""Write the names of PyTorch's functions of tensors to a file, for the reference.

    .venv-oracle/bin/python tools/pytorch_names.py [--check]

The reference gives an op's names in other libraries, and is written on machines without PyTorch. `--check`
writes nothing and exits with 1 when the names are not those of the PyTorch that is installed; a test of
`make oracle` does that.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "tinygrad_edu" / "reference" / "pytorch.py"
PLACES = ("torch", "torch.nn.functional", "torch.special")
_HEAD = '''"""What PyTorch {version} calls its functions; written by tools/pytorch_names.py."""

NAMES = {{
'''


def names(place: str) -> list[str]:
    """The functions of a module; of torch itself those that are methods of a tensor, too."""
    module, tensor = importlib.import_module(place), importlib.import_module("torch").Tensor
    found = []
    for name, value in inspect.getmembers(module, callable):
        plain = name.islower() and not name.startswith("_") and not name.endswith("_")
        machinery = inspect.isclass(value) or "torch_function" in name or hasattr(importlib, name)
        if plain and not machinery and (place != "torch" or callable(getattr(tensor, name, None))):
            found.append(name)
    return found


def text() -> str:
    """The file."""
    version = importlib.import_module("torch").__version__.partition("+")[0]
    parts = [_HEAD.format(version=version)]
    for place in PLACES:
        lines = textwrap.wrap(" ".join(names(place)), 100)
        parts.append(f'    "{place}": """\n' + textwrap.indent("\n".join(lines), " " * 8) + '\n    """,\n')
    return "".join(parts) + "}\n"


def main() -> int:
    """The command line."""
    wanted, there = text(), FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    if "--check" not in sys.argv[1:]:
        FILE.write_text(wanted, encoding="utf-8")
        return 0
    if wanted != there:
        sys.stderr.write(f"{FILE} is not what PyTorch says; run .venv-oracle/bin/python {sys.argv[0]}\n")
    return int(wanted != there)


if __name__ == "__main__":
    sys.exit(main())
