"""Where a classifier of two features changes its mind: once, and through training."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.figure import INK, MARKERS, PALETTE, PAPER, Animation, Picture
from tinygrad_edu.viz.inputs import Array, Target, array, numbers, unknown, wrong
from tinygrad_edu.viz.legends import legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Predict = Callable[[Array], Any]


def decision_boundary(predict: Predict, features: Any, labels: Any, path: Target | None = None, *,
                      class_names: Sequence[str] | None = None, feature_names: Sequence[str] = ("x₁", "x₂"),
                      title: str = "", resolution: int = 240) -> Picture:
    """Draw where a classifier of two features changes its mind.

    predict   takes an array (n, 2) and returns probabilities (n, classes), scores (n, classes), of which the
              softmax is drawn, the probability (n,) of the second class, or class numbers (n,). It is called
              once, on a grid of resolution x resolution points.
    features  (n, 2); labels (n,) class numbers
    """
    plane = _plane("decision_boundary", features, labels, resolution)
    share = plane.shares(predict)
    figure = fig.figure(5.6, 5.2)
    axes = fig.axes(figure, grid=False)
    plane.paint(axes, share)
    plane.scatter(figure, axes, class_names, feature_names)
    return fig.finish(figure, title, path)


def boundary_animation(predicts: Iterable[Predict | tuple[str, Predict]], features: Any, labels: Any, *,
                       path: Target | None = None, fps: float = 6, class_names: Sequence[str] | None = None,
                       feature_names: Sequence[str] = ("x₁", "x₂"), title: str = "",
                       resolution: int = 120) -> Animation:
    """Draw the decision boundary through training, as a GIF; the last picture stays for two seconds.

    predicts  one a picture: a function as of `decision_boundary`, or (label, function). They are asked one
              after the other, so a generator may train the model between two of them.
    fps       pictures a second
    """
    name = "boundary_animation"
    if not 0 < fps <= 50:
        raise unknown(name, f"fps={fps}", "give more than 0 and, since viewers slow down others, at most 50")
    plane = _plane(name, features, labels, resolution)
    figure = fig.figure(5.6, 5.2)
    axes = fig.axes(figure, grid=False)
    plane.scatter(figure, axes, class_names, feature_names)
    frames: list[Array] = []
    painted: list[Any] = []
    for i, item in enumerate(predicts):
        label, predict = item if isinstance(item, tuple) else (f"picture {i + 1}", item)
        for artist in painted:
            artist.remove()
        painted = plane.paint(axes, plane.shares(predict))
        axes.set_title("\n".join(filter(None, (title, str(label)))), fontsize=11)
        frames.append(fig.pixels(figure))
        figure.set_layout_engine("none")        # what the first picture settled stays: nothing jumps
    if not frames:
        raise unknown(name, "predicts is empty", "give at least one function")
    pause = [round(1000 / fps)] * (len(frames) - 1) + [max(2000, round(1000 / fps))]
    animation = Animation(figure, fig.gif(frames, pause), len(frames))
    if path is not None:
        animation.save(path)
    return animation


@dataclass(frozen=True)
class _Plane:
    """The points and the grid that covers them."""
    name: str
    points: Array                               # (n, 2)
    classes: Array                              # (n,)
    x: Array                                    # (resolution,)
    y: Array

    def shares(self, predict: Predict) -> Array:
        """What the classifier says of the grid, as probabilities (resolution^2, classes)."""
        grid = np.stack(np.meshgrid(self.x, self.y), axis=-1).reshape(-1, 2).astype(self.points.dtype)
        return _probabilities(self.name, array(predict(grid)), len(grid), int(self.classes.max()) + 1)

    def paint(self, axes: Axes, share: Array) -> list[Any]:
        """Fill the plane with the classes' colours, paler where it is less sure, and draw the boundary."""
        shape = (len(self.y), len(self.x))
        colours = np.array([fig.rgb(PALETTE[k % len(PALETTE)]) for k in range(share.shape[1])])
        paint = np.clip(1 - 0.45 * (1 - share @ colours), 0, 1).reshape(*shape, 3)
        edges = (self.x[0], self.x[-1], self.y[0], self.y[-1])
        artists: list[Any] = [axes.imshow(paint, origin="lower", aspect="auto", extent=edges,
                                          interpolation="bilinear", zorder=0)]
        winners = np.unique(share.argmax(axis=1))
        for k in winners[1:] if len(winners) < 3 else winners:    # one line between two, not one each
            rest = np.delete(share, k, axis=1).max(axis=1)
            artists.append(axes.contour(self.x, self.y, (share[:, k] - rest).reshape(shape), levels=[0.0],
                                        colors=INK, linewidths=1.1, zorder=1))
        return artists

    def scatter(self, figure: Figure, axes: Axes, class_names: Sequence[str] | None,
                feature_names: Sequence[str]) -> None:
        """The points, by class, with legend and axis labels."""
        found, size, drawn = np.unique(self.classes), 22 if len(self.points) > 30 else 70, []
        for k in found:
            x, y = self.points[self.classes == k].T
            label = class_names[k] if class_names is not None and k < len(class_names) else f"class {k}"
            drawn.append(axes.scatter(x, y, s=size, marker=MARKERS[k % len(MARKERS)], label=str(label),
                                      color=PALETTE[k % len(PALETTE)], edgecolors=PAPER, linewidths=0.6,
                                      zorder=2))
        axes.set_xlim(self.x[0], self.x[-1])
        axes.set_ylim(self.y[0], self.y[-1])
        axes.set_xlabel(feature_names[0])
        axes.set_ylabel(feature_names[1])
        legend_below(figure, drawn, min(len(found), 5))


def _plane(name: str, features: Any, labels: Any, resolution: int) -> _Plane:
    points, classes = array(features), array(labels).reshape(-1)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(classes) or not len(points):
        raise wrong(name, f"features have shape {points.shape} and labels {classes.shape}",
                    "give features (n, 2) and labels (n,), with n at least 1")
    if resolution < 2:
        raise unknown(name, f"resolution={resolution}", "give at least 2 points a side")
    numbers(name, "features", points)
    whole = numbers(name, "labels", classes)
    if not (whole >= 0).all() or (whole != np.floor(whole)).any():
        raise unknown(name, "labels are not class numbers", "give 0, 1, 2, ...")
    if points.dtype.kind != "f":
        points = points.astype(np.float64)
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)
    x, y = (np.linspace(low[i] - margin[i], high[i] + margin[i], resolution) for i in range(2))
    return _Plane(name, points, whole.astype(np.int64), x, y)


def _probabilities(name: str, answer: Array, count: int, classes: int) -> Array:
    """What a classifier answered, as probabilities (count, classes)."""
    if answer.ndim == 2 and answer.shape == (count, 1):
        answer = answer[:, 0]
    if answer.ndim == 2 and len(answer) == count:
        scores = answer.astype(np.float64)
        if (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
            return scores
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if answer.shape != (count,):
        raise wrong(name, f"predict returned shape {answer.shape} for {count} points",
                    f"it must return ({count}, classes) or ({count},)")
    if answer.dtype.kind in "iub":
        return np.eye(max(classes, int(answer.max()) + 1))[answer.astype(np.int64)]
    if not ((answer >= -1e-6) & (answer <= 1 + 1e-6)).all():
        raise unknown(name, f"predict returned ({count},) numbers from {answer.min():.3g} to "
                      f"{answer.max():.3g}, which are no probabilities",
                      "return te.sigmoid of them, or class numbers: (score > threshold).astype(int)")
    return np.stack([1 - answer, answer], axis=1).astype(np.float64)
