"""Tracks which CUDA context is current in each thread, and pops it before the thread ends.

PyCUDA aborts the process if a thread ends with a current context. Users of PyCUDA also have their own
contexts, such as that of `pycuda.autoinit`, and may push them below or above the library's context at any
time.
"""

from __future__ import annotations

import atexit
import ctypes
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from tinygrad_edu.errors import DeviceError

pycuda: Any = None  # the module pycuda.driver, once it is imported
_local = threading.local()  # .current: the `Current` of this thread
_instances: weakref.WeakSet[Current] = weakref.WeakSet()  # of all threads


class Context(Protocol):
    """The part of a `driver.Context` that this module uses."""

    context: Any  # PyCUDA's object
    open: bool

    def on_top(self) -> bool:
        """Whether the driver has it as the thread's current context."""


class Current:
    """The library's context that is current in one thread; the thread holds it as a thread-local object.

    PyCUDA aborts the process if a thread ends with a current context, so `__del__` pops it when the thread's
    locals are freed. If a thread still runs when the interpreter ends, the main thread frees its locals, and
    there nothing can be popped.

    pushes   how often the context was pushed in this thread
    covered  whether contexts of other users may be above it on the thread's stack
    """

    __slots__ = ("__weakref__", "context", "covered", "pushes", "thread")

    def __init__(self, context: Context, before: Current | None) -> None:
        self.context: Context | None = context
        self.thread = threading.get_ident()
        self.pushes = 0
        self.covered: bool = before is not None and before.covered
        _instances.add(self)
        self.push()

    def push(self) -> None:
        assert self.context is not None
        self.context.context.push()
        self.pushes += 1

    def leave(self, thread_ends: bool = False) -> None:
        """Pop what was pushed; if the thread ends, also others' contexts above it, or PyCUDA would abort."""
        context, self.context = self.context, None
        if self.thread != threading.get_ident() or not (context or self.covered):
            return
        try:
            while self.pushes and context is not None and context.on_top():
                pycuda.Context.pop()
                self.pushes -= 1
            self.covered = self.covered or bool(self.pushes)
            while thread_ends and self.covered:
                self.covered = pycuda.Context.get_current() is not None
                if self.covered:
                    pycuda.Context.pop()
        except pycuda.Error:
            if context is None or context.open:  # else another thread has closed it
                raise

    def __del__(self) -> None:
        if getattr(_local, "current", None) in (None, self):
            self.leave(thread_ends=True)


def activate(context: Context) -> None:
    """Make an open context the thread's current one, instead of the library's previous one."""
    leave()
    _local.current = Current(context, getattr(_local, "current", None))


def push_again() -> None:
    """Push the library's context again, above a context that another user has pushed since."""
    _local.current.push()


def current(context: Context) -> bool:
    """Whether the thread's current context is this one, as far as this module knows."""
    entry = getattr(_local, "current", None)
    return entry is not None and entry.context is context and context.open


def leave(thread_ends: bool = False) -> None:
    """Pop the library's context of this thread, if there is one."""
    entry = getattr(_local, "current", None)
    if entry is not None:
        entry.leave(thread_ends)


close_functions: list[Callable[[], None]] = []  # close the open devices, while Python still runs


@atexit.register
def _close_all() -> None:
    """Close all devices before the interpreter ends, so that no thread keeps a context."""
    _stop_daemons()
    for close in list(close_functions):
        try:
            close()
        except (DeviceError, pycuda.Error):
            pass  # DLPack consumers use its memory, or a kernel crashed: the process frees it
        except Exception as error:  # an error that no caller has waited for, such as a bad index
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
    leave(thread_ends=True)


def _stop_daemons(patience: float = 2.0) -> None:
    """End the daemon threads that have a context, by an exception in each; wait at most `patience` seconds.

    A thread must pop its context itself. Python stops daemon threads when the interpreter ends, and then
    PyCUDA would abort the process. The exception does not reach a thread that sleeps in a C function, but
    that thread does not run again either.
    """
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    until = time.monotonic() + patience
    while time.monotonic() < until:
        running = {t.ident for t in threading.enumerate() if t.daemon} - {threading.get_ident()}
        held = {c.thread for c in list(_instances) if c.context is not None} & running
        if not held:
            return
        for thread in held:
            raise_in(ctypes.c_ulong(thread), ctypes.py_object(SystemExit))
        time.sleep(0.01)
