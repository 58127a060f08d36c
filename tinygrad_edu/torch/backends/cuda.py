"""torch.backends.cuda: switches of matrix products and attention on the GPU; there is one way each here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class _Products:
    """Switches of matrix products; they are float32 throughout."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = False
    allow_bf16_reduced_precision_reduction = False


matmul = _Products()


def is_built() -> bool:
    """Whether kernels for GPUs are part of the library: yes."""
    return True


def flash_sdp_enabled() -> bool:
    """Whether attention may use that kernel: no."""
    return False


mem_efficient_sdp_enabled = flash_sdp_enabled


def math_sdp_enabled() -> bool:
    """Whether attention is computed by its formula: always."""
    return True


def enable_flash_sdp(enabled: bool) -> None:
    """Nothing changes: attention is computed by its formula."""


enable_mem_efficient_sdp = enable_math_sdp = enable_flash_sdp


@contextlib.contextmanager
def sdp_kernel(enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True,
               enable_cudnn: bool = True) -> Iterator[None]:  # fmt: skip
    """A context with other switches of attention, which change nothing."""
    yield
