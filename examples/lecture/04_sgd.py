"""Stochastic gradient descent, by its rule and by the library's (slide: Stochastic Gradient Descent).

Draw m examples at random, take the mean of their gradients, go a little way against it:

    w_k' = w_k - eta/m sum_j dL_Xj/dw_k            b' = b - eta/m sum_j dL_Xj/db

You will see the rule written out for a model with two weights and a bias, beside `optim.SGD` on the same
batches: the same numbers. Then the question of the slide, whether this finds a global optimum, answered by
two walks down a curve with two valleys, and two down a curve with one.

Change: eta (0.05, 1.2), the batch size m, the starts of the walks. Where is the watershed between the
valleys?
"""
from __future__ import annotations

import numpy as np
from common import draw, options, quiz

import tinygrad_edu as te
from tinygrad_edu import optim, viz

ETA, M, STARTS = 0.1, 4, (-2.0, 2.0)
TRUE_W, TRUE_B = np.array([2.0, -1.0]), 0.5


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
        w = w - eta / m * sum_w
        b = b - eta / m * sum_b
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


def descend(f, start, steps=300):
    """The points (steps + 1,) of gradient descent on f from `start`, eta = 0.02."""
    w = te.tensor(start, dtype="float64", requires_grad=True)
    optimizer = optim.SGD([w], lr=0.02)
    path = [w.item()]
    for _ in range(steps):
        optimizer.zero_grad()
        f(w).backward()
        optimizer.step()
        path.append(w.item())
    return np.array(path)


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

    ends = {}
    for f in (one_valley, two_valleys):
        ends[f] = [round(descend(f, start)[-1], 4) + 0.0 for start in STARTS]
        for start, end in zip(STARTS, ends[f]):
            print(f"{f.__name__}: from {start:+g} to {end:.4f}, where f = {f(end):.4f}")
    always = [abs(f(a) - f(b)) < 1e-3 for f, (a, b) in ends.items()]
    quiz("Given time, does SGD arrive at a global optimum?", ["Yes", "No", "Depends"],
         "Yes" if all(always) else "Depends" if any(always) else "No")

    draw(viz.loss_curve(losses, title=f"SGD, batches of {M}", loss_label="loss of the batch"),
         "04_loss.png", given)
    walks = {f"start {start:g}": np.stack([descend(two_valleys, start), np.zeros(301)], axis=1)
             for start in STARTS}
    lowest = min(ends[two_valleys], key=two_valleys)
    draw(viz.optimizer_paths(lambda w, y: two_valleys(w) + y**2, walks, xlim=(-2.2, 2.2), ylim=(-2, 2),
                             minimum=(lowest, 0), xlabel="w", ylabel="another weight, at its best",
                             title="Two starts, two valleys; the star is the lower one"),
         "04_valleys.png", given)


if __name__ == "__main__":
    main()
