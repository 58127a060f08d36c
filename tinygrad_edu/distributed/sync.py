"""What makes the ranks of a job alike, and a check that they still are."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.backend import philox
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.distributed.comm import Comm
from tinygrad_edu.distributed.fault import DistributedError
from tinygrad_edu.errors import wrong
from tinygrad_edu.tensor import Tensor

_PROCESS = uuid.uuid4().hex  # tells this process from all others, on any machine


def share_model(module: nn.Module, comm: Comm) -> None:
    """Overwrite the parameters and buffers of every rank by rank 0's.

    Raises DistributedError on all ranks, before anything is changed, if names, shapes or dtypes differ.
    """
    tensors = _tensors(module)
    mine = [(name, tuple(t.shape), str(t.dtype)) for name, t in tensors.items()]
    itself = hashlib.sha256(f"{_PROCESS} {id(module)}".encode()).digest()[:8]
    if len(np.unique(comm.all_gather(np.frombuffer(itself, np.int64)))) < comm.size:
        raise wrong(DistributedError, None, "several ranks have one model, the same object",
                    "make the model inside of the program, once for each rank")  # fmt: skip
    every = [] if _is_equal(mine, comm) else comm.all_gather_object(mine)
    for rank, other in enumerate(every):
        if other != every[0]:
            here, there = _first_difference(every[0], other)
            raise wrong(
                DistributedError, None,
                f"the ranks have different models: rank 0 has {here}, rank {rank} has {there}",
                "make the same model on every rank",
            )  # fmt: skip
    for tensor in tensors.values():
        comm.broadcast(tensor.detach())


def _first_difference(first: list[Any], other: list[Any]) -> tuple[str, str]:
    """How the two descriptions of models differ: `0.weight (3, 4) float32`, and the same of the other."""
    known = dict.fromkeys([*[row[0] for row in first], *[row[0] for row in other]])
    one, two = ({row[0]: f"{row[0]} {row[1]} {row[2]}" for row in rows} for rows in (first, other))
    for name in known:
        if one.get(name) != two.get(name):
            return one.get(name, f"no {name}"), two.get(name, f"no {name}")
    return "its tensors in one order", "them in another"


def split_streams(comm: Comm, module: nn.Module | None = None) -> None:
    """Give every rank random numbers of its own: the default stream, and those that the model's layers have.

    Rank r continues with `generator.spawn(r)`, rank 0 with the stream as it is. So models that were made
    before are alike on all ranks, and what is dropped out afterwards differs.
    """
    streams = [philox.current()]
    for layer in module.modules() if module is not None else ():
        own = vars(layer).get("generator")  # getattr would compose a hint for each layer that has none
        if isinstance(own, Generator) and all(own is not known for known in streams):
            streams.append(own)
    for stream in streams:
        if comm.rank:
            stream.load_state_dict(stream.spawn(comm.rank).state_dict())


def check_in_sync(model: nn.Module, comm: Comm) -> None:
    """Check that parameters and buffers have the same bits on all ranks; all ranks call it.

    Raises DistributedError on all ranks that names the first tensor that differs, and the ranks whose bits
    are not those of most.
    """
    mine = {name: _digest(tensor) for name, tensor in _tensors(model).items()}
    every = [] if _is_equal(mine, comm) else comm.all_gather_object(mine)
    for name in dict.fromkeys(name for rank in every for name in rank):
        found = [rank.get(name) for rank in every]
        if any(digest != found[0] for digest in found):
            usual = max(found, key=found.count)
            others = [rank for rank, digest in enumerate(found) if digest != usual]
            who = f"rank {others[0]}" if len(others) == 1 else f"ranks {', '.join(map(str, others))}"
            raise wrong(
                DistributedError, None, f"{name} has other bits on {who} than on the other ranks",
                "all ranks must take the same steps: look for what only one of them does, such as loading "
                "weights, another learning rate, or an update outside of DataParallel",
            )  # fmt: skip


def _is_equal(mine: Any, comm: Comm) -> bool:
    """Whether an object of plain types is equal on all ranks. A hash of 32 bytes travels, not the object."""
    own = np.frombuffer(hashlib.sha256(repr(mine).encode()).digest(), np.uint8)
    return bool((comm.all_gather(own) == own).all())


def _digest(tensor: Tensor) -> str:
    array = np.ascontiguousarray(tensor.detach().numpy())
    return hashlib.sha256(f"{array.shape} {array.dtype}".encode() + array.tobytes()).hexdigest()


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers, each once, by its first name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
