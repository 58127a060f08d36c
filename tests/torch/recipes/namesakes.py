"""torch's functions that are those of torch.nn.functional."""

from __future__ import annotations

from typing import Any


def _kept(t: Any, d: Any, name: str) -> Any:
    x = d.floats(400)
    dropped = getattr(t, name)(x, 0.5, True)
    return 100 < int((dropped == x * 2).sum()) < 300 if name == "dropout" else dropped.shape


RECIPES: dict[str, list[Any]] = {
    "torch.conv1d": [lambda t, d: t.conv1d(d.floats(2, 3, 8), d.floats(4, 3, 3), d.floats(4), 2, 1)],
    "torch.conv2d": [lambda t, d: t.conv2d(d.floats(2, 3, 6, 6), d.floats(4, 3, 3, 3), padding=1)],
    "torch.conv_transpose1d": [
        lambda t, d: t.conv_transpose1d(d.floats(2, 3, 5), d.floats(3, 4, 3), stride=2)
    ],
    "torch.conv_transpose2d": [lambda t, d: t.conv_transpose2d(d.floats(1, 2, 3, 3), d.floats(2, 2, 2, 2))],
    "torch.avg_pool1d": [lambda t, d: t.avg_pool1d(d.floats(2, 3, 8), 2)],
    "torch.adaptive_avg_pool1d": [lambda t, d: t.adaptive_avg_pool1d(d.floats(2, 3, 8), 3)],
    "torch.adaptive_max_pool1d": [lambda t, d: t.adaptive_max_pool1d(d.distinct(2, 3, 8), 3)],
    "torch.max_pool1d": [lambda t, d: t.max_pool1d(d.distinct(2, 3, 8), 2, 2)],
    "torch.max_pool1d_with_indices": [lambda t, d: t.max_pool1d_with_indices(d.distinct(2, 3, 8), 2, 2)],
    "torch.max_pool2d": [lambda t, d: t.max_pool2d(d.distinct(2, 3, 4, 4), 2)],
    "torch.bilinear": [
        lambda t, d: t.bilinear(d.floats(4, 2), d.floats(4, 3), d.floats(5, 2, 3), d.floats(5))
    ],
    "torch.celu": [lambda t, d: t.celu(d.floats(3), 0.5)],
    "torch.selu": [lambda t, d: t.selu(d.floats(3))],
    "torch.hardshrink": [lambda t, d: t.hardshrink(d.floats(8))],
    "torch.threshold": [lambda t, d: t.threshold(d.floats(8), 0.1, 20.0)],
    "torch.prelu": [lambda t, d: t.prelu(d.floats(2, 3), d.floats(3))],
    "torch.channel_shuffle": [lambda t, d: t.channel_shuffle(d.floats(1, 4, 2, 2), 2)],
    "torch.cosine_similarity": [lambda t, d: t.cosine_similarity(d.floats(4, 3), d.floats(4, 3))],
    "torch.pairwise_distance": [lambda t, d: t.pairwise_distance(d.floats(4, 3), d.floats(4, 3))],
    "torch.pdist": [lambda t, d: t.pdist(d.floats(4, 3))],
    "torch.group_norm": [lambda t, d: t.group_norm(d.floats(2, 4, 3), 2)],
    "torch.layer_norm": [lambda t, d: t.layer_norm(d.floats(2, 4), (4,), d.floats(4), d.floats(4))],
    "torch.rms_norm": [lambda t, d: t.rms_norm(d.floats(2, 4), (4,))],
    "torch.instance_norm": [
        lambda t, d: t.instance_norm(d.floats(2, 3, 4), None, None, None, None, True, 0.1, 1e-5, False)
    ],
    "torch.batch_norm": [
        lambda t, d: t.batch_norm(d.floats(4, 3), None, None, None, None, True, 0.1, 1e-5, False)
    ],
    "torch.pixel_shuffle": [lambda t, d: t.pixel_shuffle(d.floats(1, 4, 2, 2), 2)],
    "torch.pixel_unshuffle": [lambda t, d: t.pixel_unshuffle(d.floats(1, 1, 4, 4), 2)],
    "torch.embedding": [lambda t, d: t.embedding(d.floats(5, 3), d.ints(2, 2, low=0, high=5))],
    "torch.dropout": [
        lambda t, d: t.dropout(d.floats(3), 0.5, False),
        lambda t, d: _kept(t, d, "dropout"),
        lambda t, d: t.dropout(d.floats(3), 1.5, True),
    ],
    "torch.alpha_dropout": [
        lambda t, d: t.alpha_dropout(d.floats(3), 0.5, False),
        lambda t, d: _kept(t, d, "alpha_dropout"),
    ],
    "torch.alpha_dropout_": [lambda t, d: t.alpha_dropout_(d.floats(3) * 1, 0.5, False)],
    "torch.dropout_": [lambda t, d: t.dropout_(d.floats(3) * 1, 0.5, False)],
    "torch.feature_alpha_dropout": [lambda t, d: t.feature_alpha_dropout(d.floats(2, 3, 4), 0.5, False)],
    "torch.feature_alpha_dropout_": [
        lambda t, d: t.feature_alpha_dropout_(d.floats(2, 3, 4) * 1, 0.5, False)
    ],
    "torch.feature_dropout": [
        lambda t, d: t.feature_dropout(d.floats(2, 3, 4), 0.5, False),
        lambda t, d: (lambda y: ((y == 0).all(-1) | (y != 0).all(-1)).all())(
            t.feature_dropout(d.floats(20, 3, 4), 0.5, True)
        ),
    ],
    "torch.feature_dropout_": [lambda t, d: t.feature_dropout_(d.floats(2, 3, 4) * 1, 0.5, False)],
    "torch.constant_pad_nd": [lambda t, d: t.constant_pad_nd(d.floats(2, 3), [1, 2, 0, 1], 0.5)],
    "torch.index_put_": [lambda t, d: t.index_put_(d.floats(4) * 1, [t.tensor([0, 2])], d.floats(2))],
    "torch.resize_as_": [lambda t, d: t.resize_as_(d.ints(4), d.ints(2, 2))],
    "torch.addmv_": [lambda t, d: t.addmv_(d.floats(2) * 1, d.floats(2, 3), d.floats(3), beta=0.5)],
    "torch.native_channel_shuffle": [
        lambda t, d: t.native_channel_shuffle(d.floats(1, 4, 2, 2, grad=False), 2)
    ],
    "torch.conv3d": [lambda t, d: t.conv3d(d.floats(1, 2, 3, 3, 3), d.floats(2, 2, 2, 2, 2))],
    "torch.conv_transpose3d": [
        lambda t, d: t.conv_transpose3d(d.floats(1, 2, 2, 2, 2), d.floats(2, 2, 2, 2, 2))
    ],
    "torch.max_pool3d": [lambda t, d: t.max_pool3d(d.distinct(1, 2, 4, 4, 4), 2)],
    "torch.celu_": [lambda t, d: t.celu_(d.floats(3) * 1, 0.5)],
    "torch.selu_": [lambda t, d: t.selu_(d.floats(3) * 1)],
    "torch.threshold_": [lambda t, d: t.threshold_(d.floats(8) * 1, 0.1, 20.0)],
    "torch.rrelu": [lambda t, d: t.rrelu(d.floats(8))],
    "torch.rrelu_": [lambda t, d: t.rrelu_(d.floats(8) * 1)],
    "torch.hann_window": [
        lambda t, d: t.hann_window(d.whole(1, 7)),
        lambda t, d: t.hann_window(6, periodic=False),
    ],
    "torch.hamming_window": [
        lambda t, d: t.hamming_window(d.whole(1, 7)),
        lambda t, d: t.hamming_window(6, False),
    ],
    "torch.blackman_window": [lambda t, d: t.blackman_window(6)],
    "torch.bartlett_window": [lambda t, d: t.bartlett_window(6), lambda t, d: t.bartlett_window(5, False)],
}
