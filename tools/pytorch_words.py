"""Write the names of PyTorch's public words, by module; PyTorch is needed: `python tools/pytorch_words.py`.

`--check` writes nothing, and exits with 1 if the installed PyTorch has other names.

They tell a program's missing word from a misspelt one, and are what docs/torch.md is counted by.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import types
import warnings
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "tinygrad_edu/torch/pytorch_names.json"
MODULES = (
    "torch", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.utils", "torch.nn.utils.rnn",
    "torch.nn.utils.parametrizations", "torch.nn.utils.parametrize", "torch.nn.parallel", "torch.optim",
    "torch.optim.lr_scheduler", "torch.optim.swa_utils", "torch.utils.data", "torch.utils.checkpoint",
    "torch.autograd", "torch.autograd.functional", "torch.linalg", "torch.special", "torch.cuda", "torch.amp",
    "torch.distributions", "torch.distributed", "torch.random", "torch.func", "torch.serialization",
    "torch.testing", "torch.fft",
)  # fmt: skip


def names_of(module: types.ModuleType) -> list[str]:
    """The public names of a module that are words of its own, and not modules or imports of others."""
    listed = getattr(module, "__all__", None)
    found = []
    for name in dir(module) if listed is None or module.__name__ == "torch" else listed:
        if name.startswith("_"):
            continue
        value: Any = getattr(module, name, None)
        home = getattr(value, "__module__", None) or "torch"
        if isinstance(value, types.ModuleType) or not str(home).startswith("torch"):
            continue
        if name in ("Any", "Callable", "Optional", "Union", "TYPE_CHECKING") or (
            name[:1].isupper() and listed is None and home == "typing"
        ):
            continue
        found.append(name)
    return sorted(set(found))


def main() -> int:
    """Write the file, or compare it; returns the exit code."""
    import torch

    warnings.simplefilter("ignore")
    found: dict[str, Any] = {"version": torch.__version__.partition("+")[0]}
    found["names"] = {name: names_of(importlib.import_module(name)) for name in MODULES}
    found["names"]["torch.Tensor"] = sorted(n for n in dir(torch.Tensor) if not n.startswith("_"))
    found["names"]["torch.nn.Module"] = sorted(
        n for n in dir(torch.nn.Module) if not n.startswith("_") and not inspect.ismodule(n)
    )
    text = json.dumps(found, indent=0).replace('",\n"', '", "') + "\n"
    if "--check" in sys.argv:
        return int(TARGET.read_text(encoding="utf-8") != text)
    TARGET.write_text(text, encoding="utf-8")
    print(f"wrote {TARGET}: {sum(map(len, found['names'].values()))} names")
    return 0


if __name__ == "__main__":
    sys.exit(main())
