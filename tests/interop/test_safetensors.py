"""Files of named arrays: what is written is read, by us and by the safetensors package."""

from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import numpy as theirs

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.interop import load_safetensors, save_safetensors

KINDS = st.sampled_from(["float32", "float64", "int64", "int32", "uint8", "bool"])
ARRAYS = KINDS.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)))


@given(st.dictionaries(st.text().filter(lambda name: name != "__metadata__"), ARRAYS, max_size=4))
def test_any_arrays_come_back_bit_for_bit(arrays):
    file = io.BytesIO()
    save_safetensors({name: te.tensor(array).T.T for name, array in arrays.items()}, file)
    file.seek(0)
    found = load_safetensors(file)
    assert found.keys() == arrays.keys() == theirs.load(file.getvalue()).keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert found[name].numpy().tobytes() == array.tobytes()


def test_a_model_is_filled_and_layouts_are_written_as_they_look(tmp_path):
    te.manual_seed(0)
    model, other = (
        nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)),
        nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)),
    )
    save_safetensors(model.state_dict(), tmp_path / "m.safetensors")
    other.load_state_dict(load_safetensors(tmp_path / "m.safetensors"))
    assert all(np.array_equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values()))
    views = {"t": model[0].weight.T, "s": np.arange(10.0)[::-2], "e": te.broadcast_to(te.ones(1), (2, 3))}
    save_safetensors(views, tmp_path / "v", metadata={"made": "here"})
    found = theirs.load_file(tmp_path / "v")
    for name, value in views.items():
        np.testing.assert_array_equal(found[name], value.detach().numpy() if name != "s" else value)
    loaded = load_safetensors(tmp_path / "v")
    loaded["s"].zero_()  # it has memory of its own, which may be changed
    assert not loaded["s"].numpy().any()


def test_a_checkpoint_is_one_of_these_files(tmp_path):
    te.manual_seed(0)
    model, other = nn.Linear(2, 3), nn.Linear(2, 3)
    nn.save_checkpoint(tmp_path / "c.safetensors", model=model)
    found = load_safetensors(tmp_path / "c.safetensors")
    other.load_state_dict({name.removeprefix("model."): x for name, x in found.items()})
    assert np.array_equal(model.weight.detach().numpy(), other.weight.detach().numpy())


def raw(dtype, content, shape):
    header = json.dumps({"x": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(content)]}}).encode()
    return io.BytesIO(struct.pack("<Q", len(header)) + header + content)


def test_dtypes_that_the_library_lacks_are_widened_or_refused():
    row = np.array([1.5, -2.0, np.inf], np.float32)
    brain = (row.view(np.uint32) >> 16).astype("<u2").tobytes()
    for dtype, content in (("F16", row.astype("<f2").tobytes()), ("BF16", brain)):
        with pytest.warns(UserWarning, match="float16 became float32"):
            found = load_safetensors(raw(dtype, content, [3]))
        np.testing.assert_array_equal(found["x"].numpy(), row)
    with pytest.warns(UserWarning, match="int8 became int32"):
        assert load_safetensors(raw("I8", b"\x80\x7f", [2]))["x"].tolist() == [-128, 127]
    for dtype, size in (("C64", 8), ("U64", 8), ("F8_E5M2", 1)):
        with pytest.raises(nn.CheckpointError, match="which this library does not have"):
            load_safetensors(raw(dtype, b"\0" * size, [1]))
    with pytest.raises(nn.CheckpointError, match="neither 0 nor 1"):
        load_safetensors(raw("BOOL", b"\x02", [1]))


@given(st.binary(max_size=40), st.data())
def test_damage_is_an_error_or_changes_numbers_only(start, data):
    file = io.BytesIO()
    save_safetensors({"a": te.ones(3), "b": te.zeros(2, dtype="int64")}, file)
    content = bytearray(file.getvalue())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    for damaged in (start, bytes(content), bytes(content)[: data.draw(st.integers(0, len(content)))]):
        try:
            found = load_safetensors(io.BytesIO(damaged))
        except nn.CheckpointError as error:
            assert str(error).startswith("the file: ")
        else:
            assert len(found) <= 2


def test_what_is_no_dict_of_tensors(tmp_path):
    for given_, match in (
        (nn.Linear(2, 2), "a Linear has no tensors by name .*; give model.state_dict"),
        ({"a": {"b": te.ones(1)}}, "'a' is a dict.*nn.save_checkpoint.*save_pt"),
        ({1: te.ones(1)}, "1 is a Tensor"),
        ({"a": 3.0}, "'a' is a float"),
        ({"a": np.zeros(1, "complex128")}, "a is complex128, none of float64"),
    ):
        with pytest.raises(TypeError, match=match):
            save_safetensors(given_, tmp_path / "x")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError, match="no file at"):
        load_safetensors(tmp_path / "x")


@pytest.mark.oracle
def test_files_travel_between_pytorch_and_here(tmp_path):
    torch = pytest.importorskip("torch", reason="`make oracle` installs PyTorch, to compare with")
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.LSTM(3, 4))
    ours = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.LSTM(3, 4))
    save_file(model.state_dict(), tmp_path / "theirs.safetensors")
    ours.load_state_dict(load_safetensors(tmp_path / "theirs.safetensors"))
    save_safetensors(ours.state_dict(), tmp_path / "ours.safetensors")
    back = load_file(tmp_path / "ours.safetensors")
    assert back.keys() == model.state_dict().keys()
    assert all(
        torch.equal(back[name], x) and back[name].dtype == x.dtype for name, x in model.state_dict().items()
    )
    with safe_open(tmp_path / "ours.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}
    nn.save_checkpoint(tmp_path / "run.safetensors", model=ours)
    run = load_file(tmp_path / "run.safetensors")
    model.load_state_dict({name.removeprefix("model."): x for name, x in run.items()})
    save_file({"half": torch.ones(2).half(), "brain": torch.ones(2).bfloat16() * 3}, tmp_path / "half")
    with pytest.warns(UserWarning, match="bfloat16 became float32, float16 became float32"):
        found = load_safetensors(tmp_path / "half")
    assert found["half"].tolist() == [1.0, 1.0] and found["brain"].tolist() == [3.0, 3.0]
