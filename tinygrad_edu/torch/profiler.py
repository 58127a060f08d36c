"""torch.profiler: names for parts of a program, and a table of ops by time, from the library's profile."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as te
from tinygrad_edu.torch.core.words import missing_from


class ProfilerActivity:
    """What is measured."""

    CPU, CUDA = "cpu", "cuda"


class record_function:
    """A context with a name, for a profile's reader; ops are told by their own names here."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name

    def __enter__(self) -> record_function:
        return self

    def __exit__(self, *error: Any) -> None:
        """Nothing was measured."""

    def __call__(self, function: Any) -> Any:
        return function


class _Table:
    """The ops of a profile."""

    def __init__(self, profile: Any) -> None:
        self._profile = profile

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        return str(self._profile)


class profile:
    """A context that measures each op: `te.profile`, by PyTorch's words. `key_averages().table()` is text."""

    def __init__(self, *, activities: Any = None, schedule: Any = None, on_trace_ready: Any = None,
                 record_shapes: bool = False, profile_memory: bool = False, with_stack: bool = False,
                 with_flops: bool = False, **options: Any) -> None:  # fmt: skip
        self._ready = on_trace_ready
        self._around: Any = None
        self._profile: Any = None

    def __enter__(self) -> profile:
        self._around = te.profile.profile()
        self._profile = self._around.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._around.__exit__(*error)
        if self._ready is not None:
            self._ready(self)

    def start(self) -> None:
        self.__enter__()

    def stop(self) -> None:
        self.__exit__(None, None, None)

    def step(self) -> None:
        """Nothing to do: everything is measured."""

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> _Table:
        return _Table(self._profile)


def schedule(*, wait: int = 0, warmup: int = 0, active: int = 1, repeat: int = 0, skip_first: int = 0) -> Any:
    """When to measure; everything is measured here."""
    return lambda step: None


__getattr__ = missing_from("torch.profiler")
