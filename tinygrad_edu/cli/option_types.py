"""What the text of an option is read as: functions for `type=` of argparse, and `runner` for `run=`."""

from __future__ import annotations

import argparse
import importlib
import math
from collections.abc import Callable


def runner(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    """A command that imports `cli.<module>` when it runs, and calls `function` of it."""

    def run(asked: argparse.Namespace) -> int:
        return int(getattr(importlib.import_module(f"tinygrad_edu.cli.{module}"), function)(asked))

    return run


def as_hidden(text: str) -> tuple[int, ...]:
    """`64,32` or `100`; `none` for no hidden layer."""
    if text == "none":
        return ()
    try:
        sizes = tuple(int(word) for word in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not sizes such as 100 or 64,32, nor 'none'")
    return sizes


def as_shape(text: str) -> tuple[int, ...]:
    """`3,4`; `scalar` for a single number."""
    if text == "scalar":
        return ()
    try:
        sizes = tuple(int(word) for word in text.split(",") if word)
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a shape such as 3,4 or 5, nor 'scalar'")
    return sizes


def as_seed(text: str) -> int:
    """A number of at least 0 that random draws start from."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def as_count(text: str) -> int:
    """A number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def as_number(text: str) -> int:
    """A number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def as_staleness(text: str) -> int | str:
    """A number of at least 0, or `none`, for no bound."""
    if text == "none":
        return text
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0, nor 'none'")
    return int(text)


def as_delimiter(text: str) -> str:
    """One character, or its name if it is hard to write in a shell."""
    found = {"tab": "\t", "\\t": "\t", "space": " "}.get(text, text)
    if len(found) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one character, nor 'tab' or 'space'")
    return found


def as_impute(text: str) -> str | float:
    """`median`, `mean`, or a number."""
    if text in ("median", "mean"):
        return text
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not 'median', 'mean' or a number")
    return value
