"""Pictures of training: files are written, curves are right, and nothing global changes."""

from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn, viz
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.viz.figure import rgb
from tinygrad_edu.viz.scores import roc_points

RANDOM = np.random.default_rng(0)
PNG = b"\x89PNG\r\n\x1a\n"


def is_picture(path):
    path = Path(path)
    return path.read_bytes().startswith(PNG) and path.stat().st_size > 5000


@pytest.mark.parametrize("history", [
    [3.0, 2.0, 1.0],
    {"train loss": [3.0, 1.0, 1e-4], "test loss": [3.0, 2.0, float("nan")]},
    [{"epoch": 1, "train_loss": 2.0, "test_accuracy": 0.4, "note": "warm"},
     {"epoch": 2, "train_loss": 1.0, "test_accuracy": None, "note": ""}],
    {"r2": [0.1, -0.5]},
    {"loss": [1.0]},
], ids=["numbers", "log and nan", "rows", "metric only", "one step"])  # fmt: skip
def test_loss_curve(history, tmp_path):
    assert is_picture(viz.loss_curve(history, tmp_path / "new" / "loss.png", title="t"))


@pytest.mark.parametrize("answer", ["probabilities", "second class", "numbers", "tensor"])
def test_decision_boundary(answer, tmp_path):
    points, labels = RANDOM.normal(size=(30, 2)).astype(np.float32), RANDOM.integers(0, 2, 30)

    def predict(grid):
        assert grid.dtype == np.float32 and grid.shape == (1600, 2)
        p = 1 / (1 + np.exp(-grid.sum(axis=1)))
        both = np.stack([1 - p, p], axis=1)
        return {
            "probabilities": both,
            "second class": p,
            "numbers": (p > 0.5).astype(int),
            "tensor": te.tensor(both),
        }[answer]

    path = viz.decision_boundary(predict, points, labels, tmp_path / "b.png", resolution=40)
    assert is_picture(path)


@pytest.mark.parametrize("answer", ["second class", "scores", "numbers"])
def test_the_boundary_is_where_the_classes_are_equally_likely(answer):
    points, labels = np.array([[-1.0, -1.0], [2.0, 2.0]]), [0, 1]

    def predict(grid):
        score = 8 * (grid[:, 0] - 0.7)
        return {
            "second class": 1 / (1 + np.exp(-score)),
            "scores": np.stack([-score / 2, score / 2], axis=1),
            "numbers": (score > 0).astype(int),
        }[answer]

    axes = viz.decision_boundary(predict, points, labels, resolution=101).figure.axes[0]
    assert [t.get_text() for t in axes.figure.legends[0].get_texts()] == ["class 0", "class 1"]
    border = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
    np.testing.assert_allclose(border[:, 0], 0.7, atol=0.04)
    paint = np.asarray(axes.images[0].get_array())
    for at, colour in ((0, viz.PALETTE[0]), (-1, viz.PALETTE[1])):
        likest = [np.abs(1 - 0.45 * (1 - np.array(rgb(c))) - paint[50, at]).sum() for c in viz.PALETTE]
        assert viz.PALETTE[int(np.argmin(likest))] == colour


def test_decision_boundary_of_one_class_and_of_many(tmp_path):
    points = RANDOM.normal(size=(40, 2))
    assert is_picture(
        viz.decision_boundary(
            lambda g: np.zeros(len(g), int), points, np.zeros(40, int), tmp_path / "one.png", resolution=10
        )
    )
    assert is_picture(
        viz.decision_boundary(
            lambda g: np.abs(g[:, 0] * 4).astype(int) % 12,
            points,
            np.arange(40) % 12,
            tmp_path / "many.png",
            resolution=20,
        )
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: np.where(x[:, 0] > 0, 1, -1), r"class number -1.*astype\(int\)"),
        (lambda x: np.full((len(x), 2), np.nan), "NaN or infinity for 144 of 144"),
        (lambda x: np.stack([x[:, 0], np.where(x[:, 0] > 0, np.inf, 0)], axis=1), "infinity for 72 of 144"),
        (lambda x: np.full((len(x), 2), -np.inf), "NaN or infinity"),
        (lambda x: np.full((len(x), 1), np.nan), "NaN or infinity"),
    ],
)
def test_answers_that_are_no_classes_are_refused(answer, said):
    points = np.array([[-1.0, -1.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match=said):
        viz.decision_boundary(answer, points, [0, 1], resolution=12)


def test_a_score_of_minus_infinity_is_a_probability_of_0():
    def predict(x):
        return np.log(np.stack([x[:, 0] < 0, x[:, 0] >= 0], axis=1), where=True)

    with np.errstate(divide="ignore"):
        axes = viz.decision_boundary(
            predict, np.array([[-1.0, -1.0], [1.0, 1.0]]), [0, 1], resolution=12
        ).figure.axes[0]
    assert len(axes.collections[0].get_paths()) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite_are_named_and_predict_is_not(bad):
    with pytest.raises(ValueError, match="features: 1 of 4 numbers are NaN or infinite"):
        viz.decision_boundary(lambda x: pytest.fail("asked"), [[0.0, 1.0], [bad, 2.0]], [0, 1])


class Moody(nn.Module):
    """Dropout, batch norm, a stream of its own, and a part that is frozen in evaluation mode."""

    def __init__(self):
        self.inner = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
        self.own = nn.Dropout(0.5, generator=te.Generator(3))
        self.inner[1].eval()

    def forward(self, x):
        assert not te.is_grad_enabled()
        te.rand(1)
        return self.own(self.inner(x))


@pytest.mark.parametrize(
    "draw",
    [
        lambda model: viz.decision_boundary(model, [[0.0, 1.0], [1.0, 0.0]], [0, 1], resolution=5),
        lambda model: viz.decision_boundary(model.forward, te.ones(2, 2).numpy(), [0, 1], resolution=5),
        lambda model: viz.boundary_animation([("a", model)], np.eye(2), [0, 1], resolution=5),
        lambda model: viz.network(model, inputs=te.ones(1, 2)),
    ],
    ids=["boundary", "method", "animation", "network"],
)
def test_a_model_does_not_notice_that_it_is_drawn(draw):
    model = Moody()
    stream, own = te.manual_seed(5), model.own.generator

    def state():
        return (
            [m.training for m in model.modules()],
            {k: v.tolist() for k, v in model.state_dict().items()},
            stream.state_dict(),
            own.state_dict(),
        )

    before = state()
    draw(model)
    assert state() == before
    with pytest.raises(ValueError, match="broken"):
        model.inner[0].register_forward_hook(lambda *_: (_ for _ in ()).throw(ValueError("broken")))
        draw(model)
    assert state() == before


def test_a_model_is_drawn_as_it_answers_in_use():
    te.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.9), nn.Linear(3, 2), nn.Softmax(-1))
    twice = [viz.decision_boundary(model, np.eye(2), [0, 1], resolution=9).figure for _ in range(2)]
    paint = [np.asarray(figure.axes[0].images[0].get_array()) for figure in twice]
    np.testing.assert_array_equal(*paint)


@pytest.mark.parametrize("classes", [1, 2, 4])
def test_roc(classes, tmp_path):
    labels = np.arange(60) % max(classes, 2)
    scores = RANDOM.normal(size=(60, classes) if classes > 1 else 60)
    assert is_picture(viz.roc(labels, scores, tmp_path / "roc.png", class_names=list("abcd")))


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=30).filter(
        lambda rows: len({hit for hit, _ in rows}) == 2
    )
)
def test_roc_points_agree_with_scikit_learn(rows):
    from sklearn.metrics import roc_auc_score, roc_curve

    positive, score = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], float)
    false_rate, true_rate = roc_points(positive, score)
    wanted_false, wanted_true, _ = roc_curve(positive, score, drop_intermediate=False)
    np.testing.assert_allclose(false_rate, wanted_false)
    np.testing.assert_allclose(true_rate, wanted_true)
    assert np.trapezoid(true_rate, false_rate) == pytest.approx(roc_auc_score(positive, score))


@pytest.mark.parametrize(
    "labels", [[1, 2, 2, 1], ["no", "yes", "yes", "no"], [False, True, True, False], [-1.0, 1.0, 1.0, -1.0]]
)
def test_scores_are_higher_for_the_class_that_sorts_last(labels):
    from sklearn.metrics import roc_auc_score

    scores = [0.1, 0.5, 0.2, 0.3]
    axes = viz.roc(labels, scores).figure.axes[0]
    assert f"AUC {roc_auc_score(labels, scores):.3f}" in axes.get_legend().get_texts()[1].get_text()
    turned = viz.roc(["yes", "no"], [0.1, 0.9], class_names=["yes", "no"]).figure.axes[0]
    assert turned.get_legend().get_texts()[1].get_text() == "no (AUC 1.000)"


@pytest.mark.parametrize("classes", [3, 9])
def test_each_class_of_a_roc_has_its_name_beside_its_line(classes):
    labels = np.arange(4 * classes) % classes
    scores = np.random.default_rng(0).normal(size=(len(labels), classes))
    names = [f"kind {k}" for k in range(classes)]
    figure = viz.roc(labels, scores, class_names=names).figure
    axes, areas = figure.axes
    legend = axes.get_legend() or figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == names
    for line, drawn in zip(axes.lines, legend.get_lines(), strict=True):
        assert (line.get_color(), line.get_linestyle()) == (drawn.get_color(), drawn.get_linestyle())
    low, high = areas.get_xlim()
    assert low < min(line.get_xdata()[0] for line in areas.lines[:classes]) and 1 < high < 1.02
    assert max(areas.get_xticks()) <= 1


def test_each_column_of_scores_finds_its_class():
    scores = np.eye(3)[[2, 0, 1]]
    for labels in ([2, 0, 1], [3, 1, 2], ["c", "a", "b"]):
        axes, areas = viz.roc(labels, scores).figure.axes
        assert len(axes.lines) == 3 and [line.get_xdata()[0] for line in areas.lines[:3]] == [1.0] * 3
    with pytest.raises(ShapeError, match="3 columns"):
        viz.roc([5, 6], np.ones((2, 3)))


@pytest.mark.parametrize(
    ("labels", "scores", "error", "said"),
    [
        ([1, 1], [0.1, 0.2], ValueError, r"1 class: \[1\]"),
        ([], [], ValueError, "0 labels"),
        ([0, 1], [0.1, np.nan], ValueError, "NaN in 1"),
        ([0, 1, 2], [0.1, 0.2, 0.3], ShapeError, r"3 classes.*\(3, 3\)"),
        ([0, 1], ["a", "b"], TypeError, "scores is not numbers"),
    ],
)
def test_what_has_no_curve_is_refused(labels, scores, error, said):
    with pytest.raises(error, match=f"^roc: .*{said}"):
        viz.roc(labels, scores)


def test_nothing_global_changes(tmp_path):
    import matplotlib

    before, backend = dict(matplotlib.rcParams), matplotlib.get_backend()
    viz.loss_curve([1.0, 2.0], tmp_path / "a.png")
    assert dict(matplotlib.rcParams) == before and matplotlib.get_backend() == backend


def test_without_matplotlib_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        viz.loss_curve([1.0], tmp_path / "a.png")


def test_mistakes_say_what_to_do(tmp_path):
    with pytest.raises(ShapeError, match=r"labels"):
        viz.decision_boundary(lambda g: g[:, 0], np.ones((3, 4)), [0, 1, 0], tmp_path / "a.png")
    with pytest.raises(ShapeError, match="predict returned"):
        viz.decision_boundary(lambda g: np.ones(7), np.ones((2, 2)), [0, 1], tmp_path / "a.png")
    with pytest.raises(ShapeError, match="scores"):
        viz.roc([0, 1], [0.5], tmp_path / "a.png")
    with pytest.raises(ShapeError, match="different lengths"):
        viz.loss_curve({"loss": [1.0], "accuracy": [0.5, 0.6]}, tmp_path / "a.png")
    with pytest.raises(ValueError, match="no column"):
        viz.loss_curve({"name": ["x"]}, tmp_path / "a.png")
