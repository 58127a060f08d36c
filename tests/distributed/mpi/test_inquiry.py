"""Which ranks can never go on, found from what they wait for: against a search of all that could happen."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tinygrad_edu.distributed.inquiry import Doubt, State, stuck


def _state(text="", receives=(), sends=(), handled=0):
    return State(text, handled, tuple(receives), tuple(sends))


def test_two_ranks_in_different_collectives_are_stuck():
    states = {0: _state(receives=[(1, 7)]), 1: _state(receives=[(0, 8)])}
    assert stuck(states, ()) == {0, 1}


def test_a_message_in_flight_is_no_deadlock():
    states = {0: _state(receives=[(1, 7)]), 1: _state(receives=[(0, 8)], sends=[(0, 7)])}
    assert stuck(states, ()) == set()
    assert stuck({0: states[0], 1: _state(receives=[(0, 8)], sends=[(0, 6)])}, ()) == {0, 1}


def test_a_rank_that_computes_may_send_later():
    states = {0: _state(receives=[(1, 7)]), 1: _state(receives=[(2, 7)])}
    assert stuck(states, ()) == set()
    assert stuck(states, {2}) == {0, 1}
    assert stuck({0: _state(receives=[(1, 7), (2, 7)]), 1: _state(receives=[(0, 1)])}, ()) == set()


messages = st.tuples(st.integers(0, 3), st.integers(0, 1))


@st.composite
def jobs(draw):
    """(what the ranks that wait wait for, the ranks that have ended) of a job of four ranks."""
    kinds = draw(st.lists(st.sampled_from(["waits", "computes", "ended"]), min_size=4, max_size=4))
    states = {}
    for rank, kind in enumerate(kinds):
        if kind == "waits":
            lists = [draw(st.lists(messages, max_size=2)) for _ in range(2)]
            receives, sends = ([m for m in some if m[0] != rank] for some in lists)
            states[rank] = _state(receives=receives, sends=sends)
    return states, {rank for rank, kind in enumerate(kinds) if kind == "ended"}


@given(jobs())
@example(({0: _state(receives=[(1, 0)]), 1: _state(receives=[(0, 0)])}, set()))
def test_the_stuck_ranks_are_those_that_no_event_reaches(job):
    states, over = job
    moving = {rank for rank in range(4) if rank not in states and rank not in over}
    while True:  # an event: a rank that moves sends and receives all that it is waited for, or a pair meets
        reached = set()
        for rank, state in states.items():
            for half, other_half in (("receives", "sends"), ("sends", "receives")):
                for other, key in getattr(state, half):
                    meets = other in states and (rank, key) in getattr(states[other], other_half)
                    if other in moving or (meets and other not in over):
                        reached.add(rank)
        if reached <= moving:
            break
        moving |= reached
    assert stuck(states, over) == set(states) - moving


class _Answers:
    """An Inquiry whose other rank answers at once, with the states of a list in turn."""

    rank = 0

    def __init__(self, *answers):
        self.given, self.states = list(answers), {}

    def ask(self):
        answer = self.given.pop(0)
        self.states = {} if answer is None else {1: answer}


def _found(*answers, own=None):
    """At each second of a wait: whether it is found to be hopeless."""
    doubt = Doubt(_Answers(*answers), begin=0.0)
    own = own or _state("all_reduce", receives=[(1, 7)])
    return [doubt.hopeless(own, (), float(now)) for now in range(12)]


def test_a_deadlock_is_reported_after_two_equal_answers():
    there = _state("broadcast", receives=[(0, 8)], handled=5)
    found = _found(there, there, there, there)
    assert found[:3] == [None] * 3
    assert found[3] == {0: "all_reduce", 1: "broadcast"}


def test_a_rank_that_has_gone_on_between_two_answers_is_not_stuck():
    answers = [_state("broadcast", receives=[(0, 8)], handled=i) for i in range(12)]
    assert _found(*answers) == [None] * 12


def test_a_rank_that_does_not_answer_is_not_stuck():
    assert _found(*[None] * 12) == [None] * 12
