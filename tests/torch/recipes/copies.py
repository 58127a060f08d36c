"""Views as copies, pieces that may be changed, memory taken over, and numbers drawn on the host."""

from __future__ import annotations

from typing import Any


def _apart(name: str, *args: Any) -> list[Any]:
    """A copy of a view has memory of its own."""

    def changed(t: Any, d: Any) -> Any:
        x = d.floats(3, 4, grad=False)
        made = getattr(t, name)(x, *args)
        x += 1
        return made

    return [changed, lambda t, d: getattr(t, name)(d.floats(3, 4), *args)]


def _pieces(name: str, *args: Any) -> Any:
    def recipe(t: Any, d: Any) -> Any:
        one, other = getattr(t, name)(d.floats(4, 3) * 1, *args)
        one.mul_(2)
        return [one, other]

    return recipe


def _taken(t: Any, d: Any) -> Any:
    x, y = d.floats(2, 3, grad=False), t.zeros(2, dtype=t.float64)
    y.set_(x)
    y[0, 0] = 7
    return [x, y, tuple(t.zeros(3).set_().shape)]


def _drawn(x: Any, low: float, high: float) -> list[Any]:
    numbers = x.detach().numpy()
    return [tuple(x.shape), str(x.dtype), x.requires_grad, bool((numbers == numbers.round()).all()),
            bool(((numbers >= low) & (numbers <= high)).all())]  # fmt: skip


def _mean(x: Any, mean: float, near: float) -> bool:
    return bool(abs(float(x.numpy().mean()) - mean) < near)


RECIPES: dict[str, list[Any]] = {
    "torch.alias_copy": _apart("alias_copy"),
    "torch.as_strided_copy": _apart("as_strided_copy", (2, 2), (4, 1)),
    "torch.detach_copy": _apart("detach_copy")[:1],
    "torch.diagonal_copy": _apart("diagonal_copy", 1),
    "torch.expand_copy": [lambda t, d: t.expand_copy(d.floats(3, 1), (3, 2))],
    "torch.permute_copy": _apart("permute_copy", (1, 0)),
    "torch.select_copy": _apart("select_copy", 0, 1),
    "torch.slice_copy": _apart("slice_copy", 1, 0, 3, 2),
    "torch.split_copy": _apart("split_copy", 2),
    "torch.split_with_sizes_copy": _apart("split_with_sizes_copy", [1, 2]),
    "torch.squeeze_copy": [lambda t, d: t.squeeze_copy(d.floats(1, 3))],
    "torch.t_copy": _apart("t_copy"),
    "torch.transpose_copy": _apart("transpose_copy", 0, 1),
    "torch.unbind_copy": _apart("unbind_copy", 1),
    "torch.unfold_copy": _apart("unfold_copy", 1, 2, 1),
    "torch.unsqueeze_copy": _apart("unsqueeze_copy", 0),
    "torch.view_copy": _apart("view_copy", (4, 3)),
    "torch.unsafe_chunk": [_pieces("unsafe_chunk", 2)],
    "torch.unsafe_split": [_pieces("unsafe_split", 2)],
    "torch.unsafe_split_with_sizes": [_pieces("unsafe_split_with_sizes", [1, 3])],
    "torch.empty_strided": [lambda t, d: tuple(t.empty_strided((2, 3), (3, 1)).shape)],
    "torch.empty_permuted": [lambda t, d: tuple(t.empty_permuted((2, 3), (0, 1), dtype=t.int64).shape)],
    "torch.as_strided_scatter": [
        lambda t, d: t.as_strided_scatter(d.floats(3, 3, grad=False), d.floats(2, 2), (2, 2), (1, 2))
    ],
    "torch.detach": [lambda t, d: t.detach(d.floats(2)), lambda t, d: t.detach(2.5)],
    "torch.detach_": [lambda t, d: t.detach_(d.floats(2) * 2)],
    "torch.get_device": [lambda t, d: t.get_device(d.any(2))],
    "torch.is_signed": [
        lambda t, d: t.is_signed(d.any(2)),
        lambda t, d: t.is_signed(t.ones(1, dtype=t.uint8)),
    ],
    "Tensor.set_": [
        _taken,
        lambda t, d: d.floats(2).set_(t.ones(2)),
        lambda t, d: t.ones(2).set_(t.ones(2).long()),
    ],
    "Tensor.as_strided_": [lambda t, d: d.ints(3, 3).as_strided_((2, 2), (1, 2))],
    "Tensor.H": [lambda t, d: d.floats(2, 3).H, lambda t, d: d.floats(2, 3, 4).H, lambda t, d: d.floats().H],
    "Tensor.real": [lambda t, d: d.floats(2, 3).real],
    "Tensor.to_dense": [lambda t, d: d.floats(2, 3).to_dense()],
    "Tensor.dim_order": [lambda t, d: d.floats(2, 3).dim_order()],
    "torch.poisson": [
        lambda t, d: _drawn(t.poisson(d.floats(2, 3, low=0.5, high=4)), 0, 99),
        lambda t, d: _mean(t.poisson(t.full((20000,), 3.0)), 3.0, 0.1),
        lambda t, d: t.poisson(-t.ones(2)),
        lambda t, d: t.poisson(t.zeros(3)),
    ],
    "torch.binomial": [
        lambda t, d: _drawn(t.binomial(t.full((5,), 4.0), t.full((5,), 0.5)), 0, 4),
        lambda t, d: _mean(t.binomial(t.full((20000,), 10.0), t.full((20000,), 0.3)), 3.0, 0.1),
        lambda t, d: t.binomial(t.full((2,), 3.0), t.tensor([0.0, 1.0])),
    ],
    "torch.svd_lowrank": [lambda t, d: t.svd_lowrank(d.distinct(5, 4, grad=False), q=4)[1]],
    "torch.pca_lowrank": [
        lambda t, d: (lambda u, s, v: [s, u @ t.diag(s) @ v.T])(
            *t.pca_lowrank(d.distinct(6, 3, grad=False), q=3)
        ),
        lambda t, d: t.pca_lowrank(d.distinct(6, 3, grad=False), q=9),
    ],
    "torch.linalg.solve_ex": [
        lambda t, d: list(t.linalg.solve_ex(d.floats(3, 3) + 5 * t.eye(3), d.floats(3, 2)))
    ],
}
