"""The lecture's scripts run, draw what they say they draw, and keep to their form."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu import viz

LECTURE = Path(__file__).resolve().parents[2] / "examples" / "lecture"
SCRIPTS = sorted(path.name for path in LECTURE.glob("[0-9]*.py"))
QUIZZES = {"01": ["1,1,1,0"], "04": ["Depends"], "07": ["0"], "11": ["330"], "24": ["blue", "red"]}


def marked(said):
    """The answers that quiz questions were given, in order."""
    return re.findall(r"^  -> (.+)$", said, re.M)


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_runs_draws_its_pictures_and_answers_its_quizzes(name, smoke):
    number = name.partition("_")[0]
    said, folder = smoke(number)
    pictures = [Path(path) for path in re.findall(r"^picture: (.+)$", said, re.M)]
    assert pictures and sorted(pictures) == sorted(folder.iterdir())
    for path in pictures:
        assert path.name.startswith(f"{number}_") and path.read_bytes().startswith(b"\x89PNG")
        assert path.name.endswith("_smoke.png")
    assert marked(said) == QUIZZES.get(number, [])
    assert not re.search(r"\bnan\b", said) or name.startswith("06")


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_a_lesson_of_a_page_or_two(name):
    text = (LECTURE / name).read_text()
    tree = ast.parse(text)
    lesson = " ".join(ast.get_docstring(tree).split())
    assert len(text.splitlines()) <= 120
    assert re.search(r"\(slides?: ", lesson) and "ou will see" in lesson and "Change: " in lesson
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in imported} <= {
        "__future__", "math", "itertools", "time", "timeit", "warnings", "numpy", "sklearn", "pycuda",
        "cupy", "contextlib", "common", "tinygrad_edu"}  # fmt: skip
    assert f"({name})" in (LECTURE / "README.md").read_text()


def test_the_order_has_gaps_only_where_the_readme_says():
    numbers = {int(name[:2]) for name in SCRIPTS}
    missing = set(range(1, 26)) - numbers
    assert numbers <= set(range(1, 26)) and missing <= {25}
    for number in numbers:  # 16, then 16b, 16c: of the same slides
        letters = [name.partition("_")[0][2:] for name in SCRIPTS if int(name[:2]) == number]
        assert letters == ["", *"bcdefg"][: len(letters)]
    text = (LECTURE / "README.md").read_text()
    assert not missing or "The number 25 is kept" in text


def test_a_seed_and_a_window_can_be_asked_for(lesson, tmp_path, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(viz.Picture, "show", lambda picture: shown.append(picture))
    lesson(10).main(["--smoke", "--out", str(tmp_path / "new"), "--seed", "3", "--show"])
    assert len(shown) == 1 and (tmp_path / "new" / "10_backpropagation_smoke.png").exists()
    assert "picture:" in capsys.readouterr().out


def test_a_short_run_leaves_the_pictures_of_a_whole_one(lesson, tmp_path, monkeypatch):
    saved = {}
    monkeypatch.setattr(viz.Picture, "save", lambda picture, path: saved.update({path.name: picture.figure}))
    one = lesson(1)
    for short in ([], ["--smoke"]):
        one.main(["--out", str(tmp_path), *short])
    assert set(saved) == {"01_line.png", "01_line_smoke.png", "01_perceptron.png", "01_perceptron_smoke.png"}
    assert saved["01_line_smoke.png"].get_suptitle() == f"smoke: {saved['01_line.png'].get_suptitle()}"


def drawn(lesson, number, tmp_path, monkeypatch, *options):
    """{name: figure} of what a script draws."""
    saved = {}
    monkeypatch.setattr(viz.Picture, "save", lambda picture, path: saved.update({path.name: picture.figure}))
    lesson(number).main(["--out", str(tmp_path), *options])
    return saved


@pytest.mark.parametrize("number", [1, 4, 5, 7, 9])
def test_a_title_stands_over_the_middle_of_the_axes(lesson, number, tmp_path, monkeypatch):
    for figure in drawn(lesson, number, tmp_path, monkeypatch, "--smoke").values():
        figure.draw_without_rendering()
        boxes = [axes.get_position() for axes in figure.axes if axes.get_label() != "<colorbar>"]
        middle = (min(box.x0 for box in boxes) + max(box.x1 for box in boxes)) / 2
        (title,) = [text for text in figure.texts if text.get_text() == figure.get_suptitle()]
        assert title.get_position()[0] == pytest.approx(middle, abs=0.03)
        extent = title.get_window_extent()
        assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1 + 1


def test_02_a_jump_is_a_gap_and_no_legend_covers_a_curve(lesson, tmp_path, monkeypatch):
    figures = drawn(lesson, 2, tmp_path, monkeypatch)
    jumps = {"02_activations.png": ["step: x > 0"], "02_derivatives.png": ["slope of ReLU"]}
    for name, figure in figures.items():
        figure.draw_without_rendering()
        for axes in figure.axes:
            y = np.concatenate([line.get_ydata() for line in axes.lines])
            assert np.isnan(y).sum() == (axes.get_title() in jumps[name])
            legend = axes.get_legend()
            assert (legend is None) == (len(axes.lines) == 1)
            if legend:
                box = legend.get_window_extent()
                for line in axes.lines:
                    points = axes.transData.transform(np.column_stack(line.get_data()))
                    assert not any(box.contains(*point) for point in points)


def test_15_the_axes_of_counts_have_whole_numbers(lesson, tmp_path, monkeypatch):
    pytest.importorskip("pycuda", reason="no PyCUDA here; `tinygrad-edu simulator setup` installs it")
    monkeypatch.setenv("TINYGRAD_EDU_DEVICE", "simulator")
    figure = drawn(lesson, 15, tmp_path, monkeypatch, "--smoke")["15_threads_smoke.png"]
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert all(float(tick).is_integer() for tick in (*axes.get_xticks(), *axes.get_yticks()))


def test_a_quiz_wants_one_of_its_choices(lesson, capsys):
    quiz = lesson(1).quiz
    assert quiz("Which?", ["a", "b"], "b") == "b" and marked(capsys.readouterr().out) == ["b"]
    with pytest.raises(ValueError, match="'c' is none of a, b"):
        quiz("Which?", ["a", "b"], "c")
