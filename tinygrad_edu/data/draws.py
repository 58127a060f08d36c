"""What random transforms of images have in common: a draw for each image, keyed by the row that it is."""

from __future__ import annotations

import operator
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.data.dataset import Array
from tinygrad_edu.data.rows import current_rows, place_of_draw, row_generator
from tinygrad_edu.data.seeds import check_seed
from tinygrad_edu.errors import wrong


class RandomTransform:
    """A transform that draws numbers for each image. A subclass defines `draw`, `change` and `settings`.

    In a DataLoader, as its `transform=` or within `dataset[i]`, the numbers depend on (seed, epoch, row) and
    on nothing else. Outside of one, call k draws from epoch k of the seed; calls are counted, and
    `state_dict` and `load_state_dict` save and restore the count.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed, self.calls = check_seed(seed), 0

    def draw(self, random: np.random.Generator) -> list[float]:
        """The random numbers of one image, the same count for each."""
        raise TypeError(f"{type(self).__name__} is a RandomTransform, and defines no draw(random)")

    def change(self, images: Array, draws: Array) -> Array:
        """The changed images, given the numbers of each, (n, count)."""
        raise TypeError(f"{type(self).__name__} is a RandomTransform, and defines no change(images, draws)")

    def settings(self) -> dict[str, Any]:
        """The arguments but the seed, for `repr`."""
        return {}

    def __call__(self, images: Any, *others: Any) -> Any:
        """The changed images; with `others`, the tuple (changed images, *others)."""
        images = check_images(type(self).__name__, images)
        changed = self.change(images, self._draws(len(images)))
        if current_rows() is None:
            self.calls += 1  # after `change`: a batch that raised an error is not counted
        return (changed, *others) if others else changed

    def _draws(self, count: int) -> Array:
        use, rows = place_of_draw(zlib.crc32(type(self).__name__.encode())), current_rows()
        if rows is None:
            keys = [(self.calls, index, 0) for index in range(count)]
        else:
            if len(rows.indices) != count:
                raise wrong(
                    ValueError,
                    type(self).__name__,
                    f"{count} images of a batch of {len(rows.indices)} rows",
                    "change images before rows are left out or added",
                )
            pairs = zip(rows.indices.tolist(), rows.repeats.tolist(), strict=True)
            keys = [(rows.epoch, index, repeat) for index, repeat in pairs]
        found = [self.draw(row_generator(self.seed, *key, use)) for key in keys]
        return np.array(found, np.float64).reshape(count, -1)

    def state_dict(self) -> dict[str, int]:
        """How many batches were drawn outside of a DataLoader, and with which seed."""
        return {"calls": self.calls, "seed": self.seed}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from where `state_dict` was taken. ValueError for a state without a count of calls."""
        if not {"calls", "seed"} <= set(state) or operator.index(state["calls"]) < 0:
            raise wrong(
                ValueError,
                type(self).__name__,
                f"{dict(state)} is no state",
                "pass what state_dict() returned",
            )
        self.calls, self.seed = operator.index(state["calls"]), check_seed(state["seed"])

    def __repr__(self) -> str:
        settings = ", ".join(
            f"{name}={value}" for name, value in {**self.settings(), "seed": self.seed}.items()
        )
        return f"{type(self).__name__}({settings})"


def check_images(caller: str, images: Any) -> Array:
    """The images as an array; an error for other shapes and dtypes than `affine` takes."""
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
