"""VirtualTime: threads that run one at a time, in the order of a clock that is only a number.

A simulation of discrete events. Each process of it is a thread that owns a baton, and only the thread with
the baton runs. When it has to wait until a moment, it gives the baton to the thread whose moment comes first.
So all that the threads do is done in the order of virtual time, and a run is the same when it is repeated.
Source: Fishman, "Discrete-Event Simulation", 2001, the process view.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Sequence

NETWORK = -1  # at one moment, events of the network come before the threads, and these in their order


class VirtualTime:
    """The clock of `size` threads, and the events that are still to come.

    now     seconds; the thread that runs, runs at this moment
    asking  the threads that only ask whether something has happened
    idle    is called when no event is left and a thread still waits; it has to call `wake`
    """

    def __init__(self, size: int, idle: Callable[[], None]) -> None:
        self.now, self.idle = 0.0, idle
        self._events: list[tuple[float, int, int, Callable[[], None] | None]] = []
        self._count = 0
        self._cancelled: set[int] = set()
        self._batons = [threading.Lock() for _ in range(size)]
        self._due: list[tuple[float, int] | None] = [
            None
        ] * size  # when each thread goes on, if that is known
        self.asking: set[int] = set()
        self._alive = set(range(size))
        for number, baton in enumerate(self._batons):
            baton.acquire()
            self.wake(number, 0.0)

    def at(self, moment: float, action: Callable[[], None]) -> int:
        """Call `action` at that moment, which has not passed. Returns the number of this event."""
        self._count += 1
        heapq.heappush(self._events, (moment, NETWORK, self._count, action))
        return self._count

    def cancel(self, event: int) -> None:
        """Let an event that is still to come not happen."""
        self._cancelled.add(event)

    def wake(self, number: int, moment: float) -> None:
        """Let a thread go on at that moment, or now if it has passed; an earlier moment replaces a later."""
        moment, due = max(moment, self.now), self._due[number]
        if due is None or moment < due[0]:
            self._count += 1
            self._due[number] = moment, self._count
            heapq.heappush(self._events, (moment, number, self._count, None))

    def begin(self) -> None:
        """Start the first thread."""
        self._batons[self._next()].release()

    def await_baton(self, number: int) -> None:
        """Wait for the first turn of this thread."""
        self._batons[number].acquire()

    def pause(self, number: int) -> None:
        """Let the other threads run until the moment for which this one, which runs, is woken."""
        other = self._next()
        if other != number:
            self._batons[other].release()
            self._batons[number].acquire()

    def pause_until(self, number: int, moment: float) -> None:
        """Let this thread, which runs, go on at that moment."""
        self.wake(number, moment)
        self.pause(number)

    def pause_until_next_event(self, number: int) -> None:
        """Let this thread, which only asks whether something has happened, go on when something has."""
        self.asking.add(number)
        self.pause(number)
        self.asking.discard(number)

    def leave(self, number: int) -> None:
        """This thread, which runs, is about to end."""
        self._alive.discard(number)
        if self._alive:
            self._batons[self._next()].release()

    def is_idle(self) -> bool:
        """Whether no event is left."""
        while self._events and not self._is_valid(self._events[0]):
            self._cancelled.discard(heapq.heappop(self._events)[2])
        return not self._events

    def _is_valid(self, event: tuple[float, int, int, Callable[[], None] | None]) -> bool:
        """Whether an event has not been cancelled, nor replaced by an earlier one."""
        moment, number, count, action = event
        if action is not None:
            return count not in self._cancelled
        return self._due[number] == (moment, count) and number in self._alive

    def _next(self) -> int:
        """The thread that goes on now; the clock is at its moment."""
        while True:
            while not self.is_idle():
                self.now, number, _, action = heapq.heappop(self._events)
                # A thread that asks again is nothing that has happened: two of them would go on for ever.
                if action is not None or number not in self.asking:
                    for other in sorted(self.asking):
                        self.wake(other, self.now)
                if action is None:
                    self._due[number] = None
                    return number
                action()
            self.idle()


def start_with_small_stacks(threads: Sequence[threading.Thread]) -> None:
    """Start threads with stacks that fit the memory of a laptop.

    A stack is reserved, not used: a megabyte each is a gigabyte of addresses for a thousand threads.
    """
    before = threading.stack_size()
    if len(threads) > 32:
        threading.stack_size(1 << 20)
    try:
        for thread in threads:
            thread.start()
    finally:
        threading.stack_size(before)
