"""torch.nn.functional: linear maps, tables, norms, convolutions, pooling, borders and sizes, attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Recipe = Callable[[Any, Any], Any]


def F(t: Any) -> Any:
    return t.nn.functional


def _dropout(name: str, *shape: int) -> list[Recipe]:
    """What holds of dropout: zeros and the rest scaled, nothing in evaluation, and whole channels."""

    def properties(t: Any, d: Any) -> Any:
        x = t.ones(*shape, requires_grad=True)
        y = getattr(F(t), name)(x, 0.4)
        y.sum().backward()
        kept = y != 0
        return [bool((y[kept] == 1 / 0.6).all()) or bool((y[kept] - 1 / 0.6).abs().max() < 1e-6),
                bool((x.grad - y).abs().max() < 1e-6), bool(0 < kept.sum() < kept.numel())]  # fmt: skip

    def channels(t: Any, d: Any) -> Any:
        y = getattr(F(t), name)(t.ones(*shape), 0.5).reshape(shape[0], shape[1], -1)
        return bool((y.min(2).values == y.max(2).values).all()) if name != "dropout" else True

    def off(t: Any, d: Any) -> Any:
        x = d.floats(*shape)
        return [getattr(F(t), name)(x, 0.5, False), getattr(F(t), name)(x, 0.0, True)]

    def all_of_it(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(*shape), 1.0)

    def wrong(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(*shape), 1.5)

    def inplace(t: Any, d: Any) -> Any:
        x = t.ones(*shape)
        y = getattr(F(t), name)(x, 0.5, True, True)
        return [y is x, bool((x == 0).any())]

    return [properties, channels, off, all_of_it, wrong, inplace]


def _alpha(name: str) -> list[Recipe]:
    def moments(t: Any, d: Any) -> Any:
        t.manual_seed(0)
        x = t.randn(200, 100, 3)
        y = getattr(F(t), name)(x, 0.3, True)
        return [
            bool(y.mean().abs() < 0.1),
            bool((y.std() - 1).abs() < 0.1),
            bool(((y - x).abs() > 1e-3).any()),
        ]

    return [moments, lambda t, d: getattr(F(t), name)(d.floats(2, 3, 2), 0.5, False)]


def _embedding_norm(t: Any, d: Any) -> Any:
    table = d.floats(4, 3, grad=False)
    out = F(t).embedding(t.tensor([1, 1, 3]), table, max_norm=0.5)
    return [out, table]


def _batch_norm(t: Any, d: Any) -> Any:
    mean, var = d.floats(3, grad=False), d.floats(3, low=0.5, grad=False)
    shape = d.choose([(4, 3), (2, 3, 4), (2, 3, 2, 2), (2, 3, 2, 1, 2)])
    y = F(t).batch_norm(d.floats(*shape), mean, var, d.floats(3), d.floats(3), True, 0.3, 1e-3)
    return [y, mean, var]


def _instance_norm(t: Any, d: Any) -> Any:
    mean, var = d.floats(3, grad=False), d.floats(3, low=0.5, grad=False)
    y = F(t).instance_norm(d.floats(2, 3, 4), mean, var, d.floats(3), d.floats(3), True, 0.3)
    return [y, mean, var]


def _masked(t: Any, d: Any) -> Any:
    mask = t.tensor([[True, False, True], [True, True, True]])
    return F(t).scaled_dot_product_attention(d.floats(2, 2, 4), d.floats(2, 3, 4), d.floats(2, 3, 5), mask)


def _attention(t: Any, d: Any) -> Any:
    e, h = 4, 2
    x = d.floats(3, 2, e)
    weights = [d.floats(3 * e, e), d.floats(3 * e), None, None]
    return list(F(t).multi_head_attention_forward(
        x, x, x, e, h, *weights, d.choose([True, False]), 0.0, d.floats(e, e), d.floats(e), training=False,
        average_attn_weights=d.choose([True, False]),
    ))  # fmt: skip


def _attention_apart(t: Any, d: Any) -> Any:
    q, k, v = d.floats(3, 2, 4), d.floats(5, 2, 3), d.floats(5, 2, 6)
    mask = t.tensor([[False, False, True, False, False], [False, True, True, False, True]])
    return list(
        F(t).multi_head_attention_forward(
            q,
            k,
            v,
            4,
            2,
            None,
            d.floats(12),
            d.floats(1, 1, 4),
            d.floats(1, 1, 4),
            False,
            0.0,
            d.floats(4, 4),
            None,
            key_padding_mask=mask,
            use_separate_proj_weight=True,
            q_proj_weight=d.floats(4, 4),
            k_proj_weight=d.floats(4, 3),
            v_proj_weight=d.floats(4, 6),
        )
    )


RECIPES: dict[str, list[Any]] = {
    "torch.nn.functional.linear": [
        lambda t, d: F(t).linear(d.floats(*d.shape(d.whole(0, 3)), 3), d.floats(2, 3), d.floats(2)),
        lambda t, d: F(t).linear(d.floats(4, 3), d.floats(2, 3)),
        lambda t, d: F(t).linear(d.floats(4, 3), d.floats(3)),
        lambda t, d: F(t).linear(d.floats(4, 3), d.floats(2, 4)),
        lambda t, d: F(t).linear(d.floats(4, 3), d.floats(2, 3, dtype="float32")),
    ],
    "torch.nn.functional.bilinear": [
        lambda t, d: F(t).bilinear(d.floats(4, 3), d.floats(4, 2), d.floats(5, 3, 2), d.floats(5)),
        lambda t, d: F(t).bilinear(d.floats(2, 4, 3), d.floats(2, 4, 2), d.floats(5, 3, 2)),
        lambda t, d: F(t).bilinear(d.floats(4, 3), d.floats(4, 3), d.floats(5, 3, 2)),
    ],
    "torch.nn.functional.dropout": _dropout("dropout", 10, 10),
    "torch.nn.functional.dropout1d": _dropout("dropout1d", 10, 10, 3),
    "torch.nn.functional.dropout2d": _dropout("dropout2d", 10, 10, 3, 2),
    "torch.nn.functional.dropout3d": _dropout("dropout3d", 10, 10, 2, 2, 2),
    "torch.nn.functional.alpha_dropout": _alpha("alpha_dropout"),
    "torch.nn.functional.feature_alpha_dropout": _alpha("feature_alpha_dropout"),
    "torch.nn.functional.embedding": [
        lambda t, d: F(t).embedding(d.ints(*d.shape(), low=0, high=4), d.floats(4, 3)),
        lambda t, d: F(t).embedding(d.ints(5, low=0, high=4), d.floats(4, 3), padding_idx=d.choose([1, -1])),
        lambda t, d: F(t).embedding(
            d.ints(9, low=0, high=4, dtype="int32"), d.floats(4, 3), scale_grad_by_freq=True
        ),
        lambda t, d: F(t).embedding(t.tensor([4]), d.floats(4, 3)),
        lambda t, d: F(t).embedding(d.floats(2), d.floats(4, 3)),
        _embedding_norm,
    ],
    "torch.nn.functional.one_hot": [
        lambda t, d: F(t).one_hot(d.ints(*d.shape(least=1), low=0, high=4)),
        lambda t, d: F(t).one_hot(d.ints(3, low=0, high=4), 5),
        lambda t, d: F(t).one_hot(d.ints(0), 3),
        lambda t, d: F(t).one_hot(d.ints(0)),
        lambda t, d: F(t).one_hot(t.tensor([3]), 3),
        lambda t, d: F(t).one_hot(t.tensor([-1]), 3),
        lambda t, d: F(t).one_hot(d.ints(3, low=0, dtype="int32")),
    ],
    "torch.nn.functional.normalize": [
        lambda t, d: F(t).normalize(d.floats(3, 4), dim=d.choose([0, 1, -1])),
        lambda t, d: F(t).normalize(d.floats(2, 3, 4), p=d.choose([1.0, 3.0]), dim=2),
        lambda t, d: F(t).normalize(d.floats(3, 4), eps=100.0),
    ],
    "torch.nn.functional.cosine_similarity": [
        lambda t, d: F(t).cosine_similarity(d.floats(3, 4), d.floats(3, 4), dim=d.choose([0, 1, -1])),
        lambda t, d: F(t).cosine_similarity(d.floats(3, 4), d.floats(1, 4)),
        lambda t, d: F(t).cosine_similarity(d.ints(3, 4), d.ints(3, 4)),
    ],
    "torch.nn.functional.pairwise_distance": [
        lambda t, d: F(t).pairwise_distance(d.floats(3, 4), d.floats(3, 4), d.choose([1.0, 2.0, 3.0])),
        lambda t, d: F(t).pairwise_distance(d.floats(3, 4), d.floats(4), keepdim=True),
        lambda t, d: F(t).pairwise_distance(d.floats(4), d.floats(4)),
    ],
    "torch.nn.functional.pdist": [
        lambda t, d: F(t).pdist(d.floats(4, 3), d.choose([1.0, 2.0, 3.0])),
        lambda t, d: F(t).pdist(d.floats(4)),
    ],
    "torch.nn.functional.batch_norm": [
        _batch_norm,
        lambda t, d: F(t).batch_norm(
            d.floats(4, 3), d.floats(3, grad=False), d.floats(3, low=0.5, grad=False)
        ),
        lambda t, d: F(t).batch_norm(d.floats(4, 3), None, None, training=True),
        lambda t, d: F(t).batch_norm(d.floats(1, 3), None, None, training=True),
        lambda t, d: F(t).batch_norm(d.floats(4, 3), None, None),
        lambda t, d: F(t).batch_norm(
            d.floats(4, 3), d.floats(2, grad=False), d.floats(2, low=0.5, grad=False)
        ),
    ],
    "torch.nn.functional.instance_norm": [
        _instance_norm,
        lambda t, d: F(t).instance_norm(d.floats(2, 3, 2, 2), weight=d.floats(3), bias=d.floats(3)),
        lambda t, d: F(t).instance_norm(
            d.floats(2, 3, 4),
            d.floats(3, grad=False),
            d.floats(3, low=0.5, grad=False),
            use_input_stats=False,
        ),
        lambda t, d: F(t).instance_norm(d.floats(2, 3, 1)),
    ],
    "torch.nn.functional.layer_norm": [
        lambda t, d: F(t).layer_norm(d.floats(2, 3, 4), (4,), d.floats(4), d.floats(4)),
        lambda t, d: F(t).layer_norm(d.floats(2, 3, 4), [3, 4], eps=1e-2),
        lambda t, d: F(t).layer_norm(d.floats(2, 3, 4), (3,)),
        lambda t, d: F(t).layer_norm(d.floats(2, 3), (3,), d.floats(2)),
    ],
    "torch.nn.functional.rms_norm": [
        lambda t, d: F(t).rms_norm(d.floats(2, 3, 4), (4,), d.floats(4)),
        lambda t, d: F(t).rms_norm(d.floats(2, 3, 4, dtype="float32"), (3, 4), eps=d.choose([None, 1e-2])),
        lambda t, d: F(t).rms_norm(d.floats(2, 3), (2,)),
    ],
    "torch.nn.functional.group_norm": [
        lambda t, d: F(t).group_norm(d.floats(2, 4, 3), d.choose([1, 2, 4]), d.floats(4), d.floats(4)),
        lambda t, d: F(t).group_norm(d.floats(2, 4), 2, eps=1e-2),
        lambda t, d: F(t).group_norm(d.floats(2, 4, 3), 3),
    ],
    "torch.nn.functional.local_response_norm": [
        lambda t, d: F(t).local_response_norm(d.floats(2, 5, 3), d.choose([2, 3])),
        lambda t, d: F(t).local_response_norm(d.floats(1, 5, 2, 2), 3, 0.5, 0.6, 2.0),
        lambda t, d: F(t).local_response_norm(d.floats(2, 5), 2),
    ],
    "torch.nn.functional.pad": [
        lambda t, d: F(t).pad(d.floats(2, 3), (1, d.whole(0, 3))),
        lambda t, d: F(t).pad(d.floats(2, 3, 4), (1, 2, 0, 1), value=d.number()),
        lambda t, d: F(t).pad(d.floats(2, 3, 4), (-1, 2, 1, -1)),
        lambda t, d: F(t).pad(d.ints(2, 3), (1, 1), "constant", 7),
        lambda t, d: F(t).pad(d.floats(2, 3, 4), (2, 1), mode=d.choose(["reflect", "replicate", "circular"])),
        lambda t, d: F(t).pad(
            d.floats(1, 2, 3, 4), (2, 1, 1, 0), d.choose(["reflect", "replicate", "circular"])
        ),
        lambda t, d: F(t).pad(d.floats(2, 3, 4), (4, 4), mode="reflect"),
        lambda t, d: F(t).pad(d.floats(2, 3), (1, 2, 3)),
        lambda t, d: F(t).pad(d.floats(2, 3), (-4, 0)),
        lambda t, d: F(t).pad(d.bools(2, 3), (0, 2), value=True),
    ],
    "torch.nn.functional.interpolate": [
        lambda t, d: F(t).interpolate(
            d.floats(2, 3, 5), d.whole(2, 9), mode=d.choose(["nearest", "linear", "area"])
        ),
        lambda t, d: F(t).interpolate(
            d.floats(1, 2, 4, 5),
            scale_factor=d.choose([0.5, 2, 1.5]),
            mode=d.choose(["nearest", "nearest-exact", "bilinear"]),
        ),
        lambda t, d: F(t).interpolate(
            d.floats(1, 2, 4, 5),
            size=(d.whole(2, 8), 3),
            mode=d.choose(["bilinear", "bicubic"]),
            align_corners=d.choose([True, False, None]),
        ),
        lambda t, d: F(t).interpolate(d.floats(1, 2, 3, 2, 3), scale_factor=(2, 1, 2), mode="trilinear"),
        lambda t, d: F(t).interpolate(
            d.floats(1, 2, 4), scale_factor=1.6, recompute_scale_factor=True, mode="linear"
        ),
        lambda t, d: F(t).interpolate(d.floats(1, 2, 4)),
        lambda t, d: F(t).interpolate(d.floats(1, 2, 4), 3, 2.0),
        lambda t, d: F(t).interpolate(d.floats(1, 2, 4), 3, align_corners=True),
        lambda t, d: F(t).interpolate(d.floats(1, 2, 4), (3, 3)),
    ],
    "torch.nn.functional.upsample": [lambda t, d: F(t).upsample(d.floats(1, 2, 3, 3), scale_factor=2)],
    "torch.nn.functional.upsample_nearest": [
        lambda t, d: F(t).upsample_nearest(d.floats(1, 2, 3, 3), scale_factor=2)
    ],
    "torch.nn.functional.upsample_bilinear": [
        lambda t, d: F(t).upsample_bilinear(d.floats(1, 2, 3, 3), (5, 4))
    ],
    "torch.nn.functional.pixel_shuffle": [
        lambda t, d: F(t).pixel_shuffle(d.floats(2, 8, 3, 2), 2),
        lambda t, d: F(t).pixel_shuffle(d.floats(2, 6, 3, 2), 2),
    ],
    "torch.nn.functional.pixel_unshuffle": [
        lambda t, d: F(t).pixel_unshuffle(d.floats(2, 2, 6, 4), 2),
        lambda t, d: F(t).pixel_unshuffle(d.floats(2, 2, 5, 4), 2),
    ],
    "torch.nn.functional.channel_shuffle": [
        lambda t, d: F(t).channel_shuffle(d.floats(2, 6, 2), d.choose([2, 3])),
        lambda t, d: F(t).channel_shuffle(d.floats(2, 6, 2), 4),
    ],
    "torch.nn.functional.affine_grid": [
        lambda t, d: F(t).affine_grid(d.floats(2, 2, 3), (2, 1, 3, 4), align_corners=d.choose([True, False])),
        lambda t, d: F(t).affine_grid(d.floats(2, 3, 4), t.Size((2, 1, 3, 1, 2)), align_corners=False),
        lambda t, d: F(t).affine_grid(d.floats(2, 3), (2, 1, 3, 4), align_corners=False),
    ],
    "torch.nn.functional.scaled_dot_product_attention": [
        lambda t, d: F(t).scaled_dot_product_attention(
            d.floats(2, 3, 4), d.floats(2, 5, 4), d.floats(2, 5, 6)
        ),
        lambda t, d: F(t).scaled_dot_product_attention(
            d.floats(2, 2, 3, 4),
            d.floats(2, 2, 3, 4),
            d.floats(2, 2, 3, 4),
            is_causal=True,
            scale=d.choose([None, 0.3]),
        ),
        lambda t, d: F(t).scaled_dot_product_attention(
            d.floats(1, 4, 3, 2), d.floats(1, 2, 5, 2), d.floats(1, 2, 5, 2), enable_gqa=True
        ),
        lambda t, d: F(t).scaled_dot_product_attention(
            d.floats(2, 3, 4), d.floats(2, 5, 4), d.floats(2, 5, 6), d.floats(3, 5)
        ),
        _masked,
        lambda t, d: F(t).scaled_dot_product_attention(
            d.floats(2, 3, 4),
            d.floats(2, 3, 4),
            d.floats(2, 3, 4),
            t.ones(3, 3, dtype=t.bool),
            is_causal=True,
        ),
        lambda t, d: F(t).scaled_dot_product_attention(
            d.floats(2, 3, 4), d.floats(2, 5, 3), d.floats(2, 5, 6)
        ),
    ],
    "torch.nn.functional.multi_head_attention_forward": [_attention, _attention_apart],
}
