"""Paths, histograms, filters, images, matrices and bars: what is drawn is what was measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import metrics, nn, viz
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.viz.figure import NOT_FINITE, PALETTE, rgb

RANDOM = np.random.default_rng(0)
LIMITS = {"xlim": (-2, 2), "ylim": (-1, 3)}


def bowl(x, y):
    return x * x + 3 * y * y


def line(count, stop=1.0):
    return np.stack([np.linspace(-1, stop, count), np.linspace(2, 0, count)], axis=1)


def paths(f, points=None, **more):
    return viz.optimizer_paths(f, {"a": line(2) if points is None else points}, **{**LIMITS, **more})


# -- optimiser paths -----------------------------------------------------------------------------------


def test_paths_have_a_marker_a_step_and_their_start_and_end():
    picture = viz.optimizer_paths(
        bowl, {"a": te.tensor(line(5)), "b": line(3)}, minimum=(0, 0), xlabel="w", ylabel="b", **LIMITS
    )
    axes, bar = picture.figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel(), bar.get_ylabel()) == ("w", "b", "f(w, b)")
    assert axes.get_xlim() == (-2, 2) and axes.get_ylim() == (-1, 3) and axes.get_aspect() == 1
    lines = [drawn for drawn in axes.lines if len(drawn.get_xdata()) > 1]
    assert [drawn.get_color() for drawn in lines] == list(PALETTE[:2])
    np.testing.assert_allclose(lines[0].get_xydata(), line(5))
    ends = {tuple(drawn.get_xydata()[0]) for drawn in axes.lines if len(drawn.get_xdata()) == 1}
    assert ends == {(-1, 2), (1, 0), (0, 0)}
    said = [t.get_text() for t in picture.figure.legends[0].get_texts()]
    assert said == ["a: 4 steps, f = 1", "b: 2 steps, f = 1", "start", "end", "minimum"]


@pytest.mark.parametrize(("count", "columns", "maps"), [(3, None, 1), (4, None, 4), (2, 1, 2)])
def test_many_paths_have_a_map_each(count, columns, maps):
    lines = {f"p{i}": line(4) for i in range(count)}
    figure = viz.optimizer_paths(bowl, lines, columns=columns, **LIMITS).figure
    assert len(figure.axes) == maps + 1
    if maps > 1:
        assert [axes.get_title() for axes in figure.axes[:-1]] == [
            f"p{i}: 3 steps, f = 1" for i in range(count)
        ]


def test_a_path_that_leaves_the_map_or_diverges_is_said_to():
    points = {"far": line(5, 9.0), "lost": np.array([[0.0, 0], [1, 1], [np.inf, 0], [np.nan, np.nan]])}
    figure = viz.optimizer_paths(bowl, points, **LIMITS).figure
    said = [t.get_text() for t in figure.legends[0].get_texts()]
    assert said[:2] == ["far: 4 steps, leaves at 2", "lost: 3 steps, leaves at 2"]


def test_contours_are_where_the_function_says():
    drawn = paths(lambda x, y: x + 0 * y).figure.axes[0].collections[0]
    found = [path.vertices for path in drawn.get_paths() if len(path.vertices)]
    assert len(found) > 5 and all(np.ptp(vertices[:, 0]) < 1e-9 for vertices in found)
    assert all(np.ptp(vertices[:, 1]) == pytest.approx(4) for vertices in found)


def test_a_function_of_tensors_and_a_flat_one_can_be_drawn():
    viz.optimizer_paths(lambda x, y: te.square(te.tensor(x)) + y, {"a": line(3)}, **LIMITS)
    viz.optimizer_paths(lambda x, y: 0 * x, {"a": line(3)}, **LIMITS)


def test_the_minimum_is_seen_where_a_path_ends_in_it_and_only_ends_look_like_ends():
    walks = {f"p{i}": np.stack([np.linspace(-1, 0, 4), np.linspace(2, 0, 4)], axis=1) for i in range(12)}
    figure = viz.optimizer_paths(bowl, walks, minimum=(0, 0), **LIMITS).figure
    for axes in figure.axes[:-1]:
        path, start, end, star = axes.lines
        assert star.get_marker() == "*" and star.get_zorder() > end.get_zorder() > path.get_zorder()
        assert star.get_markersize() < 1.5 * end.get_markersize()
        assert (start.get_marker(), end.get_marker()) == ("o", "s") and path.get_marker() not in "s*<>^v"


@pytest.mark.parametrize("minimum", [None, (0.3, 0.1), (5, 5)])
def test_the_scale_begins_at_the_minimum(minimum):
    x, y = minimum or (0, 1)  # the middle of the map
    figure = paths(lambda a, b: np.hypot(a - x, b - y), minimum=minimum).figure
    lowest = figure.axes[-1].get_ylim()[0]
    assert lowest == pytest.approx(0, abs=1e-12) or minimum == (5, 5)


def test_a_path_whose_name_begins_with_an_underscore_is_in_the_legend():
    figure = viz.optimizer_paths(bowl, {"_a": line(3), "b": line(2)}, **LIMITS).figure
    assert figure.legends[0].get_texts()[0].get_text() == "_a: 2 steps, f = 1"


# -- histograms ----------------------------------------------------------------------------------------


def test_histograms_of_a_module_count_every_parameter():
    model = nn.Sequential(nn.Linear(4, 20), nn.Linear(20, 2))
    figure = viz.histograms(model, bins=12).figure
    assert [axes.get_title() for axes in figure.axes] == [
        "0.weight (20×4)",
        "0.bias (20)",
        "1.weight (2×20)",
        "1.bias (2)",
    ]
    for axes, p in zip(figure.axes, model.parameters()):
        assert sum(bar.get_height() for bar in axes.patches) == p.size
        assert len(axes.patches) <= 12 and axes.get_xlabel() == "value"
        assert f"mean {float(p.numpy().mean()):.3g}".replace("-", "−") in axes.texts[0].get_text()


def test_histograms_of_gradients_need_a_backward():
    model = nn.Linear(3, 2)
    with pytest.raises(ValueError, match=r"weight, bias has none.*backward"):
        viz.histograms(model, gradients=True)
    te.sum(te.square(model(te.ones(4, 3)))).backward()
    figure = viz.histograms(model, gradients=True).figure
    assert {axes.get_xlabel() for axes in figure.axes} == {"gradient"}
    for axes, p in zip(figure.axes, model.parameters()):
        assert f"mean {float(p.grad.numpy().mean()):.3g}".replace("-", "−") in axes.texts[0].get_text()


def test_what_is_not_finite_is_counted_and_not_drawn():
    axes = viz.histograms({"a": [1.0, 2.0, np.nan, np.inf], "b": [np.nan]}).figure.axes
    assert "2 not finite" in axes[0].texts[0].get_text()
    assert "no finite number" in axes[1].texts[0].get_text()


# -- filters and images --------------------------------------------------------------------------------


def shown(picture):
    return [np.asarray(axes.images[0].get_array()) for axes in picture.figure.axes if axes.images]


def test_filters_are_the_weights_on_one_scale_around_zero():
    weight = RANDOM.normal(size=(30, 12))
    picture = viz.filters(te.tensor(weight), shape=(3, 4), max_filters=7)
    np.testing.assert_allclose(shown(picture), weight[:7].reshape(7, 3, 4))
    limits = {axes.images[0].get_clim() for axes in picture.figure.axes if axes.images}
    assert limits == {(-np.abs(weight[:7]).max(), np.abs(weight[:7]).max())}
    assert picture.figure.get_supxlabel() == "the first 7 of 30"


def test_filters_of_a_convolution_are_a_row_a_unit():
    picture = viz.filters(nn.Conv2d(3, 4, 5).weight)
    assert len(shown(picture)) == 12
    assert picture.figure.axes[4].get_title() == "unit 1, channel 1"
    assert picture.figure.axes[0].get_subplotspec().get_gridspec().ncols == 3


@pytest.mark.parametrize("shape", [(5, 6), (1, 5, 6), (3, 5, 6), (3, 5, 6, 1), (3, 1, 5, 6), (2, 5, 6, 3)])
def test_images_are_shown_as_they_are(shape):
    pixels = RANDOM.random(shape)
    tiles = shown(viz.images(pixels, titles=list("abc")))
    wanted = pixels if shape[-1] == 3 else pixels.reshape(-1, 5, 6)
    np.testing.assert_allclose(tiles, wanted)


def test_colours_are_read_by_their_dtype():
    dark = np.full((1, 4, 4, 3), 1, "uint8")
    for array, wanted in (
        (dark, 1 / 255),
        (dark.astype("int64"), 1 / 255),
        (dark.astype("float32"), 1.0),
        (dark.astype(bool), 1.0),
        (te.tensor(dark.astype("float32") * 0.5), 0.5),
    ):
        np.testing.assert_allclose(shown(viz.images(array)), np.full((1, 4, 4, 3), wanted))
    for array in (dark * 200.0, dark.astype(int) * 256, dark * -0.5):
        with pytest.raises(ValueError, match=r"images: colours of .* they must lie from 0 to"):
            viz.images(array)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_pixel_that_is_not_finite_is_pink_and_leaves_the_scale_to_the_others(bad, tmp_path):
    pixels = np.arange(8.0).reshape(2, 2, 2)
    pixels[1, 1, 1] = bad
    for picture, limits in ((viz.images(pixels), (0, 6)), (viz.filters(pixels.reshape(2, 4)), (-6, 6))):
        picture.save(tmp_path / "p.png")
        image = picture.figure.axes[1].images[0]
        assert image.get_clim() == limits
        np.testing.assert_allclose(image.to_rgba(image.get_array())[1, 1][:3], rgb(NOT_FINITE))
        assert (
            picture.figure.get_supxlabel().startswith("1 ")
            and "NaN or infinite: pink" in picture.figure.get_supxlabel()
        )
    colours = np.full((1, 2, 2, 3), 0.25)
    colours[0, 0, 1, 2] = bad
    (drawn,) = shown(viz.images(colours))
    np.testing.assert_allclose(drawn[0], [[0.25] * 3, rgb(NOT_FINITE)])
    viz.images(np.full((2, 2), bad)).save(tmp_path / "p.png")
    viz.filters(np.full((2, 4), bad)).save(tmp_path / "p.png")


# -- confusion matrix, bars ----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:A single label")
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30), st.booleans())
def test_the_confusion_matrix_agrees_with_scikit_learn(pairs, normalize):
    from sklearn import metrics as theirs

    labels, predicted = np.array(pairs).T
    classes = max(labels.max(), predicted.max()) + 1
    axes = viz.confusion_matrix(labels, te.tensor(predicted), normalize=normalize).figure.axes[0]
    wanted = theirs.confusion_matrix(
        labels, predicted, labels=range(classes), normalize="true" if normalize else None
    )
    np.testing.assert_allclose(axes.images[0].get_array(), wanted)
    assert [t.get_text() for t in axes.texts] == [
        f"{v:.2f}" if normalize else f"{v}" for (i, j), v in np.ndenumerate(wanted) if v or i == j
    ]
    assert f"({metrics.accuracy(labels, predicted):.1%})" in axes.get_title()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")


def test_classes_may_have_names_and_predictions_be_scores():
    axes = viz.confusion_matrix([0, 1, 1], np.eye(2)[[0, 1, 0]], class_names=["cat", "dog"]).figure.axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["cat", "dog"]
    axes = viz.confusion_matrix(["dog", "cat"], ["cat", "cat"]).figure.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["cat", "dog"]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[1, 0], [1, 0]])


def test_one_column_of_scores_is_the_probability_of_the_second_class():
    axes = viz.confusion_matrix([0, 1, 1], [[0.1], [0.9], [0.8]]).figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[1, 0], [0, 2]])
    axes = viz.confusion_matrix([0, 1, 2], te.tensor([[0], [2], [2]])).figure.axes[0]  # class numbers
    np.testing.assert_array_equal(axes.images[0].get_array(), [[1, 0, 0], [0, 0, 1], [0, 0, 1]])


def test_roc_of_several_models_has_the_area_of_each():
    labels = np.arange(50) % 2
    scores = {"a": labels + RANDOM.normal(size=50), "b": te.tensor(RANDOM.normal(size=50))}
    axes = viz.roc(labels, scores).figure.axes[0]
    said = [t.get_text() for t in axes.get_legend().get_texts()][1:]
    areas = {name: metrics.roc_auc(labels, np.asarray(score)) for name, score in scores.items()}
    assert said == [f"{name} (AUC {area:.3f})" for name, area in areas.items()]
    assert axes.lines[1].get_color() == PALETTE[0] and "fraction" in axes.get_xlabel()


@pytest.mark.parametrize(
    ("names", "lying"),
    [("abc", False), (["a rather long name", "another of them", "and yet a third one", "d"], True)],
)
def test_bars_have_their_values_and_errors(names, lying):
    values = {name: i - 0.5 for i, name in enumerate(names)}
    axes = viz.bars(values, ylabel="time (s)", errors=dict.fromkeys(names, 0.25)).figure.axes[0]
    sizes = [bar.get_width() if lying else bar.get_height() for bar in axes.patches]
    assert sizes == list(values.values())
    whiskers = axes.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([np.ptp(ends[:, 0 if lying else 1]) for ends in whiskers], 0.5)
    assert [t.get_text() for t in axes.texts][:2] == ["−0.5 ± 0.25", "0.5 ± 0.25"]
    assert (axes.get_xlabel() if lying else axes.get_ylabel()) == "time (s)"


@pytest.mark.parametrize(("values", "wanted"), [
    ([0.99994165, 0.9999], ["0.99994", "0.99990"]), ([0.99994165, 0.5], ["0.9999", "0.5000"]),
    ([0.69, 0.819], ["0.690", "0.819"]), ([0.1 + 0.2, 0.3], ["0.3", "0.3"]), ([12345.6, 3], ["12,346", "3"]),
    ([3e-9, 4e-7], ["3e−9", "4e−7"]), ([np.nan, 2, -0.0], ["nan", "2", "0"]), ([100, 2000], ["100", "2,000"]),
    ([np.inf, -1.25], ["inf", "−1.25"]), ([1.5, 0.002], ["1.500", "0.002"]),
    ([0.125, 6.4, 14.5], ["0.12", "6.40", "14.50"])])  # fmt: skip
@pytest.mark.parametrize("lying", [False, True])
def test_different_bars_look_different_and_alike(values, wanted, lying):
    names = [f"{'a long name' * lying * 5}{i}" for i in range(len(values))]
    picture = viz.bars(dict(zip(names, values)), ylabel="y")
    picture.figure.draw_without_rendering()
    assert [t.get_text() for t in picture.figure.axes[0].texts] == wanted
    assert all(t.get_visible() and np.isfinite(t.xy).all() for t in picture.figure.axes[0].texts)


def test_errors_may_have_the_labels_that_values_have():
    axes = viz.bars({1: 2.0, 2: 3.0, 3: np.nan}, ylabel="y", errors={2: 0.5, 1: np.nan, 3: 9}).figure.axes[0]
    assert [t.get_text() for t in axes.texts] == ["2 ± nan", "3 ± 0.5", "nan"]


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (lambda: paths(bowl, np.ones((3, 3))), ShapeError, r"'a' has shape \(3, 3\)"),
        (lambda: paths(lambda x, y: 1.0), ShapeError, r"returned shape \(\)"),
        (lambda: paths(lambda x, y: float(x)), ShapeError, "two arrays"),
        (lambda: paths(bowl, xlim=(1, 0)), ValueError, "low below high"),
        (lambda: paths(lambda x, y: x * np.nan), ValueError, "finite"),
        (lambda: paths(bowl, minimum=3), ShapeError, "minimum"),
        (lambda: paths(bowl, minimum=(0, 0, 0)), ShapeError, r"minimum has shape \(3,\)"),
        (lambda: paths(bowl, minimum=(0, np.nan)), ValueError, "minimum: 1 of 2"),
        (lambda: viz.histograms({"a": [1.0]}, bins=2.5), ValueError, "bins=2.5"),
        (lambda: viz.filters(np.ones((2, 6)), shape=(-2, -3)), ValueError, "h=-2"),
        (lambda: viz.filters(np.ones((2, 6)), shape=6), ValueError, "shape=6"),
        (lambda: viz.filters(np.ones((2, 4)), max_filters=1.5), ValueError, "max_filters=1.5"),
        (lambda: viz.confusion_matrix([0, 1], [[0.1, np.nan], [1, 0]]), ValueError, "NaN in 1 of 2 rows"),
        (lambda: viz.confusion_matrix([0, 1], [[0.1], [np.nan]]), ValueError, "NaN or infinity for 1 of 2"),
        (lambda: viz.confusion_matrix([0, 1], [[0.1], [4.0]]), ValueError, "no probabilities"),
        (lambda: viz.bars({"a": 1}, ylabel="y", errors=[-1]), ValueError, "errors are -1 to -1"),
        (lambda: viz.bars({"1": 1, 1: 2}, ylabel="y"), ValueError, "read the same"),
        (lambda: viz.histograms({"a": []}), ShapeError, "a is empty"),
        (lambda: viz.histograms({"a": [1.0]}, bins=0), ValueError, "bins=0"),
        (lambda: viz.filters(np.ones((2, 6))), ShapeError, r"shape=\(h, w\) with h \* w = 6"),
        (lambda: viz.filters(np.ones(6)), ShapeError, r"\(units, pixels\)"),
        (lambda: viz.images(np.ones((2, 3, 4, 5))), ShapeError, r"\(n, h, w\)"),
        (lambda: viz.images(np.ones((3, 4, 4)), titles=["a"]), ShapeError, "1 titles for 3"),
        (lambda: viz.confusion_matrix([0, 1], [0]), ShapeError, r"labels have shape \(2,\)"),
        (lambda: viz.confusion_matrix([0, 3], [0, 1], class_names=["a"]), ShapeError, "at least 4"),
        (lambda: viz.confusion_matrix([0, -1], [0, 1]), ValueError, "class numbers"),
        (lambda: viz.confusion_matrix(["a"], ["b"], class_names=["a"]), ValueError, "'b'"),
        (lambda: viz.roc([0, 1], {"m": [0.5]}), ShapeError, "'m'"),
        (lambda: viz.bars({"a": [1, 2]}, ylabel="y"), ShapeError, "value of 'a'"),
        (lambda: viz.bars({"a": 1, "b": 2}, ylabel="y", errors=[1]), ShapeError, "1 errors for 2"),
        (lambda: viz.bars({"a": 1, "b": 2}, ylabel="y", errors={"a": 1}), ValueError, "none for b"),
    ],
)
def test_mistakes_name_the_shapes_the_line_and_the_remedy(wrong, error, said):
    with pytest.raises(error, match=said) as caught:
        wrong()
    assert "test_measures.py:" in str(caught.value) and ";" in str(caught.value)
