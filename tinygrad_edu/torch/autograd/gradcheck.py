"""torch.autograd.gradcheck: analytic gradients beside central differences, by PyTorch's tolerances.

The library's own proof is stricter and says more of what is wrong: `tinygrad-edu gradcheck`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import graph
from tinygrad_edu.torch.core.border import bare, faced
from tinygrad_edu.torch.core.tensor import Tensor


class GradcheckError(RuntimeError):
    """A gradient that differences contradict."""


def _several(x: Any) -> tuple[Any, ...]:
    return (x,) if isinstance(x, Value) else tuple(x)


def _float_outputs(found: Any) -> list[Tensor]:
    return [y for y in _several(found) if isinstance(y, Tensor) and y.is_floating_point()]


def gradcheck(func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5,
              rtol: float = 1e-3, raise_exception: bool = True, nondet_tol: float = 0.0,
              check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
              check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
              check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False,
              masked: bool | None = None) -> bool:  # fmt: skip
    """Whether the gradients of `func` agree with central differences of step `eps`, to atol + rtol |n|.

    Raises GradcheckError where they do not, or returns False if `raise_exception` is False.
    """
    given = _several(inputs)
    varied = [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad]
    if not varied:
        raise wrong(
            ValueError,
            "gradcheck",
            "gradcheck expects at least one input tensor to require gradient, "
            "but none of the them have requires_grad=True.",
        )
    for i in varied:
        if given[i].inner.dtype != np.float64:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point. This check will "
                "likely fail if all the inputs are not of double precision floating point.",
                stacklevel=2,
            )
    try:
        outputs = _float_outputs(func(*given))
        if not any(y.requires_grad for y in outputs):
            raise wrong(GradcheckError, "gradcheck", "no Tensors requiring grad found among output Tensors")
        for o in range(len(outputs)):
            analytic = _analytic(func, given, varied, o)
            for i, slopes in zip(varied, analytic, strict=True):
                numeric = _numeric(func, given, i, o, eps)
                off = np.abs(slopes - numeric) > atol + rtol * np.abs(numeric)
                if off.any() or not np.isfinite(slopes).all():
                    raise wrong(
                        GradcheckError,
                        "gradcheck",
                        f"Jacobian mismatch for output {o} with respect to input {i},\nnumerical:{numeric}\n"
                        f"analytical:{slopes}\n",
                    )
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _analytic(func: Any, given: tuple[Any, ...], varied: list[int], o: int) -> list[np.ndarray[Any, Any]]:
    """The Jacobians of one output, (elements of the input, elements of the output), by backward."""
    out = _float_outputs(func(*given))[o].inner
    columns: list[list[np.ndarray[Any, Any]]] = [[] for _ in varied]
    size = int(np.prod(out.shape))
    for k in range(size):
        seed = np.zeros(size, out.dtype)
        seed[k] = 1
        found: list[Any] = [None] * len(varied)
        if out.node is not None:
            found = graph.gradients_of(
                [out],
                [given[i].inner for i in varied],
                [te.tensor(seed.reshape(out.shape), device=out.device)],
                retain_graph=True,
                create_graph=False,
                allow_unused=True,
            )
        for column, i, g in zip(columns, varied, found, strict=True):
            column.append(np.zeros(given[i].numel()) if g is None else g.detach().numpy().reshape(-1))
    return [
        np.stack(c, axis=1) if c else np.zeros((given[i].numel(), 0))
        for c, i in zip(columns, varied, strict=True)
    ]


def _numeric(func: Any, given: tuple[Any, ...], i: int, o: int, eps: float) -> np.ndarray[Any, Any]:
    """The Jacobian of one output by one input, by central differences."""
    at = np.array(given[i].inner.detach().numpy())
    rows = []
    for k in range(at.size):
        sides = []
        for step in (eps, -eps):
            moved = at.copy().reshape(-1)
            moved[k] += step
            x = faced(te.tensor(moved.reshape(at.shape), device=given[i].inner.device))
            out = _float_outputs(func(*given[:i], x.requires_grad_(), *given[i + 1 :]))[o]
            sides.append(bare(out).detach().numpy().reshape(-1).astype(np.float64))
        rows.append((sides[0] - sides[1]) / (2 * eps))
    return np.stack(rows) if rows else np.zeros((0, 0))


def gradgradcheck(func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6,
                  atol: float = 1e-5, rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False,
                  raise_exception: bool = True, **other: Any) -> bool:  # fmt: skip
    """Whether the second derivatives of `func` agree with differences of the first."""
    given = _several(inputs)
    outputs = _float_outputs(func(*given))
    random = np.random.default_rng(0)
    if grad_outputs is None:
        seeds = [
            faced(te.tensor(random.standard_normal(y.inner.shape).astype(y.inner.dtype), requires_grad=True))
            for y in outputs
        ]
    else:
        seeds = list(_several(grad_outputs))

    def gradients(*args: Any) -> tuple[Any, ...]:
        xs, gs = args[: len(given)], args[len(given) :]
        varied = [x for x in xs if isinstance(x, Tensor) and x.requires_grad]
        roots = [y.inner for y in _float_outputs(func(*xs))]
        found = graph.gradients_of(
            roots, [x.inner for x in varied], [bare(g) for g in gs],
            retain_graph=True, create_graph=True, allow_unused=True,
        )  # fmt: skip
        return tuple(faced(g) for g in found if g is not None)

    return gradcheck(
        gradients, (*given, *seeds), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception
    )
