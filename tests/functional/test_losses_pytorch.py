"""PyTorch as the oracle of every loss: values, gradients, and gradients of gradients, over drawn settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn

pytestmark = pytest.mark.oracle
Draw = Callable[[st.SearchStrategy[Any]], Any]
REDUCTIONS = st.sampled_from(("mean", "sum", "none"))


@pytest.fixture(scope="module")
def torch() -> Any:
    import torch

    return torch


class Setting:
    """One drawn call: inputs with gradients, constant tensors that follow them, and options."""

    def __init__(
        self, ours: Any, theirs: str, inputs: list[Any], constants: list[Any], **options: Any
    ) -> None:
        self.ours, self.theirs, self.inputs, self.constants = ours, theirs, inputs, constants
        self.options = options
        self.before: Any = None  # a function of (library, first input)
        self.second = True


def numbers(draw: Draw, *shape: int, low: float = -3.0, high: float = 3.0) -> Any:
    return np.random.default_rng(draw(st.integers(0, 10**6))).uniform(low, high, shape)


def classes(draw: Draw, shape: tuple[int, ...], count: int, ignored: int | None = None) -> Any:
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    found = random.integers(0, count, shape)
    return found if ignored is None else np.where(random.random(shape) < 0.3, ignored, found)


def of_classes(name: str) -> Callable[[Draw], Setting]:
    def recipe(draw: Draw) -> Setting:
        count, rest = draw(st.integers(1, 4)), tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
        rows = (draw(st.integers(1, 4)),)
        ignored = draw(st.sampled_from((None, -100, 0, 7)))
        if draw(st.booleans()) and not rest:
            rows = ()
        weight = numbers(draw, count, low=0.1, high=2.0) if draw(st.booleans()) else None
        target = classes(draw, (*rows, *rest), count, ignored)
        if ignored is not None and target.size:  # not all: the mean of nothing is NaN in both
            target.reshape(-1)[0] = count - 1
        options: dict[str, Any] = {"reduction": draw(REDUCTIONS), "weight": weight, "ignore_index": ignored}
        x = numbers(draw, *rows, count, *rest)
        if name == "cross_entropy":
            options["label_smoothing"] = draw(st.sampled_from((0.0, 0.1, 0.7)))
        return Setting(
            getattr(te, name), name if name == "cross_entropy" else "nll_loss", [x], [target], **options
        )

    return recipe


def soft(draw: Draw) -> Setting:
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 4)), *draw(st.lists(st.integers(1, 3), max_size=2)))
    target = numbers(draw, *shape, low=0.0, high=1.0)
    target /= target.sum(1, keepdims=True)
    weight = numbers(draw, shape[1], low=0.1, high=2.0) if draw(st.booleans()) else None
    smoothing = draw(st.sampled_from((0.0, 0.2)))
    return Setting(
        te.cross_entropy,
        "cross_entropy",
        [numbers(draw, *shape), target],
        [],
        reduction=draw(REDUCTIONS),
        weight=weight,
        label_smoothing=smoothing,
    )


def elementwise(
    ours: Any,
    theirs: str,
    low: float = -3.0,
    high: float = 3.0,
    target: tuple[float, float] = (-3, 3),
    **options: Any,
) -> Callable[[Draw], Setting]:
    def recipe(draw: Draw) -> Setting:
        shape = tuple(draw(st.lists(st.integers(1, 3), max_size=3)))
        given = {k: draw(st.sampled_from(v)) for k, v in options.items()}
        reduction = given.pop("reduction", None) or draw(REDUCTIONS)
        inputs = [
            numbers(draw, *shape, low=low, high=high),
            numbers(draw, *shape, low=target[0], high=target[1]),
        ]
        return Setting(ours, theirs, inputs, [], reduction=reduction, **given)

    return recipe


def binary(name: str) -> Callable[[Draw], Setting]:
    def recipe(draw: Draw) -> Setting:
        shape = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
        logits = name.endswith("logits")
        x = numbers(draw, *shape, low=-30, high=30) if logits else numbers(draw, *shape, low=0.02, high=0.98)
        options: dict[str, Any] = {"reduction": draw(REDUCTIONS)}
        if draw(st.booleans()):
            options["weight"] = numbers(draw, *draw(st.sampled_from((shape, shape[1:]))), low=0.1, high=2.0)
        if logits and draw(st.booleans()):
            options["pos_weight"] = numbers(
                draw, *draw(st.sampled_from((shape, shape[1:], (1,)))), low=0.1, high=4.0
            )
        return Setting(getattr(te, name), name, [x, numbers(draw, *shape, low=0, high=1)], [], **options)

    return recipe


def signs(draw: Draw, *shape: int) -> Any:
    return np.where(numbers(draw, *shape) > 0, 1.0, -1.0)


def cosine(draw: Draw) -> Setting:
    rows = draw(st.sampled_from(((), (1,), (4,))))
    n = draw(st.integers(1, 4))
    return Setting(
        te.cosine_embedding,
        "cosine_embedding_loss",
        [numbers(draw, *rows, n), numbers(draw, *rows, n)],
        [signs(draw, *rows)],
        reduction=draw(REDUCTIONS),
        margin=draw(st.sampled_from((0.0, 0.3, -0.2))),
    )


def ranking(draw: Draw) -> Setting:
    n = draw(st.integers(1, 5))
    return Setting(
        te.margin_ranking,
        "margin_ranking_loss",
        [numbers(draw, n), numbers(draw, n)],
        [signs(draw, n)],
        reduction=draw(REDUCTIONS),
        margin=draw(st.sampled_from((0.0, 0.5))),
    )


def distances(draw: Draw) -> Setting:
    shape = tuple(draw(st.lists(st.integers(1, 3), max_size=3)))
    return Setting(
        te.hinge_embedding,
        "hinge_embedding_loss",
        [numbers(draw, *shape)],
        [signs(draw, *shape)],
        reduction=draw(REDUCTIONS),
        margin=draw(st.sampled_from((1.0, 0.5))),
    )


def labels(draw: Draw) -> Setting:
    shape = (*draw(st.lists(st.integers(1, 3), max_size=2)), draw(st.integers(1, 4)))
    weight = numbers(draw, shape[-1], low=0.1, high=2.0) if draw(st.booleans()) else None
    return Setting(
        te.multilabel_soft_margin,
        "multilabel_soft_margin_loss",
        [numbers(draw, *shape, low=-30, high=30)],
        [numbers(draw, *shape, low=0, high=1)],
        reduction=draw(REDUCTIONS),
        weight=weight,
    )


def triplet(draw: Draw) -> Setting:
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    options = {
        "reduction": draw(REDUCTIONS),
        "margin": draw(st.sampled_from((1.0, 0.2))),
        "p": draw(st.sampled_from((2.0, 1.0, 3.0))),
        "swap": draw(st.booleans()),
    }
    return Setting(
        te.triplet_margin,
        "triplet_margin_loss",
        [numbers(draw, *shape) + 0.1 * i for i in range(3)],
        [],
        **options,
    )


def multi_margin(draw: Draw) -> Setting:
    count, rows = draw(st.integers(1, 4)), draw(st.sampled_from(((), (1,), (3,))))
    weight = numbers(draw, count, low=0.1, high=2.0) if draw(st.booleans()) else None
    found = Setting(
        te.multi_margin,
        "multi_margin_loss",
        [numbers(draw, *rows, count)],
        [classes(draw, rows, count)],
        reduction=draw(REDUCTIONS),
        weight=weight,
        p=draw(st.sampled_from((1, 2))),
        margin=draw(st.sampled_from((1.0, 0.5))),
    )
    found.second = False  # PyTorch has none
    return found


def gaussian(draw: Draw) -> Setting:
    rows, n = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    shape = draw(st.sampled_from(((rows, n), (rows, 1), (rows,)) if rows != n else ((rows, n), (rows, 1))))
    return Setting(
        te.gaussian_nll,
        "gaussian_nll_loss",
        [numbers(draw, rows, n), numbers(draw, rows, n), numbers(draw, *shape, low=0.1)],
        [],
        reduction=draw(REDUCTIONS),
        full=draw(st.booleans()),
        eps=draw(st.sampled_from((1e-6, 0.5))),
    )


def ctc(draw: Draw) -> Setting:
    times, rows, count = draw(st.integers(1, 7)), draw(st.integers(1, 3)), draw(st.integers(2, 4))
    blank = draw(st.sampled_from((0, count - 1)))
    most = draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    lengths, spans = random.integers(0, most + 1, rows), random.integers(1, times + 1, rows)
    labels = random.choice([c for c in range(count) if c != blank], (rows, most))
    if draw(st.booleans()):
        labels = np.concatenate([row[:n] for row, n in zip(labels, lengths, strict=True)])
    found = Setting(
        te.ctc,
        "ctc_loss",
        [numbers(draw, times, rows, count)],
        [labels, spans, lengths],
        blank=blank,
        reduction=draw(REDUCTIONS),
        zero_infinity=True,
    )
    found.before = lambda lib, x: lib.log_softmax(x, 2)  # PyTorch's gradient is right through it only
    found.second = False  # PyTorch has none
    return found


RECIPES: dict[str, Callable[[Draw], Setting]] = {
    "cross_entropy": of_classes("cross_entropy"),
    "cross_entropy of probabilities": soft,
    "nll": of_classes("nll"),
    "binary_cross_entropy": binary("binary_cross_entropy"),
    "binary_cross_entropy_with_logits": binary("binary_cross_entropy_with_logits"),
    "smooth_l1": elementwise(te.smooth_l1, "smooth_l1_loss", beta=(0.0, 0.5, 1.0, 2.5)),
    "huber": elementwise(te.huber, "huber_loss", delta=(0.5, 1.0, 2.5)),
    "kl_div": elementwise(te.kl_div, "kl_div", target=(0.01, 1), reduction=("mean", "sum", "none")),
    "kl_div of logarithms": elementwise(te.kl_div, "kl_div", log_target=(True,)),
    "poisson_nll": elementwise(te.poisson_nll, "poisson_nll_loss", target=(0.1, 4), full=(True, False)),
    "poisson_nll of rates": elementwise(
        te.poisson_nll,
        "poisson_nll_loss",
        low=0.1,
        target=(0.1, 4),
        full=(True, False),
        log_input=(False,),
        eps=(1e-8, 0.1),
    ),
    "gaussian_nll": gaussian,
    "cosine_embedding": cosine,
    "margin_ranking": ranking,
    "hinge_embedding": distances,
    "multilabel_soft_margin": labels,
    "triplet_margin": triplet,
    "multi_margin": multi_margin,
    "ctc": ctc,
}


def computed(
    lib: Any, function: Any, setting: Setting, tensors: list[Any], as_constant: Any
) -> tuple[Any, ...]:
    """The loss, its gradients, and the gradients of the sum of their squares, in one of the libraries."""
    options = {k: as_constant(v) if isinstance(v, np.ndarray) else v for k, v in setting.options.items()}
    if options.get("ignore_index", 0) is None:
        del options["ignore_index"]
    first = tensors[0] if setting.before is None else setting.before(lib, tensors[0])
    loss = function(first, *tensors[1:], *map(as_constant, setting.constants), **options)
    weights = np.cos(np.arange(int(np.prod(loss.shape)))).reshape(tuple(loss.shape))
    (loss * as_constant(weights)).sum().backward(create_graph=setting.second, retain_graph=setting.second)
    slopes = [x.grad for x in tensors]
    curves: list[Any] = []
    total = sum((s**2).sum() for s in slopes if s is not None)
    if setting.second and total.requires_grad:
        for x in tensors:
            x.grad = None
        total.backward()
        curves = [x.grad for x in tensors]
    return loss, slopes, curves


def plain(x: Any, like: Any) -> Any:
    return (
        np.zeros(like.shape)
        if x is None
        else x.detach().numpy(**({"force": True} if hasattr(x, "to_sparse") else {}))
    )


@pytest.mark.parametrize("name", RECIPES)
@settings(max_examples=60)
@given(data=st.data())
def test_losses_are_pytorchs(name: str, torch: Any, data: st.DataObject) -> None:
    setting = RECIPES[name](data.draw)
    xs = [te.tensor(a, requires_grad=True) for a in setting.inputs]
    ts = [torch.tensor(a, requires_grad=True) for a in setting.inputs]
    theirs = getattr(torch.nn.functional, setting.theirs)
    found = computed(te, setting.ours, setting, xs, te.tensor)
    expected = computed(torch, theirs, setting, ts, torch.tensor)
    np.testing.assert_allclose(
        found[0].detach().numpy(), expected[0].detach().numpy(), rtol=1e-10, atol=1e-12
    )
    assert found[0].shape == tuple(expected[0].shape)
    for f, e, x in zip(found[1], expected[1], xs, strict=True):
        np.testing.assert_allclose(plain(f, x), plain(e, x), rtol=1e-10, atol=1e-10)
    if expected[2]:
        for f, e, x in zip(found[2] or [None] * len(xs), expected[2], xs, strict=True):
            np.testing.assert_allclose(plain(f, x), plain(e, x), rtol=1e-9, atol=1e-9)


MODULES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "SmoothL1Loss": ({"beta": 0.5}, [np.ones((2, 3)), np.eye(2, 3)]),
    "CrossEntropyLoss": (
        {"weight": [1.0, 2.0, 3.0], "ignore_index": 1, "label_smoothing": 0.1},
        [np.eye(3), np.array([2, 1, 0])],
    ),
    "NLLLoss": ({"weight": [1.0, 2.0, 3.0], "ignore_index": 0}, [np.eye(3), np.array([2, 1, 0])]),
    "BCELoss": ({"weight": [1.0, 2.0]}, [np.full((3, 2), 0.25), np.eye(3, 2)]),
    "BCEWithLogitsLoss": ({"weight": [1.0, 2.0], "pos_weight": [3.0, 0.5]}, [np.eye(3, 2), np.eye(3, 2)]),
    "KLDivLoss": ({"reduction": "batchmean", "log_target": True}, [np.eye(3, 2), np.ones((3, 2))]),
    "PoissonNLLLoss": ({"log_input": False, "full": True, "eps": 0.1}, [np.eye(3, 2), np.ones((3, 2)) * 3]),
    "GaussianNLLLoss": ({"full": True, "eps": 0.1}, [np.eye(3, 2), np.ones((3, 2)), np.ones((3, 1))]),
    "CosineEmbeddingLoss": ({"margin": 0.1}, [np.eye(3, 2), np.ones((3, 2)), np.array([1.0, -1.0, -1.0])]),
    "MarginRankingLoss": ({"margin": 0.1}, [np.arange(3.0), np.ones(3), np.array([1.0, -1.0, -1.0])]),
    "HingeEmbeddingLoss": ({"margin": 0.5}, [np.arange(3.0) / 4, np.array([1.0, -1.0, -1.0])]),
    "SoftMarginLoss": ({"reduction": "sum"}, [np.arange(3.0), np.array([1.0, -1.0, -1.0])]),
    "MultiLabelSoftMarginLoss": ({"weight": [1.0, 2.0]}, [np.eye(3, 2), np.eye(3, 2)]),
    "TripletMarginLoss": (
        {"margin": 0.1, "p": 1.0, "eps": 1e-3, "swap": True},
        [np.eye(3, 2), np.ones((3, 2)), np.zeros((3, 2))],
    ),
    "MultiMarginLoss": ({"p": 2, "margin": 0.5, "weight": [1.0, 2.0, 3.0]}, [np.eye(3), np.array([2, 1, 0])]),
    "CTCLoss": (
        {"blank": 2, "zero_infinity": True, "reduction": "sum"},
        [np.log(np.full((4, 1, 3), 1 / 3)), np.array([[0, 1]]), np.array([4]), np.array([2])],
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_have_pytorchs_options(name: str, torch: Any) -> None:
    options, arrays = MODULES[name]
    tensors = {k: np.array(v) for k, v in options.items() if isinstance(v, list)}
    ours = getattr(nn, name)(**{**options, **tensors})
    theirs = getattr(torch.nn, name)(**{**options, **{k: torch.tensor(v) for k, v in tensors.items()}})
    found, expected = ours(*map(te.tensor, arrays)), theirs(*map(torch.tensor, arrays))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12)
    assert list(ours.state_dict()) == list(theirs.state_dict())


EXTREMES = [0.0, 1.0, 1e-300, 1e-30, 1e-14, 1 - 1e-14, 1e-12, 1.2e-12, 1 - 1.2e-12, 0.3]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("t", [0.0, 1.0, 0.25])
def test_probabilities_near_0_and_1_have_pytorchs_gradients(t: float, dtype: str, torch: Any) -> None:
    """First and second order; its second derivative adds 1e-12 also where the first needs no bound.

    PyTorch's 1e-12 in the gradient is a float32, which is less by 4e-21.
    """
    p, target = np.array(EXTREMES, dtype), np.full(len(EXTREMES), t, dtype)
    x, y = te.tensor(p, requires_grad=True), torch.tensor(p, requires_grad=True)
    found = te.binary_cross_entropy(x, te.tensor(target), reduction="none")
    expected = torch.nn.functional.binary_cross_entropy(y, torch.tensor(target), reduction="none")
    np.testing.assert_allclose(
        found.numpy(), expected.detach().numpy(), rtol=1e-10 if dtype == "float64" else 1e-6
    )
    (slope,) = torch.autograd.grad(expected.sum(), y, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), y)
    ours = te.grad(lambda v: te.binary_cross_entropy(v, te.tensor(target), reduction="sum"))
    rtol = 1e-8 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(ours(x).numpy(), slope.detach().numpy(), rtol=rtol)
    bends = te.grad(lambda v: ours(v).sum())(x).numpy()
    bounded = p * (1 - p) < 1e-12
    np.testing.assert_allclose(bends[bounded], bend.numpy()[bounded], rtol=rtol)
    assert np.isfinite(bends).all()
