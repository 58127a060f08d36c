"""The error messages for device code that uses host code: the function, the line, and advice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tinygrad_edu.simulator.nvcc.spaces import Declared
from tinygrad_edu.simulator.nvcc.tokens import SourceError


class Refusal(NamedTuple):
    """A use of host code in device code: the user's function, and the message."""

    caller: str
    text: str


def refuse(refusals: Iterable[Refusal]) -> None:
    """Raise SourceError if there are refusals."""
    texts = list(dict.fromkeys(refusal.text for refusal in refusals))
    if texts:
        raise SourceError("\n".join(texts))


def calls_host(place: str, caller: Declared, name: str, declared: list[Declared]) -> str:
    """The error for a call of a host function."""
    space = "global" if caller.is_kernel else "device"
    begin = f'{place}: error: the __{space}__ function "{caller.name}" calls the '
    if any(one.is_kernel for one in declared):
        return (
            f'{begin}kernel "{name}", which can only be launched\n'
            f"What to do: write a __device__ function that both kernels call."
        )
    constant = bool(declared) and all("constexpr" in one.words for one in declared)
    begin += f'{"constexpr " * constant}__host__ function "{name}", which device code cannot\nWhat to do: '
    if not declared:
        return begin + _remedy(name)
    flag = ", or compile with --expt-relaxed-constexpr" if constant else ""
    return (
        f"{begin}write __device__ (or __host__ __device__, if the host calls it, too) before it, at "
        f"{declared[0].first}{flag}."
    )


def uses_variable(place: str, caller: Declared, name: str, kind: str = "__host__") -> Refusal:
    """The error for the use of a host variable."""
    advice = (
        "use a local variable: every thread has its own."
        if kind == "thread_local"
        else "write __device__ or __constant__ before it, make it constexpr if it is a number that never "
        "changes, or pass it as an argument."
    )
    return Refusal(
        caller.name,
        f'{place}: error: the device function "{caller.name}" uses the {kind} variable "{name}", which '
        f"device code cannot\nWhat to do: {advice}",
    )


def does_what_no_device_can(place: str, caller: Declared, does: str, instead: str) -> Refusal:
    """The error for language features that no device has, such as types of objects at run time."""
    return Refusal(
        caller.name,
        f'{place}: error: the device function "{caller.name}" {does}, which device code cannot\n'
        f"What to do: {instead}.",
    )


ASKS_FOR_A_TYPE = ("asks for the type of an object", "keep a number for the type in the object")


def _remedy(name: str) -> str:
    for pattern, advice in _REMEDIES:
        if re.search(pattern, name):
            return advice
    return (
        "of the C and C++ libraries device code has maths, printf, assert, malloc, free, memcpy, memset and "
        "clock. Do the rest in Python, before or after the launch."
    )


_REMEDIES = (
    (r"rand|random", "draw the numbers in Python and pass them, or hash the thread's index."),
    (r"time|sleep", "clock64() counts cycles on the device; measure times on the host, around the launch."),
    (r"printf|put|cout|cerr|std(out|err)", "print with printf(), or write numbers into an array."),
    (r"^(calloc|realloc)|alloc", "malloc() and free() exist on the device; memset() fills with zeros."),
    (r"^mem|^b(copy|zero|cmp)", "memcpy() and memset() exist on the device; write a loop for the rest."),
    (r"exit|abort|terminate", "return from the kernel; __trap() stops the launch with an error."),
    (r"std::(min|max|swap|clamp|pair|tuple|array|numeric_limits)",
     "CUDA's min() and max(), FLT_MAX and kin, and plain structs need nothing; or compile with "
     "--expt-relaxed-constexpr, which lets device code call constexpr functions."),
)  # fmt: skip
