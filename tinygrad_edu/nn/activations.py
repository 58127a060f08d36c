"""Activations as modules: a table of the functions of `te.functional`, one line each.

A row gives the function, its options in order, their defaults and what is allowed. The names are PyTorch's,
except that `dim` is called `axis`. The classes are ordinary ones: they can be subclassed, pickled and
printed.

Those that take `inplace` in PyTorch take it here, too, and it changes nothing: the input keeps its values,
and the result is the same. So a model must use what a layer returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.synonyms import renamed
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer, number, plain
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.words import unknown_argument

__all__ = ["ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "CELU", "SELU", "SiLU", "Mish", "GELU", "GLU",
           "Tanh", "Sigmoid", "LogSigmoid", "Softplus", "Hardtanh", "Hardsigmoid", "Hardswish", "Hardshrink",
           "Softshrink", "Softsign", "Tanhshrink", "Threshold", "Softmax", "Softmin",
           "LogSoftmax"]  # fmt: skip

Check = tuple[Callable[[Any], bool], str]  # what is allowed, and the text that says so
Option = tuple[
    str, Any, Check
]  # the function's name for it, "" if it takes none; its default; what is allowed
AXIS: Check = (lambda v: isinstance(v, int) and not isinstance(v, bool), "an integer")
NUMBER: Check = (lambda v: isinstance(v, int | float) and v == v, "a number")
POSITIVE: Check = (lambda v: isinstance(v, int | float) and v > 0, "a positive number")
_NOT_NEGATIVE: Check = (lambda v: isinstance(v, int | float) and v >= 0, "a number of at least 0")
_GELU: Check = (lambda v: v in ("none", "tanh"), "'none' or 'tanh'")
SWITCH: Check = (lambda v: isinstance(v, bool), "True or False")
INPLACE: Option = ("", False, SWITCH)
REDUCTION: Check = (lambda v: v in ("mean", "sum", "none"), "'mean', 'sum' or 'none'")


def switched(title: str, inplace: Any) -> bool:
    """The option `inplace` of a layer. ValueError if it is not True or False."""
    allows, wanted = SWITCH
    if not allows(plain(inplace)):
        raise wrong(ValueError, title, f"inplace must be {wanted}, not {inplace!r:.60}")
    return bool(inplace)


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
            if inner:
                self._arguments[inner] = value

    def forward(self, *xs: Any) -> Any:
        return self.function(*xs, **self._arguments)

    def extra_repr(self) -> str:
        shown = (name for name, (inner, _, _) in self.options.items() if inner or getattr(self, name))
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)


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


ReLU = declare("ReLU", __name__, F.relu, inplace=INPLACE)
ReLU6 = declare("ReLU6", __name__, F.relu6, inplace=INPLACE)
LeakyReLU = declare(
    "LeakyReLU", __name__, F.leaky_relu, negative_slope=("slope", 0.01, NUMBER), inplace=INPLACE
)
ELU = declare("ELU", __name__, F.elu, alpha=("alpha", 1.0, POSITIVE), inplace=INPLACE)
CELU = declare("CELU", __name__, F.celu, alpha=("alpha", 1.0, POSITIVE), inplace=INPLACE)
SELU = declare("SELU", __name__, F.selu, inplace=INPLACE)
SiLU = declare("SiLU", __name__, F.silu, inplace=INPLACE)
Mish = declare("Mish", __name__, F.mish, inplace=INPLACE)
GELU = declare("GELU", __name__, F.gelu, approximate=("approximate", "none", _GELU))
GLU = declare("GLU", __name__, F.glu, axis=("axis", -1, AXIS))
Tanh = declare("Tanh", __name__, F.tanh)
Sigmoid = declare("Sigmoid", __name__, F.sigmoid)
LogSigmoid = declare("LogSigmoid", __name__, F.log_sigmoid)
Softplus = declare("Softplus", __name__, F.softplus)
Hardtanh = declare(
    "Hardtanh",
    __name__,
    F.hardtanh,
    min_val=("min_val", -1.0, NUMBER),
    max_val=("max_val", 1.0, NUMBER),
    inplace=INPLACE,
)
Hardsigmoid = declare("Hardsigmoid", __name__, F.hardsigmoid, inplace=INPLACE)
Hardswish = declare("Hardswish", __name__, F.hardswish, inplace=INPLACE)
Hardshrink = declare("Hardshrink", __name__, F.hardshrink, lambd=("lambd", 0.5, NUMBER))
Softshrink = declare("Softshrink", __name__, F.softshrink, lambd=("lambd", 0.5, _NOT_NEGATIVE))
Softsign = declare("Softsign", __name__, F.softsign)
Tanhshrink = declare("Tanhshrink", __name__, F.tanhshrink)
Softmax = declare("Softmax", __name__, F.softmax, axis=("axis", -1, AXIS))
Softmin = declare("Softmin", __name__, F.softmin, axis=("axis", -1, AXIS))
LogSoftmax = declare("LogSoftmax", __name__, F.log_softmax, axis=("axis", -1, AXIS))


class Threshold(Module):
    """x where it is greater than `threshold`, elsewhere `value`, elementwise; `inplace` changes nothing."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        self.inplace = switched("Threshold", inplace)
        self.threshold, self.value = (
            number(threshold, "Threshold: threshold"),
            number(value, "Threshold: value"),
        )

    def forward(self, x: Any) -> Tensor:
        return F.threshold(x, self.threshold, self.value)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}" + ", inplace=True" * self.inplace


class PReLU(Module):
    """x if x > 0, else weight * x, with one trained weight, or one for each channel (axis 1).

    Source: He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015.
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = None, device: Any = None
    ) -> None:
        self.num_parameters = integer(num_parameters, "PReLU: num_parameters", least=1)
        self.init = number(init, "PReLU: init")
        kind = dtypes.as_dtype(dtype or float)
        self.weight = Parameter(F.full((self.num_parameters,), self.init, dtype=kind), device=device)

    def forward(self, x: Any) -> Tensor:
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"
