"""A schedule's state is loaded into one with the same settings only; each schedule knows its optimizer."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from tests.optim.test_lr_scheduler import facts, made, one_step
from tinygrad_edu import optim
from tinygrad_edu.optim import lr_scheduler as ours


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


SETTINGS = [  # a schedule, and others of its class that differ from it in the one setting
    (lambda o: ours.StepLR(o, 3, 0.5), {"step_size": lambda o: ours.StepLR(o, 4, 0.5),
                                        "gamma": lambda o: ours.StepLR(o, 3, 0.25)}),
    (lambda o: ours.MultiStepLR(o, [2, 2, 5]), {"milestones": lambda o: ours.MultiStepLR(o, [2, 5])}),
    (lambda o: ours.ConstantLR(o, 0.5), {"factor": lambda o: ours.ConstantLR(o, 0.25),
                                         "total_iters": lambda o: ours.ConstantLR(o, 0.5, 7)}),
    (lambda o: ours.LinearLR(o), {"start_factor": lambda o: ours.LinearLR(o, 0.5),
                                  "end_factor": lambda o: ours.LinearLR(o, end_factor=0.5),
                                  "total_iters": lambda o: ours.LinearLR(o, total_iters=10)}),
    (lambda o: ours.ExponentialLR(o, 0.5), {"gamma": lambda o: ours.ExponentialLR(o, 0.6)}),
    (lambda o: ours.PolynomialLR(o), {"power": lambda o: ours.PolynomialLR(o, power=2)}),
    (lambda o: ours.CosineAnnealingLR(o, 5), {"T_max": lambda o: ours.CosineAnnealingLR(o, 9),
                                              "eta_min": lambda o: ours.CosineAnnealingLR(o, 5, 0.01)}),
    (lambda o: ours.CosineAnnealingWarmRestarts(o, 5),
     {"T_mult": lambda o: ours.CosineAnnealingWarmRestarts(o, 5, 2)}),
    (lambda o: ours.CyclicLR(o, 0.1, 0.5, 4), {"max_lr": lambda o: ours.CyclicLR(o, 0.1, [0.5, 0.6], 4),
                                               "step_size_down": lambda o: ours.CyclicLR(o, 0.1, 0.5, 4, 5),
                                               "scale_fn": lambda o: ours.CyclicLR(o, 0.1, 0.5, 4,
                                                                                   scale_fn=abs)}),
    (lambda o: ours.OneCycleLR(o, 0.5, 20), {"total_steps": lambda o: ours.OneCycleLR(o, 0.5, 30),
                                             "three_phase": lambda o: ours.OneCycleLR(o, 0.5, 20,
                                                                                      three_phase=True)}),
    (lambda o: ours.LambdaLR(o, optim.LinearWarmup(5)),
     {"lr_lambda": lambda o: ours.LambdaLR(o, optim.LinearWarmup(6))}),
    (lambda o: ours.ReduceLROnPlateau(o), {"patience": lambda o: ours.ReduceLROnPlateau(o, patience=3),
                                           "min_lr": lambda o: ours.ReduceLROnPlateau(o, min_lr=[0, 0.1])}),
    (lambda o: ours.SequentialLR(o, [ours.StepLR(o, 2), ours.StepLR(o, 3)], [4]),
     {"milestones": lambda o: ours.SequentialLR(o, [ours.StepLR(o, 2), ours.StepLR(o, 3)], [5]),
      "step_size": lambda o: ours.SequentialLR(o, [ours.StepLR(o, 2), ours.StepLR(o, 9)], [4])}),
    (lambda o: ours.ChainedScheduler([ours.StepLR(o, 2)]),
     {"gamma": lambda o: ours.ChainedScheduler([ours.StepLR(o, 2, 0.3)])}),
    (lambda o: optim.swa_utils.SWALR(o, 0.1), {"swa_lr": lambda o: optim.swa_utils.SWALR(o, 0.2),
                                               "anneal_strategy": lambda o: optim.swa_utils.SWALR(
                                                   o, 0.1, anneal_strategy="linear")}),
    (lambda o: optim.Schedule(o, optim.LinearWarmup(5)),
     {"factors": lambda o: optim.Schedule(o, optim.StepLR(1, 0.1))}),
    (lambda o: optim.Schedule(o, optim.LinearWarmup(5), abs), {"factors": lambda o: optim.Schedule(o, abs)}),
]  # fmt: skip
DIFFERENT = [(make, name, other) for make, others in SETTINGS for name, other in others.items()]


@pytest.mark.parametrize(("make", "name", "other"), DIFFERENT)
def test_a_state_of_other_settings_is_refused_whole(make, name, other):
    saved, here = make(made()), made()
    one_step(saved, 0)
    schedule = other(here)
    before = repr((schedule.state_dict(), facts(here)))
    with pytest.raises(ValueError, match=rf"{name} is .* in the state and .* here.*nothing was loaded"):
        schedule.load_state_dict(json.loads(json.dumps(saved.state_dict())))
    assert repr((schedule.state_dict(), facts(here))) == before


def without_settings(state):
    """The state as older versions have saved it."""
    inner = (
        {"schedulers": [without_settings(one) for one in state["schedulers"]]}
        if "schedulers" in state
        else {}
    )
    return {name: value for name, value in state.items() if name != "settings"} | inner


@pytest.mark.parametrize(("make", "name", "other"), DIFFERENT)
def test_an_older_state_has_no_settings_and_is_loaded(make, name, other):
    saved = make(made())
    one_step(saved, 0)
    optimizer = made(rates=(0.7, 0.8))
    schedule = other(optimizer)
    schedule.load_state_dict(without_settings(saved.state_dict()))
    assert [group["lr"] for group in optimizer.param_groups] == [
        g["lr"] for g in saved.optimizer.param_groups
    ]


@pytest.mark.parametrize(("one", "other"), [
    (lambda o: ours.OneCycleLR(o, 0.5, 20), lambda o: ours.OneCycleLR(o, (0.5, 0.5), np.int64(20))),
    (lambda o: ours.MultiStepLR(o, [2, 5]), lambda o: ours.MultiStepLR(o, np.array([5, 2]))),
    (lambda o: ours.StepLR(o, 3, 1), lambda o: ours.StepLR(o, 3, 1.0)),
    (lambda o: optim.Schedule(o, optim.StepLR(3, 1)), lambda o: optim.Schedule(o, optim.StepLR(3, 1.0))),
    (lambda o: ours.LambdaLR(o, lambda t: 1.0), lambda o: ours.LambdaLR(o, [lambda t: 1.0, lambda t: 2.0])),
])  # fmt: skip
def test_the_same_settings_in_other_words_are_the_same(one, other):
    saved, schedule = one(made()), other(made())
    one_step(saved, 0)
    schedule.load_state_dict(json.loads(json.dumps(saved.state_dict())))
    assert rates(schedule.optimizer) == rates(saved.optimizer)


@pytest.mark.parametrize("odd", [
    None, 3, [1], "x", {"speed": 1}, {"step_size": None}, {"step_size": []}, {"step_size": True},
    {"step_size": "3"}, {"step_size": [[3]]}, {"gamma": math.nan}, {"gamma": {}}])  # fmt: skip
def test_forged_settings_are_refused_whole(odd):
    schedule = ours.StepLR(made(), 1)
    state = {**schedule.state_dict(), "settings": odd, "last_epoch": 5}
    before = repr(schedule.state_dict())
    with pytest.raises(ValueError, match="nothing was loaded"):
        schedule.load_state_dict(state)
    assert repr(schedule.state_dict()) == before


def test_a_factor_of_the_user_is_compared_if_its_text_says_all():
    @dataclasses.dataclass
    class Halved:
        every: int

        def __call__(self, step):
            return 0.5 ** (step // self.every)

    class Other(Halved):
        pass

    state = optim.Schedule(made(), Halved(2)).state_dict()
    assert state["settings"] == {"factors": ["Halved(every=2)"]}
    optim.Schedule(made(), Halved(2)).load_state_dict(state)
    for factor in (Halved(3), Other(2), lambda t: 0.5 ** (t // 2)):
        with pytest.raises(ValueError, match="factors is"):
            optim.Schedule(made(), factor).load_state_dict(state)


@pytest.mark.parametrize("make", [make for make, _ in SETTINGS])
def test_every_schedule_has_its_optimizer_and_refuses_an_argument_of_a_step(make):
    optimizer = made()
    schedule = make(optimizer)
    assert schedule.optimizer is optimizer
    if isinstance(schedule, ours.ReduceLROnPlateau):
        return
    before = repr((schedule.state_dict(), facts(optimizer)))
    for call in (lambda: schedule.step(2.5), lambda: schedule.step(epoch=2), lambda: schedule.step(None)):
        with pytest.raises(TypeError, match=r"step: it takes no argument, not .*write schedule\.step\(\)"):
            call()
    assert repr((schedule.state_dict(), facts(optimizer))) == before
