"""Trees of tensors: taken apart and put together by `te.tree`, differentiated by te.grad and its kin."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu.errors import NotDifferentiableError, ShapeError


class Layer(NamedTuple):
    weight: Any
    bias: Any


@dataclass
class Model:
    first: Any
    second: Any
    name: str = field(default="mlp", metadata={"static": True})


@dataclass(frozen=True, slots=True)
class Frozen:
    scale: Any


random = np.random.default_rng(2)
W1, B1, W2, X = (random.standard_normal(shape) for shape in ((3, 2), 3, 3, 2))


def double(x: Any) -> te.Tensor:
    return te.tensor(x, dtype="float64")


def parameters() -> Any:
    """A tree with every kind of container."""
    return {"model": Model([Layer(double(W1), double(B1))], (Frozen(double(W2)), None)), "none": {}}


def flat_loss(w1: Any, b1: Any, w2: Any, x: Any = X) -> Any:
    return (te.tanh(w1 @ te.as_tensor(x) + b1) * w2).sum() ** 2


def loss(p: Any, x: Any = X) -> Any:
    model = p["model"]
    (layer,), (frozen, nothing) = model.first, model.second
    assert nothing is None and p["none"] == {} and model.name == "mlp"
    return flat_loss(layer.weight, layer.bias, frozen.scale, x)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12, atol=1e-13)


TREES = st.recursive(
    st.integers(0, 9) | st.none(),
    lambda child: (
        st.lists(child, max_size=3)
        | st.lists(child, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(["a", "b", 3, None]), child, max_size=3)
        | st.builds(Layer, child, child)
        | st.builds(Model, child, child)
        | st.builds(Frozen, child)
        | st.dictionaries(st.sampled_from("xy"), child).map(OrderedDict)
        | st.dictionaries(st.sampled_from("xy"), child).map(lambda d: defaultdict(list, d))
    ),
    max_leaves=12,
)


@given(x=TREES)
def test_a_tree_is_its_leaves_and_its_structure(x: Any) -> None:
    leaves, structure = te.tree.flatten(x)
    assert len(leaves) == structure.size == len(structure.paths)
    assert all(isinstance(leaf, int) for leaf in leaves)
    again = te.tree.unflatten(structure, leaves)
    assert again == x and type(again) is type(x)
    assert te.tree.leaves(te.tree.map(lambda v: v + 1, x)) == [leaf + 1 for leaf in leaves]
    assert te.tree.flatten(again)[1] == structure and hash(structure) == hash(te.tree.flatten(again)[1])
    for leaf, path in zip(leaves, structure.paths, strict=True):
        assert eval(f"x{path}", {"x": x}) == leaf
    with pytest.raises(ValueError, match=f"{len(leaves) + 1} leaves for a structure of {len(leaves)}"):
        te.tree.unflatten(structure, [*leaves, 0])


def test_a_tree_that_is_changed_leaves_the_first_alone() -> None:
    x = {"a": [1, 2], "m": Model(1, 2, name="other"), "d": defaultdict(list, a=1)}
    y = te.tree.map(lambda v: v * 10, x)
    assert x == {"a": [1, 2], "m": Model(1, 2, name="other"), "d": {"a": 1}}
    assert y == {"a": [10, 20], "m": Model(10, 20, name="other"), "d": {"a": 10}}
    assert y["d"]["new"] == [] and "new" not in x["d"]
    assert repr(te.tree.flatten({"w": [1, 2]})[1]) == "Structure({'w': [*, *]})"
    assert te.tree.leaves([[1, 2], 3], is_leaf=lambda v: v == [1, 2]) == [[1, 2], 3]


def test_trees_side_by_side() -> None:
    x, y = {"a": 1, "b": [2, 3]}, {"b": [20, 30], "a": 10}
    assert te.tree.map(lambda v, w: v + w, x, y) == {"a": 11, "b": [22, 33]}
    assert te.tree.flatten(x)[1] == te.tree.flatten(y)[1] != te.tree.flatten({"a": 1, "b": (2, 3)})[1]
    for other, said in (
        ({"a": 1}, r"tree 2 and the first tree do not both have \['b'\]"),
        ({"a": 1, "b": [2]}, r"tree 2\['b'\] and the first tree do not both have \[1\]"),
        ({"a": 1, "b": (2, 3)}, r"tree 2\['b'\] is of type tuple, where the first tree has a list"),
        (5, "tree 2 is of type int, where the first tree has a dict"),
    ):
        with pytest.raises(ValueError, match=said):
            te.tree.map(lambda v, w: v, x, other)


# -- derivatives: those of the function of separate arguments


def test_gradients_are_trees_like_the_argument() -> None:
    p = parameters()
    value, slopes = te.value_and_grad(loss)(p)
    expected = te.grad(flat_loss, (0, 1, 2))(double(W1), double(B1), double(W2))
    close(value, flat_loss(double(W1), double(B1), double(W2)))
    assert te.tree.flatten(slopes)[1] == te.tree.flatten(p)[1]
    assert isinstance(slopes["model"].first[0], Layer) and slopes["model"].name == "mlp"
    for found, slope in zip(te.tree.leaves(slopes), expected, strict=True):
        close(found, slope)
    assert all(x.grad is None and not x.requires_grad for x in te.tree.leaves(p))
    close(te.grad(loss, 1)(p, double(X)), te.grad(lambda x: loss(p, x))(double(X)))
    both = te.grad(loss, (1, 0))(p, double(X))
    assert isinstance(both, tuple) and both[0].shape == (2,)
    close(both[1]["model"].second[0].scale, expected[2])
    better = te.tree.map(lambda w, g: w - 0.01 * g, p, slopes)
    assert loss(better).item() < loss(p).item()


def test_products_with_trees() -> None:
    p, leaves = parameters(), [double(W1), double(B1), double(W2)]
    vs = [double(random.standard_normal(x.shape)) for x in leaves]
    v = te.tree.unflatten(te.tree.flatten(p)[1], vs)
    y, along = te.jvp(loss, [p], [v])
    y_flat, along_flat = te.jvp(flat_loss, leaves, vs)
    close(y, y_flat)
    close(along, along_flat)
    close(te.jvp(loss, (p, X), (v, np.zeros(2)))[1], along)
    assert te.jvp(lambda d: d["a"] * 2.0, {"a": te.ones(2)}, {"a": te.ones(2)})[1].tolist() == [2.0, 2.0]
    y, pull = te.vjp(loss, p, double(X))
    of_p, of_x = pull(2.0)
    close(of_p["model"].first[0].bias, te.grad(flat_loss, 1)(*leaves) * 2.0)
    close(of_x, te.grad(lambda x: loss(p, x))(double(X)) * 2.0)
    product = te.tree.leaves(te.hvp(loss, p, v))
    separate = te.jvp(lambda *xs: te.grad(flat_loss, (0, 1, 2))(*xs), leaves, vs)[1]
    for found, expected in zip(product, separate, strict=True):
        close(found, expected)


def test_functions_that_return_trees() -> None:
    def f(p: Any) -> Any:
        return {"s": te.sin(p["a"]), "t": (p["a"].sum() * p["b"], p["b"].cast("float32"))}

    p = {"a": double([1.0, 2.0]), "b": double(3.0)}
    y, pull = te.vjp(f, p)
    close(y["t"][0], double(9.0))
    (slopes,) = pull({"t": (1.0, 10.0), "s": [1.0, 1.0]})
    close(slopes["a"], double(np.cos([1.0, 2.0]) + 3.0))
    close(slopes["b"], double(3.0 + 10.0))
    y, along = te.jvp(f, [p], [{"a": [1.0, 0.0], "b": 2.0}])
    close(along["s"], double([np.cos(1.0), 0.0]))
    close(along["t"][0], double(3.0 + 6.0))
    assert along["t"][1].dtype == np.float32 and along["t"][1].item() == 2.0
    blocks = te.jacobian(f)(p)
    close(blocks["s"]["a"], double(np.diag(np.cos([1.0, 2.0]))))
    assert blocks["s"]["b"].tolist() == [0.0, 0.0] and blocks["t"][0]["b"].item() == 3.0
    assert blocks["t"][0]["a"].tolist() == [3.0, 3.0] and blocks["t"][1]["b"].item() == 1.0


def test_hessians_are_trees_in_trees() -> None:
    def f(p: Any) -> Any:
        return (p["a"] ** 2).sum() * p["b"]

    h = te.hessian(f)({"a": double([1.0, 2.0]), "b": double(3.0)})
    assert h["a"]["a"].tolist() == [[6.0, 0.0], [0.0, 6.0]] and h["b"]["b"].item() == 0.0
    assert h["a"]["b"].tolist() == h["b"]["a"].tolist() == [2.0, 4.0]
    h = te.hessian(lambda x, y: (x * x * y).sum(), (0, 1))(double([1.0]), double([2.0]))
    assert [[block.item() for block in row] for row in h] == [[4.0, 2.0], [2.0, 0.0]]
    assert te.hessian(lambda x, y: x * y * y, 1)(double(2.0), double(1.0)).item() == 4.0


def test_nested_derivatives_of_trees() -> None:
    """One step of gradient descent, differentiated, as in MAML."""
    p = {"w": double([0.5, -1.0])}

    def inner(p: Any) -> Any:
        return (te.sin(p["w"]) ** 2).sum()

    def outer(p: Any) -> Any:
        return inner(te.tree.map(lambda w, g: w - 0.1 * g, p, te.grad(inner)(p)))

    te.check.gradcheck(lambda w: outer({"w": w}), [p["w"].numpy()])
    w = double([0.5, -1.0]).requires_grad_()
    te.grad(inner)({"w": w})["w"].sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 2 * np.cos(2 * w.detach().numpy()))


def test_lists_of_numbers_are_arrays_and_lists_of_tensors_are_trees() -> None:
    found = te.grad(lambda x: (x * x).sum())([1.0, 2.0])
    assert isinstance(found, te.Tensor) and found.tolist() == [2.0, 4.0]
    assert te.grad(lambda x: (x * x).sum())(([1.0], [2.0])).tolist() == [[2.0], [4.0]]
    trees = te.grad(lambda xs: xs[0] * xs[1])([te.tensor(2.0), te.tensor(5.0)])
    assert isinstance(trees, list) and [t.item() for t in trees] == [5.0, 2.0]
    mixed = te.grad(lambda d: (d["x"] * d["y"]).sum())({"x": [1.0, 2.0], "y": np.ones(2)})
    assert mixed["x"].tolist() == [1.0, 1.0] and mixed["y"].dtype == np.float64
    assert te.grad(lambda d: te.tensor(1.0))({}) == {} and te.grad(lambda d: te.ones(()))(None) is None
    assert te.hvp(lambda d: te.tensor(1.0), {}, {}) == {}


def test_errors_name_the_leaf() -> None:
    def total(p: Any) -> Any:
        return sum(x.sum() for x in te.tree.leaves(p))

    with pytest.raises(TypeError, match=r"argument 0\['step'\] is int64.*only floats"):
        te.grad(total)({"w": te.ones(2), "step": te.tensor(3)})
    with pytest.raises(TypeError, match=r"argument 1\[0\]\.scale is bool"):
        te.grad(lambda x, y: x, 1)(te.ones(()), [Frozen(te.tensor(True))])
    with pytest.raises(TypeError, match=r"argument 0\['name'\] is 'net', of type str, and no tensor.*static"):
        te.grad(total)({"w": te.ones(2), "name": "net"})
    with pytest.raises(TypeError, match=r"argument 0 is .*of type Linear, and no tensor"):
        te.grad(total)(te.nn.Linear(2, 2))
    with pytest.raises(NotDifferentiableError, match=r"returned shape \(2,\)"):
        te.grad(lambda p: p["w"])({"w": te.ones(2)})
    with pytest.raises(TypeError, match="returned dict"):
        te.grad(lambda p: p)({"w": te.ones(2)})
    with pytest.raises(TypeError, match=r"\['n'\] of what <lambda> returned is int"):
        te.vjp(lambda p: {"w": p, "n": 3}, te.ones(2))
    with pytest.raises(TypeError, match="returned NoneType"):
        te.vjp(lambda p: None, te.ones(2))
    _, pull = te.vjp(lambda p: {"a": p}, te.ones(2))
    with pytest.raises(ValueError, match=r"incoming gradient.*type list, where the first tree has a dict"):
        pull([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"incoming gradient has shape \(3,\)"):
        pull({"a": te.ones(3)})
    with pytest.raises(ValueError, match=r"tangent 0.*do not both have \['b'\]"):
        te.jvp(total, [{"a": te.ones(2), "b": te.ones(2)}], [{"a": te.ones(2)}])
    with pytest.raises(ShapeError, match="tangents of 1 arguments for 2"):
        te.jvp(lambda x, y: x, [te.ones(2), te.ones(2)], [te.ones(2)])
    with pytest.raises(ShapeError, match=r"the direction\['a'\] has shape \(3,\), the point \(2,\)"):
        te.hvp(total, {"a": te.ones(2)}, {"a": te.ones(3)})


def test_a_container_that_holds_itself_is_refused():
    cyclic: dict = {"a": 1}
    cyclic["b"] = [cyclic]
    for call in (te.tree.leaves, te.tree.flatten, lambda t: te.tree.map(abs, t)):
        with pytest.raises(ValueError, match="tree: a container of the tree holds itself"):
            call(cyclic)
    shared = [1, 2]
    assert te.tree.leaves({"a": shared, "b": shared}) == [1, 2, 1, 2]
