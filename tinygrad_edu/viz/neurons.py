"""A network as a picture: units as nodes, weights as edges, and in the nodes what they compute.

An edge is blue where its weight is negative and orange where it is positive, the stronger the wider; one that
is NaN or infinite is pink and dashed, and leaves the scale to the others. A layer with more units than fit
shows its first and last ones around an ellipsis.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.nn import Embedding, Module
from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.answers import fitting, undisturbed
from tinygrad_edu.viz.figure import BROKEN, INK, PAPER, SPINE, Picture
from tinygrad_edu.viz.inputs import Array, Target, array, largest, numbers, whole, wrong
from tinygrad_edu.viz.legends import broken, note_below
from tinygrad_edu.viz.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RADIUS, _INCH = 0.33, 0.68                     # of a node, in units; inches a unit
_SMALL = 6                                      # units of a layer that have room for their biases
_FEW = 4                                        # units of both layers whose edges have room for their numbers
_CLEAR = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8}       # behind text that crosses edges
Vectors = Sequence[Array | None]


@dataclass
class _Net:
    """All there is to draw. Layer 0 is the input."""
    weights: list[Array]                        # (out, in)
    biases: Vectors
    values: Vectors
    errors: Vectors
    titles: list[str]
    units: list[list[str]]
    shown: list[list[int | None]]               # units from top to bottom; None is the ellipsis


def network(layers: Any, *, biases: Sequence[Any] | None = None, inputs: Any = None,
            values: Sequence[Any] | None = None, gradients: Sequence[Any] | None = None,
            names: Sequence[Any] | None = None, max_units: int = 12, title: str = "",
            path: Target | None = None) -> Picture:
    """Draw a network of fully connected layers, with its weights as edges.

    layers     a Module, whose matrices (out, in) are taken in the order they are declared in or, with inputs,
               called in; or a list of weights (out, in)
    biases     one (out,) or None a layer; a Module brings its own, written as b where there is room
    inputs     (in,) what to write in the input nodes; a Module evaluates it, and all values are shown. No
               mode, statistic or random stream of it is changed
    values     a vector a layer, activations to write in the nodes; with or without one for the input
    gradients  likewise the errors, dL/d(unit), written below the nodes as δ
    names      one a layer, the input first: a title, or a list of names of its units; None for neither
    max_units  layers with more are shortened
    """
    whole("network", "max_units", max_units, 3)
    owners = _linear(layers) if isinstance(layers, Module) else []
    if values is None and inputs is not None and owners:
        owners, values = _activations(layers, owners, inputs)
    matrices = _matrices(layers, owners)
    offsets = [getattr(m, "bias", None) for m in owners] or None
    sizes = [matrices[0].shape[1], *(len(w) for w in matrices)]
    given = _vectors("values", values, sizes)
    if inputs is not None:
        given[0] = _vector("inputs", array(inputs).reshape(-1), sizes[0])
    titles, units = _names(names, sizes)
    shown = [_shown(n, max_units) for n in sizes]
    if biases is None and max(map(len, shown)) > _SMALL:
        offsets = None                          # nobody asked for them, and there are many
    net = _Net(matrices, _vectors("biases", offsets if biases is None else biases, sizes), given,
               _vectors("gradients", gradients, sizes), titles, units, shown)
    return fig.finish(_drawn(net, title), title, path)


# -- what to draw --------------------------------------------------------------------------------------------

def _linear(module: Module) -> list[Any]:
    """The modules in it whose weight is a matrix (out, in)."""
    owners = [m for m in module.modules() if np.ndim(getattr(m, "weight", 0)) == 2
              and not isinstance(m, Embedding)]
    if not owners:
        raise wrong("network", f"{type(module).__name__} has no layer with a weight (out, in)",
                    "give a model with nn.Linear layers, or a list of matrices; "
                    "the filters of a convolution are drawn by viz.filters")
    return owners


def _matrices(layers: Any, owners: Sequence[Any]) -> list[Array]:
    """The weights (out, in), checked that each feeds the next."""
    if owners:
        layers = [m.weight for m in owners]
    elif hasattr(layers, "ndim") and layers.ndim == 2:
        layers = [layers]
    listed = [numbers("network", f"the weight of layer {k + 1}", w, ndim=2, shape="(out, in)")
              for k, w in enumerate(layers)]
    if not listed:
        raise wrong("network", "there are no layers", "give at least one weight (out, in)")
    for k, (a, b) in enumerate(pairwise(listed)):
        if b.shape[1] != len(a):
            raise wrong("network", f"the weights of layers {k + 1} and {k + 2} have shapes {a.shape} and "
                        f"{b.shape}, and {len(a)} units do not feed {b.shape[1]} inputs",
                        "give weights (out, in), transposed if yours are (in, out)")
    return listed


def _activations(module: Module, owners: Sequence[Any], inputs: Any) -> tuple[list[Any], list[Array]]:
    """The layers as they are called, and what each hands on: the next one's input, the module's answer."""
    seen: list[tuple[Any, Array, Array]] = []
    hooks = [m.register_forward_hook(lambda m, given, out: seen.append((m, array(given[0]), array(out))))
             for m in owners]
    try:
        with undisturbed(module):
            answer = array(module(fitting(inputs, module)))
    finally:
        for hook in hooks:
            hook.remove()
    if not seen:
        raise wrong("network", f"{type(module).__name__} called none of its {len(owners)} layers",
                    "give the weights and values yourself, as lists")
    called = [m for m, *_ in seen]
    sizes = [len(m.weight) for m in called]
    handed = [*(given for _, given, _ in seen[1:]), answer if answer.size == sizes[-1] else seen[-1][2]]
    if [a.size for a in handed] != sizes:
        raise wrong("network", f"inputs {np.shape(inputs)} went through {[a.shape for a in handed]}",
                    f"give one example (in,), or the values yourself: vectors of {sizes}")
    return called, [a.reshape(-1) for a in handed]


def _vectors(name: str, given: Sequence[Any] | None, sizes: Sequence[int]) -> list[Array | None]:
    """A vector a layer, None where there is none; what came without the input's gets a None in front."""
    if given is None:
        return [None] * len(sizes)
    listed = list(given)
    if len(listed) == len(sizes) - 1:
        listed.insert(0, None)
    if len(listed) != len(sizes):
        raise wrong("network", f"{len(listed)} {name} for {len(sizes) - 1} layers of weights",
                    f"give {len(sizes) - 1}, or {len(sizes)} with the input's first")
    return [None if v is None else _vector(f"{name} of layer {k}", v, sizes[k]) for k, v in enumerate(listed)]


def _vector(name: str, given: Any, size: int) -> Array:
    vector = numbers("network", name, given, ndim=(0, 1, 2), shape=f"({size},)").reshape(-1)
    if len(vector) != size:
        raise wrong("network", f"{name}: shape {np.shape(array(given))} for {size} units",
                    f"give ({size},), the numbers of one example")
    return vector


def _names(names: Sequence[Any] | None, sizes: Sequence[int]) -> tuple[list[str], list[list[str]]]:
    hidden = [f"hidden {k}" if len(sizes) > 3 else "hidden" for k in range(1, len(sizes) - 1)]
    titles, units = ["input", *hidden, "output"], [[] for _ in sizes]  # type: list[str], list[list[str]]
    if names is None:
        return titles, units
    if len(names) != len(sizes):
        raise wrong("network", f"{len(names)} names for {len(sizes)} layers of units",
                    "give one a layer, the input's first: a title, a list of its units' names, or None")
    for k, name in enumerate(names):
        if isinstance(name, str):
            titles[k] = name
        elif name is not None:
            units[k] = [str(unit) for unit in name]
            if len(units[k]) != sizes[k]:
                raise wrong("network", f"{len(units[k])} names for the {sizes[k]} units of layer {k}",
                            "give one each")
    return titles, units


def _shown(count: int, most: int) -> list[int | None]:
    if count <= most:
        return list(range(count))
    top = most // 2
    return [*range(top), None, *range(count - (most - 1 - top), count)]


# -- drawing it --------------------------------------------------------------------------------------------

def _drawn(net: _Net, title: str) -> Any:
    tall = max(len(shown) for shown in net.shown)
    below = any(v is not None for v in (*net.biases, *net.errors))
    step = 1.0 + 0.3 * below + 0.3 * (below and any(net.units[1:-1]))
    numbered = max((len(b) for a, b in pairwise(net.shown) if max(len(a), len(b)) <= _FEW), default=0)
    across = max(2.4 + 0.3 * numbered, 2.2 + 0.08 * tall)
    sides = [max((len(u) for u in names), default=0) * 0.11 for names in (net.units[0], net.units[-1])]
    width, height = across * (len(net.shown) - 1), step * (tall - 1)
    figure = fig.figure(max(4.4, _INCH * (width + 1.2 + sum(sides)) + 0.9),
                        max(2.4, _INCH * (height + 1.9) + 0.3 * bool(title)), square=True)
    axes = fig.bare(figure)
    axes.set_aspect("equal")
    axes.set_xlim(-0.6 - sides[0], width + 0.6 + sides[1])
    axes.set_ylim(-height / 2 - 1.4, height / 2 + 0.5)
    places = [[(across * k, step * ((len(shown) - 1) / 2 - i)) for i in range(len(shown))]
              for k, shown in enumerate(net.shown)]
    strongest = largest(*net.weights)
    colour = fig.around_zero(strongest, "edges")
    for k, weight in enumerate(net.weights):
        _edges(axes, net, k, weight, places, colour, strongest)
    paint = fig.around_zero(largest(*net.values))
    for k, shown in enumerate(net.shown):
        for unit, place in zip(shown, places[k]):
            _node(axes, net, k, unit, place, paint)
        size = len(net.weights[k - 1]) if k else net.weights[0].shape[1]
        axes.text(across * k, -height / 2 - 1.05, f"{net.titles[k]}\n{size} unit{'s' * (size != 1)}",
                  ha="center", va="center", fontsize=9, color=INK)
    fig.colour_bar(figure, colour, axes, "weight", shrink=0.75)
    note_below(figure, broken(_lost(net.weights), "weight", " and dashed"),
               broken(_lost(net.values), "activation"))
    return figure


def _lost(arrays: Vectors) -> int:
    """How many of the numbers are NaN or infinite."""
    return sum(int((~np.isfinite(a)).sum()) for a in arrays if a is not None)


def _edges(axes: Axes, net: _Net, k: int, weight: Array, places: Any, colour: Any, strongest: float) -> None:
    """All edges from layer k to k + 1, the strongest on top, and over them what is not finite."""
    pairs = [(np.nan_to_num(abs(float(weight[j, i])), nan=np.inf), i, j, a, b)
             for a, i in enumerate(net.shown[k]) if i is not None
             for b, j in enumerate(net.shown[k + 1]) if j is not None]
    pairs.sort(key=lambda pair: pair[0])
    ends = [(places[k][a], places[k + 1][b]) for *_, a, b in pairs]
    sizes = np.array([float(weight[j, i]) for _, i, j, *_ in pairs])
    known = np.isfinite(sizes)
    shades = np.where(known[:, None], colour.to_rgba(np.where(known, sizes, 0)), [*fig.rgb(BROKEN), 1])
    widths = np.where(known, 0.5 + 3.5 * np.abs(np.where(known, sizes, 0)) / (strongest or 1.0), 2.5)
    axes.add_collection(fig.line_collection(ends, colors=shades, linewidths=widths, zorder=1,
                                            linestyles=["-" if is_known else "--" for is_known in known]))
    if max(len(net.shown[k]), len(net.shown[k + 1])) > _FEW:
        return
    share = 1 / (len(net.shown[k + 1]) + 1)     # of the way: there the numbers stand at equal distances
    for value, ((x, y), (u, v)) in zip(sizes, ends):
        axes.text(x + share * (u - x), y + share * (v - y), short(value, 2), fontsize=8, color=INK,
                  ha="center", va="center", zorder=3, bbox=_CLEAR)


def _node(axes: Axes, net: _Net, k: int, unit: int | None, place: tuple[float, float], paint: Any) -> None:
    x, y = place
    if unit is None:
        missing = len(net.weights[k - 1]) if k else net.weights[0].shape[1]
        missing -= len(net.shown[k]) - 1
        axes.text(x, y, f"…\n{missing} more", fontsize=8.5, ha="center", va="center", color=INK, zorder=3,
                  bbox=_CLEAR)
        return
    value = net.values[k]
    fill: Any = PAPER
    if value is not None:
        fill = paint.to_rgba(value[unit]) if np.isfinite(value[unit]) else (*fig.rgb(BROKEN), 1.0)
    axes.add_patch(fig.circle(x, y, _RADIUS, facecolor=fill, edgecolor=SPINE, linewidth=1.2, zorder=2))
    if value is not None:
        text = short(float(value[unit]), 2)
        axes.text(x, y, text, fontsize=8 if len(text) < 6 else 6.5, ha="center", va="center", zorder=3,
                  color=fig.ink_on(fill))
    said = [f"{letter} {short(float(vectors[k][unit]), 2)}" for letter, vectors  # type: ignore[index]
            in (("b", net.biases), ("δ", net.errors)) if vectors[k] is not None]
    if said:
        axes.text(x, y - _RADIUS - 0.06, "\n".join(said), fontsize=7.5, ha="center", va="top", color=INK,
                  zorder=3, linespacing=1.05, bbox=_CLEAR)
    if net.units[k]:
        outer = k in (0, len(net.shown) - 1)
        side = -1 if k == 0 else 1
        axes.text(x + side * (_RADIUS + 0.1) if outer else x, y if outer else y + _RADIUS + 0.04,
                  net.units[k][unit], fontsize=9, color=INK, zorder=3, va="center" if outer else "bottom",
                  ha="center" if not outer else "right" if side < 0 else "left")
