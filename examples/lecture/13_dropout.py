"""Dropout: nodes left out at random while learning (slide: Dropout Regularization).

    in each iteration:  1. choose nodes inside the network at random    3. learn: backpropagation, update
                        2. take them out                                4. put them back

You will see one such iteration by hand: what belongs to a dropped node gets no gradient and stays as it
was. Then `nn.Dropout`, which also divides what is kept by 1 - p, so that a node's expected output does not
change and nothing needs rescaling afterwards. And the point of it: trained with dropout, a network that
reads digits no longer relies on single nodes, and stays right when nodes are taken out for good.

Change: P, the width. Look whether dropout also helps against noise on the pixels. (Needs
scikit-learn.)
"""
from __future__ import annotations

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, viz

P, WIDTH = 0.5, 64


def one_iteration(w1, w2, x, y, kept, eta=0.5):
    """(w1', w2', hidden activations) after one step without the nodes where `kept` is 0; w (out, in)."""
    w1, w2 = te.tensor(w1, requires_grad=True), te.tensor(w2, requires_grad=True)
    hidden = te.sigmoid(w1 @ te.tensor(x)) * te.tensor(kept)            # 2. take nodes out
    loss = te.sum((w2 @ hidden - te.tensor(y)) ** 2)
    loss.backward()                                                     # 3. learn
    new = [w.numpy() - eta * w.grad.numpy() for w in (w1, w2)]
    return *new, hidden.detach().numpy()                                # 4. all nodes are in the new weights


def mean_after_dropout(x, times, p=P, seed=0):
    """The mean over many draws of nn.Dropout(p) applied to x: close to x itself."""
    layer = nn.Dropout(p, generator=te.Generator(seed))
    return np.mean([layer(x).numpy() for _ in range(times)], axis=0)


def train(rows, p, epochs, seed):
    """64 pixels -> hidden, of which p are dropped in each iteration -> 10 digits."""
    te.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Dropout(p), nn.Linear(WIDTH, 10))
    optimizer = optim.Adam(model.parameters(), lr=0.005)
    loader = data.DataLoader(rows, batch_size=32, shuffle=True, seed=seed)
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            te.cross_entropy(model(x), y).backward()
            optimizer.step()
    return model.eval()                 # from here on nothing is dropped


def accuracy_without(model, rows, share, times, seed):
    """Accuracy when that share of the hidden nodes is missing, the mean over `times` choices of them."""
    random = np.random.default_rng(seed)
    hidden = model[:3](te.tensor(rows.features)).numpy()
    right = []
    for _ in range(times):
        kept = random.permutation(WIDTH) >= round(share * WIDTH)
        output = model[3](te.tensor(hidden * kept.astype(np.float32)))
        right.append((output.numpy().argmax(axis=1) == rows.labels).mean())
    return float(np.mean(right))


def main(arguments=None):
    given = options(__doc__, arguments)
    random = np.random.default_rng(given.seed)

    w1, w2 = random.normal(size=(6, 3)), random.normal(size=(2, 6))
    x, y = np.array([1.0, -0.5, 0.25]), np.array([1.0, 0.0])
    kept = np.ones(6)
    kept[random.choice(6, size=3, replace=False)] = 0                   # 1. choose nodes
    new1, new2, hidden = one_iteration(w1, w2, x, y, kept)
    print("node   kept   its weights in changed   its weights out changed")
    for j in range(6):
        into, out = np.abs(new1 - w1)[j].max(), np.abs(new2 - w2)[:, j].max()
        print(f"{j:>4} {kept[j]:>6.0f} {into:>24.4f} {out:>25.4f}")
    picture = viz.network([w1 * kept[:, None], w2 * kept], values=[x, hidden, w2 @ hidden],
                          names=["input", [f"node {j}" if k else "out" for j, k in enumerate(kept)], None],
                          title="One iteration, without three of the hidden nodes")
    draw(picture, "13_iteration.png", given)

    values = te.tensor([1.0, 2.0, -3.0, 0.5], dtype="float64")
    layer = nn.Dropout(P, generator=te.Generator(given.seed))
    times = 500 if given.smoke else 20000
    print(f"\nx {values.numpy()}, one draw of nn.Dropout({P}) {layer(values).numpy()}")
    print(f"mean of {times} draws {mean_after_dropout(values, times, seed=given.seed).round(3)}")
    print(f"in evaluation {layer.eval()(values).numpy()}")

    rows, unseen = data.train_test_split(data.digits(), 0.5, seed=given.seed)
    rows = rows.rows(np.arange(300))
    epochs, times = (3, 2) if given.smoke else (60, 20)
    shares = np.linspace(0, 0.9, 10)
    curves = {}
    for name, p in (("without dropout", 0.0), (f"trained with dropout, p = {P}", P)):
        model = train(rows, p, epochs, given.seed)
        curves[name] = np.array([accuracy_without(model, unseen, s, times, given.seed) for s in shares])
        print(f"\n{name}: accuracy on unseen digits {curves[name][0]:.3f}, "
              f"with half of the hidden nodes missing {curves[name][5]:.3f}")
    draw(viz.curves(shares, curves, xlabel="share of hidden nodes taken out after training",
                    ylabel="accuracy on unseen digits", title="Trained with dropout, it can spare nodes"),
         "13_robust.png", given)


if __name__ == "__main__":
    main()
