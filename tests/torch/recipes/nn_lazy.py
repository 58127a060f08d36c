"""Lazy layers, images read at coordinates, and the adaptive softmax of torch.nn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.torch.recipes.nn_layers import filled

Recipe = Callable[[Any, Any], Any]


def _lazy(title: str, shape: tuple[int, ...], *args: Any, **named: Any) -> Recipe:
    """What a lazy layer is before and after its first input; it computes with weights drawn then."""

    def recipe(t: Any, d: Any) -> Any:
        module = getattr(t.nn, title)(*args, **named)
        before = [name for name, _ in module.named_parameters()]
        first = list(module.parameters())
        module(t.zeros(*shape))
        kept = all(a is b for a, b in zip(first, module.parameters(), strict=True))
        filled(t, d, module)
        return [before, kept, type(module).__name__, repr(module), module(d.floats(*shape)),
                {k: v.shape for k, v in module.state_dict().items()}]  # fmt: skip

    return recipe


def _lazy_in_model(t: Any, d: Any) -> Any:
    n = t.nn
    model = n.Sequential(n.LazyConv2d(4, 3), n.ReLU(), n.Flatten(), n.LazyLinear(2))
    before = repr(model[3])
    model(t.zeros(1, 2, 5, 5))
    return [before, repr(model), filled(t, d, model)(d.floats(1, 2, 5, 5))]


def _lazy_loads(t: Any, d: Any) -> Any:
    made, waits = t.nn.Linear(3, 2), t.nn.LazyLinear(2)
    waits.load_state_dict(made.state_dict())
    return [waits.weight.shape, bool((waits.weight == made.weight).all()), waits(t.zeros(1, 3)).shape]


def _sampled(axes: int, **options: Any) -> Recipe:
    def recipe(t: Any, d: Any) -> Any:
        shape, out = (4, 5, 3)[:axes], (3, 2, 2)[:axes]
        given = dict(options)
        given.setdefault("align_corners", d.choose([True, False]))
        return t.nn.functional.grid_sample(
            d.floats(2, 3, *shape), d.floats(2, *out, axes, low=-1.6, high=1.6), **given
        )

    return recipe


def _moved(t: Any, d: Any) -> Any:
    """A spatial transformer: the coordinates come from a map that is trained."""
    F = t.nn.functional
    grid = F.affine_grid(d.floats(2, 2, 3), [2, 1, 4, 4], align_corners=False)
    return F.grid_sample(d.floats(2, 1, 4, 4), grid, align_corners=False)


def _adaptive(t: Any, d: Any) -> Any:
    module = filled(t, d, t.nn.AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6], div_value=2.0, head_bias=True))
    x, target = d.floats(5, 8), d.ints(5, low=0, high=10)
    output, loss = module(x, target)
    return [output, loss, module.log_prob(x), module.predict(x), repr(module), list(module.state_dict()),
            list(module(x[0], target[0]))]  # fmt: skip


RECIPES: dict[str, list[Any]] = {
    "torch.nn.LazyLinear": [
        _lazy("LazyLinear", (2, 3), 4), _lazy("LazyLinear", (2, 3), 4, bias=False), _lazy_in_model,
        _lazy_loads,
    ],
    "torch.nn.functional.grid_sample": [
        _sampled(2), _sampled(2, padding_mode="border"), _sampled(2, padding_mode="reflection"),
        _sampled(2, mode="nearest"), _sampled(3), _sampled(3, mode="nearest", padding_mode="border"), _moved,
        lambda t, d: t.nn.functional.grid_sample(d.floats(2, 3, 4, 5), d.floats(1, 2, 2, 2)),
        lambda t, d: t.nn.functional.grid_sample(d.floats(2, 3, 4, 5), d.floats(2, 2, 2, 2), mode="cubic"),
    ],
    "torch.nn.AdaptiveLogSoftmaxWithLoss": [
        _adaptive,
        lambda t, d: t.nn.AdaptiveLogSoftmaxWithLoss(8, 10, [6, 3]),
        lambda t, d: t.nn.AdaptiveLogSoftmaxWithLoss(8, 10, [3])(t.zeros(2, 8), t.tensor([1, 10])),
    ],
}  # fmt: skip
for _n, _end in enumerate(("1d", "2d", "3d"), 1):
    _small = (5, 4, 3)[:_n]
    RECIPES |= {
        f"torch.nn.LazyConv{_end}": [_lazy(f"LazyConv{_end}", (2, 3, *_small), 4, 2, stride=2)],
        f"torch.nn.LazyConvTranspose{_end}": [_lazy(f"LazyConvTranspose{_end}", (2, 3, *_small), 4, 2)],
        f"torch.nn.LazyBatchNorm{_end}": [_lazy(f"LazyBatchNorm{_end}", (2, 3, *_small))],
        f"torch.nn.LazyInstanceNorm{_end}": [
            _lazy(f"LazyInstanceNorm{_end}", (2, 3, *_small)),
            _lazy(f"LazyInstanceNorm{_end}", (2, 3, *_small), affine=True, track_running_stats=True),
        ],
    }
