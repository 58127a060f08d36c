"""What the documents say is run: Python blocks execute, paths exist, numbers were measured."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

import tinygrad_edu as te
from tinygrad_edu.engine.op import REGISTRY

ROOT = Path(__file__).parent.parent
# A block that begins with `# name.py` is a script of PyCUDA: tests/simulator/test_readme.py runs those.
BLOCKS = re.findall(r"^```python\n(?!# \w+\.py$)(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
SIMULATOR = "tinygrad_edu/simulator/README.md"
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/README.md", SIMULATOR)
DECISIONS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "design").glob("*.md"))


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


@pytest.mark.parametrize("document", [*DOCUMENTS, *DECISIONS])
def test_links_lead_somewhere(document):
    path = ROOT / document
    for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), f"{document} links to {target}, which does not exist"


def test_every_decision_is_listed():
    listed = (ROOT / "docs" / "README.md").read_text()
    assert [d for d in DECISIONS if f"]({d.removeprefix('docs/')})" not in listed] == []


def test_the_simulators_map_names_what_is_there():
    house = (ROOT / SIMULATOR).read_text().split("## Where to find what")[1].split("\n## ")[0]
    for path in re.findall(r"`([a-z_/]+(?:/|\.py))`", house):
        assert (ROOT / SIMULATOR).parent.joinpath(path).exists() or (ROOT / path).exists(), path
    for name in re.findall(r"`([a-z_]+\.h)`", house):
        assert any((ROOT / SIMULATOR).parent.rglob(name)), name


def test_the_map_names_what_is_there():
    house = (ROOT / "README.md").read_text().split("## The house")[1].split("## Speed")[0]
    for path in re.findall(r"`([a-z_]+(?:/|\.py))`", house):
        assert (ROOT / "tinygrad_edu" / path).exists() or (ROOT / path).exists(), path


def test_numbers_were_measured():
    text = (ROOT / "README.md").read_text()
    for name, block in re.findall(r"<!-- bench:(\w+) -->(.*?)<!-- /bench:\1 -->", text, re.S):
        assert "| --- |" in block and "Measured on" in block, f"run the benchmark that writes {name}"
