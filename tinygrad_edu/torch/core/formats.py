"""Orders of elements in memory, by PyTorch's names: tensors lie in rows here, whatever is asked for."""

from __future__ import annotations

from tinygrad_edu.torch.core.graph import Layout as layout
from tinygrad_edu.torch.core.graph import strided


class memory_format:
    """An order of axes in memory. It changes no number, and nothing here: what is asked for is not done."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")

__all__ = ["channels_last", "channels_last_3d", "contiguous_format", "layout", "memory_format",
           "preserve_format",
           "strided"]  # fmt: skip
