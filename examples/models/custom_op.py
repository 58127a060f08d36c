"""A primitive of one's own with its own CUDA kernel: a gated recurrence, the core of state-space models.

    y[t] = a[t] y[t-1] + b[t]    along the last axis,    y[-1] = 0

As a composition it is a node for each step; as an op it is one node, and on a GPU one kernel: steps can be
composed in any grouping, so a warp scans 32 of them at a time (Blelloch 1990). The gradient is the same
recurrence backwards, written with the op itself, so it runs on devices and has a second derivative. You
will see both proven, op and composition timed, a network of it that learns the adding problem of lstm.py,
and the kernel on a GPU or the simulator.

Change: drop `f *= f0` in the kernel, or a shift in a rule of `recurrence`. Who finds it?
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path

import numpy as np
from lstm import LENGTH, WIDTH, train
from shared import clock, common, draw, learning, options, smoothed

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.backend.cuda.families.hosts import fused


def by_numpy(a, b):
    y = b.copy()
    for t in range(1, b.shape[-1]):
        y[..., t] += a[..., t] * y[..., t - 1]
    return y


def fits(a, b):
    if a.shape != b.shape or a.dtype != b.dtype or not b.shape[-1]:
        raise ValueError(f"recurrence: {a.shape} {a.dtype}, {b.shape} {b.dtype}; give the same, time last")


def by_b(g, a):
    """The gradient of b: at t it is g[t], and a[t + 1] times that at t + 1."""
    later = te.concat([a[..., 1:], te.zeros_like(a[..., :1])], axis=-1)
    return te.flip(recurrence(te.flip(later, -1), te.flip(g, -1)), -1)


def by_a(g, a, out):
    """The gradient of a: that of b, times y one step before."""
    return by_b(g, a) * te.concat([te.zeros_like(out[..., :1]), out[..., :-1]], axis=-1)


def calls(draw):
    shape = draw.shape(1, 3, min_side=1)
    return te.Call((draw.array(shape, te.Interval(-1, 1)), draw.array(shape)))


recurrence = te.Op("recurrence", by_numpy, [by_a, by_b], fits=fits, calls=calls, register=False)


@fused("recurrence")
def by_cuda(device, a, b):
    """Launch the kernel in the device's own stream: arrays of that device in, one out."""
    a, b, out = device.contiguous(a), device.contiguous(b), device.empty(b.shape, b.dtype)
    text = Path(__file__).with_name("recurrence.cu").read_text(encoding="utf-8")
    number = "typedef double number;\n" if b.dtype == np.float64 else "typedef float number;\n"
    kernel = common.source_module(number + text).get_function("recurrence")
    rows, pointers = b.size // b.shape[-1], (np.intp(x.pointer) for x in (out, a, b))
    if rows:  # 4 warps in a block
        launch = {"block": (128, 1, 1), "grid": (-(-rows // 4), 1), "stream": device.context.stream}
        kernel(*pointers, np.int64(rows), np.int64(b.shape[-1]), **launch)
    return out


def composed(a, b):
    times = range(b.shape[-1])
    return te.stack(list(accumulate(times, lambda y, t: a[..., t] * y + b[..., t], initial=0.0))[1:], axis=-1)


class Memory(nn.Module):
    """(n, time, 2) -> (n,): the input says what is added to the memory, and how much of it is kept."""

    def __init__(self):
        self.keep, self.last = nn.Linear(2, WIDTH), nn.Linear(WIDTH, 1)
        self.add = nn.Sequential(nn.Linear(2, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH))

    def forward(self, x):
        kept, added = te.sigmoid(self.keep(x) + 4), self.add(x) * 0.1
        return self.last(recurrence(kept.mT, added.mT)[..., -1]).squeeze(1)


def results(scan, rng, device="cpu"):
    """An array of values and the gradients of a and b of a recurrence of 64 x 32 rows, on a device."""
    a, b, g = te.tensor(rng.uniform(-1, 1, (3, 64, WIDTH, LENGTH)).astype(np.float32), device=device)
    return te.stack([scan(a, b), *te.grad(lambda a, b: (scan(a, b) * g).sum(), (0, 1))(a, b)]).numpy()


def main(arguments=None):
    given = options(__doc__, arguments)
    te.check.opcheck(recurrence)
    print("opcheck: values, saved arrays, first and second derivatives are right")
    for name, scan in {"op": recurrence, "composition": composed}.items():
        seconds, right = clock(), results(scan, np.random.default_rng(given.seed))
        print(f"{1000 * seconds():>6.1f} ms with its gradients: {name}")
    seconds, steps = clock(), 10 if given.smoke else 700
    losses = train(Memory(), given, steps)
    found = {"op": float(np.mean(losses[-20:])), "always 1": 1 / 6}
    print(f"the sum of two numbers among {LENGTH}: squared error {found['op']:.5f}, always 1: {1 / 6:.5f}; "
          f"{steps} steps in {seconds():.0f} s")
    draw(learning({"network of the op": smoothed(losses), "always 1": np.full(steps, 1 / 6)},
                  title="Two numbers far apart, added"), "custom_op.png", given)
    if find_spec("pycuda") is None:
        raise SystemExit("no PyCUDA for the kernel; `tinygrad-edu simulator setup` installs it")
    device, kind = common.open_device()
    found["difference"] = np.abs(results(recurrence, np.random.default_rng(given.seed), device) - right).max()
    print(f"the kernel on {kind}: the composition's numbers, up to {found['difference']:.1e}")
    return found


if __name__ == "__main__":
    main()
