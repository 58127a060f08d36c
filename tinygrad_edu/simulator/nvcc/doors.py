"""Makes addresses of functions equal in all variants of a module, by changes of the assembly.

A table of function pointers, or an object with virtual functions, exists longer than the launch that wrote
it, and the next launch may run another variant (plain, checked or profiled). So a function has the address of
the plain variant in all variants, and a call through a pointer looks up the function of its own variant. The
table `sim_doors` (runtime.h) has both addresses; the driver writes the first one. The plain variant is not
changed.
"""

from __future__ import annotations

import re

_OURS = "/simulator/device/"  # functions that the simulator's headers pass to the driver are not changed

_STEP = re.compile(
    r"^(?:\t\.section\t(?P<section>[^\s,]+).*|\t\.(?P<short>text|data|bss)\b.*|(?P<label>[\w.$]+):"
    r"|\t\.quad\t(?P<datum>[\w.$]+)|\tleaq\t(?P<code>[\w.$]+)\(%rip\), (?P<register>%\w+)"
    r"|\tcall\t\*(?P<target>\S.*))$",
    re.MULTILINE,
)

_REGISTERS = re.compile(r"sim_kernel_|static_initialization_and_destruction|^_GLOBAL__")
_LINE = re.compile(r"^\t\.loc (\d+) ", re.MULTILINE)

# %r11 has the address that is called. Other registers may have arguments; the flags may change.
_ENTER = """
	.text
.Lsim_enter_door:
	pushq	%rax
	leaq	.Lsim_doors(%rip), %rax
1:	cmpq	$0, 8(%rax)
	je	3f
	cmpq	%r11, (%rax)
	je	2f
	addq	$24, %rax
	jmp	1b
2:	movq	8(%rax), %r11
3:	popq	%rax
	jmp	*%r11
"""


def redirect(assembly: str) -> str:
    """The assembly with lookups; unchanged if no address of a user's function is taken."""
    functions = set(re.findall(r"^\t\.type\t([\w.$]+), @function$", assembly, re.MULTILINE))
    taken: dict[str, None] = {}
    for step in _places(assembly):
        name = step["datum"] or step["code"]
        if name in functions and name not in taken and _is_of_user(assembly, name):
            taken[name] = None
    if not taken:
        return assembly
    number = {name: index for index, name in enumerate(taken)}
    parts: list[str] = []
    places: list[int] = []
    here = 0
    for step in _places(assembly):
        new = None
        if step["target"]:
            new = f"\tmovq\t{step['target']}, %r11\n\tcall\t.Lsim_enter_door"
        elif step["code"] in number:
            new = f"\tmovq\t.Lsim_door_{number[step['code']]}(%rip), {step['register']}"
        elif step["datum"] in number:
            new = f".Lsim_place_{len(places)}:\n{step[0]}"
            places.append(number[step["datum"]])
        if new is not None:
            parts += [assembly[here : step.start()], new]
            here = step.end()
    return "".join([*parts, assembly[here:], _ENTER, _tables(list(number), places)])


def _places(assembly: str) -> list[re.Match[str]]:
    """The places that take or call an address, except debug information and the registration of kernels."""
    found, section, label = [], "", ""
    for step in _STEP.finditer(assembly):
        in_data = section.startswith(".data")
        if step["section"] or step["short"]:
            section = step["section"] or f".{step['short']}"
        elif step["label"]:
            if in_data or not step["label"].startswith(".L"):
                label = step["label"]
        elif (in_data or not step["datum"]) and not _REGISTERS.search(label):
            found.append(step)
    return found


def _is_of_user(assembly: str, name: str) -> bool:
    start = assembly.find(f"\n{name}:\n")
    line = _LINE.search(assembly, max(start, 0))
    file = line and re.search(rf"^\t\.file {line[1]} (.*)$", assembly, re.MULTILINE)
    return not file or _OURS not in file[1].replace('" "', "/")


def _tables(names: list[str], places: list[int]) -> str:
    lines = ['\t.section\t.data.sim_doors,"aw"', "\t.p2align 3"]
    lines += ["\t.globl\tsim_doors", "sim_doors:", ".Lsim_doors:"]
    for index, name in enumerate(names):
        lines += [f".Lsim_door_{index}:", f"\t.quad\t{name}, {name}, .Lsim_door_name_{index}"]
    lines += ["\t.quad\t0, 0, 0", "\t.globl\tsim_door_places", "sim_door_places:"]
    lines += [f"\t.quad\t.Lsim_place_{place}, .Lsim_door_{index}" for place, index in enumerate(places)]
    lines += ["\t.quad\t0, 0", '\t.section\t.rodata.sim_doors,"a"']
    lines += [f'.Lsim_door_name_{index}:\n\t.asciz\t"{name}"' for index, name in enumerate(names)]
    return "\n".join([*lines, ""])
