"""The progress bar of a run, on stderr. No other file imports tqdm."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm


def progress_bar(title: str, total: int | None, *, initial: int = 0, hidden: bool = False) -> tqdm[Any]:
    """A bar of `total` steps, of which `initial` have been taken; it is removed when it is closed.

    total   None if it is not known
    hidden  show nothing
    """
    from tqdm import tqdm

    return tqdm(
        total=total,
        initial=initial,
        desc=title,
        unit="step",
        disable=hidden,
        file=sys.stderr,
        leave=False,
        mininterval=0.2,
        dynamic_ncols=True,
    )
