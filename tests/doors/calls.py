"""One call of everything public that takes a number: what is no number, and the numbers by their names.

`given` makes the arguments anew for each call, since some are changed by it; `star` are numbers that go where
a signature says `*shape`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as te
from tests.doors import calls_functions, calls_linalg, calls_optim, data_calls, image_calls
from tinygrad_edu import data, metrics, nn, optim
from tinygrad_edu.data.catalogue import GENERATED


@dataclass(frozen=True)
class Call:
    """`function(*given(), *star, **numbers)`."""

    function: Callable[..., Any]
    given: Callable[[], tuple[Any, ...]] = tuple
    numbers: dict[str, Any] = field(default_factory=dict)
    star: tuple[Any, ...] = ()

    def __call__(self, **numbers: Any) -> Any:
        star = numbers.pop("star", self.star)
        return self.function(*self.given(), *star, **{**self.numbers, **numbers})


def grid(*shape: int, dtype: str = "float32") -> te.Tensor:
    """0.25, 0.5, ... in a shape."""
    size = int(np.prod(shape))
    return te.tensor((np.arange(1, size + 1) * 0.25).reshape(shape).astype(dtype))


def one() -> tuple[te.Tensor]:
    return (grid(2, 3),)


def weights() -> list[te.Tensor]:
    """Two parameters with gradients."""
    found = [grid(2, 3).requires_grad_(), grid(3).requires_grad_()]
    for w in found:
        w.grad = grid(*w.shape) - 1.0
    return found


def pair() -> tuple[te.Tensor, te.Tensor]:
    return grid(2, 3), te.ones(2, 3)


def derived(derivative: Callable[..., Any]) -> Callable[..., Any]:
    """A derivative of x^2 y."""
    return lambda **numbers: derivative(lambda x, y: (x * x * y).sum(), **numbers)(grid(2), grid(2))


def scheduled(kind: Callable[..., Any]) -> Callable[..., Any]:
    """The rates of five steps."""
    return lambda **settings: [float(kind(**settings)(step)) for step in range(5)]


def drawn(function: Callable[..., Any]) -> Callable[..., Any]:
    """A random function, from a generator of its own."""
    return lambda *args, **numbers: function(*args, generator=te.Generator(3), **numbers)


def layer(kind: Callable[..., Any]) -> Callable[..., Any]:
    """A layer made from the same random stream every time."""

    def make(**settings: Any) -> Any:
        te.manual_seed(0)
        return kind(**settings)

    return make


def answered(kind: Callable[..., Any], *inputs: Any) -> Callable[..., Any]:
    """A layer, and what it says of some inputs."""

    def run(**settings: Any) -> Any:
        made = layer(kind)(**settings)
        return made, made(*inputs)

    return run


def table(reader: Callable[..., Any]) -> Callable[..., Any]:
    """What a reader makes of a small file."""

    def read(**numbers: Any) -> Any:
        import tempfile

        with tempfile.TemporaryDirectory() as at:
            path = Path(at) / "t.csv"
            with path.open("w") as out:
                csv.writer(out).writerows([["a", "b", "y", "who"], [1, 2, "u", "k"], [3, 4, "v", "l"]])
            found = reader(path, **numbers)
            return found if isinstance(found, data.Table) else repr(found).replace(at, "")

    return read


def clipped(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(**numbers: Any) -> Any:
        found = weights()
        return function(found, **numbers), [w.grad for w in found]

    return run


def elementwise() -> dict[str, Call]:
    """The elementwise functions that take numbers, as their ops declare."""
    lifted = {name: getattr(te, name) for name in te.functional.elementwise.__all__}
    ops = {name: f.op for name, f in lifted.items() if hasattr(f, "op")}
    some = {float: 0.5, int: 2, bool: True}
    return {
        name: Call(
            lifted[name],
            lambda op=op: (grid(3) - 1.0,) * len(op.inputs),
            {p: some[type(op.defaults.get(p, 0.0))] for p in op.params},
        )
        for name, op in ops.items()
        if op.params
    }


LINE = {"axis": 1, "keepdims": True}
PLACES = te.tensor([[0, 1, 0], [1, 0, 1]])

# fmt: off
FUNCTIONS: dict[str, Call] = {
    **{n: Call(getattr(te, n), one, LINE) for n in ("all", "any", "argmax", "argmin", "logsumexp", "max",
                                                    "mean", "min", "prod", "sum")},
    **{n: Call(getattr(te, n), one, {**LINE, "correction": 1.0}) for n in ("std", "var")},
    **{n: Call(getattr(te, n), one, {"axis": 1}) for n in ("cumprod", "cumsum", "expand_dims", "flip",
                                                           "log_softmax", "softmax")},
    **{n: Call(getattr(te, n), one, {"axis": 0, "descending": True}) for n in ("argsort", "sort")},
    **{n: Call(getattr(te, n), lambda: ([grid(2), grid(2)],), {"axis": 0}) for n in ("concat", "stack")},
    **{n: Call(getattr(te, n), lambda: (grid(2, 3), PLACES), {"axis": 0}) for n in ("gather",
                                                                                    "take_along_axis")},
    **{n: Call(getattr(te, n), lambda: (grid(2, 3), te.tensor([1, 0])), {"axis": 1}) for n in (
        "index_select", "take")},
    **{n: Call(getattr(te, n), one, {"shape": (4, 2, 3)}) for n in ("broadcast_to", "expand")},
    **{n: Call(getattr(te, n), star=(2, 3), numbers={"requires_grad": True}) for n in ("ones", "zeros")},
    **{n: Call(drawn(getattr(te, n)), star=(2, 3), numbers={"requires_grad": True}) for n in ("rand",
                                                                                              "randn")},
    **image_calls.functions(Call, grid),
    "allclose": Call(te.allclose, pair, {"rtol": 0.5, "atol": 0.25, "equal_nan": True}),
    "arange": Call(te.arange, numbers={"start": 1, "stop": 9, "step": 2}),
    "arange of floats": Call(te.arange, numbers={"start": 0.5, "stop": 3.0, "step": 0.25}),
    "bernoulli": Call(drawn(te.bernoulli), numbers={"p": 0.5, "shape": (2, 3)}),
    "conv1d": Call(te.conv1d, lambda: (grid(1, 2, 8), grid(2, 1, 2)),
                   {"stride": 2, "padding": 1, "dilation": (2,), "groups": 2}),
    "conv2d": Call(te.conv2d, lambda: (grid(1, 2, 8, 8), grid(2, 1, 2, 2)),
                   {"stride": 2, "padding": (1, 0), "dilation": (2, 1), "groups": 2}),
    **elementwise(),
    "eye": Call(te.eye, numbers={"n": 2, "m": 3}),
    "flatten": Call(te.flatten, lambda: (grid(2, 3, 2),), {"start": 0, "end": 1}),
    **{n: Call(getattr(te, n), one) for n in ("hardsigmoid", "hardswish", "mish", "relu6", "selu",
                                              "softsign", "tanhshrink")},
    "prelu": Call(te.prelu, lambda: (grid(2, 3) - 1.0, grid(3))),
    "causal_mask": Call(te.causal_mask, numbers={"queries": 2, "keys": 3}),
    "celu": Call(te.celu, lambda: (grid(3) - 1.0,), {"alpha": 0.5}),
    "dropout": Call(drawn(te.dropout), one, {"p": 0.5, "training": True, "shape": (2, 1)}),
    "embedding": Call(te.embedding, lambda: (te.tensor([1, 0]), grid(2, 3).requires_grad_()),
                      {"padding_idx": 1}),
    "full": Call(lambda **k: te.full(value=0.5, **k), numbers={"shape": (2, 3), "requires_grad": True}),
    "full of one size": Call(lambda **k: te.full(value=0.5, **k), numbers={"shape": 3}),
    "glu": Call(te.glu, lambda: (grid(2, 4),), {"axis": 1}),
    "hardshrink": Call(te.hardshrink, lambda: (grid(3),), {"lambd": 0.5}),
    "hardtanh": Call(te.hardtanh, lambda: (grid(4),), {"min_val": 0.5, "max_val": 0.75}),
    "scaled_dot_product_attention": Call(
        te.scaled_dot_product_attention, lambda: (grid(2, 3, 4), grid(1, 3, 4), grid(1, 3, 4)),
        {"dropout_p": 0.0, "is_causal": True, "scale": 0.5, "enable_gqa": False}),
    "softmin": Call(te.softmin, one, {"axis": 0}),
    "softshrink": Call(te.softshrink, lambda: (grid(3),), {"lambd": 0.5}),
    "threshold": Call(te.threshold, lambda: (grid(3),), {"threshold": 0.5, "value": 2.5}),
    "layer_norm": Call(te.layer_norm, one, {"axis": (0, 1), "eps": 0.5}),
    "linspace": Call(te.linspace, numbers={"start": 1, "stop": 2.5, "num": 4}),
    "norm": Call(te.norm, one, {"ord": 3, **LINE}),
    "one_hot": Call(te.one_hot, lambda: (te.tensor([0, 2]),), {"classes": 3}),
    "pad": Call(te.pad, one, {"widths": ((1, 0), (2, 1)), "value": 0.5}),
    "pad on all sides": Call(te.pad, one, {"widths": 1}),
    "permute_dims": Call(te.permute_dims, one, {"axes": (1, 0)}),
    "randint": Call(drawn(te.randint), numbers={"low": 2, "high": 9, "shape": (4,)}),
    "randperm": Call(drawn(te.randperm), numbers={"n": 5}),
    "repeat": Call(te.repeat, one, {"count": 2, "axis": 1}),
    "reshape": Call(te.reshape, one, {"shape": (3, -1)}),
    "reshape to one": Call(te.reshape, one, {"shape": 6}),
    "roll": Call(te.roll, one, {"shift": 1, "axis": 1}),
    "roll several": Call(te.roll, one, {"shift": (1, 2), "axis": (0, 1)}),
    "scatter_add": Call(te.scatter_add, lambda: (grid(2, 3), PLACES, grid(2, 3)), {"axis": 0}),
    "sliding_windows": Call(te.sliding_windows, lambda: (grid(6, 6),),
                            {"sizes": (2, 2), "stride": 2, "dilation": (1, 2)}),
    "split": Call(te.split, one, {"sizes": 2, "axis": 1}),
    "split in sizes": Call(te.split, one, {"sizes": (1, 2), "axis": 1}),
    "squeeze": Call(te.squeeze, lambda: (grid(2, 1),), {"axis": 1}),
    "tensor": Call(te.tensor, lambda: ([1.0, 2.0],), {"requires_grad": True}),
    "tile": Call(te.tile, one, {"repeats": (2, 2)}),
    "topk": Call(te.topk, one, {"k": 2, "axis": 1}),
    "transpose": Call(te.transpose, one, star=(0, 1)),
    "wrap": Call(te.wrap, lambda: (np.ones(2),), {"requires_grad": True}),
    **{n: Call(derived(getattr(te, n)), numbers={"argnums": 1}) for n in ("grad", "hessian", "jacobian",
                                                                         "value_and_grad")},
    **{f"{n} without aux": Call(derived(getattr(te, n)), numbers={"argnums": 1, "has_aux": False})
       for n in ("grad", "value_and_grad")},
    "grad by several": Call(derived(te.grad), numbers={"argnums": (0, 1)}),
    "set_num_threads": Call(lambda **k: (te.set_num_threads(**k), te.ones(2))[1], numbers={"n": 1}),
    "manual_seed": Call(lambda **k: (te.manual_seed(**k), te.rand(3))[1], numbers={"seed": 7}),
    "Generator": Call(te.Generator, numbers={"seed": 7}),
    "Generator.uniform": Call(lambda **k: te.Generator(1).uniform(**k), numbers={"shape": (2, 3)}),
    "Generator.normal": Call(lambda **k: te.Generator(1).normal(**k), numbers={"shape": (2, 3)}),
    "Generator.integers": Call(lambda **k: te.Generator(1).integers(**k),
                               numbers={"low": 1, "high": 5, "shape": (2, 3)}),
    "Generator.permutation": Call(lambda **k: te.Generator(1).permutation(**k), numbers={"n": 5}),
    "Generator.words": Call(lambda **k: te.Generator(1).words(**k), numbers={"count": 5}),
    "Generator.advance": Call(lambda **k: te.Generator(1).advance(**k), numbers={"count": 5}),
    "Generator.spawn": Call(te.Generator(1).spawn, star=(1, 2)),
    "Generator.load_state_dict": Call(
        lambda state: (g := te.Generator(1)).load_state_dict({"key": state, "counter": state}) or g,
        numbers={"state": 2}),
}

METHODS: dict[str, Call] = {
    "add_": Call(lambda **k: grid(3).add_(grid(3), **k), numbers={"alpha": 0.5}),
    "fill_": Call(lambda **k: grid(3).fill_(**k), numbers={"value": 0.5}),
    "requires_grad_": Call(lambda **k: grid(3).requires_grad_(**k), numbers={"wanted": True}),
    "backward": Call(lambda **k: (x := grid(3).requires_grad_(), (x * x).sum().backward(**k))[0].grad,
                     numbers={"create_graph": True, "retain_graph": True}),
    "numpy": Call(lambda **k: te.tensor(grid(3).numpy(**k)), numbers={"force": True}),
    "unsqueeze": Call(lambda **k: grid(3).unsqueeze(**k), numbers={"axis": 1}),
    "getitem": Call(lambda i: grid(2, 3)[i], numbers={"i": 1}),
    "getitem of a slice": Call(lambda i, j, k: grid(6)[i:j:k], numbers={"i": 1, "j": 5, "k": 2}),
    "setitem": Call(lambda i, v: (x := grid(3), x.__setitem__(i, v))[0], numbers={"i": 1, "v": 0.5}),
    "round": Call(lambda n: round(te.tensor(0.28125), n), numbers={"n": 2}),
    **{n: Call(lambda *star, name=n: getattr(grid(2, 3), name)(*star), star=star)
       for n, star in (("reshape", (3, 2)), ("expand", (2, 3)), ("permute", (1, 0)), ("transpose", (0, 1)))},
}

MODULES: dict[str, Call] = {
    "Linear": Call(layer(nn.Linear), numbers={"in_features": 3, "out_features": 2, "bias": True}),
    "Conv1d": Call(answered(nn.Conv1d, grid(1, 2, 8)), numbers={
        "in_channels": 2, "out_channels": 4, "kernel_size": (2,), "stride": 2, "padding": 1, "dilation": 2,
        "groups": 2, "bias": True}),
    "Conv2d": Call(answered(nn.Conv2d, grid(1, 2, 8, 8)), numbers={
        "in_channels": 2, "out_channels": 4, "kernel_size": 2, "stride": (2, 1), "padding": 1, "dilation": 2,
        "groups": 2, "bias": True}),
    **image_calls.modules(Call, grid, answered),
    "Flatten": Call(answered(nn.Flatten, grid(2, 3, 2)), numbers={"start": 1, "end": 2}),
    **{n: Call(answered(getattr(nn, n), x), numbers={"p": 0.25, "inplace": True})
       for n, x in (("Dropout", grid(5)), ("AlphaDropout", grid(5)), ("Dropout1d", grid(2, 3, 2)),
                    ("Dropout2d", grid(2, 3, 2, 2)), ("Dropout3d", grid(2, 3, 2, 2, 2)))},
    "Bilinear": Call(layer(nn.Bilinear), numbers={"in1_features": 3, "in2_features": 2, "out_features": 2,
                                                  "bias": True}),
    **{n: Call(answered(getattr(nn, n), grid(2, 3)), numbers={"input_size": 3, "hidden_size": 2,
                                                              "bias": False})
       for n in ("RNNCell", "LSTMCell", "GRUCell")},
    **{n: Call(answered(getattr(nn, n), grid(2, 3, 3)), numbers={
        "input_size": 3, "hidden_size": 2, "num_layers": 2, "bias": True, "batch_first": True,
        "dropout": 0.25, "bidirectional": True}) for n in ("RNN", "LSTM", "GRU")},
    "MultiheadAttention": Call(answered(nn.MultiheadAttention, *(grid(2, 3, 4),) * 3), numbers={
        "embed_dim": 4, "num_heads": 2, "dropout": 0.25, "bias": True, "add_bias_kv": True,
        "add_zero_attn": True, "kdim": 4, "vdim": 4, "batch_first": True}),
    **{n: Call(answered(getattr(nn, n), *(grid(2, 3, 4),) * inputs), numbers={
        "d_model": 4, "nhead": 2, "dim_feedforward": 3, "dropout": 0.25, "layer_norm_eps": 0.5,
        "batch_first": True, "norm_first": True, "bias": False})
       for n, inputs in (("TransformerEncoderLayer", 1), ("TransformerDecoderLayer", 2))},
    "Transformer": Call(answered(nn.Transformer, *(grid(2, 3, 4),) * 2), numbers={
        "d_model": 4, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 3,
        "dropout": 0.25, "layer_norm_eps": 0.5, "batch_first": True, "norm_first": True, "bias": False}),
    "TransformerEncoder": Call(lambda **k: nn.TransformerEncoder(nn.Linear(1, 1, generator=te.Generator(1)),
                                                                 **k), numbers={"num_layers": 2}),
    "TransformerDecoder": Call(lambda **k: nn.TransformerDecoder(nn.Linear(1, 1, generator=te.Generator(1)),
                                                                 **k), numbers={"num_layers": 2}),
    **{n: Call(answered(getattr(nn, n), grid(2, 3, 4)), numbers={
        "d_model": 4, "dropout": 0.25, "max_len": 5, "batch_first": True})
       for n in ("PositionalEncoding", "LearnedPositionalEncoding")},
    "LayerNorm": Call(answered(nn.LayerNorm, grid(2, 3)), numbers={
        "normalized_shape": (2, 3), "eps": 0.5, "elementwise_affine": True, "bias": True}),
    "LayerNorm of one": Call(answered(nn.LayerNorm, grid(2, 3)), numbers={"normalized_shape": 3}),
    "Embedding": Call(answered(nn.Embedding, te.tensor([1, 2])), numbers={
        "num_embeddings": 3, "embedding_dim": 2, "padding_idx": 1}),
    "Embedding.from_pretrained": Call(nn.Embedding.from_pretrained, one, {"freeze": True, "padding_idx": 1}),
    **{n: Call(answered(getattr(nn, n), x), numbers={
        "num_features": 3, "eps": 0.5, "momentum": 0.25, "affine": True, "track_running_stats": True})
       for n, x in (("BatchNorm1d", grid(2, 3)), ("BatchNorm2d", grid(2, 3, 2, 2)))},
    "LeakyReLU": Call(answered(nn.LeakyReLU, grid(3) - 1.0), numbers={
        "negative_slope": 0.5, "inplace": True}),
    **{n: Call(answered(getattr(nn, n), grid(3) - 1.0), numbers={"alpha": 0.5, "inplace": True})
       for n in ("ELU", "CELU")},
    **{n: Call(answered(getattr(nn, n), grid(3) - 1.0), numbers={"inplace": True})
       for n in ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardsigmoid", "Hardswish")},
    **{n: Call(answered(getattr(nn, n), grid(2, 3)), numbers={"axis": 0}) for n in ("Softmax", "LogSoftmax",
                                                                                    "Softmin", "GLU")},
    **{n: Call(answered(getattr(nn, n), grid(3)), numbers={"lambd": 0.5}) for n in ("Hardshrink",
                                                                                    "Softshrink")},
    "Hardtanh": Call(answered(nn.Hardtanh, grid(3)), numbers={
        "min_val": 0.25, "max_val": 0.5, "inplace": True}),
    "Threshold": Call(answered(nn.Threshold, grid(3)), numbers={
        "threshold": 0.5, "value": 2.5, "inplace": True}),
    "CosineSimilarity": Call(answered(nn.CosineSimilarity, *pair()), numbers={"axis": 0, "eps": 0.5}),
    "PairwiseDistance": Call(answered(nn.PairwiseDistance, *pair()), numbers={
        "p": 3.0, "eps": 0.5, "keepdims": True}),
    "PReLU": Call(answered(nn.PReLU, grid(2, 3) - 1.0), numbers={"num_parameters": 3, "init": 0.5}),
    "Parameter": Call(lambda **k: nn.Parameter([1.0], **k), numbers={"requires_grad": True}),
    "Sequential[i]": Call(lambda i: nn.Sequential(nn.ReLU(), nn.Tanh())[i], numbers={"i": 1}),
    "Module.train": Call(lambda **k: nn.ReLU().train(**k), numbers={"mode": False}),
    "summary": Call(lambda size: str(nn.Linear(3, 2).summary(size)), numbers={"size": (5, 3)}),
}
# fmt: on

INIT: dict[str, Call] = {
    "calculate_gain": Call(nn.init.calculate_gain, lambda: ("leaky_relu",), {"slope": 0.5}),
    "constant_": Call(nn.init.constant_, one, {"value": 0.5}),
    "uniform_": Call(drawn(nn.init.uniform_), one, {"low": 0.25, "high": 0.5}),
    "normal_": Call(drawn(nn.init.normal_), one, {"mean": 0.25, "std": 0.5}),
    "trunc_normal_": Call(drawn(nn.init.trunc_normal_), one, {"mean": 0.25, "std": 0.5, "a": -1.0, "b": 1.5}),
    **{
        n: Call(drawn(getattr(nn.init, n)), one, {"gain": 0.5})
        for n in ("xavier_uniform_", "xavier_normal_", "orthogonal_")
    },
    **{n: Call(drawn(getattr(nn.init, n)), one, {"a": 0.5}) for n in ("kaiming_uniform_", "kaiming_normal_")},
}

# fmt: off
OPTIM: dict[str, Call] = {
    **calls_optim.rules(Call),
    "StepLR": Call(scheduled(optim.StepLR), numbers={"every": 2, "factor": 0.5}),
    "CosineLR": Call(scheduled(optim.CosineLR), numbers={"total": 4, "lowest": 0.25}),
    "LinearWarmup": Call(scheduled(optim.LinearWarmup), numbers={"steps": 4}),
    "clip_grad_norm_": Call(clipped(optim.clip_grad_norm_), numbers={
        "max_norm": 0.5, "norm_type": 2, "error_if_nonfinite": True}),
    "clip_grad_value_": Call(clipped(optim.clip_grad_value_), numbers={"clip_value": 0.5}),
}
# fmt: on

_ROWS = data.ArrayDataset(np.arange(6), np.arange(6) % 2)
# fmt: off
DATA: dict[str, Call] = {
    "DataLoader": Call(lambda **k: list(data.DataLoader(_ROWS, **k)), numbers={
        "batch_size": 4, "seed": 5, "shuffle": True, "drop_last": True, "as_numpy": True, "shard": (0, 1),
        "num_workers": 0, "timeout": 9.0, "prefetch_factor": 3, "persistent_workers": True}),
    "DataLoader.order": Call(data.DataLoader(_ROWS, shuffle=True).order, numbers={"epoch": 2}),
    "RandomAffine": Call(lambda **k: data.RandomAffine(**k)(np.ones((2, 4, 4))), numbers={
        "degrees": 10, "translate": 0.5, "fill": 0.25, "seed": 3}),
    **data_calls.calls(Call),
    "affine": Call(data.affine, lambda: (np.ones((2, 4, 4)),), {"fill": 0.5}),
    **{n: Call(make, numbers={"n": 8, "noise": 0.25, "seed": 3}) for n, make in GENERATED.items()},
    "kfold": Call(lambda **k: [a.tolist() for parts in data.kfold(**k) for a in parts], numbers={
        "rows": 6, "folds": 2, "seed": 3, "stratify": True}),
    "load": Call(data.load, lambda: ("xor",), {"seed": 3}),
    "read_csv": Call(table(data.read_csv), numbers={"label": 2, "names": 3, "header": True}),
    "read_examples": Call(table(data.read_examples), numbers={
        "label": 2, "names": 3, "header": True, "encode": True, "categories": (0, 1)}),
    "train_test_split": Call(data.train_test_split, lambda: (_ROWS,), {"test_fraction": 0.5, "seed": 3}),
    "ArrayDataset[i]": Call(lambda i: _ROWS[i], numbers={"i": 2}),
    "Subset[i]": Call(lambda i: data.Subset(_ROWS, [3, 1])[i], numbers={"i": 1}),
}
# fmt: on


def counted(kind: Callable[..., Any]) -> Callable[..., Any]:
    """The metric of a batch; of one column if there is a threshold."""

    def run(**settings: Any) -> Any:
        metric, score = kind(**settings), np.array([0.25, 0.5, 0.75])
        tall = score[:, None, None] - np.array([[[0.5], [0.25]]])
        is_flat = "threshold" in settings or kind is metrics.ROCAUC
        metric.update(*((score, [1, 0, 1]) if is_flat else (tall, [[1], [0], [1]])))
        return metric.compute()

    return run


_OF_CLASSES = [getattr(metrics, n) for n in ("Accuracy", "ConfusionMatrix", "Precision", "Recall", "F1Score")]
METRICS: dict[str, Call] = {
    **{k.__name__: Call(counted(k), numbers={"axis": 1, "ignore_index": 0}) for k in _OF_CLASSES},
    **{f"{k.__name__} of a column": Call(counted(k), numbers={"threshold": 0.5}) for k in _OF_CLASSES},
    "TopKAccuracy": Call(counted(metrics.TopKAccuracy), numbers={"k": 1, "axis": 1, "ignore_index": 0}),
    "Perplexity": Call(counted(metrics.Perplexity), numbers={"axis": 1, "ignore_index": 0}),
    "ROCAUC": Call(counted(metrics.ROCAUC), numbers={"ignore_index": 2}),
}

FUNCTIONS |= calls_functions.functions(Call)
MODULES |= calls_functions.modules(Call)
TABLES: dict[str, dict[str, Call]] = {
    "te": FUNCTIONS, "Tensor": METHODS, "nn": MODULES, "init": INIT, "optim": OPTIM, "data": DATA,
    "lr_scheduler": calls_optim.schedules(Call), "swa_utils": calls_optim.averages(Call),
    "metrics": METRICS, "linalg": calls_linalg.functions(Call),
}  # fmt: skip
SPACES: dict[str, Any] = {"te": te, "Tensor": te.Tensor, "nn": nn, "init": nn.init, "optim": optim,
                          "lr_scheduler": optim.lr_scheduler, "swa_utils": optim.swa_utils,
                          "data": data, "metrics": metrics, "linalg": te.linalg}  # fmt: skip
