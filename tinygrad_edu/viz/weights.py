"""Pictures of arrays: histograms of weights and gradients, filters of a first layer, images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.nn import Module
from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.figure import INK, PALETTE, Picture
from tinygrad_edu.viz.inputs import Array, Target, largest, named, numbers, titled, unknown, whole, wrong
from tinygrad_edu.viz.inputs import array as as_array
from tinygrad_edu.viz.legends import not_finite_note, note_below
from tinygrad_edu.viz.words import short


def histograms(
    tables: Mapping[str, Any] | Module,
    *,
    gradients: bool = False,
    bins: int = 40,
    title: str = "",
    path: Target | None = None,
) -> Picture:
    """Draw the distribution of numbers, with one panel for each array.

    tables     {name: array of any shape}, or a Module, whose parameters are drawn
    gradients  draw the `.grad` of the tensors instead of their values
    bins       number of bars in a panel
    """
    name = "histograms"
    whole(name, "bins", bins)
    pairs = dict(tables.named_parameters()) if isinstance(tables, Module) else tables
    found = named(name, "the arrays", pairs)
    if gradients:
        missing = [label for label, tensor in found.items() if getattr(tensor, "grad", None) is None]
        if missing:
            raise unknown(
                name,
                f"gradients=True, and {', '.join(missing)} has none",
                "call loss.backward() first, and retain_grad() on what is no parameter",
            )
        found = {label: tensor.grad for label, tensor in found.items()}
    rows, wide = fig.rows_and_columns(len(found), None)
    figure = fig.figure(max(3.1 * wide, 4.2) + 0.2, 2.5 * rows + 0.4)
    for i, (label, given) in enumerate(found.items()):
        values = numbers(name, label, given)
        axes = fig.axes(figure, rows, wide, i + 1)
        axes.set_title(f"{label} ({'×'.join(map(str, values.shape)) or 'a number'})", fontsize=9.5)
        _histogram(axes, values.reshape(-1), bins, PALETTE[1] if gradients else PALETTE[0])
        axes.set_xlabel("gradient" if gradients else "value")
        if i % wide == 0:
            axes.set_ylabel("count")
    return fig.finish(figure, title, path)


def _histogram(axes: Any, values: Array, bins: int, colour: str) -> None:
    finite = values[np.isfinite(values)]
    if finite.size:
        most = int(np.ceil(2 * np.sqrt(finite.size)))  # with few numbers, many bins would be empty
        axes.hist(finite, bins=min(bins, most), color=colour, alpha=0.85, edgecolor=fig.PAPER, linewidth=0.3)
        if finite.min() <= 0 <= finite.max():
            axes.axvline(0.0, color=INK, linewidth=0.9, linestyle=":")
    texts = "no finite number"
    if finite.size:
        texts = f"mean {short(float(finite.mean()))}, std {short(float(finite.std()))}"
    if finite.size < values.size:
        texts += f"\n{values.size - finite.size} not finite"
    axes.margins(y=0.22)
    axes.locator_params(axis="y", integer=True)
    axes.locator_params(axis="x", nbins=5)
    axes.ticklabel_format(axis="x", style="sci", scilimits=(-2, 4), useMathText=True)
    axes.text(
        0.98,
        0.97,
        texts,
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=8,
        color=INK,
        bbox={"facecolor": fig.PAPER, "edgecolor": "none", "pad": 1.0, "alpha": 0.8},
    )


def filters(
    weight: Any,
    *,
    shape: tuple[int, int] | None = None,
    max_filters: int = 25,
    title: str = "",
    path: Target | None = None,
) -> Picture:
    """Draw the weights of each unit of a first layer as an image: blue below 0, orange above.

    weight       (units, pixels), or (units, channels, h, w): one image for each unit and channel
    shape        (h, w) of the pixels; None is a square
    max_filters  the most images to draw, from the first on
    """
    name = "filters"
    whole(name, "max_filters", max_filters)
    w = numbers(name, "weight", weight, ndim=(2, 4), shape="(units, pixels) or (units, channels, h, w)")
    if w.ndim == 2:
        side = round(float(np.sqrt(w.shape[1])))
        pair = (side, side) if shape is None else shape
        if np.shape(pair) != (2,):
            raise unknown(name, f"shape={shape!r}", "give (h, w)")
        h, wide = whole(name, "h", pair[0]), whole(name, "w", pair[1])
        if h * wide != w.shape[1]:
            raise wrong(
                name,
                f"weight has shape {w.shape}, and {w.shape[1]} pixels are not {h} x {wide}",
                f"give shape=(h, w) with h * w = {w.shape[1]}",
            )
        w = w.reshape(-1, 1, h, wide)
    units, channels = w.shape[:2]
    tiles = w.reshape(-1, *w.shape[2:])[:max_filters]
    texts = [
        f"{i // channels}" if channels == 1 else f"{i // channels}, channel {i % channels}"
        for i in range(len(tiles))
    ]
    colour = fig.diverging_colours(largest(tiles))
    figure, axes = _image_grid(
        tiles,
        [f"unit {text}" for text in texts],
        channels if channels > 1 else None,
        cmap=colour.cmap,
        norm=colour.norm,
        bar=True,
    )
    fig.colour_bar(figure, colour, axes, "weight", shrink=0.9)
    note_below(
        figure,
        f"the first {len(tiles)} of {units * channels}" * (len(tiles) < units * channels),
        _not_finite(tiles, "weight"),
    )
    return fig.finish(figure, title, path)


def images(
    array: Any,
    *,
    titles: Sequence[Any] | None = None,
    columns: int | None = None,
    title: str = "",
    path: Target | None = None,
) -> Picture:
    """Draw several images in a grid, all with the same scale.

    array    grey images (n, h, w) or one (h, w), with the smallest number black and the largest white; or
             colour images (n, h, w, 3), integers from 0 to 255 or floats from 0 to 1. NaN and infinity are
             pink.
    titles   one per image
    columns  number of images in a row; None chooses it
    """
    name = "images"
    pixels = numbers(name, "array", array, ndim=(2, 3, 4), shape="(n, h, w) or (n, h, w, 3)")
    if pixels.ndim == 2:
        pixels = pixels[None]
    if pixels.ndim == 4 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    elif pixels.ndim == 4 and pixels.shape[1] == 1:
        pixels = pixels[:, 0]
    elif pixels.ndim == 4 and pixels.shape[-1] != 3:
        raise wrong(
            name,
            f"array has shape {pixels.shape}",
            "give greys (n, h, w) or colours (n, h, w, 3); te.permute_dims moves the channels",
        )
    known = np.isfinite(pixels)
    low, high = float(pixels[known].min(initial=np.inf)), float(pixels[known].max(initial=-np.inf))
    texts = _not_finite(pixels, "number")
    if pixels.ndim == 4:
        kind = as_array(array).dtype
        top = 255 if kind.kind in "iu" else 1
        if known.any() and not -1e-6 * top <= low <= high <= (1 + 1e-6) * top:
            raise unknown(
                name,
                f"colours of {kind} from {low:g} to {high:g}",
                f"they must lie from 0 to {top}: scale them, or np.clip(array, 0, {top})",
            )
        pixels = np.where(
            known.all(axis=-1, keepdims=True), np.clip(pixels / top, 0, 1), fig.rgb(fig.NOT_FINITE)
        )
    if not low < high:
        low, high = (low, low + 1) if known.any() else (0.0, 1.0)
    figure, _ = _image_grid(
        pixels, titled(name, titles, len(pixels)), columns, cmap=fig.colour_map("grey"), vmin=low, vmax=high
    )
    note_below(figure, texts)
    return fig.finish(figure, title, path)


def _not_finite(pixels: Array, what: str) -> str:
    return not_finite_note(int((~np.isfinite(pixels)).sum()), what)


def _image_grid(
    tiles: Array, titles: Sequence[str], columns: int | None, *, bar: bool = False, **look: Any
) -> tuple[Any, list[Any]]:
    """Draw images in rows and columns, with each pixel as a square of one colour."""
    rows, wide = fig.rows_and_columns(len(tiles), columns, 8)
    height, width = tiles.shape[1:3]
    high = 1.075 * min(max(height / width, 0.4), 2.5)
    titled_rows = sum(any(titles[row * wide : (row + 1) * wide]) for row in range(rows))
    figure = fig.figure(
        max(1.15 * wide + bar, 2.6), max(rows * (high + 0.06) + 0.19 * titled_rows + 0.22, 1.6), square=True
    )
    drawn = []
    for i, (tile, text) in enumerate(zip(tiles, titles)):
        axes = fig.frameless_axes(figure, rows, wide, i + 1)
        axes.imshow(np.ma.masked_invalid(tile), interpolation="nearest", **look)
        axes.set_title(text, fontsize=8.5, pad=3)
        drawn.append(axes)
    return figure, drawn
