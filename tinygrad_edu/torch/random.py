"""torch.random: the seed of random numbers, their state, and parts of a program that leave it alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.torch.core.generators import Generator as Generator
from tinygrad_edu.torch.core.generators import default_generator as default_generator
from tinygrad_edu.torch.core.generators import get_rng_state as get_rng_state
from tinygrad_edu.torch.core.generators import initial_seed as initial_seed
from tinygrad_edu.torch.core.generators import manual_seed as manual_seed
from tinygrad_edu.torch.core.generators import seed as seed
from tinygrad_edu.torch.core.generators import set_rng_state as set_rng_state
from tinygrad_edu.torch.core.words import missing_from


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cuda") -> Iterator[None]:
    """Within this context random numbers may be drawn and seeds set; afterwards all is as it was before.

    All devices draw from one stream here, so `devices` and `device_type` change nothing.
    """
    if not enabled:
        yield
        return
    before = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(before)


__getattr__ = missing_from("torch.random")
