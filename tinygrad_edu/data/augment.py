"""Augmentation: images rotated and shifted a little, so that a model learns more from few labelled rows.

For each pixel of the result we compute the position in the image that it came from. Its value is the average
of the four pixels around, weighted by nearness (bilinear interpolation). Computed backwards, the result has
no holes, and nothing here needs SciPy: a batch is one gather. Source: the lecture's slide on data
augmentation; Simard, Steinkraus, Platt, "Best practices for convolutional neural networks applied to visual
document analysis", ICDAR 2003.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.dataset import Array
from tinygrad_edu.data.draws import RandomTransform, check_images
from tinygrad_edu.data.rows import current_rows
from tinygrad_edu.data.seeds import generator
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
    images = check_images("affine", images)
    fill = check_real("affine", "fill", fill)
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
    return sample(
        "affine", images, cos * down + sin * right + middle[0], cos * right - sin * down + middle[1], fill
    )


class RandomAffine(RandomTransform):
    """Turn and shift each image of a batch by its own random draw: `RandomAffine(degrees=10, translate=1.5)`.

    degrees    angles are uniform on [-degrees, degrees]
    translate  shifts in pixels are uniform on [-translate, translate]; of a pair (down, right) each has its
               own. Torchvision's pair is (right, down), in parts of the size: 0.1 of 28 pixels is 2.8 here
    fill       the value of what lies outside the image
    seed       in a DataLoader, draws depend on (seed, epoch, row); otherwise call k draws from stream k of
               `seed`, for all images

    Call it on images (n, h, w) or (n, c, h, w), or give it to a DataLoader as `transform=`: further arrays of
    the batch, such as labels, pass through unchanged. Calls outside of a loader are counted;
    `state_dict` and `load_state_dict` save and restore the count.
    """

    def __init__(
        self,
        *,
        degrees: float = 0.0,
        translate: float | tuple[float, float] = 0.0,
        fill: float = 0.0,
        seed: int = 0,
    ) -> None:
        given: Any = translate
        shifts: tuple[Any, ...] = tuple(given) if np.shape(given) == (2,) else (given,)
        for name, value in (("degrees", degrees), *(("translate", shift) for shift in shifts)):
            if not 0 <= check_real("RandomAffine", name, value) < math.inf:
                raise wrong(
                    ValueError,
                    "RandomAffine",
                    f"{name}={value} must be a number >= 0, the most in either direction",
                )
        if len(shifts) == 2 and 0 < max(shifts) < 1:
            raise wrong(
                ValueError,
                "RandomAffine",
                f"translate={translate} is less than a pixel: shifts are in pixels, down and right",
                f"for parts of the size, as torchvision's (right, down), multiply by it: {shifts[0]:g} of 28 "
                f"pixels is {28 * shifts[0]:g}",
            )
        super().__init__(seed)
        self.degrees = float(degrees)
        self.translate = (float(shifts[0]), float(shifts[1])) if len(shifts) == 2 else float(shifts[0])
        self.fill = check_real("RandomAffine", "fill", fill)

    def draw(self, random: np.random.Generator) -> list[float]:
        """An angle, and a shift down and right."""
        degrees = random.uniform(-self.degrees, self.degrees)
        most = np.array(self.translate)
        return [degrees, *random.uniform(-most, most, 2).tolist()]

    def change(self, images: Array, draws: Array) -> Array:
        """The images turned and shifted by these numbers, (n, 3)."""
        return affine(images, degrees=draws[:, 0], translate=draws[:, 1:], fill=self.fill)

    def _draws(self, count: int) -> Array:
        if current_rows() is not None:
            return super()._draws(count)
        random = generator(self.seed, self.calls)
        degrees = random.uniform(-self.degrees, self.degrees, count)
        most = np.array(self.translate)
        return np.column_stack([degrees, random.uniform(-most, most, (count, 2))])

    def settings(self) -> dict[str, Any]:
        """The arguments but the seed."""
        return {"degrees": self.degrees, "translate": self.translate, "fill": self.fill}


def check_real(caller: str, name: str, value: Any) -> float:
    """One real number; NaN and infinity are allowed."""
    if np.ndim(value) or np.asarray(value).dtype.kind not in "fiu":
        raise wrong(TypeError, caller, f"{name}={value!r} must be one number")
    return float(value)


def sample(caller: str, images: Array, row: Floats, column: Floats, fill: float) -> Array:
    """The images at (row, column), each (n, new h, new w), interpolated between pixels; outside is `fill`."""
    if images.dtype.kind == "u":
        if not 0 <= fill <= 255:
            raise wrong(ValueError, caller, f"fill={fill} is no uint8", "pass a number from 0 to 255")
        fill = round(fill)
    n, (height, width) = len(images), images.shape[-2:]
    kind = images.dtype if images.dtype.kind == "f" else np.dtype(np.float32)
    flat = images.reshape(n, math.prod(images.shape[1:-2]), height, width)
    shape = *flat.shape[:2], *row.shape[1:]
    # A frame two pixels wide holds `fill`: a position further out has all four neighbours in it.
    wide = width + 4
    framed = np.pad(flat, ((0, 0), (0, 0), (2, 2), (2, 2)), constant_values=images.dtype.type(fill))
    framed = framed.reshape(*flat.shape[:2], (height + 4) * wide)
    row, column = _snap_to_pixels(row), _snap_to_pixels(column)
    above, left = np.floor(row), np.floor(column)
    lower, further = (row - above).astype(kind)[:, None], (column - left).astype(kind)[:, None]
    first = (np.clip(above, -2, height) + 2) * wide + np.clip(left, -2, width) + 2
    first = first.astype(np.int64).reshape(n, 1, math.prod(row.shape[1:]))

    def read(rows: int, columns: int) -> Array:
        """The neighbour that lies `rows` and `columns` further, (n, c, h, w)."""
        return np.take_along_axis(framed, first + (rows * wide + columns), axis=2).reshape(shape)

    upper = _interpolate(further, read(0, 0), read(0, 1))
    out = _interpolate(lower, upper, _interpolate(further, read(1, 0), read(1, 1)))
    if images.dtype.kind == "u":
        np.rint(out, out)
    return out.astype(images.dtype).reshape(*images.shape[:-2], *row.shape[1:])


def _snap_to_pixels(places: Floats) -> Floats:
    """Positions, moved onto a pixel where they differ from it by rounding only, as after a quarter turn."""
    whole = np.rint(places)
    return np.where(np.abs(places - whole) < 1e-9, whole, places)


def _interpolate(share: Array, one: Array, other: Array) -> Array:
    """(1 - share) one + share other. A pixel whose share is 0 is ignored: 0 times NaN would be NaN."""
    with np.errstate(invalid="ignore"):
        mixed = (1 - share) * one + share * other
    return np.where(share == 0, one, np.where(share == 1, other, mixed))
