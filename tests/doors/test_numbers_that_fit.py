"""A number that a dtype does not hold is an error at every door; one at its limits comes through."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.functional.table import ELEMENTWISE
from tinygrad_edu import nn
from tinygrad_edu.dtypes import DTYPES, SUPPORTED

WHOLE = ("int64", "int32", "uint8")
LIMITS = {d: (int(np.iinfo(d).min), int(np.iinfo(d).max)) for d in WHOLE}
NEAR = sorted({n + k for pair in LIMITS.values() for n in pair for k in (-1, 0, 1)} | {2**64, -(2**64)})


def written(how: Callable[[te.Tensor, Any], Any]) -> Callable[[Any, str], te.Tensor]:
    """A tensor of zeros that a number was written into."""

    def door(number: Any, dtype: str) -> te.Tensor:
        x = te.zeros(2, dtype=dtype)
        before = x.tolist()
        try:
            how(x, number)
        except (OverflowError, ValueError, TypeError):
            assert x.tolist() == before  # what was refused has changed nothing
            raise
        return x

    return door


def beside(combine: Callable[[te.Tensor, Any], te.Tensor]) -> Callable[[Any, str], te.Tensor]:
    """A Python number beside a tensor that has the dtype."""
    return lambda number, dtype: combine(te.zeros(1, dtype=dtype), number)


# Each puts one number into a tensor of a dtype, first of all.
DOORS: dict[str, Callable[[Any, str], te.Tensor]] = {
    "tensor": lambda n, d: te.tensor(n, dtype=d),
    "tensor of a list": lambda n, d: te.tensor([n], dtype=d),
    "tensor of nested lists": lambda n, d: te.tensor([[n, 0], [0, 1]], dtype=d),
    "tensor of a mixed list": lambda n, d: te.tensor([n, 0.5], dtype=d),
    "full": lambda n, d: te.full((2,), n, dtype=d),
    "full of a row": lambda n, d: te.full((2, 2), [n, 0], dtype=d),
    "Parameter": lambda n, d: nn.Parameter([n], requires_grad=False, dtype=d),
    "fill_": written(lambda x, n: x.fill_(n)),
    "copy_": written(lambda x, n: x.copy_([n, 0])),
    "x[0] =": written(lambda x, n: x.__setitem__(0, n)),
    "x[[0, 1]] =": written(lambda x, n: x.__setitem__([0, 1], [n, 0])),
    "x[mask] =": written(lambda x, n: x.__setitem__(te.tensor([True, False]), n)),
    "where": beside(lambda x, n: te.where(x < 0, x, n)),
    "where, first": beside(lambda x, n: te.where(x == 0, n, x)),
    "add": beside(lambda x, n: te.add(x, n)),
    "add, first": beside(lambda x, n: te.add(n, x)),
    "x + n": beside(lambda x, n: x + n),
    "n - x": beside(lambda x, n: n - x),
    "add_": written(lambda x, n: x.add_(n)),
    "stack": beside(lambda x, n: te.stack([x[0], n])[1]),
    "concat": lambda n, d: te.concat([te.zeros(1, dtype=d), te.tensor([n], dtype=d)])[1:],
}
ARRAYS: dict[str, Callable[[Any, str], te.Tensor]] = {
    "tensor of an array": lambda a, d: te.tensor(a, dtype=d),
    "tensor of a tensor": lambda a, d: te.tensor(te.tensor(a), dtype=d),
    "tensor of a list of arrays": lambda a, d: te.tensor([a, a], dtype=d),
    "full of an array": lambda a, d: te.full((2,), a[0], dtype=d),
    "arange": lambda a, d: te.arange(float(a[0]), float(a[0]) * 1.5, float(a[0]), dtype=d),
    "linspace": lambda a, d: te.linspace(float(a[0]), float(a[0]), 2, dtype=d),
    "x[:] = array": written(lambda x, a: x.__setitem__(slice(None), a)),
    "x[0] = scalar": written(lambda x, a: x.__setitem__(0, a[0])),
    "x[:] = tensor": written(lambda x, a: x.__setitem__(slice(None), te.tensor(a))),
    "x[[0, 1]] = array": written(lambda x, a: x.__setitem__([0, 1], a)),
}
FLOATS: dict[str, Callable[[Any, str], te.Tensor]] = {
    "copy_": written(lambda x, a: x.copy_(a)),
    "copy_ of a tensor": written(lambda x, a: x.copy_(te.tensor(a))),
    "fill_": written(lambda x, a: x.fill_(a[0])),
}


@contextlib.contextmanager
def on(device: str) -> Iterator[None]:
    before = te.zeros(1).device
    te.set_default_device(device)
    try:
        yield
    finally:
        te.set_default_device(before)


def devices() -> list[Any]:
    names = [d for d in ("cpu", "simulator") if d in te.devices()]
    return [
        *names,
        *(
            []
            if "simulator" in names
            else [
                pytest.param(
                    "simulator",
                    marks=pytest.mark.skip(
                        reason="the simulator is not set up: tinygrad-edu simulator setup"
                    ),
                )
            ]
        ),
    ]


def put(door: str, number: int, dtype: str) -> None:
    """A number that fits comes through with the dtype; another is refused, and the line that gave it said."""
    low, high = LIMITS[dtype]
    if low <= number <= high:
        made = DOORS[door](number, dtype)
        assert str(made.dtype) == dtype
        assert np.ravel(made.tolist())[0] == number, (door, dtype, number)
        return
    with pytest.raises(OverflowError, match=r"out of bounds|too large") as caught:
        DOORS[door](number, dtype)
    assert "test_numbers_that_fit.py:" in str(caught.value)


@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("device", devices())
def test_a_whole_number_comes_through_or_is_refused(device: str, door: str, dtype: str) -> None:
    with on(device):
        for number in NEAR:
            put(door, number, dtype)


@given(st.data())
def test_any_whole_number_comes_through_or_is_refused(data: st.DataObject) -> None:
    dtype, door = data.draw(st.sampled_from(WHOLE)), data.draw(st.sampled_from(sorted(DOORS)))
    number = data.draw(st.one_of(st.sampled_from(NEAR), st.integers(-(2**66), 2**66), st.integers(-300, 300)))
    put(door, number, dtype)


@pytest.mark.parametrize("source", ["float64", "float32", "int64"])
@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("door", [*ARRAYS, *FLOATS])
@pytest.mark.parametrize("device", devices())
def test_an_array_comes_through_or_is_refused(device: str, door: str, dtype: str, source: str) -> None:
    if source == "int64" and (door in FLOATS or dtype == "int64" or door in ("arange", "linspace")):
        return  # refused for their dtype; nothing to refuse; made of floats
    fill = {**ARRAYS, **FLOATS}[door]
    low, high = LIMITS[dtype]
    past = [low - 1, high + 1] if source == "int64" else [low * 2.0 - 2.0, high * 2.0, 1e30, np.inf, -np.inf]
    with on(device), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's arange of infinities
        for number in past:
            with pytest.raises(
                (OverflowError, ValueError), match=r"out of bounds|too large|cannot|size|finite"
            ):
                fill(np.array([number, number], source), dtype)
        if source != "int64":
            with pytest.raises(ValueError, match=r"NaN|nan|cannot"):
                fill(np.array([np.nan, np.nan], source), dtype)
        fits = np.array([7, 7] if source == "int64" else [7.75, 7.75], source)
        assert np.ravel(fill(fits, dtype).tolist())[0] == 7


@pytest.mark.parametrize("wrong", [
    np.array([1, 2], object), np.array([1j, 2]), np.array(["1", "2"]), np.array([b"1", b"2"]),
    np.array([1, 2], "M8[s]"), np.array([1, 2], "m8[s]"), np.array([(1, 2.0), (3, 4.0)], "i4,f4"),
    np.ma.array([1.0, 2.0], mask=[False, True]), 1j, "1", b"1", None, [None, 1], ["1", 2], [1j],
    np.complex64(1), np.datetime64(1, "s"), np.str_("1"), [[1, 2], "ab"], {"a": 1}, {1, 2}, object(),
], ids=lambda x: f"{type(x).__name__} {getattr(x, 'dtype', '')}"[:30])  # fmt: skip
@pytest.mark.parametrize("device", devices())
def test_what_is_no_number_becomes_no_tensor(device: str, wrong: Any) -> None:
    with on(device):
        x = te.ones(2)
        # fmt: off
        doors: dict[str, Callable[[], Any]] = {
            "tensor": lambda: te.tensor(wrong), "dtype=": lambda: te.tensor(wrong, dtype="float32"),
            "as_tensor": lambda: te.as_tensor(wrong), "full": lambda: te.full((2,), wrong),
            "full with dtype": lambda: te.full((2,), wrong, dtype="float64"),
            "Parameter": lambda: nn.Parameter(wrong), "x + y": lambda: x + wrong, "y * x": lambda: wrong * x,
            "exp": lambda: te.exp(wrong), "add": lambda: te.add(wrong, x),
            "where": lambda: te.where(x > 0, x, wrong), "maximum": lambda: te.maximum(wrong, x),
            "mse": lambda: te.mse(x, wrong), "sum": lambda: te.sum(wrong),
            "stack": lambda: te.stack([x, wrong]), "matmul": lambda: te.matmul(x, wrong),
            "copy_": lambda: x.copy_(wrong), "fill_": lambda: x.fill_(wrong), "add_": lambda: x.add_(wrong),
            "mul_": lambda: x.mul_(wrong), "x[:] =": lambda: x.__setitem__(slice(None), wrong),
            "clip": lambda: te.clip(x, wrong, 1.0 if wrong is not None else "1"),
            "pow": lambda: te.pow(wrong, x),
        }
        # fmt: on
        if isinstance(wrong, np.ma.MaskedArray):
            del doors["y * x"]  # is NumPy's own, and heeds the mask
        for door, put in doors.items():
            with pytest.raises((TypeError, ValueError)) as caught:
                put()
            assert caught.type is TypeError or "rows of unequal" in str(caught.value), (door, caught.value)
        assert x.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("kind", ["int8", "uint16", "uint32", "float16"])
@pytest.mark.parametrize("name", ["add", "maximum", "sub", "mul"])
def test_a_small_dtype_that_we_do_not_have_becomes_one_that_holds_it(name: str, kind: str) -> None:
    array = np.array([3, 100], kind)
    for dtype in DTYPES:
        x = te.tensor(np.array([1, 0], dtype))
        with contextlib.suppress(TypeError):  # NumPy has no difference of bools
            made = getattr(te, name)(x, array)
            reference = getattr(np, {"sub": "subtract", "mul": "multiply"}.get(name, name))
            wide = (a.astype(made.dtype) for a in (x.numpy(), array))
            np.testing.assert_array_equal(made.numpy(), reference(*wide))
            assert made.dtype in SUPPORTED


def test_what_only_a_wide_dtype_holds_is_refused() -> None:
    for wide in (np.ones(2, np.longdouble), np.ones(2, np.clongdouble)):
        for put in (te.tensor, lambda w: te.ones(2) + w, lambda w: te.mul(w, te.ones(2)), te.exp):
            with pytest.raises(TypeError, match="float32, float64"):
                put(wide)
    with pytest.raises(OverflowError, match="out of bounds"):
        te.ones(2, dtype="uint8") + np.array([2**63, 1], np.uint64)
    assert (te.ones(2, dtype="uint8") + np.array([2**53 + 1, 1], np.uint64)).tolist() == [2**53 + 2, 2]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
@pytest.mark.parametrize("device", devices())
def test_every_elementwise_function_ends_in_a_dtype_that_we_have(device: str, name: str) -> None:
    function = getattr(te, name)
    others: list[Any] = [2, 300, -1, 0.5, True, 2**40, np.float32(2), np.float64(2), np.int8(2), np.uint8(2),
                         np.float16(2), np.array(2), np.array([2], "int16"), [2], [0.5], [True]]  # fmt: skip
    with on(device):
        for dtype in DTYPES:
            x = te.tensor(np.array([1], dtype))
            for xs in [(x,), *(xs for y in others for xs in ((x, y), (y, x), (x, x, y), (x, y, x)))]:
                before = x.tolist()
                try:
                    made = function(*xs)
                except (TypeError, OverflowError, ValueError):
                    continue
                assert made.dtype in SUPPORTED, (xs, made.dtype)
                assert x.tolist() == before


def test_numbers_of_a_list_are_not_rounded_on_their_way() -> None:
    assert te.tensor([2**53 + 1, 0.5], dtype="int64").tolist() == [2**53 + 1, 0]
    assert te.tensor([2**63 - 1, -(2**63)]).tolist() == [2**63 - 1, -(2**63)]
    for data in (2**63, [2**63], [2**63, -1], [2**64, 1], [[-(2**63) - 1, 0], [1, 2]]):
        with pytest.raises(OverflowError, match="out of bounds for int64"):
            te.tensor(data)
    assert te.tensor([2**64, 0.5], dtype="float64").tolist() == [2.0**64, 0.5]
    assert te.tensor([2**63, 0.5]).dtype == np.float32
    with pytest.raises(OverflowError, match="too large"):
        te.tensor(10**400, dtype="float64")


@pytest.mark.parametrize("device", devices())
def test_means_and_norms_of_whole_numbers_are_floats(device: str) -> None:
    with on(device):
        big = te.tensor([2**62] * 3)
        assert te.mean(big).item() == float(2**62)
        assert te.mean(big, 0, keepdims=True).tolist() == [float(2**62)]
        assert te.norm(te.tensor([200, 100], dtype="uint8"), 1).item() == 300.0
        assert te.norm(te.tensor([-(2**63)]), float("inf")).item() == float(2**63)
        assert te.trace(te.tensor([[200, 0], [0, 100]], dtype="uint8")).item() == 300
        assert te.trace(te.tensor([[True, False], [False, True]])).item() == 2
        pooled = te.avg_pool2d(te.tensor(np.full((1, 1, 2, 2), 2**62)), 2)
        assert pooled.item() == float(2**62)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "bool"])
@pytest.mark.parametrize(
    "loss",
    ["mse", "l1", "huber", "hinge", "logistic", "binary_cross_entropy", "binary_cross_entropy_with_logits"],
)
@pytest.mark.parametrize("device", devices())
def test_a_loss_of_whole_numbers_is_that_of_floats(device: str, loss: str, dtype: str) -> None:
    low, high = {"hinge": (1, 1), "logistic": (1, 1)}.get(loss, (0, 1))
    pairs = [([low, high, low], [high, low, high])]
    if loss in ("mse", "l1", "huber") and dtype != "bool":
        pairs.append(([0, 255, 3], [255, 0, 20]))
    with on(device):
        for output, target in pairs:
            for kinds in ((dtype, dtype), (dtype, "float32"), ("float32", dtype)):
                xs = [te.tensor(np.array(v, k)) for v, k in zip((output, target), kinds, strict=True)]
                with np.errstate(all="ignore"):
                    found = getattr(te, loss)(*xs)
                    expected = getattr(te, loss)(*(x.cast("float64") for x in xs))
                assert found.dtype.kind == "f"
                np.testing.assert_allclose(found.item(), expected.item(), rtol=1e-6)


def test_dtype_arguments_name_what_we_have() -> None:
    for wrong in (
        "float16",
        "complex128",
        np.longdouble,
        object,
        "U3",
        "M8[s]",
        "i4,f4",
        7,
        [("a", "f4")],
        "no such",
        "3i,",
        {"names": ["a"], "formats": ["f4"]},
    ):
        for door in (
            lambda d: te.tensor([1], dtype=d),
            lambda d: te.zeros(2, dtype=d),
            lambda d: te.full((2,), 1, dtype=d),
            lambda d: te.arange(3, dtype=d),
            lambda d: te.ones(2).cast(d),
            lambda d: te.rand(2, dtype=d),
            lambda d: te.eye(2, dtype=d),
            lambda d: te.ones(2).to(d),
            lambda d: nn.Linear(2, 2, dtype=d),
            lambda d: te.zeros_like(te.ones(2), dtype=d),
            lambda d: te.linspace(0, 1, dtype=d),
            lambda d: te.one_hot(te.tensor([0]), 2, dtype=d),
        ):
            with pytest.raises(TypeError, match="float32, float64"):
                door(wrong)
    with pytest.raises(TypeError, match="float32, float64"):
        te.ones(2).cast(None)
    for random in (te.rand, te.randn):
        for dtype in ("int64", "uint8", "bool"):
            with pytest.raises(TypeError, match="random fractions"):
                random(3, dtype=dtype)


def test_one_operand_too_many_is_not_written_into() -> None:
    x, y, z = te.ones(2), te.ones(2), te.zeros(2)
    for name in ("add", "maximum", "less", "atan2", "mul"):
        for xs in ((x, y, z), (x,), (), (x.numpy(), y.numpy(), z.numpy())):
            with pytest.raises(TypeError, match=f"{name} needs 2 inputs"):
                getattr(te, name)(*xs)
    assert z.tolist() == [0.0, 0.0]
