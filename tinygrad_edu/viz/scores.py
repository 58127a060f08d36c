"""Pictures of the quality of predictions: the confusion matrix and the ROC curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import metrics
from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.answers import probabilities
from tinygrad_edu.viz.figure import INK, Picture
from tinygrad_edu.viz.inputs import Array, Target, array, named, numbers, unknown, wrong
from tinygrad_edu.viz.legends import legend, legend_below, marked_points, series_style
from tinygrad_edu.viz.words import matplotlib_text, wrapped


def confusion_matrix(
    labels: Any,
    predicted: Any = None,
    *,
    class_names: Sequence[str] | None = None,
    normalize: bool = False,
    title: str = "",
    path: Target | None = None,
) -> Picture:
    """Draw how often each true class (row) was predicted as each class (column); the diagonal is correct.

    labels     (n,) class numbers, or names; or alone, without predicted, the counts (classes, classes) that
               `metrics.ConfusionMatrix().compute()` gives
    predicted  (n,) likewise, or scores (n, classes), or the probability (n, 1) of the second class
    normalize  draw fractions of the true class, which sum to 1 along a row, instead of counts
    """
    name = "confusion_matrix"
    if predicted is None:
        counts, found = _given_counts(name, array(labels), class_names)
        return _draw_counts(counts, found, normalize, title, path)
    truth, guess = array(labels), array(predicted)
    if guess.ndim == 2 and len(guess) == len(truth) and guess.size:
        guess = _predicted_classes(name, guess)
    if truth.ndim != 1 or guess.shape != truth.shape or not len(truth):
        raise wrong(
            name,
            f"labels have shape {truth.shape} and predicted {array(predicted).shape}",
            "give labels (n,) and predicted (n,) or (n, classes), with n at least 1",
        )
    counts, found = _counts(name, truth, guess, class_names)
    return _draw_counts(counts, found, normalize, title, path)


def _given_counts(name: str, counts: Array, class_names: Sequence[str] | None) -> tuple[Array, list[str]]:
    """(counts (k, k), names of the k classes); an error for what are no counts."""
    if counts.ndim != 2 or len(counts) != counts.shape[1] or not counts.size:
        raise wrong(
            name,
            f"counts have shape {counts.shape}",
            "give (classes, classes) of them, or labels (n,) and predicted",
        )
    values = numbers(name, "counts", counts)
    if not ((values >= 0).all() and (values == np.floor(values)).all() and values.any()):
        raise unknown(name, "counts must be integers from 0, not all 0", "give those of ConfusionMatrix")
    if class_names is not None and len(class_names) != len(counts):
        raise wrong(name, f"{len(class_names)} class_names for {len(counts)} classes", "name each class")
    found = range(len(counts)) if class_names is None else class_names
    return values.astype(np.int64), [str(n) for n in found]


def _draw_counts(
    counts: Array, found: list[str], normalize: bool, title: str, path: Target | None
) -> Picture:
    """The picture of counts (k, k) of classes with these names."""
    rows = int(counts.sum())
    total = counts.sum(axis=1, keepdims=True)
    shown = counts / np.maximum(total, 1) if normalize else counts
    size = len(found)
    side = min(max(0.62 * size, 2.6), 11.0)
    widest = 0.07 * max(map(len, found))
    slanted = widest > side / size
    names = 0.7 * widest if slanted else 0.2  # inches below the axes
    figure = fig.figure(side + 1.6 + widest, side + 1.0 + names + 0.25 * bool(title), square=True)
    axes = fig.axes(figure, grid=False)
    mesh = axes.imshow(shown, cmap=fig.colour_map("amount"), vmin=0, vmax=1 if normalize else None)
    for i in range(size):
        for j in range(size):
            if not counts[i, j] and i != j:
                continue  # most cells of a good classifier are 0; they stay empty
            text = f"{shown[i, j]:.2f}" if normalize else f"{counts[i, j]}"
            fill = mesh.cmap(mesh.norm(shown[i, j]))
            axes.text(
                j,
                i,
                text,
                ha="center",
                va="center",
                fontsize=9 if size <= 12 else 7,
                color=fig.text_colour_on(fill),
                fontweight="bold" if i == j else "normal",
            )
    ticks = [matplotlib_text(n) for n in found]
    axes.set_xticks(
        range(size),
        ticks,
        rotation=40 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor" if slanted else "default",
    )
    axes.set_yticks(range(size), ticks)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    right = f"{int(np.trace(counts))} of {rows} right ({np.trace(counts) / rows:.1%})"
    head = wrapped(str(title), side, 12) + "\n" if title else ""  # above the matrix, not its colour bar
    axes.set_title(head + right, fontsize=10.5)
    bar = fig.colour_bar(figure, mesh, axes, "share of the true class" if normalize else "rows")
    if not normalize:
        bar.ax.locator_params(axis="y", integer=True)
    return fig.finish(figure, "", path)


def _predicted_classes(name: str, scores: Array) -> Array:
    """The class (n,) with the highest of the scores (n, classes); for one column, 1 if it is above 1/2."""
    if scores.shape[1] == 1:
        return np.asarray(probabilities(name, "predicted has", scores, len(scores)).argmax(axis=1))
    values = numbers(name, "predicted", scores)
    bad = int(np.isnan(values).any(axis=1).sum())
    if bad:
        raise unknown(
            name,
            f"predicted has NaN in {bad} of {len(values)} rows: no score is the highest",
            "look for what diverged, or leave those rows out",
        )
    return np.asarray(values.argmax(axis=1))


def _counts(
    name: str, truth: Array, guess: Array, class_names: Sequence[str] | None
) -> tuple[Array, list[str]]:
    """(counts (k, k) of each pair of true and predicted class, names of the k classes)."""
    if truth.dtype.kind in "biuf" and guess.dtype.kind in "biuf":
        a, b = (numbers(name, "class numbers", x) for x in (truth, guess))
        if any((x < 0).any() or (x != np.floor(x)).any() for x in (a, b)):
            raise unknown(
                name,
                "there are class numbers below 0 or not whole",
                "give 0, 1, 2, ...; of probabilities, (p > 0.5).astype(int)",
            )
        rows, columns = a.astype(np.int64), b.astype(np.int64)
        count = int(max(rows.max(), columns.max())) + 1
        if class_names is not None and len(class_names) < count:
            raise wrong(
                name, f"{len(class_names)} class_names, and a class {count - 1}", f"give at least {count}"
            )
        found = [str(n) for n in (range(count) if class_names is None else class_names)]
    else:
        if class_names is None:
            class_names = np.unique(np.concatenate([truth.astype(str), guess.astype(str)])).tolist()
        found = [str(n) for n in class_names]
        place = {n: i for i, n in enumerate(found)}
        foreign = {str(n) for n in (*truth, *guess)} - place.keys()
        if foreign:
            raise unknown(name, f"{sorted(foreign)} are not in class_names", "name every class")
        rows, columns = (np.array([place[str(n)] for n in x]) for x in (truth, guess))
    counts = np.zeros((len(found), len(found)), np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts, found


def roc(
    labels: Any,
    scores: Any,
    path: Target | None = None,
    *,
    class_names: Sequence[str] | None = None,
    title: str = "",
) -> Picture:
    """Draw the receiver operating characteristic, with the area under each curve (AUC).

    labels  (n,) class numbers, or names. The second of two classes is the last in sorted order, or the second
            of class_names
    scores  (n,) or (n, 2) for two classes, higher for the second; (n, classes) draws each class against the
            rest; {name: scores} of two classes compares models
    Raises ValueError if all labels are of one class, since the curve does not exist then.
    """
    truth = array(labels).reshape(-1)
    present = _classes_present(truth, class_names)
    if len(present) < 2:
        raise unknown(
            "roc",
            f"{len(truth)} labels, of {len(present)} class{'es' * (not present)}: {present[:1]}",
            "give rows of both classes; nothing can be ranked without",
        )
    curves = enumerate(_one_against_rest(truth, present, scores, class_names))
    drawn = [
        (k, name, roc_points(positive, score), metrics.roc_auc(positive.astype(np.int64), score))
        for k, (name, positive, score) in curves
        if positive.any() and not positive.all()
    ]  # a class with all rows, or with none, has no curve
    if len(present) > 2:
        return fig.finish(_draw_each_class(drawn), title, path)
    figure = fig.figure(5.4, 5.0, square=True)
    axes = fig.axes(figure)
    lines = axes.plot([0, 1], [0, 1], ":", color=INK, linewidth=1, label="chance (AUC 0.5)")
    for k, name, points, area in drawn:
        label = f"{name} (AUC {area:.3f})" if name else f"AUC {area:.3f}"
        marks = marked_points(k, len(points[0]))
        lines += axes.plot(*points, linewidth=1.9, label=label, markevery=marks, **series_style(k))
    axes.set_xlabel("false positive rate (fraction of negatives)")
    axes.set_ylabel("true positive rate (fraction of positives)")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_aspect("equal")
    legend(axes, lines, "lower right")
    return fig.finish(figure, title, path)


def _draw_each_class(drawn: Sequence[tuple[int, str, tuple[Array, Array], float]]) -> Any:
    """Draw the curves, zoomed to the corner where they bend; and beside them the areas and their mean."""
    figure = fig.figure(9.6, max(4.6, 0.27 * len(drawn) + 1.4))
    axes, beside = fig.axes(figure, 1, 2, 1), fig.axes(figure, 1, 2, 2)
    right, low = _zoom_limits([points for _, _, points, _ in drawn])
    lines = [
        axes.plot(*points, linewidth=1.7, label=name, **{**series_style(k), "marker": ""})[0]
        for k, name, points, _ in drawn
    ]
    axes.set_xlim(-0.01 * right, 1.01 * right)
    axes.set_ylim(low - 0.01 * (1 - low), 1 + 0.01 * (1 - low))
    axes.set_xlabel("false positive rate (fraction of negatives)")
    axes.set_ylabel("true positive rate (fraction of positives)")
    zoomed = "" if (right, low) == (1.0, 0.0) else ", the upper left corner"
    axes.set_title(f"each class against the rest{zoomed}")
    areas = [area for *_, area in drawn]
    mean, digits = float(np.mean(areas)), 3 if max(areas) - min(areas) > 0.01 else 5
    for row, (k, _, _, area) in enumerate(drawn):
        beside.plot([area], [row], "o", color=series_style(k)["color"], markersize=7)
        beside.annotate(
            f"{area:.{digits}f}",
            (area, row),
            (-7, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8.5,
            color=INK,
            bbox={"facecolor": fig.PAPER, "edgecolor": "none", "pad": 1},
        )
    beside.axvline(mean, color=INK, linewidth=1, linestyle="--")
    beside.set_yticks(range(len(drawn)), [matplotlib_text(name) for _, name, _, _ in drawn])
    beside.set_ylim(len(drawn) - 0.5, -0.5)
    worst = min(areas)
    room = 1 - worst or 0.05
    lowest = worst - 0.25 * room  # the number of the worst class stands there
    beside.set_xlim(lowest, 1 + 0.02 * room)
    beside.locator_params(axis="x", nbins=4)
    beside.set_xticks([tick for tick in beside.get_xticks() if lowest <= tick <= 1])
    axes.locator_params(axis="x", nbins=5)
    beside.grid(False, axis="y")
    beside.set_xlabel("area under the curve (AUC)")
    beside.set_title(f"macro average {mean:.{digits}f} (dashed)")
    if len(lines) > 6:
        legend_below(figure, lines, 6)
    else:
        legend(axes, lines, "lower right")
    return figure


def _zoom_limits(curves: Sequence[tuple[Array, Array]]) -> tuple[float, float]:
    """(largest false positive rate, smallest true positive rate) of the corner where the curves bend."""
    steps = (0.02, 0.05, 0.1, 0.2, 0.5)
    if all(true[false == 0][-1] == 1 for false, true in curves):
        return 1.0, 0.0  # the curves have no bend
    bends = max(float(false[np.argmax(true >= 0.99)]) for false, true in curves)
    starts = min(
        float(
            true[np.flatnonzero(false <= bends)[-1]]
            if not (false == 0).any()
            else true[np.flatnonzero(false == 0)[-1]]
        )
        for false, true in curves
    )
    right = next((step for step in steps if 1.2 * bends <= step), 1.0)
    low = next((1 - step for step in steps if 1.2 * (1 - starts) <= step), 0.0)
    return (right, low) if right < 1 or low > 0 else (1.0, 0.0)


def _classes_present(truth: Array, class_names: Sequence[str] | None) -> list[Any]:
    """The classes that occur in the labels, in the order of their numbers or of class_names, or sorted."""
    if truth.dtype.kind == "f" and not np.isfinite(truth).all():
        raise unknown("roc", "labels are NaN or infinite", "give class numbers or names")
    found = list(dict.fromkeys(np.sort(truth).tolist()))
    order = [str(name) for name in class_names or ()]
    if truth.dtype.kind not in "biuf" and {str(label) for label in found} <= set(order):
        found.sort(key=lambda label: order.index(str(label)))
    return found


def _one_against_rest(
    truth: Array, present: list[Any], scores: Any, class_names: Sequence[str] | None
) -> list[tuple[str, Array, Array]]:
    """For each curve (name, which rows are positive (n,), scores (n,))."""
    models = named("roc", "scores", scores) if hasattr(scores, "items") else {"": scores}
    called = [str(name) for name in class_names or ()]
    out = []
    for model, given in models.items():
        of = f"scores of {model!r}" if model else "scores"
        score = numbers("roc", of, given, ndim=(1, 2), shape="(n,) or (n, classes)")
        if len(score) != len(truth):
            raise wrong(
                "roc", f"{of} have shape {score.shape} for {len(truth)} labels", "give (n,) or (n, classes)"
            )
        if np.isnan(score).any():
            raise unknown(
                "roc",
                f"{of} are NaN in {int(np.isnan(score).sum())} places",
                "look for what diverged, or leave those rows out",
            )
        if score.ndim == 2 and score.shape[1] > 2:
            columns = _columns(truth, present, score.shape[1], called)
            for k, (label, column) in enumerate(zip(columns, score.T)):
                name = called[k] if k < len(called) else f"class {label}"
                out.append((f"{model}, {name}" if model else name, truth == label, column))
            continue
        if len(present) > 2:
            raise wrong(
                "roc",
                f"{of} have shape {score.shape} for {len(present)} classes",
                f"give a column for each, ({len(truth)}, {len(present)})",
            )
        second = "" if truth.dtype.kind in "biuf" and set(present) <= {0, 1} else f"class {present[1]}"
        out.append(
            (
                model or (called[1] if len(called) > 1 else second),
                truth == present[1],
                score if score.ndim == 1 else score[:, -1],
            )
        )
    return out


def _columns(truth: Array, present: list[Any], count: int, called: list[str]) -> list[Any]:
    """The label of each column of scores: its number, or the label at its index in the names or classes."""
    if truth.dtype.kind in "biuf" and set(present) <= set(range(count)):
        return list(range(count))
    if len(present) == count:
        return present
    if truth.dtype.kind not in "biuf" and len(called) == count and set(present) <= set(called):
        return called
    raise wrong(
        "roc",
        f"{count} columns of scores for the classes {present[:9]}",
        f"number the classes 0 to {count - 1}, or give a column for each",
    )


def roc_points(positive: Array, score: Array) -> tuple[Array, Array]:
    """(false, true) positive rates, each (thresholds + 1,), from (0, 0) to (1, 1); a tie is one step."""
    order = np.argsort(-score, kind="stable")
    hit, ranked = positive[order].astype(np.float64), score[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    true, false = np.cumsum(hit)[last], np.cumsum(1 - hit)[last]
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])
