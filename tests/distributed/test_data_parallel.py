"""DataParallel: N ranks of batch B are one rank of batch N B, with the same bits on every rank."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.distributed.programs import (
    OPTIMIZERS,
    all_reduced,
    alone,
    cluster,
    network,
    part,
    rows,
    same_bits,
    step,
)
from tinygrad_edu import nn, optim
from tinygrad_edu.distributed import DataParallel, DistributedError, check_in_sync, run

CLUSTERS = ("threads", "simulated")


def batches(count, size, seed=0):
    return [rows(size, seed=seed + i) for i in range(count)]


@settings(max_examples=15)
@given(st.integers(1, 5), st.integers(1, 4), st.sampled_from(sorted(OPTIMIZERS)), st.booleans(),
       st.sampled_from([25.0, 1e-4]), st.sampled_from(["ring", "tree", "star", None]), st.data())  # fmt: skip
def test_many_ranks_are_one_with_the_batch_of_all(size, each, optimizer, large, cap, algorithm, data):
    hidden = 2000 if large else 16  # a weight that travels as its own message, or all in one
    given = batches(4, size * each, data.draw(st.integers(0, 99)))
    expected = alone(given, optimizer, hidden=hidden)
    found = {}
    for name in CLUSTERS:
        every = cluster(name, size).run(all_reduced, given, optimizer, cap, algorithm, hidden=hidden)
        for states in every:
            assert all(map(same_bits, states, every[0]))
        found[name] = every[0]
    assert all(map(same_bits, *found.values())), "the same bits on both clusters"
    for name, array in expected.items():
        # Adam and RMSprop divide by a root of squares, which makes a small gradient's rounding large
        close = 1e-9 if optimizer == "sgd" else 1e-5
        np.testing.assert_allclose(found["threads"][-1][name], array, rtol=close, atol=close)


def test_one_rank_alone_is_as_without():
    given = batches(5, 8)
    for optimizer in OPTIMIZERS:
        (states,) = run(all_reduced, given, optimizer, ranks=1)
        assert same_bits(states[-1], alone(given, optimizer))


def test_tensors_of_a_device(boxed):
    given = batches(3, 6)
    on_boxed = run(all_reduced, given, device="boxed", ranks=2)
    on_cpu = run(all_reduced, given, ranks=2)
    for name, array in on_cpu[0][-1].items():
        np.testing.assert_allclose(on_boxed[0][-1][name], array, rtol=1e-12)
    assert all(map(same_bits, *on_boxed))


def test_gradients_begin_to_travel_before_backward_ends():
    events = []

    def program(comm):
        model = DataParallel(nn.Sequential(*[nn.Linear(4, 4) for _ in range(3)]), comm, bucket_cap_mb=1e-5)
        for i in range(2):
            last = model.module[2].weight

            def first_layer(p, i=i):
                if comm.rank == 0 and i:
                    events.append(("first layer", len(comm._works) > 0 or model._sync.sent > 0))

            handle = model.module[0].weight.register_post_accumulate_grad_hook(first_layer)
            model(te.ones(2, 4)).sum().backward()
            handle.remove()
            assert last.grad is not None

    run(program, ranks=2)
    assert events == [("first layer", True)]


def test_no_sync_accumulates_and_the_next_backward_averages_the_sum():
    given = rows(24)

    def program(comm):
        model = DataParallel(network(), comm)
        x, y = part(given, comm.rank, comm.size)
        with model.no_sync():
            te.cross_entropy(model(te.tensor(x[:3])), y[:3]).backward()
            here = [p.grad.numpy().tobytes() for p in model.parameters()]
            assert len(set(comm.all_gather_object(here[0]))) == comm.size, "not averaged yet"
        te.cross_entropy(model(te.tensor(x[3:])), y[3:]).backward()
        return [p.grad.numpy() for p in model.parameters()]

    every = run(program, ranks=4)
    model = network()
    x, y = given
    first = [i for i in range(24) if i % 6 < 3]
    second = [i for i in range(24) if i % 6 >= 3]
    te.cross_entropy(model(te.tensor(x[first])), y[first]).backward()
    te.cross_entropy(model(te.tensor(x[second])), y[second]).backward()
    for found in every:
        for grad, p in zip(found, model.parameters(), strict=True):
            np.testing.assert_allclose(grad, p.grad.numpy(), rtol=1e-10, atol=1e-15)


def test_gradients_pile_up_as_without_it():
    """Two backwards without zero_grad: the sum of two means."""

    def program(comm):
        model = DataParallel(nn.Linear(2, 1, dtype="float64"), comm)
        for scale in (1.0, 10.0):
            (model(te.full((1, 2), scale * (comm.rank + 1), dtype="float64"))).sum().backward()
        return model.module.weight.grad.numpy().tolist()

    assert run(program, ranks=3) == [[[22.0, 22.0]]] * 3


def test_rank_0_has_the_last_word_at_the_start():
    def program(comm):
        te.manual_seed(comm.rank)
        model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
        mine = model.state_dict()
        DataParallel(model, comm)
        check_in_sync(model, comm)
        return mine, model.state_dict()

    every = run(program, ranks=3)
    assert not same_bits(every[0][0], every[1][0])
    assert all(same_bits(every[0][0], after) for _, after in every)


def test_models_that_differ_are_named_before_anything_changes():
    def other_shape(comm):
        te.manual_seed(comm.rank)
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2 + (comm.rank == 2)))
        before = model.state_dict()
        with pytest.raises(
            DistributedError, match=r"rank 0 has 1.weight \(2, 3\) float32, rank 2 has 1.weight \(3, 3\)"
        ):
            DataParallel(model, comm)
        return same_bits(before, model.state_dict())

    def no_bias(comm):
        DataParallel(nn.Linear(3, 3, bias=comm.rank == 0), comm)

    assert run(other_shape, ranks=3) == [True] * 3
    with pytest.raises(DistributedError, match=r"rank 0 has bias \(3,\) float32, rank 1 has no bias"):
        run(no_bias, ranks=2)


def test_dropout_differs_between_ranks_and_initialisation_does_not():
    own = te.Generator(5)

    def program(comm):
        te.manual_seed(1)
        generator = te.Generator(5)
        model = nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5), nn.Dropout(0.5, generator=generator))
        DataParallel(model, comm)
        x = te.ones(1, 50)
        return model[0].weight.numpy().tobytes(), model[1](x).numpy().tobytes(), model[2](x).numpy().tobytes()

    first, second, third = zip(*run(program, ranks=4), strict=True)
    assert len(set(first)) == 1
    assert len(set(second)) == len(set(third)) == 4
    assert third[0] == nn.Dropout(0.5, generator=own)(te.ones(1, 50)).numpy().tobytes(), (
        "rank 0 keeps its stream"
    )


def test_statistics_of_batch_norm_are_the_mean_over_ranks_and_constant_buffers_stay():
    given = rows(12)

    class Net(nn.Module):
        def __init__(self):
            self.norm = nn.BatchNorm1d(5, dtype="float64")
            self.out = nn.Linear(5, 3, dtype="float64")
            self.register_buffer("third", te.tensor([0.1, 0.2, 0.7], dtype="float32"))

        def forward(self, x):
            return self.out(self.norm(x)) * self.third.cast("float64")

    def program(comm):
        model = DataParallel(Net(), comm)
        x, y = part(given, comm.rank, comm.size)
        model.module.norm(te.tensor(x))
        mine = model.module.norm.running_mean.numpy().copy()
        for _ in range(3):
            te.cross_entropy(model(te.tensor(x)), y).backward()
        check_in_sync(model, comm)
        alone = Net()
        alone.norm(te.tensor(x))
        for _ in range(3):
            alone(te.tensor(x))
        return (
            mine,
            alone.norm.running_mean.numpy(),
            model.module.norm.running_mean.numpy(),
            model.module.third.numpy(),
        )

    every = run(program, ranks=3)
    expected = np.mean([alone for _, alone, _, _ in every], axis=0)
    for _, _, found, third in every:
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert third.tobytes() == np.array([0.1, 0.2, 0.7], "float32").tobytes()


def test_a_parameter_that_only_some_ranks_use():
    def program(comm):
        used, unused = nn.Linear(2, 1, dtype="float64"), nn.Linear(2, 1, dtype="float64")
        never = nn.Linear(2, 1, dtype="float64")
        holder = nn.Sequential(used, unused, never)
        DataParallel(holder, comm)
        x = te.ones(1, 2, dtype="float64")
        for _ in range(2):
            holder.zero_grad()
            out = used(x).sum()
            (out + unused(x).sum() if comm.rank == 0 else out).backward()
        return used.weight.grad.numpy().tolist(), unused.weight.grad.numpy().tolist(), never.weight.grad

    assert run(program, ranks=2) == [([[1.0, 1.0]], [[0.5, 0.5]], None)] * 2


def test_a_checkpointed_segment_and_clipping_over_all_ranks():
    given = rows(8)

    def program(comm):
        model = DataParallel(network(), comm)
        x, y = part(given, comm.rank, comm.size)
        te.cross_entropy(te.checkpoint(lambda t: model(t), te.tensor(x)), y).backward()
        norm = optim.clip_grad_norm_(model.parameters(), 0.01)
        return norm.item(), [p.grad.numpy() for p in model.parameters()]

    model = network()
    te.cross_entropy(model(te.tensor(given[0])), given[1]).backward()
    norm = optim.clip_grad_norm_(model.parameters(), 0.01).item()
    for found, grads in run(program, ranks=2):
        assert found == pytest.approx(norm, rel=1e-10)
        for grad, p in zip(grads, model.parameters(), strict=True):
            np.testing.assert_allclose(grad, p.grad.numpy(), rtol=1e-9, atol=1e-15)


def test_ranks_out_of_step_are_found():
    def program(comm):
        model = network()
        DataParallel(model, comm)
        if comm.rank == 2:
            with te.no_grad():
                model[2].bias[1] += 1e-16 if model[2].bias[1].item() == 0 else 1e-3
        check_in_sync(model, comm)

    with pytest.raises(DistributedError, match=r"2\.bias has other bits on rank 2 than on the other ranks"):
        run(program, ranks=4)


def test_what_it_cannot_do_is_refused():
    def refused(kind, text, call):
        with pytest.raises(kind, match=text):
            run(call, ranks=1)

    refused(TypeError, "function is no Module", lambda comm: DataParallel(lambda x: x, comm))
    refused(TypeError, "comm is a int.*distributed.run", lambda comm: DataParallel(network(), 3))
    refused(ValueError, "bucket_cap_mb=0", lambda comm: DataParallel(network(), comm, bucket_cap_mb=0))
    refused(ValueError, "no parameter", lambda comm: DataParallel(nn.ReLU(), comm))

    def second_derivatives(comm):
        model, x = DataParallel(nn.Linear(2, 1), comm), te.ones(1, 2)
        ((model(x) ** 2).sum() * model.module.weight.sum()).backward(create_graph=True)

    def other_dtype(comm):
        model = DataParallel(nn.Linear(2, 1), comm)
        model(te.ones(1, 2)).sum().backward()
        model.to("float64")
        model.zero_grad()
        model(te.ones(1, 2, dtype="float64")).sum().backward()

    refused(RuntimeError, "another dtype", other_dtype)
    refused(RuntimeError, "create_graph=True", second_derivatives)


def test_its_state_has_the_names_of_the_model_and_pytorchs_are_understood():
    (model,) = run(lambda comm: DataParallel(network(batch_norm=True, dropout=0.5), comm), ranks=1)
    state = model.state_dict()
    assert same_bits(state, model.module.state_dict()) and next(iter(state)) == "0.weight"
    assert [n for n, _ in model.named_parameters()] == [n for n, _ in model.module.named_parameters()]
    other = network(batch_norm=True, dropout=0.5)
    other.load_state_dict({name: array + 1 for name, array in state.items()})
    model.load_state_dict({f"module.{name}": array for name, array in other.state_dict().items()})
    assert same_bits(model.state_dict(), other.state_dict())
    with pytest.raises(ValueError, match=r"missing: 0\.weight"):
        model.load_state_dict({"module.0.bias": state["0.bias"]})
    model.eval()
    assert not model.training and not model.module[3].training
    model.train()
    assert model.training and model.module[3].training
    step(model, optim.SGD(model.parameters(), lr=0.1), *rows(4))
