"""Translates messages of g++ for the author of a kernel: the user's line, the message, and advice.

A message about a line of the simulator's headers gets the user's line that uses the header. Names that the
rewriter has generated are removed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from tinygrad_edu.simulator import toolchain

_MESSAGE = re.compile(
    r"^(?P<file>\S.*?):(?P<line>\d+):(?:\d+:)? (?P<kind>fatal error|error|warning|note): (?P<text>.*)$"
)
_CONTEXT = re.compile(r"^(?P<file>\S.*?):(?P<line>\d+):(?:\d+:)?\s+(?:required|instantiated|recursively) .*$")
_INCLUDED = re.compile(r"^(?:In file included from| {17}from) (?P<file>.+?):(?P<line>\d+)[,:]")
_UNDEFINED = re.compile(r"^(?P<file>\S.*?):(?P<line>\d+): undefined reference to [`'](?P<name>.*)'$")
_UNDEFINED_ANYWHERE = re.compile(r"undefined reference to [`'](?P<name>.*)'$")

_MADE_UP = re.compile(r"its type|call to 'shared<")
_ADVICE = (
    (
        r"unterminated argument list invoking macro|missing terminating \" character",
        'a "\\n" inside a Python string is a line break before the compiler sees it: write '
        'SourceModule(r"""..."""), with an r.',
    ),
    (
        r"'std::c(out|err)' |'c(out|err)' is not a member of 'std'",
        "kernels have no streams: print with printf().",
    ),
    (
        r"template with C linkage|template specialization with C linkage|C linkage.*template|"
        r"conflicting declaration of C function|template.*must have C\+\+ linkage",
        'PyCUDA puts the source into extern "C" { }, where templates and overloaded functions are '
        "not allowed. Use SourceModule(source, no_extern_c=True) "
        'and write extern "C" before each __global__ kernel.',
    ),
    (
        r"'__shfl(_up|_down|_xor)?' (was not declared|is not)|'__(any|all|ballot)' (was not declared|is not)",
        "the forms without _sync were removed for compute capability 7.0 and later: "
        "__shfl_down_sync(0xffffffff, x, 1).",
    ),
    (r"'(printf|assert)' was not declared", "add #include <cstdio> or #include <cassert>."),
    (
        r"'texture|'tex[123]D\w*' was not declared|'surface",
        "texture and surface references were removed from CUDA in version 12; read global memory instead.",
    ),
    (
        r"'(?!cudaTexture|cudaSurface)(cuda[A-Z]\w*)' was not declared",
        "this is a function of the host's CUDA runtime. With PyCUDA that part is Python: "
        "pycuda.driver.mem_alloc, memcpy_htod and so on.",
    ),
    (
        r"'(half|__half2?|half2|__float2half\w*)' (was not declared|does not name a type)",
        "add #include <cuda_fp16.h> and use SourceModule(..., no_extern_c=True).",
    ),
    (
        r"'(__nv_bfloat162?|__float2bfloat16\w*)' (was not declared|does not name a type)",
        "add #include <cuda_bf16.h> and use SourceModule(..., no_extern_c=True).",
    ),
    (
        r"'(cg|cooperative_groups|wmma|nvcuda)' (has not been declared|is not a namespace|was not declared)",
        "add #include <cooperative_groups.h> or <mma.h>, and use SourceModule(..., no_extern_c=True).",
    ),
    (
        r"'std::\w+' has not been declared|'\w+' is not a member of 'std'",
        "device code has little of the standard library; thread-local arrays and CUDA's own functions "
        "take its place.",
    ),
)

_NO_SUCH_FILE = re.compile(r"(?P<name>\S+): No such file or directory")
_ALIAS = re.compile(r"'[^']*\bsim_(?:type|base)_\d+[^']*' \{aka '([^']*)'\}")
_INVENTED = re.compile(r"\bsim_(?:type|base|tag|initial|thunks|kernel|users)_\d+\b")


def explain(text: str, line_of: Callable[[str, int], str], internal: tuple[str, ...] = ()) -> str:
    """The errors in the output of g++, in terms of the .cu file.

    line_of   returns the text of a line of a user's file, "" if there is none
    internal  further files that are not the user's
    """
    found: list[str] = []
    advice: list[str] = []
    context: tuple[str, int] | None = None
    shown = False
    for line in text.splitlines():
        place = _CONTEXT.match(line) or _INCLUDED.match(line)
        if place is not None:
            if not _is_internal(place["file"], internal):
                context = (place["file"], int(place["line"]))
            continue
        undefined = _UNDEFINED.match(line)
        message = _MESSAGE.match(line)
        if message is not None:
            kind, words = message["kind"], _clean(message["text"])
            where: tuple[str, int] | None = (message["file"], int(message["line"]))
            if kind in ("warning", "note") and (not shown or _is_internal(message["file"], internal)):
                continue
            if kind == "note" and ("candidate" in words or "required" in words):
                continue
            if _is_internal(message["file"], internal):
                where = context
            # an undeclared name in a __shared__ variable gives an error in each generated line
            line_said = where is not None and any(e.startswith(f"{where[0]}:{where[1]}:") for e in found)
            if line_said and _MADE_UP.search(words):
                continue
        elif undefined is not None or _UNDEFINED_ANYWHERE.search(line):
            found_name = undefined or _UNDEFINED_ANYWHERE.search(line)
            assert found_name is not None
            kind, words = (
                "error",
                f"'{found_name['name']}' is declared, but its definition is not in this source",
            )
            where = (
                (os.path.normpath(undefined["file"]), int(undefined["line"]))
                if undefined is not None
                else None
            )
            if where is not None and _is_internal(where[0], internal):
                where = None
            if where is None and any(words in entry for entry in found):
                continue
            found = [entry for entry in found if entry != f"error: {words}"]
        else:
            continue
        shown = kind != "warning"
        context = None if kind == "error" else context
        _append(found, where, kind, words, line_of)
        advice += [hint for pattern, hint in _ADVICE if re.search(pattern, words) and hint not in advice]
        advice += _missing_header(words, advice)
    if not found:
        return text.strip() + "\n"
    return "\n".join([*found, *(f"What to do: {hint}" for hint in advice)]) + "\n"


def _append(
    found: list[str], where: tuple[str, int] | None, kind: str, words: str, line_of: Callable[[str, int], str]
) -> None:
    if where is None:
        entry = f"{kind}: {words}"
    else:
        entry = f"{where[0]}:{where[1]}: {kind}: {words}"
        source = line_of(*where)
        if source:
            entry += f"\n    {source.strip()}"
    if entry not in found:
        found.append(entry)


def _missing_header(words: str, advice: list[str]) -> list[str]:
    missing = _NO_SUCH_FILE.search(words)
    if missing is None:
        return []
    hint = (
        f"{missing['name']} is not a header the simulator has. Your own headers: name their folder in "
        "SourceModule(..., include_dirs=[...]), with an absolute path, as PyCUDA compiles in another folder."
    )
    return [] if hint in advice else [hint]


def _is_internal(file: str, internal: tuple[str, ...]) -> bool:
    # the user's folders may be anywhere; those of the compiler have these names
    return (
        file.startswith((str(toolchain.DEVICE), "/usr/include/", "<", *internal))
        or "/include/c++/" in file
        or "/lib/gcc/" in file
        or Path(file).name in ("unit.h", "unit.cpp")
    )


def _clean(text: str) -> str:
    text = text.replace("‘", "'").replace("’", "'")
    return _INVENTED.sub("its type", _ALIAS.sub(r"'\1'", text))
