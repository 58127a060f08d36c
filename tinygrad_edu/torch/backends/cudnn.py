"""torch.backends.cudnn: not here; programs set its switches, and every result is deterministic anyway."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

enabled = True
benchmark = False
deterministic = True
allow_tf32 = False


def is_available() -> bool:
    """Whether cuDNN is here: no."""
    return False


def version() -> None:
    """cuDNN's version: there is none."""


@contextlib.contextmanager
def flags(enabled: bool = True, benchmark: bool = False, deterministic: bool = True,
          allow_tf32: bool = False) -> Iterator[None]:  # fmt: skip
    """A context with other switches, which change nothing."""
    yield
