"""Deep Q-learning on a grid of rooms, with replay and a target network (Mnih et al., Nature 518, 2015).

An agent and a goal stand somewhere in four rooms. Reaching the goal pays 1, and GAMMA times less for each
step that it takes. The network Q has a value for each of the four moves. It learns from transitions of the
past, drawn at random from a memory, toward r + GAMMA max Q'(next state); the copy Q' is renewed at times,
and Q chooses its move (van Hasselt, Guez, Silver 2016). Half of what is drawn gets as goal a place that was
reached soon after (Andrychowicz et al. 2017). Value iteration says what is true.

Change: HINDSIGHT to 0. And MEMORY to 200, so that one draws from the last few episodes alone.
"""

from __future__ import annotations

import copy

import numpy as np
from shared import clock, draw, options, step

import tinygrad_edu as te
from tinygrad_edu import nn, optim, viz
from tinygrad_edu.viz import figure as drawing

ROOMS = ["###########", "#    #    #", "#         #", "#    #    #", "## #### ###",
         "#    #    #", "#    #    #", "#         #", "#    #    #", "###########"]
CELLS = [(r, c) for r, row in enumerate(ROOMS) for c, mark in enumerate(row) if mark == " "]
NUMBER, ARROWS = {cell: k for k, cell in enumerate(CELLS)}, "↑→↓←"
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
NEXT = np.array([[NUMBER.get((r + dr, c + dc), k) for dr, dc in MOVES] for k, (r, c) in enumerate(CELLS)])
GAMMA, MEMORY, LIMIT, BATCH, RENEWED, HINDSIGHT = 0.95, 20000, 60, 64, 200, 0.5


def states(agent, goal):
    """What the network sees: a 1 where the agent is, and a 1 where the goal is; (n, 2 cells)."""
    one = np.eye(len(CELLS), dtype=np.float32)
    return te.tensor(np.concatenate([one[agent], one[goal]], axis=1))


def distances(goal):
    """Value iteration: the steps of the shortest way to the goal from each cell."""
    steps = np.where(np.arange(len(CELLS)) == goal, 0, np.inf)
    while np.isinf(steps).any():
        steps = np.minimum(steps, 1 + steps[NEXT].min(axis=1))
    return steps


def remembered(memory, count, rng):
    """(agent, goal, move, next cell), each (BATCH,), of the `count` transitions that were kept so far."""
    full = min(count, MEMORY)
    at, later = rng.integers(0, full, BATCH), rng.integers(0, 10, BATCH)
    agent, goal, move, then = memory[at].T
    return agent, np.where(rng.random(BATCH) < HINDSIGHT, memory[(at + later) % full, 3], goal), move, then


def learn(q, target, optimizer, agent, goal, move, then):
    """One step down the loss of a batch of transitions."""
    after, rows = states(then, goal), te.arange(BATCH)
    with te.no_grad():
        value = target(after)[rows, q(after).argmax(axis=1)]
        aim = te.where(te.tensor(then == goal), 1.0, GAMMA * value)
    step(optimizer, te.mse(q(states(agent, goal))[rows, te.tensor(move)], aim))


def success(choose):
    """The shares of all pairs of start and goal from which the goal is reached: by a shortest way; at all."""
    start, goal = np.nonzero(~np.eye(len(CELLS), dtype=bool))
    shortest = np.stack([distances(k) for k in range(len(CELLS))])[goal, start]
    at, steps = start, np.full(len(start), np.inf)
    for k in range(1, LIMIT + 1):
        at = np.where(np.isfinite(steps), at, NEXT[at, choose(at, goal)])
        steps[(at == goal) & np.isinf(steps)] = k
    return float((steps == shortest).mean()), float(np.isfinite(steps).mean())


def main(arguments=None):
    given = options(__doc__, arguments)
    rng, steps, seconds = np.random.default_rng(given.seed), 150 if given.smoke else 20000, clock()
    q = nn.Sequential(nn.Linear(2 * len(CELLS), 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
                      nn.Linear(128, 4))
    target, memory = copy.deepcopy(q), np.zeros((MEMORY, 4), np.int64)
    optimizer = optim.Adam(q.parameters(), lr=1e-3)

    def greedy(agent, goal):
        with te.no_grad():
            return q(states(agent, goal)).numpy().argmax(axis=1)

    print("step     chance of a random move     shortest way     goal reached")
    agent = goal = age = 0
    for k in range(steps + 1):
        chance = max(0.1, 1 - k / (0.5 * steps))
        if k % (steps // 5) == 0 and not given.smoke:
            print("{:>5} {:>24.2f} {:>17.3f} {:>16.3f}".format(k, chance, *success(greedy)))
        if agent == goal or age == LIMIT:
            (agent, goal), age = rng.choice(len(CELLS), 2, replace=False), 0
        move = rng.integers(4) if rng.random() < chance else greedy([agent], [goal])[0]
        memory[k % MEMORY] = agent, goal, move, NEXT[agent, move]
        agent, age = NEXT[agent, move], age + 1
        if k >= BATCH:
            learn(q, target, optimizer, *remembered(memory, k + 1, rng))
        if k % RENEWED == 0:
            target.load_state_dict(q.state_dict())
    (shortest, reached), luck = success(greedy), success(lambda at, goal: rng.integers(0, 4, len(at)))[1]
    print(f"{steps} steps in {seconds():.0f} s. From each cell to each other, the goal is reached in "
          f"{reached:.1%} by greedy moves,\nby a shortest way in {shortest:.1%}; by random moves "
          f"within {LIMIT} steps in {luck:.1%}")

    everywhere, aim = np.arange(len(CELLS)), np.full(len(CELLS), NUMBER[2, 8])
    learned = np.where(everywhere == aim, 1, q(states(everywhere, aim)).numpy().max(axis=1))
    maps = np.zeros((2, len(ROOMS), len(ROOMS[0])))
    maps[:, *zip(*CELLS)] = GAMMA ** np.maximum(distances(aim[0]) - 1, 0), learned
    picture = viz.images(maps, titles=["value iteration", "Q and its moves"], title="The value of each cell")
    picture.figure.set_size_inches(8, 4.2)
    look = {"ha": "center", "va": "center", "color": drawing.PALETTE[1]}
    for cell, move in zip(CELLS, greedy(everywhere, aim)):
        picture.figure.axes[1].text(*cell[::-1], "G" if NUMBER[cell] == aim[0] else ARROWS[move], **look)
    draw(picture, "dqn.png", given)
    return {"shortest": shortest, "reached": reached, "random": luck}


if __name__ == "__main__":
    main()
