"""The one door to matplotlib (and to Pillow, which it brings): figures, axes, colours, and the `Picture`.

Nothing is imported before a picture is asked for: training and everything else go on without matplotlib.
Figures are made directly, without pyplot, so that no backend is chosen and no style is changed for the rest
of the program. Colours are those of Okabe and Ito ("Color Universal Design", 2008), which colour-blind
readers can tell apart. Without them up to 40 series differ by line and marker, and up to 9 classes by marker;
after that a line or a marker comes again, in another colour.
"""
from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.viz.inputs import Array, Target, unknown, whole
from tinygrad_edu.viz.screen import present, temporary
from tinygrad_edu.viz.words import plain, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00",
           "#56B4E9", "#8C6D31", "#F0E442", "#5E3C99", "#4D4D4D")
NEGATIVE, POSITIVE = PALETTE[0], "#C04D00"
BROKEN = "#C2187B"                              # what is NaN or infinite
MARKERS = "osDPXdp*h"                           # none points anywhere: steps of a path have a direction
LINES = ("-", "--", "-.", ":")
INK, GRID, PAPER, SPINE = "#333333", "#dddddd", "#ffffff", "#888888"
# Colours for numbers, light to dark or through a pale middle: they are read without red against green.
MAPS = {"diverging": (NEGATIVE, "#6BA8D6", "#F0F0F0", "#F0A060", POSITIVE),
        "edges": (NEGATIVE, "#6BA8D6", "#D8D8D8", "#F0A060", POSITIVE),
        "amount": ("#FFFFFF", "#C6DBEF", "#6BAED6", NEGATIVE, "#08306B"),
        "height": ("#A9C3D8", "#CBDCE8", "#E6EEF4", "#FAFCFD"),
        "grey": ("#000000", "#FFFFFF")}
ENDINGS = (".png", ".svg", ".pdf", ".jpg", ".webp")


class Picture(os.PathLike[str]):
    """A finished drawing: `.save("p.png")`, `.show()`, `.figure` to go on drawing; a notebook shows it.

    `path` is where it was last saved, and what `open(picture)` and `Path(picture)` then take it for.
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.path: Path | None = None

    def save(self, path: Target) -> Path:
        """Write the picture; the ending says how: .png, .svg, .pdf, .jpg, .webp. Folders are made."""
        target = Path(path)
        if target.suffix.lower() not in ENDINGS:
            raise unknown("viz", f"cannot save a picture as {str(path)!r}", f"end it in {', '.join(ENDINGS)}")
        data = self._data(target.suffix.lower()[1:])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        self.path = target
        return target

    def show(self) -> None:
        """Open the picture: in the notebook, or in a window of this machine's own viewer.

        Where there is no screen it is written to a file, and a warning says where.
        """
        present(self, self._file)

    def _file(self) -> Path:
        """Where it was saved, or else a new file."""
        return self.path if self.path is not None and self.path.exists() else self._temporary()

    def _temporary(self) -> Path:
        return temporary(".png", self._data("png"))

    def _data(self, ending: str) -> bytes:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        FigureCanvasAgg(self.figure)
        buffer, undated = io.BytesIO(), {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
        with matplotlib.rc_context({"svg.hashsalt": "tinygrad_edu"}):   # the same picture, the same bytes
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
    """Pictures one after the other, saved as a GIF; `figure` is the last one."""

    def __init__(self, figure: Figure, gif: bytes, frames: int) -> None:
        super().__init__(figure)
        self.gif, self.frames = gif, frames

    def save(self, path: Target) -> Path:
        """Write the animation, as .gif."""
        target = Path(path)
        if target.suffix.lower() != ".gif":
            raise unknown("viz", f"cannot save an animation as {str(path)!r}", "end it in .gif")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.gif)
        self.path = target
        return target

    def _temporary(self) -> Path:
        return temporary(".gif", self.gif)

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.gif).decode()
        return f'<img alt="{self.frames} pictures, animated" src="data:image/gif;base64,{data}"/>'


def figure(width: float, height: float, *, square: bool = False) -> Figure:
    """An empty figure of so many inches. Raises ImportError, with the remedy, where matplotlib is missing.

    square  for axes whose scales have a fixed ratio, which do not fill the room they are given
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install matplotlib") from error
    return Figure(figsize=(width, height), dpi=120, facecolor=PAPER,
                  layout="compressed" if square else "constrained")


def axes(figure: Figure, rows: int = 1, columns: int = 1, at: int = 1, *, grid: bool = True) -> Axes:
    """The `at`-th (from 1) of rows x columns axes, in the style of the house."""
    made = figure.add_subplot(rows, columns, at)
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


def bare(figure: Figure, rows: int = 1, columns: int = 1, at: int = 1) -> Axes:
    """Axes without ticks or frame, for what is its own scale: an image, a network."""
    made = axes(figure, rows, columns, at, grid=False)
    made.set_xticks([])
    made.set_yticks([])
    for spine in made.spines.values():
        spine.set_visible(False)
    return made


def colour_bar(figure: Figure, mappable: Any, axes: Any, label: str, *, shrink: float = 1.0) -> Any:
    """The scale of the colours, with its unit."""
    thin = shrink * figure.get_figheight() / 0.17
    bar = figure.colorbar(mappable, ax=axes, shrink=shrink, pad=0.02, aspect=thin)
    bar.set_label(label, color=INK, fontsize=9)
    bar.ax.tick_params(colors=INK, labelsize=8)
    bar.outline.set_visible(False)
    return bar


def colour_map(name: str) -> Colormap:
    """One of MAPS, as matplotlib's; masked numbers are pink."""
    from matplotlib.colors import LinearSegmentedColormap
    made = LinearSegmentedColormap.from_list(name, MAPS[name], N=257)       # odd: 0 has the middle colour
    return made.with_extremes(bad=BROKEN)


def no_colours(given: Iterable[Any]) -> list[Any]:
    """Those of `given` that are no colours to matplotlib."""
    from matplotlib.colors import is_color_like
    return [colour for colour in given if not is_color_like(colour)]


def around_zero(largest: float, name: str = "diverging") -> Any:
    """Numbers to colours, pale at 0: below it blue, above it orange; nothing is beyond +-largest."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    return ScalarMappable(Normalize(-(largest or 1.0), largest or 1.0), colour_map(name))


def steps(levels: Array) -> Any:
    """Numbers to colours so that each of the intervals between levels has one, however long it is."""
    from matplotlib.colors import BoundaryNorm
    return BoundaryNorm(levels, 256)


def sign(label: str, marker: str, colour: str, *, hollow: bool = False) -> Any:
    """A marker for a legend."""
    from matplotlib.lines import Line2D
    return Line2D([], [], linestyle="", marker=marker, markersize=11 if marker == "*" else 7, label=label,
                  markerfacecolor=PAPER if hollow else colour, markeredgecolor=colour, markeredgewidth=1.5)


def line_collection(segments: Any, **look: Any) -> Any:
    """Many lines as one artist."""
    from matplotlib.collections import LineCollection
    return LineCollection(segments, **look)


def circle(x: float, y: float, radius: float, **look: Any) -> Any:
    """A disc, as an artist."""
    from matplotlib.patches import Circle
    return Circle((x, y), radius, **look)


def arrangement(count: int, columns: int | None, most: int = 4) -> tuple[int, int]:
    """(rows, columns) for `count` small pictures, about as wide as high unless `columns` says."""
    if columns is not None:
        whole("viz", "columns", columns)
    if columns is None and count > 3:
        square = min(most, int(np.ceil(np.sqrt(count))))
        columns = min(range(square, most + 1), key=lambda wide: -count % wide)      # the fewest gaps
    wide = min(count, columns or count)
    return -(-count // wide), wide


def finish(figure: Figure, title: str, path: Target | None) -> Picture:
    """The figure with its title, in as many lines as it needs, as a Picture, saved if there is a path."""
    if title:
        lines = wrapped(str(title), figure.get_figwidth() - 0.3, 12)
        figure.set_figheight(figure.get_figheight() + 0.2 * lines.count("\n"))
        figure.suptitle(lines, color=INK, fontsize=12)
    literal(figure)
    picture = Picture(figure)
    if path is not None:
        picture.save(path)
    return picture


def literal(figure: Figure) -> None:
    """Let dollars be dollars in everything written, but for formulas that matplotlib can read."""
    from matplotlib.mathtext import MathTextParser
    from matplotlib.text import Text
    for text in figure.findobj(Text):
        said = text.get_text()
        if "$" not in said:
            continue
        text.set_text(plain(said))
        try:
            for line in plain(said).split("\n"):
                MathTextParser("path").parse(line)
        except ValueError:
            text.set_text(said)
            text.set_parse_math(False)


def pixels(figure: Figure) -> Array:
    """The figure as it is now: (height, width, 3) bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    canvas: Any = FigureCanvasAgg(figure)       # it has no types
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def gif(frames: Sequence[Array], milliseconds: Sequence[int]) -> bytes:
    """Frames (height, width, 3) as an endless GIF, each shown so long; one table of colours for all."""
    from PIL import Image
    some = np.concatenate([frames[i] for i in sorted({0, len(frames) // 2, len(frames) - 1})])
    table = Image.fromarray(some).quantize(255, dither=Image.Dither.NONE).getpalette() or []
    colours = Image.new("P", (1, 1))
    colours.putpalette([255, 255, 255, *table[:765]])
    images = []
    for frame in frames:
        indices = np.array(Image.fromarray(frame).quantize(palette=colours, dither=Image.Dither.NONE))
        indices[(frame == 255).all(axis=-1)] = 0                        # Pillow takes near for equal
        images.append(Image.fromarray(indices, "P"))
        images[-1].putpalette(colours.getpalette() or [])
    buffer = io.BytesIO()
    # Pillow writes equal neighbours as one frame that stays as long as they would have.
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=list(milliseconds),
                   loop=0, optimize=False)
    return buffer.getvalue()


def rgb(colour: str) -> tuple[float, float, float]:
    """`#0072B2` as three shares of 1."""
    r, g, b = (int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5))
    return r, g, b


def ink_on(colour: Any) -> str:
    """Black or white, whichever is read better on `colour` (relative luminance, WCAG 2)."""
    r, g, b = (np.asarray(colour[:3], np.float64) ** 2.2).tolist()
    return INK if 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.28 else PAPER
