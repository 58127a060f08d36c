"""Of infinities and NaN the face says nothing, as PyTorch; the library and NumPy beside it say it as ever."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
import tinygrad_edu.torch as torch
from tinygrad_edu.torch.core import quiet


def _layer() -> Any:
    layer = torch.nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.fill_(3e38)
    return layer(torch.full((1, 2), 3e38))


def _backward() -> Any:
    x = torch.zeros(3, requires_grad=True)
    x.log().sum().backward()
    return x.grad


def _step() -> Any:
    x = torch.full((3,), 3e38, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=1e30)
    x.grad = torch.full((3,), -3e38)
    optimizer.step()
    return x


COMPUTATIONS = {
    "a function": lambda: torch.log(torch.zeros(3)),
    "a method": lambda: torch.zeros(3).log(),
    "an operator": lambda: torch.ones(3) / torch.zeros(3),
    "an operator with a number": lambda: 1.0 / torch.zeros(3),
    "a change in place": lambda: torch.ones(3).div_(torch.zeros(3)),
    "a function in place": lambda: torch.zeros(3).log_(),
    "a layer": _layer,
    "backward": _backward,
    "a step": _step,
}


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_the_face_is_quiet(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = COMPUTATIONS[name]()
    assert not bool(torch.isfinite(found).all())


def test_numpy_is_heard_after_an_op_and_after_an_error() -> None:
    x = torch.zeros(2) / torch.zeros(2)
    with pytest.raises(RuntimeError):
        torch.log(x) + torch.zeros(3)
    with pytest.raises(RuntimeError):
        torch.reshape(x, (3,))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.log(np.zeros(1))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        te.log(te.zeros(1))


def test_a_program_that_says_what_numpy_does_of_errors_still_has_it_so() -> None:
    with np.errstate(divide="raise"):
        torch.log(torch.zeros(1))
        with pytest.raises(FloatingPointError):
            np.log(np.zeros(1))


def test_the_import_leaves_the_filters_of_warnings_and_numpys_settings() -> None:
    code = (
        "import tinygrad_edu, warnings, numpy; before = list(warnings.filters), numpy.geterr(); "
        "import tinygrad_edu.torch as t; t.nn, t.optim, t.distributions; "
        "assert before == (list(warnings.filters), numpy.geterr())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_state_of_numpy_is_found() -> None:
    assert quiet.IGNORED is not None
    assert quiet._variable.name != "unread"
