"""Ctrl-C as a flag, so that a step is completed and a save is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupt_flag() -> Iterator[Callable[[], bool]]:
    """A function that returns whether Ctrl-C was pressed; in this block the first Ctrl-C interrupts nothing.

    So every step is completed and every save is whole. The second Ctrl-C interrupts as usual. Only the main
    thread can have the flag; in another one it stays False.
    """
    pressed: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # only the main thread may set a handler
        return

    def note(number: int, frame: Any) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)
