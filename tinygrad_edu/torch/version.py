"""torch.version: which PyTorch's words the face has."""

from __future__ import annotations

__version__ = "2.13.0+tinygrad_edu"
cuda: str | None = None
hip: str | None = None
git_version = "unknown"
debug = False
