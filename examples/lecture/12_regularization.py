"""L2 regularisation, or weight decay: small weights preferred (slide: Regularization).

    L = L_0 + lambda/(2n) sum_w w^2         w' = w - eta dL_0/dw - (eta lambda/n) w

The penalty counts weights, not biases; n is the number of training examples. You will see one step three
ways, the same numbers: the gradient of the whole L, the rule above, and `optim.SGD` with weight_decay =
lambda/n for the weights alone. Then what smaller weights are good for: on 60 noisy points a large network
draws a ragged boundary around single points, and with a larger lambda a smooth one, which is right more
often on points never seen.

Change: LAMBDAS. With 1000 the weights vanish and nothing is learned. POINTS to 600: who needs lambda?
"""
from __future__ import annotations

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, viz

ETA, LAMBDAS, POINTS = 0.1, (0.0, 0.1, 1.0, 10.0), 60


def network(width, seed, dtype="float32"):
    te.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(),
                         nn.Linear(width, 2)).to(dtype)


def weights(model):
    return [p for name, p in model.named_parameters() if name.endswith("weight")]


def biases(model):
    return [p for name, p in model.named_parameters() if name.endswith("bias")]


def groups(model, lam, n):
    """What an optimizer takes: the weights decay by lambda/n, the biases do not."""
    return [{"params": weights(model), "weight_decay": lam / n}, {"params": biases(model)}]


def step_of_whole_loss(model, x, y, lam):
    """The parameters after one step down all of L, the penalty differentiated like the rest."""
    penalty = sum(te.sum(w**2) for w in weights(model))
    (te.cross_entropy(model(x), y) + lam / (2 * len(y)) * penalty).backward()
    return [p.numpy() - ETA * p.grad.numpy() for p in model.parameters()]


def step_by_rule(model, x, y, lam):
    """The same by the rule: down L_0 as always, and each weight, but no bias, a little nearer to 0."""
    te.cross_entropy(model(x), y).backward()
    decay = {id(w): ETA * lam / len(y) for w in weights(model)}
    return [p.numpy() - ETA * p.grad.numpy() - decay.get(id(p), 0.0) * p.numpy() for p in model.parameters()]


def step_of_sgd(model, x, y, lam):
    """The same by optim.SGD."""
    te.cross_entropy(model(x), y).backward()
    optim.SGD(groups(model, lam, len(y)), lr=ETA).step()
    return [p.numpy().copy() for p in model.parameters()]


def train(points, lam, steps, seed):
    """A large network trained on few points with penalty lambda."""
    model = network(64, seed)
    x, y = te.tensor(points.features), te.tensor(points.labels)
    optimizer = optim.Adam(groups(model, lam, len(points)), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        te.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


def probabilities(model, features):
    """What the model says of each point: (n, 2)."""
    return te.softmax(model(te.tensor(features.astype(np.float32))), axis=1).numpy()


def main(arguments=None):
    given = options(__doc__, arguments)
    points = data.gaussian(POINTS, noise=0.6, seed=given.seed)
    unseen = data.gaussian(2000, noise=0.6, seed=given.seed + 1)

    x, y = te.tensor(points.features, dtype="float64"), te.tensor(points.labels)
    whole, rule, library = (step(network(8, given.seed, "float64"), x, y, lam=2.0)
                            for step in (step_of_whole_loss, step_by_rule, step_of_sgd))
    print("one step with lambda = 2, largest difference from the gradient of the whole loss:")
    print(f"  the rule   {max(np.abs(a - b).max() for a, b in zip(whole, rule)):.1e}")
    print(f"  optim.SGD  {max(np.abs(a - b).max() for a, b in zip(whole, library)):.1e}")

    print("\nWhy prefer smaller weights?")
    print("lambda   sum w^2   right in training   right on unseen points")
    models, larger, size = {}, {}, np.logspace(-3, 0, 101)
    for lam in LAMBDAS:
        model = models[lam] = train(points, lam, 100 if given.smoke else 1000, given.seed)
        w = np.concatenate([w.numpy().ravel() for w in weights(model)])
        larger[f"λ = {lam:g}"] = np.array([(np.abs(w) > s).mean() for s in size])
        seen, new = ((probabilities(model, t.features).argmax(axis=1) == t.labels).mean()
                     for t in (points, unseen))
        print(f"{lam:>6g} {np.sum(w**2):>9.1f} {seen:>19.3f} {new:>24.3f}")

    draw(viz.curves(size, larger, logx=True, xlabel="s", ylabel="share of the weights with |w| > s",
                    title="The larger λ, the fewer weights are large"), "12_weights.png", given)
    for lam in (LAMBDAS[0], LAMBDAS[-1]):
        draw(viz.decision_boundary(lambda p, model=models[lam]: probabilities(model, p), points.features,
                                   points.labels, title=f"λ = {lam:g}: the paler, the less sure"),
             f"12_lambda_{lam:g}.png", given)


if __name__ == "__main__":
    main()
