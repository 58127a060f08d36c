"""The part of the table of calls with matrices, pieces, selections, statistics of order, and losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu import nn

if TYPE_CHECKING:
    from tests.doors.calls import Call

LABELS = te.tensor([1, 0])
SIGNS = te.tensor([1.0, -1.0])
TIMES = (te.log_softmax(te.ones(3, 2, 3)), te.tensor([[0, 1], [1, 0]]), [3, 2], [1, 2])


def grid(*shape: int) -> te.Tensor:
    size = int(np.prod(shape))
    return te.tensor((np.arange(1, size + 1) * 0.25).reshape(shape).astype("float32"))


def one() -> tuple[te.Tensor]:
    return (grid(2, 3),)


def pair() -> tuple[te.Tensor, te.Tensor]:
    return grid(2, 3), te.ones(2, 3) * 0.5


def triple() -> tuple[te.Tensor, te.Tensor, te.Tensor]:
    return grid(2, 3), te.ones(2, 3), grid(2, 3) * 0.5


def functions(call: type[Call]) -> dict[str, Call]:
    """The calls of functions, made by the class `Call`."""
    drawn: Any = lambda f: lambda *xs, **k: f(*xs, generator=te.Generator(3), **k)  # noqa: E731
    classes = lambda: (grid(2, 3), LABELS)  # noqa: E731
    # fmt: off
    return {
        **{n: call(getattr(te, n), one, {"k": 1}) for n in ("tril", "triu", "diag")},
        "diagonal": call(te.diagonal, one, {"offset": 1}),
        "baddbmm": call(te.baddbmm, lambda: (grid(1, 2, 2),) * 3, {"beta": 0.5, "alpha": 0.25}),
        "chunk": call(te.chunk, one, {"chunks": 2, "axis": 1}),
        **{n: call(getattr(te, n), one, {"axis": 1}) for n in ("unbind", "cummax", "cummin")},
        "bincount": call(te.bincount, lambda: (LABELS,), {"minlength": 4}),
        "histogram": call(te.histogram, one, {"bins": 3, "low": 0.5, "high": 1.25}),
        "median": call(te.median, one, {"axis": 1, "keepdims": True}),
        "quantile": call(te.quantile, one, {"q": 0.25, "axis": 1, "keepdims": True}),
        "quantile of several": call(te.quantile, one, {"q": (0.25, 0.5)}),
        "normalize": call(te.normalize, one, {"ord": 3, "axis": 0, "eps": 0.25}),
        "cosine_similarity": call(te.cosine_similarity, pair, {"axis": 0, "eps": 0.25}),
        "pairwise_distance": call(te.pairwise_distance, pair, {"ord": 3, "eps": 0.25, "keepdims": True}),
        "cdist": call(te.cdist, pair, {"ord": 3}),
        "isclose": call(te.isclose, pair, {"rtol": 0.5, "atol": 0.25, "equal_nan": True}),
        "nan_to_num": call(te.nan_to_num, lambda: (te.tensor([float("-inf"), 1.0]),), {
            "nan": 0.5, "posinf": 2.0, "neginf": -2.0}),
        **{n: call(getattr(te, n), one, {"axis": 1, "keepdims": True})
           for n in ("nansum", "nanmean", "count_nonzero")},
        "diff": call(te.diff, one, {"axis": 0, "n": 1}),
        "moveaxis": call(te.moveaxis, one, {"source": 0, "destination": 1}),
        "moveaxis of several": call(te.moveaxis, one, {"source": (0, 1), "destination": (1, 0)}),
        **{n: call(getattr(te, n), numbers={"rows": 3, "columns": 2, "k": 1})
           for n in ("tril_indices", "triu_indices")},
        "empty": call(te.empty, star=(2, 3), numbers={"requires_grad": True}),
        "randint_like": call(drawn(te.randint_like), one, {"low": 2, "high": 9}),
        "multinomial": call(drawn(te.multinomial), one, {"count": 2, "replacement": True}),
        "hinge": call(te.hinge, lambda: (grid(2), SIGNS), {"margin": 0.5}),
        "huber": call(te.huber, pair, {"delta": 0.5}),
        "smooth_l1": call(te.smooth_l1, pair, {"beta": 0.5}),
        "cross_entropy": call(te.cross_entropy, classes, {"ignore_index": 0, "label_smoothing": 0.25}),
        "nll": call(te.nll, classes, {"ignore_index": 0}),
        "multi_margin": call(te.multi_margin, classes, {"p": 2, "margin": 0.5}),
        "kl_div": call(te.kl_div, pair, {"log_target": True}),
        "poisson_nll": call(te.poisson_nll, pair, {"log_input": False, "full": True, "eps": 0.5}),
        "gaussian_nll": call(te.gaussian_nll, triple, {"full": True, "eps": 0.5}),
        "margin_ranking": call(te.margin_ranking, lambda: (grid(2), te.ones(2), SIGNS), {"margin": 0.5}),
        "hinge_embedding": call(te.hinge_embedding, lambda: (grid(2), SIGNS), {"margin": 0.5}),
        "cosine_embedding": call(te.cosine_embedding, lambda: (*pair(), SIGNS), {"margin": 0.5}),
        "triplet_margin": call(te.triplet_margin, triple, {
            "margin": 0.5, "p": 3.0, "eps": 0.25, "swap": True}),
        "ctc": call(te.ctc, lambda: TIMES, {"blank": 2, "zero_infinity": True}),
    }
    # fmt: on


def modules(call: type[Call]) -> dict[str, Call]:
    """The calls of losses that are modules."""
    given: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
        "HingeLoss": ((grid(2), SIGNS), {"margin": 0.5}),
        "HuberLoss": (pair(), {"delta": 0.5}),
        "SmoothL1Loss": (pair(), {"beta": 0.5}),
        "CrossEntropyLoss": ((grid(2, 3), LABELS), {"ignore_index": 0, "label_smoothing": 0.25}),
        "NLLLoss": ((grid(2, 3), LABELS), {"ignore_index": 0}),
        "MultiMarginLoss": ((grid(2, 3), LABELS), {"p": 2, "margin": 0.5}),
        "KLDivLoss": (pair(), {"log_target": True}),
        "PoissonNLLLoss": (pair(), {"log_input": False, "full": True, "eps": 0.5}),
        "GaussianNLLLoss": (triple(), {"full": True, "eps": 0.5}),
        "CosineEmbeddingLoss": ((*pair(), SIGNS), {"margin": 0.5}),
        "HingeEmbeddingLoss": ((grid(2), SIGNS), {"margin": 0.5}),
        "MarginRankingLoss": ((grid(2), te.ones(2), SIGNS), {"margin": 0.5}),
        "TripletMarginLoss": (triple(), {"margin": 0.5, "p": 3.0, "eps": 0.25, "swap": True}),
        "CTCLoss": (TIMES, {"blank": 2, "zero_infinity": True}),
    }

    def answered(name: str, inputs: tuple[Any, ...]) -> Any:
        def run(**settings: Any) -> Any:
            made = getattr(nn, name)(**settings)
            return made, made(*inputs)

        return run

    return {name: call(answered(name, inputs), numbers=numbers) for name, (inputs, numbers) in given.items()}
