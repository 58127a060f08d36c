"""One body per property, over every op there is: a new op is tested by being declared."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests import oracles
from tinygrad_edu.check import callcheck, edgecheck
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.ops.elementwise import Map
from tinygrad_edu.ops.oracle import oracle_of
from tinygrad_edu.testing import calls

OPS = sorted(REGISTRY)
RANDOM = [name for name in OPS if "generator" in REGISTRY[name].params]
DETERMINISTIC = [name for name in OPS if REGISTRY[name].inputs]
SMOOTH = [name for name in OPS if REGISTRY[name].differentiable]
WITH_DTYPE = [
    name
    for name in DETERMINISTIC
    if REGISTRY[name].family in ("map", "reduce") and type(REGISTRY[name]) is not te.Op
]


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_has_an_oracle_that_is_not_itself(name):
    op = REGISTRY[name]
    oracle_of(op) if isinstance(op, Map) else oracles.loops_of(op)  # raise, and say what to write


@pytest.mark.parametrize("name", DETERMINISTIC)
@given(data=st.data())
@settings(max_examples=20)
def test_forward_is_what_the_oracle_says(name, data):
    call = data.draw(calls(REGISTRY[name]))
    got = REGISTRY[name](te.tensor(call.arrays[0]), *call.arrays[1:], **call.params)
    oracles.agree(
        got.numpy(), oracles.of_op(REGISTRY[name], call.arrays, call.params), rtol=1e-12, atol=1e-13
    )


@pytest.mark.parametrize("name", DETERMINISTIC)
@given(data=st.data())
@settings(max_examples=8)
def test_float32_stays_float32_and_is_close_to_float64(name, data):
    op = REGISTRY[name]
    call = data.draw(calls(op))
    narrow = [np.asarray(a, np.float32) if np.asarray(a).dtype.kind == "f" else a for a in call.arrays]
    wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in narrow]
    if name in ("floor", "ceil", "round", "trunc", "step"):
        assert op(te.tensor(narrow[0])).dtype == np.float32
    small = op(te.tensor(narrow[0]), *narrow[1:], **call.params)
    large = op(te.tensor(wide[0]), *wide[1:], **call.params)
    if large.dtype == np.float64 and "dtype" not in op.params:
        assert small.dtype == np.float32
    np.testing.assert_allclose(small.numpy(), large.numpy(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", OPS)
@given(data=st.data())
@settings(max_examples=20)
def test_keeps_its_declaration_and_has_right_gradients_twice(name, data):
    callcheck(REGISTRY[name], data.draw(calls(REGISTRY[name])), order=2)


@pytest.mark.parametrize(
    ("name", "at"), [pytest.param(n, e, id=f"{n}-{i}") for n in OPS for i, e in enumerate(REGISTRY[n].edges)]
)
def test_edges_hold_exactly(name, at):
    edgecheck(REGISTRY[name], at)


def _backward(op, call, wanted, **how):
    """Gradients by input number, of a sum weighted by 1, 2, 3..."""
    xs = [te.tensor(a) for a in call.arrays]
    for i in wanted:
        xs[i].requires_grad = True
    with np.errstate(all="ignore"):
        out = op(*xs, **call.params)
        if not out.requires_grad:
            return {}
        out.backward(np.arange(1.0, out.size + 1).reshape(out.shape), **how)
    return {i: xs[i].grad for i in wanted if xs[i].grad is not None}


@pytest.mark.parametrize("name", SMOOTH)
@given(data=st.data())
@settings(max_examples=8)
def test_backward_is_the_same_raw_recorded_and_for_any_choice_of_inputs(name, data):
    op = REGISTRY[name]
    call = data.draw(calls(op))
    floats = [i for i, a in enumerate(call.arrays) if np.asarray(a).dtype.kind == "f"]
    every = _backward(op, call, floats)
    recorded = _backward(op, call, floats, create_graph=True)
    assert every.keys() == recorded.keys()
    for i, g in every.items():
        assert g.shape == np.shape(call.arrays[i])
        assert g.dtype == np.float64
        np.testing.assert_allclose(recorded[i].numpy(), g.numpy(), rtol=1e-12, atol=1e-12)
    for mask in itertools.product((False, True), repeat=len(floats)):
        wanted = list(itertools.compress(floats, mask))
        for i, g in _backward(op, call, wanted).items():
            np.testing.assert_allclose(g.numpy(), every[i].numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.cpu
@pytest.mark.parametrize("name", SMOOTH)
@given(data=st.data())
@settings(max_examples=5)
def test_a_gradient_that_a_leaf_keeps_is_nobody_elses(name, data):
    """The engine takes it as it comes from a rule of the library, if it is new. So no rule returns memory
    that was saved, that came in, or that is another input's gradient, too."""
    op = REGISTRY[name]
    call = data.draw(calls(op))
    xs = [te.tensor(a, requires_grad=np.asarray(a).dtype.kind == "f") for a in call.arrays]
    with np.errstate(all="ignore"):
        out = op(*xs, **call.params)
        seed = te.ones(*out.shape, dtype=out.dtype)
        if out.requires_grad:
            out.backward(seed, retain_graph=True)
    grads = [x.grad.numpy() for x in xs if x.grad is not None]
    others = [out.numpy(), seed.numpy(), *(x.numpy() for x in xs)]
    for i, g in enumerate(grads):
        assert not any(np.shares_memory(g, other) for other in (*others, *grads[:i]))


@pytest.mark.parametrize("name", WITH_DTYPE)
@given(data=st.data(), dtype=st.sampled_from((np.float32, np.float64)))
@settings(max_examples=5)
def test_the_dtype_foreseen_for_a_kernel_is_the_dtype_of_the_result(name, data, dtype):
    op = REGISTRY[name]
    call = data.draw(calls(op))
    arrays: list[np.ndarray] = [np.asarray(a, dtype) for a in call.arrays]
    params = {**op.defaults, **call.params}
    alone = {**params, "axes": (0,)} if "axes" in params else params
    with np.errstate(all="ignore"):  # it is asked of ones, where some ops have no finite value
        foreseen = op.result_dtype(tuple(a.dtype for a in arrays), alone)
        assert foreseen == np.asarray(op.numpy(*arrays, **params)).dtype


@pytest.mark.parametrize("name", RANDOM)
@given(data=st.data())
@settings(max_examples=5)
def test_random_ops_are_functions_of_their_generator(name, data):
    call = data.draw(calls(REGISTRY[name]))
    stream = call.params["generator"]
    before = stream.state_dict()
    first = np.asarray(REGISTRY[name].numpy(**{**REGISTRY[name].defaults, **call.params}))
    moved = stream.state_dict()
    stream.load_state_dict(before)
    again = np.asarray(REGISTRY[name].numpy(**{**REGISTRY[name].defaults, **call.params}))
    np.testing.assert_array_equal(first, again)
    assert (moved != before) == (first.size > 0)


@pytest.mark.parametrize("name", OPS)
def test_is_documented_with_its_formula(name):
    assert REGISTRY[name].math, f"{name} declares no math="


@pytest.mark.cpu
@pytest.mark.parametrize("name", DETERMINISTIC)
@given(data=st.data())
@settings(max_examples=5)
def test_results_that_share_memory_share_the_count_of_writes(name, data):
    call = data.draw(calls(REGISTRY[name]))
    x = te.tensor(call.arrays[0])
    out = REGISTRY[name](x, *call.arrays[1:], **call.params)
    if np.shares_memory(out.storage.array, x.storage.array):
        assert out.storage.writes is x.storage.writes
    else:
        assert REGISTRY[name].view or out.storage.writes is not x.storage.writes
