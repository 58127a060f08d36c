"""Views of the face: one memory, also as a NumPy array, and gradients through what is written into them."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
import tinygrad_edu.torch as torch

WHERE = ("cpu", *(("simulator",) if "simulator" in te.devices() else ()))


def test_an_array_and_its_tensor_see_what_is_written_into_either():
    array = np.zeros((2, 3), np.float32)
    x = torch.from_numpy(array)
    x.t()[1] = 5
    array[0, 0] = 7
    assert x.tolist() == [[7, 5, 0], [0, 5, 0]]
    assert array.tolist() == x.numpy().tolist()


def test_a_view_of_an_array_in_another_order_is_refused_as_a_row():
    x = torch.from_numpy(np.zeros((2, 3)).T)
    with pytest.raises(RuntimeError, match=r"Use \.reshape"):
        x.view(-1)
    assert x.reshape(-1).shape == (6,)


@pytest.mark.parametrize("where", WHERE)
def test_views_of_views_write_into_one_tensor(where):
    x = torch.arange(12.0, device=where).view(3, 4)
    x.t()[2] += 100
    x.view(2, 6)[1].view(2, 3)[0] = 0
    x.t().diagonal()[:] = -1
    assert x.cpu().tolist() == [[-1, 1, 102, 3], [4, -1, 0, 0], [0, 9, -1, 11]]


@pytest.mark.parametrize("where", WHERE)
def test_what_a_graph_writes_into_views_has_gradients(where):
    w = torch.ones(4, device=where, requires_grad=True)
    y = torch.zeros(3, 4, device=where)
    rows = y.unbind(0)
    y[0] = w * 2
    y.view(-1)[5] = w[1] * 3
    y.t()[0].mul_(w[0])
    seen = y[0]
    y[0, 3] = 7.0
    y.sum().backward()
    assert seen.tolist() == [2, 2, 2, 7]
    assert rows[1].tolist() == [0, 3, 0, 0]
    assert w.grad.cpu().tolist() == [4, 5, 2, 0]


@pytest.mark.parametrize("where", WHERE)
def test_a_result_of_the_library_in_another_order_is_put_in_order_before_it_is_viewed(where):
    x = torch.ones(2, 3, device=where)
    y = torch.relu(x.t()) if where == "cpu" else x.t().clone()
    y.view(-1)[1] = 5
    assert y.cpu().reshape(-1).tolist() == [1, 5, 1, 1, 1, 1]


def test_a_leaf_and_a_view_of_a_leaf_refuse_a_change_within_the_graph():
    w = torch.ones(3, requires_grad=True)
    for change in (lambda: w.add_(1), lambda: w[0].add_(1), lambda: w.view(3, 1).t_().mul_(2)):
        with pytest.raises(RuntimeError, match="leaf"):
            change()
    with torch.no_grad():
        w[0] = 5
        w.view(-1)[1:].mul_(2)
    assert w.tolist() == [5, 2, 2]
    assert w.is_leaf
    assert w.requires_grad


def test_what_is_copied_within_a_graph_is_nobody_elses_memory():
    w = torch.ones(3, requires_grad=True)
    y = w * 2
    for source in (w, y):
        x = torch.zeros(3)
        x.copy_(source)
        assert not x.is_leaf
        with torch.no_grad():
            x.zero_()
        assert x.tolist() == [0, 0, 0]
    assert w.tolist() == [1, 1, 1]
    assert y.tolist() == [2, 2, 2]


def test_a_tensor_that_was_changed_within_a_graph_still_shares_memory_with_its_rows():
    w = torch.ones(4, requires_grad=True)
    x = torch.arange(12.0).view(3, 4) * w
    x.t().fill_(2)
    line = x.reshape(-1)
    line[1] = w[0] * 5
    assert x[0].tolist() == [2, 5, 2, 2]
    x.sum().backward()
    assert w.grad.tolist() == [5, 0, 0, 0]
