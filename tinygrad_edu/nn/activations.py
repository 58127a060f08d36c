"""Activations as modules: a table of the functions of `te.functional`, one line each.

A row gives the function, its options in order, their defaults and what is allowed. The names are PyTorch's,
except that `dim` is called `axis`. The classes are ordinary ones: they can be subclassed, pickled and
printed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tinygrad_edu import functional as F
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.synonyms import renamed
from tinygrad_edu.nn.module import Module
from tinygrad_edu.scalars import plain
from tinygrad_edu.words import unknown_argument

__all__ = ["ReLU", "LeakyReLU", "ELU", "SiLU", "GELU", "Tanh", "Sigmoid", "Softplus", "Softmax", "LogSoftmax"]

Check = tuple[Callable[[Any], bool], str]  # what is allowed, and the text that says so
Option = tuple[str, Any, Check]  # the function's name for it, its default, what is allowed
_AXIS: Check = (lambda v: isinstance(v, int) and not isinstance(v, bool), "an integer")
_NUMBER: Check = (lambda v: isinstance(v, int | float) and v == v, "a number")
POSITIVE: Check = (lambda v: isinstance(v, int | float) and v > 0, "a positive number")
REDUCTION: Check = (lambda v: v in ("mean", "sum", "none"), "'mean', 'sum' or 'none'")


class Function(Module):
    """A function of `te.functional` as a layer, with its options fixed; the base of what `declare` makes."""

    function: ClassVar[Callable[..., Any]]
    options: ClassVar[dict[str, Option]] = {}

    def __init__(self, *values: Any, **named: Any) -> None:
        title = type(self).__name__
        named = renamed(title, named, self.options)
        for name in named:
            if name not in self.options:
                raise unknown_argument(title, name, tuple(self.options))
        if len(values) > len(self.options) or set(named) & set(list(self.options)[: len(values)]):
            allowed = ", ".join(f"{name}={default!r}" for name, (_, default, _) in self.options.items())
            raise wrong(TypeError, title, f"{title}({allowed}) does not take {[*values, *named]}")
        given = {**dict(zip(self.options, values, strict=False)), **named}
        self._arguments: dict[str, Any] = {}
        for name, (inner, default, (allows, wanted)) in self.options.items():
            value = plain(given.get(name, default))
            if not allows(value):
                raise wrong(ValueError, title, f"{name} must be {wanted}, not {value!r}")
            setattr(self, name, value)
            self._arguments[inner] = value

    def forward(self, *xs: Any) -> Any:
        return self.function(*xs, **self._arguments)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self.options)


def declare(title: str, module: str, function: Callable[..., Any], **options: Option) -> type[Function]:
    """A `Function` class of this name, documented by the function it calls."""
    first = (function.__doc__ or "").split("\n")[0]
    return type(
        title,
        (Function,),
        {
            "function": staticmethod(function),
            "options": options,
            "__doc__": first,
            "__module__": module,
            "__qualname__": title,
        },
    )


ReLU = declare("ReLU", __name__, F.relu)
LeakyReLU = declare("LeakyReLU", __name__, F.leaky_relu, negative_slope=("slope", 0.01, _NUMBER))
ELU = declare("ELU", __name__, F.elu, alpha=("alpha", 1.0, POSITIVE))
SiLU = declare("SiLU", __name__, F.silu)
GELU = declare("GELU", __name__, F.gelu)
Tanh = declare("Tanh", __name__, F.tanh)
Sigmoid = declare("Sigmoid", __name__, F.sigmoid)
Softplus = declare("Softplus", __name__, F.softplus)
Softmax = declare("Softmax", __name__, F.softmax, axis=("axis", -1, _AXIS))
LogSoftmax = declare("LogSoftmax", __name__, F.log_softmax, axis=("axis", -1, _AXIS))
