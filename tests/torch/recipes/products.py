"""Products of vectors, matrices and stacks of them."""

from __future__ import annotations

from typing import Any


def _pair(name: str, *shapes: Any) -> list[Any]:
    """Recipes of two tensors, as a function and as a method, with wrong dtypes and what is no tensor."""
    made: list[Any] = []
    for one, other in shapes:
        made.append(lambda t, d, a=one, b=other: getattr(t, name)(d.floats(*a), d.floats(*b)))
        made.append(lambda t, d, a=one, b=other: getattr(t, name)(d.ints(*a), d.ints(*b)))
        if name != "inner":  # a tensor's `inner` is the library's tensor
            made.append(lambda t, d, a=one, b=other: getattr(d.floats(*a), name)(d.floats(*b)))
        made.append(
            lambda t, d, a=one, b=other: getattr(t, name)(
                d.floats(*a, dtype="float32"), d.floats(*b, dtype="float32")
            )
        )
    first = shapes[0]
    return [*made, lambda t, d: getattr(t, name)(d.floats(*first[0]), d.floats(*first[1], dtype="float32")),
            lambda t, d: getattr(t, name)(d.floats(*first[0]), 2.0)]  # fmt: skip


def _sum(name: str, *shapes: Any) -> list[Any]:
    """Recipes of a product and a sum; what is multiplied by 0 is left out, also if it is NaN."""
    made: list[Any] = []

    def drawn(d: Any, shapes: Any, kind: str = "floats") -> list[Any]:
        return [getattr(d, kind)(*s) for s in shapes]

    for s in shapes:
        made += [
            lambda t, d, s=s: getattr(t, name)(*drawn(d, s)),
            lambda t, d, s=s: (lambda x, *y: getattr(x, name)(*y, beta=0.5, alpha=2.0))(*drawn(d, s)),
            lambda t, d, s=s: getattr(t, name)(*drawn(d, s, "ints"), alpha=3),
            lambda t, d, s=s: (lambda x, *y: getattr(t, name)(x * float("nan"), *y, beta=0))(*drawn(d, s)),
        ]
    c, *rest = shapes[0]
    return [
        *made,
        lambda t, d: getattr(d.floats(*c) * 2, name + "_")(*drawn(d, rest)),
        lambda t, d: getattr(d.floats(*c), name + "_")(*drawn(d, rest)),
        lambda t, d: getattr(t, name)(d.floats(*c, dtype="float32"), *drawn(d, rest)),
    ]


V, W, M, N, B, C = (3,), (4,), (2, 3), (3, 4), (5, 2, 3), (5, 3, 4)
RECIPES: dict[str, list[Any]] = {
    "torch.matmul": _pair(
        "matmul",
        (M, N),
        (V, V),
        (M, V),
        (V, N),
        (B, C),
        (M, C),
        (B, N),
        (B, V),
        (V, C),
        (M, M),
        (V, W),
        ((), V),
        ((2, 0), (0, 3)),
        ((2, 1, 2, 3), C),
    ),
    "Tensor.__matmul__": [
        lambda t, d: d.floats(2, 3) @ d.floats(3, 4),
        lambda t, d: d.floats(3) @ d.floats(3),
        lambda t, d: d.floats(2, 3) @ d.floats(2, 3),
        lambda t, d: d.floats(2, 3) @ 2.0,
        lambda t, d: d.bools(2, 3) @ d.bools(3, 2),
    ],
    "torch.mm": [
        *_pair("mm", (M, N), (M, M), (M, V), (B, C)),
        lambda t, d: t.mm(d.ints(2, 3), d.ints(3, 2), out=t.zeros(1, dtype=t.int64)),
    ],
    "torch.bmm": _pair("bmm", (B, C), (B, B), (M, N), ((1, 2, 3), C)),
    "torch.mv": _pair("mv", (M, V), (M, W), (M, N)),
    "torch.dot": _pair("dot", (V, V), (V, W), (M, V)),
    "torch.vdot": _pair("vdot", (V, V), (V, W)),
    "torch.inner": _pair("inner", (V, V), (M, (4, 3)), (M, V), ((), V), (V, W), (B, M)),
    "torch.outer": [*_pair("outer", (V, W), (M, V))[:-2], lambda t, d: t.outer(d.any(3), d.any(2))],
    "torch.ger": _pair("ger", (V, W))[:-2],
    "torch.kron": [
        *_pair("kron", (M, N), (V, W), (M, V), ((), M))[:-2],
        lambda t, d: t.kron(d.any(2), d.any(2)),
    ],
    "torch.tensordot": [
        lambda t, d: t.tensordot(d.floats(2, 3, 4), d.floats(3, 4, 5)),
        lambda t, d: t.tensordot(d.floats(2, 3), d.floats(3, 2), dims=1),
        lambda t, d: t.tensordot(d.floats(2, 3), d.floats(4), dims=0),
        lambda t, d: t.tensordot(d.floats(2, 3, 4), d.floats(4, 3), dims=([1, 2], [1, 0])),
        lambda t, d: t.tensordot(d.floats(2, 3), d.floats(2, 3), dims=([1], [1])),
        lambda t, d: t.tensordot(d.floats(2, 3), d.floats(2, 3), dims=1),
        lambda t, d: t.tensordot(d.floats(2, 3), d.floats(2, 3), dims=-1),
        lambda t, d: t.tensordot(d.floats(2, 3), d.floats(2, 3), dims=3),
        lambda t, d: t.tensordot(d.ints(2, 3), d.ints(3), 1),
        lambda t, d: t.tensordot(d.floats(2, 3), d.floats(3, dtype="float32"), 1),
    ],
    "torch.einsum": [
        lambda t, d: t.einsum("ij,jk->ik", d.floats(2, 3), d.floats(3, 4)),
        lambda t, d: t.einsum("ij->ji", d.floats(2, 3)),
        lambda t, d: t.einsum("ii", d.floats(3, 3)),
        lambda t, d: t.einsum("ii->i", d.floats(3, 3)),
        lambda t, d: t.einsum("bij,bjk->bik", d.floats(2, 3, 2), d.floats(2, 2, 3)),
        lambda t, d: t.einsum("i,j->ij", d.floats(2), d.floats(3)),
        lambda t, d: t.einsum("...ij,...jk->...ik", d.floats(2, 2, 3), d.floats(3, 2)),
        lambda t, d: t.einsum("ij,jk", d.floats(2, 3), d.floats(3, 4)),
        lambda t, d: t.einsum("ba,cb", d.floats(2, 3), d.floats(4, 2)),
        lambda t, d: t.einsum("ij,jk,kl->il", d.floats(2, 3), d.floats(3, 2), d.floats(2, 2)),
        lambda t, d: t.einsum("i j , j k -> i k", d.floats(2, 3), d.floats(3, 4)),
        lambda t, d: t.einsum("ij,ij->", d.floats(2, 3), d.floats(2, 3)),
        lambda t, d: t.einsum("ij->i", d.ints(2, 3)),
        lambda t, d: t.einsum("ij,jk->ik", [d.floats(2, 3), d.floats(3, 4)]),
        lambda t, d: t.einsum(d.floats(2, 3), [0, 1], d.floats(3, 4), [1, 2], [0, 2]),
        lambda t, d: t.einsum("ij,jk->ik", d.floats(2, 3), d.floats(2, 4)),
        lambda t, d: t.einsum("ij->ik", d.floats(2, 3)),
        lambda t, d: t.einsum("ijk->i", d.floats(2, 3)),
        lambda t, d: t.einsum("ij,jk->ik", d.floats(2, 3)),
        lambda t, d: t.einsum("ij,jk->ik", d.floats(2, 3), d.ints(3, 2)),
        lambda t, d: t.einsum("bhid,bhjd->bhij", d.floats(2, 2, 3, 2), d.floats(2, 2, 4, 2)),
        lambda t, d: t.einsum("i.j->ij", d.floats(2, 3)),
        lambda t, d: t.einsum("Ab,bC", d.floats(2, 3), d.floats(3, 2)),
        lambda t, d: t.einsum("ij,kj->ik", d.floats(2, 1), d.floats(3, 4)),
        lambda t, d: t.einsum("...,...->...", d.floats(2, 3), d.floats(3)),
        lambda t, d: t.einsum(",i->i", d.floats(), d.floats(3)),
    ],
    "torch.cross": [
        lambda t, d: t.cross(d.floats(2, 3), d.floats(2, 3), dim=1),
        lambda t, d: t.cross(d.floats(3, 2), d.floats(3, 2), dim=0),
        lambda t, d: d.floats(2, 3).cross(d.floats(2, 3)),
        lambda t, d: t.cross(d.floats(2, 4), d.floats(2, 4), dim=1),
        lambda t, d: t.cross(d.floats(2, 4), d.floats(2, 4)),
        lambda t, d: t.cross(d.ints(3), d.ints(3), dim=0),
        lambda t, d: t.cross(d.floats(2, 3), d.floats(1, 3), dim=1),
        lambda t, d: t.cross(d.floats(2, 3), d.floats(3), dim=-1),
    ],
    "torch.addmm": _sum(
        "addmm", ((2, 4), M, N), ((4,), M, N), ((2, 1), M, N), ((3, 4), M, N), ((2, 4), M, M)
    ),
    "torch.addmv": _sum("addmv", ((2,), M, V), ((1,), M, V), ((3,), M, V)),
    "torch.addr": _sum("addr", ((3, 4), V, W), ((4,), V, W), ((3, 3), V, W)),
    "torch.baddbmm": _sum("baddbmm", ((5, 2, 4), B, C), ((2, 4), B, C), ((5, 2, 3), B, C)),
    "torch.addbmm": _sum("addbmm", ((2, 4), B, C), ((4,), B, C)),
    "torch.chain_matmul": [
        lambda t, d: t.chain_matmul(d.floats(2, 3), d.floats(3, 4), d.floats(4, 2)),
        lambda t, d: t.chain_matmul(d.floats(2, 3)),
        lambda t, d: t.chain_matmul(d.floats(2, 3), d.floats(2, 3)),
    ],
    "torch.cdist": [
        lambda t, d: t.cdist(d.floats(4, 3), d.floats(2, 3), p=d.choose([1.0, 2.0, 3.0, float("inf"), 0.5])),
        lambda t, d: t.cdist(d.floats(2, 4, 3), d.floats(2, 3, 3)),
        lambda t, d: t.cdist(d.floats(4, 3), d.floats(2, 2)),
        lambda t, d: t.cdist(d.floats(3), d.floats(2, 3)),
        lambda t, d: t.cdist(d.ints(2, 3), d.ints(2, 3)),
        lambda t, d: t.cdist(d.floats(2, 3), d.floats(2, 3), -1.0),
        lambda t, d: t.cdist(d.floats(3, 2), d.floats(5, 3, 2)),
        lambda t, d: (lambda x: t.cdist(x, x))(d.floats(3, 2)),
        lambda t, d: t.cdist(d.floats(0, 3), d.floats(2, 3)),
        lambda t, d: t.cdist(d.ints(3, 2).double(), d.ints(2, 2).double(), p=0.0),
    ],
    "torch.trace": [
        lambda t, d: t.trace(d.floats(3, 3)),
        lambda t, d: d.floats(2, 3).trace(),
        lambda t, d: t.trace(d.ints(3, 2, dtype="int32")),
        lambda t, d: t.trace(d.floats(3)),
    ],
    "torch.matrix_power": [
        lambda t, d: t.matrix_power(d.floats(3, 3), d.whole(0, 5)),
        lambda t, d: d.floats(2, 3, 3).matrix_power(2),
        lambda t, d: t.matrix_power(d.floats(2, 2) + 5 * t.eye(2), -2),
        lambda t, d: t.matrix_power(d.floats(2, 3), 2),
        lambda t, d: t.matrix_power(d.floats(3), 2),
    ],
    "torch.cov": [
        lambda t, d: t.cov(d.floats(3, 5)),
        lambda t, d: d.floats(5).cov(correction=0),
        lambda t, d: t.cov(d.floats(2, 4), fweights=t.tensor([1, 2, 3, 1])),
        lambda t, d: t.cov(d.floats(2, 4), aweights=d.floats(4, low=0.1, high=1, grad=False)),
        lambda t, d: t.cov(d.ints(2, 4)),
        lambda t, d: t.cov(
            d.floats(2, 4),
            fweights=t.tensor([1, 2, 3, 1]),
            aweights=t.tensor([0.5, 1, 2, 1], dtype=t.float64),
        ),
        lambda t, d: t.cov(d.floats(2, 2, 2)),
        lambda t, d: t.cov(d.bools(2, 2)),
        lambda t, d: t.cov(d.floats(2, 4), fweights=d.floats(4)),
    ],
    "torch.corrcoef": [
        lambda t, d: t.corrcoef(d.floats(3, 5)),
        lambda t, d: d.floats(4).corrcoef(),
        lambda t, d: t.corrcoef(d.floats(2, 2, 2)),
    ],
    "torch.vander": [
        lambda t, d: t.vander(d.floats(3, grad=False)),
        lambda t, d: t.vander(d.ints(3), N=d.whole(0, 5)),
        lambda t, d: t.vander(d.floats(3, grad=False), 4, increasing=True),
        lambda t, d: t.vander(d.floats(2, 2)),
        lambda t, d: t.vander(d.floats(2), -1),
    ],
    "torch.trapezoid": [
        lambda t, d: t.trapezoid(d.floats(2, 5)),
        lambda t, d: t.trapezoid(d.floats(2, 5), dx=0.5, dim=0),
        lambda t, d: t.trapezoid(d.floats(2, 5), d.floats(5)),
        lambda t, d: t.trapz(d.floats(2, 5), d.floats(2, 5)),
    ],
}
