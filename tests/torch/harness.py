"""Runs a recipe under PyTorch and under the face, and compares all that comes out of it.

A recipe is a function of the module `torch` and of a `Draw`; what it returns is compared: tensors by dtype,
shape, numbers and whether they require grad, everything else by equality. So are the gradients of its float
inputs, and an error's type: the face's error is one of PyTorch's type, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.torch.draw import Draw

Recipe = Callable[[Any, Draw], Any]
TOLERANCE = {"float64": 1e-9, "float32": 2e-5}


def near(recipe: Recipe, tolerance: float = 3e-6) -> Recipe:
    """A recipe whose numbers are compared with less digits: a part of it is computed in float32."""
    recipe.tolerance = tolerance  # type: ignore[attr-defined]
    return recipe


class Outcome:
    """What a recipe came to: a result and gradients, or an error."""

    def __init__(self, torch: Any, recipe: Recipe, seed: int) -> None:
        draw = Draw(torch, seed)
        self.error: Exception | None = None
        self.result: Any = None
        self.grads: list[Any] = []
        try:
            self.result = recipe(torch, draw)
            roots = [x for x in _tensors(torch, self.result) if x.requires_grad and x.is_floating_point()]
            if roots and draw.leaves:
                self._differentiate(torch, roots, draw.leaves, seed)
            self.result = plain(torch, self.result)
        except Exception as error:  # compared with the other's
            self.error = error

    def _differentiate(self, torch: Any, roots: list[Any], leaves: list[Any], seed: int) -> None:
        random = np.random.default_rng(seed + 1)
        weights = [torch.tensor(random.uniform(0.5, 1.5, tuple(x.shape))).to(x.dtype) for x in roots]
        found = torch.autograd.grad(roots, leaves, weights, allow_unused=True)
        self.grads = [plain(torch, g) for g in found]


def _tensors(torch: Any, x: Any) -> list[Any]:
    if isinstance(x, torch.Tensor):
        return [x]
    if isinstance(x, (list, tuple)):
        return [t for y in x for t in _tensors(torch, y)]
    if isinstance(x, dict):
        return [t for y in x.values() for t in _tensors(torch, y)]
    return []


def plain(torch: Any, x: Any) -> Any:
    """A result as data that both sides share."""
    if isinstance(x, torch.Tensor):
        return ("tensor", str(x.dtype), tuple(x.shape), bool(x.requires_grad), np.array(x.detach().numpy()))
    if isinstance(x, (torch.dtype, torch.device, torch.layout)):
        return str(x)
    if isinstance(x, dict):
        return {str(key): plain(torch, y) for key, y in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(torch, y) for y in x]
    return x


def compare(ours: Any, theirs: Any, where: str, tolerance: float | None = None) -> None:
    """AssertionError where two plain results differ."""
    if isinstance(theirs, tuple) and theirs[:1] == ("tensor",):
        assert isinstance(ours, tuple) and ours[:1] == ("tensor",), f"{where}: {ours!r} is no tensor"
        assert ours[1:4] == theirs[1:4], f"{where}: dtype, shape, requires_grad {ours[1:4]}, {theirs[1:4]}"
        if theirs[4].dtype.kind == "f":
            limit = tolerance or TOLERANCE[theirs[1].removeprefix("torch.")]
            np.testing.assert_allclose(ours[4], theirs[4], rtol=limit, atol=limit, err_msg=where)
        else:
            np.testing.assert_array_equal(ours[4], theirs[4], err_msg=where)
    elif isinstance(theirs, list):
        assert isinstance(ours, list) and len(ours) == len(theirs), f"{where}: {ours!r}, {theirs!r}"
        for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            compare(one, other, f"{where}[{i}]", tolerance)
    elif isinstance(theirs, dict):
        assert isinstance(ours, dict) and list(ours) == list(theirs), f"{where}: {list(ours)}, {list(theirs)}"
        for key in theirs:
            compare(ours[key], theirs[key], f"{where}[{key!r}]", tolerance)
    elif isinstance(theirs, float):
        assert isinstance(ours, float), f"{where}: {ours!r}, {theirs!r}"
        np.testing.assert_allclose(ours, theirs, rtol=tolerance or 2e-5, atol=1e-12, err_msg=where)
    else:
        assert type(ours) is type(theirs) or theirs is None, f"{where}: {type(ours)}, {type(theirs)}"
        assert ours == theirs, f"{where}: {ours!r}, PyTorch has {theirs!r}"


def check(face: Any, torch: Any, recipe: Recipe, seed: int, name: str) -> str:
    """Compare both outcomes of a recipe. Returns what happened: `value`, `gradient` or `error`."""
    ours, theirs = Outcome(face, recipe, seed), Outcome(torch, recipe, seed)
    if theirs.error is not None:
        assert ours.error is not None, f"{name}: PyTorch raises {theirs.error!r}, we return {ours.result!r}"
        kinds = tuple(k for k in type(theirs.error).__mro__ if k.__module__ == "builtins")[:1]
        if kinds == (NotImplementedError,):  # of a dtype; here it is the RuntimeError that it derives from
            kinds = (RuntimeError,)
        assert isinstance(ours.error, kinds), f"{name}: {ours.error!r}, PyTorch raises {theirs.error!r}"
        return "error"
    if ours.error is not None:
        raise AssertionError(f"{name}: {ours.error!r}, PyTorch returns {theirs.result!r}") from ours.error
    tolerance = getattr(recipe, "tolerance", None)
    compare(ours.result, theirs.result, name, tolerance)
    compare(ours.grads, theirs.grads, f"gradients of {name}", tolerance)
    return "gradient" if theirs.grads else "value"
