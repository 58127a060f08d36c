"""Layers that are a function of torch.nn.functional with its options fixed: one row each declares them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from tinygrad_edu.torch.nn.functional.losses import reduction_of
from tinygrad_edu.torch.nn.module import Module

NEEDED = inspect.Parameter.empty  # the default of an option without one


class Function(Module):
    """A function with its options fixed; the base of what `declare` makes.

    text  what `repr` shows between the parentheses, with options in braces
    """

    function: ClassVar[Callable[..., Any]]
    signature: ClassVar[inspect.Signature]
    text: ClassVar[str] = ""
    given: ClassVar[tuple[str, ...]] = ()  # the options that the function takes
    buffers_: ClassVar[tuple[str, ...]] = ()  # those that are tensors, and part of the state
    as_float: ClassVar[tuple[str, ...]] = ()  # those that are kept as floats

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values = dict(bound.arguments)
        if "size_average" in values:
            old = (values.pop("size_average"), values.pop("reduce"))
            if any(v is not None for v in old):
                values["reduction"] = reduction_of(*old, "mean")
        for name, value in values.items():
            if name in self.buffers_:
                self.register_buffer(name, value)
            else:
                setattr(self, name, float(value) if name in self.as_float else value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return type(self).function(*args, **{name: getattr(self, name) for name in self.given}, **kwargs)

    def extra_repr(self) -> str:
        shown = self.text.format_map(_Shown(self))
        if "inplace" in self.given and "inplace" in vars(self) and self.inplace:
            shown += ", inplace=True" if shown else "inplace=True"
        return shown


class _Shown(dict[str, Any]):
    def __init__(self, module: Module) -> None:
        super().__init__()
        self.module = module

    def __missing__(self, name: str) -> Any:
        return getattr(self.module, name)


def declare(
    where: str, title: str, function: Callable[..., Any], text: str = "", /, *, buffers: str = "",
    base: type[Function] = Function, floats: str = "", unseen: str = "", **options: Any,
) -> Any:  # fmt: skip
    """A `Function` class of this name in the module `where`, documented by the function it calls.

    unseen  options that PyTorch takes and the function does not
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind, default=default) for name, default in options.items()]
    old = ("size_average", "reduce")
    body = {
        "function": staticmethod(function),
        "signature": inspect.Signature(parameters),
        "__signature__": inspect.Signature(parameters),
        "text": text,
        "given": tuple(name for name in options if name not in (*old, *unseen.split())),
        "buffers_": tuple(buffers.split()),
        "as_float": tuple(floats.split()),
        "__doc__": (function.__doc__ or "").split("\n")[0],
        "__module__": where,
        "__qualname__": title,
    }
    return type(title, (base,), body)
