"""Pictures of jobs on several machines: bars are where the spans are, and wrong input is an error."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import viz
from tinygrad_edu.distributed import Span, ThreadCluster
from tinygrad_edu.errors import ShapeError

SPANS = [
    (0, "wait", 5.0, 5.4, {"source": 1}),
    (0, "update", 5.4, 5.5),
    (1, "compute", 5.0, 5.3, {"staleness": 0}),
    (1, "send", 5.3, 5.4, {}),
    (2, "compute", 5.1, 5.9, {"staleness": 2, "dropped": True}),
    (2, "compute", 5.9, 6.0, {"staleness": 2}),
]


def bars(picture):
    """(row, begin, end) of every bar of a timeline."""
    found = set()
    for collection in picture.figure.axes[0].collections:
        for path in collection.get_paths():
            (x0, y0), (x1, y1) = path.vertices.min(axis=0), path.vertices.max(axis=0)
            found.add((round(float(y0 + y1) / 2), round(float(x0), 6), round(float(x1), 6)))
    return found


def legend(picture):
    return [text.get_text() for text in picture.figure.legends[0].get_texts()]


def test_a_bar_for_each_span_at_its_time():
    picture = viz.timeline(SPANS, labels={0: "server"}, title="t")
    assert bars(picture) == {(r, round(b - 5, 6), round(e - 5, 6)) for r, _, b, e, *_ in SPANS}
    assert legend(picture) == ["compute, staleness 0", "staleness 2", "send", "wait", "update", "dropped"]
    axes = picture.figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["server", "rank 1", "rank 2"]
    assert axes.get_xlim() == (0, 1) and axes.get_xlabel() == "time (s)"
    assert axes.yaxis_inverted()  # rank 0 is at the top
    assert "for 1" in [text.get_text() for text in axes.texts]


def test_a_gradient_that_was_dropped_makes_no_class_of_staleness():
    spans = [(1, "compute", 0, 1, {"staleness": 0}), (2, "compute", 0, 1, {"staleness": 3, "dropped": True})]
    assert legend(viz.timeline(spans)) == ["compute", "dropped"]


def test_kinds_can_be_distinguished_without_colours():
    looks = {}
    for collection in viz.timeline(SPANS).figure.axes[0].collections:
        red, green, blue, _ = collection.get_facecolor()[0]
        looks[len(looks)] = (collection.get_hatch() or "", round(0.3 * red + 0.59 * green + 0.11 * blue, 1))
    assert len(looks) == len(set(looks.values())) == 6


@pytest.mark.parametrize(("most", "expected"), [
    (0, ["compute"]),
    (4, ["compute, staleness 0", *(f"staleness {k}" for k in (1, 2, 3, 4))]),
    (9, ["compute, staleness 0", "staleness 1", "staleness 2–3", "staleness 4–7", "staleness 8–9"]),
    (8, ["compute, staleness 0", "staleness 1", "staleness 2–3", "staleness 4–7", "staleness 8"]),
])  # fmt: skip
def test_many_values_of_staleness_are_in_bins(most, expected):
    spans = [(0, "compute", k, k + 1, {"staleness": k}) for k in range(most + 1)]
    picture = viz.timeline(spans)
    assert legend(picture) == expected
    shades = [collection.get_facecolor()[0][:3].sum() for collection in picture.figure.axes[0].collections]
    assert shades == sorted(shades, reverse=True)  # older is darker


def test_many_spans_are_drawn_up_to_what_can_be_read():
    spans = [(rank, "compute", k, k + 1) for rank in range(2) for k in range(500)]
    axes = viz.timeline(spans).figure.axes[0]
    assert axes.get_xlim() == (0, 40) and axes.get_xlabel() == "time (s), 0 to 40 of 500"
    assert viz.timeline(spans, window=(100, 103.5)).figure.axes[0].get_xlim() == (100, 103.5)
    assert {begin for _, begin, _ in bars(viz.timeline(spans, window=(100, 103.5)))} == {100, 101, 102, 103}


def test_ranks_can_be_chosen_and_many_fit():
    spans = [Span(rank, "compute", 0.0, 1.0 + rank, {}) for rank in range(300)]
    axes = viz.timeline(spans, ranks=[7, 3]).figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["rank 7", "rank 3"]
    figure = viz.timeline(spans).figure
    assert figure.get_figheight() < 10
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert all(above.y0 >= below.y1 for above, below in itertools.pairwise(boxes))
    assert bars(viz.timeline(spans)) == {(rank, 0, 1 + rank) for rank in range(300)}


def test_a_job_of_threads_is_drawn(tmp_path):
    def program(comm):
        comm.computed()
        if comm.rank == 1:
            comm.sleep(0.02)
        comm.all_reduce(np.ones(4))

    cluster = ThreadCluster(3, timeline=True)
    cluster.run(program)
    path = tmp_path / "t.svg"
    viz.timeline(cluster.spans, path=path)
    assert "wait" in {span.kind for span in cluster.spans} and path.stat().st_size > 5000


def test_a_wait_for_several_names_the_rank_that_ended_it():
    def program(comm):
        if comm.rank == 0:
            works = [comm.irecv(np.zeros(1), 1), comm.irecv(np.zeros(1), 2)]
            assert comm.wait_any(works) == 1
            comm.send(np.ones(1), 1)
            works[0].wait()
        elif comm.rank == 1:
            comm.recv(np.zeros(1), 0)
            comm.send(np.ones(1), 0)
        else:
            comm.sleep(0.02)
            comm.send(np.ones(1), 0)

    cluster = ThreadCluster(3, timeline=True)
    cluster.run(program)
    first = next(span for span in cluster.spans if span.rank == 0 and span.kind == "wait")
    assert first.details["source"] == 2


@pytest.mark.parametrize(("call", "kind", "words"), [
    (lambda: viz.timeline([]), ValueError, "timeline: there are no spans.*timeline=True"),
    (lambda: viz.timeline([(0, "compute", 1.0)]), TypeError, "span 0 is .*give"),
    (lambda: viz.timeline([(0, "compute", 0, 1), 3]), TypeError, "span 1 is 3"),
    (lambda: viz.timeline([(0, "compute", 2.0, 1.0)]), ValueError, "span 0 goes from 2.0 to 1.0 s"),
    (lambda: viz.timeline([(0, "compute", 0.0, float("nan"))]), ValueError, "to nan s"),
    (lambda: viz.timeline(SPANS, ranks=[4]), ValueError, r"ranks=\[4\].* of ranks 0 to 2"),
    (lambda: viz.timeline(SPANS, ranks=[]), ValueError, r"ranks=\[\]"),
    (lambda: viz.timeline(SPANS, window=(2, 2)), ValueError, "begin < end"),
    (lambda: viz.timeline(SPANS, window=(2, 3)), ValueError, "nothing happens from 2 to 3 s.* from 0 to 1 s"),
    (lambda: viz.scaling([], {"a": []}, ylabel="y"), ShapeError, "workers is empty"),
    (lambda: viz.scaling([1, 2], {}, ylabel="y"), ValueError, "series is empty"),
    (lambda: viz.scaling([1, 2], {"a": [1]}, ylabel="y"), ShapeError, r"\(2,\) and y of 'a' \(1,\)"),
    (lambda: viz.scaling([0, 2], {"a": [1, 2]}, ylabel="y"), ValueError, "at least 1"),
    (lambda: viz.scaling([2, 2], {"a": [1, 2]}, ylabel="y"), ValueError, "different numbers"),
    (lambda: viz.scaling([1, 2], {"a": [0, 2]}, ylabel="y"), ValueError, "above 0, or NaN"),
    (lambda: viz.scaling([1], {"a": [float("nan")]}, ylabel="y"), ValueError, "all numbers are NaN"),
    (lambda: viz.progress({"a": {"loss": [1.0]}}), ValueError, "'a' has no column 'seconds', it has loss"),
    (lambda: viz.progress({"a": {"loss": [1.0, 2], "seconds": [1]}}, x=["seconds"]), ShapeError, "as many"),
    (lambda: viz.progress({"a": {"loss": [1.0]}}, x=()), ValueError, "no column"),
    (lambda: viz.progress({"a": {"loss": [0.0], "s": [1]}}, x=["s"], logy=True), ValueError, "logy out"),
    (lambda: viz.progress({}), ValueError, "runs is empty"),
    (lambda: viz.staleness({}), ShapeError, "empty"),
    (lambda: viz.staleness({"a": {}}), ShapeError, "staleness of 'a' is empty"),
    (lambda: viz.staleness({-1: 3}), ValueError, "integers, 0 or more"),
    (lambda: viz.staleness([0.5]), ValueError, "integers, 0 or more"),
    (lambda: viz.staleness({0: 0}), ValueError, "one above 0"),
])  # fmt: skip
def test_wrong_input_is_an_error_that_says_what_to_do(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


@pytest.mark.parametrize("falling", [False, True])
def test_ideal_scaling_doubles_or_halves(falling):
    y = [12.0, np.nan, 8.0]
    axes = viz.scaling([4, 1, 2], {"a": y, "b": [3.0] * 3}, ylabel="y", falling=falling).figure.axes[0]
    ideal, a, b = axes.lines
    assert ideal.get_label() == "ideal" and [a.get_label(), b.get_label()] == ["a", "b"]
    np.testing.assert_array_equal(ideal.get_xdata(), [1, 2, 4])
    np.testing.assert_array_equal(ideal.get_ydata(), [3, 1.5, 0.75] if falling else [3, 6, 12])
    np.testing.assert_array_equal(a.get_xdata(), [1, 2, 4])
    np.testing.assert_array_equal(a.get_ydata(), [np.nan, 8, 12])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "2", "4"]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert len(viz.scaling([1], {"a": [2]}, ylabel="y", ideal=False).figure.axes[0].lines) == 1


def test_runs_of_different_lengths_are_drawn_against_each_column():
    runs = {
        "slow": {"loss": [3, 1], "seconds": [1, 9], "examples": [10, 20], "note": ["a", "b"]},
        "fast": {"loss": [3, 2, 1.5], "seconds": [1, 2, 3], "examples": [5, 10, 15]},
    }
    picture = viz.progress(runs, ylabel="cross-entropy (nats)", logy=True)
    left, right = picture.figure.axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("time (s)", "examples")
    assert left.get_ylim() == right.get_ylim() and left.get_yscale() == right.get_yscale() == "log"
    for axes, column in ((left, "seconds"), (right, "examples")):
        for line, run in zip(axes.lines, runs.values(), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), run[column])
            np.testing.assert_array_equal(line.get_ydata(), run["loss"])
    assert legend(picture) == ["slow", "fast"]


@settings(max_examples=5, deadline=None)
@given(ages=st.lists(st.integers(0, 40), min_size=1, max_size=30))
def test_a_histogram_of_staleness_has_the_shares(ages):
    counted = Counter(ages)
    for given_ages in (ages, counted, {"run": counted}):
        (axes,) = viz.staleness(given_ages).figure.axes
        drawn = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in axes.patches}
        assert drawn == pytest.approx({age: count / len(ages) for age, count in counted.items()})
        assert axes.lines[0].get_xdata()[0] == pytest.approx(np.mean(ages))


def test_histograms_of_runs_share_their_axis():
    one, two = viz.staleness({"4 workers": [3, 3, 2], "8 workers": {7: 2, 9: 1}}).figure.axes
    assert one.get_xlim() == two.get_xlim() and one.get_title(loc="left") == "4 workers"
    assert [text.get_text() for text in two.texts] == ["mean 7.67 (dashed), largest 9"]


def test_a_run_with_much_less_staleness_has_an_axis_of_its_own():
    one, two = viz.staleness({"4 workers": {3: 1, 10: 1}, "64 workers": {41: 1, 58: 2}}).figure.axes
    assert one.get_xlim() == pytest.approx((-0.7, 10.7)) and two.get_xlim() == pytest.approx((-0.7, 58.7))
    one, two = viz.staleness({"no staleness": {0: 4}, "4 workers": {3: 1}}).figure.axes
    assert one.get_xlim() == two.get_xlim() == pytest.approx((-0.7, 3.7))


@pytest.mark.parametrize("losses", [[8.9, 1.17], [2.31, 2.28], [300.0, 0.2], [1e-6, 3.0], [5.0]])
def test_a_logarithmic_axis_has_plain_numbers(losses):
    for picture in (
        viz.progress({"a": {"loss": losses, "s": range(len(losses))}}, x=["s", "loss"], logy=True),
        viz.scaling(range(1, 1 + len(losses)), {"a": losses}, ylabel="y"),
    ):
        axes = picture.figure.axes[0]
        low, high = axes.get_ylim()
        picture.figure.draw_without_rendering()
        labels = [label.get_text().replace("−", "-") for label in axes.get_yticklabels()]
        assert 3 <= len(labels) <= 9 and len(set(labels)) == len(labels)
        assert all(low <= float(label) <= high for label in labels)


def test_a_timeline_begins_at_the_first_computation():
    late = [(rank, "wait", 0.0, 2.6, {"source": 0}) for rank in (1, 2)]
    work = [(rank, "compute", 2.6 + 0.1 * k, 2.7 + 0.1 * k, {}) for rank in (0, 1, 2) for k in range(3)]
    axes = viz.timeline(late + work).figure.axes[0]
    assert axes.get_xlim() == pytest.approx((0, 0.3)) and axes.get_xlabel() == "time (s)"
    assert (1, -2.6, 0) in bars(viz.timeline(late + work, window=(-3, 0.3)))
    assert viz.timeline(late).figure.axes[0].get_xlim() == (0, 2.6)  # nothing was computed


def test_many_spans_before_the_first_computation_do_not_shorten_the_picture():
    before = [(0, "wait", 0.1 * k, 0.1 * k + 0.05) for k in range(50)]
    work = [(0, "compute", 6.0 + k, 7.0 + k) for k in range(9)]
    assert viz.timeline(before + work).figure.axes[0].get_xlim() == (0, 9)


def test_the_legend_is_within_the_picture_and_is_read_by_rows():
    spans = [(0, "compute", k, k + 1, {"staleness": k}) for k in range(256)]
    spans += [(1, kind, 0, 99) for kind in ("send", "wait", "update", "dropped")]
    figure = viz.timeline(spans, window=(0, 256)).figure
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0
    placed = [(-round(text.get_window_extent().y0), text.get_window_extent().x0, text.get_text())
              for text in figure.legends[0].get_texts()]  # fmt: skip
    ranges = ("2–3", "4–7", "8–15", "16–31", "32–63", "64–127", "128–255")
    assert [text for _, _, text in sorted(placed)] == [
        "compute, staleness 0", "staleness 1", *(f"staleness {k}" for k in ranges),
        "send", "wait", "update", "dropped"]  # fmt: skip


def test_a_bar_that_is_too_narrow_for_its_edges_has_its_own_colour():
    work = [(0, "compute", 0.0, 1.0), (0, "send", 1.0, 1.0 + 1e-5), (0, "compute", 1.0 + 1e-5, 2.0)]
    compute, send = viz.timeline(work).figure.axes[0].collections
    np.testing.assert_array_equal(send.get_edgecolor(), send.get_facecolor())
    assert send.get_zorder() >= compute.get_zorder() and send.get_linewidth()[0] > 0.8
    assert (compute.get_edgecolor() == 1).all()
