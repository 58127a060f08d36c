"""DataParallel: every rank has the model, works on its rows, and all take the step of the mean gradient.

Gradients travel in buckets, in the order in which backward completes them, while backward goes on: the last
layer's are under way before the first layer's exist. Source: Li et al., "PyTorch Distributed: Experiences on
Accelerating Data Parallel Training", VLDB 2020.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tinygrad_edu import nn
from tinygrad_edu.distributed.buckets import Averages, Bucket, cut_into_buckets
from tinygrad_edu.distributed.comm import Comm
from tinygrad_edu.distributed.schedules import all_reduce
from tinygrad_edu.distributed.sync import share_model, split_streams
from tinygrad_edu.engine.hooks import after_backward, running_backward
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import number
from tinygrad_edu.tensor import Tensor


class DataParallel(nn.Module):
    """A model whose `backward()` leaves the mean of the gradients of all ranks in every `grad`.

    >>> model = DataParallel(model, comm)
    >>> for x, y in DataLoader(table, 32, shuffle=True, shard=(comm.rank, comm.size)):
    ...     optimizer.zero_grad()
    ...     te.cross_entropy(model(x), y).backward()
    ...     optimizer.step()

    All ranks make it, and then take the same number of steps; after each, parameters have the same bits on
    all ranks. When it is made, rank 0's parameters and buffers go to all ranks, and the streams of random
    numbers are split, so that dropout differs between ranks. A loss that is a mean over rows is then the mean
    over the rows of all ranks, if each has the same number.

    Buffers of floats, such as the statistics of a batch norm, become the mean over the ranks after every
    backward; other buffers are the same anyway, or the rank's own. Batch norm normalizes by the rank's rows.

    Parameters and buffers have the names that they have in the model.

    module         the model; its parameters stay the same objects, so the optimizer may be made before
    bucket_cap_mb  MiB of gradients that travel as one message; larger tensors travel alone, without a copy
    algorithm      of `Comm.all_reduce`; None chooses by the size of a bucket
    """

    def __init__(
        self, module: nn.Module, comm: Comm, *, bucket_cap_mb: float = 25.0, algorithm: str | None = None
    ) -> None:
        if not isinstance(module, nn.Module):
            raise wrong(
                TypeError, "DataParallel", f"a {type(module).__name__} is no Module", "give the model"
            )
        if not isinstance(comm, Comm):
            raise wrong(
                TypeError, "DataParallel", f"comm is a {type(comm).__name__}",
                "give the comm that the program got: distributed.run(program) calls program(comm)",
            )  # fmt: skip
        cap = number(bucket_cap_mb, "DataParallel: bucket_cap_mb")
        if not cap > 0:
            raise wrong(ValueError, "DataParallel", f"bucket_cap_mb={cap} must be above 0")
        all_reduce(algorithm, comm.size, 0)  # raises for an algorithm that there is not
        self.module = module
        share_model(module, comm)
        split_streams(comm, module)
        self._sync = _Synchronizer(module, comm, int(min(cap * 2**20, sys.maxsize)), algorithm)

    def __deepcopy__(self, memo: dict[int, Any]) -> DataParallel:
        """A copy that averages its own gradients; if one rank copies, all have to train the copy."""
        new = object.__new__(type(self))
        memo[id(self)] = new
        for name, value in vars(self).items():
            if name != "_sync":
                vars(new)[name] = copy.deepcopy(value, memo)
        sync = self._sync
        new._sync = _Synchronizer(new.module, sync.comm, sync.cap, sync.algorithm)
        return new

    def __reduce__(self) -> Any:
        raise wrong(
            TypeError, "DataParallel", "it belongs to a running job and cannot be pickled",
            "pickle or save the model in it, model.module",
        )  # fmt: skip

    def _all_modules(self, prefix: str = "", path: tuple[int, ...] = ()) -> Iterator[tuple[str, nn.Module]]:
        """Those of the model, by its own names: what is saved of one is loaded into the other."""
        return self.module._all_modules(prefix, path)

    def _plan(self, state: Mapping[str, Any], strict: bool) -> Any:
        """As that of the model, also for a state of PyTorch's, whose names begin with `module.`."""
        if state and all(str(name).startswith("module.") for name in state):
            own = dict(self.named_parameters())
            if not any(name in own for name in state):
                state = {str(name).removeprefix("module."): value for name, value in state.items()}
        return self.module._plan(state, strict)

    @property
    def training(self) -> bool:
        """Whether the model is in training mode."""
        return self.module.training

    @training.setter
    def training(self, mode: bool) -> None:
        self.module.training = mode

    @property
    def comm(self) -> Comm:
        """The ranks that take part."""
        return self._sync.comm

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def close(self) -> None:
        """From now on gradients stay on this rank; another DataParallel may be made of the model."""
        for handle in self._sync.handles:
            handle.remove()

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Inside the block `backward()` only accumulates; the first one after it averages the sums.

        For a batch that does not fit: all small batches but the last run in the block.
        """
        before = self._sync.active
        self._sync.active = False
        try:
            yield
        finally:
            self._sync.active = before


class _Synchronizer:
    """Averages gradients over the ranks: it is told of each complete gradient, and of the end of backward."""

    def __init__(self, module: nn.Module, comm: Comm, cap: int, algorithm: str | None) -> None:
        self.module, self.comm, self.cap, self.algorithm = module, comm, cap, algorithm
        self.active = True
        named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        if not named:
            raise wrong(ValueError, "DataParallel", "the model has no parameter that requires grad")
        self.names = {id(p): name for name, p in named}
        self.parameters = [p for _, p in named]
        self.count = sum(p.size for p in self.parameters)
        self.buckets: list[Bucket] | None = None  # made when the order of the first backward is known
        self.bucket_of: dict[int, Bucket] = {}
        self.ready: dict[int, Tensor] = {}  # parameters whose gradient is complete, in this order
        self.sent = 0  # the buckets that have been sent in this backward
        self.walk: object = None  # the backward that is running
        self.backwards = 0
        self.averages = Averages(module)
        self.handles = [p.register_post_accumulate_grad_hook(self.complete) for p in self.parameters]

    def complete(self, parameter: Tensor) -> None:
        """The gradient of a parameter is complete."""
        if self.comm.is_over:
            return
        grad = parameter.grad
        if grad is not None and grad.node is not None:
            raise wrong(
                RuntimeError, "DataParallel", "backward(create_graph=True) would give the graph of this "
                "rank's gradient, and not of the mean", "take gradients of gradients of model.module",
            )  # fmt: skip
        is_new = self.walk is not running_backward()  # also if the last one ended in an error
        if not self.active:
            if is_new:
                self.walk = after_backward(self.accumulated)
            return
        if is_new:
            self.sent = 0
            self.ready.clear()
            for bucket in self.buckets or ():
                bucket.reset()
            self.walk = after_backward(self.finish)
        self.ready[id(parameter)] = parameter
        if self.buckets is None:
            return
        self.bucket_of[id(parameter)].missing.discard(id(parameter))
        self.comm.progress()
        while self.sent < len(self.buckets) and not self.buckets[self.sent].missing:
            self.send(self.buckets[self.sent])

    def accumulated(self) -> None:
        """The end of a backward whose gradients stay on this rank."""
        self.walk = None
        self.comm.computed()

    def send(self, bucket: Bucket) -> None:
        """Start to average a bucket. All ranks send their buckets in the same order."""
        self.comm.computed(bucket.size / self.count if self.count else 1.0 / len(self.buckets or [bucket]))
        bucket.send(self.comm, self.algorithm)
        self.sent += 1

    def finish(self) -> None:
        """Send what is left, wait for all, and put the means into the gradients."""
        self.walk = None
        self.backwards += 1
        if self.backwards & (self.backwards - 1) == 0:  # now and then, since it takes as long as a layer
            self.check_parameters()
        if self.buckets is None:
            self.comm.computed()  # before the wait for rank 0's order
            self.buckets = self.make_buckets()
            for bucket in self.buckets:
                bucket.send(self.comm, self.algorithm)
        else:
            for bucket in self.buckets[self.sent :]:
                self.send(bucket)
        for bucket in self.buckets:
            bucket.receive()
        self.averages.average(self.comm)

    def check_parameters(self) -> None:
        """Raise an error if the model has parameters now that would not be averaged."""
        for name, p in self.module.named_parameters():
            if p.requires_grad and id(p) not in self.names:
                raise wrong(
                    RuntimeError, "DataParallel", f"{name} was added, replaced or unfrozen after it was "
                    "made, and is not averaged", "make DataParallel(model, comm) again, on all ranks",
                )  # fmt: skip

    def make_buckets(self) -> list[Bucket]:
        """Buckets in the order in which rank 0's first backward completed the gradients."""
        mine = [self.names[key] for key in self.ready]
        order = self.comm.broadcast_object(mine)
        by_name = {self.names[id(p)]: p for p in self.parameters}
        names = dict.fromkeys([*order, *reversed(by_name)])  # those that had no gradient come last
        buckets = cut_into_buckets([by_name[name] for name in names], self.cap)
        self.bucket_of = {id(p): bucket for bucket in buckets for p in bucket.parameters}
        return buckets
