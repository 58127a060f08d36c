"""New tensors of random numbers, and random numbers written into a tensor: x.normal_(), x.uniform_(-1, 1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.shapes import broadcast_shapes
from tinygrad_edu.torch.core import devices, dtypes, views
from tinygrad_edu.torch.core.border import bare, torch_error, torch_function
from tinygrad_edu.torch.core.dtypes import result_of
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions.constants import kind_and_place, new, size_of

__all__ = ["bernoulli", "binomial", "multinomial", "normal", "poisson", "rand", "rand_like", "randint",
           "randint_like", "randn", "randn_like", "randperm"]  # fmt: skip

FRACTIONS = (np.dtype("float32"), np.dtype("float64"))
_MOST = 2**53  # integers that the library draws from


def _fractions(name: str, kind: Any) -> None:
    if kind not in FRACTIONS:
        raise wrong(
            RuntimeError, name, f'"{name}" not implemented for {dtypes.dtype_of(kind).name}', "draw floats"
        )


def _drawn(name: str, draw: Callable[..., te.Tensor], what: str) -> Callable[..., Tensor]:
    def function(*size: Any, generator: Any = None, out: Any = None, dtype: Any = None, layout: Any = None,
                 device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
                 names: Any = None, **named: Any) -> Tensor:  # fmt: skip
        if set(named) - {"size"}:
            raise wrong(TypeError, name, f"{name}() got an unexpected keyword argument {min(named)!r}")
        shape = size_of(size, named.get("size"))

        def make(kind: Any, place: str) -> te.Tensor:
            _fractions(name, kind)
            return draw(shape, generator=generator, dtype=kind, device=place)

        return new(make, dtype, device, requires_grad, out)

    def like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False,
             generator: Any = None) -> Tensor:  # fmt: skip
        kind, place = kind_and_place(input, dtype, device)
        return function(size=input.inner.shape, generator=generator, dtype=kind, device=place,
                        requires_grad=requires_grad)  # fmt: skip

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{what}, of a shape."
    like.__name__ = like.__qualname__ = f"{name}_like"
    like.__doc__ = f"{what}, of the shape, the dtype and the device of `input`."
    function.like = like  # type: ignore[attr-defined]
    return function


rand = _drawn("rand", te.rand, "Uniform on [0, 1)")
randn = _drawn("randn", te.randn, "Standard normal")
rand_like, randn_like = rand.like, randn.like  # type: ignore[attr-defined]


def _integers(low: Any, high: Any, shape: tuple[int, ...], generator: Any) -> Callable[..., te.Tensor]:
    first, last = (n.__index__() for n in (low, high))
    if first >= last:
        raise wrong(RuntimeError, "randint", f"random_ expects 'from' to be less than 'to', but got "
                    f"from={first} "
                    f">= to={last}")  # fmt: skip

    def make(kind: Any, place: str) -> te.Tensor:
        least = 0 if kind.kind in "bu" else -_held(kind)
        if last > _held(kind) or first < least:
            raise wrong(
                RuntimeError, "randint", f"from or to - 1 is out of bounds for {dtypes.dtype_of(kind).name}"
            )
        return te.randint(first, last, shape, generator=generator, device=place).cast(kind)

    return make


def randint(*bounds_and_size: Any, generator: Any = None, out: Any = None, dtype: Any = None,
            layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
            **named: Any) -> Tensor:  # fmt: skip
    """Integers of [low, high): `randint(high, size)`, `randint(low, high, size)`."""
    given = list(bounds_and_size)
    size = given.pop() if "size" not in named and given else named.get("size")
    if isinstance(size, (int, np.integer)) or size is None:
        raise wrong(TypeError, "randint", "randint() takes high and size, or low, high and size; size is a "
                    "tuple",
                    "write torch.randint(0, 10, (2, 3))")  # fmt: skip
    low = named.get("low", 0 if len(given) + ("high" in named) < 2 else given.pop(0))
    high = named.get("high", given[0] if given else None)
    if not all(hasattr(n, "__index__") for n in (low, high)):
        raise wrong(TypeError, "randint", f"bounds must be ints, not {low!r} and {high!r}")
    kind = dtypes.int64 if dtype is None and out is None else dtype
    return new(_integers(low, high, size_of((size,)), generator), kind, device, requires_grad, out)


def randint_like(input: Tensor, low: Any, high: Any = None, *, dtype: Any = None, layout: Any = None,
                 device: Any = None, requires_grad: bool = False, memory_format: Any = None,
                 pin_memory: bool = False, generator: Any = None) -> Tensor:  # fmt: skip
    """Integers of [low, high), or of [0, low), of the shape, the dtype and the device of `input`."""
    kind, place = kind_and_place(input, dtype, device)
    first, last = (0, low) if high is None else (low, high)
    return new(_integers(first, last, input.inner.shape, generator), kind, place, requires_grad)


def randperm(n: int, *, generator: Any = None, out: Any = None, dtype: Any = None, layout: Any = None,
             device: Any = None, requires_grad: bool = False,
             pin_memory: bool = False) -> Tensor:  # fmt: skip
    """The integers 0 to n - 1 in random order."""
    (count,) = size_of((n,))
    kind = dtypes.int64 if dtype is None and out is None else dtype

    def make(kind: Any, place: str) -> te.Tensor:
        return te.randperm(count, generator=generator, device=place).cast(kind)

    return new(make, kind, device, requires_grad, out)


def _tied(value: te.Tensor, *sources: Any) -> te.Tensor:
    """`value` as a part of the graph of its sources, whose gradients from it are 0."""
    for x in sources:
        if views.recording(x):
            value = te.where(te.zeros(value.shape, dtype=bool, device=value.device), x, value)
    return value


@torch_function
def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, dtype: Any = None,
           layout: Any = None, device: Any = None, requires_grad: bool = False,
           pin_memory: bool = False) -> Any:  # fmt: skip
    """Normal: `normal(mean, std)` with tensors of means, of standard deviations or of both; or numbers and a
    size."""
    tensors = [x for x in (mean, std) if isinstance(x, te.Tensor)]
    if size is not None and not tensors:
        kind = dtypes.numpy_of(dtypes.get_default_dtype() if dtype is None else dtype)
        _check_std(std)
        made = (
            te.randn(size_of((size,)), generator=generator, dtype=kind, device=devices.here(device)) * std
            + mean
        )
        made.requires_grad = requires_grad
        return made
    if size is not None or not tensors:
        raise wrong(TypeError, "normal", "normal() takes tensors, or two numbers and a size")
    _check_std(std)
    kind = result_of(tuple(tensors))
    _fractions("normal", kind)
    shape = broadcast_shapes(*(x.shape for x in tensors))
    drawn = te.randn(shape, generator=generator, dtype=kind, device=tensors[0].device)
    with te.no_grad():
        value = drawn * std + mean
    return _tied(value, *tensors)


def _check_std(std: Any) -> None:
    least = std.detach().numpy().min(initial=0.0) if isinstance(std, te.Tensor) else std
    if least < 0:
        raise wrong(RuntimeError, "normal", f"normal expects std >= 0.0, but found std {least:g}")


@torch_function
def bernoulli(input: Any, p: Any = None, *, generator: Any = None) -> Any:
    """1 with the probabilities in `input`, or with p, else 0; in the shape and dtype of `input`."""
    _fractions("bernoulli", input.dtype)
    chances = input.detach() if p is None else p
    _check_chances("bernoulli", chances)
    drawn = te.rand(input.shape, generator=generator, dtype=input.dtype, device=input.device)
    return _tied((drawn < chances).cast(input.dtype), input)


def _check_chances(name: str, chances: Any) -> None:
    seen = chances.detach().numpy() if isinstance(chances, te.Tensor) else np.asarray(chances)
    if seen.size and not (seen.min() >= 0 and seen.max() <= 1):
        raise wrong(RuntimeError, name, f"Expected p_in >= 0 && p_in <= 1 to be true, but got p from "
                    f"{seen.min():g} to {seen.max():g}")  # fmt: skip


@torch_function
def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Any:
    """`num_samples` indices drawn with the weights in `input`: (N,) -> (num_samples,), rows alike."""
    _fractions("multinomial", input.dtype)
    return te.multinomial(input, num_samples, replacement=replacement, generator=generator)


def _host(generator: Any) -> np.random.Generator:
    """NumPy's generator at the place of a stream: for distributions that reject draws."""
    seed = te.randint(0, _MOST, (), generator=generator).item()
    return np.random.default_rng(seed)


@torch_function
def poisson(input: Any, generator: Any = None) -> Any:
    """Counts of events whose expected numbers are in `input`; drawn on the host."""
    _fractions("poisson", input.dtype)
    rates = input.detach().to("cpu").numpy()
    if rates.size and not rates.min() >= 0:
        raise wrong(RuntimeError, "poisson", "invalid Poisson rate, expected rate to be non-negative")
    drawn = _host(generator).poisson(rates).astype(input.dtype)
    return _tied(te.tensor(drawn, device=input.device), input)


@torch_function
def binomial(count: Any, prob: Any, generator: Any = None) -> Any:
    """Numbers of successes of `count` trials, each of the probability `prob`; drawn on the host."""
    _fractions("binomial", count.dtype)
    if prob.dtype != count.dtype:
        raise wrong(RuntimeError, "binomial", "Found dtype of count and prob that differ")
    _check_chances("binomial", prob)
    trials, chances = (x.detach().to("cpu").numpy() for x in (count, prob))
    drawn = np.asarray(_host(generator).binomial(trials.astype(np.int64), chances)).astype(count.dtype)
    return _tied(te.tensor(drawn, device=count.device), count, prob)


# -- written into a tensor -----------------------------------------------------------------------------------


def _written(name: str, numbers: Callable[..., te.Tensor]) -> Callable[..., Tensor]:
    """The method that writes numbers(x, ...) into x."""

    def method(self: Tensor, *args: Any, generator: Any = None, **named: Any) -> Tensor:
        try:
            views.check_may_change(self)
            inner = self.inner
            plain = [bare(x) for x in args]
            value = numbers(inner, generator, *plain, **{key: bare(x) for key, x in named.items()})
            return views.write(self, _tied(value.detach(), inner), name)
        except Exception as error:
            raise torch_error(error) from None

    method.__name__ = method.__qualname__ = name
    method.__doc__ = numbers.__doc__
    return method


def _uniform_in(x: te.Tensor, generator: Any) -> te.Tensor:
    return te.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)


def _normal(x: te.Tensor, generator: Any, mean: float = 0.0, std: float = 1.0) -> te.Tensor:
    """Normal numbers of a mean and a standard deviation, in place."""
    _fractions("normal_", x.dtype)
    _check_std(std)
    return te.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device) * std + mean


def _uniform(x: te.Tensor, generator: Any, *limits: float, to: float = 1.0, **named: float) -> te.Tensor:
    """Numbers of [from, to), in place."""
    _fractions("uniform_", x.dtype)
    low, high = (*limits, *(named.get("from", 0.0), to)[len(limits) :])
    if low > high:
        raise wrong(RuntimeError, "uniform_", f"uniform_ expects to return a [from, to) range, but found "
                    f"from={low} "
                    f"> to={high}")  # fmt: skip
    return _uniform_in(x, generator) * (high - low) + low


def _random(x: te.Tensor, generator: Any, *limits: int, to: int | None = None, **named: int) -> te.Tensor:
    """Integers of [from, to), or of [0, to), or all that the dtype can hold, in place."""
    both = len(limits) == 2 or (limits and to is not None)
    first = limits[0] if both else named.get("from", 0)
    last = limits[-1] if limits and to is None else to
    if last is None:
        last = first + min(_MOST, _held(x.dtype) - first)
    if first >= last:
        raise wrong(RuntimeError, "random_", f"random_ expects 'from' to be less than 'to', but got "
                    f"from={first} >= "
                    f"to={last}")  # fmt: skip
    return te.randint(first, last, x.shape, generator=generator, device=x.device).cast(x.dtype)


def _held(kind: Any) -> int:
    """One more than the largest integer that is drawn for a dtype."""
    if kind.kind == "f":
        return 2 ** (np.finfo(kind).nmant + 1) + 1
    return 2 if kind.kind == "b" else int(np.iinfo(kind).max) + 1


def _bernoulli(x: te.Tensor, generator: Any, p: Any = 0.5) -> te.Tensor:
    """1 with the probability p, a number or a tensor of them, else 0, in place."""
    _check_chances("bernoulli_", p)
    return te.rand(x.shape, generator=generator, device=x.device) < (
        p.detach() if isinstance(p, te.Tensor) else p
    )


def _exponential(x: te.Tensor, generator: Any, lambd: float = 1.0) -> te.Tensor:
    """Times until an event of the rate `lambd`, in place."""
    _fractions("exponential_", x.dtype)
    if lambd <= 0:
        raise wrong(
            RuntimeError, "exponential_", f"exponential_ expects lambda > 0.0, but found lambda={lambd}"
        )
    return -te.log1p(-_uniform_in(x, generator)) * (1.0 / lambd)


def _geometric(x: te.Tensor, generator: Any, p: float) -> te.Tensor:
    """How many trials until the first success, each of the probability p, in place."""
    if not 0 < p < 1:
        raise wrong(RuntimeError, "geometric_", f"geometric_ expects p to be in (0, 1), but got p={p}")
    if x.dtype == np.bool_:
        raise wrong(RuntimeError, "geometric_", '"geometric_" not implemented for bool')
    drawn = te.rand(x.shape, generator=generator, dtype="float64", device=x.device)
    return te.clip(te.ceil(te.log1p(-drawn) * (1.0 / math.log1p(-p))), 1.0, None).cast(x.dtype)


def _log_normal(x: te.Tensor, generator: Any, mean: float = 1.0, std: float = 2.0) -> te.Tensor:
    """e to the power of normal numbers, in place."""
    _fractions("log_normal_", x.dtype)
    if std <= 0:
        raise wrong(RuntimeError, "log_normal_", f"log_normal_ expects std > 0.0, but found std={std}")
    return te.exp(_normal(x, generator, mean, std))


def _cauchy(x: te.Tensor, generator: Any, median: float = 0.0, sigma: float = 1.0) -> te.Tensor:
    """Cauchy's distribution around a median, in place."""
    _fractions("cauchy_", x.dtype)
    if sigma <= 0:
        raise wrong(RuntimeError, "cauchy_", f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    return te.tan((_uniform_in(x, generator) - 0.5) * math.pi) * sigma + median


normal_, uniform_, random_ = (
    _written("normal_", _normal),
    _written("uniform_", _uniform),
    _written("random_", _random),
)
bernoulli_, exponential_ = _written("bernoulli_", _bernoulli), _written("exponential_", _exponential)
geometric_, log_normal_ = _written("geometric_", _geometric), _written("log_normal_", _log_normal)
cauchy_ = _written("cauchy_", _cauchy)
