"""Parses the command line of nvcc.

PyCUDA passes the user's options on, so any option of nvcc may occur. Options for the machine code of a GPU
are accepted and have no effect. Options for something that the simulator cannot do are errors, with a reason.
Unknown options give a warning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


class ArgumentError(Exception):
    """An error in the command line; the text has the reason."""


@dataclass
class Arguments:
    """The parsed command line."""

    action: str = "cubin"  # version, help, preprocess, cubin, ptx, fatbin, variant
    sources: list[str] = field(default_factory=list)
    output: str = ""
    includes: list[str] = field(default_factory=list)  # -I folders, absolute
    systems: list[str] = field(default_factory=list)  # -isystem folders, absolute
    forced: list[str] = field(default_factory=list)  # -include files
    definitions: list[str] = field(default_factory=list)  # -DX=1 and -UX, in order
    standard: str = "c++17"
    architecture: int = 90
    fast_math: bool = False
    fuse: bool = True  # a * b + c with one rounding, as in nvcc without -fmad=false
    relaxed: bool = False  # --expt-relaxed-constexpr: device code may call constexpr host functions
    lambdas: bool = False  # --extended-lambda: a lambda may be __device__
    keep: bool = False
    line_markers: bool = True
    verbose: bool = False
    variant: str = ""  # check or profile: compile `unit` again for this variant
    unit: str = ""
    flags: str = ""
    warnings: list[str] = field(default_factory=list)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ACTIONS = {
    "preprocess": "preprocess",
    "E": "preprocess",
    "cubin": "cubin",
    "ptx": "ptx",
    "fatbin": "fatbin",
    "version": "version",
    "V": "version",
    "help": "help",
    "h": "help",
}

# Long names of options that also have a short name.
_ALIASES = dict(
    pair.split(":")
    for pair in _words(
        """
    include-path:I define-macro:D undefine-macro:U output-file:o gpu-architecture:arch gpu-code:code
    generate-code:gencode optimize:O ptxas-options:Xptxas compiler-options:Xcompiler
    linker-options:Xlinker pre-include:include system-include:isystem relocatable-device-code:rdc
    use-local-env:m64 machine:m library:l library-path:L device-debug:G generate-line-info:lineinfo
    debug:g disable-warnings:w save-temps:keep verbose:v
    """
    )
)

# Options that take a value, joined by "=" or as the next argument (one letter: also joined directly).
_VALUED = _words(
    """
    I D U o arch code gencode Xptxas Xcompiler Xlinker Xnvlink include isystem rdc std fmad ftz prec-div
    prec-sqrt maxrregcount O m l L x ccbin compiler-bindir keep-dir default-stream threads t
    diag-suppress split-compile simulator-variant unit flags dopt ofast-compile opt-info
    """
)

# Options for the machine code of a GPU, its debug information, or the messages of nvcc.
_WITHOUT_EFFECT = _words(
    """
    arch code gencode Xptxas Xlinker Xnvlink maxrregcount O m m64 m32 ftz prec-div prec-sqrt l L x ccbin
    compiler-bindir keep-dir default-stream threads t diag-suppress split-compile dopt G g lineinfo w
    res-usage resource-usage restrict
    source-in-ptx src-in-ptx cuda extra-device-vectorization Werror allow-unsupported-compiler
    ofast-compile opt-info pg no-compress compress-all
    """
)

_NO_LINKING = (
    "-rdc=true asks for device code that is linked with other device code (dynamic parallelism, or "
    "kernels in several files). The simulator loads one source at a time: put everything into one source, "
    "with #include where it is in several files."
)


def parse(arguments: list[str]) -> Arguments:
    """Parse the command line."""
    result = Arguments()
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("-") or argument == "-":
            result.sources.append(argument)
            continue
        name, value = _split(argument, rest)
        _apply(result, name, value, argument)
    if not result.output and result.sources and result.action in ("cubin", "ptx", "fatbin"):
        result.output = Path(result.sources[0]).stem + "." + result.action
    return result


def _split(argument: str, rest: list[str]) -> tuple[str, str]:
    """(short name of an option, its value). If the value is the next argument, it is taken from `rest`."""
    name, equals, value = argument.lstrip("-").partition("=")
    name = _ALIASES.get(name, name)
    if name in _VALUED:
        if equals:
            return name, value
        if name == "O" and not (rest and rest[0].isdigit()):
            return name, ""
        if not rest:
            raise ArgumentError(f"{argument} needs a value after it")
        return name, rest.pop(0)
    letter = argument[1:2]
    if letter in "IDUOlLm" and not argument.startswith("--") and argument[1:] not in _WITHOUT_EFFECT:
        return letter, argument[2:]
    return name, value


def _apply(result: Arguments, name: str, value: str, argument: str) -> None:
    if name in _ACTIONS:
        result.action = _ACTIONS[name]
    elif name == "o":
        result.output = value
    elif name in ("I", "isystem"):
        folders = result.includes if name == "I" else result.systems
        folders += [str(Path(folder).absolute()) for folder in value.split(",") if folder]
    elif name == "include":
        result.forced += value.split(",")
    elif name in ("D", "U"):
        result.definitions.append(f"-{name}{value}")
    elif name == "std":
        result.standard = _standard(value)
    elif name == "use_fast_math":
        result.fast_math = True
    elif name == "fmad":
        result.fuse = value != "false"
    elif name == "expt-relaxed-constexpr":
        result.relaxed = True
    elif name in ("extended-lambda", "expt-extended-lambda"):
        result.lambdas = True
    elif name == "keep":
        result.keep = True
    elif name in ("v", "dryrun"):
        result.verbose = True
    elif name == "Xcompiler":
        _host_options(result, value)
    elif name == "rdc" and value != "true":
        pass
    elif name in ("rdc", "dc", "dlink", "device-c", "device-link"):
        raise ArgumentError(_NO_LINKING)
    elif name == "simulator-variant":
        result.action, result.variant = "variant", value
    elif name in ("unit", "flags"):
        setattr(result, name, value)
    elif name not in _WITHOUT_EFFECT:
        result.warnings.append(f"the option {argument} is not known to the simulator and has no effect")
    if name in ("arch", "code", "gencode"):
        match = re.search(r"(?:sm|compute)_(\d+)", value)
        if match and name != "code":
            result.architecture = int(match[1])


def _standard(value: str) -> str:
    # The headers of the simulator need C++17, so an older standard is replaced by it.
    return value if value in ("c++17", "c++20", "gnu++17", "gnu++20", "c++23") else "c++17"


def _host_options(result: Arguments, value: str) -> None:
    # These options are for host code, and PyCUDA compiles none. But -P changes --preprocess.
    for option in value.split(","):
        if option in ("-P", "-EP"):
            result.line_markers = False
        elif option.startswith(("-D", "-U")):
            result.definitions.append(option)
