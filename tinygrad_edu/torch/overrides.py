"""torch.overrides: no type overrides the face's functions."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.torch.core.words import missing_from


def has_torch_function(relevant_args: Any) -> bool:
    """Whether an argument overrides the functions: never."""
    return False


def is_tensor_like(inp: Any) -> bool:
    """Whether it is a tensor."""
    return hasattr(inp, "inner")


__getattr__ = missing_from("torch.overrides")
