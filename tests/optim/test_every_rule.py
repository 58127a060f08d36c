"""Every optimizer there is, as it comes: the program on the cpu, and the kernel, are the formula."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as te
from tests.backend.boxed import BoxedBackend
from tests.kernels.conftest import device  # noqa: F401 - a fixture
from tinygrad_edu import optim
from tinygrad_edu.backend import registry
from tinygrad_edu.backend.cuda.families.optim import STEPS

RULES = [c for c in vars(optim).values() if isinstance(c, type) and issubclass(c, optim.Optimizer)]
RULES.remove(optim.Optimizer)
RULES.remove(optim.LBFGS)  # it needs a closure: tests/optim/test_lbfgs.py
EVERY = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
SHAPES = ((3, 4), (), (5,), (0, 2))


def shapes_of(rule):
    """Shapes that it updates; Muon only has matrices."""
    return ((3, 4), (4, 2), (1, 1)) if rule is optim.Muon else SHAPES


def walk(make, where, steps=4, dtype="float64"):
    """(parameters, their state) after some steps of `make(parameters)` on a device."""
    rng = np.random.default_rng(0)
    params = [
        te.tensor(rng.normal(size=s).astype(dtype), device=where, requires_grad=True) for s in shapes_of(make)
    ]
    optimizer = make(params)
    for _ in range(steps):
        for p in params:
            p.grad = te.tensor(rng.normal(size=p.shape).astype(dtype), device=where)
        optimizer.step()
    rows = optimizer.state_dict()["state"]
    return [p.numpy() for p in params], [
        a for i in rows for a in rows[i].values() if isinstance(a, np.ndarray)
    ]


def by_hand(rule, steps=4):
    """The same by calling the formula, and nothing else, with NumPy's arrays."""
    rng = np.random.default_rng(0)
    params = [rng.normal(size=s) for s in shapes_of(rule)]
    optimizer = rule([te.tensor(p, requires_grad=True) for p in params])
    (group,) = optimizer.param_groups
    states = [[np.full(p.shape, number) for number in optimizer.start(group)] for p in params]
    scalars = [() for _ in params]
    for step in range(1, steps + 1):
        for i, p in enumerate(params):
            g = np.asarray(rng.normal(size=p.shape))
            last, scalars[i] = scalars[i], optimizer.advance(group, step, scalars[i])
            numbers = optimizer.numbers(group, step, *(last if optimizer.ahead else scalars[i]))
            params[i], *states[i] = optimizer.formula(p, g, states[i], numbers, group)
    return params, [s for state in states for s in state]


def same(found, wanted, **how):
    for a, b in zip((*found[0], *found[1]), (*wanted[0], *wanted[1]), strict=True):
        np.testing.assert_allclose(a, b, **(how or {"rtol": 0, "atol": 0}))


@EVERY
def test_the_program_in_place_is_the_formula_to_the_bit(rule):
    how = {} if rule.elementwise else {"rtol": 1e-12, "atol": 1e-14}  # ops sum in another order than NumPy
    same(walk(rule, "cpu"), by_hand(rule), **how)


@EVERY
def test_a_device_without_kernels_applies_the_formula(rule):
    registry.register("boxed", BoxedBackend)
    same(walk(rule, "boxed"), by_hand(rule), rtol=1e-12, atol=1e-14)


@EVERY
def test_its_kernel_is_the_formula(rule, device):  # noqa: F811 - the fixture
    same(walk(rule, device.name), by_hand(rule), rtol=1e-12, atol=1e-14)


def test_the_kernels_are_the_rules_that_name_them():
    named = {rule.kernel for rule in RULES}
    assert set(STEPS) <= named, f"kernels/optim/rules.cuh has kernels of no rule: {set(STEPS) - named}"


class Backwards(optim.SGD):
    """Up the gradient: a rule that inherits from one that has a kernel."""

    def formula(self, p, g, state, numbers, group):
        return p + g * numbers[0], *state


def test_a_rule_with_another_formula_has_not_the_kernel_of_its_parent(device):  # noqa: F811 - the fixture
    assert optim.SGD.kernel == "sgd_step" and optim.AdamW.kernel == "adam_step" and Backwards.kernel == ""
    same(walk(Backwards, device.name), by_hand(Backwards), rtol=1e-12)
    same(walk(Backwards, "cpu"), by_hand(Backwards))


@pytest.mark.cpu
@pytest.mark.parametrize(
    ("formula", "says"),
    [
        (lambda p, g, numbers, group: p - g * group["lr"], "'lr'"),
        (lambda p, g, numbers, group: p - (g if numbers[0] else p), "ask the settings"),
    ],
)
def test_a_formula_that_would_be_written_down_with_one_number_is_refused(formula, says):
    class Wrong(optim.SGD):
        def formula(self, p, g, state, numbers, group):
            return (formula(p, g, numbers, group),)

    w = te.tensor([1.0], requires_grad=True)
    w.grad = te.tensor([1.0])
    with pytest.raises(TypeError, match=says):
        Wrong([w], lr=0.5).step()


@pytest.mark.cpu
def test_the_program_that_the_design_page_shows_is_the_one_that_runs():
    w = te.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.5, momentum=0.9)
    w.grad = te.tensor([1.0])
    optimizer.step()
    ((program,),) = (programs.values() for programs in optimizer._programs[0].values())
    page = Path(__file__).parents[2] / "docs" / "design" / "0006-events-doors-and-one-rule.md"
    assert program.source in page.read_text()


@pytest.mark.cpu
@pytest.mark.parametrize("rule", [r for r in RULES if r.elementwise], ids=lambda rule: rule.__name__)
def test_a_program_needs_little_memory_of_its_own(rule):
    w = te.tensor([1.0], requires_grad=True)
    known = inspect.signature(rule).parameters
    options = {"weight_decay": 0.1, "momentum": 0.5}
    optimizer = rule([w], **{name: value for name, value in options.items() if name in known})
    w.grad = te.tensor([1.0])
    optimizer.step()
    ((program,),) = (programs.values() for programs in optimizer._programs[0].values())
    assert len(program.scratch) <= 2, program.source


@pytest.mark.cpu
def test_a_schedule_makes_no_new_program():
    w = te.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.5)
    for lr in (0.5, 0.25, 0.125):
        optimizer.param_groups[0]["lr"] = lr
        w.grad = te.tensor([1.0])
        optimizer.step()
    assert w.item() == 1 - 0.5 - 0.25 - 0.125
    (programs,) = optimizer._programs
    assert len(programs) == 1
    optimizer.param_groups[0]["momentum"] = 0.5
    optimizer.step()
    assert len(programs) == 2


@EVERY
@pytest.mark.parametrize(
    "how", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["copy", "pickle"]
)
def test_a_copy_goes_on_as_the_original(rule, how):
    w = te.tensor([[1.0, 2.0]], requires_grad=True)
    optimizer = rule([w])
    w.grad = te.tensor([[0.5, -1.0]])
    optimizer.step()
    twin = how(optimizer)
    (other,) = twin.param_groups[0]["params"]
    for one, p in ((optimizer, w), (twin, other)):
        p.grad = te.tensor([[0.25, 3.0]])
        one.step()
    assert other is not w and other.tolist() == w.tolist()
