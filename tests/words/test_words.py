"""A name of another library, or a misspelt one, is answered with what to write here."""

from __future__ import annotations

import copy
import importlib
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim
from tinygrad_edu.words import lookup
from tinygrad_edu.words.word import PEERS

ROWS = [row for rows in lookup.TABLE.values() for row in rows]
X = te.tensor(np.arange(6.0).reshape(2, 3))


def _found(path: str, roots: dict[str, object]) -> bool:
    """Whether a dotted name is there."""
    first, *rest = re.match(r"[\w.]+", path)[0].split(".")
    here = roots[first]
    for part in rest:
        if not hasattr(here, part):
            try:
                importlib.import_module(f"{here.__name__}.{part}")
            except (ImportError, AttributeError):
                return False
        here = getattr(here, part)
    return True


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.ours or row.about)
def test_what_the_table_calls_ours_is_here(row):
    assert row.ours or row.about, row
    model = nn.Linear(2, 3)
    roots = {
        "te": te,
        "nn": nn,
        "optim": optim,
        "data": data,
        "x": X,
        "model": model,
        "optimizer": optim.SGD(model.parameters()),
        "loss": X,
    }
    names = re.findall(r"\b(?:te|nn|optim|data|x|model|optimizer|loss)\.[\w.]+", row.ours)
    assert [name for name in names if not _found(name.rstrip("."), roots)] == []


@pytest.mark.parametrize("cell", [row.sklearn for row in ROWS if "sklearn." in row.sklearn])
def test_what_the_table_calls_scikit_learns_is_there(cell):
    assert all(importlib.import_module(name) for name in lookup.split(cell))


@pytest.mark.oracle
@pytest.mark.parametrize("row", [row for row in ROWS if row.pytorch], ids=lambda row: row.pytorch)
def test_what_the_table_calls_pytorchs_is_there(row):
    torch = pytest.importorskip("torch")
    importlib.import_module("torch.utils.checkpoint")
    model = torch.nn.Linear(2, 3)
    roots = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "optim": torch.optim,
             "x": torch.ones(2, 3), "model": model, "data": torch.utils.data,
             "optimizer": torch.optim.SGD(model.parameters(), lr=0.1)}  # fmt: skip
    names = [name for name in lookup.split(row.pytorch) if not name.endswith("=")]
    assert [name for name in names if name.split(".")[0] in roots and not _found(name, roots)] == []


def _of_peers(*heads: str) -> list[str]:
    """The last parts of the table's names that begin so."""
    names = [name for row in ROWS for peer in PEERS for name in lookup.split(getattr(row, peer))]
    return sorted({lookup.last(name) for name in names if name.startswith(heads) and not name.endswith("=")})


@pytest.mark.parametrize("name", [name for name in _of_peers("x.") if name not in dir(te.Tensor)])
def test_a_foreign_word_of_tensors_is_answered(name):
    with pytest.raises(AttributeError, match=f"^'Tensor' object has no attribute '{name}'") as said:
        getattr(X, name)
    assert "test_words.py:" in str(said.value)
    assert re.search(r"'s x\.\S+( is .* here|: \w)", str(said.value)), said.value


@pytest.mark.parametrize(
    "name", [name for name in _of_peers("torch.", "jnp.", "tf.", "F.") if not hasattr(te, name)]
)
def test_a_foreign_function_is_answered(name):
    with pytest.raises(AttributeError, match=rf"'tinygrad_edu' has no attribute '{name}' \(at ") as said:
        getattr(te, name)
    assert re.search(r"'s [\w.]+(\(0\))?( is .* here|: )|; write te\.", str(said.value)), said.value


@pytest.mark.parametrize(
    "name", [name for name in _of_peers("nn.", "torch.nn.", "keras.layers.") if not hasattr(nn, name)]
)
def test_a_foreign_layer_is_answered(name):
    with pytest.raises(AttributeError) as said:
        getattr(nn, name)
    assert re.search(r"'s [\w.]+( is .* here|: )|; write te\.", str(said.value)), said.value


@pytest.mark.parametrize("ask, answer", [
    (lambda: X.nonzero(), "PyTorch's x.nonzero is te.nonzero(x) here"),
    (lambda: X.median(), "PyTorch's x.median is te.median(x, axis) here"),
    (lambda: X.size(0), "x.size is a number here, 6, and not a method"),
    (lambda: X.size(), "PyTorch's x.size() is x.shape"),
    (lambda: X.kron(X), "write te.kron(x, ...)"),
    (lambda: X.repeat(2, 1), "x.repeat is te.tile(x, counts) here"),
    (lambda: X.exp_(), "assign the result of exp; in place there are add_, clamp_, copy_"),
    (lambda: X.reshap(3, 2), "did you mean reshape"),
    (lambda: te.cat([X, X]), "torch.cat is te.concat([x, y], axis=0) here"),
    (lambda: te.Linear(2, 3), "write te.nn.Linear"),
    (lambda: te.gelo(X), "did you mean gelu"),
    (lambda: nn.SimpleRNN(2, 3), r"keras.layers.SimpleRNN is nn.RNN(inputs, hidden) here"),
    (lambda: nn.functional.relu(X), "torch.nn.functional is te, as in te.relu(x) here"),
    (lambda: optim.OneCycleLR, "write te.optim.lr_scheduler.OneCycleLR"),
    (lambda: optim.lr_scheduler.StepLRR, "did you mean StepLR"),
    (lambda: optim.AveragedModel, "write te.optim.swa_utils.AveragedModel"),
    (lambda: optim.Adamm, "did you mean Adam"),
    (lambda: nn.Linear(2, 3).cuda(), "model.cuda is model.to('cuda') here"),
    (lambda: optim.SGD(nn.Linear(2, 3).parameters()).zero_gradd(), "did you mean zero_grad"),
    (lambda: te.metrics.f1_score, "f1_score is te.metrics.F1Score() here"),
    (lambda: te.metrics.brier, "it has Accuracy, ConfusionMatrix, F1Score, Mean, MeanAbsoluteError"),
    (lambda: te.sum(X, dimension=1), "sum has no argument dimension= (at"),
    (lambda: X.sum(axes=1), "did you mean axis=?"),
    (lambda: te.relu(X, inplace=True), "leave it out: nothing is changed in place"),
    (lambda: nn.Tanh(inplace=True), "leave it out: nothing is changed in place"),
    (lambda: te.randint(min=0, high=2, shape=2), "PyTorch's min= is low= here"),
    (lambda: te.one_hot(X, num_classes=3), "PyTorch's num_classes= is classes= here"),
    (lambda: te.std(X, unbiased=False), "is correction= here (unbiased=True is correction=1"),
    (lambda: nn.Linear(2, 3, activation="relu"), "an activation is a layer of its own"),
    (lambda: nn.Dropout(rate=0.1), "JAX's rate= is p= here"),
    (lambda: optim.Adam([X], learning_rate=0.1), "JAX's learning_rate= is lr= here"),
    (lambda: optim.Adam([X], beta_1=0.1), "beta_1= is betas= here"),
    (lambda: data.DataLoader(data.xor(9), pin_memory=True), "pin_memory=: batches are arrays in memory here"),
    (lambda: te.gather(X, 1, te.tensor([[0]])), "gather(x, 1, index) is te.gather(x, indices, axis=1) here"),
    (lambda: te.index_select(X, 1, te.tensor([0])), "is te.index_select(x, indices, axis=1) here"),
    (lambda: te.index_select(X, 1, [0]), "is te.index_select(x, indices, axis=1) here"),
    (lambda: te.scatter_add(X, 0, te.tensor([[0]]), X), "is te.scatter_add(x, indices, source, axis=1) here"),
    (lambda: te.bernoulli(te.rand(3)), "a draw for each element of p is te.rand(p.shape) < p"),
    (lambda: te.randint(5, (2,)), "PyTorch's randint(5, (2,)) is te.randint(0, 5, (2,))"),
    (lambda: te.stack(X, X), "the tensors are given in one list: te.stack([x, y], axis=0)"),
    (lambda: te.concat(X, X), "the tensors are given in one list: te.concat([x, y], axis=0)"),
    (lambda: te.einsum(X, X, "ij,ij->i"), "the text comes first"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_what_was_meant_is_said(ask, answer):
    with pytest.raises((AttributeError, TypeError), match=re.escape(answer)) as said:
        ask()
    assert "test_words.py:" in str(said.value)


@given(st.sampled_from(sorted(n for n in dir(te.Tensor) if not n.startswith("_"))), st.data())
def test_a_letter_too_few_is_forgiven_by_name(name, drawn):
    assume(len(name) > 5)
    at = drawn.draw(st.integers(1, len(name) - 1))
    wrong = name[:at] + name[at + 1 :]
    assume(not hasattr(te.Tensor, wrong) and wrong not in lookup._index() and wrong not in te.__all__)
    with pytest.raises(AttributeError) as said:
        getattr(X, wrong)
    assert name in str(said.value)


@given(st.text(st.characters(codec="ascii", categories=("Ll", "Lu", "Nd")), min_size=1, max_size=12))
def test_any_name_is_refused_by_an_attribute_error(name):
    for owner in (X, te, nn, optim, te.metrics, nn.Linear(1, 1)):
        assert getattr(owner, name, None) is None or name in dir(owner)


def test_what_is_imported_by_name_says_why_it_is_not_there():
    for line, answer in (
        ("from tinygrad_edu import cat", "torch.cat is te.concat"),
        ("from tinygrad_edu.nn import SimpleRNN", "keras.layers.SimpleRNN is nn.RNN"),
        ("from tinygrad_edu.data import default_collate", "is data.collate(items) here"),
    ):
        done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
        assert done.stderr.splitlines()[-1].startswith("ImportError: ") and answer in done.stderr


def test_a_property_of_ones_own_keeps_its_own_error():
    class Model(nn.Module):
        @property
        def width(self):
            return self.layers[0].in_features

    with pytest.raises(AttributeError, match="'Model' object has no attribute 'layers'"):
        Model().width  # noqa: B018
    assert getattr(Model(), "width", 3) == 3


def test_tensors_and_models_copy_and_pickle_as_before():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    for thing in (X, model, optim.Adam(model.parameters())):
        for other in (copy.copy(thing), copy.deepcopy(thing), pickle.loads(pickle.dumps(thing))):
            assert type(other) is type(thing)


def test_the_number_of_elements_is_a_plain_number():
    assert X.size == 6 and X.size + 1 == 7 and repr(X.size) == "6" and np.zeros(X.size).shape == (6,)
    assert isinstance(X.size, int) and te.zeros(X.size).shape == (6,) and f"{X.size:3d}" == "  6"


def test_the_table_is_imported_only_when_a_name_is_missing():
    code = (
        "import sys, tinygrad_edu as te; assert 'tinygrad_edu.words.lookup' not in sys.modules\n"
        "assert not hasattr(te, 'cat') and 'tinygrad_edu.words.lookup' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("ask, answer", [
    (lambda: te.autograd.gradcheck, "torch.autograd.gradcheck is te.check.gradcheck(f, inputs) here"),
    (lambda: te.nn.utils.clip_grad_norm_, "torch.nn.utils.clip_grad_norm_ is optim.clip_grad_norm_ here"),
    (lambda: te.utils.data.TensorDataset, "torch.utils.data.TensorDataset is data.TensorDataset(x, y) here"),
    (lambda: nn.functional.one_hot(X, 3), "torch.nn.functional.one_hot is te.one_hot(labels, classes) here"),
    (lambda: te.load("a.pt"), "torch.load is nn.load_checkpoint(path, model=model) here"),
    (lambda: nn.Linear(2, 3).half(), "model.half: floats have 32 or 64 bits here"),
    (lambda: X.sqrt_(), "in place there are add_, clamp_, copy_, div_, fill_, masked_fill_, mul_"),
    (lambda: X.max(1).values, "te.argmax, te.argmin and te.argsort say where they are"),
    (lambda: optim.StepLR(step_size=3), "step_size= is every= here"),
    (lambda: te.grad(te.sum(X), X), "te.grad takes a function, not () float"),
    (lambda: te.jacobian(te.exp, X), "the function that it returns takes the arguments: te.jacobian(f)(x)"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_what_pytorch_has_in_packages_and_pairs_is_found(ask, answer):
    with pytest.raises((AttributeError, TypeError), match=re.escape(answer)):
        ask()


def test_one_argument_of_a_jvp_needs_no_tuple():
    y, along = te.jvp(lambda x: x * x, te.tensor(3.0), te.tensor(1.0))
    assert (y.item(), along.item()) == (9.0, 6.0)
