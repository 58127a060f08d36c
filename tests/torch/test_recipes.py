"""Every name of the face is called with drawn arguments under PyTorch and here: values, gradients, dtypes, shapes,
types of errors."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from tests.torch.harness import check

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


RECIPES = recipes()


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
