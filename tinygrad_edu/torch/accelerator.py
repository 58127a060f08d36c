"""torch.accelerator: the GPU, whatever it is: the words of torch.cuda without the maker's name."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.torch import cuda
from tinygrad_edu.torch.core import devices
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.cuda import (
    current_stream,
    device_count,
    empty_cache,
    get_device_capability,
    is_available,
    max_memory_allocated,
    max_memory_reserved,
    memory_allocated,
    memory_reserved,
    reset_peak_memory_stats,
    synchronize,
)

__all__ = ["current_accelerator", "current_device_idx", "current_device_index", "current_stream",
           "device_count", "device_index", "empty_cache", "get_device_capability", "is_available",
           "max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved",
           "reset_peak_memory_stats", "set_device_idx", "set_device_index", "synchronize"]  # fmt: skip


def current_accelerator(check_available: bool = False) -> Any:
    """The device "cuda" if something answers to it, else None."""
    return devices.device("cuda") if is_available() else None


def current_device_index() -> int:
    """The index of the GPU. RuntimeError without one."""
    return cuda.current_device()


def set_device_index(device: Any) -> None:
    """Use this GPU; RuntimeError for another than the first."""
    cuda.set_device(device)


class device_index(cuda.device):
    """A context in which this GPU is used; there is one only."""


current_device_idx, set_device_idx = current_device_index, set_device_index
__getattr__ = missing_from("torch.accelerator")
