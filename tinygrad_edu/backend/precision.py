"""How exactly float32 matrices are multiplied, on devices that have a choice.

"highest", the default, multiplies in float32. "high" lets tensor cores round the inputs to TF32, 10 bits of
mantissa for 23, and add up in float32: several times faster on GPUs since Ampere, to about three digits.
"""

from __future__ import annotations

from contextvars import ContextVar

PRECISIONS = ("highest", "high")
_precision: ContextVar[str] = ContextVar("matmul_precision", default="highest")


class set_matmul_precision:
    """`te.set_matmul_precision("high")` from now on; `with te.set_matmul_precision("high"):` for a while.

    Raises ValueError for a word other than "highest" and "high".
    """

    def __init__(self, precision: str) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"matmul precision {precision!r} is none of {', '.join(PRECISIONS)}")
        self._before = _precision.get()
        _precision.set(precision)

    def __enter__(self) -> None:
        """The precision was set when the object was made."""

    def __exit__(self, *_: object) -> None:
        _precision.set(self._before)


def get_matmul_precision() -> str:
    """The precision in force: "highest" or "high"."""
    return _precision.get()
