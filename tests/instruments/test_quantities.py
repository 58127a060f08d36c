"""Pictures of regressions, of many classes, of what is in networks and graphs: what they show is true."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygrad_edu as te
from tinygrad_edu import metrics, nn, viz
from tinygrad_edu.errors import ShapeError

pytest.importorskip("matplotlib", reason="no matplotlib here; pip install matplotlib to run this")
NUMBERS = arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e6, 1e6))


@settings(max_examples=15)
@given(NUMBERS, st.integers(0, 2**32 - 1))
def test_predictions_lie_where_they_are_with_their_score(true, seed):
    guess = true + np.random.default_rng(seed).normal(size=len(true))
    axes = viz.predictions(true, {"train": guess, "held out": true}, unit="€").figure.axes[0]
    line, first, second = axes.lines
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    np.testing.assert_array_equal(first.get_xydata(), np.stack([true, guess], 1))
    assert first.get_label() == f"train, R² {metrics.r2(true, guess):.3f}"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true (€)", "predicted (€)")
    assert axes.get_xlim() == axes.get_ylim()
    low, high = axes.get_xlim()
    assert low < min(true.min(), guess.min()) and max(true.max(), guess.max()) < high
    np.testing.assert_array_equal(second.get_xydata(), np.stack([true, true], 1))


@settings(max_examples=15)
@given(NUMBERS, st.integers(0, 2**32 - 1))
def test_residuals_are_what_is_missed_and_how_often(true, seed):
    guess = true + np.random.default_rng(seed).normal(size=len(true))
    axes, beside = viz.residuals(true, guess).figure.axes
    np.testing.assert_allclose(axes.lines[0].get_xydata(), np.stack([guess, true - guess], 1))
    values, edges, _ = beside.patches[0].get_data()
    assert values.sum() == pytest.approx(1.0) and edges[0] < (true - guess).min()
    assert (true - guess).max() < edges[-1]


def test_tensors_of_one_column_are_quantities_too():
    axes = viz.predictions(te.tensor([[1.0], [2.0]]), te.tensor([[1.5], [2.0]])).figure.axes[0]
    assert axes.lines[1].get_xydata().tolist() == [[1.0, 1.5], [2.0, 2.0]]


@pytest.mark.parametrize("function", [viz.predictions, viz.residuals])
def test_what_cannot_be_drawn_is_said(function):
    with pytest.raises(ShapeError, match="2 predictions for 3 targets"):
        function([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="NaN or infinite"):
        function([1, 2], [1, np.nan])
    with pytest.raises(ShapeError, match=r"targets for \['a'\] and predictions for \['b'\]"):
        function({"a": [1]}, {"b": [1]})


def test_many_classes_have_their_areas_beside_the_corner_of_the_curves():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 40)
    scores = np.eye(10)[labels] * 4 + random.normal(size=(400, 10))
    axes, beside = viz.roc(labels, scores, class_names=list("abcdefghij")).figure.axes
    areas = [metrics.roc_auc((labels == k).astype(int), scores[:, k]) for k in range(10)]
    assert [line.get_xdata()[0] for line in beside.lines[:10]] == pytest.approx(areas)
    assert beside.lines[10].get_xdata()[0] == pytest.approx(np.mean(areas))
    assert f"macro average {np.mean(areas):.5f}" in beside.get_title()
    assert [tick.get_text() for tick in beside.get_yticklabels()] == list("abcdefghij")
    assert "the upper left corner" in axes.get_title()
    right, low = axes.get_xlim()[1], axes.get_ylim()[0]
    for line in axes.lines:  # where it turns is inside
        false, true = line.get_xydata().T
        assert false[np.argmax(true >= 0.99)] < right < 1 and low < true[false == 0][-1]


def test_curves_that_need_all_the_room_have_it():
    labels = np.arange(30) % 3
    axes = viz.roc(labels, np.random.default_rng(0).normal(size=(30, 3))).figure.axes[0]
    assert axes.get_xlim()[1] > 1 and axes.get_ylim()[0] < 0
    assert axes.get_title() == "each class against the rest"


def test_cells_of_a_confusion_matrix_that_are_empty_stay_empty_but_on_the_diagonal():
    picture = viz.confusion_matrix([0, 0, 1], [0, 1, 1], class_names=["a", "b", "c"], title="flowers")
    axes = picture.figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["1", "1", "1", "0"]
    assert axes.get_title() == "flowers\n2 of 3 right (66.7%)" and picture.figure.get_suptitle() == ""


def test_activations_of_a_network_have_a_scale():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    labels = [axes.get_ylabel() for axes in viz.network(model, inputs=[1.0, 2.0]).figure.axes]
    assert labels[1:] == ["weight (edges)", "activation (units)"]
    assert [axes.get_ylabel() for axes in viz.network(model).figure.axes][1:] == ["weight (edges)"]


@pytest.mark.parametrize(("history", "axis", "label"), [
    ({"epoch": [1, 2], "train_loss": [2, 1], "held_out_r2": [-3.0, 0.5]}, "R²", "held out R²"),
    ({"epoch": [1, 2], "train_loss": [2, 1], "roc_auc": [0.3, 0.5]}, "ROC AUC", "ROC AUC"),
    ({"epoch": [1, 2], "train_loss": [2, 1], "held_out_accuracy": [0.3, 0.5]}, "accuracy (fraction)",
     "held out accuracy"),
])  # fmt: skip
def test_scores_are_called_what_people_call_them(history, axis, label):
    axes = viz.loss_curve(history).figure.axes[1]
    assert axes.get_ylabel() == axis and axes.get_legend().get_texts()[0].get_text() == label


def test_gradients_inside_a_graph_are_shown_while_it_is_there():
    w = te.tensor([1.0, 2.0], requires_grad=True, dtype="float64")
    y = te.tanh(w * 3.0)
    loss = te.sum(y * y)
    before = viz.graph(loss, names={"w": w, "y": y}, show="grad")
    said = {item.name or item.op: item.gradient for item in before.data.nodes}
    wanted = te.grad(lambda y: te.sum(y * y))(y.detach()).numpy()
    assert said["y"].elements == tuple(wanted.tolist()) and said["sum"].elements == (1.0,)
    assert f"grad {' '.join(f'{x:.4g}' for x in wanted)}" in before.text()
    assert w.grad is None  # nothing was gathered, and nothing freed
    loss.backward(retain_graph=True)
    assert viz.graph(loss, names={"w": w, "y": y}, show="grad").data.nodes[1].gradient
    loss.backward()
    after = viz.graph(loss, names={"w": w, "y": y}, show="grad").text()
    assert "A backward has freed the gradients inside: draw before it" in after
    assert "A backward has freed" not in viz.graph(loss).text()


def test_drawing_gradients_calls_no_hook_of_the_user():
    w, called = te.tensor([1.0], requires_grad=True), []
    y = w * 2.0
    y.register_hook(called.append)
    viz.graph(te.sum(y), show="grad")
    assert called == []


def test_a_confusion_matrix_is_drawn_from_its_counts():
    labels, guess = [0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 2, 0]
    metric = metrics.ConfusionMatrix()
    metric.update(guess, labels)
    names = ["a", "b", "c"]
    for counts in (metric.compute(), metric.compute().tolist(), te.tensor(metric.compute())):
        for normalize in (False, True):
            one = viz.confusion_matrix(counts, class_names=names, normalize=normalize).figure.axes[0]
            two = viz.confusion_matrix(labels, guess, class_names=names, normalize=normalize).figure.axes[0]
            assert [t.get_text() for t in one.texts] == [t.get_text() for t in two.texts]
            assert one.get_title() == two.get_title() and "4 of 6 right" in one.get_title()
    for bad, words in (([0, 1], "counts have shape"), ([[1, 2]], "counts have shape"), ([[0]], "not all 0"),
                       ([[0.5]], "must be integers"), ([[-1]], "must be integers")):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            viz.confusion_matrix(bad)
    with pytest.raises(ValueError, match="1 class_names for 3 classes"):
        viz.confusion_matrix(metric.compute(), class_names=["a"])
