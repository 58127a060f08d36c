"""torch.optim.swa_utils: averages of weights, by the library's (`tinygrad_edu.optim.averages`)."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.optim import averages
from tinygrad_edu.torch.core.border import faced
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.nn.module import Module
from tinygrad_edu.torch.optim.scheduler import LRScheduler, Scheduled, for_groups

__all__ = ["AveragedModel", "update_bn", "SWALR", "get_ema_multi_avg_fn", "get_swa_multi_avg_fn",
           "get_ema_avg_fn", "get_swa_avg_fn"]  # fmt: skip
_Rule: Any = averages.SWALR


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, outside the graph."""

    def called(*args: Any) -> Any:
        with te.no_grad():
            return function(*args)

    return called


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Any]:
    """The function of an exponential moving average; `decay` in [0, 1] is the share that it keeps."""
    return _quiet(averages.get_ema_avg_fn(decay))


def get_swa_avg_fn() -> Callable[..., Any]:
    """The function of the mean of all models so far."""
    return _quiet(averages.get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., Any]:
    """`get_ema_avg_fn` for lists of tensors: it writes the new averages into the old ones."""
    return _quiet(averages.get_ema_multi_avg_fn(decay))


def get_swa_multi_avg_fn() -> Callable[..., Any]:
    """`get_swa_avg_fn` for lists of tensors: it writes the new averages into the old ones."""
    return _quiet(averages.get_swa_multi_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's; it is called like the model.

    avg_fn        the new average, from (the old one, the current parameter, how many models it is of)
    multi_avg_fn  writes new averages into a list of the old ones instead; give one of them, or none for the
    mean use_buffers   whether buffers are averaged, too; without, each update copies them
    """

    def __init__(
        self,
        model: Any,
        device: Any = None,
        avg_fn: Any = None,
        multi_avg_fn: Any = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise wrong(
                AssertionError, "AveragedModel", "Only one of avg_fn and multi_avg_fn should be provided"
            )
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", faced(te.tensor(0)))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model computes."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Any) -> None:
        """Take the current parameters of `model` into the averages; the first call copies them."""
        ours, theirs = [self.module.parameters()], [model.parameters()]
        if self.use_buffers:
            ours, theirs = [*ours, self.module.buffers()], [*theirs, model.buffers()]
        pairs = [
            (old.detach(), new.detach().to(old.device))
            for old, new in zip(itertools.chain(*ours), itertools.chain(*theirs))
        ]
        count = self.n_averaged
        if int(count) == 0:
            for old, new in pairs:
                old.copy_(new)
        elif self.multi_avg_fn is not None:
            for kind in dict.fromkeys((old.device, old.dtype) for old, _ in pairs):
                same = [pair for pair in pairs if (pair[0].device, pair[0].dtype) == kind]
                self.multi_avg_fn([old for old, _ in same], [new for _, new in same], count)
        else:
            average = self.avg_fn or get_swa_avg_fn()
            for old, new in pairs:
                old.copy_(average(old, new, count))
        if not self.use_buffers:
            for old, new in zip(self.module.buffers(), model.buffers(), strict=True):
                old.detach().copy_(new.detach().to(old.device))
        count.add_(1)


def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Compute the running statistics of all batch normalisations in `model` once more, from all of `loader`.

    A batch is an input, or a tuple or list that begins with one; it is moved to `device`, if that is given.
    """
    norms = [m for m in model.modules() if hasattr(m, "reset_running_stats") and hasattr(m, "momentum")]
    norms = [m for m in norms if getattr(m, "track_running_stats", False) and "Batch" in _names(m)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    was_training = model.training
    with te.no_grad():
        model.train()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean of all batches
        for batch in loader:
            x = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(x if device is None else x.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)


def _names(module: Any) -> str:
    return " ".join(kind.__name__ for kind in type(module).__mro__)


class SWALR(Scheduled, _Rule):  # type: ignore[misc]
    """Moves the rates to constant ones, `swa_lr`, at which weights are then averaged."""

    def __init__(
        self,
        optimizer: Any,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for lr, group in zip(for_groups("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise wrong(
                ValueError,
                "SWALR",
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}",
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise wrong(
                ValueError, "SWALR", f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}"
            )
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        LRScheduler.__init__(self, optimizer, last_epoch)

    anneal_strategy = property(lambda self: self._anneal_strategy)
    swa_lr = property(lambda self: [group["swa_lr"] for group in self.groups])


__getattr__ = missing_from("torch.optim.swa_utils")
