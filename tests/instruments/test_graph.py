"""The graph as data: complete, ordered, and honest about memory, before and after backward."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given

import tinygrad_edu as te
from tests.instruments.programs import graphs, network, nodes_of, tensors
from tinygrad_edu import viz
from tinygrad_edu.graph import Number, recorded


def by_name(graph):
    return {n.name: n for n in graph.nodes if n.name}


@given(graphs())
def test_every_recorded_node_appears_once_and_edges_go_down(value):
    graph = recorded(value)
    known = nodes_of(value)
    assert [n.index for n in graph.nodes] == list(range(len(graph.nodes)))
    assert sum(n.kind != "constant" for n in graph.nodes) == len(known) or not known
    assert all(parent < child for parent, child in graph.edges)
    assert sum(n.kind == "op" for n in graph.nodes) == sum(node.op is not None for node in known)
    for node in graph.nodes:
        if node.kind == "op":
            assert (node.shape, node.dtype) == ((2, 3), np.float64)


@given(graphs())
def test_bytes_sum_to_the_distinct_memory_that_nodes_hold(value):
    graph = recorded(value)
    held = {}
    for node in nodes_of(value):
        for _, kept, _, seen in node.saved:
            array = kept.array if seen >= 0 else kept
            held[array.__array_interface__["data"][0]] = array.nbytes
    assert graph.held == sum(n.held for n in graph.nodes) == sum(held.values())


def test_the_loss_of_a_network_is_named_and_shaped():
    loss, names = network()
    graph = recorded(loss, names)
    found = by_name(graph)
    assert set(names) == set(found)
    assert found["features"].kind == found["labels"].kind == "constant"
    assert found["W1"].is_leaf and found["W1"].shape == (6, 8) and found["W1"].dtype == np.float32
    assert [n.op for n in graph.nodes if n.kind == "op"][-1] == "cross_entropy"
    assert graph.result.shape == () and graph.result.dtype == np.float32
    assert graph.result.index == max(n.index for n in graph.nodes)
    assert graph.result.params == {"reduction": "mean"}


def test_drawing_after_backward_says_what_was_freed():
    loss, names = network()
    before = recorded(loss, names)
    loss.backward()
    after = recorded(loss, names)
    assert before.freed == 0 < before.held
    assert after.held == 0 and after.freed == before.held
    assert [n.op for n in after.nodes] == [n.op for n in before.nodes]
    text = viz.graph(loss, names=names, show=("shape", "saved", "gradients")).text()
    assert "(freed)" in text and "grad norm" in text


def test_shared_memory_is_counted_once():
    (x,) = tensors((4, 4))
    y = te.sin(x) * te.cos(x) * x
    graph = recorded(y)
    saved = [s for n in graph.nodes for s in n.saved]
    of_x = [s for n in graph.nodes if n.op in ("sin", "cos") for s in n.saved]
    assert [s.state for s in of_x] == ["kept", "shared"]
    assert sum(s.held for s in saved) < sum(s.nbytes for s in saved)


def test_a_leaf_alone_and_a_value_without_a_graph():
    (x,) = tensors((3,))
    assert [n.kind for n in recorded(x).nodes] == ["leaf"]
    plain = viz.graph(te.tensor([1.0, 2.0]))
    assert [n.kind for n in plain.data.nodes] == ["constant"]
    assert "requires_grad" in plain.text()


def test_a_checkpoint_is_one_node():
    (x,) = tensors((5,))
    graph = recorded(te.sum(te.checkpoint(lambda z: te.tanh(te.exp(z)), x)))
    assert [n.kind for n in graph.nodes][:2] == ["leaf", "checkpoint"]
    assert graph.nodes[1].parents == (0,)
    assert graph.nodes[1].shape == (5,) and graph.nodes[1].dtype == np.float32


def test_numbers_are_written_in_place():
    (x,) = tensors((3,))
    graph = recorded(x * 0.25)
    assert graph.result.inputs == (0, Number(0.25, None)) and graph.edges == ((0, 1),)
    assert "mul(%0, 0.25)" in viz.graph(graph).text()
    assert "add(%0, a number)" in viz.graph(x + 0.25).text()  # which nobody kept


def test_values_are_those_of_the_tensors():
    x = te.tensor([1.0, -2.0], requires_grad=True)
    y = te.exp(x)
    assert recorded(y, values=True).result.value.elements == tuple(y.tolist())
    assert recorded(y).result.value is None
    wanted = " ".join(f"{v:.4g}" for v in np.exp([1.0, -2.0]))
    assert f"value {wanted}" in viz.graph(y, show="values").text()


@pytest.mark.parametrize("ending", ["text", "dot", "svg"])
def test_values_and_gradients_are_written_of_intermediate_results_too(ending):
    a, b = te.tensor(2.0, requires_grad=True), te.tensor([[1.0, -3.0], [4.0, 0.5]], requires_grad=True)
    product = a * b
    product.retain_grad()
    loss = te.sum(te.square(product))
    loss.backward()
    names = {"a": a, "b": b, "product": product}
    drawn = getattr(viz.graph(loss, names=names, show=("value", "grad")), ending)()
    assert "value 2 -6; 8 1" in drawn and "grad 4 -12; 16 2" in drawn and "grad 105" in drawn
    assert drawn == getattr(viz.graph(loss, names=names, show=("values", "gradients")), ending)()


def test_of_large_arrays_the_spread_is_written():
    x = te.tensor(np.arange(10.0) - 3, requires_grad=True)
    te.sum(x * 2.0).backward()
    (node,) = recorded(x, values=True, gradients=True).nodes
    assert (node.value.low, node.value.mean, node.value.high) == (-3.0, 1.5, 6.0)
    assert node.gradient.norm == pytest.approx(np.sqrt(40.0)) and node.gradient.elements == ()
    said = viz.graph(x, show=("values", "gradients")).text()
    assert "value min -3, mean 1.5, max 6   grad norm 6.32, 2 to 2" in said
    both = viz.graph(te.tensor([np.inf, -np.inf] * 5), show="values").text()
    assert "value min -inf, mean nan, max inf" in both


def test_a_module_gives_names():
    class Module:
        def __init__(self):
            (self.w,) = tensors((2,))

        def named_parameters(self):
            yield "layer.weight", self.w

    module = Module()
    assert "layer.weight" in viz.graph(te.sum(module.w), names=module).text()


def test_a_drawing_keeps_no_memory_alive():
    loss, names = network()
    seen = weakref.ref(loss.storage)
    drawing = viz.graph(loss, names=names)
    del loss, names
    gc.collect()
    assert seen() is None and len(drawing.data.nodes) > 5


def test_a_long_chain_needs_no_stack():
    x = te.tensor(1.0, requires_grad=True)
    for _ in range(5000):
        x = x + 1.0
    assert len(recorded(x).nodes) == 5001


def test_mistakes_say_what_to_do():
    (x,) = tensors((2,))
    with pytest.raises(TypeError, match=r"viz\.graph\(loss\)"):
        viz.graph(np.ones(2))
    with pytest.raises(TypeError, match=r"te\.graph\.recorded\(loss\)"):
        recorded(np.ones(2))
    with pytest.raises(TypeError, match=r"names= belongs to te\.graph\.recorded"):
        viz.graph(recorded(x), names={"x": x})
    with pytest.raises(TypeError, match="names"):
        viz.graph(x, names={"x": 3})
    with pytest.raises(ValueError, match="gradients"):
        viz.graph(x, show="grads")
    with pytest.raises(TypeError, match=r"names is list.*'W'"):
        viz.graph(x, names=["a"])
    for limit in (0, 2.5):
        with pytest.raises(ValueError, match=f"viz.graph: limit={limit}.*at least 1"):
            viz.graph(x, limit=limit)
