"""torch.autograd: gradients, functions of one's own, Jacobians, modes."""

from __future__ import annotations

from typing import Any


def _cube(t: Any) -> Any:
    class Cube(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, scale: float) -> Any:
            ctx.save_for_backward(x)
            ctx.scale = scale
            return scale * x**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * ctx.scale * 3 * x**2, None

    return Cube


def _sum_and_product(t: Any) -> Any:
    class SumAndProduct(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            ctx.save_for_backward(x, y)
            return x + y, x * y

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            x, y = ctx.saved_tensors
            return g + h * y, g + h * x

    return SumAndProduct


def _newer(t: Any) -> Any:
    class Newer(t.autograd.Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return x.exp()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(output)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.saved_tensors[0]

    return Newer


def _wrong_count(t: Any) -> Any:
    class WrongCount(t.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            return x + y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    return WrongCount


def _twice(t: Any, x: Any) -> Any:
    (g,) = t.autograd.grad(_cube(t).apply(x, 2.0).sum(), x, create_graph=True)
    return g


def _accumulated(t: Any, d: Any) -> Any:
    x = d.floats(3)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad


def _gradient_changed(t: Any, d: Any) -> Any:
    """x.grad is one tensor, and a change of it in place is one of the gradient, if it has a graph, too."""
    seen = []
    for graph in (False, True):
        x = d.floats(3)
        (x**3).sum().backward(create_graph=graph)
        held = x.grad
        held.mul_(2)
        x.grad[0] = 7.0
        x.grad += 1
        seen += [held is x.grad, x.grad.detach().clone(), held.detach()]
        x.grad.detach_()
        x.grad.zero_()
        (x * 2).sum().backward()
        seen += [x.grad, held]
    return seen


def _gradient_given(t: Any, d: Any) -> Any:
    """A tensor that is made the gradient of another is that gradient, as a part of a longer one is."""
    x, y = d.floats(3), d.floats(2)
    whole = t.arange(5.0, dtype=x.dtype)
    x.grad, y.grad = whole[:3], whole[3:].view(2)
    whole.mul_(2)
    (x.sum() + y.sum()).backward()
    given = t.ones(3, dtype=x.dtype)
    z = d.floats(3)
    z.grad = given
    given.add_(1)
    broadcast = d.floats(3)
    broadcast.grad = t.ones(1, dtype=x.dtype).expand(3)
    return [whole, x.grad, y.grad, z.grad is given, z.grad, broadcast.grad]


def _gradient_of_another_dtype(t: Any, d: Any) -> Any:
    d.floats(3).grad = t.ones(3, dtype=t.float32)


def _hooked(t: Any, d: Any) -> Any:
    x = d.floats(3)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    return x.grad


def _inputs_only(t: Any, d: Any) -> Any:
    x, y = d.floats(3), d.floats(3)
    (x * y).sum().backward(inputs=[x])
    return x.grad, y.grad is None


def _modes(t: Any, d: Any) -> Any:
    x = d.floats(2)
    seen = []
    with t.no_grad():
        seen.append((x * 2).requires_grad)
        with t.enable_grad():
            seen.append((x * 2).requires_grad)
    with t.set_grad_enabled(False):
        seen.append((x * 2).requires_grad)
    t.set_grad_enabled(False)
    seen.append((x * 2).requires_grad)
    t.set_grad_enabled(True)
    seen.append(t.is_grad_enabled())
    with t.inference_mode():
        seen.append((x * 2).requires_grad)

    @t.no_grad()
    def decorated() -> Any:
        return x * 2

    return [*seen, decorated().requires_grad]


def _freed(t: Any, d: Any) -> Any:
    y = d.floats(3).exp().sum()
    y.backward()
    y.backward()


def _leaf_changed(t: Any, d: Any) -> Any:
    d.floats(3).add_(1)


def _data(t: Any, d: Any) -> Any:
    x = d.floats(3)
    x.data -= 0.5
    x.data = x.data * 2
    return x.detach(), x.is_leaf, x.requires_grad


def _data_unseen_by_backward(t: Any, d: Any) -> Any:
    """A write through .data reaches what was saved, and backward computes with it; its counter stays."""
    x = d.floats(3)
    y = x.exp()
    y.data.mul_(2)
    return y * 1, y._version


def _data_of_a_part(t: Any, d: Any) -> Any:
    """A column of memory that the product has not read is written: the gradient is that of the other one."""
    table = t.zeros(3, 4)
    w = d.floats(3)
    table.data[:, 0] = d.floats(3, grad=False)
    y = (table[:, 0] * w).sum()
    table.data[:, 1] = y.detach()
    return y, table, table.data[1].storage().tolist(), table.data.data_ptr() == table.data_ptr()


def _data_sees_later_changes(t: Any, d: Any) -> Any:
    x = t.zeros(3)
    before = x.data
    x[1] = d.floats(3).sum()
    return before, before.requires_grad, x


def _functions(x: Any) -> Any:
    return (x * x).sum() * x


RECIPES: dict[str, list[Any]] = {
    "torch.autograd.grad": [
        lambda t, d: t.autograd.grad((d.floats(2, 3) * 2).sum(), d.leaves[0]),
        lambda t, d: t.autograd.grad(d.floats(3).exp(), d.leaves[0]),
        lambda t, d: t.autograd.grad(d.floats(3).exp(), d.leaves[0], d.floats(3)),
        lambda t, d: t.autograd.grad(d.floats(3).sum(), [d.leaves[0], d.floats(2)], allow_unused=True),
        lambda t, d: t.autograd.grad(d.floats(3).sum(), d.floats(2)),
        lambda t, d: t.autograd.grad(
            [d.floats(3).exp(), d.floats(2).sin()], d.leaves, [d.floats(3), d.floats(2)]
        ),
        lambda t, d: t.autograd.grad(d.floats(3).exp().sum(), d.leaves[0], only_inputs=True),
        lambda t, d: t.autograd.grad(d.floats(3).sum(), [d.leaves[0], d.floats(2)], materialize_grads=True),
        lambda t, d: t.autograd.grad(
            d.floats(3).sum(), d.leaves[0], materialize_grads=True, allow_unused=False
        ),
        lambda t, d: t.autograd.grad(d.floats(3).exp(), d.leaves[0], t.eye(3)[:2], is_grads_batched=True),
        lambda t, d: t.autograd.grad(
            d.floats(3).exp(), [d.leaves[0], d.floats(2)], t.eye(3), is_grads_batched=True, allow_unused=True
        ),
    ],
    "torch.autograd.Function": [
        lambda t, d: _cube(t).apply(d.floats(2, 3), 1.5),
        lambda t, d: _cube(t).apply(d.floats(2, 3, grad=False), 1.5),
        lambda t, d: _twice(t, d.floats(4)),
        lambda t, d: _sum_and_product(t).apply(d.floats(2, 2), d.floats(2, 2)),
        lambda t, d: _sum_and_product(t).apply(d.floats(2, 2), d.floats(2, 2, grad=False)),
        lambda t, d: _newer(t).apply(d.floats(3)),
        lambda t, d: _wrong_count(t).apply(d.floats(3), d.floats(3)),
    ],
    "torch.autograd.gradcheck": [
        lambda t, d: t.autograd.gradcheck(lambda x: (x * x).sum(), (d.floats(3),)),
        lambda t, d: t.autograd.gradcheck(
            lambda x: x * x.detach(), (d.floats(3, low=1),), raise_exception=False
        ),
        lambda t, d: t.autograd.gradcheck(lambda x: x * x.detach(), (d.floats(3, low=1),)),
        lambda t, d: t.autograd.gradcheck(lambda x: x * x, (d.floats(3, grad=False),)),
    ],
    "torch.autograd.gradgradcheck": [lambda t, d: t.autograd.gradgradcheck(lambda x: x**3, (d.floats(3),))],
    "torch.autograd.backward": [
        lambda t, d: (
            t.autograd.backward([(d.floats(3) * 2).sum(), (d.floats(2) ** 2).sum()]),
            [x.grad for x in d.leaves],
        )[1]
    ],
    "torch.autograd.Variable": [
        lambda t, d: t.autograd.Variable(t.tensor([1.0, 2.0]), requires_grad=True).requires_grad,
        lambda t, d: t.autograd.Variable(d.floats(3)),
    ],
    "torch.autograd.functional.jacobian": [
        lambda t, d: t.autograd.functional.jacobian(_functions, d.floats(3)),
        lambda t, d: t.autograd.functional.jacobian(lambda x, y: x * y.sum(), (d.floats(3), d.floats(2))),
        lambda t, d: t.autograd.functional.jacobian(lambda x: (x.sum(), x * x), d.floats(2, 2)),
    ],
    "torch.autograd.functional.hessian": [
        lambda t, d: t.autograd.functional.hessian(lambda x: (x**3).sum(), d.floats(3)),
        lambda t, d: t.autograd.functional.hessian(lambda x, y: (x**2 * y).sum(), (d.floats(2), d.floats(2))),
        lambda t, d: t.autograd.functional.hessian(lambda x: x**3, d.floats(3)),
    ],
    "torch.autograd.functional.vjp": [
        lambda t, d: t.autograd.functional.vjp(_functions, d.floats(3), d.floats(3, grad=False))
    ],
    "torch.autograd.functional.jvp": [
        lambda t, d: t.autograd.functional.jvp(_functions, d.floats(3), d.floats(3, grad=False))
    ],
    "torch.autograd.functional.vhp": [
        lambda t, d: t.autograd.functional.vhp(lambda x: (x**3).sum(), d.floats(3), d.floats(3, grad=False))
    ],
    "torch.autograd.functional.hvp": [
        lambda t, d: t.autograd.functional.hvp(lambda x: (x**3).sum(), d.floats(3), d.floats(3, grad=False))
    ],
    "torch.func.grad": [
        lambda t, d: t.func.grad(lambda x: (x**3).sum())(d.floats(3, grad=False)),
        lambda t, d: t.func.grad(t.func.grad(lambda x: x**3))(d.floats(grad=False)),
        lambda t, d: t.func.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(
            d.floats(2, grad=False), d.floats(2)
        ),
    ],
    "torch.func.vmap": [
        lambda t, d: t.func.vmap(lambda x: x * x.sum())(d.floats(4, 3)),
        lambda t, d: t.func.vmap(lambda x, y: (x * y).sum(), in_dims=(0, None))(d.floats(4, 3), d.floats(3)),
        lambda t, d: t.func.vmap(lambda x: x.sin(), in_dims=1, out_dims=1)(d.floats(2, 3)),
    ],
    "torch.func.jacrev": [lambda t, d: t.func.jacrev(_functions)(d.floats(3, grad=False))],
    "torch.func.jacfwd": [lambda t, d: t.func.jacfwd(_functions)(d.floats(3, grad=False))],
    "torch.func.hessian": [lambda t, d: t.func.hessian(lambda x: (x**3).sum())(d.floats(3, grad=False))],
    "torch.func.vjp": [
        lambda t, d: (lambda y, pull: [y, pull(t.ones(3, dtype=t.float64))])(
            *t.func.vjp(_functions, d.floats(3, grad=False))
        )
    ],
    "torch.func.jvp": [
        lambda t, d: t.func.jvp(_functions, (d.floats(3, grad=False),), (d.floats(3, grad=False),))
    ],
    "Tensor.backward": [
        _gradient_changed,
        _gradient_given,
        _gradient_of_another_dtype,
        lambda t, d: _accumulated(t, d),
        lambda t, d: _inputs_only(t, d),
        lambda t, d: _freed(t, d),
        lambda t, d: d.floats(3).exp().backward(),
        lambda t, d: d.floats(3, grad=False).sum().backward(),
        lambda t, d: d.floats(3).exp().backward(d.floats(2, grad=False)),
    ],
    "Tensor.register_hook": [
        lambda t, d: _hooked(t, d),
        lambda t, d: d.floats(2, grad=False).register_hook(print),
    ],
    "Tensor.requires_grad_": [
        lambda t, d: d.floats(2, grad=False).requires_grad_(),
        lambda t, d: d.ints(2).requires_grad_(),
        lambda t, d: d.floats(2).exp().requires_grad_(False),
        lambda t, d: d.floats(2).requires_grad_(False),
    ],
    "Tensor.data": [_data, _data_unseen_by_backward, _data_of_a_part, _data_sees_later_changes],
    "Tensor.detach": [lambda t, d: d.floats(2, 2).detach(), lambda t, d: d.floats(2).exp().detach() * 2],
    "Tensor.retain_grad": [
        lambda t, d: (lambda y: (y.retain_grad(), (y * 3).sum().backward(), y.grad)[2])(d.floats(3).exp())
    ],
    "torch.no_grad": [lambda t, d: _modes(t, d)],
    "Tensor.add_": [
        lambda t, d: _leaf_changed(t, d),
        lambda t, d: (d.floats(3) * 2).add_(d.floats(3), alpha=2),
    ],
}
