"""Losses at their edges: infinite logits, rows that do not count, labels without alignment, wrong calls."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.profile import profile

INF, NAN = math.inf, math.nan
Z = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])


def slope(loss: Any, x: Any) -> Any:
    return te.grad(loss)(te.tensor(np.asarray(x, np.float64))).numpy()


def test_the_plain_cross_entropy_is_one_op() -> None:
    with profile() as found:
        te.cross_entropy(te.tensor(Z), te.tensor([0, 2]))
    assert [row.name for row in found.rows] == ["cross_entropy"]


def test_rows_that_do_not_count_have_no_part_in_anything() -> None:
    """Not even if their logits are infinite, or their class does not exist."""
    bad = np.vstack([Z, [[INF, -INF, NAN]]])
    for options in ({}, {"weight": te.tensor([1.0, 2.0, 3.0])}):
        for loss in (te.cross_entropy, te.nll):
            expected = loss(te.tensor(Z), te.tensor([2, 1]), **options)
            with np.errstate(all="ignore"):
                found = loss(te.tensor(bad), te.tensor([2, 1, 99]), ignore_index=99, **options)
            np.testing.assert_allclose(found.item(), expected.item(), rtol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        z = te.tensor(Z).requires_grad_()
        ignored = te.cross_entropy(z, te.tensor([-100, -100]), ignore_index=-100)
        ignored.backward()
    assert math.isnan(ignored.item()) and not z.grad.numpy().any()
    assert te.cross_entropy(te.tensor(Z), te.tensor([7, 7]), ignore_index=7, reduction="sum").item() == 0
    grads = slope(lambda z: te.cross_entropy(z, te.tensor([0, -1]), ignore_index=-1), Z)
    assert grads[0].any() and not grads[1].any()


def test_a_target_that_is_no_class_stays_an_error_with_options() -> None:
    for options in ({"label_smoothing": 0.1}, {"ignore_index": -1}, {"weight": [1.0, 1.0, 1.0]}):
        with pytest.raises(IndexError, match="out of range"):
            te.cross_entropy(te.tensor(Z), te.tensor([0, -100]), **options).item()


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        (te.cross_entropy, {}),
        (te.cross_entropy, {"weight": [1.0, 2.0, 3.0]}),
        (te.cross_entropy, {"label_smoothing": 0.1}),
        (te.nll, {}),
        (te.nll, {"ignore_index": -1}),
    ],
)
def test_a_negative_target_is_answered_with_ignore_index(loss: Any, options: Any) -> None:
    with pytest.raises(IndexError, match=r"target -100 is out of range.*ignore_index=-100"):
        loss(te.tensor(Z, device="cpu"), te.tensor([0, -100], device="cpu"), **options)
    with pytest.raises(IndexError, match=r"target 3 is out of range.*\)$"):
        loss(te.tensor(Z, device="cpu"), te.tensor([0, 3], device="cpu"), **options)


@pytest.mark.parametrize("loss", [te.cross_entropy, te.nll])
@pytest.mark.parametrize("options", [{}, {"weight": [1.0] * 3}])
@pytest.mark.parametrize(
    ("shape", "target", "said"),
    [
        ((4, 3), te.zeros(4), r"convert them with target.to\('int64'\)"),
        ((4, 5, 3), te.zeros(4, 5, dtype="int64"), r"axis 1: logits.transpose\(1, 2\)"),
        ((4, 5, 6, 3), te.zeros(4, 5, 6, dtype="int64"), r"axis 1: logits.permute\(\(0, 3, 1, 2\)\)"),
        ((3, 4), te.zeros(4, dtype="int64"), r"axis 1: logits.T"),
        ((4, 3), te.zeros(4, 1, dtype="int64"), r"target\[:, 0\]"),
        ((4, 3), te.zeros(4, 3, dtype="int64"), r"target.argmax\(1\)"),
    ],
)
def test_targets_of_another_form_are_answered(
    loss: Any, options: Any, shape: Any, target: te.Tensor, said: str
) -> None:
    logits = te.zeros(*shape)
    with pytest.raises((TypeError, ValueError), match=said):
        loss(logits, target, **options)
    remedy = said.replace("\\", "").rpartition(": ")[2].removeprefix("convert them with ")
    names = {"logits": logits, "target": target}
    names[remedy.partition(".")[0].partition("[")[0]] = eval(remedy, dict(names))
    assert loss(names["logits"], names["target"]).item() >= 0


def test_one_class_with_other_probabilities_than_1_is_refused() -> None:
    z, labels = te.tensor([[1.0], [2.0]], device="cpu"), te.tensor([[1.0], [0.0]], device="cpu")
    with pytest.raises(ValueError, match=r"binary_cross_entropy_with_logits.*te\.mse"):
        te.cross_entropy(z, labels)
    assert te.cross_entropy(z, te.ones_like(z)).item() == 0
    assert te.cross_entropy(z, te.tensor([0, 0], device="cpu")).item() == 0


@pytest.mark.parametrize("weight", [None, 3.0, [1.0, 2.0]])
def test_infinite_logits_have_the_limit_with_a_weight_of_positives(weight: Any) -> None:
    z = np.array([[INF, -INF], [INF, -INF]])
    t = np.array([[1.0, 0.0], [0.0, 1.0]])
    with np.errstate(all="ignore"):
        found = te.binary_cross_entropy_with_logits(
            te.tensor(z), te.tensor(t), pos_weight=weight, reduction="none"
        )
    assert found.tolist() == [[0.0, 0.0], [INF, INF]]


def test_large_logits_keep_their_digits_with_a_weight_of_positives() -> None:
    z, t = te.tensor([800.0, -800.0, -40.0], dtype="float64"), te.tensor([1.0, 1.0, 0.0], dtype="float64")
    found = te.binary_cross_entropy_with_logits(z, t, pos_weight=2.0, reduction="none").numpy()
    np.testing.assert_allclose(found, [0.0, 1600.0, math.exp(-40)], rtol=1e-13)


def test_a_probability_of_0_adds_nothing_to_a_divergence() -> None:
    found = te.kl_div(te.tensor([-1.0, -2.0]), te.tensor([0.0, 1.0]), reduction="none")
    assert found.tolist() == [0.0, 2.0]
    assert slope(lambda y: te.kl_div(y, te.tensor([0.0, 1.0]), reduction="sum"), [-1.0, -2.0]).tolist() == [
        0,
        -1,
    ]


# -- ctc -----------------------------------------------------------------------------------------------------


def test_labels_without_alignment_have_a_loss_of_infinity_and_no_gradient() -> None:
    x = np.log(np.full((2, 1, 3), 1 / 3))
    for labels in ([[1, 2, 1]], [[1, 1, 0]]):  # more than times; a repeated one needs a blank between
        count = [3] if labels[0][2] else [2]
        loss = te.ctc(te.tensor(x), te.tensor(labels), [2], count)
        assert loss.item() == INF
        assert not slope(lambda x, c=count, s=labels: te.ctc(x, te.tensor(s), [2], c), x).any()
        assert te.ctc(te.tensor(x), te.tensor(labels), [2], count, zero_infinity=True).item() == 0.0


def test_no_labels_are_blanks_only() -> None:
    x = te.log_softmax(te.tensor(np.random.default_rng(0).normal(size=(4, 1, 3))), 2)
    found = te.ctc(x, te.zeros(1, 0, dtype="int64"), [4], [0])
    np.testing.assert_allclose(found.item(), -x.numpy()[:, 0, 0].sum(), rtol=1e-12)
    assert te.ctc(x, te.zeros(1, 0, dtype="int64"), [0], [0]).item() == 0.0


def test_one_row_needs_no_axis_of_rows() -> None:
    x = te.log_softmax(te.tensor(np.random.default_rng(1).normal(size=(5, 1, 4))), 2)
    rows = te.ctc(x, te.tensor([[3, 1]]), [5], [2], reduction="none")
    alone = te.ctc(te.squeeze(x, 1), te.tensor([3, 1]), 5, 2, reduction="none")
    assert rows.shape == (1,) and alone.shape == () and rows[0].item() == alone.item()


def test_a_thousand_times_stay_finite_in_float32() -> None:
    """The gradient by logits of each time sums to 0, since a softmax does."""
    random = np.random.default_rng(2)
    logits = te.tensor(random.normal(size=(1000, 2, 5)).astype("float32") * 20, requires_grad=True)
    loss = te.ctc(te.log_softmax(logits, 2), te.tensor(random.integers(1, 5, (2, 30))), [1000, 700], [30, 20])
    loss.backward()
    grads = logits.grad.numpy()
    assert math.isfinite(loss.item()) and np.isfinite(grads).all() and not grads[700:, 1].any()
    np.testing.assert_allclose(grads.sum(-1), 0, atol=1e-5)


# -- wrong calls, and modules --------------------------------------------------------------------------------


X3 = te.log_softmax(te.ones(3, 2, 4), 2)


@pytest.mark.parametrize("call, text", [
    (lambda: te.cross_entropy(Z, [0, 1], reduction="avg"), "reduction must be .*, not 'avg'"),
    (lambda: te.cross_entropy(Z, [0, 1], label_smoothing=1.0), r"must be in \[0, 1\), not 1.0"),
    (lambda: te.cross_entropy(Z, [0, 1], weight=[1.0]), r"weight \(1,\) must have one number for each"),
    (lambda: te.cross_entropy(Z, Z, ignore_index=1), "ignore_index goes with class numbers"),
    (lambda: te.cross_entropy(te.ones(2, 3, 4), [0, 1]), r"must be \(rows, classes, ...\), targets \(2,\)"),
    (lambda: te.cross_entropy(te.ones(2, 3, 1), te.ones(2, 1)), "targets must be class numbers"),
    (lambda: te.nll(Z, [0]), r"targets \(1,\)"),
    (lambda: te.multi_margin(Z, [0, 1], p=3), "p must be 1 or 2, not 3"),
    (lambda: te.binary_cross_entropy_with_logits(Z, Z > 0, pos_weight=[1.0, 2.0]), r"pos_weight \(2,\)"),
    (lambda: te.smooth_l1(Z, Z, beta=-1.0), "beta must be at least 0"),
    (lambda: te.kl_div(Z, Z[0]), "must have one shape"),
    (lambda: te.gaussian_nll(Z, Z, te.ones(3)), r"var \(3,\) must be of shape \(2, 3\), \(2, 1\) or"),
    (lambda: te.gaussian_nll(Z, Z, -1.0), "variances from -1 to -1"),
    (lambda: te.margin_ranking(Z, Z, te.zeros(2, 3)), "a target is 0, and they are -1 and 1"),
    (lambda: te.cosine_embedding(Z, Z, [1.0]), r"vectors \(2, 3\) must be \(rows, n\), targets \(1,\)"),
    (lambda: te.triplet_margin(Z, Z, te.ones(4)), r"\(2, 3\) and \(4,\) do not broadcast"),
    (lambda: te.ctc(Z[0], [1], [1], [1]), r"must be \(times, rows, classes\)"),
    (lambda: te.ctc(X3, [[1], [2]], [3, 4], [1, 1]), "input_lengths has 4, and they are from 0 to 3"),
    (lambda: te.ctc(X3, [[1], [2]], [3, 3], [1]), "target_lengths must have one number for each of 2 rows"),
    (lambda: te.ctc(X3, [[1], [2]], [3, 3], [2, 1]), r"targets \(2, 1\) must be \(2, at least 2\) or \(3,\)"),
    (lambda: te.ctc(X3, [[1], [0]], [3, 3], [1, 1]), "label 0 is the blank"),
    (lambda: te.ctc(X3, [[1], [4]], [3, 3], [1, 1]), "label 4 is the blank, or out of range for 4 classes"),
    (lambda: te.ctc(X3, [[1], [2]], [3, 3], [1, 1], blank=4), "blank 4 is out of range for 4 classes"),
    (lambda: te.ctc(X3, [[1.5], [2]], [3, 3], [1, 1]), "targets must hold integers"),
    (lambda: nn.CrossEntropyLoss(label_smoothing=2), r"label_smoothing must be a number in \[0, 1\), not 2"),
    (lambda: nn.KLDivLoss(reduction="no"), "'batchmean'"),
])  # fmt: skip
@pytest.mark.cpu
def test_a_wrong_call_is_an_error_that_says_so(call: Any, text: str) -> None:
    with pytest.raises((ValueError, TypeError, IndexError), match=text) as error:
        call()
    assert "test_losses.py:" in str(error.value)


def test_weights_of_a_module_move_with_it_and_are_saved() -> None:
    loss = nn.CrossEntropyLoss(weight=[1.0, 2.0, 4.0])
    assert list(loss.state_dict()) == ["weight"] and loss.weight.dtype == np.float32
    assert loss.to("float64").weight.dtype == np.float64
    assert repr(loss) == "CrossEntropyLoss(reduction='mean', ignore_index=None, label_smoothing=0.0)"
    other = nn.CrossEntropyLoss(weight=[0.0, 0.0, 0.0])
    other.load_state_dict(loss.state_dict())
    x, t = te.tensor(Z), te.tensor([2, 1])
    assert other(x, t).item() == pytest.approx(
        te.cross_entropy(x, t, weight=[1.0, 2.0, 4.0]).item(), rel=1e-6
    )
    assert not list(loss.parameters())
