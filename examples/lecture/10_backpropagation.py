"""Backpropagation in the four steps of the lecture, beside the engine's gradients (slide: Backpropagation).

    1. feed forward             z^l = w^l a^(l-1) + b^l,  a^l = sigma(z^l)
    2. error of the output      delta^N = grad_a L * sigma'(z^N)
    3. propagate it back        delta^l = ((w^(l+1))^T delta^(l+1)) * sigma'(z^l)
    4. gradients                dL/dw^l_jk = a^(l-1)_k delta^l_j,   dL/db^l_j = delta^l_j

(* is the elementwise product.) You will see every number of it for a network of 2, 3 and 2 neurons, and
that `loss.backward()` finds the same, to the last digits; and, counted in products of a weight, what it costs
beside the loss. In the picture each node carries its activation and its error.

Change: SIZES, to any depth, such as (2, 5, 5, 2); X and Y have as many numbers as its ends. Take the cross
entropy instead: then step 2 becomes delta^N = a - y for a softmax.
"""
from __future__ import annotations

from itertools import pairwise

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import viz

SIZES = (2, 3, 2)
X, Y = np.array([0.6, -0.4]), np.array([1.0, 0.0])


def sigma(z):
    return 1 / (1 + np.exp(-z))


def sigma_prime(z):
    return sigma(z) * (1 - sigma(z))


def parameters(seed):
    """w[l] (neurons of layer l, of layer l - 1) and b[l], by layer; layer 0 is the input and has none."""
    random = np.random.default_rng(seed)
    w = [None, *(random.normal(size=(out, into)) for into, out in pairwise(SIZES))]
    b = [None, *(random.normal(size=out) for out in SIZES[1:])]
    return w, b


def by_hand(w, b, x, y):
    """(a, delta, dL/dw, dL/db), each a list by layer; the loss is L = 1/2 |a^N - y|^2."""
    last = len(w) - 1
    a, z = [x], [None]
    for layer in range(1, last + 1):                                        # 1. feed forward
        z.append(w[layer] @ a[layer - 1] + b[layer])
        a.append(sigma(z[layer]))

    delta = [None] * (last + 1)
    delta[last] = (a[last] - y) * sigma_prime(z[last])                      # 2. error of the output

    for layer in range(last - 1, 0, -1):                                    # 3. propagate it back
        delta[layer] = (w[layer + 1].T @ delta[layer + 1]) * sigma_prime(z[layer])

    dw = [None, *(np.outer(delta[layer], a[layer - 1]) for layer in range(1, last + 1))]    # 4. gradients
    db = delta
    return a, delta, dw, db


def by_engine(w, b, x, y):
    """(delta, dL/dw, dL/db) of the same network, found by loss.backward()."""
    w, b = ([None, *(te.tensor(p, requires_grad=True) for p in ps[1:])] for ps in (w, b))
    a, z = te.tensor(x), [None]
    for layer in range(1, len(w)):
        z.append(w[layer] @ a + b[layer])
        z[layer].retain_grad()                      # delta^l is dL/dz^l
        a = te.sigmoid(z[layer])
    loss = 0.5 * te.sum((a - te.tensor(y)) ** 2)
    loss.backward()
    return tuple([None, *(p.grad.numpy() for p in ps[1:])] for ps in (z, w, b))


def products(sizes):
    """(steps 1, 3 and 4): how often each multiplies by a weight, or, in 4, an activation by an error."""
    weights = [into * out for into, out in pairwise(sizes)]
    return sum(weights), sum(weights[1:]), sum(weights)         # no error has to reach the input


def difference(hand, engine):
    """The largest difference between two lists of arrays by layer."""
    return max(np.abs(p - q).max() for p, q in zip(hand[1:], engine[1:]))


def main(arguments=None):
    given = options(__doc__, arguments)
    w, b = parameters(given.seed)
    a, delta, dw, db = by_hand(w, b, X, Y)
    engine_delta, engine_dw, engine_db = by_engine(w, b, X, Y)

    print(f"x = {X}, y = {Y}, loss = {0.5 * np.sum((a[-1] - Y) ** 2):.9f}")
    for layer in range(1, len(SIZES)):
        print(f"\nlayer {layer}\n  a      {a[layer]}")
        print(f"  delta  {delta[layer]}, the engine's {engine_delta[layer]}")
        for j in range(SIZES[layer]):
            print(f"  dL/dw of neuron {j}: {dw[layer][j]}, the engine's {engine_dw[layer][j]}")

    print("\nlargest difference between the four steps and the engine:")
    for name, *both in (("delta", delta, engine_delta), ("dL/dw", dw, engine_dw), ("dL/db", db, engine_db)):
        print(f"  {name}  {difference(*both):.1e}")

    print("\nproducts:                 forward   errors   gradients   backward / forward")
    for sizes in (SIZES, (784, 100, 10), (100,) * 11):
        forward, errors, gradients = products(sizes)
        name = "-".join(map(str, sizes)) if len(sizes) < 6 else f"{len(sizes) - 1} layers of {sizes[0]}"
        print(f"  {name:<20} {forward:>10} {errors:>8} {gradients:>11} "
              f"{(errors + gradients) / forward:>20.2f}")

    picture = viz.network(w[1:], biases=b[1:], values=a, gradients=delta,
                          names=[[f"x{k}" for k in range(SIZES[0])], *[None] * (len(SIZES) - 2),
                                 [f"a{k}" for k in range(SIZES[-1])]],
                          title="Activations forward, errors backward")
    draw(picture, "10_backpropagation.png", given)


if __name__ == "__main__":
    main()
