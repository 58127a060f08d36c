"""The preprocessing pass, and what is left of its output for the rewriter: the user's own text.

g++ expands all macros but knows none of CUDA's keywords here, so that __global__ and __shared__ survive. What
comes from system headers and from headers of the simulator is cut out again and its #include directive put
back: the compile pass reads those headers itself, from the precompiled one for the most part.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.nvcc.arguments import Arguments
from tinygrad_edu.simulator.nvcc.tokens import Place, marker

HEADERS = toolchain.DEVICE / "include"  # the names that users include: cuda_fp16.h, mma.h ...

_MARKER = re.compile(r'^#[ \t]*(\d+)[ \t]+"((?:\\.|[^"\\\n])*)"((?:[ \t]\d)*)[ \t]*$')


class PreprocessError(Exception):
    """g++ refused to preprocess; the text is what it said."""


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
    """The user's folders of headers, as flags of g++."""
    return [
        *(f"-I{folder}" for folder in arguments.includes),
        *(f"-isystem{folder}" for folder in arguments.systems),
    ]


def for_reading(arguments: Arguments, source: str) -> str:
    """What --preprocess prints.

    PyCUDA makes its cache key of it, and takes an answer of less than half the source for a broken compiler:
    with real nvcc CUDA's own headers make up for comments that are gone. Blanks do here.
    """
    done = _run([*command(arguments, source), *([] if arguments.line_markers else ["-P"])])
    missing = Path(source).stat().st_size - len(done)
    return done + " " * max(0, missing) + ("\n" if missing > 0 else "")


def for_rewriting(arguments: Arguments, source: str) -> str:
    """The user's text with macros expanded and line markers, other headers as #include directives."""
    return keep_own_text(_run([*command(arguments, source), "-dI"]), source)


def _run(arguments: list[str]) -> str:
    done = subprocess.run(arguments, capture_output=True, check=False)
    if done.returncode:
        raise PreprocessError(done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8", "surrogateescape")


def keep_own_text(text: str, source: str) -> str:
    """Cut the text of foreign headers out of the output of g++ -E -dI."""
    own = {source}
    inside = False  # in text of the user's
    directive = ""  # an #include of the user's, until it is known what it brings
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
        number, file, flags = int(found[1]), re.sub(r"\\(.)", r"\1", found[2]), found[3].split()
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
