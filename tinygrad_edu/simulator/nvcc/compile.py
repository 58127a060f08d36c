"""Compiles rewritten sources with g++; the headers are precompiled once for each set of flags."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tinygrad_edu.simulator import seal, toolchain
from tinygrad_edu.simulator.nvcc import doors
from tinygrad_edu.simulator.nvcc.arguments import Arguments
from tinygrad_edu.simulator.nvcc.preprocess import HEADERS, include_flags

# CUDA's arithmetic: a * b + c with one rounding where possible, no errno and no floating-point traps, but NaN
# and infinities as in IEEE 754. CUDA code often uses pointers to one type for data of another type.
# Kernels throw no exceptions.
_ALWAYS = (
    "-march=native",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-gnu-unique",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-strict-aliasing",
    "-fno-exceptions",
    # A large stack frame is touched in steps of 64 KB, so that an overflow always reaches the guard page.
    "-fstack-clash-protection",
    "--param=stack-clash-protection-guard-size=16",
    "-mtls-dialect=gnu2",
    "-pipe",
    "-w",
    "-D__TINYGRAD_EDU_SIMULATOR__=1",
    "-D__CUDACC__=1",
    "-D__NVCC__=1",
    "-D__CUDA_ARCH__=900",
)

_INSTRUMENTED = ("-fsanitize=thread", "--param", "tsan-distinguish-volatile=1")
# g++ inserts callbacks before loads and stores, but not for a struct that is passed or returned by value.
# Without copy elision, its constructor copies it first, with a load and a store.
_EVERY_MOVE = ("-fno-elide-constructors",)

# fmt: off
VARIANTS = {
    "plain": ("-O3", "-g1", "-gdwarf-4"),
    # Lanes of a warp wait for each other at volatile accesses, so kernels with them need the callbacks.
    "volatile": ("-O3", "-g1", "-gdwarf-4", *_INSTRUMENTED),
    "check": (
        "-O1", "-g", "-gdwarf-4", "-DSIM_CHECK=1", *_INSTRUMENTED, *_EVERY_MOVE,
        "-fsanitize=alignment", "--param", "tsan-instrument-func-entry-exit=0",
    ),
    # In the profile variant a float4 is loaded at once, as on a GPU. The code is in the order of the source,
    # since the profile uses addresses to find where diverged lanes join again.
    "profile": (
        "-O1",
        "-g",
        "-gdwarf-4",
        "-DSIM_PROFILE=1",
        *_INSTRUMENTED,
        *_EVERY_MOVE,
        "-fsanitize-coverage=trace-pc",
        "-fno-tree-sra",
        "-fno-reorder-blocks",
    ),
}
# fmt: on

# This object is never run: host_uses.py reads the references of its functions.
SEARCH = ("-O0", "-g1", "-gdwarf-4", "-ffunction-sections", "-fdata-sections", "-DSIM_SEARCH=1")


class CompileError(Exception):
    """g++ failed; the text has its messages."""


def user_flags(arguments: Arguments) -> list[str]:
    """The options of the command line for g++ after preprocessing, for all variants of the module."""
    return [
        f"-std={arguments.standard}",
        f"-ffp-contract={'fast' if arguments.fuse else 'off'}",
        # Of nvcc's fast maths, only x / y as x * (1 / y) is faster on a CPU. NaN and infinities stay correct.
        *(["-freciprocal-math", "-D__USE_FAST_MATH__=1"] if arguments.fast_math else []),
        *include_flags(arguments),
    ]


def compile_unit(unit: Path, output: Path, flags: list[str], variant: str, verbose: bool = False) -> None:
    """Compile rewritten C++ into a shared object for one variant."""
    object_file = output.with_suffix(".o")
    # Two runs of g++: with -fsanitize=thread on its command line
    # the linker would add g++'s own run-time library.
    try:
        compile_object(unit, object_file, flags, VARIANTS[variant], verbose, variant in ("check", "profile"))
        _run(
            [
                toolchain.compiler(),
                "-shared",
                "-o",
                str(output),
                str(object_file),
                "-Wl,-Bsymbolic",
                "-Wl,-z,defs",
                "-Wl,-z,norelro",  # the driver writes to the tables of doors.py
                "-Wl,--no-as-needed",
                str(_library()),
            ],
            verbose,
        )
    finally:
        object_file.unlink(missing_ok=True)


def compile_object(
    unit: Path,
    output: Path,
    flags: list[str],
    own: tuple[str, ...],
    verbose: bool = False,
    redirect: bool = False,
) -> None:
    """Compile rewritten C++ into an object file, with the flags `own`.

    With `redirect`, addresses of functions are those of the plain variant; see doors.py.
    """
    others = [flag for flag in flags if not flag.startswith(("-I", "-isystem"))]
    folders = [flag for flag in flags if flag.startswith(("-I", "-isystem"))]
    arguments = [*_ALWAYS, *own, *others]
    header = _precompiled(arguments, verbose)
    search = [f"-I{header.parent}", f"-I{toolchain.DEVICE}", f"-I{HEADERS}", *folders]
    names = f"-fdebug-prefix-map={os.getcwd()}=."
    assembly = output.with_suffix(".s")
    outputs = ["-S", "-o", str(assembly)] if redirect else ["-c", "-o", str(output)]
    command = [toolchain.compiler(), *arguments, *search, names, *outputs, str(unit)]
    try:
        try:
            _run(command, verbose)
        except CompileError:
            if seal.is_whole(header):
                raise
            header.unlink()
            _precompiled(arguments, verbose)
            _run(command, verbose)
        if redirect:
            text = assembly.read_text("utf-8", "surrogateescape")
            assembly.write_text(doors.redirect(text), "utf-8", "surrogateescape")
            _run([toolchain.compiler(), "-c", "-o", str(output), str(assembly)], verbose)
    finally:
        assembly.unlink(missing_ok=True)


def _precompiled(arguments: list[str], verbose: bool) -> Path:
    """The precompiled unit.h.gch for these flags. It is built if it is missing or incomplete."""
    key = hashlib.sha256("\0".join(arguments).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    folder = toolchain.build_folder() / "headers" / key
    target = folder / "unit.h.gch"
    if seal.is_whole(target, contents=False):
        return target
    seal.folder(folder, toolchain.cache_folder())
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
        seal.put(Path(temporary), target)
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
