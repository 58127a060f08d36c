"""torch.nn.init and torch.nn.utils."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.torch.recipes.nn_layers import filled

Recipe = Callable[[Any, Any], Any]

# -- initial values: what holds of them, whatever is drawn --------------------------------


def _moments(name: str, *shape: int, **options: Any) -> Recipe:
    """Whether mean and spread of what is drawn are those of a distribution: the same on both sides."""

    def recipe(t: Any, d: Any) -> Any:
        t.manual_seed(1)
        x = t.empty(*(shape or (200, 300)))
        found = getattr(t.nn.init, name)(x, **options)
        spread = float(x.std())
        return [found is x, round(float(x.mean()) * 5 / (spread or 1)), _rounded(spread), x.shape]

    return recipe


def _rounded(number: float) -> int:
    """A number's logarithm in steps of 10%."""
    from math import log

    return round(log(number) * 5) if number > 0 else -1000


def _exact(name: str, shape: tuple[int, ...], **options: Any) -> Recipe:
    return lambda t, d: getattr(t.nn.init, name)(t.zeros(*shape) + 0.5, **options)


def _orthogonal(t: Any, d: Any) -> Any:
    rows, columns = d.choose([(3, 5), (5, 3), (4, 4)])
    x = t.nn.init.orthogonal_(t.empty(rows, columns, dtype=t.float64), gain=2.0)
    return x @ x.t() if rows <= columns else x.t() @ x


def _sparse(t: Any, d: Any) -> Any:
    x = t.nn.init.sparse_(t.empty(20, 4), sparsity=0.3)
    return (x == 0).sum(0)


def _bounded(t: Any, d: Any) -> Any:
    x = t.nn.init.trunc_normal_(t.empty(1000), std=2.0, a=-1.0, b=0.5)
    return [bool(x.min() >= -1), bool(x.max() <= 0.5), bool(x.max() > 0.4), bool(x.min() < -0.9)]


def _parameter(t: Any, d: Any) -> Any:
    p = t.nn.Parameter(t.zeros(3))
    t.nn.init.constant_(p, 2.0)
    return [p.requires_grad, p.detach(), p.is_leaf]


def _old(name: str, *args: Any) -> Recipe:
    return lambda t, d: getattr(t.nn.init, name)(t.empty(4, 4), *args).shape


_GAINS = ["linear", "conv2d", "conv_transpose1d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]

# -- gradients clipped, vectors ---------------------------------------------------------------


def _model(t: Any, d: Any) -> Any:
    module = filled(t, d, t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.Linear(4, 2)))
    d.leaves.clear()
    (module(d.floats(5, 3, grad=False)) ** 2).sum().backward()
    return module


def _clipped(t: Any, d: Any) -> Any:
    module, kind = _model(t, d), d.choose([2.0, 1.0, 3.0, float("inf")])
    total = t.nn.utils.clip_grad_norm_(module.parameters(), d.choose([0.5, 1e6]), kind)
    return [total, [p.grad for p in module.parameters()]]


def _clipped_one(t: Any, d: Any) -> Any:
    module = _model(t, d)
    total = t.nn.utils.clip_grad_norm_(module[0].weight, 0.1)
    return [total, module[0].weight.grad, t.nn.utils.clip_grad_norm_([t.zeros(2)], 1.0)]


def _not_finite(t: Any, d: Any) -> Any:
    p = t.nn.Parameter(t.zeros(2))
    p.grad = t.tensor([1.0, float("inf")])
    return t.nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)


def _clipped_values(t: Any, d: Any) -> Any:
    module = _model(t, d)
    t.nn.utils.clip_grad_value_(module.parameters(), 0.3)
    return [p.grad for p in module.parameters()]


def _scaled(t: Any, d: Any) -> Any:
    module = _model(t, d)
    total = t.nn.utils.get_total_norm([p.grad for p in module.parameters()])
    t.nn.utils.clip_grads_with_norm_(module.parameters(), 0.2, total)
    return [total, [p.grad for p in module.parameters()]]


def _vector(t: Any, d: Any) -> Any:
    module = filled(t, d, t.nn.Linear(3, 2))
    vector = t.nn.utils.parameters_to_vector(module.parameters())
    t.nn.utils.vector_to_parameters(vector.detach() * 2, module.parameters())
    return [vector.detach(), module.weight.detach(), module.bias.detach(), module.weight.is_leaf]


# -- packed sequences ---------------------------------------------------------------


def _pad(t: Any, d: Any) -> Any:
    rows = [d.floats(n, 2) for n in (3, 1, 4)]
    first, side = d.choose([True, False]), d.choose(["right", "left"])
    return t.nn.utils.rnn.pad_sequence(rows, first, d.choose([0.0, -1.0]), side)


def _pack(t: Any, d: Any) -> Any:
    packed = t.nn.utils.rnn.pack_padded_sequence(d.floats(4, 3, 2), [4, 2, 1])
    return [packed.data, packed.batch_sizes, packed.sorted_indices is None,
            *t.nn.utils.rnn.pad_packed_sequence(packed, padding_value=-1.0, total_length=6)]  # fmt: skip


def _pack_sequence(t: Any, d: Any) -> Any:
    packed = t.nn.utils.rnn.pack_sequence([d.floats(n, 2) for n in (2, 4, 3)], enforce_sorted=False)
    back = t.nn.utils.rnn.unpack_sequence(packed)
    return [packed.data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices, *back]


def _unpad(t: Any, d: Any) -> Any:
    return list(t.nn.utils.rnn.unpad_sequence(d.floats(4, 3, 2) * 1, t.tensor([4, 1, 2])))


# -- weights computed of others ---------------------------------------------------------------


class Doubled:
    """Makes a parametrization of a side's Module, whose weight is twice the original."""

    def __new__(cls, t: Any) -> Any:
        class Double(t.nn.Module):
            def forward(self, x: Any) -> Any:
                return x * 2

            def right_inverse(self, x: Any) -> Any:
                return x / 2

        return Double()


def _parametrized(t: Any, d: Any) -> Any:
    P, module = t.nn.utils.parametrize, t.nn.Linear(3, 2).double()
    P.register_parametrization(module, "weight", Doubled(t))
    filled(t, d, module)
    d.leaves.clear()
    x = d.floats(4, 3)
    names = [name for name, _ in module.named_parameters()]
    out = [
        module(x),
        names,
        P.is_parametrized(module),
        P.is_parametrized(module, "bias"),
        type(module).__name__,
    ]
    with P.cached():
        out.append(module.weight is module.weight)
    module.weight = t.ones(2, 3, dtype=t.float64)
    out += [module.parametrizations.weight.original.detach().clone(), list(module.state_dict())]
    P.register_parametrization(module, "weight", Doubled(t))
    out += [module.weight.detach(), module.parametrizations.weight.original.detach().clone()]
    P.remove_parametrizations(module, "weight")
    return [*out, module.weight.detach(), [n for n, _ in module.named_parameters()], type(module).__name__]


def _parametrized_gradient(t: Any, d: Any) -> Any:
    module = t.nn.Conv1d(3, 2, 2)
    t.nn.utils.parametrize.register_parametrization(module, "weight", Doubled(t))
    return filled(t, d, module)(d.floats(4, 3, 5))


def _unparametrized(t: Any, d: Any) -> Any:
    return t.nn.utils.parametrize.register_parametrization(t.nn.Linear(3, 2), "wait", Doubled(t))


def _weight_norm(name: str) -> Recipe:
    def recipe(t: Any, d: Any) -> Any:
        dim = d.choose([0, 1, None])
        make = t.nn.utils.weight_norm if name == "old" else t.nn.utils.parametrizations.weight_norm
        module = filled(t, d, make(t.nn.Linear(3, 2), dim=dim))
        return [module(d.floats(4, 3)), sorted(n for n, _ in module.named_parameters())]

    return recipe


def _weight_norm_removed(t: Any, d: Any) -> Any:
    module = filled(t, d, t.nn.utils.weight_norm(t.nn.Linear(3, 2)))
    x = d.floats(4, 3)
    before = module(x).detach()
    t.nn.utils.remove_weight_norm(module)
    return [before, module(x), list(module.state_dict())]


def _spectral(t: Any, d: Any) -> Any:
    """The largest singular value is 1 after many steps, whatever the first vectors are."""
    weight = d.floats(4, 3, grad=False)
    found = []
    for make in (t.nn.utils.spectral_norm, t.nn.utils.parametrizations.spectral_norm):
        module = t.nn.Linear(3, 4, bias=False).double()
        with t.no_grad():
            module.weight.copy_(weight)
        module = make(module, n_power_iterations=100)
        module(t.zeros(1, 3, dtype=t.float64))
        found += [module.weight.detach(), module.eval()(d.floats(2, 3))]
    return found


def _orthogonal_weight(t: Any, d: Any) -> Any:
    module = t.nn.utils.parametrizations.orthogonal(t.nn.Linear(*d.choose([(3, 5), (5, 3)])).double())
    w = module.weight.detach()
    return w @ w.t() if w.shape[0] <= w.shape[1] else w.t() @ w


RECIPES: dict[str, list[Any]] = {
    "torch.nn.Parameter": [
        _parameter,
        lambda t, d: [
            t.nn.Parameter(t.ones(2)).requires_grad,
            t.nn.Parameter(t.ones(2), False).requires_grad,
        ],
        lambda t, d: t.nn.Parameter(t.ones(2, dtype=t.int64)),
    ],
    "torch.nn.init.calculate_gain": [
        lambda t, d: [t.nn.init.calculate_gain(name) for name in _GAINS],
        lambda t, d: t.nn.init.calculate_gain("leaky_relu", 0.3),
        lambda t, d: t.nn.init.calculate_gain("gelu"),
        lambda t, d: t.nn.init.calculate_gain("leaky_relu", "a"),
    ],
    "torch.nn.init.uniform_": [_moments("uniform_"), _moments("uniform_", a=-3.0, b=1.0)],
    "torch.nn.init.normal_": [_moments("normal_"), _moments("normal_", mean=3.0, std=0.1)],
    "torch.nn.init.trunc_normal_": [_moments("trunc_normal_"), _bounded],
    "torch.nn.init.constant_": [_exact("constant_", (2, 3), val=1.5), _parameter],
    "torch.nn.init.ones_": [_exact("ones_", (2, 3))],
    "torch.nn.init.zeros_": [_exact("zeros_", (2, 3))],
    "torch.nn.init.eye_": [_exact("eye_", (2, 3)), _exact("eye_", (2,))],
    "torch.nn.init.dirac_": [
        _exact("dirac_", (4, 2, 3)),
        _exact("dirac_", (4, 2, 3, 2), groups=2),
        _exact("dirac_", (3, 2, 2), groups=2),
        _exact("dirac_", (2, 2)),
    ],
    "torch.nn.init.xavier_uniform_": [
        _moments("xavier_uniform_", 20, 30, 3),
        _exact("xavier_uniform_", (3,)),
    ],
    "torch.nn.init.xavier_normal_": [_moments("xavier_normal_", gain=2.0), _exact("xavier_normal_", (3,))],
    "torch.nn.init.kaiming_uniform_": [
        _moments("kaiming_uniform_"),
        _moments("kaiming_uniform_", 40, 10, 3, 3, mode="fan_out", nonlinearity="relu"),
        _exact("kaiming_uniform_", (3, 2), mode="fan"),
        _moments("kaiming_uniform_", a=0.5),
    ],
    "torch.nn.init.kaiming_normal_": [_moments("kaiming_normal_", mode="fan_out", nonlinearity="tanh")],
    "torch.nn.init.orthogonal_": [_orthogonal, _exact("orthogonal_", (3,))],
    "torch.nn.init.sparse_": [_sparse, _exact("sparse_", (3,), sparsity=0.1)],
    **{
        f"torch.nn.init.{name}": [_old(name, *args)]
        for name, args in {
            "uniform": (),
            "normal": (),
            "constant": (1.0,),
            "eye": (),
            "xavier_uniform": (),
            "xavier_normal": (),
            "kaiming_uniform": (),
            "kaiming_normal": (),
            "orthogonal": (),
            "sparse": (0.5,),
        }.items()
    },
    "torch.nn.init.dirac": [lambda t, d: t.nn.init.dirac(t.empty(2, 2, 3))],
    "torch.nn.utils.clip_grad_norm_": [_clipped, _clipped_one, _not_finite],
    "torch.nn.utils.clip_grad_norm": [lambda t, d: t.nn.utils.clip_grad_norm(_model(t, d).parameters(), 0.5)],
    "torch.nn.utils.clip_grad_value_": [_clipped_values],
    "torch.nn.utils.get_total_norm": [_scaled, lambda t, d: t.nn.utils.get_total_norm([])],
    "torch.nn.utils.clip_grads_with_norm_": [_scaled],
    "torch.nn.utils.parameters_to_vector": [_vector],
    "torch.nn.utils.vector_to_parameters": [_vector, lambda t, d: t.nn.utils.vector_to_parameters([1.0], [])],
    "torch.nn.utils.skip_init": [lambda t, d: repr(t.nn.utils.skip_init(t.nn.Linear, 3, 2))],
    "torch.nn.utils.rnn.pad_sequence": [_pad, lambda t, d: t.nn.utils.rnn.pad_sequence([])],
    "torch.nn.utils.rnn.pack_padded_sequence": [
        _pack,
        lambda t, d: t.nn.utils.rnn.pack_padded_sequence(d.floats(4, 3, 2), [1, 2, 4]),
        lambda t, d: t.nn.utils.rnn.pack_padded_sequence(d.floats(4, 3, 2), [4, 2]),
        lambda t, d: t.nn.utils.rnn.pack_padded_sequence(d.floats(4, 2, 2), [4, 0]),
    ],
    "torch.nn.utils.rnn.pad_packed_sequence": [_pack],
    "torch.nn.utils.rnn.pack_sequence": [_pack_sequence],
    "torch.nn.utils.rnn.unpack_sequence": [_pack_sequence],
    "torch.nn.utils.rnn.unpad_sequence": [_unpad],
    "torch.nn.utils.rnn.PackedSequence": [_pack],
    "torch.nn.utils.rnn.invert_permutation": [
        lambda t, d: t.nn.utils.rnn.invert_permutation(t.tensor([2, 0, 1]))
    ],
    "torch.nn.utils.parametrize.register_parametrization": [
        _parametrized,
        _parametrized_gradient,
        _unparametrized,
    ],
    "torch.nn.utils.parametrizations.weight_norm": [_weight_norm("new")],
    "torch.nn.utils.parametrizations.spectral_norm": [_spectral],
    "torch.nn.utils.parametrizations.orthogonal": [_orthogonal_weight],
    "torch.nn.utils.weight_norm": [_weight_norm("old")],
    "torch.nn.utils.remove_weight_norm": [_weight_norm_removed],
    "torch.nn.utils.spectral_norm": [_spectral],
}
