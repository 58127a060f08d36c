"""Transforms of images: what they do exactly, and draws that depend on the row and on nothing else."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.data import (
    ArrayDataset,
    ColorJitter,
    Compose,
    DataLoader,
    Normalize,
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
    Resize,
)
from tinygrad_edu.data.draws import RandomTransform

SEEDS = st.integers(0, 2**64 - 1)
RANDOM = [
    RandomCrop(4, padding=1, seed=3),
    RandomHorizontalFlip(seed=3),
    RandomVerticalFlip(seed=3),
    ColorJitter(0.5, 0.5, 0.5, seed=3),
    RandomAffine(degrees=30, translate=1, seed=3),
]


def pictures(n=6, shape=(3, 6, 5), dtype=np.float64, seed=0):
    values = np.random.default_rng(seed).random((n, *shape))
    return (values * 255).astype(dtype) if dtype == np.uint8 else values.astype(dtype)


@pytest.mark.parametrize("shape", [(6, 5), (2, 6, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@given(st.integers(1, 7), st.integers(1, 6), st.integers(0, 3), SEEDS)
def test_a_crop_is_a_part_of_the_padded_image(shape, dtype, height, width, padding, seed):
    images = pictures(3, shape, dtype)
    if height > 6 + 2 * padding or width > 5 + 2 * padding:
        with pytest.raises(ValueError, match="lower size, or raise padding"):
            RandomCrop((height, width), padding=padding)(images)
        return
    crops = RandomCrop((height, width), padding=padding, fill=7, seed=seed)(images)
    assert crops.shape == (*images.shape[:-2], height, width) and crops.dtype == images.dtype
    around = ((0, 0),) * (images.ndim - 2) + ((padding, padding),) * 2
    for crop, image in zip(crops, np.pad(images, around, constant_values=7), strict=True):
        windows = [
            image[..., top : top + height, left : left + width]
            for top in range(image.shape[-2] - height + 1)
            for left in range(image.shape[-1] - width + 1)
        ]
        assert any((crop == window).all() for window in windows)


def test_every_crop_is_as_likely():
    images = np.arange(12.0).reshape(1, 3, 4).repeat(20_000, 0)
    corner = RandomCrop(2, seed=1)(images)[:, 0, 0]
    found, counts = np.unique(corner, return_counts=True)
    assert found.tolist() == [0, 1, 2, 4, 5, 6]
    np.testing.assert_allclose(counts / 20_000, 1 / 6, atol=0.015)


@pytest.mark.parametrize(("kind", "axis"), [(RandomHorizontalFlip, -1), (RandomVerticalFlip, -2)])
def test_flips(kind, axis):
    images = pictures(4000, (2, 3))
    np.testing.assert_array_equal(kind(0.0)(images), images)
    np.testing.assert_array_equal(kind(1.0)(images), np.flip(images, axis))
    is_flipped = (kind(0.3, seed=1)(images) == np.flip(images, axis)).all((1, 2))
    assert is_flipped.mean() == pytest.approx(0.3, abs=0.03)


def test_normalised_images_have_the_mean_and_spread_that_was_asked_for():
    images = pictures(50, (3, 4, 4), np.float32)
    mean, std = images.mean((0, 2, 3)), images.std((0, 2, 3))
    out = Normalize(mean, std)(images)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out.mean((0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(out.std((0, 2, 3)), 1, atol=1e-5)
    bytes_ = pictures(2, (4, 4), np.uint8)
    np.testing.assert_allclose(Normalize(10, 2.0)(bytes_), (bytes_.astype(float) - 10) / 2, rtol=1e-6)
    assert Normalize(0.5, 2)(images, [1])[1] == [1]


def test_a_picture_of_a_plane_stays_a_plane_in_another_size():
    rows, columns = np.mgrid[:8, :6]
    out = Resize((16, 3))((2.0 * rows + 3.0 * columns)[None])
    down, right = (np.arange(16) + 0.5) / 2 - 0.5, (np.arange(3) + 0.5) * 2 - 0.5
    expected = 2 * np.clip(down, 0, 7)[:, None] + 3 * right[None]
    np.testing.assert_allclose(out[0], expected, atol=1e-12)
    images = pictures()
    np.testing.assert_array_equal(Resize((6, 5))(images), images)
    assert Resize(4)(pictures(dtype=np.uint8)).dtype == np.uint8


def test_colours_change_within_their_ranges():
    images = pictures(400, (3, 2, 2)) * 0.4
    ratio = ColorJitter(brightness=0.5, seed=2)(images) / images
    assert np.ptp(ratio, axis=(1, 2, 3)).max() < 1e-12, "one factor for each image"
    assert 0.5 <= ratio.min() < 0.52 and 1.48 < ratio.max() <= 1.5
    flat = np.full((3, 3, 2, 2), 0.25)
    np.testing.assert_allclose(ColorJitter(contrast=0.9, saturation=0.9)(flat), flat)
    grey = np.tensordot(images, [0.299, 0.587, 0.114], (1, 0))
    changed = ColorJitter(saturation=0.9, seed=1)(0.4 + images / 2)
    np.testing.assert_allclose(
        np.tensordot(changed, [0.299, 0.587, 0.114], (1, 0)), 0.4 + grey / 2, rtol=1e-12
    )
    assert np.abs(changed - 0.4 - images / 2).max() > 0.05
    loud = ColorJitter(5.0, 5.0, 5.0)(pictures(9, dtype=np.uint8))
    assert loud.dtype == np.uint8 and loud.max() == 255
    np.testing.assert_array_equal(ColorJitter()(images), images)
    with pytest.raises(ValueError, match="no three colours"):
        ColorJitter(saturation=1)(images[:, 0])


@pytest.mark.parametrize("transform", RANDOM, ids=lambda one: type(one).__name__)
def test_in_a_loader_a_draw_depends_on_the_row_alone(transform):
    rows = ArrayDataset(pictures(9), np.arange(9))

    def by_row(**options):
        """{(epoch, row): the image} over two epochs."""
        batches = DataLoader(rows, transform=transform, as_numpy=True, **options)
        found = {}
        for epoch in range(2):
            for x, y in batches:
                found |= {(epoch, int(r)): one.tobytes() for one, r in zip(x, y, strict=True)}
        return found

    found = by_row(batch_size=4)
    assert found == by_row(batch_size=2, shuffle=True, seed=5)
    parts = [by_row(batch_size=2, shuffle=True, shard=(rank, 2)) for rank in range(2)]
    assert parts[0].keys().isdisjoint(parts[1].keys()) and parts[0] | parts[1] == found
    assert transform.calls == 0
    assert any(found[0, r] != found[1, r] for r in range(9)), "epochs differ"


def test_a_row_that_is_drawn_again_is_drawn_otherwise():
    rows = ArrayDataset(pictures(2))
    batches = DataLoader(rows, 3, sampler=[1] * 9, transform=RandomAffine(degrees=90), as_numpy=True)
    assert len({x.tobytes() for (xs,) in batches for x in xs}) == 9


@pytest.mark.parametrize("transform", RANDOM, ids=lambda one: type(one).__name__)
def test_outside_of_a_loader_calls_are_counted_and_saved(transform):
    kept = json.loads(json.dumps(transform.state_dict()))
    first = transform(pictures(), np.arange(6))
    assert first[1].tolist() == list(range(6))
    second = transform(pictures())
    assert transform.calls == kept["calls"] + 2 and (first[0] != second).any()
    transform.load_state_dict(kept)
    np.testing.assert_array_equal(transform(pictures()), first[0])
    transform.load_state_dict(kept)
    assert "seed=3" in repr(transform)


def test_members_of_a_compose_draw_independently():
    both = Compose([RandomHorizontalFlip(seed=1), RandomHorizontalFlip(seed=1)])
    images = pictures(400)
    assert 100 < sum((a == b).all() for a, b in zip(both(images), images, strict=True)) < 300
    state = json.loads(json.dumps(both.state_dict()))
    expected = both(images)
    both.load_state_dict(state)
    np.testing.assert_array_equal(both(images), expected)
    with pytest.raises(ValueError, match="make it of the same transforms"):
        Compose([Normalize(0, 1)]).load_state_dict(state)
    x, y = Compose([Normalize(0.5, 1), lambda x, y: (x + 1, y)])(images, 3)
    assert y == 3 and np.allclose(x, images + 0.5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RandomCrop(0), ValueError, "size=0"),
        (lambda: RandomCrop((2, 0)), ValueError, r"size=\(2, 0\) must be at least 1"),
        (lambda: RandomCrop(2.5), TypeError, "size=2.5 must be an integer, or two"),
        (lambda: RandomCrop(2, padding=-1), ValueError, "padding=-1"),
        (lambda: RandomCrop(2, fill=300)(pictures(dtype=np.uint8)), ValueError, "fill=300.0 is no uint8"),
        (lambda: RandomHorizontalFlip(1.5), ValueError, r"p=1.5 must be a probability"),
        (lambda: ColorJitter(-1), ValueError, "brightness=-1.0 must be a number >= 0"),
        (lambda: ColorJitter("x"), TypeError, "brightness='x' must be one number"),
        (lambda: Normalize(0, 0), ValueError, "std=0 must be greater than 0"),
        (lambda: Normalize([0, 1], 1)(pictures()), ValueError, r"2 channels, and images \(6, 3, 6, 5\)"),
        (lambda: Normalize("a", 1), TypeError, "mean='a' must be one number"),
        (lambda: Resize(3)(np.ones((2, 3))), ValueError, r"images \(2, 3\) must be \(n, h, w\)"),
        (lambda: Compose([3]), TypeError, "a int is no transform"),
        (lambda: Compose([lambda x: None])(pictures()), ValueError, "returned None"),
        (lambda: RandomTransform()(pictures()), TypeError, "defines no draw"),
        (
            lambda: list(
                DataLoader(
                    ArrayDataset(pictures()), 3, transform=Compose([lambda x: x[:2], RandomHorizontalFlip()])
                )
            ),
            ValueError,
            "2 images of a batch of 3 rows",
        ),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
