"""What sim.profile() counts for kernels whose traffic and arithmetic can be told with pencil and paper."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from tinygrad_edu.simulator.profile_counts import Counts, Kernel, Launch, Line
from tinygrad_edu.simulator.profile_lines import flops_of
from tinygrad_edu.simulator.profile_text import advice, listing, table

PATTERNS = """
__global__ void patterns(const float *x, float *out)
{
    int i = threadIdx.x + blockIdx.x * blockDim.x;
    float s = x[i];
    s += x[2 * i];
    s += x[32 * i];
    s += x[i + 1];
    s += x[0];
    out[i] = s;
}
"""
BANKS = """
__global__ void banks(float *out)
{
    __shared__ float tile[33 * 32];
    __shared__ float4 wide[32];
    int t = threadIdx.x;
    tile[t] = 1;
    tile[2 * t] = 2;
    tile[32 * t] = 3;
    tile[33 * t] = 4;
    wide[t] = make_float4(1, 2, 3, 4);
    __syncthreads();
    out[t] = tile[0] + wide[t].w;
}
"""
MATMUL = """
__global__ void matmul(const float *a, const float *b, float *c, int n)
{
    int row = blockIdx.y * blockDim.y + threadIdx.y, column = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= n || column >= n)
        return;
    float sum = 0;
    for (int k = 0; k < n; k++)
        sum += a[row * n + k] * b[k * n + column];
    c[row * n + column] = sum;
}
"""
SAXPY = """
__global__ void saxpy(int n, float a, const float *x, float *y)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = a * x[i] + y[i];
}
"""
TURNS = """
__global__ void turns(float *x, int n)
{
    int i = threadIdx.x;
    float s = 0;
    for (int k = 0; k < n; k++) {
        if ((k + i) & 1)
            s += x[i];
        else
            s -= x[i + 32];
    }
    x[i] = s;
}
"""
REVERSE = """
__global__ void reverse(const float4 *x, float4 *y)
{
    __shared__ float4 tile[64];
    tile[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    float4 v = tile[63 - threadIdx.x];
    y[threadIdx.x] = make_float4(v.w, v.z, v.y, v.x);
}
"""
HISTOGRAM = """
__constant__ float table[64];
__global__ void histogram(const int *bin, int *count, float *out)
{
    int i = threadIdx.x;
    atomicAdd(&count[bin[i]], 1);
    out[i] = table[5];
    out[i] += table[i];
}
"""
WARP = """
__global__ void warp(float *x)
{
    int t = threadIdx.x;
    float s = x[t];
    for (int d = 16; d > 0; d /= 2)
        s += __shfl_down_sync(0xffffffff, s, d);
    if (t == 0)
        atomicAdd(&x[64], s);
    x[t + 32] = s;
}
"""


def profiled(simulator, build, source, name, *arguments, block, grid=(1, 1), **options):
    """Compile, launch once under the profile; the profile and its only kernel."""
    kernel = build(source, name)
    with simulator.profile(**options) as p:
        kernel(*arguments, block=block, grid=grid)
    (found,) = p.kernels
    assert found.name == name
    return p, found


def at(kernel, text):
    """The counts of the line that holds `text`."""
    (line,) = (line for line in kernel.lines if text in line.text)
    return line.counts


def test_coalescing(simulator, pycuda, build):
    x, out = pycuda.gpuarray.zeros(4096, np.float32), pycuda.gpuarray.zeros(4096, np.float32)
    _, k = profiled(simulator, build, PATTERNS, "patterns", x, out, block=(32, 1, 1), grid=(4, 1))
    asked = {"s = x[i];": (16, 16), "x[2 * i]": (32, 16), "x[32 * i]": (128, 16), "x[i + 1]": (20, 16),
             "x[0]": (4, 4), "out[i] = s": (16, 16)}  # fmt: skip
    for text, (sectors, ideal) in asked.items():
        c = at(k, text)
        assert (c.requests, c.sectors, c.ideal_sectors) == (4, sectors, ideal), text
        assert c.bytes_asked == 4 * 32 * 4 and c.bytes_moved == 32 * sectors
    assert at(k, "x[32 * i]").efficiency == 1 / 8
    assert k.counts.requests == 24 and k.counts.bytes_written == 512 and k.counts.active_lanes == 32
    assert any("32.0 sectors a request where 4.0" in said for said in advice(k))


def test_bank_conflicts(simulator, pycuda, build):
    out = pycuda.gpuarray.zeros(32, np.float32)
    _, k = profiled(simulator, build, BANKS, "banks", out, block=(32, 1, 1))
    turns = {"tile[t] =": 1, "tile[2 * t]": 2, "tile[32 * t]": 32, "tile[33 * t]": 1}
    for text, wavefronts in turns.items():
        c = at(k, text)
        assert (c.shared_requests, c.wavefronts, c.conflicts) == (1, wavefronts, wavefronts - 1), text
    wide = at(k, "make_float4(")
    assert (wide.shared_requests, wide.wavefronts, wide.conflicts) == (1, 4, 0)
    assert at(k, "out[t]").requests == 1


@pytest.mark.parametrize("n", [1, 1000])
def test_saxpy_does_two_flops_an_element(simulator, pycuda, build, n):
    x, y = pycuda.gpuarray.zeros(n, np.float32) + 3, pycuda.gpuarray.zeros(n, np.float32) + 4
    _, k = profiled(
        simulator,
        build,
        SAXPY,
        "saxpy",
        np.int32(n),
        np.float32(2),
        x,
        y,
        block=(128, 1, 1),
        grid=(-(-n // 128), 1),
    )
    assert k.counts.flops == at(k, "a * x[i]").flops == 2 * n
    assert (k.counts.bytes_read, k.counts.bytes_written) == (8 * n, 4 * n)
    assert (y.get() == 10).all()


@pytest.mark.parametrize("n", [16, 19])
def test_matmul_does_two_n_cubed(simulator, pycuda, build, n):
    a = np.random.default_rng(n).normal(size=(n, n)).astype(np.float32)
    x, c = pycuda.gpuarray.to_gpu(a), pycuda.gpuarray.zeros((n, n), np.float32)
    _, k = profiled(
        simulator,
        build,
        MATMUL,
        "matmul",
        x,
        x,
        c,
        np.int32(n),
        block=(8, 8, 1),
        grid=(-(-n // 8), -(-n // 8)),
    )
    assert k.counts.flops == 2 * n**3
    assert (k.counts.bytes_read, k.counts.bytes_written) == (8 * n**3, 4 * n**2)
    assert k.counts.intensity == 2 * n**3 / k.counts.bytes_moved
    np.testing.assert_allclose(c.get(), a @ a, rtol=1e-4, atol=1e-4)


def test_divergence_is_seen_where_lanes_take_turns(simulator, pycuda, build):
    x = pycuda.gpuarray.zeros(64, np.float32)
    _, k = profiled(simulator, build, TURNS, "turns", x, np.int32(100), block=(32, 1, 1))
    for text in ("s += x[i]", "s -= x[i + 32]"):
        c = at(k, text)
        assert (c.requests, c.bytes_read) == (100, 6400)
        assert c.active_lanes == pytest.approx(16, abs=0.2)  # g++ computes some of it before the loop
    assert at(k, "x[i] = s").active_lanes == 32
    assert any("of 32 lanes are active" in said for said in advice(k))


def test_a_float4_is_one_request_on_both_sides_of_a_barrier(simulator, pycuda, build):
    x = pycuda.gpuarray.arange(256, dtype=np.float32)
    y = pycuda.gpuarray.zeros(256, np.float32)
    _, k = profiled(simulator, build, REVERSE, "reverse", x, y, block=(64, 1, 1))
    assert (k.counts.requests, k.counts.sectors, k.counts.efficiency) == (4, 64, 1)
    assert (k.counts.shared_requests, k.counts.wavefronts, k.counts.conflicts) == (4, 16, 0)
    np.testing.assert_array_equal(y.get(), np.arange(256)[::-1])


def test_atomics_and_constants(simulator, pycuda, build):
    bins = np.arange(32) % 4
    count, out = pycuda.gpuarray.zeros(4, np.int32), pycuda.gpuarray.zeros(32, np.float32)
    _, k = profiled(
        simulator,
        build,
        HISTOGRAM,
        "histogram",
        pycuda.gpuarray.to_gpu(bins.astype(np.int32)),
        count,
        out,
        block=(32, 1, 1),
    )
    assert (k.counts.atomics, k.counts.collisions) == (1, 7)
    assert (at(k, "table[5]").constant_requests, at(k, "table[5]").constant_words) == (1, 1)
    assert (at(k, "table[i]").constant_requests, at(k, "table[i]").constant_words) == (1, 32)
    assert (count.get() == 8).all()


def test_lanes_are_together_after_a_shuffle_and_after_one_of_them_was_busy(simulator, pycuda, build):
    x = pycuda.gpuarray.zeros(65, np.float32) + 1
    _, k = profiled(simulator, build, WARP, "warp", x, block=(32, 1, 1))
    shuffle, last = at(k, "__shfl_down_sync"), at(k, "x[t + 32] = s")
    assert shuffle.active_lanes == 32 and shuffle.flops == 5 * 32
    assert (last.requests, last.sectors) == (1, 4)
    assert x.get()[64] == 33


def test_only_what_was_launched_inside_counts(simulator, pycuda, build):
    n = 256
    x, y = pycuda.gpuarray.zeros(n, np.float32), pycuda.gpuarray.zeros(n, np.float32)
    kernel = build(SAXPY, "saxpy")

    def launch(size):
        kernel(np.int32(n), np.float32(2), x, y, block=(size, 1, 1), grid=(n // size, 1))

    launch(64)
    with simulator.profile() as outer:
        launch(64)
        with simulator.profile() as inner:
            launch(128)
            launch(128)
    launch(64)
    (found,) = outer.kernels
    assert found.launches == 3 and found.threads == 3 * n and found.counts.flops == 6 * n
    assert {(a.block, a.grid, a.launches) for a in found.launched} == {
        ((64, 1, 1), (4, 1, 1), 1),
        ((128, 1, 1), (2, 1, 1), 2),
    }
    assert inner.kernels[0].counts.flops == inner.total.flops == 4 * n
    with simulator.profile() as empty:
        pass
    assert str(empty) == "No kernel was launched."


def test_every_estimates_the_blocks_it_passes_over(simulator, pycuda, build):
    x, y = pycuda.gpuarray.zeros(1024, np.float32), pycuda.gpuarray.zeros(1024, np.float32)
    _, k = profiled(
        simulator,
        build,
        SAXPY,
        "saxpy",
        np.int32(1024),
        np.float32(2),
        x,
        y,
        block=(32, 1, 1),
        grid=(32, 1),
        every=4,
    )
    assert k.counts.flops == 2048 and k.counts.sectors == 3 * 128
    with pytest.raises(ValueError, match="every=0"), simulator.profile(every=0):
        pass


def test_a_thread_of_many_steps_is_estimated_from_its_first(simulator, pycuda, build):
    x = pycuda.gpuarray.zeros(64, np.float32)
    _, k = profiled(simulator, build, TURNS, "turns", x, np.int32(40_000), block=(32, 1, 1))
    c = at(k, "s += x[i]")
    assert c.requests == pytest.approx(40_000, rel=1e-3) and c.active_lanes == pytest.approx(16, rel=1e-2)
    assert k.counts.flops == 32 * 40_000


def test_it_prints_writes_and_serialises(simulator, pycuda, build, tmp_path):
    x, out = pycuda.gpuarray.zeros(4096, np.float32), pycuda.gpuarray.zeros(4096, np.float32)
    p, k = profiled(simulator, build, PATTERNS, "patterns", x, out, block=(32, 1, 1))
    text = str(p)
    row = next(line for line in text.splitlines() if line.endswith("s += x[32 * i];"))
    assert row.split()[:5] == ["32.0", "1", "32.0", "12", "128"]
    data = json.loads(json.dumps(p.to_dict()))
    assert (
        data["total"]["sectors"]
        == k.counts.sectors
        == sum(n["counts"]["sectors"] for n in data["kernels"][0]["lines"])
    )
    page = p.html(tmp_path / "profile.html").read_text()
    assert "s += x[32 * i];" in page


# What follows needs no driver: kernels made by hand.


def made():
    text = "void k(int *p)\n{\n    if (p[0] < 1 && p[1])\n        p[2] = 1;\n" + "\n" * 9 + "    p[3]++;\n}\n"
    few = Counts(
        requests=10, sectors=320, ideal_sectors=40, bytes_read=1280, instructions=10, lane_instructions=80
    )
    rest = Counts(
        requests=1, sectors=4, ideal_sectors=4, bytes_written=128, instructions=1, lane_instructions=32
    )
    total = Counts()
    total.add(few)
    total.add(rest)
    lines = [Line("k.cu", 3, text.splitlines()[2], few, 10), Line("k.cu", 14, "    p[3]++;", rest, 1)]
    launch = Launch((1, 1, 1), (32, 1, 1), 0, 1, total)
    return Kernel("k", ("k.cu", 1), {"k.cu": text}, [launch], lines, total)


def test_the_listing_shows_the_source_and_leaves_out_what_is_silent():
    shown = listing(made()).splitlines()
    assert shown[0] == "k (k.cu:1)"
    numbers = [line.split("  ") for line in shown[3:10]]
    assert [part[-1].strip() for part in numbers if part[-1].strip()][:2] == ["void k(int *p)", "{"]
    assert sum(line.strip() == "..." for line in shown) == 1
    assert "p[2] = 1" not in "\n".join(shown)
    assert shown[-3].startswith("k.cu:3: 32.0 sectors a request where 4.0 would do.")
    column = shown[2].index("line") + len("line")
    assert all(line[:column].rstrip()[-1:].isdigit() or "..." in line for line in shown[3:9])


def test_the_table_has_only_columns_with_something_in_them():
    text = table([made()])
    assert "sectors" in text and "bank" not in text and "FLOP" not in text
    heads, row = text.splitlines()[1].split(), text.splitlines()[2].split()
    assert row[:3] == ["k", "1", "32"] and heads[:3] == ["kernel", "launches", "threads"]


class Page(HTMLParser):
    """Checks that tags close in order and that nothing is fetched."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "link", "img") and not dict(attrs).get("href", "#").startswith("http")
        if tag != "br" and tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_is_whole_and_stands_alone(tmp_path):
    from tinygrad_edu.simulator.profile import Profile

    source = Profile([made()]).html(tmp_path / "profile.html").read_text()
    page = Page()
    page.feed(source)
    assert page.open == [] and "    if (p[0] < 1 && p[1])" in page.text
    assert "prefers-color-scheme: dark" in source and "width: 100%" in source and "width: 1%" in source
    assert source.index("<table") < source.index("<h2")


@pytest.mark.parametrize(("instruction", "flops"), [
    ("addss %xmm0,%xmm1", 1), ("vmulsd (%rax),%xmm0,%xmm1", 1), ("vfmadd231ss %xmm0,%xmm1,%xmm2", 2),
    ("vfnmsub213sd %xmm0,%xmm1,%xmm2", 2), ("vsqrtss %xmm0,%xmm0,%xmm0", 1), ("divsd %xmm0,%xmm1", 1),
    ("vaddps %ymm0,%ymm1,%ymm2", 8), ("mulpd %xmm0,%xmm1", 2), ("vfmadd132ps %zmm0,%zmm1,%zmm2", 32),
    ("add %eax,%ebx", 0), ("vmovss %xmm0,(%rax)", 0), ("vaddsubps %xmm0,%xmm1,%xmm2", 0), ("subq $8,%rsp", 0),
])  # fmt: skip
def test_flops_of_an_instruction(instruction, flops):
    assert flops_of(*instruction.split()) == flops
