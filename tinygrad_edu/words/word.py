"""A row of the table of words."""

from __future__ import annotations

from typing import NamedTuple

PEERS = {"pytorch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow/Keras", "sklearn": "scikit-learn",
         "theano": "Theano", "caffe": "Caffe"}  # fmt: skip


class Word(NamedTuple):
    """One concept and its names. `ours` is empty if it is not here; `about` says what differs or what to do.

    Names are as a program writes them: `x.` before what a tensor has, `=` after an argument. Several are
    separated by commas. Those of Caffe are types of layers and fields of its text files.
    """

    ours: str
    pytorch: str = ""
    jax: str = ""
    tensorflow: str = ""
    sklearn: str = ""
    theano: str = ""
    caffe: str = ""
    about: str = ""
