"""How a model is called while it is exported: with the examples, with other sizes of them, and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.engine.modes import no_grad, watch
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.interop.onnx.proto import OnnxError
from tinygrad_edu.interop.onnx.sizes import Sizes, points
from tinygrad_edu.interop.onnx.trace import Recorder, Run
from tinygrad_edu.nn.module import Module, evaluating
from tinygrad_edu.tensor import Tensor

Array = np.ndarray[Any, Any]
Axes = Mapping[str, Mapping[int, str]]
REFUSALS = (ValueError, TypeError, LookupError, RuntimeError)  # of a model for inputs that it does not take
_STEPS = (1, 2, 4, 8, 16, 32)  # how much larger a size is made; some models take multiples only


def flat(outputs: Any, name: str = "output") -> list[tuple[str, Any]]:
    """The tensors of a result by name; None is no result."""
    if isinstance(outputs, Value):
        return [(name, outputs)]
    if outputs is None:
        return []
    if isinstance(outputs, Mapping):
        return [pair for key, item in outputs.items() for pair in flat(item, str(key))]
    if isinstance(outputs, tuple | list):
        return [pair for i, item in enumerate(outputs) for pair in flat(item, f"{name}_{i}")]
    problem = f"the model returns a {type(outputs).__name__}, {outputs!r:.60}, which is no tensor"
    raise wrong(OnnxError, "onnx.export", problem, "return tensors, in tuples, lists or dicts")


class Call:
    """The model, and how it is called; `outputs` are the names of its results, after a run."""

    def __init__(self, model: Any, given: Any, axes: Axes) -> None:
        self.model, self.axes = model, axes
        self.keys = [str(key) for key in given] if isinstance(given, Mapping) else None
        self.outputs: list[str] = []
        tensors = model._named_tensors() if isinstance(model, Module) else ()
        self.state: list[tuple[str, Tensor]] = list(tensors)
        device = next((t.device for _, t in self.state), "cpu")
        self.device = device

    def tensors(self, inputs: Mapping[str, Array]) -> dict[str, Tensor]:
        return {name: as_tensor(x).to(self.device) for name, x in inputs.items()}

    def __call__(self, tensors: Mapping[str, Tensor]) -> list[tuple[str, Any]]:
        with no_grad(), evaluating():
            if self.keys is None:
                return flat(self.model(*tensors.values()))
            return flat(self.model(**dict(zip(self.keys, tensors.values(), strict=True))))

    def record(self, inputs: Mapping[str, Array]) -> Run:
        """The steps of one run."""
        tensors = self.tensors(inputs)
        recorder = Recorder(list(tensors.items()), self.state)
        with watch(recorder):
            found = self(tensors)
        if recorder.fault is not None:
            raise recorder.fault
        if not found:
            raise wrong(OnnxError, "onnx.export", "the model returns no tensor")
        recorder.run.outputs = tuple(recorder.operand(x) for _, x in found)
        names = [name for name, _ in found]
        self.outputs = names if len(set(names)) == len(names) else [f"output_{i}" for i in range(len(names))]
        return recorder.run

    def resized(self, inputs: Mapping[str, Array], sizes: Sizes) -> dict[str, Array]:
        """The examples with axes of other sizes: their elements again from the start."""
        made = dict(inputs)
        for name, axes in self.axes.items():
            for axis, label in axes.items():
                x = made[name]
                made[name] = np.take(x, np.arange(sizes[label]) % x.shape[axis], axis)
        return made

    def probe(self, inputs: Mapping[str, Array]) -> tuple[list[Run], list[Sizes], list[Sizes]]:
        """The runs with all sizes that are needed, these sizes, and others to compare with."""
        base = {
            label: max(2, inputs[name].shape[axis])
            for name, axes in self.axes.items()
            for axis, label in axes.items()
        }
        if not base:
            return [self.record(inputs)], [{}], [{}]
        first = self.record(self.resized(inputs, base))
        steps = {label: self._step(inputs, base, label) for label in base}
        sizes = points(base, steps)
        runs = [first, *(self.record(self.resized(inputs, size)) for size in sizes[1:])]
        others = [{label: n + 4 * steps[label] for label, n in base.items()}, dict.fromkeys(base, 1)]
        examples = {
            label: inputs[name].shape[axis]
            for name, axes in self.axes.items()
            for axis, label in axes.items()
        }
        return runs, sizes, [examples, *others]

    def _step(self, inputs: Mapping[str, Array], base: Sizes, label: str) -> int:
        """By how much that size may grow: 1, if the model takes any size."""
        fault: Exception | None = None
        for step in _STEPS:
            try:
                self(self.tensors(self.resized(inputs, {**base, label: base[label] + step})))
            except (ValueError, TypeError, LookupError, RuntimeError) as error:
                fault = fault or error
            else:
                return step
        problem = f"the model takes no other size of {label!r} than {base[label]}: {fault}"
        raise wrong(OnnxError, "onnx.export", problem, "leave that axis out of dynamic_axes") from fault
