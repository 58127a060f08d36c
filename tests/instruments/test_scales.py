"""Scales of pictures: ticks that can be read, heights that can be compared, and no empty bands."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from tinygrad_edu import viz

STEPS = np.arange(1, 6)


def labels(axes: Any, which: str) -> list[str]:
    """The texts of the ticks that are seen, larger and smaller ones."""
    FigureCanvasAgg(axes.figure).draw()
    axis = getattr(axes, f"{which}axis")
    low, high = sorted(axis.get_view_interval())
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    return [t.label1.get_text() for t in ticks if low <= t.get_loc() <= high and t.label1.get_text()]


@pytest.mark.parametrize("low", [2.38, 0.02, 450.0])
def test_a_logarithmic_axis_of_less_than_a_decade_has_plain_numbers(low: float) -> None:
    picture = viz.curves(
        STEPS, {"loss": low * np.linspace(1.03, 1, 5)}, xlabel="step", ylabel="loss", logy=True
    )
    (axes,) = picture.figure.axes
    found = labels(axes, "y")
    assert axes.get_yscale() == "log" and 3 <= len(found) <= 7
    assert all(low <= float(text) <= 1.03 * low for text in found)
    assert not any("10^" in text for text in found)


def test_a_logarithmic_axis_of_decades_has_powers() -> None:
    picture = viz.curves(STEPS, {"loss": 10.0**-STEPS}, xlabel="step", ylabel="loss", logy=True)
    assert any("10^" in text for text in labels(picture.figure.axes[0], "y"))


def test_steps_are_integers() -> None:
    picture = viz.curves(STEPS, {"loss": STEPS / 2}, xlabel="step", ylabel="loss")
    assert labels(picture.figure.axes[0], "x") == ["1", "2", "3", "4", "5"]
    halves = viz.curves(STEPS / 2, {"loss": STEPS / 2}, xlabel="time (s)", ylabel="loss")
    assert "0.75" in labels(halves.figure.axes[0], "x")


@pytest.mark.parametrize("same_scale", [False, True])
def test_panels_of_one_scale_can_be_compared(same_scale: bool) -> None:
    parts = [(f"t = {t}", STEPS, {"u": np.sin(STEPS) * 10.0**-t}) for t in range(3)]
    picture = viz.panels(parts, xlabel="x", ylabel="u", same_scale=same_scale)
    limits = [axes.get_ylim() for axes in picture.figure.axes]
    assert (len(set(limits)) == 1) == same_scale
    assert limits[0][0] <= -0.95 and limits[0][1] >= 0.9


def test_each_of_two_panels_has_a_legend() -> None:
    rows = [{"epoch": k, "train_loss": 2.0 / k, "train_critic": 1.0 / k} for k in STEPS]
    legends = [axes.get_legend() for axes in viz.loss_curve(rows).figure.axes]
    assert [legend.get_texts()[0].get_text() for legend in legends] == ["train loss", "train critic"]
    assert viz.loss_curve([3.0, 2.0]).figure.axes[0].get_legend() is None


@pytest.mark.parametrize("title", ["", "Digits"])
@pytest.mark.parametrize("with_titles", [False, True])
@pytest.mark.parametrize(("count", "columns", "shape"), [
    (48, 8, (8, 8)), (24, 8, (8, 8)), (6, 3, (8, 16)), (9, 3, (16, 8)), (80, 8, (8, 8)),
])  # fmt: skip
def test_a_grid_of_images_has_no_empty_band(
    count: int, columns: int, shape: tuple[int, int], with_titles: bool, title: str
) -> None:
    titles = ["a" if with_titles and i % columns == 0 else "" for i in range(count)]
    array = np.random.default_rng(0).random((count, *shape))
    picture = viz.images(array, titles=titles, columns=columns, title=title)
    seen = np.asarray(Image.open(io.BytesIO(picture._repr_png_())).convert("L")) < 250
    rows = np.flatnonzero(seen.any(axis=1))
    above, below = rows[0], len(seen) - 1 - rows[-1]
    assert max(above, below) <= 48  # pixels, of 120 in an inch
