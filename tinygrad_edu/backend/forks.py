"""Locks that stay usable in a child process after a fork.

A child process has only the thread that forked. A lock that another thread held at that moment would never be
released in the child. So a fork first acquires all locks of this module, and releases them in both processes.
The locks of a device are created again in the child instead: the child has no CUDA driver, and each use of
the device raises an error there.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

_locks: list[threading.RLock] = []
_owners: weakref.WeakKeyDictionary[Any, tuple[str, ...]] = weakref.WeakKeyDictionary()


def lock() -> threading.RLock:
    """A new lock of a module, which exists as long as the process.

    A lock that a thread holds while it acquires other locks must be created before those others.
    """
    if not _locks and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_acquire_all, after_in_parent=_release_all, after_in_child=_reset_in_child)
    _locks.append(threading.RLock())
    return _locks[-1]


def add_locks(device: Any, *names: str) -> None:
    """Create locks as attributes of a part of a device."""
    for name in names:
        setattr(device, name, threading.Lock())
    _owners[device] = names


def _acquire_all() -> None:
    for each in _locks:
        each.acquire()


def _release_all() -> None:
    for each in reversed(_locks):
        each.release()


def _reset_in_child() -> None:
    _release_all()
    for device, names in list(_owners.items()):
        add_locks(device, *names)
