"""`python -m tinygrad_edu.simulator.bugs`: the names of the bugs, a program with one, or their page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tinygrad_edu import files
from tinygrad_edu.simulator.bugs import GROUPS, named
from tinygrad_edu.simulator.bugs.page import page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "planted-bugs.md"


def main(given: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_edu.simulator.bugs", description="Kernels with bugs, as exercises."
    )
    parser.add_argument(
        "name", nargs="?", help="print a program with this bug; without one, list their names"
    )
    parser.add_argument("--repaired", action="store_true", help="the program without the bug")
    parser.add_argument("--write", action="store_true", help="write the page that lists them all")
    parser.add_argument("--check", action="store_true", help="exit with 1 if that page is out of date")
    options = parser.parse_args(given)
    if options.write:
        files.write(PAGE, page())
    elif options.check:
        if page() != PAGE.read_text(encoding="utf-8"):
            sys.stderr.write(f"{PAGE} is out of date; run python -m tinygrad_edu.simulator.bugs --write\n")
            return 1
    elif options.name:
        try:
            sys.stdout.write(named(options.name).program(repaired=options.repaired))
        except KeyError as error:
            parser.error(str(error.args[0]))
    else:
        for title, group in GROUPS.items():
            sys.stdout.write("\n".join([title, *(f"  {planted.name}" for planted in group)]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
