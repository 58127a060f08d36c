"""What the scripts of the lecture share: options, pictures, quiz questions, the device that runs CUDA."""
from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tinygrad_edu as te


def options(lesson: str, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of a script; `lesson` is its docstring, which --help prints.

    arguments  a list of words as on the command line; None: those of the command line itself
    """
    parser = argparse.ArgumentParser(
        description=lesson, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="a short run that only shows that it works")
    parser.add_argument("--out", type=Path, default=Path("build/lecture"), help="the folder for pictures")
    parser.add_argument("--show", action="store_true", help="also open every picture in a window")
    parser.add_argument("--seed", type=int, default=0, help="the seed of everything random")
    return parser.parse_args(arguments)


def draw(picture: Any, name: str, given: argparse.Namespace) -> Path:
    """Save a picture under --out, say where it is, and open it with --show."""
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / name
    picture.save(path)
    print(f"picture: {path}")
    if given.show:
        picture.show()
    return path


def quiz(question: str, choices: Sequence[str], answer: str) -> str:
    """Print a question of the lecture and its choices, the computed answer marked; returns the answer."""
    if answer not in choices:
        raise ValueError(f"quiz: {answer!r} is none of {', '.join(choices)}; the computation must choose one")
    print(f"\nQuiz: {question}")
    for choice in choices:
        print(f"  {'->' if choice == answer else '  '} {choice}")
    return answer


def open_device() -> tuple[str, str]:
    """(device, name) of a GPU if there is one, else of the simulator; TINYGRAD_EDU_DEVICE=simulator insists.

    PyCUDA is imported after this, so that it finds the driver that was opened.
    """
    wanted = os.environ.get("TINYGRAD_EDU_DEVICE")
    device = "cuda" if wanted != "simulator" and te.cuda.is_available() else "simulator"
    return device, te.cuda.device_info(device).kind
