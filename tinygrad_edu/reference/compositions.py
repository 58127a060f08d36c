"""The page of the functions of `te` that are made of several ops: purpose, example, and list of ops.

The list of ops is recorded while the example runs, so it is always correct.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu import functional
from tinygrad_edu.profile import profile
from tinygrad_edu.reference import namesakes
from tinygrad_edu.reference.examples import block
from tinygrad_edu.reference.written import WRITTEN as MORE

FILE = "compositions.md"
_TWO = "y = te.tensor([1.0, 2.0, 4.0], requires_grad=True)\n"
_PROBABLE = "p = te.tensor([0.9, 0.2, 0.5], requires_grad=True)\n"
_RAW = "z = te.tensor([2.0, -1.0, 0.0], requires_grad=True)\n"
_BACK = "\nloss\nloss.backward()\n"
_VECTOR = "x = te.tensor([1.0, 2.0, 6.0], requires_grad=True)\n"
_IMAGE = "x = te.reshape(te.arange(16.0), (1, 1, 4, 4))\n"

# heading: {function: (formula or "", statements; the ops are recorded in the one that calls the function)}
# fmt: off
WRITTEN: dict[str, dict[str, tuple[str, str]]] = {
    "Losses": {
        "mse": (r"\operatorname{mean}\,(y - t)^2",
                _TWO + "loss = te.mse(y, [1.0, 1.0, 1.0])" + _BACK + "y.grad"),
        "l1": (r"\operatorname{mean}\,|y - t|",
               _TWO + "loss = te.l1(y, [1.0, 1.0, 1.0])" + _BACK + "y.grad"),
        "huber": (r"\operatorname{mean} \begin{cases} d^2 / 2 & |d| \le \delta \\ \delta (|d| - \delta / 2) "
                  r"& |d| > \delta \end{cases}, \quad d = y - t",
                  _TWO + "loss = te.huber(y, [1.5, 1.5, 1.5])" + _BACK + "y.grad"),
        "hinge": (r"\operatorname{mean}\,\max(0, 1 - t\,y)",
                  _TWO.replace("1.0", "0.5", 1) + "loss = te.hinge(y, [1.0, 1.0, -1.0])" + _BACK + "y.grad"),
        "logistic": (r"\operatorname{mean}\,\ln(1 + e^{-t\,y})",
                     _TWO + "loss = te.logistic(y, [1.0, 1.0, -1.0])" + _BACK + "y.grad"),
        "binary_cross_entropy": (
            r"-\operatorname{mean}\,(t \ln p + (1 - t) \ln(1 - p))",
            _PROBABLE + "loss = te.binary_cross_entropy(p, [1.0, 0.0, 1.0])" + _BACK + "p.grad"),
        "binary_cross_entropy_with_logits": (
            r"\operatorname{mean}\,(\ln(1 + e^z) - t\,z)",
            _RAW + "loss = te.binary_cross_entropy_with_logits(z, [1.0, 0.0, 1.0])" + _BACK + "z.grad"),
        "nll": (r"-\operatorname{mean}_i\; x_{i, t_i}",
                "x = te.log_softmax([[2.0, 0.0], [0.0, 1.0]])\nte.nll(x, [0, 0])"),
    },
    "Statistics": {
        "mean": (r"\frac{1}{n} \sum_i x_i", _VECTOR + "y = te.mean(x)\ny\ny.backward()\nx.grad"),
        "var": (r"\frac{1}{n - c} \sum_i (x_i - \bar x)^2, \quad c \text{ the correction}",
                _VECTOR + "y = te.var(x)\ny\ny.backward()\nx.grad\nte.var(x, correction=1)"),
        "std": (r"\sqrt{\operatorname{var}(x)}", _VECTOR + "y = te.std(x)\ny\ny.backward()\nx.grad"),
        "norm": (r"\left(\sum_i |x_i|^p\right)^{1/p}", "te.norm([3.0, -4.0])\nte.norm([3.0, -4.0], 1)"),
        "layer_norm": (r"\frac{x - \bar x}{\sqrt{\operatorname{var}(x) + \varepsilon}} \, w + b",
                       _VECTOR + "te.layer_norm(x)"),
        "group_norm": ("", "te.group_norm([[1.0, 3.0, 1.0, 5.0]], 2)"),
        "instance_norm": ("", "te.instance_norm([[[1.0, 3.0], [1.0, 5.0]]])"),
        "rms_norm": (r"x / \sqrt{\operatorname{mean}(x^2) + \varepsilon} \, w",
                     _VECTOR + "te.rms_norm(x)"),
        "sort": ("", "te.sort([3.0, 1.0, 2.0])\nte.sort([3.0, 1.0, 2.0], descending=True)"),
        "topk": ("", "values, places = te.topk([3.0, 1.0, 2.0], 2)\nvalues\nplaces"),
        "allclose": ("", "te.allclose([1.0, 2.0], [1.0, 2.0 + 1e-7])"),
    },
    "Products": {
        "dot": (r"\sum_i x_i y_i", "te.dot([1.0, 2.0], [3.0, 4.0])"),
        "outer": (r"z_{ij} = x_i y_j", "te.outer([1.0, 2.0], [3.0, 4.0])"),
        "trace": (r"\sum_i x_{ii}", "te.trace([[1.0, 2.0], [3.0, 4.0]])"),
        "conv1d": (r"y_{o,i} = b_o + \sum_{c,k} w_{o,c,k}\, x_{c,\, s i + d k}",
                   "te.conv1d([[[1.0, 2.0, 4.0]]], [[[-1.0, 1.0]]], padding=1)"),
        "conv2d": (r"y_{o,i,j} = b_o + \sum_{c,k,l} w_{o,c,k,l}\, x_{c,\, s i + d k,\, s j + d l}",
                   _IMAGE + "te.conv2d(x, te.ones(1, 1, 2, 2), stride=2)"),
        "conv3d": ("", "te.conv3d(te.ones(1, 1, 2, 2, 2), te.ones(1, 1, 2, 2, 2))"),
        "conv_transpose1d": (r"y_{o,\, s i + d k} = b_o + \sum_{c} w_{c,o,k}\, x_{c,i}",
                             "te.conv_transpose1d([[[1.0, 2.0]]], [[[1.0, 10.0]]], stride=2)"),
        "conv_transpose2d": ("", "te.conv_transpose2d(te.ones(1, 1, 2, 2), te.ones(1, 1, 2, 2))"),
        "conv_transpose3d": ("", "te.conv_transpose3d(te.ones(1, 1, 1, 1, 2), te.ones(1, 1, 1, 1, 2))"),
    },
    "Pooling": {
        "avg_pool1d": ("", "te.avg_pool1d([[1.0, 2.0, 4.0]], 2, stride=1)"),
        "avg_pool2d": ("", _IMAGE + "te.avg_pool2d(x, 2)"),
        "avg_pool3d": ("", "te.avg_pool3d(te.ones(1, 2, 2, 2), 2)"),
        "max_pool1d": ("", "te.max_pool1d([[1.0, 2.0, 4.0]], 2, ceil_mode=True)"),
        "max_pool2d": ("", _IMAGE + "te.max_pool2d(x, 2)"),
        "max_pool3d": ("", "te.max_pool3d(te.ones(1, 2, 2, 2), 2)"),
        "adaptive_avg_pool1d": ("", "te.adaptive_avg_pool1d([[1.0, 2.0, 4.0]], 2)"),
        "adaptive_avg_pool2d": ("", _IMAGE + "te.adaptive_avg_pool2d(x, 1)"),
        "adaptive_avg_pool3d": ("", "te.adaptive_avg_pool3d(te.ones(1, 2, 2, 2), 1)"),
        "adaptive_max_pool1d": ("", "te.adaptive_max_pool1d([[1.0, 2.0, 4.0]], 2)"),
        "adaptive_max_pool2d": ("", _IMAGE + "te.adaptive_max_pool2d(x, (2, 1))"),
        "adaptive_max_pool3d": ("", "te.adaptive_max_pool3d(te.ones(1, 2, 2, 2), 1)"),
    },
    "Images": {
        "interpolate": ("", "te.interpolate([[[1.0, 3.0]]], 4, mode='linear')"),
        "pixel_shuffle": ("", "te.pixel_shuffle(te.reshape(te.arange(4.0), (4, 1, 1)), 2)"),
        "pixel_unshuffle": ("", "te.pixel_unshuffle(te.reshape(te.arange(4.0), (1, 2, 2)), 2).shape"),
        "unfold": ("", _IMAGE + "te.unfold(x, 2, stride=2)"),
        "fold": ("", "te.fold(te.ones(1, 4, 4), (3, 3), 2)"),
    },
    "Shapes": {
        "squeeze": ("", "te.squeeze(te.ones(1, 3, 1)).shape"),
        "expand_dims": ("", "te.expand_dims(te.ones(3), 0).shape"),
        "flatten": ("", "te.flatten(te.ones(2, 3, 4), 1).shape"),
        "unflatten": ("", "te.unflatten(te.ones(2, 6), 1, (2, 3)).shape"),
        "broadcast_to": ("", "te.broadcast_to([1.0, 2.0], (2, 2))"),
        "transpose": ("", "te.transpose([[1.0, 2.0, 3.0]])"),
        "matrix_transpose": ("", "te.matrix_transpose(te.ones(5, 2, 3)).shape"),
        "permute_dims": ("", "te.permute_dims(te.ones(2, 3, 4), (2, 0, 1)).shape"),
        "stack": ("", "te.stack([te.tensor([1.0, 2.0]), te.tensor([3.0, 4.0])])"),
        "split": ("", "te.split(te.arange(5), 2)"),
        "tile": ("", "te.tile([1.0, 2.0], 2)"),
        "repeat": ("", "te.repeat([1.0, 2.0], 2)"),
        "sliding_windows": ("", "te.sliding_windows(te.arange(4.0), 2)"),
        "clone": ("", "te.clone(te.tensor([1.0, 2.0]))"),
    },
    "Places": {
        "getitem": ("", "x = te.tensor([[1.0, 2.0], [3.0, 4.0]])\nte.getitem(x, (0, [1, 0]))\nx[0, [1, 0]]"),
        "take_along_axis": ("", "te.take_along_axis([[10.0, 20.0]], [[1, 1, 0]], axis=1)"),
        "index_select": ("", "te.index_select([[1.0, 2.0], [3.0, 4.0]], [1, 1], axis=0)"),
        "take": ("", "te.take([10.0, 20.0, 30.0], [2, 0])"),
        "embedding": ("", "te.embedding([1, 0, 1], [[1.0, 2.0], [3.0, 4.0]])"),
    },
}
# fmt: on
for _title, _group in MORE.items():
    WRITTEN.setdefault(_title, {}).update(_group)


def names() -> list[str]:
    """The names of all functions on the page, in order."""
    return [name for group in WRITTEN.values() for name in group]


def anchor(name: str) -> str:
    """The part of the address after `#` for the section of a function."""
    return f"te{name}"


def summary(name: str) -> str:
    """The formula, or the first sentence of the docstring."""
    formula = next(group[name][0] for group in WRITTEN.values() if name in group)
    return f"${formula}$" if formula else _documentation(name).split(". ")[0].split(": ")[0].rstrip(".") + "."


def page(homes: dict[str, str]) -> str:
    """The text of the page; `homes` is {op: the page with its section}."""
    out = [
        "# Compositions",
        "Functions of `te` that are made of the primitives, so that their gradients "
        "follow from those of their parts, to any order. What each is made of is what ran in its example.",
    ]
    for title, group in WRITTEN.items():
        out.append(f"## {title}")
        out += [_section(name, formula, text, homes) for name, (formula, text) in group.items()]
    return "\n\n".join(out) + "\n"


def _section(name: str, formula: str, text: str, homes: dict[str, str]) -> str:
    function = inspect.unwrap(getattr(functional, name))
    ran = [f"[{op}]({homes[op]})" if op in homes else op for op in made_of(name, text)]
    source = f"{{src}}`{name} <{function.__module__}.{function.__name__}>`"
    parts = [
        f"### te.{name}",
        f"$${formula}$$" * bool(formula),
        _documentation(name),
        f"`te.{name}{_signature(function)}`",
        namesakes.sentence(name),
        f"{'Made of ' + ', '.join(ran) if ran else 'No op runs'}; written in {source}.",
        block(text),
    ]
    return "\n\n".join(part for part in parts if part)


def made_of(name: str, text: str) -> list[str]:
    """The ops that run in the first statement of the example that calls the function."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if f"te.{name}(" in line)
    names: dict[str, Any] = {"te": te, "np": np}
    exec("\n".join(lines[:at]), names)
    with profile() as found:
        exec(lines[at], names)
    return sorted(row.name for row in found.rows)


def _documentation(name: str) -> str:
    return " ".join((inspect.getdoc(getattr(functional, name)) or "").split("\n\n")[0].split())


def _signature(function: Any) -> str:
    """The signature of a function: parameters with defaults, without types."""
    given = inspect.signature(function)
    untyped = [p.replace(annotation=inspect.Parameter.empty) for p in given.parameters.values()]
    return str(inspect.Signature(untyped))
