"""The examples of the reference, which run when the pages are written, so their results are real.

The example of an elementwise op is made from the domain in which it is tested. The other examples are written
here, one statement per line. Numbers are shown with four digits. A number that another machine could round
differently is an error; then choose another example.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu import functional
from tinygrad_edu.domain import Interval, SeededDraw
from tinygrad_edu.engine.op import Op
from tinygrad_edu.reference.writing import meta, written

_SEEDS = 50  # tries to draw an example without empty arrays
_SLACK = 5e-7  # the relative difference that another machine may have
_FORMAT: Any = {"precision": 4, "suppress": True}
_FRACTIONS = (0.15, 0.55, 0.85)  # the fractions of an interval at which an example evaluates
_MOVES = (0.0, 0.1, -0.1, 0.2, -0.2, 0.3)  # added to them until every machine shows the same numbers
_DEFAULT_PLACES = {"clip": (-2.0, 0.3, 2.0), "leaky_relu": (-2.0, 0.3, 2.0), "elu": (-2.0, 0.3, 2.0),
                   "bell": (-2.0, 0.3, 2.0)}  # fmt: skip
_SPECIAL_INPUTS = {"hypot": ((3.0, 1.0, 0.5), (4.0, 2.0, 1.2))}  # the values of both inputs
_COMPARED = "te.{name}([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])"
_TRUTHS = "te.{name}([True, True, False, False], [True, False, True, False])"
_UNUSUAL = "te.{name}([1.0, float('inf'), float('nan')])"
_VECTOR = "x = te.tensor([3.0, 1.0, 2.0], requires_grad=True)\n"
_MATRIX = "x = te.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)\n"
_BACK = "\nte.sum(y).backward()\nx.grad"
_IMAGE = "x = te.reshape(te.tensor([1.0, 5.0, 2.0, 4.0]), (1, 1, 2, 2))\nx.requires_grad = True\n"
_SIGNAL = (
    "x = te.tensor([[[1.0, 2.0, 4.0]]], requires_grad=True)\n"
    "weight = te.tensor([[[-1.0, 1.0]]], requires_grad=True)\ny = te.conv1d(x, weight)\n"
)
_SCORES = (
    "logits = te.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]], requires_grad=True)\n"
    "loss = te.cross_entropy(logits, [0, 2])\n"
)
_SYSTEM = "x = te.tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True)\n"
_OWN = "from tinygrad_edu.ops.{module} import {name}\n"

# op: statements; {name} stands for its name, {module} for the file of ops/ that declares it
WRITTEN = {
    **dict.fromkeys(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"), _COMPARED),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), _TRUTHS),
    **dict.fromkeys(("isnan", "isinf", "isfinite"), _UNUSUAL),
    "logical_not": "te.logical_not([True, False])",
    "where": "x = te.tensor([1.0, 2.0, 3.0], requires_grad=True)\ny = te.where(x > 1.5, x, 0.0)\ny" + _BACK,
    "clip": "x = te.tensor([-2.0, 0.3, 2.0], requires_grad=True)\ny = te.clip(x, -1.0, 1.0)\ny" + _BACK,
    "floor_divide": "te.floor_divide([7.0, -7.0], 2.0)",
    "remainder": "te.remainder([7.0, -7.0], 4.0)",
    "maximum": "x = te.tensor([1.0, 2.0, 3.0], requires_grad=True)\ny = te.maximum(x, 2.0)\ny" + _BACK,
    "minimum": "x = te.tensor([1.0, 2.0, 3.0], requires_grad=True)\ny = te.minimum(x, 2.0)\ny" + _BACK,
    "reshape": "te.reshape(te.arange(6), (2, 3))",
    "permute": "te.permute_dims(te.ones(2, 3, 4), (2, 0, 1)).shape",
    "expand": "te.expand([[1.0], [2.0]], (2, 3))",
    "flip": "te.flip([1.0, 2.0, 3.0])",
    "slice": "te.arange(6)[1:5:2]",
    "windows": "te.sliding_windows(te.arange(5), 3)",
    "unslice": _OWN + "unslice(te.tensor([1.0, 2.0]), shape=(5,), key=(slice(1, 5, 2),))",
    "fold": _OWN + "windows = te.sliding_windows(te.ones(5), 3)\n"
    "fold(windows, shape=(5,), sizes=(3,), strides=(1,), dilations=(1,))",
    "pad": "te.pad([1.0, 2.0], 1, value=9.0)",
    "roll": "te.roll([1.0, 2.0, 3.0], 1)",
    "concat": "te.concat([[1.0, 2.0], [3.0]])",
    "matmul": _MATRIX + "y = te.matmul(x, [[1.0], [10.0]])\ny" + _BACK,
    "linear": "te.linear([[1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.5, 0.5, 0.5])",
    "einsum": _MATRIX + "te.einsum('ij,j->i', x, [1.0, 10.0])\nte.einsum('ii->', x)",
    "convolution": _SIGNAL + "y",
    "convolution_input": _SIGNAL + "te.sum(y).backward()\nx.grad",
    "convolution_weight": _SIGNAL + "te.sum(y).backward()\nweight.grad",
    "cast": "te.tensor([1.7, -1.7]).cast('int64')",
    "sum": _MATRIX + "te.sum(x, axis=0)\nte.sum(x)",
    "max": "x = te.tensor([1.0, 4.0, 4.0], requires_grad=True)\ny = te.max(x)\ny\ny.backward()\nx.grad",
    "min": "x = te.tensor([1.0, 1.0, 4.0], requires_grad=True)\ny = te.min(x)\ny\ny.backward()\nx.grad",
    "argmax": "te.argmax([3.0, 1.0, 5.0])",
    "argmin": "te.argmin([3.0, 1.0, 5.0])",
    "any": "te.any([[0.0, 0.0], [0.0, 1.0]], axis=1)",
    "all": "te.all([[1.0, 0.0], [1.0, 1.0]], axis=1)",
    "logsumexp": _VECTOR + "y = te.logsumexp(x)\ny\ny.backward()\nx.grad",
    "norm2": "x = te.tensor([3.0, 4.0], requires_grad=True)\ny = te.norm(x)\ny\ny.backward()\nx.grad",
    "norm_p": "x = te.tensor([3.0, 4.0], requires_grad=True)\ny = te.norm(x, 3)\ny\ny.backward()\nx.grad",
    "prod_others": _OWN + "prod_others(te.tensor([2.0, 3.0, 4.0]), axes=(0,))",
    "prod": "x = te.tensor([2.0, 0.0, 4.0], requires_grad=True)\ny = te.prod(x)\ny\ny.backward()\nx.grad",
    "cumsum": "x = te.tensor([1.0, 2.0, 3.0], requires_grad=True)\ny = te.cumsum(x)\ny" + _BACK,
    "cumprod": "x = te.tensor([1.0, 2.0, 3.0], requires_grad=True)\ny = te.cumprod(x)\ny" + _BACK,
    "softmax": "x = te.tensor([1.0, 2.0, 3.0], requires_grad=True)\ny = te.softmax(x)\ny\n"
    "y[0].backward()\nx.grad",
    "log_softmax": "te.log_softmax([1.0, 2.0, 3.0])",
    "softmax_grad": _OWN + "y = te.softmax([1.0, 2.0, 3.0])\n"
    "softmax_grad(te.tensor([1.0, 0.0, 0.0]), y, axis=0)",
    "log_softmax_grad": _OWN + "y = te.log_softmax([1.0, 2.0, 3.0])\n"
    "log_softmax_grad(te.tensor([1.0, 0.0, 0.0]), y, axis=0)",
    "cross_entropy": _SCORES + "loss",
    "cross_entropy_grad": _SCORES + "loss.backward()\nlogits.grad",
    "standardize": _OWN + "standardize(te.tensor([1.0, 2.0, 6.0]), axes=(0,), eps=0.0)",
    "standardize_grad": _OWN + "x = te.tensor([1.0, 2.0, 6.0])\n"
    "standardize_grad(te.tensor([1.0, 0.0, 0.0]), x, axes=(0,), eps=0.0)",
    "gather": "x = te.tensor([[10.0, 20.0], [30.0, 40.0]], requires_grad=True)\n"
    "y = te.gather(x, [[1], [0]], axis=1)\ny" + _BACK,
    "scatter_add": "te.scatter_add(te.zeros(4), [0, 2, 2], [1.0, 10.0, 100.0])",
    "index": "x = te.tensor([10.0, 20.0, 30.0], requires_grad=True)\ny = x[[2, 0, 2]]\ny" + _BACK,
    "index_add": _OWN + "index_add(te.tensor([1.0, 10.0, 100.0]), shape=(3,), key=(np.array([2, 0, 2]),))",
    "take_rows": "te.embedding([1, 0, 1], [[1.0, 2.0], [3.0, 4.0]])",
    "add_rows": _OWN + "add_rows(te.ones(3, 2), te.tensor([1, 0, 1]), rows=3)",
    "argsort": "te.argsort([3.0, 1.0, 2.0])",
    "one_hot": "te.one_hot([2, 0], 3)",
    "max_pool": _IMAGE + "y = te.max_pool2d(x, 2)\ny" + _BACK,
    "max_pool_spread": _OWN + "x = te.tensor([1.0, 5.0, 2.0, 4.0])\n"
    "max_pool_spread(te.tensor([1.0, 10.0]), x, sizes=(2,), strides=(2,))",
    "max_pool_read": _OWN + "x = te.tensor([1.0, 5.0, 2.0, 4.0])\n"
    "max_pool_read(te.tensor([0.1, 0.2, 0.3, 0.4]), x, sizes=(2,), strides=(2,))",
    "solve": _SYSTEM + "y = te.linalg.solve(x, [3.0, 4.0])\ny" + _BACK,
    "cofactor": _OWN + "cofactor(te.tensor([[1.0, 2.0], [3.0, 5.0]]))",
    "det": "x = te.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)\ny = te.linalg.det(x)\ny" + _BACK,
    "slogdet": _SYSTEM + "sign, size = te.linalg.slogdet(x)\nsign\nsize\nsize.backward()\nx.grad",
    "cholesky": _SYSTEM + "y = te.linalg.cholesky(x)\ny" + _BACK,
    "pinv": "te.linalg.pinv([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])",
    "eigh": "values, vectors = te.linalg.eigh([[2.0, 1.0], [1.0, 2.0]])\nvalues\nvectors",
    "eigvalsh": _SYSTEM + "y = te.linalg.eigvalsh(x)\ny\ny[1].backward()\nx.grad",
    "svd": "u, s, vh = te.linalg.svd([[3.0, 0.0], [4.0, 5.0]], full_matrices=False)\ns\nvh",
    "svdvals": "x = te.tensor([[3.0, 0.0], [4.0, 5.0]], requires_grad=True)\ny = te.linalg.svdvals(x)\ny\n"
    "y[0].backward()\nx.grad",
    "svd_full": "te.linalg.svd([[3.0, 0.0], [4.0, 5.0], [0.0, 1.0]]).U.shape",
    "qr": "q, r = te.linalg.qr([[3.0, 1.0], [4.0, 2.0]])\nq\nr",
    "qr_full": "te.linalg.qr([[3.0, 1.0], [4.0, 2.0], [0.0, 1.0]], mode='complete').Q.shape",
    "full": "te.full((2, 2), 0.5)",
    "uniform": "te.manual_seed(0)\nte.rand(3)",
    "normal": "te.manual_seed(0)\nte.randn(3)",
    "integers": "te.manual_seed(0)\nte.randint(0, 10, (6,))",
    "bernoulli": "te.manual_seed(0)\nte.bernoulli(0.3, (8,))",
    "permutation": "te.manual_seed(0)\nte.randperm(6)",
}


def of_op(op: Op, home: ModuleType | None) -> str:
    """The example of an op as a block of a page; for a user's op, one random call with its shapes."""
    text = source(op, home)
    return (
        "For example:\n\n" + block(text) if text else "A call:\n\n```python\n" + _drawn_example(op) + "\n```"
    )


def source(op: Op, home: ModuleType | None) -> str:
    """The statements of the example of an op of the library; "" for a user's op."""
    if home is None:
        return ""
    module = home.__name__.rsplit(".", 1)[-1]

    def filled(text: str) -> str:
        return text.replace("{name}", op.name).replace("{module}", module)

    if op.name in WRITTEN or not op.domain:
        return filled(WRITTEN.get(op.name, ""))
    for text in map(filled, _elementwise(op)):
        try:
            session(text)
        except ValueError:
            continue
        return text
    raise ValueError(
        f"{op.name} needs an example in WRITTEN of {__file__}: all its numbers could be rounded either way"
    )


def block(text: str) -> str:
    """Statements and their output in Python, as a fenced block."""
    return "```pycon\n" + "\n".join(session(text)) + "\n```"


def session(text: str, names: dict[str, Any] | None = None) -> list[str]:
    """The lines that a terminal shows for these statements.

    Raises ValueError for a number that another machine could round differently.
    """
    names = {"te": te, "np": np} if names is None else names
    lines: list[str] = []

    def show(value: Any) -> None:
        if value is None:
            return
        if _depends_on_rounding(value):
            raise ValueError(f"{lines[-1]} has a number that could be rounded either way: {value!r}")
        lines.extend(_shown(value).splitlines())

    before, sys.displayhook = sys.displayhook, show
    try:
        with np.errstate(all="ignore"):
            for statement in ast.parse(text).body:
                code = ast.get_source_segment(text, statement) or ""
                lines.append(f">>> {code}")
                exec(compile(code, "<reference>", "single"), names)
    finally:
        sys.displayhook = before
    return lines


def _shown(value: Any) -> str:
    """The repr of a value with four digits; for an array without axes NumPy would print all digits."""
    with np.printoptions(**_FORMAT):
        text = repr(value)
        if isinstance(value, te.Tensor) and value.ndim == 0:
            whole, short = str(value.numpy()), np.array2string(value.numpy().reshape(1))[1:-1]
            text = text.replace(whole, short, 1)
    return text


def _depends_on_rounding(value: Any) -> bool:
    """Whether a small change of a tensor's numbers would change the digits shown."""
    if not isinstance(value, te.Tensor) or not np.issubdtype(value.dtype, np.floating):
        return False
    numbers = value.numpy().reshape(-1)
    exact = numbers == np.round(numbers)
    with np.printoptions(**_FORMAT):
        shown = {
            str(np.where(exact, numbers, numbers * (1 + by)).astype(numbers.dtype))
            for by in (-_SLACK, 0.0, _SLACK)
        }
    return len(shown) > 1


def _elementwise(op: Op) -> Iterator[str]:
    """Examples with three points of each input's domain, or near them, and the gradient if there is one."""
    names, places = list(op.inputs), [_points_in(i) for i in op.domain]
    if op.name in _DEFAULT_PLACES:
        places = [list(_DEFAULT_PLACES[op.name])]
    if len(places) == 2:
        places = [*map(list, _SPECIAL_INPUTS.get(op.name, (places[0], places[1][::-1])))]
    for move in _MOVES:
        moved = [[round(n + move, 1) for n in at] for at in places]
        inside = (n in where for where, at in zip(op.domain, moved, strict=True) for n in at)
        if move == 0.0 or all(inside):
            yield _called_at(op, names, moved)


def _called_at(op: Op, names: Sequence[str], places: Sequence[Sequence[float]]) -> str:
    public = hasattr(functional, op.name)
    ask = ", requires_grad=True" if op.differentiable else ""
    lines = [] if public else [_OWN.strip()]
    lines += [
        f"{name} = te.tensor({written_floats(at)}{ask})" for name, at in zip(names, places, strict=True)
    ]
    result = next(letter for letter in "yzw" if letter not in names)
    drawn = op.calls(SeededDraw()).params if {*op.params} - {*op.defaults} else {}
    given = [*names, *(f"{key}={written(value)}" for key, value in drawn.items())]
    lines += [f"{result} = {'te.' * public}{op.name}({', '.join(given)})", result]
    if op.differentiable:
        lines += [f"te.sum({result}).backward()", *(f"{name}.grad" for name in names)]
    return "\n".join(lines)


def written_floats(numbers: Sequence[float]) -> str:
    """The text of a list of floats, each with a decimal point."""
    return "[" + ", ".join(repr(float(n)) for n in numbers) + "]"


def _points_in(where: Interval) -> list[float]:
    """Three numbers with few digits in an interval, and in none of its holes."""
    found = [round(where.low + (where.high - where.low) * share, 1) for share in _FRACTIONS]
    return [n if n in where else round(n + max(0.2, where.gap), 1) for n in found]


def _drawn_example(op: Op) -> str:
    """A random call: the shapes of its inputs, and the shape of its result."""
    for seed in range(_SEEDS):
        call = op.calls(SeededDraw(seed))
        shapes = [np.shape(a) for a in call.arrays]
        sides = [n for shape in shapes for n in shape] or list(call.params.get("shape", (1,)))
        if all(sides) and sides:
            break
    names = [f"{op.inputs[0]}{i}" for i in range(len(call.arrays))] if op.variadic else list(op.inputs)
    out = np.asarray(op.numpy(*call.arrays, **{**op.defaults, **call.params}))
    lines = [f"{name}: {meta(np.asarray(a))}" for name, a in zip(names, call.arrays)]
    given = ", ".join([*names, *(f"{k}={written(v)}" for k, v in call.params.items())])
    return "\n".join([*lines, f"{op.name}({given})  # {meta(out)}"])
