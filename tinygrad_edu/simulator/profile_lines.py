"""The source line and the FLOPs of each instruction of an object file, from objdump and addr2line.

In the profile variant, the compiler puts a call at the start of each basic block, and the driver counts by
the return address of that call. The instructions between one such call and the next are those of the block.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_TRACE = "__sanitizer_cov_trace_pc"
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
_ARITHMETIC = re.compile(
    r"^v?(?:(add|sub|mul|div|sqrt)|(fn?m(?:add|sub|addsub|subadd)(?:132|213|231)))"
    r"([sp])([hsd])$"
)
_BYTES = {"h": 2, "s": 4, "d": 8}
_REGISTER = {"x": 16, "y": 32, "z": 64}

Place = tuple[str, int]  # file and line, from the debug information


class ToolError(RuntimeError):
    """objdump or addr2line is missing or failed."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: its address, its basic block (None before the first one), its FLOPs."""

    address: int
    block: int | None
    flops: int


def flops_of(mnemonic: str, operands: str) -> int:
    """The FLOPs of one instruction, for one lane; a fused multiply-add has two."""
    found = _ARITHMETIC.match(mnemonic)
    if found is None:
        return 0
    _, fused, packed, size = found.groups()
    lanes = 1
    if packed == "p":
        widest = max((_REGISTER[r] for r in re.findall(r"%([xyz])mm", operands)), default=16)
        lanes = widest // _BYTES[size]
    return lanes * (2 if fused else 1)


def instructions(path: str) -> list[Instruction]:
    """All instructions of the object file, in the order of their addresses."""
    found: list[Instruction] = []
    block: int | None = None
    begins = False  # whether the next instruction is the first one after a call that marks a block
    for line in _run(["objdump", "-d", "-w", "--no-show-raw-insn", "-j", ".text", path]).splitlines():
        if line.endswith(">:"):
            block = None
            continue
        match = _INSTRUCTION.match(line)
        if match is None:
            continue
        address, mnemonic, operands = int(match[1], 16), match[2], match[3]
        if begins:
            block, begins = address, False
        begins = _TRACE in operands
        if not begins:  # the marking call belongs to the block after it
            found.append(Instruction(address, block, flops_of(mnemonic, operands)))
    return found


def places(path: str, addresses: Iterable[int], is_known: Callable[[str], bool]) -> dict[int, Place]:
    """The line of each address: of its inlined frames, the innermost one in a known file."""
    requested = sorted(set(addresses))
    if not requested:
        return {}
    text = _run(["addr2line", "-a", "-i", "-f", "-e", path], "".join(f"{a:#x}\n" for a in requested))
    found: dict[int, Place] = {}
    address = -1
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("0x"):
            address = int(line, 16)
            next(lines)  # the name of the function; its place is on the next line
        file, _, number = next(lines).partition(" (discriminator")[0].rpartition(":")
        if address not in found and number.isdigit() and number != "0" and is_known(file):
            found[address] = (file, int(number))
    return found


def _run(command: list[str], standard_input: str = "") -> str:
    try:
        done = subprocess.run(command, input=standard_input, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ToolError(
            f"there is no {command[0]} on the PATH; it comes with g++, in the package binutils"
        ) from None
    if done.returncode:
        raise ToolError(f"{' '.join(command[:2])} failed: {done.stderr.strip()}")
    return done.stdout
