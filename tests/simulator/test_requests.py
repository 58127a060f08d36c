"""What a warp's accesses cost, against counting by hand; and 32 single logs put together as one warp."""

from __future__ import annotations

import ctypes
import subprocess
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu.simulator import toolchain

CALL_DEPTH, ADDRESS_BITS = (1 << 17) - 1, 47
FACE = r"""
#include "requests.h"
using namespace sim::profile;
extern "C" void cost(int which, const uintptr_t* at, const uint8_t* lane, unsigned n, unsigned bytes,
                     unsigned* out) {
    Cost c = sectors(at, n, bytes);
    if (which == 1) c = wavefronts(at, lane, n, bytes);
    if (which == 2) c = words(at, n, bytes);
    out[0] = c.units, out[1] = c.ideal;
}
extern "C" unsigned waits(const uintptr_t* at, unsigned n) { return collisions(at, n); }
extern "C" void together(const uint64_t* events, const uint64_t* length, unsigned sites, uint64_t* out) {
    std::vector<Event> logs[LANES];
    const std::vector<Event>* of[LANES];
    for (unsigned i = 0; i < LANES; events += length[i++]) {
        logs[i].assign(events, events + length[i]);
        of[i] = &logs[i];
    }
    std::vector<Site> table(sites);
    for (unsigned i = 0; i < sites; i++) table[i].offset = i;
    std::vector<Counts> counts(sites);
    replay(of, LANES, table, Spaces{}, counts);
    for (unsigned i = 0; i < sites; i++) out[2 * i] = counts[i].warps, out[2 * i + 1] = counts[i].replayed;
}
"""


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    try:
        compiler = toolchain.compiler()
    except toolchain.ToolchainError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("requests")
    (folder / "face.cpp").write_text(FACE)
    subprocess.run(
        [
            compiler,
            "-std=c++17",
            "-O1",
            "-fPIC",
            "-shared",
            f"-I{toolchain.DRIVER}",
            "face.cpp",
            str(toolchain.DRIVER / "requests.cpp"),
            "-o",
            "face.so",
        ],
        cwd=folder,
        check=True,
    )
    library = ctypes.CDLL(str(folder / "face.so"))
    library.waits.restype = ctypes.c_uint
    return library


def numbers(values, kind=ctypes.c_uint64):
    return (kind * len(values))(*values)


def cost(requests, which, addresses, size, lanes=None):
    out = (ctypes.c_uint * 2)()
    lanes = range(len(addresses)) if lanes is None else lanes
    requests.cost(which, numbers(addresses), numbers(lanes, ctypes.c_uint8), len(addresses), size, out)
    return tuple(out)


@pytest.mark.parametrize(
    ("addresses", "size", "expected"),
    [
        ([4 * i for i in range(32)], 4, (4, 4)),
        ([8 * i for i in range(32)], 4, (8, 4)),
        ([128 * i for i in range(32)], 4, (32, 4)),
        ([4 * i + 4 for i in range(32)], 4, (5, 4)),
        ([4 * (31 - i) for i in range(32)], 4, (4, 4)),
        ([64] * 32, 4, (1, 1)),
        ([16 * i for i in range(32)], 16, (16, 16)),
        (list(range(32)), 1, (1, 1)),
    ],
    ids=["neighbours", "every other", "column", "shifted", "backwards", "broadcast", "float4", "bytes"],
)
def test_sectors_of_well_known_patterns(requests, addresses, size, expected):
    assert cost(requests, 0, addresses, size) == expected


@pytest.mark.parametrize(("stride", "size", "expected"), [
    (1, 4, (1, 1)), (2, 4, (2, 1)), (32, 4, (32, 1)), (33, 4, (1, 1)), (0, 4, (1, 1)),
    (2, 8, (2, 2)), (4, 8, (4, 2)), (4, 16, (4, 4)), (8, 16, (8, 4)),
])  # fmt: skip
def test_wavefronts_of_well_known_strides(requests, stride, size, expected):
    assert cost(requests, 1, [4 * stride * i for i in range(32)], size) == expected


ADDRESSES = st.lists(st.integers(0, 700), min_size=1, max_size=32)
SIZES = st.sampled_from([1, 2, 4, 8, 16])


@given(ADDRESSES, SIZES)
@settings(max_examples=150)
def test_sectors_are_the_pieces_that_hold_a_byte(requests, addresses, size):
    touched = {a + i for a in addresses for i in range(size)}
    assert cost(requests, 0, addresses, size) == (len({b // 32 for b in touched}), -(-len(touched) // 32))


@given(st.dictionaries(st.integers(0, 31), st.integers(0, 700), min_size=1), SIZES)
@settings(max_examples=150)
def test_wavefronts_are_the_words_of_the_fullest_bank(requests, by_lane, size):
    lanes = sorted(by_lane)
    turns = ideal = 0
    together = min(32, 128 // size)
    for first in range(0, 32, together):
        touched = {
            b // 4
            for lane in lanes
            if first <= lane < first + together
            for b in range(by_lane[lane], by_lane[lane] + size)
        }
        if touched:
            turns += max(np.bincount([word % 32 for word in touched]))
            ideal += -(-len(touched) // 32)
    assert cost(requests, 1, [by_lane[lane] for lane in lanes], size, lanes) == (turns, ideal)


@given(ADDRESSES)
def test_lanes_collide_at_the_same_address(requests, addresses):
    at = sorted(addresses)
    assert requests.waits(numbers(at), len(at)) == max(at.count(a) for a in at) - 1


@given(ADDRESSES)
def test_constant_memory_serves_one_word_at_a_time(requests, words):
    assert cost(requests, 2, [4 * w for w in words], 4) == (len(set(words)), 1)


# A program is a list of items: an int is a basic block, named by its place in the layout; the others branch.
@dataclass
class If:
    then: list
    other: list


@dataclass
class Loop:
    body: list


@dataclass
class Call:
    function: int


@dataclass
class Program:
    """The kernel, and functions laid out behind it, each called at one place."""

    kernel: list
    functions: list
    blocks: int
    seed: int
    turns: dict = field(default_factory=dict)

    def choice(self, lane, item, upto):
        """What a lane decides when it comes to an item for the n-th time: the same in every run."""
        turn = self.turns[lane, id(item)] = self.turns.get((lane, id(item)), -1) + 1
        return hash((self.seed, lane, turn, upto)) // 7 % upto

    def trace(self, lane, items, depth=0):
        """The events of one lane on its own."""
        for item in items:
            if isinstance(item, int):
                yield item << ADDRESS_BITS
            elif isinstance(item, If):
                yield from self.trace(lane, item.then if self.choice(lane, item, 2) else item.other, depth)
            elif isinstance(item, Loop):
                for _ in range(self.choice(lane, item, 4)):
                    yield from self.trace(lane, item.body, depth)
            else:
                yield CALL_DEPTH << ADDRESS_BITS | depth + 1
                yield from self.trace(lane, self.functions[item.function], depth + 1)
                yield CALL_DEPTH << ADDRESS_BITS | depth

    def lockstep(self, lanes, items, counts):
        """The whole warp at once, with masks: what hardware does."""
        for item in items:
            if isinstance(item, int):
                counts[item, 0] += 1
                counts[item, 1] += len(lanes)
            elif isinstance(item, If):
                taken = {lane: self.choice(lane, item, 2) for lane in lanes}
                for value, side in ((1, item.then), (0, item.other)):
                    if some := [lane for lane in lanes if taken[lane] == value]:
                        self.lockstep(some, side, counts)
            elif isinstance(item, Loop):
                left = {lane: self.choice(lane, item, 4) for lane in lanes}
                while some := [lane for lane in left if left[lane] > 0]:
                    self.lockstep(some, item.body, counts)
                    left = {lane: left[lane] - 1 for lane in some}
            else:
                self.lockstep(lanes, self.functions[item.function], counts)


@st.composite
def programs(draw):
    blocks = 0

    def block():
        nonlocal blocks
        blocks += 1
        return blocks - 1

    def items(deep, depth):
        made = []
        for _ in range(draw(st.integers(1, 3))):
            made.append(block())
            kind = draw(st.sampled_from(["block", "if", "loop", "call"])) if deep else "block"
            if kind == "if":
                then = items(deep - 1, depth)
                made.append(If(then, items(deep - 1, depth) if draw(st.booleans()) else []))
            elif kind == "loop":
                made.append(Loop(items(deep - 1, depth)))
            elif kind == "call" and depth < 2:
                made.append(Call(len(called)))
                called.append(depth + 1)
        return [*made, block()]

    called, functions = [], []
    kernel = items(2, 0)
    while len(functions) < len(called):
        functions.append(items(1, called[len(functions)]))
    return Program(kernel, functions, blocks, draw(st.integers(0, 1000)))


@given(programs())
@settings(max_examples=100, deadline=None)
def test_lanes_that_ran_alone_meet_again_where_a_warp_would(requests, program):
    expected = np.zeros((program.blocks, 2), np.uint64)
    program.lockstep(list(range(32)), program.kernel, expected)
    program.turns.clear()
    logs = [list(program.trace(lane, program.kernel)) for lane in range(32)]
    found = (ctypes.c_uint64 * (2 * program.blocks))()
    requests.together(
        numbers([e for log in logs for e in log]), numbers([len(log) for log in logs]), program.blocks, found
    )
    np.testing.assert_array_equal(np.array(found).reshape(-1, 2), expected)
