"""The update of a batch of parameters by a rule: by the backend's kernel or program, or by its formula."""

from __future__ import annotations

from time import perf_counter
from typing import Any, ClassVar, Self

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.engine import access
from tinygrad_edu.engine.modes import Modes, current, no_grad
from tinygrad_edu.engine.value import Storage
from tinygrad_edu.optim.rule import Group, Numbers, Rule
from tinygrad_edu.optim.slot import Slot
from tinygrad_edu.tensor import Tensor

Batch = list[tuple[Slot, Any]]  # parameters to update together, each with its gradient
STEP = "optimizer step"  # errors name this as the place of the last change


class Updating:
    """Applies a rule to batches of parameters, and caches what belongs to the settings of a group."""

    elementwise: ClassVar[bool] = True  # whether backends may compile the formula; otherwise ops compute it
    _rules: list[Rule | None]  # one per group, as long as its settings are the same
    _programs: list[dict[Any, Any]]  # one per group: the programs that backends made of its formula

    @classmethod
    def alone(cls) -> Self:
        """The rule without parameters, for a caller that has the parameters, their state and the settings.

        The caller gives `update` a batch, and asks `memory`, `start`, `advanced` and `numbers` itself. The
        settings are not checked.
        """
        made = object.__new__(cls)
        made._rules, made._programs = [], []
        return made

    def update(self, i: int, group: Group, batch: Batch, numbers: Numbers, *, changed: bool) -> None:
        """Apply the rule, with the settings `group`, to parameters of one dtype and device at the same step.

        i        the index of the group; `changed` says whether its settings are not those of the last update
        """
        while len(self._rules) <= i:
            self._rules.append(None)
            self._programs.append({})
        if changed:
            self._rules[i] = None
        self._update(i, group, batch[0][0].parameter.storage.backend, batch, numbers)

    def _update(self, i: int, group: Group, backend: Backend, batch: Batch, numbers: Numbers) -> None:
        """Apply the rule to parameters of one dtype at the same step.

        The backend does it. The formula in ops does it where the backend has no kernel, and for observers of
        every op.
        """
        mode, rule = current.get(), self._rules[i]
        if rule is None:
            rule = self._rules[i] = Rule(self, group, self._programs[i])
        if mode.every_op or not self.elementwise:
            self._update_by_formula(rule, batch, numbers)
            return
        if mode.observers:
            self._update_watched(mode, rule, backend, batch, numbers)
            return
        left = {id(slot) for slot, _ in backend.update(rule, batch, numbers)}
        for slot, _ in batch:
            if not left or id(slot) not in left:
                access.count(slot.parameter.storage, STEP)
        if left:
            self._update_by_formula(rule, [pair for pair in batch if id(pair[0]) in left], numbers)

    def _update_watched(
        self, mode: Modes, rule: Rule, backend: Backend, batch: Batch, numbers: Numbers
    ) -> None:
        """The same for observers, which are notified of each parameter and of each array of its state."""
        for slot, g in batch:
            memories = (slot.parameter.storage, *slot.state[: rule.state_count])
            for memory in memories:
                start = access.about_to_write(mode, memory)
            if backend.update(rule, [(slot, g)], numbers):
                self._update_by_formula(rule, [(slot, g)], numbers)
                continue
            seconds = perf_counter() - start
            for memory in memories:
                access.written(
                    mode, memory, None, rule.title, STEP, seconds if memory is memories[0] else 0.0
                )

    def _update_by_formula(self, rule: Rule, batch: Batch, numbers: Numbers) -> None:
        """Apply the formula in ops."""
        for slot, g in batch:
            storage, grad = slot.parameter.storage, slot.parameter.grad
            of_gradient = Storage(g, storage.backend)  # LBFGS passes another array
            if grad is not None and grad.storage.array is g:
                of_gradient = grad.storage
            targets = (storage, *slot.state[: rule.state_count])
            with no_grad():
                p, *state = (Tensor(memory) for memory in targets)
                new = rule.formula(p, Tensor(of_gradient), state, numbers)
                for old, fresh in zip(targets, new, strict=True):
                    if fresh.storage is not old:
                        access.overwrite(old, fresh.storage, rule.title, STEP)
