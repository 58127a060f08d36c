"""Checkpoints: a whole training run in one safetensors file, to continue bit for bit in another process.

Arrays are entries of the file (`model.0.weight`, `optimizer.3.exp_avg`); everything else is text in it
(`checkpoint_file.py`). A save is atomic (`files.py`); a load compares everything before it changes anything.
Other programs can read it: `safetensors.numpy.load_file(path)["model.0.weight"]`.

A job of several ranks has one file. Rank 0 writes and reads it, so no other rank needs the disk; what differs
between ranks, their streams of random numbers and their loaders, is in it once for each.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.backend import philox
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import retold, wrong
from tinygrad_edu.nn.checkpoint_file import (
    FAULTS,
    FORMAT,
    CheckpointError,
    PathLike,
    read_checkpoint,
    write_checkpoint,
)
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.ranks import Ranks, together
from tinygrad_edu.nn.state_tree import join, take_apart
from tinygrad_edu.tensor import NumpyArray


def save_checkpoint(
    path: PathLike,
    *unnamed: Any,
    model: Module | None = None,
    optimizer: Any = None,
    schedule: Any = None,
    loader: Any = None,
    generators: Mapping[str, Generator] | None = None,
    parts: Mapping[str, Any] | None = None,
    extra: Any = None,
    comm: Ranks | None = None,
) -> None:
    """Write the state of a run to `path`, whole or not at all.

    model       its parameters and buffers, and the streams of layers that have a generator of their own
    optimizer   its settings and its state
    schedule    its number of steps, and the initial learning rates
    loader      its position (`DataLoader.state_dict`)
    generators  further streams of random numbers, by name; the default stream is always saved
    parts       further objects with `state_dict()` and `load_state_dict()`, by name: averages of weights,
                more optimizers; their arrays are entries of the file
    extra       anything JSON can hold: the epoch, the history, the architecture; tuples come back as lists
    comm        in a job of several ranks, all of which call this together: rank 0 writes its model,
                optimizer, schedule, parts and extra, and the streams and loaders of all ranks. A rank may
                have no loader, as a parameter server has none. A DataParallel has the names of its model, so
                that either loads the file

    Raises TypeError for what JSON cannot hold, such as keys that are not text, OSError if the disk cannot
    store it; an older file at `path` then stays unchanged. With a comm, all ranks raise the error of one.
    """
    together(
        comm,
        lambda: _rank_facts(unnamed, model, generators, loader),
        lambda ranks: _save(path, model, optimizer, schedule, parts or {}, extra, ranks),
    )


def _rank_facts(
    unnamed: tuple[Any, ...], model: Any, generators: Mapping[str, Generator] | None, loader: Any
) -> dict[str, Any]:
    """What a rank adds to the file of a job."""
    _check_keywords("save_checkpoint", unnamed)
    if isinstance(model, Mapping):
        raise wrong(
            TypeError,
            "save_checkpoint",
            "model is a dict",
            "give the model itself, save_checkpoint(path, model=model): it asks for the state",
        )
    streams = {name: stream.state_dict() for name, stream in _streams(model, generators).items()}
    return {"generators": streams, "loader": None if loader is None else loader.state_dict()}


def _save(
    path: PathLike,
    model: Module | None,
    optimizer: Any,
    schedule: Any,
    parts: Mapping[str, Any],
    extra: Any,
    ranks: list[Any],
) -> None:
    """Write the file: the state of this rank, and what each of `ranks` adds to it."""
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
        facts["optimizer"] = {
            "class": type(optimizer).__name__,
            "groups": state["param_groups"],
            "state": rows,
        }
    if schedule is not None:
        facts["schedule"] = schedule.state_dict()
    if parts:
        facts["parts"] = {
            name: take_apart(part.state_dict(), f"part.{name}", arrays) for name, part in parts.items()
        }
    loaders = [rank["loader"] for rank in ranks]
    alike = all(loader == loaders[0] for loader in loaders)
    if alike and loaders[0] is not None:
        facts["loader"] = loaders[0]
    facts["generators"] = ranks[0]["generators"]
    if len(ranks) > 1:
        own = ("generators",) if alike else ("generators", "loader")
        facts["ranks"] = [{name: rank[name] for name in own} for rank in ranks]
    write_checkpoint(path, facts, arrays)


def _check_keywords(function: str, unnamed: tuple[Any, ...]) -> None:
    """Raise TypeError for positional arguments after `path`: a call must name the parts that it keeps."""
    if unnamed:
        raise wrong(
            TypeError,
            function,
            f"after the path say what each is: {function}(path, model=model, optimizer=optimizer, ...)",
        )


def load_checkpoint(
    path: PathLike,
    *unnamed: Any,
    model: Module | None = None,
    optimizer: Any = None,
    schedule: Any = None,
    loader: Any = None,
    generators: Mapping[str, Generator] | None = None,
    parts: Mapping[str, Any] | None = None,
    strict: bool = True,
    default_generator: bool = True,
    comm: Ranks | None = None,
) -> Any:
    """Restore the given objects, and the default generator, to their state when `path` was saved.

    Returns `extra`. What is not passed is not loaded; `strict=False` tolerates missing and unexpected names
    in the model, and `default_generator=False` leaves the default stream of random numbers where it is.
    Raises FileNotFoundError, or CheckpointError for a file that is damaged, of another kind or does
    not fit; then nothing was changed.

    With a comm, all ranks call this together. Rank 0 reads the file, and every rank gets the same weights,
    optimizer and schedule, and its own streams and loader; an error of one rank is raised on all, and nothing
    was changed on any. A job with another number of ranks than the file's has no streams in it: that is
    refused, unless `default_generator=False` leaves all streams where they are. Without a comm, this process
    gets the streams of rank 0, and only a loader that every rank had at the same position.
    """
    installs: list[Callable[[], Any]] = []
    undo: list[Callable[[], Any]] = []

    def read(_: list[None]) -> tuple[dict[str, Any], dict[str, NumpyArray]]:
        return read_checkpoint(path)

    def plan() -> None:
        try:
            saved = _facts_of_rank(facts, comm, default_generator or bool(generators))
            if model is not None:
                prefix = "model."
                state = {
                    name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)
                }
                installs.extend(model._plan(state, strict)[0])
            if optimizer is not None:
                part = _saved_part(saved, "optimizer")
                installs.extend(optimizer._plan(_optimizer_state(part, arrays, type(optimizer).__name__)))
            if schedule is not None:
                # after the optimizer, because it sets learning rates
                installs.append(schedule._plan(_saved_part(saved, "schedule")))
            for name, stream in _streams(model, generators).items():
                if saved["generators"] is not None and (name != "default" or default_generator):
                    installs.append(_restore_later(stream, saved["generators"], name))
            if loader is not None:
                installs.append(_load_later(loader, _saved_part(saved, "loader")))
            for name, part in (parts or {}).items():
                if name not in saved.get("parts", {}):
                    raise wrong(ValueError, None, f"it was saved without a part {name!r}")
                before = part.state_dict()
                undo.append(partial(part.load_state_dict, before))
                part.load_state_dict(join(saved["parts"][name], arrays))
        except FAULTS as error:
            start = f"{os.fspath(path)} does not fit, nothing was loaded: "
            start += "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            raise retold(error, None, CheckpointError, place=os.fspath(path), before=start) from error

    facts, arrays = together(comm, lambda: _check_keywords("load_checkpoint", unnamed), read)
    try:
        together(comm, plan, lambda _: None)
    except BaseException:
        for load in reversed(undo):
            with contextlib.suppress(Exception):  # the one that refused its state may refuse this, too
                load()
        raise
    for install in installs:
        install()
    return facts["extra"]


def _facts_of_rank(facts: dict[str, Any], comm: Ranks | None, with_streams: bool) -> dict[str, Any]:
    """The facts as this rank is to find them; generators are None if the file was saved by other ranks.

    Raises ValueError for another number of ranks if the streams are to be restored.
    """
    ranks = facts.get("ranks", [{}])
    if comm is None:
        return facts
    if len(ranks) == comm.size:
        own = {name: part for name, part in ranks[comm.rank].items() if part is not None}
        return {**facts, **own}
    if with_streams:
        raise wrong(
            ValueError,
            None,
            f"it was saved by {_ranks(len(ranks))}, and this job has {_ranks(comm.size)}, whose streams of "
            "random numbers are not in it",
            "go on with as many; or load no streams: default_generator=False and no generators=",
        )
    return {**facts, "generators": None}


def _ranks(count: int) -> str:
    return f"{count} rank{'s' if count > 1 else ''}"


def _load_later(loader: Any, state: Any) -> Callable[[], Any]:
    """Check the state of a loader now, and restore it when the result is called."""
    if not hasattr(loader, "_plan"):  # another kind of loader: it can only do both at once
        loader.load_state_dict(state)
        return lambda: None
    install: Callable[[], Any] = loader._plan(state)
    return install


def _streams(model: Module | None, generators: Mapping[str, Generator] | None) -> dict[str, Generator]:
    """Every stream of random numbers, by the name in the checkpoint."""
    streams = {"default": philox.current()}
    for name, module in model.named_modules() if model is not None else ():
        if isinstance(own := getattr(module, "generator", None), Generator):
            streams[f"model.{name}"] = own
    for name, given in (generators or {}).items():
        if not isinstance(given, Generator) or not isinstance(name, str) or name in streams:
            raise wrong(
                TypeError,
                None,
                f"generators[{name!r}] must be a te.Generator, under a name not taken, not {given!r:.60}",
            )
        streams[name] = given
    return streams


def _restore_later(stream: Generator, saved: Mapping[str, Any], name: str) -> Callable[[], Any]:
    if name not in saved:
        raise wrong(
            ValueError, None, f"it was saved without a generator {name!r}, and has {', '.join(saved)}"
        )
    Generator().load_state_dict(saved[name])
    return lambda: stream.load_state_dict(saved[name])


def _saved_part(facts: Mapping[str, Any], name: str) -> Any:
    if name not in facts:
        ranks = facts.get("ranks", ())
        if any(isinstance(rank, dict) and rank.get(name) is not None for rank in ranks):
            problem = f"it was saved by {_ranks(len(ranks))}, each with a {name} of its own"
            raise wrong(ValueError, None, problem, f"pass comm=, or leave out {name}=")
        raise wrong(ValueError, None, f"it was saved without {name}=")
    return facts[name]


def _optimizer_state(
    saved: Mapping[str, Any], arrays: Mapping[str, NumpyArray], title: str
) -> dict[str, Any]:
    if saved["class"] != title:
        raise wrong(ValueError, None, f"it holds the state of {saved['class']}, not of {title}")
    rows = {int(i): dict(row) for i, row in saved["state"].items()}
    for name, array in arrays.items():
        if name.startswith("optimizer."):
            _, i, key = name.split(".", 2)
            rows[int(i)][key] = array
    return {"state": rows, "param_groups": saved["groups"]}
