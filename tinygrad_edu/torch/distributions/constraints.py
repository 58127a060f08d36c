"""torch.distributions.constraints: where parameters and samples may lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Constraint:
    """A set of values; `check` says element by element, or event by event, whether a value is in it."""

    is_discrete = False
    event_dim = 0

    def __init__(
        self, name: str, check: Callable[[Any], Any], *, discrete: bool = False, event_dim: int = 0
    ) -> None:
        self._name, self._check = name, check
        self.is_discrete, self.event_dim = discrete, event_dim

    def check(self, value: Any) -> Any:
        """Bools: whether each element, or each event, is in the set."""
        return self._check(value)

    def __repr__(self) -> str:
        return self._name


def _is_simplex(x: Any) -> Any:
    return (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6)


real = Constraint("Real()", lambda x: x == x)
positive = Constraint("GreaterThan(lower_bound=0.0)", lambda x: x > 0)
nonnegative = Constraint("GreaterThanEq(lower_bound=0.0)", lambda x: x >= 0)
unit_interval = Constraint("Interval(lower_bound=0.0, upper_bound=1.0)", lambda x: (x >= 0) & (x <= 1))
boolean = Constraint("Boolean()", lambda x: (x == 0) | (x == 1), discrete=True)
nonnegative_integer = Constraint(
    "IntegerGreaterThan(lower_bound=0)", lambda x: (x % 1 == 0) & (x >= 0), discrete=True
)
simplex = Constraint("Simplex()", _is_simplex, event_dim=1)
real_vector = Constraint("IndependentConstraint(Real(), 1)", lambda x: (x == x).all(-1), event_dim=1)
one_hot = Constraint(
    "OneHot()", lambda x: ((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1), discrete=True, event_dim=1
)
lower_cholesky = Constraint("LowerCholesky()", lambda x: (x.tril() == x).all(-1).all(-1), event_dim=2)
positive_definite = Constraint("PositiveDefinite()", lambda x: (x == x).all(-1).all(-1), event_dim=2)
dependent = Constraint("Dependent()", lambda x: x == x)


def interval(lower: Any, upper: Any) -> Constraint:
    """[lower, upper]."""
    return Constraint(
        f"Interval(lower_bound={lower}, upper_bound={upper})", lambda x: (x >= lower) & (x <= upper)
    )


def integer_interval(lower: Any, upper: Any) -> Constraint:
    """The integers of [lower, upper]."""
    return Constraint(
        f"IntegerInterval(lower_bound={lower}, upper_bound={upper})",
        lambda x: (x % 1 == 0) & (x >= lower) & (x <= upper),
        discrete=True,
    )


def greater_than(lower: Any) -> Constraint:
    """Above lower."""
    return Constraint(f"GreaterThan(lower_bound={lower})", lambda x: x > lower)
