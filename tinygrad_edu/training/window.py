"""Window: the batches of one update, whose gradients add up to that of one large batch."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import optim
from tinygrad_edu.distributed import DataParallel
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import wrong
from tinygrad_edu.training.steps import Result, result_of

if TYPE_CHECKING:
    from tinygrad_edu.training.loop import Loop


class Window:
    """The batches of one update. Their gradients add up to that of one large batch.

    A mean over the rows of all batches weights each batch by its rows. How many rows there will be is known
    at the end only: gradients are scaled as if all batches had the rows of the first, and once more at the
    end if they had not.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop, self.size = loop, loop.plan.accumulate
        self.by_closure = not loop.plan.manual and needs_closure(loop.run.optimizer)
        self.count = 0
        self.rows = self.expected = 0.0

    def add(self, batch: Any) -> bool:
        """Take a batch; whether it completed an update."""
        loop, plan = self.loop, self.loop.plan
        if plan.manual:
            loop.rates = loop.run.rates
            loop.note(result_of(plan.step(loop.wrapped, batch), batch, needs_loss=False))
            self._finish()
            return True
        is_last = self.count + 1 == self.size or loop.run.batch == loop.run.batches
        if self.by_closure:
            self._by_closure(batch)
            return True
        if not self.count:
            loop.run.optimizer.zero_grad()
        with self._alone(not is_last):
            result = self._result(batch)
            loop.note(result)
            self._scaled(result.loss, result.rows).backward()
        self.count += 1
        if is_last:
            self.update()
        return is_last

    def _result(self, batch: Any) -> Result:
        result = result_of(self.loop.plan.step(self.loop.wrapped, batch), batch, needs_loss=True)
        if not result.loss.requires_grad:
            remedy = "return it with its graph; or say manual=True if the step trains the model itself"
            raise wrong(ValueError, "fit", "the loss of the step does not require grad", remedy)
        return result

    def _by_closure(self, batch: Any) -> None:
        """A step of an optimizer that asks for the loss several times, such as LBFGS."""
        loop, optimizer, first = self.loop, self.loop.run.optimizer, True

        def closure() -> Any:
            nonlocal first
            optimizer.zero_grad()
            result = self._result(batch)
            if first:
                loop.note(result)
            first = False
            self.count = 0
            self._scaled(result.loss, result.rows).backward()
            self._check_gradients()
            self._clip()
            return result.loss

        loop.rates = loop.run.rates
        optimizer.step(closure)
        self._finish()

    def _check_gradients(self) -> None:
        """Raise ValueError if the first update has no gradient: it would be the same for all others."""
        groups = self.loop.run.optimizer.param_groups
        if self.loop.run.step == 0 and all(p.grad is None for group in groups for p in group["params"]):
            raise wrong(
                ValueError,
                "fit",
                "no parameter of the optimizer has a gradient after the first batch",
                "let the loss depend on the model that step gets, and its parameters require grad",
            )

    def _clip(self) -> None:
        plan, groups = self.loop.plan, self.loop.run.optimizer.param_groups
        parameters = [p for group in groups for p in group["params"]]
        if plan.clip_norm is not None:
            optim.clip_grad_norm_(parameters, plan.clip_norm)
        if plan.clip_value is not None:
            optim.clip_grad_value_(parameters, plan.clip_value)

    def _alone(self, wanted: bool) -> Any:
        """Inside, gradients stay on this rank."""
        wrapped = self.loop.wrapped
        return wrapped.no_sync() if wanted and isinstance(wrapped, DataParallel) else contextlib.nullcontext()

    def _scaled(self, loss: Any, rows: float) -> Any:
        """The loss as its share of the update; without a factor where that would be 1."""
        every, share = rows, 1.0
        comm = self.loop.plan.comm
        if comm is not None:
            weight = getattr(self.loop.plan.loader, "weight", None)
            if weight is None:
                found = np.array([float(rows)])
                comm.all_reduce(found)
                weight = rows * comm.size / float(found[0])
            every, share = rows * comm.size / weight, weight
        if not self.count:
            self.expected, self.rows = every * self.size, 0.0
        self.rows += every
        share *= every * self.size / self.expected
        loss = loss if share == 1.0 else loss * share
        return loss / self.size if self.size > 1 else loss

    def update(self) -> None:
        """Take the step of the gradients so far."""
        loop, run = self.loop, self.loop.run
        if self.rows != self.expected:
            with no_grad():
                for p in (p for group in run.optimizer.param_groups for p in group["params"]):
                    if p.grad is not None:
                        p.grad.detach().mul_(self.expected / self.rows)
        self._check_gradients()
        self._clip()
        loop.rates = run.rates
        run.optimizer.step()
        self._finish()

    def _finish(self) -> None:
        loop, self.count = self.loop, 0
        if loop.run.ema is not None:
            loop.run.ema.update_parameters(loop.run.model)
        if loop.plan.schedule_per == "step":
            loop.step_schedule(None)


def needs_closure(optimizer: Any) -> bool:
    """Whether a step computes the loss several times, as that of LBFGS does."""
    return isinstance(optimizer, optim.LBFGS) or needs_argument(optimizer.step)


def needs_argument(step: Callable[..., Any]) -> bool:
    """Whether a `step` must get something, as that of a plateau a number."""
    parameters = list(inspect.signature(step).parameters.values())
    return bool(parameters) and parameters[0].default is parameters[0].empty
