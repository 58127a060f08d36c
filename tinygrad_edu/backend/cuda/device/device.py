"""A device as one object: its memory, arrays, copies, constants, kernels and synchronisation. It knows no op.

All work goes into one stream. Only `numpy` and `synchronize` wait for it, and only they raise the errors that
kernels report, such as an index out of range.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device import contexts, dlpack, driver, layouts
from tinygrad_edu.backend.cuda.device.array import DeviceArray, dense_strides
from tinygrad_edu.backend.cuda.device.faults import Faults
from tinygrad_edu.backend.cuda.device.kernels import Ladder
from tinygrad_edu.backend.cuda.device.library import Library
from tinygrad_edu.backend.cuda.device.memory import Pool
from tinygrad_edu.backend.cuda.device.staging import Staging
from tinygrad_edu.backend.protocol import NumpyArray
from tinygrad_edu.errors import DeviceError, wrong
from tinygrad_edu.shapes import Shape, broadcast_strides

DTYPES = tuple(np.dtype(t) for t in ("float32", "float64", "int64", "int32", "uint8", "bool"))
# Kernels that only move elements depend on the size of an element alone: {bytes: dtype of the kernel}.
BITS: dict[int, np.dtype[Any]] = {1: np.dtype(np.uint8), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}


class Device:
    """A device by name: "cuda" and "cuda:0" are the first GPU, "simulator" the simulated one.

    `ladders` are the kernels that it can run, {family: ladder}. The device itself launches those of "copy"
    and "elementwise", for copies, casts and constants. Host functions in `families/` launch all others.
    """

    def __init__(self, name: str, ladders: Mapping[str, Ladder]) -> None:
        kind, _, index = name.partition(":")
        if kind not in ("cuda", "simulator") or (index and not index.isdigit()):
            raise wrong(DeviceError, None, f"no device {name!r}", "say cuda, cuda:1, ... or simulator")
        driver.start(kind)
        self.name = name
        self.context = driver.Context(int(index or 0))
        self.pool = Pool(self.context, name)
        self.staging = Staging(self.context)
        self.faults = Faults(self.context, self.pool)
        self.plans = layouts.Plans()
        self.library = Library(self.context, ladders)
        self.kernel = self.library.kernel  # looked up once, since every launch calls it
        self.closed = False
        contexts.close_functions.append(self.close)

    def activate(self) -> None:
        """Make this device the thread's current one."""
        if not contexts.current(self.context):
            self.context.activate()

    # -- memory ----------------------------------------------------------------------------------------------

    def empty(self, shape: Shape, dtype: np.dtype[Any]) -> DeviceArray:
        """Uninitialised memory."""
        if not contexts.current(self.context):
            self.context.activate()
        dtype, size = np.dtype(dtype), 1
        shape = tuple(shape)
        for n in shape:
            size *= n
        block = self.pool.take(size * dtype.itemsize, (shape, dtype))
        return DeviceArray(self, block, block.pointer, shape, None, dtype, size)

    def zeros(self, shape: Shape, dtype: Any) -> DeviceArray:
        out = self.empty(shape, np.dtype(dtype))
        if out.size:
            self.context.clear(out.pointer, out.nbytes)
        return out

    def full(self, shape: Shape, dtype: Any, number: Any) -> DeviceArray:
        """An array of a constant: for 0 the memory is cleared, else a kernel fills it. It uploads nothing."""
        if number == 0 and math.copysign(1, number) > 0:
            return self.zeros(shape, dtype)
        out = self.empty(shape, np.dtype(dtype))
        self.fill(out, number)
        return out

    def asarray(self, data: NumpyArray, *, copy: bool = True) -> DeviceArray:
        """A copy of host memory on the device."""
        if data.dtype not in DTYPES:
            raise wrong(
                TypeError,
                None,
                f"{self.name} has no {data.dtype} arrays",
                f"it has {', '.join(map(str, DTYPES))}",
            )
        out = self.empty(data.shape, data.dtype)
        if out.size:
            self.staging.upload(out.pointer, np.ascontiguousarray(data))
        return out

    def numpy(self, array: DeviceArray) -> NumpyArray:
        """The array on the host, read-only; waits for all work of the stream."""
        self.activate()
        dense = self.contiguous(array)
        host = np.empty(array.shape, array.dtype)
        if array.size:
            self.staging.download(host, dense.pointer)
        else:
            self.context.synchronize()
        self.faults.check()
        host.flags.writeable = False
        return host

    # -- views -----------------------------------------------------------------------------------------------

    def view(self, array: DeviceArray, shape: Shape, strides: Shape, offset: int) -> DeviceArray:
        """A view of the same memory with other strides; `strides` and `offset` are in bytes."""
        return DeviceArray(
            self, array.memory, array.pointer + offset, tuple(shape), tuple(strides), array.dtype
        )

    def broadcast(self, array: DeviceArray, shape: Shape) -> DeviceArray:
        """A view of `array`, broadcast to `shape` by strides of 0. Raises ShapeError if it does not fit."""
        return self.view(array, shape, broadcast_strides(array.shape, array.strides, tuple(shape)), 0)

    def permuted(self, array: DeviceArray, axes: Sequence[int]) -> DeviceArray:
        """A view whose axis i is axis `axes[i]` of `array`."""
        return self.view(array, tuple(array.shape[a] for a in axes), tuple(array.strides[a] for a in axes), 0)

    def reshaped(self, array: DeviceArray, shape: Shape) -> DeviceArray:
        """A contiguous array in another shape; an array that is not contiguous is copied first."""
        array = self.contiguous(array)
        return self.view(array, shape, dense_strides(shape, array.itemsize), 0)

    # -- kernels of the device itself ------------------------------------------------------------------------

    def copy(
        self, array: DeviceArray, *, dtype: np.dtype[Any] | None = None, out: DeviceArray | None = None
    ) -> DeviceArray:
        """A contiguous copy, cast to `dtype`; or a copy into `out`, which has the same shape."""
        self.activate()
        if out is None:
            out = self.empty(array.shape, array.dtype if dtype is None else dtype)
        if out.dtype != array.dtype:
            self.apply("cast", (array,), out, out.dtype)
        else:
            self._copy_into(out, array)
        return out

    def contiguous(self, array: DeviceArray) -> DeviceArray:
        return array if array.contiguous else self.copy(array)

    def fill(self, array: DeviceArray, number: Any) -> None:
        """Every element becomes `number`."""
        self.apply("cast", (number,), array, array.dtype)

    def apply(self, name: str, arrays: tuple[Any, ...], out: DeviceArray, number: np.dtype[Any]) -> None:
        """Launch the formula `name` of kernels/elementwise, with its result in `out`.

        The operands, arrays or single numbers, broadcast to out.shape. The kernel computes in the dtype
        `number`.
        """
        if not out.size:
            return
        operands = [(a.dtype, a.shape, a.strides) if isinstance(a, DeviceArray) else None for a in arrays]
        key = (name, number, out.shape, out.strides, out.dtype, *operands)
        packed = self.plans.get(key)
        if packed is None:
            packed = layouts.formula_layout(out, arrays, number)
            if packed is None:
                arrays = tuple(
                    self.copy(self.broadcast(a, out.shape)) if isinstance(a, DeviceArray) else a
                    for a in arrays
                )
                packed = layouts.formula_layout(out, arrays, number)
                if packed is None:
                    raise wrong(
                        DeviceError,
                        name,
                        f"the result of shape {out.shape} and strides {out.strides} has more than "
                        f"{layouts.AXES} axes that do not merge",
                        "make it contiguous",
                    )
            else:
                self.plans.remember(key, packed)
        pointers, values = [0, 0, 0], [0, 0, 0]
        for k, a in enumerate(arrays):
            if isinstance(a, DeviceArray):
                pointers[k] = a.pointer
            else:
                values[k] = a
        numbers = struct.pack("3d", *values) if number.kind == "f" else struct.pack("3q", *map(int, values))
        kernel = self.kernel("elementwise", f"map_{name}", number)
        kernel.launch((out.size, number.itemsize), out.pointer, *pointers, numbers, out.size, packed)

    def _copy_into(self, out: DeviceArray, x: DeviceArray) -> None:
        """out[...] = x, of the same shape and dtype, with any strides: by the driver, or by a kernel."""
        if not out.size:
            return
        if x.contiguous and out.contiguous:
            if x.pointer != out.pointer:
                self.context.copy_on_device(out.pointer, x.pointer, out.nbytes)
            return
        size = x.dtype.itemsize
        key = ("copy", size, x.shape, x.strides, out.strides)
        parameters = self.plans.get(key)
        if parameters is None:
            parameters = layouts.copy_layout(x.shape, out.steps, x.steps)
            if parameters is None:  # too many axes for the kernel: one copy for each index of the first axis
                for i in range(x.shape[0]):
                    self._copy_into(
                        *(self.view(a, a.shape[1:], a.strides[1:], i * a.strides[0]) for a in (out, x))
                    )
                return
            self.plans.remember(key, parameters)
        packed, tiles = parameters
        self.kernel("copy", "copy", BITS[size]).launch(
            (out.size, tiles), out.pointer, x.pointer, out.size, tiles, packed
        )

    # -- other libraries -------------------------------------------------------------------------------------

    @property
    def stream(self) -> int:
        """The handle of its stream, as in `__cuda_array_interface__` and DLPack: 1 is the default stream."""
        return self.context.stream.handle or 1

    def adopt(self, array: Any) -> DeviceArray:
        """An array in another library's memory, which it keeps alive, by its `__cuda_array_interface__`.

        Read-only memory is copied, since arrays of this library can be written to. Raises TypeError for a
        dtype the library lacks, DeviceError for memory of another device, ValueError where elements do not
        lie on multiples of their size.
        """
        found = getattr(array, "__cuda_array_interface__", None)
        if found is None:
            raise wrong(TypeError, None, f"{type(array).__name__} has no __cuda_array_interface__")
        dtype = np.dtype(found["typestr"])
        if dtype not in DTYPES:
            raise wrong(
                TypeError, None, f"{self.name} has no {dtype} arrays", f"it has {', '.join(map(str, DTYPES))}"
            )
        pointer, read_only = int(found["data"][0] or 0), found["data"][1]
        strides = found.get("strides") and tuple(found["strides"])
        if any(place % dtype.itemsize for place in (pointer, *(strides or ()))):
            raise wrong(
                ValueError,
                None,
                f"elements of {dtype} at {pointer:#x} with strides {strides} do not lie on multiples of "
                f"{dtype.itemsize} bytes",
                "copy the array first",
            )
        self.context.wait_for_others()
        self._check_owner(pointer)
        imported = DeviceArray(self, array, pointer, tuple(found["shape"]), strides, dtype)
        return self.copy(imported) if read_only else imported

    def lend(self, array: DeviceArray) -> Any:
        """A PyCUDA GPUArray over the same memory."""
        self.activate()
        return driver.gpuarray(array)

    def dlpack_device(self) -> tuple[int, int]:
        """(device type, index)."""
        return dlpack.device_of(self.context.index)

    def to_dlpack(self, array: DeviceArray, stream: Any, dl_device: Any, copy: bool | None) -> Any:
        """A capsule with `array`, whose memory stays allocated until the consumer calls the deleter.

        It waits for all work on the array, so that the consumer may use any stream. Raises BufferError if
        `dl_device` is not the device of the array.
        """
        if dl_device is not None and tuple(dl_device) != self.dlpack_device():
            raise wrong(
                BufferError,
                None,
                f"the array is on DLPack device {self.dlpack_device()}, not {tuple(dl_device)}",
                "move it with tensor.to(device)",
            )
        if copy:
            array = self.copy(array)
        if stream != -1:
            self.synchronize()
        return dlpack.capsule(array)

    def from_dlpack(self, producer: Any) -> DeviceArray:
        """The array of another library, in the same memory.

        The simulator copies memory that is not its own, such as NumPy's, since its kernels may access device
        memory only. Raises BufferError if the array is on another device, or its dtype is one that the
        library lacks.
        """
        where = tuple(int(v) for v in producer.__dlpack_device__())
        if where != self.dlpack_device():
            raise wrong(
                BufferError,
                None,
                f"the array is on DLPack device {where}, {self.name} is {self.dlpack_device()}",
            )
        on_host = where[0] == dlpack.CPU
        imported = dlpack.consume(producer) if on_host else dlpack.consume(producer, stream=self.stream)
        if on_host and not self.context.is_device_memory(imported.pointer):
            return self.asarray(imported.on_host())
        self._check_owner(imported.pointer)
        return DeviceArray(
            self, imported.owner, imported.pointer, imported.shape, imported.strides, imported.dtype
        )

    def _check_owner(self, pointer: int) -> None:
        """Raise DeviceError for memory that is known to belong to another device."""
        owner = self.context.owner(pointer) if pointer else None
        if owner not in (None, self.context.index):
            raise wrong(
                DeviceError,
                None,
                f"the array's memory is that of device {owner}, {self.name} is device {self.context.index}",
                "name that device, or copy the array to this one with its own library",
            )

    # -- the end ---------------------------------------------------------------------------------------------

    def synchronize(self) -> None:
        """Wait until all work launched so far is done; raise the error that a kernel has reported."""
        self.activate()
        self.context.synchronize()
        self.faults.check()

    def close(self) -> None:
        """Wait, free all memory and release the context. Tensors on this device can no longer be used.

        Raises DeviceError, and closes nothing, while other libraries use the device's memory. Raises
        IndexError, after everything is closed, for a bad index that was not raised yet.
        """
        self.activate()
        self.context.synchronize()
        if lent := dlpack.exported_count(self):
            raise wrong(
                DeviceError,
                None,
                f"{self.name} cannot be shut down: {lent} of its arrays are in use by DLPack, for example "
                "in NumPy",
                "let them go first, or copy them",
            )
        try:
            self.faults.check()
        finally:
            self._free()

    def _free(self) -> None:
        self.closed = True
        contexts.close_functions.remove(self.close)
        self.library.forget()
        self.faults.close()
        self.staging.close()
        self.pool.close()
        self.context.close()
