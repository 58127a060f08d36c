"""Long short-term memory on the adding problem, which needs a long memory (Hochreiter, Schmidhuber 1997).

A sequence has a number from [0, 1] at each of 50 times; two of them are marked, one in each half. The
answer, asked for at the end, is the sum of the two. An answer that is always 1 has the mean squared error
1/6, and that is what a network has to beat: it must carry a number over dozens of steps, and the gradient
must come back as far. You will see Elman's network, which stays at 1/6, an LSTM and a GRU; and the gradient
that reaches each time step of a new network.

Change: LENGTH to 20. Who learns then? And FORGET to -1: a new LSTM forgets at once.
"""

from __future__ import annotations

import numpy as np
from shared import clock, draw, learning, options, smoothed

import tinygrad_edu as te
from tinygrad_edu import nn, optim

LENGTH, WIDTH, BATCH, FORGET = 50, 32, 64, 3.0


class Adder(nn.Module):
    """(n, time, 2) -> (n,), by the last output of a recurrent layer."""

    def __init__(self, layer):
        self.layer, self.last = layer(2, WIDTH, batch_first=True), nn.Linear(WIDTH, 1)
        if isinstance(self.layer, nn.LSTM):  # it begins by keeping what it has (Gers et al. 2000)
            with te.no_grad():
                self.layer.bias_hh_l0[WIDTH : 2 * WIDTH] = FORGET

    def forward(self, x):
        found, _ = self.layer(x)
        return self.last(found[:, -1]).squeeze(1)


def batch(rng, count=BATCH):
    """Sequences of (number, mark), (n, time, 2), and the sums of the two marked numbers (n,)."""
    x = np.zeros((count, LENGTH, 2), np.float32)
    x[..., 0] = rng.random((count, LENGTH))
    for low, high in ((0, LENGTH // 2), (LENGTH // 2, LENGTH)):
        x[np.arange(count), rng.integers(low, high, count), 1] = 1
    return te.tensor(x), te.tensor(x.prod(axis=2).sum(axis=1))


def reach(model, rng):
    """The size of the gradient of the answer by the input at each time step, before training."""
    x, _ = batch(rng)
    return np.linalg.norm(te.grad(lambda x: model(x).sum())(x).numpy(), axis=2).mean(axis=0)


def train(model, given, steps):
    """The losses of training on new sequences in every step."""
    rng, losses = np.random.default_rng(given.seed), []
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        x, y = batch(rng)
        optimizer.zero_grad()
        loss = te.mse(model(x), y)
        loss.backward()
        optim.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def main(arguments=None):
    given = options(__doc__, arguments)
    steps, found, curves, reached = 4 if given.smoke else 700, {}, {}, {}
    unseen, sums = batch(np.random.default_rng(given.seed + 1), 100 if given.smoke else 1000)
    print(f"the sum of 2 marked numbers of {LENGTH}; {steps} steps of {BATCH} new sequences\n"
          f"{'layer':<10}{'parameters':>12}{'held-out error':>17}{'gradient at time 1':>22}{'time':>9}")
    for name, layer in (("Elman", nn.RNN), ("GRU", nn.GRU), ("LSTM", nn.LSTM)):
        te.manual_seed(given.seed)
        model, seconds = Adder(layer), clock()
        reached[name] = reach(model, np.random.default_rng(given.seed))
        curves[name] = train(model, given, steps)
        with te.no_grad():
            found[name] = te.mse(model(unseen), sums).item()
        print(f"{name:<10}{sum(p.size for p in model.parameters()):>12}{found[name]:>17.5f}"
              f"{reached[name][0]:>22.1e}{seconds():>7.0f} s")
    found["always 1"] = float(((sums.numpy() - 1) ** 2).mean())
    print(f"{'always 1':<10}{0:>12}{found['always 1']:>17.5f}")

    smooth = {name: smoothed(losses) for name, losses in curves.items()} | {"always 1": np.full(steps, 1 / 6)}
    draw(learning(smooth, title="Two numbers far apart, added"), "lstm.png", given)
    draw(learning(reached, xlabel="time step of the input", ylabel="gradient of the answer",
                  title="What reaches the past before training"), "lstm_gradients.png", given)
    return found


if __name__ == "__main__":
    main()
