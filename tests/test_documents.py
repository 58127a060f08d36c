"""What the documents say is run: Python blocks execute, paths exist, numbers were measured."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

import tinygrad_edu as te
from tinygrad_edu.engine.op import REGISTRY

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)


@pytest.fixture
def registry():
    """Ops that a block declares are forgotten after it."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: b.splitlines()[0])
def test_readme_blocks_run(block, registry, capsys):
    te.manual_seed(0)
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    said = capsys.readouterr().out
    if "held out:" in said:
        assert float(said.split()[-1]) >= 0.95


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / document).read_text()):
        assert (ROOT / target).exists(), f"{document} links to {target}, which does not exist"


def test_the_map_names_what_is_there():
    house = (ROOT / "README.md").read_text().split("## The house")[1].split("## Speed")[0]
    for path in re.findall(r"`([a-z_]+(?:/|\.py))`", house):
        assert (ROOT / "tinygrad_edu" / path).exists() or (ROOT / path).exists(), path


def test_numbers_were_measured():
    text = (ROOT / "README.md").read_text()
    for name, block in re.findall(r"<!-- bench:(\w+) -->(.*?)<!-- /bench:\1 -->", text, re.S):
        assert "| --- |" in block and "Measured on" in block, f"run the benchmark that writes {name}"
