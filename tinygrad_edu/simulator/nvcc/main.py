"""nvcc for the simulator: reads nvcc's command line, compiles with g++, writes what the driver loads.

`--cubin`, `--ptx` and `--fatbin` write the same container: there is one kind of code here, and the driver
takes it under each name, so programs that ask for PTX work. Nothing in it is PTX.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.nvcc import blob, compile, diagnostics, preprocess
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
    """Run the command line; the exit code."""
    try:
        return _act(parse(arguments))
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
    """What --version prints. PyCUDA makes it part of its cache key: the build id keeps versions apart."""
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
    unit = rewrite(preprocessed)
    flags = compile.user_flags(arguments)
    # The driver names what it makes of a unit by its content: another build of the simulator makes something
    # else.
    content = f"{unit.text}// build {toolchain.build_id()}\n".encode("utf-8", "surrogateescape")
    if arguments.keep:
        stem = Path(arguments.output or source).with_suffix("")
        Path(f"{stem}.ii").write_bytes(preprocessed.encode("utf-8", "surrogateescape"))
        Path(f"{stem}.sim.cpp").write_bytes(content)
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder, "unit.cpp"), Path(folder, "module.so")
        path.write_bytes(content)
        plain = "volatile" if unit.uses_volatile else "plain"
        # What the driver will run first; it asks for the others if they are needed.
        mode = os.environ.get("TINYGRAD_EDU_SIMULATOR_MODE", "plain")
        variant = mode if mode in ("check", "profile") else plain
        compile.compile_unit(path, output, flags, variant, arguments.verbose)
        records = {
            "elf": output.read_bytes(),
            "variant": variant.encode(),
            "plain": plain.encode(),
            "unit": content,
            "flags": "".join(f"{f}\n" for f in flags).encode(),
        }
    _write(arguments.output, blob.pack(records | _texts(unit)))


def _texts(unit: Unit) -> dict[str, bytes]:
    """The user's files as they are, for reports that show a line."""
    return {f"text:{file}": Path(file).read_bytes() for file in unit.files if Path(file).is_file()}


def _variant(arguments: Arguments) -> None:
    if arguments.variant not in compile.VARIANTS:
        raise ArgumentError(
            f"--simulator-variant={arguments.variant} is none of {', '.join(compile.VARIANTS)}"
        )
    if not (arguments.unit and arguments.flags and arguments.output):
        raise ArgumentError("--simulator-variant needs --unit, --flags and -o")
    flags = [line for line in Path(arguments.flags).read_text().splitlines() if line]
    with tempfile.TemporaryDirectory() as folder:
        unit, output = Path(folder, "unit.cpp"), Path(folder, "module.so")
        unit.write_bytes(Path(arguments.unit).read_bytes())
        compile.compile_unit(unit, output, flags, arguments.variant, arguments.verbose)
        toolchain.write_atomically(Path(arguments.output).absolute(), output.read_bytes())


def _write(output: str, content: bytes) -> None:
    if output in ("", "-"):
        sys.stdout.buffer.write(content)
    else:
        toolchain.write_atomically(Path(output).absolute(), content)


def _line_of(file: str, line: int) -> str:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace").splitlines()[line - 1]
    except (OSError, IndexError):
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
