"""Inquiry: how ranks under MPI find out why another one does not answer.

MPI waits for ever. So a rank that has waited for a second asks the others, over a communicator of its own,
what they wait for. A rank answers only while it waits, too; one that computes answers later, or never. From
the answers follows which ranks can never go on: those that wait only for one another, and for ranks that
have ended. If that holds twice and none of them has gone on between, it is an error, and not a slow network.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

Message = tuple[int, int]  # (the other rank, the key)

FIRST = 1.0  # seconds of a wait before the first question
BETWEEN = 0.25  # seconds between the two questions that must have the same answer
AGAIN = 2.0  # seconds before the next two
EXIT = 0  # stands for all runs: the process of a rank has ended


class State(NamedTuple):
    """What a rank waits for.

    text      the collective or message; "" for the results of the others, after its program has ended
    handled   how many messages it has sent and received: equal at two times if it stood still between
    receives  the messages that it waits to receive
    sends     those that it waits to send
    """

    text: str
    handled: int
    receives: tuple[Message, ...]
    sends: tuple[Message, ...]


def stuck(states: Mapping[int, State], ended: Collection[int]) -> set[int]:
    """The ranks that can never go on: none of their messages has a partner that comes.

    A partner is a rank that can go on, or one that waits for the other half of this message, which then is in
    flight. A rank that is neither in `states` nor ended computes, and may send later.
    """
    rest = {rank: state for rank, state in states.items() if rank not in ended}
    while True:
        free = {rank for rank, state in rest.items() if _can_go_on(rank, state, rest, ended)}
        if not free:
            return set(rest)
        for rank in free:
            del rest[rank]


def _can_go_on(rank: int, state: State, rest: Mapping[int, State], ended: Collection[int]) -> bool:
    for messages, half in ((state.receives, "sends"), (state.sends, "receives")):
        for other, key in messages:
            if other in rest:
                if (rank, key) in getattr(rest[other], half):
                    return True
            elif other not in ended:
                return True
    return False


class Inquiry:
    """The questions and answers of one rank; `channel` is a communicator of mpi4py that nothing else uses.

    over    for each other rank, the numbers of the runs that it has ended; EXIT after its process has ended
    failed  for each run in which a rank has raised an error, the first such rank
    """

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.rank: int = channel.Get_rank()
        self.others = [rank for rank in range(channel.Get_size()) if rank != self.rank]
        self.over: dict[int, set[int]] = {rank: set() for rank in self.others}
        self.failed: dict[int, int] = {}
        self.states: dict[int, State] = {}  # the answers to the last question
        self._question = 0
        self._silent: set[int] = set()  # the ranks that have not answered a question yet
        self._sent: list[Any] = []

    def announce(self, kind: str, run: int) -> None:
        """Send all others that this rank has "ended" the run of that number, or has "failed" in it."""
        for other in self.others:
            self._send((kind, run), other)

    def ask(self) -> None:
        """Ask the others what they wait for. A rank that still owes an answer is not asked again."""
        self._question += 1
        self.states = {}
        for other in self.others:
            if other not in self._silent and EXIT not in self.over[other]:
                self._silent.add(other)
                self._send(("question", self._question), other)

    def handle(self, own: State | None) -> None:
        """Handle what has arrived; `own` is the answer to questions, None after this process has ended."""
        self._sent = [request for request in self._sent if not request.Test()]
        while (message := self.channel.improbe()) is not None:
            source, (kind, *facts) = message.recv()
            if kind == "question" and own is not None:
                self._send(("answer", facts[0], own), source)
            elif kind == "answer":
                self._silent.discard(source)
                if facts[0] == self._question:
                    self.states[source] = facts[1]
            elif kind == "ended":
                self.over[source].add(facts[0])
            elif kind == "failed":
                self.failed.setdefault(facts[0], source)

    def ended(self, run: int) -> set[int]:
        """The other ranks that have ended a run, or all."""
        return {rank for rank, runs in self.over.items() if run in runs or EXIT in runs}

    def is_last(self) -> bool:
        """Whether every other process has ended, and has received what this one sent."""
        return len(self.ended(EXIT)) == len(self.others) and not self._sent

    def _send(self, message: tuple[Any, ...], target: int) -> None:
        self._sent.append(self.channel.isend((self.rank, message), target))


class Doubt:
    """What one wait of a rank has found out about the others so far.

    before  the ranks that could never go on at the first question, with what they had handled by then
    """

    def __init__(self, inquiry: Inquiry, begin: float) -> None:
        self.inquiry = inquiry
        self.next = begin + FIRST
        self.is_asked = False
        self.before: dict[int, int] | None = None

    def hopeless(self, own: State, ended: Collection[int], now: float) -> dict[int, str] | None:
        """What each of the ranks that can never go on waits for, if this is one of them; else None."""
        if now < self.next:
            return None
        inquiry = self.inquiry
        if not self.is_asked:
            self._ask(now)
            return None
        states = {inquiry.rank: own, **inquiry.states}
        found = {rank: states[rank].handled for rank in stuck(states, ended)}
        if inquiry.rank not in found:
            self.is_asked, self.before, self.next = False, None, now + AGAIN
            return None
        if found == self.before:
            return {rank: states[rank].text for rank in found}
        self.before = found
        self._ask(now)
        return None

    def _ask(self, now: float) -> None:
        self.inquiry.ask()
        self.is_asked, self.next = True, now + BETWEEN
