"""Calls that do not fit are explained by the library, not by Python; public functions can be pickled."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import data, nn, training

X = te.tensor(np.arange(6.0).reshape(2, 3))
MODEL = nn.Linear(3, 2)
UNEXPLAINED = {"expand", "reshape", "broadcast_to", "spread", "tensor", "as_tensor", "wrap", "getitem",
               "numpy_key", "seed_for", "clone"}  # called too often for it  # fmt: skip


@pytest.mark.parametrize("name", [name for name in te.functional.PUBLIC if name not in UNEXPLAINED])
def test_an_unknown_argument_is_explained_by_every_function(name: str) -> None:
    with pytest.raises(TypeError, match=r"has no argument no_such_argument="):
        getattr(te, name)(X, no_such_argument=1)


def _classes(*packages: Any) -> list[Any]:
    found = (getattr(package, name) for package in packages for name in package.__all__)
    skipped = (Exception, data.Dataset, training.Callback, data.IterableDataset, data.Sampler)
    return [kind for kind in found if isinstance(kind, type) and not issubclass(kind, tuple)
            and not (kind in skipped or issubclass(kind, Exception))
            and "__init__" in vars(kind) and kind.__init__ is not object.__init__]  # fmt: skip


@pytest.mark.parametrize("kind", _classes(data, training), ids=lambda kind: kind.__name__)
def test_an_unknown_argument_is_explained_by_every_class(kind: Any) -> None:
    if any(p.kind is p.VAR_KEYWORD for p in __import__("inspect").signature(kind).parameters.values()):
        pytest.skip("it takes arguments of any name")
    with pytest.raises(TypeError, match=r"has no argument no_such_argument="):
        kind(no_such_argument=1)


@pytest.mark.parametrize(("call", "answer"), [
    (lambda: X.sum(1, True), "sum takes 2 arguments by position, x, axis, and 3 were given"),
    (lambda: X.sum(1, True), "name the others: keepdims="),
    (lambda: te.mean(X, 1, True), "name the others: keepdims="),
    (lambda: te.max(X, 1, True), "name the others: keepdims="),
    (lambda: te.one_hot(te.tensor([0, 1])), "one_hot needs classes"),
    (lambda: te.cross_entropy(X), "cross_entropy needs target"),
    (lambda: te.cross_entropy(), "cross_entropy needs logits and target"),
    (lambda: te.max_pool2d(X, kernel_size=2), "kernel_size= is size= here"),
    (lambda: te.unfold(X, kernel_size=2), "kernel_size= is size= here"),
    (lambda: te.gelu(X, inplace=True), "leave it out: nothing is changed in place"),
    (lambda: X.flatten(start_dim=1), "start_dim= is start= here"),
    (lambda: X.to("cpu", non_blocking=True), "to has no argument non_blocking="),
    (lambda: X.to("cpu", non_blocking=True), "leave it out: work on a device is in order"),
    (lambda: MODEL.to("cpu", non_blocking=True), "leave it out: work on a device is in order"),
    (lambda: X.to("mps"), "'mps' is no device and no dtype (at"),
    (lambda: MODEL.to("mps"), "cpu, cuda, simulator, the dtypes float32"),
    (lambda: te.grad(te.sum, create_graph=True), "is a function that can be differentiated again"),
    (lambda: te.grad(lambda x: x.sum())(X, create_graph=True), "te.grad(f) has no argument create_graph="),
    (lambda: te.jacobian(lambda x: x)(X, vectorize=True), "te.jacobian(f) has no argument vectorize="),
    (lambda: te.hessian(te.sum, vectorize=True), "is a function that can be differentiated again"),
    (lambda: training.EarlyStopping(restore_best_weights=True), "gives the model its best weights at the"),
    (lambda: training.Checkpoint("run", save_best_only=True), "a checkpoint folder has best.safetensors"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_a_call_that_does_not_fit_is_explained(call: Any, answer: str) -> None:
    with pytest.raises(TypeError, match=re.escape(answer)) as said:
        call()
    assert "test_calls.py:" in str(said.value)


def test_an_error_within_a_function_is_left_as_it_is() -> None:
    def f(x: Any) -> Any:
        return (lambda one: one)(x, x)

    with pytest.raises(TypeError, match=r"<lambda>\(\) takes 1 positional argument but 2 were given"):
        te.grad(f)(X)
    scaled = te.grad(lambda x, create_graph: x.sum() * create_graph)(X, create_graph=3.0)
    assert scaled.numpy().tolist() == [[3.0] * 3] * 2


@pytest.mark.parametrize("given", [{"dtype": "float32"}, {"device": "cpu", "dtype": te.float32}])
def test_a_tensor_moves_by_the_names_of_pytorch(given: Any) -> None:
    assert X.to(**given).dtype == te.float32 and X.to("cpu", dtype="int64").dtype == te.int64


@pytest.mark.parametrize("name", ["max", "min", "sort", "median"])
def test_values_alone_are_not_unpacked_as_a_pair(name: str) -> None:
    function = getattr(te, name)
    with pytest.raises(TypeError, match=rf"te.{name} gives the values alone, and no pair to unpack"):
        _, _ = function(X, 1)
    method = getattr(X, name, None)
    if method is not None:  # there is no x.median
        with pytest.raises(TypeError, match=r"te\.(argmax|argmin|argsort)"):
            _, _ = method(1)
    first, second = te.unbind(function(X, 1))
    both = function(X, 1)
    one, two = both  # of a tensor that has a name, the rows are meant
    assert [*function(X, 1)][1].tolist() == second.tolist() == two.tolist()
    assert both[0].tolist() == first.tolist() == one.tolist()


@pytest.mark.parametrize(
    "module", [te.functional, te.linalg, te.special], ids=["te", "te.linalg", "te.special"]
)
def test_every_public_function_can_be_pickled(module: Any) -> None:
    names = te.functional.PUBLIC if module is te.functional else module.__all__
    for name in names:
        assert pickle.loads(pickle.dumps(getattr(module, name))) is getattr(module, name), name


def test_python_adds_no_suggestion_to_a_hint() -> None:
    line = "import tinygrad_edu as te; te.long"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
    assert done.stderr.rstrip().endswith("PyTorch's torch.long is te.int64 here")
    line = "import tinygrad_edu as te; te.ones(2).tolit()"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
    assert done.stderr.rstrip().endswith("did you mean tolist?")
