"""The program of a worker process of a DataLoader: it receives the numbers of batches and sends their arrays.

One thread receives, so that the main process never waits for a busy worker to read, and so that the worker
ends at once when the main process closes the connection or is gone. Another one sends, so that the next
batch is computed while the last one travels. Messages are pickled by protocol 5, the arrays of a batch apart
from the rest: they are copied into the pipe and out of it, and nowhere else.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from tinygrad_edu.data.fetching import Job
from tinygrad_edu.data.rows import Rows, WorkerInfo, set_worker_info


class Task(NamedTuple):
    """Compute batch number `batch` of pass number `turn`."""

    turn: int
    batch: int
    rows: Rows


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
    """Send what `packed` returned."""
    head, buffers = message
    connection.send_bytes(pickle.dumps([len(head), *(buffer.nbytes for buffer in buffers)]))
    parts: list[bytes | memoryview] = [head, *buffers]
    for part in parts:
        if len(part):
            connection.send_bytes(part)


def receive(connection: Connection) -> Any:
    """The next object; its arrays can be written to."""
    sizes = pickle.loads(connection.recv_bytes())
    parts = [bytearray(size) for size in sizes]
    for part in parts:
        if part:
            connection.recv_bytes_into(part)
    return pickle.loads(parts[0], buffers=parts[1:])


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
        try:
            worker_init_fn(number)
        except BaseException as error:
            results.put(packed((-1, -1, failed("call worker_init_fn", error))))
            threading.Event().wait()
    results.put(packed((-1, -1, None)))
    while True:
        task = tasks.get()
        if task.turn == newest[0]:  # otherwise its pass was abandoned
            results.put(_result(job, task))


def _result(job: Job, task: Task) -> Message:
    """The arrays of a batch, or the facts about the error that it made."""
    try:
        return packed((task.turn, task.batch, job(task.turn, task.batch, task.rows)))
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
