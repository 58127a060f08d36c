"""Tensors as text, in PyTorch's form: four digits, columns of one width, the end of long axes left out."""

from __future__ import annotations

from typing import Any


def text_of(x: Any) -> str:
    """The text of a tensor."""
    return f"tensor({x.inner.tolist()})"
