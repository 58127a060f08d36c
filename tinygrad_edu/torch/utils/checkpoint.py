"""torch.utils.checkpoint: parts of a computation that are not kept, and computed again for backward.

They are `tinygrad_edu.checkpoint`s, which correspond to PyTorch's with `use_reentrant=False`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.engine.modes import current
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare, faced, torch_error
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from

__all__ = ["checkpoint", "checkpoint_sequential", "noop_context_fn", "set_checkpoint_early_stop",
           "set_checkpoint_debug_enabled"]  # fmt: skip


def noop_context_fn() -> tuple[Any, Any]:
    """The contexts of the first and of the second run, which do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), without keeping the arrays inside: backward computes it again.

    Random numbers are the same in the second run. What the function reads beside its arguments may not
    change in between: backward raises RuntimeError if the second run takes another course. `use_reentrant`,
    `determinism_check`, `debug` and `early_stop` change nothing, and the random numbers are always restored.
    """
    contexts = list(context_fn())
    results: list[Any] = []

    def segment(*given: Any) -> te.Tensor:
        tensors = iter(given)
        whole = [faced(next(tensors)) if isinstance(x, Tensor) else x for x in args]
        context = contexts[min(len(results), 1)]
        with context:
            result = function(*whole, **kwargs)
        results.append(result)
        found = _tensors(result)
        if not found:
            raise _Nothing
        return found[0].inner

    if not current.get().grad:
        with contexts[0]:
            return function(*args, **kwargs)
    try:
        first = te.checkpoint(segment, *[bare(x) for x in args if isinstance(x, Tensor)])
    except _Nothing:
        return results[0]
    except Exception as error:
        changed = torch_error(error)
        if changed is error:
            raise
        raise changed from None
    result = results[0]
    results[:] = [None]  # the run is kept by nothing but the graph
    return _with_first(result, first, [False])


def set_checkpoint_early_stop(enable: bool) -> Any:
    """A context that changes nothing: the second run is always whole."""
    return contextlib.nullcontext()


def set_checkpoint_debug_enabled(enabled: bool | None) -> Any:
    """A context that changes nothing: errors always name the op that differs."""
    return contextlib.nullcontext()


class _Nothing(Exception):
    """The result has no tensor that requires grad."""


def _tensors(x: Any) -> list[Tensor]:
    """The tensors of a result that require grad, in lists, tuples and dicts."""
    if isinstance(x, Tensor):
        return [x] if x.inner.node is not None else []
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, (list, tuple)) else ()
    return [tensor for part in parts for tensor in _tensors(part)]


def _with_first(x: Any, first: te.Tensor, is_placed: list[bool]) -> Any:
    """The result with `first` in place of the first of its tensors."""
    if isinstance(x, Tensor):
        if is_placed[0] or x.inner.node is None:
            return x
        is_placed[0] = True
        return faced(first)
    if isinstance(x, dict):
        return {key: _with_first(part, first, is_placed) for key, part in x.items()}
    if isinstance(x, (list, tuple)):
        parts = [_with_first(part, first, is_placed) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return x


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """A model of layers one after another, in `segments` parts that are checkpoints, but for the last."""
    layers = list(functions.children()) if hasattr(functions, "children") else list(functions)
    if not 1 <= segments <= len(layers):
        raise wrong(ValueError, "checkpoint_sequential", f"{segments} segments of {len(layers)} layers")

    def run(some: list[Any]) -> Callable[[Any], Any]:
        def forward(x: Any) -> Any:
            for layer in some:
                x = layer(x)
            return x

        return forward

    size = len(layers) // segments
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(run(layers[start : start + size]), input, use_reentrant=use_reentrant, **kwargs)
    return run(layers[size * (segments - 1) :])(input)


__getattr__ = missing_from("torch.utils.checkpoint")
