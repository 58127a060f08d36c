"""What the scripts of the lecture share: options, pictures, quiz questions, devices and clusters."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu import simulator, viz
from tinygrad_edu.backend.cuda.device import nvcc
from tinygrad_edu.distributed.cluster import Cluster, by_name
from tinygrad_edu.errors import DeviceError, without_line
from tinygrad_edu.viz import figure as drawing


def options(
    lesson: str,
    arguments: Sequence[str] | None = None,
    *,
    clusters: bool = False,
    out: str = "build/lecture",
) -> argparse.Namespace:
    """The options of a script; `lesson` is its docstring, which --help prints.

    arguments  a list of words as on the command line; None: those of the command line itself
    clusters   whether the script runs on a cluster, see `cluster`
    out        the folder for pictures, unless --out names another
    """
    parser = argparse.ArgumentParser(description=lesson, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="a short run that only shows that it works")
    parser.add_argument("--out", type=folder, default=Path(out), help="the folder for pictures")
    parser.add_argument("--show", action="store_true", help="also open every picture in a window")
    parser.add_argument("--seed", type=seed, default=0, help="the seed of everything random")
    if clusters:
        names = ("threads", "mpi", "simulated")
        parser.add_argument("--cluster", choices=names, default="threads", help="where the ranks run")
    given = parser.parse_args(arguments)
    given.first = not clusters or given.cluster != "mpi" or _is_first_process()
    if not given.first:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, until the process ends
    return given


def _is_first_process() -> bool:
    """Whether this process is rank 0 of the MPI job."""
    found: list[int] = []
    by_name("mpi", 1).run(lambda comm: found.append(comm.rank))
    return found == [0]


def cluster(given: argparse.Namespace, ranks: int, *, least: int = 2) -> Cluster:
    """The cluster that --cluster names, which keeps a timeline. MPI has as many ranks as were launched.

    Under MPI all processes run the whole script with the same results; only rank 0 (`given.first`) prints
    and draws. Fewer ranks than `least` end the script with how to start more.
    """
    found = by_name(given.cluster, ranks, timeline=True)
    if found.size < least:
        if given.first:
            print(f"This lesson needs at least {least} ranks, and this job has {found.size}: start it with "
                  f"tinygrad-edu launch -n {ranks} {sys.argv[0]} --cluster mpi", file=sys.stderr)  # fmt: skip
        raise SystemExit(int(given.first))  # a failed rank would end the first one before it has spoken
    return found


def batches(loader: Any, count: int | None = None) -> Iterator[Any]:
    """`count` batches of a loader, from as many epochs as that takes; None: batches without end."""
    return itertools.islice(itertools.chain.from_iterable(itertools.repeat(loader)), count)


def weights(model: Any) -> Any:
    """All parameters of a model as one array."""
    return np.concatenate([p.numpy().ravel() for p in model.parameters()])


def seed(text: str) -> int:
    """The number after --seed, one that NumPy, scikit-learn and this library all take."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to {2**32 - 1}; try 1")
    return int(text)


def folder(text: str) -> Path:
    """The path after --out; what is there already must be a folder."""
    path = Path(text)
    for place in (path, *path.parents):
        if place.exists() and not place.is_dir():
            raise argparse.ArgumentTypeError(f"{place} is a file; name a folder, which is made if need be")
    return path


def draw(picture: Any, name: str, given: argparse.Namespace) -> Path:
    """Save a picture under --out, say where it is, and open it with --show.

    That of a short run says so, in its name and in its title, and leaves the one of a whole run alone.
    """
    given.out.mkdir(parents=True, exist_ok=True)
    stem, ending = os.path.splitext(name)
    path = given.out / (f"{stem}_smoke{ending}" if given.smoke else name)
    if not given.first:
        return path
    _entitle(picture.figure, "smoke: " if given.smoke else "")
    picture.save(path)
    print(f"picture: {path}")
    if given.show:
        picture.show()
    return path


def _entitle(figure: Any, before: str) -> None:
    """Put a few words before the title, and all of it over the middle of the axes, colour bars left out."""
    title = before + figure.get_suptitle()
    if not title:
        return
    figure.suptitle(title, fontsize=12)
    figure.draw_without_rendering()  # now the places are known
    boxes = [axes.get_position() for axes in figure.axes if axes.get_label() != "<colorbar>"]
    wide = max(map(len, title.split("\n"))) * 0.09 / figure.get_figwidth()  # of the figure, about
    middle = (min(box.x0 for box in boxes) + max(box.x1 for box in boxes)) / 2
    figure.suptitle(title, fontsize=12, x=min(max(middle, wide / 2), max(1 - wide / 2, 0.5)))


def marks(picture: Any, series: dict[str, tuple[Any, Any]], *, joined: bool = False) -> Any:
    """The picture with points in its first axes, {label: (x (n,), y (n,))}, after the lines it has."""
    axes = picture.figure.axes[0]
    for label, (x, y) in series.items():
        k = len(axes.lines)
        axes.plot(
            x,
            y,
            marker=drawing.MARKERS[k % len(drawing.MARKERS)],
            markersize=4.5,
            linewidth=0.8,
            linestyle="-" if joined else "",
            color=viz.PALETTE[k % len(viz.PALETTE)],
            label=label,
        )
    axes.legend(fontsize=8.5, edgecolor=drawing.GRID, labelcolor=drawing.INK, framealpha=0.85)
    return picture


def ticked(picture: Any, *, x: Sequence[float] | None = None, y: Sequence[float] | None = None) -> Any:
    """The picture with the ticks of all its axes at these numbers and nowhere else; its limits stay."""
    for axes in picture.figure.axes:
        for axis, at, limits in ((axes.xaxis, x, axes.get_xlim()), (axes.yaxis, y, axes.get_ylim())):
            if at is not None:
                inside = [v for v in at if min(limits) <= v <= max(limits)]
                axis.set_ticks(inside, labels=[f"{v:g}" for v in inside])
                axis.set_ticks([], minor=True)
    return picture


def intervals(rows: dict[str, Any], *, xlabel: str, title: str, zero: str = "") -> Any:
    """A picture of numbers: a row for each label, a small dot a number, and their mean ± deviation.

    rows  {label: numbers (n,)}
    zero  what a line at 0 stands for; "" draws none
    """
    figure = drawing.figure(6.4, 0.62 * len(rows) + 1.2)
    axes = drawing.axes(figure)
    for k, values in enumerate(map(np.asarray, rows.values())):
        axes.plot(values, np.full(len(values), k + 0.25), "o", markersize=4.5, color=viz.PALETTE[4])
        axes.errorbar(
            values.mean(),
            k,
            xerr=values.std() if len(values) > 1 else None,
            fmt="s",
            capsize=4,
            color=viz.PALETTE[0],
        )
        said = f"{values.mean():.3f}" + f" ± {values.std():.3f}" * (len(values) > 1)
        axes.annotate(
            said,
            (values.mean(), k),
            (0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=drawing.INK,
        )
    if zero:
        axes.axvline(0, color=drawing.INK, linewidth=1.2, linestyle="--")
        axes.annotate(
            zero, (0, -0.75), (4, 0), textcoords="offset points", fontsize=8.5, color=drawing.INK, va="center"
        )
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.4, -1)
    axes.set_xlabel(xlabel)
    return drawing.finish(figure, title, None)


def quiz(question: str, choices: Sequence[str], answer: str) -> str:
    """Print a question of the lecture and its choices, the computed answer marked; returns the answer."""
    if answer not in choices:
        raise ValueError(f"quiz: {answer!r} is none of {', '.join(choices)}; the computation must choose one")
    print(f"\nQuiz: {question}")
    for choice in choices:
        print(f"  {'->' if choice == answer else '  '} {choice}")
    return answer


def open_device() -> tuple[str, str]:
    """(device, name): what TINYGRAD_EDU_DEVICE asks for, else a GPU if there is one, else the simulator.

    PyCUDA is imported after this, so that it finds the driver that was opened. A device that cannot be used
    ends the script with what to do; no other stands in for it.
    """
    asked = os.environ.get("TINYGRAD_EDU_DEVICE")
    device = asked or ("cuda" if te.cuda.is_available() else "simulator")
    try:
        info = te.cuda.device_info(device)
    except DeviceError as error:
        raise SystemExit(f"TINYGRAD_EDU_DEVICE={asked}: " * bool(asked) + without_line(error)) from None
    if "arch" not in info.facts:
        raise SystemExit(f"TINYGRAD_EDU_DEVICE={asked} runs no CUDA; say simulator, or cuda for a GPU")
    return info.name, info.kind


def source_module(source: str) -> Any:
    """The kernels in a CUDA source, compiled: PyCUDA's SourceModule, by the nvcc on the PATH or by PyPI's."""
    from pycuda.compiler import SourceModule

    return SourceModule(source, nvcc=nvcc.find())


def checker(device: str) -> AbstractContextManager[Any]:
    """What is launched inside runs under the simulator's checker; a GPU has none, and runs it as always."""
    return simulator.check() if device.startswith("simulator") else nullcontext()
