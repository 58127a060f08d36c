"""Errors that save an afternoon: each names the op, the shapes and the user's line, and says what to do."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu.errors import (
    AnomalyError,
    DeviceError,
    NotDifferentiableError,
    OpError,
    ShapeError,
    StaleValueError,
)
from tinygrad_edu.ops import elementwise


def here(offset=0):
    """`file:line` of the caller, as the messages spell it."""
    frame = inspect.currentframe().f_back
    return f"{__file__}:{frame.f_lineno + offset}"


# -- stale values -------------------------------------------------------------------------------------------


def test_a_value_changed_after_it_was_saved_is_named_with_the_line_that_changed_it():
    x = te.tensor([1.0, 2.0], requires_grad=True)
    y = te.exp(x)
    z = (y * 2.0).sum()
    with te.no_grad():
        line, _ = here(), y.mul_(3.0)
    with pytest.raises(StaleValueError, match="'out' of exp") as error:
        z.backward()
    assert line in str(error.value)
    assert "change a copy" in str(error.value)


@pytest.mark.parametrize("write", [
    lambda base: base.add_(1.0), lambda base: base.zero_(), lambda base: base.__setitem__(0, 5.0),
    lambda base: base.copy_(te.ones(2, 2)), lambda base: base[1].fill_(7.0), lambda base: base.T.mul_(2.0),
    lambda base: base.reshape(4).add_(1.0), lambda base: base.detach().add_(1.0)])  # fmt: skip
def test_a_write_through_any_view_or_the_base_is_noticed(write):
    weight = te.ones(2, 2, requires_grad=True)
    base = te.ones(2, 2)
    loss = (weight * base[0]).sum()
    write(base)
    with pytest.raises(StaleValueError, match="'y' of mul"):
        loss.backward()


def test_numpy_views_of_saved_values_cannot_be_written_at_all():
    x = te.ones(3)
    with pytest.raises(ValueError, match="read-only"):
        x.numpy()[0] = 2.0
    array = np.ones(3)
    weight = te.ones(3, dtype="float64", requires_grad=True)
    loss = (weight * array).sum()
    array[:] = 100.0  # the caller's own array: a copy was kept
    loss.backward()
    np.testing.assert_array_equal(weight.grad.numpy(), np.ones(3))


def test_a_write_that_no_rule_depends_on_is_allowed():
    x = te.ones(3, requires_grad=True)
    y = x + te.ones(3)
    z = (y + 1.0).sum()
    with te.no_grad():
        y.zero_()
    z.backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_an_optimizer_step_after_backward_and_before_the_next_forward_is_fine():
    w = te.ones(3, requires_grad=True)
    for _ in range(3):
        w.grad = None
        (w * w).sum().backward()
        with te.no_grad():
            w.add_(w.grad, alpha=-0.25)
    np.testing.assert_allclose(w.detach().numpy(), np.full(3, 0.125))


def test_changing_a_tensor_that_requires_grad_says_to_use_no_grad():
    w = te.ones(3, requires_grad=True)
    line = here(2)
    with pytest.raises(RuntimeError, match=r"no_grad\(\)") as error:
        w.add_(1.0)
    assert line in str(error.value)


def test_a_broadcast_view_cannot_be_written():
    with pytest.raises(RuntimeError, match="clone"):
        te.ones(1, 3).expand(4, 3).zero_()


# -- misuse of backward --------------------------------------------------------------------------------------


def test_backward_of_what_requires_no_gradient():
    with pytest.raises(NotDifferentiableError, match="requires_grad=True"):
        te.ones(3).sum().backward()


def test_backward_of_many_numbers_asks_for_a_gradient():
    with pytest.raises(NotDifferentiableError, match=r"x\.sum\(\)\.backward\(\)"):
        (te.ones(3, requires_grad=True) * 2.0).backward()


def test_a_gradient_of_the_wrong_shape_names_both():
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        (te.ones(3, requires_grad=True) * 2.0).backward(te.ones(2))


def test_integers_have_no_gradient():
    with pytest.raises(TypeError, match="float"):
        te.tensor([1, 2], requires_grad=True)
    with pytest.raises(TypeError, match="float"):
        te.tensor([1, 2]).requires_grad = True


# -- errors inside ops ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "kind", "words"), [
    (lambda: te.ones(2, 3) + te.ones(2), ShapeError, ("add", "(2, 3)", "(2,)")),
    (lambda: te.ones(2, 3) @ te.ones(2, 3), ShapeError, ("matmul", "(2, 3)", "y.mT")),
    (lambda: te.reshape(te.ones(6), (4, 2)), ShapeError, ("reshape", "(6,)", "(4, 2)")),
    (lambda: te.ones(3)[5], IndexError, ("slice", "(3,)", "5")),
    (lambda: te.embedding(te.tensor([7]), te.ones(3, 2)), IndexError, ("take_rows", "7", "3")),
    (lambda: te.cross_entropy(te.ones(2, 3), te.tensor([0, 9])), IndexError,
     ("cross_entropy", "9", "0 to 2")),
    (lambda: te.max(te.ones(0)), ValueError, ("max", "(0,)", "no elements")),
    (lambda: te.einsum("ij,jk->ik", te.ones(2, 3), te.ones(4, 2)), ValueError,
     ("einsum", "(2, 3)", "(4, 2)")),
])  # fmt: skip
def test_a_failing_op_names_itself_the_shapes_and_the_users_line(call, kind, words):
    with pytest.raises(kind) as error:
        call()
    for word in (*words, __file__):
        assert word in str(error.value)


# -- declarations --------------------------------------------------------------------------------------------


def declare(numpy, vjps=None, **how):
    return te.Op("of_this_test", numpy, vjps, register=False, **how)


def test_a_rule_that_asks_for_an_unknown_name_fails_where_it_is_declared():
    with pytest.raises(OpError, match=r"'of_this_test'.*'weight'.*'out'"):
        declare(lambda x: x, (lambda g, weight: g,))


def test_one_rule_per_input():
    with pytest.raises(OpError, match=r"2 inputs.*1 vjps.*None where"):
        declare(lambda x, y: x * y, (lambda g, y: g * y,))


def test_wants_belongs_to_joint_rules_only():
    with pytest.raises(OpError, match="'wants'"):
        declare(lambda x: x, (lambda g, wants: g,))


def test_vjps_and_joint_exclude_each_other():
    with pytest.raises(OpError, match="not both"):
        declare(lambda x: x, (lambda g: g,), joint=lambda g: [g])


def test_a_name_is_taken_once():
    with pytest.raises(OpError, match="declared twice"):
        te.Op("exp", np.exp, (lambda g, out: g * out,))


@pytest.mark.parametrize(("declared", "said"), [
    (lambda: te.Op(np.exp, [lambda g: g]), "the name comes first"),
    (lambda: te.Op("o", np.exp, lambda g, out: g * out), "vjps is one function .*; give a list"),
    (lambda: te.Op("o", [lambda g: g]), "is not the function that computes it"),
    (lambda: te.Op("o", np.exp, [3]), "the rule 3 is not a function"),
    (lambda: te.Op("o", np.exp, joint=[lambda g: g]), "a list of rules is vjps"),
    (lambda: te.Op("o", lambda x, k=2: k * x, [lambda g, k: g * k]), r"after a star: def o\(x, \*, k=2\)"),
    (lambda: te.Op("exp", np.exp), "pass register=False, as in the cell of a notebook"),
])  # fmt: skip
def test_a_declaration_that_was_written_wrongly_says_how_to_write_it(declared, said):
    with pytest.raises(OpError, match=said):
        declared()


def test_a_rule_that_calls_methods_of_arrays_is_told_to_call_functions():
    op = declare(lambda x: np.exp(x), (lambda g, x: g * x.exp(),))
    with pytest.raises(AttributeError, match=r"asks an array for \.exp .*; .*te\.exp\(x\), not x\.exp\(\)"):
        op(te.ones(2, requires_grad=True)).sum().backward()


@pytest.mark.parametrize(
    ("function", "rule", "said"),
    [
        (np.cumsum, lambda g: te.flip(te.cumsum(te.flip(g))), r"calls=lambda draw: te\.Call\("),
        (np.log, lambda g, x: g / x, r"domain=te\.Interval\(0\.1, 2\.0\)"),
    ],
)
def test_a_proof_that_lacks_a_declaration_says_which(function, rule, said):
    op = te.Op("of_this_proof", lambda x: function(x), [rule], register=False)
    with pytest.raises((AssertionError, ValueError), match=said):
        te.check.opcheck(op)


def test_a_function_without_a_signature_must_name_its_inputs():
    with pytest.raises(OpError, match="inputs"):
        declare(min, (None,))


def test_a_joint_rule_must_return_a_gradient_per_input():
    op = declare(lambda x, y: x * y, joint=lambda g, x: [g])
    with pytest.raises(OpError, match="1 gradients, expected 2"):
        op(te.ones(2, requires_grad=True), te.ones(2, requires_grad=True)).sum().backward()


def test_a_rule_whose_gradient_has_an_impossible_shape_is_named():
    op = declare(lambda x: x.sum(keepdims=True), (lambda g: g,))
    y = op(te.ones(3, requires_grad=True))
    with pytest.raises(ShapeError, match="of_this_test"):
        y.sum().backward()


def test_devices_do_not_mix(boxed):
    with pytest.raises(DeviceError, match=r"cpu.*boxed"):
        te.ones(2) + te.ones(2, device="boxed")


def test_an_unknown_device_lists_those_there_are():
    with pytest.raises(DeviceError, match="cpu"):
        te.ones(2, device="abacus")


# -- anomalies -----------------------------------------------------------------------------------------------


def test_detect_anomaly_names_the_op_and_the_line_forward():
    x = te.tensor([-1.0, 1.0], requires_grad=True)
    first = here(2)
    with np.errstate(all="ignore"), te.detect_anomaly(), pytest.raises(AnomalyError) as error:
        te.log(x)
    assert str(error.value).startswith("log((2,)")
    assert first in str(error.value)
    assert "NaN" in str(error.value)


def test_detect_anomaly_names_the_op_and_the_line_backward():
    x = te.tensor([0.0, 1.0], requires_grad=True)
    with np.errstate(all="ignore"), te.detect_anomaly():
        line, y = here(), te.sqrt(x)
        with pytest.raises(AnomalyError, match="gradient of sqrt") as error:
            y.sum().backward()
    assert line in str(error.value)


def test_detect_anomaly_is_quiet_about_what_was_bad_already_and_outside():
    x = te.tensor([np.nan, 1.0], requires_grad=True)
    with te.detect_anomaly():
        te.exp(x)
    with np.errstate(all="ignore"):
        assert np.isnan(te.log(te.tensor(-1.0)).item())


@pytest.mark.parametrize("op", [elementwise.add, elementwise.exp, elementwise.where])
def test_an_operand_too_many_is_no_place_to_write_to(op):
    xs = [te.ones(2) for _ in range(len(op.inputs) + 1)]
    with pytest.raises(TypeError, match=rf"{op.name}.*has {len(op.inputs)} inputs"):
        op(*xs)
    assert xs[-1].tolist() == [1, 1]


def declared(numpy, rule=lambda g: g):
    return te.Op("declared", numpy, [rule], register=False)


def test_the_function_of_an_op_of_ones_own_only_reads():
    x = te.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        declared(lambda x: np.multiply(x, 2, out=x))(x)
    y = declared(lambda x: x[::-1])(x)
    y.add_(1.0)
    assert (x.tolist(), y.tolist()) == ([1, 2], [3, 2])
    with pytest.raises(TypeError, match="its function returned a list, one array is needed"):
        declared(lambda x: [x, x])(x)


def test_the_rule_of_an_op_of_ones_own_only_reads():
    x = te.tensor([1.0, 2.0], requires_grad=True)
    double = declared(lambda x: x * 2, lambda g: np.multiply(g, 2, out=g))
    y = x * 1
    with pytest.raises(ValueError, match="read-only"):
        (double(y) + y * 3).sum().backward()
    (declared(lambda x: x.copy())(y) * 5 + y).sum().backward()
    assert x.grad.tolist() == [6, 6]
