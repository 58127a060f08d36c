"""Every name of the face is called with drawn arguments under PyTorch and here; the results are compared."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import Any

import pytest

from tests.torch.harness import check
from tinygrad_edu.torch.running.reading import pytorch_names, why_missing

HERE = Path(__file__).parent
SEEDS = 6


def recipes() -> dict[str, list[Any]]:
    """All recipes by the name that they are about."""
    found: dict[str, list[Any]] = {}
    for path in sorted((HERE / "recipes").glob("[a-z]*.py")):
        module = importlib.import_module(f"tests.torch.recipes.{path.stem}")
        for name, several in module.RECIPES.items():
            found.setdefault(name, []).extend(several)
    return found


class AsMethod:
    """`torch` with one function called as the method of its first argument."""

    def __init__(self, torch: Any, name: str) -> None:
        self._torch, self._name = torch, name

    def __getattr__(self, name: str) -> Any:
        if name != self._name:
            return getattr(self._torch, name)
        return lambda x, *args, **named: getattr(x, name)(*args, **named)


def as_methods(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The recipes of functions that are methods too, called as methods."""
    names = pytorch_names()
    made = {}
    for name in names["torch.Tensor"] & names["torch"]:
        several = found.get(f"torch.{name}")
        if name == "inner" or why_missing(f"Tensor.{name}"):  # docs/torch.md says why
            continue
        if several and f"Tensor.{name}" not in found:
            made[f"Tensor.{name}"] = [_as_method(recipe, name) for recipe in several]
    return made


def _as_method(recipe: Any, name: str) -> Any:
    @functools.wraps(recipe)
    def called(t: Any, d: Any) -> Any:
        return recipe(AsMethod(t, name), d)

    return called


RECIPES = recipes()
RECIPES |= as_methods(RECIPES)


@pytest.mark.oracle
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_name_means_what_it_means_in_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="`make oracle` installs PyTorch")
    face = importlib.import_module("tinygrad_edu.torch")
    happened = [
        check(face, torch, recipe, seed, f"{name} (recipe {i}, seed {seed})")
        for i, recipe in enumerate(RECIPES[name])
        for seed in range(SEEDS)
    ]
    assert set(happened) - {"error"}, f"{name}: every call is an error"
