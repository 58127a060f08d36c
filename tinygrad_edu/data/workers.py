"""Worker processes of a DataLoader, seen from the main process: started, given batches, waited for, ended.

They are not forked from this process. A fork copies one thread and every lock: those of BLAS, of a CUDA
context or of the simulator's threads may then be locked for ever, and a device is unusable after it anyway.
Instead they are forked from a server process that has imported this library and has no device and no thread
(Python's "forkserver", where it exists), or else begun as fresh interpreters ("spawn"). So what a worker
needs is pickled, once for each worker. The server ends with the program.

Batch k of a pass is computed by worker k modulo their number, and returned in the order of k: which worker
is fast does not matter. At most `prefetch_factor` batches for each worker are computed ahead.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import signal
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn

from tinygrad_edu.data.fetching import END, Job, Stream
from tinygrad_edu.data.rows import Rows
from tinygrad_edu.data.worker_process import NAME, Failed, Task, main, packed, receive, send
from tinygrad_edu.data.worker_server import interrupt_blocked
from tinygrad_edu.errors import wrong


class WorkerError(RuntimeError):
    """A worker process of a DataLoader raised an error, ended, or exceeded the timeout.

    `__cause__` is the error that was raised in the worker, if it could be pickled.
    """


class Pool:
    """`count` workers for a job. They end with `close`, when the pool is deleted, and with the program."""

    def __init__(
        self,
        job: Job,
        count: int,
        *,
        prefetch_factor: int,
        timeout: float,
        worker_init_fn: Callable[[int], Any] | None,
    ) -> None:
        _check_program()
        content = _pickled(job, worker_init_fn)
        self.count, self.ahead, self.timeout = count, prefetch_factor * count, timeout
        self.is_busy = False
        self._turns = itertools.count()
        self._answered = [False] * count
        self._processes: list[Any] = []
        self._connections: list[Connection] = []
        self._end = weakref.finalize(self, _end, os.getpid(), self._processes, self._connections)
        try:
            for number in range(count):
                self._start(number)
            for number in range(count):
                with self._reporting_death(number):
                    self._connections[number].send_bytes(content)
        except BaseException:
            self.close()
            raise

    def _start(self, number: int) -> None:
        context = _context()
        ours, theirs = context.Pipe()
        self._connections.append(ours)
        process = context.Process(
            target=main, args=(theirs, number, self.count), name=f"{NAME} {number}", daemon=True
        )
        try:
            with interrupt_blocked():
                process.start()
        finally:
            theirs.close()
        self._processes.append(process)

    @property
    def is_open(self) -> bool:
        """Whether its workers can be given batches."""
        return self._end.alive

    def close(self) -> None:
        """End the workers, and wait until they have ended."""
        self._end()

    def batches(self, first: int, rows_of: Callable[[int], Rows | None]) -> Iterator[Any]:
        """The arrays of batch `first` and those after it, up to the first without rows, or to END.

        If a stream chooses the items of each worker, a worker that has no more of them is left out, and a
        pass that begins in the middle reads the batches before: how many each worker gave, nothing else says.
        Raises WorkerError. The pool is closed by an error, and by an interruption.
        """
        turn, self.is_busy = next(self._turns), True
        due = first
        finished: set[int] = set()
        try:
            for batch in itertools.count(first):
                while due < batch + self.ahead and (rows := rows_of(due)) is not None:
                    self._send(due % self.count, Task(turn, due, rows, first))
                    due += 1
                if batch == due:
                    break
                content = self._receive(batch % self.count, turn, batch)
                if content is Stream.COUNTED:
                    yield from itertools.islice(self.batches(0, rows_of), first, None)
                    break
                if content is Stream.END_OF_PART:
                    finished.add(batch % self.count)
                if content is END or len(finished) == self.count:
                    break
                if content is Stream.END_OF_PART:
                    continue
                yield content
        except GeneratorExit:
            raise
        except BaseException:
            self.close()
            raise
        finally:
            self.is_busy = False

    def _send(self, number: int, task: Task) -> None:
        with self._reporting_death(number):
            send(self._connections[number], packed(task))

    def _receive(self, number: int, turn: int, batch: int) -> Any:
        """The content of that batch, from that worker; answers to an abandoned pass are dropped."""
        connection = self._connections[number]
        until = time.monotonic() + self.timeout if self.timeout else None
        sentinels = {process.sentinel: k for k, process in enumerate(self._processes)}
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            ready = wait([connection, *sentinels], left)
            for dead in (sentinels[one] for one in ready if one in sentinels):
                self._raise_death(dead)
            if connection not in ready:
                raise wrong(
                    WorkerError,
                    "DataLoader",
                    f"worker {number} (process {self._processes[number].pid}) has not returned batch {batch} "
                    f"after timeout={self.timeout:g} s",
                    "raise timeout=, or find out what it does with num_workers=0",
                )
            with self._reporting_death(number):
                of_turn, of_batch, content = receive(connection)
            self._answered[number] = True
            if isinstance(content, Failed) and of_turn in (-1, turn):
                self._raise_failure(number, content)
            if (of_turn, of_batch) == (turn, batch):
                return content

    def _reporting_death(self, number: int) -> _ReportingDeath:
        return _ReportingDeath(self, number)

    def _raise_failure(self, number: int, fact: Failed) -> NoReturn:
        try:
            cause = pickle.loads(fact.error) if fact.error else None
        except Exception:  # its class may have needed the worker's own modules
            cause = None
        raise wrong(
            WorkerError,
            "DataLoader",
            f"worker {number} of {self.count} could not {fact.doing}: {fact.text}\n"
            f"The traceback in the worker:\n{fact.traceback}",
            "num_workers=0 raises it here, where a debugger can stop",
        ) from cause

    def _raise_death(self, number: int) -> NoReturn:
        process = self._processes[number]
        process.join(5)
        code = process.exitcode
        if code is not None and code < 0:
            try:
                how = f"was killed by {signal.Signals(-code).name}"
            except ValueError:
                how = f"was killed by signal {-code}"
        else:
            how = f"ended with exit code {code}"
        remedy = "the memory may have run out: lower num_workers or prefetch_factor"
        if code is not None and code >= 0:
            remedy = "look for what ends it in the dataset: os._exit, or a library that fails"
            if not self._answered[number]:
                remedy = (
                    "put what the program does under `if __name__ == '__main__':`, because a worker imports "
                    "its file, and see what it wrote to standard error"
                )
        raise wrong(
            WorkerError,
            "DataLoader",
            f"worker {number} of {self.count} (process {process.pid}) {how}",
            remedy,
        )


class _ReportingDeath:
    """Within it an error of a connection is that of a worker that has ended."""

    def __init__(self, pool: Pool, number: int) -> None:
        self.pool, self.number = pool, number

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if isinstance(error, EOFError | OSError):
            self.pool._raise_death(self.number)


def _context() -> Any:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tinygrad_edu.data.worker_preload"])
    return context


def _check_program() -> None:
    """An error if the program has a file that a worker cannot import."""
    program = sys.modules["__main__"]
    path = getattr(program, "__file__", None)
    if path is not None and getattr(program, "__spec__", None) is None and not os.path.exists(path):
        raise wrong(
            RuntimeError,
            "DataLoader",
            f"the program comes from {os.path.basename(path)}, which is no file, and a worker must import it",
            "save it to a file, or pass num_workers=0",
        )


def _pickled(job: Job, worker_init_fn: Callable[[int], Any] | None) -> bytes:
    """The job as bytes; TypeError names the part that cannot be pickled."""
    try:
        return pickle.dumps((job, worker_init_fn), 5)
    except Exception as whole:
        parts = {"the dataset": job.dataset, "collate_fn": job.collate_fn, "transform": job.transform,
                 "worker_init_fn": worker_init_fn}  # fmt: skip
        for name, part in parts.items():
            try:
                pickle.dumps(part, 5)
            except Exception as error:
                raise wrong(
                    TypeError,
                    "DataLoader",
                    f"{name} cannot be pickled, and so cannot be sent to a worker process: {error}",
                    "define its class or function at the top of a module, and open files in "
                    "worker_init_fn or at the first use; or pass num_workers=0",
                ) from error
        raise wrong(TypeError, "DataLoader", f"the dataset cannot be pickled: {whole}") from whole


def _end(owner: int, processes: list[Any], connections: list[Connection]) -> None:
    if os.getpid() != owner:  # in a fork of the main process, which has no workers
        return
    for connection in connections:
        connection.close()
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()
    processes.clear()
    connections.clear()
