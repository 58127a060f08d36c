"""Stochastic gradient descent, by its rule and by the library's (slide: Stochastic Gradient Descent).

Draw m examples at random, take the mean of their gradients, go a little way against it:

    w_k' = w_k - eta/m sum_j dL_Xj/dw_k            b' = b - eta/m sum_j dL_Xj/db

You will see the rule written out for a model with two weights and a bias, and `optim.SGD` on the same batches
with the same numbers. Then the question of the slide, whether this finds a global optimum, answered by walks
of SGD down a mean loss with one valley, and down one with two.

Change: ETA (0.05, 1.2), the batch size M, STARTS: where is the watershed between the valleys?
"""
from __future__ import annotations

import numpy as np
from common import draw, marks, options, quiz

import tinygrad_edu as te
from tinygrad_edu import optim, viz

ETA, M, STARTS = 0.1, 4, (-2.0, 2.0)
TRUE_W, TRUE_B, SHOWN = np.array([2.0, -1.0]), 0.5, 60          # SHOWN: as many steps of a walk are drawn


def examples(n, seed):
    """n examples of a line with noise: X (n, 2), Y (n,)."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 2))
    return x, x @ TRUE_W + TRUE_B + random.normal(scale=0.1, size=n)


def sgd_by_hand(x, y, batches, eta=ETA):
    """The weights (w0, w1, b) after each batch; the loss of example j is L_j = (w . x_j + b - y_j)^2."""
    w, b = np.zeros(2), 0.0
    path = [[*w, b]]
    for batch in batches:
        m, sum_w, sum_b = len(batch), np.zeros(2), 0.0
        for j in batch:
            error = w @ x[j] + b - y[j]
            sum_w += 2 * error * x[j]           # dL_j / dw
            sum_b += 2 * error                  # dL_j / db
        w, b = w - eta / m * sum_w, b - eta / m * sum_b
        path.append([*w, b])
    return np.array(path)


def sgd_by_library(x, y, batches, eta=ETA):
    """The same by `optim.SGD`: te.mse is the mean over the batch, so its gradient is the mean gradient."""
    w = te.zeros(2, dtype="float64", requires_grad=True)
    b = te.zeros((), dtype="float64", requires_grad=True)
    optimizer = optim.SGD([w, b], lr=eta)
    path, losses = [[0.0] * 3], []
    for batch in batches:
        optimizer.zero_grad()
        loss = te.mse(te.tensor(x[batch]) @ w + b, te.tensor(y[batch]))
        loss.backward()
        optimizer.step()
        path.append([*w.tolist(), b.item()])
        losses.append(loss.item())
    return np.array(path), losses


def descend(f, start, seed, steps=600):
    """SGD's points (steps + 1,) and batch losses (steps,); L_j = f(w) + c_j w, the mean of all c_j is 0."""
    random = np.random.default_rng(seed)
    c = random.permutation(np.linspace(-2, 2, 200))
    w = te.tensor(start, dtype="float64", requires_grad=True)
    optimizer = optim.SGD([w], lr=0.02)
    path, losses = [w.item()], []
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 0.02 * (1 - step / steps)             # so that it comes to rest
        optimizer.zero_grad()
        loss = f(w) + random.choice(c, M, replace=False).mean() * w
        loss.backward()
        optimizer.step()
        path.append(w.item())
        losses.append(loss.item())
    return np.array(path), np.array(losses)


def one_valley(w):
    return w**2


def two_valleys(w):
    return w**4 - 3 * w**2 + w


def main(arguments=None):
    given = options(__doc__, arguments)
    x, y = examples(200, given.seed)
    random = np.random.default_rng(given.seed)
    batches = [random.choice(len(x), M, replace=False) for _ in range(20 if given.smoke else 100)]

    hand = sgd_by_hand(x, y, batches)
    library, losses = sgd_by_library(x, y, batches)
    print(f"m = {M}, eta = {ETA}; the line that made the data: w = {TRUE_W.tolist()}, b = {TRUE_B}")
    for t in (0, 1, 2, 3, len(batches)):
        print(f"  after {t:>3} batches   by hand {hand[t].round(6)}   optim.SGD {library[t].round(6)}")
    print(f"  largest difference {np.abs(hand - library).max():.1e}")

    reached, grid = [], np.linspace(-2.2, 2.2, 441)
    for f in (one_valley, two_valleys):
        walks = [descend(f, start, given.seed) for start in STARTS]
        for start, ((*_, end), _) in zip(STARTS, walks):
            print(f"{f.__name__}: from {start:+g} to {end:z.1f}, where f = {f(end):z.1f}")
            reached.append(f(end) < f(grid).min() + 0.05)
    quiz("Given time, does SGD arrive at a global optimum?", ["Yes", "No", "Depends"],
         "Yes" if all(reached) else "Depends" if any(reached) else "No")

    draw(viz.loss_curve(losses, title=f"SGD, batches of {M}", loss_label="batch loss"), "04_loss.png", given)
    picture = viz.curves(grid, {"f(w), the mean loss": two_valleys(grid)}, xlabel="w", ylabel="loss",
                         title="Each point a step: what the loss of its batch was, and where")
    steps = {f"SGD from {start:g}": (path[:SHOWN], losses[:SHOWN])              # those on two_valleys
             for start, (path, losses) in zip(STARTS, walks)}
    draw(marks(picture, steps, joined=True), "04_valleys.png", given)


if __name__ == "__main__":
    main()
