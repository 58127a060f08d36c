"""The loaded kernels of one device. A kernel is compiled, or read from the cache, at its first use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device import compile as compiler
from tinygrad_edu.backend.cuda.device import contexts, driver
from tinygrad_edu.backend.cuda.device.kernels import Kernel, Ladder, Rung, active_rungs
from tinygrad_edu.errors import DeviceError, wrong


class Library:
    """The kernels of `ladders` ({family: ladder}) on the device of `context`."""

    def __init__(self, context: driver.Context, ladders: Mapping[str, Ladder]) -> None:
        self.context, self.ladders = context, ladders
        self.kernels: dict[Any, Kernel] = {}
        self.modules: dict[Any, Any] = {}

    def kernel(self, family: str, symbol: str, dtype: np.dtype[Any], rung: str | None = None) -> Kernel:
        """The kernel of a ladder for one dtype: of the active rung, else of `rung`, else of production."""
        if not contexts.current(self.context):  # a new thread may begin with a launch
            self.context.activate()
        rung_name = active_rungs.get().get(family) or rung
        key = (family, symbol, dtype, rung_name, compiler.active_folder())
        found = self.kernels.get(key)
        if found is None:
            found = self.kernels[key] = self._load_kernel(family, symbol, dtype, rung_name)
        return found

    def forget(self) -> None:
        """Remove all loaded kernels; each is loaded again at its next use."""
        self.kernels.clear()
        self.modules.clear()

    def _load_kernel(self, family: str, symbol: str, dtype: np.dtype[Any], rung_name: str | None) -> Kernel:
        ladder = self.ladders[family]
        rung = ladder.rung(rung_name or ladder.default)
        module = self._module(ladder, rung, dtype)
        try:
            function = driver.Function(self.context, module, symbol)
        except Exception as error:
            raise wrong(
                DeviceError,
                None,
                f"kernels/{family}/{rung.name}.cu has no kernel {symbol} for {dtype}: {error}. A new "
                "elementwise op needs its line in kernels/elementwise/formulas.cuh",
            ) from error
        return Kernel(self.context, function, rung, symbol, ladder.symbols[symbol], dtype)

    def _module(self, ladder: Ladder, rung: Rung, dtype: np.dtype[Any]) -> Any:
        """The loaded module that contains `rung`: that of its unit, or a separate one."""
        is_separate = rung.name != ladder.default
        where, text = compiler.kernels_folder(), compiler.active_folder()
        key = (ladder.family, rung.name, dtype, text) if is_separate else (ladder.unit, dtype, text)
        module = self.modules.get(key)
        if module is None:
            self.context.activate()
            unit = [other for other in self.ladders.values() if other.unit == ladder.unit]
            parts = (
                [(ladder, rung)] if is_separate else [(other, other.rung(other.default)) for other in unit]
            )
            try:
                module = self.context.load(compiler.cubin(parts, dtype, self.context.arch, where))
            except driver.error_type():  # the file in the cache is damaged
                module = self.context.load(
                    compiler.cubin(parts, dtype, self.context.arch, where, recompile=True)
                )
            self.modules[key] = module
        return module
