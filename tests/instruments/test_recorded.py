"""The recorded graph of small programs, every node, edge and byte against what a person writes down."""

from __future__ import annotations

import copy
import doctest
import gc
import pickle
import weakref

import numpy as np
import pytest

import tinygrad_edu as te
from tests.instruments.programs import network, nodes_of
from tinygrad_edu import nn, viz
from tinygrad_edu.graph import Edge, Number, Numbers, recorded, walk


def leaf(*shape, dtype="float32"):
    count = int(np.prod(shape))
    return te.tensor(np.linspace(0.5, 1.5, count).reshape(shape).astype(dtype), requires_grad=True)


def written(graph):
    """Each node in a line: what it is, from what, of which shape, and what it saves."""
    return [
        (n.op or n.kind, n.name, n.inputs, n.shape, [(s.name, s.nbytes, s.state) for s in n.saved])
        for n in graph.nodes
    ]


def test_a_linear_layer_by_hand():
    """32 rows: matmul keeps x and w, add nothing, tanh the sum, and mul the result of tanh, twice."""
    x, w, b = te.zeros(32, 6), leaf(6, 8), leaf(8)
    y = te.tanh(x @ w + b)
    graph = recorded(y * y, {"x": x, "w": w, "b": b})
    assert written(graph) == [
        ("leaf", "w", (), (6, 8), []),
        ("leaf", "b", (), (8,), []),
        ("constant", "x", (), (32, 6), []),
        ("matmul", "", (2, 0), (32, 8), [("x", 32 * 6 * 4, "kept")]),
        ("add", "", (3, 1), (32, 8), []),
        ("tanh", "", (4,), (32, 8), [("x", 32 * 8 * 4, "kept")]),
        ("mul", "", (5, 5), (32, 8), [("x", 32 * 8 * 4, "kept"), ("y", 32 * 8 * 4, "shared")]),
    ]
    assert graph.edges == ((2, 3), (0, 3), (3, 4), (1, 4), (4, 5), (5, 6), (5, 6))
    assert graph.edges[0] == Edge(parent=2, child=3)
    assert graph.held == 32 * 6 * 4 + 2 * 32 * 8 * 4 and graph.freed == 0
    assert {n.dtype for n in graph.nodes} == {np.dtype("float32")}
    assert [n.index for n in graph.nodes if n.is_leaf] == [0, 1]


def test_a_shared_subexpression_is_one_node_with_several_edges():
    x = leaf(3)
    shared = te.exp(x)
    graph = recorded(shared * shared + shared, {"shared": shared})
    assert [(n.op or n.kind, n.inputs) for n in graph.nodes] == [
        ("leaf", ()), ("exp", (0,)), ("mul", (1, 1)), ("add", (2, 1))]  # fmt: skip
    assert graph.edges == ((0, 1), (1, 2), (1, 2), (2, 3), (1, 3))
    assert graph.nodes[1].name == "shared"
    # the result of exp is kept by exp, and twice by mul: 3 float32 in all
    assert [s.state for n in graph.nodes for s in n.saved] == ["kept", "shared", "shared"]
    assert graph.held == 3 * 4


def test_a_view_is_counted_as_the_memory_it_shares():
    x = leaf(4, 6)
    turned = x.T
    graph = recorded((te.sin(x).sum() + te.sin(turned).sum()) + te.sin(x[1:3]).sum())
    saved = {(n.op, n.shape): n.saved for n in graph.nodes if n.op == "sin"}
    assert [s.state for s in saved["sin", (4, 6)]] == ["kept"]
    assert [(s.state, s.nbytes, s.shape) for s in saved["sin", (6, 4)]] == [("shared", 96, (6, 4))]
    # a part of it begins elsewhere in memory, and is counted for itself
    assert [(s.state, s.nbytes) for s in saved["sin", (2, 6)]] == [("kept", 48)]


def test_a_broadcast_view_is_counted_as_the_memory_it_has():
    x = leaf(3)
    (saved,) = recorded(te.sin(te.broadcast_to(x, (1000, 3)))).result.saved
    assert (saved.shape, saved.nbytes) == ((1000, 3), 12)


def test_a_checkpoint_is_a_node_that_keeps_nothing():
    x, w = leaf(5), leaf(5)
    stretch = te.checkpoint(lambda z: te.tanh(te.exp(z) * w), x)
    graph = recorded(te.square(stretch).sum(), {"x": x, "w": w})
    kinds = {n.name or n.op or n.kind: n for n in graph.nodes}
    assert kinds["checkpoint"].kind == "checkpoint" and kinds["checkpoint"].op == ""
    assert {graph.nodes[i].name for i in kinds["checkpoint"].parents} == {"x", "w"}
    assert kinds["checkpoint"].saved == () and kinds["checkpoint"].shape == (5,)
    assert [s.nbytes for s in kinds["square"].saved] == [20] and graph.held == 20
    assert recorded(te.square(stretch).sum(), gradients=True).result.gradient is None  # it would be expanded


def test_a_graph_of_second_order_goes_through_the_first():
    """What sin's rule computed is recorded, too: the graph of the gradient begins at x again, by cos."""
    x = leaf(4)
    te.sum(te.sin(x)).backward(create_graph=True)
    slope, x.grad = x.grad, None  # cos x, times ones
    graph = recorded(slope * slope, {"x": x, "slope": slope})
    ops = [n.op for n in graph.nodes if n.kind == "op"]
    assert ops[-1] == "mul" and "cos" in ops and "sin" not in ops
    assert [(n.index, n.name) for n in graph.nodes if n.is_leaf] == [(0, "x")]
    assert {n.shape for n in graph.nodes if n.name == "slope"} == {(4,)}
    assert {graph.nodes[i].name for i in graph.result.parents} == {"slope"}
    assert sum(n.kind != "constant" for n in graph.nodes) == len(nodes_of(slope * slope)) == len(ops) + 1
    loss = te.sum(slope * slope)
    (told,) = (n.gradient for n in recorded(loss, gradients=True).nodes if n.is_leaf)
    np.testing.assert_allclose(told.elements, -np.sin(2 * x.numpy()), rtol=1e-5)


def test_fifty_thousand_nodes_need_no_stack():
    x = leaf(1)
    y = x
    for _ in range(50_000):
        y = y + 1.0
    graph = recorded(y, {"x": x})
    assert len(graph.nodes) == 50_001 and graph.edges == tuple((i, i + 1) for i in range(50_000))
    assert graph.nodes[0].name == "x" and graph.result.inputs == (49_999, Number(None, None))


def test_parameters_are_facts_and_hold_no_array():
    x, rows = leaf(5, 4), np.array([0, 2])
    mask = np.arange(20).reshape(5, 4) % 2 == 0
    few, many = recorded(x[rows]).result, recorded(x[mask]).result
    assert few.op == many.op == "index"
    assert few.params == {"key": Numbers((2,), np.dtype("int64"), (0, 2))}
    assert many.params["key"][:3] == ((5, 4), np.dtype(bool), ())
    assert (many.params["key"].low, many.params["key"].mean) == (False, 0.5)
    assert recorded(te.permute_dims(x, (1, 0))).result.params == {"axes": (1, 0)}
    assert "key=array([0, 2])" in viz.graph(x[rows]).text()
    assert "key=5×4 bool" in viz.graph(x[mask]).text()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.arange(3), Numbers((3,), np.dtype("int64"), (0, 1, 2))),
        (te.ones(2, 2), Numbers((2, 2), np.dtype("float32"), (1.0, 1.0, 1.0, 1.0))),
        ([1, (2.5, None)], (1, (2.5, None))),
        (slice(1, None), slice(1, None)),
        ({"a": 1}, "{'a': 1}"),
    ],
    ids=["array", "tensor", "list", "slice", "dict"],
)
def test_a_users_parameter_becomes_plain(given, kept):
    op = te.Op("with_a_parameter", lambda x, *, p: x * 2, (lambda g: g * 2,), register=False)
    assert recorded(op(leaf(2), p=given)).result.params == {"p": kept}


def test_it_is_plain_data_that_can_be_compared_copied_and_stored():
    loss, names = network()
    graph = recorded(loss, names, values=True, gradients=True)
    again = recorded(loss, names, values=True, gradients=True)
    assert graph == again and hash(graph) == hash(again)
    assert pickle.loads(pickle.dumps(graph)) == copy.deepcopy(graph) == graph
    with pytest.raises(AttributeError):
        graph.nodes[0].name = "other"


def test_the_parameters_of_a_module_have_its_names():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Sequential(nn.Linear(4, 2)))
    graph = recorded(te.cross_entropy(model(te.ones(5, 3)), te.tensor([0, 1, 0, 1, 1])), model)
    assert {n.name: n.shape for n in graph.nodes if n.is_leaf} == {
        name: parameter.shape for name, parameter in model.named_parameters()
    }
    assert [n.kind for n in graph.nodes if not n.name and n.kind != "op"] == ["constant", "constant"]


def test_a_walk_changes_nothing():
    loss, names = network()
    other, other_names = network()
    before = {node: (node.parents, node.saved, node.grad, node.hooks, node.where) for node in nodes_of(loss)}
    counts = {name: (x.storage.count, x.numpy().tobytes()) for name, x in names.items()}
    recorded(loss, names, values=True, gradients=True)
    assert {n: (n.parents, n.saved, n.grad, n.hooks, n.where) for n in nodes_of(loss)} == before
    assert {name: (x.storage.count, x.numpy().tobytes()) for name, x in names.items()} == counts
    loss.backward()  # which it can still, to the bits of one that nobody looked at
    other.backward()
    for name, x in names.items():
        if x.requires_grad:
            np.testing.assert_array_equal(x.grad.numpy(), other_names[name].grad.numpy())


def test_it_keeps_neither_nodes_nor_memory_alive():
    loss, names = network()
    key = np.array([0, 2])
    loss = loss + names["W1"][key].sum()
    nodes = [weakref.ref(node) for node in nodes_of(loss)]
    storages = [weakref.ref(x.storage) for x in (loss, *names.values())]
    arrays = [weakref.ref(key)]
    graph = recorded(loss, names, values=True, gradients=True)
    del loss, names, key
    gc.collect()
    assert not any(reference() for reference in (*nodes, *storages, *arrays))
    assert len(graph.nodes) > len(nodes)
    # and nothing in it is, or holds, an array
    seen, stack = set(), [graph]
    while stack:
        thing = stack.pop()
        if id(thing) not in seen and not isinstance(thing, type):
            seen.add(id(thing))
            assert not isinstance(thing, (np.ndarray, te.Tensor))
            stack += gc.get_referents(thing)


def test_a_graph_that_has_been_freed_is_still_told():
    loss, names = network(rows=4)
    before = recorded(loss, names)
    loss.backward()
    after = recorded(loss, names)
    assert after.edges == before.edges and after.freed == before.held and after.held == 0
    assert "kept" not in {s.state for n in after.nodes for s in n.saved}


def test_a_drawing_of_a_graph_is_that_of_its_tensor():
    loss, names = network()
    for form in ("text", "dot", "svg"):
        drawn = getattr(viz.graph(recorded(loss, names)), form)()
        assert drawn == getattr(viz.graph(loss, names=names), form)()


def test_the_example_of_its_documentation_runs():
    found = doctest.testmod(walk)
    assert found.attempted >= 5 and found.failed == 0
