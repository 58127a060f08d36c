"""Operators and functions of the face apart from their numbers: quiet, memory, operands of other kinds."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import tinygrad_edu.torch as torch

QUIET = """
import tinygrad_edu.torch as torch
x = torch.tensor([0.0, -1.0, float("inf")])
torch.log(x), 1 / x, x * 0, torch.sqrt(x), x % 0, x // 0, x**-1, torch.lgamma(x), torch.xlogy(x, x), x.long()
"""


def test_infinities_and_nan_are_no_warnings():
    run = subprocess.run([sys.executable, "-W", "error", "-c", QUIET], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


class Other:
    """Something that knows itself what its operators with a tensor mean."""

    def __radd__(self, x: Any) -> str:
        return "added"

    def __rmod__(self, x: Any) -> str:
        return "divided"

    def __lt__(self, x: Any) -> str:
        return "compared"


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_an_operand_of_another_kind_may_answer_itself(dtype):
    x = torch.tensor([1, 2]).to(dtype)
    assert x + Other() == "added"
    assert x % Other() == "divided"
    assert (x > Other()) == "compared"
    with pytest.raises(TypeError):
        x - Other()


@pytest.mark.parametrize("change", ["__iadd__", "__isub__", "__imul__", "__itruediv__", "add_", "div_"])
def test_a_change_in_place_outside_the_graph_writes_the_memory_itself(change):
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    row, place = x[1], x.data_ptr()
    kept = x.numpy()
    assert getattr(row, change)(2.0) is row
    assert x.data_ptr() == place
    np.testing.assert_array_equal(kept[1], row.numpy())
    np.testing.assert_array_equal(kept[0], [1, 2])


@pytest.mark.parametrize("change", ["add_", "sub_", "mul_", "div_"])
def test_a_change_in_place_in_the_graph_has_a_gradient(change):
    w = torch.tensor([2.0, 3.0], requires_grad=True)
    x = torch.tensor([1.0, 1.0])
    getattr(x, change)(w)
    x.sum().backward()
    expected = {"add_": [1, 1], "sub_": [-1, -1], "mul_": [1, 1], "div_": [-1 / 4, -1 / 9]}[change]
    np.testing.assert_allclose(w.grad.numpy(), expected, rtol=1e-6)


def test_results_of_several_tensors_are_named():
    found = torch.tensor([[1.0, 3.0, 2.0]]).max(dim=1)
    assert type(found) is torch.return_types.max
    assert found.values is found[0] and found.indices.item() == 1
    assert repr(found).startswith("torch.return_types.max(\nvalues=")


def test_a_shape_that_does_not_fit_is_a_runtime_error_of_an_operator():
    with pytest.raises(RuntimeError, match="broadcast"):
        torch.ones(2) + torch.ones(3)
