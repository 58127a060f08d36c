"""Schedules: the order in which blocks, and the threads of a block, take their turns.

CUDA promises none, so a right kernel gives the same answer in every one. `any_schedule` lets hypothesis look
for an order in which a test fails and shrink it: forward before reverse before random, small seeds first.
"""
from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from contextlib import ContextDecorator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from tinygrad_edu.simulator import control

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

ORDERS = ("forward", "reverse", "random")
Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Schedule(ContextDecorator):
    """An order of blocks and threads; kernels launched in `with schedule:` run in it, one block at a time.

    "forward": block 0 first, and in it thread 0; "reverse": the last ones first; "random": a draw from `seed`
    at every turn, the same each time.
    """

    order: str
    seed: int = 0
    _before: list[dict[str, str]] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise ValueError(f"no order {self.order!r}; there are {', '.join(ORDERS)}")
        if self.seed < 0:
            raise ValueError(f"a seed is a whole number of at least 0, not {self.seed}")
        if self.seed and self.order != "random":
            raise ValueError(f"order {self.order!r} has no seed; seed={self.seed} is for 'random'")

    def __enter__(self) -> Schedule:
        self._before.append({key: control.get_value(key) for key in ("order", "workers")})
        control.set_value("order", self.word)
        control.set_value("workers", "1")       # several blocks at a time would be in no order
        return self

    def __exit__(self, *exception: object) -> None:
        for key, value in self._before.pop().items():
            control.set_value(key, value)

    @property
    def word(self) -> str:
        """The schedule as the driver and the command line call it: `forward`, `random:7`."""
        return f"random:{self.seed}" if self.order == "random" else self.order

    def __repr__(self) -> str:
        seed = f", seed={self.seed}" if self.order == "random" else ""
        return f"schedule({self.order!r}{seed})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Of hypothesis and IPython, which would show the class and its fields."""
        printer.text(repr(self))


def schedule(order: str, seed: int = 0) -> Schedule:
    """An order for the kernels launched in `with sim.schedule("random", seed=3):`, or in a function under it.

    `order` is "forward" (what runs when nothing is said), "reverse" or "random", which takes a `seed`.
    """
    return Schedule(order, seed)


def schedules() -> SearchStrategy[Schedule]:
    """A hypothesis strategy of schedules that shrinks towards forward, then reverse, then a small seed."""
    from hypothesis import strategies as st

    return st.one_of(st.just(Schedule("forward")), st.just(Schedule("reverse")),
                     st.builds(Schedule, st.just("random"), st.integers(0, 2**32 - 1)))


def any_schedule(*, max_examples: int | None = None) -> Callable[[Test], Test]:
    """A decorator: hypothesis runs the test under many schedules, and shows the simplest that fails.

    It goes on plain tests, their fixtures and parameters included (the fixtures are set up once for all
    schedules), and above or below `@given`, whose examples then each get a schedule. `max_examples` is for a
    test without `@given`; with it, say `@settings(max_examples=...)`.
    """
    if importlib.util.find_spec("hypothesis") is None:
        raise ImportError("any_schedule draws schedules with hypothesis: pip install hypothesis")

    def decorate(test: Test) -> Test:
        handle = getattr(test, "hypothesis", None)
        if handle is None:
            return _wrapped(test, max_examples)
        _refuse_count(max_examples)
        handle.inner_test = _under_drawn(handle.inner_test)
        return test

    return decorate


def _wrapped(test: Test, max_examples: int | None) -> Test:
    """A test that becomes one of hypothesis when it is called, or joins the one that calls it."""
    from hypothesis import HealthCheck, Phase, currently_in_test_context, given, settings

    joined = _under_drawn(test)

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        if currently_in_test_context():         # a @given above this decorator
            _refuse_count(max_examples)
            joined(*arguments, **named)
            return

        def under(schedule: Schedule) -> None:
            with schedule:
                test(*arguments, **named)

        # The name is part of the key under which hypothesis remembers what failed.
        for name in ("__name__", "__qualname__", "__module__"):
            setattr(under, name, getattr(test, name))
        limits: dict[str, Any] = {} if max_examples is None else {"max_examples": max_examples}
        # A kernel compiled in the first example makes it slow; that is no fault of the test.
        patient = [*settings().suppress_health_check, HealthCheck.too_slow]
        # Which lines of Python ran says nothing about an order of threads, and the schedule is its own blob.
        phases = [phase for phase in settings().phases if phase != Phase.explain]
        quiet = settings(deadline=None, suppress_health_check=patient, phases=phases, print_blob=False,
                         **limits)
        quiet(given(schedules())(under))()

    return run      # type: ignore[return-value]


def _under_drawn(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test under one more thing drawn, inside an example of hypothesis that runs already."""
    from hypothesis import note
    from hypothesis.control import current_build_context

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> Any:
        drawn = current_build_context().data.draw(schedules())
        note(f"under sim.{drawn!r}")
        with drawn:
            return test(*arguments, **named)

    return run


def _refuse_count(max_examples: int | None) -> None:
    if max_examples is not None:
        raise TypeError("any_schedule(max_examples=...) has no effect beside @given, which decides how many "
                        f"examples there are: write @settings(max_examples={max_examples})")
