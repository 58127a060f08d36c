"""te.cuda: functions for GPUs and the simulator: memory, waiting, arrays of other libraries.

Every function takes `device`. Without it, the function uses the default device if that is a GPU or the
simulator, else the one such device that is in use, else "cuda".
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.backend import registry
from tinygrad_edu.backend.cuda.device import driver
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.engine.value import Storage
from tinygrad_edu.errors import DeviceError, fault_of, wrong
from tinygrad_edu.tensor import Tensor


def _device(device: str | None) -> Any:
    """The backend of `device`, opened if necessary."""
    backend = registry.get(_default_name() if device is None else device)
    if not isinstance(backend, Device):
        raise wrong(
            DeviceError, None, f"{backend.name} is not a CUDA device", "say cuda, cuda:1 or simulator"
        )
    return backend


def _default_name() -> str:
    """The name of the device to use if none is given. Of several in use, the first GPU."""
    default = registry.default()
    if _kind(default):
        return default
    used = [name for name in registry.opened() if _kind(name)]
    return used[0] if len(used) == 1 else _kind(used[0]) if used else "cuda"


def _kind(name: str) -> str:
    """The kind of device: "cuda" or "simulator", "" for a device that is neither."""
    kind = name.partition(":")[0]
    return kind if kind in ("cuda", "simulator") else ""


def is_available() -> bool:
    """Whether device="cuda" can be used here; opens no device."""
    return driver.available()


def why_unavailable() -> str:
    """Why device="cuda" cannot be used here and what to do about it; "" where it can. Opens no device."""
    try:
        driver.start("cuda")
    except DeviceError as error:
        fault = fault_of(error)
        assert fault is not None
        return fault._replace(op="", problem=fault.problem.removeprefix("no device 'cuda': "), where="").text
    return "" if driver.device_count() else "the CUDA driver finds no GPU"


def synchronize(device: str | None = None) -> None:
    """Wait until the device has done all work of this process, in every stream, also that of PyCUDA or CuPy.
    Raises the errors in the library's own work, such as a bad index."""
    backend = _device(device)
    backend.context.wait_for_others()
    backend.synchronize()


def memory_stats(device: str | None = None) -> dict[str, int]:
    """Bytes `in_use`, `kept` for reuse and the `peak`; `blocks` in use; how often memory was `taken` and how
    often `allocated` by the driver."""
    stats: dict[str, int] = _device(device).pool.statistics()
    return stats


def memory_summary(device: str | None = None) -> str:
    """The same as text, with the owners of the most memory."""
    text: str = _device(device).pool.summary()
    return text


def empty_cache(device: str | None = None) -> int:
    """Return unused memory to the driver, for other programs; returns the number of bytes."""
    backend = _device(device)
    backend.synchronize()
    freed: int = backend.pool.release()
    return freed


def shutdown(device: str | None = None) -> None:
    """Wait, free all memory of the device and leave it. Its next use starts it again, with new memory;
    using an earlier tensor is an error.

    Raises DeviceError while other libraries use its memory by DLPack, and at the end IndexError for a bad
    index that no wait has reported.
    """
    backend = _device(device)
    try:
        backend.close()
    finally:
        if backend.closed:
            registry.close(backend.name)
            for op in REGISTRY.values():
                op.kernels.pop(backend, None)


def from_gpuarray(array: Any, *, device: str | None = None) -> Tensor:
    """A tensor over the memory of a PyCUDA GPUArray, or of anything with `__cuda_array_interface__`; no copy.

    A read-only array is copied. Raises TypeError for a dtype the library does not have,
    DeviceError for memory of another device, ValueError for odd strides.
    """
    backend = _device(device)
    return Tensor(Storage(backend.adopt(array), backend))


def as_gpuarray(tensor: Tensor) -> Any:
    """A PyCUDA GPUArray over the memory of a tensor; no copy. Work on it goes into the default stream, so the
    tensor's own is waited for first. Raises ValueError for a reversed view, of which PyCUDA has no arrays."""
    backend = _device(tensor.device)
    strides = tensor.storage.array.strides
    if any(step < 0 for step in strides):
        raise wrong(
            ValueError,
            "as_gpuarray",
            f"strides {strides} run backwards, which a GPUArray's cannot",
            "pass tensor.clone()",
        )
    backend.synchronize()
    return backend.lend(tensor.storage.array)


@dataclass(frozen=True)
class DeviceInfo:
    """The properties of a device; printed, one per line."""

    name: str
    kind: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        width = max(map(len, self.facts), default=0)
        return "\n".join(
            [
                f"{self.name}: {self.kind}",
                *(f"  {key.replace('_', ' '):<{width}}  {value}" for key, value in self.facts.items()),
            ]
        )


def device_info(device: str | None = None) -> DeviceInfo:
    """What `device` is: the machine's cores, or the GPU's memory, multiprocessors and peak bandwidth.

    Opens the device if necessary; raises DeviceError, with what to do, if it cannot be opened.
    """
    backend: Any = registry.get(device)
    if not isinstance(backend, Device):
        return DeviceInfo(
            backend.name,
            "NumPy on the CPU",
            {
                "processor": platform.processor() or platform.machine(),
                "cores": os.cpu_count(),
                "numpy": np.__version__,
            },
        )
    facts = dict(backend.context.facts())
    kind = facts.pop("name")
    facts["memory"], facts["free"] = (f"{facts[k] / 2**30:.1f} GiB" for k in ("memory", "free"))
    return DeviceInfo(backend.name, kind, facts)
