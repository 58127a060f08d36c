"""torch.Generator: a stream of random numbers, and the one that functions use unless given another.

The numbers are the library's (Philox), not PyTorch's: equal seeds give equal numbers here, on every device.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from tinygrad_edu.backend import philox
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.torch.core import devices
from tinygrad_edu.torch.core.border import bare, faced

__all__ = ["Generator", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "seed",
           "set_rng_state"]  # fmt: skip

FIRST_SEED = 67280421310721  # what initial_seed() says of a stream that nobody has seeded
_KEY, _COUNTER = 16, 32  # bytes of a state


class Generator(philox.Generator):
    """A stream of random numbers, `torch.Generator().manual_seed(0)`; functions take it as `generator=`."""

    def __init__(self, device: Any = "cpu") -> None:
        super().__init__(FIRST_SEED)
        self.device = device if isinstance(device, devices.device) else devices.device(device)

    def manual_seed(self, seed: int) -> Generator:
        """Begin the stream of a seed. ValueError for a seed of more than 64 bits."""
        self.key, self.counter = key_of(seed), 0
        return self

    def seed(self) -> int:
        """Begin the stream of a seed that nobody knows before, and return it."""
        self.manual_seed(secrets.randbits(64))
        return self.key

    def initial_seed(self) -> int:
        """The seed that the stream began with."""
        return self.key

    def get_state(self) -> Any:
        """The seed and the position in its stream, as a tensor of bytes."""
        memory = self.key.to_bytes(_KEY, "little") + self.counter.to_bytes(_COUNTER, "little")
        return faced(wrap(np.frombuffer(memory, np.uint8).copy()))

    def set_state(self, new_state: Any) -> None:
        """Go on from a state. TypeError for what is no tensor of bytes, RuntimeError for another length."""
        found = bare(new_state)
        if not isinstance(new_state, Value) or found.dtype != np.uint8:
            raise wrong(TypeError, "set_state", "a state is a torch.ByteTensor, as get_state() returns it")
        memory = found.detach().numpy().tobytes()
        if len(memory) != _KEY + _COUNTER:
            raise wrong(RuntimeError, "set_state", f"a state has {_KEY + _COUNTER} bytes, not {len(memory)}",
                        "states of PyTorch's own generators cannot be used")  # fmt: skip
        self.key = int.from_bytes(memory[:_KEY], "little")
        self.counter = int.from_bytes(memory[_KEY:], "little")

    def clone_state(self) -> Generator:
        """A generator at the same place, which goes on by itself."""
        made = Generator(self.device)
        made.key, made.counter = self.key, self.counter
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {**self.state_dict(), "device": str(self.device)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.device = devices.device(state["device"])
        self.load_state_dict(state)

    def __repr__(self) -> str:
        return f"<torch.Generator device={self.device} seed={self.key}>"


class _Default(Generator):
    """The stream of functions without `generator=`: the library's own, so that both draw from one."""

    def __init__(self) -> None:
        self.device = devices.device("cpu")

    @property
    def key(self) -> int:
        return philox.current().key

    @key.setter
    def key(self, seed: int) -> None:
        philox.current().key = seed

    @property
    def counter(self) -> int:
        return philox.current().counter

    @counter.setter
    def counter(self, place: int) -> None:
        philox.current().counter = place


def key_of(seed: Any) -> int:
    """The key of a seed; a negative one counts from 2**64. ValueError for more than 64 bits."""
    number = int(seed)
    if not -(2**63) <= number < 2**64:
        raise wrong(ValueError, "manual_seed", f"Overflow when unpacking long long: {number}",
                    "a seed has 64 bits")  # fmt: skip
    return number % 2**64


default_generator = _Default()


def manual_seed(seed: Any) -> Generator:
    """Begin the stream of a seed, for all functions without `generator=`."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Begin the stream of a seed that nobody knows before, and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the numbers come from."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """Where the stream of random numbers is, as a tensor of bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Go on from what `get_rng_state` returned."""
    default_generator.set_state(new_state)
