"""What the scripts of the lecture share: options, pictures, quiz questions, the device that runs CUDA."""
from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import tinygrad_edu as te
from tinygrad_edu import simulator
from tinygrad_edu.backend.cuda import nvcc
from tinygrad_edu.errors import DeviceError


def options(lesson: str, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of a script; `lesson` is its docstring, which --help prints.

    arguments  a list of words as on the command line; None: those of the command line itself
    """
    parser = argparse.ArgumentParser(
        description=lesson, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="a short run that only shows that it works")
    parser.add_argument("--out", type=folder, default=Path("build/lecture"), help="the folder for pictures")
    parser.add_argument("--show", action="store_true", help="also open every picture in a window")
    parser.add_argument("--seed", type=seed, default=0, help="the seed of everything random")
    return parser.parse_args(arguments)


def seed(text: str) -> int:
    """The number after --seed, one that NumPy, scikit-learn and this library all take."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to {2**32 - 1}; try 1")
    return int(text)


def folder(text: str) -> Path:
    """The path after --out; what is there already must be a folder."""
    path = Path(text)
    for place in (path, *path.parents):
        if place.exists() and not place.is_dir():
            raise argparse.ArgumentTypeError(f"{place} is a file; name a folder, which is made if need be")
    return path


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
    """(device, name): what TINYGRAD_EDU_DEVICE asks for, else a GPU if there is one, else the simulator.

    PyCUDA is imported after this, so that it finds the driver that was opened. A device that cannot be used
    ends the script with what to do; no other stands in for it.
    """
    asked = os.environ.get("TINYGRAD_EDU_DEVICE")
    device = asked or ("cuda" if te.cuda.is_available() else "simulator")
    try:
        info = te.cuda.device_info(device)
    except DeviceError as error:
        raise SystemExit(f"TINYGRAD_EDU_DEVICE={asked}: {error}" if asked else str(error)) from None
    if "arch" not in info.facts:
        raise SystemExit(f"TINYGRAD_EDU_DEVICE={asked} runs no CUDA; say simulator, or cuda for a GPU")
    return info.name, info.kind


def source_module(source: str) -> Any:
    """The kernels in a CUDA source, compiled: PyCUDA's SourceModule, by the nvcc on the PATH or by PyPI's."""
    from pycuda.compiler import SourceModule
    return SourceModule(source, nvcc=nvcc.find())


def checker(device: str) -> AbstractContextManager[Any]:
    """What is launched inside runs under the simulator's checker; a GPU has none, and runs it as always."""
    return simulator.check() if device.startswith("simulator") else nullcontext()
