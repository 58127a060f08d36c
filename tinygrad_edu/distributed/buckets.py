"""Bucket: gradients that travel together.

A gradient that is large enough is a bucket of its own, and is sent from its own memory: it is neither copied
in nor out. Smaller ones are copied into one array. Behind them it has a number for each parameter, which
counts the ranks that have a gradient for it: where no rank has one, it stays None.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.distributed.buffers import overwrite
from tinygrad_edu.distributed.comm import Comm
from tinygrad_edu.distributed.work import Work
from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.engine import access
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional import wrap, zeros
from tinygrad_edu.tensor import Tensor

ALONE = 1 << 18  # bytes from which a tensor is a bucket of its own


class Bucket:
    """Some parameters of one dtype and device, whose gradients are averaged together.

    size      the number of their elements
    is_alone  whether it is one large parameter, whose gradient is sent from its own memory
    missing   the id() of those whose gradient is not complete yet, in a running backward
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = tuple(parameters)
        self.dtype = parameters[0].dtype
        self.size = sum(p.size for p in parameters)
        self.is_alone = len(parameters) == 1 and self.size * self.dtype.itemsize >= ALONE
        packed = 0 if self.is_alone else self.size
        self.flat = np.empty(packed + len(self.parameters), self.dtype)
        self.counts = self.flat[packed:]
        ends = np.cumsum([p.size for p in parameters]).tolist()
        self.places = [self.flat[end - p.size : end] for p, end in zip(parameters, ends, strict=True)]
        self.missing: set[int] = set()
        self.works: list[Work] = []
        self.reset()

    def reset(self) -> None:
        """Get ready for a backward. What one that ended in an error has sent arrives first."""
        for work in self.works:
            work.wait()
        self.missing = set(map(id, self.parameters))
        self.works = []

    def send(self, comm: Comm, algorithm: str | None) -> None:
        """Start the all-reduce of this rank's gradients, zeros where it has none."""
        if any(p.dtype != self.dtype for p in self.parameters):
            raise wrong(RuntimeError, "DataParallel", "the model has another dtype than when it was made",
                        "call .to() before DataParallel(model, comm)")  # fmt: skip
        for i, (p, place) in enumerate(zip(self.parameters, self.places, strict=True)):
            grad = p.grad
            self.counts[i] = grad is not None
            if self.is_alone:
                if grad is None:
                    p.grad = zeros(p.shape, dtype=p.dtype, device=p.device)
                    grad = p.grad
                mean = grad.detach()
                self.works.append(comm.all_reduce(mean, "mean", algorithm=algorithm, async_op=True))
            elif grad is None:
                place[...] = 0
            else:
                place[...] = access.look(grad.storage, "all_reduce").reshape(-1)
        self.works.append(comm.all_reduce(self.flat, "mean", algorithm=algorithm, async_op=True))

    def receive(self) -> None:
        """Wait for the means and put them into the gradients."""
        for work in self.works:
            work.wait()
        self.works = []
        for p, place, count in zip(self.parameters, self.places, self.counts, strict=True):
            grad = p.grad
            if not count:  # no rank has a gradient for it
                p.grad = None
            elif not self.is_alone:
                if grad is None:
                    p.grad = wrap(place.reshape(p.shape), device=p.device)
                else:
                    overwrite(grad, place, "all_reduce")


def cut_into_buckets(parameters: Sequence[Tensor], cap: int) -> list[Bucket]:
    """The parameters in their order, in buckets of one dtype and device with at most `cap` bytes each."""
    buckets: list[list[Tensor]] = []
    filled, kind = 0, None
    for p in parameters:
        nbytes, is_alone = p.size * p.dtype.itemsize, p.size * p.dtype.itemsize >= ALONE
        if not buckets or kind != (p.dtype, p.device) or filled + nbytes > cap or is_alone:
            buckets.append([])
            filled, kind = 0, (p.dtype, p.device)
        buckets[-1].append(p)
        filled += cap if is_alone else nbytes  # nothing follows a large one
    return [Bucket(bucket) for bucket in buckets]


class Averages:
    """The buffers of floats of a model, such as the statistics of batch norms.

    Those that any rank has changed since the last time become their mean; the others stay as they are, since
    the mean of equal numbers can differ from them in the last digit.
    """

    def __init__(self, module: nn.Module) -> None:
        self.buffers = [b for b in module.buffers() if is_floating(b.dtype)]
        self.counts = self._write_counts()

    def _write_counts(self) -> list[tuple[int, int]]:
        """What is different after a change in place, or after a move to other memory."""
        return [(id(b.storage), b.storage.writes.count) for b in self.buffers]

    def average(self, comm: Comm) -> None:
        """Average those that have changed; all ranks call it."""
        if not self.buffers:
            return
        pairs = zip(self._write_counts(), self.counts, strict=True)
        changed = np.array([now != before for now, before in pairs], np.uint8)
        comm.all_reduce(changed, "max")
        chosen = [b for b, yes in zip(self.buffers, changed, strict=True) if yes]
        for dtype in dict.fromkeys(b.dtype for b in chosen):
            some = [b for b in chosen if b.dtype == dtype]
            flat = np.concatenate([access.look(b.storage, "all_reduce").reshape(-1) for b in some])
            comm.all_reduce(flat, "mean")
            at = 0
            for b in some:
                overwrite(b, flat[at : at + b.size], "all_reduce")
                at += b.size
        self.counts = self._write_counts()
