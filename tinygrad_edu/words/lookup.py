"""Hints for a name that does not exist: another library's name, the place that has it, or a similar one."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from tinygrad_edu.words import arrays, learning
from tinygrad_edu.words.word import PEERS, Word

TABLE: dict[str, tuple[Word, ...]] = {
    "Packages": arrays.PACKAGES, "Tensors": arrays.TENSORS, "Shapes and places": arrays.SHAPES,
    "Mathematics": arrays.MATHEMATICS, "Gradients": arrays.GRADIENTS, "Layers": learning.LAYERS,
    "Losses": learning.LOSSES, "Training": learning.TRAINING, "Many machines": learning.MACHINES,
    "Data and scores": learning.DATA, "Arguments": learning.ARGUMENTS}  # fmt: skip


def split(cell: str) -> list[str]:
    """The names in a cell of the table; a comma inside parentheses or brackets does not separate."""
    return [name for name in re.split(r",\s*(?![^(\[]*[)\]])", cell) if name]


def last(name: str) -> str:
    """The part of a name that is looked up where it is used: `torch.cat` -> `cat`, `dim=` -> `dim`."""
    found = re.match(r"(?:\w+\.)*(\w+)", name)
    return found[1] if found else name


@functools.cache
def _index() -> dict[str, list[tuple[str, str, Word]]]:
    """{last part of a foreign name: (peer, the name as it is written there, what it is)}."""
    found: dict[str, list[tuple[str, str, Word]]] = {}
    for row in (row for rows in TABLE.values() for row in rows):
        for peer in PEERS:
            for name in split(getattr(row, peer)):
                found.setdefault(last(name), []).append((peer, name, row))
    return found


def _name_kind(written: str) -> str:
    owner = written.partition(".")[0]
    return "argument" if written.endswith("=") else owner if owner in ("x", "model") else "name"


def _peer_hints(name: str, kinds: Iterable[str], known: Collection[str] | None = None) -> list[str]:
    """The hint for another library's name, of the first of these kinds that it has: the plainest entry."""
    order = tuple(PEERS)
    hits = [
        hit
        for hit in _index().get(name, [])
        if known is None or not hit[2].ours or last(hit[2].ours) in known
    ]
    for kind in kinds:
        found = [hit for hit in hits if _name_kind(hit[1]) == kind]
        if found:
            peer, written, row = min(found, key=lambda hit: (order.index(hit[0]), hit[1].count(".")))
            return [_explanation(peer, written, row)]
    return []


def _dotted_hints(name: str, around: Sequence[str]) -> list[str]:
    """The table's hint for PyTorch's dotted names: for the longest one that the program uses."""
    here, *rest = around
    package = "torch." if here == "functional" else f"torch.{here}."
    for count in range(len(rest), -1, -1):
        dotted = package + ".".join([name, *rest[:count]])
        for _, written, row in _index().get(last(dotted), []):
            if written == dotted or f"torch.{written}" == dotted:
                return [_explanation("pytorch", written, row)]
    return []


def _explanation(peer: str, written: str, row: Word) -> str:
    about = f" ({row.about})" if row.about else ""
    return f"{PEERS[peer]}'s {written}" + (f" is {row.ours} here{about}" if row.ours else f": {row.about}")


def member(
    name: str,
    own: Collection[str],
    elsewhere: Mapping[str, Collection[str]],
    kind: str,
    around: Sequence[str] = ("",),
) -> str:
    """Hints for a name that its owner does not have.

    own        the names that exist
    elsewhere  {what to write around the name, such as "te.{}(x, ...)": the names for which this is correct}
    kind       the kind of owner: "x", a tensor; "model", or an optimizer; "name": a module of the library
    around     of a module: its own name, and those that the program will read from the missing one
    """
    public = sorted(word for word in own if not word.startswith("_"))
    here = [f"write {form.format(name)}" for form, names in elsewhere.items() if name in names][:1]
    hints = (
        _peer_hints(name, (kind,)) if kind == "x" else _dotted_hints(name, around) if kind == "name" else []
    )
    hints = hints or here or _peer_hints(name, (kind, "name", "x", "model"))
    plain, places = name.removesuffix("_"), (public, *elsewhere.values())
    if not hints and plain != name and any(plain in names for names in places):
        there = ", ".join(word for word in public if word.endswith("_"))
        hints = [f"assign the result of {plain}" + (f"; in place there are {there}" if there else "")]
    if not hints:
        near = difflib.get_close_matches(name, public, 3, 0.7)
        hints = [f"did you mean {' or '.join(near)}?"] if near else []
    if not hints and kind == "name" and len(public) < 40:
        hints = [f"it has {', '.join(public)}"]
    return "; ".join(hints)


def argument(name: str, known: Collection[str]) -> str:
    """Hints for an argument `name=` of a function that takes `known`."""
    longer = [k for k in known if k.startswith(name + "_")]  # `out` may be short for out_features
    hints = [] if longer else _peer_hints(name, ("argument", "name"), known)
    if longer:
        hints = [f"did you mean {' or '.join(f'{k}=' for k in longer)}?"]
    if not hints:
        near = difflib.get_close_matches(name, known, 2, 0.6)
        hints = [f"did you mean {' or '.join(f'{n}=' for n in near)}?"] if near else []
    return "; ".join([*hints, f"it takes {', '.join(known)}"] if known else hints)
