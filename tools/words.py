"""Write the tables of docs/coming-from.md from the table of words: `python tools/words.py [--check]`.

The same table gives the hints for unknown names. `--check` writes nothing and exits with 1 if the page is
old.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tinygrad_edu import files
from tinygrad_edu.words.lookup import TABLE, split
from tinygrad_edu.words.word import PEERS, Word

PAGE = Path(__file__).resolve().parents[1] / "docs" / "coming-from.md"
_BLOCK = re.compile(r"(?<=<!-- words -->\n).*?(?=<!-- /words -->)", re.S)


def tables() -> str:
    """All topics, each a heading and a table; a library that has no word for a topic has no column in it."""
    return "\n".join(f"### {topic}\n\n{_table(rows)}\n" for topic, rows in TABLE.items())


def page() -> str:
    """The page as it should be."""
    return _BLOCK.sub(lambda _: "\n" + tables() + "\n", PAGE.read_text(encoding="utf-8"))


def _table(rows: Sequence[Word]) -> str:
    peers = [peer for peer in PEERS if any(getattr(row, peer) for row in rows)]
    lines = [["tinygrad_edu", *(PEERS[peer] for peer in peers), "note"], ["---"] * (len(peers) + 2)]
    for row in rows:
        lines.append([_ours(row.ours), *(_names(getattr(row, peer)) for peer in peers), _prose(row.about)])
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def _ours(text: str) -> str:
    return _prose(text) if re.search(r"[a-z,;] [a-zN]", text.replace(", ", ",")) else _names(text)


def _names(text: str) -> str:
    return ", ".join(f"`{name}`" for name in split(text))


def _prose(text: str) -> str:
    """Text with the parts of programs marked as code."""
    return re.sub(r"\b(?:te|nn|optim|data|x|model|torch|np)\.[\w.]+(?:\([^)]*\))?|\w+=(?:\w+)?", _code, text)


def _code(found: re.Match[str]) -> str:
    return f"`{found[0]}`"


def _differences() -> Iterator[str]:
    wanted, there = page().splitlines(), PAGE.read_text(encoding="utf-8").splitlines()
    yield from (f"- {line}" for line in there if line not in wanted)
    yield from (f"+ {line}" for line in wanted if line not in there)


def main() -> int:
    """The command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is old")
    if not parser.parse_args().check:
        files.write(PAGE, page())
        return 0
    if page() == PAGE.read_text(encoding="utf-8"):
        return 0
    print("\n".join(_differences()))
    print("docs/coming-from.md is out of date; run `make reference` and commit it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
