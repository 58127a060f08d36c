"""Packet: a model's parameters, or their gradients, as one message between a server and its workers.

A message is a header of integers and, for each dtype, a flat array: of parameters first, then of buffers.
From a worker these are gradients and its buffers; from the server, values. All messages of a model have the
same size, so that a receiver needs none to know how much comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.distributed.buffers import overwrite
from tinygrad_edu.distributed.comm import Comm
from tinygrad_edu.distributed.work import Array, Work
from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.engine import access
from tinygrad_edu.functional import wrap
from tinygrad_edu.tensor import Tensor

PUSH, DONE = 1, 2  # what a header is about
_FACTS = 4  # the integers before those that say which parameters have a gradient
_TAG = 1
_NAME = "ParameterServer"  # what errors and observers name


class Message:
    """Memory of a message, and the arrays in it.

    header  PUSH or DONE, version, staleness, dropped; then for each parameter whether it has a gradient
    flats   an array for each dtype
    """

    __slots__ = ("flats", "header", "memory")

    def __init__(self, integers: int, sizes: Sequence[tuple[int, np.dtype[np.generic]]]) -> None:
        lengths = [8 * integers, *(size * dtype.itemsize for size, dtype in sizes)]
        ends = list(accumulate(lengths))
        self.memory = np.empty(ends[-1], np.uint8)
        self.header: Array = self.memory[: ends[0]].view(np.int64)
        self.flats: list[Array] = [
            self.memory[begin:end].view(dtype)
            for begin, end, (_, dtype) in zip(ends[:-1], ends[1:], sizes, strict=True)
        ]


class Packet:
    """The messages about one model; all ranks have the same names, shapes and dtypes."""

    def __init__(self, model: nn.Module, comm: Comm) -> None:
        self.comm = comm
        self.parameters: list[Tensor] = [p for p in model.parameters() if p.requires_grad]
        self.buffers: list[Tensor] = list(model.buffers())
        tensors = [*self.parameters, *self.buffers]
        # From the widest dtype to the narrowest, so that each array begins where its dtype may.
        dtypes = sorted(dict.fromkeys(t.dtype for t in tensors), key=lambda dtype: -dtype.itemsize)
        self.groups = [[t for t in tensors if t.dtype == dtype] for dtype in dtypes]
        self.sizes = [
            (sum(t.size for t in group), dtype) for group, dtype in zip(self.groups, dtypes, strict=True)
        ]
        self.index = {id(p): i for i, p in enumerate(self.parameters)}
        self.given = dict.fromkeys(range(comm.size), self._float_buffers())
        self.out = self._empty()
        self.arriving: dict[int, Message] = {}

    def _empty(self) -> Message:
        return Message(_FACTS + len(self.parameters), self.sizes)

    def _float_buffers(self) -> dict[int, Array]:
        """The buffers of floats, flat, by their id(); what a worker has got of them is kept in `given`."""
        return {id(b): np.array(b.numpy()).reshape(-1) for b in self.buffers if is_floating(b.dtype)}

    def _parts(self, message: Message) -> Iterator[tuple[Tensor, Array]]:
        """Each tensor with its part of a message."""
        for group, flat in zip(self.groups, message.flats, strict=True):
            at = 0
            for t in group:
                end = at + t.size
                yield t, flat[at:end]
                at = end

    # -- a worker --------------------------------------------------------------------------------------------

    def push(self, server: int, version: int) -> None:
        """Send this rank's gradients."""
        self.out.header[:_FACTS] = PUSH, version, 0, 0
        self.out.header[_FACTS:] = [p.grad is not None for p in self.parameters]
        for t, part in self._parts(self.out):
            source = t.grad if id(t) in self.index else t
            if source is None:
                part[...] = 0
            else:
                part[...] = access.look(source.storage, _NAME).reshape(-1)
        self.comm.send(self.out.memory, server, _TAG)

    def say_done(self, server: int) -> None:
        """Send that no more gradients will come."""
        self.out.header[:] = 0
        self.out.header[0] = DONE
        self.comm.send(self.out.memory, server, _TAG)

    def pull(self, server: int) -> tuple[int, int, int]:
        """Receive parameters and buffers; returns their version, and the staleness of what was pushed for it
        and whether that was dropped."""
        self.comm.recv(self.out.memory, server, _TAG)
        for t, part in self._parts(self.out):
            overwrite(t, part, _NAME)
        version, staleness, dropped = self.out.header[1:_FACTS].tolist()
        return version, staleness, dropped

    # -- the server ------------------------------------------------------------------------------------------

    def expect(self, worker: int) -> Work:
        """Start to receive what a worker sends next."""
        self.arriving[worker] = self._empty()
        return self.comm.irecv(self.arriving[worker].memory, worker, _TAG)

    def facts_from(self, worker: int) -> tuple[int, int]:
        """Of the message that has come: what it is about, and the version of the worker's parameters."""
        kind, version = self.arriving[worker].header[:2].tolist()
        return kind, version

    def take(self, worker: int, *, stale: bool) -> Message:
        """The message that has come, which is a gradient.

        stale  whether the server's buffers are not those any more that the worker began with. Then it gets
               theirs moved by the worker's change of its own, since the worker's would undo what others did
        """
        message = self.arriving.pop(worker)
        if stale and self.given[worker]:
            for t, part in self._parts(message):
                if id(t) in self.given[worker]:
                    part += access.look(t.storage, _NAME).reshape(-1) - self.given[worker][id(t)]
        return message

    def set_gradients(self, received: Sequence[Message]) -> None:
        """Put the mean of what was received into the gradients and the buffers."""
        first, others = received[0], received[1:]
        present = np.max([message.header[_FACTS:] for message in received], axis=0)
        for g, total in enumerate(first.flats):
            for other in others:
                if total.dtype.kind == "f":
                    total += other.flats[g]
                else:
                    total[...] = other.flats[g]
            if others and total.dtype.kind == "f":
                total /= len(received)
        for t, part in self._parts(first):
            if id(t) in self.index:
                assert t.node is not None
                # The memory is this step's own, so the gradient needs no copy of it.
                grad = wrap(part.reshape(t.shape), device=t.device)
                t.node.grad = grad if present[self.index[id(t)]] else None
            else:
                overwrite(t, part, _NAME)

    def reply(self, worker: int, version: int, staleness: int, dropped: bool) -> None:
        """Send the parameters and buffers as they are now."""
        self.out.header[:_FACTS] = PUSH, version, staleness, dropped
        if self.buffers:
            self.given[worker] = self._float_buffers()
        for t, part in self._parts(self.out):
            part[...] = access.look(t.storage, _NAME).reshape(-1)
        self.comm.send(self.out.memory, worker, _TAG)
