"""Lists, tuples and nested lists of tensors: every public function keeps their graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.functional.drawing import Case, maps
from tests.functional.table import TABLE, TESTED_ELSEWHERE
from tinygrad_edu.domain import Call
from tinygrad_edu.testing import HypothesisDraw

KEEP_ARRAYS = {"getitem": ("key",)}


def shaped(name: str, *shapes: tuple[int, ...], **params: Any) -> Case:
    """Arrays of these shapes."""
    return Case(getattr(te, name), lambda draw: Call(tuple(draw.array(s) for s in shapes), params))


LINE, GRID, ROOM = (1, 2, 3), (1, 2, 3, 3), (1, 2, 2, 2, 2)
SPACES = {"1d": LINE, "2d": GRID, "3d": ROOM}
ACTIVATIONS = ("celu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "mish", "relu6", "selu",
               "softmin", "softshrink", "softsign", "tanhshrink")  # fmt: skip
SHAPED = {
    **{
        f"{kind}_pool{k}": shaped(f"{kind}_pool{k}", x, size=2)
        for kind in ("avg", "max")
        for k, x in SPACES.items()
    },
    **{
        f"adaptive_{kind}_pool{k}": shaped(f"adaptive_{kind}_pool{k}", x, output_size=2)
        for kind in ("avg", "max")
        for k, x in SPACES.items()
    },
    **{
        f"{conv}{k}": shaped(f"{conv}{k}", x, (2, 2, *(2,) * (len(x) - 2)), (2,))
        for conv in ("conv", "conv_transpose")
        for k, x in SPACES.items()
    },
    **{name: shaped(name, (2, 3)) for name in ACTIVATIONS},
    "threshold": shaped("threshold", (2, 3), threshold=0.1, value=0.2),
    "prelu": shaped("prelu", (2, 3), (3,)),
    "glu": shaped("glu", (2, 4)),
    "dropout": shaped("dropout", (2, 3), training=False),
    "scaled_dot_product_attention": shaped("scaled_dot_product_attention", (2, 3), (4, 3), (4, 2)),
    "fold": shaped("fold", (1, 4, 4), output_size=3, size=2),
    "unfold": shaped("unfold", GRID, size=2),
    "group_norm": shaped("group_norm", (2, 4, 3), num_groups=2),
    "instance_norm": shaped("instance_norm", (2, 2, 3)),
    "rms_norm": shaped("rms_norm", (2, 3)),
    "interpolate": shaped("interpolate", LINE, size=5),
    "pixel_shuffle": shaped("pixel_shuffle", (1, 4, 2, 2), factor=2),
    "pixel_unshuffle": shaped("pixel_unshuffle", (1, 1, 4, 4), factor=2),
    "unflatten": shaped("unflatten", (2, 6), axis=1, sizes=(2, 3)),
}
FREE = {name: Case(getattr(te, name), maps(te.Interval(-1, 1))) for name in ("as_tensor",)}
CASES = {**TABLE, **SHAPED, **FREE}
NO_GRADIENTS = {
    "causal_mask",
    "empty",
    "empty_like",
    "full_like",
    "rand_like",
    "randn_like",
    "randint_like",
    "multinomial",
    "arange",
    "eye",
    "full",
    "linspace",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
    "rand",
    "randn",
    "randint",
    "randperm",
    "tril_indices",
    "triu_indices",
    "bernoulli",
    "spread",
    "numpy_key",
    "seed_for",
    "from_dlpack",
    "wrap",
    "tensor",
}


def test_every_public_function_is_here_or_cannot_keep_a_graph() -> None:
    assert set(te.functional.__all__) == set(CASES) | NO_GRADIENTS
    assert set(TESTED_ELSEWHERE) >= NO_GRADIENTS


def rows(x: te.Tensor) -> Any:
    return [x[i] for i in range(len(x))] if x.shape and len(x) else x


def pair(x: te.Tensor) -> Any:
    return tuple(rows(x)) if isinstance(rows(x), list) else x


def nested(x: te.Tensor) -> Any:
    return [nested(x[i]) for i in range(len(x))] if x.shape and len(x) else x


def mixed(x: te.Tensor) -> Any:
    """Its first row is a tensor, the others are Python's numbers."""
    return [x[0], *x[1:].tolist()] if x.ndim and x.size else x


HOW: dict[str, Callable[[te.Tensor], Any]] = {"list": rows, "tuple": pair, "nested": nested, "mixed": mixed}


def numbers_of(result: Any) -> Iterator[te.Tensor]:
    for item in result if isinstance(result, (list, tuple)) else [result]:
        if isinstance(item, te.Tensor):
            yield item


def called(name: str, call: Call, how: Callable[[te.Tensor], Any]) -> Any:
    """What a function gives for its arrays as `how` spells them, and the gradient of each."""
    leaves: list[te.Tensor] = []

    def spelled(x: Any) -> Any:
        if isinstance(x, list):
            return [spelled(v) for v in x]
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
            return x
        leaves.append(te.tensor(x, requires_grad=True))
        return how(leaves[-1])

    given = [spelled(x) for x in call.arrays]
    params = {k: v if k in KEEP_ARRAYS.get(name, ()) else spelled(v) for k, v in call.params.items()}
    results = list(numbers_of(getattr(te, name)(*given, **params)))
    live = [r for r in results if r.requires_grad]
    for r in live:
        (r * te.tensor(np.linspace(0.5, 1.5, r.size).reshape(r.shape), dtype=r.dtype)).sum().backward()
    slopes = [None if x.grad is None else x.grad.numpy() for x in leaves]
    return [r.numpy() for r in results], [r.dtype for r in results], len(live), slopes


@pytest.mark.parametrize("name", sorted(CASES))
@given(data=st.data(), how=st.sampled_from(sorted(HOW)))
def test_lists_keep_the_graph_of_their_tensors(name: str, how: str, data: st.DataObject) -> None:
    call = CASES[name].calls(HypothesisDraw(data.draw))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected, dtypes, live, slopes = called(name, call, lambda x: x)
        except ValueError:
            with pytest.raises(ValueError):
                called(name, call, HOW[how])
            return
        found = called(name, call, HOW[how])
    for f, e in zip(found[0], expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-12, atol=1e-12)
    assert (found[1], found[2]) == (dtypes, live)
    for f, e in zip(found[3], slopes, strict=True):
        if f is None or e is None:
            assert f is e
        elif how == "mixed" and f.ndim:  # the numbers among them have none
            np.testing.assert_allclose(f[:1], e[:1], rtol=1e-12, atol=1e-12)
        else:
            np.testing.assert_allclose(f, e, rtol=1e-12, atol=1e-12)
