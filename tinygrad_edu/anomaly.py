"""`detect_anomaly`: finds the op that made the first NaN or infinity, forward or backward, and its line."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from tinygrad_edu.engine.modes import F, Switch, watch
from tinygrad_edu.engine.observer import Observer
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import AnomalyError, describe, user_line, wrong


def _host_array(x: Any) -> Any:
    """The numbers of a Value, a Storage or a bare array."""
    storage = x.storage if isinstance(x, Value) else x
    return storage.backend.numpy(storage.array) if hasattr(storage, "backend") else storage


def _nonfinite(x: Any) -> str | None:
    """'NaN' or 'inf' if x has one, else None."""
    array = np.asarray(_host_array(x))
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return None
    return "NaN" if np.isnan(array).any() else "inf"


class _AnomalyObserver(Observer):
    """An observer of all results and gradients; the first bad one is computed from good ones."""

    def applied(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], result: Any, node: Any, seconds: float
    ) -> None:
        if node is not None:
            node.where = user_line()
        trouble = _nonfinite(result)
        if trouble and not any(_nonfinite(x) for x in inputs):
            shapes = describe(*(_host_array(x) for x in inputs))
            raise wrong(
                AnomalyError,
                op.name,
                f"{op.name}({shapes}) made the first {trouble}",
                "look at its inputs there: a log or sqrt of a negative, a division by zero, an overflow?",
                inputs=shapes,
            )

    def pulled(self, node: Any, g: Any, grads: list[Any], seconds: float) -> None:
        if _nonfinite(g):
            return
        for i, slope in enumerate(grads):
            trouble = None if slope is None else _nonfinite(slope)
            if trouble:
                raise wrong(
                    AnomalyError,
                    None,
                    f"the gradient of {node.op.name} for its input {i} is the first {trouble} in backward",
                    f"the op was called at {node.where or 'a line recorded outside detect_anomaly()'}. A "
                    "slope may be infinite there (sqrt at 0), or a `where` may hide it: guard the input",
                )


@overload
def detect_anomaly() -> Switch: ...
@overload
def detect_anomaly(function: F) -> F: ...
def detect_anomaly(function: Any = None) -> Any:
    """Raise AnomalyError at the first op whose result or gradient is not finite although its inputs are.

    It reads every number, so use it to find a fault, not to train: `with te.detect_anomaly(): ...`
    """
    return watch(_AnomalyObserver(), function)
