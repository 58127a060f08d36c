"""Loading a state into a model: everything is compared before anything is written."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import user_line
from tinygrad_edu.tensor import Tensor


class Keys(NamedTuple):
    """What did not match in `load_state_dict(strict=False)`."""
    missing_keys: list[str]
    unexpected_keys: list[str]


def plan(title: str, own: Mapping[str, Tensor], state: Mapping[str, Any],
         strict: bool) -> tuple[list[Callable[[], Any]], Keys]:
    """The writes that bring the tensors of `own` to `state`, not yet done, and the keys that did not fit.

    Raises ValueError that names every missing, unexpected (if `strict`), wrong-shaped and non-numeric key.
    """
    keys = Keys([k for k in own if k not in state], [k for k in state if k not in own])
    arrays = {k: v.numpy() if isinstance(v, Tensor) else np.asarray(v) for k, v in state.items() if k in own}
    wrong = [f"{k} is {a.shape} in the state, {own[k].shape} in the model" for k, a in arrays.items()
             if a.shape != own[k].shape]
    wrong += [f"{k} is {a.dtype} in the state, not numbers" for k, a in arrays.items()
              if a.dtype.kind not in "fiub"]
    wrong += [f"{k} of the model is a read-only view" for k in arrays
              if own[k].device == "cpu" and not own[k].storage.array.flags.writeable]
    found = [f"missing: {', '.join(keys.missing_keys)}"] if strict and keys.missing_keys else []
    found += [f"unexpected: {', '.join(keys.unexpected_keys)}"] if strict and keys.unexpected_keys else []
    if found or wrong:
        raise ValueError(f"load_state_dict: the state is not one of this {title}, nothing was loaded "
                         f"(at {user_line()}). " + "; ".join([*found, *wrong]) +
                         (". Pass strict=False to load what does match" if found and not wrong else ""))
    return [_write(own[k], a) for k, a in arrays.items()], keys


def _write(tensor: Tensor, data: Any) -> Callable[[], Any]:
    return lambda: tensor.detach().copy_(data)
