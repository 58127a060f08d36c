"""Hooks of modules: when they are called, what they may replace, how they are removed."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn


class Sum(nn.Module):
    """Two inputs of different shapes and dtypes; a tuple, a dict and something else as the output."""

    def forward(self, x, y, *, scale=1.0):
        total = (x * scale).sum() + y.cast("float64").sum()
        return total, {"x": x * 2.0, "name": "x"}


def test_pre_hooks_replace_arguments_in_order():
    line, seen = nn.Identity(), []
    line.register_forward_pre_hook(lambda m, args: seen.append(("a", args[0].item())))
    line.register_forward_pre_hook(lambda m, args: args[0] + 1.0)
    line.register_forward_pre_hook(lambda m, args: seen.append(("b", args[0].item())), prepend=True)
    handle = line.register_forward_pre_hook(lambda m, args: (args[0] * 10.0,))
    assert line(te.tensor(2.0)).item() == 30.0
    assert seen == [("b", 2.0), ("a", 2.0)]
    handle.remove()
    handle.remove()  # nothing happens the second time
    assert line(te.tensor(2.0)).item() == 3.0


def test_hooks_with_keywords():
    module, seen = Sum(), []
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"scale": 3.0}), with_kwargs=True)
    module.register_forward_hook(
        lambda m, args, kwargs, out: seen.append((len(args), kwargs, out[0].item())), with_kwargs=True
    )
    module(te.tensor(1.0), te.tensor(1.0), scale=2.0)
    assert seen == [(2, {"scale": 3.0}, 4.0)]
    module.register_forward_pre_hook(lambda m, args, kwargs: 5, with_kwargs=True)
    with pytest.raises(TypeError, match=r"it returned 5.*test_hooks\.py.*return \(args, kwargs\)"):
        module(te.tensor(1.0), te.tensor(1.0))


def test_a_hook_that_is_always_called_sees_an_error():
    class Fails(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError

    module, seen = Fails(), []
    module.register_forward_hook(lambda m, args, out: seen.append("never"))
    module.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    with pytest.raises(ZeroDivisionError):
        module(1)
    assert seen == [None]


def test_backward_hooks_get_all_gradients_at_once_and_may_replace_them():
    module, seen = Sum(), []
    module.register_full_backward_hook(lambda m, i, o: seen.append((i, o)))
    x = te.tensor([1.0, 2.0], requires_grad=True, dtype="float64")
    y = te.tensor(np.ones((2, 2), np.float32), requires_grad=True)
    total, more = module(x, y, scale=3.0)
    assert more["name"] == "x"
    (total * 5.0 + more["x"].sum()).backward()
    ((grad_input, grad_output),) = seen
    assert [g.tolist() for g in grad_input] == [[17.0, 17.0], [[5.0, 5.0], [5.0, 5.0]]]
    assert [g.tolist() for g in grad_output] == [5.0, [1.0, 1.0]]
    assert (
        x.grad.tolist() == [17.0, 17.0] and y.grad.dtype == te.float32 and y.grad.tolist() == [[5, 5], [5, 5]]
    )
    seen.clear()
    module.register_full_backward_hook(lambda m, i, o: (i[0] * 0.0, None))
    module.register_full_backward_pre_hook(lambda m, o: (o[0] * 2.0, o[1]))
    x.grad = y.grad = None
    module(x, y)[0].backward()
    assert x.grad.tolist() == [0.0, 0.0] and y.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert seen[0][1][0].item() == 2.0


def test_backward_hooks_where_no_input_requires_grad_and_of_several_calls():
    line, seen = nn.Linear(2, 1), []
    hook = line.register_full_backward_hook(lambda m, i, o: seen.append((i, o[0].tolist())))
    (line(te.ones(1, 2)) + line(te.ones(1, 2)) * 3.0).sum().backward()
    assert sorted(seen, key=lambda s: s[1]) == [((None,), [[1.0]]), ((None,), [[3.0]])]
    assert line.weight.grad.tolist() == [[4.0, 4.0]]
    hook.remove()
    line(te.ones(1, 2)).sum().backward()
    assert len(seen) == 2
    with te.no_grad():
        line.register_full_backward_hook(lambda m, i, o: seen.append(1))
        assert not line(te.ones(1, 2)).requires_grad


def test_second_derivatives_pass_backward_hooks():
    cube = nn.Identity()
    cube.register_full_backward_hook(lambda m, i, o: (i[0] * 2.0,))
    x = te.tensor(3.0, dtype="float64", requires_grad=True)
    (cube(x) ** 3.0).backward(create_graph=True)
    first, x.grad = x.grad, None
    assert first.item() == 54.0  # twice 3 x^2
    first.backward()
    assert x.grad.item() == 72.0  # twice 6 x, and the way through the identity doubles it again


@pytest.mark.parametrize("name", ["forward_pre", "forward", "full_backward", "full_backward_pre"])
def test_what_is_no_function_is_refused(name):
    module = nn.Identity()
    with pytest.raises(TypeError, match=rf"register_{name}_hook.*3 cannot be called"):
        getattr(module, f"register_{name}_hook")(3)
    assert not module._hooks


def test_a_backward_hook_that_returns_too_much():
    module = nn.Identity()
    module.register_full_backward_hook(lambda m, i, o: (1.0, 2.0))
    with pytest.raises(ValueError, match="it returned 2 gradients for 1"):
        module(te.ones(1, requires_grad=True)).sum().backward()
