"""Not inventing the wheel again: CuPy, RAPIDS, and how an array gets there (slide: Python CUDA).

"Generally best not to reinvent the wheel - use higher level libraries." CuPy is NumPy and SciPy for CUDA: the
same functions by the same names, on arrays in the GPU's memory, by kernels that somebody wrote already.
RAPIDS is a family of libraries for data on the GPU, made on the same memory: cuDF has the words of pandas,
cuML those of scikit-learn.

You will see one program, logistic regression by gradient descent, that takes the module as its parameter `xp`
and so runs in NumPy's words and in CuPy's; and an array that goes from this library to another by DLPack, the
protocol they all have: the memory is handed over, and nothing is copied. What needs CuPy runs only where it
is installed and finds a GPU; elsewhere the script says that it did not run.

Change: STEPS, ETA. Leave the two gradients out and let `te.grad` find them: what is lost, what won?
"""
from __future__ import annotations

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import data, viz

STEPS, ETA, POINTS = 300, 0.05, 200
RAPIDS = (("NumPy, SciPy", "CuPy", "import cupy as np"), ("pandas", "cuDF", "import cudf as pd"),
          ("scikit-learn", "cuML", "from cuml.linear_model import LogisticRegression"),
          ("NetworkX", "cuGraph", "import cugraph as nx"))


def cupy():
    """(the module CuPy, ""), or (None, why it cannot be used here)."""
    try:
        import cupy
    except ImportError:
        return None, "CuPy is not installed here (pip install cupy-cuda12x, and an NVIDIA GPU)"
    try:
        return cupy, "" if cupy.cuda.runtime.getDeviceCount() else "CuPy is installed and finds no GPU"
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return None, f"CuPy is installed and finds no GPU: {error}"


def regression(xp, x, y, steps=STEPS, eta=ETA):
    """(w (features,), b, losses (steps,)) of logistic regression, in the words that NumPy and CuPy share.

    xp  the module: numpy or cupy; x (n, features) and y (n,) of 0 and 1 are its arrays
    """
    w, b, losses = xp.zeros(x.shape[1]), xp.zeros(()), []
    for _ in range(steps):
        p = 1 / (1 + xp.exp(-(x @ w + b)))
        losses.append(-xp.mean(xp.log(xp.where(y == 1, p, 1 - p))))
        w, b = w - eta * x.T @ (p - y) / len(y), b - eta * xp.mean(p - y)
    return w, b, xp.stack(losses)


def handed_over(xp, tensor):
    """The same memory as an array of xp, by DLPack; the tensor must be where xp computes."""
    return xp.from_dlpack(tensor)


def main(arguments=None):
    given = options(__doc__, arguments)
    steps = 30 if given.smoke else STEPS
    print(f"{'on the CPU':<14} {'on the GPU':<9} what changes in a program")
    for here, there, words in RAPIDS:
        print(f"{here:<14} {there:<9} {words}")

    points = data.gaussian(POINTS, noise=0.4, seed=given.seed)
    tensor = te.tensor(points.features, dtype="float64")
    x, y = handed_over(np, tensor), points.labels
    print(f"\nfrom a tensor to NumPy by DLPack: shape {x.shape}, {x.dtype}; the same memory: "
          f"{np.shares_memory(x, tensor.numpy())}")
    w, b, losses = regression(np, x, y, steps)
    right = np.mean((x @ w + b > 0) == y)
    print(f"NumPy: after {steps} steps loss {losses[-1]:.4f}, {right:.0%} right, w = {w.round(3)}, "
          f"b = {b:.3f}")

    ours = [np.asarray(v) for v in regression(te, tensor, te.tensor(y), steps)]
    print(f"this library, by the same words: largest difference from NumPy's "
          f"{max(np.abs(a - b).max() for a, b in zip(ours, (w, b, losses))):.1e}")

    curves = {"NumPy": losses}
    module, why = cupy()
    if module is None or why:
        print(f"CuPy: did not run. {why}")
    else:
        there = handed_over(module, te.tensor(points.features, dtype="float64", device="cuda"))
        found = [module.asnumpy(v) for v in regression(module, there, module.asarray(y), steps)]
        curves["CuPy"] = found[2]
        print(f"CuPy: after {steps} steps loss {found[2][-1]:.4f}; largest difference from NumPy's "
              f"{max(np.abs(a - b).max() for a, b in zip(found, (w, b, losses))):.1e}")
    draw(viz.curves(np.arange(1, steps + 1), curves, xlabel="step", ylabel="loss", logx=True,
                    title=f"One program, by {' and '.join(curves)}"), "16c_losses.png", given)


if __name__ == "__main__":
    main()
