"""`detect_anomaly`: find the op that made the first NaN or infinity, forward or backward, and the line that
called it."""
from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.engine.modes import Switch, watch
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import AnomalyError, describe, user_line


def _host(x: Any) -> Any:
    """The numbers of a Value, a Storage or a bare array."""
    storage = x.storage if isinstance(x, Value) else x
    return storage.backend.numpy(storage.array) if hasattr(storage, "backend") else storage


def _trouble(x: Any) -> str | None:
    """'NaN' or 'inf' if x holds one."""
    array = np.asarray(_host(x))
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return None
    return "NaN" if np.isnan(array).any() else "inf"


class _Hunter:
    """Watches every result and every gradient; a bad one made from good ones is the first."""

    def applied(self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], result: Any, node: Any,
                seconds: float) -> None:
        if node is not None:
            node.where = user_line()
        trouble = _trouble(result)
        if trouble and not any(_trouble(x) for x in inputs):
            shapes = describe(*(_host(x) for x in inputs))
            raise AnomalyError(f"{op.name}({shapes}) made the first {trouble} (at {user_line()}); "
                               "look at its inputs there: a log or sqrt of a negative, a division by zero, "
                               "an overflow?")

    def pulled(self, node: Any, g: Any, grads: list[Any], seconds: float) -> None:
        if _trouble(g):
            return
        for i, slope in enumerate(grads):
            trouble = None if slope is None else _trouble(slope)
            if trouble:
                raise AnomalyError(f"the gradient of {node.op.name} for its input {i} is the first {trouble} "
                                   "in backward; the op was called at "
                                   f"{node.where or 'a line recorded outside detect_anomaly()'}. A slope may "
                                   "be infinite there (sqrt at 0), or a `where` may hide it: guard the input")


def detect_anomaly() -> Switch:
    """Raise AnomalyError at the first op whose result or gradient is NaN or infinite though what it got was
    not.

    It reads every number, so use it to look for a fault, not to train: `with te.detect_anomaly(): ...`
    """
    return watch(_Hunter())
