"""Restores memory that was changed in place, for code that runs a user's function more than once.

A batch norm's averages change with each run; `checkpoint` and `gradcheck` restore them.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, NamedTuple

from tinygrad_edu.engine.observer import Observer
from tinygrad_edu.engine.value import Storage


class State(NamedTuple):
    """The content of memory, how often it had been written, and the place of the last write."""

    array: Any
    writes: int
    where: str


def state_of(memory: Storage) -> State:
    """A copy of the content of memory, with its count and place of writes."""
    return State(memory.backend.copy(memory.array), memory.count, memory.where)


def restore(states: Mapping[Storage, State]) -> None:
    """Restore the content of memory, and its count and place of writes."""
    for memory, state in states.items():
        memory.backend.write(memory.array, None, (state.array,))
        memory.count, memory.where = state.writes, state.where


class Undo(Observer):
    """An observer that saves the state of memory before its first change, as long as the memory exists."""

    def __init__(self) -> None:
        self.before: weakref.WeakKeyDictionary[Storage, State] = weakref.WeakKeyDictionary()

    def writing(self, memory: Storage) -> None:
        if memory not in self.before:
            self.before[memory] = state_of(memory)

    def undo(self) -> None:
        """Restore all memory that was changed."""
        restore(dict(self.before))
        self.before.clear()
