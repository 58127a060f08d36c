"""The simulator's nvcc: parses the command line, compiles with g++, and writes a file for the driver.

`--cubin`, `--ptx` and `--fatbin` write the same container. It contains no PTX, but the driver accepts it in
place of PTX, so programs that use PTX work.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tinygrad_edu import files
from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.nvcc import blob, compile, diagnostics, host_uses, host_words, preprocess
from tinygrad_edu.simulator.nvcc.arguments import ArgumentError, Arguments, parse
from tinygrad_edu.simulator.nvcc.rewrite import Unit, rewrite
from tinygrad_edu.simulator.nvcc.tokens import SourceError

_HELP = """Usage: nvcc [options] file.cu

The compiler of the tinygrad_edu simulator: CUDA kernels for the CPU, in nvcc's manner.
  --cubin --ptx --fatbin   compile (all three write the simulator's own format)
  --preprocess             expand macros and headers, print the result
  -o FILE                  where to write; file.cubin by default
  -I -D -U -isystem -include -std
  -arch sm_90              sets __CUDA_ARCH__; the code is for this CPU in any case
  --use_fast_math -fmad=false
  --keep                   keep the preprocessed and the rewritten source beside the result
  --version
Other options of nvcc are accepted and have no effect.
"""


def main(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    try:
        return _act(parse(arguments))
    except KeyboardInterrupt:
        return 130
    except (ArgumentError, SourceError, toolchain.ToolchainError) as error:
        sys.stderr.write(f"{error}\n")
    except (compile.CompileError, preprocess.PreprocessError) as error:
        sys.stderr.write(diagnostics.explain(str(error), _line_of))
    except OSError as error:
        sys.stderr.write(f"{error}. {toolchain.CACHE_ADVICE}\n")
    return 1


def _act(arguments: Arguments) -> int:
    for warning in arguments.warnings:
        sys.stderr.write(f"nvcc (tinygrad_edu simulator): warning: {warning}\n")
    if arguments.action == "version":
        sys.stdout.write(version())
    elif arguments.action == "help":
        sys.stdout.write(_HELP)
    elif arguments.action == "variant":
        _variant(arguments)
    elif arguments.action == "preprocess":
        text = preprocess.for_reading(arguments, _source(arguments))
        _write(arguments.output, text.encode("utf-8", "surrogateescape"))
    else:
        _compile(arguments)
    return 0


def version() -> str:
    """The output of --version. It has the build id, since PyCUDA uses the output in its cache key."""
    return (
        "nvcc: CUDA C++ on the CPU\n"
        "tinygrad_edu simulator, for kernels written for CUDA 13.0\n"
        f"release 13.0, build {toolchain.build_id()}\n"
    )


def _source(arguments: Arguments) -> str:
    if len(arguments.sources) != 1:
        raise ArgumentError(
            f"one source file is compiled at a time; {len(arguments.sources)} were given. "
            "`nvcc --help` says how it is called."
        )
    source = arguments.sources[0]
    if not Path(source).is_file():
        raise ArgumentError(f"there is no file {source}")
    return source


def _compile(arguments: Arguments) -> None:
    source = _source(arguments)
    preprocessed = preprocess.for_rewriting(arguments, source)
    unit = rewrite(preprocessed, arguments.relaxed, arguments.lambdas)
    flags = compile.user_flags(arguments)
    # The driver names compiled variants by the content of the unit, so the unit contains the build id.
    content = f"{unit.text}// build {toolchain.build_id()}\n".encode("utf-8", "surrogateescape")
    if arguments.keep:
        stem = Path(arguments.output or source).with_suffix("")
        Path(f"{stem}.ii").write_bytes(preprocessed.encode("utf-8", "surrogateescape"))
        Path(f"{stem}.sim.cpp").write_bytes(content)
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder, "unit.cpp"), Path(folder, "module.so")
        path.write_bytes(content)
        _refuse_host_code(unit, path, flags, arguments)
        plain = "volatile" if unit.uses_volatile else "plain"
        # The variant that the driver runs first; it compiles the others when they are needed.
        mode = os.environ.get("TINYGRAD_EDU_SIMULATOR_MODE", "plain")
        variant = mode if mode in ("check", "profile") else plain
        compile.compile_unit(path, output, flags, variant, arguments.verbose)
        records = {
            "elf": output.read_bytes(),
            "variant": variant.encode(),
            "plain": plain.encode(),
            "unit": content,
            "flags": "\0".join(flags).encode("utf-8", "surrogateescape"),
        }
    _write(arguments.output, blob.pack(records | _texts(unit)))


def _refuse_host_code(unit: Unit, path: Path, flags: list[str], arguments: Arguments) -> None:
    """Raise SourceError if device code uses host code."""
    refusals = list(unit.refusals)
    if unit.suspect is not None:
        output = path.with_suffix(".search.o")
        try:
            compile.compile_object(path, output, flags, compile.SEARCH, arguments.verbose)
            refusals += host_uses.seen_in_object(output.read_bytes(), unit.suspect, arguments.standard)
        except compile.CompileError:
            if not refusals:
                raise
    host_words.refuse(refusals)


def _texts(unit: Unit) -> dict[str, bytes]:
    """{name: contents} of the user's files, for reports that show a line."""
    return {f"text:{file}": Path(file).read_bytes() for file in unit.files if Path(file).is_file()}


def _variant(arguments: Arguments) -> None:
    if arguments.variant not in compile.VARIANTS:
        raise ArgumentError(
            f"--simulator-variant={arguments.variant} is none of {', '.join(compile.VARIANTS)}"
        )
    if not (arguments.unit and arguments.flags and arguments.output):
        raise ArgumentError("--simulator-variant needs --unit, --flags and -o")
    # The name of a folder may contain any character except a null byte.
    text = Path(arguments.flags).read_bytes().decode("utf-8", "surrogateescape")
    flags = [flag for flag in text.split("\0") if flag]
    with tempfile.TemporaryDirectory() as folder:
        unit, output = Path(folder, "unit.cpp"), Path(folder, "module.so")
        unit.write_bytes(Path(arguments.unit).read_bytes())
        compile.compile_unit(unit, output, flags, arguments.variant, arguments.verbose)
        files.write(arguments.output, output.read_bytes())


def _write(output: str, content: bytes) -> None:
    if output in ("", "-"):
        sys.stdout.buffer.write(content)
    else:
        files.write(output, content)


def _line_of(file: str, line: int) -> str:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace").splitlines()[line - 1]
    except (OSError, IndexError):
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
