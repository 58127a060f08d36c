"""The data sets by name, for command lines and configuration files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_edu.catalogue import DATA_SETS
from tinygrad_edu.data import real, synthetic
from tinygrad_edu.data.table import Table
from tinygrad_edu.errors import wrong

GENERATED: Mapping[str, Callable[..., Table]] = {
    "spiral": synthetic.spiral,
    "circle": synthetic.circle,
    "xor": synthetic.xor,
    "gaussian": synthetic.gaussian,
}
REAL: Mapping[str, Callable[..., Table]] = {
    "tcga": real.tcga,
    "compounds": real.compounds,
    "digits": real.digits,
    "mnist": real.mnist,
}
NAMES = tuple(DATA_SETS)


def load(name: str, *, seed: int = 0, **options: Any) -> Table:
    """The data set called `name`, one of `NAMES`; `options` go to its function: `load("spiral", n=200)`.

    Features are ready to train on: the pixels of "digits" and "mnist" are numbers in [0, 1], the features of
    "tcga" and "compounds" 0 or 1, and those of the generated sets two coordinates, a few units from 0.

    seed  draws the generated sets. It changes nothing in a real set, and is accepted there so that a loop
          over names needs no exception.
    """
    if name in GENERATED:
        return GENERATED[name](seed=seed, **options)
    if name in REAL:
        return REAL[name](**options)
    raise wrong(ValueError, "data.load", f"no data set {name!r}", f"there are {', '.join(NAMES)}")
