"""torch.optim.lr_scheduler and swa_utils: the sequences of rates and momenta, and the saved states."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from typing import Any


def optimizer_of(t: Any, kind: str = "SGD", **settings: Any) -> Any:
    """An optimizer with two groups."""
    params = [t.ones(2, requires_grad=True), t.zeros(3, requires_grad=True)]
    if kind == "SGD":
        settings = {"momentum": 0.9} | settings
    return getattr(t.optim, kind)(
        [{"params": params[:1], "lr": 0.5}, {"params": params[1:]}], lr=0.1, **settings
    )


def seen(optimizer: Any, scheduler: Any) -> list[Any]:
    """What a schedule has changed."""
    found = []
    for group in optimizer.param_groups:
        momentum = group["betas"][0] if "betas" in group else group.get("momentum", 0.0)
        found += [float(group["lr"]), float(momentum)]
    return [*found, [float(lr) for lr in scheduler.get_last_lr()], scheduler.last_epoch]


def follow(optimizer: Any, scheduler: Any, steps: int, *scores: float) -> list[Any]:
    """What is seen after each step, and the keys of the groups."""
    found = [seen(optimizer, scheduler)]
    for i in range(steps):
        optimizer.step()
        scheduler.step(*scores[i : i + 1])
        found.append(seen(optimizer, scheduler))
    return [found, [sorted(group) for group in optimizer.param_groups]]


def rates(name: str, *given: Any, kind: str = "SGD", steps: int = 12, **settings: Any) -> Callable[..., Any]:
    """A recipe: the rates of some steps, the middle of which are those of a copy from a saved state."""

    def recipe(t: Any, d: Any) -> Any:
        optimizer = optimizer_of(t, kind)
        make = getattr(t.optim.lr_scheduler, name)
        first = make(optimizer, *given, **settings)
        found = [first.last_epoch, follow(optimizer, first, steps // 2)]
        state = copy.deepcopy(first.state_dict())
        whole = copy.deepcopy(optimizer.state_dict())
        second_optimizer = optimizer_of(t, kind)
        second = make(second_optimizer, *given, **settings)
        second_optimizer.load_state_dict(whole)
        second.load_state_dict(state)
        return [*found, follow(second_optimizer, second, steps - steps // 2)]

    return recipe


def by_epoch(name: str, *given: Any, epochs: Any = (3, 1, 0, 7), **settings: Any) -> Callable[..., Any]:
    """A recipe: `step(epoch)`, which PyTorch warns of."""

    def recipe(t: Any, d: Any) -> Any:
        optimizer = optimizer_of(t)
        scheduler = getattr(t.optim.lr_scheduler, name)(optimizer, *given, **settings)
        optimizer.step()
        found = []
        with warnings.catch_warnings(record=True) as met:
            warnings.simplefilter("always")
            for epoch in epochs:
                scheduler.step(epoch)
                found.append(seen(optimizer, scheduler))
        return found, bool(met)

    return recipe


def continued(name: str, *given: Any, **settings: Any) -> Callable[..., Any]:
    """A recipe: a schedule that begins at `last_epoch=4`, with and without `initial_lr`."""

    def recipe(t: Any, d: Any) -> Any:
        optimizer = optimizer_of(t)
        for group in optimizer.param_groups:
            group["initial_lr"] = 0.4
        scheduler = getattr(t.optim.lr_scheduler, name)(optimizer, *given, last_epoch=4, **settings)
        return follow(optimizer, scheduler, 5)

    return recipe


def refused(name: str, *given: Any, kind: str = "SGD", **settings: Any) -> Callable[..., Any]:
    """A recipe: settings that raise."""
    return lambda t, d: getattr(t.optim.lr_scheduler, name)(optimizer_of(t, kind), *given, **settings)


def plateau(*scores: float, **settings: Any) -> Callable[..., Any]:
    """A recipe: rates after scores."""

    def recipe(t: Any, d: Any) -> Any:
        optimizer = optimizer_of(t)
        scheduler = t.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
        found = follow(optimizer, scheduler, len(scores) // 2, *scores)
        state = copy.deepcopy(scheduler.state_dict())
        again = t.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
        again.load_state_dict(state)
        rest = scores[len(scores) // 2 :]
        return (
            found,
            follow(optimizer, again, len(rest), *rest),
            again.in_cooldown,
            again.best,
            again.num_bad_epochs,
        )

    return recipe


def several(t: Any, optimizer: Any, which: int) -> Any:
    """A schedule made of others."""
    s = t.optim.lr_scheduler
    if which == 0:
        return s.SequentialLR(
            optimizer, [s.LinearLR(optimizer, 0.1, total_iters=3), s.CosineAnnealingLR(optimizer, 6)], [3]
        )
    if which == 1:
        return s.SequentialLR(
            optimizer,
            [s.ConstantLR(optimizer, 0.5, 2), s.ExponentialLR(optimizer, 0.8), s.StepLR(optimizer, 2)],
            [2, 5],
        )
    if which == 2:
        return s.ChainedScheduler([s.ConstantLR(optimizer, 0.1, 2), s.ExponentialLR(optimizer, 0.9)])
    if which == 3:
        inner = s.SequentialLR(
            optimizer, [s.LinearLR(optimizer, 0.5, total_iters=2), s.StepLR(optimizer, 2, 0.5)], [2]
        )
        return s.ChainedScheduler([inner, s.LambdaLR(optimizer, lambda i: 1.0)], optimizer)
    return s.SequentialLR(
        optimizer,
        [s.LinearLR(optimizer, 0.1, total_iters=2), s.CosineAnnealingWarmRestarts(optimizer, 3)],
        [2],
    )


def joined(which: int) -> Callable[..., Any]:
    def recipe(t: Any, d: Any) -> Any:
        optimizer = optimizer_of(t)
        scheduler = several(t, optimizer, which)
        found = []
        for _ in range(5):
            optimizer.step()
            scheduler.step()
            found.append(
                [lr for group in optimizer.param_groups for lr in (group["lr"],)] + scheduler.get_last_lr()
            )
        state, whole = copy.deepcopy(scheduler.state_dict()), copy.deepcopy(optimizer.state_dict())
        optimizer = optimizer_of(t)
        scheduler = several(t, optimizer, which)
        optimizer.load_state_dict(whole)
        scheduler.load_state_dict(state)
        for _ in range(5):
            optimizer.step()
            scheduler.step()
            found.append([group["lr"] for group in optimizer.param_groups] + scheduler.get_last_lr())
        return found

    return recipe


def misjoined(which: int) -> Callable[..., Any]:
    def recipe(t: Any, d: Any) -> Any:
        s, optimizer = t.optim.lr_scheduler, optimizer_of(t)
        one, other = s.StepLR(optimizer, 2), s.StepLR(optimizer_of(t), 2)
        made: list[Callable[[], Any]] = [
            lambda: s.SequentialLR(optimizer, [], []),
            lambda: s.SequentialLR(optimizer, [one, one], [1, 2]),
            lambda: s.SequentialLR(optimizer, [one, other], [2]),
            lambda: s.SequentialLR(optimizer, [one, s.ReduceLROnPlateau(optimizer)], [2]),
            lambda: s.SequentialLR(optimizer, [one, 1.0], [2]),
            lambda: s.ChainedScheduler([]),
            lambda: s.ChainedScheduler([one, other]),
        ]
        return made[which]()

    return recipe


def own(t: Any, d: Any) -> Any:
    """A program's own schedule, from the base and from its older name; one that asks for warnings."""

    class Warmup(t.optim.lr_scheduler._LRScheduler):
        def __init__(self, optimizer: Any, steps: int, last_epoch: int = -1) -> None:
            self.steps = steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self) -> list[float]:
            return [lr * min(1.0, (self.last_epoch + 1) / self.steps) for lr in self.base_lrs]

    optimizer = optimizer_of(t)
    scheduler = Warmup(optimizer, 4)
    isinstance_of_base = isinstance(scheduler, t.optim.lr_scheduler.LRScheduler)
    with warnings.catch_warnings(record=True) as met:
        warnings.simplefilter("always")
        scheduler.step()
        early = len(met)
    found = follow(optimizer, scheduler, 5)
    return found, isinstance_of_base, early, scheduler.get_lr(), sorted(scheduler.state_dict())


def keys(t: Any, d: Any) -> Any:
    """The names in the states of schedules without functions, which other tools read."""
    s = t.optim.lr_scheduler
    made = [
        s.StepLR(optimizer_of(t), 3),
        s.LinearLR(optimizer_of(t)),
        s.LambdaLR(optimizer_of(t), lambda i: 1.0),
    ]
    return [sorted(one.state_dict()) for one in made]


def a_tensor(t: Any, d: Any) -> Any:
    """A rate that is a tensor stays the same one."""
    rate = t.tensor(0.5)
    optimizer = t.optim.SGD([t.ones(2, requires_grad=True)], lr=rate)
    scheduler = t.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    return optimizer.param_groups[0]["lr"] is rate, rate, scheduler.get_last_lr(), scheduler.base_lrs


class Halving:
    """A function with a state."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, step: int) -> float:
        return self.rate**step


LR = "torch.optim.lr_scheduler."
RECIPES: dict[str, list[Any]] = {
    f"{LR}LRScheduler": [own, keys, a_tensor, lambda t, d: t.optim.lr_scheduler.StepLR(1.0, 2)],
    f"{LR}StepLR": [rates("StepLR", 3), rates("StepLR", 2, gamma=0.5), by_epoch("StepLR", 2),
                     continued("StepLR", 3)],
    f"{LR}MultiStepLR": [
        rates("MultiStepLR", [2, 5, 5]), by_epoch("MultiStepLR", [2, 5], 0.5),
        continued("MultiStepLR", [5, 7])],
    f"{LR}ConstantLR": [
        rates("ConstantLR"), rates("ConstantLR", 0.25, 3), by_epoch("ConstantLR", 0.5, 4),
        continued("ConstantLR", 0.5, 6), refused("ConstantLR", 1.5)],
    f"{LR}LinearLR": [
        rates("LinearLR"), rates("LinearLR", 0.1, 0.8, 7), by_epoch("LinearLR", 0.5, 0.9, 4),
        continued("LinearLR", 0.5, 1.0, 8), refused("LinearLR", 0.0), refused("LinearLR", 0.5, 1.5)],
    f"{LR}ExponentialLR": [
        rates("ExponentialLR", 0.9), by_epoch("ExponentialLR", 0.5), continued("ExponentialLR", 0.9)],
    f"{LR}PolynomialLR": [
        rates("PolynomialLR"), rates("PolynomialLR", 8, 2.0), by_epoch("PolynomialLR", 8, 0.5),
        continued("PolynomialLR", 12)],
    f"{LR}CosineAnnealingLR": [
        rates("CosineAnnealingLR", 4), rates("CosineAnnealingLR", 5, eta_min=0.01, steps=24),
        by_epoch("CosineAnnealingLR", 4, 0.1), continued("CosineAnnealingLR", 12)],
    f"{LR}LambdaLR": [
        rates("LambdaLR", lambda i: 1 / (i + 1)), rates("LambdaLR", [lambda i: 0.9**i, Halving(0.8)]),
        rates("LambdaLR", lambda i: 1.0 - i / 5), continued("LambdaLR", lambda i: 0.5**i),
        refused("LambdaLR", [lambda i: 1.0])],
    f"{LR}MultiplicativeLR": [
        rates("MultiplicativeLR", lambda i: 0.9), rates("MultiplicativeLR", [lambda i: 0.9, lambda i: 1 / i]),
        continued("MultiplicativeLR", lambda i: 0.5), refused("MultiplicativeLR", 0.5)],
    f"{LR}CosineAnnealingWarmRestarts": [
        rates("CosineAnnealingWarmRestarts", 4), rates("CosineAnnealingWarmRestarts", 2, 2, 0.01, steps=20),
        by_epoch("CosineAnnealingWarmRestarts", 3, epochs=(0.5, 1.25, 3, 7.5, 2)),
        by_epoch("CosineAnnealingWarmRestarts", 2, 3, epochs=(1.5, 2, 9.5, 30, 7)),
        refused("CosineAnnealingWarmRestarts", 0), refused("CosineAnnealingWarmRestarts", 4, 0),
        refused("CosineAnnealingWarmRestarts", 4, 1, "a")],
    f"{LR}CyclicLR": [
        rates("CyclicLR", 0.1, 0.5, 3), rates("CyclicLR", 0.1, [0.5, 0.3], 3, 2, "triangular2"),
        rates("CyclicLR", 0.1, 0.5, 3, mode="exp_range", gamma=0.9, kind="Adam"),
        rates("CyclicLR", 0.1, 0.5, 3, scale_fn=lambda x: 1 / x, cycle_momentum=False),
        rates("CyclicLR", 0.1, 0.5, 3, scale_fn=lambda x: 0.9**x, scale_mode="iterations", kind="AdamW"),
        refused("CyclicLR", 0.1, 0.5, kind="Adagrad"), refused("CyclicLR", 0.1, 0.5, mode="other"),
        refused("CyclicLR", [0.1], 0.5)],
    f"{LR}OneCycleLR": [
        rates("OneCycleLR", 0.5, 12),
        rates("OneCycleLR", [0.5, 0.2], epochs=3, steps_per_epoch=5, kind="Adam"),
        rates("OneCycleLR", 0.5, 14, three_phase=True, anneal_strategy="linear", pct_start=0.4),
        rates("OneCycleLR", 0.5, 12, cycle_momentum=False, div_factor=5, final_div_factor=10, kind="RMSprop"),
        rates("OneCycleLR", 0.5, 5), refused("OneCycleLR", 0.5), refused("OneCycleLR", 0.5, 0),
        refused("OneCycleLR", 0.5, 5, pct_start=2.0), refused("OneCycleLR", 0.5, 5, anneal_strategy="other"),
        refused("OneCycleLR", 0.5, 5, kind="Adagrad")],
    f"{LR}ReduceLROnPlateau": [
        plateau(*[1.0] * 24),
        plateau(1, 0.9, 0.95, 0.95, 0.95, 0.95, 0.8, 0.8, 0.8, 0.8, patience=1, factor=0.5),
        plateau(*[0.5, 0.6, 0.6, 0.6, math.nan, 0.6, 0.7, 0.6, 0.6, 0.6], mode="max", patience=1, cooldown=2,
                threshold_mode="abs", threshold=0.05),
        plateau(*[1.0] * 20, patience=0, min_lr=[0.01, 0.0], eps=1e-3),
        refused("ReduceLROnPlateau", factor=1.0), refused("ReduceLROnPlateau", mode="other"),
        refused("ReduceLROnPlateau", min_lr=[0.1])],
    f"{LR}SequentialLR": [joined(0), joined(1), joined(4), *map(misjoined, range(5))],
    f"{LR}ChainedScheduler": [joined(2), joined(3), misjoined(5), misjoined(6)],
}  # fmt: skip


def swalr(*given: Any, **settings: Any) -> Callable[..., Any]:
    """A recipe: rates that move to a constant one."""

    def recipe(t: Any, d: Any) -> Any:
        optimizer = optimizer_of(t)
        return follow(optimizer, t.optim.swa_utils.SWALR(optimizer, *given, **settings), 6)

    return recipe


def averaged(**settings: str) -> Callable[..., Any]:
    """A recipe: the average of a model's weights over some steps."""

    def recipe(t: Any, d: Any) -> Any:
        swa = t.optim.swa_utils
        model = t.nn.Linear(2, 3)
        functions = {
            key: getattr(swa, name)(*([0.9] if "ema" in name else [])) for key, name in settings.items()
        }
        average = swa.AveragedModel(model, **functions)
        for _ in range(4):
            with t.no_grad():
                for p in model.parameters():
                    p.copy_(d.floats(*p.shape, dtype="float32", grad=False))
            average.update_parameters(model)
        x = d.floats(4, 2, dtype="float32", grad=False)
        found = {name: value.detach().clone() for name, value in average.state_dict().items()}
        return found, average(x).detach()

    return recipe


def renewed(t: Any, d: Any) -> Any:
    """Statistics of batch normalisations, computed once more; others and the modes stay as they are."""
    model = t.nn.Sequential(
        t.nn.Linear(2, 3), t.nn.BatchNorm1d(3), t.nn.InstanceNorm1d(3), t.nn.ReLU()
    ).eval()
    for p in model.parameters():
        p.data.copy_(d.floats(*p.shape, dtype="float32", grad=False))
    batches = [d.floats(4, 2, dtype="float32", grad=False) for _ in range(3)]
    t.optim.swa_utils.update_bn([(batches[0], 1), batches[1], [batches[2]]], model[:2])
    norm = model[1]
    return dict(model.state_dict()), norm.momentum, model.training, norm.training


RECIPES |= {
    "torch.optim.swa_utils.update_bn": [renewed],
    "torch.optim.swa_utils.SWALR": [
        swalr(0.05), swalr([0.05, 0.3], 4, "linear"), swalr(0.05, 0), swalr(0.05, -1), swalr([0.1])],
    "torch.optim.swa_utils.AveragedModel": [
        averaged(), averaged(avg_fn="get_ema_avg_fn"), averaged(multi_avg_fn="get_ema_multi_avg_fn"),
        averaged(multi_avg_fn="get_swa_multi_avg_fn"), averaged(avg_fn="get_swa_avg_fn"),
        averaged(avg_fn="get_swa_avg_fn", multi_avg_fn="get_swa_multi_avg_fn")],
}  # fmt: skip
