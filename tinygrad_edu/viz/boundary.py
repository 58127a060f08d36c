"""The decision boundary of a classifier of two features: in one picture, and during training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.answers import Predict, predict_at, probabilities
from tinygrad_edu.viz.figure import INK, MARKERS, PALETTE, PAPER, Animation, Picture
from tinygrad_edu.viz.inputs import Array, Target, array, finite, numbers, unknown, whole, wrong
from tinygrad_edu.viz.legends import legend_below
from tinygrad_edu.viz.words import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def decision_boundary(
    predict: Predict,
    features: Any,
    labels: Any,
    path: Target | None = None,
    *,
    class_names: Sequence[str] | None = None,
    feature_names: Sequence[str] = ("x₁", "x₂"),
    title: str = "",
    resolution: int = 240,
) -> Picture:
    """Draw the regions and the decision boundary of a classifier of two features.

    predict   takes an array (n, 2). It returns probabilities (n, classes), or scores (n, classes), of which
              the softmax is drawn, or the probability (n,) or (n, 1) of the second class, or class numbers
              (n,). It is called once, with a grid of resolution x resolution points. A Module gets a tensor
              of its own dtype and runs in evaluation mode; its mode, statistics and random streams do not
              change.
    features  (n, 2); labels (n,) class numbers
    """
    plane = _plane("decision_boundary", features, labels, resolution, feature_names)
    probability = plane.probabilities_on_grid(predict)
    figure = fig.figure(5.6, 5.2)
    axes = fig.axes(figure, grid=False)
    plane.paint(axes, probability)
    plane.scatter(figure, axes, class_names)
    return fig.finish(figure, title, path)


def boundary_animation(
    predicts: Iterable[Predict | tuple[str, Predict]],
    features: Any,
    labels: Any,
    *,
    path: Target | None = None,
    fps: float = 6,
    class_names: Sequence[str] | None = None,
    feature_names: Sequence[str] = ("x₁", "x₂"),
    title: str = "",
    resolution: int = 120,
) -> Animation:
    """Draw the decision boundary during training, as a GIF; the last picture stays for two seconds.

    predicts  one for each picture: a `predict` as in `decision_boundary`, or (label, predict). They are
              called one after the other, so a generator may train the model between two of them.
    fps       pictures per second
    """
    name = "boundary_animation"
    if not 0 < fps <= 50:
        raise unknown(name, f"fps={fps}", "give more than 0 and, since viewers slow down others, at most 50")
    if not hasattr(predicts, "__iter__"):
        raise errors.wrong(
            TypeError,
            name,
            f"predicts is {type(predicts).__name__}",
            "give a list or a generator of functions, or decision_boundary for one",
        )
    plane = _plane(name, features, labels, resolution, feature_names)
    figure = fig.figure(5.6, 5.2)
    axes = fig.axes(figure, grid=False)
    plane.scatter(figure, axes, class_names)
    frames: list[Array] = []
    painted: list[Any] = []
    for i, item in enumerate(predicts):
        pair: Any = item if isinstance(item, tuple) else (f"picture {i + 1}", item)
        if len(pair) != 2:
            raise unknown(name, f"picture {i + 1} is a tuple of {len(pair)}", "give (label, function)")
        label, predict = pair
        for artist in painted:
            artist.remove()
        painted = plane.paint(axes, plane.probabilities_on_grid(predict))
        axes.set_title(wrapped("\n".join(filter(None, (title, str(label)))), 5.0, 11), fontsize=11)
        fig.escape_dollars(figure)
        frames.append(fig.pixels(figure))
        figure.set_layout_engine("none")  # later pictures keep the layout of the first one
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
    points: Array  # (n, 2)
    classes: Array  # (n,)
    x: Array  # (resolution,)
    y: Array
    names: tuple[str, str]  # of both axes

    def probabilities_on_grid(self, predict: Predict) -> Array:
        """The predictions on the grid, as probabilities (resolution^2, classes)."""
        grid = np.stack(np.meshgrid(self.x, self.y), axis=-1).reshape(-1, 2).astype(self.points.dtype)
        return probabilities(
            self.name,
            "predict returned",
            predict_at(self.name, predict, grid),
            len(grid),
            int(self.classes.max()) + 1,
        )

    def paint(self, axes: Axes, probability: Array) -> list[Any]:
        """Fill the plane with the colours of the classes, paler for lower probability; draw the boundary."""
        shape = (len(self.y), len(self.x))
        colours = np.array([fig.rgb(PALETTE[k % len(PALETTE)]) for k in range(probability.shape[1])])
        paint = np.clip(1 - 0.45 * (1 - probability @ colours), 0, 1).reshape(*shape, 3)
        edges = (self.x[0], self.x[-1], self.y[0], self.y[-1])
        artists: list[Any] = [
            axes.imshow(
                paint, origin="lower", aspect="auto", extent=edges, interpolation="bilinear", zorder=0
            )
        ]
        winners = np.unique(probability.argmax(axis=1))
        for k in winners[1:] if len(winners) < 3 else winners:  # two classes have one common line
            rest = np.delete(probability, k, axis=1).max(axis=1)
            artists.append(
                axes.contour(
                    self.x,
                    self.y,
                    (probability[:, k] - rest).reshape(shape),
                    levels=[0.0],
                    colors=INK,
                    linewidths=1.1,
                    zorder=1,
                )
            )
        return artists

    def scatter(self, figure: Figure, axes: Axes, class_names: Sequence[str] | None) -> None:
        """Draw the points of each class, the legend and the axis labels."""
        present, size, drawn = np.unique(self.classes), 22 if len(self.points) > 30 else 70, []
        for k in present:
            x, y = self.points[self.classes == k].T
            label = class_names[k] if class_names is not None and k < len(class_names) else f"class {k}"
            marker = MARKERS[k % len(MARKERS)]
            thin = 1.8 if marker in "PXdp*" else 1.0  # without this they look smaller than the others
            drawn.append(
                axes.scatter(
                    x,
                    y,
                    s=thin * size,
                    marker=marker,
                    label=str(label),
                    linewidths=0.6,
                    color=PALETTE[k % len(PALETTE)],
                    edgecolors=PAPER,
                    zorder=2,
                )
            )
        axes.set_xlim(self.x[0], self.x[-1])
        axes.set_ylim(self.y[0], self.y[-1])
        axes.set_xlabel(self.names[0])
        axes.set_ylabel(self.names[1])
        legend_below(figure, drawn, min(len(present), 5))


def _plane(name: str, features: Any, labels: Any, resolution: int, feature_names: Sequence[str]) -> _Plane:
    points, classes = array(features), array(labels).reshape(-1)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(classes) or not len(points):
        raise wrong(
            name,
            f"features have shape {points.shape} and labels {classes.shape}",
            "give features (n, 2) and labels (n,), with n at least 1",
        )
    whole(name, "resolution", resolution, 2)
    finite(name, "features", numbers(name, "features", points))
    listed = finite(name, "labels", numbers(name, "labels", classes))
    if not (listed >= 0).all() or (listed != np.floor(listed)).any():
        raise unknown(name, "labels are not class numbers", "give 0, 1, 2, ...")
    if len(feature_names) != 2:
        raise wrong(name, f"{len(feature_names)} feature_names for 2 features", "give one each")
    if points.dtype.kind != "f":
        points = points.astype(np.float64)
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)
    x, y = (np.linspace(low[i] - margin[i], high[i] + margin[i], resolution) for i in range(2))
    return _Plane(name, points, listed.astype(np.int64), x, y, (str(feature_names[0]), str(feature_names[1])))
