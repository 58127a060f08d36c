"""torch.types: PyTorch's names for kinds of arguments, for annotations."""

from __future__ import annotations

import os
from typing import IO, Any

from tinygrad_edu.torch.core.devices import device
from tinygrad_edu.torch.core.size import Size
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from

Number = int | float | bool
Device = device | str | int | None
FileLike = str | os.PathLike[str] | IO[bytes]
IntLikeType, FloatLikeType, BoolLikeType = int, float, bool

__all__ = ["Any", "BoolLikeType", "Device", "FileLike", "FloatLikeType", "IntLikeType", "Number", "Size",
           "Tensor"]  # fmt: skip
__getattr__ = missing_from("torch.types")
