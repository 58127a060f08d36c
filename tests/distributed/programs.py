"""Programs that the tests of this folder run on clusters, and what one rank alone computes."""

from __future__ import annotations

import numpy as np

import tinygrad_edu as te
from tinygrad_edu import distributed, nn, optim

OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adam": lambda p: optim.Adam(p, lr=0.05),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01),
}


def cluster(name, size, **options):
    """A deterministic cluster by name."""
    return distributed.cluster.by_name(name, size, **options)


def rows(count, columns=5, classes=3, seed=0):
    """Features (count, columns) in float64 and labels (count,)."""
    random = np.random.default_rng(seed)
    return random.normal(size=(count, columns)), random.integers(0, classes, count)


def network(hidden=16, *, batch_norm=False, dropout=0.0, device=None, dtype="float64"):
    """A small classifier of `rows`, the same at every call."""
    te.manual_seed(3)
    layers = [nn.Linear(5, hidden, dtype=dtype)]
    layers += [nn.BatchNorm1d(hidden, dtype=dtype)] if batch_norm else []
    layers += [nn.Tanh()]
    layers += [nn.Dropout(dropout)] if dropout else []
    model = nn.Sequential(*layers, nn.Linear(hidden, 3, dtype=dtype))
    return model if device is None else model.to(device)


def step(model, optimizer, x, y, device=None):
    """One forward and backward; the caller takes the step of the optimizer."""
    optimizer.zero_grad()
    loss = te.cross_entropy(model(te.tensor(x, device=device)), te.tensor(y, device=device))
    loss.backward()
    return loss.item()


def alone(batches, optimizer="sgd", **options):
    """The state of a network after training on these batches in one process."""
    model = network(**options)
    rule = OPTIMIZERS[optimizer](model.parameters())
    for x, y in batches:
        step(model, rule, x, y, options.get("device"))
        rule.step()
    return model.state_dict()


def part(batch, rank, size):
    """The rows of one rank: equal parts, in the order of ranks."""
    x, y = batch
    each = len(x) // size
    return x[rank * each : (rank + 1) * each], y[rank * each : (rank + 1) * each]


def all_reduced(comm, batches, optimizer="sgd", cap=25.0, algorithm=None, **options):
    """The states of a network after each step of data-parallel training."""
    inner = network(**options)
    model = distributed.DataParallel(inner, comm, bucket_cap_mb=cap, algorithm=algorithm)
    rule = OPTIMIZERS[optimizer](model.parameters())
    states = []
    for batch in batches:
        step(model, rule, *part(batch, comm.rank, comm.size), options.get("device"))
        rule.step()
        states.append(inner.state_dict())
    return states


def served(comm, batches, optimizer="sgd", staleness=0, backups=0, delays=None, **options):
    """(the final state, what the server reports, how many gradients of this worker were dropped)."""
    model = network(**options)
    rule = OPTIMIZERS[optimizer](model.parameters())
    server = distributed.ParameterServer(model, rule, comm, staleness=staleness, backups=backups)
    report = None
    if server.is_server:
        report = server.serve()
    else:
        for i, batch in enumerate(batches):
            step(model, rule, *part(batch, server.worker, server.workers), options.get("device"))
            if delays is not None:
                comm.sleep(delays[server.worker][i])
            server.step()
        server.close()
    distributed.check_in_sync(model, comm)
    return model.state_dict(), report, server.dropped


def same_bits(one, other):
    """Whether two states have the same arrays, to the last bit."""
    return one.keys() == other.keys() and all(one[name].tobytes() == other[name].tobytes() for name in one)
