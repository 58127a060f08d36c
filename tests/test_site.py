"""What docs/_extensions makes of links and docstrings, without Sphinx; `make docs` tries the rest."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tinygrad_edu import check, optim
from tinygrad_edu.engine.op import Op

ROOT = Path(__file__).parent.parent


def extension(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "_extensions" / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def repository():
    return extension("repository")


@pytest.fixture(scope="module")
def restructured():
    function = extension("plain_docstrings").restructured
    return lambda text: "\n".join(function(text.splitlines()))


def test_links_that_are_broken_are_seen(repository, tmp_path):
    wrong = []
    text = "[a](gone.md) [b](https://x.y/z) [c](#here)\n```\n[d](code.md)\n```\n"
    assert repository.relinked(text, tmp_path, tmp_path / "page.md", {}, wrong.append) == text
    assert wrong == ["a link leads to gone.md, which does not exist"]
    place = repository.place
    lines = (ROOT / "tinygrad_edu/optim/sgd.py").read_text().splitlines()
    assert lines[place("tinygrad_edu.optim.sgd.SGD.formula").first - 1].startswith("    def formula(")
    assert place("tinygrad_edu.ops.elementwise.log").path == "tinygrad_edu/ops/elementwise.py"
    assert place("kernels/elementwise/formulas.cuh @ FLOAT1(log, ").first > 0
    for gone in (
        "tinygrad_edu.optim.sgd.SGD.nonsense",
        "tinygrad_edu.nonsense",
        "kernels/none.cu",
        "kernels/elementwise/formulas.cuh @ nonsense",
        "kernels/elementwise/formulas.cuh @ FLOAT1(",
    ):
        with pytest.raises(LookupError):
            place(gone)


def test_a_link_of_an_included_file_is_turned(repository):
    source, page = ROOT / "kernels" / "README.md", ROOT / "docs" / "kernels.md"
    text = (
        "[a](softmax/) [b](../docs/kernels/softmax.md#the-rungs) [c](../README.md) [d](README.md#rules)"
        " ![e](../docs/images/graph.svg)"
    )
    turned = repository.relinked(text, source.parent, page, repository.included(), pytest.fail)
    assert turned == (
        "[a](source:kernels/softmax) [b](kernels/softmax.md#the-rungs) [c](overview.md)"
        " [d](kernels.md#rules) ![e](images/graph.svg)"
    )


def test_a_build_says_which_page_it_executes():
    said = []
    progress = extension("progress").Progress(said.append)
    progress.before(None, None, ["a", "b"])
    progress.page(None, "a", ["---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n"])
    progress.page(None, "b", ["# Title\n"])
    progress.page_start -= 33
    progress.read(SimpleNamespace(env=SimpleNamespace(docname="b")), None)
    progress.writing(None, None)
    assert said == [
        "[1 of 2, 0 s] executing a",
        "[2 of 2, 0 s] reading b",
        "[2 of 2, 0 s] b took 33 s",
        "[2 of 2, 0 s] resolving links, writing pages",
    ]


def test_code_is_left_alone(repository):
    text = "a\n```python\n[x](y)\n```\nb\n~~~\n[x](y)\n~~~\nc\n```text\nnever closed [x](y)\n"
    assert repository.outside_code(text, str.upper) == (
        "A\n```python\n[x](y)\n```\nB\n~~~\n[x](y)\n~~~\nC\n```TEXT\nNEVER CLOSED [X](Y)\n"
    )


def test_an_include_is_the_file(repository, tmp_path):
    (tmp_path / "README.md").write_text("# Title\n\n[down](docs/page.md) and [beside](other.py)\n")
    (tmp_path / "other.py").touch()
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "shown.md"
    (tmp_path / "docs" / "page.md").touch()
    page.write_text("```{include} ../README.md\n```\n\nmore\n")
    repository.ROOT, root = tmp_path, repository.ROOT
    repository.DOCS, docs = tmp_path / "docs", repository.DOCS
    try:
        text = repository.expanded(page.read_text(), page, {}, pytest.fail)
    finally:
        repository.ROOT, repository.DOCS = root, docs
    assert text == "# Title\n\n[down](page.md) and [beside](source:other.py)\n\n\nmore\n"


def test_columns_become_names_and_prose_stays_prose(restructured):
    text = restructured(inspect.getdoc(check.gradcheck))
    assert "``eps``\n    the largest step of the differences, relative to \\|x\\| (to 1 where x is 0)" in text
    assert "``f(*inputs)`` are its derivatives" in text and "\nReturns a Report when they are right." in text


def test_formulas_stay_as_they_stand(restructured):
    text = restructured(inspect.getdoc(sys.modules[optim.SGD.__module__]))
    assert "::\n\n    v' = mu v - eta grad(w)                 w' = w + v'         (momentum;" in text


def test_numpys_style_becomes_a_list(restructured):
    text = restructured(inspect.getdoc(Op))
    assert "**Parameters**\n\n``name : str``\n    The op's name; unique." in text
    assert "**Its parameter names say what\n    backward needs and therefore what is saved**" in text
    assert "---" not in text


def test_powers_and_stars_are_no_markup(restructured):
    assert restructured("a ** 2, x**2 + y**2 and *args_ end") == (
        "a \\*\\* 2, x\\*\\*2 + y\\*\\*2 and \\*args\\_ end\n"
    )
