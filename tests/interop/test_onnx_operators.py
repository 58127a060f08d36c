"""Operators that are read, held to the standard's own examples, and files as other programs write them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinygrad_edu as te
from tests.interop.onnx_runs import evaluated, run
from tinygrad_edu.interop import onnx
from tinygrad_edu.interop.onnx.operators import TABLE

standard = pytest.importorskip("onnx", reason="needs onnx: pip install onnx")
helper, numbers, KIND = standard.helper, standard.numpy_helper, standard.TensorProto

# Here ONNX Runtime and PyTorch, whose results are the library's, disagree with the standard's examples.
ALIGNED = {"test_resize_downsample_scales_linear_align_corners",
           "test_resize_downsample_scales_cubic_align_corners"}  # fmt: skip
OF_NOTHING = {"test_reduce_max_empty_set", "test_reduce_min_empty_set", "test_reduce_max_empty_set_bool"}


def _cases():
    """The examples of the standard by operator, of the operators that are known."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    found = {}
    for case in cases:
        operators = {node.op_type for node in case.model.graph.node}
        if operators <= TABLE.keys() and case.name not in ALIGNED | OF_NOTHING:
            found.setdefault(min(operators), []).append(case)
    return found


@pytest.fixture(scope="module")
def cases():
    return _cases()


def _array(value):
    return numbers.to_array(value) if isinstance(value, KIND) else np.asarray(value)


@pytest.mark.long
@pytest.mark.parametrize("operator", sorted(TABLE))
def test_an_operator_computes_the_examples_of_the_standard(operator, cases):
    """Or it is refused, for a dtype or an option that the library does not have."""
    computed = 0
    for case in cases.get(operator, []):
        inputs, outputs = case.data_sets[0]
        try:
            model = onnx.load(case.model)
            found = model(*(te.tensor(_array(x)) for x in inputs))
        except onnx.OnnxError:
            continue
        found = found if isinstance(found, tuple) else (found,)
        for mine, wanted in zip(found, map(_array, outputs), strict=True):
            assert (mine.shape, mine.dtype) == (wanted.shape, wanted.dtype), case.name
            np.testing.assert_allclose(mine.numpy(), wanted, rtol=1e-3, atol=1e-5, err_msg=case.name)
        computed += 1
    # the examples of these are of versions before those that are read
    assert computed or operator in ("Not", "Upsample") or not cases.get(operator)


def _model(nodes, inputs, outputs, initializers=(), opset=13):
    """A file: inputs and outputs are (name, dtype, shape), initializers arrays by name."""
    values = [
        [helper.make_tensor_value_info(n, code, shape) for n, code, shape in some]
        for some in (inputs, outputs)
    ]
    arrays = [numbers.from_array(x, name) for name, x in dict(initializers).items()]
    graph = helper.make_graph(nodes, "g", *values, arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


FLOATS = KIND.FLOAT


def test_a_file_of_another_program_has_parameters_that_train():
    rng = np.random.default_rng(0)
    weights = {"w": rng.standard_normal((4, 3)).astype("f4"), "b": np.zeros(4, "f4"),
               "bn.scale": np.ones(4, "f4"), "bn.bias": np.zeros(4, "f4"), "bn.mean": np.full(4, 0.5, "f4"),
               "bn.var": np.full(4, 2.0, "f4"), "shape": np.array([-1, 2, 2])}  # fmt: skip
    made = _model(
        [
            helper.make_node("Gemm", ["x", "w", "b"], ["h"], transB=1),
            helper.make_node("BatchNormalization", ["h", "bn.scale", "bn.bias", "bn.mean", "bn.var"], ["n"]),
            helper.make_node("Relu", ["n"], ["r"]),
            helper.make_node("Reshape", ["r", "shape"], ["y"]),
        ],
        [("x", FLOATS, ["N", 3])],
        [("y", FLOATS, ["N", 2, 2])],
        weights,
    )
    model = onnx.load(made)
    assert set(model.state_dict()) == set(weights) - {"shape"}
    assert {name for name, _ in model.named_parameters()} == {"w", "b", "bn.scale", "bn.bias"}
    x = rng.standard_normal((5, 3)).astype("f4")
    np.testing.assert_allclose(evaluated(model, x)[0], run(made, x)[0], rtol=1e-5, atol=1e-6)
    double = onnx.load(made).double()
    te.check.gradcheck(lambda x: (double(x) ** 2).sum(), [te.randn(2, 3, dtype="float64")])
    optimizer = te.optim.SGD(model.parameters(), lr=0.1)
    before = model.state_dict()
    (model(te.tensor(x)) ** 2).sum().backward()
    optimizer.step()
    after = model.state_dict()
    assert all((before[n] != after[n]).any() == (n not in ("bn.mean", "bn.var")) for n in before)


def test_older_versions_say_axes_and_bounds_as_attributes():
    made = _model(
        [
            helper.make_node("Unsqueeze", ["x"], ["a"], axes=[0]),
            helper.make_node("Clip", ["a"], ["b"], min=-0.5, max=0.5),
            helper.make_node("Pad", ["b"], ["c"], pads=[0, 1, 0, 0, 0, 2], value=9.0),
            helper.make_node("Slice", ["c"], ["d"], starts=[1], ends=[1000], axes=[2]),
            helper.make_node("Squeeze", ["d"], ["e"], axes=[0]),
            helper.make_node("ReduceSum", ["e"], ["f"], axes=[1], keepdims=0),
            helper.make_node("Softmax", ["f"], ["y"], axis=0),
        ],
        [("x", FLOATS, [2, 3])],
        [("y", FLOATS, [3])],
        opset=9,
    )
    x = np.array([[0.1, -2.0, 0.3], [3.0, 0.2, -0.4]], "f4")
    np.testing.assert_allclose(evaluated(onnx.load(made), x)[0], run(made, x)[0], rtol=1e-6)


def test_initializers_that_are_inputs_too_and_names_that_a_module_has():
    made = _model(
        [helper.make_node("Mul", ["x", "forward"], ["a"]), helper.make_node("Add", ["a", "w.x"], ["b"]),
         helper.make_node("Add", ["b", "w"], ["y"])],
        [("x", FLOATS, [2]), ("w", FLOATS, [2])],
        [("y", FLOATS, [2])],
        {"forward": np.array([2, 3], "f4"), "w": np.ones(2, "f4"), "w.x": np.zeros(2, "f4")},
    )  # fmt: skip
    model = onnx.load(made)
    assert model.input_names == ["x"] and model.output_names == ["y"]
    np.testing.assert_array_equal(model(te.tensor([1.0, 1.0])).detach().numpy(), [3, 4])
    np.testing.assert_array_equal(model(x=te.tensor([1.0, 1.0])).detach().numpy(), [3, 4])
    assert set(model.state_dict()) == {"forward_", "w", "w_.x"}
    assert "Add: 2" in repr(model)


def test_inputs_are_checked():
    model = onnx.load(_model([helper.make_node("Neg", ["x"], ["y"])], [("x", FLOATS, ["N", 3])],
                             [("y", FLOATS, ["N", 3])]))  # fmt: skip
    assert model(te.ones(4, 3)).shape == (4, 3)
    with pytest.raises(
        te.errors.ShapeError, match=r"'x' must be \(any, 3\), not \(4, 2\).*test_onnx_operators"
    ):
        model(te.ones(4, 2))
    with pytest.raises(TypeError, match="must be float32, not int64"):
        model(te.ones(4, 3, dtype="int64"))
    for given in ((), (te.ones(4, 3), te.ones(1))):
        with pytest.raises(TypeError, match="the file has 1 inputs, x"):
            model(*given)
    with pytest.raises(TypeError, match="the file has 1 inputs, x"):
        model(z=te.ones(4, 3))


def test_all_unknown_operators_are_named_at_once():
    names = ("Relu", "", "x", "a"), ("NonMaxSuppression", "", "a", "b"), ("Fancy", "com.example", "b", "c")
    nodes = [
        helper.make_node(op, [x], [y], domain=domain) for op, domain, x, y in (*names, ("If", "", "c", "y"))
    ]
    with pytest.raises(onnx.OnnxError, match=r"not known: If, NonMaxSuppression, com\.example\.Fancy"):
        onnx.load(_model(nodes, [("x", FLOATS, [2])], [("y", FLOATS, [2])]))


def test_an_error_in_a_node_names_it():
    made = _model([helper.make_node("MatMul", ["x", "w"], ["y"], name="head")], [("x", FLOATS, None)],
                  [("y", FLOATS, None)], {"w": np.ones((3, 2), "f4")})  # fmt: skip
    model = onnx.load(made)
    with pytest.raises(te.errors.ShapeError, match=r"node 'head' \(MatMul\).*test_onnx_operators.py:\d+"):
        model(te.ones(2, 4))


def test_half_precision_weights_become_single():
    made = _model(
        [helper.make_node("Add", ["x", "w"], ["y"])], [("x", FLOATS, [2])], [("y", FLOATS, [2])],
        {"w": np.array([1.5, -2.0], np.float16)},
    )  # fmt: skip
    np.testing.assert_array_equal(onnx.load(made)(te.zeros(2)).detach().numpy(), np.array([1.5, -2], "f4"))
