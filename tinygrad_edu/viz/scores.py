"""How good predictions are, drawn: the confusion matrix, the ROC curve, and bars to compare numbers."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import metrics
from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.answers import probabilities
from tinygrad_edu.viz.figure import INK, PALETTE, Picture
from tinygrad_edu.viz.inputs import Array, Target, array, named, numbers, unknown, wrong
from tinygrad_edu.viz.legends import legend, look, spots
from tinygrad_edu.viz.words import alike, plain


def confusion_matrix(labels: Any, predicted: Any, *, class_names: Sequence[str] | None = None,
                     normalize: bool = False, title: str = "", path: Target | None = None) -> Picture:
    """Draw how often each true class (rows) was taken for each class (columns); right ones on the diagonal.

    labels     (n,) class numbers, or names
    predicted  (n,) likewise, or scores (n, classes), or the probability (n, 1) of the second class
    normalize  shares of the true class, which sum to 1 along a row, instead of counts
    """
    name = "confusion_matrix"
    truth, guess = array(labels), array(predicted)
    if guess.ndim == 2 and len(guess) == len(truth) and guess.size:
        guess = _highest(name, guess)
    if truth.ndim != 1 or guess.shape != truth.shape or not len(truth):
        raise wrong(name, f"labels have shape {truth.shape} and predicted {array(predicted).shape}",
                    "give labels (n,) and predicted (n,) or (n, classes), with n at least 1")
    counts, found = _counts(name, truth, guess, class_names)
    total = counts.sum(axis=1, keepdims=True)
    shown = counts / np.maximum(total, 1) if normalize else counts
    size = len(found)
    side = min(max(0.62 * size, 2.6), 11.0)
    widest = 0.07 * max(map(len, found))
    slanted = widest > side / size
    names = 0.7 * widest if slanted else 0.2                # inches below the axes
    figure = fig.figure(side + 1.6 + widest, side + 1.0 + names + 0.25 * bool(title), square=True)
    axes = fig.axes(figure, grid=False)
    mesh = axes.imshow(shown, cmap=fig.colour_map("amount"), vmin=0, vmax=1 if normalize else None)
    for i in range(size):
        for j in range(size):
            text = f"{shown[i, j]:.2f}" if normalize else f"{counts[i, j]}"
            fill = mesh.cmap(mesh.norm(shown[i, j]))
            axes.text(j, i, text, ha="center", va="center", fontsize=9 if size <= 12 else 7,
                      color=fig.ink_on(fill), fontweight="bold" if i == j else "normal")
    ticks = [plain(n) for n in found]
    axes.set_xticks(range(size), ticks, rotation=40 if slanted else 0, ha="right" if slanted else "center",
                    rotation_mode="anchor" if slanted else "default")
    axes.set_yticks(range(size), ticks)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(f"{int(np.trace(counts))} of {len(truth)} right ({np.trace(counts) / len(truth):.1%})",
                   fontsize=9.5)
    bar = fig.colour_bar(figure, mesh, axes, "share of the true class" if normalize else "rows")
    if not normalize:
        bar.ax.locator_params(axis="y", integer=True)
    return fig.finish(figure, title, path)


def _highest(name: str, scores: Array) -> Array:
    """The class (n,) of the highest of the scores (n, classes); of one column, whether it is above 1/2."""
    if scores.shape[1] == 1:
        return np.asarray(probabilities(name, "predicted has", scores, len(scores)).argmax(axis=1))
    values = numbers(name, "predicted", scores)
    bad = int(np.isnan(values).any(axis=1).sum())
    if bad:
        raise unknown(name, f"predicted has NaN in {bad} of {len(values)} rows: no score is the highest",
                      "look for what diverged, or leave those rows out")
    return np.asarray(values.argmax(axis=1))


def _counts(name: str, truth: Array, guess: Array,
            class_names: Sequence[str] | None) -> tuple[Array, list[str]]:
    """(true, predicted) counts (k, k), and the names of the k classes."""
    if truth.dtype.kind in "biuf" and guess.dtype.kind in "biuf":
        a, b = (numbers(name, "class numbers", x) for x in (truth, guess))
        if any((x < 0).any() or (x != np.floor(x)).any() for x in (a, b)):
            raise unknown(name, "there are class numbers below 0 or not whole",
                          "give 0, 1, 2, ...; of probabilities, (p > 0.5).astype(int)")
        rows, columns = a.astype(np.int64), b.astype(np.int64)
        count = int(max(rows.max(), columns.max())) + 1
        if class_names is not None and len(class_names) < count:
            raise wrong(name, f"{len(class_names)} class_names, and a class {count - 1}",
                        f"give at least {count}")
        found = [str(n) for n in (range(count) if class_names is None else class_names)]
    else:
        found = [str(n) for n in (np.unique(np.concatenate([truth.astype(str), guess.astype(str)]))
                                  if class_names is None else class_names)]
        place = {n: i for i, n in enumerate(found)}
        foreign = {str(n) for n in (*truth, *guess)} - place.keys()
        if foreign:
            raise unknown(name, f"{sorted(foreign)} are not in class_names", "name every class")
        rows, columns = (np.array([place[str(n)] for n in x]) for x in (truth, guess))
    counts = np.zeros((len(found), len(found)), np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts, found


def roc(labels: Any, scores: Any, path: Target | None = None, *, class_names: Sequence[str] | None = None,
        title: str = "") -> Picture:
    """Draw the receiver operating characteristic, with the area under each curve (AUC).

    labels  (n,) class numbers, or names; of two classes the second is the one that sorts last, or that
            class_names has second
    scores  (n,) or (n, 2) for two classes, higher for the second; (n, classes) draws each against the rest;
            {name: scores} of two classes compares models
    Raises ValueError if all labels are of one class: there is nothing to rank.
    """
    truth = array(labels).reshape(-1)
    present = _present(truth, class_names)
    if len(present) < 2:
        raise unknown("roc", f"{len(truth)} labels, of {len(present)} class{'es' * (not present)}: "
                      f"{present[:1]}", "give rows of both classes; nothing can be ranked without")
    figure = fig.figure(5.4, 5.0, square=True)
    axes = fig.axes(figure)
    lines = axes.plot([0, 1], [0, 1], ":", color=INK, linewidth=1, label="chance (AUC 0.5)")
    for k, (name, positive, score) in enumerate(_one_against_rest(truth, present, scores, class_names)):
        if positive.all() or not positive.any():
            continue                            # a class that is everywhere or nowhere has no curve
        area = metrics.roc_auc(positive.astype(np.int64), score)
        label = f"{name} (AUC {area:.3f})" if name else f"AUC {area:.3f}"
        points = roc_points(positive, score)
        lines += axes.plot(*points, linewidth=1.9, label=label, markevery=spots(k, len(points[0])), **look(k))
    axes.set_xlabel("false positive rate (fraction of negatives)")
    axes.set_ylabel("true positive rate (fraction of positives)")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_aspect("equal")
    legend(axes, lines, "lower right")
    return fig.finish(figure, title, path)


def _present(truth: Array, class_names: Sequence[str] | None) -> list[Any]:
    """The classes there are, in the order of their numbers or of class_names, or sorted."""
    if truth.dtype.kind == "f" and not np.isfinite(truth).all():
        raise unknown("roc", "labels are NaN or infinite", "give class numbers or names")
    found = list(dict.fromkeys(np.sort(truth).tolist()))
    order = [str(name) for name in class_names or ()]
    if truth.dtype.kind not in "biuf" and {str(label) for label in found} <= set(order):
        found.sort(key=lambda label: order.index(str(label)))
    return found


def _one_against_rest(truth: Array, present: list[Any], scores: Any,
                      class_names: Sequence[str] | None) -> list[tuple[str, Array, Array]]:
    """(name, which rows are positive (n,), scores (n,)) of each curve."""
    models = named("roc", "scores", scores) if hasattr(scores, "items") else {"": scores}
    called = [str(name) for name in class_names or ()]
    out = []
    for model, given in models.items():
        of = f"scores of {model!r}" if model else "scores"
        score = numbers("roc", of, given, ndim=(1, 2), shape="(n,) or (n, classes)")
        if len(score) != len(truth):
            raise wrong("roc", f"{of} have shape {score.shape} for {len(truth)} labels",
                        "give (n,) or (n, classes)")
        if np.isnan(score).any():
            raise unknown("roc", f"{of} are NaN in {int(np.isnan(score).sum())} places",
                          "look for what diverged, or leave those rows out")
        if score.ndim == 2 and score.shape[1] > 2:
            columns = _columns(truth, present, score.shape[1], called)
            for k, (label, column) in enumerate(zip(columns, score.T)):
                name = called[k] if k < len(called) else f"class {label}"
                out.append((f"{model}, {name}" if model else name, truth == label, column))
            continue
        if len(present) > 2:
            raise wrong("roc", f"{of} have shape {score.shape} for {len(present)} classes",
                        f"give a column for each, ({len(truth)}, {len(present)})")
        second = "" if truth.dtype.kind in "biuf" and set(present) <= {0, 1} else f"class {present[1]}"
        out.append((model or (called[1] if len(called) > 1 else second), truth == present[1],
                    score if score.ndim == 1 else score[:, -1]))
    return out


def _columns(truth: Array, present: list[Any], count: int, called: list[str]) -> list[Any]:
    """The label each column of scores is for: its number, or its place among the names or sorted labels."""
    if truth.dtype.kind in "biuf" and set(present) <= set(range(count)):
        return list(range(count))
    if len(present) == count:
        return present
    if truth.dtype.kind not in "biuf" and len(called) == count and set(present) <= set(called):
        return called
    raise wrong("roc", f"{count} columns of scores for the classes {present[:9]}",
                f"number the classes 0 to {count - 1}, or give a column for each")


def roc_points(positive: Array, score: Array) -> tuple[Array, Array]:
    """(false, true) positive rates, each (thresholds + 1,), from (0, 0) to (1, 1); a tie is one step."""
    order = np.argsort(-score, kind="stable")
    hit, ranked = positive[order].astype(np.float64), score[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    true, false = np.cumsum(hit)[last], np.cumsum(1 - hit)[last]
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def bars(values: Mapping[str, float], *, ylabel: str,
         errors: Mapping[str, float] | Sequence[float] | None = None, title: str = "",
         path: Target | None = None) -> Picture:
    """Draw numbers to compare as bars from 0, each with its value; lying ones if their names are long.

    values  {label: number}
    ylabel  what the numbers are, with their unit
    errors  how far each may be off, one a bar, in order or by label
    """
    table = {label: float(numbers("bars", f"the value of {label!r}", value, ndim=0, shape="as one number"))
             for label, value in named("bars", "values", values).items()}
    off = _errors(list(table), errors)
    known = [size if np.isfinite(size) else 0.0 for size in table.values()]
    if off is not None:                         # of what is unknown there is nothing to be off
        off = [error if np.isfinite(size) else np.nan for error, size in zip(off, table.values())]
    lying = len(table) > 8 or max(map(len, table)) > 60 / len(table)
    count, names = len(table), [plain(label) for label in table]
    size = (6.4, max(0.38 * count + 1.2, 2.0)) if lying else (max(0.95 * count + 1.6, 4.0), 3.8)
    figure = fig.figure(*size)
    axes = fig.axes(figure)
    whiskers: dict[str, Any] = {"ecolor": INK, "capsize": 3, "error_kw": {"linewidth": 1.2}}
    if lying:
        drawn = axes.barh(names, known, xerr=off, color=PALETTE[0], height=0.65, **whiskers)
        axes.invert_yaxis()
        axes.set_xlabel(ylabel)
        axes.grid(False, axis="y")
        axes.margins(x=0.14)
    else:
        drawn = axes.bar(names, known, yerr=off, color=PALETTE[0], width=0.62, **whiskers)
        axes.set_ylabel(ylabel)
        axes.grid(False, axis="x")
        axes.margins(y=0.12)
        axes.set_xlim(-0.75, count - 0.25)
    said = alike(list(table.values()))
    if off is not None:
        said = [f"{value} ± {error}" if np.isfinite(size) else value
                for value, error, size in zip(said, alike(off), table.values())]
    axes.bar_label(drawn, said, padding=3, fontsize=8.5, color=INK)
    (axes.axvline if lying else axes.axhline)(0.0, color=fig.SPINE, linewidth=0.9)
    return fig.finish(figure, title, path)


def _errors(labels: list[str], errors: Any) -> list[float] | None:
    if errors is None:
        return None
    if hasattr(errors, "items"):
        table = named("bars", "errors", errors)
        missing = [label for label in labels if label not in table]
        if missing:
            raise unknown("bars", f"errors has none for {', '.join(missing)}", "give one a bar")
        errors = [table[label] for label in labels]
    listed = numbers("bars", "errors", errors, ndim=1, shape=f"({len(labels)},)")
    if len(listed) != len(labels):
        raise wrong("bars", f"{len(listed)} errors for {len(labels)} bars", "give one a bar")
    if (listed < 0).any() or np.isinf(listed).any():
        raise unknown("bars", f"errors are {listed.min():g} to {listed.max():g}",
                      "give how far each may be off: 0 or more, NaN where that is unknown")
    return [float(error) for error in listed]
