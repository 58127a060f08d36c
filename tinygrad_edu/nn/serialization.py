"""Checkpoints: a whole training run in one safetensors file, to go on bit for bit in another process.

Arrays are entries of the file (`model.0.weight`, `optimizer.3.exp_avg`); everything else is one JSON text in
its metadata, next to a SHA-256 of that text and of every array, because the format itself notices no flipped
bit. A save is atomic (`atomic.py`); a load compares everything before it changes anything. The only file that
imports safetensors. Other programs can read it: `safetensors.numpy.load_file(path)["model.0.weight"]`.
"""
from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import philox
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.nn import atomic
from tinygrad_edu.nn.module import Module
from tinygrad_edu.tensor import NumpyArray

FORMAT = 1
_FACTS, _DIGEST = "tinygrad_edu", "sha256"
PathLike = str | os.PathLike[str]


class CheckpointError(ValueError):
    """A file that is damaged, foreign, or does not fit what it is to be loaded into. Nothing was changed."""


def save_checkpoint(path: PathLike, *unnamed: Any, model: Module | None = None, optimizer: Any = None,
                    loader: Any = None, generators: Mapping[str, Generator] | None = None,
                    extra: Any = None) -> None:
    """Write the state of a run to `path`, whole or not at all.

    model       its parameters and buffers, and the streams of layers that have a generator of their own
    optimizer   its settings and its memory
    loader      where it stands (`DataLoader.state_dict`)
    generators  further streams of random numbers, by name; the default one is always saved
    extra       anything JSON can hold: the epoch, the history, the architecture

    Raises TypeError for what JSON cannot hold, OSError when the disk will not take it; an older file at
    `path` then stays as it was.
    """
    _refuse("save_checkpoint", unnamed)
    arrays: dict[str, NumpyArray] = {}
    facts: dict[str, Any] = {"format": FORMAT, "extra": extra}
    if model is not None:
        arrays |= {f"model.{name}": array for name, array in model.state_dict().items()}
    if optimizer is not None:
        state = optimizer.state_dict()
        rows: dict[str, dict[str, Any]] = {}
        for i, row in state["state"].items():
            rows[str(i)] = {k: v for k, v in row.items() if not isinstance(v, np.ndarray)}
            arrays |= {f"optimizer.{i}.{k}": v for k, v in row.items() if isinstance(v, np.ndarray)}
        facts["optimizer"] = {"class": type(optimizer).__name__, "groups": state["param_groups"],
                              "state": rows}
    if loader is not None:
        facts["loader"] = loader.state_dict()
    facts["generators"] = {name: stream.state_dict() for name, stream in _streams(model, generators).items()}
    try:
        text = json.dumps(facts)
    except (TypeError, ValueError) as error:
        raise TypeError(f"save_checkpoint: {error}; `extra` and settings must be numbers, strings, lists "
                        "and dicts, as JSON has them") from None
    for name, array in arrays.items():
        if array.dtype not in dtypes.SUPPORTED:
            raise TypeError(f"save_checkpoint: {name} is {array.dtype}, none of {', '.join(dtypes.DTYPES)}")
    # safetensors writes memory in the order it lies, whatever the strides say
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    _write(Path(path), arrays, {_FACTS: text, _DIGEST: _digest(text, arrays)})


def _refuse(function: str, unnamed: tuple[Any, ...]) -> None:
    """What follows the path comes by name: each call then says which parts of a run it keeps."""
    if unnamed:
        raise TypeError(f"{function}: after the path say what each is: {function}(path, model=model, "
                        "optimizer=optimizer, ...)")


def _write(path: Path, arrays: dict[str, NumpyArray], metadata: dict[str, str]) -> None:
    from safetensors.numpy import save

    # not save_file: it makes a temporary file of its own, which a killed process would leave behind
    data = save(arrays, metadata)

    def write(name: str) -> None:
        Path(name).write_bytes(data)
    atomic.replace(path, write)


def load_checkpoint(path: PathLike, *unnamed: Any, model: Module | None = None, optimizer: Any = None,
                    loader: Any = None, generators: Mapping[str, Generator] | None = None,
                    strict: bool = True, default_generator: bool = True) -> Any:
    """Bring `model`, `optimizer`, `loader`, `generators` and the default generator to where `path` was saved.

    Returns `extra`. What is not passed is not loaded; `strict=False` tolerates missing and unexpected names
    in the model, and `default_generator=False` leaves the default stream of random numbers where it is.
    Raises FileNotFoundError, or CheckpointError for a damaged, foreign or unfitting file; then nothing was
    changed.
    """
    _refuse("load_checkpoint", unnamed)
    facts, arrays = read_checkpoint(path)
    installs: list[Callable[[], Any]] = []
    try:
        if model is not None:
            prefix = "model."
            state = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            installs += model._plan(state, strict)[0]
        if optimizer is not None:
            saved = _part(facts, "optimizer")
            installs += optimizer._plan(_optimizer_state(saved, arrays, type(optimizer).__name__))
        for name, stream in _streams(model, generators).items():
            if name != "default" or default_generator:
                installs.append(_restoring(stream, facts["generators"], name))
        if loader is not None:
            loader.load_state_dict(_part(facts, "loader"))  # the last thing that can fail, and atomic itself
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{os.fspath(path)} does not fit, nothing was loaded: {error}") from error
    for install in installs:
        install()
    return facts["extra"]


def read_checkpoint(path: PathLike) -> tuple[dict[str, Any], dict[str, NumpyArray]]:
    """The facts and the arrays of a checkpoint, verified against its SHA-256, loaded into nothing.

    `facts["extra"]` is what was saved as `extra`. Raises as `load_checkpoint` does.
    """
    from safetensors import SafetensorError, safe_open

    where = os.fspath(path)
    if not os.path.isfile(where):
        raise FileNotFoundError(f"no checkpoint at {where}")
    try:
        with safe_open(where, framework="np") as file:
            metadata = file.metadata() or {}
            arrays = {name: np.asarray(file.get_tensor(name)) for name in list(file.keys())}
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError,
            MemoryError) as error:
        raise CheckpointError(f"{where} is damaged, or no safetensors file: {error}") from error
    text = metadata.get(_FACTS)
    if text is None:
        raise CheckpointError(f"{where} is a safetensors file, but no checkpoint of tinygrad_edu; read its "
                              "arrays with safetensors and pass them to model.load_state_dict()")
    if metadata.get(_DIGEST) != _digest(text, arrays):
        raise CheckpointError(f"{where} is damaged: its contents are not those its SHA-256 was taken of")
    try:
        facts: dict[str, Any] = json.loads(text)
        newer = facts["format"] > FORMAT
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{where} has facts that no checkpoint here has: {error!r}") from error
    if newer:
        raise CheckpointError(f"{where} has format {facts['format']}, this version reads up to {FORMAT}; "
                              "update tinygrad_edu")
    return facts, arrays


def _streams(model: Module | None, generators: Mapping[str, Generator] | None) -> dict[str, Generator]:
    """Every stream of random numbers by the name it is saved under."""
    streams = {"default": philox.default}
    for name, module in model.named_modules() if model is not None else ():
        if isinstance(own := getattr(module, "generator", None), Generator):
            streams[f"model.{name}"] = own
    for name, given in (generators or {}).items():
        if not isinstance(given, Generator) or name in streams:
            raise TypeError(f"generators[{name!r}] must be a te.Generator, under a name not taken, not "
                            f"{given!r:.60}")
        streams[name] = given
    return streams


def _restoring(stream: Generator, saved: Mapping[str, Any], name: str) -> Callable[[], Any]:
    if name not in saved:
        raise ValueError(f"it was saved without a generator {name!r}; it has {', '.join(saved)}")
    Generator().load_state_dict(saved[name])
    return lambda: stream.load_state_dict(saved[name])


def _part(facts: Mapping[str, Any], name: str) -> Any:
    if name not in facts:
        raise ValueError(f"it was saved without {name}=")
    return facts[name]


def _optimizer_state(saved: Mapping[str, Any], arrays: Mapping[str, NumpyArray],
                     title: str) -> dict[str, Any]:
    if saved["class"] != title:
        raise ValueError(f"it holds the state of {saved['class']}, not of {title}")
    rows = {int(i): dict(row) for i, row in saved["state"].items()}
    for name, array in arrays.items():
        if name.startswith("optimizer."):
            _, i, key = name.split(".", 2)
            rows[int(i)][key] = array
    return {"state": rows, "param_groups": saved["groups"]}


def _digest(text: str, arrays: Mapping[str, NumpyArray]) -> str:
    """SHA-256 of the facts and of every array's name, dtype, shape and bytes."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"\0{name}\0{array.dtype.str}{array.shape}\0".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
