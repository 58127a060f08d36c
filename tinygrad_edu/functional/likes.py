"""Creates tensors like another one: with its shape, dtype and device. Also `empty` and `multinomial`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.engine.access import glance
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, full, rand, randint, randn, zeros
from tinygrad_edu.functional.elementwise import clip, log1p
from tinygrad_edu.functional.movement import expand_dims
from tinygrad_edu.functional.reduction import argmax, max
from tinygrad_edu.functional.sorting import topk
from tinygrad_edu.scalars import integer

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["empty", "empty_like", "full_like", "multinomial", "rand_like", "randint_like", "randn_like"]


def empty(*shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of `shape` to be written into; float32 unless `dtype` is given.

    It holds zeros, so that a program which forgets to write gives the same numbers every time.
    """
    return zeros(*shape, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(x: Tensor, *, dtype: Any = None) -> Tensor:
    """A tensor of x's shape, dtype and device to be written into; it holds zeros."""
    x = as_tensor(x)
    return zeros(x.shape, dtype=dtype or x.dtype, device=x.device)


def full_like(x: Tensor, value: Any, *, dtype: Any = None) -> Tensor:
    """`value` everywhere, in x's shape, dtype and device."""
    x = as_tensor(x)
    return full(x.shape, value, dtype=dtype or x.dtype, device=x.device)


def _fractions(x: Tensor, dtype: Any) -> Any:
    return dtype or (x.dtype if is_floating(x.dtype) else dtypes.float32)


def rand_like(x: Tensor, *, generator: Generator | None = None, dtype: Any = None) -> Tensor:
    """Uniform on [0, 1), of x's shape and device; in x's dtype, or float32 if x holds integers."""
    x = as_tensor(x)
    return rand(x.shape, generator=generator, dtype=_fractions(x, dtype), device=x.device)


def randn_like(x: Tensor, *, generator: Generator | None = None, dtype: Any = None) -> Tensor:
    """Standard normal, of x's shape and device; in x's dtype, or float32 if x holds integers."""
    x = as_tensor(x)
    return randn(x.shape, generator=generator, dtype=_fractions(x, dtype), device=x.device)


def randint_like(x: Tensor, low: int, high: int, *, generator: Generator | None = None) -> Tensor:
    """Integers of [low, high), int64, of x's shape and device."""
    x = as_tensor(x)
    return randint(low, high, x.shape, generator=generator, device=x.device)


def multinomial(
    p: Tensor, count: int = 1, *, replacement: bool = False, generator: Generator | None = None
) -> Tensor:
    """`count` indices drawn with the probabilities in p, int64: (N,) -> (count,), (rows, N) -> (rows, count).

    p need not sum to 1. With `replacement` an index can be drawn again; without, at most all N are drawn, in
    an order in which likelier ones tend to come first. An index of probability 0 is never drawn.

    Each draw is a race: exponential times divided by p, of which the smallest win (Efraimidis, Spirakis,
    "Weighted random sampling with a reservoir", 2006). Raises ValueError for negative or no probabilities,
    and for a `count` that is too large; numbers are checked on the cpu only.
    """
    p, draws = as_tensor(p).detach(), integer(count, "multinomial: count", least=1)
    if p.ndim not in (1, 2) or not p.shape[-1]:
        raise wrong(ShapeError, "multinomial", f"p must be (N,) or (rows, N), not {p.shape}", inputs=(p,))
    p = p if is_floating(p.dtype) else p.cast(dtypes.float64)
    if not replacement and draws > p.shape[-1]:
        problem = f"{draws} of {p.shape[-1]} cannot be drawn without replacement"
        raise wrong(ValueError, "multinomial", problem,
                    "draw fewer, or with replacement=True", inputs=(p,))  # fmt: skip
    _check_probabilities(p, 1 if replacement else draws)
    p = p / max(p, -1, keepdims=True)
    shape = (*p.shape[:-1], draws, p.shape[-1]) if replacement else p.shape
    uniform = rand(shape, generator=generator, dtype=p.dtype, device=p.device)
    times = clip(-log1p(-uniform), float(np.finfo(p.dtype).tiny), None)
    if replacement:
        return argmax(expand_dims(p, -2) / times, -1)
    return topk(p / times, draws)[1]


def _check_probabilities(p: Tensor, draws: int) -> None:
    """ValueError for p that are no probabilities, or of which fewer than `draws` are positive. On the cpu."""
    array = glance(p.storage, "multinomial")
    if array is None:
        return
    if not (np.isfinite(array).all() and (array >= 0).all()):
        bad = array[~(np.isfinite(array) & (array >= 0))][0]
        raise wrong(ValueError, "multinomial", f"a probability is {bad:g}", "they are finite and at least 0",
                    inputs=(p,))  # fmt: skip
    if ((array > 0).sum(-1) < draws).any():
        raise wrong(ValueError, "multinomial", f"fewer than {draws} probabilities of a row are positive",
                    "draw fewer, or with replacement=True" if draws > 1 else "", inputs=(p,))  # fmt: skip
