"""LBFGS: against PyTorch and known minima, its line search, saved anywhere, and errors that lose nothing."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.backend.boxed import BoxedBackend
from tinygrad_edu import nn, optim
from tinygrad_edu.backend import registry
from tinygrad_edu.optim.wolfe import Point, strong_wolfe

RNG = np.random.default_rng(3)
A, B, START = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 2)), (RNG.normal(size=(4, 2)), RNG.normal(size=2))


def residual(a, b, w, v):
    """A sum that has curvature of both signs: squares, and a wave."""
    return ((a @ w + v - b) ** 2).sum() + ((w * 3).sin()).sum() + (v**4).sum()


def closure_of(optimizer, w, v, a, b, sign=1.0):
    def closure():
        optimizer.zero_grad()
        loss = residual(a, b, w, v) * sign
        loss.backward()
        return loss

    return closure


def ours(where=None, dtype="float64", sign=1.0, **options):
    w, v = (te.tensor(x.astype(dtype), device=where, requires_grad=True) for x in START)
    optimizer = optim.LBFGS([w, v], **options)
    a, b = (te.tensor(x.astype(dtype), device=where) for x in (A, B))
    return optimizer, closure_of(optimizer, w, v, a, b, sign), (w, v)


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "lr": st.sampled_from([0.05, 0.3, 1.0]),
        "max_iter": st.integers(1, 8),
        "max_eval": st.integers(2, 12),
        "tolerance_grad": st.sampled_from([1e-7, 1.0]),
        "tolerance_change": st.sampled_from([1e-9, 1e-2]),
        "history_size": st.integers(1, 5),
        "line_search_fn": st.sampled_from([None, "strong_wolfe"]),
    },
)


@pytest.mark.oracle
@settings(max_examples=60, deadline=None)
@given(SETTINGS)
def test_ten_steps_are_pytorchs(options):
    import torch

    optimizer, closure, params = ours(**options)
    theirs = [torch.tensor(x, requires_grad=True) for x in START]
    reference = torch.optim.LBFGS(theirs, **options)
    other = closure_of(reference, *theirs, torch.tensor(A), torch.tensor(B))
    for _ in range(10):
        loss, expected = optimizer.step(closure).item(), reference.step(other).item()
        if not np.isfinite(expected) or abs(expected) > 1e6:  # without a line search it may diverge
            return
        np.testing.assert_allclose(loss, expected, rtol=1e-6)
        for p, q in zip(params, theirs):
            np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-6, atol=1e-9)
        state = reference.state_dict()["state"][0]
        row = optimizer.state_dict()["state"][0]
        assert {k: row[k] for k in ("func_evals", "n_iter")} == {
            k: state[k] for k in ("func_evals", "n_iter")
        }


@pytest.mark.oracle
def test_a_pytorch_state_is_gone_on_from():
    import torch

    options = {"max_iter": 4, "history_size": 3, "line_search_fn": "strong_wolfe"}
    theirs = [torch.tensor(x, requires_grad=True) for x in START]
    reference = torch.optim.LBFGS(theirs, **options)
    other = closure_of(reference, *theirs, torch.tensor(A), torch.tensor(B))
    reference.step(other)
    optimizer, closure, params = ours(lr=9.0)
    with te.no_grad():
        for p, q in zip(params, theirs):
            p.copy_(te.tensor(q.detach().numpy()))
    optimizer.load_state_dict(reference.state_dict())
    optimizer.step(closure)
    reference.step(other)
    for p, q in zip(params, theirs):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-9)


def test_it_finds_the_minimum_that_least_squares_has():
    w = te.zeros(4, 2, dtype="float64", requires_grad=True)
    optimizer = optim.LBFGS([w], line_search_fn="strong_wolfe", max_iter=60, tolerance_change=1e-16)

    def closure():
        optimizer.zero_grad()
        loss = ((te.tensor(A) @ w - te.tensor(B)) ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(w.numpy(), np.linalg.lstsq(A, B, rcond=None)[0], rtol=1e-6)


def test_maximize_goes_up_as_far_as_minimize_goes_down():
    (one, closure, down), (other, turned, up) = ours(max_iter=7), ours(max_iter=7, sign=-1.0, maximize=True)
    for _ in range(3):
        one.step(closure)
        other.step(turned)
    assert all(np.array_equal(p.numpy(), q.numpy()) for p, q in zip(down, up))


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_on_a_device_without_a_kernel(search):
    registry.register("boxed", BoxedBackend)
    ends = []
    for where in ("cpu", "boxed"):
        optimizer, closure, params = ours(where, max_iter=5, lr=0.3, line_search_fn=search)
        optimizer.step(closure)
        ends.append([p.numpy() for p in params])
    for a, b in zip(*ends):
        np.testing.assert_allclose(a, b, rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(SETTINGS, st.integers(0, 3))
def test_saved_anywhere_it_goes_on_bit_for_bit(tmp_path_factory, options, at):
    path = tmp_path_factory.mktemp("lbfgs") / "c"
    options = {**options, "lr": 0.05}
    optimizer, closure, params = ours(**options)
    for _ in range(at):
        optimizer.step(closure)
    nn.save_checkpoint(path, optimizer=optimizer)
    resumed, again, copies = ours(lr=7.0)
    with te.no_grad():
        for p, q in zip(copies, params):
            p.copy_(q)
    nn.load_checkpoint(path, optimizer=resumed)
    for _ in range(2):
        optimizer.step(closure)
        resumed.step(again)
        assert all(np.array_equal(p.numpy(), q.numpy()) for p, q in zip(params, copies))
    assert repr(resumed.state_dict()) == repr(optimizer.state_dict())


@pytest.mark.parametrize("how", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_goes_on_as_the_original(how):
    optimizer, closure, (w, v) = ours(max_iter=3)
    optimizer.step(closure)
    twin = how(optimizer)
    w2, v2 = twin.param_groups[0]["params"]
    optimizer.step(closure)
    twin.step(closure_of(twin, w2, v2, te.tensor(A), te.tensor(B)))
    assert np.array_equal(w.numpy(), w2.numpy()) and np.array_equal(v.numpy(), v2.numpy())


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("at", [1, 2, 4])
def test_an_error_of_the_closure_loses_nothing(search, at):
    optimizer, closure, params = ours(max_iter=3, lr=0.05, line_search_fn=search)
    optimizer.step(closure)
    before = repr((optimizer.state_dict(), [p.tolist() for p in params]))
    calls = []

    def breaking():
        calls.append(1)
        if len(calls) == at:
            raise OSError("no such file")
        return closure()

    with pytest.raises(OSError, match="no such file"):
        for _ in range(3):
            optimizer.step(breaking)
            before = repr((optimizer.state_dict(), [p.tolist() for p in params]))
    assert repr((optimizer.state_dict(), [p.tolist() for p in params])) == before


ODD = [..., None, True, -1, 1.5, "x", [], [[]], {}, [1.0, None], np.zeros((2, 2)), np.zeros(3, "int64")]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["func_evals", "n_iter", "t", "H_diag", "prev_loss", "d", "prev_flat_grad", "old_dirs",
                        "old_stps", "ro"]), st.sampled_from(ODD))  # fmt: skip
def test_a_forged_state_is_refused_whole_or_goes_on(name, odd):
    optimizer, closure, _ = ours(max_iter=3)
    optimizer.step(closure)
    state = optimizer.state_dict()
    state["state"][0][name] = odd
    if odd is ...:
        del state["state"][0][name]
    before = repr(optimizer.state_dict())
    try:
        optimizer.load_state_dict(state)
    except ValueError as error:
        assert "nothing was loaded" in str(error) and repr(optimizer.state_dict()) == before
        return
    assert name in ("func_evals", "n_iter", "t", "H_diag", "prev_loss")
    optimizer.step(closure)


@pytest.mark.parametrize(("row", "said"), [(1, "all of it is in row 0"), (7, "belongs to no parameter")])
def test_a_row_that_is_not_of_the_first_parameter_is_not_silently_dropped(row, said):
    optimizer, closure, _ = ours(max_iter=3)
    optimizer.step(closure)
    state = optimizer.state_dict()
    state["state"] = {row: state["state"][0]}
    before = repr(optimizer.state_dict())
    with pytest.raises(ValueError, match=rf"nothing was loaded: .*{said}"):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before


@pytest.mark.parametrize("odd", [True, np.True_, "3", b"3", np.array([1.0, 2.0]), [3.0], None])
def test_what_is_no_number_is_none_in_a_state(odd):
    optimizer, closure, _ = ours(max_iter=3)
    optimizer.step(closure)
    for name in ("func_evals", "n_iter", "t", "H_diag"):
        state = optimizer.state_dict()
        state["state"][0][name] = odd
        with pytest.raises(ValueError, match=f"nothing was loaded: .*its {name} is .*, no number"):
            optimizer.load_state_dict(state)


@pytest.mark.parametrize(("make", "kind", "said"), [
    (lambda p: optim.LBFGS([{"params": p[:1]}, {"params": p[1:]}]), ValueError, "second group"),
    (lambda p: optim.LBFGS(p, max_iter=0), ValueError, "max_iter=0 must be an integer >= 1"),
    (lambda p: optim.LBFGS(p, max_iter=2.5), ValueError, "max_iter=2.5 must be an integer"),
    (lambda p: optim.LBFGS(p, tolerance_grad=-1), ValueError, "tolerance_grad=-1"),
    (lambda p: optim.LBFGS(p, line_search_fn="armijo"), ValueError, "'armijo' must be 'strong_wolfe'"),
    (lambda p: optim.LBFGS(p).step(), TypeError, "it needs a closure"),
    (lambda p: optim.LBFGS([p[0], te.ones(1, dtype="float32", requires_grad=True)]).step(lambda: 1.0),
     ValueError, r"parameters of float32 on \w+, float64 on \w+"),
])  # fmt: skip
def test_bad_arguments(make, kind, said):
    params = [
        te.ones(2, dtype="float64", requires_grad=True),
        te.ones(1, dtype="float64", requires_grad=True),
    ]
    with pytest.raises(kind, match=said):
        make(params)


@settings(deadline=None)
@given(st.floats(0.01, 20), st.floats(-3, 3), st.floats(0.2, 4))
def test_what_the_line_search_finds_satisfies_both_conditions(t, phase, width):
    def at(t):
        x = t / width
        return Point(t, float((x - 2) ** 2 + np.sin(3 * x + phase)), None,
                     float(2 * (x - 2) + 3 * np.cos(3 * x + phase)) / width)  # fmt: skip

    start = at(0.0)
    if start.slope >= 0:
        return
    found, evaluations = strong_wolfe(at, start, t, 1.0, 25)
    assert evaluations <= 26
    assert found.value <= start.value + 1e-4 * found.t * start.slope
    assert abs(found.slope) <= -0.9 * start.slope


@pytest.mark.parametrize("found", [None, "loss", te.ones(2), []])
def test_a_closure_returns_the_loss(found):
    model = nn.Linear(3, 1)
    before = model.weight.numpy().copy()
    optimizer = optim.LBFGS(model.parameters())

    def closure():
        optimizer.zero_grad()
        model(te.ones(2, 3)).square().sum().backward()
        return found

    with pytest.raises(TypeError, match=r"LBFGS.step: the closure returned .*it must return the loss"):
        optimizer.step(closure)
    np.testing.assert_array_equal(model.weight.numpy(), before)
