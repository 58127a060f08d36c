"""Images turned and shifted: exact where a turn or shift is, kind to the mean elsewhere, repeatable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.data import ArrayDataset, DataLoader, RandomAffine, affine

SEEDS = st.integers(0, 2**64 - 1)
DTYPES = st.sampled_from([np.float32, np.float64, np.uint8])


@st.composite
def images(draw, square=False):
    """A batch of noise, (n, h, w) or (n, c, h, w), of any of the dtypes."""
    height = draw(st.integers(1, 9))
    lead = draw(st.sampled_from([(0,), (1,), (3,), (2, 1), (2, 3)]))
    shape = (*lead, height, height if square else draw(st.integers(1, 9)))
    values = np.random.default_rng(draw(st.integers(0, 999))).uniform(0, 255, shape)
    return values.astype(draw(DTYPES))


def blob(side=28, spread=3.0):
    """A smooth hill in the middle of an image, away from the border: (1, side, side)."""
    away = np.arange(side) - (side - 1) / 2
    return np.exp(-(away[:, None] ** 2 + away[None, :] ** 2) / (2 * spread**2))[None]


def close(found, wanted):
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, atol=1e-6 * 255 if wanted.dtype == np.float32 else 1e-6)


@given(images(), SEEDS)
def test_nothing_asked_for_is_nothing_done(batch, seed):
    for same in (affine(batch), RandomAffine(seed=seed)(batch)):
        assert same.dtype == batch.dtype
        np.testing.assert_array_equal(same, batch)
        assert not np.shares_memory(same, batch)


@given(images(square=True), st.integers(-5, 5))
def test_quarter_turns_are_rot90(batch, quarters):
    wanted = np.rot90(batch, quarters, axes=(-2, -1))
    np.testing.assert_array_equal(affine(batch, degrees=90.0 * quarters), wanted)
    if batch.dtype.kind == "f":  # all comes from inside
        np.testing.assert_array_equal(affine(batch, degrees=90.0 * quarters, fill=np.nan), wanted)


@given(images(), st.integers(-10, 10), st.integers(-10, 10))
def test_whole_shifts_move_pixels_and_fill_the_rest(batch, down, right):
    height, width = batch.shape[-2:]
    wanted = np.full_like(batch, 7)
    if abs(down) < height and abs(right) < width:
        to = np.s_[..., max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
        source = np.s_[..., max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
        wanted[to] = batch[source]
    close(affine(batch, translate=(down, right), fill=7), wanted)


@given(st.floats(-180, 180), st.floats(-3, 3), st.floats(-3, 3))
def test_what_stays_inside_keeps_its_mean_and_goes_where_it_was_sent(degrees, down, right):
    image = blob()
    moved = affine(image, degrees=degrees, translate=(down, right))
    assert moved.mean() == pytest.approx(image.mean(), rel=0.01)
    rows, columns = np.indices(image.shape[1:])
    centre = (moved[0] * rows).sum() / moved.sum(), (moved[0] * columns).sum() / moved.sum()
    assert centre == pytest.approx((13.5 + down, 13.5 + right), abs=0.02)


@given(st.floats(-40, 40), st.floats(-2, 2))
def test_a_turn_and_its_opposite_give_the_image_back(degrees, shift):
    there = affine(blob(), translate=(shift, 0))
    back = affine(affine(there, degrees=degrees), degrees=-degrees)
    np.testing.assert_allclose(back, there, atol=2 * 2 / 8 / 3.0**2)  # twice |f"| / 8 along both axes


@given(images(), st.floats(0, 400), st.floats(0, 20), SEEDS)
def test_no_value_leaves_the_range_of_the_image_and_the_fill(batch, degrees, translate, seed):
    changed = RandomAffine(degrees=degrees, translate=translate, seed=seed)(batch)
    assert changed.dtype == batch.dtype and changed.shape == batch.shape
    if batch.size:
        assert changed.min() >= 0 and changed.max() <= batch.max() * (1 + 1e-6)


@given(images(), SEEDS)
def test_the_seed_and_the_call_decide(batch, seed):
    first, second = (RandomAffine(degrees=10, translate=1.5, seed=seed) for _ in range(2))
    calls = [first(batch) for _ in range(3)]
    for wanted in calls:
        np.testing.assert_array_equal(second(batch), wanted)
    resumed = RandomAffine(degrees=10, translate=1.5)
    resumed.load_state_dict({**first.state_dict(), "calls": 1})
    np.testing.assert_array_equal(resumed(batch), calls[1])


def test_another_seed_another_call_and_another_image_are_other_draws():
    batch = np.repeat(blob(), 2, axis=0)
    turn = RandomAffine(translate=2, seed=0)
    one, two = turn(batch), turn(batch)
    other = RandomAffine(translate=2, seed=1)(batch)
    assert not np.allclose(one, two) and not np.allclose(one, other) and not np.allclose(one[0], one[1])


def test_channels_move_together():
    batch = np.repeat(blob()[:, None], 3, axis=1)
    changed = RandomAffine(degrees=30, translate=3)(batch)
    np.testing.assert_array_equal(changed[:, 0], changed[:, 2])
    np.testing.assert_array_equal(changed[:, 0], RandomAffine(degrees=30, translate=3)(blob()))


def test_each_image_has_its_own_angle_and_shift():
    batch = np.random.default_rng(0).random((3, 5, 5))
    changed = affine(batch, degrees=[0, 90, 180], translate=[(1, 0), (0, 0), (0, 0)])
    np.testing.assert_array_equal(changed[0, 1:], batch[0, :-1])
    np.testing.assert_allclose(changed[1], np.rot90(batch[1]), atol=1e-12)
    np.testing.assert_allclose(changed[2], np.rot90(batch[2], 2), atol=1e-12)


def test_bytes_are_rounded_to_the_nearest():
    halves = affine(np.array([[[0, 255, 255]]], np.uint8), translate=(0, 0.3))
    np.testing.assert_array_equal(halves, [[[0, 178, 255]]])  # 0.7 x 255 = 178.5, to the even number


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_fill_or_a_pixel_that_is_no_number_stays_where_it_is(value):
    ones = np.ones((1, 4, 4))
    np.testing.assert_array_equal(affine(ones, fill=value), ones)
    moved = affine(ones, translate=(1, -1), fill=value)
    np.testing.assert_array_equal(np.isfinite(moved[0]), np.pad(ones[0, 1:, 1:], ((1, 0), (0, 1))) == 1)
    spotted = ones.copy()
    spotted[0, 1, 2] = value
    np.testing.assert_array_equal(affine(spotted, translate=(1, 0))[0, 1:], spotted[0, :-1])
    half = affine(ones, translate=(0.5, 0), fill=value)  # the first row is half of what lies outside
    assert not np.isfinite(half[0, 0]).any() and (half[0, 1:] == 1).all()


def test_bytes_are_filled_with_the_nearest_byte():
    assert affine(np.zeros((1, 2, 1), np.uint8), translate=(1, 0), fill=2.7).ravel().tolist() == [3, 0]
    assert affine(np.zeros((1, 2, 1), np.uint8), translate=(1, 0), fill=254.6).ravel().tolist() == [255, 0]


@pytest.mark.parametrize("dtype", [">f4", ">f8", "<f8"])
def test_another_byte_order_is_read(dtype):
    batch = np.random.default_rng(0).random((2, 5, 5))
    turned = affine(batch.astype(dtype), degrees=20)
    assert turned.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_allclose(turned, affine(batch, degrees=20), atol=1e-6)


def test_a_refused_batch_draws_nothing():
    turn, other = RandomAffine(degrees=10, fill=300.0), RandomAffine(degrees=10, fill=300.0)
    with pytest.raises(ValueError, match="is no uint8"):
        turn(np.zeros((1, 3, 3), np.uint8))
    assert turn.calls == 0
    np.testing.assert_array_equal(turn(blob()), other(blob()))


def test_a_run_is_resumed_from_the_states_of_the_loader_and_its_transform():
    rows = ArrayDataset(np.repeat(blob(8, 1.0), 6, axis=0), np.arange(6))

    def begin():
        return DataLoader(rows, 2, shuffle=True, transform=RandomAffine(degrees=20), as_numpy=True)

    first, resumed = begin(), begin()
    passing = iter(first)
    next(passing)
    resumed.load_state_dict(first.state_dict())
    resumed.transform.load_state_dict(first.transform.state_dict())
    for (x, y), (again, labels) in zip(passing, resumed, strict=True):
        np.testing.assert_array_equal(x, again)
        np.testing.assert_array_equal(y, labels)


def test_a_loader_takes_it_and_leaves_the_labels_alone():
    rows = ArrayDataset(np.repeat(blob(8, 1.0), 6, axis=0).astype(np.float32), np.arange(6))
    loader = DataLoader(rows, 4, transform=RandomAffine(degrees=20, translate=1))
    seen = [(x, y.tolist()) for x, y in loader]
    assert [x.shape for x, _ in seen] == [(4, 8, 8), (2, 8, 8)]
    assert [y for _, y in seen] == [[0, 1, 2, 3], [4, 5]]
    assert not np.allclose(seen[0][0].numpy(), rows.arrays[0][:4])


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: RandomAffine(degrees=-1), ValueError, "degrees=-1 must be a number >= 0"),
        (lambda: RandomAffine(translate=np.nan), ValueError, "translate=nan"),
        (lambda: RandomAffine(degrees="a"), TypeError, "degrees='a' must be one number"),
        (lambda: RandomAffine(translate=(1, 2, 3)), TypeError, r"translate=\(1, 2, 3\) must be one number"),
        (lambda: RandomAffine(translate=(1, "a")), TypeError, "translate='a' must be one number"),
        (
            lambda: RandomAffine(translate=(0.1, 0.2)),
            ValueError,
            "less than a pixel.*0.1 of 28 pixels is 2.8",
        ),
        (lambda: RandomAffine(fill="x"), TypeError, "fill='x' must be one number"),
        (lambda: affine(np.zeros((3, 8, 8)), fill=None), TypeError, "fill=None must be one number"),
        (lambda: affine(np.zeros((3, 8, 8)), degrees="a"), TypeError, "degrees='a' must be made of numbers"),
        (lambda: RandomAffine(seed=-1), ValueError, "seed must lie"),
        (lambda: RandomAffine()(np.zeros((3, 64))), ValueError, r"\(3, 64\).*reshape"),
        (lambda: RandomAffine()(np.zeros((3, 8, 8), int)), TypeError, "int64 .*; convert"),
        (lambda: affine(np.zeros((3, 8, 8)), degrees=[1, 2]), ValueError, r"\(2,\).*3 images"),
        (lambda: affine(np.zeros((3, 8, 8)), translate=(np.inf, 0)), ValueError, "finite"),
        (lambda: affine(np.zeros((3, 8, 8), np.uint8), fill=256), ValueError, "fill=256"),
        (lambda: RandomAffine().load_state_dict({"calls": 1}), ValueError, "is no state"),
    ],
)
def test_what_cannot_be_done_is_said(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_a_pair_of_shifts_has_the_most_of_each_direction():
    images = np.zeros((40, 9, 9), np.float32)
    images[:, 4, 4] = 1
    pair = RandomAffine(translate=(0, 3), seed=1)(images)
    np.testing.assert_allclose(pair[:, 4].sum(1), 1, rtol=1e-5)  # all stay in their row
    assert len(set(pair[:, 4].argmax(1))) > 4
    assert RandomAffine(translate=(3, 0), seed=1)(images)[:, :, 4].sum() == pytest.approx(40)
    both, one = (RandomAffine(degrees=5, translate=most, seed=1) for most in ((2, 2), 2))
    np.testing.assert_array_equal(both(images), one(images))
    assert RandomAffine(translate=(0.0, 0.0))(images).sum() == 40
