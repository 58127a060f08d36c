"""Optimizer steps on the device: every rule and rung against the cpu's, many tensors, one launch."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tests.kernels.harness import RUNGS, bugs_of, checked, planted, report
from tests.optim.test_rules import RULES, gradient
from tinygrad_edu import optim
from tinygrad_edu.backend.cuda.device.kernels import Kernel
from tinygrad_edu.backend.cuda.families import optim as stepping
from tinygrad_edu.backend.cuda.families import using

SIZES = [(3, 5), (1,), (), (0, 4), (17,), (64, 33)]
IDS = [f"{r.__name__}-{'-'.join(o) or 'defaults'}" for r, o, _ in RULES]


def walk(rule, options, where, dtype, shapes=SIZES, steps=4):
    """The parameters after some steps; one of them joins late, as one whose gradient was None at first."""
    rng = np.random.default_rng(0)
    params = [te.tensor(rng.normal(size=s).astype(dtype), device=where, requires_grad=True) for s in shapes]
    optimizer = rule(params, **options)
    for t in range(steps):
        for i, w in enumerate(params):
            late = i == 1 and t == 0
            w.grad = None if late else te.tensor(gradient(w.numpy(), t).astype(dtype), device=where)
        optimizer.step()
    return [w.numpy() for w in params], optimizer


@pytest.mark.parametrize(("rule", "options"), [(r, o) for r, o, _ in RULES], ids=IDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_are_the_cpus(device, rule, options, dtype):
    here, there = (walk(rule, options, where, dtype) for where in ("cpu", device.name))
    for a, b in zip(here[0], there[0], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=2e-5 if dtype == "float32" else 1e-12, atol=1e-6)
    states = [o.state_dict()["state"] for _, o in (here, there)]
    assert states[0].keys() == states[1].keys()
    for i, row in states[0].items():
        for name, value in row.items():
            np.testing.assert_allclose(states[1][i][name], value, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("rung", RUNGS("optim"))
@pytest.mark.parametrize(
    ("rule", "options"),
    [(RULES[i][0], RULES[i][1]) for i in (0, 5, 8, 11, 14, 15, 18)],
    ids=["sgd", "nesterov", "adam", "adagrad", "rmsprop", "amsgrad", "centered"],
)
def test_every_rung_under_the_checker(device, rung, rule, options):
    wanted = walk(rule, options, "cpu", "float32", steps=2)[0]

    @checked
    def body():
        with using("optim", rung):
            found = walk(rule, options, device.name, "float32", steps=2)[0]
        for a, b in zip(wanted, found, strict=True):
            np.testing.assert_allclose(b, a, rtol=2e-5, atol=1e-6)

    body()


def test_fifty_tensors_take_two_launches(device, monkeypatch):
    launches = []
    launch = Kernel.launch
    monkeypatch.setattr(Kernel, "launch", lambda self, *a: (launches.append(self.symbol), launch(self, *a)))
    walk(optim.Adam, {"lr": 0.1}, device.name, "float32", shapes=[(3,)] * 50, steps=2)
    steps = [name for name in launches if name == "adam_step"]
    assert len(steps) == 2 + 3  # the late one is at another step than the rest, from the second on


def test_a_strided_gradient_and_a_strided_parameter(device):
    for turned in (False, True):
        ends = []
        for where in ("cpu", device.name):
            w = te.tensor(np.arange(6.0).reshape(2, 3), device=where)
            w = (w.T if turned else w).detach().requires_grad_()
            optimizer = optim.SGD([w], lr=0.1, momentum=0.5)
            for _ in range(2):
                w.grad = None
                (w * w).sum().backward()
                optimizer.step()
            ends.append(w.numpy())
        np.testing.assert_allclose(ends[1], ends[0], rtol=1e-12)


@bugs_of("optim")
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, rung, old, new, says):
    def body():
        base = device.asarray(np.ones(4001, np.float32))
        p, g = (
            device.view(base if k else device.asarray(np.ones(4001, np.float32)), (4000,), (4,), 4)
            for k in (0, 1)
        )
        with planted("optim", rung, old, new):
            stepping.step(device, "sgd_step", [(p, g)], (0.1, 0.0, 1.0, 0.0), False)
            device.synchronize()

    assert says in report(body)
