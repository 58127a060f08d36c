"""Pictures of graphs: well-formed, complete, bounded, no box over another; and the layout under them."""

from __future__ import annotations

import itertools
import re
import warnings
import webbrowser
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.instruments.programs import graphs, network, tensors
from tinygrad_edu import viz
from tinygrad_edu.printable import printable
from tinygrad_edu.viz.layout import LONGEST_EDGE, increasing, place

SVG = "{http://www.w3.org/2000/svg}"
SHOW = st.lists(st.sampled_from(("shape", "values", "gradients", "saved")), unique=True)


def boxes(svg):
    return [g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if "data-node" in g.attrib]


@given(graphs(), SHOW)
def test_svg_is_well_formed_self_contained_and_complete(value, show):
    drawing = viz.graph(value, show=show)
    svg = drawing.svg()
    assert len(boxes(svg)) == len(drawing.data.nodes)
    assert not re.search(r"<script|href|url\(|@import|@font-face", svg)
    width, height = (float(ElementTree.fromstring(svg).attrib[k]) for k in ("width", "height"))
    for box in boxes(svg):
        x, y, w, h = (float(box.find(f"{SVG}rect").attrib[k]) for k in ("x", "y", "width", "height"))
        assert min(x, y) >= 0 and x + w <= width and y + h <= height


@given(graphs(), SHOW)
def test_dot_has_every_node_and_edge(value, show):
    drawing = viz.graph(value, show=show)
    dot = drawing.dot()
    assert len(re.findall(r"^  n\d+ \[", dot, re.M)) == len(drawing.data.nodes)
    wanted = sorted((str(a), str(b)) for a, b in drawing.data.edges)
    assert sorted(re.findall(r"n(\d+) -> n(\d+);", dot)) == wanted


def test_show_opens_the_svg(monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    monkeypatch.setenv("DISPLAY", ":0")
    drawing = viz.graph(network()[0], show=("shape", "saved"))
    drawing.show()
    path = Path(opened[0].removeprefix("file://"))
    assert path.suffix == ".svg" and path.read_text() == drawing.svg()
    path.unlink()
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    with pytest.warns(UserWarning, match=r"no screen.*\.svg") as caught:
        drawing.show()
    assert caught[0].filename == __file__
    Path(str(caught[0].message).rsplit(maxsplit=1)[-1]).unlink()


def test_names_are_escaped():
    (x,) = tensors((2,))
    drawing = viz.graph(te.sum(x), names={'<b>&"\\': x})
    assert any(t.text == '<b>&"\\' for t in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}text"))
    assert r'label="<b>&\"\\\n' in drawing.dot()


def test_text_names_inputs_and_totals():
    loss, names = network()
    text = viz.graph(loss, names=names).text()
    assert "matmul(features, W1)" in text and "reduction='mean'" in text
    assert "Kept for backward" in text.splitlines()[-1]


@pytest.mark.parametrize("form", ["text", "dot", "svg"])
def test_two_thousand_nodes_are_capped_with_a_note(form):
    x = te.tensor(1.0, requires_grad=True)
    y = x
    for i in range(2000):
        y = te.sin(y) if i % 3 else y * x
    drawing = viz.graph(y)
    said = getattr(drawing, form)()
    assert len(drawing.data.nodes) == 2001
    assert "1,801 oldest of 2,001 nodes are not drawn" in " ".join(re.sub(r"<[^>]*>|\s", " ", said).split())
    assert len(said) < 300_000
    if form == "svg":
        assert len(boxes(said)) == 200
        assert len(boxes(viz.graph(y, limit=3000).svg())) == 2001


@pytest.mark.parametrize(("suffix", "start"), [("svg", "<svg"), ("dot", "digraph"), ("txt", "%0 = leaf")])
def test_save_writes_by_the_ending(tmp_path, suffix, start):
    (x,) = tensors((2,))
    path = viz.graph(te.exp(x)).save(tmp_path / "new" / f"g.{suffix}")
    assert path.read_text(encoding="utf-8").startswith(start)


def test_save_refuses_what_it_cannot_write(tmp_path):
    (x,) = tensors((2,))
    with pytest.raises(ValueError, match=r"\.svg, \.dot, \.txt"):
        viz.graph(x).save(tmp_path / "g.pdf")


def test_a_notebook_gets_the_svg():
    (x,) = tensors((2,))
    drawing = viz.graph(te.exp(x))
    assert drawing._repr_svg_() == drawing.svg()


def test_a_users_op_is_drawn():
    cube = te.Op("cube_for_drawing", lambda x: x**3, (lambda g, x: g * x * x * 3.0,), register=False)
    (x,) = tensors((2, 2))
    drawing = viz.graph(cube(x))
    assert "cube_for_drawing" in drawing.svg() and "saves 16 B" in drawing.text()


# -- the layout under it

DAGS = st.integers(1, 14).flatmap(
    lambda n: st.tuples(
        st.lists(st.tuples(st.floats(20, 200), st.floats(10, 90)), min_size=n, max_size=n),
        st.lists(
            st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).map(sorted).map(tuple), max_size=30
        ).map(lambda edges: [(a, b) for a, b in edges if a < b]),
    )
)


@given(DAGS)
def test_boxes_do_not_overlap_and_edges_go_down(dag):
    sizes, edges = dag
    placed = place(sizes, edges)
    for (a, (w, h)), (b, (u, k)) in itertools.combinations(zip(placed.centre, sizes), 2):
        assert abs(a[0] - b[0]) >= (w + u) / 2 or abs(a[1] - b[1]) >= (h + k) / 2
    for (a, b), route in zip(edges, placed.route):
        assert placed.centre[a][1] < placed.centre[b][1]
        assert route is None or all(p[1] <= q[1] for p, q in itertools.pairwise(route))


def test_a_chain_is_straight_and_two_pairs_do_not_cross():
    placed = place([(50, 20)] * 4, [(0, 1), (1, 2), (2, 3)])
    assert len({round(x, 6) for x, _ in placed.centre}) == 1
    crossed = place([(50, 20)] * 4, [(0, 3), (1, 2)]).centre
    assert (crossed[0][0] - crossed[1][0]) * (crossed[3][0] - crossed[2][0]) > 0


def test_far_edges_become_references():
    n = LONGEST_EDGE + 3
    edges = [(i, i + 1) for i in range(n - 1)] + [(0, n - 1)]
    assert place([(50, 20)] * n, edges).route[-1] is None


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0.1, 5)), min_size=1, max_size=12))
def test_the_fit_is_increasing_and_no_worse_than_scikit_learn(pairs):
    from sklearn.isotonic import isotonic_regression

    wish, weight = (np.array(x) for x in zip(*pairs))
    ours = np.array(increasing(wish.tolist(), weight.tolist()))
    np.testing.assert_allclose(ours, isotonic_regression(wish, sample_weight=weight), atol=1e-9)


NAMES = st.text(st.characters(), min_size=1, max_size=6) | st.sampled_from(
    ["a\x07b", "\0", "\x1b[31m", "a\nb", "\ud800", "\ufffe", "]]>", "-->", "\x85", "\u2028", 'a"\\b', "&<"]
)


@given(NAMES, NAMES, SHOW)
def test_any_name_makes_a_picture_that_can_be_read(leaf, result, show):
    assume(leaf != result)
    x = te.ones(2, requires_grad=True)
    y = x * 2
    drawing = viz.graph(y.sum(), names={leaf: x, result: y}, show=show)
    texts = [text.text for text in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}text")]
    assert printable(leaf) in texts or printable(result) in texts
    drawing.svg().encode(), drawing.dot().encode()
    lines = drawing.text().encode().decode().split("\n")
    assert len(lines) == len(drawing.text().splitlines()) and lines[0].startswith(printable(leaf) + " = leaf")
    assert len(re.findall(r"^  n\d+ \[", drawing.dot(), re.M)) == len(drawing.data.nodes)


@given(st.text(st.characters()))
def test_what_is_printable_stays_and_what_is_not_is_written_out(text):
    shown = printable(text)
    assert len(shown.splitlines()) <= 1 and printable(shown) == shown
    assert shown == text or not text.isprintable()
    ElementTree.fromstring(f"<a>{escape(shown)}</a>")
    assert printable("a\tb\nc\x00\ud800") == r"a\tb\nc\x00\ud800"
    assert printable(signs := "é\xa0\u200d漢") == signs


@pytest.mark.parametrize("name", ["a\x07b", "\0", "\x1b[31m", "--", "-->", "\ud800", "\uffff", "$\x07$"])
def test_any_name_makes_a_figure_that_can_be_read(name, tmp_path):
    path = tmp_path / "p.svg"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that a font lacks
        viz.confusion_matrix([0, 1, 1], [0, 1, 0], class_names=[name, "other"], title=name, path=path)
        ElementTree.parse(path)
        viz.loss_curve({name: [1.0, 0.5], "other": [1.0, 0.7]}, path, title=name)
        ElementTree.parse(path)


def test_a_summary_of_layers_with_any_name_can_be_read():
    table = te.nn.Sequential({"a\x07\n<b>": te.nn.Linear(1, 1)}).summary()
    assert "a\\x07\\n<b>" in str(table)
    ElementTree.fromstring(f"<p>{table._repr_html_()}</p>")
