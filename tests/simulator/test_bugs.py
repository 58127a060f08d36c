"""The book of planted bugs: its page is current, every bug says what it is, and exercises do not tell."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tinygrad_edu.simulator.bugs import BUGS, GROUPS, RUNGS, named
from tinygrad_edu.simulator.bugs.__main__ import PAGE, main
from tinygrad_edu.simulator.bugs.page import page


def test_the_page_is_current():
    assert page() == PAGE.read_text(encoding="utf-8"), "python -m tinygrad_edu.simulator.bugs --write"


def test_the_page_has_every_bug_with_its_twin_and_its_words():
    text = page()
    assert len(re.findall(r"^```diff$", text, re.M)) == len(BUGS)
    assert len(re.findall(r"^- \d\d_\w+: `", text, re.M)) == len(RUNGS)
    for group in GROUPS.values():
        for planted in group:
            heading = re.sub(r"__\w+|\w+_\w+", r"`\g<0>`", planted.name)
            section = text.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
            assert planted.source.strip() in section
            assert all(f"`{part}`" in section for word in planted.title for part in word.split("|"))
    anchors = set(re.findall(r"\]\(#([^)]+)\)", text))
    headings = {
        re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^### (.*)$", text, re.M)
    }
    assert anchors <= headings and len(anchors) == len(BUGS)


@pytest.mark.parametrize(
    "bug", [*BUGS, *RUNGS], ids=lambda bug: getattr(bug, "name", getattr(bug, "old", ""))
)
def test_every_bug_says_in_a_sentence_what_it_is(bug):
    assert re.fullmatch(r"[A-Z_a].*\.", bug.about) and len(bug.about) < 100


def test_no_bug_of_the_kernels_is_there_twice():
    assert len({(b.family, b.rung, b.old, b.new) for b in RUNGS}) == len(RUNGS)
    assert all(b.old.split() != b.new.split() for b in RUNGS)


@pytest.mark.parametrize("planted", BUGS, ids=lambda planted: planted.name)
def test_an_exercise_is_a_program_that_does_not_tell(planted):
    broken, repaired = planted.program(), planted.program(repaired=True)
    assert broken != repaired
    for text in (broken, repaired):
        compile(text, planted.name, "exec")
        assert not re.search(r"// (BUG|OTHER)|^[-+]", text, re.M) and planted.about not in text
        assert text.count('get_function("k")') == 1


def test_the_command_lists_prints_and_checks(capsys, monkeypatch, tmp_path):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(f"  {planted.name}\n" in said for planted in BUGS)
    for words, repaired in ((["tree reduction"], False), (["tree reduction", "--repaired"], True)):
        assert main(words) == 0
        assert capsys.readouterr().out == named("tree reduction").program(repaired=repaired)
    with pytest.raises(SystemExit) as end:
        main(["nothing"])
    assert end.value.code == 2 and "tree reduction" in capsys.readouterr().err
    assert main(["--check"]) == 0
    monkeypatch.setattr("tinygrad_edu.simulator.bugs.__main__.PAGE", tmp_path / "page.md")
    (tmp_path / "page.md").write_text("old")
    assert main(["--check"]) == 1 and "out of date" in capsys.readouterr().err
    assert main(["--write"]) == 0 and main(["--check"]) == 0


def test_it_is_a_command_of_python():
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_edu.simulator.bugs", "doubles"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == named("doubles").program()
