"""Schedules: the order in which blocks, and the threads of a block, run.

CUDA promises no order, so a correct kernel gives the same result in every schedule. With `any_schedule`,
hypothesis searches for a schedule in which a test fails and simplifies it: forward is simpler than reverse,
reverse is simpler than random, and small seeds are simpler.
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
    """An order of blocks and threads. Kernels launched in `with schedule:` use it, one block at a time.

    "forward" begins with block 0, and in it with thread 0. "reverse" begins with the last ones. "random"
    chooses the next block or thread by random numbers from `seed`, the same in each run.
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
        control.set_value("workers", "1")  # several blocks at the same time would have no order
        return self

    def __exit__(self, *exception: object) -> None:
        for key, value in self._before.pop().items():
            control.set_value(key, value)

    @property
    def word(self) -> str:
        """The schedule as text, for the driver and the command line: `forward`, `random:7`."""
        return f"random:{self.seed}" if self.order == "random" else self.order

    def __repr__(self) -> str:
        seed = f", seed={self.seed}" if self.order == "random" else ""
        return f"schedule({self.order!r}{seed})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """The repr for hypothesis and IPython, which would show the class and its fields."""
        printer.text(repr(self))


def schedule(order: str, seed: int = 0) -> Schedule:
    """The schedule of kernels in `with sim.schedule("random", seed=3):`, or in a function that it decorates.

    `order` is "forward" (the default), "reverse" or "random", which uses `seed`.
    """
    return Schedule(order, seed)


def schedules() -> SearchStrategy[Schedule]:
    """A hypothesis strategy of schedules; the simplest are forward, then reverse, then small seeds."""
    from hypothesis import strategies as st

    return st.one_of(
        st.just(Schedule("forward")),
        st.just(Schedule("reverse")),
        st.builds(Schedule, st.just("random"), st.integers(0, 2**32 - 1)),
    )


def any_schedule(*, max_examples: int | None = None) -> Callable[[Test], Test]:
    """A decorator: hypothesis runs the test in many schedules, and shows the simplest one that fails.

    It can decorate a plain test with fixtures and parameters; the fixtures are set up once for all schedules.
    It can also be above or below `@given`; then each example gets a schedule. `max_examples` is for a test
    without `@given`; with `@given`, use `@settings(max_examples=...)`.
    """
    if importlib.util.find_spec("hypothesis") is None:
        raise ImportError("any_schedule draws schedules with hypothesis: pip install hypothesis")

    def decorate(test: Test) -> Test:
        handle = getattr(test, "hypothesis", None)
        if handle is None:
            return _as_hypothesis_test(test, max_examples)
        _refuse_count(max_examples)
        handle.inner_test = _with_drawn_schedule(handle.inner_test)
        return test

    return decorate


def _as_hypothesis_test(test: Test, max_examples: int | None) -> Test:
    """The test as a hypothesis test; inside an example of `@given` it draws its schedule from that one."""
    from hypothesis import HealthCheck, Phase, currently_in_test_context, given, settings

    joined = _with_drawn_schedule(test)

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        if currently_in_test_context():  # inside an example of a @given above this decorator
            _refuse_count(max_examples)
            joined(*arguments, **named)
            return

        def run_in(schedule: Schedule) -> None:
            with schedule:
                test(*arguments, **named)

        # The name is part of the key under which hypothesis stores failing examples.
        for name in ("__name__", "__qualname__", "__module__"):
            setattr(run_in, name, getattr(test, name))
        limits: dict[str, Any] = {} if max_examples is None else {"max_examples": max_examples}
        # The first example may be slow, because it compiles the kernel.
        patient = [*settings().suppress_health_check, HealthCheck.too_slow]
        # Python lines do not explain an order of threads, and the schedule reproduces the failure.
        phases = [phase for phase in settings().phases if phase != Phase.explain]
        quiet = settings(
            deadline=None, suppress_health_check=patient, phases=phases, print_blob=False, **limits
        )
        quiet(given(schedules())(run_in))()

    return run  # type: ignore[return-value]


def _with_drawn_schedule(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test with a schedule drawn inside an example of hypothesis that runs already."""
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
        raise TypeError(
            "any_schedule(max_examples=...) has no effect beside @given, which decides how many "
            f"examples there are: write @settings(max_examples={max_examples})"
        )
