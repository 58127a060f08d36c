"""Methods that change their tensor, made of functions that compute a new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import bare, torch_error
from tinygrad_edu.torch.core.quiet import IGNORED, resume, silence
from tinygrad_edu.torch.core.tensor import Tensor


def in_place(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The method that writes what `function` computes of a tensor into that tensor."""
    compute = getattr(function, "face", None)
    if compute is None:
        raise TypeError(f"{name} is no function of the library's tensors")

    def changed(self: Tensor, *args: Any, **named: Any) -> Tensor:
        token = silence(IGNORED)
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
        finally:
            resume(token)

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"`{name.rstrip('_')}`, written into the tensor itself."
    return changed
