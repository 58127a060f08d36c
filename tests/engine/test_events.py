"""What observers are told: a whole training step, op by op, and the same numbers as without them."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn, optim
from tinygrad_edu.engine.modes import watch
from tinygrad_edu.engine.observer import Observer
from tinygrad_edu.engine.value import Value

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
Y = np.array([0, 1, 2, 2, 1, 0])


class Log(Observer):
    """Every event, by name; `strange` are the memories that an op was given and nobody has told of."""

    def __init__(self, known=()):
        self.known, self.strange = {id(storage): storage for storage in known}, []
        self.ops, self.nodes, self.writes, self.reads = [], [], [], []

    def applied(self, op, inputs, params, result, node, seconds):
        self.ops.append(op.name)
        assert seconds >= 0.0
        for x in inputs:
            if isinstance(x, Value) and not ({id(x.storage), id(x.storage.writes)} & self.known.keys()):
                self.strange.append((op.name, x.storage))
        self.known[id(result)] = result

    def pulled(self, node, g, grads, seconds):
        self.nodes.append(node.op.name)

    def wrote(self, target, source, name, seconds):
        self.writes.append(name)
        if self.every_op and (source is None or id(source) not in self.known):
            self.strange.append((name, source))

    def read(self, storage, name):
        self.reads.append(name)


class EveryOp(Log):
    every_op = True


def model(device="cpu"):
    te.manual_seed(0)
    made = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Dropout(0.25), nn.Linear(5, 3))
    return made.to(device)


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.1, momentum=0.5),
}


def train(network, optimizer, steps=3):
    """Three steps, the last one over gradients that gather twice; returns what the losses were."""
    te.manual_seed(1)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        for _ in range(2 if step == steps - 1 else 1):
            loss = te.cross_entropy(network(te.tensor(X)), te.tensor(Y))
            loss.backward()
        optim.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.item())
    return losses


def memories(network):
    return [t.storage for t in (*network.parameters(), *network.buffers())]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("kind", [Log, EveryOp])
def test_who_is_watched_computes_the_same_numbers_to_the_bit(name, kind):
    plain, seen = model(), model()
    alone = train(plain, OPTIMIZERS[name](plain.parameters()))
    with watch(kind()):
        watched = train(seen, OPTIMIZERS[name](seen.parameters()))
    assert alone == watched
    for (key, a), (_, b) in zip(plain.state_dict().items(), seen.state_dict().items(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=key)


def test_a_step_is_seen_whole_op_by_op():
    network = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 3))
    optimizer = optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    x, y = te.tensor(X), te.tensor(Y)
    log = EveryOp([x.storage, y.storage, *memories(network)])
    with watch(log):
        loss = te.cross_entropy(network(x), y)
        forward = len(log.ops)
        loss.backward()
        backward = len(log.ops)
        for slot in optimizer._slots[0]:
            slot.prepare((0.0,))
            log.known |= {id(memory): memory for memory in slot.state}
        optimizer.step()
        update = len(log.ops)
        assert loss.item() < 5 and bool(loss > 0)
    assert log.ops[:forward] == ["linear", "tanh", "linear", "cross_entropy"]
    assert log.nodes == ["cross_entropy", "linear", "tanh", "linear"]
    assert {"cross_entropy_grad", "matmul", "mul", "tanh_slope", "sum"} <= set(log.ops[forward:backward])
    # momentum times the velocity, plus the gradient; times the rate, taken from the weights: of four of them
    assert log.ops[backward:update] == ["mul", "add", "mul", "sub"] * 4
    assert log.writes == ["SGD"] * 8  # each weight and each velocity
    assert log.reads == ["item", "if"]
    assert not log.strange


def test_an_observer_of_nodes_sees_forward_pulls_and_updates():
    network, log = model(), Log()
    optimizer = optim.Adam(network.parameters())
    with watch(log):
        te.cross_entropy(network(te.tensor(X)), te.tensor(Y)).backward()
        optimizer.step()
    assert log.ops.count("cross_entropy") == 1 and "cross_entropy_grad" not in log.ops
    assert log.nodes[0] == "cross_entropy" and log.nodes.count("linear") == 2
    assert log.writes.count("Adam") == 3 * 6  # of six parameters the weights and two memories
    assert log.writes.count("copy_") == 3  # the averages of batch norm, and how many batches there were


@pytest.mark.parametrize("kind", [Log, EveryOp])
def test_changes_in_place_have_their_names(kind):
    x, other = te.zeros(4), te.ones(4)
    log = kind([x.storage, other.storage])
    with watch(log):
        x.copy_(other)
        x.add_(other)
        x.mul_(2.0)
        x.fill_(3.0)
        x.zero_()
        x[1:3] = other[:2]
        x[1] = 5.0
        x[np.array([3, 0])] = other[:2]
        x[x > 4] = 7.0
        x += other  # no leaf that requires grad: a new tensor
    assert log.writes == ["copy_", "add_", "mul_", "copy_", "copy_", *["x[key] = value"] * 4]
    assert x.tolist() == [2.0, 8.0, 2.0, 2.0]


def test_every_look_at_numbers_is_told():
    x, log = te.tensor([[1.0, 2.0]]), Log([])
    one = x.sum()
    looks = {
        "item": lambda: one.item(), "numpy": lambda: x.numpy(), "tolist": lambda: x.tolist(),
        "if": lambda: bool(one), "number": lambda: float(one) + int(one),
        "print": lambda: repr(x), "dlpack": lambda: np.from_dlpack(x), "x[key]": lambda: x[x > 1],
    }  # fmt: skip
    for name, look in looks.items():
        log.reads.clear()
        with watch(log):
            look()
        assert name in log.reads, (name, log.reads)
    log.reads.clear()
    with watch(log):
        np.asarray(x), list(x), x + x, x.shape, x.T, one > 0
        te.gather(x, te.tensor([[0]]), axis=1)
    assert set(log.reads) <= {"numpy", "index"}


def test_under_every_op_nothing_is_decided_by_a_glance():
    """A check that only the cpu makes, and a shorter way that only the cpu takes, read numbers in silence."""
    log = EveryOp([])
    x, at = te.tensor([[1.0, 2.0]], requires_grad=True), te.tensor([[-1]])
    with watch(log):
        te.gather(x, at, axis=1)
        te.binary_cross_entropy_with_logits(x, te.tensor([[0.0, 1.0]]))
        te.var(x)
        te.binary_cross_entropy(te.sigmoid(x), te.tensor([[0.0, 1.0]]))
    assert log.reads == []


def test_only_observers_may_watch():
    with pytest.raises(TypeError, match="is no Observer"), watch(object()):
        pass
