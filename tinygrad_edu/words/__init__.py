"""Floor 0: other libraries' names, and what to write here instead: one table, for error messages and a page.

This file makes the errors; the table and the look-up are imported only when a name was not found.
"""

from __future__ import annotations

import dis
import functools
import importlib
import inspect
import itertools
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from types import FrameType
from typing import Any, NoReturn, TypeVar

from tinygrad_edu.errors import wrong

Function = TypeVar("Function", bound=Callable[..., Any])

_READS = ("LOAD_ATTR", "LOAD_METHOD")
_IMPORTS = dis.opmap["IMPORT_FROM"]
_PLACES = {"te.{}": "functional", "te.linalg.{}": "functional.linalg",
           "te.special.{}": "functional.special", "te.nn.{}": "nn",
           "te.nn.init.{}": "nn.init", "te.optim.{}": "optim",
           "te.optim.lr_scheduler.{}": "optim.lr_scheduler", "te.optim.swa_utils.{}": "optim.swa_utils",
           "te.data.{}": "data", "te.metrics.{}": "metrics", "te.check.{}": "check"}  # fmt: skip


def unknown_attribute(owner: object, name: str) -> AttributeError:
    """The error for an attribute that neither an object of the library nor its class has."""
    kind = type(owner)
    title = f"{kind.__name__!r} object"
    if name.startswith("_") or hasattr(kind, name):  # an empty slot
        return AttributeError(f"{title} has no attribute {name!r}")  # the caller only asks whether it exists
    own = {*dir(owner)}
    tensor = hasattr(kind, "storage")
    elsewhere = {"te.{}(x, ...)": _public_names("functional")} if tensor else {}
    from tinygrad_edu.words import lookup

    hints = lookup.member(name, own, elsewhere, "x" if tensor else "model")
    return _without_suggestion(wrong(AttributeError, title, f"{title} has no attribute {name!r}", hints))


def _without_suggestion(error: Any) -> Any:
    """An AttributeError to which Python does not add its own "Did you mean": the hints are better."""
    error.obj = None
    return error


def missing_from(module: str) -> Callable[..., NoReturn]:
    """The `__getattr__` of a module of the library, for missing names; `frame` is that of the caller."""

    def __getattr__(name: str, frame: FrameType | None = None) -> NoReturn:
        title = f"module {module!r}"
        if name.startswith("__"):
            raise AttributeError(f"{title} has no attribute {name!r}")
        frame = frame or sys._getframe(1)
        # with another error than ImportError, the import statement would lose the text
        imported = frame.f_code.co_code[frame.f_lasti] == _IMPORTS
        hints = module_hints(module, name, _following_names(frame))
        error = wrong(
            ImportError if imported else AttributeError, title, f"{title} has no attribute {name!r}", hints
        )
        raise error if imported or not hints else _without_suggestion(error)

    return __getattr__


def module_hints(module: str, name: str, following: Sequence[str]) -> str:
    """What to write for `name`, which a module of the library does not have, and the names read from it."""
    from tinygrad_edu.words import lookup

    package = module.partition(".")[0]
    here = "functional" if module == package else module.removeprefix(package + ".")
    elsewhere = {form: _public_names(place) for form, place in _PLACES.items() if place != here}
    own = _public_names(here) if module != package else sys.modules[module].__all__
    return lookup.member(name, own, elsewhere, "name", (here, *following))


def unknown_argument(title: str, name: str, known: Collection[str], about: str = "") -> TypeError:
    """The error for an argument `name=` of the function or class `title`, which takes only `known`."""
    from tinygrad_edu.words import lookup

    hints = [lookup.argument(name, known) or about or "it takes none"]
    return wrong(TypeError, title, f"{title} has no argument {name}=", "; ".join(hints))


def explaining(function: Function, title: str = "") -> Function:
    """`function`, whose error for an unknown argument explains that argument's name in other libraries.

    title  its name in the error; for a method without one, that of the object's class
    """
    parameters = inspect.signature(function).parameters.values()
    known = tuple(
        p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self"
    )
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return function
    names = frozenset(known)

    @functools.wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        if named and not named.keys() <= names:
            args, named = as_pytorch(function.__name__, title, args, named, names)
            for name in named:
                if name not in names:
                    raise unknown_argument(title or type(args[0]).__name__, name, known)
        try:
            return function(*args, **named)
        except TypeError as error:
            raise_as_call(error, function, title or (type(args[0]).__name__ if args else ""), args, named)
            raise

    return called  # type: ignore[return-value]


def as_pytorch(
    name: str, title: str, args: tuple[Any, ...], named: dict[str, Any], known: Collection[str]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of the function `name` by its own names, where they were given by PyTorch's."""
    from tinygrad_edu.words import calls

    return calls.renamed(name, title or name, args, named, known)


def explain_classes(names: Mapping[str, Any], package: str) -> None:
    """Let the classes of a package among `names` explain the arguments that they do not take."""
    for kind in names.values():
        own = vars(kind).get("__init__") if isinstance(kind, type) else None
        if (
            inspect.isfunction(own)
            and kind.__module__.startswith(f"{package}.")
            and own.__module__ == kind.__module__
        ):
            kind.__init__ = explaining(own) if not hasattr(own, "__wrapped__") else own


def raise_as_call(
    error: TypeError, function: Callable[..., Any], title: str, args: Sequence[Any], named: Collection[str]
) -> None:
    """Raise an error in the library's words if `function` could not be called; `error` is Python's.

    An error of the function itself has a traceback that goes on into it, and is left as it is.
    """
    if error.__traceback__ is None or error.__traceback__.tb_next is not None:
        return
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    given = len(args) - ("self" in inspect.signature(function).parameters)
    free = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    by_name = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    needed = [p.name for i, p in enumerate(parameters) if p.default is p.empty and p.name not in named
              and p.kind is not p.VAR_POSITIONAL and not (p in free and i < given)]  # fmt: skip
    twice = [p.name for p in free[: max(given, 0)] if p.name in named]
    if twice:
        raise wrong(TypeError, title, f"{twice[0]}= is given by position, too", "give it once") from None
    if given > len(free) and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        taken = ", ".join(p.name for p in free)
        problem = f"{title} takes {len(free)} arguments by position, {taken}, and {given} were given"
        further = f"name the others: {', '.join(f'{name}=' for name in by_name)}" if by_name else ""
        raise wrong(TypeError, title, problem, further) from None
    if needed:
        problem = f"{title} needs {' and '.join(needed)}"
        raise wrong(TypeError, title, problem, f"it takes {', '.join(p.name for p in parameters)}") from None


def _following_names(frame: FrameType) -> list[str]:
    """The names that a program will read from the missing one: `grad` in `te.autograd.grad`."""
    rest = (step for step in dis.get_instructions(frame.f_code) if step.offset > frame.f_lasti)
    return [step.argval for step in itertools.takewhile(lambda s: s.opname in _READS, rest)]


def _public_names(place: str) -> tuple[str, ...]:
    """The public names of a module of the library."""
    module = importlib.import_module(f"{__package__.partition('.')[0]}.{place}")
    return tuple(
        getattr(
            module,
            "__all__",
            [
                name
                for name, value in vars(module).items()
                if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
            ],
        )
    )
