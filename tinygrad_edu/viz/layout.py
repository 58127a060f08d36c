"""The positions of boxes in a layered drawing: the method of Sugiyama, Tagawa, Toda (IEEE SMC 11, 1981).

There are four steps:

1. Each node gets a layer, by its longest path. An input moves down to the layer just above its first use. 2.
Each edge that crosses layers gets a chain of bends, one in each layer. 3. The nodes of each layer are ordered
so that few edges cross: by barycentres, in sweeps down and up. 4. Each box gets a coordinate: it moves below
the mean of its parents, then above the mean of its children. Boxes of a
   layer must not overlap, so this is a least-squares fit of an increasing sequence (pool adjacent violators).

Units are pixels; y grows downwards.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

GAP_X, GAP_Y = 22.0, 38.0
LONGEST_EDGE = 6  # an edge over more layers is drawn as a reference instead of a line
_SWEEPS, _MOVES = 8, 9
_BEND_WIDTH, _BEND_WEIGHT = 10.0, 8.0  # bends weigh more than boxes, so long edges become straight
_END_PULL = 0.001  # a node with one neighbour moves to it, and hardly moves it

Size = tuple[float, float]
Point = tuple[float, float]


@dataclass(frozen=True)
class Placed:
    """A finished layout: `centre[i]` of node i; `route[e]` of edge e, None for a reference."""

    centre: list[Point]
    route: list[list[Point] | None]
    size: Size


def place(sizes: Sequence[Size], edges: Sequence[tuple[int, int]]) -> Placed:
    """Lay out boxes of `sizes` (width, height) joined by `edges` (parent, child), parent < child."""
    layer = _layers(len(sizes), edges)
    far = [layer[b] - layer[a] > LONGEST_EDGE for a, b in edges]
    widths = [w for w, _ in sizes]
    layer_of = list(layer)
    links: list[tuple[int, int]] = []
    chains: list[list[int]] = []
    for (a, b), reference in zip(edges, far):
        chain = [a]
        for depth in range(layer[a] + 1, layer[b]) if not reference else ():
            layer_of.append(depth)
            widths.append(_BEND_WIDTH)
            chain.append(len(layer_of) - 1)
        chain.append(b)
        chains.append(chain)
        if not reference:
            links.extend(pairwise(chain))
    rows = _ordered(layer_of, links)
    x = _coordinates(rows, widths, links, len(sizes))
    tops, heights, y = [], [], 0.0
    for row in rows:
        heights.append(max((sizes[v][1] for v in row if v < len(sizes)), default=0.0))
        tops.append(y)
        y += heights[-1] + GAP_Y
    left = min((x[v] - widths[v] / 2 for row in rows for v in row), default=0.0)
    right = max((x[v] + widths[v] / 2 for row in rows for v in row), default=0.0)
    centre = [(x[v] - left, tops[layer_of[v]] + heights[layer_of[v]] / 2) for v in range(len(layer_of))]
    routes: list[list[Point] | None] = []
    for (a, b), chain, reference in zip(edges, chains, far):
        if reference:
            routes.append(None)
            continue
        route = [(centre[a][0], centre[a][1] + sizes[a][1] / 2)]
        for v in chain[1:-1]:  # vertical through each layer that the edge only crosses
            route += [
                (centre[v][0], tops[layer_of[v]]),
                (centre[v][0], tops[layer_of[v]] + heights[layer_of[v]]),
            ]
        routes.append([*route, (centre[b][0], centre[b][1] - sizes[b][1] / 2)])
    return Placed(centre[: len(sizes)], routes, (right - left, max(y - GAP_Y, 0.0)))


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each node: one below its lowest parent; an input is just above its first use."""
    parents: list[list[int]] = [[] for _ in range(count)]
    children: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        parents[b].append(a)
        children[a].append(b)
    layer = [0] * count
    for v in range(count):
        layer[v] = max((layer[p] + 1 for p in parents[v]), default=0)
    for v in range(count):
        if not parents[v] and children[v]:
            layer[v] = min(layer[c] for c in children[v]) - 1
    used = {depth: i for i, depth in enumerate(sorted(set(layer)))}
    return [used[depth] for depth in layer]


def _ordered(layer_of: list[int], links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The nodes of each layer from left to right, in the order with the fewest crossings found."""
    up: list[list[int]] = [[] for _ in layer_of]
    down: list[list[int]] = [[] for _ in layer_of]
    for a, b in links:
        up[b].append(a)
        down[a].append(b)
    rows: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for v, depth in enumerate(layer_of):
        rows[depth].append(v)
    best, fewest = [list(row) for row in rows], _crossings(rows, down)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        neighbours, order = (up, rows) if sweep % 2 == 0 else (down, rows[::-1])
        position = {v: i for row in rows for i, v in enumerate(row)}
        for row in order:
            row.sort(key=lambda v: _mean([position[u] for u in neighbours[v]], position[v]))
            for i, v in enumerate(row):
                position[v] = i
        crossed = _crossings(rows, down)
        if crossed < fewest:
            best, fewest = [list(row) for row in rows], crossed
    return best


def _crossings(rows: list[list[int]], down: list[list[int]]) -> int:
    """The number of pairs of links that cross: the inversions between neighbouring layers."""
    total = 0
    for above, below in pairwise(rows):
        position = {v: i for i, v in enumerate(below)}
        seen: list[int] = []
        for v in above:
            ends = sorted(position[u] for u in down[v])
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _coordinates(
    rows: list[list[int]], widths: list[float], links: Sequence[tuple[int, int]], boxes: int
) -> list[float]:
    """The horizontal centre of each node: near its neighbours, in the given order, at least GAP_X apart."""
    up: list[list[int]] = [[] for _ in widths]
    down: list[list[int]] = [[] for _ in widths]
    for a, b in links:
        down[a].append(b)
        up[b].append(a)
    pull = [_END_PULL if len(above) + len(below) == 1 else 1.0 for above, below in zip(up, down)]
    x = [0.0] * len(widths)
    for row in rows:
        at = -sum(widths[v] + GAP_X for v in row) / 2
        for v in row:
            x[v] = at + widths[v] / 2
            at += widths[v] + GAP_X
    for move in range(_MOVES):
        neighbours = up if move % 2 == 0 else down
        for row in rows if move % 2 == 0 else rows[::-1]:
            desired = [
                _weighted_mean([(x[u], pull[u]) for u in neighbours[v] or up[v] or down[v]], x[v])
                for v in row
            ]
            weight = [pull[v] * (_BEND_WEIGHT if v >= boxes else len(up[v]) + len(down[v]) + 1) for v in row]
            offset = [0.0]
            for v, w in pairwise(row):
                offset.append(offset[-1] + (widths[v] + widths[w]) / 2 + GAP_X)
            fitted = increasing([a - o for a, o in zip(desired, offset)], weight)
            for v, at, shift in zip(row, fitted, offset):
                x[v] = at + shift
    return x


def increasing(desired: Sequence[float], weight: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to `desired` by weighted squares (pool adjacent violators)."""
    blocks: list[tuple[float, float, int]] = []  # (mean, weight, length)
    for value, w in zip(desired, weight):
        mean, total, length = value, w, 1
        while blocks and blocks[-1][0] > mean:
            other, more, size = blocks.pop()
            mean, total, length = (mean * total + other * more) / (total + more), total + more, length + size
        blocks.append((mean, total, length))
    return [mean for mean, _, length in blocks for _ in range(length)]


def _weighted_mean(neighbours: Sequence[tuple[float, float]], default: float) -> float:
    total = sum(weight for _, weight in neighbours)
    return sum(at * weight for at, weight in neighbours) / total if neighbours else default


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
