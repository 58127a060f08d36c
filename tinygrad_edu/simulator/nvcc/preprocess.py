"""The preprocessing pass, which leaves only the user's own text for the rewriter.

g++ expands all macros. CUDA's keywords are not macros here, so __global__ and __shared__ stay in the text.
The text of system headers and of the simulator's headers is replaced by its #include directive; the compile
pass includes those headers itself, most of them from the precompiled header.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.nvcc.arguments import Arguments
from tinygrad_edu.simulator.nvcc.tokens import Place, marker, unquote

HEADERS = toolchain.DEVICE / "include"  # headers that users include: cuda_fp16.h, mma.h ...

_MARKER = re.compile(r'^#[ \t]*(\d+)[ \t]+"((?:\\.|[^"\\\n])*)"((?:[ \t]\d)*)[ \t]*$')


class PreprocessError(Exception):
    """g++ could not preprocess; the text has its messages."""


def command(arguments: Arguments, source: str) -> list[str]:
    """The g++ command that preprocesses one source file."""
    major, minor = 13, 0
    architecture = arguments.architecture
    return [
        toolchain.compiler(),
        "-E",
        "-x",
        "c++",
        f"-std={arguments.standard}",
        "-DSIM_PREPROCESSING",
        "-D__TINYGRAD_EDU_SIMULATOR__=1",
        "-D__CUDACC__=1",
        "-D__NVCC__=1",
        f"-D__CUDA_ARCH__={architecture * 10}",
        f"-D__CUDA_ARCH_LIST__={architecture * 10}",
        f"-D__CUDACC_VER_MAJOR__={major}",
        f"-D__CUDACC_VER_MINOR__={minor}",
        "-D__CUDACC_VER_BUILD__=0",
        *(["-D__USE_FAST_MATH__=1", "-D__FAST_MATH__=1"] if arguments.fast_math else []),
        *arguments.definitions,
        "-I",
        str(HEADERS),
        *include_flags(arguments),
        "-imacros",
        str(toolchain.DEVICE / "macros.h"),
        *[item for file in arguments.forced for item in ("-include", file)],
        source,
    ]


def include_flags(arguments: Arguments) -> list[str]:
    """The user's header folders as flags of g++."""
    return [
        *(f"-I{folder}" for folder in arguments.includes),
        *(f"-isystem{folder}" for folder in arguments.systems),
    ]


def for_reading(arguments: Arguments, source: str) -> str:
    """The output of --preprocess.

    PyCUDA uses it in its cache key. If it is less than half as long as the source, PyCUDA assumes a broken
    compiler; with real nvcc, CUDA's headers make it longer. Here blanks are added instead.
    """
    done = _run([*command(arguments, source), *([] if arguments.line_markers else ["-P"])])
    missing = Path(source).stat().st_size - len(done)
    return done + " " * max(0, missing) + ("\n" if missing > 0 else "")


def for_rewriting(arguments: Arguments, source: str) -> str:
    """The user's text with macros expanded and with line markers; other headers as #include directives."""
    return keep_own_text(_run([*command(arguments, source), "-dI"]), source)


def _run(arguments: list[str]) -> str:
    done = subprocess.run(arguments, capture_output=True, check=False)
    if done.returncode:
        raise PreprocessError(done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8", "surrogateescape")


def keep_own_text(text: str, source: str) -> str:
    """Remove the text of foreign headers from the output of g++ -E -dI."""
    own = {source}
    inside = False  # inside the user's text
    directive = ""  # an #include of the user, until its file is known
    kept: list[str] = []
    for line in text.splitlines(keepends=True):
        if not line.startswith("#"):
            if inside:
                kept.append(line)
            continue
        found = _MARKER.match(line)
        if found is None:
            if inside and line.startswith("#include"):
                directive = line
                kept.append("\n")
            elif inside:
                kept.append(line)
            continue
        number, file, flags = int(found[1]), unquote(found[2]), found[3].split()
        if "1" in flags:
            foreign = "3" in flags or file.startswith(str(toolchain.DEVICE))
            if not foreign:
                own.add(file)
            elif inside:
                kept.append(directive)
            directive = ""
        inside = file in own
        if inside:
            kept.append(marker(Place(file, number)))
    return "".join(kept)
