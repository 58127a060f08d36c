"""Augmentation: images rotated and shifted a little, so that a model learns more from few labelled rows.

For each pixel of the result we compute the position in the image that it came from. Its value is the average
of the four pixels around, weighted by nearness (bilinear interpolation). Computed backwards, the result has
no holes, and nothing here needs SciPy: a batch is one gather. Source: the lecture's slide on data
augmentation; Simard, Steinkraus, Platt, "Best practices for convolutional neural networks applied to visual
document analysis", ICDAR 2003.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.dataset import Array
from tinygrad_edu.data.seeds import check_seed, generator
from tinygrad_edu.errors import wrong

Floats = npt.NDArray[np.float64]


def affine(
    images: Array, *, degrees: npt.ArrayLike = 0.0, translate: npt.ArrayLike = (0.0, 0.0), fill: float = 0.0
) -> Array:
    """Each image turned about its middle, then shifted: a new array of the same shape and dtype.

    images     (n, h, w) or (n, c, h, w), float or uint8; the channels of an image move together. An array in
               another byte order is returned in that of the machine
    degrees    counter-clockwise when you look at the image, one number or (n,); 90 is `numpy.rot90`
    translate  pixels (down, right), one pair or (n, 2)
    fill       the value of what lies outside the image; it may be NaN, and affects only pixels that come
               from there

    A uint8 result is rounded, and so is its fill.
    Raises ValueError for other shapes, TypeError for other dtypes.
    """
    images = _check_images("affine", images)
    fill = _number("affine", "fill", fill)
    for name, values in (("degrees", degrees), ("translate", translate)):
        if np.asarray(values).dtype.kind not in "fiu":
            raise wrong(TypeError, "affine", f"{name}={values!r} must be made of numbers")
    n, (height, width) = len(images), images.shape[-2:]
    try:
        angle = np.broadcast_to(np.asarray(degrees, np.float64), (n,)) * (math.pi / 180)
        shift = np.broadcast_to(np.asarray(translate, np.float64), (n, 2))
    except ValueError:
        raise wrong(
            ValueError,
            "affine",
            f"degrees {np.shape(degrees)} and translate {np.shape(translate)} for {n} images",
            f"pass one number and one pair, or ({n},) and ({n}, 2)",
        ) from None
    if not (np.isfinite(angle).all() and np.isfinite(shift).all()):
        raise wrong(ValueError, "affine", "degrees and translate must be finite numbers")
    middle = (height - 1) / 2, (width - 1) / 2
    # (n, h, w): the distance of each pixel from the middle, with the shift undone, then the turn undone.
    down = np.arange(height)[None, :, None] - middle[0] - shift[:, 0, None, None]
    right = np.arange(width)[None, None, :] - middle[1] - shift[:, 1, None, None]
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    return _sample(images, cos * down + sin * right + middle[0], cos * right - sin * down + middle[1], fill)


class RandomAffine:
    """Turn and shift each image of a batch by its own random draw: `RandomAffine(degrees=10, translate=1.5)`.

    degrees    angles are uniform on [-degrees, degrees]
    translate  shifts in pixels, down and right, are uniform on [-translate, translate]
    fill       the value of what lies outside the image
    seed       call k draws from stream k of `seed`, for all images

    Call it on images (n, h, w) or (n, c, h, w), or give it to a DataLoader as `transform=`: further arrays of
    the batch, such as labels, pass through unchanged. Calls are counted; `state_dict` and
    `load_state_dict` save and restore the count, so that a resumed run draws what the first one would have
    drawn. A loader's own `state_dict` does not contain it: save and load both.
    """

    def __init__(
        self, *, degrees: float = 0.0, translate: float = 0.0, fill: float = 0.0, seed: int = 0
    ) -> None:
        for name, value in (("degrees", degrees), ("translate", translate)):
            if not 0 <= _number("RandomAffine", name, value) < math.inf:
                raise wrong(
                    ValueError,
                    "RandomAffine",
                    f"{name}={value} must be a number >= 0, the most in either direction",
                )
        self.degrees, self.translate = float(degrees), float(translate)
        self.fill = _number("RandomAffine", "fill", fill)
        self.seed = check_seed(seed)
        self.calls = 0

    def __call__(self, images: Array, *others: Array) -> Any:
        """The changed images; with `others`, the tuple (changed images, *others)."""
        images = _check_images("RandomAffine", images)
        draw = generator(self.seed, self.calls)
        degrees = draw.uniform(-self.degrees, self.degrees, len(images))
        translate = draw.uniform(-self.translate, self.translate, (len(images), 2))
        changed = affine(images, degrees=degrees, translate=translate, fill=self.fill)
        self.calls += 1  # after `affine`: a batch that raised an error is not counted
        return (changed, *others) if others else changed

    def state_dict(self) -> dict[str, int]:
        """How many batches were drawn, and with which seed."""
        return {"calls": self.calls, "seed": self.seed}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from where `state_dict` was taken. ValueError for a state without a count of calls."""
        if not {"calls", "seed"} <= set(state) or operator.index(state["calls"]) < 0:
            raise wrong(
                ValueError, "RandomAffine", f"{dict(state)} is no state", "pass what state_dict() returned"
            )
        self.calls, self.seed = operator.index(state["calls"]), check_seed(state["seed"])

    def __repr__(self) -> str:
        settings = f"degrees={self.degrees}, translate={self.translate}, fill={self.fill}, seed={self.seed}"
        return f"RandomAffine({settings})"


def _number(caller: str, name: str, value: Any) -> float:
    """One real number; NaN and infinity are allowed."""
    if np.ndim(value) or np.asarray(value).dtype.kind not in "fiu":
        raise wrong(TypeError, caller, f"{name}={value!r} must be one number")
    return float(value)


def _check_images(caller: str, images: Any) -> Array:
    array = np.asarray(images)
    if array.dtype.kind == "f":
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.ndim not in (3, 4):
        raise wrong(
            ValueError,
            caller,
            f"images {array.shape} must be (n, h, w) or (n, c, h, w)",
            "reshape rows of pixels first, as rows.reshape(-1, 8, 8)",
        )
    if array.dtype not in (np.float32, np.float64, np.uint8):
        raise wrong(
            TypeError, caller, f"images are {array.dtype}", "convert them to float32, float64 or uint8"
        )
    return array


def _sample(images: Array, row: Floats, column: Floats, fill: float) -> Array:
    """The images at (row, column), each (n, h, w), interpolated between pixels; outside them is `fill`."""
    if images.dtype.kind == "u":
        if not 0 <= fill <= 255:
            raise wrong(ValueError, "affine", f"fill={fill} is no uint8", "pass a number from 0 to 255")
        fill = round(fill)
    n, (height, width) = len(images), images.shape[-2:]
    kind = images.dtype if images.dtype.kind == "f" else np.dtype(np.float32)
    flat = images.reshape(n, math.prod(images.shape[1:-2]), height, width)
    # A frame two pixels wide holds `fill`: a position further out has all four neighbours in it.
    wide = width + 4
    framed = np.pad(flat, ((0, 0), (0, 0), (2, 2), (2, 2)), constant_values=images.dtype.type(fill))
    framed = framed.reshape(*flat.shape[:2], (height + 4) * wide)
    row, column = _snap_to_pixels(row), _snap_to_pixels(column)
    above, left = np.floor(row), np.floor(column)
    lower, further = (row - above).astype(kind)[:, None], (column - left).astype(kind)[:, None]
    first = (np.clip(above, -2, height) + 2) * wide + np.clip(left, -2, width) + 2
    first = first.astype(np.int64).reshape(n, 1, height * width)

    def read(rows: int, columns: int) -> Array:
        """The neighbour that lies `rows` and `columns` further, (n, c, h, w)."""
        return np.take_along_axis(framed, first + (rows * wide + columns), axis=2).reshape(flat.shape)

    upper = _interpolate(further, read(0, 0), read(0, 1))
    out = _interpolate(lower, upper, _interpolate(further, read(1, 0), read(1, 1)))
    if images.dtype.kind == "u":
        np.rint(out, out)
    return out.astype(images.dtype).reshape(images.shape)


def _snap_to_pixels(places: Floats) -> Floats:
    """Positions, moved onto a pixel where they differ from it by rounding only, as after a quarter turn."""
    whole = np.rint(places)
    return np.where(np.abs(places - whole) < 1e-9, whole, places)


def _interpolate(share: Array, one: Array, other: Array) -> Array:
    """(1 - share) one + share other. A pixel whose share is 0 is ignored: 0 times NaN would be NaN."""
    with np.errstate(invalid="ignore"):
        mixed = (1 - share) * one + share * other
    return np.where(share == 0, one, np.where(share == 1, other, mixed))
