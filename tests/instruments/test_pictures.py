"""The Picture every drawing is, and curves, panels and animations, read back from their artists."""

from __future__ import annotations

import io
import os
import sys
import types
import webbrowser
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import viz
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.viz.figure import LINES, MARKERS, PALETTE, rows_and_columns, text_colour_on
from tinygrad_edu.viz.legends import series_style
from tinygrad_edu.viz.words import short

X = np.linspace(-3, 3, 50)
TWO = {"sine": np.sin(X), "tanh": te.tensor(np.tanh(X), requires_grad=True)}
RANDOM = np.random.default_rng(0)


def curve(**more):
    return viz.curves(X, TWO, xlabel="z", ylabel="activation", **more)


@pytest.fixture
def no_screen(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


# -- Picture -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_picture_is_saved_by_its_ending_and_is_then_a_path(ending, start, tmp_path):
    picture = curve()
    path = picture.save(tmp_path / "new" / f"p.{ending}")
    assert path.read_bytes().startswith(start)
    assert Path(picture) == path == picture.path
    assert os.fspath(curve(path=str(path))) == str(path)


def test_the_same_picture_has_the_same_bytes(tmp_path):
    once, again = (curve().save(tmp_path / f"{i}.svg").read_bytes() for i in range(2))
    assert once == again


def test_a_picture_that_is_in_no_file_is_no_path(tmp_path):
    picture = curve()
    assert picture._repr_png_().startswith(b"\x89PNG") and "not saved" in repr(picture)
    with pytest.raises(ValueError, match="save it first"):
        os.fspath(picture)
    with pytest.raises(ValueError, match=r"end it in \.png"):
        picture.save(tmp_path / "p.bmp")
    assert picture.path is None and not list(tmp_path.iterdir())


def test_show_opens_the_viewer(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    monkeypatch.setenv("DISPLAY", ":0")
    picture = curve(path=tmp_path / "p.png")
    picture.show()
    assert opened == [(tmp_path / "p.png").as_uri()]
    curve().show()
    assert opened[1].endswith(".png")
    Path(opened[1].removeprefix("file://")).unlink()


@pytest.mark.usefixtures("no_screen")
def test_show_without_a_screen_says_where_the_picture_is(tmp_path):
    with pytest.warns(UserWarning, match=r"p\.png"):
        curve(path=tmp_path / "p.png").show()


def test_show_in_a_notebook_displays(monkeypatch):
    shown = []
    fake = types.SimpleNamespace(
        get_ipython=lambda: types.SimpleNamespace(kernel=object()),
        display=types.SimpleNamespace(display=shown.append),
    )
    monkeypatch.setitem(sys.modules, "IPython", fake)
    picture = curve()
    picture.show()
    assert shown == [picture]


# -- curves and panels ---------------------------------------------------------------------------------


def test_curves_draws_each_series_with_labels_colours_and_lines():
    axes = curve(title="two", xlim=(-2, 2), ylim=(-1, 1)).figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("z", "activation")
    assert axes.get_xlim() == (-2, 2) and axes.get_ylim() == (-1, 1)
    assert [line.get_label() for line in axes.lines] == list(TWO)
    assert [line.get_color() for line in axes.lines] == list(PALETTE[:2])
    assert [line.get_linestyle() for line in axes.lines] == list(LINES[:2])
    np.testing.assert_allclose(axes.lines[1].get_ydata(), np.tanh(X))
    assert [t.get_text() for t in axes.get_legend().get_texts()] == list(TWO)


def test_curves_on_logarithmic_axes_with_lines_through_zero_and_own_colours():
    axes = viz.curves(
        X + 4, {"a": np.exp(X)}, xlabel="x", ylabel="y", logx=True, logy=True, colors=["#123456"]
    ).figure.axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log" and axes.lines[0].get_color() == "#123456"
    axes = curve(zero_lines=True, colors={"tanh": "#123456"}).figure.axes[0]
    assert len(axes.lines) == 4
    assert [line.get_color() for line in axes.lines[:2]] == [PALETTE[0], "#123456"]


def many(count, **more):
    return viz.curves(X, {f"series {i}": X + i for i in range(count)}, xlabel="x", ylabel="y", **more).figure


def test_a_long_legend_stands_beside_the_axes_and_inside_the_picture():
    for count in (7, 30):
        figure = many(count)
        figure.draw_without_rendering()
        (axes,) = figure.axes
        legend, drawn = axes.get_legend().get_window_extent(), axes.get_window_extent()
        assert legend.x0 >= drawn.x1 and legend.x1 <= figure.bbox.x1 and legend.y0 >= 0
        assert drawn.width > 0.6 * many(2).bbox.width
    assert many(6).get_size_inches().tolist() == [6.4, 4.2]


def test_series_differ_without_their_colours_and_then_with_them():
    looks = [series_style(k) for k in range(180)]
    assert len({(one["linestyle"], one.get("marker")) for one in looks[:40]}) == 40
    assert len({(one["linestyle"], one.get("marker"), one["color"]) for one in looks}) == 180
    assert len(set(MARKERS)) == len(MARKERS) == 9 and len(set(zip(MARKERS * 10, PALETTE * 9))) == 90
    marked = [line for line in many(6).axes[0].lines if line.get_marker() != "None"]
    assert len(marked) == 2 and all(5 <= len(line.get_markevery()) <= 10 for line in marked)


def test_labels_may_begin_with_an_underscore():
    for figure in (
        viz.curves(X, {"_hidden": X, "b": X}, xlabel="", ylabel="").figure,
        viz.loss_curve({"_loss": [1.0, 2.0], "b_loss": [1.0, 2.0]}).figure,
        viz.roc([0, 1, 1], {"_m": [1.0, 2.0, 0.0]}).figure,
    ):
        axes = figure.axes[0]
        assert len(axes.get_legend().get_texts()) == 2
    axes = viz.curves(X, {"_a": X}, xlabel="", ylabel="").figure.axes[0]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["_a"]


def test_colours_are_given_by_labels_of_any_kind():
    axes = viz.curves(X, {1: X, 2: -X}, xlabel="", ylabel="", colors={2: "#123456"}).figure.axes[0]
    assert [line.get_color() for line in axes.lines] == [PALETTE[0], "#123456"]
    axes = viz.curves(X, {"a": X}, xlabel="", ylabel="", colors="green").figure.axes[0]
    assert axes.lines[0].get_color() == "green"


def test_what_has_no_logarithm_leaves_a_gap():
    y = [1.0, -1.0, 10.0, 0.0, 100.0, 1000.0]
    axes = viz.curves([1, 2, 0, 4, 5, 6], {"a": y}, xlabel="", ylabel="", logx=True, logy=True).figure.axes[0]
    shown = axes.lines[0].get_xydata()
    assert np.isnan(shown[[1, 3], 1]).all() and np.isnan(shown[2, 0])
    assert axes.lines[0].get_markevery() == [0]
    assert axes.get_yscale() == axes.get_xscale() == "log"


@pytest.mark.parametrize(("columns", "shape"), [(None, (2, 2)), (1, (4, 1)), (4, (1, 4))])
def test_panels_share_labels_and_looks(columns, shape):
    parts = [(f"part {i}", X, {"f": X, "g": X * i} if i % 2 else {"g": X}) for i in range(4)]
    figure = viz.panels(parts, xlabel="x (m)", ylabel="y (m)", columns=columns).figure
    assert [axes.get_title() for axes in figure.axes] == [f"part {i}" for i in range(4)]
    grid = figure.axes[0].get_subplotspec().get_gridspec()
    assert (grid.nrows, grid.ncols) == shape
    colours = {(line.get_label(), line.get_color()) for axes in figure.axes for line in axes.lines}
    assert len(colours) == 2
    assert {t.get_text() for t in figure.legends[0].get_texts()} == {"f", "g"}
    for i, axes in enumerate(figure.axes):
        assert axes.get_xlabel() == ("x (m)" if i + shape[1] >= 4 else "")
        assert axes.get_ylabel() == ("y (m)" if i % shape[1] == 0 else "")


def test_panels_with_labels_of_their_own_have_legends_of_their_own():
    figure = viz.panels([("a", X, {"f": X}), ("b", X, {"g": X, "h": -X})], xlabel="", ylabel="").figure
    assert not figure.legends
    said = [[t.get_text() for t in axes.get_legend().get_texts()] for axes in figure.axes]
    assert said == [["f"], ["g", "h"]]
    assert [axes.lines[0].get_color() for axes in figure.axes] == [PALETTE[0]] * 2


def test_points_between_gaps_are_marked():
    y = [1.0, np.nan, 2.0, 3.0, np.nan, np.inf, 4.0]
    assert viz.loss_curve(y).figure.axes[0].lines[0].get_markevery() == [0, 6]
    assert viz.loss_curve([1.0, 2.0]).figure.axes[0].lines[0].get_markevery() == [0, 1]
    assert viz.loss_curve([1.0, 2.0, 3.0]).figure.axes[0].lines[0].get_marker() == "None"


def test_losses_of_unknown_epochs_leave_the_others_seen():
    (line,) = viz.loss_curve({"epoch": [1, None, 3], "loss": [3.0, 2.0, 1.0]}).figure.axes[0].lines
    assert line.get_marker() == "o" and line.get_markevery() == [0, 2]
    (line,) = viz.loss_curve({"epoch": [None, None], "loss": [3.0, 2.0]}).figure.axes[0].lines
    assert line.get_xdata().tolist() == [1, 2]


def test_a_history_may_be_a_generator():
    for history in (
        (1.0 / k for k in (1, 2, 4)),
        ({"loss": 1.0 / k} for k in (1, 2, 4)),
        {"loss": (1.0 / k for k in (1, 2, 4))},
        te.tensor([1.0, 0.5, 0.25]),
    ):
        assert viz.loss_curve(history).figure.axes[0].lines[0].get_ydata().tolist() == [1, 0.5, 0.25]


def test_a_history_may_hold_tensors():
    lines = viz.loss_curve([te.tensor(3.0), te.tensor(2.0, requires_grad=True), 1.0]).figure.axes[0].lines
    assert list(lines[0].get_ydata()) == [3, 2, 1]


@pytest.mark.parametrize(("wrong", "error", "said"), [
    (lambda: viz.curves(X, {"a": X[1:]}, xlabel="", ylabel=""), ShapeError, r"curves: x has shape \(50,\)"),
    (lambda: viz.curves(X, {}, xlabel="", ylabel=""), ValueError, "empty"),
    (lambda: viz.curves(X, [X], xlabel="", ylabel=""), TypeError, "dict"),
    (lambda: viz.curves(X, {"a": ["no"] * 50}, xlabel="", ylabel=""), TypeError, "y of 'a' is not numbers"),
    (lambda: viz.curves(X[None], {"a": X}, xlabel="", ylabel=""), ShapeError, r"\(1, 50\)"),
    (lambda: curve(colors=["#123456"]), ShapeError, "1 colors for 2"),
    (lambda: viz.curves(X, {"a": -X * X}, xlabel="", ylabel="", logy=True), ValueError, "logy=True"),
    (lambda: curve(colors={"tangent": "red"}), ValueError, r"colors has \['tangent'\].*\['sine', 'tanh'\]"),
    (lambda: curve(colors="green"), ShapeError, "1 colors for 2"),
    (lambda: curve(colors=["red", "rde"]), ValueError, "'rde'"),
    (lambda: viz.loss_curve(3.0), TypeError, "history is float"),
    (lambda: viz.panels([(X, {"a": X})], xlabel="", ylabel=""), ValueError, "panels"),
    (lambda: viz.panels([("t", X, {"a": X})], xlabel="", ylabel="", columns=0), ValueError, "columns=0"),
])  # fmt: skip
def test_mistakes_name_the_function_the_line_and_the_remedy(wrong, error, said):
    with pytest.raises(error, match=said) as caught:
        wrong()
    if "columns" not in said:
        assert "test_pictures.py:" in str(caught.value)


# -- animation -----------------------------------------------------------------------------------------


def frames_of(gif):
    from PIL import Image

    with Image.open(io.BytesIO(gif)) as image:
        out = []
        for k in range(image.n_frames):
            image.seek(k)
            out.append((np.asarray(image.convert("RGB")), image.info["duration"]))
        return out


def blobs():
    labels = np.arange(40) % 2
    return RANDOM.normal(size=(40, 2)) + labels[:, None], labels


def test_an_animation_has_a_frame_a_step_and_a_generator_may_train_between_them(tmp_path):
    asked = []

    def training():
        for step in range(4):
            asked.append(step)
            yield f"epoch {step}", lambda grid, step=step: te.sigmoid(te.tensor(grid[:, 0] * step))

    features, labels = blobs()
    animation = viz.boundary_animation(
        training(),
        te.tensor(features),
        te.tensor(labels),
        fps=5,
        path=tmp_path / "new" / "b.gif",
        resolution=12,
    )
    frames = frames_of(Path(animation).read_bytes())
    assert animation.frames == len(frames) == 4 and asked == [0, 1, 2, 3]
    assert [duration for _, duration in frames] == [200, 200, 200, 2000]
    assert len({frame.tobytes() for frame, _ in frames}) == 4
    assert all((frame[0, 0] == 255).all() for frame, _ in frames)
    assert animation.figure.axes[0].get_title() == "epoch 3"
    assert "data:image/gif" in animation._repr_html_()


def test_steps_without_labels_are_counted():
    features, labels = blobs()
    animation = viz.boundary_animation([lambda grid: grid[:, 0] > 0] * 3, features, labels, resolution=12)
    assert len(frames_of(animation.gif)) == 3 and animation.figure.axes[0].get_title() == "picture 3"


def test_equal_steps_take_their_time():
    features, labels = blobs()
    animation = viz.boundary_animation(
        [("same", lambda grid: grid[:, 0] > 0)] * 3, features, labels, fps=10, resolution=12
    )
    assert animation.frames == 3
    assert sum(duration for _, duration in frames_of(animation.gif)) == 2200


def test_mistakes_in_an_animation_say_what_to_do(tmp_path):
    features, labels = blobs()
    with pytest.raises(ValueError, match="empty"):
        viz.boundary_animation([], features, labels)
    with pytest.raises(ValueError, match="fps=0"):
        viz.boundary_animation([lambda grid: grid[:, 0] > 0], features, labels, fps=0)
    with pytest.raises(ValueError, match=r"end it in \.gif"):
        viz.boundary_animation(
            [lambda grid: grid[:, 0] > 0], features, labels, path=tmp_path / "b.png", resolution=12
        )
    with pytest.raises(ValueError, match=r"te\.sigmoid"):
        viz.decision_boundary(lambda grid: 9 * grid[:, 0], features, labels, resolution=12)
    with pytest.raises(ValueError, match="class numbers"):
        viz.decision_boundary(lambda grid: grid[:, 0] > 0, features, labels - 1, resolution=12)


@pytest.mark.parametrize(("wrong", "error", "said"), [
    ({"predicts": [("a", np.sign, 1)]}, ValueError, r"tuple of 3.*\(label, function\)"),
    ({"predicts": ["a"]}, TypeError, "predict is str"),
    ({"predicts": np.sign}, TypeError, "decision_boundary for one"),
    ({"resolution": 10.5}, ValueError, "resolution=10.5.*whole number"),
    ({"feature_names": ["only"]}, ShapeError, "1 feature_names for 2"),
])  # fmt: skip
def test_mistakes_in_what_a_boundary_is_asked_of_say_what_to_give(wrong, error, said):
    features, labels = blobs()
    asked = {"predicts": [lambda grid: grid[:, 0] > 0], "resolution": 12} | wrong
    with pytest.raises(error, match=f"^boundary_animation: .*{said}"):
        viz.boundary_animation(asked.pop("predicts"), features, labels, **asked)


# -- what they share -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "text"), [
    (0.0, "0"), (-0.0, "0"), (1.0, "1"), (-0.12345, "−0.123"), (12345.6, "12,346"), (3e-7, "3e−7"),
    (-2e20, "−2e20"), (float("nan"), "nan"), (float("inf"), "inf"), (0.957, "0.957"), (100.0, "100")]
)  # fmt: skip
def test_numbers_are_short(value, text):
    assert short(value) == text


@pytest.mark.parametrize(("said", "drawn"), [
    ("costs $5 and $10", "costs $5 and $10"), ("cost ($) and gain ($)", "cost ($) and gain ($)"),
    ("US$ 5, US$ 6", "US$ 5, US$ 6"), ("($m) and ($m)", "($m) and ($m)"), (r"\$5 to \$7", "$5 to $7"),
    ("$x^2$ for $5", None), (r"$\eta$", None), (r"$\nonsense$ 1", r"$\nonsense$ 1")])  # fmt: skip
def test_dollars_are_formulas_only_where_they_embrace_one(said, drawn):
    from matplotlib.mathtext import MathTextParser

    figure = viz.curves(X, {said: X}, xlabel=said, ylabel="y", title=said).figure
    figure.draw_without_rendering()
    for text in (figure._suptitle, figure.axes[0].xaxis.label, figure.axes[0].get_legend().get_texts()[0]):
        kept, formula = text._preprocess_math(text.get_text())
        assert bool(formula) == (drawn is None)
        if drawn is None:
            MathTextParser("path").parse(kept)
        else:
            assert kept == drawn


def test_a_long_title_is_in_lines_inside_the_picture():
    words = "a long title " * 25
    pictures = [
        curve(title=words),
        viz.bars({"a": 1}, ylabel="y", title=words),
        viz.panels([(words, X, TWO)], xlabel="", ylabel=""),
        viz.network([np.ones((2, 2))], title=words),
    ]
    for picture in pictures:
        figure = picture.figure
        figure.draw_without_rendering()
        text = figure._suptitle or figure.axes[0].title
        box = text.get_window_extent()
        assert text.get_text().replace("\n", " ") == words.strip()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert figure.axes[0].get_window_extent().height > 90


@pytest.mark.parametrize("count", range(1, 40))
def test_small_pictures_are_arranged_without_a_row_to_spare(count):
    rows, columns = rows_and_columns(count, None)
    assert (rows - 1) * columns < count <= rows * columns and columns <= 4


def test_text_is_legible_on_every_colour():
    def luminance(colour):
        parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    steps = range(0, 256, 51)
    for colour in (f"#{r:02x}{g:02x}{b:02x}" for r in steps for g in steps for b in steps):
        ink = text_colour_on(viz.figure.rgb(colour))
        low, high = sorted((luminance(colour), luminance(ink)))
        assert (high + 0.05) / (low + 0.05) >= 2.9, (colour, ink)
