"""The only module that uses matplotlib, and Pillow, which comes with it: figures, axes, colours, `Picture`.

matplotlib is imported when the first picture is drawn; everything else works without it. Figures are created
without pyplot, which would choose a backend and change the style for the rest of the program. The colours are
those of Okabe and Ito ("Color Universal Design", 2008), which colour-blind readers can distinguish. Without
colours, up to 40 series differ by line and marker, and up to 9 classes by marker. After that a line or a
marker repeats in another colour.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import errors, files
from tinygrad_edu.viz.inputs import Array, Target, unknown, whole
from tinygrad_edu.viz.screen import present, temporary
from tinygrad_edu.viz.words import matplotlib_text, visible, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00",
           "#56B4E9", "#8C6D31", "#F0E442", "#5E3C99", "#4D4D4D")  # fmt: skip
NEGATIVE, POSITIVE = PALETTE[0], "#C04D00"
NOT_FINITE = "#C2187B"  # the colour of NaN and infinity
MARKERS = "osDPXdp*h"  # none looks like an arrow, since steps of a path have a direction
LINES = ("-", "--", "-.", ":")
INK, GRID, PAPER, SPINE = "#333333", "#dddddd", "#ffffff", "#888888"
# Colour maps, from light to dark or with a pale middle. None needs a reader to distinguish red and green.
MAPS = {
    "diverging": (NEGATIVE, "#6BA8D6", "#F0F0F0", "#F0A060", POSITIVE),
    "edges": (NEGATIVE, "#6BA8D6", "#D8D8D8", "#F0A060", POSITIVE),
    "amount": ("#FFFFFF", "#C6DBEF", "#6BAED6", NEGATIVE, "#08306B"),
    "height": ("#A9C3D8", "#CBDCE8", "#E6EEF4", "#FAFCFD"),
    "grey": ("#000000", "#FFFFFF"),
}
ENDINGS = (".png", ".svg", ".pdf", ".jpg", ".webp")


class Picture(os.PathLike[str]):
    """A finished picture: `.save("p.png")`, `.show()`, and `.figure` to draw more. A notebook displays it.

    `path` is the file that it was last saved to; `open(picture)` and `Path(picture)` use it.
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.path: Path | None = None

    def save(self, path: Target) -> Path:
        """Write the picture, and create its folder. The suffix is .png, .svg, .pdf, .jpg or .webp."""
        target = Path(path)
        if target.suffix.lower() not in ENDINGS:
            raise unknown("viz", f"cannot save a picture as {str(path)!r}", f"end it in {', '.join(ENDINGS)}")
        self.path = files.write(path, self._data(target.suffix.lower()[1:]))
        return self.path

    def show(self) -> None:
        """Show the picture: in the notebook, or in the default viewer.

        Without a screen it is written to a file, and a warning says where.
        """
        present(self, self._file)

    def _file(self) -> Path:
        """The file that it was saved to, or a new temporary file."""
        return self.path if self.path is not None and self.path.exists() else self._temporary()

    def _temporary(self) -> Path:
        return temporary(".png", self._data("png"))

    def _data(self, ending: str) -> bytes:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        FigureCanvasAgg(self.figure)
        buffer, undated = io.BytesIO(), {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
        with matplotlib.rc_context({"svg.hashsalt": "tinygrad_edu"}):  # the same picture gives the same bytes
            self.figure.savefig(buffer, format=ending, metadata=undated.get(ending))
        return buffer.getvalue()

    def _repr_png_(self) -> bytes:
        return self._data("png")

    def __fspath__(self) -> str:
        if self.path is None:
            raise unknown("viz", "this picture is not in a file yet", "save it first: picture.save('p.png')")
        return os.fspath(self.path)

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {'not saved yet' if self.path is None else self.path}>"


class Animation(Picture):
    """A sequence of pictures, saved as a GIF; `figure` is the last one."""

    def __init__(self, figure: Figure, gif: bytes, frames: int) -> None:
        super().__init__(figure)
        self.gif, self.frames = gif, frames

    def save(self, path: Target) -> Path:
        """Write the animation, as .gif."""
        target = Path(path)
        if target.suffix.lower() != ".gif":
            raise unknown("viz", f"cannot save an animation as {str(path)!r}", "end it in .gif")
        self.path = files.write(path, self.gif)
        return self.path

    def _temporary(self) -> Path:
        return temporary(".gif", self.gif)

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.gif).decode()
        return f'<img alt="{self.frames} pictures, animated" src="data:image/gif;base64,{data}"/>'


def figure(width: float, height: float, *, square: bool = False) -> Figure:
    """An empty figure, with its size in inches. Raises ImportError, with advice, if matplotlib is missing.

    square  for axes with a fixed ratio of width and height, which do not fill all of their space
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise errors.wrong(ImportError, None, "pictures need matplotlib", "pip install matplotlib") from error
    return Figure(
        figsize=(width, height), dpi=120, facecolor=PAPER, layout="compressed" if square else "constrained"
    )


def axes(figure: Figure, rows: int = 1, columns: int = 1, at: int = 1, *, grid: bool = True) -> Axes:
    """The `at`-th (from 1) of rows x columns axes, in the style of this library."""
    return _with_style(figure.add_subplot(rows, columns, at), grid)


def log_scale(axes: Axes, which: str, numbers: Array) -> None:
    """Make the axis "x" or "y" logarithmic for `numbers`; within a decade it has ticks of a linear one."""
    from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    axes.set_xscale("log") if which == "x" else axes.set_yscale("log")
    known = numbers[np.isfinite(numbers) & (numbers > 0)]
    if known.size and known.max() < 10 * known.min():
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(ScalarFormatter(useOffset=False))
        axis.set_minor_locator(NullLocator())


def axes_at(figure: Figure, where: Any) -> Axes:
    """Axes in a part of the figure's grid, in the style of this library."""
    return _with_style(figure.add_subplot(where), True)


def _with_style(made: Axes, grid: bool) -> Axes:
    made.set_facecolor(PAPER)
    made.tick_params(colors=INK, labelsize=9)
    for label in (made.xaxis.label, made.yaxis.label, made.title):
        label.set_color(INK)
    made.title.set_fontsize(10.5)
    for side, spine in made.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(SPINE)
    if grid:
        made.grid(True, color=GRID, linewidth=0.7)
        made.set_axisbelow(True)
    return made


def frameless_axes(figure: Figure, rows: int = 1, columns: int = 1, at: int = 1) -> Axes:
    """Axes without ticks and frame, for an image or a network."""
    made = axes(figure, rows, columns, at, grid=False)
    made.set_xticks([])
    made.set_yticks([])
    for spine in made.spines.values():
        spine.set_visible(False)
    return made


def note(text: str, title: str, path: Target | None) -> Picture:
    """A picture of a sentence, in place of one of which there is nothing to draw."""
    made = figure(4.8, 1.6)
    frameless_axes(made).text(0.5, 0.5, text, ha="center", va="center", color=INK, fontsize=11)
    return finish(made, title, path)


def colour_bar(figure: Figure, mappable: Any, axes: Any, label: str, *, shrink: float = 1.0) -> Any:
    """A colour bar: the scale of the colours, with its unit."""
    thin = shrink * figure.get_figheight() / 0.17
    bar = figure.colorbar(mappable, ax=axes, shrink=shrink, pad=0.02, aspect=thin)
    bar.set_label(label, color=INK, fontsize=9)
    bar.ax.tick_params(colors=INK, labelsize=8)
    bar.outline.set_visible(False)
    return bar


def colour_map(name: str) -> Colormap:
    """One of MAPS as a colour map of matplotlib; masked numbers are pink."""
    from matplotlib.colors import LinearSegmentedColormap

    made = LinearSegmentedColormap.from_list(name, MAPS[name], N=257)  # odd, so that 0 has the middle colour
    return made.with_extremes(bad=NOT_FINITE)


def colour_of(name: str, depth: float) -> str:
    """The colour of the map `name` at `depth`, from 0 to 1."""
    from matplotlib.colors import to_hex

    return to_hex(colour_map(name)(depth))


def invalid_colours(given: Iterable[Any]) -> list[Any]:
    """Those of `given` that matplotlib does not know as colours."""
    from matplotlib.colors import is_color_like

    return [colour for colour in given if not is_color_like(colour)]


def diverging_colours(largest: float, name: str = "diverging") -> Any:
    """A map from numbers in [-largest, largest] to colours: blue below 0, pale at 0, orange above."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(-(largest or 1.0), largest or 1.0), colour_map(name))


def interval_colours(levels: Array) -> Any:
    """A map from numbers to colours with one colour for each interval between levels, short or long."""
    from matplotlib.colors import BoundaryNorm

    return BoundaryNorm(levels, 256)


def legend_marker(label: str, marker: str, colour: str, *, hollow: bool = False) -> Any:
    """A marker for a legend."""
    from matplotlib.lines import Line2D

    return Line2D(
        [],
        [],
        linestyle="",
        marker=marker,
        markersize=11 if marker == "*" else 7,
        label=label,
        markerfacecolor=PAPER if hollow else colour,
        markeredgecolor=colour,
        markeredgewidth=1.5,
    )


def line_collection(segments: Any, **look: Any) -> Any:
    """One artist that draws many lines."""
    from matplotlib.collections import LineCollection

    return LineCollection(segments, **look)


def circle(x: float, y: float, radius: float, **look: Any) -> Any:
    """An artist that draws a disc."""
    from matplotlib.patches import Circle

    return Circle((x, y), radius, **look)


def rows_and_columns(count: int, columns: int | None, most: int = 4) -> tuple[int, int]:
    """(rows, columns) for `count` small pictures: about as many rows as columns if `columns` is None."""
    if columns is not None:
        whole("viz", "columns", columns)
    if columns is None and count > 3:
        square = min(most, int(np.ceil(np.sqrt(count))))
        columns = min(range(square, most + 1), key=lambda wide: -count % wide)  # the fewest empty cells
    wide = min(count, columns or count)
    return -(-count // wide), wide


def finish(figure: Figure, title: str, path: Target | None) -> Picture:
    """Add the title, wrapped to lines; return the figure as a Picture, and save it if there is a path."""
    if title:
        lines = wrapped(str(title), figure.get_figwidth() - 0.3, 12)
        figure.set_figheight(figure.get_figheight() + 0.2 * lines.count("\n"))
        figure.suptitle(lines, color=INK, fontsize=12)
    escape_dollars(figure)
    picture = Picture(figure)
    if path is not None:
        picture.save(path)
    return picture


def escape_dollars(figure: Figure) -> None:
    """Escape the dollars in all texts of a figure, except around formulas that matplotlib can parse."""
    from matplotlib.mathtext import MathTextParser
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        shown_text = visible(text.get_text())
        text.set_text(shown_text)
        if "$" not in shown_text:
            continue
        text.set_text(matplotlib_text(shown_text))
        try:
            for line in matplotlib_text(shown_text).split("\n"):
                MathTextParser("path").parse(line)
        except ValueError:
            text.set_text(shown_text)
            text.set_parse_math(False)


def pixels(figure: Figure) -> Array:
    """The figure as an image: (height, width, 3) bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)  # matplotlib has no types for it
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def gif(frames: Sequence[Array], milliseconds: Sequence[int]) -> bytes:
    """An endless GIF of frames (height, width, 3), each with its duration; all share one colour table."""
    from PIL import Image

    sample = np.concatenate([frames[i] for i in sorted({0, len(frames) // 2, len(frames) - 1})])
    table = Image.fromarray(sample).quantize(255, dither=Image.Dither.NONE).getpalette() or []
    colours = Image.new("P", (1, 1))
    colours.putpalette([255, 255, 255, *table[:765]])
    images = []
    for frame in frames:
        indices = np.array(Image.fromarray(frame).quantize(palette=colours, dither=Image.Dither.NONE))
        indices[(frame == 255).all(axis=-1)] = 0  # Pillow also maps colours near white to white
        images.append(Image.fromarray(indices, "P"))
        images[-1].putpalette(colours.getpalette() or [])
    buffer = io.BytesIO()
    # Pillow merges equal neighbouring frames into one, with the sum of their durations.
    images[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=list(milliseconds),
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def rgb(colour: str) -> tuple[float, float, float]:
    """Red, green and blue of a colour such as `#0072B2`, each from 0 to 1."""
    r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return r, g, b


def text_colour_on(colour: Any) -> str:
    """The text colour, dark or white, with the better contrast on `colour` (relative luminance, WCAG 2)."""
    r, g, b = (np.asarray(colour[:3], np.float64) ** 2.2).tolist()
    return INK if 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.28 else PAPER
