"""Averages of weights: against NumPy's means and PyTorch, with a run in a checkpoint, and without losses."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn, optim
from tinygrad_edu.optim.swa_utils import SWALR, AveragedModel, get_ema_avg_fn, get_swa_avg_fn, update_bn


def network(seed=0):
    te.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))


def moved(model, rng):
    """New weights and statistics."""
    with te.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.dtype.kind == "f":
                tensor.copy_(te.tensor(np.abs(rng.normal(size=tensor.shape)).astype(tensor.dtype)))
            else:
                tensor.copy_(tensor + 1)
    return model.state_dict()


FUNCTIONS = st.sampled_from([None, 0.0, 0.5, 0.9, 1.0])


@settings(max_examples=20, deadline=None)
@given(FUNCTIONS, st.booleans(), st.integers(1, 5))
def test_the_average_is_the_mean_or_the_recurrence(decay, use_buffers, count):
    model, rng = network(), np.random.default_rng(count)
    averaged = AveragedModel(
        model, avg_fn=None if decay is None else get_ema_avg_fn(decay), use_buffers=use_buffers
    )
    states = []
    for _ in range(count):
        states.append(moved(model, rng))
        averaged.update_parameters(model)
    found = averaged.state_dict()
    assert found["n_averaged"] == count
    names = [name for name, _ in model.named_parameters()]
    buffers = ["1.running_mean", "1.running_var"]
    for name in [*names, *(buffers if use_buffers else [])]:
        expected = states[0][name].astype(np.float64)
        for i, state in enumerate(states[1:], 1):
            share = 1 / (i + 1) if decay is None else 1 - decay
            expected = expected + (state[name] - expected) * share
        np.testing.assert_allclose(found[f"module.{name}"], expected, rtol=1e-5, atol=1e-6)
    if not use_buffers:
        for name in buffers:
            np.testing.assert_array_equal(found[f"module.{name}"], states[-1][name])
    assert found["module.1.num_batches_tracked"] == states[-1]["1.num_batches_tracked"]


def test_it_answers_as_the_averaged_model_and_leaves_the_model_alone():
    model = network().eval()
    averaged, x = AveragedModel(model), te.ones(2, 3)
    before = model.state_dict()
    averaged.update_parameters(model)
    np.testing.assert_array_equal(averaged(x).numpy(), model(x).numpy())
    moved(averaged, np.random.default_rng(0))
    assert all(np.array_equal(a, b) for a, b in zip(before.values(), model.state_dict().values()))


def test_update_bn_is_the_statistics_of_all_batches():
    model, rng = nn.Sequential(nn.BatchNorm1d(3, momentum=0.3), nn.Dropout(0.5)), np.random.default_rng(0)
    batches = [rng.normal(size=(4, 3)).astype(np.float32) for _ in range(3)]
    model.eval()
    model[0].running_mean.copy_(te.ones(3) * 9)
    update_bn([(te.tensor(b), te.zeros(4)) for b in batches], model)
    np.testing.assert_allclose(
        model[0].running_mean.numpy(), np.mean([b.mean(0) for b in batches], 0), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        model[0].running_var.numpy(), np.mean([b.var(0, ddof=1) for b in batches], 0), rtol=1e-5
    )
    assert model[0].num_batches_tracked.item() == 3 and model[0].momentum == 0.3
    assert not model.training and not model[1].training


def test_an_error_of_a_loader_leaves_the_statistics_as_they_were():
    model = network().eval()
    model(te.ones(4, 3))
    before = repr(model.state_dict())

    def broken():
        yield te.ones(4, 3)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        update_bn(broken(), model)
    assert repr(model.state_dict()) == before and not model.training and model[1].momentum == 0.1


@pytest.mark.parametrize("use_buffers", [False, True])
def test_a_run_with_averages_goes_on_bit_for_bit(tmp_path, use_buffers):
    def parts(seed):
        model = network(seed)
        optimizer = optim.Adam(model.parameters(), lr=0.1, amsgrad=True)
        averaged = AveragedModel(model, avg_fn=get_ema_avg_fn(0.9), use_buffers=use_buffers)
        return model, optimizer, SWALR(optimizer, 0.01, 3), averaged

    def train(model, optimizer, schedule, averaged, steps):
        for t in range(steps):
            optimizer.zero_grad()
            (
                model(te.tensor(np.sin(np.arange(12.0) + t).reshape(4, 3), dtype="float32")) ** 2
            ).sum().backward()
            optimizer.step()
            schedule.step()
            averaged.update_parameters(model)
        return repr([one.state_dict() for one in (model, optimizer, schedule, averaged)])

    straight = parts(0)
    train(*straight, 3)

    def given(model, optimizer, schedule, averaged):
        return {"model": model, "optimizer": optimizer, "schedule": schedule, "parts": {"average": averaged}}

    nn.save_checkpoint(tmp_path / "c", **given(*straight))
    resumed = parts(1)
    nn.load_checkpoint(tmp_path / "c", **given(*resumed))
    assert train(*straight, 3) == train(*resumed, 3)


def test_averages_of_another_model_are_refused_whole(tmp_path):
    model, other = network(), network(1)
    nn.save_checkpoint(tmp_path / "c", model=model, parts={"average": AveragedModel(model)})
    before = repr(other.state_dict())
    with pytest.raises(nn.CheckpointError, match="nothing was loaded"):
        nn.load_checkpoint(tmp_path / "c", model=other, parts={"average": AveragedModel(nn.Linear(2, 2))})
    assert repr(other.state_dict()) == before


@pytest.mark.parametrize(("make", "kind", "said"), [
    (lambda: AveragedModel([1]), TypeError, "model is a list, not a module"),
    (lambda: AveragedModel(network(), avg_fn=0.9), TypeError, "avg_fn=0.9 is no function.*get_ema_avg_fn"),
    (lambda: AveragedModel(network(), decay=0.9), TypeError, "no argument decay="),
    (lambda: AveragedModel(network(), multi_avg_fn=0.9), TypeError, "multi_avg_fn=0.9 .*ema_multi_avg_fn"),
    (lambda: AveragedModel(network(), avg_fn=max, multi_avg_fn=max), ValueError, "give one of them"),
    (lambda: get_ema_avg_fn(1.5), ValueError, r"decay=1.5 must be in \[0, 1\]"),
    (lambda: AveragedModel(network()).update_parameters(nn.Linear(3, 4)), ValueError, "other parameters"),
    (lambda: SWALR(optim.SGD(network().parameters()), 0.1, -1), ValueError, "anneal_epochs=-1"),
    (lambda: SWALR(optim.SGD(network().parameters()), [0.1, 0.2]), ValueError, "2 numbers for 1 groups"),
])  # fmt: skip
def test_bad_arguments(make, kind, said):
    with pytest.raises(kind, match=said):
        make()


def test_a_model_with_other_parameters_changes_nothing():
    averaged = AveragedModel(network())
    averaged.update_parameters(network(1))
    before = repr(averaged.state_dict())
    with pytest.raises(ValueError, match="other parameters"):
        averaged.update_parameters(
            nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 2))
        )
    assert repr(averaged.state_dict()) == before
    twin = copy.deepcopy(averaged)
    for one in (averaged, twin):
        one.update_parameters(network(2))
    assert repr(twin.state_dict()) == repr(averaged.state_dict())


@pytest.mark.parametrize("decay", [None, 0.9])
def test_lists_are_averaged_like_their_tensors(decay):
    swa = optim.swa_utils
    one = get_swa_avg_fn() if decay is None else get_ema_avg_fn(decay)
    many = swa.get_swa_multi_avg_fn() if decay is None else swa.get_ema_multi_avg_fn(decay)
    model, rng = network(), np.random.default_rng(0)
    pair = [AveragedModel(model, avg_fn=one), AveragedModel(model, multi_avg_fn=many)]
    for _ in range(4):
        moved(model, rng)
        for averaged in pair:
            averaged.update_parameters(model)
    first, second = (averaged.state_dict() for averaged in pair)
    for name, expected in first.items():
        np.testing.assert_array_equal(second[name], expected)
    assert not np.array_equal(first["module.0.weight"], model.state_dict()["0.weight"])


def test_an_average_that_fails_changes_nothing():
    def failing(averaged, current, count):
        averaged[0].zero_()
        raise RuntimeError("no average")

    model = network()
    averaged = AveragedModel(model, multi_avg_fn=failing)
    averaged.update_parameters(model)
    before = repr(averaged.state_dict())
    with pytest.raises(RuntimeError, match="no average"):
        averaged.update_parameters(model)
    assert repr(averaged.state_dict()) == before


@pytest.mark.oracle
@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("decay", [None, 0.5, 0.99])
def test_averages_are_pytorchs(decay, use_buffers):
    import torch

    start = nn.Sequential(nn.Linear(3, 4, dtype="float64"), nn.BatchNorm1d(4, dtype="float64"))
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).double()
    swa = torch.optim.swa_utils
    averaged = AveragedModel(
        start, avg_fn=get_swa_avg_fn() if decay is None else get_ema_avg_fn(decay), use_buffers=use_buffers
    )
    multi = None if decay is None else swa.get_ema_multi_avg_fn(decay)
    reference = swa.AveragedModel(theirs, multi_avg_fn=multi, use_buffers=use_buffers)
    rng = np.random.default_rng(0)
    for _ in range(5):
        state = moved(start, rng)
        theirs.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
        averaged.update_parameters(start)
        reference.update_parameters(theirs)
        found = averaged.state_dict()
        for name, expected in reference.state_dict().items():
            if "num_batches" not in name or not use_buffers:  # PyTorch averages counts
                np.testing.assert_allclose(found[name], expected.numpy(), rtol=1e-10)
    batches = [rng.normal(size=(6, 3)) for _ in range(3)]
    update_bn([te.tensor(b) for b in batches], averaged)
    swa.update_bn([torch.tensor(b) for b in batches], reference)
    found = averaged.state_dict()
    for name, expected in reference.state_dict().items():
        np.testing.assert_allclose(found[name], expected.numpy(), rtol=1e-10)
