"""Transforms of batches of images, (n, h, w) or (n, c, h, w): cropped, flipped, resized, recoloured.

A random one draws for each image by itself. In a DataLoader the draw is a function of (seed, epoch, row),
so it is the same for any number of workers and after a resumed run. Otherwise call k draws from epoch k of
the seed, and calls are counted. Arrays behind the images, such as labels, pass through unchanged.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.augment import check_real, sample
from tinygrad_edu.data.dataset import Array
from tinygrad_edu.data.draws import RandomTransform, check_images
from tinygrad_edu.data.rows import placed
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer, is_one


class Compose:
    """Several transforms, one after another: `Compose([RandomCrop(28, padding=2), Normalize(0.13, 0.31)])`.

    Each gets the images, or what the one before returned for them. Members with the same seed draw
    independently.
    """

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        self.transforms = list(transforms)
        for transform in self.transforms:
            if not callable(transform):
                raise wrong(TypeError, "Compose", f"a {type(transform).__name__} is no transform")

    def __call__(self, images: Any, *others: Any) -> Any:
        """The images after all transforms; with `others`, the tuple (images, *others)."""
        arrays = (images, *others)
        for place, transform in enumerate(self.transforms):
            with placed(place):
                found = transform(*arrays)
            if found is None:
                raise wrong(ValueError, "Compose", f"{transform!r} returned None", "return the images")
            arrays = tuple(found) if isinstance(found, tuple | list) else (found,)
        return arrays if len(arrays) > 1 else arrays[0]

    def state_dict(self) -> dict[str, Any]:
        """The states of the members that have one, by their number."""
        members = enumerate(self.transforms)
        return {str(i): one.state_dict() for i, one in members if hasattr(one, "state_dict")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the members. ValueError if the state is that of others."""
        own = {str(i): one for i, one in enumerate(self.transforms) if hasattr(one, "load_state_dict")}
        if set(own) != set(state):
            raise wrong(
                ValueError,
                "Compose",
                f"the state has members {sorted(state)}, here {sorted(own)} have a state",
                "make it of the same transforms",
            )
        for name, one in own.items():
            one.load_state_dict(state[name])

    def __repr__(self) -> str:
        return f"Compose({self.transforms!r})"


class Normalize:
    """(images - mean) / std, for each channel: floats of the images' dtype, float32 for uint8.

    mean, std  one number each, or one for each channel of (n, c, h, w)
    """

    def __init__(self, mean: npt.ArrayLike, std: npt.ArrayLike) -> None:
        self.mean, self.std = (_channels(name, values) for name, values in (("mean", mean), ("std", std)))
        if not (self.std > 0).all():
            raise wrong(ValueError, "Normalize", f"std={std!r:.60} must be greater than 0")

    def __call__(self, images: Array, *others: Any) -> Any:
        """The normalised images; with `others`, the tuple (images, *others)."""
        images = check_images("Normalize", images)
        dtype = images.dtype if images.dtype.kind == "f" else np.dtype(np.float32)
        for values in (self.mean, self.std):
            if values.size > 1 and (images.ndim != 4 or images.shape[1] != values.size):
                raise wrong(
                    ValueError,
                    "Normalize",
                    f"{values.size} channels, and images {images.shape}",
                    f"they must be (n, {values.size}, h, w)",
                )
        mean, std = (
            values.astype(dtype).reshape(-1, 1, 1) if values.size > 1 else dtype.type(values.item())
            for values in (self.mean, self.std)
        )
        return _with((images.astype(dtype) - mean) / std, others)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean.tolist()}, std={self.std.tolist()})"


class Resize:
    """Images of another height and width, by bilinear interpolation, as PyTorch does without antialias.

    size  (height, width), or one number for both
    """

    def __init__(self, size: int | tuple[int, int]) -> None:
        self.size = _pair("Resize", "size", size, 1)

    def __call__(self, images: Array, *others: Any) -> Any:
        """The images in the new size, of the same dtype; with `others`, the tuple (images, *others)."""
        images = check_images("Resize", images)
        if 0 in images.shape[-2:]:
            raise wrong(ValueError, "Resize", f"images {images.shape} have no pixel")
        n, old = len(images), images.shape[-2:]
        places = [
            np.clip((np.arange(new) + 0.5) * (was / new) - 0.5, 0, was - 1)
            for new, was in zip(self.size, old, strict=True)
        ]
        row, column = (np.broadcast_to(at, (n, *self.size)) for at in np.meshgrid(*places, indexing="ij"))
        return _with(sample("Resize", images, row, column, 0.0), others)

    def __repr__(self) -> str:
        return f"Resize(size={self.size})"


class RandomCrop(RandomTransform):
    """A part of each image, (height, width) in size, at a random position.

    size     (height, width), or one number for both
    padding  pixels of `fill` that are put around first: one number, or (down, right), on either side
    """

    def __init__(
        self,
        size: int | tuple[int, int],
        *,
        padding: int | tuple[int, int] = 0,
        fill: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        self.size = _pair("RandomCrop", "size", size, 1)
        self.padding = _pair("RandomCrop", "padding", padding, 0)
        self.fill = check_real("RandomCrop", "fill", fill)

    def draw(self, random: np.random.Generator) -> list[float]:
        """Where a crop begins: two numbers in [0, 1)."""
        return random.random(2).tolist()

    def change(self, images: Array, draws: Array) -> Array:
        """The crops, (n, ..., height, width)."""
        down, right = self.padding
        if images.dtype.kind == "u" and not 0 <= self.fill <= 255:
            raise wrong(ValueError, "RandomCrop", f"fill={self.fill} is no uint8", "pass 0 to 255")
        around = ((0, 0),) * (images.ndim - 2) + ((down, down), (right, right))
        padded = np.pad(images, around, constant_values=images.dtype.type(self.fill))
        free = np.array(padded.shape[-2:]) - self.size
        if (free < 0).any():
            raise wrong(
                ValueError,
                "RandomCrop",
                f"crops of {self.size} from images of {padded.shape[-2:]}, with their padding",
                "lower size, or raise padding",
            )
        start = (draws * (free + 1)).astype(np.int64)  # (n, 2)
        parts = np.lib.stride_tricks.sliding_window_view(padded, self.size, axis=(-2, -1))
        parts = np.moveaxis(parts, (-4, -3), (1, 2))
        return np.ascontiguousarray(parts[np.arange(len(images)), start[:, 0], start[:, 1]])

    def settings(self) -> dict[str, Any]:
        """The arguments."""
        return {"size": self.size, "padding": self.padding, "fill": self.fill}


class RandomHorizontalFlip(RandomTransform):
    """Left and right exchanged, in each image with probability `p`."""

    axis = -1

    def __init__(self, p: float = 0.5, *, seed: int = 0) -> None:
        super().__init__(seed)
        self.p = check_real(type(self).__name__, "p", p)
        if not 0 <= self.p <= 1:
            raise wrong(ValueError, type(self).__name__, f"p={p} must be a probability, in [0, 1]")

    def draw(self, random: np.random.Generator) -> list[float]:
        """One number in [0, 1)."""
        return [random.random()]

    def change(self, images: Array, draws: Array) -> Array:
        """The images, some of them flipped."""
        is_flipped = (draws[:, 0] < self.p).reshape(-1, *[1] * (images.ndim - 1))
        return np.where(is_flipped, np.flip(images, self.axis), images)

    def settings(self) -> dict[str, Any]:
        """The arguments."""
        return {"p": self.p}


class RandomVerticalFlip(RandomHorizontalFlip):
    """Top and bottom exchanged, in each image with probability `p`."""

    axis = -2


class ColorJitter(RandomTransform):
    """Brightness and contrast of each image, and the saturation of (n, 3, h, w), changed at random.

    Each is multiplied by a factor that is uniform on [max(0, 1 - value), 1 + value]: brightness scales the
    distance from black, contrast that from the mean grey of the image, saturation that from the grey of
    each pixel. They follow in this order. Results are clipped to [0, 1], those of uint8 to [0, 255]. Grey is
    0.299 red + 0.587 green + 0.114 blue (Recommendation ITU-R BT.601).
    """

    def __init__(
        self, brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0, *, seed: int = 0
    ) -> None:
        super().__init__(seed)
        given = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
        self.ranges = {name: check_real("ColorJitter", name, value) for name, value in given.items()}
        for name, value in self.ranges.items():
            if not 0 <= value < math.inf:
                raise wrong(ValueError, "ColorJitter", f"{name}={value} must be a number >= 0")

    def draw(self, random: np.random.Generator) -> list[float]:
        """The three factors."""
        return [random.uniform(max(0.0, 1 - value), 1 + value) for value in self.ranges.values()]

    def change(self, images: Array, draws: Array) -> Array:
        """The images in other colours, of the same dtype."""
        has_colour = images.ndim == 4 and images.shape[1] == 3
        if self.ranges["saturation"] and not has_colour:
            raise wrong(
                ValueError,
                "ColorJitter",
                f"images {images.shape} have no three colours",
                "pass (n, 3, h, w), or leave out saturation",
            )
        largest = 255.0 if images.dtype.kind == "u" else 1.0
        dtype = images.dtype if images.dtype.kind == "f" else np.dtype(np.float32)
        shape = (-1, *[1] * (images.ndim - 1))
        brightness, contrast, saturation = (draws[:, i].astype(dtype).reshape(shape) for i in range(3))
        out = images.astype(dtype)
        if self.ranges["brightness"]:
            out = np.clip(out * brightness, 0, largest)
        if self.ranges["contrast"]:
            grey = _grey(out) if has_colour else out
            mean = np.ascontiguousarray(grey).reshape(len(out), -1).mean(1).reshape(shape)
            out = np.clip(mean + (out - mean) * contrast, 0, largest)
        if self.ranges["saturation"]:
            grey = _grey(out)
            out = np.clip(grey + (out - grey) * saturation, 0, largest)
        return (np.rint(out) if images.dtype.kind == "u" else out).astype(images.dtype)

    def settings(self) -> dict[str, Any]:
        """The arguments."""
        return dict(self.ranges)


def _grey(images: Array) -> Array:
    """(n, 3, h, w) to (n, 1, h, w). No product of matrices: its rounding would depend on the batch."""
    red, green, blue = (images[:, i : i + 1] for i in range(3))
    kind = images.dtype.type
    return kind(0.299) * red + kind(0.587) * green + kind(0.114) * blue


def _with(images: Array, others: tuple[Any, ...]) -> Any:
    return (images, *others) if others else images


def _pair(caller: str, name: str, value: Any, least: int) -> tuple[int, int]:
    """One integer for both axes, or (height, width)."""
    if is_one(value):
        number = integer(value, f"{caller}: {name}", least)
        return number, number
    try:
        first, second = (operator.index(number) for number in value)
    except (TypeError, ValueError):
        raise wrong(
            TypeError, caller, f"{name}={value!r:.60} must be an integer, or two: (height, width)"
        ) from None
    if min(first, second) < least:
        raise wrong(ValueError, caller, f"{name}={(first, second)} must be at least {least}")
    return first, second


def _channels(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """One finite number, or one for each channel."""
    found = np.asarray(values)
    if found.ndim > 1 or found.dtype.kind not in "fiu" or not found.size:
        raise wrong(TypeError, "Normalize", f"{name}={values!r:.60} must be one number, or one a channel")
    if not np.isfinite(found).all():
        raise wrong(ValueError, "Normalize", f"{name}={values!r:.60} must be finite")
    return found.astype(np.float64).reshape(-1)
