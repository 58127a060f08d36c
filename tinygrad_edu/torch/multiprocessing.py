"""torch.multiprocessing: Python's multiprocessing; tensors travel as copies."""

from __future__ import annotations

from multiprocessing import *
from multiprocessing import Process, get_context
from typing import Any


def get_all_sharing_strategies() -> set[str]:
    """How tensors are shared between processes: not at all, they are copied."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """The way that is in force."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Nothing changes: tensors are copied."""


def spawn(fn: Any, args: Any = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
          start_method: str = "spawn") -> Any:  # fmt: skip
    """Run fn(i, *args) in `nprocs` processes, and wait for them. RuntimeError if one fails."""
    context = get_context(start_method)
    processes: list[Process] = []
    for i in range(nprocs):
        process: Any = context.Process(target=fn, args=(i, *args), daemon=daemon)  # type: ignore[attr-defined]
        process.start()
        processes.append(process)
    if not join:
        return processes
    for i, process in enumerate(processes):
        process.join()
        if process.exitcode:
            raise RuntimeError(
                f"process {i} of torch.multiprocessing.spawn ended with exit code {process.exitcode}"
            )
    return None
