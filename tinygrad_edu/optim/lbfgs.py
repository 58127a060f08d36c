"""LBFGS: Newton's steps, whose curvature is estimated from the last changes of the gradient.

    y = g' - g,  s = t d                            of the last steps, `history_size` pairs of them
    d = -H g, where H is built up from the pairs, beginning with (s . y) / (y . y) times the identity
    w' = w + t d

It needs the same examples at each evaluation, and a closure that computes loss and gradients again. With
`line_search_fn="strong_wolfe"`, t is searched (see `wolfe`); without, it is lr.

Sources: Nocedal, "Updating quasi-Newton matrices with limited storage", Mathematics of Computation 35 (1980);
Liu, Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.engine.modes import enable_grad, no_grad
from tinygrad_edu.errors import wrong
from tinygrad_edu.optim import saving
from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.rule import Numbers
from tinygrad_edu.optim.slot import one_number
from tinygrad_edu.optim.wolfe import Point, strong_wolfe
from tinygrad_edu.scalars import integer
from tinygrad_edu.tensor import Tensor

ARRAYS = ("d", "prev_flat_grad")  # of all numbers of all parameters, one after the other
PAIRS = ("old_dirs", "old_stps")  # the changes of the gradient, and the steps
NUMBERS = ("t", "H_diag", "prev_loss")


class LBFGS(Optimizer):
    """The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno, for problems without batches.

    Parameters
    ----------
    params
        One group of parameters, of one dtype on one device.
    lr
        The length of a step, or the first length that a line search tries.
    max_iter, max_eval
        The directions, and the evaluations of the closure, of one `step()`; by default 1.25 max_iter of
        these.
    tolerance_grad, tolerance_change
        `step()` ends when no gradient is larger, or when neither the parameters nor the loss change more.
    history_size
        The number of pairs that are kept.
    line_search_fn
        "strong_wolfe", or None for steps of the length lr.

    After an error of the closure, the parameters and the state are those from before the step.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        self._state: dict[str, Any] = {"func_evals": 0, "n_iter": 0}
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
                "maximize": maximize,
            },
        )

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add the only group. Raises ValueError for a second one: the curvature is that of all parameters."""
        if self.param_groups:
            raise wrong(
                ValueError,
                "LBFGS",
                "a second group of parameters",
                "it has one direction for all parameters: put them into one list",
            )
        super().add_param_group(group)

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "tolerance_grad", "tolerance_change")
        for name in ("max_iter", "max_eval", "history_size"):
            if name == "max_eval" and group[name] is None and isinstance(group["max_iter"], int):
                group[name] = max(group["max_iter"] * 5 // 4, 1)
            try:
                group[name] = integer(group[name], f"LBFGS: {name}", 1)
            except TypeError:
                raise wrong(ValueError, "LBFGS", f"{name}={group[name]!r:.60} must be an integer") from None
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            problem = f"line_search_fn={group['line_search_fn']!r:.60} must be 'strong_wolfe' or None"
            raise wrong(ValueError, "LBFGS", problem)

    def numbers(self, group: Group, step: int) -> Numbers:
        return (group["lr"],)

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        """The move along a direction, which comes in the place of the gradient, turned where `g` is."""
        return (p + g * numbers[0],)

    # -- the parameters as one vector ------------------------------------------------------------------------

    def _parameters(self) -> list[Tensor]:
        """The parameters. Raises ValueError if they do not fit into one vector."""
        params: list[Tensor] = self.param_groups[0]["params"]
        kinds = {(p.dtype, p.device) for p in params}
        if len(kinds) > 1:
            found = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
            raise wrong(ValueError, "LBFGS", f"parameters of {found}", "bring them to one dtype and device")
        return params

    def _gradient(self) -> Tensor:
        """All gradients as one vector; zeros where there is none."""
        parts = []
        for p in self._parameters():
            g = p.grad
            parts.append((F.zeros_like(p.detach()) if g is None else g.detach()).reshape(-1).cast(p.dtype))
        flat = F.concat(parts)
        return -flat if self.param_groups[0]["maximize"] else flat

    def _move(self, t: float, direction: Tensor) -> None:
        """Add t times the direction to the parameters."""
        (group,) = self.param_groups
        batch, start = [], 0
        for slot in self._slots[0]:
            p = slot.parameter
            if p.storage.array is not slot.array:
                slot.prepare(())
            part = direction[start : start + p.size].reshape(p.shape)
            batch.append((slot, part.storage.array))
            start += p.size
        sign = -1.0 if group["maximize"] else 1.0  # a rule that maximizes turns what comes as the gradient
        self._update(0, group, self._slots[0][0].parameter.storage.backend, batch, (sign * t,))

    def _restore(self, copies: Sequence[Tensor]) -> None:
        with no_grad():
            for p, copy in zip(self._parameters(), copies, strict=True):
                p.detach().copy_(copy)

    def _copies(self) -> list[Tensor]:
        return [p.detach().clone() for p in self._parameters()]

    # -- a step ----------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to `max_iter` steps. Returns the first result of `closure`.

        The closure removes the old gradients, computes the loss, calls its `backward()`, and returns it.
        """
        if not callable(closure):
            raise wrong(
                TypeError,
                "LBFGS.step",
                "it needs a closure, which it calls several times",
                "pass a function that calls optimizer.zero_grad(), computes the loss, calls loss.backward() "
                "and returns the loss",
            )
        self._check_groups()
        copies = self._copies()
        state = {k: list(v) if isinstance(v, list) else v for k, v in self._state.items()}
        try:
            result = self._minimize(closure, self.param_groups[0], state)
        except BaseException:
            self._restore(copies)
            raise
        self._state = state
        return result

    def _minimize(self, closure: Callable[[], Any], group: Group, state: dict[str, Any]) -> Any:
        sign = -1.0 if group["maximize"] else 1.0
        results = []

        def evaluate() -> tuple[float, Tensor]:
            with enable_grad():
                results.append(closure())
            if not isinstance(results[-1], int | float) and getattr(results[-1], "size", 0) != 1:
                problem = f"the closure returned {results[-1]!r:.60}, and it must return the loss"
                raise wrong(TypeError, "LBFGS.step", problem, "end it by: return loss")
            return sign * float(results[-1]), self._gradient()

        loss, g = evaluate()
        state["func_evals"] += 1
        if not g.size or _largest(g) <= group["tolerance_grad"]:
            return results[0]
        for name in (*ARRAYS, *PAIRS):
            if name in state:
                state[name] = _like(g, state[name])
        evaluations, done = 1, 0
        with no_grad():
            while done < group["max_iter"]:
                done += 1
                state["n_iter"] += 1
                direction = _direction(state, g, group["history_size"])
                first = min(1.0, 1.0 / float(g.abs().sum())) if state["n_iter"] == 1 else 1.0
                t, slope = first * group["lr"], _dot(g, direction)
                state.update(d=direction, t=t, prev_flat_grad=g, prev_loss=loss)
                if slope > -group["tolerance_change"]:
                    break
                before, more = loss, 0
                if group["line_search_fn"] is not None:
                    start = Point(0.0, loss, g, slope)
                    most = group["max_eval"] - evaluations
                    found, more = self._search(evaluate, start, direction, t, most, group["tolerance_change"])
                    loss, g, state["t"] = found.value, found.gradient, found.t
                    self._move(found.t, direction)
                else:
                    self._move(t, direction)
                    if done < group["max_iter"]:
                        loss, g = evaluate()
                        more = 1
                evaluations += more
                state["func_evals"] += more
                if evaluations >= group["max_eval"] or _largest(g) <= group["tolerance_grad"]:
                    break
                if _largest(direction) * abs(state["t"]) <= group["tolerance_change"]:
                    break
                if abs(loss - before) < group["tolerance_change"]:
                    break
        return results[0]

    def _search(
        self,
        evaluate: Callable[[], tuple[float, Tensor]],
        start: Point,
        direction: Tensor,
        t: float,
        most: int,
        tolerance: float,
    ) -> tuple[Point, int]:
        copies = self._copies()

        def at(t: float) -> Point:
            self._move(t, direction)
            loss, g = evaluate()
            self._restore(copies)
            return Point(t, loss, g, _dot(g, direction))

        return strong_wolfe(at, start, t, _largest(direction), most, tolerance=tolerance)

    # -- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """As for other optimizers; the state is that of the first parameter, with PyTorch's names.

        `old_dirs` and `old_stps` have a row for each pair.
        """
        whole = super().state_dict()
        if self._state["func_evals"]:
            names = ("func_evals", "n_iter", *NUMBERS, *ARRAYS, *PAIRS, "ro")
            row = {name: self._state[name] for name in names if name in self._state}
            for name in set(row) & set(ARRAYS):
                row[name] = np.array(row[name].numpy())
            for name in set(row) & set(PAIRS):
                rows = [one.numpy() for one in row[name]]
                row[name] = np.array(rows) if rows else np.zeros((0, self._size()))
            if "ro" in row:
                row["ro"] = np.array(row["ro"], dtype=np.float64)
            whole["state"] = {0: row}
        return whole

    def _size(self) -> int:
        return sum(slot.parameter.size for slot in self._slots[0])

    def _plan(self, state: Mapping[str, Any]) -> list[Callable[[], None]]:
        (saved,), rows, ((first, *_),) = saving.parts_of(self, state)
        (group,) = self.param_groups
        fresh = saving.settings_of(self, group, saved)
        if set(rows) - {first}:
            problem = f"nothing was loaded: the state has rows {sorted(rows)!s:.60}"
            raise wrong(ValueError, "LBFGS.load_state_dict", problem, f"all of it is in row {first}")
        try:
            found = _restored(rows.get(first), self._size(), self._parameters()[0])
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            problem = f"nothing was loaded: its state is damaged, {error}"
            raise wrong(ValueError, "LBFGS.load_state_dict", problem) from None

        def install() -> None:
            group.update(fresh)
            self._state = found

        return [install]


def _dot(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum())


def _largest(x: Tensor) -> float:
    return float(x.abs().max())


def _like(g: Tensor, value: Any) -> Any:
    """Vectors of the state in the dtype, and on the device, of the gradient."""
    if isinstance(value, list):
        return [_like(g, one) for one in value]
    return value.to(g.device).cast(g.dtype)


def _direction(state: dict[str, Any], g: Tensor, history_size: int) -> Tensor:
    """-H g; the last step is first added to the pairs, if the function is curved upwards along it."""
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
        return -g
    change, step = g - state["prev_flat_grad"], state["d"] * state["t"]
    curvature = _dot(change, step)
    if curvature > 1e-10:
        for name, new in (("old_dirs", change), ("old_stps", step), ("ro", 1.0 / curvature)):
            state[name] = [*state[name], new][-history_size:]
        state["H_diag"] = curvature / _dot(change, change)
    pairs = list(zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True))
    q, weights = -g, []
    for change, step, inverse in reversed(pairs):
        weights.append(_dot(step, q) * inverse)
        q = q - change * weights[-1]
    q = q * state["H_diag"]
    for (change, step, inverse), weight in zip(pairs, reversed(weights), strict=True):
        q = q + step * (weight - _dot(change, q) * inverse)
    return q


def _restored(row: Mapping[str, Any] | None, size: int, like: Tensor) -> dict[str, Any]:
    """The state in `row` (None: no state). Raises an error of Python if it does not fit."""
    if row is None:
        return {"func_evals": 0, "n_iter": 0}
    state: dict[str, Any] = {name: _whole(name, row[name]) for name in ("func_evals", "n_iter")}
    if not state["n_iter"]:
        return state

    def vectors(name: str, shape: tuple[int, ...], value: Any, dtype: Any) -> np.ndarray[Any, Any]:
        several = isinstance(value, list | tuple)
        given = [np.asarray(v) for v in value] if several else np.asarray(value)
        array = np.array(given, dtype=dtype) if len(given) else np.zeros((0, *shape[1:]), dtype)
        if array.shape != shape or (not several and np.asarray(value).dtype.kind != "f"):
            raise ValueError(f"its {name} is {array.shape}, not {shape}")
        return array

    count = len(row["ro"])
    for name in ARRAYS:
        state[name] = F.tensor(vectors(name, (size,), row[name], like.dtype), device=like.device)
    for name in PAIRS:
        rows = vectors(name, (count, size), row[name], like.dtype)
        state[name] = [F.tensor(one, device=like.device) for one in rows]
    state["ro"] = [float(one) for one in vectors("ro", (count,), row["ro"], float)]
    for name in NUMBERS:
        state[name] = one_number(name, row[name])
    return state


def _whole(name: str, value: Any) -> int:
    found = one_number(name, value)
    if not 0 <= found < 2**53 or found != int(found):
        raise ValueError(f"its {name} is {value!r:.60}, no count")
    return int(found)
