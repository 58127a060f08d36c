"""Calls of pictures that cannot be drawn: the error says what can be."""

from __future__ import annotations

import pytest

import tinygrad_edu as te
from tinygrad_edu import nn, viz


def test_inputs_of_a_network_may_be_given_by_position() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
    named = viz.network(model, inputs=[1.0, 2.0, 3.0]).figure
    texts = [text.get_text() for text in named.axes[0].texts]
    assert [text.get_text() for text in viz.network(model, [1.0, 2.0, 3.0]).figure.axes[0].texts] == texts


def test_images_are_no_inputs_of_the_first_linear_layer() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    with pytest.raises(ValueError, match=r"first layer of 8 units.*leave inputs out"):
        viz.network(model, te.ones(1, 1, 4, 4))
    viz.network(model)


def test_a_graph_says_how_it_becomes_a_png(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"\.svg, \.dot, \.txt; .*dot -Tpng g\.dot -o g\.png"):
        viz.graph(te.ones(2, requires_grad=True).sum()).save(tmp_path / "g.png")
