"""What nets of threshold units can compute (slide: Perceptron, and the McCulloch and Pitts it links to).

The perceptron is older than learning. McCulloch and Pitts (1943) took units that fire or do not, each a
moment after what it adds up reached its threshold, and asked what nets of them can do. The answer, by Kleene
(1956): what a finite automaton can, no less and no more. You will see the half of it that builds: a net made
from the table of any automaton, with

    a unit for each pair of a state q and a letter a, that fires when the automaton was in q and read a

All weights are 1. Such a unit is joined to its letter's input and to the units of all pairs that lead to q,
with threshold 2: one of those fired a moment ago, and the letter comes now. Then net and automaton run on all
words up to a length from which no longer one can tell them apart, if they agree so far.

Change: ALPHABET, TABLES, to any automaton: next state by (state, letter), and the states that accept.
"""
from __future__ import annotations

from itertools import product

import numpy as np
from common import draw, options

from tinygrad_edu import viz

ALPHABET = "01"
# What it accepts: (the next state by state and letter, the accepting states); it starts in state 0.
TABLES = {"an odd number of ones": ([[0, 1], [1, 0]], {1}),
          "binary numbers that 3 divides": ([[0, 1], [2, 0], [1, 2]], {0}),
          "words with 101 in them": ([[0, 1], [2, 1], [0, 3], [3, 3]], {3})}


def accepts(table, accepting, word):
    """What the automaton says: whether it ends in an accepting state."""
    state = 0
    for letter in word:
        state = table[state][letter]
    return state in accepting


def net(table, accepting):
    """(w, thresholds, out): units (q, a) by number q * letters + a, then the one that fires at the start.

    w    (units, units + letters): 1 where a unit, or the input of a letter, is joined to a unit
    out  (units,): what is joined to the output, whose threshold is 1
    """
    states, letters = len(table), len(table[0])
    start = states * letters
    w, out = np.zeros((start + 1, start + 1 + letters), int), np.zeros(start + 1, int)
    for q, a in product(range(states), range(letters)):
        unit = q * letters + a
        w[unit, start + 1 + a] = 1                      # reads its letter,
        for p, b in product(range(states), range(letters)):
            w[unit, p * letters + b] = table[p][b] == q         # in the state that the last unit led to,
        w[unit, start] = q == 0                         # or at the start in state 0
        out[unit] = table[q][a] in accepting
    out[start] = 0 in accepting
    return w, np.array([2] * start + [1]), out          # nothing is joined to the start: it fires once


def fires(w, thresholds, fired, letter):
    """The units a moment later, (units,) of 0 and 1: those whose sum reaches their threshold."""
    inputs = np.arange(w.shape[1] - len(fired)) == letter
    return (w @ np.concatenate([fired, inputs]) >= thresholds).astype(int)


def says(w, thresholds, out, word):
    """What the net says of a word, and all that its units did: (whether the output fires, [fired, ...])."""
    fired = np.eye(len(out), dtype=int)[-1]             # the start alone
    moments = [fired]
    for letter in word:
        fired = fires(w, thresholds, fired, letter)
        moments.append(fired)
    return bool(out @ fired >= 1), moments


def main(arguments=None):
    given = options(__doc__, arguments)
    letters = range(len(ALPHABET))
    for name, (table, accepting) in TABLES.items():
        w, _, out = made = net(table, accepting)
        # Two automata of m and n states that agree on all words up to m + n - 2 letters agree on all (Moore).
        longest, configurations, words, wrong = len(table) + len(out) - 2, set(), 0, 0
        for length in range(longest + 1):
            for word in product(letters, repeat=length):
                said, moments = says(*made, word)
                configurations.add(tuple(moments[-1]))
                words, wrong = words + 1, wrong + (said != accepts(table, accepting, word))
        proved = "proved" if not wrong and len(configurations) <= len(out) else "not proved"
        print(f"{name}: {len(table)} states, {len(out) + 1} units, {w.sum() + out.sum()} lines\n"
              f"  {words} words of up to {longest} letters: the net disagrees on {wrong}; its units stood in "
              f"{len(configurations)} ways,\n  each with {max(map(sum, configurations))} unit firing: "
              f"agreement {proved} for all words")

    table, accepting = TABLES[name := next(iter(TABLES))]
    made, word = net(table, accepting), [1, 0, 1, 1]
    said, moments = says(*made, word)
    pairs = [f"q{q}, {ALPHABET[a]}" for q in range(len(table)) for a in letters]
    names = [*pairs, "start"]
    print(f"\n{name}, the word {''.join(ALPHABET[a] for a in word)}; a unit is (state, letter read in it)")
    for t, fired in enumerate(moments):
        print(f"  moment {t}: fires {names[fired.argmax()]}")
    print(f"  output {'fires' if said else 'does not fire'}")
    draw(viz.network([made[0][:-1], made[2][None, :-1]], names=[
        [*(f"{unit} before" for unit in names), *(f"reads {a}" for a in ALPHABET)], pairs, ["accept"]],
        title=f"{name}: one moment"), "01b_net.png", given)


if __name__ == "__main__":
    main()
