"""What `help()` says of a public function is what can be called: names, places and defaults."""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.doors.calls import FUNCTIONS
from tests.functional.table import TABLE
from tinygrad_edu.domain import SeededDraw

# Any number of them, which have no names.
SEVERAL = {"ones", "zeros", "empty", "rand", "randn", "einsum", "meshgrid", "transpose", "checkpoint", "vjp"}
PUBLIC = [name for name in te.__all__ if inspect.isfunction(getattr(te, name))]


def calls_of(name: str) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Arguments of some calls."""
    if name in TABLE:
        drawn = (TABLE[name].calls(SeededDraw(seed)) for seed in range(50))
        for call in itertools.islice((call for call in drawn if full(call.arrays)), 8):
            yield call.arrays, call.params
    for call in FUNCTIONS.values():
        if call.function is getattr(te, name):
            yield (*call.given(), *call.star), call.numbers


def full(arrays: tuple[Any, ...]) -> bool:
    """Whether none is empty: of nothing every call gives the same."""
    return all(np.size(a) for x in arrays for a in (x if isinstance(x, list) else [x]))


CALLED = sorted(
    {*TABLE, *(n for n in PUBLIC if any(c.function is getattr(te, n) for c in FUNCTIONS.values()))}
)


def outcome(function: Callable[..., Any], args: Any, named: dict[str, Any]) -> Any:
    """The numbers, or which error was raised: what was drawn may need what is left out."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return list(numbers(function(*args, **named)))
        except (TypeError, ValueError, IndexError) as error:
            return [type(error)]


def numbers(found: Any) -> Iterator[Any]:
    for x in found if isinstance(found, (list, tuple)) else [found]:
        yield (x.numpy(), x.dtype) if isinstance(x, te.Tensor) else (np.asarray(x), type(x))


def same(found: Any, expected: Any) -> None:
    for one, other in zip(found, expected, strict=True):
        if isinstance(one, type):
            assert one is other
        else:
            assert one[1] == other[1]
            np.testing.assert_array_equal(one[0], other[0])


@pytest.mark.parametrize("name", PUBLIC)
def test_a_signature_names_what_a_function_takes(name: str) -> None:
    parameters = inspect.signature(getattr(te, name)).parameters.values()
    assert not [p for p in parameters if p.kind is p.VAR_KEYWORD and name != "edge"]
    assert bool([p for p in parameters if p.kind is p.VAR_POSITIONAL]) == (name in SEVERAL)


@pytest.mark.parametrize("name", CALLED)
def test_what_has_a_name_can_be_called_by_it_and_nothing_else(name: str) -> None:
    function, signature = getattr(te, name), inspect.signature(getattr(te, name))
    for args, named in calls_of(name):
        given = signature.bind(*args, **named).arguments
        places = [given[p.name] for p in signature.parameters.values() if p.kind is p.POSITIONAL_ONLY]
        if not any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
            found = outcome(function, places, dict([*given.items()][len(places) :]))
            same(found, outcome(function, args, named))
        if places:
            with pytest.raises(TypeError):
                function(**given)


@pytest.mark.parametrize("name", CALLED)
def test_what_comes_after_the_star_has_no_place(name: str) -> None:
    function, (args, _) = getattr(te, name), next(calls_of(name))
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return
    places = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    with pytest.raises(TypeError, match=r"argument|inputs"):
        function(*args, *[None] * (len(places) - len(args)), None)


@pytest.mark.parametrize("name", CALLED)
def test_a_default_is_what_is_taken_where_nothing_is_given(name: str) -> None:
    function, signature = getattr(te, name), inspect.signature(getattr(te, name))
    usual = {p.name: p.default for p in signature.parameters.values() if p.default is not p.empty}
    for args, named in calls_of(name):
        given = signature.bind(*args, **named)
        for key in usual.keys() & given.arguments.keys():
            del given.arguments[key]
        found = outcome(function, given.args, {**given.kwargs, **usual})
        same(found, outcome(function, given.args, given.kwargs))


def test_most_are_called_here() -> None:
    assert len(CALLED) > 140 and set(te.functional.PUBLIC) - set(CALLED) <= {
        "as_tensor", "from_dlpack", "full", "numpy_key", "ones_like", "rand", "randint", "randn", "randperm",
        "bernoulli", "dropout", "seed_for", "spread", "zeros_like",
        "empty_like", "full_like", "multinomial", "rand_like", "randint_like", "randn_like",
    }  # fmt: skip
