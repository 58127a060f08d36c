"""Draw the pictures of the README and the front page again: `make pictures`. Needs the `viz` extra."""

from __future__ import annotations

import re
import shutil
import tempfile
from html import escape
from pathlib import Path

import tinygrad_edu as te
from tinygrad_edu import files, nn, viz
from tinygrad_edu.cli import main

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
# page, edge, text, soft, and what stands out: the kind of the report, the two threads, the advice
LIGHT = {"page": "#ffffff", "edge": "#d6dae0", "text": "#20242a", "soft": "#5d6671", "head": "#b8430a",
         "thread": "#0b5c94", "advice": "#0c6b4a"}  # fmt: skip
DARK = {"page": "#15181d", "edge": "#3a4049", "text": "#e4e8ed", "soft": "#a8b0bb", "head": "#ff8a50",
        "thread": "#7cc4f2", "advice": "#5fd0a4"}  # fmt: skip
STANDS_OUT = (("Data race", "head"), ("thread (", "thread"), ("What to do", "advice"),
              ("nothing orders", "text"))  # fmt: skip
SIZE, PITCH, ADVANCE = 13, 21, 7.83  # of the letters: height, from line to line, width in a font of code


def spiral() -> None:
    """What `tinygrad-edu train spiral` draws."""
    with tempfile.TemporaryDirectory() as folder:
        main(["train", "spiral", "--quiet", "--out", folder])
        shutil.copy(Path(folder) / "boundary.png", IMAGES / "spiral.png")


def graph() -> None:
    """The loss of a network with one hidden layer, with what each node saves for backward."""
    te.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    loss = te.cross_entropy(model(te.randn(16, 64)), te.randint(0, 10, (16,)))
    viz.graph(loss, names=model, show=("shape", "saved")).save(str(IMAGES / "graph.svg"))


def report() -> list[str]:
    """The checker's report on the README's reverse.py, line by line; a test compares it with a real one."""
    shown = re.search(
        r"^```text\n(reverse\.py.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )
    if shown is None:
        raise SystemExit("README.md shows no report of reverse.py")
    return shown[1].splitlines()


def race() -> str:
    """The report as a picture: a card that follows the reader's light or dark page."""
    lines = ["$ tinygrad-edu simulate --check reverse.py", *report()]
    width, height = round(ADVANCE * max(map(len, lines)) + 36), PITCH * len(lines) + 30
    rules = [f".{name}{{fill:{colour}}}" for name, colour in LIGHT.items()]
    dark = [f".{name}{{fill:{colour}}}" for name, colour in DARK.items()]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="A data race, as the checker reports it" '
        f'font-size="{SIZE}" '
        "font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\">",
        f"<style>{''.join(rules)}@media (prefers-color-scheme:dark){{{''.join(dark)}}}</style>",
        f'<rect class="edge" width="{width}" height="{height}" rx="10"/>',
        f'<rect class="page" x="1" y="1" width="{width - 2}" height="{height - 2}" rx="9"/>',
    ]
    for i, line in enumerate(lines):
        kind = next((kind for mark, kind in STANDS_OUT if mark in line), "soft")
        weight = ' font-weight="bold"' if kind == "head" else ""
        parts.append(
            f'<text class="{kind}" x="18" y="{PITCH * i + 32}" xml:space="preserve"{weight}>'
            f"{escape(line)}</text>"
        )
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    spiral()
    graph()
    files.write(IMAGES / "race.svg", race())
