"""Rules written out in NumPy, as their papers have them: the oracles of tests/optim/test_rules.py."""

from __future__ import annotations

import numpy as np

from tinygrad_edu import optim

STEPS = 20


def amsgrad(
    w, gradient, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=True, maximize=False
):
    m = v = largest = 0.0
    for t in range(1, STEPS + 1):
        g = (-1 if maximize else 1) * gradient(w, t - 1) + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        largest = np.maximum(largest, v)
        w = w - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(largest / (1 - betas[1] ** t)) + eps)
    return w


def centered(w, gradient, lr=1e-2, alpha=0.99, eps=1e-8, momentum=0.0, centered=True):
    s = b = mean = 0.0
    for t in range(STEPS):
        g = gradient(w, t)
        s = alpha * s + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        b = momentum * b + g / (np.sqrt(s - mean**2) + eps)
        w = w - lr * b
    return w


def adadelta(w, gradient, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0, maximize=False):
    s = a = 0.0
    for t in range(STEPS):
        g = (-1 if maximize else 1) * gradient(w, t) + weight_decay * w
        s = rho * s + (1 - rho) * g**2
        d = np.sqrt((a + eps) / (s + eps)) * g
        a = rho * a + (1 - rho) * d**2
        w = w - lr * d
    return w


def adamax(w, gradient, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, maximize=False):
    m = u = 0.0
    for t in range(1, STEPS + 1):
        g = (-1 if maximize else 1) * gradient(w, t - 1) + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        u = np.maximum(betas[1] * u, np.abs(g) + eps)
        w = w - lr / (1 - betas[0] ** t) * m / u
    return w


def nadam(w, gradient, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3,
          decoupled_weight_decay=False, maximize=False):  # fmt: skip
    m = v = 0.0
    product = 1.0
    for t in range(1, STEPS + 1):
        g = (-1 if maximize else 1) * gradient(w, t - 1)
        w, g = (w * (1 - lr * weight_decay), g) if decoupled_weight_decay else (w, g + weight_decay * w)
        mu, later = (betas[0] * (1 - 0.5 * 0.96 ** (k * momentum_decay)) for k in (t, t + 1))
        product *= mu
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        mean = later * m / (1 - product * later) + (1 - mu) * g / (1 - product)
        w = w - lr * mean / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return w


def radam(w, gradient, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0,
          decoupled_weight_decay=False, maximize=False):  # fmt: skip
    m = v = 0.0
    longest = 2 / (1 - betas[1]) - 1
    for t in range(1, STEPS + 1):
        g = (-1 if maximize else 1) * gradient(w, t - 1)
        w, g = (w * (1 - lr * weight_decay), g) if decoupled_weight_decay else (w, g + weight_decay * w)
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        length = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        mean = m / (1 - betas[0] ** t)
        if length > 5:
            r = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            w = w - lr * mean * np.sqrt(r) * np.sqrt(1 - betas[1] ** t) / (np.sqrt(v) + eps)
        else:
            w = w - lr * mean
    return w


def lion(w, gradient, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
    m = 0.0
    for t in range(STEPS):
        g = (-1 if maximize else 1) * gradient(w, t)
        w = w - lr * (np.sign(betas[0] * m + (1 - betas[0]) * g) + weight_decay * w)
        m = betas[1] * m + (1 - betas[1]) * g
    return w


def rprop(w, gradient, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), maximize=False):
    last, size = np.zeros_like(w), np.full_like(w, lr)
    for t in range(STEPS):
        g = (-1 if maximize else 1) * gradient(w, t)
        change = np.select([g * last > 0, g * last < 0], [etas[1], etas[0]], 1.0)
        size = np.clip(size * change, *step_sizes)
        last = np.where(g * last < 0, 0.0, g)
        w = w - np.sign(last) * size
    return w


def asgd(w, gradient, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0, maximize=False):
    eta = lr
    for t in range(1, STEPS + 1):
        g = (-1 if maximize else 1) * gradient(w, t - 1) + weight_decay * w
        w = w - lambd * eta * w - eta * g
        eta = lr / (1 + lambd * lr * t) ** alpha
    return w


# fmt: off
MORE = [
    (optim.Adam, {"lr": 0.3, "betas": (0.5, 0.6), "amsgrad": True, "weight_decay": 0.1}, amsgrad),
    (optim.Adam, {"lr": 0.05, "amsgrad": True, "maximize": True}, amsgrad),
    (optim.RMSprop, {"alpha": 0.8, "centered": True}, centered),
    (optim.RMSprop, {"alpha": 0.8, "centered": True, "momentum": 0.5, "eps": 0.3}, centered),
    (optim.Adadelta, {}, adadelta),
    (optim.Adadelta, {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}, adadelta),
    (optim.Adamax, {}, adamax),
    (optim.Adamax, {"lr": 0.1, "betas": (.5, .6), "eps": 1e-3, "weight_decay": .1, "maximize": True}, adamax),
    (optim.NAdam, {}, nadam),
    (optim.NAdam, {"lr": 0.1, "betas": (.5, 0.6), "eps": 1e-3, "weight_decay": 0.1, "momentum_decay": 0.3,
                   "maximize": True}, nadam),
    (optim.NAdam, {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}, nadam),
    (optim.RAdam, {}, radam),
    (optim.RAdam, {"lr": 0.1, "betas": (.5, 0.8), "eps": 1e-3, "weight_decay": .1, "maximize": True}, radam),
    (optim.RAdam, {"lr": 0.1, "betas": (.5, 0.6), "weight_decay": .1, "decoupled_weight_decay": True}, radam),
    (optim.Lion, {"lr": 0.03}, lion),
    (optim.Lion, {"lr": 0.03, "betas": (0.5, 0.7), "weight_decay": 0.1, "maximize": True}, lion),
    (optim.Rprop, {}, rprop),
    (optim.ASGD, {}, asgd),
    (optim.ASGD, {"lr": .1, "lambd": .2, "alpha": .6, "t0": 3, "weight_decay": .1, "maximize": True}, asgd),
    (optim.Rprop, {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (0.01, 0.2), "maximize": True}, rprop),
]
# fmt: on
