"""Integer intrinsics of kernels, bit for bit against Python's integers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator import harness


def signed(x: int, bits: int = 32) -> int:
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> (bits - 1) else x


def lanes(x: int, bits: int, is_signed: bool) -> list[int]:
    parts = [x >> at & ((1 << bits) - 1) for at in range(0, 32, bits)]
    return [signed(part, bits) for part in parts] if is_signed else parts


def packed(parts: list[int], bits: int) -> int:
    return sum((part & ((1 << bits) - 1)) << (bits * i) for i, part in enumerate(parts))


def clamped(x: int, bits: int, is_signed: bool) -> int:
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if is_signed else (0, (1 << bits) - 1)
    return max(low, min(high, x))


def find_nth(mask: int, base: int, offset: int) -> int:
    if offset == 0:
        return base if mask >> base & 1 else 0xFFFFFFFF
    places = [i for i in (range(base, 32) if offset > 0 else range(base, -1, -1)) if mask >> i & 1]
    return places[abs(offset) - 1] if len(places) >= abs(offset) else 0xFFFFFFFF


def funnel(low: int, high: int) -> int:
    return high << 32 | low


def dot(a: list[int], b: list[int], total: int) -> int:
    return sum(x * y for x, y in zip(a, b)) + total


# name: (arguments, oracle). i, u: 32 bits, signed and unsigned; I, U: 64 bits; s: a shift or position 0..63;
# p: a bit position 0..31; o: -40..40. Results are compared modulo 2^64 after sign extension by C.
# fmt: off
SCALAR: dict[str, tuple[str, Callable[..., int]]] = {
    "__clz": ("i", lambda x: 32 - (x & 0xFFFFFFFF).bit_length()),
    "__clzll": ("I", lambda x: 64 - (x & (1 << 64) - 1).bit_length()),
    "__popc": ("u", lambda x: x.bit_count()),
    "__popcll": ("U", lambda x: x.bit_count()),
    "__ffs": ("i", lambda x: (x & -x).bit_length()),
    "__ffsll": ("I", lambda x: (x & -x).bit_length()),
    "__brev": ("u", lambda x: int(f"{x:032b}"[::-1], 2)),
    "__brevll": ("U", lambda x: int(f"{x:064b}"[::-1], 2)),
    "__fns": ("upo", find_nth),
    "__mul24": ("ii", lambda a, b: signed(signed(a, 24) * signed(b, 24))),
    "__umul24": ("uu", lambda a, b: (a & 0xFFFFFF) * (b & 0xFFFFFF) & 0xFFFFFFFF),
    "__mulhi": ("ii", lambda a, b: a * b >> 32),
    "__umulhi": ("uu", lambda a, b: a * b >> 32),
    "__mul64hi": ("II", lambda a, b: a * b >> 64),
    "__umul64hi": ("UU", lambda a, b: a * b >> 64),
    "__hadd": ("ii", lambda a, b: a + b >> 1),
    "__rhadd": ("ii", lambda a, b: a + b + 1 >> 1),
    "__uhadd": ("uu", lambda a, b: a + b >> 1),
    "__urhadd": ("uu", lambda a, b: a + b + 1 >> 1),
    "__sad": ("iiu", lambda a, b, c: abs(a - b) + c & 0xFFFFFFFF),
    "__usad": ("uuu", lambda a, b, c: abs(a - b) + c & 0xFFFFFFFF),
    "__byte_perm": ("uuu", lambda a, b, s: packed(
        [(lanes(a, 8, False) + lanes(b, 8, False))[s >> 4 * i & 7] for i in range(4)], 8)),
    "__funnelshift_l": ("uus", lambda a, b, s: funnel(a, b) << (s & 31) >> 32 & 0xFFFFFFFF),
    "__funnelshift_r": ("uus", lambda a, b, s: funnel(a, b) >> (s & 31) & 0xFFFFFFFF),
    "__funnelshift_lc": ("uus", lambda a, b, s: funnel(a, b) << min(s, 32) >> 32 & 0xFFFFFFFF),
    "__funnelshift_rc": ("uus", lambda a, b, s: funnel(a, b) >> min(s, 32) & 0xFFFFFFFF),
    "max": ("iu", lambda a, b: max(a & 0xFFFFFFFF, b)),
    "min": ("II", min),
    "umin": ("uu", min),
    "ullmax": ("UU", max),
    "__viaddmax_s32": ("iii", lambda a, b, c: max(signed(a + b), c)),
    "__viaddmin_u32": ("uuu", lambda a, b, c: min(a + b & 0xFFFFFFFF, c)),
    "__viaddmin_s32_relu": ("iii", lambda a, b, c: max(min(signed(a + b), c), 0)),
    "__vimax3_u32": ("uuu", max),
    "__vimin3_s32_relu": ("iii", lambda a, b, c: max(min(a, b, c), 0)),
    "__vimax_s32_relu": ("ii", lambda a, b: max(a, b, 0)),
}
# fmt: on
for _unsigned, _letter, _word in ((False, "i", "i"), (True, "u", "u")):
    _s = not _unsigned
    SCALAR |= {
        f"__dp4a/{_letter}": (_letter * 3, lambda a, b, c, s=_s: dot(lanes(a, 8, s), lanes(b, 8, s), c)),
        f"__dp2a_lo/{_letter}": (_letter * 3, lambda a, b, c, s=_s: dot(lanes(a, 16, s), lanes(b, 8, s), c)),
        f"__dp2a_hi/{_letter}": (
            _letter * 3, lambda a, b, c, s=_s: dot(lanes(a, 16, s), lanes(b, 8, s)[2:], c)),
    }  # fmt: skip

# What happens to each pair of elements: (signed elements, function of them).
ELEMENTS: dict[str, tuple[bool, Callable[..., int]]] = {
    "__vabs": (True, lambda x, _, bits: abs(x)),
    "__vabsss": (True, lambda x, _, bits: clamped(abs(x), bits, True)),
    "__vneg": (True, lambda x, _, bits: -x),
    "__vnegss": (True, lambda x, _, bits: clamped(-x, bits, True)),
    "__vadd": (False, lambda x, y, bits: x + y),
    "__vaddss": (True, lambda x, y, bits: clamped(x + y, bits, True)),
    "__vaddus": (False, lambda x, y, bits: clamped(x + y, bits, False)),
    "__vsub": (False, lambda x, y, bits: x - y),
    "__vsubss": (True, lambda x, y, bits: clamped(x - y, bits, True)),
    "__vsubus": (False, lambda x, y, bits: clamped(x - y, bits, False)),
    "__vabsdiffs": (True, lambda x, y, bits: abs(x - y)),
    "__vabsdiffu": (False, lambda x, y, bits: abs(x - y)),
    "__vavgs": (True, lambda x, y, bits: x + y >> 1 if x + y < 0 else x + y + 1 >> 1),
    "__vavgu": (False, lambda x, y, bits: x + y + 1 >> 1),
    "__vhaddu": (False, lambda x, y, bits: x + y >> 1),
    "__vmaxs": (True, lambda x, y, bits: max(x, y)),
    "__vmaxu": (False, lambda x, y, bits: max(x, y)),
    "__vmins": (True, lambda x, y, bits: min(x, y)),
    "__vminu": (False, lambda x, y, bits: min(x, y)),
}
COMPARISONS: dict[str, tuple[bool, Callable[[int, int], bool]]] = {
    "eq": (False, lambda x, y: x == y), "ne": (False, lambda x, y: x != y),
    "ges": (True, lambda x, y: x >= y), "geu": (False, lambda x, y: x >= y),
    "gts": (True, lambda x, y: x > y), "gtu": (False, lambda x, y: x > y),
    "les": (True, lambda x, y: x <= y), "leu": (False, lambda x, y: x <= y),
    "lts": (True, lambda x, y: x < y), "ltu": (False, lambda x, y: x < y),
}  # fmt: skip


def elementwise(bits: int, is_signed: bool, function: Callable[..., int]) -> Callable[..., int]:
    def oracle(a: int, b: int = 0) -> int:
        pairs = zip(lanes(a, bits, is_signed), lanes(b, bits, is_signed))
        return packed([function(x, y, bits) for x, y in pairs], bits)

    return oracle


def sum_of_distances(bits: int, is_signed: bool) -> Callable[[int, int], int]:
    return lambda a, b: sum(abs(x - y) for x, y in zip(lanes(a, bits, is_signed), lanes(b, bits, is_signed)))


for _count, _bits in ((2, 16), (4, 8)):
    for _name, (_s, _function) in ELEMENTS.items():
        _letters = "u" if _name.startswith(("__vabs", "__vneg")) and "diff" not in _name else "uu"
        SCALAR[f"{_name}{_count}"] = (_letters, elementwise(_bits, _s, _function))
    for _name, (_s, _true) in COMPARISONS.items():
        SCALAR[f"__vcmp{_name}{_count}"] = (
            "uu",
            elementwise(_bits, _s, lambda x, y, bits, true=_true: -int(true(x, y))),
        )
        SCALAR[f"__vset{_name}{_count}"] = (
            "uu",
            elementwise(_bits, _s, lambda x, y, bits, true=_true: int(true(x, y))),
        )
    SCALAR[f"__vsads{_count}"] = ("uu", sum_of_distances(_bits, True))
    SCALAR[f"__vsadu{_count}"] = ("uu", sum_of_distances(_bits, False))
for _name, _s in (("s16x2", True), ("u16x2", False)):

    def _triple(function: Callable[[int, int, int], int], is_signed: bool = _s) -> Callable[..., int]:
        return lambda a, b, c: packed(
            [
                function(x, y, z)
                for x, y, z in zip(lanes(a, 16, is_signed), lanes(b, 16, is_signed), lanes(c, 16, is_signed))
            ],
            16,
        )

    def _wrap(x: int, is_signed: bool = _s) -> int:
        return signed(x, 16) if is_signed else x & 0xFFFF

    SCALAR[f"__viaddmax_{_name}"] = ("uuu", _triple(lambda x, y, z, wrap=_wrap: max(wrap(x + y), z)))
    SCALAR[f"__viaddmin_{_name}"] = ("uuu", _triple(lambda x, y, z, wrap=_wrap: min(wrap(x + y), z)))
    SCALAR[f"__vimax3_{_name}"] = ("uuu", _triple(max))
    SCALAR[f"__vimin3_{_name}"] = ("uuu", _triple(min))

C_TYPES = {"i": ctypes.c_int32, "u": ctypes.c_uint32, "I": ctypes.c_int64, "U": ctypes.c_uint64,
           "s": ctypes.c_uint32, "p": ctypes.c_uint32, "o": ctypes.c_int32}  # fmt: skip
C_NAMES = {"i": "int", "u": "unsigned", "I": "long long", "U": "unsigned long long", "s": "unsigned",
           "p": "unsigned", "o": "int"}  # fmt: skip


def edges(low: int, high: int) -> st.SearchStrategy[int]:
    """Integers of a range, with those near powers of two drawn often."""
    near = [sign * (1 << k) + d for k in range(65) for d in (-1, 0, 1) for sign in (-1, 1)]
    return st.one_of(st.integers(low, high), st.sampled_from([x for x in near if low <= x <= high]))


DRAWN = {"i": edges(-2**31, 2**31 - 1), "u": edges(0, 2**32 - 1), "I": edges(-2**63, 2**63 - 1),
         "U": edges(0, 2**64 - 1), "s": st.integers(0, 63), "p": st.integers(0, 31),
         "o": st.integers(-40, 40)}  # fmt: skip


def wrapper(name: str) -> str:
    """The C name under which the test calls an intrinsic."""
    return "call_" + name.replace("/", "_")


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    parts = ['#define SEEN extern "C" __attribute__((visibility("default")))']
    for name, (letters, _) in SCALAR.items():
        declared = ", ".join(f"{C_NAMES[letter]} x{i}" for i, letter in enumerate(letters))
        called = ", ".join(f"x{i}" for i in range(len(letters)))
        parts.append(
            f"SEEN long long {wrapper(name)}({declared}) {{ return {name.split('/')[0]}({called}); }}"
        )
    parts.append("""
SEEN unsigned which(unsigned a, unsigned b, int* flags) {
    bool high, low;
    const unsigned larger = __vibmax_s16x2(a, b, &high, &low);
    *flags = high << 1 | low;
    return larger;
}""")
    loaded = harness.build("\n".join(parts))
    for name, (letters, _) in SCALAR.items():
        function = getattr(loaded, wrapper(name))
        function.argtypes, function.restype = [C_TYPES[letter] for letter in letters], ctypes.c_longlong
    return loaded


@pytest.mark.parametrize("name", SCALAR)
@given(data=st.data())
def test_exact(library: ctypes.CDLL, name: str, data: Any) -> None:
    letters, oracle = SCALAR[name]
    arguments = [data.draw(DRAWN[letter]) for letter in letters]
    result = getattr(library, wrapper(name))(*arguments)
    # The width and sign of an intrinsic's result are its own; compare in 32 bits unless it has 64.
    bits = 64 if set(letters) & set("IU") else 32
    assert signed(result, bits) == signed(oracle(*arguments), bits)


@given(a=DRAWN["u"], b=DRAWN["u"])
def test_maximum_says_which_was_larger(library: ctypes.CDLL, a: int, b: int) -> None:
    library.which.restype = ctypes.c_uint32
    flags = ctypes.c_int()
    result = library.which(ctypes.c_uint32(a), ctypes.c_uint32(b), ctypes.byref(flags))
    first = [x >= y for x, y in zip(lanes(a, 16, True), lanes(b, 16, True))]
    assert flags.value == first[0] | first[1] << 1
    assert lanes(result, 16, True) == [max(x, y) for x, y in zip(lanes(a, 16, True), lanes(b, 16, True))]
