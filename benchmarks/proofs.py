"""The verdicts of `gradcheck` on 200 right and 200 wrong gradients, and those of PyTorch's on the same.

    python -m benchmarks.proofs         writes benchmarks/results/proofs.md and the block of the how-to

A function is one of twenty shapes f at scales of its input and of its result drawn between 1e-6 and 1e6,
`y = a f(x / b)`, alone, or beside a term that is up to 1e9 times as large in another part of the input, or
under a constant up to 1e9 times as large as what changes. Half of the points are where f is hard: oscillating
many times within x, growing by orders of magnitude, or close to a kink or a pole. A wrong gradient is a right
one with a planted fault: a factor off by 1e-4 up to 1, in all elements or in one; a wrong sign; a missing
part; two elements exchanged. Both checkers get the same NumPy functions, the same float64 inputs, their own
defaults, and the first order.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import tinygrad_edu as te
from benchmarks.report import machine, rewrite, table
from tinygrad_edu.check import CannotJudge, GradientError, gradcheck

HERE = Path(__file__).resolve().parent
Array = np.ndarray[Any, Any]
Real = Callable[[Array], Array]


@dataclass(frozen=True)
class Shape:
    """A function of one number, its slope, and where it is easy and where hard to differentiate."""

    name: str
    f: Real
    slope: Real
    easy: tuple[float, float]
    hard: tuple[float, float]


def _softplus_slope(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


# fmt: off
SHAPES = (
    Shape("sin", np.sin, np.cos, (-2, 2), (900, 1100)),
    Shape("cos", np.cos, lambda x: -np.sin(x), (0.3, 2.5), (9e3, 1.1e4)),
    Shape("exp", np.exp, np.exp, (-2, 2), (250, 300)),
    Shape("expm1", np.expm1, np.exp, (-1, 1), (1e-9, 1e-8)),
    Shape("log", np.log, lambda x: 1 / x, (0.5, 3), (1e-3, 2e-3)),
    Shape("log1p", np.log1p, lambda x: 1 / (1 + x), (0.1, 2), (-0.9999, -0.999)),
    Shape("sqrt", np.sqrt, lambda x: 0.5 / np.sqrt(x), (0.5, 3), (1e-8, 1e-7)),
    Shape("reciprocal", lambda x: 1 / x, lambda x: -1 / x**2, (0.5, 3), (-2e-4, -1e-4)),
    Shape("cube", lambda x: x**3, lambda x: 3 * x**2, (0.5, 2), (100, 200)),
    Shape("tanh", np.tanh, lambda x: 1 / np.cosh(x) ** 2, (-1, 1), (-6, -4)),
    Shape("arctan", np.arctan, lambda x: 1 / (1 + x * x), (-2, 2), (40, 60)),
    Shape("sinh", np.sinh, np.cosh, (-2, 2), (90, 100)),
    Shape("softplus", lambda x: np.log(1 + np.exp(x)), _softplus_slope, (-2, 2), (-12, -9)),
    Shape("bump", lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x), (0.2, 1.5), (3, 4)),
    Shape("chirp", lambda x: np.sin(x * x), lambda x: 2 * x * np.cos(x * x), (0.2, 1.5), (50, 60)),
    Shape("pole", lambda x: x / (1 - x), lambda x: 1 / (1 - x) ** 2, (-1, 0.5), (0.999, 0.9995)),
    Shape("relu", lambda x: np.where(x > 0, x, 0.0), lambda x: np.where(x > 0, 1.0, 0.0), (0.1, 2),
          (1e-6, 1e-5)),
    Shape("abs", np.abs, np.sign, (-2, -0.1), (-1e-5, -1e-6)),
    Shape("hinge", lambda x: np.abs(x - 1), lambda x: np.sign(x - 1), (1.5, 3), (1 + 1e-6, 1 + 1e-5)),
    Shape("arc", lambda x: np.abs(x) ** 1.5, lambda x: 1.5 * np.abs(x) ** 0.5 * np.sign(x), (0.2, 2),
          (-1e-4, -1e-5)),
)
# fmt: on
FAULTS = ("all", "one", "sign", "missing", "exchanged")


@dataclass(frozen=True)
class Case:
    """y = f(x), its true gradient for an incoming g, and a wrong one; of float64 arrays, x of shape (n,)."""

    name: str
    x: Array
    value: Real  # (n,) -> (m,); also of complex numbers where the shape is
    pulled: Callable[[Array, Array], Array]
    wrong: Callable[[Array, Array], Array]


def cases(count: int, seed: int) -> Iterator[Case]:
    """As many functions; every shape at easy and at hard points in turn."""
    for k in range(count):
        random = np.random.default_rng([seed, k])
        shape = SHAPES[k % len(SHAPES)]
        hard = k // len(SHAPES) % 2 == 1
        around = ("alone", "beside", "under")[k // (2 * len(SHAPES)) % 3]
        b, a = 10.0 ** random.uniform(-6, 6, 2)
        n = int(random.integers(2, 7))
        z = random.uniform(*(shape.hard if hard else shape.easy), n)
        large = 10.0 ** random.uniform(3, 9)
        name = f"{shape.name}, {'hard' if hard else 'easy'}, {around}"
        yield _case(shape, z * b, a, b, around, large, random, name)


def _case(
    shape: Shape,
    x: Array,
    a: float,
    b: float,
    around: str,
    large: float,
    random: np.random.Generator,
    name: str,
) -> Case:
    size = max(float(np.abs(a * shape.f(x / b)).max()), float(np.abs(a * shape.slope(x / b) * x / b).max()))
    n = x.size
    if around == "beside":
        x = np.append(x, random.uniform(0.5, 2.0))  # one more element, which enters times `large`

    def value(x: Array) -> Array:
        y = a * shape.f(x[:n] / b)
        if around == "beside":
            return np.asarray(y.sum() + large * size * x[n])[None]
        return y + large * size if around == "under" else y

    def slopes(x: Array) -> Array:
        return a / b * shape.slope(x[:n] / b)

    def assembled(g: Array, by: Array) -> Array:
        return np.append(g * by, g * large * size) if around == "beside" else g * by

    factor = 1.0 + random.choice((-1, 1)) * 10.0 ** random.uniform(-4, 0)
    fault, which = FAULTS[int(random.integers(len(FAULTS)))], int(random.integers(n))

    def faulty(x: Array) -> Array:
        by = slopes(x).copy()
        if fault == "all":
            return by * factor
        if fault == "one":
            by[which] *= factor
        elif fault == "sign":
            by[which] *= -1.0
        elif fault == "missing":
            by[which] = 0.0
        else:
            other = (which + 1) % n
            by[[which, other]] = by[[other, which]]
            if np.allclose(by, slopes(x), 1e-4, 0.0):  # nothing to exchange, as where all slopes are 1
                by[which] *= factor
        return by

    return Case(name, x, value, lambda g, x: assembled(g, slopes(x)), lambda g, x: assembled(g, faulty(x)))


def ours(case: Case, pulled: Callable[[Array, Array], Array]) -> str:
    """The verdict: "right", "wrong" or "cannot judge"."""
    planted = te.Op(
        "planted",
        case.value,
        (lambda g, x: te.tensor(pulled(g.numpy(), x.numpy())) if isinstance(g, te.Tensor) else pulled(g, x),),
        inputs=("x",),
        register=False,
    )
    try:
        gradcheck(planted, [case.x], order=1)
    except GradientError:
        return "wrong"
    except CannotJudge:
        return "cannot judge"
    return "right"


def theirs(case: Case, pulled: Callable[[Array, Array], Array]) -> str:
    """The same, by PyTorch."""
    import torch

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return torch.from_numpy(np.asarray(case.value(x.detach().numpy())))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return torch.from_numpy(pulled(g.numpy(), ctx.saved_tensors[0].detach().numpy()))

    x = torch.from_numpy(case.x).clone().requires_grad_()
    try:
        return "right" if torch.autograd.gradcheck(Planted.apply, (x,)) else "wrong"
    except RuntimeError:
        return "wrong"


def main() -> None:
    """Judge them all and write the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--cases", type=int, default=200, help="right ones, and as many wrong ones")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--verbose", action="store_true", help="name what was misjudged")
    asked = options.parse_args()
    rows, seconds = [], Counter[str]()
    for truth in ("right", "wrong"):
        said: dict[str, Counter[str]] = {"tinygrad_edu": Counter(), "PyTorch": Counter()}
        for case in tqdm(cases(asked.cases, asked.seed), total=asked.cases, desc=truth):
            pulled = case.pulled if truth == "right" else case.wrong
            for who, judge in (("tinygrad_edu", ours), ("PyTorch", theirs)):
                start = time.perf_counter()
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    verdict = judge(case, pulled)
                seconds[who] += time.perf_counter() - start
                said[who][verdict] += 1
                if asked.verbose and who == "tinygrad_edu" and verdict != truth:
                    tqdm.write(f"{truth}, called {verdict}: {case.name}")
        for who, counts in said.items():
            rows.append(
                [
                    f"{asked.cases} {truth} gradients, {who}",
                    *(str(counts[verdict]) for verdict in ("right", "wrong", "cannot judge")),
                ]
            )
    ratio = seconds["tinygrad_edu"] / seconds["PyTorch"]
    note = f"Time for all of them: {ratio:.2g} times PyTorch's. {machine('numpy', 'torch')}"
    text = f"{table(['', 'called right', 'called wrong', 'cannot be judged'], rows)}\n\n{note}"
    rewrite(HERE / "results" / "proofs.md", "proofs", text)
    rewrite(HERE.parent / "docs" / "howto" / "prove-your-model.md", "proofs", text)
    print(text)


if __name__ == "__main__":
    main()
