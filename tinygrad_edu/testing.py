"""Property tests in three lines: hypothesis strategies for tensors, shapes and calls of ops.

    @given(x=te.testing.tensors(shape=(3, 4)))
    def test_loss(x):
        te.check.gradcheck(loss, [x])

Drawn arrays are like those of users: empty, of no dimension, with axes of size 1, and often not contiguous.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.domain import REAL, Call, Draw, Interval
from tinygrad_edu.engine.op import Op
from tinygrad_edu.shapes import Shape

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError(
        "tinygrad_edu.testing draws its examples with hypothesis: pip install hypothesis"
    ) from error

Array = np.ndarray[Any, Any]
_STEPS = 2**16  # an interval has so many steps: values shrink to short numbers
LAYOUTS = ("contiguous", "contiguous", "transposed", "sliced", "reversed")


def laid_out(array: Array, layout: str) -> Array:
    """The same numbers in another layout: transposed, every other element of an array, or reversed."""
    if layout == "transposed":
        return np.ascontiguousarray(array.T).T if array.ndim else array
    if layout == "sliced" and array.ndim:
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if layout == "reversed" and array.ndim:
        return np.ascontiguousarray(array[..., ::-1])[..., ::-1]
    return array


class HypothesisDraw(Draw):
    """A `domain.Draw` whose choices hypothesis makes and shrinks; `draw` comes from @st.composite."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw

    def integer(self, low: int, high: int) -> int:
        """An integer of [low, high]."""
        return int(self.draw(st.integers(low, high)))

    def broadcast(self, count: int) -> list[Shape]:
        """`count` shapes that broadcast together."""
        full = self.shape()
        if count == 1:
            return [full]
        return [tuple(self.choice((n, 1)) for n in full[self.integer(0, len(full)) :]) for _ in range(count)]

    def array(self, shape: Shape, interval: Interval = REAL, *, distinct: bool = False) -> Array:
        """float64 numbers of `interval`, in some layout; `distinct`: evenly spread, in random order."""
        size = int(np.prod(shape))
        if distinct:
            places = np.array(self.draw(st.permutations(range(size))), np.int64)
            flat = np.linspace(interval.low, interval.high, max(size, 2))[places]
        else:
            steps = self.integers((size,), 0, _STEPS)
            flat = interval.low + (interval.high - interval.low) * steps / _STEPS
            for point in interval.avoid:
                flat = np.where(np.abs(flat - point) < interval.gap, _number_near(point, interval), flat)
        return laid_out(flat.reshape(shape), self.choice(LAYOUTS) if size else "contiguous")

    def integers(self, shape: Shape, low: int, high: int) -> Array:
        """int64 numbers of [low, high]."""
        size = int(np.prod(shape))
        drawn = self.draw(st.lists(st.integers(low, high), min_size=size, max_size=size)) if size else []
        return np.array(drawn, np.int64).reshape(shape)


def _number_near(point: float, interval: Interval) -> float:
    """A number near a point that must be avoided, inside the interval."""
    above = point + 1.5 * interval.gap
    return above if above <= interval.high else point - 1.5 * interval.gap


@st.composite
def calls(draw: Any, op: Op) -> Call:
    """Calls of `op` from its own declaration: arrays with matching shapes, and parameters."""
    return op.calls(HypothesisDraw(draw))


@st.composite
def shapes(draw: Any, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 3) -> Shape:
    """Shapes; some have empty axes, axes of size 1 or no axes."""
    return HypothesisDraw(draw).shape(min_dims, max_dims, min_side, max_side)


@st.composite
def broadcastable(draw: Any, count: int) -> list[Shape]:
    """`count` shapes that broadcast together."""
    return HypothesisDraw(draw).broadcast(count)


@st.composite
def arrays(draw: Any, shape: Shape | None = None, dtype: Any = "float64", interval: Interval = REAL) -> Array:
    """NumPy arrays of `shape` (any, if None); floats from `interval`, integers from its whole numbers."""
    source, kind = HypothesisDraw(draw), dtypes.as_dtype(dtype)
    size = source.shape() if shape is None else shape
    if kind.kind == "f":
        return source.array(size, interval).astype(kind, copy=False)
    low, high = (0, 1) if kind.kind == "b" else (int(np.ceil(interval.low)), int(np.floor(interval.high)))
    return source.integers(size, max(low, 0) if kind.kind == "u" else low, high).astype(kind)


@st.composite
def tensors(
    draw: Any,
    shape: Shape | None = None,
    dtype: Any = "float64",
    interval: Interval = REAL,
    requires_grad: bool = False,
) -> Any:
    """Tensors, float64 by default, so that they can be passed directly to `te.check.gradcheck`."""
    return F.wrap(draw(arrays(shape, dtype, interval)), requires_grad)
