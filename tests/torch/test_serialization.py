"""Files between PyTorch and the face, and what a file may not do."""

from __future__ import annotations

import argparse
import collections
import io
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest

import tinygrad_edu.torch as torch
from tinygrad_edu.torch import nn

RUN: list[str] = []


def run(*args: Any) -> None:
    """What a file must never call."""
    RUN.append("called")


class Net(nn.Module):
    """A program's own model."""

    def __init__(self, width: int = 4) -> None:
        RUN.append("made")
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))
        self.norm = nn.BatchNorm1d(1)
        self.options = {"width": width, "shape": torch.Size([2]), "where": torch.device("cpu")}
        self.register_buffer("count", torch.tensor(3))
        self.activation = torch.tanh
        self.args = argparse.Namespace(lr=0.1)

    def forward(self, x: Any) -> Any:
        return self.activation(self.norm(self.body(x)))


class Plain:
    """A program's own class that is no module."""

    def __init__(self) -> None:
        self.number = 1


def saved(obj: Any) -> io.BytesIO:
    """A file with an object, at its start."""
    file = io.BytesIO()
    torch.save(obj, file)
    file.seek(0)
    return file


def archive(content: bytes) -> io.BytesIO:
    """A file as torch.save writes one, around a pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as container:
        container.writestr("archive/data.pkl", content)
        container.writestr("archive/version", "3\n")
        container.writestr("archive/byteorder", "little")
    file.seek(0)
    return file


def test_a_whole_model_comes_back_and_its_init_does_not_run():
    model = Net()
    model(torch.ones(5, 2) * torch.arange(5).reshape(5, 1))
    model.eval()
    file = saved(model)
    RUN.clear()
    found = torch.load(file, weights_only=False)
    assert RUN == []
    x = torch.rand(3, 2)
    np.testing.assert_array_equal(found(x).detach().numpy(), model(x).detach().numpy())
    assert type(found) is Net and found.options == model.options and not found.training
    assert isinstance(found.options["shape"], torch.Size) and found.args.lr == 0.1
    assert [name for name, _ in found.named_parameters()] == [name for name, _ in model.named_parameters()]
    assert int(found.norm.num_batches_tracked) == 1
    found.train()
    found(x).sum().backward()
    assert found.body[0].weight.grad is not None


def test_a_model_with_shared_weights_still_shares_them():
    model = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    model[1].weight = model[0].weight
    found = torch.load(saved(model), weights_only=False)
    assert found[1].weight is found[0].weight


def test_weights_only_takes_no_module():
    with pytest.raises(pickle.UnpicklingError, match=r"Net|linear"):
        torch.load(saved(Net()))


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        f"c{__name__}\nrun\n)R.".encode(),
        f"c{__name__}\nNet\n)R.".encode(),
        f"c{__name__}\nPlain\n)R.".encode(),
        f"c{__name__}\nPlain\n)\x81.".encode("latin-1"),
        b"ctinygrad_edu.torch.serialization\nload\n(S'x'\ntR.",
        b"ctinygrad_edu.torch.functions.creation\ntensor\n(K\x01tR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"ctorch.nn.modules.linear\nLinear\n)\x81.",
        b"c__main__\n__builtins__.eval\n(S'1'\ntR.",
    ],
)
def test_a_file_calls_nothing(content: bytes, whole: bool):
    RUN.clear()
    with pytest.raises(pickle.UnpicklingError):
        torch.load(archive(b"\x80\x02" + content), weights_only=not whole)
    assert RUN == []


def test_what_a_program_allows_may_be_saved_and_loaded():
    with pytest.raises(TypeError, match="Plain"):
        saved(Plain())
    with torch.serialization.safe_globals([Plain]):
        assert torch.serialization.get_safe_globals() == [Plain]
        file = saved({"x": Plain()})
        assert torch.load(file)["x"].number == 1
        file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="Plain"):
        torch.load(file)
    torch.serialization.add_safe_globals([Plain])
    try:
        file.seek(0)
        assert torch.load(file, weights_only=True)["x"].number == 1
    finally:
        torch.serialization.clear_safe_globals()
    assert torch.serialization.get_safe_globals() == []


def test_a_function_without_a_name_cannot_be_saved():
    model = nn.Linear(2, 2)
    model.activation = lambda x: x
    with pytest.raises(AttributeError, match="lambda"):
        saved(model)


def test_a_file_from_a_gpu_says_what_to_do_without_one(tmp_path):
    torch_file = saved({"x": torch.ones(2)})
    content = torch_file.getvalue()
    at = content.find(b"cpu")
    assert at > 0
    place = b"\x03\x00\x00\x00cpu"
    pickled = content.replace(place, b"\x06\x00\x00\x00cuda:0", 1)
    with zipfile.ZipFile(torch_file) as old:
        program = old.read("archive/data.pkl").replace(place, b"\x06\x00\x00\x00cuda:0", 1)
        rest = {name: old.read(name) for name in old.namelist() if not name.endswith("data.pkl")}
    assert pickled != content
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        new.writestr("archive/data.pkl", program)
        for name, part in rest.items():
            new.writestr(name, part)
    if not torch.cuda.is_available():
        file.seek(0)
        with pytest.raises(RuntimeError, match="map_location"):
            torch.load(file)
    for where in ("cpu", torch.device("cpu"), {"cuda:0": "cpu"}, lambda storage, place: storage):
        file.seek(0)
        assert torch.load(file, map_location=where)["x"].device == torch.device("cpu")


# -- files between PyTorch and the face ----------------------------------------------------------------------


def steps(t: Any, optimizer: Any, params: list[Any], count: int) -> None:
    """Some steps down a sum of squares."""
    for _ in range(count):
        optimizer.zero_grad()
        sum(((p - 1.0) ** 2).sum() for p in params).backward()
        optimizer.step()


def through(first: Any, obj: Any, second: Any, **how: Any) -> Any:
    """An object, saved by one and loaded by the other."""
    file = io.BytesIO()
    first.save(obj, file)
    file.seek(0)
    return second.load(file, **how)


@pytest.mark.oracle
@pytest.mark.parametrize("ours_first", [True, False])
@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "AdamW", "NAdam", "RMSprop", "Adagrad", "Rprop", "ASGD", "LBFGS"]
)
def test_a_run_goes_on_in_the_other_library(name: str, ours_first: bool):
    pytorch = pytest.importorskip("torch", reason="`make oracle` installs PyTorch")
    settings = {
        "SGD": {"lr": 0.05, "momentum": 0.9},
        "RMSprop": {"lr": 0.05, "momentum": 0.5, "centered": True},
    }
    start = np.random.default_rng(0).normal(size=(3, 2)), np.random.default_rng(1).normal(size=4)
    libraries = (torch, pytorch) if ours_first else (pytorch, torch)

    def begin(t: Any) -> tuple[list[Any], Any]:
        params = [t.tensor(numbers, requires_grad=True) for numbers in start]
        return params, getattr(t.optim, name)(params, **settings.get(name, {"lr": 0.05}))

    def go(t: Any, params: list[Any], optimizer: Any, count: int) -> None:
        if name != "LBFGS":
            return steps(t, optimizer, params, count)

        def closure() -> Any:
            optimizer.zero_grad()
            loss = sum(((p - 1.0) ** 4).sum() for p in params)
            loss.backward()
            return loss

        for _ in range(count):
            optimizer.step(closure)
        return None

    first, second = libraries
    params, optimizer = begin(first)
    go(first, params, optimizer, 3)
    state = {"params": [p.detach() for p in params], "optimizer": optimizer.state_dict(), "epoch": 3}
    found = through(first, state, second, weights_only=True)
    others, other = begin(second)
    for p, saved_one in zip(others, found["params"], strict=True):
        p.data.copy_(saved_one)
    other.load_state_dict(found["optimizer"])
    go(first, params, optimizer, 3)
    go(second, others, other, 3)
    for p, q in zip(params, others, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-6, atol=1e-9)
    ours, theirs = (optimizer, other) if ours_first else (other, optimizer)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert list(ours.state_dict()["param_groups"][0]) == list(theirs.state_dict()["param_groups"][0])
    assert ours.state_dict()["state"].keys() == theirs.state_dict()["state"].keys()


@pytest.mark.oracle
def test_weights_go_both_ways():
    pytorch = pytest.importorskip("torch", reason="`make oracle` installs PyTorch")

    def model(t: Any) -> Any:
        return t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm1d(3), t.nn.ReLU(), t.nn.Linear(3, 1))

    ours, theirs = model(torch), model(pytorch)
    x = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
    theirs(pytorch.tensor(x))
    answer = ours.load_state_dict(through(pytorch, theirs.state_dict(), torch))
    assert str(answer) == "<All keys matched successfully>"
    expected = theirs.eval()(pytorch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours.eval()(torch.tensor(x)).detach().numpy(), expected, rtol=1e-5)
    other = model(pytorch)
    other.load_state_dict(through(torch, ours.state_dict(), pytorch, weights_only=True))
    np.testing.assert_allclose(other.eval()(pytorch.tensor(x)).detach().numpy(), expected, rtol=1e-5)


@pytest.mark.oracle
def test_containers_and_names_go_both_ways():
    pytorch = pytest.importorskip("torch", reason="`make oracle` installs PyTorch")

    def content(t: Any) -> dict[str, Any]:
        return {
            "size": t.Size([2, 3]),
            "device": t.device("cpu"),
            "dtype": [t.float32, t.int64, t.bool],
            "numbers": (1, 2.5, None, True, "text", 2**40),
            "ordered": collections.OrderedDict(a=t.ones(2)),
            "long": t.arange(3),
            "parameter": t.nn.Parameter(t.zeros(2)),
            "empty": t.zeros(0, 3),
            "one": t.tensor(2.5),
        }

    for first, second in ((torch, pytorch), (pytorch, torch)):
        found = through(first, content(first), second, weights_only=True)
        expected = content(second)
        assert list(found) == list(expected)
        for key in ("size", "device", "dtype", "numbers"):
            assert found[key] == expected[key] and type(found[key]) is type(expected[key])
        assert type(found["ordered"]) is collections.OrderedDict
        assert isinstance(found["parameter"], second.nn.Parameter) and found["parameter"].requires_grad
        for key in ("long", "empty", "one"):
            assert found[key].dtype == expected[key].dtype and found[key].shape == expected[key].shape
            np.testing.assert_array_equal(found[key].numpy(), expected[key].numpy())


@pytest.mark.oracle
def test_pytorch_s_whole_model_is_refused_with_a_word():
    pytorch = pytest.importorskip("torch", reason="`make oracle` installs PyTorch")
    with pytest.raises(pickle.UnpicklingError, match="state_dict"):
        through(pytorch, pytorch.nn.Linear(2, 2), torch, weights_only=False)
