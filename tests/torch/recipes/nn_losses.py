"""torch.nn.functional: losses, with each reduction, weights, ignored classes and what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Recipe = Callable[[Any, Any], Any]
REDUCTIONS = ["mean", "sum", "none"]


def F(t: Any) -> Any:
    return t.nn.functional


def _pair(name: str, *options: str, weight: bool = True) -> list[Recipe]:
    """Recipes for a loss of a pair of floats."""

    def call(t: Any, d: Any, *shapes: Any, **named: Any) -> Any:
        return getattr(F(t), name)(*[d.floats(*shape) for shape in shapes], **named)

    found = [
        lambda t, d: _same(t, d, name),
        lambda t, d: call(t, d, (2, 3), (2, 3), **{o: d.choose([0.5, 2.0]) for o in options}),
        lambda t, d: call(t, d, (2, 3), (3,)),
        lambda t, d: call(t, d, (2, 3), (2,)),
        lambda t, d: getattr(F(t), name)(d.floats(2, dtype="float32", grad=False), d.floats(2, grad=False)),
        lambda t, d: call(t, d, (2, 3), (2, 3), reduction="product"),
    ]
    if name != "huber_loss":
        found += [
            lambda t, d: call(t, d, (2, 3), (2, 3), size_average=d.choose([True, False])),
            lambda t, d: call(t, d, (2, 3), (2, 3), reduce=False),
        ]
    if weight:
        found.append(
            lambda t, d: getattr(F(t), name)(
                d.floats(2, 3),
                d.floats(2, 3),
                reduction=d.choose(REDUCTIONS),
                weight=d.floats(2, 3, low=0.1, grad=False),
            )
        )
    return found


def _same(t: Any, d: Any, name: str) -> Any:
    shape = d.shape(least=1)
    return getattr(F(t), name)(d.floats(*shape), d.floats(*shape), reduction=d.choose(REDUCTIONS))


def _classes(d: Any, *shape: int, classes: int = 4, ignore: int | None = None) -> Any:
    target = d.ints(*shape, low=0, high=classes)
    if ignore is not None and target.numel():
        target.reshape(-1)[0] = ignore
    return target


def _nll(name: str) -> list[Recipe]:
    """Recipes for a loss of rows and their classes."""

    def f(t: Any) -> Any:
        return getattr(F(t), name)

    return [
        lambda t, d: f(t)(d.floats(5, 4), _classes(d, 5), reduction=d.choose(REDUCTIONS)),
        lambda t, d: f(t)(d.floats(5, 4), _classes(d, 5, ignore=-100), reduction=d.choose(REDUCTIONS)),
        lambda t, d: f(t)(
            d.floats(5, 4), _classes(d, 5), d.floats(4, low=0.1, grad=False), reduction=d.choose(REDUCTIONS)
        ),
        lambda t, d: f(t)(d.floats(5, 4), _classes(d, 5), d.floats(4, low=0.1, grad=False), ignore_index=2),
        lambda t, d: f(t)(d.floats(2, 4, 3), _classes(d, 2, 3), reduction=d.choose(REDUCTIONS)),
        lambda t, d: f(t)(
            d.floats(2, 4, 3, 2, dtype="float32"), _classes(d, 2, 3, 2, ignore=1), ignore_index=1
        ),
        lambda t, d: f(t)(d.floats(4), _classes(d)),
        lambda t, d: f(t)(d.floats(5, 4), _classes(d, 3)),
        lambda t, d: f(t)(d.floats(1, 4), t.tensor([4])),
        lambda t, d: f(t)(d.floats(2, 4), d.floats(2)),
        lambda t, d: f(t)(d.floats(2, 4), _classes(d, 2), reduction="max"),
        lambda t, d: f(t)(d.floats(2, 4), _classes(d, 2), size_average=False),
        lambda t, d: f(t)(d.floats(2, 4), t.tensor([-100, -100]), reduction="sum"),
    ]


def _ctc(t: Any, d: Any) -> Any:
    x = F(t).log_softmax(d.floats(6, 2, 4), -1)
    return F(t).ctc_loss(x, d.ints(2, 3, low=1, high=4), t.tensor([6, 5]), t.tensor([3, 2]),
                         reduction=d.choose(REDUCTIONS))  # fmt: skip


def _ctc_flat(t: Any, d: Any) -> Any:
    x = F(t).log_softmax(d.floats(6, 2, 4), -1)
    return F(t).ctc_loss(x, d.ints(5, low=1, high=4), (6, 6), (3, 2), blank=0)


def _ctc_impossible(t: Any, d: Any) -> Any:
    x = F(t).log_softmax(d.floats(2, 1, 4), -1)
    return F(t).ctc_loss(x, t.tensor([[1, 1, 1]]), (2,), (3,), zero_infinity=True)


def _signs(d: Any, *shape: int) -> Any:
    return (d.ints(*shape, low=0, high=2) * 2 - 1).to(d.torch.float64)


RECIPES: dict[str, list[Any]] = {
    "torch.nn.functional.mse_loss": _pair("mse_loss"),
    "torch.nn.functional.l1_loss": _pair("l1_loss"),
    "torch.nn.functional.smooth_l1_loss": [
        *_pair("smooth_l1_loss", "beta", weight=False),
        lambda t, d: F(t).smooth_l1_loss(d.floats(3), d.floats(3), beta=0.0),
        lambda t, d: F(t).smooth_l1_loss(d.floats(3), d.floats(3), beta=-1.0),
    ],
    "torch.nn.functional.huber_loss": [
        *_pair("huber_loss", "delta"),
        lambda t, d: F(t).huber_loss(d.floats(3), d.floats(3), delta=0.0),
    ],
    "torch.nn.functional.nll_loss": _nll("nll_loss"),
    "torch.nn.functional.cross_entropy": [
        *_nll("cross_entropy"),
        lambda t, d: F(t).cross_entropy(
            d.floats(5, 4), _classes(d, 5, ignore=-100), label_smoothing=0.2, reduction=d.choose(REDUCTIONS)
        ),
        lambda t, d: F(t).cross_entropy(
            d.floats(5, 4), _classes(d, 5), d.floats(4, low=0.1, grad=False), label_smoothing=0.2
        ),
        lambda t, d: F(t).cross_entropy(
            d.floats(5, 4),
            F(t).softmax(d.floats(5, 4), 1),
            reduction=d.choose(REDUCTIONS),
            label_smoothing=d.choose([0.0, 0.1]),
        ),
        lambda t, d: F(t).cross_entropy(
            d.floats(2, 4, 3), F(t).softmax(d.floats(2, 4, 3), 1), d.floats(4, low=0.1, grad=False)
        ),
        lambda t, d: F(t).cross_entropy(d.floats(5, 1), d.floats(5, 1, grad=False)),
        lambda t, d: F(t).cross_entropy(d.floats(3, 4), d.floats(4, 3)),
    ],
    "torch.nn.functional.binary_cross_entropy": [
        lambda t, d: F(t).binary_cross_entropy(
            d.floats(3, 4, low=0.05, high=0.95), d.bools(3, 4).double(), reduction=d.choose(REDUCTIONS)
        ),
        lambda t, d: F(t).binary_cross_entropy(
            d.floats(3, 4, low=0.05, high=0.95),
            d.floats(3, 4, low=0.0, high=1.0, grad=False),
            d.floats(4, low=0.1, grad=False),
        ),
        lambda t, d: F(t).binary_cross_entropy(t.tensor([0.0, 1.0]), t.tensor([1.0, 1.0]), reduction="none"),
        lambda t, d: F(t).binary_cross_entropy(d.floats(3, low=1.5), d.floats(3, low=0.0, high=1.0)),
        lambda t, d: F(t).binary_cross_entropy(
            d.floats(3, low=0.1, high=0.9), d.floats(3, 1, low=0.0, high=1.0)
        ),
        lambda t, d: F(t).binary_cross_entropy(d.floats(3, low=0.1, high=0.9), d.ints(3, low=0, high=2)),
    ],
    "torch.nn.functional.binary_cross_entropy_with_logits": [
        lambda t, d: F(t).binary_cross_entropy_with_logits(
            d.floats(3, 4, low=-30, high=30), d.bools(3, 4).double(), reduction=d.choose(REDUCTIONS)
        ),
        lambda t, d: F(t).binary_cross_entropy_with_logits(
            d.floats(3, 4),
            d.floats(3, 4),
            d.floats(4, grad=False),
            pos_weight=d.floats(4, low=0.1, grad=False),
        ),
        lambda t, d: F(t).binary_cross_entropy_with_logits(d.floats(3, 4), d.floats(3, 1)),
    ],
    "torch.nn.functional.kl_div": [
        lambda t, d: F(t).kl_div(
            F(t).log_softmax(d.floats(3, 4), 1),
            F(t).softmax(d.floats(3, 4), 1),
            reduction=d.choose([*REDUCTIONS, "batchmean"]),
        ),
        lambda t, d: F(t).kl_div(d.floats(3, 4), d.floats(3, 4), log_target=True, reduction="batchmean"),
        lambda t, d: F(t).kl_div(d.floats(3, 4), d.floats(4, low=0.1, grad=False)),
        lambda t, d: F(t).kl_div(d.floats(2), t.tensor([0.0, 1.0], dtype=t.float64), reduction="sum"),
    ],
    "torch.nn.functional.poisson_nll_loss": [
        lambda t, d: F(t).poisson_nll_loss(
            d.floats(4),
            d.ints(4, low=0).double(),
            full=d.choose([True, False]),
            reduction=d.choose(REDUCTIONS),
        ),
        lambda t, d: F(t).poisson_nll_loss(
            d.floats(4, low=0.1), d.ints(4, low=0).double(), log_input=False, eps=1e-3
        ),
        lambda t, d: F(t).poisson_nll_loss(d.floats(4), d.ints(4, low=0).double(), reduction="other"),
    ],
    "torch.nn.functional.gaussian_nll_loss": [
        lambda t, d: F(t).gaussian_nll_loss(
            d.floats(3, 4),
            d.floats(3, 4),
            d.floats(3, 4, low=0.1),
            full=d.choose([True, False]),
            reduction=d.choose(REDUCTIONS),
        ),
        lambda t, d: F(t).gaussian_nll_loss(
            d.floats(3, 4), d.floats(3, 4), d.floats(*d.choose([(3,), (3, 1)]), low=0.1)
        ),
        lambda t, d: F(t).gaussian_nll_loss(d.floats(3, 4), d.floats(3, 4), 0.5),
        lambda t, d: F(t).gaussian_nll_loss(d.floats(3, 4), d.floats(3, 4), d.floats(2, low=0.1)),
        lambda t, d: F(t).gaussian_nll_loss(d.floats(3), d.floats(3), t.tensor([1.0, -1.0, 1.0])),
    ],
    "torch.nn.functional.hinge_embedding_loss": [
        lambda t, d: F(t).hinge_embedding_loss(
            d.floats(3, 4), _signs(d, 3, 4), d.choose([1.0, 0.5]), reduction=d.choose(REDUCTIONS)
        ),
        lambda t, d: F(t).hinge_embedding_loss(d.floats(3), t.tensor([0.0, 1.0, 2.0], dtype=t.float64)),
    ],
    "torch.nn.functional.soft_margin_loss": [
        lambda t, d: F(t).soft_margin_loss(d.floats(3, 4), _signs(d, 3, 4), reduction=d.choose(REDUCTIONS))
    ],
    "torch.nn.functional.multi_margin_loss": [
        lambda t, d: F(t).multi_margin_loss(
            d.floats(5, 4),
            _classes(d, 5),
            d.choose([1, 2]),
            d.choose([1.0, 0.3]),
            reduction=d.choose(REDUCTIONS),
        ),
        lambda t, d: F(t).multi_margin_loss(
            d.floats(5, 4), _classes(d, 5), weight=d.floats(4, low=0.1, grad=False)
        ),
        lambda t, d: F(t).multi_margin_loss(d.floats(5, 4), _classes(d, 5), p=3),
        lambda t, d: F(t).multi_margin_loss(d.floats(4), t.tensor(2)),
    ],
    "torch.nn.functional.multilabel_margin_loss": [
        lambda t, d: F(t).multilabel_margin_loss(
            d.distinct(2, 4), t.tensor([[3, 0, -1, 1], [1, -1, 0, 2]]), reduction=d.choose(REDUCTIONS)
        ),
        lambda t, d: F(t).multilabel_margin_loss(d.distinct(4), t.tensor([3, 0, -1, 1])),
        lambda t, d: F(t).multilabel_margin_loss(d.distinct(2, 4), t.tensor([[3, 0], [1, 2]])),
    ],
    "torch.nn.functional.multilabel_soft_margin_loss": [
        lambda t, d: F(t).multilabel_soft_margin_loss(
            d.floats(3, 4), d.bools(3, 4).double(), reduction=d.choose(REDUCTIONS)
        ),
        lambda t, d: F(t).multilabel_soft_margin_loss(d.floats(3, 4), d.floats(3, 4), d.floats(4)),
    ],
    "torch.nn.functional.cosine_embedding_loss": [
        lambda t, d: F(t).cosine_embedding_loss(
            d.floats(3, 4), d.floats(3, 4), _signs(d, 3), d.choose([0.0, 0.3]), reduction=d.choose(REDUCTIONS)
        ),
        lambda t, d: F(t).cosine_embedding_loss(d.floats(4), d.floats(4), t.tensor(1)),
        lambda t, d: F(t).cosine_embedding_loss(d.floats(3, 4), d.floats(3, 4), _signs(d, 2)),
    ],
    "torch.nn.functional.margin_ranking_loss": [
        lambda t, d: F(t).margin_ranking_loss(
            d.floats(4), d.floats(4), _signs(d, 4), d.choose([0.0, 0.5]), reduction=d.choose(REDUCTIONS)
        ),
        lambda t, d: F(t).margin_ranking_loss(d.floats(4), d.floats(4), _signs(d, 4, 1)),
    ],
    "torch.nn.functional.triplet_margin_loss": [
        lambda t, d: F(t).triplet_margin_loss(
            d.floats(3, 4),
            d.floats(3, 4),
            d.floats(3, 4),
            d.choose([1.0, 0.5]),
            d.choose([1, 2, 3]),
            swap=d.choose([True, False]),
            reduction=d.choose(REDUCTIONS),
        ),
        lambda t, d: F(t).triplet_margin_loss(d.floats(4), d.floats(4), d.floats(4)),
        lambda t, d: F(t).triplet_margin_loss(d.floats(4), d.floats(4), d.floats(4), margin=0.0),
    ],
    "torch.nn.functional.triplet_margin_with_distance_loss": [
        lambda t, d: F(t).triplet_margin_with_distance_loss(
            d.floats(3, 4),
            d.floats(3, 4),
            d.floats(3, 4),
            swap=d.choose([True, False]),
            distance_function=d.choose([None, lambda x, y: (x - y).abs().sum(-1)]),
            reduction=d.choose(REDUCTIONS),
        ),
        lambda t, d: F(t).triplet_margin_with_distance_loss(
            d.floats(4), d.floats(4), d.floats(4), margin=-1.0
        ),
    ],
    "torch.nn.functional.ctc_loss": [_ctc, _ctc_flat, _ctc_impossible],
}
