"""What elementwise ops are held against: somebody else's numbers, and none where there are none."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tests import oracles
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.errors import OpError
from tinygrad_edu.ops.elementwise import Map, unary
from tinygrad_edu.ops.oracle import exact, expected, number, oracle_of


def declared(name, numpy, **more):
    """An op that no other test sees."""
    unary(name, numpy, None, **more)
    return REGISTRY.pop(name)


def test_what_computes_an_op_is_not_its_oracle():
    """scipy.special.sinc is NumPy's own function, so neither says anything of an op that is made of it."""
    for numpy in (np.sinc, lambda x: np.sinc(x) + 0.0):
        for oracle in ("numpy.sinc", "scipy.special.sinc"):
            with pytest.raises(OpError, match=r"nothing to be held against.*oracle=lambda"):
                oracle_of(declared("sinc", numpy, oracle=oracle))
    assert oracle_of(declared("sinc", np.sinc, oracle="mpmath.sincpi")).function is exact.sincpi


def test_an_op_that_nobody_else_has_says_what_to_write():
    with pytest.raises(OpError, match=r"a nobodys of mpmath.*is not there.*oracle='scipy"):
        oracle_of(declared("nobodys", lambda x: x + 1))
    with pytest.raises(OpError, match=r"its oracle, scipy\.special\.nobodys, is not there"):
        oracle_of(declared("nobodys", lambda x: x + 1, oracle="scipy.special.nobodys"))
    with pytest.raises(KeyError, match=r"LOOPS.*tests/oracles\.py"):
        oracles.of_op(te.Op("nobodys", lambda x: x, register=False), (np.ones(2),), {})


def test_names_are_looked_for_in_others():
    assert oracle_of(REGISTRY["log1p"]).function is exact.log1p
    for op in REGISTRY.values():
        if isinstance(op, Map):
            assert getattr(oracle_of(op).function, "__module__", "").partition(".")[0] != "numpy"


def test_a_function_of_floats_is_given_floats():
    pytest.importorskip("scipy")
    op = declared("expit", lambda x: 1 / (1 + np.exp(-x)))
    assert not oracle_of(op).exact
    np.testing.assert_allclose(expected(op, (np.array([0.0, 3.0]),), {}), [0.5, 1 / (1 + np.exp(-3.0))])


def test_there_is_no_number_at_a_pole_and_outside_of_a_domain():
    def said(name, *xs):
        return np.ma.getmaskarray(expected(REGISTRY[name], tuple(np.array([x]) for x in xs), {})).tolist()

    assert (
        said("reciprocal", 0.0)
        == said("sqrt", -1.0)
        == said("pow", -1.0, 0.5)
        == said("div", 1.0, 0.0)
        == [True]
    )
    assert (
        said("reciprocal", 2.0)
        == said("sqrt", 0.0)
        == said("pow", -1.0, 3.0)
        == said("less", np.nan, 0.0)
        == [False]
    )


def test_questions_are_answered_with_truth_values():
    for shape in ((3,), (0,)):
        x = np.zeros(shape)
        assert (
            expected(REGISTRY["less"], (x, x), {}).dtype
            == expected(REGISTRY["isnan"], (x,), {}).dtype
            == bool
        )
        assert (
            expected(REGISTRY["step"], (x,), {}).dtype == expected(REGISTRY["floor"], (x,), {}).dtype == float
        )


def test_more_digits_can_be_asked_for():
    """1 / (1 + e^-x) of -40 and 40 sum to 1 in 300 digits, and not in those of a float."""
    for bits, wanted in ((1000, 290), (60, 10)):
        with exact.workprec(bits):
            low, high = (number(oracle_of(REGISTRY["sigmoid"]), [x], {}, bits) for x in (-40.0, 40.0))
            apart = abs(low + high - 1)
        assert (apart < exact.mpf(10) ** -wanted) and low > 0


def test_a_wrong_op_is_seen():
    op = declared("almost", lambda x: np.exp(x) * (1 + 1e-10), oracle="mpmath.exp")
    with pytest.raises(AssertionError):
        oracles.agree(op.numpy(np.ones(2)), expected(op, (np.ones(2),), {}), rtol=1e-12, atol=1e-13)
    limited = declared("limited", lambda x: np.sqrt(np.abs(x)), oracle="mpmath.sqrt")
    with pytest.raises(AssertionError, match="finite where"):
        oracles.agree(limited.numpy(np.array([-1.0])), expected(limited, (np.array([-1.0]),), {}), 1e-12, 0.0)
