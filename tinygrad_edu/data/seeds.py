"""Random streams named by two numbers, so that any order can be computed again from the two numbers alone.

Philox is counter-based: its key *is* the stream, so no state must be saved. Source: Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011; here through `numpy.random.Philox`.
"""

from __future__ import annotations

import operator

import numpy as np

from tinygrad_edu.errors import wrong


def check_seed(seed: int) -> int:
    """The seed as a plain int; TypeError or ValueError unless it is an integer in [0, 2**64)."""
    try:
        number = operator.index(seed)
    except TypeError:
        raise wrong(
            TypeError, None, f"seed must be an integer, not {seed!r}", "pass for example seed=0"
        ) from None
    if not 0 <= number < 2**64:
        raise wrong(ValueError, None, f"seed must lie in [0, 2**64), not {number}", "pass for example seed=0")
    return number


def generator(seed: int, stream: int = 0) -> np.random.Generator:
    """The generator of stream `stream` under `seed`: equal to `Generator(Philox(key=[seed, stream]))`."""
    key = np.array([check_seed(seed), stream], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))
