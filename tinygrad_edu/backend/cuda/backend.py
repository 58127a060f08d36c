"""The backend of a GPU, real or simulated: twelve methods over kernels, memory and one stream.

Everything is put into the stream and nothing waits, but for `numpy` and `synchronize`. What a kernel found
wrong on the way, an index out of range, is raised there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda import compile as compiler
from tinygrad_edu.backend.cuda import dlpack, driver, families
from tinygrad_edu.backend.cuda.array import DeviceArray, dense_strides
from tinygrad_edu.backend.cuda.families import copy as _copy
from tinygrad_edu.backend.cuda.families import elementwise as _elementwise
from tinygrad_edu.backend.cuda.faults import Faults
from tinygrad_edu.backend.cuda.kernels import Kernel, Ladder, Rung, chosen
from tinygrad_edu.backend.cuda.memory import Pool
from tinygrad_edu.backend.cuda.staging import Staging
from tinygrad_edu.backend.protocol import Kernel as Op
from tinygrad_edu.backend.protocol import NumpyArray
from tinygrad_edu.errors import DeviceError
from tinygrad_edu.shapes import Shape, stretched_axes

DTYPES = tuple(np.dtype(t) for t in ("float32", "float64", "int64", "int32", "uint8", "bool"))


class Plans(dict[Any, Any]):
    """Launch parameters worked out before, by layout; when full it takes no more."""

    def __setitem__(self, layout: Any, plan: Any) -> None:
        if len(self) < 4096:
            super().__setitem__(layout, plan)


class Cuda:
    """A device by name: "cuda" and "cuda:0" are the first GPU, "simulator" the simulated one."""

    arithmetic = False
    steps = frozenset(families.STEPS)  # optimizer rules that it has a kernel for

    def __init__(self, name: str = "cuda") -> None:
        kind, _, index = name.partition(":")
        if kind not in ("cuda", "simulator") or (index and not index.isdigit()):
            raise DeviceError(f"no device {name!r}; say cuda, cuda:1, ... or simulator")
        driver.start(kind)
        self.name = name
        self.context = driver.Context(int(index or 0))
        self.pool = Pool(self.context, name)
        self.staging = Staging(self.context)
        self.faults = Faults(self)
        self.plans = Plans()
        self._kernels: dict[Any, Kernel] = {}
        self._modules: dict[Any, Any] = {}
        self.closed = False
        driver.at_end.append(self.close)
        families.load_all()

    # -- the protocol ----------------------------------------------------------------------------------------

    def asarray(self, data: NumpyArray) -> DeviceArray:
        if data.dtype not in DTYPES:
            raise TypeError(f"{self.name} has no {data.dtype} arrays; it has {', '.join(map(str, DTYPES))}")
        out = self.empty(data.shape, data.dtype)
        if out.size:
            self.staging.upload(out.pointer, np.ascontiguousarray(data))
        return out

    def numpy(self, array: DeviceArray) -> NumpyArray:
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

    def empty(self, shape: Shape, dtype: np.dtype[Any]) -> DeviceArray:
        if not driver.current(self.context):
            self.context.activate()
        dtype, size = np.dtype(dtype), 1
        shape = tuple(shape)
        for n in shape:
            size *= n
        block = self.pool.take(size * dtype.itemsize, (shape, dtype))
        return DeviceArray(self, block, block.pointer, shape, None, dtype, size)

    def view(self, array: DeviceArray, shape: Shape, strides: Shape, offset: int) -> DeviceArray:
        return DeviceArray(
            self, array.memory, array.pointer + offset, tuple(shape), tuple(strides), array.dtype
        )

    def copy(
        self, array: DeviceArray, *, dtype: np.dtype[Any] | None = None, out: DeviceArray | None = None
    ) -> DeviceArray:
        self.activate()
        if out is None:
            out = self.empty(array.shape, array.dtype if dtype is None else dtype)
        if out.dtype != array.dtype:
            _elementwise.run(self, "cast", (array,), out, out.dtype)
        else:
            _copy.copy_into(self, array, out)
        return out

    def map(
        self, op: Op, arrays: tuple[Any, ...], shape: Shape, dtype: np.dtype[Any], params: dict[str, Any]
    ) -> DeviceArray:
        return _elementwise.map_(self, op, arrays, shape, dtype, params)

    def reduce(
        self, op: Op, array: DeviceArray, axes: Shape, dtype: np.dtype[Any], params: dict[str, Any]
    ) -> DeviceArray:
        return self._host(families.REDUCTIONS, op, "reduce")(self, array, axes, dtype, **params)

    def matmul(self, x: DeviceArray, y: DeviceArray) -> DeviceArray:
        from tinygrad_edu.backend.cuda.families.matmul import matmul

        return matmul(self, x, y)

    def gather(self, array: DeviceArray, index: DeviceArray, axis: int) -> DeviceArray:
        from tinygrad_edu.backend.cuda.families.gather import gather

        return gather(self, array, index, axis)

    def scatter_add(self, shape: Shape, index: DeviceArray, source: DeviceArray, axis: int) -> DeviceArray:
        from tinygrad_edu.backend.cuda.families.scatter import scatter_add

        return scatter_add(self, shape, index, source, axis)

    def fused(self, op: Op, arrays: tuple[Any, ...], params: dict[str, Any]) -> DeviceArray:
        return self._host(families.FUSED, op, "fused")(self, *arrays, **params)

    def synchronize(self) -> None:
        self.activate()
        self.context.synchronize()
        self.faults.check()

    # -- what families build on ------------------------------------------------------------------------------

    def activate(self) -> None:
        """Make this device the thread's current one."""
        if not driver.current(self.context):
            self.context.activate()

    def kernel(self, family: str, symbol: str, dtype: np.dtype[Any], rung: str | None = None) -> Kernel:
        """The kernel of a ladder for one element type: of the rung in force, or of `rung`."""
        if not driver.current(self.context):  # a thread may begin in memory it did not make
            self.context.activate()
        named = chosen().get(family) or rung
        key = (family, symbol, dtype, named, compiler.folder_in_force())
        found = self._kernels.get(key)
        if found is None:
            found = self._kernels[key] = self._build(family, symbol, dtype, named)
        return found

    def zeros(self, shape: Shape, dtype: Any) -> DeviceArray:
        out = self.empty(shape, np.dtype(dtype))
        if out.size:
            self.context.clear(out.pointer, out.nbytes)
        return out

    def full(self, shape: Shape, dtype: Any, number: Any) -> DeviceArray:
        if number == 0 and math.copysign(1, number) > 0:
            return self.zeros(shape, dtype)
        out = self.empty(shape, np.dtype(dtype))
        self.fill(out, number)
        return out

    def fill(self, array: DeviceArray, number: Any) -> None:
        """Every element becomes `number`."""
        _elementwise.run(self, "cast", (number,), array, array.dtype)

    def contiguous(self, array: DeviceArray) -> DeviceArray:
        return array if array.contiguous else self.copy(array)

    def broadcast(self, array: DeviceArray, shape: Shape) -> DeviceArray:
        """A view of `array` repeated to `shape` by zero strides. Raises ShapeError where it does not fit."""
        stretched_axes(array.shape, tuple(shape))
        lead = len(shape) - len(array.shape)
        strides = (0,) * lead + tuple(
            0 if n == 1 and full != 1 else s
            for n, s, full in zip(array.shape, array.strides, shape[lead:], strict=True)
        )
        return self.view(array, shape, strides, 0)

    def permuted(self, array: DeviceArray, axes: Sequence[int]) -> DeviceArray:
        """A view whose axis i is axis `axes[i]` of `array`."""
        return self.view(array, tuple(array.shape[a] for a in axes), tuple(array.strides[a] for a in axes), 0)

    def reshaped(self, array: DeviceArray, shape: Shape) -> DeviceArray:
        """A contiguous array under another shape of as many elements; another layout is copied first."""
        array = self.contiguous(array)
        return self.view(array, shape, dense_strides(shape, array.itemsize), 0)

    def adopt(self, array: Any) -> DeviceArray:
        """Another library's memory, by its `__cuda_array_interface__`, as ours; it lives while we use it.

        What is read-only is copied, since nothing here is. Raises TypeError for a dtype the library lacks,
        DeviceError for memory of another device, ValueError where elements do not lie on multiples of their
        size.
        """
        found = getattr(array, "__cuda_array_interface__", None)
        if found is None:
            raise TypeError(f"{type(array).__name__} has no __cuda_array_interface__")
        dtype = np.dtype(found["typestr"])
        if dtype not in DTYPES:
            raise TypeError(f"{self.name} has no {dtype} arrays; it has {', '.join(map(str, DTYPES))}")
        pointer, read_only = int(found["data"][0] or 0), found["data"][1]
        strides = found.get("strides") and tuple(found["strides"])
        if any(place % dtype.itemsize for place in (pointer, *(strides or ()))):
            raise ValueError(
                f"elements of {dtype} at {pointer:#x} with strides {strides} do not lie on multiples of "
                f"{dtype.itemsize} bytes; copy the array first"
            )
        self.context.wait_for_others()
        self.check_owner(pointer)
        taken = DeviceArray(self, array, pointer, tuple(found["shape"]), strides, dtype)
        return self.copy(taken) if read_only else taken

    def check_owner(self, pointer: int) -> None:
        """Raise DeviceError for memory that another device is known to hold."""
        owner = self.context.owner(pointer) if pointer else None
        if owner not in (None, self.context.index):
            raise DeviceError(
                f"the array's memory is that of device {owner}, {self.name} is device {self.context.index}; "
                "name that device, or copy the array to this one with its own library"
            )

    def from_dlpack(self, producer: Any) -> DeviceArray:
        """The same by DLPack."""
        return dlpack.take(self, producer)

    def lend(self, array: DeviceArray) -> Any:
        """A PyCUDA GPUArray over the same memory."""
        self.activate()
        return driver.gpuarray(array)

    def watch(self, op: str, text: str) -> int:
        """The number of a call that checks indices on the device; see `Faults`."""
        return self.faults.watch(op, text)

    @property
    def fault_pointer(self) -> int:
        """Where kernels report a bad index: int64[4] of the device."""
        return self.faults.pointer

    def close(self) -> None:
        """Wait, free all memory and give the context back. Tensors on this device can no longer be used.

        Raises DeviceError, and closes nothing, while other libraries use the device's memory; after all is
        done, IndexError for a bad index that nobody was told of.
        """
        self.activate()
        self.context.synchronize()
        if lent := dlpack.lent(self):
            raise DeviceError(
                f"{self.name} cannot be shut down: {lent} of its arrays are in use by DLPack, for example in "
                "NumPy; let them go first, or copy them"
            )
        try:
            self.faults.check()
        finally:
            self._free()

    def _free(self) -> None:
        self.closed = True
        driver.at_end.remove(self.close)
        self._kernels.clear()
        self._modules.clear()
        self.faults.close()
        self.staging.close()
        self.pool.close()
        self.context.close()

    # -- kernels ---------------------------------------------------------------------------------------------

    def _host(self, table: dict[str, Any], op: Op, kind: str) -> Any:
        found = table.get(op.name)
        if found is None:
            raise DeviceError(
                f"op {op.name!r} has no {kind} kernel on {self.name}: write one in "
                "kernels/ and register it in backend/cuda/families/, or compute on the cpu: "
                "x.to('cpu')"
            )
        return found

    def _build(self, family: str, symbol: str, dtype: np.dtype[Any], named: str | None) -> Kernel:
        ladder = families.ladder(family)
        rung = ladder.rung(named or ladder.default)
        module = self._module(ladder, rung, dtype)
        try:
            function = driver.Function(self.context, module, symbol)
        except Exception as error:
            raise DeviceError(
                f"kernels/{family}/{rung.name}.cu has no kernel {symbol} for {dtype}: {error}. "
                "A new elementwise op needs its line in kernels/elementwise/formulas.cuh"
            ) from error
        return Kernel(self.context, function, rung, symbol, ladder.symbols[symbol], dtype)

    def _module(self, ladder: Ladder, rung: Rung, dtype: np.dtype[Any]) -> Any:
        """The loaded module with `rung`: its unit's where it is in it, else one of its own."""
        alone = rung.name != ladder.default
        where, text = compiler.kernels_folder(), compiler.folder_in_force()
        key = (ladder.family, rung.name, dtype, text) if alone else (ladder.unit, dtype, text)
        module = self._modules.get(key)
        if module is None:
            self.activate()
            parts = (
                [(ladder, rung)]
                if alone
                else [
                    (other, other.rung(other.default))
                    for other in families.ladders().values()
                    if other.unit == ladder.unit
                ]
            )
            try:
                module = self.context.load(compiler.cubin(parts, dtype, self.context.arch, where))
            except driver.refused():  # what lies in the cache is damaged
                module = self.context.load(compiler.cubin(parts, dtype, self.context.arch, where, anew=True))
            self._modules[key] = module
        return module


@families.fused("full")
def _full(device: Cuda, *, shape: Shape, number: Any, dtype: np.dtype[Any]) -> DeviceArray:
    """Constants: a memset or a fill kernel, no upload."""
    return device.full(shape, dtype, number)
