"""The pages of docs/kernels: their programs run, their kernels are the files', every family has one."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from tinygrad_edu import simulator
from tinygrad_edu.backend.cuda import pages
from tinygrad_edu.backend.cuda.families import LADDERS
from tinygrad_edu.backend.cuda.ladder import PAGES

WRITE = "python -m tinygrad_edu.backend.cuda.pages"
ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted((ROOT / "docs" / "kernels").glob("*.md"))


@pytest.mark.parametrize("path", NAMES, ids=lambda p: p.stem)
def test_the_programs_of_a_page_run(device, path):
    """One after another, each with the names of those above it."""
    names = {"__name__": path.stem}
    programs = re.findall(r"^ *```python\n(.*?)^ *```", path.read_text(), re.M | re.S)
    assert programs
    for program in programs:
        text = textwrap.dedent(program).replace('"simulator"', repr(device.name))
        exec(compile(text, path.name, "exec"), names)


@pytest.mark.parametrize("path", [*NAMES, ROOT / "kernels" / "README.md"], ids=lambda p: p.stem)
def test_links_lead_somewhere(path):
    prose = re.sub(r"^ *```\w+\n.*?^ *```", "", path.read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\((?!http)([^)#]+)", prose):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("family", sorted(LADDERS))
def test_every_family_has_its_place_in_the_documents(family):
    for text in (
        (ROOT / "docs" / "kernels" / f"{PAGES.get(family, family)}.md"),
        ROOT / "kernels" / "README.md",
    ):
        assert f"<!-- counts:{family} -->" in text.read_text()
    assert f"<!-- resources:{family} -->" in (ROOT / "kernels" / "README.md").read_text()


@pytest.mark.parametrize("path", NAMES, ids=lambda p: p.stem)
def test_the_kernels_that_a_page_shows_are_the_files(path):
    text = path.read_text()
    assert len(re.findall("<!-- kernel:", text)) == len(pages._BLOCK.findall(text)), "a block is not closed"
    assert pages.updated_text(text) == text, f"{path.name} shows an older kernel: run {WRITE}"


@pytest.mark.parametrize("family", sorted(LADDERS))
def test_every_page_shows_the_naive_kernel(family):
    text = (ROOT / "docs" / "kernels" / f"{PAGES.get(family, family)}.md").read_text()
    assert f"<!-- kernel:{family}/{LADDERS[family].rungs[0].source}" in text


def test_a_block_is_renewed_from_its_file(tmp_path):
    page, name = tmp_path / "page.md", "kernel:copy/layout.cuh walk"
    page.write_text(f"a\n<!-- {name} -->\nold\n<!-- /{name} -->\nb\n")
    pages.update_page(page)
    text = page.read_text()
    assert text.startswith(f"a\n<!-- {name} -->\n```cuda\n__device__") and "old" not in text
    assert text.endswith(f"    }}\n}}\n```\n<!-- /{name} -->\nb\n")
    with pytest.raises(LookupError, match="defines no nonsense"):
        pages.code_of("copy/layout.cuh", "nonsense")


def test_the_bug_of_the_readme_is_found(device, tmp_path, monkeypatch):
    if device.name != "simulator":
        pytest.skip("the checker watches the simulator only")
    section = (ROOT / "kernels" / "README.md").read_text().partition("## Planting a bug")[2]
    commands, program = (
        re.search(rf"^```{kind}\n(.*?)^```", section, re.M | re.S)[1] for kind in ("sh", "python")
    )
    shutil.copytree(ROOT / "kernels", tmp_path / "kernels")
    subprocess.run(["bash", "-ec", commands], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    with simulator.check(), pytest.raises(Exception, match="Data race on global memory"):
        exec(compile(program, "bug.py", "exec"), {"__name__": "bug"})
