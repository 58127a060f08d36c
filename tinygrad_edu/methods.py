"""Methods of a tensor that call a function, most of them by PyTorch's names.

A name is here if it means in PyTorch what it means here. `size`, `repeat`, `nonzero`, `equal`, `median` and
`diagonal` do not, so that the first is the Array API's, and the others are functions of `te` only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.engine.access import lend
from tinygrad_edu.engine.modes import would_lose
from tinygrad_edu.errors import describe, wrong
from tinygrad_edu.functional.indexing import gather_part, index_select_part, scatter_add_part
from tinygrad_edu.functional.overwrite import replace, update
from tinygrad_edu.functional.reduction import max as _max
from tinygrad_edu.functional.reduction import min as _min
from tinygrad_edu.functional.synonyms import taking_synonyms
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.scalars import integer
from tinygrad_edu.shapes import normalize_axis
from tinygrad_edu.words.calls import explain_methods

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


_HOST = (1, 0)  # DLPack's number of the cpu


def _itself(x: Tensor) -> Tensor:
    return x


def _cast(x: Tensor, dtype: Any) -> Tensor:
    return x.cast(dtype)


def _moved(x: Tensor, device: str) -> Tensor:
    return x.to(device)


def _check_order(name: str, axis: Any, following: str) -> None:
    """TypeError if the indices were given in front of the axis."""
    if getattr(axis, "ndim", 0) or isinstance(axis, (list, tuple)):
        raise wrong(
            TypeError,
            name,
            f"axis must be an integer, not {describe(axis)}",
            f"the axis comes first, as in PyTorch: x.{name}(axis, {following})",
        )


class Functions:
    """Functions of `te` that take the tensor first, documented there.

    They take `dim=` and `keepdim=`, except `sort`: PyTorch's returns a pair then, this one only the values.
    """

    __slots__ = ()

    # arithmetic, comparisons and logic
    add, sub, mul, div, neg, pow = F.add, F.sub, F.mul, F.div, F.neg, F.pow
    remainder, floor_divide, reciprocal = F.remainder, F.floor_divide, F.reciprocal
    eq, ne, lt, le, gt, ge = F.equal, F.not_equal, F.less, F.less_equal, F.greater, F.greater_equal
    isnan, isinf, isfinite = F.isnan, F.isinf, F.isfinite
    logical_and, logical_or, logical_xor = F.logical_and, F.logical_or, F.logical_xor
    logical_not, maximum, minimum = F.logical_not, F.maximum, F.minimum
    floor, ceil, round, trunc, sign = F.floor, F.ceil, F.round, F.trunc, F.sign
    # powers, logarithms, angles
    exp2, expm1, log1p, log2, log10, rsqrt = F.exp2, F.expm1, F.log1p, F.log2, F.log10, F.rsqrt
    tan, asin, acos, atan, atan2 = F.tan, F.asin, F.acos, F.atan, F.atan2
    sinh, cosh, asinh, acosh, atanh, erf = F.sinh, F.cosh, F.asinh, F.acosh, F.atanh, F.erf
    lerp, logaddexp, nan_to_num, isclose = F.lerp, F.logaddexp, F.nan_to_num, F.isclose
    # along an axis
    cumsum, cumprod, cummax, cummin, logsumexp = F.cumsum, F.cumprod, F.cummax, F.cummin, F.logsumexp
    nansum, nanmean, count_nonzero, diff = F.nansum, F.nanmean, F.count_nonzero, F.diff
    norm, quantile = F.norm, F.quantile
    amax, amin = taking_synonyms(_max, alone=True), taking_synonyms(_min, alone=True)
    sort, argsort, topk = F.sort, F.argsort, F.topk
    # products
    matmul, dot, outer, bmm, trace = F.matmul, F.dot, F.outer, F.bmm, F.trace
    # pieces, places and triangles
    split, chunk, unbind, roll = F.split, F.chunk, F.unbind, F.roll
    repeat_interleave, moveaxis, movedim = F.repeat, F.moveaxis, F.moveaxis
    masked_fill, masked_select = F.masked_fill, F.masked_select
    tril, triu, diag = F.tril, F.triu, F.diag
    allclose, bincount, multinomial = F.allclose, F.bincount, F.multinomial


class Methods(Functions):
    """Methods whose arguments are arranged as PyTorch's are; each line calls one function."""

    __slots__ = ()

    # -- shapes ----------------------------------------------------------------------------------------------

    def dim(self: Any) -> Any:
        """The number of axes: `x.ndim`."""
        return self.ndim

    def numel(self: Any) -> Any:
        """The number of elements: `x.size`."""
        return math.prod(self.shape)

    def element_size(self: Any) -> Any:
        """The bytes of one element."""
        return self.dtype.itemsize

    def is_floating_point(self: Any) -> Any:
        """Whether the elements are floats."""
        return self.dtype.kind == "f"

    def view(self: Any, *shape: Any) -> Tensor:
        """x with another shape, as `reshape`: it shares memory if it can, and copies if not."""
        return F.reshape(self, F.spread(shape))

    def view_as(self: Any, other: Tensor) -> Tensor:
        """x with the shape of `other`."""
        return F.reshape(self, other.shape)

    def reshape_as(self: Any, other: Tensor) -> Tensor:
        """x with the shape of `other`."""
        return F.reshape(self, other.shape)

    def expand_as(self: Any, other: Tensor) -> Tensor:
        """x broadcast to the shape of `other`."""
        return F.expand(self, other.shape)

    def ravel(self: Any) -> Tensor:
        """x with a single axis."""
        return F.reshape(self, (-1,))

    def contiguous(self: Any) -> Tensor:
        """x itself: every function takes every layout, so that nothing has to be copied."""
        return _itself(self)

    def t(self: Any) -> Tensor:
        """The transposed matrix; a vector is returned as it is. ValueError for more axes."""
        if self.ndim > 2:
            raise wrong(ValueError, "t", f"t() is for matrices, this tensor has shape {self.shape}",
                        "x.mT swaps the last two axes, x.permute orders all", inputs=(self,))  # fmt: skip
        return F.transpose(self)

    def swapaxes(self: Any, first: Any, second: Any) -> Tensor:
        """Two axes swapped: `x.transpose(first, second)`."""
        return F.transpose(self, first, second)

    swapdims = swapaxes

    def flip(self: Any, *axes: Any) -> Tensor:
        """The order of elements reversed along the axes, or along all."""
        return F.flip(self, F.spread(axes) if axes else None)

    def tile(self: Any, *counts: Any) -> Tensor:
        """x repeated whole, `counts[i]` times along axis i. PyTorch's `repeat` is the same."""
        return F.tile(self, F.spread(counts))

    # -- numbers ---------------------------------------------------------------------------------------------

    def clamp(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """x limited to [min, max]: `x.clip(min, max)`."""
        return F.clip(self, min, max)

    def clamp_min(self: Any, min: Any) -> Tensor:
        """x, or `min` where x is below it."""
        return F.clip(self, min, None)

    def clamp_max(self: Any, max: Any) -> Tensor:
        """x, or `max` where x is above it."""
        return F.clip(self, None, max)

    def where(self: Any, condition: Any, other: Any) -> Tensor:
        """x where `condition` is true, `other` elsewhere."""
        return F.where(condition, self, other)

    def mm(self: Any, other: Any) -> Tensor:
        """The product of two matrices; nothing broadcasts. ValueError for other shapes."""
        self._check_axes("mm", other, 2, 2)
        return F.matmul(self, other)

    def mv(self: Any, other: Any) -> Tensor:
        """The product of a matrix and a vector. ValueError for other shapes."""
        self._check_axes("mv", other, 2, 1)
        return F.matmul(self, other)

    def _check_axes(self: Any, name: str, other: Any, mine: Any, others: Any) -> None:
        if self.ndim != mine or np.ndim(other) != others:
            raise wrong(
                ValueError,
                name,
                f"{name} needs {mine} axes and {others}, got {self.shape} and {np.shape(other)}",
                "x @ y takes all shapes",
                inputs=(self, other),
            )

    # -- places ----------------------------------------------------------------------------------------------

    def gather(self: Any, axis: Any, indices: Any) -> Tensor:
        """The elements at `indices` along an axis, as in PyTorch: nothing broadcasts.

        y[..., i, ...] = x[..., indices[..., i, ...], ...]; y has the shape of `indices`, which may be smaller
        than x on the other axes, and not larger. `te.take_along_axis(x, indices, axis)` broadcasts them, and
        counts indices below 0 from the end, which are an IndexError here.
        """
        _check_order("gather", axis, "indices")
        return gather_part(self, indices, axis)

    def narrow(self: Any, axis: Any, start: Any, length: Any) -> Tensor:
        """The `length` slices from `start` on along an axis, a view: `x[..., start:start + length]`.

        IndexError for slices that x does not have.
        """
        at = normalize_axis(axis, self.ndim)
        first, count = integer(start, "narrow: start"), integer(length, "narrow: length", least=0)
        size = self.shape[at]
        first += size if first < 0 else 0
        if not 0 <= first <= first + count <= size:
            raise wrong(IndexError, "narrow", f"slices {start} to {start} + {length} of an axis of {size}",
                        inputs=(self,))  # fmt: skip
        return F.getitem(self, (*[slice(None)] * at, slice(first, first + count)))

    def index_select(self: Any, axis: Any, indices: Any) -> Tensor:
        """The slices at a vector of indices, none below 0, along an axis, as in PyTorch."""
        _check_order("index_select", axis, "indices")
        return index_select_part(self, indices, axis)

    def scatter_add(self: Any, axis: Any, indices: Any, source: Any) -> Tensor:
        """x with `source` added at `indices`, none below 0, along an axis, as in PyTorch."""
        _check_order("scatter_add", axis, "indices, source")
        return scatter_add_part(self, indices, source, axis)

    # -- new tensors of x's dtype, on its device -------------------------------------------------------------

    def new_zeros(self: Any, *shape: Any, dtype: Any = None, device: Any = None) -> Tensor:
        """Zeros of a shape, in x's dtype and on x's device unless others are given."""
        return F.zeros(*shape, dtype=dtype or self.dtype, device=device or self.device)

    def new_ones(self: Any, *shape: Any, dtype: Any = None, device: Any = None) -> Tensor:
        """Ones of a shape, in x's dtype and on x's device unless others are given."""
        return F.ones(*shape, dtype=dtype or self.dtype, device=device or self.device)

    def new_empty(self: Any, *shape: Any, dtype: Any = None, device: Any = None) -> Tensor:
        """A tensor of a shape to be written into, in x's dtype and on x's device unless others are given."""
        return F.empty(*shape, dtype=dtype or self.dtype, device=device or self.device)

    def new_full(self: Any, shape: Any, value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
        """`value` in a shape, in x's dtype and on x's device unless others are given."""
        return F.full(shape, value, dtype=dtype or self.dtype, device=device or self.device)

    def new_tensor(self: Any, data: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
        """A copy of `data`, in x's dtype and on x's device unless others are given."""
        return F.tensor(data, dtype=dtype or self.dtype, device=device or self.device)

    # -- dtypes and devices ----------------------------------------------------------------------------------

    def type_as(self: Any, other: Tensor) -> Tensor:
        """The same numbers in the dtype of `other`."""
        return _cast(self, other.dtype)

    def cpu(self: Any) -> Tensor:
        """x on the cpu; itself if it is there."""
        return _moved(self, "cpu")

    def cuda(self: Any) -> Tensor:
        """x on the GPU; itself if it is there."""
        return _moved(self, "cuda")

    def double(self: Any) -> Tensor:
        """The same numbers as float64."""
        return _cast(self, "float64")

    def long(self: Any) -> Tensor:
        """The same numbers as int64; fractions are cut off."""
        return _cast(self, "int64")

    def float(self: Any) -> Tensor:
        """The same numbers as float32."""
        return _cast(self, "float32")

    def int(self: Any) -> Tensor:
        """The same numbers as int32; fractions are cut off."""
        return _cast(self, "int32")

    def bool(self: Any) -> Tensor:
        """Whether each number is not 0."""
        return _cast(self, "bool")

    # -- for other libraries ---------------------------------------------------------------------------------

    def __array_namespace__(self: Any, *, api_version: Any = None) -> Any:
        """The Array API's functions of tensors: `te.array_api`. ValueError for a version it does not have."""
        from tinygrad_edu import array_api

        if api_version is not None and api_version not in array_api.VERSIONS:
            raise wrong(ValueError, "__array_namespace__", f"version {api_version!r} of the Array API",
                        f"there are {', '.join(array_api.VERSIONS)}")  # fmt: skip
        return array_api

    def __complex__(self: Any) -> complex:
        """The number in a tensor of one element."""
        return complex(self._number())

    def to_device(self: Any, device: Any, /, *, stream: Any = None) -> Tensor:
        """x on a device, by the Array API's name of `to`; `stream` must be None, the device's own."""
        if stream is not None:
            raise wrong(ValueError, "to_device", f"stream={stream!r}, and each device here has one stream",
                        "leave out stream=")  # fmt: skip
        return _moved(self, device)

    def __dlpack__(self: Any, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
                   copy: Any = None) -> Any:  # fmt: skip
        """The memory for another library, by DLPack, which calls this in its `from_dlpack`.

        stream       the consumer's; None on the cpu
        max_version  the newest version of DLPack that the consumer knows; from (1, 0) on memory can be
                     read-only, and before it the consumer must not write to what is
        dl_device    (type, index) of the device for the consumer: x's own, or that of the cpu, (1, 0)
        copy         True: a copy; False: BufferError if one is needed; None: a copy if it is needed
        """
        if would_lose(self):
            raise wrong(BufferError, "dlpack", "a tensor that requires grad would be handed on without its "
                        "graph", "say x.detach()", inputs=(self,))  # fmt: skip
        how = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        if dl_device is not None and tuple(dl_device) == _HOST != self.__dlpack_device__():
            if copy is False:
                raise wrong(BufferError, "dlpack", f"copy=False, and the memory is on {self.device}",
                            "leave out copy=", inputs=(self,))  # fmt: skip
            return np.array(self.numpy()).__dlpack__(**how | {"stream": None, "copy": None})
        read_only = (max_version or (0,)) >= (1,)  # before version 1 nothing could be read-only
        memory = lend(self.storage, "dlpack", read_only=read_only)
        return memory.__dlpack__(**{name: value for name, value in how.items() if value is not None})

    def __dlpack_device__(self: Any) -> Any:
        """(type, index) of x's device, in the numbers of DLPack; the cpu is (1, 0)."""
        return tuple(self.storage.array.__dlpack_device__())

    # -- in place: only outside the graph --------------------------------------------------------------------

    def sub_(self: Any, other: Any) -> Tensor:
        """self -= other, in place."""
        return update(self, "sub_", _e.sub, other)

    def div_(self: Any, other: Any) -> Tensor:
        """self /= other, in place."""
        return update(self, "div_", _e.div, other)

    def clamp_(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """Limit x to [min, max], in place."""
        return replace(self, "clamp_", lambda x: F.clip(x, min, max))

    def masked_fill_(self: Any, mask: Any, value: Any) -> Tensor:
        """Write `value` where `mask` is true, in place."""
        return replace(self, "masked_fill_", lambda x: F.masked_fill(x, mask, value), mask, value)


explain_methods(Methods)
