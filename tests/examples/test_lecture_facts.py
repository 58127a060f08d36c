"""What the lecture's pages say in words is computed: each number, and the words that stand for one."""

from __future__ import annotations

import re

import numpy as np
import pytest

import tinygrad_edu as te
from tests.examples.conftest import ROOT

PAGES = ROOT / "docs" / "lecture"
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def words_of(page):
    """The text of a page in one line, as it is read."""
    return " ".join((PAGES / page).read_text().split())


def test_01_gates_are_counted_and_the_page_says_as_many(lesson, smoke):
    one = lesson(1)
    half, full = one.gates(one.half_adder, 2), one.gates(one.full_adder, 3)
    assert (half, full) == (5, 13)
    said = words_of("01-perceptron.md")
    assert f"{WORDS[half].capitalize()} of them add two bits." in said
    assert f"Two such half adders and {WORDS[full - 2 * half]} more NANDs" in said
    assert f"Adder of 4 bits, {4 * full} perceptrons" in smoke(1)[0]


@pytest.mark.parametrize("mu", [0.0, 0.5, 0.9, 0.99])
def test_07_where_steps_settle(lesson, mu):
    seven = lesson(7)
    assert seven.settled(0.6, mu, 1) == pytest.approx(0.6 / (1 - mu))
    assert seven.settled(0.6, mu, -1) == pytest.approx(0.6 / (1 + mu))


def test_07_the_page_says_what_is_computed(lesson):
    said = words_of("07-momentum.md")
    steady, wavering = (lesson(7).settled(1.0, 0.9, sign) for sign in (1, -1))
    assert "does not cancel" in said and f"with $\\mu = 0.9$, {WORDS[round(steady)]} times as long" in said
    assert 0.5 < wavering < 0.55 and "about half as long as without momentum" in said
    assert f"here {steady / wavering:.0f}:" in said


def test_08_which_steps_are_longer_than_the_one_before(lesson, smoke):
    eight = lesson(8)
    steps = eight.lengths(eight.walk(0.7, 0.9, True, steps=100))
    np.testing.assert_allclose(steps[:4], [1.402, 1.072, 1.326, 1.401], atol=5e-4)
    assert steps[1] < steps[0] and (np.diff(steps[1:]) > 0).all() and eight.growing_from(steps) == 3
    assert eight.growing_from([1.0, 2.0, 3.0]) == 2 and eight.growing_from([3.0, 2.0, 1.0, 2.0]) == 4
    assert "1.402, 1.072, 1.326" in smoke(8)[0] and "from step 3 on each is longer" in smoke(8)[0]
    assert "from the third on, every step is longer than the one before" in words_of("08-nesterov.md")


class Counted:
    """A number that counts how often two like it were multiplied."""

    products = 0

    def __init__(self, value):
        self.value = float(value)

    def __mul__(self, other):
        if isinstance(other, Counted):
            Counted.products += 1
        return Counted(self.value * getattr(other, "value", other))

    def __add__(self, other):
        return Counted(self.value + getattr(other, "value", other))

    def __sub__(self, other):
        return Counted(self.value - getattr(other, "value", other))

    def __rsub__(self, other):
        return Counted(other - self.value)

    def __rtruediv__(self, other):
        return Counted(other / self.value)

    def __neg__(self):
        return Counted(-self.value)

    def exp(self):
        return Counted(np.exp(self.value))

    __radd__, __rmul__ = __add__, __mul__


def counted(array):
    return np.vectorize(Counted, otypes=[object])(array)


@pytest.mark.parametrize("sizes", [(2, 3, 2), (4, 1, 3), (3, 5, 4, 2), (6, 6, 6, 6, 6)])
def test_10_the_products_of_the_four_steps(lesson, monkeypatch, sizes):
    """The four steps run on numbers that count; what each neuron costs besides is two products for sigma'."""
    ten = lesson(10)
    monkeypatch.setattr(ten, "SIZES", sizes)
    w, b = ten.parameters(0)
    w, b = ([None, *map(counted, arrays[1:])] for arrays in (w, b))
    random = np.random.default_rng(0)
    Counted.products = 0
    ten.by_hand(w, b, counted(random.normal(size=sizes[0])), counted(random.normal(size=sizes[-1])))
    forward, errors, gradients = ten.products(sizes)
    assert Counted.products == forward + errors + gradients + 2 * sum(sizes[1:])
    assert 1 <= (errors + gradients) / forward < 2


def test_10_the_page_says_what_is_counted(smoke):
    found = re.findall(r"^  \S.* +(\d+) +(\d+) +(\d+) +(\d\.\d\d)$", smoke(10)[0], re.M)
    assert len(found) == 3
    for forward, errors, gradients, ratio in found:
        assert float(ratio) == round((int(errors) + int(gradients)) / int(forward), 2)
    said = words_of("10-backpropagation.md")
    assert "at most about twice as much as computing the loss" in said and "about three losses" in said


def test_05_euclidean_is_the_squared_error(lesson, smoke):
    five = lesson(5)
    x, y = np.random.default_rng(0).normal(size=(2, 7))
    assert five.euclidean(x, y) == pytest.approx(((y - x) ** 2).sum())
    assert five.euclidean(x, y) == pytest.approx(7 * te.mse(te.tensor(x), te.tensor(y)).item())
    assert five.euclidean([0.4], [1]) == pytest.approx(five.value("L2", 0.4))
    assert "euclidean loss 0.300000, te.mse 0.100000, times 3 0.300000" in smoke(5)[0]
    assert "mean squared error (MSE)" in words_of("05-losses.md")


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("[0-9]*.md")))
def test_every_picture_says_in_words_what_is_seen(page):
    """The alt text of a cell that shows a picture: a sentence, not its caption and not its file."""
    cells = re.findall(r"^```\{code-cell\}.*?^```$", (PAGES / page).read_text(), re.M | re.S)
    for cell in cells:
        if not re.search(r"^(picture|shown)\(", cell, re.M):
            continue
        alt, caption = (re.search(rf'^ +{key}: "(.*)"$', cell, re.M) for key in ("alt", "caption"))
        assert alt and caption, f"{page} has a picture without an alt text or a caption:\n{cell}"
        assert len(alt[1].split()) >= 10 and alt[1].endswith(".") and alt[1] != caption[1]
        assert ".png" not in alt[1] and '"' not in alt[1]
