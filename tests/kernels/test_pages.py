"""The pages of docs/kernels: their programs run, their links lead somewhere, every family has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinygrad_edu.backend.cuda.families import ladders
from tinygrad_edu.backend.cuda.ladder import PAGES

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted((ROOT / "docs" / "kernels").glob("*.md"))


@pytest.mark.parametrize("path", NAMES, ids=lambda p: p.stem)
def test_the_program_of_a_page_runs(device, path):
    for program in re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S):
        exec(
            compile(program.replace('"simulator"', repr(device.name)), path.name, "exec"),
            {"__name__": path.stem},
        )


@pytest.mark.parametrize("path", [*NAMES, ROOT / "kernels" / "README.md"], ids=lambda p: p.stem)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("family", sorted(ladders()))
def test_every_family_has_its_place_in_the_documents(family):
    for text in (
        (ROOT / "docs" / "kernels" / f"{PAGES.get(family, family)}.md"),
        ROOT / "kernels" / "README.md",
    ):
        assert f"<!-- counts:{family} -->" in text.read_text()
    assert f"<!-- resources:{family} -->" in (ROOT / "kernels" / "README.md").read_text()
