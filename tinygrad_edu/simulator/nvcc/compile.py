"""Runs g++ on rewritten sources: the headers once for each set of flags, then each module."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.nvcc.arguments import Arguments
from tinygrad_edu.simulator.nvcc.preprocess import HEADERS, include_flags

# CUDA's arithmetic: a * b + c in one rounding where it can, no errno and no floating-point traps, but NaN and
# infinities as IEEE has them. Pointers to one type are used for data of another everywhere in CUDA code, and
# no kernel throws.
_ALWAYS = (
    "-march=native",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-gnu-unique",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-strict-aliasing",
    "-fno-exceptions",
    "-mtls-dialect=gnu2",
    "-pipe",
    "-w",
    "-D__TINYGRAD_EDU_SIMULATOR__=1",
    "-D__CUDACC__=1",
    "-D__NVCC__=1",
    "-D__CUDA_ARCH__=900",
)

_INSTRUMENTED = ("-fsanitize=thread", "--param", "tsan-distinguish-volatile=1")

VARIANTS = {
    "plain": ("-O3", "-g1", "-gdwarf-4"),
    # a volatile access is where the lanes of a warp wait for each other: its callbacks are needed at full
    # speed too
    "volatile": ("-O3", "-g1", "-gdwarf-4", *_INSTRUMENTED),
    "check": (
        "-O1", "-g", "-gdwarf-4", "-DSIM_CHECK=1", *_INSTRUMENTED, "-fsanitize=alignment",
        "--param", "tsan-instrument-func-entry-exit=0",
    ),
    # The profile wants a float4 loaded at once, as on a GPU, and the code in the order of the source: it sees
    # from addresses where lanes that went different ways meet again.
    "profile": (
        "-O1",
        "-g",
        "-gdwarf-4",
        "-DSIM_PROFILE=1",
        *_INSTRUMENTED,
        "-fsanitize-coverage=trace-pc",
        "-fno-tree-sra",
        "-fno-reorder-blocks",
    ),
}


class CompileError(Exception):
    """g++ refused; the text is what it said."""


def user_flags(arguments: Arguments) -> list[str]:
    """What of the command line matters to g++ after preprocessing; each variant of the module gets it."""
    return [
        f"-std={arguments.standard}",
        f"-ffp-contract={'fast' if arguments.fuse else 'off'}",
        # Of nvcc's fast maths only what a CPU gains from: x / y as x * (1 / y). NaN and infinities stay.
        *(["-freciprocal-math", "-D__USE_FAST_MATH__=1"] if arguments.fast_math else []),
        *include_flags(arguments),
    ]


def compile_unit(unit: Path, output: Path, flags: list[str], variant: str, verbose: bool = False) -> None:
    """Compile rewritten C++ into a shared object for one variant."""
    own = [flag for flag in flags if not flag.startswith(("-I", "-isystem"))]
    folders = [flag for flag in flags if flag.startswith(("-I", "-isystem"))]
    arguments = [*_ALWAYS, *VARIANTS[variant], *own]
    header = _precompiled(arguments, verbose)
    search = [f"-I{header.parent}", f"-I{toolchain.DEVICE}", f"-I{HEADERS}", *folders]
    compiler = toolchain.compiler()
    object_file = output.with_suffix(".o")
    # Two runs of g++: with -fsanitize=thread on its command line the linker would add g++'s own run-time
    # library.
    names = f"-fdebug-prefix-map={os.getcwd()}=."
    try:
        _run([compiler, *arguments, *search, names, "-c", "-o", str(object_file), str(unit)], verbose)
        _run(
            [
                compiler,
                "-shared",
                "-o",
                str(output),
                str(object_file),
                "-Wl,-Bsymbolic",
                "-Wl,-z,defs",
                "-Wl,--no-as-needed",
                str(_library()),
            ],
            verbose,
        )
    finally:
        object_file.unlink(missing_ok=True)


def _precompiled(arguments: list[str], verbose: bool) -> Path:
    """The folder's unit.h.gch for these flags, made when it is missing."""
    key = hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:16]
    folder = toolchain.build_folder() / "headers" / key
    target = folder / "unit.h.gch"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".making")
    os.close(descriptor)
    try:
        _run(
            [
                toolchain.compiler(),
                *arguments,
                f"-I{HEADERS}",
                "-x",
                "c++-header",
                str(toolchain.DEVICE / "unit.h"),
                "-o",
                temporary,
            ],
            verbose,
        )
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    return target


def _library() -> Path:
    given = os.environ.get("TINYGRAD_EDU_SIMULATOR_LIB")
    path = Path(given) if given else toolchain.library_path()
    if not path.exists():
        raise CompileError(
            f"the simulator's driver is not built: there is no {path}. "
            "`tinygrad-edu simulator build` builds it."
        )
    return path


def _run(arguments: list[str], verbose: bool) -> None:
    if verbose:
        sys.stderr.write(" ".join(arguments) + "\n")
    done = subprocess.run(arguments, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise CompileError(done.stderr.decode("utf-8", "replace"))
