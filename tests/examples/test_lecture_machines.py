"""The lecture's programs of automata and of machines: what they build and count, against other ways to it."""

from __future__ import annotations

import importlib
import re
import sys
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.examples.conftest import LECTURE


def module(number):
    """A script as a module, for tests that hypothesis runs many times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(LECTURE))
        (path,) = LECTURE.glob(f"{number}_*.py")
        return importlib.import_module(path.stem)


# -- 01b: nets of threshold units ---------------------------------------------------------------------------


@st.composite
def automata(draw):
    states, letters = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    table = [[draw(st.integers(0, states - 1)) for _ in range(letters)] for _ in range(states)]
    return table, draw(st.sets(st.integers(0, states - 1)))


@settings(deadline=None, max_examples=40)
@given(automaton=automata())
def test_01b_the_net_is_the_automaton(automaton):
    table, accepting = automaton
    one = module("01b")
    made = one.net(table, accepting)
    letters = range(len(table[0]))
    assert len(made[2]) == len(table) * len(table[0]) + 1 and set(np.unique(made[0])) <= {0, 1}
    for word in (word for length in range(5) for word in product(letters, repeat=length)):
        said, moments = one.says(*made, word)
        assert said == one.accepts(table, accepting, word)
        assert all(fired.sum() == 1 for fired in moments)


def test_01b_a_wrong_line_is_found(lesson):
    one = lesson("01b")
    table, accepting = [[0, 1], [1, 0]], {1}
    w, thresholds, out = one.net(table, accepting)
    w[0, 0] = 0  # two zeros in a row, from the start
    assert one.accepts(table, accepting, [0, 0, 1]) and not one.says(w, thresholds, out, [0, 0, 1])[0]


def test_01b_agreement_is_proved(smoke):
    said, _ = smoke("01b")
    assert len(re.findall(r"the net disagrees on 0; .*\n.*with 1 unit firing: agreement proved", said)) == 3
    assert "63 words of up to 5 letters" in said and "an odd number of ones: 2 states, 6 units" in said


# -- 15b: GP100 and SIMD ------------------------------------------------------------------------------------


def test_15b_the_numbers_of_the_white_paper(lesson, smoke):
    """Source: NVIDIA, Tesla P100 white paper: 10.6 and 5.3 TFLOP/s; data sheet: 732 GB/s, 3584 cores."""
    gp100 = lesson("15b")
    assert round(gp100.peak("float32") / 1e12, 1) == 10.6 and round(gp100.peak("float64") / 1e12, 1) == 5.3
    assert round(gp100.bandwidth() / 1e9) == 732 and round(gp100.ridge("float32"), 1) == 14.5
    assert "GP100: 56 x 64 = 3584 cores; memory 732 GB/s" in smoke("15b")[0]
    seventeen = lesson(17)  # which has the same, from the data sheet
    assert gp100.peak("float32") == pytest.approx(2 * seventeen.CORES * seventeen.CLOCK)
    assert gp100.bandwidth() == pytest.approx(seventeen.BANDWIDTH, rel=1e-3)


def test_15b_the_roof_bends_at_the_ridge(lesson):
    gp100 = lesson("15b")
    for dtype in ("float32", "float64"):
        bend = gp100.ridge(dtype)
        at = gp100.attainable(np.array([bend / 2, bend, 2 * bend]), dtype)
        np.testing.assert_allclose(at, gp100.peak(dtype) * np.array([0.5, 1, 1]))


@pytest.mark.parametrize(("features", "bits"), [
    (["sse2", "avx", "avx2"], 256), (["X86_V2", "X86_V3", "X86_V4"], 512), (["ASIMD"], 128), ([], 0),
    (["SSE", "SSE2", "SSE3"], 128), (["avx512f"], 512)])  # fmt: skip
def test_15b_the_widest_register(lesson, features, bits):
    assert lesson("15b").register_bits(features) == bits


def test_15b_what_is_measured_says_so(smoke):
    said, _ = smoke("15b")
    assert "this machine, by /proc/cpuinfo: " in said and f"NumPy {np.__version__} uses: " in said
    measured = said.partition("measured here")[2]
    times = re.findall(r"^  \S.* +([\d.]+) ([\d.]+) +([\d.]+) times$", measured, re.M)
    assert len(times) == 4
    for wide, narrow, ratio in times:
        assert float(ratio) == pytest.approx(float(wide) / float(narrow), rel=0.02, abs=0.01)


# -- 16b: asynchronous launches -----------------------------------------------------------------------------


def test_16b_the_simulator_is_synchronous_and_deferred_it_is_lazy(smoke):
    plain, _, deferred = smoke("16b")[0].partition("simulator, deferred, measured here")
    assert plain.startswith("simulator, as it is, measured here")
    assert "done when the launch returns: True; after the host's own work: True" in plain
    assert "synchronous: the launch is the work" in plain and "asynchronous" not in plain
    assert "done when the launch returns: False; after the host's own work: False" in deferred
    assert "lazy: put off until somebody waits" in deferred and "everywhere" in deferred


class Device:
    """A device that needs so many seconds for a launch, by a clock of its own."""

    def __init__(self, monkeypatch, sixteen, needs):
        self.now, self.ends, self.needs = 0.0, 0.0, needs
        clock = SimpleNamespace(perf_counter=self.read)
        monkeypatch.setattr(sixteen, "time", clock)
        monkeypatch.setattr(te.cuda, "synchronize", self.wait)

    def read(self):
        self.now += 1e-6
        return self.now

    def launch(self):
        self.now += 1e-5
        self.ends = self.now + self.needs

    def wait(self, _):
        self.now = max(self.now, self.ends)


def test_16b_launch_and_wait_are_timed_apart(lesson, monkeypatch):
    """A GPU, made up: the launch is short; what the host does meanwhile shortens the wait, to nothing."""
    sixteen = lesson("16b")
    gpu = Device(monkeypatch, sixteen, needs=1e-3)
    launch, own, wait = sixteen.timed(gpu.launch, "cuda")
    assert launch < 2e-5 < own + 5e-5 and wait == pytest.approx(1e-3, rel=0.01)
    _, own, wait = sixteen.timed(gpu.launch, "cuda", 4e-4)
    assert own == pytest.approx(4e-4, rel=0.01) and wait == pytest.approx(6e-4, rel=0.02)
    assert sixteen.timed(gpu.launch, "cuda", 2e-3)[2] < 1e-5
    assert sixteen.VERDICTS[False, True].startswith("asynchronous, not lazy")


# -- 16c: CuPy ----------------------------------------------------------------------------------------------


def test_16c_the_regression_goes_down_its_gradient(lesson):
    sixteen = lesson("16c")
    points = te.data.gaussian(40, noise=0.4, seed=1)
    x, y = points.features.astype(np.float64), points.labels
    w, b, losses = sixteen.regression(np, x, y, steps=1, eta=0.5)

    def loss(both):
        return te.logistic(te.tensor(x) @ both[:2] + both[2], te.tensor(2.0 * y - 1), reduction="mean")

    found = te.grad(loss)(te.zeros(3, dtype="float64")).numpy()
    np.testing.assert_allclose([*w, b], -0.5 * found, atol=1e-12)
    assert losses[0] == pytest.approx(np.log(2)) and len(losses) == 1


def test_16c_says_why_cupy_did_not_run(lesson, monkeypatch, smoke):
    sixteen = lesson("16c")
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert sixteen.cupy()[0] is None and "not installed" in sixteen.cupy()[1]

    def no_driver():
        raise RuntimeError("no driver")

    runtime = SimpleNamespace(getDeviceCount=no_driver, CUDARuntimeError=RuntimeError)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=SimpleNamespace(runtime=runtime)))
    assert sixteen.cupy() == (None, "CuPy is installed and finds no GPU: no driver")
    runtime.getDeviceCount = lambda: 0
    assert "finds no GPU" in sixteen.cupy()[1]
    runtime.getDeviceCount = lambda: 1
    assert sixteen.cupy()[1] == ""
    assert re.search(r"^CuPy: (did not run\. |after 30 steps)", smoke("16c")[0], re.M)
    assert "the same memory: True" in smoke("16c")[0]


# -- 17b: the systolic array --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(sizes=st.tuples(*[st.integers(1, 6)] * 3), seed=st.integers(0, 1000))
def test_17b_the_array_multiplies(sizes, seed):
    rows, columns, batch = sizes
    systolic = module("17b")
    random = np.random.default_rng(seed)
    w, x = random.integers(-99, 100, (rows, columns)), random.integers(-99, 100, (batch, rows))
    y, busy = systolic.array(w, x)
    np.testing.assert_array_equal(y, x @ w)
    assert len(busy) == batch + rows + columns - 2 and busy.sum() == batch * rows * columns
    assert busy.mean() == pytest.approx(systolic.utilisation(batch, rows, columns))
    when = np.indices((batch, rows, columns)).sum(axis=0)  # row b meets cell (k, n) in cycle b + k + n
    for t in range(len(busy)):
        np.testing.assert_array_equal(busy[t], (when == t).any(axis=0))


def test_17b_without_the_skew_the_sums_do_not_meet_their_products(changed):
    ended = changed("17b", {"x[t - k, k] if 0 <= t - k < batch": "x[t, k] if t < batch"})  # as it suggests
    assert ended.returncode == 0, ended.stderr
    assert re.findall(r"% +(True|False)$", ended.stdout, re.M) == ["False"] * 3


def test_17b_the_numbers_of_the_tpu(smoke):
    """Source: Jouppi and others, ISCA 2017: 65,536 cells at 700 MHz, 92 tera-operations a second."""
    said, _ = smoke("17b")
    assert "256 x 256 cells x 2 x 700 MHz = 91.8 tera-operations a second" in said
    assert "33.4% of it for 256 rows" in said and said.count("   True") == 3
