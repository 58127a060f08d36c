"""torch.save and torch.load: what comes back, from files in memory and on the disk."""

from __future__ import annotations

import collections
import io
import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np


def again(make: Callable[[Any, Any], Any], **how: Any) -> Callable[..., Any]:
    """A recipe: an object, saved and loaded, with the types of its containers."""

    def recipe(t: Any, d: Any) -> Any:
        file = io.BytesIO()
        t.save(make(t, d), file)
        file.seek(0)
        found = t.load(file, **how)
        return plain(found), kinds(found)

    return recipe


def plain(x: Any) -> Any:
    """NumPy's arrays as lists, with their dtype."""
    if isinstance(x, np.ndarray):
        return str(x.dtype), x.tolist()
    return [plain(y) for y in x] if type(x) is list else x


def kinds(x: Any) -> Any:
    """The types of nested containers, as text."""
    if isinstance(x, dict):
        return type(x).__name__, [kinds(y) for y in x.values()]
    if isinstance(x, (list, tuple)) and type(x).__name__ != "Size":
        return type(x).__name__, [kinds(y) for y in x]
    return type(x).__name__


def on_disk(t: Any, d: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.pt")
        t.save({"x": d.floats(2, 3), "epoch": 3}, path)
        first = t.load(path)
        with open(path, "rb") as file:
            second = t.load(file, weights_only=True)
    return first, second


def shared(t: Any, d: Any) -> Any:
    """The same tensor twice stays one; a view shares its memory."""
    x = d.floats(4, grad=False)
    file = io.BytesIO()
    t.save([x, x, x[1:3]], file)
    file.seek(0)
    a, b, part = t.load(file)
    a[1] = 100.0
    return a is b, a, part if t.__name__ == "torch" else a[1:3]


def module_again(t: Any, d: Any) -> Any:
    """A whole model, and one with its attributes changed."""
    model = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Tanh(), t.nn.Dropout(0.5), t.nn.Linear(3, 1)).eval()
    for p in model.parameters():
        p.data.copy_(d.floats(*p.shape, dtype="float32", grad=False))
    model[0].weight.requires_grad_(False)
    file = io.BytesIO()
    t.save(model, file)
    file.seek(0)
    found = t.load(file, weights_only=False)
    x = d.floats(4, 2, dtype="float32", grad=False)
    return found(x).detach(), repr(found), [p.requires_grad for p in found.parameters()], found.training


def with_map(where: Any) -> Callable[..., Any]:
    return again(lambda t, d: {"x": d.floats(3)}, map_location=where)


def of_damage(change: Callable[[bytes], bytes]) -> Callable[..., Any]:
    def recipe(t: Any, d: Any) -> Any:
        file = io.BytesIO()
        t.save({"x": d.floats(3)}, file)
        return t.load(io.BytesIO(change(file.getvalue())))

    return recipe


def weights_again(t: Any, d: Any) -> Any:
    """A state_dict, with its metadata, into another model."""
    model, other = t.nn.Linear(2, 3), t.nn.Linear(2, 3)
    model.weight.data.copy_(d.floats(3, 2, dtype="float32", grad=False))
    model.bias.data.copy_(d.floats(3, dtype="float32", grad=False))
    file = io.BytesIO()
    t.save(model.state_dict(), file)
    file.seek(0)
    state = t.load(file)
    answer = other.load_state_dict(state)
    return dict(state), str(answer), other.weight.detach(), type(state).__name__, dict(state._metadata)


RECIPES: dict[str, list[Any]] = {
    "torch.save": [
        again(lambda t, d: d.any(*d.shape())),
        again(lambda t, d: {"a": d.floats(2), "b": [1, 2.5, "x", None, b"c"], "c": (d.ints(2), {"d": True})}),
        again(lambda t, d: collections.OrderedDict(b=d.floats(2), a=d.bools(3))),
        again(lambda t, d: [t.Size([2, 3]), t.device("cpu"), t.float32, t.int64, t.bool]),
        again(lambda t, d: {1: {2, 3}, "long": 2**70, (1, "a"): -1}),
        again(lambda t, d: t.nn.Parameter(d.floats(2, dtype="float32", grad=False))),
        again(lambda t, d: {"p": t.nn.Parameter(d.floats(2, grad=False), requires_grad=False)}),
        again(lambda t, d: [d.floats(3, 4, grad=False).t(), d.floats(3, 4, grad=False)[:, 1]]),
        again(lambda t, d: d.floats(3, dtype="float32").requires_grad_()),
        again(lambda t, d: [np.arange(3), np.ones((2, 2), np.float32)], weights_only=False),
        again(lambda t, d: (lambda: 1)),
        on_disk, weights_again,
        lambda t, d: t.save(d.floats(2), "/nowhere/at/all.pt"),
    ],
    "torch.load": [
        shared, module_again, with_map("cpu"), with_map({"cpu": "cpu"}),
        with_map(lambda storage, place: storage),
        again(lambda t, d: d.floats(2), map_location="nowhere"),
        lambda t, d: again(lambda t, d: d.floats(2), map_location=t.device("cpu"))(t, d),
        lambda t, d: t.load("/nowhere/at/all.pt"), lambda t, d: t.load(io.BytesIO(b"")),
        of_damage(lambda content: content[: len(content) // 2]),
        of_damage(lambda content: b"no file of ours at all"),
    ],
}  # fmt: skip
