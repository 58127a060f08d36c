"""Tensor's methods and operators: the functions of the face that take a tensor first, bound by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import bare, torch_error
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions import constants, conversions, creation, draws, extremes, pointwise, reductions

# Names of functions that are methods too, by file.
METHODS: dict[Any, str] = {
    creation: "new_tensor",
    constants: "new_zeros new_ones new_empty new_full",
    draws: """bernoulli multinomial normal_ uniform_ random_ bernoulli_ exponential_ geometric_ log_normal_
        cauchy_""",
    conversions: "to double long byte half bfloat16 short char type_as cpu cuda",
    pointwise: """add sub mul div pow clamp clip eq ne lt le gt ge maximum minimum atan2 arctan2 exp exp2 expm1 log
        log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid
        erf abs absolute neg negative square floor ceil trunc fix sign relu isnan isinf isfinite not_equal less
        less_equal greater greater_equal divide true_divide subtract multiply""",
    reductions: """all any count_nonzero cumprod cumsum diff dist logcumsumexp logsumexp mean nanmean nansum norm prod
        renorm std sum var""",
    extremes: """amax amin aminmax argmax argmin cummax cummin max median min mode nanmedian nanquantile
        quantile""",
}
# Methods that have a form with an underscore, which writes the result into the tensor itself.
IN_PLACE = """add sub mul div pow clamp clip exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan
    asin acos atan sinh cosh tanh asinh acosh atanh sigmoid erf abs neg negative square floor ceil trunc sign relu
    divide true_divide subtract multiply eq ne lt le gt ge cumsum cumprod renorm"""


def in_place(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The method that writes what `function` computes of a tensor into that tensor."""
    compute = getattr(function, "face", None)
    if compute is None:
        raise TypeError(f"{name} is no function of the library's tensors")

    def changed(self: Tensor, *args: Any, **named: Any) -> Tensor:
        try:
            views.check_may_change(self)
            inner = self.inner
            value = compute(inner, *map(bare, args), **{key: bare(x) for key, x in named.items()})
            views.check_result(inner, value)
            return views.write(self, value, name)
        except Exception as error:
            other = torch_error(error)
            if other is error:
                raise
            raise other from None

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"`{name.rstrip('_')}`, written into the tensor itself."
    return changed


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: function(other, self)


def _comparing(function: Callable[..., Any], otherwise: bool) -> Callable[..., Any]:
    """An operator that compares, and is not asked for things that are no numbers: `x == None`, `x == "a"`."""

    def compared(self: Tensor, other: Any) -> Any:
        if other is None or isinstance(other, (str, dict, set)):
            return otherwise
        return function(self, other)

    return compared


def _operators() -> None:
    table = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow"}
    for sign, name in table.items():
        function = getattr(pointwise, name)
        setattr(Tensor, f"__{sign}__", function)
        setattr(Tensor, f"__r{sign}__", _reflected(function))
        setattr(Tensor, f"__i{sign}__", getattr(Tensor, f"{name}_"))
    for name in ("lt", "le", "gt", "ge"):
        setattr(Tensor, f"__{name}__", getattr(pointwise, name))
    Tensor.__eq__ = _comparing(pointwise.eq, False)  # type: ignore[method-assign,assignment]
    Tensor.__ne__ = _comparing(pointwise.ne, True)  # type: ignore[method-assign,assignment]
    Tensor.__neg__, Tensor.__abs__ = pointwise.neg, pointwise.abs  # type: ignore[attr-defined]
    Tensor.__pos__ = lambda self: self  # type: ignore[attr-defined]


def bind() -> None:
    """Give Tensor its methods and operators."""
    for file, names in METHODS.items():
        for name in names.split():
            setattr(Tensor, name, getattr(file, name))
    for name in ("float", "int", "bool"):
        setattr(Tensor, name, getattr(conversions, f"{name}_"))
    for name in IN_PLACE.split():
        setattr(Tensor, f"{name}_", in_place(f"{name}_", getattr(Tensor, name)))
    _operators()


bind()
