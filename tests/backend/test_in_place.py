"""Programs that write in place: formulas of every form against their own operators, on arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu.backend import in_place
from tinygrad_edu.ops.elementwise import abs, maximum, sign, sqrt

BINARY = (np.add, np.subtract, np.multiply, np.maximum)
UNARY = (np.negative, np.square, np.abs, np.sign)


@st.composite
def formulas(draw):
    """(how many memories, a formula): a random walk over what there is, results picked at the end."""
    states = draw(st.integers(0, 2))
    count = 2 + states + 2
    steps = []
    for _ in range(draw(st.integers(0, 9))):
        if draw(st.booleans()):
            steps.append(
                (draw(st.sampled_from(BINARY)), draw(st.integers(0, count)), draw(st.integers(0, count)))
            )
        else:
            steps.append((draw(st.sampled_from(UNARY)), draw(st.integers(0, count - 1))))
        count += 1
    arrays = [i for i in range(count) if i not in (2 + states, 3 + states)]
    ends = [draw(st.sampled_from(arrays)) for _ in range(1 + states)]

    def formula(p, g, state, numbers):
        values = [p, g, *state, *numbers]
        for ufunc, *places in steps:
            # One place beyond the last is a number of Python's.
            values.append(ufunc(*(values[i] if i < len(values) else 0.5 for i in places)))
        shaped = [values[i] for i in ends]
        return (
            tuple(value + p * 0.0 for value in shaped)
            if any(_is_number(v) for v in shaped)
            else tuple(shaped)
        )

    return states, formula


def _is_number(value):
    return value.is_number if isinstance(value, in_place.Symbol) else np.ndim(value) == 0


def run(formula, p, g, state, numbers):
    source, ufuncs, count = in_place.program_text(formula, len(state), len(numbers), p.dtype)
    names = {**ufuncs, "copyto": np.copyto}
    exec(source, names)
    scratch = [np.full_like(p, np.nan) for _ in range(count)]
    cells = [np.array(number, p.dtype) for number in numbers]
    names["update"](p, g, state, scratch, cells)
    return source


@settings(max_examples=400)
@given(formulas(), st.integers(0, 2**32 - 1))
def test_a_program_leaves_what_its_formula_says_to_the_bit(drawn, seed):
    states, formula = drawn
    rng = np.random.default_rng(seed)
    p, g, *state = (rng.integers(-4, 5, 3) / 4 for _ in range(2 + states))
    numbers = (0.25, -2.0)
    with np.errstate(all="ignore"):
        expected = formula(p.copy(), g.copy(), [s.copy() for s in state], [np.array(n) for n in numbers])
        before = g.copy()
        source = run(formula, p, g, state, numbers)
    for found, wanted in zip((p, *state), expected, strict=True):
        np.testing.assert_array_equal(found, wanted, err_msg=source)
    np.testing.assert_array_equal(g, before, err_msg=source)


def test_memories_may_change_places():
    p, g, s = (np.full(2, number) for number in (1.0, 2.0, 3.0))
    run(lambda p, g, state, numbers: (state[0], p), p, g, [s], ())
    assert p.tolist() == [3.0, 3.0] and s.tolist() == [1.0, 1.0]


def test_functions_of_the_library_are_written_as_their_ufuncs():
    p, g, s = np.array([1.0, -2.0]), np.array([3.0, -4.0]), np.array([4.0, 9.0])

    def formula(p, g, state, numbers):
        return p - sign(g) * numbers[0] + abs(p), maximum(sqrt(state[0]), abs(g))

    source = run(formula, p, g, [s], (0.5,))
    assert p.tolist() == [1.5, 0.5] and s.tolist() == [3.0, 4.0]
    assert "sign(g, t0)" in source and "sqrt(s0" in source


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        (lambda p, g, state, c: (p if c[0] else g,), "ask the settings"),
        (lambda p, g, state, c: (np.add.reduce(p),), "elementwise"),
        (lambda p, g, state, c: (p, g), "2 results"),
        (lambda p, g, state, c: (1.0,), "an array"),
        (lambda p, g, state, c: (c[0] + 1.0,), "an array"),
    ],
)
def test_what_has_no_such_form_says_why(formula, says):
    with pytest.raises(TypeError, match=says):
        in_place.program_text(formula, 0, 1, np.dtype(float))
