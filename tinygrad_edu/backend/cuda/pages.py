"""Copies the current kernels into the pages of docs/kernels: `python -m tinygrad_edu.backend.cuda.pages`.

Code between `<!-- kernel:softmax/01_three_pass -->` and its closing marker is the text of that file below its
header. The path is relative to kernels/, and `.cu` is added if it has no suffix. With a second word, as in
`<!-- kernel:softmax/layout.cuh row_at -->`, the code is that function or struct alone. A test compares page
and file, so a page cannot show a kernel that no longer exists.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tinygrad_edu import files
from tinygrad_edu.backend.cuda.device.compile import kernels_folder

_BLOCK = re.compile(r"(<!-- kernel:(\S+)(?: (\w+))? -->\n).*?(\n<!-- /kernel:\2(?: \3)? -->)", re.DOTALL)


def code_of(file: str, definition: str | None = None) -> str:
    """The text of a kernel file below its header, or of one of its functions or structs.

    Raises FileNotFoundError if there is no such file, LookupError if it does not define `definition`.
    """
    path = kernels_folder() / (file if "." in file else f"{file}.cu")
    lines = path.read_text(encoding="utf-8").splitlines()
    if definition is None:
        first = next(i for i, line in enumerate(lines) if not line.startswith("//"))
        return "\n".join(lines[first:]).strip()
    begins = re.compile(rf"\b(struct {definition} {{|{definition}\()")
    for i, line in enumerate(lines):
        if not begins.search(line) or line.startswith(("//", "        ")):
            continue
        first = i  # a long signature, and a template's first line, begin above this line
        while lines[first - 1] and not lines[first - 1].startswith(("//", "#", "}")):
            first -= 1
        last = i if line.endswith("}") else next(k for k in range(i, len(lines)) if lines[k] in ("}", "};"))
        return "\n".join(lines[first : last + 1])
    raise LookupError(f"kernels/{path.parent.name}/{path.name} defines no {definition}")


def updated_text(page: str) -> str:
    """The text of a page, with each block of code copied from its file again."""

    def block(found: re.Match[str]) -> str:
        return f"{found[1]}```cuda\n{code_of(found[2], found[3])}\n```{found[4]}"

    return _BLOCK.sub(block, page)


def update_page(path: Path) -> None:
    """Write a page again if a kernel that it shows has changed."""
    old = path.read_text(encoding="utf-8")
    if (new := updated_text(old)) != old:
        files.write(path, new)
        print(f"{path.name} shows changed kernels", file=sys.stderr)


def main() -> int:
    """Update all pages."""
    for path in sorted((kernels_folder().parent / "docs" / "kernels").glob("*.md")):
        update_page(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
