"""Window: the batches of one update, whose gradients add up to that of one large batch."""

from __future__ import annotations

import contextlib
import functools
import inspect
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import optim
from tinygrad_edu.distributed import DataParallel
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import wrong
from tinygrad_edu.training.steps import Result, measured, number_of
from tinygrad_edu.training.trainer import TrainingError

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
            loop.note(measured(plan.step, loop.wrapped, batch, needs_loss=False))
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
            scaled = self._scaled(result)
            if scaled is not None:
                loop.note(result)
                scaled.backward()
            else:
                loop.note(result._replace(loss=None))
                self._without_rows()
        self.count += 1
        if is_last:
            self.update()
        return is_last

    def _result(self, batch: Any) -> Result:
        result = measured(self.loop.plan.step, self.loop.wrapped, batch, needs_loss=True)
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
            scaled = self._scaled(result)
            self._without_rows() if scaled is None else scaled.backward()
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

    def _scaled(self, result: Result) -> Any:
        """The loss as its share of the update; without a factor where that would be 1.

        None if no row of the batch counts: its loss is NaN, as 0 / 0, and its share of the others' is 0.
        """
        comm = self.loop.plan.comm
        if not self.count:
            self.rows = self.expected = 0.0
        if comm is None and self.size == 1:
            self.rows = self.expected = 1.0
            return result.loss
        if result.is_sum:
            self.rows = self.expected = 1.0
            return result.loss if comm is None else result.loss * float(comm.size)
        rows = every = number_of(result.weight)
        share = 1.0
        if comm is not None:
            known = None if result.is_told else getattr(self.loop.plan.loader, "weight", None)
            if known is None:
                found = np.array([rows])
                comm.all_reduce(found)
                every = float(found[0])
                share = rows * comm.size / every if every else 0.0
            else:
                every, share = rows * comm.size / known, known
        if not self.expected:
            self.expected = every * self.size
        self.rows += every
        if not rows:
            return None
        share *= every * self.size / self.expected
        loss = result.loss if share == 1.0 else result.loss * share
        return loss / self.size if self.size > 1 else loss

    def _without_rows(self) -> None:
        """Gradients of 0: in a job, each rank takes part in every sum of gradients."""
        if self.loop.plan.comm is not None:
            parts = [p.sum() * 0.0 for p in self.loop.run.model.parameters() if p.requires_grad]
            functools.reduce(operator.add, parts).backward()

    def update(self) -> None:
        """Take the step of the gradients so far."""
        loop, run = self.loop, self.loop.run
        if not self.rows:
            what = (
                f"no row counts in the batches of step {run.step + 1}, epoch {run.epoch}: their mean is NaN"
            )
            raise wrong(TrainingError, "fit", what, "leave such batches out, or use larger ones")
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
