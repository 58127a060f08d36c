"""What the documents say of the simulator is run: the tour block by block, and scripts by the command line.

Each block of output in them must be what really comes out; `...` stands for what a document leaves out.
"""

from __future__ import annotations

import difflib
import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)
# Runs the blocks it reads as one program, with a mark after the output of each.
TOUR = """
import json, sys
names, above = {"__name__": "__main__"}, 0
for block in json.load(sys.stdin):
    exec(compile("\\n" * above + block, "tour.py", "exec"), names)
    above += block.count("\\n")
    print("\\0", end="", flush=True)
"""


def _programs(document: str) -> list[tuple[str, str]]:
    """The Python blocks of a document, each with the output that follows it, "" where none is shown."""
    blocks, found = FENCED.findall((ROOT / document).read_text()), []
    for i, (language, text) in enumerate(blocks):
        if language == "python":
            after = [b for b in blocks[i + 1 : i + 3] if b[0] != "sh"][:1]
            found.append((text, after[0][1] if after and after[0][0] == "text" else ""))
    return found


SCRIPTS = [
    (text.split()[1], text, output) for text, output in _programs("README.md") if text.startswith("# ")
]


def _run(command: list[str], folder: Path, given: str = "", errors: int = subprocess.STDOUT) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        input=given,
        text=True,
        stdout=subprocess.PIPE,
        stderr=errors,
        check=False,
    )
    assert "Traceback" not in done.stdout, done.stdout
    return done.stdout


def _same(shown: str, said: str) -> bool:
    # what hypothesis calls it depends on its version
    shown, said = (text.replace("Falsifying example:", "Failing test case:") for text in (shown, said))
    return doctest.OutputChecker().check_output(shown, said, doctest.ELLIPSIS)


def _assert_same(shown: str, said: str) -> None:
    difference = difflib.unified_diff(shown.splitlines(), said.splitlines(), "document", "run", lineterm="")
    assert _same(shown, said), "\n".join(difference)


def test_the_tour_says_what_it_shows(simulator, tmp_path):
    blocks = _programs("tinygrad_edu/simulator/README.md")
    said = _run(["-c", TOUR], tmp_path, json.dumps([text for text, _ in blocks])).split("\0")
    assert len(said) == len(blocks) + 1 >= 4, said[-1]
    for (_, shown), output in zip(blocks, said):
        assert shown, "each block of the tour shows its output"
        _assert_same(shown, output)


@pytest.mark.parametrize(("name", "text", "shown"), SCRIPTS, ids=[name for name, _, _ in SCRIPTS])
def test_a_script_of_the_readme_says_what_it_shows(simulator, tmp_path, name, text, shown):
    (tmp_path / name).write_text(text)
    command = f"tinygrad-edu simulate --check {name}"
    assert command in (ROOT / "README.md").read_text()
    _assert_same(shown, _run(["-m", *command.replace("tinygrad-edu", "tinygrad_edu").split()], tmp_path))


def test_the_quick_start_says_what_it_shows(simulator, tmp_path):
    """All of it but the installation, in its order, in an empty folder; commands are the README's."""
    text = (ROOT / "docs/quickstart.md").read_text().partition("## Train a model")[2]
    blocks, readme = FENCED.findall(text), (ROOT / "README.md").read_text()
    compared = 0
    for i, (language, block) in enumerate(blocks):
        if language == "python":
            (tmp_path / block.split()[1]).write_text(block)
        elif language == "sh" and "setup" not in block:
            commands = [line.split() for line in block.splitlines()]
            assert all(f"tinygrad-edu {words[1]} " in readme for words in commands), block
            # what train draws on the way, a bar of its progress, goes to where errors go
            errors = subprocess.DEVNULL if commands[0][1] == "train" else subprocess.STDOUT
            said = "".join(
                _run(["-m", "tinygrad_edu", *words[1:]], tmp_path, errors=errors) for words in commands
            )
            if blocks[i + 1][0] == "text":
                _assert_same(blocks[i + 1][1], said)
                compared += 1
    assert compared == 4 and (tmp_path / "tinygrad-edu-out/spiral/boundary.png").exists()
    assert (tmp_path / "graph.svg").exists()
    sources = {re.sub(r"\s+", " ", b) for language, b in blocks if language == "python" and "reverse" in b}
    assert sources == {re.sub(r"\s+", " ", source) for name, source, _ in SCRIPTS if name == "reverse.py"}


def test_the_comparison_sees_a_difference():
    assert _same("a ... z\n", "a b z\n") and not _same("a ... z\n", "a b y\n") and not _same("", "a\n")
