"""`tinygrad-edu torch` runs a PyTorch program unmodified on this library, or lists what it misses."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tinygrad_edu.cli import script
from tinygrad_edu.cli.arguments import UsageError
from tinygrad_edu.torch.core import devices
from tinygrad_edu.torch.running import answering, reading


def run(asked: argparse.Namespace) -> int:
    """Run the program; returns its exit code."""
    if asked.check_only:
        return _check(asked)
    if asked.check and asked.device != "simulator":
        raise UsageError("--check watches kernels on the simulator; add --device simulator")
    start = script.runner(asked.words, asked.module, "tinygrad-edu torch train.py")
    if asked.device == "simulator" and asked.check:
        from tinygrad_edu.cli import simulate

        simulate.watch()
    answering.answer()
    if asked.device != "cpu":
        devices.let_answer("cuda", asked.device)
    return script.run(start)


def _check(asked: argparse.Namespace) -> int:
    """Print each missing word with its line; returns 1 if there is one."""
    words = asked.words[1:] if asked.words[:1] == ["--"] else asked.words
    if not words:
        raise UsageError("name a script, as in: tinygrad-edu torch --check-only train.py")
    found = missing = 0
    for name in words:
        if not Path(name).is_file():
            raise FileNotFoundError(2, "no such script", name)
        result = reading.read(Path(name))
        found, missing = found + len(result.words), missing + len(result.missing)
        for one in result.missing:
            print(one)
    known = f"{found} words of PyTorch"
    if missing:
        print(f"{missing} uses of words that are not here, among {known}", file=sys.stderr)
        return 1
    print(f"all {known} are here" if found else "no word of PyTorch is in it")
    return 0
