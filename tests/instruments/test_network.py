"""The picture of a network: which units and edges are drawn, their colours, and what the nodes say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn, viz
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.viz.figure import NOT_FINITE, rgb
from tinygrad_edu.viz.words import short

RANDOM = np.random.default_rng(0)


def texts(picture):
    return [t.get_text() for t in picture.figure.axes[0].texts]


def nodes(picture):
    return picture.figure.axes[0].patches


def edges(picture):
    return picture.figure.axes[0].collections


def matrices(*sizes):
    return [RANDOM.normal(size=(b, a)) for a, b in pairwise(sizes)]


def small():
    te.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1), nn.Sigmoid())


@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), st.integers(3, 6))
def test_layers_larger_than_max_units_are_elided(sizes, most):
    picture = viz.network(matrices(*sizes), max_units=most)
    drawn = [size if size <= most else most - 1 for size in sizes]
    assert len(nodes(picture)) == sum(drawn)
    assert [len(c.get_segments()) for c in edges(picture)] == [a * b for a, b in pairwise(drawn)]
    said = [t for t in texts(picture) if "…" in t]
    assert said == [f"…\n{size - most + 1} more" for size in sizes if size > most]
    for size in sizes:
        assert any(t.endswith(f"\n{size} unit{'s' * (size > 1)}") for t in texts(picture))


def test_edges_are_blue_below_zero_and_orange_above_and_wider_when_stronger():
    weight = np.array([[-2.0, -0.5, 0.0, 1.0]])
    picture = viz.network([weight])
    (collection,) = edges(picture)
    size = np.abs(weight[0])
    order = np.argsort(size, kind="stable")
    widths = np.asarray(collection.get_linewidths())
    assert (np.diff(widths) >= 0).all() and widths[-1] > widths[0]
    for (red, _, blue, _), value in zip(collection.get_colors(), weight[0][order]):
        assert np.sign(round(red - blue, 9)) == np.sign(value)
    assert [t for t in texts(picture) if t.replace("−", "").replace(".", "").isdigit()] == [
        "0",
        "−0.5",
        "1",
        "−2",
    ]


@pytest.mark.parametrize("given_as", ["tensor", "array", "list"])
def test_a_module_is_run_on_the_inputs(given_as):
    model = small()
    inputs = {"tensor": te.tensor([1.0, 0.5]), "array": np.array([1.0, 0.5]), "list": [1.0, 0.5]}[given_as]
    said = texts(viz.network(model, inputs=inputs))
    hidden = np.tanh(model[0](te.tensor([1.0, 0.5])).numpy())
    answer = model(te.tensor([1.0, 0.5])).numpy()
    for value in (1.0, 0.5, *hidden, *answer):
        assert f"{value:.2g}".replace("-", "−") in said
    assert f"b {model[2].bias.numpy()[0]:.2g}".replace("-", "−") in said
    assert not model[0]._hooks and not model[2]._hooks


def test_values_errors_and_names_are_written():
    picture = viz.network(
        matrices(2, 2, 1),
        inputs=[3, 4],
        values=[[5, 6], [7]],
        gradients=[[8, 9], [10]],
        biases=[None, [11]],
        names=[["age", "height"], "the middle", None],
    )
    said = texts(picture)
    assert {"3", "4", "5", "6", "7", "δ 8", "δ 9", "b 11\nδ 10", "age", "height"} <= set(said)
    assert "the middle\n2 units" in said and "output\n1 unit" in said
    with_input = viz.network(matrices(2, 2, 1), values=[[3, 4], [5, 6], [7]])
    assert {"3", "4", "5", "6", "7"} <= set(texts(with_input))


def test_a_large_module_leaves_its_biases_out_unless_they_are_given():
    model = nn.Sequential(nn.Flatten(), nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 3))
    assert not [t for t in texts(viz.network(model)) if t.startswith("b ")]
    biases = [model[1].bias, model[3].bias]
    assert len([t for t in texts(viz.network(model, biases=biases)) if t.startswith("b ")]) == 11


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_pink_and_leaves_the_scale_to_the_others(bad, tmp_path):
    picture = viz.network([np.array([[1, bad], [0.5, 0.2]])], inputs=[1, 2], values=[[bad, 3]])
    picture.save(tmp_path / "n.png")
    (edge,) = edges(picture)
    (fine,) = edges(viz.network([np.array([[1, 0], [0.5, 0.2]])]))
    np.testing.assert_allclose(edge.get_linewidths()[:3], fine.get_linewidths()[1:])
    np.testing.assert_allclose(edge.get_colors()[:3], fine.get_colors()[1:])
    np.testing.assert_allclose(edge.get_colors()[3][:3], rgb(NOT_FINITE))
    assert edge.get_linestyles()[3] != edge.get_linestyles()[2]
    faces = [node.get_facecolor() for node in nodes(picture)]
    np.testing.assert_allclose(faces[2][:3], rgb(NOT_FINITE))
    assert all(face[3] == 1 for face in faces) and len(set(faces)) == 4
    assert (
        picture.figure.get_supxlabel().replace("\n", " ")
        == "1 weight NaN or infinite: pink and dashed; 1 activation NaN or infinite: pink"
    )


def test_a_network_of_nothing_finite_is_drawn():
    picture = viz.network([np.full((2, 2), np.nan)], values=[[np.inf, np.nan]])
    assert "4 weights NaN" in picture.figure.get_supxlabel()
    assert not viz.network([np.ones((2, 2))]).figure.get_supxlabel()


def test_layers_are_drawn_in_the_order_they_are_called_in():
    class Backwards(nn.Module):
        def __init__(self):
            self.unused = nn.Linear(7, 7)
            self.last, self.first = nn.Linear(3, 1), nn.Linear(2, 3)

        def forward(self, x):
            return self.last(te.tanh(self.first(x)))

    model = Backwards()
    picture = viz.network(model, inputs=[1.0, -1.0])
    assert [len(c.get_segments()) for c in edges(picture)] == [6, 3]
    biases = [t for t in texts(picture) if t.startswith("b ")]
    assert [len(model.first.bias), len(model.last.bias)] == [3, 1] and len(biases) == 4
    assert f"b {short(float(model.last.bias.numpy()[0]), 2)}" == biases[-1]
    model.forward = lambda x: x
    with pytest.raises(ShapeError, match="called none of its 3 layers"):
        viz.network(model, inputs=[1.0, -1.0])


@pytest.mark.parametrize(("wrong", "said"), [
    (lambda: viz.network([np.ones((3, 2)), np.ones((1, 4))]), r"3 units do not feed 4 inputs.*transposed"),
    (lambda: viz.network([]), "no layers"),
    (lambda: viz.network([np.ones(3)]), r"shape \(3,\).*\(out, in\)"),
    (lambda: viz.network(nn.Conv2d(1, 2, 3)), r"viz\.filters"),
    (lambda: viz.network([np.ones((1, 2))], values=[[1], [2], [3]]), "3 values for 1 layers"),
    (lambda: viz.network([np.ones((1, 2))], gradients=[[1, 2, 3]]), "gradients of layer 1"),
    (lambda: viz.network([np.ones((1, 2))], inputs=[1, 2, 3]), "inputs"),
    (lambda: viz.network([np.ones((1, 2))], names=["a"]), "1 names for 2 layers"),
    (lambda: viz.network([np.ones((1, 2))], names=[["a"], None]), "1 names for the 2 units"),
    (lambda: viz.network(small(), inputs=np.ones((4, 2))), "one example"),
])  # fmt: skip
def test_mistakes_name_the_shapes_the_line_and_the_remedy(wrong, said):
    with pytest.raises(ShapeError, match=said) as caught:
        wrong()
    assert str(caught.value).startswith("network: ") and "test_network.py:" in str(caught.value)
    for most in (2, 7.5, "all"):
        with pytest.raises(ValueError, match=f"max_units={most!r}.*at least 3"):
            viz.network([np.ones((1, 2))], max_units=most)
