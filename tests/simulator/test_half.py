"""half and bfloat16 against exact arithmetic: every bit pattern, every rounding."""

from __future__ import annotations

import ctypes
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.simulator import lanes

ALL = np.arange(65536, dtype=np.uint16)
WAYS = ("rn", "rz", "ru", "rd")
INTEGERS = {"short": np.int16, "ushort": np.uint16, "int": np.int32, "uint": np.uint32, "ll": np.int64,
            "ull": np.uint64}  # fmt: skip
BINARY = ("__hadd", "__hsub", "__hmul", "__hdiv", "__hmin", "__hmax", "__hmin_nan", "__hmax_nan",
          "__hadd_sat", "__hmul_rn")  # fmt: skip
COMPARED = ("eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu")
MATHS = {"hexp": np.exp, "hexp2": np.exp2, "hlog": np.log, "hlog2": np.log2, "hlog10": np.log10,
         "hsin": np.sin, "hcos": np.cos, "htanh": np.tanh, "hsqrt": np.sqrt,
         "hrsqrt": lambda x: 1 / np.sqrt(x),
         "hrcp": lambda x: 1 / x, "hceil": np.ceil, "hfloor": np.floor, "hrint": np.rint, "htrunc": np.trunc,
         "hexp10": lambda x: np.float64(10) ** x}  # fmt: skip
EXACT = {"hsqrt", "hrsqrt", "hrcp", "hceil", "hfloor", "hrint", "htrunc"}

WORDS = {"half": ("__half", "__half2"), "bfloat16": ("__nv_bfloat16", "__nv_bfloat162")}
UNARY_LOOP = (
    'extern "C" void {label}(size_t n, const {source}* x, {target}* y) '
    "{{ for (size_t i = 0; i < n; i++) y[i] = {call}; }}\n"
)
CTYPE = {"short": "short", "ushort": "unsigned short", "int": "int", "uint": "unsigned", "ll": "long long",
         "ull": "unsigned long long"}  # fmt: skip


def functions(word: str) -> str:
    kind, pair = WORDS[word]
    lines = []

    def unary(label, source, target, call):
        lines.append(UNARY_LOOP.format(label=f"{word}_{label}", source=source, target=target, call=call))

    unary("to_float", kind, "float", f"__{word}2float(x[i])")
    unary("from_double", "double", kind, "x[i]")
    unary("negate", kind, kind, "__hneg(x[i])")
    unary("absolute", kind, kind, "__habs(x[i])")
    unary("is_nan", kind, "int", "__hisnan(x[i])")
    unary("is_inf", kind, "int", "__hisinf(x[i])")
    unary(
        "bits",
        kind,
        "unsigned short",
        f"__ushort_as_{word}(__{word}_as_ushort(x[i])) == x[i] ? __{word}_as_ushort(x[i]) : 0x7FFF",
    )
    for way in WAYS:
        unary(f"from_float_{way}", "float", kind, f"__float2{word}_{way}(x[i])")
        for short, integer in CTYPE.items():
            unary(f"from_{short}_{way}", integer, kind, f"__{short}2{word}_{way}(x[i])")
            unary(f"to_{short}_{way}", kind, integer, f"__{word}2{short}_{way}(x[i])")
    for name in MATHS:
        unary(name, kind, kind, f"{name}(x[i])")
        unary(name.replace("h", "h2", 1), pair, pair, f"{name.replace('h', 'h2', 1)}(x[i])")
    for name in BINARY:
        lines.append(
            f'extern "C" void {word}_{name[2:]}(size_t n, const {kind}* x, const {kind}* z, '
            f"{kind}* y) {{ for (size_t i = 0; i < n; i++) y[i] = {name}(x[i], z[i]); }}\n"
        )
    for name in COMPARED:
        lines.append(
            f'extern "C" void {word}_{name}(size_t n, const {kind}* x, const {kind}* z, int* y) {{ '
            f"for (size_t i = 0; i < n; i++) {{ {pair} p = __halves2{word}2(x[i], z[i]), "
            f"q = __lowhigh2highlow(p); bool low = __h{name}(x[i], z[i]); "
            f"bool high = __h{name}(z[i], x[i]); bool same = __h{name}2_mask(p, q) == "
            f"0xFFFFu * low + 0xFFFF0000u * high && "
            f"__hb{name}2(p, q) == (low && high) && __low2float(__h{name}2(p, q)) == float(low) && "
            f"__high2float(__h{name}2(p, q)) == float(high); y[i] = same ? low : -1; }} }}\n"
        )
    lines.append(
        f'extern "C" void {word}_fma(size_t n, const {kind}* x, const {kind}* z, {kind}* y) '
        f"{{ for (size_t i = 0; i < n; i++) y[i] = __hfma(x[i], z[i], y[i]); }}\n"
    )
    lines.append(
        f'extern "C" void {word}_pairs(size_t n, const {pair}* x, const {pair}* z, {pair}* y) {{ '
        "for (size_t i = 0; i < n; i++) "
        "{ y[i] = -x[i] * z[i]; y[i] += __hsub2(x[i], z[i]); "
        "y[i] = __hfma2(x[i], z[i], y[i]); } }\n"
    )
    lines.append(
        f'extern "C" int {word}_sizes() {{ return sizeof({kind}) + 10 * alignof({kind}) + '
        f"100 * sizeof({pair}) + 1000 * alignof({pair}); }}\n"
    )
    return "".join(lines)


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    source = '#include "device.h"\n' + "".join(functions(word) for word in WORDS)
    return lanes.build(source)


class Format:
    """A 16-bit format as a table of its numbers, from which rounding is looked up."""

    def __init__(self, word):
        self.word = word
        self.infinity = 0x7C00 if word == "half" else 0x7F80
        bits = np.arange(self.infinity, dtype=np.uint16)
        self.numbers = self.value(bits)  # rising, without infinity
        step = self.numbers[-1] - self.numbers[-2]
        self.ladder = np.append(self.numbers, self.numbers[-1] + step)  # where infinity would stand

    def value(self, bits):
        bits = np.asarray(bits, np.uint16)
        if self.word == "half":
            return bits.view(np.float16).astype(np.float64)
        with np.errstate(invalid="ignore"):  # signalling NaN
            return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)

    def round(self, exact, way="rn"):
        """Bits of Fraction (or an infinity or NaN as float), rounded once."""
        if isinstance(exact, float):
            return 0x7FFF if exact != exact else self.infinity | (0x8000 if exact < 0 else 0)
        size = abs(exact)
        place = min(int(np.searchsorted(self.numbers, float(size), side="right")) - 1, self.infinity - 1)
        while place and self.exact(place) > size:
            place -= 1
        while place + 1 < self.infinity and self.exact(place + 1) <= size:
            place += 1
        low, high = self.exact(place), Fraction(float(self.ladder[place + 1]))
        if size != low:
            outward = {"rz": False, "ru": exact > 0, "rd": exact < 0}.get(way)
            if outward is None:
                outward = size - low > high - size or (size - low == high - size and place % 2 == 1)
            place += outward
        return place | (0x8000 if exact < 0 else 0)

    def exact(self, place):
        return Fraction(float(self.ladder[place]))

    def round_array(self, exact, way="rn"):
        """Bits of float64 values, vectorised."""
        size = np.abs(exact)
        known = np.where(np.isnan(size), 0, size)
        place = np.clip(np.searchsorted(self.numbers, known, side="right") - 1, 0, self.infinity - 1)
        low, high = self.ladder[place], self.ladder[place + 1]
        outward = {"rz": np.zeros(size.shape, bool), "ru": exact > 0, "rd": exact < 0}.get(way)
        if outward is None:
            outward = (known - low > high - known) | ((known - low == high - known) & (place % 2 == 1))
        place = np.where(np.isinf(size), self.infinity, place + (outward & (known != low)))
        bits = place | np.where(np.signbit(exact), 0x8000, 0)
        return np.where(np.isnan(size), 0x7FFF, bits).astype(np.uint16)


FORMATS = {word: Format(word) for word in WORDS}
words = pytest.mark.parametrize("word", WORDS)


def call(library, word, name, given, out_type):
    given = np.ascontiguousarray(given)
    out = np.zeros(given.shape, out_type)
    getattr(library, f"{word}_{name}")(ctypes.c_size_t(given.size), lanes.pointer(given), lanes.pointer(out))
    return out


def call2(library, word, name, x, z, out):
    getattr(library, f"{word}_{name}")(
        ctypes.c_size_t(x.size), lanes.pointer(x), lanes.pointer(z), lanes.pointer(out)
    )
    return out


def same(bits, wanted):
    nan = (wanted & 0x7FFF) == 0x7FFF
    np.testing.assert_array_equal(bits[~nan], wanted[~nan])
    assert (bits[nan] == 0x7FFF).all()


def pairs_of_bits():
    """Random pairs, and all pairs of the numbers where formats change their behaviour."""
    edges = np.array([0, 1, 2, 0x3FF, 0x400, 0x401, 0x7F, 0x80, 0x3C00, 0x3C01, 0x3F80, 0x7BFF, 0x7C00,
                      0x7F7F, 0x7F80, 0x7FFF], np.uint16)  # fmt: skip
    edges = np.concatenate([edges, edges | np.uint16(0x8000)])
    a, b = (g.ravel() for g in np.meshgrid(edges, edges))
    random = np.random.default_rng(5).integers(0, 65536, (2, 200_000), dtype=np.uint16)
    near = random[0] ^ np.random.default_rng(6).integers(0, 4096, random[0].shape, dtype=np.uint16)
    return (
        np.concatenate([a, random[0], random[0]]).astype(np.uint16),
        np.concatenate([b, random[1], near]).astype(np.uint16),
    )


@words
def test_sizes_and_alignments_are_those_of_cuda(library, word):
    assert getattr(library, f"{word}_sizes")() == 2 + 20 + 400 + 4000


@words
def test_every_pattern_has_its_value(library, word):
    value = FORMATS[word].value(ALL)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(call(library, word, "to_float", ALL, np.float32).astype(float), value)
    np.testing.assert_array_equal(call(library, word, "is_nan", ALL, np.int32), np.isnan(value))
    np.testing.assert_array_equal(
        call(library, word, "is_inf", ALL, np.int32),
        np.where(np.isinf(value), np.sign(np.where(np.isnan(value), 0, value)), 0),
    )
    number = ~np.isnan(value)
    np.testing.assert_array_equal(call(library, word, "bits", ALL, np.uint16)[number], ALL[number])
    np.testing.assert_array_equal(call(library, word, "negate", ALL, np.uint16), ALL ^ 0x8000)
    np.testing.assert_array_equal(call(library, word, "absolute", ALL, np.uint16), ALL & 0x7FFF)


@words
@pytest.mark.parametrize("way", WAYS)
def test_float_is_rounded_as_asked(library, word, way):
    numbers = FORMATS[word].numbers.astype(np.float32)
    between = ((FORMATS[word].ladder[:-1] + FORMATS[word].ladder[1:]) / 2).astype(np.float32)
    above, below = np.nextafter(between, np.float32(np.inf)), np.nextafter(between, np.float32(0))
    special = np.array([0, np.inf, np.nan, 1e-45, 65519.9, 65520, 1e9, 3.4e38], np.float32)
    random = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint32).view(np.float32)
    given = np.concatenate([numbers, between, above, below, special, random[~np.isnan(random)]])
    for x in (given, -given):
        same(
            call(library, word, f"from_float_{way}", x, np.uint16),
            FORMATS[word].round_array(x.astype(np.float64), way),
        )


@words
def test_double_is_rounded_once(library, word):
    ladder = FORMATS[word].ladder
    between = (ladder[:-1] + ladder[1:]) / 2
    beside = [np.nextafter(between, np.inf), np.nextafter(between, 0)]
    given = np.concatenate([between, *beside, [5e-324, 1e308, np.nan]])
    same(call(library, word, "from_double", given, np.uint16), FORMATS[word].round_array(given))


@words
@pytest.mark.parametrize("short", INTEGERS)
def test_integers_come_from_every_pattern(library, word, short):
    value = FORMATS[word].value(ALL)
    limits = np.iinfo(INTEGERS[short])
    for way, f in zip(WAYS, (np.rint, np.trunc, np.ceil, np.floor)):
        got = call(library, word, f"to_{short}_{way}", ALL, INTEGERS[short])
        wide = limits.bits == 64
        for bits in range(0, 65536, 7 if wide else 1):
            x = value[bits]
            if np.isnan(x):
                wanted = 0 if not wide else (limits.min if limits.min else 2**63)
            else:
                wanted = (
                    min(max(int(f(x)), limits.min), limits.max)
                    if np.isfinite(x)
                    else (limits.max if x > 0 else limits.min)
                )
            assert int(got[bits]) == wanted, (hex(bits), way)


@words
@pytest.mark.parametrize("short", INTEGERS)
@given(data=st.data())
def test_integers_are_rounded_once(library, word, short, data):
    limits = np.iinfo(INTEGERS[short])
    ladder = FORMATS[word].ladder[FORMATS[word].ladder < limits.max]
    near = st.integers(0, len(ladder) - 1).map(
        lambda i: int((ladder[i] + ladder[min(i + 1, len(ladder) - 1)]) / 2)
    )
    number = st.integers(limits.min, limits.max) | st.builds(
        lambda x, step, sign: min(max(sign * (x + step), limits.min), limits.max),
        near,
        st.integers(-1, 1),
        st.sampled_from([1, -1]),
    )
    given_numbers = data.draw(st.lists(number, min_size=1, max_size=20))
    for way in WAYS:
        got = call(library, word, f"from_{short}_{way}", np.array(given_numbers, INTEGERS[short]), np.uint16)
        assert [int(g) for g in got] == [FORMATS[word].round(Fraction(i), way) for i in given_numbers]


@words
@pytest.mark.parametrize("name", [name[2:] for name in BINARY if "min" not in name and "max" not in name])
def test_arithmetic_rounds_once(library, word, name):
    a, b = pairs_of_bits()
    x, y = FORMATS[word].value(a), FORMATS[word].value(b)
    with np.errstate(all="ignore"):
        exact = {"a": np.add, "s": np.subtract, "m": np.multiply, "d": np.divide}[name[1]](x, y)
    wanted = FORMATS[word].round_array(exact)
    if name.endswith("_sat"):
        wanted = FORMATS[word].round_array(np.where(exact > 0, np.minimum(exact, 1), 0))
    same(call2(library, word, name, a, b, np.zeros_like(a)), wanted)


@words
@pytest.mark.parametrize("name", ["hmin", "hmax", "hmin_nan", "hmax_nan"])
def test_smaller_and_larger(library, word, name):
    a, b = pairs_of_bits()
    x, y = FORMATS[word].value(a), FORMATS[word].value(b)
    first = np.where(x == y, a.view(np.int16) < b.view(np.int16), x < y)
    wanted = np.where(first == ("min" in name), a, b)
    either, both = np.isnan(x) | np.isnan(y), np.isnan(x) & np.isnan(y)
    if name.endswith("_nan"):
        wanted = np.where(either, 0x7FFF, wanted)
    else:
        wanted = np.where(both, 0x7FFF, np.where(np.isnan(x), b, np.where(np.isnan(y), a, wanted)))
    np.testing.assert_array_equal(call2(library, word, name, a, b, np.zeros_like(a)), wanted)


@words
@pytest.mark.parametrize("name", COMPARED)
def test_comparisons(library, word, name):
    a, b = pairs_of_bits()
    x, y = FORMATS[word].value(a), FORMATS[word].value(b)
    unordered = np.isnan(x) | np.isnan(y)
    compare = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
               "ge": np.greater_equal}[name[:2]]  # fmt: skip
    wanted = np.where(unordered, name.endswith("u"), compare(x, y))
    np.testing.assert_array_equal(call2(library, word, name, a, b, np.zeros(a.shape, np.int32)), wanted)


bits = st.integers(0, 0xFFFF)


@words
@given(
    st.lists(
        st.tuples(bits, bits, bits | st.sampled_from([0, 1, 0x8001, 0x3C00, 0x3F80])), min_size=1, max_size=30
    )
)
@example([(0x40E0, 0x4214, 0x8D80)])  # bfloat16: 7 * 37 lies between two numbers, -2**-100 decides
def test_fma_rounds_once(library, word, triples):
    a, b, c = (np.array(column, np.uint16) for column in zip(*triples))
    got = call2(library, word, "fma", a, b, c.copy())
    for i, (x, y, z) in enumerate(zip(*(FORMATS[word].value(v) for v in (a, b, c)))):
        if not np.isfinite([x, y, z]).all():
            with np.errstate(all="ignore"):
                special = np.float64(x) * y + z
            wanted = FORMATS[word].round(float(special))
        else:
            exact = Fraction(x) * Fraction(y) + Fraction(z)
            wanted = FORMATS[word].round(exact)
            if exact == 0 or wanted & 0x7FFF == 0:
                assert got[i] & 0x7FFF == 0
                continue
        assert got[i] == wanted, triples[i]


@words
@pytest.mark.parametrize("name", MATHS)
def test_maths(library, word, name):
    with np.errstate(all="ignore"):
        exact = MATHS[name](FORMATS[word].value(ALL))
    wanted = FORMATS[word].round_array(exact)
    got = call(library, word, name, ALL, np.uint16)
    nan = np.isnan(exact)
    assert (got[nan] == 0x7FFF).all()
    distance = np.abs(got[~nan].astype(int) - wanted[~nan].astype(int))
    distance = distance[(got[~nan] | wanted[~nan]) != 0x8000]  # +0 against -0
    assert distance.max() <= (0 if name in EXACT else 1)
    pairs = call(library, word, name.replace("h", "h2", 1), ALL.view(np.uint32), np.uint32)
    np.testing.assert_array_equal(pairs.view(np.uint16), got)


@words
def test_operators_of_pairs(library, word):
    form = FORMATS[word]
    a, b = (v[:200_000].copy() for v in pairs_of_bits())
    out = np.zeros_like(a)
    getattr(library, f"{word}_pairs")(
        ctypes.c_size_t(a.size // 2), lanes.pointer(a), lanes.pointer(b), lanes.pointer(out)
    )
    step = call2(library, word, "hmul", a ^ np.uint16(0x8000), b, np.zeros_like(a))
    step = call2(
        library, word, "hadd", step, call2(library, word, "hsub", a, b, np.zeros_like(a)), np.zeros_like(a)
    )
    np.testing.assert_array_equal(out, call2(library, word, "fma", a, b, step))
    assert np.isfinite(form.value(out)).any()
