"""A module of another library, imported from here, is answered like the attribute of its name."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys

import pytest

import tinygrad_edu as te


@pytest.mark.parametrize(("line", "name", "answer"), [
    ("import tinygrad_edu.nn.functional as F", "nn.functional", "torch.nn.functional is te, as in"),
    ("from tinygrad_edu.nn.functional import relu", "nn.functional", "torch.nn.functional is te"),
    ("from tinygrad_edu.utils.data import DataLoader", "utils", "DataLoader is data.DataLoader"),
    ("import tinygrad_edu.utils.data", "utils", "torch.utils.data is te.data here"),
    ("import tinygrad_edu.nn.utils.rnn", "nn.utils", "torch.nn.utils.rnn is te.data.pad_sequence"),
    ("from tinygrad_edu.nn.utils import weight_norm", "nn.utils", "weight_norm: no layer computes"),
    ("import tinygrad_edu.nn.utils", "nn.utils", "torch.nn.utils: of it there are te.optim.clip_grad_norm_"),
    ("import tinygrad_edu.autograd", "autograd", "torch.autograd is te.grad"),
    ("import tinygrad_edu.qwerty", "qwerty", ""),
])  # fmt: skip
def test_an_import_of_what_is_elsewhere_is_answered(line, name, answer):
    with pytest.raises(ModuleNotFoundError, match=f"^No module named 'tinygrad_edu.{name}'") as said:
        exec(compile(line, "user.py", "exec"), {})
    assert said.value.name == f"tinygrad_edu.{name}" and "(at user.py:1)" in str(said.value)
    assert answer in str(said.value)
    assert said.value.fault.remedy or not answer


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("parameters_to_vector", "is te.concat([p.flatten() for p in model.parameters()]) here"),
        ("spectral_norm", "no layer computes its weight from another one"),
        ("clip_grad_norm_", "is optim.clip_grad_norm_ here"),
        ("anything", "of it there are te.optim.clip_grad_norm_"),
    ],
)
def test_each_part_of_pytorchs_utilities_has_its_own_answer(name, answer):
    with pytest.raises(AttributeError, match=re.escape(answer)):
        eval(f"te.nn.utils.{name}", {"te": te})


def test_who_only_asks_gets_no_error():
    assert importlib.util.find_spec("tinygrad_edu.autograd") is None
    assert importlib.util.find_spec("tinygrad_edu.nn.functional") is None
    with pytest.raises(ModuleNotFoundError, match=r"torch.nn.functional is te.*") as said:
        importlib.import_module("tinygrad_edu.nn.functional")
    assert "test_imports.py:" in str(said.value)
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'qwerty_edu'$"):
        importlib.import_module("qwerty_edu")


def test_a_name_from_a_module_keeps_its_own_answer():
    with pytest.raises(ImportError, match=r"'tinygrad_edu.nn' has no attribute 'functional'.* is te") as said:
        exec("from tinygrad_edu.nn import functional", {})
    assert type(said.value) is ImportError


def test_the_finder_is_the_last_one_and_there_is_one():
    code = (
        "import sys, tinygrad_edu, importlib; importlib.reload(tinygrad_edu)\n"
        "names = [getattr(finder, '__name__', '') for finder in sys.meta_path]\n"
        "assert names.count('MissingModules') == 1 and names[-1] == 'MissingModules', names\n"
        "assert 'dis' in sys.modules and 'tinygrad_edu.words.lookup' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
