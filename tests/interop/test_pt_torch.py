"""Files of weights between PyTorch and this library: both ways, bit for bit."""

from __future__ import annotations

import io
import warnings
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn, optim
from tinygrad_edu.interop import PTError, load_pt, save_pt

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def torch():
    import torch

    torch.set_num_threads(1)
    return torch


def theirs_to_ours(torch, value, **how):
    file = io.BytesIO()
    torch.save(value, file, **how)
    file.seek(0)
    return load_pt(file)


def ours_to_theirs(torch, value, path=None, **how):
    file = io.BytesIO() if path is None else path
    save_pt(value, file)
    if path is None:
        file.seek(0)
    return torch.load(file, weights_only=True, **how)


def same_bits(ours, theirs):
    a, b = np.asarray(ours.detach().numpy() if isinstance(ours, te.Tensor) else ours), theirs.detach().numpy()
    assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def in_order(n, layers):
    return n.Sequential(*[layer(n) for layer in layers])


MODELS = {
    "mlp": lambda n: n.Sequential(n.Linear(3, 4), n.LayerNorm(4), n.Linear(4, 2, bias=False), n.PReLU()),
    "cnn": lambda n: n.Sequential(
        n.Conv2d(2, 4, 3), n.BatchNorm2d(4), n.ConvTranspose2d(4, 2, 2), n.GroupNorm(1, 2), n.Conv1d(2, 2, 1)
    ),
    "batch norm": lambda n: n.Sequential(n.BatchNorm1d(3), n.BatchNorm1d(3, affine=False)),
    "lstm": lambda n: n.LSTM(3, 4, num_layers=2, bidirectional=True, dropout=0.1),
    "gru": lambda n: n.GRU(3, 4, num_layers=2),
    "rnn": lambda n: n.RNN(3, 4),
    "embedding": lambda n: n.Sequential(n.Embedding(7, 3), n.Linear(3, 7)),
    "attention": lambda n: n.MultiheadAttention(8, 2),
    "encoder": lambda n: n.TransformerEncoder(n.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
    "transformer": lambda n: n.Transformer(8, 2, 1, 1, 16, batch_first=True),
}  # fmt: skip


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_weights_travel_both_ways(torch, name, old):
    torch.manual_seed(0)
    te.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's about its own fast paths
        theirs, ours = MODELS[name](torch.nn), MODELS[name](nn)
    for buffer in theirs.buffers():
        buffer.data = torch.rand(buffer.shape).to(buffer.dtype) + 3
    found = theirs_to_ours(torch, theirs.state_dict(), _use_new_zipfile_serialization=not old)
    assert type(found) is OrderedDict and list(found) == list(theirs.state_dict())
    ours.load_state_dict(found)
    for key, value in theirs.state_dict().items():
        same_bits(found[key], value)
        same_bits(ours.state_dict()[key], value)
    other = MODELS[name](torch.nn)
    other.load_state_dict(ours_to_theirs(torch, ours.state_dict()))
    for a, b in zip(other.state_dict().values(), theirs.state_dict().values(), strict=True):
        assert torch.equal(a, b) and a.dtype == b.dtype


def test_what_pytorch_notes_about_versions_comes_back(torch):
    state = torch.nn.BatchNorm1d(3).state_dict()
    found = theirs_to_ours(torch, state)
    assert found._metadata == state._metadata
    again = ours_to_theirs(torch, found)
    assert again._metadata == state._metadata
    torch.nn.BatchNorm1d(3).load_state_dict(again)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_every_dtype_and_layout(torch, dtype, tmp_path):
    base = torch.arange(24).reshape(4, 6).to(getattr(torch, dtype))
    views = [base, base.t(), base[1:, ::2], base[2], base[3, 5], base[:0], base.reshape(-1)[5:9], base[:, :1]]
    views += [base[0].expand(3, 6), torch.zeros((), dtype=base.dtype), torch.zeros(0, 3, dtype=base.dtype)]
    for old in (False, True):
        found = theirs_to_ours(torch, views, _use_new_zipfile_serialization=not old)
        for a, b in zip(found, views, strict=True):
            same_bits(a, b)
    found[0].zero_()
    assert not found[1].numpy().any() and not found[2].numpy().any()
    again = ours_to_theirs(torch, [te.tensor(v.numpy()) for v in views] + [te.tensor(base.numpy()).T])
    for a, b in zip(again, [*views, base.t()], strict=True):
        assert torch.equal(a, b) and a.dtype == b.dtype
    mapped = ours_to_theirs(torch, {"a": te.tensor(base.numpy())}, tmp_path / "m.pt", mmap=True)
    assert torch.equal(mapped["a"], base)


def test_sharing_and_parameters_come_back(torch):
    weight = te.tensor(np.arange(6.0).reshape(2, 3))
    parameter = nn.Parameter(np.ones(2))
    value = {
        "a": weight,
        "b": weight.T,
        "p": parameter,
        "q": parameter,
        "leaf": te.ones(2, requires_grad=True),
    }
    found = ours_to_theirs(torch, value)
    found["a"][0, 1] = -5
    assert found["b"][1, 0] == -5 and found["p"] is found["q"]
    assert type(found["p"]) is torch.nn.Parameter and found["p"].requires_grad and found["leaf"].requires_grad
    ours = theirs_to_ours(
        torch, [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2), False)]
    )
    assert [type(p) for p in ours] == [nn.Parameter] * 2 and [p.requires_grad for p in ours] == [True, False]
    named = torch.nn.Parameter(torch.ones(2))
    named.note = "x"
    with pytest.warns(UserWarning, match="attributes"):
        (found,) = theirs_to_ours(torch, [named])
    assert type(found) is nn.Parameter and found.requires_grad


def test_a_whole_checkpoint_goes_on_in_the_other_library(torch):
    x = np.random.default_rng(0).normal(size=(5, 3))
    theirs, ours = torch.nn.Linear(3, 2, dtype=torch.float64), nn.Linear(3, 2, dtype="float64")
    their_rule, our_rule = (o.Adam(m.parameters(), lr=0.1) for o, m in ((torch.optim, theirs), (optim, ours)))

    def step(model, rule, data):
        rule.zero_grad()
        (model(data) ** 2).sum().backward()
        rule.step()

    for _ in range(2):
        step(theirs, their_rule, torch.tensor(x))
    facts = {"epoch": 3, "best": (0.5, "acc"), "history": [1.0, {"loss": None}]}
    state = {"model": theirs.state_dict(), "optimizer": their_rule.state_dict(), **facts}
    found = theirs_to_ours(torch, {**state, "size": torch.Size([2]), "device": torch.device("cuda", 1)})
    facts |= {"size": (2,), "device": "cuda:1"}
    assert {k: found[k] for k in facts} == facts
    rows = found["optimizer"]["state"]
    assert [float(row["step"].item()) for row in rows.values()] == [2.0, 2.0]
    for key in ("exp_avg", "exp_avg_sq"):
        for i, row in their_rule.state_dict()["state"].items():
            same_bits(rows[i][key], row[key])
    again = ours_to_theirs(torch, found)
    other = torch.nn.Linear(3, 2, dtype=torch.float64)
    other.load_state_dict(again["model"])
    other_rule = torch.optim.Adam(other.parameters(), lr=0.1)
    other_rule.load_state_dict(again["optimizer"])
    step(theirs, their_rule, torch.tensor(x))
    step(other, other_rule, torch.tensor(x))
    assert torch.equal(theirs.weight, other.weight)
    ours.load_state_dict(found["model"])
    step(ours, our_rule, te.tensor(x))


def test_dtypes_that_the_library_lacks(torch):
    values = torch.tensor([1.5, -2.0, float("inf"), 3e-5])
    for dtype in (torch.float16, torch.bfloat16):
        with pytest.warns(UserWarning, match=f"{str(dtype)[6:]} became float32"):
            (found,) = theirs_to_ours(torch, [values.to(dtype)])
        same_bits(found, values.to(dtype).float())
    for dtype, wide in ((torch.int8, torch.int32), (torch.int16, torch.int32), (torch.uint16, torch.int32),
                        (torch.uint32, torch.int64)):  # fmt: skip
        edge = torch.iinfo(dtype)
        given = torch.tensor([edge.min, edge.max, 3], dtype=torch.int64).to(dtype)
        with pytest.warns(UserWarning, match="became"):
            (found,) = theirs_to_ours(torch, [given])
        same_bits(found, given.to(wide))
    for given, name in (
        (values.to(torch.complex64), "complex64"),
        (values.to(torch.float8_e5m2), "float8_e5m2"),
        (torch.zeros(2, dtype=torch.uint64), "uint64"),
    ):
        with pytest.raises(PTError, match=name):
            theirs_to_ours(torch, [given])
    with pytest.raises(PTError, match="sparse"):
        theirs_to_ours(torch, [torch.eye(2).to_sparse()])
    with pytest.raises(PTError, match=r"torch\.nn\.modules\.linear\.Linear.*no part of weights.*state_dict"):
        theirs_to_ours(torch, torch.nn.Linear(2, 2))


def test_objects_beside_tensors(torch):
    value = {"dtype": torch.float64, "brain": torch.bfloat16, "bytes": b"\x00\xff", "big": -(2**100)}
    value |= {"c": {1, 2}, "array": np.arange(6.0).reshape(2, 3).T, "number": np.float32(0.1)}
    value["flags"] = np.array([True, False])
    found = theirs_to_ours(torch, value)
    assert found["dtype"] == np.dtype("float64") and found["brain"] == "torch.bfloat16"
    assert found["bytes"] == b"\x00\xff" and found["big"] == -(2**100) and found["c"] == {1, 2}
    np.testing.assert_array_equal(found["array"], value["array"])
    assert found["number"] == np.float32(0.1) and found["flags"].tolist() == [True, False]
    written = {"bytes": bytearray(b"\x00\xff"), "raw": b"\x80", "big": -(2**100), "set": {1, "a"}}
    written |= {"t": ((), (1,)), "none": None, "text": "ä\ud800", 3: [True, 0.1], "empty": [], "float": -0.0}
    assert ours_to_theirs(torch, written) == written


def test_a_path_and_an_extension_of_either(torch, tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "strange name.PTH")
    same_bits(load_pt(tmp_path / "strange name.PTH")["a"], torch.ones(2))
    save_pt({"a": te.ones(2)}, str(tmp_path / "m"))
    assert torch.equal(torch.load(tmp_path / "m")["a"], torch.ones(2))
