"""Recipes of one kind: a function and its method, and views that are written into, in the graph too."""

from __future__ import annotations

from typing import Any

NONE: dict[str, Any] = {}


def written(make: Any) -> Any:
    """Write into a view, and into what it is a view of, and return both."""

    def recipe(t: Any, d: Any) -> Any:
        x = d.floats(3, 4, grad=False)
        seen = make(t, x)
        seen += 1
        before = seen.clone()
        x[1] = 5
        return [before, seen, x]

    return recipe


def written_in_graph(make: Any) -> Any:
    """The same, where what is written requires grad."""

    def recipe(t: Any, d: Any) -> Any:
        x, w = t.zeros(3, 4, dtype=t.float64), d.floats(3, 4)
        x.add_(w)
        seen = make(t, x)
        seen *= 2
        seen.add_(seen.detach() + w.sum())
        before = seen * 1
        x[1] = w[0] ** 2
        x[:, 2].mul_(w[1, 1])
        return [before, seen, x]

    return recipe


def views(make: Any) -> list[Any]:
    return [written(make), written_in_graph(make)]


def of(name: str, *calls: Any) -> list[Any]:
    """Recipes as a function and as a method of the arguments after the tensor: `(shape, args, named)`."""
    made: list[Any] = []
    for shape, args, named in calls:
        made.append(lambda t, d, s=shape, a=args, n=named: getattr(t, name)(d.any(*s), *a, **n))
        made.append(lambda t, d, s=shape, a=args, n=named: getattr(d.floats(*s), name)(*a, **n))
    return [*made, lambda t, d: getattr(t, name)(2.5, *calls[0][1], **calls[0][2])]


def method(name: str, *calls: Any) -> list[Any]:
    return [
        lambda t, d, s=shape, a=args, n=named: getattr(d.any(*s), name)(*a, **n)
        for shape, args, named in calls
    ]
