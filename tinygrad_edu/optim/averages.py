"""Averages of weights: AveragedModel keeps a running mean of a model's parameters, SWALR the rate for it.

    SWA   a' = a + (w - a) / (n + 1)            the mean of all weights so far
    EMA   a' = a + (w - a) (1 - decay)          the recent weights count most

Averaged weights often predict better than the last ones. The statistics of batch normalisation belong to
weights. An average has those of the last ones, so `update_bn` computes them once more for averaged weights;
or `use_buffers=True` averages them, too.

Sources: Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, "Averaging weights leads to wider optima and better
generalization", arXiv 1803.05407; Polyak, Juditsky, "Acceleration of stochastic approximation by averaging",
1992.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import wrong
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.scheduler import LRScheduler, Rates
from tinygrad_edu.scalars import number
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.words import explaining

Average = Callable[
    [Tensor, Tensor, Any], Tensor
]  # (average, current, number of averaged models) -> new average

MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], Any]  # it writes into the averages


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The function of an exponential moving average; `decay` in [0, 1] is the share that it keeps."""
    decay = number(decay, "get_ema_avg_fn: decay")
    if not 0.0 <= decay <= 1.0:
        raise wrong(ValueError, "get_ema_avg_fn", f"decay={decay} must be in [0, 1]")

    def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        return averaged + (current - averaged) * (1.0 - decay)

    average.__qualname__ = f"ema {decay}"
    return average


def get_swa_avg_fn() -> Average:
    """The function of the mean of all models so far."""

    def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        return averaged + (current - averaged) / (count + 1)

    average.__qualname__ = "mean"
    return average


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """`get_ema_avg_fn` for lists of tensors: it writes the new averages into the old ones."""
    return _of_each(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> MultiAverage:
    """`get_swa_avg_fn` for lists of tensors: it writes the new averages into the old ones."""
    return _of_each(get_swa_avg_fn())


def _of_each(average: Average) -> MultiAverage:
    def averages(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Any) -> None:
        for old, new in zip(averaged, current, strict=True):
            old.copy_(average(old, new, count))

    averages.__qualname__ = getattr(average, "__qualname__", type(average).__qualname__)
    return averages


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's; it is called like the model.

    Parameters
    ----------
    model
        The model to copy. It is not changed.
    device
        Where the averages are kept; by default, where the model's parameters are.
    avg_fn
        The new average, from (the old one, the current parameter, how many models it is of); by default their
        mean. `get_ema_avg_fn(0.999)` makes an exponential moving average.
    multi_avg_fn
        Instead of `avg_fn`: writes the new averages into a list of the old ones, from (that list, the list of
        the current parameters, how many models they are of), as `get_ema_multi_avg_fn(0.999)` does.
    use_buffers
        Whether buffers are averaged, too. Without, each update copies the model's, and `update_bn` renews
        those of batch normalisation. Buffers of integers are always copied.

    Its `state_dict` has the averages as `module.*` and the count as `n_averaged`;
    `nn.save_checkpoint(path, model=model, parts={"average": averaged})` saves it with a run.
    """

    never_negative = ("n_averaged",)
    n_averaged: Tensor

    def __init__(
        self,
        model: Any,
        device: str | None = None,
        avg_fn: Any = None,
        multi_avg_fn: Any = None,
        use_buffers: bool = False,
    ) -> None:
        if not isinstance(model, Module):
            problem = f"model is a {type(model).__name__}, not a module"
            raise wrong(TypeError, "AveragedModel", problem, "pass the model itself")
        for name, function in (("avg_fn", avg_fn), ("multi_avg_fn", multi_avg_fn)):
            if not (function is None or callable(function)):
                problem = f"{name}={function!r:.60} is no function"
                remedy = f"such as optim.swa_utils.get_ema_{name}(0.999)"
                raise wrong(TypeError, "AveragedModel", problem, remedy)
        if avg_fn is not None and multi_avg_fn is not None:
            problem = "avg_fn and multi_avg_fn are both given"
            raise wrong(ValueError, "AveragedModel", problem, "give one of them")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.register_buffer("n_averaged", F.tensor(0))
        self.multi_avg_fn = multi_avg_fn or _of_each(avg_fn or get_swa_avg_fn())
        self.use_buffers = bool(use_buffers)

    @property
    def rule(self) -> str:
        """How it averages: "ema 0.999", "mean", or what its function is called; and whether buffers, too."""
        of = self.multi_avg_fn
        return getattr(of, "__qualname__", type(of).__qualname__) + ", use_buffers" * self.use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Any) -> None:
        """Take the current parameters of `model` into the averages; the first call copies them.

        Buffers are averaged with `use_buffers`, and copied without. Raises ValueError for a model with other
        parameters or buffers; then nothing is changed.
        """
        title = "AveragedModel.update_parameters"
        if not isinstance(model, Module):
            raise wrong(TypeError, title, f"model is a {type(model).__name__}, not a module")
        averages, current = _tensors(self.module), _tensors(model)
        shapes = {name: average.shape for name, average in averages.items()}
        if shapes != {name: tensor.shape for name, tensor in current.items()}:
            odd = sorted(set(shapes.items()) ^ {(name, tensor.shape) for name, tensor in current.items()})
            problem = f"the model has other parameters or buffers than the copy: {odd[0][0]} {odd[0][1]}"
            raise wrong(ValueError, title, problem, "pass the model that was averaged so far")
        count = int(self.n_averaged.item())
        copied = set() if self.use_buffers else {name for name, _ in model.named_buffers()}
        with no_grad():
            fresh = {name: current[name].detach().to(average.device) for name, average in averages.items()}
            mixed = {
                name: average.detach().clone()
                for name, average in averages.items()
                if count and name not in copied and dtypes.is_floating(average.dtype)
            }
            if mixed:
                latest = [fresh[name].cast(average.dtype) for name, average in mixed.items()]
                self.multi_avg_fn(list(mixed.values()), latest, count)
            for name, new in {**fresh, **mixed}.items():
                averages[name].detach().copy_(new)
            self.n_averaged.copy_(self.n_averaged + 1)


def _tensors(model: Module) -> dict[str, Tensor]:
    """Parameters and buffers by name."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def update_bn(loader: Iterable[Any], model: Module, device: str | None = None) -> None:
    """Compute the running statistics of all batch normalisations in `model` once more, from all of `loader`.

    A batch is an input, or a tuple or list that begins with one; it is moved to `device`, if that is given.
    The model is in training mode meanwhile. After an error, the statistics and modes are those from before.
    """
    norms = [m for m in model.modules() if isinstance(m, BatchNorm1d | BatchNorm2d | BatchNorm3d)]
    norms = [norm for norm in norms if norm.running_mean is not None]
    if not norms:
        return
    modes = [(module, module.training) for module in model.modules()]
    momenta = [norm.momentum for norm in norms]
    buffers = [b for norm in norms for b in (norm.running_mean, norm.running_var, norm.num_batches_tracked)]
    with no_grad():
        before = [(buffer, buffer.detach().clone()) for buffer in buffers]
        try:
            for norm in norms:
                norm.running_mean.zero_()
                norm.running_var.copy_(F.ones_like(norm.running_var))
                norm.num_batches_tracked.zero_()
                norm.momentum = None  # the mean of all batches
            model.train()
            for batch in loader:
                x = F.as_tensor(batch[0] if isinstance(batch, list | tuple) else batch)
                model(x if device is None else x.to(device))
        except BaseException:
            for buffer, old in before:
                buffer.copy_(old)
            raise
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
            for module, mode in modes:
                module.training = mode


class SWALR(LRScheduler):
    """Moves the rates to constant ones, at which weights are then averaged.

    swa_lr           the constant rate, for all groups or a list of one per group
    anneal_epochs    the steps until it is reached
    anneal_strategy  "cos" or "linear": the form of the way
    """

    settings = ("swa_lr", "anneal_epochs", "anneal_strategy")
    counts = ("anneal_epochs",)

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
    ) -> None:
        self.optimizer = self._checked_optimizer(optimizer)
        self.swa_lr = swa_lr
        self._for_groups("swa_lr", swa_lr)
        self.anneal_epochs = self._count("anneal_epochs", anneal_epochs, 0)
        self.anneal_strategy = self._choice("anneal_strategy", anneal_strategy, ("cos", "linear"))
        super().__init__(optimizer)

    def _share(self, step: int) -> float:
        """The share of the constant rate after `step` steps."""
        way = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return way if self.anneal_strategy == "linear" else (1.0 - math.cos(math.pi * way)) / 2.0

    def get_lr(self) -> Rates:
        step = max(1, self.steps) if self.anneal_epochs == 0 else self.steps
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for lr, last in zip(self.rates(), self._for_groups("swa_lr", self.swa_lr), strict=True):
            first = last if before == 1.0 else (lr - before * last) / (1.0 - before)
            rates.append(last * now + first * (1.0 - now))
        return rates


setattr(AveragedModel, "__init__", explaining(AveragedModel.__init__, "AveragedModel"))  # noqa: B010
