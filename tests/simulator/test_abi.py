"""The numbers and layouts of driver/abi.h are those of NVIDIA's cuda.h, wherever one is installed."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
from pathlib import Path

import pytest

from tinygrad_edu.simulator import toolchain

ABI = (toolchain.DRIVER / "abi.h").read_text()
STRUCTS = {"CUDA_MEMCPY2D", "CUDA_MEMCPY3D", "CUDA_MEMCPY3D_PEER", "CUDA_ARRAY_DESCRIPTOR",
           "CUDA_ARRAY3D_DESCRIPTOR", "CUipcEventHandle", "CUipcMemHandle"}  # fmt: skip


def header() -> Path | None:
    """NVIDIA's cuda.h: of a toolkit, or of the wheel nvidia-cuda-runtime."""
    toolkits = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    folders = [Path(toolkit) / "include" for toolkit in toolkits if toolkit]
    for wheel in ("nvidia-cuda-runtime", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime-cu13"):
        try:
            files = importlib.metadata.files(wheel) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        folders += [Path(file.locate()).parent for file in files if file.name == "cuda.h"]
    return next((folder / "cuda.h" for folder in folders if (folder / "cuda.h").exists()), None)


def gcc(*options, source):
    """Run g++ on a text; what it printed, or a failure that shows what it said."""
    run = subprocess.run(
        [toolchain.compiler(), "-std=c++17", *options, "-xc++", "-"],
        input=source,
        text=True,
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def our_numbers():
    """Name -> number of every enumerator of ours, and of every device attribute."""
    text = gcc("-E", "-P", f"-I{toolchain.DRIVER}", source='#include "abi.h"')
    numbers = {name: int(value) for name, value in re.findall(r"\b(CU\w*_\w+) = (\d+)", text)}
    table = (toolchain.DRIVER / "attributes.h").read_text()
    rows = re.findall(r"X\((\w+), (\d+),", table)
    numbers |= {f"CU_DEVICE_ATTRIBUTE_{name}": int(number) for name, number in rows}
    macros = re.findall(r"define (CU_LAUNCH_\w+) reinterpret_cast<void\*>\(uintptr_t\((\d)\)\)", ABI)
    return numbers | {f"{name}_AS_INT": int(number) for name, number in macros}


def our_layout(tmp_path):
    """Expression -> value: the size of each struct of ours, and where each of its fields lies."""
    expressions = [f"sizeof({struct})" for struct in sorted(STRUCTS)]
    for struct, body in re.findall(r"struct (\w+) \{(.*?)\};", ABI, re.DOTALL):
        for declaration in re.sub(r"\[\d+\]", "", body).split(";"):
            for field in re.findall(r"\w+", declaration.replace("const ", ""))[1:]:
                expressions += [f"offsetof({struct}, {field})", f"sizeof({struct}::{field})"]
    lines = "".join(f'printf("%zu\\n", {expression});' for expression in expressions)
    program = tmp_path / "layout"
    gcc(
        f"-I{toolchain.DRIVER}",
        "-o",
        str(program),
        source=f'#include "abi.h"\n#include <cstdio>\nint main() {{ {lines} }}',
    )
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return dict(zip(expressions, map(int, printed.split())))


def test_everything_is_read_off_our_headers(tmp_path):
    numbers, layout = our_numbers(), our_layout(tmp_path)
    assert numbers["CUDA_ERROR_UNKNOWN"] == 999 and numbers["CU_DEVICE_ATTRIBUTE_WARP_SIZE"] == 10
    assert numbers["CU_LAUNCH_PARAM_BUFFER_SIZE_AS_INT"] == 2 and len(numbers) > 240
    assert layout["sizeof(CUDA_MEMCPY3D)"] == 200 and layout["offsetof(CUDA_MEMCPY2D, Height)"] == 120
    assert len(layout) == len(STRUCTS) + 2 * (16 + 25 + 25 + 4 + 6 + 2)


def test_the_interface_is_nvidias(tmp_path):
    path = header()
    if path is None:
        pytest.skip("no cuda.h here; `pip install nvidia-cuda-runtime` or a CUDA toolkit brings one")
    text = path.read_text(errors="replace")
    numbers = our_numbers()
    unknown = {name for name in numbers if not re.search(rf"\b{name}\b", text)}
    assert len(unknown) < 10, unknown  # an older header lacks the newest numbers
    facts = {name: number for name, number in numbers.items() if name not in unknown} | our_layout(tmp_path)
    lines = "".join(f'static_assert(int({name}) == {number}, "");\n' for name, number in facts.items())
    gcc("-fsyntax-only", f"-I{path.parent}", source=f"#include <cstddef>\n#include <cuda.h>\n{lines}")
