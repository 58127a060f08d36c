"""The data sets by name, for command lines and configuration files."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_edu.data import real, synthetic
from tinygrad_edu.data.table import Table

_GENERATED: Mapping[str, Callable[..., Table]] = {
    "spiral": synthetic.spiral, "circle": synthetic.circle, "xor": synthetic.xor,
    "gaussian": synthetic.gaussian,
}
_REAL: Mapping[str, Callable[..., Table]] = {
    "tcga": real.tcga, "compounds": real.compounds, "digits": real.digits, "mnist": real.mnist,
}
NAMES = (*_GENERATED, *_REAL)


def load(name: str, *, seed: int = 0, **options: Any) -> Table:
    """The data set called `name`, one of `NAMES`; `options` go to its function: `load("spiral", n=200)`.

    seed  draws the generated sets. A real set is what it is: seed changes nothing there and is accepted so
          that a loop over names needs no exception.
    """
    if name in _GENERATED:
        return _GENERATED[name](seed=seed, **options)
    if name in _REAL:
        return _REAL[name](**options)
    raise ValueError(f"data.load: no data set {name!r}; there are {', '.join(NAMES)}")
