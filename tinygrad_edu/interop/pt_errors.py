"""The one error of PyTorch's files, and how it is made."""

from __future__ import annotations

import pickle

from tinygrad_edu.errors import wrong
from tinygrad_edu.nn.checkpoint_file import CheckpointError


class PTError(CheckpointError, pickle.UnpicklingError):
    """A `.pt` file that is damaged, or asks for what is no weights. Nothing in it was run."""


def refuse(problem: str, remedy: str = "") -> PTError:
    """The error to raise about a file that is being read; `load_pt` adds which file."""
    return wrong(PTError, "load_pt", problem, remedy)
