"""Linear algebra. Vectors that are known up to their sign are compared by what they build."""

from __future__ import annotations

from typing import Any


def _regular(t: Any, d: Any, *lead: int, n: int = 3) -> Any:
    """Square matrices that are far from singular."""
    return d.floats(*lead, n, n) + 5 * t.eye(n, dtype=t.float64)


def _positive(t: Any, d: Any, *lead: int, n: int = 3) -> Any:
    x = d.floats(*lead, n, n)
    return x @ x.mT + t.eye(n, dtype=t.float64)


def _symmetric(t: Any, d: Any, *lead: int) -> Any:
    x = d.distinct(*lead, 3, 3)
    return x + x.mT


def _squares(t: Any, name: str, module: str = "linalg") -> list[Any]:
    """Recipes of a function of square matrices."""

    def called(t: Any, *args: Any) -> Any:
        return getattr(getattr(t, module) if module else t, name)(*args)

    return [
        lambda t, d: called(t, _regular(t, d)),
        lambda t, d: called(t, _regular(t, d, 2)),
        lambda t, d: called(t, _regular(t, d).detach().float()),
        lambda t, d: called(t, d.floats(2, 3)),
        lambda t, d: called(t, d.floats(3)),
        lambda t, d: called(t, d.ints(3, 3)),
        lambda t, d: called(t, d.floats(0, 2, 2)),
    ]


def _eigh(t: Any, d: Any) -> Any:
    x = _symmetric(t, d, 2)
    w, v = t.linalg.eigh(x)
    return [w, v @ (w.exp().unsqueeze(-1) * v.mT), v.abs()]


def _svd(t: Any, d: Any, full: bool = False) -> Any:
    x = d.distinct(4, 3)
    found = t.linalg.svd(x, full_matrices=full)
    u, s, vh = found
    return [u @ t.diag(s.exp()) @ vh, s, found.S, u.abs()]


def _full_svd(t: Any, d: Any) -> Any:
    u, s, vh = t.linalg.svd(d.floats(4, 3, grad=False))
    return [u.shape, vh.shape, (u[:, :3] * s) @ vh]


def _old_svd(t: Any, d: Any) -> Any:
    x = d.distinct(3, 4)
    u, s, v = t.svd(x)
    return [u @ t.diag(s) @ v.t(), s, t.svd(x.detach(), compute_uv=False).S]


def _qr(t: Any, d: Any, call: Any) -> Any:
    q, r = call(d.floats(4, 3))
    return [q @ r, q.abs(), r.abs()]


def _inverse_of_singular(t: Any, d: Any) -> Any:
    try:
        t.linalg.inv(t.ones(2, 2))
    except t.linalg.LinAlgError as error:
        return isinstance(error, RuntimeError)
    return "no error"


def _cholesky_solve(t: Any, d: Any, upper: bool) -> Any:
    low = t.linalg.cholesky(_positive(t, d), upper=upper)
    return t.cholesky_solve(d.floats(3, 2), low, upper)


NORMS = [None, 2, 1, float("inf"), -1, 0, 3]
MATRIX = ["fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf")]
RECIPES: dict[str, list[Any]] = {
    "torch.linalg.inv": [
        *_squares(None, "inv"),
        _inverse_of_singular,
        lambda t, d: t.linalg.inv(t.zeros(2, 2)),
    ],
    "torch.inverse": [*_squares(None, "inverse", ""), lambda t, d: _regular(t, d).inverse()],
    "torch.linalg.inv_ex": [
        lambda t, d: list(t.linalg.inv_ex(_regular(t, d))),
        lambda t, d: t.linalg.inv_ex(_regular(t, d, 2)).info,
    ],
    "torch.linalg.det": [*_squares(None, "det"), lambda t, d: t.linalg.det(t.ones(2, 2))],
    "torch.det": [*_squares(None, "det", ""), lambda t, d: _regular(t, d).det()],
    "torch.linalg.slogdet": [
        lambda t, d: list(t.linalg.slogdet(_regular(t, d))),
        lambda t, d: t.linalg.slogdet(-_regular(t, d).detach()).sign,
        lambda t, d: t.linalg.slogdet(d.floats(2, 3)),
    ],
    "torch.slogdet": [
        lambda t, d: list(t.slogdet(_regular(t, d))),
        lambda t, d: _regular(t, d).slogdet().logabsdet,
    ],
    "torch.logdet": [
        lambda t, d: t.logdet(_positive(t, d)),
        lambda t, d: _positive(t, d, 2).logdet(),
        lambda t, d: t.logdet(t.tensor([[0.0, 1.0], [1.0, 0.0]])),
        lambda t, d: t.logdet(d.floats(2, 3)),
    ],
    "torch.linalg.cholesky": [
        lambda t, d: t.linalg.cholesky(_positive(t, d)),
        lambda t, d: t.linalg.cholesky(_positive(t, d, 2), upper=True),
        lambda t, d: t.linalg.cholesky(-t.eye(2)),
        lambda t, d: t.linalg.cholesky(d.floats(2, 3)),
        lambda t, d: t.linalg.cholesky(t.tensor([[4.0, 9.0], [2.0, 5.0]])),
        lambda t, d: t.linalg.cholesky(t.tensor([[4.0, 2.0], [9.0, 5.0]]), upper=True),
    ],
    "torch.cholesky": [
        lambda t, d: t.cholesky(_positive(t, d)),
        lambda t, d: _positive(t, d).cholesky(upper=True),
    ],
    "torch.linalg.cholesky_ex": [lambda t, d: list(t.linalg.cholesky_ex(_positive(t, d)))],
    "torch.cholesky_solve": [
        lambda t, d: _cholesky_solve(t, d, False),
        lambda t, d: _cholesky_solve(t, d, True),
        lambda t, d: t.cholesky_solve(d.floats(3), d.floats(3, 3)),
    ],
    "torch.cholesky_inverse": [
        lambda t, d: t.cholesky_inverse(t.linalg.cholesky(_positive(t, d))),
        lambda t, d: t.cholesky_inverse(t.linalg.cholesky(_positive(t, d), upper=True), upper=True),
    ],
    "torch.linalg.qr": [
        lambda t, d: _qr(t, d, t.linalg.qr),
        lambda t, d: [x.shape for x in t.linalg.qr(d.floats(4, 3, grad=False), mode="complete")],
        lambda t, d: t.linalg.qr(d.floats(4, 3, grad=False), mode="r").R.abs(),
        lambda t, d: t.linalg.qr(d.floats(3)),
        lambda t, d: t.linalg.qr(d.floats(3, 3), mode="some"),
        lambda t, d: t.linalg.qr(d.ints(3, 3)),
    ],
    "torch.qr": [lambda t, d: _qr(t, d, t.qr), lambda t, d: t.qr(d.floats(3, 3)).Q.abs()],
    "torch.linalg.eigh": [
        _eigh,
        lambda t, d: t.linalg.eigh(t.tensor([[1.0, 9.0], [2.0, 3.0]])).eigenvalues,
        lambda t, d: t.linalg.eigh(t.tensor([[1.0, 9.0], [2.0, 3.0]]), UPLO="U")[0],
        lambda t, d: t.linalg.eigh(t.eye(2), "A"),
        lambda t, d: t.linalg.eigh(d.floats(2, 3)),
    ],
    "torch.linalg.eigvalsh": [
        lambda t, d: t.linalg.eigvalsh(_symmetric(t, d)),
        lambda t, d: t.linalg.eigvalsh(t.tensor([[1.0, 9.0], [2.0, 3.0]]), UPLO="U"),
        lambda t, d: t.linalg.eigvalsh(d.floats(3)),
    ],
    "torch.linalg.svd": [
        _svd,
        _full_svd,
        lambda t, d: t.linalg.svd(d.floats(3)),
        lambda t, d: t.linalg.svd(d.ints(3, 3)),
        lambda t, d: t.linalg.svd(d.floats(2, 3, 3, grad=False)).S,
    ],
    "torch.svd": [_old_svd, lambda t, d: _old_svd(t, d)[1]],
    "torch.linalg.svdvals": [
        lambda t, d: t.linalg.svdvals(d.floats(3, 4)),
        lambda t, d: t.linalg.svdvals(d.floats(2, 3, 3)),
        lambda t, d: t.linalg.svdvals(d.floats(3)),
    ],
    "torch.linalg.pinv": [
        lambda t, d: t.linalg.pinv(d.floats(4, 3)),
        lambda t, d: t.linalg.pinv(d.floats(2, 3, 3), rtol=1e-3),
        lambda t, d: t.linalg.pinv(d.floats(4, 3), atol=0.1),
        lambda t, d: t.linalg.pinv(_symmetric(t, d), hermitian=True),
        lambda t, d: t.linalg.pinv(d.floats(3)),
        lambda t, d: t.linalg.pinv(d.floats(4, 3), 1e-4),
    ],
    "torch.pinverse": [lambda t, d: t.pinverse(d.floats(4, 3)), lambda t, d: d.floats(3, 4).pinverse()],
    "torch.linalg.matrix_rank": [
        lambda t, d: t.linalg.matrix_rank(d.floats(4, 3)),
        lambda t, d: t.linalg.matrix_rank(t.ones(2, 3, 3)),
        lambda t, d: t.linalg.matrix_rank(d.floats(3, 3), atol=2.0),
        lambda t, d: t.linalg.matrix_rank(d.floats(3, 3), rtol=0.5),
        lambda t, d: t.linalg.matrix_rank(_symmetric(t, d), hermitian=True),
        lambda t, d: t.linalg.matrix_rank(d.floats(3)),
    ],
    "torch.linalg.solve": [
        lambda t, d: t.linalg.solve(_regular(t, d), d.floats(3, 2)),
        lambda t, d: t.linalg.solve(_regular(t, d), d.floats(3)),
        lambda t, d: t.linalg.solve(_regular(t, d, 2), d.floats(2, 3)),
        lambda t, d: t.linalg.solve(_regular(t, d), d.floats(2, 3), left=False),
        lambda t, d: t.linalg.solve(_regular(t, d, 2), d.floats(2, 3, 4)),
        lambda t, d: t.linalg.solve(t.ones(2, 2), t.ones(2)),
        lambda t, d: t.linalg.solve(_regular(t, d), d.floats(4)),
        lambda t, d: t.linalg.solve(_regular(t, d), d.floats(3).float()),
        lambda t, d: t.linalg.solve(d.floats(2, 3), d.floats(2)),
    ],
    "torch.linalg.solve_triangular": [
        lambda t, d: t.linalg.solve_triangular(_regular(t, d).triu(), d.floats(3, 2), upper=True),
        lambda t, d: t.linalg.solve_triangular(
            _regular(t, d).tril(), d.floats(2, 3), upper=False, left=False
        ),
        lambda t, d: t.linalg.solve_triangular(
            _regular(t, d), d.floats(3, 2), upper=False, unitriangular=True
        ),
        lambda t, d: t.linalg.solve_triangular(_regular(t, d), d.floats(3), upper=True),
    ],
    "torch.triangular_solve": [
        lambda t, d: list(t.triangular_solve(d.floats(3, 2), _regular(t, d).triu())),
        lambda t, d: t.triangular_solve(d.floats(3, 2), _regular(t, d).triu(), transpose=True).solution,
    ],
    "torch.linalg.lstsq": [
        lambda t, d: list(t.linalg.lstsq(d.floats(5, 3), d.floats(5, 2))),
        lambda t, d: t.linalg.lstsq(d.floats(5, 3), d.floats(5, 2), driver="gelsd")[2:],
        lambda t, d: list(
            t.linalg.lstsq(d.floats(5, 3, grad=False), d.floats(5, 2, grad=False), driver="gels")
        ),
        lambda t, d: t.linalg.lstsq(d.floats(3, 5), d.floats(3, 1)).solution,
        lambda t, d: t.linalg.lstsq(d.floats(3, 3), d.floats(3, 1), driver="a"),
    ],
    "torch.linalg.matrix_exp": _squares(None, "matrix_exp"),
    "torch.matrix_exp": [
        lambda t, d: t.matrix_exp(d.floats(3, 3)),
        lambda t, d: d.floats(2, 2, 2).matrix_exp(),
    ],
    "torch.linalg.matrix_power": [lambda t, d: t.linalg.matrix_power(_regular(t, d), d.whole(-2, 4))],
    "torch.linalg.vector_norm": [
        lambda t, d: t.linalg.vector_norm(
            d.floats(2, 3), d.choose(NORMS[1:]), d.choose([None, 0, -1, (0, 1)]), d.choose([False, True])
        ),
        lambda t, d: t.linalg.vector_norm(d.floats(3, dtype="float32"), dtype=t.float64),
        lambda t, d: t.linalg.vector_norm(d.ints(3)),
        lambda t, d: t.linalg.vector_norm(d.floats(3), dim=1),
        lambda t, d: t.linalg.vector_norm(d.floats()),
    ],
    "torch.linalg.matrix_norm": [
        lambda t, d: t.linalg.matrix_norm(d.distinct(3, 4), d.choose(MATRIX)),
        lambda t, d: t.linalg.matrix_norm(d.distinct(2, 3, 4), d.choose(MATRIX), keepdim=True),
        lambda t, d: t.linalg.matrix_norm(d.distinct(3, 2, 4), d.choose(MATRIX), dim=(0, 2)),
        lambda t, d: t.linalg.matrix_norm(d.floats(3)),
        lambda t, d: t.linalg.matrix_norm(d.floats(3, 3), "two"),
        lambda t, d: t.linalg.matrix_norm(d.floats(3, 3), dim=(0, 0)),
        lambda t, d: t.linalg.matrix_norm(d.floats(2, 2), 3),
    ],
    "torch.linalg.norm": [
        lambda t, d: t.linalg.norm(d.floats(4), d.choose(NORMS)),
        lambda t, d: t.linalg.norm(d.distinct(3, 4), d.choose([None, *MATRIX])),
        lambda t, d: t.linalg.norm(d.floats(2, 3), d.choose(NORMS), dim=1, keepdim=True),
        lambda t, d: t.linalg.norm(d.distinct(2, 3, 4), "fro", dim=(0, 1)),
        lambda t, d: t.linalg.norm(d.floats(2, 3, 4)),
        lambda t, d: t.linalg.norm(d.floats(2, 3, 4), 2),
        lambda t, d: t.linalg.norm(d.floats(3), "fro"),
    ],
    "torch.linalg.cond": [
        lambda t, d: t.linalg.cond(_regular(t, d).detach(), d.choose([None, *MATRIX])),
        lambda t, d: t.linalg.cond(_regular(t, d)),
        lambda t, d: t.linalg.cond(d.floats(4, 3)),
        lambda t, d: t.linalg.cond(t.zeros(2, 2), 1),
        lambda t, d: t.linalg.cond(d.floats(4, 3), 1),
    ],
    "torch.linalg.matmul": [lambda t, d: t.linalg.matmul(d.floats(2, 3), d.floats(3, 2))],
    "torch.linalg.diagonal": [
        lambda t, d: t.linalg.diagonal(d.floats(2, 3, 4)),
        lambda t, d: t.linalg.diagonal(d.floats(2, 3), offset=1),
    ],
    "torch.linalg.cross": [
        lambda t, d: t.linalg.cross(d.floats(2, 3), d.floats(2, 3)),
        lambda t, d: t.linalg.cross(d.floats(3, 2), d.floats(3, 1), dim=0),
        lambda t, d: t.linalg.cross(d.floats(4), d.floats(4)),
    ],
    "torch.linalg.vecdot": [
        lambda t, d: t.linalg.vecdot(d.floats(2, 3), d.floats(2, 3)),
        lambda t, d: t.linalg.vecdot(d.floats(2, 3), d.floats(3)),
        lambda t, d: t.linalg.vecdot(d.floats(3, 2), d.floats(3, 2), dim=0),
        lambda t, d: t.linalg.vecdot(d.floats(3), d.floats(4)),
    ],
    "torch.linalg.multi_dot": [
        lambda t, d: t.linalg.multi_dot([d.floats(2, 3), d.floats(3, 4), d.floats(4, 2), d.floats(2, 5)]),
        lambda t, d: t.linalg.multi_dot([d.floats(3), d.floats(3, 4), d.floats(4)]),
        lambda t, d: t.linalg.multi_dot([d.floats(3), d.floats(3, 4)]),
        lambda t, d: t.linalg.multi_dot([d.floats(3, 3)]),
        lambda t, d: t.linalg.multi_dot([d.floats(2, 3), d.floats(2, 3)]),
    ],
    "torch.linalg.vander": [
        lambda t, d: t.linalg.vander(d.floats(3)),
        lambda t, d: t.linalg.vander(d.floats(2, 3), N=4),
        lambda t, d: t.linalg.vander(d.ints(3)),
        lambda t, d: t.linalg.vander(d.floats()),
    ],
    "torch.linalg.tensorinv": [
        lambda t, d: t.linalg.tensorinv(_regular(t, d, n=6).reshape(2, 3, 6), ind=2),
        lambda t, d: t.linalg.tensorinv(_regular(t, d), ind=1),
        lambda t, d: t.linalg.tensorinv(d.floats(2, 3, 4)),
        lambda t, d: t.linalg.tensorinv(d.floats(2, 2), ind=0),
    ],
    "torch.linalg.tensorsolve": [
        lambda t, d: t.linalg.tensorsolve(_regular(t, d, n=6).reshape(2, 3, 6), d.floats(2, 3)),
        lambda t, d: t.linalg.tensorsolve(_regular(t, d, n=6).reshape(2, 3, 3, 2), d.floats(2, 3)),
        lambda t, d: t.linalg.tensorsolve(d.floats(2, 3, 4), d.floats(2, 3)),
    ],
}
