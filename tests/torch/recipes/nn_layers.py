"""Layers of torch.nn with weights drawn for both sides: in training and evaluation, their names and texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Recipe = Callable[[Any, Any], Any]


def filled(t: Any, d: Any, module: Any) -> Any:
    """The module in float64 with drawn numbers in parameters, whose gradients are compared, and buffers."""
    module = module.double()
    for parameter in module.parameters():
        with t.no_grad():
            parameter.copy_(d.floats(*parameter.shape, low=-0.7, high=0.7, grad=False))
        d.leaves.append(parameter)
    for buffer in module.buffers():
        if buffer.is_floating_point():
            buffer.copy_(d.floats(*buffer.shape, low=0.5, grad=False))
    return module


def layer(title: str, *shapes: Any, random: bool = False, **options: Any) -> Recipe:
    """A recipe for a layer: what it computes of floats of these shapes, its state's names, and its text."""

    def recipe(t: Any, d: Any) -> Any:
        args, named = options.get("args", ()), options.get("named", {})
        module = filled(t, d, getattr(t.nn, title)(*args, **named))
        inputs = [d.floats(*shape, low=0.1 if options.get("positive") else -2.0) for shape in shapes]
        named_state = {key: (x.shape, x.dtype) for key, x in module.state_dict().items()}
        first = None if random else module(*inputs)
        module.eval()
        return [first, module(*inputs), list(module.buffers()), repr(module), named_state]

    return recipe


def with_ints(title: str, shape: tuple[int, ...], high: int, **options: Any) -> Recipe:
    """A recipe for a layer of indices."""

    def recipe(t: Any, d: Any) -> Any:
        module = filled(t, d, getattr(t.nn, title)(*options.get("args", ()), **options.get("named", {})))
        return [module(d.ints(*shape, low=0, high=high)), repr(module), list(module.state_dict())]

    return recipe


def refused(title: str, *args: Any, **named: Any) -> Recipe:
    """A recipe for a layer that cannot be made."""
    return lambda t, d: getattr(t.nn, title)(*args, **named)


def unfit(title: str, shape: tuple[int, ...], *args: Any, **named: Any) -> Recipe:
    """A recipe for a layer whose input does not fit."""
    return lambda t, d: getattr(t.nn, title)(*args, **named).double()(d.floats(*shape))


def attributes(title: str, names: str, *args: Any, **named: Any) -> Recipe:
    """A recipe for what a layer says of itself."""
    return lambda t, d: [getattr(getattr(t.nn, title)(*args, **named), name) for name in names.split()]


def _activation(title: str, *options: dict[str, Any]) -> list[Recipe]:
    return [layer(title, (2, 4)), *[layer(title, (3, 4), named=given) for given in options]]


def _dropout(title: str, *shape: int) -> list[Recipe]:
    def drops(t: Any, d: Any) -> Any:
        module, x = getattr(t.nn, title)(0.5), t.ones(*shape)
        y = module(x)
        return [bool((y != x).any()), repr(module), module.eval()(x), repr(getattr(t.nn, title)(0.2, True))]

    return [drops, refused(title, 1.5), layer(title, shape, random=True)]


def _padded(t: Any, d: Any) -> Any:
    table = d.floats(4, 3, grad=False)
    kept = t.nn.Embedding.from_pretrained(table, padding_idx=1)
    free = t.nn.Embedding.from_pretrained(table, freeze=False)
    return [
        kept.weight.requires_grad,
        free.weight.requires_grad,
        kept(t.tensor([1, 2])),
        repr(kept),
        t.nn.Embedding(3, 2, padding_idx=-1).weight[2].detach(),
        kept.num_embeddings,
        kept.embedding_dim,
    ]


def _running(title: str, *shape: int, **options: Any) -> Recipe:
    """What running averages are after two batches, and what is computed with them."""

    def recipe(t: Any, d: Any) -> Any:
        module = filled(t, d, getattr(t.nn, title)(shape[1], **options))
        x = d.floats(*shape)
        out = [module(x), module(x * 2 + 1)]
        module.eval()
        return [*out, module(x), {k: v.clone() for k, v in module.state_dict().items()}, repr(module)]

    return recipe


def _untracked(t: Any, d: Any) -> Any:
    module = filled(t, d, t.nn.BatchNorm1d(3))
    module.track_running_stats = False
    return [module(d.floats(4, 3)), module.running_mean, module.num_batches_tracked]


def _old_state(t: Any, d: Any) -> Any:
    module = t.nn.BatchNorm1d(3)
    state = dict(module.state_dict())
    del state["num_batches_tracked"]
    return str(module.load_state_dict(state))


def _bag(t: Any, d: Any) -> Any:
    mode = d.choose(["sum", "mean", "max"])
    module = filled(t, d, t.nn.EmbeddingBag(5, 3, mode=mode, padding_idx=d.choose([None, 2])))
    flat = module(d.ints(6, low=0, high=5), t.tensor([0, 2, 2, 5]))
    return [module(d.ints(2, 3, low=0, high=5)), flat, repr(module)]


def _weighted_bag(t: Any, d: Any) -> Any:
    module = filled(t, d, t.nn.EmbeddingBag(5, 3, mode="sum", include_last_offset=True))
    return module(d.ints(4, low=0, high=5), t.tensor([0, 1, 4]), per_sample_weights=d.floats(4))


def _transposed(axes: int) -> Recipe:
    def recipe(t: Any, d: Any) -> Any:
        module = filled(t, d, getattr(t.nn, f"ConvTranspose{axes}d")(2, 3, 3, stride=2, padding=1))
        x = d.floats(1, 2, *(3,) * axes)
        return [module(x), module(x, output_size=(6,) * axes)]

    return recipe


ACTIVATIONS: dict[str, list[dict[str, Any]]] = {
    "ReLU": [{"inplace": False}],
    "ReLU6": [],
    "LeakyReLU": [{"negative_slope": 0.3}],
    "RReLU": [],
    "Mish": [],
    "ELU": [{"alpha": 0.5}],
    "CELU": [{"alpha": 0.5}],
    "SELU": [],
    "SiLU": [],
    "GELU": [{"approximate": "tanh"}],
    "GLU": [{"dim": 1}],
    "Tanh": [],
    "Sigmoid": [],
    "LogSigmoid": [],
    "Softplus": [{"beta": 2, "threshold": 1}],
    "Hardtanh": [{"min_val": -0.5, "max_val": 0.7}],
    "Hardsigmoid": [],
    "Hardswish": [],
    "Softsign": [],
    "Hardshrink": [{"lambd": 0.2}],
    "Softshrink": [{"lambd": 0.2}],
    "Tanhshrink": [],
    "Softmax": [{"dim": 0}],
    "Softmin": [{"dim": 1}],
    "LogSoftmax": [{"dim": -1}],
}
RECIPES: dict[str, list[Any]] = {
    f"torch.nn.{title}": _activation(title, *options) for title, options in ACTIVATIONS.items()
}
RECIPES["torch.nn.RReLU"] = [layer("RReLU", (2, 4), random=True)]
for _recipe in RECIPES["torch.nn.Hardsigmoid"]:
    _recipe.tolerance = 1e-6  # PyTorch rounds its constants to float32
for _n, _end in enumerate(("1d", "2d", "3d"), 1):
    _small = (6, 5, 4)[:_n]
    RECIPES |= {
        f"torch.nn.Conv{_end}": [
            layer(f"Conv{_end}", (2, 4, *_small), args=(4, 6, 3), named={"padding": 1}),
            layer(f"Conv{_end}", (4, *_small), args=(4, 6, 2, 2),
                  named={"groups": 2, "bias": False}),
            layer(f"Conv{_end}", (1, 2, *_small), args=(2, 2, 3),
                  named={"padding": "same", "padding_mode": "circular"}),
            layer(f"Conv{_end}", (1, 2, *_small), args=(2, 2, 3),
                  named={"padding": 1, "padding_mode": "reflect"}),
            attributes(f"Conv{_end}", "in_channels kernel_size stride padding dilation groups padding_mode "
                       "output_padding transposed", 2, 4, 3),
            refused(f"Conv{_end}", 3, 4, 2, groups=2),
            unfit(f"Conv{_end}", (1, 3, *_small), 2, 4, 2),
        ],
        f"torch.nn.ConvTranspose{_end}": [
            layer(f"ConvTranspose{_end}", (2, 4, *_small), args=(4, 6, 2), named={"stride": 2, "groups": 2}),
            layer(f"ConvTranspose{_end}", (4, *_small), args=(4, 2, 3, 2, 1, 1), named={"bias": False}),
            attributes(f"ConvTranspose{_end}", "kernel_size stride padding output_padding transposed",
                       2, 4, 3),
            _transposed(_n),
        ],
        f"torch.nn.MaxPool{_end}": [
            layer(f"MaxPool{_end}", (2, 3, *_small), args=(2,)),
            layer(f"MaxPool{_end}", (3, *_small), args=(3, 2, 1), named={"ceil_mode": True}),
            lambda t, d, n=_n, s=_small: list(
                getattr(t.nn, f"MaxPool{n}d")(2, return_indices=True)(d.distinct(1, 2, *s))),
        ],
        f"torch.nn.AvgPool{_end}": [
            layer(f"AvgPool{_end}", (2, 3, *_small), args=(2,)),
            layer(f"AvgPool{_end}", (3, *_small), args=(3, 2, 1), named={"count_include_pad": False}),
        ],
        f"torch.nn.LPPool{_end}": [layer(f"LPPool{_end}", (2, 3, *_small), args=(2.0, 2), positive=True)],
        f"torch.nn.MaxUnpool{_end}": [
            lambda t, d, n=_n: getattr(t.nn, f"MaxUnpool{n}d")(2)(
                *getattr(t.nn, f"MaxPool{n}d")(2, return_indices=True)(d.distinct(1, 2, *(4,) * n))),
            lambda t, d, n=_n: repr(getattr(t.nn, f"MaxUnpool{n}d")(2, 1)),
        ],
        f"torch.nn.AdaptiveAvgPool{_end}": [layer(f"AdaptiveAvgPool{_end}", (2, 3, *_small), args=(2,))],
        f"torch.nn.AdaptiveMaxPool{_end}": [layer(f"AdaptiveMaxPool{_end}", (2, 3, *_small), args=(2,))],
        f"torch.nn.InstanceNorm{_end}": [
            layer(f"InstanceNorm{_end}", (2, 3, *_small), args=(3,)),
            layer(f"InstanceNorm{_end}", (3, *_small), args=(3,), named={"affine": True}),
            _running(f"InstanceNorm{_end}", 2, 3, *_small, track_running_stats=True, affine=True),
        ],
        f"torch.nn.Dropout{_end}": _dropout(f"Dropout{_end}", 6, 6, *(2,) * _n),
    }  # fmt: skip
    for _kind in ("Zero", "Constant", "Reflection", "Replication", "Circular"):
        _title, _value = f"{_kind}Pad{_end}", (3.5,) if _kind == "Constant" else ()
        RECIPES[f"torch.nn.{_title}"] = [
            layer(_title, (2, 3, *_small), args=(1, *_value)),
            layer(_title, (2, 3, *_small), args=((2, 1, 0, 1, 2, 1)[: 2 * _n], *_value)),
        ]
for _title, _shape in (
    ("BatchNorm1d", (4, 3)),
    ("BatchNorm2d", (2, 3, 2, 2)),
    ("BatchNorm3d", (2, 3, 2, 2, 1)),
):
    RECIPES[f"torch.nn.{_title}"] = [
        _running(_title, *_shape),
        _running(_title, *_shape, momentum=None),
        _running(_title, *_shape, affine=False, eps=1e-2, momentum=0.3),
        _running(_title, *_shape, track_running_stats=False),
        _running(_title, *_shape, bias=False),
        unfit(_title, (2, 3, 2, 2, 2, 2), 3),
        unfit(_title, _shape, 4),
    ]
RECIPES["torch.nn.BatchNorm1d"] += [
    _running("BatchNorm1d", 2, 3, 4),
    _untracked,
    _old_state,
    unfit("BatchNorm1d", (1, 3), 3),
]

RECIPES |= {
    "torch.nn.Linear": [
        layer("Linear", (4, 3), args=(3, 2)),
        layer("Linear", (3,), args=(3, 2), named={"bias": False}),
        layer("Linear", (2, 0, 3), args=(3, 2)),
        attributes("Linear", "in_features out_features", 3, 2),
        unfit("Linear", (4, 2), 3, 2),
        lambda t, d: t.nn.Linear(3, 2)(d.floats(4, 3)),
        lambda t, d: t.nn.Linear(3, 2, True, dtype=t.float64)(d.floats(4, 3)).shape,
        lambda t, d: t.nn.Linear(3),
        lambda t, d: [
            bool(t.nn.Linear(100, 50).weight.abs().max() <= 0.1),
            t.nn.Linear(3, 2).weight.requires_grad,
        ],
    ],
    "torch.nn.Bilinear": [
        layer("Bilinear", (4, 3), (4, 2), args=(3, 2, 5)),
        layer("Bilinear", (4, 3), (4, 2), args=(3, 2, 5, False)),
    ],
    "torch.nn.Identity": [layer("Identity", (2, 3), args=(1, 2), named={"x": 3})],
    "torch.nn.Flatten": [layer("Flatten", (2, 3, 4)), layer("Flatten", (2, 3, 4), args=(0, 1))],
    "torch.nn.Unflatten": [
        layer("Unflatten", (2, 6), args=(1, (2, 3))),
        layer("Unflatten", (2, 6), args=(-1, (2, -1))),
    ],
    "torch.nn.PReLU": [layer("PReLU", (2, 3)), layer("PReLU", (2, 3, 2), args=(3, 0.1))],
    "torch.nn.Threshold": [layer("Threshold", (2, 3), args=(0.1, 20.0)), refused("Threshold", 1.0)],
    "torch.nn.Softmax2d": [layer("Softmax2d", (2, 3, 2, 2)), unfit("Softmax2d", (2, 3))],
    "torch.nn.Dropout": _dropout("Dropout", 10, 10),
    "torch.nn.AlphaDropout": _dropout("AlphaDropout", 10, 10),
    "torch.nn.FeatureAlphaDropout": _dropout("FeatureAlphaDropout", 10, 10, 2),
    "torch.nn.Embedding": [
        with_ints("Embedding", (2, 3), 5, args=(5, 4)),
        with_ints("Embedding", (2, 3), 5, args=(5, 4, 2)),
        with_ints("Embedding", (4,), 5, args=(5, 4), named={"max_norm": 0.5, "padding_idx": -1}),
        with_ints("Embedding", (6,), 2, args=(5, 4), named={"scale_grad_by_freq": True}),
        _padded,
        refused("Embedding", 3, 2, padding_idx=3),
        lambda t, d: t.nn.Embedding(3, 2)(t.tensor([3])),
    ],
    "torch.nn.EmbeddingBag": [_bag, _weighted_bag],
    "torch.nn.LayerNorm": [
        layer("LayerNorm", (2, 3, 4), args=(4,)),
        layer("LayerNorm", (2, 3, 4), args=((3, 4),), named={"eps": 1e-2, "bias": False}),
        layer("LayerNorm", (2, 3, 4), args=([4],), named={"elementwise_affine": False}),
        attributes("LayerNorm", "normalized_shape eps elementwise_affine bias", 3, elementwise_affine=False),
        unfit("LayerNorm", (2, 3), 4),
    ],
    "torch.nn.RMSNorm": [
        layer("RMSNorm", (2, 3, 4), args=(4,)),
        layer("RMSNorm", (2, 3, 4), args=((3, 4), 1e-2, False)),
    ],
    "torch.nn.GroupNorm": [
        layer("GroupNorm", (2, 6, 4), args=(3, 6)),
        layer("GroupNorm", (2, 6), args=(2, 6, 1e-2, False)),
        layer("GroupNorm", (2, 6), args=(2, 6), named={"bias": False}),
        refused("GroupNorm", 4, 6),
    ],
    "torch.nn.LocalResponseNorm": [layer("LocalResponseNorm", (2, 5, 3), args=(2,))],
    "torch.nn.Upsample": [
        layer("Upsample", (1, 2, 3, 4), named={"scale_factor": 2, "mode": "bilinear"}),
        layer("Upsample", (1, 2, 4), named={"size": 7, "mode": "linear", "align_corners": True}),
    ],
    "torch.nn.UpsamplingNearest2d": [layer("UpsamplingNearest2d", (1, 2, 3, 4), named={"scale_factor": 2})],
    "torch.nn.UpsamplingBilinear2d": [layer("UpsamplingBilinear2d", (1, 2, 3, 4), named={"size": (5, 6)})],
    "torch.nn.PixelShuffle": [layer("PixelShuffle", (1, 8, 2, 3), args=(2,))],
    "torch.nn.PixelUnshuffle": [layer("PixelUnshuffle", (1, 2, 4, 6), args=(2,))],
    "torch.nn.ChannelShuffle": [layer("ChannelShuffle", (1, 6, 2), args=(3,))],
    "torch.nn.Fold": [layer("Fold", (2, 12, 12), args=((5, 4), 2))],
    "torch.nn.Unfold": [layer("Unfold", (2, 3, 5, 4), args=(2,), named={"padding": 1})],
    "torch.nn.CosineSimilarity": [layer("CosineSimilarity", (3, 4), (3, 4))],
    "torch.nn.PairwiseDistance": [
        layer("PairwiseDistance", (3, 4), (3, 4), named={"p": 1.0, "keepdim": True})
    ],
}
