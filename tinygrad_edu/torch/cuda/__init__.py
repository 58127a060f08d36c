"""torch.cuda: the GPU, or the simulation that answers to its name; without either, is_available() is False.

Memory figures are of the process's device, in bytes. Streams and events exist, and order nothing: work is
done in the order in which it was asked for.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from tinygrad_edu import cuda as inner_cuda
from tinygrad_edu.backend import registry
from tinygrad_edu.errors import DeviceError, wrong
from tinygrad_edu.torch.core import devices, generators, legacy
from tinygrad_edu.torch.core.words import missing_from


def is_available() -> bool:
    """Whether something answers to "cuda"."""
    answering = devices.here("cuda")
    return inner_cuda.is_available() if answering == "cuda" else registry.known(answering)


def device_count() -> int:
    """1 with a GPU, else 0: only one is used."""
    return int(is_available())


def is_initialized() -> bool:
    """Whether there is a GPU: it needs no call of init()."""
    return is_available()


def init() -> None:
    """Nothing to do: the device is made ready when it is first used."""


def current_device() -> int:
    """The index of the GPU. RuntimeError without one."""
    _check()
    return 0


def _check() -> None:
    if not is_available():
        raise wrong(
            DeviceError,
            "torch.cuda",
            "no GPU answers to 'cuda'",
            "ask torch.cuda.is_available() first, or run the program with tinygrad-edu torch --device "
            "simulator",
        )


class device(contextlib.ContextDecorator):
    """A context in which "cuda" is this GPU; there is one only."""

    def __init__(self, device: Any) -> None:
        self.device = device

    def __enter__(self) -> None:
        """There is one GPU only."""

    def __exit__(self, *error: Any) -> None:
        """There is one GPU only."""


def set_device(device: Any) -> None:
    """Use this GPU; RuntimeError for another than the first."""
    if isinstance(device, int) and device < 0:
        return
    devices.here(devices.device("cuda", device) if isinstance(device, int) else device)


def get_device_name(device: Any = None) -> str:
    """What the device calls itself."""
    _check()
    return inner_cuda.device_info(devices.here("cuda")).kind


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability that kernels are compiled for."""
    _check()
    return (9, 0)


def synchronize(device: Any = None) -> None:
    """Wait until the device has done all that it was asked for."""
    _check()
    inner_cuda.synchronize(devices.here("cuda"))


def empty_cache() -> None:
    """Return memory that no tensor uses to the driver."""
    name = devices.here("cuda")
    if registry.is_open(name):
        inner_cuda.empty_cache(name)


def ipc_collect() -> None:
    """Nothing to do: no memory is shared between processes."""


def manual_seed(seed: int) -> None:
    """Seed the random numbers of all devices: there is one generator."""
    generators.manual_seed(seed)


manual_seed_all = manual_seed


def seed() -> None:
    """Seed the random numbers with one that cannot be foreseen."""
    generators.seed()


seed_all = seed


def initial_seed() -> int:
    """The seed of the random numbers."""
    return int(generators.initial_seed())


def _memory(key: str) -> int:
    name = devices.here("cuda")
    return int(inner_cuda.memory_stats(name)[key]) if registry.is_open(name) else 0


def memory_allocated(device: Any = None) -> int:
    """The bytes that tensors hold on the device; 0 without one."""
    return _memory("in_use")


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that tensors have held on the device; 0 without one."""
    return _memory("peak")


def memory_reserved(device: Any = None) -> int:
    """The bytes that are held on the device, in use or kept for reuse; 0 without one."""
    return _memory("in_use") + _memory("kept")


memory_cached = max_memory_reserved = memory_reserved


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing to do: no peak is kept."""


reset_max_memory_allocated = reset_peak_memory_stats


class Stream:
    """A queue of work; here all work is one queue."""

    def __init__(self, device: Any = None, priority: int = 0, **options: Any) -> None:
        self.device, self.priority = device, priority

    def synchronize(self) -> None:
        synchronize()

    def wait_stream(self, stream: Any) -> None:
        """Nothing to do: work is done in order."""

    def wait_event(self, event: Any) -> None:
        """Nothing to do: work is done in order."""

    def record_event(self, event: Any = None) -> Event:
        event = event or Event()
        event.record()
        return event

    def query(self) -> bool:
        return True

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *error: Any) -> None:
        """Nothing changes."""


class Event:
    """A moment, for measuring time between two."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        self._at: float | None = None

    def record(self, stream: Any = None) -> None:
        """Now, when all work is done."""
        if is_available():
            synchronize()
        self._at = time.perf_counter()

    def synchronize(self) -> None:
        """Nothing to do: it was waited for."""

    def wait(self, stream: Any = None) -> None:
        """Nothing to do: work is done in order."""

    def query(self) -> bool:
        return True

    def elapsed_time(self, end: Event) -> float:
        """The milliseconds from this moment to another."""
        if self._at is None or end._at is None:
            raise wrong(
                RuntimeError, "elapsed_time", "Both events must be recorded before calculating elapsed time."
            )
        return (end._at - self._at) * 1000


_stream = Stream()


def current_stream(device: Any = None) -> Stream:
    """The one queue of work."""
    return _stream


default_stream = current_stream


@contextlib.contextmanager
def stream(stream: Any) -> Iterator[None]:
    """A context whose work goes to a stream; there is one only."""
    yield


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether tensors can be bfloat16: no."""
    return False


def get_rng_state(device: Any = None) -> Any:
    """The state of the random numbers."""
    return generators.get_rng_state()


def set_rng_state(new_state: Any, device: Any = None) -> None:
    """Go on from a state of the random numbers."""
    generators.set_rng_state(new_state)


def get_rng_state_all() -> list[Any]:
    """The state of the random numbers, once: there is one generator."""
    return [generators.get_rng_state()]


def set_rng_state_all(new_states: Any) -> None:
    """Go on from a state of the random numbers."""
    for state in new_states:
        generators.set_rng_state(state)


OutOfMemoryError = MemoryError
globals().update(legacy.of_device("cuda"))  # FloatTensor, LongTensor and their kin
__getattr__ = missing_from("torch.cuda")
