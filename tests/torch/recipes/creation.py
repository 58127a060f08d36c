"""New tensors: from data, of constants, of chance. Random numbers are compared by shape, dtype and range."""

from __future__ import annotations

from typing import Any

import numpy as np


def _facts(x: Any) -> list[Any]:
    """What random tensors of both sides have in common."""
    return [tuple(x.shape), str(x.dtype), x.requires_grad]


def _between(x: Any, low: float, high: float) -> list[Any]:
    numbers = x.detach().to(x.dtype).numpy()
    return [*_facts(x), bool((numbers >= low).all() and (numbers <= high).all())]


def _moments(x: Any, mean: float, spread: float, near: float) -> list[Any]:
    numbers = x.detach().numpy().astype("float64")
    return [*_facts(x), bool(abs(numbers.mean() - mean) < near), bool(abs(numbers.std() - spread) < near)]


def _again(t: Any, draw: Any) -> list[Any]:
    """Equal seeds give equal numbers, and the numbers that follow are others."""
    t.manual_seed(3)
    first, second = draw(), draw()
    t.manual_seed(3)
    return [bool((draw() == first).all()), bool((draw() == second).all()), bool((first == second).all())]


def _shared(t: Any, d: Any) -> Any:
    array = d.random.normal(size=(2, 3)).astype(d.choose(["float32", "float64"]))
    x = t.from_numpy(array)
    x[0, 1], array[1] = 7, 2
    x += 1
    return [x, array.tolist()]


def _forked(t: Any, d: Any) -> Any:
    t.manual_seed(0)
    before, first = t.get_rng_state(), t.rand(3)
    t.set_rng_state(before)
    same = bool((t.rand(3) == first).all())
    with t.random.fork_rng():
        t.manual_seed(5)
        t.rand(2)
    after = t.rand(3)
    t.manual_seed(0)
    t.rand(3)
    return [same, bool((t.rand(3) == after).all()), t.initial_seed(), t.random.initial_seed()]


def _own_stream(t: Any, d: Any) -> Any:
    g, h = t.Generator(), t.Generator(device="cpu")
    one = [t.rand(3, generator=x.manual_seed(4)) for x in (g, h)]
    state = g.get_state()
    two = t.randn(2, generator=g)
    g.set_state(state)
    return [bool((one[0] == one[1]).all()), bool((two == t.randn(2, generator=g)).all()), g.initial_seed(),
            str(g.device), state.dtype, isinstance(g, t.Generator), t.Generator().initial_seed()]  # fmt: skip


def _any_dtype(t: Any, d: Any) -> Any:
    return d.choose([None, t.float32, t.float64, t.int64, t.int32, t.bool, t.uint8])


def _constant(name: str) -> list[Any]:
    return [
        lambda t, d: getattr(t, name)(*d.shape(), dtype=_any_dtype(t, d)),
        lambda t, d: getattr(t, name)(d.shape()),
        lambda t, d: getattr(t, name)(list(d.shape(2)), dtype=t.float64, requires_grad=True),
        lambda t, d: getattr(t, name)(size=(2, 3)),
        lambda t, d: getattr(t, name)(t.Size([2, 1])),
        lambda t, d: getattr(t, name)(2, 3, requires_grad=True, dtype=t.int64),
        lambda t, d: getattr(t, name)(2, -1),
        lambda t, d: getattr(t, name)(2.5),
        lambda t, d: getattr(t, name)("a"),
        lambda t, d: getattr(t, name)(2, device="cpu", layout=t.strided, pin_memory=False),
        lambda t, d: getattr(t, name)(2, 3, out=t.ones(1, dtype=t.float64)),
        lambda t, d: getattr(t, name)(t.tensor(3), 2),
        lambda t, d: getattr(t, name)(2, nothing=3),
    ]


def _like(name: str, *more: Any) -> list[Any]:
    return [
        lambda t, d: getattr(t, name)(d.any(*d.shape()), *more),
        lambda t, d: getattr(t, name)(d.any(2, 3), *more, dtype=t.float32, requires_grad=True),
        lambda t, d: getattr(t, name)(d.any(2, 3), *more, dtype=t.int64, device="cpu",
                                      memory_format=t.preserve_format),
        lambda t, d: getattr(t, name)([1, 2], *more),
        lambda t, d: getattr(t, name)(d.ints(2), *more, requires_grad=True),
    ]  # fmt: skip


def _random(name: str, low: float, high: float) -> list[Any]:
    return [
        lambda t, d: _between(getattr(t, name)(*d.shape()), low, high),
        lambda t, d: _between(getattr(t, name)(d.shape(), dtype=t.float64), low, high),
        lambda t, d: _between(getattr(t, name)(2, 3, requires_grad=True, generator=t.Generator()), low, high),
        lambda t, d: _again(t, lambda: getattr(t, name)(50)),
        lambda t, d: getattr(t, name)(2, dtype=t.int64),
        lambda t, d: getattr(t, name)(-2),
        lambda t, d: _between(getattr(t, name)(2, 3, out=t.zeros(6, dtype=t.float64)), low, high),
    ]


def _draw(name: str, args: Any, mean: float, spread: float, near: float) -> list[Any]:
    """Recipes of a method that writes random numbers."""

    def called(t: Any, x: Any) -> Any:
        return getattr(x, name)(*args)

    return [
        lambda t, d: _moments(called(t, t.empty(20000, dtype=t.float64)), mean, spread, near),
        lambda t, d: _facts(called(t, d.floats(2, 3, grad=False))),
        lambda t, d: _again(t, lambda: called(t, t.zeros(40))),
        lambda t, d: called(t, d.floats(3)),
        lambda t, d: _facts(called(t, d.floats(3) * 2)),
        lambda t, d: _facts(getattr(t.zeros(3, 4)[:, 1:], name)(*args, generator=t.Generator())),
    ]


RECIPES: dict[str, list[Any]] = {
    "torch.zeros": _constant("zeros"),
    "torch.ones": _constant("ones"),
    "torch.empty": [lambda t, d, r=r: _facts(r(t, d)) for r in _constant("empty")],
    "torch.zeros_like": _like("zeros_like"),
    "torch.ones_like": _like("ones_like"),
    "torch.empty_like": [lambda t, d, r=r: _facts(r(t, d)) for r in _like("empty_like")],
    "torch.full_like": [*_like("full_like", 2), *_like("full_like", 1.5), *_like("full_like", True)],
    "torch.full": [
        lambda t, d: t.full(d.shape(), d.choose([2, 2.5, True, float("nan")])),
        lambda t, d: t.full((2, 3), d.choose([2, 2.5, True]), dtype=_any_dtype(t, d)),
        lambda t, d: t.full([2], 1.0, requires_grad=True),
        lambda t, d: t.full(size=(2,), fill_value=3),
        lambda t, d: t.full((2,), t.tensor(1.5)),
        lambda t, d: t.full((2,), t.ones(2)),
        lambda t, d: t.full((2, -1), 3),
        lambda t, d: t.full((2,), 3, out=t.zeros(5)),
        lambda t, d: t.full((2,), 10**12, dtype=t.int32),
        lambda t, d: t.full((2,), "a"),
    ],
    "torch.eye": [
        lambda t, d: t.eye(d.whole(0, 5)),
        lambda t, d: t.eye(d.whole(0, 5), d.whole(0, 5), dtype=_any_dtype(t, d)),
        lambda t, d: t.eye(3, requires_grad=True),
        lambda t, d: t.eye(-1),
        lambda t, d: t.eye(2, out=t.zeros(1)),
        lambda t, d: t.eye(2.5),
    ],
    "torch.arange": [
        lambda t, d: t.arange(d.whole(0, 6)),
        lambda t, d: t.arange(d.whole(-3, 2), d.whole(2, 6)),
        lambda t, d: t.arange(d.whole(-3, 2), d.whole(2, 9), d.whole(1, 4)),
        lambda t, d: t.arange(5, d.whole(-3, 2), -2),
        lambda t, d: t.arange(0.5, d.number(1, 3), 0.25),
        lambda t, d: t.arange(0, 1, 0.1),
        lambda t, d: t.arange(5.0),
        lambda t, d: t.arange(5, dtype=_any_dtype(t, d)),
        lambda t, d: t.arange(start=1, end=4, step=2),
        lambda t, d: t.arange(end=4),
        lambda t, d: t.arange(1, 7, step=3),
        lambda t, d: t.arange(0, 5, dtype=t.float32, requires_grad=True),
        lambda t, d: t.arange(0, 5, requires_grad=True),
        lambda t, d: t.arange(5, 1),
        lambda t, d: t.arange(1, 5, 0),
        lambda t, d: t.arange(3, out=t.zeros(7)),
        lambda t, d: t.arange(0, float("inf")),
        lambda t, d: t.arange(t.tensor(4)),
        lambda t, d: t.arange("a"),
        lambda t, d: t.arange(),
    ],
    "torch.linspace": [
        lambda t, d: t.linspace(d.number(), d.number(), d.whole(0, 8)),
        lambda t, d: t.linspace(-1, 1, steps=5, dtype=t.float64),
        lambda t, d: t.linspace(start=0, end=d.whole(5, 20), steps=d.whole(1, 6), dtype=t.int64),
        lambda t, d: t.linspace(0, 1, 5, requires_grad=True),
        lambda t, d: t.linspace(0, 1, -5),
        lambda t, d: t.linspace(0, 1),
        lambda t, d: t.linspace(t.tensor(0.0), t.tensor(2.0), 5),
        lambda t, d: t.linspace(0, 1, 5, out=t.zeros(2)),
        lambda t, d: t.linspace(0, 1, 2.5),
    ],
    "torch.logspace": [
        lambda t, d: t.logspace(d.number(), d.number(), d.whole(0, 8), dtype=t.float64),
        lambda t, d: t.logspace(0, 4, 5, base=2),
        lambda t, d: t.logspace(start=-2, end=2, steps=1),
    ],
    "torch.tensor": [
        lambda t, d: t.tensor(
            d.choose([3, 2.5, True, [], [[1, 2], [3, 4]], [[1.0, 2], [3, 4]], [True, False]])
        ),
        lambda t, d: t.tensor([1, 2.5], dtype=_any_dtype(t, d)),
        lambda t, d: t.tensor(d.random.normal(size=(2, 2))),
        lambda t, d: t.tensor(d.random.normal(size=(2, 2)).astype("float32"), requires_grad=True),
        lambda t, d: t.tensor([d.random.normal(size=2), d.random.normal(size=2)]),
        lambda t, d: t.tensor([np.float32(1.5), np.float32(2)]),
        lambda t, d: t.tensor([np.int32(1), np.int32(2)]),
        lambda t, d: t.tensor([t.tensor(1.5), t.tensor(2.5)]),
        lambda t, d: t.tensor([t.tensor(1), 2]),
        lambda t, d: t.tensor([[d.floats(1)], [d.floats(1, 1, grad=False)]]),
        lambda t, d: t.tensor([d.floats(1), 2]),
        lambda t, d: t.tensor([d.floats(2)]),
        lambda t, d: t.tensor((t.tensor(1), t.tensor([2.5]))),
        lambda t, d: t.tensor([t.ones(0)]),
        lambda t, d: t.tensor([[1, 2], [3]]),
        lambda t, d: t.tensor("text"),
        lambda t, d: t.tensor(None),
        lambda t, d: t.tensor([1, 2], requires_grad=True),
        lambda t, d: t.tensor(np.float64(2.5)),
        lambda t, d: t.tensor((1, 2), device="cpu", pin_memory=False),
        lambda t, d: t.tensor(range(3)),
    ],
    "torch.from_numpy": [
        _shared,
        lambda t, d: t.from_numpy(d.random.normal(size=d.shape())),
        lambda t, d: t.from_numpy(np.array(2.5)),
        lambda t, d: t.from_numpy(np.arange(3)),
        lambda t, d: t.from_numpy(np.array([True])),
        lambda t, d: t.from_numpy(np.arange(6).reshape(2, 3).T),
        lambda t, d: t.from_numpy(np.arange(3)[::-1]),
        lambda t, d: t.from_numpy([1, 2]),
        lambda t, d: t.from_numpy(np.array(["a"])),
    ],
    "torch.frombuffer": [
        lambda t, d: t.frombuffer(bytearray(np.arange(4.0).tobytes()), dtype=t.float64),
        lambda t, d: t.frombuffer(bytearray(range(10)), dtype=t.uint8, count=3, offset=2),
    ],
    "torch.as_tensor": [
        lambda t, d: t.as_tensor(d.choose([[1, 2], [1.5, 2], 3, True])),
        lambda t, d: t.as_tensor([1, 2], dtype=t.float64),
        lambda t, d: t.as_tensor(d.floats(2)),
        lambda t, d: t.as_tensor(d.ints(2), dtype=t.float32, device="cpu"),
        lambda t, d: (lambda x: t.as_tensor(x) is x)(d.floats(2)),
        lambda t, d: (lambda a: [t.as_tensor(a).add_(1), a.tolist()])(np.arange(3.0)),
        lambda t, d: (lambda a: [t.as_tensor(a, dtype=t.float32).add_(1), a.tolist()])(np.arange(3.0)),
    ],
    "torch.asarray": [
        lambda t, d: t.asarray([1, 2.5]),
        lambda t, d: (lambda a: [t.asarray(a).add_(1), a.tolist()])(np.arange(3.0)),
        lambda t, d: (lambda a: [t.asarray(a, copy=True).add_(1), a.tolist()])(np.arange(3.0)),
        lambda t, d: t.asarray([1, 2], copy=False),
        lambda t, d: t.asarray(np.arange(3.0), dtype=t.float32, copy=False),
        lambda t, d: t.asarray(d.floats(3, grad=False), requires_grad=True),
    ],
    "torch.scalar_tensor": [
        lambda t, d: t.scalar_tensor(d.choose([1, 2.5])),
        lambda t, d: t.scalar_tensor(1, dtype=t.int64),
    ],
    "torch.from_dlpack": [lambda t, d: t.from_dlpack(d.floats(2, 3, grad=False))],
    "torch.rand": _random("rand", 0.0, 1.0),
    "torch.randn": [*_random("randn", -9.0, 9.0), lambda t, d: _moments(t.randn(20000), 0.0, 1.0, 0.05)],
    "torch.rand_like": [
        lambda t, d: _between(t.rand_like(d.floats(*d.shape(), dtype="float32")), 0, 1),
        lambda t, d: _facts(t.rand_like(d.ints(3), dtype=t.float64)),
        lambda t, d: t.rand_like(d.ints(3)),
    ],
    "torch.randn_like": [
        lambda t, d: _facts(t.randn_like(d.floats(*d.shape()), requires_grad=True)),
        lambda t, d: t.randn_like(d.ints(3)),
    ],
    "torch.randint": [
        lambda t, d: _between(t.randint(5, (3, 40)), 0, 4),
        lambda t, d: _between(t.randint(-2, 3, (50,)), -2, 2),
        lambda t, d: _between(t.randint(low=2, high=4, size=(50,)), 2, 3),
        lambda t, d: _between(t.randint(high=4, size=[5], dtype=t.int32), 0, 3),
        lambda t, d: _between(t.randint(3, (5,), dtype=t.float32, requires_grad=True), 0, 3),
        lambda t, d: _between(t.randint(0, 2, size=(2, 2), generator=t.Generator()), 0, 1),
        lambda t, d: _again(t, lambda: t.randint(0, 1000, (30,))),
        lambda t, d: t.randint(3, 3, (2,)),
        lambda t, d: t.randint(0, 3),
        lambda t, d: t.randint(0.5, 3, (2,)),
    ],
    "torch.randint_like": [
        lambda t, d: _between(t.randint_like(d.any(5), 3), 0, 2),
        lambda t, d: _between(t.randint_like(d.ints(5), -2, 3), -2, 2),
    ],
    "torch.randperm": [
        lambda t, d: sorted(t.randperm(d.whole(0, 9)).tolist()),
        lambda t, d: _facts(t.randperm(5, dtype=t.int32)),
        lambda t, d: _again(t, lambda: t.randperm(30)),
        lambda t, d: t.randperm(-1),
    ],
    "torch.normal": [
        lambda t, d: _moments(t.normal(1.0, 2.0, (20000,)), 1.0, 2.0, 0.1),
        lambda t, d: _moments(t.normal(mean=t.full((20000,), 3.0), std=0.5), 3.0, 0.5, 0.05),
        lambda t, d: _facts(t.normal(d.floats(2, 1), t.ones(3, dtype=t.float64))),
        lambda t, d: _facts(t.normal(0.0, t.ones(3))),
        lambda t, d: _facts(t.normal(0, 1, size=(2, 3), dtype=t.float64)),
        lambda t, d: t.normal(0.0, -1.0, (2,)),
        lambda t, d: t.normal(t.zeros(2), -t.ones(2)),
        lambda t, d: t.normal(0.0, 1.0),
        lambda t, d: t.normal(t.zeros(2), t.ones(3)),
        lambda t, d: t.normal(d.ints(2), 1.0),
    ],
    "torch.bernoulli": [
        lambda t, d: _moments(t.bernoulli(t.full((20000,), 0.25)), 0.25, 0.433, 0.02),
        lambda t, d: t.bernoulli(d.bools(2, 3).double()),
        lambda t, d: _facts(t.bernoulli(d.floats(3, low=0, high=1))),
        lambda t, d: t.bernoulli(d.floats(3, low=1.5, high=2)),
        lambda t, d: t.bernoulli(d.ints(3)),
        lambda t, d: _facts(t.bernoulli(t.zeros(3), p=0.5)),
    ],
    "torch.multinomial": [
        lambda t, d: t.multinomial(t.tensor([0.0, 1.0, 0.0]), 1),
        lambda t, d: _facts(t.multinomial(d.floats(3, 4, low=0.1, grad=False), 2)),
        lambda t, d: sorted(t.multinomial(d.floats(4, low=0.1, grad=False), 4).tolist()),
        lambda t, d: _facts(t.multinomial(d.floats(3, low=0.1, dtype="float32"), 7, replacement=True)),
        lambda t, d: _moments(t.multinomial(t.tensor([1.0, 3.0]), 20000, True), 0.75, 0.433, 0.02),
        lambda t, d: t.multinomial(t.ones(3), 4),
        lambda t, d: t.multinomial(-t.ones(3), 1),
        lambda t, d: t.multinomial(t.ones(2, 2, 2), 1),
        lambda t, d: t.multinomial(d.ints(3, low=1), 1),
        lambda t, d: _again(t, lambda: t.multinomial(t.ones(100), 20, generator=None)),
    ],
    "torch.manual_seed": [
        lambda t, d: _again(t, lambda: t.rand(3)),
        lambda t, d: [t.manual_seed(d.whole(0, 2**40)).initial_seed(), t.initial_seed()],
        lambda t, d: t.manual_seed(-d.whole(1, 2**40)).initial_seed(),
        lambda t, d: t.manual_seed(2**64),
        lambda t, d: isinstance(t.manual_seed(2), t.Generator),
    ],
    "torch.seed": [lambda t, d: (lambda s: [isinstance(s, int), t.initial_seed() == s])(t.seed())],
    "torch.get_rng_state": [_forked, lambda t, d: t.get_rng_state().dtype],
    "torch.set_rng_state": [
        _forked,
        lambda t, d: t.set_rng_state(t.zeros(3)),
        lambda t, d: t.set_rng_state(3),
    ],
    "torch.random.fork_rng": [_forked],
    "torch.Generator": [_own_stream],
    "Tensor.new_zeros": [
        lambda t, d: d.any(2).new_zeros(2, 3),
        lambda t, d: d.any(2).new_zeros((2,), dtype=t.int64),
        lambda t, d: d.floats(2).new_zeros(2, requires_grad=True),
    ],
    "Tensor.new_ones": [lambda t, d: d.any(2).new_ones(*d.shape()), lambda t, d: d.any(2).new_ones([2, 1])],
    "Tensor.new_empty": [
        lambda t, d: _facts(d.any(2).new_empty(2, 3)),
        lambda t, d: _facts(d.any(2).new_empty(size=(2,))),
    ],
    "Tensor.new_full": [
        lambda t, d: d.any(2).new_full((2, 3), 1),
        lambda t, d: d.ints(2).new_full((2,), 2.5, dtype=t.float32),
    ],
    "Tensor.new_tensor": [
        lambda t, d: d.any(2).new_tensor([1, 0]),
        lambda t, d: d.ints(2).new_tensor([1.5, 0], dtype=t.float64),
        lambda t, d: d.floats(2).new_tensor([1.0], requires_grad=True),
    ],
    "Tensor.normal_": [
        *_draw("normal_", (1.0, 2.0), 1.0, 2.0, 0.1),
        lambda t, d: _facts(t.zeros(3).normal_(mean=1, std=2)),
        lambda t, d: t.zeros(3).normal_(0, -1),
        lambda t, d: d.ints(3).normal_(),
    ],
    "Tensor.uniform_": [
        *_draw("uniform_", (-1.0, 3.0), 1.0, 1.1547, 0.1),
        lambda t, d: _between(t.zeros(9).uniform_(), 0, 1),
        lambda t, d: t.zeros(3).uniform_(1, 0),
        lambda t, d: _between(t.zeros(9).uniform_(-1, to=0), -1, 0),
        lambda t, d: _between(t.zeros(9).uniform_(**{"from": 2, "to": 3}), 2, 3),
    ],
    "Tensor.random_": [
        *_draw("random_", (0, 3), 1.0, 0.8165, 0.1),
        lambda t, d: _between(t.zeros(9, dtype=t.int64).random_(5), 0, 4),
        lambda t, d: _between(t.zeros(9, dtype=t.int32).random_(), 0, 2**31),
        lambda t, d: t.zeros(3).random_(3, 3),
        lambda t, d: _between(t.zeros(9, dtype=t.uint8).random_(), 0, 255),
        lambda t, d: _facts(t.zeros(9).bool().random_()),
        lambda t, d: _between(t.zeros(9).random_(-3, to=2), -3, 1),
    ],
    "Tensor.bernoulli_": [
        *_draw("bernoulli_", (0.25,), 0.25, 0.433, 0.05),
        lambda t, d: t.ones(3).bernoulli_(t.tensor([0.0, 1.0, 0.0])),
        lambda t, d: t.zeros(3).bernoulli_(2.0),
        lambda t, d: [_facts(t.zeros(3).bernoulli_()), _facts(t.zeros(3, dtype=t.int64).bernoulli_())],
    ],
    "Tensor.exponential_": [
        *_draw("exponential_", (2.0,), 0.5, 0.5, 0.05),
        lambda t, d: t.zeros(3).exponential_(-1.0),
    ],
    "Tensor.geometric_": [
        *_draw("geometric_", (0.5,), 2.0, 1.4142, 0.1),
        lambda t, d: t.zeros(3).geometric_(1.5),
    ],
    "Tensor.log_normal_": [
        *_draw("log_normal_", (0.0, 0.5), 1.1331, 0.604, 0.1),
        lambda t, d: t.zeros(3).log_normal_(0, -1),
    ],
    "Tensor.cauchy_": [
        lambda t, d: [_facts(t.zeros(3).cauchy_()), _again(t, lambda: t.zeros(9).cauchy_(1, 2))],
        lambda t, d: t.zeros(3).cauchy_(0, -1),
    ],
    "Tensor.bernoulli": [lambda t, d: _facts(d.floats(3, low=0, high=1).bernoulli())],
    "Tensor.multinomial": [lambda t, d: _facts(d.floats(3, low=0, high=1).multinomial(2))],
}
