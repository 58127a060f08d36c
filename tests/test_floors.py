"""Imports only go down: the architecture's floors, read from the source and not from memory."""

from __future__ import annotations

import ast
import functools
import graphlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "tinygrad_edu"
FILES = sorted(p for p in ROOT.rglob("*.py") if "__pycache__" not in p.parts)

FLOORS = {
    0: ("shapes", "dtypes", "scalars", "domain", "errors", "phrases", "files", "memory", "printable", "words",
        "catalogue", "_version"),
    1: ("backend",),
    2: ("engine",),
    3: ("ops",),
    4: ("tensor", "methods", "functional", "calculus", "recompute", "tree", "array_api"),
    5: ("nn", "optim", "data", "metrics"),
    6: ("check", "cuda", "testing", "graph", "viz", "jit", "profile", "reference", "evidence", "source",
        "anomaly"),
    7: ("cli", "training", "__main__", "sklearn", "playground", "distributed", "torch", "interop"),
}  # fmt: skip
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names}
BESIDE = ("simulator",)  # a CUDA driver on the CPU: imports nothing of the house,
FREE = ("files",)  # but what imports nothing itself but Python
USERS = ("backend/cuda/device/driver.py", "cli/simulate.py")  # who of the house may import what is beside it
OPTIONAL = ("pycuda", "mpi4py", "sklearn", "matplotlib", "hypothesis", "tqdm", "safetensors", "torch",
            "mlxtend", "yaml", "networkx", "PIL", "scipy", "pandas", "tensorboardX", "threadpoolctl", "onnx",
            "onnxruntime")  # fmt: skip

# Packages without a circle of imports. Those inside functions count; with True, those for type checkers too.
NO_CIRCLE = (
    ("backend", False),
    ("backend/cuda", True),
    ("engine", False),
    ("optim", False),
    ("sklearn", True),
)
STOREYS = ("device", "families")  # of backend/cuda, from below; upon them what is in no folder


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
            visit(
                child,
                at_import and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)),
            )

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
            said = f"{path} imports {module}; the simulator imports nothing of the house but {FREE}"
            assert other in (mine, *FREE), said
        elif other in FLOOR:
            up = f"{path} (floor {FLOOR[mine]}) imports {module} (floor {FLOOR[other]})"
            assert FLOOR[other] <= FLOOR[mine], up
        elif other in BESIDE:
            assert path.relative_to(ROOT).as_posix() in USERS, f"{path} imports {module}; only {USERS} may"


def test_the_recorded_graph_knows_nothing_of_its_pictures():
    used = {module for path in FILES if part(path) == "graph" for module, _ in imports(path)}
    assert used and not [module for module in used if module.startswith("tinygrad_edu.viz")]


@pytest.mark.parametrize("name", FREE)
def test_what_is_free_to_all_imports_python_alone(name):
    assert {module.split(".")[0] for module, _ in imports(ROOT / f"{name}.py")} <= sys.stdlib_module_names


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_optional_dependency_is_imported_in_one_file(name):
    users = sorted(
        str(p.relative_to(ROOT))
        for p in FILES
        if any(module.split(".")[0] == name for module, _ in imports(p))
    )
    # What is beside the house can ask nobody in it: it has a file of its own.
    beside = [user for user in users if user.split("/")[0] in BESIDE]
    for some in (beside, [user for user in users if user not in beside]):
        assert len(some) <= 1, f"{name} is imported in {some}; one file may, the others ask it"


@pytest.mark.parametrize(
    "path", [p for p in FILES if part(p) not in ("testing",)], ids=lambda p: str(p.relative_to(ROOT))
)
def test_optional_dependencies_are_imported_when_used(path):
    eager = [m for m, at_import in imports(path) if at_import and m.split(".")[0] in OPTIONAL]
    if part(path) not in ("sklearn", "distributed") and path.name != "driver.py":
        assert not eager, f"{path} imports {eager} at import; do so inside the function that needs it"


@functools.cache
def asked(path: Path, for_types: bool) -> set[Path]:
    """The files of the package whose names a file imports, anywhere in its text.

    A package's `__init__.py` counts where something is taken from it, and not where only a file in it is.
    """
    names: list[str] = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.extend(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names.extend(a.value for a in node.args if isinstance(a, ast.Constant))
        typed = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in node.orelse if typed and not for_types else ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return {file for name in names if (file := file_of(name))}


def file_of(name: str) -> Path | None:
    """The file that holds the dotted `name`: that of the module, or of the module that it is taken from."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        stem = ROOT.parent.joinpath(*parts[:end])
        for file in (stem.with_suffix(".py"), stem / "__init__.py"):
            if parts[0] == ROOT.name and file.is_file():
                return file
    return None


@pytest.mark.parametrize(("package", "for_types"), NO_CIRCLE)
def test_no_imports_go_in_a_circle(package, for_types):
    inside = {path for path in FILES if path.is_relative_to(ROOT / package)}
    assert inside
    try:
        graphlib.TopologicalSorter({path: asked(path, for_types) & inside for path in inside}).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" is imported by ".join(str(p.relative_to(ROOT)) for p in error.args[1]))


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if p.is_relative_to(ROOT / "backend" / "cuda")],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_the_storeys_of_cuda_import_down(path):
    def storey(file: Path) -> int:
        folder = file.relative_to(ROOT / "backend" / "cuda").parts[0]
        return STOREYS.index(folder) if folder in STOREYS else len(STOREYS)

    up = {
        str(other.relative_to(ROOT))
        for other in asked(path, for_types=True)
        if other.is_relative_to(ROOT / "backend" / "cuda") and storey(other) > storey(path)
    }
    assert not up, f"{path.relative_to(ROOT)} imports {up}, which stand above it"


@pytest.mark.parametrize(
    "path", [p for p in FILES if FLOOR.get(part(p), 0) > 1], ids=lambda p: str(p.relative_to(ROOT))
)
def test_no_one_above_the_backends_asks_which_it_is(path):
    """A backend is what its protocol says. Only the walk back asks whether arrays have operators."""
    asking = (
        ".arithmetic",
        "is cpu",
        "is not cpu",
        "registry.cpu else",
        "getattr(backend",
        "hasattr(backend",
    )
    lines = [line for line in path.read_text().splitlines() if any(a in line for a in asking)]
    found = [line for line in lines if not line.lstrip().startswith(("#", '"'))]
    walk = path == ROOT / "engine" / "backprop.py"
    assert len(found) == walk, f"{path.relative_to(ROOT)} asks a backend what it is: {found}"
