"""Files: round trips, names and weights, writing whole, and damaged or forged files, which are errors."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.interop.onnx_runs import agree, evaluated, run
from tinygrad_edu import nn
from tinygrad_edu.interop import onnx
from tinygrad_edu.interop.onnx import proto

standard = pytest.importorskip("onnx", reason="needs onnx: pip install onnx")


class Tied(nn.Module):
    """A weight with two names, a buffer, a parameter that is not used, and one whose name an input has."""

    def __init__(self):
        te.manual_seed(0)
        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.BatchNorm1d(3)])
        self.head = nn.Linear(3, 3, bias=False)
        self.head.weight = self.layers[0].weight
        self.unused, self.x = nn.Parameter(te.ones(2)), nn.Parameter(te.ones(3))

    def forward(self, x):
        return {"scores": self.head(self.layers[1](self.layers[0](x))) * self.x, "input": x}


def test_the_state_has_the_names_and_numbers_of_the_model():
    model = Tied()
    made = agree(model, np.random.default_rng(0).standard_normal((2, 3)).astype("f4"))
    names = {tensor.name for tensor in made.graph.initializer}
    assert {"layers.0.weight", "layers.0.bias", "layers.1.running_mean", "x_"} < names
    again = onnx.load(made)
    mine, theirs = model.state_dict(), again.state_dict()
    assert set(mine) - set(theirs) == {"unused", "layers.1.num_batches_tracked"} and set(theirs) < set(mine)
    for name, array in theirs.items():
        np.testing.assert_array_equal(array, mine[name])
    kept = {name for name, _ in model.named_parameters()} - {"unused"}
    assert {name for name, _ in again.named_parameters()} == kept
    assert again.get_parameter("head.weight") is again.get_parameter("layers.0.weight")
    model.load_state_dict(theirs, strict=False)
    again.load_state_dict({name: mine[name] for name in theirs})


def test_a_loaded_model_trains_as_the_model_does():
    te.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 4))
    images, labels = te.randn(5, 1, 6, 6), te.tensor([0, 1, 2, 3, 0])
    again = onnx.load(onnx.export(model, images, dynamic_axes="batch"))
    for one in (model, again):
        optimizer = te.optim.SGD(one.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            te.cross_entropy(one(images), labels).backward()
            optimizer.step()
    for name, array in again.state_dict().items():
        np.testing.assert_allclose(array, model.state_dict()[name], rtol=1e-5, atol=1e-6)


def test_what_was_loaded_is_exported_again():
    te.manual_seed(2)
    model = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("f4")
    first = onnx.export(model, te.tensor(x), dynamic_axes="batch")
    again = onnx.load(first)
    agree(again, x)
    copied = copy.deepcopy(again)
    copied.get_parameter("norm1.weight").detach().mul_(2.0)
    assert (evaluated(copied, x)[0] != evaluated(again, x)[0]).any()
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(again)


@pytest.mark.parametrize("opset", range(proto.LOWEST, proto.HIGHEST + 1))
def test_every_version_of_operators(opset):
    te.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.GELU(), nn.AvgPool2d(2),
                          nn.ReflectionPad2d(1), nn.Upsample(scale_factor=2), nn.Flatten(),
                          nn.Linear(576, 3))  # fmt: skip
    made = agree(model, np.random.default_rng(0).standard_normal((2, 2, 8, 8)).astype("f4"), opset=opset)
    assert made.opset_import[0].version == opset


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_doubles_stay_doubles(dtype):
    te.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 2), nn.Softmax()).to(
        dtype
    )
    x = np.random.default_rng(0).standard_normal((2, 3)).astype(dtype)
    made = agree(model, x, rtol=1e-5 if dtype == "float32" else 1e-12)
    assert made.graph.input[0].type.tensor_type.elem_type == (1 if dtype == "float32" else 11)


def test_names_of_inputs_and_outputs():
    def model(first, second):
        return first + second, [first, None, {"product": first * second}], first

    x, y = te.ones(2), te.tensor([3.0, 4.0])
    made = onnx.export(model, (x, y))
    assert [v.name for v in made.graph.input] == ["first", "second"]
    assert [v.name for v in made.graph.output] == ["output_0", "output_1_0", "product", "output_2"]
    made = onnx.export(model, {"second": y, "first": x}, input_names=["b", "a"], output_names=list("wxyz"))
    assert [v.name for v in made.graph.input] == ["b", "a"] and [v.name for v in made.graph.output] == list(
        "wxyz"
    )
    np.testing.assert_array_equal(run(made, y.numpy(), x.numpy())[2], [3, 4])
    assert len(onnx.export(model, [x, y]).graph.input) == 2
    assert len(onnx.export(lambda x: x, [1.0, 2.0]).graph.input) == 1
    for wrong in ({"input_names": ["a"]}, {"input_names": ["a", "a"]}, {"output_names": ["a"]},
                  {"output_names": ["first", "b", "c", "d"]}, {"dynamic_axes": {"z": [0]}},
                  {"dynamic_axes": {"first": [1]}}, {"dynamic_axes": {"first": {0: ""}}}, {"opset": 17},
                  {"dynamic_axes": 3}):  # fmt: skip
        with pytest.raises(ValueError, match=r"test_onnx_files.py:\d+"):
            onnx.export(model, (x, y), **wrong)
    with pytest.raises(onnx.OnnxError, match=r"returns a float, 3\.0"):
        onnx.export(lambda x: 3.0, x)
    with pytest.raises(onnx.OnnxError, match="returns no tensor"):
        onnx.export(lambda x: None, x)
    with pytest.raises(TypeError, match="the input 'input_1' is None"):
        onnx.export(lambda *xs: xs[0], (x, None))


def test_a_fixed_file_takes_no_other_batch():
    made = onnx.export(nn.Linear(3, 2), te.ones(4, 3))
    assert [d.dim_value for d in made.graph.output[0].type.tensor_type.shape.dim] == [4, 2]
    with pytest.raises(Exception, match=r"Got: 2 Expected: 4"):
        run(made, np.ones((2, 3), "f4"))
    with pytest.raises(te.errors.ShapeError, match=r"must be \(4, 3\), not \(2, 3\)"):
        onnx.load(made)(te.ones(2, 3))


def test_a_constant_result_and_an_input_that_is_not_used():
    agree(lambda x, y: (te.tensor([1.0, 2.0]), y), np.ones((2, 1), "f4"), np.ones((2, 2), "f4"), sizes=())


def test_a_file_is_written_whole_and_read_from_its_path(tmp_path):
    model, path = nn.Linear(3, 2), tmp_path / "new" / "model.onnx"
    made = onnx.export(model, te.ones(2, 3), path)
    assert path.read_bytes() == made.SerializeToString()
    assert [p.name for p in path.parent.iterdir()] == ["model.onnx"]
    for source in (path, str(path), path.read_bytes(), made):
        np.testing.assert_array_equal(onnx.load(source).get_parameter("weight").numpy(), model.weight.numpy())
    before = path.read_bytes()
    with pytest.raises(onnx.OnnxError):
        onnx.export(lambda x: x * x.sum().item(), te.ones(2), path)
    assert path.read_bytes() == before
    with pytest.raises(OSError, match=r"none\.onnx"):
        onnx.load(tmp_path / "none.onnx")
    with pytest.raises(TypeError, match="a int is no path"):
        onnx.load(3)


def test_the_model_stays_as_it_was():
    te.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3))
    before = model.state_dict()
    onnx.export(model, te.ones(2, 3))
    assert model.training and model[0].weight.requires_grad and model[0].weight.grad is None
    assert all((before[name] == array).all() for name, array in model.state_dict().items())


def test_nothing_is_imported_before_a_file_is_asked_for():
    program = """if True:
        import sys, tinygrad_edu as te
        assert te.interop and 'tinygrad_edu.interop.onnx' not in sys.modules
        assert te.interop.onnx.export and not {'onnx', 'onnxruntime'} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    for call in (lambda: onnx.export(nn.Linear(2, 2), te.ones(1, 2)), lambda: onnx.load(b"")):
        with pytest.raises(ImportError, match="pip install onnx"):
            call()


# -- damaged and forged files --------------------------------------------------------------------------------


def _small():
    te.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 2, 2), nn.GELU(), nn.Flatten(), nn.Linear(6, 3), nn.LogSoftmax())
    return onnx.export(model, te.ones(2, 1, 4), dynamic_axes="batch")


def _external(made):
    tensor = made.graph.initializer[0]
    tensor.data_location = standard.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    tensor.ClearField("raw_data")


def _change(**fields):
    def change(made):
        for name, value in fields.items():
            setattr(made.graph.initializer[0], name, value)

    return change


def _huge(made):
    made.graph.initializer[0].dims[:] = [2**40, 2**20]


FORGED = {
    "external": (_external, "in another file, which is not read"),
    "text": (_change(data_type=8), "is STRING, none of"),
    "no such dtype": (_change(data_type=99), "is 99, none of"),
    "short": (_change(raw_data=b"abc"), "is damaged"),
    "huge": (_huge, "is damaged"),
    "negative": (lambda made: made.graph.initializer[0].dims.__setitem__(0, -2), "has the shape"),
    "no name": (_change(name=""), "has no name"),
    "no version": (lambda made: made.ClearField("opset_import"), "names no version"),
    "version": (lambda made: setattr(made.opset_import[0], "version", 900), "of version 900; 7 to"),
    "no graph": (lambda made: made.ClearField("graph"), "it is no ONNX model"),
    "no output": (lambda made: made.graph.ClearField("output"), "has no output"),
    "lost output": (lambda made: setattr(made.graph.output[0], "name", "z"), "no node gives the output 'z'"),
    "lost input": (lambda made: made.graph.node[1].input.__setitem__(0, "z"), "uses 'z', which no input"),
    "twice": (lambda made: made.graph.node.append(made.graph.node[0]), "once more"),
    "order": (lambda made: made.graph.node.sort(key=lambda node: node.op_type), "uses"),
    "twice an initializer": (
        lambda made: made.graph.initializer.append(made.graph.initializer[0]), "two initializers are named"),
    "facts": (lambda made: setattr(made.metadata_props[0], "value", "{"), "list of parameters is damaged"),
    "other facts": (
        lambda made: setattr(made.metadata_props[0], "value", '{"parameters": {"a": "none"}, "buffers": {}}'),
        "'a' is 'none'",
    ),
    "reference": (
        lambda made: setattr(made.graph.node[0].attribute[0], "ref_attr_name", "a"),
        "attribute of a function",
    ),
    "subgraph": (
        lambda made: made.graph.node[0].attribute.add(name="body", type=standard.AttributeProto.GRAPH),
        "is no number, text or array",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_file_is_refused(name):
    forge, problem = FORGED[name]
    made = _small()
    forge(made)
    with pytest.raises(onnx.OnnxError, match=problem):
        onnx.load(made)


def test_bytes_that_are_no_file_name_the_path(tmp_path):
    (path := tmp_path / "a.onnx").write_bytes(b"\xff" * 40)
    with pytest.raises(onnx.OnnxError, match=r"a.onnx: it is no ONNX file, or it is damaged"):
        onnx.load(path)
    path.write_bytes(b"")
    with pytest.raises(onnx.OnnxError, match="it is no ONNX model"):
        onnx.load(path)


WHOLE = None


def _whole():
    global WHOLE
    WHOLE = WHOLE or _small().SerializeToString()
    return WHOLE


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damage_anywhere_is_an_error_of_the_library_or_harmless(data):
    """Each byte may be another one, or missing: what comes is a model, or an error that has its facts."""
    content = bytearray(_whole())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            del content[at : at + data.draw(st.integers(1, 30))]
    try:
        with np.errstate(all="ignore"):
            onnx.load(bytes(content))(te.ones(2, 1, 4))
    except Exception as error:
        assert te.errors.fault_of(error) is not None, f"a bare {type(error).__name__}: {error}"


def test_attributes_of_another_kind_are_errors_of_the_library():
    helper = standard.helper
    for kind in ("text", [1.5, 2.5], 7.25, [], [-1, -1], ["a"]):
        made = _small()
        for node in made.graph.node:
            for i, attribute in enumerate(node.attribute):
                other = copy.deepcopy(made)
                at = list(made.graph.node).index(node)
                new = helper.make_attribute(
                    attribute.name, kind, attr_type=None if kind else standard.AttributeProto.INTS
                )
                other.graph.node[at].attribute[i].CopyFrom(new)
                try:
                    onnx.load(other)(te.ones(2, 1, 4))
                except Exception as error:
                    assert te.errors.fault_of(error) is not None, f"a bare {type(error).__name__}: {error}"


def test_no_file_of_the_format_runs_code():
    """No module of the format calls what a file names: operators come from one table."""
    for module in (onnx.load, proto, sys.modules["tinygrad_edu.interop.onnx.operators"]):
        text = inspect.getsource(sys.modules[module.__module__] if callable(module) else module)
        assert not any(word in text for word in ("eval(", "exec(", "pickle.", "__import__("))
