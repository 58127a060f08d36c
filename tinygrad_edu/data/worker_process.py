"""The program of a worker process of a DataLoader: it receives the numbers of batches and sends their arrays.

One thread receives, so that the main process never waits for a busy worker to read, and so that the worker
ends at once when the main process closes the connection or is gone. Another one sends, so that the next
batch is computed while the last one travels. Messages are pickled by protocol 5, the arrays of a batch apart
from the rest: large ones are in memory that both processes share, where the system has such files (Linux).
"""

from __future__ import annotations

import itertools
import mmap
import os
import pickle
import queue
import signal
import threading
import traceback
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from tinygrad_edu.data.fetching import Job
from tinygrad_edu.data.rows import Rows, WorkerInfo, set_worker_info
from tinygrad_edu.errors import wrong

NAME = "DataLoader worker"  # and its number: how a worker process is called
_LARGE = 1 << 16  # bytes of arrays that are worth a file of their own


class Task(NamedTuple):
    """Compute batch number `batch` of pass number `turn`, which begins with batch `start`."""

    turn: int
    batch: int
    rows: Rows
    start: int = 0


class Failed(NamedTuple):
    """An error in a worker: where, its text with the traceback, and the exception if it can be pickled."""

    doing: str
    text: str
    traceback: str
    error: bytes


Message = tuple[bytes, list[memoryview]]


def packed(content: Any) -> Message:
    """A pickled object, and the buffers of its arrays."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(content, 5, buffer_callback=buffers.append)
    return head, [buffer.raw() for buffer in buffers]


def send(connection: Connection, message: Message) -> None:
    """Send what `packed` returned; large arrays in memory that is shared, where the system has such files."""
    head, buffers = message
    sizes = [len(head), *(buffer.nbytes for buffer in buffers)]
    is_shared = hasattr(os, "memfd_create") and sum(sizes[1:]) >= _LARGE
    connection.send_bytes(pickle.dumps((sizes, is_shared)))
    connection.send_bytes(head)
    if is_shared:
        _share(connection, buffers)
        return
    for buffer in buffers:
        if buffer.nbytes:
            connection.send_bytes(buffer)


def receive(connection: Connection) -> Any:
    """The next object; its arrays can be written to."""
    sizes, is_shared = pickle.loads(connection.recv_bytes())
    head = connection.recv_bytes()
    if is_shared:
        return pickle.loads(head, buffers=_shared(connection, sizes[1:]))
    parts = [bytearray(size) for size in sizes[1:]]
    for part in parts:
        if part:
            connection.recv_bytes_into(part)
    return pickle.loads(head, buffers=parts)


def _share(connection: Connection, buffers: list[memoryview]) -> None:
    """Write buffers to a file in memory that has no name, and send its descriptor.

    The file ends with the last process that has it, so a worker that is killed leaves nothing behind.
    """
    file = os.memfd_create("DataLoader")
    try:
        end = 0
        for buffer, start in zip(buffers, _starts([buffer.nbytes for buffer in buffers]), strict=True):
            end = start
            while end < start + buffer.nbytes:  # one call writes at most 2 GiB
                end += os.pwrite(file, buffer[end - start :], end)
        os.ftruncate(file, end)
        reduction.send_handle(connection, file, 0)
    finally:
        os.close(file)


def _shared(connection: Connection, sizes: list[int]) -> list[memoryview]:
    """The buffers of a file whose descriptor is received: its memory itself, and no copy."""
    file = reduction.recv_handle(connection)
    try:
        populate = getattr(mmap, "MAP_POPULATE", 0)
        memory = memoryview(mmap.mmap(file, 0, mmap.MAP_SHARED | populate))
    finally:
        os.close(file)
    return [memory[start : start + size] for start, size in zip(_starts(sizes), sizes, strict=True)]


def _starts(sizes: list[int]) -> list[int]:
    """Where buffers of these sizes begin in a file: at multiples of 64 bytes, a line of the cache."""
    return [0, *itertools.accumulate(-(-size // 64) * 64 for size in sizes)][: len(sizes)]


def failed(doing: str, error: BaseException) -> Failed:
    """The facts about an error, for the main process."""
    text = "".join(traceback.format_exception(error))
    try:
        whole = pickle.dumps(error)
        pickle.loads(whole)
    except Exception:
        whole = b""
    return Failed(doing, f"{type(error).__name__}: {error}", text, whole)


def main(connection: Connection, number: int, workers: int) -> None:
    """Work until the connection is closed. The first message is (job, worker_init_fn), pickled."""
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends this one
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # it was blocked while this one began
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    results: queue.SimpleQueue[Message] = queue.SimpleQueue()
    newest = [-1]
    content = connection.recv_bytes()

    def receive_tasks() -> None:
        try:
            while True:
                task = receive(connection)
                newest[0] = task.turn
                tasks.put(task)
        except (EOFError, OSError):
            os._exit(0)

    def send_results() -> None:
        try:
            while True:
                send(connection, results.get())
        except OSError:
            os._exit(0)

    for thread in (receive_tasks, send_results):
        threading.Thread(target=thread, daemon=True).start()
    try:
        job, worker_init_fn = pickle.loads(content)
    except BaseException as error:
        results.put(packed((-1, -1, failed("rebuild the dataset, or what else it was given", error))))
        threading.Event().wait()
    del content
    set_worker_info(WorkerInfo(number, workers, job.seed, job.dataset))
    if worker_init_fn is not None:
        before = _settings(job)
        try:
            worker_init_fn(number)
            if workers > 1 and (
                changed := [name for name, at in _settings(job).items() if before.get(name) != at]
            ):
                raise wrong(
                    ValueError,
                    "DataLoader",
                    f"worker_init_fn changed {', '.join(changed)} of the stream, "
                    "and the loader shares out its items by itself: all workers must read the same ones",
                    "choose a worker's items in __iter__, where it calls get_worker_info()",
                )
        except BaseException as error:
            results.put(packed((-1, -1, failed("call worker_init_fn", error))))
            threading.Event().wait()
    results.put(packed((-1, -1, None)))
    while True:
        task = tasks.get()
        if task.turn == newest[0]:  # otherwise its pass was abandoned
            results.put(_result(job, task))


def _settings(job: Job) -> dict[str, str]:
    """The numbers, texts and sequences of a stream: what may say which items it yields."""
    kinds = (int, float, str, list, tuple, range)
    own = getattr(job.dataset, "__dict__", {}) if job.stream_size else {}
    return {name: repr(value) for name, value in own.items() if isinstance(value, kinds)}


def _result(job: Job, task: Task) -> Message:
    """The arrays of a batch, or the facts about the error that it made."""
    try:
        return packed((task.turn, task.batch, job(*task)))
    except BaseException as error:
        row = job.failing_row(task.rows.indices)
        if row is not None:
            what = "item" if job.stream_size else "row"
            doing = f"fetch {what} {row} of the dataset, for batch {task.batch} of epoch {task.rows.epoch}"
        else:
            some = f" from rows {task.rows.indices.tolist()!r:.100}" if len(task.rows.indices) else ""
            doing = f"make batch {task.batch} of epoch {task.rows.epoch}{some}"
        fact = failed(doing, error)
        return packed((task.turn, task.batch, fact))
