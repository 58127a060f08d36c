"""Write docs/torch.md: which of PyTorch's words the face has, what differs, what is not there.

    python tools/torch_page.py [--check]

`--check` writes nothing, and exits with 1 if the page is not what the face says.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tinygrad_edu.torch.core.absent import reason_of  # noqa: E402
from tinygrad_edu.torch.core.differences import DIFFERENCES  # noqa: E402
from tinygrad_edu.torch.running.reading import FACE, NAMES  # noqa: E402

PAGE = ROOT / "docs" / "torch.md"
INTRODUCTION = """# PyTorch's face: every word

<!-- Written by tools/torch_page.py from the face itself; `make reference` writes it again. -->

`import tinygrad_edu.torch as torch` has {have} of the {all} public names of PyTorch {version}. Each that is
there is called with drawn arguments under PyTorch and here, and values, gradients, dtypes, shapes and types
of errors are compared (`make oracle`).
How to run a program: [PyTorch's programs, unmodified](howto/pytorch-programs.md).
"""


def owner_of(module: str) -> Any:
    """The object of the face that has a module's names; None if the module is not there."""
    face = importlib.import_module(FACE)
    if module in ("torch.Tensor", "torch.nn.Module"):
        return face.Tensor if module == "torch.Tensor" else face.nn.Module
    try:
        return importlib.import_module(FACE + module.removeprefix("torch"))
    except ImportError:
        return None


def has(owner: Any, name: str) -> bool:
    """Whether a module of the face, or a class, has a name."""
    return owner is not None and hasattr(owner, name)


def text() -> str:
    """The page."""
    facts = json.loads(NAMES.read_text(encoding="utf-8"))
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for module, names in facts["names"].items():
        owner = owner_of(module)
        there = [name for name in names if has(owner, name)]
        groups[module] = (there, [name for name in names if name not in there])
    have = sum(len(there) for there, _ in groups.values())
    lines = [
        INTRODUCTION.format(have=have, all=sum(map(len, facts["names"].values())), version=facts["version"])
    ]
    lines += ["## What differs", "", "| word | what differs |", "| --- | --- |"]
    lines += [f"| {name if ' ' in name else f'`{name}`'} | {why} |" for name, why in DIFFERENCES.items()]
    lines += ["", "## What is there", ""]
    for module, (there, _) in groups.items():
        total = len(there) + len(groups[module][1])
        if there:
            lines += [
                f"### {module}: {len(there)} of {total}",
                "",
                " ".join(f"`{name}`" for name in there),
                "",
            ]
    lines += [
        "## What is not there, and why",
        "",
        "| words | why, and what to write instead |",
        "| --- | --- |",
    ]
    reasons: dict[str, list[str]] = {}
    for module, (_, missing) in groups.items():
        start = "Tensor" if module == "torch.Tensor" else module
        for name in missing:
            word = f"{start}.{name}"
            reasons.setdefault(reason_of(word), []).append(word)
    for reason, words in reasons.items():
        lines.append(f"| {' '.join(f'`{word}`' for word in words)} | {reason} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or compare it."""
    made = text()
    if "--check" in sys.argv:
        if PAGE.read_text(encoding="utf-8") != made:
            print(
                f"{PAGE.relative_to(ROOT)} is not what the face says: python tools/torch_page.py",
                file=sys.stderr,
            )
            return 1
        return 0
    PAGE.write_text(made, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
