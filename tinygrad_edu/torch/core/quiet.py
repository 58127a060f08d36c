"""Of numbers divided by 0, of overflow and of NaN the face says nothing, as PyTorch says nothing.

The library says something, as NumPy does, and so does NumPy in the rest of a program. `np.errstate` holds for
some lines of code, but takes as long as half an op of small tensors. NumPy keeps it in a variable of the
context, which is set here at each op: `token = silence(IGNORED)`, and `resume(token)` in the end.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def _state_of_numpy() -> tuple[contextvars.ContextVar[Any], Any]:
    """The variable in which NumPy keeps what is done of errors, and its value for nothing at all.

    For a NumPy that keeps it elsewhere it is a variable that nobody reads: its warnings are heard then.
    """
    context = contextvars.copy_context()
    before = dict(context.items())
    context.run(np.seterr, all="ignore")
    changed = [(name, value) for name, value in context.items() if before.get(name) is not value]
    return changed[0] if changed else (contextvars.ContextVar("unread"), None)


_variable, IGNORED = _state_of_numpy()
silence, resume = _variable.set, _variable.reset


def quietly(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, in which NumPy says nothing of the numbers that it computes."""

    @functools.wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        token = silence(IGNORED)
        try:
            return function(*args, **named)
        finally:
            resume(token)

    return called
