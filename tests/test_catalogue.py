"""The catalogue of names and all who make things of them: each word has a meaning, each meaning its word."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as te
from tests.test_documents import DOCUMENTS
from tinygrad_edu import catalogue, nn
from tinygrad_edu.cli import arguments
from tinygrad_edu.cli.tools import EXTRAS
from tinygrad_edu.data import catalogue as makers
from tinygrad_edu.data import real, synthetic
from tinygrad_edu.dtypes import SUPPORTED, is_floating
from tinygrad_edu.nn import activations
from tinygrad_edu.sklearn import MLPClassifier, MLPRegressor, graph, plain, regressor
from tinygrad_edu.training import settings

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = sorted((ROOT / "tinygrad_edu").rglob("*.py"))
TABLES = {
    name: set(getattr(catalogue, name))
    for name in ("DATA_SETS", "ACTIVATIONS", "OPTIMIZERS", "DTYPES", "SCHEMES", "SOLVERS", "LOSSES")
}
# Modules that no hidden layer is made of: one cannot choose them, and this is where that is said.
NOT_CHOSEN = {"Softplus", "Softmax", "LogSoftmax", "Softmin", "LogSigmoid", "GLU", "PReLU", "CELU", "SELU",
              "Mish", "ReLU6", "Hardsigmoid", "Hardswish", "Hardtanh", "Hardshrink", "Softshrink", "Softsign",
              "Tanhshrink", "Threshold"}  # fmt: skip


def test_it_imports_nothing():
    tree = ast.parse(Path(catalogue.__file__).read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]


def test_every_data_set_is_made_and_every_maker_is_named():
    assert not makers.GENERATED.keys() & makers.REAL.keys()
    assert {*makers.GENERATED, *makers.REAL} == set(catalogue.DATA_SETS)
    assert tuple(catalogue.DATA_SETS) == makers.NAMES
    for module, made in ((synthetic, makers.GENERATED), (real, makers.REAL)):
        functions = {
            name: function
            for name, function in inspect.getmembers(module, inspect.isfunction)
            if function.__module__ == module.__name__ and not name.startswith("_")
        }
        assert made == functions


@pytest.mark.parametrize("name", [*catalogue.DATA_SETS, "FILE"])
def test_what_suits_a_data_set_can_be_chosen(name):
    settings.Settings(**catalogue.DATA_SETS.get(name, catalogue.FILE))


def test_what_a_data_set_needs_is_an_extra():
    assert catalogue.NEEDS.keys() <= catalogue.DATA_SETS.keys()
    assert set(catalogue.NEEDS.values()) <= EXTRAS.keys()
    for extra in EXTRAS:
        assert f'    "{extra}": [' in (ROOT / "setup.py").read_text()


def test_every_activation_is_a_module_and_every_module_is_named():
    assert settings.ACTIVATIONS.keys() == set(catalogue.ACTIVATIONS)
    known, chosen = set(activations.__all__), {made.__name__ for made in settings.ACTIVATIONS.values()}
    assert known >= NOT_CHOSEN and chosen | NOT_CHOSEN == known | {"Identity"}
    x = te.tensor([-1.5, 0.5])
    for name, module in settings.ACTIVATIONS.items():
        wanted = x if name == "identity" else getattr(te, name.replace("-", "_"))(x)
        np.testing.assert_array_equal(module()(x).numpy(), wanted.numpy())


def test_every_optimizer_is_made_and_they_differ():
    assert settings.OPTIMIZERS.keys() == set(catalogue.OPTIMIZERS)
    ends = {}
    for name, (make, options) in settings.OPTIMIZERS.items():
        w = nn.Parameter(np.array([1.0, -2.0]))
        optimizer = make([w], lr=0.1, **options)
        for _ in range(3):
            optimizer.zero_grad()
            te.sum(w**4).backward()
            optimizer.step()
        ends[w.numpy().tobytes()] = name
    assert len(ends) >= len(catalogue.OPTIMIZERS) - 1  # adamw without decay is adam


def test_the_estimators_take_these_words():
    assert graph.ACTIVATIONS.keys() == {*catalogue.ACTIVATIONS, *catalogue.SYNONYMS}
    assert set(catalogue.SYNONYMS.values()) <= set(catalogue.ACTIVATIONS)
    assert plain.ACTIVATIONS.keys() <= graph.ACTIVATIONS.keys()
    assert regressor.OUTPUTS.keys() == set(catalogue.LOSSES)


@pytest.mark.parametrize("solver", catalogue.SOLVERS)
@pytest.mark.filterwarnings("ignore")
def test_every_solver_descends_in_its_own_way(solver):
    X = np.linspace(-1, 1, 40).reshape(20, 2)
    y = (X[:, 0] > 0.1).astype(int)
    found = {
        s: MLPClassifier((3,), solver=s, max_iter=2, random_state=0).fit(X, y).coefs_[0].tobytes()
        for s in catalogue.SOLVERS
    }
    assert sum(found[solver] == weights for weights in found.values()) == 1


@pytest.mark.parametrize("loss", catalogue.LOSSES)
@pytest.mark.filterwarnings("ignore")
def test_every_loss_is_learned(loss):
    X = np.linspace(-1, 1, 20).reshape(10, 2)
    model = MLPRegressor(hidden_layer_sizes=(3,), loss=loss, max_iter=2, random_state=0).fit(
        X, np.arange(10.0)
    )
    assert model.out_activation_ == regressor.OUTPUTS[loss]


def test_the_command_line_offers_these_words(capsys):
    train = arguments.parser()._subparsers._group_actions[0].choices["train"]
    choices = {action.dest: tuple(action.choices or ()) for action in train._actions}
    assert choices["activation"] == catalogue.ACTIVATIONS and choices["optimizer"] == catalogue.OPTIMIZERS
    assert choices["dtype"] == catalogue.DTYPES and choices["scheme"] == catalogue.SCHEMES
    assert set(catalogue.DTYPES) == {str(np.dtype(d)) for d in SUPPORTED if is_floating(d)}
    (shown,) = (action.help for action in train._actions if action.dest == "data")
    assert shown.startswith(", ".join(catalogue.DATA_SETS) + ";")


def test_the_help_needs_neither_numpy_nor_the_library():
    """What the files of the command load themselves: `import tinygrad_edu`, which precedes, is left out."""
    code = (
        "import sys, types\n"
        f"package = types.ModuleType('tinygrad_edu'); package.__path__ = [{str(ROOT / 'tinygrad_edu')!r}]\n"
        "sys.modules['tinygrad_edu'] = package\n"
        "from tinygrad_edu.cli import main\n"
        "assert main(['train', '--help']) == 0\n"
        "print(*[name for name in sys.modules if name.split('.')[0] in ('numpy', 'tinygrad_edu')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, text=True, capture_output=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    options = {f"cli.{name}" for name in ("arguments", "launch_arguments", "option_types", "train_arguments")}
    light = {"_version", "catalogue", "cli", *options, "errors", "phrases"}  # of texts and words alone
    assert loaded == {"tinygrad_edu", *(f"tinygrad_edu.{name}" for name in light)}


@pytest.mark.parametrize("table", sorted(TABLES))
def test_no_other_file_lists_these_words(table):
    """A table from a word to what it means is no list of them; such a one is compared above."""
    words, found = TABLES[table], []
    for path in LIBRARY:
        if path == Path(catalogue.__file__):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
                listed = {item.value for item in node.elts if isinstance(item, ast.Constant)}
                if len(listed & words) > 1 and listed <= words | {"auto", "none"}:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {sorted(listed)}")
    assert found == []


# CONTRIBUTING.md adds one, which tests/test_promises.py trains on.
@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d != "CONTRIBUTING.md"])
def test_a_command_shown_names_a_data_set_there_is(document):
    for word in re.findall(r"tinygrad-edu train ([\w./-]+)", (ROOT / document).read_text()):
        assert word in catalogue.DATA_SETS or "." in word or word.startswith("-"), word
