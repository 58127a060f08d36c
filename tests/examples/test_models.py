"""The examples of models: they run, draw what they say, keep to their form; and what their parts compute."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as te
from tests.examples.conftest import started
from tinygrad_edu import nn

MODELS = Path(__file__).resolve().parents[2] / "examples" / "models"
NAMES = sorted(path.stem for path in MODELS.glob("*.py") if path.stem not in ("prose", "shared"))
ON_A_DEVICE = "custom_op"  # it opens a simulator, which stays in its process


@pytest.fixture
def example(monkeypatch):
    """An example as a module, by its name."""
    monkeypatch.syspath_prepend(str(MODELS))

    def load(name):
        spec = importlib.util.spec_from_file_location(f"model_{name}", MODELS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def drawn(text, folder):
    """The pictures that a script says it drew, which are those of the folder."""
    pictures = [Path(path) for path in re.findall(r"^picture: (.+)$", text, re.M)]
    assert pictures and sorted(pictures) == sorted(folder.iterdir())
    return pictures


@pytest.mark.parametrize("name", NAMES)
def test_a_short_run_draws_its_pictures_and_returns_finite_numbers(name, example, tmp_path, capsys):
    if name == ON_A_DEVICE:
        pytest.importorskip("pycuda", reason="no PyCUDA here; `tinygrad-edu simulator setup` installs it")
        ended = started(MODELS / f"{name}.py", "--smoke", "--out", str(tmp_path))
        assert ended.returncode == 0 and ended.stderr == "", ended.stderr
        text = ended.stdout
        assert float(re.search(r"the composition's numbers, up to (\S+)", text)[1]) < 1e-5
    else:
        found = example(name).main(["--smoke", "--out", str(tmp_path)])
        text = capsys.readouterr().out
        assert found and all(np.isfinite(value).all() for value in found.values())
    for path in drawn(text, tmp_path):
        assert path.name.startswith(name) and path.name.endswith("_smoke.png")
        assert path.read_bytes().startswith(b"\x89PNG")
    assert not re.search(r"\bnan\b", text)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_page_or_two(name):
    text = (MODELS / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    lesson = ast.get_docstring(ast.parse(text))
    assert "Change: " in lesson and re.search(r"\b(19|20)\d\d\b", lesson), "a source, and what to change"


def test_custom_op_is_the_recurrence(example):
    module = example("custom_op")
    a, b = np.random.default_rng(0).uniform(-1, 1, (2, 3, 5))
    y = module.recurrence(te.tensor(a), te.tensor(b)).numpy()
    assert np.allclose(y[:, 0], b[:, 0]) and np.allclose(y[:, 1:], a[:, 1:] * y[:, :-1] + b[:, 1:])
    assert np.allclose(module.composed(te.tensor(a), te.tensor(b)).numpy(), y)
    with pytest.raises(ValueError, match="give the same"):
        module.recurrence(te.tensor(a), te.tensor(b[:, :4]))


def test_pinn_residual_and_exact_solution(example):
    module = example("pinn")
    x, t = te.linspace(-1, 1, 7, dtype="float64"), te.linspace(0.1, 1, 7, dtype="float64")
    assert np.allclose(module.residual(lambda x, t: x / (1 + t), x, t).numpy(), 0)
    other = module.residual(lambda x, t: t * x**2, x, t)
    assert np.allclose(other.numpy(), (x**2 + 2 * t**2 * x**3 - 2 * module.NU * t).numpy())
    coarse = [
        np.abs(u - module.exact(x, 0.5)).max() for x, u in (module.differences(n, 0.5) for n in (50, 100))
    ]
    assert coarse[1] < 0.3 * coarse[0] < 0.01  # of second order, toward the exact solution


def test_neural_ode_steps_have_their_orders(example):
    module = example("neural_ode")
    for method, order in ((module.euler, 1), (module.rk4, 4)):
        errors = [abs(module.integrate(lambda y: y, 1.0, n, 1 / n, method)[-1] - np.e) for n in (20, 40)]
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_maml_gradient_goes_through_the_inner_step(example):
    module = example("maml")
    te.manual_seed(0)
    weights = [te.tensor(p.numpy().astype(np.float64)) for p in module.weights()]
    x, y, other = (te.randn(2, 4, 1, dtype="float64") for _ in range(3))
    te.check.gradcheck(lambda *w: module.loss(module.adapt(w, x, y), x, other).sum(), weights, order=1)


def test_dqn_knows_the_shortest_ways(example):
    module = example("dqn")
    all_steps = np.stack([module.distances(k) for k in range(len(module.CELLS))])
    assert np.array_equal(all_steps, all_steps.T) and all_steps.max() == 15

    def best(at, goal):
        return all_steps[goal[:, None], module.NEXT[at]].argmin(axis=1)

    assert module.success(best) == (1.0, 1.0)


def test_focal_loss_without_focus_is_half_of_cross_entropy(example):
    module = example("focal")
    z, target = te.randn(20), te.tensor(np.arange(20) % 2)
    plain = module.focal(z, target, gamma=0.0, weight=0.5)
    assert te.allclose(2 * plain, module.cross_entropy(z, target.cast("float32")), rtol=1e-5)
    p = te.sigmoid(te.where(target > 0, z, -z))
    assert te.allclose(module.focal(z, target, weight=0.5), plain * (1 - p) ** 2, rtol=1e-4)


def test_vae_pays_nothing_for_the_standard_gaussian(example):
    vae = example("vae").VAE(16)
    nn.init.zeros_(vae.encoder[-1].weight)
    nn.init.zeros_(vae.encoder[-1].bias)
    assert vae.loss(te.rand(3, 16))[1].item() == 0
    with te.no_grad():
        vae.encoder[-1].bias.copy_(te.tensor([1.0, 0.0, 0.0, 0.0]))
    assert vae.loss(te.rand(3, 16))[1].item() == pytest.approx(0.5)


def test_lstm_answers_are_the_sums_of_marked_numbers(example):
    x, y = (t.numpy() for t in example("lstm").batch(np.random.default_rng(0), 9))
    marked = x[..., 1] == 1
    half = x.shape[1] // 2
    assert np.all(marked[:, :half].sum(axis=1) == 1) and np.all(marked[:, half:].sum(axis=1) == 1)
    assert np.allclose(y, (x[..., 0] * marked).sum(axis=1))


def test_a_residual_block_without_a_body_is_its_input(example):
    block = example("resnet").Block(4, 4, 1, True)
    nn.init.zeros_(block.body[-1].weight)
    x = te.rand(2, 4, 6, 6)
    assert te.allclose(block(x), x)


def test_char_gpt_sees_no_future_and_counts_are_distributions(example):
    module = example("char_gpt")
    te.manual_seed(0)
    model = module.GPT(7).eval()
    text = np.random.default_rng(0).integers(0, 7, (1, 12))
    changed = text.copy()
    changed[0, 8:] = (changed[0, 8:] + 1) % 7
    one, other = (model(te.tensor(t)).numpy() for t in (text, changed))
    assert np.allclose(one[:, :8], other[:, :8], atol=1e-6) and not np.allclose(
        one[:, 8:], other[:, 8:], atol=1e-3
    )
    train, before = np.arange(40) * 3 % 7, np.array([2, 5])
    shares = [np.exp(-2 * module.counted(train, np.append(before[:1], c), 1)) for c in range(7)]
    first = np.exp(-module.counted(train, before[:1], 0))
    assert np.sum(shares) == pytest.approx(first)


def test_embeddings_of_counts_find_the_groups(example):
    module = example("embeddings")
    sentences = list(module.corpus(np.random.default_rng(0), 600))
    assert all("his" not in s for s in sentences if {"queen", "woman", "aunt"} & {*s})
    number = {word: k for k, word in enumerate(sorted({word for s in sentences for word in s}))}
    same, _ = module.report("", module.counted(module.pairs(sentences, number), len(number)), number)
    assert same > 0.6
