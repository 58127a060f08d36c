"""Imports only go down: the architecture's floors, read from the source and not from memory."""
from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "tinygrad_edu"
FILES = sorted(p for p in ROOT.rglob("*.py") if "__pycache__" not in p.parts)

FLOORS = {
    0: ("shapes", "dtypes", "domain", "errors", "_version"),
    1: ("backend",),
    2: ("engine",),
    3: ("ops",),
    4: ("tensor", "functional", "calculus"),
    5: ("nn", "optim", "data", "metrics"),
    6: ("check", "cuda", "testing", "viz", "jit", "profile", "reference", "evidence", "source", "anomaly"),
    7: ("cli", "training", "__main__", "sklearn", "playground", "distributed"),
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names}
BESIDE = ("simulator",)                         # a CUDA driver on the CPU: imports nothing of the house
USERS = ("backend/cuda/driver.py", "cli/simulate.py")       # who of the house may import what is beside it
OPTIONAL = ("pycuda", "mpi4py", "sklearn", "matplotlib", "hypothesis", "tqdm", "safetensors", "torch",
            "mlxtend", "yaml", "networkx", "PIL", "scipy", "pandas")


def part(path: Path) -> str:
    """The top-level part of the package that a file belongs to: `ops`, `tensor`, `nn`..."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


@functools.cache
def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, whether its import runs when the file is imported); those for type checkers are left out."""
    found: list[tuple[str, bool]] = []

    def visit(node: ast.AST, at_import: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for other in child.orelse:
                    visit(other, at_import)
                continue
            if isinstance(child, ast.Import):
                found.extend((alias.name, at_import) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}: relative imports hide which floor is meant; spell them out"
                assert child.module is not None
                found.append((child.module, at_import))
                if child.module == "tinygrad_edu":
                    found.extend((f"tinygrad_edu.{alias.name}", at_import) for alias in child.names)
            visit(child, at_import and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef,
            ast.Lambda)))

    visit(ast.parse(path.read_text()), True)
    return found


def test_every_part_of_the_package_has_a_floor():
    parts = {part(p) for p in FILES} - {"__init__", *BESIDE}
    assert parts <= FLOOR.keys(), f"give {sorted(parts - FLOOR.keys())} a floor here and in docs/design"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    mine = part(path)
    for module, _ in imports(path):
        names = module.split(".")
        if names[0] != "tinygrad_edu" or len(names) == 1 or mine == "__init__":
            continue
        other = names[1]
        if mine in BESIDE:
            assert other == mine, f"{path} imports {module}; the simulator imports nothing of the house"
        elif other in FLOOR:
            up = f"{path} (floor {FLOOR[mine]}) imports {module} (floor {FLOOR[other]})"
            assert FLOOR[other] <= FLOOR[mine], up
        elif other in BESIDE:
            assert path.relative_to(ROOT).as_posix() in USERS, f"{path} imports {module}; only {USERS} may"


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_optional_dependency_is_imported_in_one_file(name):
    users = sorted(str(p.relative_to(ROOT)) for p in FILES
                   if any(module.split(".")[0] == name for module, _ in imports(p)))
    # What is beside the house can ask nobody in it: it has a file of its own.
    beside = [user for user in users if user.split("/")[0] in BESIDE]
    for some in (beside, [user for user in users if user not in beside]):
        assert len(some) <= 1, f"{name} is imported in {some}; one file may, the others ask it"


@pytest.mark.parametrize("path", [p for p in FILES if part(p) not in ("testing",)],
                         ids=lambda p: str(p.relative_to(ROOT)))
def test_optional_dependencies_are_imported_when_used(path):
    eager = [m for m, at_import in imports(path) if at_import and m.split(".")[0] in OPTIONAL]
    if part(path) not in ("sklearn", "distributed") and path.name != "driver.py":
        assert not eager, f"{path} imports {eager} at import; do so inside the function that needs it"
