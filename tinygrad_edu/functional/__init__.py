"""Floor 4: functions of tensors. Some are primitives made public by `lifted`; the others are compositions.

The names in the `__all__` of each file are public names of `te`; in elementwise.py these are all names.
"""

import sys
from typing import TYPE_CHECKING, Any

from tinygrad_edu.functional.activation import *
from tinygrad_edu.functional.adaptive import *
from tinygrad_edu.functional.attention import *
from tinygrad_edu.functional.convolution import *
from tinygrad_edu.functional.creation import *
from tinygrad_edu.functional.distances import *
from tinygrad_edu.functional.elementwise import *
from tinygrad_edu.functional.indexing import *
from tinygrad_edu.functional.interpolation import *
from tinygrad_edu.functional.likes import *
from tinygrad_edu.functional.linear import *
from tinygrad_edu.functional.loss import *
from tinygrad_edu.functional.loss_classes import *
from tinygrad_edu.functional.loss_ctc import *
from tinygrad_edu.functional.loss_likelihoods import *
from tinygrad_edu.functional.loss_margins import *
from tinygrad_edu.functional.matrices import *
from tinygrad_edu.functional.movement import *
from tinygrad_edu.functional.noise import *
from tinygrad_edu.functional.normalization import *
from tinygrad_edu.functional.numerics import *
from tinygrad_edu.functional.order import *
from tinygrad_edu.functional.padding import *
from tinygrad_edu.functional.pieces import *
from tinygrad_edu.functional.pooling import *
from tinygrad_edu.functional.reduction import *
from tinygrad_edu.functional.resize import *
from tinygrad_edu.functional.selection import *
from tinygrad_edu.functional.sorting import *
from tinygrad_edu.functional.synonyms import taking_synonyms

_FILES = ("activation", "adaptive", "attention", "convolution", "creation", "distances", "elementwise",
          "indexing", "interpolation", "likes", "linear", "loss", "loss_classes", "loss_ctc",
          "loss_likelihoods", "loss_margins", "matrices", "movement", "noise", "normalization",
          "numerics", "order", "padding", "pieces", "pooling", "reduction", "resize", "selection",
          "sorting")  # fmt: skip
PUBLIC = sorted(name for file in _FILES for name in sys.modules[f"{__name__}.{file}"].__all__)

for _name in PUBLIC:  # only public calls take synonyms; the library has imported the functions themselves
    _own: Any = globals()[_name]
    _home = vars(sys.modules[_own.__module__])
    if hasattr(_home.get(_own.__name__), "__wrapped__"):
        globals()[_name] = _home[_own.__name__]  # another name of it was the first
        continue
    globals()[_name] = taking_synonyms(_own)
    _called: str = _own.__name__
    if _home.get(_called) is _own:
        _home[_called] = globals()[_name]  # where pickle looks for it

if not TYPE_CHECKING:  # a type checker reads the imports above; a list that is computed hides them from it
    __all__ = PUBLIC
