"""Files of weights in PyTorch's format, without PyTorch: what is written is read, and stays what it was."""

from __future__ import annotations

import io
import os
import warnings
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_edu as te
from tests.interop.pt_programs import program, storage, tensor, zipped
from tinygrad_edu import nn, optim
from tinygrad_edu.interop import PTError, load_pt, save_pt


def through(value, **how):
    """What comes back from a file with `value`."""
    file = io.BytesIO()
    save_pt(value, file)
    file.seek(0)
    return load_pt(file, **how)


def same(a, b):
    """Whether two objects are equal in types and values; arrays and tensors by their bits."""
    if isinstance(a, (te.Tensor, np.ndarray)):
        x, y = (np.asarray(v.numpy() if isinstance(v, te.Tensor) else v) for v in (a, b))
        return (
            isinstance(b, te.Tensor)
            and x.dtype == y.dtype
            and x.shape == y.shape
            and x.tobytes() == y.tobytes()
        )
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or a != a


KINDS = st.sampled_from(["float32", "float64", "int64", "int32", "uint8", "bool"])
ARRAYS = KINDS.flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**2039), 2**2039 - 1)
    | st.floats()
    | st.text()
    | st.binary()
    | ARRAYS
)
KEYS = st.text() | st.integers() | st.booleans() | st.none() | st.tuples(st.integers(), st.text())
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=4).map(OrderedDict)
    ),
    max_leaves=12,
)


@given(TREES)
def test_any_tree_comes_back_bit_for_bit(tree):
    assert same(tree, through(tree))


@given(ARRAYS, st.data())
def test_any_layout_comes_back(array, data):
    view = array.transpose(data.draw(st.permutations(range(array.ndim))))
    steps = st.sampled_from([slice(None), slice(None, None, 2), slice(None, None, -1), slice(1, None)])
    view = view[(*(data.draw(steps) for _ in range(view.ndim)), ...)]
    if data.draw(st.booleans()):
        view = np.broadcast_to(view, (2, *view.shape))
    found = through([view, array])
    assert same(view, found[0]) and same(array, found[1])


def test_containers_keep_their_types_and_numbers_of_numpy_become_pythons():
    value = {
        "set": {1, "a"},
        "count": Counter(a=2),
        "bytes": bytearray(b"\x00\xff"),
        "shape": te.ones(2, 3).shape,
        (1, "k"): [frozenset({3})],
    }
    found = through(value)
    assert found == value | {(1, "k"): [{3}]} and type(found["count"]) is Counter
    assert type(found["bytes"]) is bytearray and type(found["shape"]) is tuple
    numbers = through([np.float64(0.1), np.float32(0.1), np.int64(3), np.bool_(True), np.str_("a")])
    assert numbers == [0.1, float(np.float32(0.1)), 3, True, "a"]
    assert [type(n) for n in numbers] == [float, float, int, bool, str]


def test_a_container_that_is_in_two_places_is_one_and_may_contain_itself():
    row = [te.ones(2)]
    row.append(row)
    found = through({"a": row, "b": row})
    assert found["a"] is found["b"] and found["a"][1] is found["a"]


def test_parameters_and_leaves_come_back_as_what_they_are():
    weight = nn.Parameter(np.arange(6.0).reshape(2, 3))
    frozen = nn.Parameter(te.ones(2), requires_grad=False)
    found = through(
        [weight, frozen, te.ones(2, requires_grad=True), te.ones(2), (te.ones(2, requires_grad=True) * 2)]
    )
    assert [type(x) for x in found] == [nn.Parameter, nn.Parameter, te.Tensor, te.Tensor, te.Tensor]
    assert [x.requires_grad for x in found] == [True, False, True, False, True] and found[4].is_leaf
    assert same(weight, found[0]) and found[0].device == "cpu"


def test_a_parameter_of_a_file_can_be_trained():
    for optimizer in (optim.SGD, optim.Adam):
        (weight,) = through([nn.Parameter(np.arange(6.0).reshape(2, 3))])
        turned = through([nn.Parameter(np.arange(6.0).reshape(2, 3))], tensor=None)[0]
        for p in (weight, turned):
            (p * p).sum().backward()
            before = p.numpy().copy()
            optimizer([p], lr=0.1).step()
            assert (np.abs(p.numpy() - before)[before != 0] > 0).all()
        assert same(weight, turned)


def test_shared_memory_is_written_once_and_stays_shared():
    base = te.tensor(np.arange(10000.0).reshape(100, 100))
    file = io.BytesIO()
    save_pt(
        {"a": base, "b": base, "transposed": base.T, "repeated": te.broadcast_to(base, (50, 100, 100))}, file
    )
    assert len(file.getvalue()) < 2 * base.nbytes
    file.seek(0)
    found = load_pt(file)
    assert found["repeated"].shape == (50, 100, 100)
    found["a"][0, 1] = -5.0
    assert (
        found["b"][0, 1].item() == found["transposed"][1, 0].item() == found["repeated"][7, 0, 1].item() == -5
    )
    with pytest.raises(RuntimeError, match="share memory"):
        found["repeated"].zero_()


def test_a_change_of_shared_memory_makes_a_saved_value_stale():
    base = te.tensor(np.arange(4.0).reshape(2, 2))
    found = through([base, base.T])
    x = te.ones(2, 2, dtype="float64", requires_grad=True)
    loss = (x * found[0]).sum()
    found[1].zero_()
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


MODELS = {
    "mlp": lambda: nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2, bias=False)),
    "cnn": lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Conv1d(3, 2, 1)),
    "lstm": lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True),
    "gru": lambda: nn.GRU(3, 4),
    "transformer": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_filled_from_its_file(name, tmp_path):
    te.manual_seed(0)
    model = MODELS[name]()
    save_pt(model.state_dict(), tmp_path / "m.pt")
    te.manual_seed(1)
    other = MODELS[name]()
    other.load_state_dict(load_pt(tmp_path / "m.pt"))
    assert all(
        same(a, te.tensor(b)) for a, b in zip(model.state_dict().values(), other.state_dict().values())
    )
    save_pt(model.state_dict(), tmp_path / "again.pt")
    assert (tmp_path / "m.pt").read_bytes() == (tmp_path / "again.pt").read_bytes()


def test_a_whole_checkpoint_goes_on_to_the_same_bits(tmp_path):
    def made():
        te.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        return model, optim.Adam(model.parameters(), lr=0.05)

    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            (model(te.tensor(np.eye(3, dtype="float32"))) ** 2).sum().backward()
            optimizer.step()

    model, optimizer = made()
    train(model, optimizer, 2)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "loss": 0.5}
    save_pt(state, tmp_path / "c.pt")
    other, its_optimizer = made()
    found = load_pt(tmp_path / "c.pt")
    assert found["epoch"] == 3 and found["loss"] == 0.5
    other.load_state_dict(found["model"])
    its_optimizer.load_state_dict(found["optimizer"])
    train(model, optimizer, 3)
    train(other, its_optimizer, 3)
    assert all(np.array_equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values()))


def test_dtypes_that_the_library_lacks_are_widened_with_one_warning():
    half = np.array([1.5, -np.inf, 6e-8], np.float16)
    brain = (np.array([1.5, -np.inf, 2**-130], np.float32).view(np.uint32) >> 16).astype(np.uint16)
    rows = {"HalfStorage": half, "BFloat16Storage": brain, "CharStorage": np.array([-128, 127, 0], np.int8),
            "ShortStorage": np.array([-(2**15), 2**15 - 1, 0], np.int16)}  # fmt: skip
    items = [tensor(storage(name, str(i), 3), size=(3,), stride=(1,)) for i, name in enumerate(rows)]
    content = zipped(program(*items), {str(i): row.tobytes() for i, row in enumerate(rows.values())})
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        found = load_pt(io.BytesIO(content))
    assert [x.dtype.name for x in found] == ["float32", "float32", "int32", "int32"]
    np.testing.assert_array_equal(found[0].numpy(), half.astype("float32"))
    np.testing.assert_array_equal(found[1].numpy(), np.array([1.5, -np.inf, 2**-130], np.float32))
    assert found[2].tolist() == [-128, 127, 0] and found[3].tolist() == [-(2**15), 2**15 - 1, 0]
    assert len(notes) == 1 and "bfloat16 became float32, float16 became float32, int16" in str(
        notes[0].message
    )


def test_a_file_of_a_big_endian_machine():
    row = np.array([1.5, -2.0], ">f8")
    item = tensor(storage("DoubleStorage", "0", 2), size=(2,), stride=(1,))
    content = zipped(program(item), {"0": row.tobytes()}, byteorder=b"big")
    (found,) = load_pt(io.BytesIO(content))
    assert found.tolist() == [1.5, -2.0] and found.dtype == te.float64


def test_a_path_is_replaced_whole_and_a_file_object_is_written_where_it_stands(tmp_path):
    path = tmp_path / "new" / "m.pth"
    save_pt([1], path)
    before = path.read_bytes()
    with pytest.raises(TypeError, match=r"a Linear at \['model'\] of the object .*; save its state_dict\(\)"):
        save_pt({"model": nn.Linear(2, 2)}, path)
    assert path.read_bytes() == before and os.listdir(path.parent) == ["m.pth"]
    with open(tmp_path / "f", "wb") as file:
        save_pt([te.ones(2)], file)
    with open(tmp_path / "f", "rb") as file:
        assert same(te.ones(2), load_pt(file)[0])

    class Slow(io.RawIOBase):
        """Takes seven bytes at a time, and cannot be read twice."""

        def __init__(self, content=b""):
            self.content, self.at = content, 0

        def write(self, data):
            self.content += bytes(data[:7])
            return len(data[:7])

        def read(self, n=-1):
            self.at, start = len(self.content) if n < 0 else self.at + n, self.at
            return self.content[start : self.at]

        def seekable(self):
            return False

    slow = Slow()
    save_pt([1], slow)
    assert slow.content == before and load_pt(Slow(before)) == [1]


def test_storages_are_aligned_and_named_as_pytorch_does():
    file = io.BytesIO()
    save_pt([te.ones(3), te.zeros(5, dtype="int64")], file)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        names = [entry.filename for entry in archive.infolist()]
        assert {"archive/data.pkl", "archive/byteorder", "archive/version", "archive/data/0"} <= set(names)
        for entry in archive.infolist():
            lengths = np.frombuffer(file.getvalue(), "<u2", 2, entry.header_offset + 26)
            assert (entry.header_offset + 30 + int(lengths.sum())) % 64 == 0


def test_what_cannot_be_written_is_named():
    deep = []
    for _ in range(5000):
        deep = [deep]
    for value, message in (
        ([{"a": object()}], r"a object at \[0\]\['a'\] of the object"),
        (1 + 2j, "a complex at the top of the object"),
        (np.zeros(2, "complex64"), "an array of complex64 at the top .*; a tensor has one of float32"),
        (np.array(["a"]), "an array of <U1"),
        ([2**2040], r"an integer of 2041 bits at \[0\]"),
        (deep, "nested too deeply"),
    ):
        with pytest.raises(TypeError, match=message):
            save_pt(value, io.BytesIO())
    for call in (lambda: save_pt("m.pt", [1]), lambda: load_pt([1])):
        with pytest.raises(TypeError, match="neither a path nor a file"):
            call()


def test_another_face_builds_its_own_tensors_and_classes():
    class Own:
        def __init__(self, array, *facts):
            self.array, self.facts = array, facts

    class Settings:
        pass

    weight = Own(np.arange(3.0, dtype=np.float32), True, True)
    file = io.BytesIO()
    save_pt(
        [weight, weight, te.ones(1)],
        file,
        tensor_of=lambda x: (x.array, *x.facts) if isinstance(x, Own) else None,
    )
    file.seek(0)
    found = load_pt(file, tensor=Own)
    assert (
        found[0] is found[1]
        and found[0].facts == (True, True, "cpu")
        and found[2].facts == (False, False, "cpu")
    )
    np.testing.assert_array_equal(found[0].array, weight.array)
    asked = []

    def find(module, name):
        asked.append((module, name))
        return {"Settings": Settings, "float32": "their float32"}.get(name)

    made = zipped(program(b"cmine\nSettings\n)\x81}X\x01\x00\x00\x00aK\x01sb", b"ctorch\nfloat32\n"))
    settings, dtype = load_pt(io.BytesIO(made), find=find)
    assert type(settings) is Settings and settings.a == 1 and dtype == "their float32"
    assert ("mine", "Settings") in asked
    with pytest.raises(PTError, match=r"mine\.Settings"):
        load_pt(io.BytesIO(made))
