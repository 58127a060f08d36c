"""torch.nn.functional: convolutions, pooling, windows as columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Recipe = Callable[[Any, Any], Any]


def F(t: Any) -> Any:
    return t.nn.functional


def _conv(axes: int) -> list[Recipe]:
    name, small = f"conv{axes}d", (5, 4, 3)[:axes]

    def plain(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(2, 4, *small), d.floats(6, 4, *(2,) * axes), d.floats(6))

    def options(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(
            d.floats(2, 4, *small), d.floats(6, 2, *(2,) * axes), None, d.choose([1, 2]), d.choose([0, 1]),
            d.choose([1, 2]), 2,
        )  # fmt: skip

    def one_row(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(4, *small), d.floats(2, 4, *(1,) * axes), padding="same")

    def uneven(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(1, 2, *small), d.floats(2, 2, *(2,) * axes), padding="valid",
                                   stride=tuple(range(1, axes + 1)))  # fmt: skip

    def unfit(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(2, 3, *small), d.floats(6, 4, *(2,) * axes))

    def dtypes(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(2, 4, *small, dtype="float32"), d.floats(6, 4, *(2,) * axes))

    return [plain, options, one_row, uneven, unfit, dtypes]


def _transposed(axes: int) -> list[Recipe]:
    name, small = f"conv_transpose{axes}d", (3, 2, 2)[:axes]

    def plain(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(2, 4, *small), d.floats(4, 2, *(2,) * axes), d.floats(2))

    def options(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(
            d.floats(2, 4, *small), d.floats(4, 3, *(3,) * axes), d.floats(6), 2, 1, 1, 2, 2
        )

    def one_row(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(4, *small), d.floats(4, 2, *(2,) * axes))

    def unfit(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(2, 3, *small), d.floats(4, 2, *(2,) * axes))

    return [plain, options, one_row, unfit]


def _pool(kind: str, axes: int) -> list[Recipe]:
    name, small = f"{kind}_pool{axes}d", (6, 5, 4)[:axes]

    def plain(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.distinct(2, 3, *small), 2)

    def options(t: Any, d: Any) -> Any:
        more = (
            {"dilation": d.choose([1, 2])}
            if kind == "max"
            else {"count_include_pad": d.choose([True, False])}
        )
        return getattr(F(t), name)(
            d.distinct(2, 3, *small),
            2,
            d.choose([1, 2, 3]),
            d.choose([0, 1]),
            ceil_mode=d.choose([True, False]),
            **more,
        )

    def one_row(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.distinct(3, *small), (2,) * axes, stride=1)

    def too_large(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.distinct(1, 1, *small), 9)

    def padded(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.distinct(1, 1, *small), 2, 2, 2)

    def axes_(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.floats(1, 1, 1, *small), 2)

    found = [plain, options, one_row, too_large, padded, axes_]
    if kind == "max":
        found.append(lambda t, d: list(getattr(F(t), name)(d.distinct(2, 3, *small), 2, return_indices=True)))
    elif axes > 1:
        found.append(lambda t, d: getattr(F(t), name)(d.floats(2, 3, *small), 2, divisor_override=3))
        found.append(lambda t, d: getattr(F(t), name)(d.floats(2, 3, *small), 2, divisor_override=0))
    return found


def _adaptive(kind: str, axes: int) -> list[Recipe]:
    name, small = f"adaptive_{kind}_pool{axes}d", (6, 5, 4)[:axes]

    def plain(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.distinct(2, 3, *small), d.whole(1, 5))

    def sizes(t: Any, d: Any) -> Any:
        return getattr(F(t), name)(d.distinct(3, *small), (None, 2, 3)[:axes] if axes > 1 else 2)

    found = [plain, sizes]
    if kind == "max":
        found.append(lambda t, d: list(getattr(F(t), name)(d.distinct(2, 3, *small), 2, True)))
    return found


def _lp(axes: int) -> list[Recipe]:
    name, small = f"lp_pool{axes}d", (6, 5, 4)[:axes]
    return [
        lambda t, d: getattr(F(t), name)(d.floats(2, 3, *small, low=0.2), d.choose([2.0, 3.0]), 2),
        lambda t, d: getattr(F(t), name)(
            d.floats(2, *small, low=0.2), 2.0, 2 if axes == 1 else (2,) * axes, 1
        ),
    ]


def _unpool(axes: int) -> list[Recipe]:
    small = (6, 4, 4)[:axes]

    def back(t: Any, d: Any) -> Any:
        y, i = getattr(F(t), f"max_pool{axes}d")(d.distinct(2, 3, *small), 2, return_indices=True)
        return getattr(F(t), f"max_unpool{axes}d")(y, i, 2)

    def sized(t: Any, d: Any) -> Any:
        odd = tuple(n + 1 for n in small)
        y, i = getattr(F(t), f"max_pool{axes}d")(d.distinct(3, *odd), 2, 2, return_indices=True)
        return getattr(F(t), f"max_unpool{axes}d")(y, i, 2, 2, output_size=odd)

    def unfit(t: Any, d: Any) -> Any:
        return getattr(F(t), f"max_unpool{axes}d")(d.floats(1, 1, *small), d.ints(1, 1, *(1,) * axes), 2)

    return [back, sized, unfit]


RECIPES: dict[str, list[Any]] = {
    "torch.nn.functional.conv1d": _conv(1),
    "torch.nn.functional.conv2d": _conv(2),
    "torch.nn.functional.conv3d": _conv(3),
    "torch.nn.functional.conv_transpose1d": _transposed(1),
    "torch.nn.functional.conv_transpose2d": _transposed(2),
    "torch.nn.functional.conv_transpose3d": _transposed(3),
    "torch.nn.functional.conv_tbc": [
        lambda t, d: F(t).conv_tbc(d.floats(5, 2, 3), d.floats(2, 3, 4), d.floats(4), 1)
    ],
    "torch.nn.functional.unfold": [
        lambda t, d: F(t).unfold(
            d.floats(2, 3, 5, 4), 2, d.choose([1, 2]), d.choose([0, 1]), d.choose([1, 2])
        ),
        lambda t, d: F(t).unfold(d.floats(3, 5, 4), (2, 3)),
        lambda t, d: F(t).unfold(d.floats(1, 1, 3, 5, 2), 2),
    ],
    "torch.nn.functional.fold": [
        lambda t, d: F(t).fold(d.floats(2, 12, 12), (5, 4), 2),
        lambda t, d: F(t).fold(d.floats(12, 4), (4, 4), 2, stride=2),
        lambda t, d: F(t).fold(d.floats(2, 12, 5), (5, 4), 2),
    ],
}

for _axes in (1, 2, 3):
    RECIPES[f"torch.nn.functional.max_pool{_axes}d"] = _pool("max", _axes)
    RECIPES[f"torch.nn.functional.avg_pool{_axes}d"] = _pool("avg", _axes)
    RECIPES[f"torch.nn.functional.lp_pool{_axes}d"] = _lp(_axes)
    RECIPES[f"torch.nn.functional.max_unpool{_axes}d"] = _unpool(_axes)
    for _kind in ("max", "avg"):
        RECIPES[f"torch.nn.functional.adaptive_{_kind}_pool{_axes}d"] = _adaptive(_kind, _axes)
    RECIPES[f"torch.nn.functional.max_pool{_axes}d_with_indices"] = [
        lambda t, d, n=_axes: list(
            getattr(F(t), f"max_pool{n}d_with_indices")(d.distinct(2, 2, *(4,) * n), 2)
        )
    ]
    RECIPES[f"torch.nn.functional.adaptive_max_pool{_axes}d_with_indices"] = [
        lambda t, d, n=_axes: list(
            getattr(F(t), f"adaptive_max_pool{n}d_with_indices")(d.distinct(2, 2, *(4,) * n), 2)
        )
    ]
