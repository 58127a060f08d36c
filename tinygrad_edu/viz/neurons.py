"""A network as a picture: units as nodes with their activations, and weights as edges.

An edge is blue if its weight is negative, and orange if it is positive; the larger the weight, the wider the
edge. An edge whose weight is NaN or infinite is pink and dashed, and does not change the scale of the others.
A layer with too many units shows its first and last units, with an ellipsis between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.nn import Embedding, Module
from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.answers import as_model_input, without_side_effects
from tinygrad_edu.viz.figure import INK, NOT_FINITE, PAPER, SPINE, Picture
from tinygrad_edu.viz.inputs import Array, Target, array, largest, numbers, whole, wrong
from tinygrad_edu.viz.legends import not_finite_note, note_below
from tinygrad_edu.viz.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RADIUS, _INCH = 0.33, 0.68  # radius of a node, in drawing units; inches per drawing unit
_SMALL = 6  # most units of a layer with space for their biases
_FEW = 4  # most units of both layers with space for numbers on the edges
_TEXT_BACKGROUND = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8}  # the background of text on edges
Vectors = Sequence[Array | None]


@dataclass
class _Network:
    """The data to draw. Layer 0 is the input."""

    weights: list[Array]  # (out, in)
    biases: Vectors
    values: Vectors
    errors: Vectors
    titles: list[str]
    units: list[list[str]]
    shown: list[list[int | None]]  # units from top to bottom; None is the ellipsis


def network(
    layers: Any,
    inputs: Any = None,
    *,
    biases: Sequence[Any] | None = None,
    values: Sequence[Any] | None = None,
    gradients: Sequence[Any] | None = None,
    names: Sequence[Any] | None = None,
    max_units: int = 12,
    title: str = "",
    path: Target | None = None,
) -> Picture:
    """Draw a network of fully connected layers, with its weights as edges.

    layers     a Module, or a list of weights (out, in). The matrices (out, in) of a Module are drawn in the
               order of their declaration or, with `inputs`, of their calls
    inputs     (in,) the numbers in the input nodes. A Module is run with them in evaluation mode, and all
               activations are shown; its mode, statistics and random streams do not change
    biases     (out,) or None for each layer; a Module has its own. They are written as b if there is space
    values     one vector per layer, the activations in the nodes; with or without one for the input
    gradients  likewise the gradients dL/d(unit), written below the nodes as δ
    names      one per layer, the input first: a title, or a list of the names of its units, or None
    max_units  the most units of a layer that are drawn
    """
    whole("network", "max_units", max_units, 3)
    owners = _matrix_layers(layers) if isinstance(layers, Module) else []
    if values is None and inputs is not None and owners:
        owners, values = _activations(layers, owners, inputs)
    matrices = _matrices(layers, owners)
    offsets = [getattr(m, "bias", None) for m in owners] or None
    sizes = [matrices[0].shape[1], *(len(w) for w in matrices)]
    given = _vectors("values", values, sizes)
    if inputs is not None:
        if owners and array(inputs).size != sizes[0]:
            raise wrong("network", f"inputs {np.shape(inputs)} for a first layer of {sizes[0]} units",
                        f"give one example ({sizes[0]},); of a model that begins with other layers, such as "
                        "convolutions, leave inputs out, or give its part from nn.Linear on")  # fmt: skip
        given[0] = _vector("inputs", array(inputs).reshape(-1), sizes[0])
    titles, units = _names(names, sizes)
    shown = [_shown_units(n, max_units) for n in sizes]
    if biases is None and max(map(len, shown)) > _SMALL:
        offsets = None  # the caller has not given any, and there are too many
    net = _Network(
        matrices,
        _vectors("biases", offsets if biases is None else biases, sizes),
        given,
        _vectors("gradients", gradients, sizes),
        titles,
        units,
        shown,
    )
    return fig.finish(_draw_network(net, title), title, path)


# -- what to draw --------------------------------------------------------------------------------------------


def _matrix_layers(module: Module) -> list[Any]:
    """The modules inside `module` whose weight is a matrix (out, in)."""
    owners = [
        m for m in module.modules() if np.ndim(getattr(m, "weight", 0)) == 2 and not isinstance(m, Embedding)
    ]
    if not owners:
        raise wrong(
            "network",
            f"{type(module).__name__} has no layer with a weight (out, in)",
            "give a model with nn.Linear layers, or a list of matrices; "
            "the filters of a convolution are drawn by viz.filters",
        )
    return owners


def _matrices(layers: Any, owners: Sequence[Any]) -> list[Array]:
    """The weights (out, in), with a check that each layer fits the next."""
    if owners:
        layers = [m.weight for m in owners]
    elif hasattr(layers, "ndim") and layers.ndim == 2:
        layers = [layers]
    listed = [
        numbers("network", f"the weight of layer {k + 1}", w, ndim=2, shape="(out, in)")
        for k, w in enumerate(layers)
    ]
    if not listed:
        raise wrong("network", "there are no layers", "give at least one weight (out, in)")
    for k, (a, b) in enumerate(pairwise(listed)):
        if b.shape[1] != len(a):
            raise wrong(
                "network",
                f"the weights of layers {k + 1} and {k + 2} have shapes {a.shape} and "
                f"{b.shape}, and {len(a)} units do not feed {b.shape[1]} inputs",
                "give weights (out, in), transposed if yours are (in, out)",
            )
    return listed


def _activations(module: Module, owners: Sequence[Any], inputs: Any) -> tuple[list[Any], list[Array]]:
    """(the layers in the order of their calls, the activations after each). Calls the module once."""
    calls: list[tuple[Any, Array, Array]] = []
    hooks = [
        m.register_forward_hook(lambda m, given, out: calls.append((m, array(given[0]), array(out))))
        for m in owners
    ]
    try:
        with without_side_effects(module):
            answer = array(module(as_model_input(inputs, module)))
    finally:
        for hook in hooks:
            hook.remove()
    if not calls:
        raise wrong(
            "network",
            f"{type(module).__name__} called none of its {len(owners)} layers",
            "give the weights and values yourself, as lists",
        )
    called = [m for m, *_ in calls]
    sizes = [len(m.weight) for m in called]
    handed = [*(given for _, given, _ in calls[1:]), answer if answer.size == sizes[-1] else calls[-1][2]]
    if [a.size for a in handed] != sizes:
        raise wrong(
            "network",
            f"inputs {np.shape(inputs)} went through {[a.shape for a in handed]}",
            f"give one example (in,), or the values yourself: vectors of {sizes}",
        )
    return called, [a.reshape(-1) for a in handed]


def _vectors(name: str, given: Sequence[Any] | None, sizes: Sequence[int]) -> list[Array | None]:
    """One vector or None per layer. If the input layer has none, a None is added at the front."""
    if given is None:
        return [None] * len(sizes)
    listed = list(given)
    if len(listed) == len(sizes) - 1:
        listed.insert(0, None)
    if len(listed) != len(sizes):
        raise wrong(
            "network",
            f"{len(listed)} {name} for {len(sizes) - 1} layers of weights",
            f"give {len(sizes) - 1}, or {len(sizes)} with the input's first",
        )
    return [None if v is None else _vector(f"{name} of layer {k}", v, sizes[k]) for k, v in enumerate(listed)]


def _vector(name: str, given: Any, size: int) -> Array:
    vector = numbers("network", name, given, ndim=(0, 1, 2), shape=f"({size},)").reshape(-1)
    if len(vector) != size:
        raise wrong(
            "network",
            f"{name}: shape {np.shape(array(given))} for {size} units",
            f"give ({size},), the numbers of one example",
        )
    return vector


def _names(names: Sequence[Any] | None, sizes: Sequence[int]) -> tuple[list[str], list[list[str]]]:
    hidden = [f"hidden {k}" if len(sizes) > 3 else "hidden" for k in range(1, len(sizes) - 1)]
    titles, units = ["input", *hidden, "output"], [[] for _ in sizes]  # type: list[str], list[list[str]]
    if names is None:
        return titles, units
    if len(names) != len(sizes):
        raise wrong(
            "network",
            f"{len(names)} names for {len(sizes)} layers of units",
            "give one a layer, the input's first: a title, a list of its units' names, or None",
        )
    for k, name in enumerate(names):
        if isinstance(name, str):
            titles[k] = name
        elif name is not None:
            units[k] = [str(unit) for unit in name]
            if len(units[k]) != sizes[k]:
                raise wrong(
                    "network", f"{len(units[k])} names for the {sizes[k]} units of layer {k}", "give one each"
                )
    return titles, units


def _shown_units(count: int, most: int) -> list[int | None]:
    if count <= most:
        return list(range(count))
    top = most // 2
    return [*range(top), None, *range(count - (most - 1 - top), count)]


# -- drawing it --------------------------------------------------------------------------------------------


def _draw_network(net: _Network, title: str) -> Any:
    tall = max(len(shown) for shown in net.shown)
    below = any(v is not None for v in (*net.biases, *net.errors))
    step = 1.0 + 0.3 * below + 0.3 * (below and any(net.units[1:-1]))
    numbered = max((len(b) for a, b in pairwise(net.shown) if max(len(a), len(b)) <= _FEW), default=0)
    across = max(2.4 + 0.3 * numbered, 2.2 + 0.08 * tall)
    sides = [max((len(u) for u in names), default=0) * 0.11 for names in (net.units[0], net.units[-1])]
    width, height = across * (len(net.shown) - 1), step * (tall - 1)
    figure = fig.figure(
        max(4.4, _INCH * (width + 1.2 + sum(sides)) + 0.9),
        max(2.4, _INCH * (height + 1.9) + 0.3 * bool(title)),
        square=True,
    )
    axes = fig.frameless_axes(figure)
    axes.set_aspect("equal")
    axes.set_xlim(-0.6 - sides[0], width + 0.6 + sides[1])
    axes.set_ylim(-height / 2 - 1.4, height / 2 + 0.5)
    places = [
        [(across * k, step * ((len(shown) - 1) / 2 - i)) for i in range(len(shown))]
        for k, shown in enumerate(net.shown)
    ]
    strongest = largest(*net.weights)
    colour = fig.diverging_colours(strongest, "edges")
    for k, weight in enumerate(net.weights):
        _edges(axes, net, k, weight, places, colour, strongest)
    paint = fig.diverging_colours(largest(*net.values))
    for k, shown in enumerate(net.shown):
        for unit, place in zip(shown, places[k]):
            _node(axes, net, k, unit, place, paint)
        size = len(net.weights[k - 1]) if k else net.weights[0].shape[1]
        axes.text(
            across * k,
            -height / 2 - 1.05,
            f"{net.titles[k]}\n{size} unit{'s' * (size != 1)}",
            ha="center",
            va="center",
            fontsize=9,
            color=INK,
        )
    fig.colour_bar(figure, colour, axes, "weight (edges)", shrink=0.75)
    if any(v is not None for v in net.values):
        fig.colour_bar(figure, paint, axes, "activation (units)", shrink=0.75)
    note_below(
        figure,
        not_finite_note(_count_not_finite(net.weights), "weight", " and dashed"),
        not_finite_note(_count_not_finite(net.values), "activation"),
    )
    return figure


def _count_not_finite(arrays: Vectors) -> int:
    """The number of elements that are NaN or infinite."""
    return sum(int((~np.isfinite(a)).sum()) for a in arrays if a is not None)


def _edges(
    axes: Axes, net: _Network, k: int, weight: Array, places: Any, colour: Any, strongest: float
) -> None:
    """Draw all edges from layer k to k + 1: the largest on top, and above them those that are not finite."""
    pairs = [
        (np.nan_to_num(abs(float(weight[j, i])), nan=np.inf), i, j, a, b)
        for a, i in enumerate(net.shown[k])
        if i is not None
        for b, j in enumerate(net.shown[k + 1])
        if j is not None
    ]
    pairs.sort(key=lambda pair: pair[0])
    ends = [(places[k][a], places[k + 1][b]) for *_, a, b in pairs]
    sizes = np.array([float(weight[j, i]) for _, i, j, *_ in pairs])
    known = np.isfinite(sizes)
    shades = np.where(known[:, None], colour.to_rgba(np.where(known, sizes, 0)), [*fig.rgb(NOT_FINITE), 1])
    widths = np.where(known, 0.5 + 3.5 * np.abs(np.where(known, sizes, 0)) / (strongest or 1.0), 2.5)
    axes.add_collection(
        fig.line_collection(
            ends,
            colors=shades,
            linewidths=widths,
            zorder=1,
            linestyles=["-" if is_known else "--" for is_known in known],
        )
    )
    if max(len(net.shown[k]), len(net.shown[k + 1])) > _FEW:
        return
    share = 1 / (
        len(net.shown[k + 1]) + 1
    )  # the position along an edge at which all numbers have equal distances
    for value, ((x, y), (u, v)) in zip(sizes, ends):
        axes.text(
            x + share * (u - x),
            y + share * (v - y),
            short(value, 2),
            fontsize=8,
            color=INK,
            ha="center",
            va="center",
            zorder=3,
            bbox=_TEXT_BACKGROUND,
        )


def _node(
    axes: Axes, net: _Network, k: int, unit: int | None, place: tuple[float, float], paint: Any
) -> None:
    x, y = place
    if unit is None:
        missing = len(net.weights[k - 1]) if k else net.weights[0].shape[1]
        missing -= len(net.shown[k]) - 1
        axes.text(
            x,
            y,
            f"…\n{missing} more",
            fontsize=8.5,
            ha="center",
            va="center",
            color=INK,
            zorder=3,
            bbox=_TEXT_BACKGROUND,
        )
        return
    value = net.values[k]
    fill: Any = PAPER
    if value is not None:
        fill = paint.to_rgba(value[unit]) if np.isfinite(value[unit]) else (*fig.rgb(NOT_FINITE), 1.0)
    axes.add_patch(fig.circle(x, y, _RADIUS, facecolor=fill, edgecolor=SPINE, linewidth=1.2, zorder=2))
    if value is not None:
        text = short(float(value[unit]), 2)
        axes.text(
            x,
            y,
            text,
            fontsize=8 if len(text) < 6 else 6.5,
            ha="center",
            va="center",
            zorder=3,
            color=fig.text_colour_on(fill),
        )
    texts = [
        f"{letter} {short(float(vectors[k][unit]), 2)}"  # type: ignore[index]
        for letter, vectors in (("b", net.biases), ("δ", net.errors))
        if vectors[k] is not None
    ]
    if texts:
        axes.text(
            x,
            y - _RADIUS - 0.06,
            "\n".join(texts),
            fontsize=7.5,
            ha="center",
            va="top",
            color=INK,
            zorder=3,
            linespacing=1.05,
            bbox=_TEXT_BACKGROUND,
        )
    if net.units[k]:
        outer = k in (0, len(net.shown) - 1)
        side = -1 if k == 0 else 1
        axes.text(
            x + side * (_RADIUS + 0.1) if outer else x,
            y if outer else y + _RADIUS + 0.04,
            net.units[k][unit],
            fontsize=9,
            color=INK,
            zorder=3,
            va="center" if outer else "bottom",
            ha="center" if not outer else "right" if side < 0 else "left",
        )
