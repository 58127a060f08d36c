"""The precision of float32 matrix products, on devices that have a choice.

"highest", the default, multiplies in float32. "high" uses tensor cores. They round the inputs to TF32, with
10 bits of mantissa instead of 23, and add in float32. On GPUs since Ampere this is several times faster, and
exact to about three digits.
"""

from __future__ import annotations

from contextvars import ContextVar

from tinygrad_edu.errors import wrong

PRECISIONS = ("highest", "high")
_precision: ContextVar[str] = ContextVar("matmul_precision", default="highest")


class set_matmul_precision:
    """Set the precision: from now on, or as `with te.set_matmul_precision("high"):` inside the block.

    Raises ValueError for a word other than "highest" and "high".
    """

    def __init__(self, precision: str) -> None:
        if precision not in PRECISIONS:
            raise wrong(
                ValueError, None, f"matmul precision {precision!r} is none of {', '.join(PRECISIONS)}"
            )
        self._before = _precision.get()
        _precision.set(precision)

    def __enter__(self) -> None:
        """Do nothing: the constructor has set the precision."""

    def __exit__(self, *_: object) -> None:
        _precision.set(self._before)


def get_matmul_precision() -> str:
    """The current precision: "highest" or "high"."""
    return _precision.get()
