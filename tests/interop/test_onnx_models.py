"""Whole models: the library's examples, sizes that vary, weights and their names, and training on."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as te
from tests.interop.onnx_runs import agree, evaluated, run
from tinygrad_edu import nn
from tinygrad_edu.interop import onnx

pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")

MODELS = Path(__file__).resolve().parents[2] / "examples" / "models"
RANDOM = np.random.default_rng(0)


def x(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


@pytest.fixture
def example(monkeypatch):
    """An example as a module, by its name."""
    monkeypatch.syspath_prepend(str(MODELS))

    def load(name):
        spec = importlib.util.spec_from_file_location(f"onnx_{name}", MODELS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_the_convolutional_network(example):
    agree(example("cnn").network(8), x(2, 1, 8, 8))


@pytest.mark.parametrize("shortcuts", [True, False])
def test_the_residual_network(example, shortcuts):
    model = example("resnet").Network(shortcuts, 8)
    model.train()
    model(te.tensor(x(16, 1, 8, 8)))  # averages that are not those of the start
    agree(model, x(2, 1, 8, 8))


def test_the_gpt_takes_texts_of_any_number_and_length(example):
    model = example("char_gpt").GPT(20)
    texts = RANDOM.integers(0, 20, (3, 6))
    made = onnx.export(model, te.tensor(texts), dynamic_axes={"numbers": {0: "batch", 1: "time"}})
    again = onnx.load(made)
    for batch, time in ((1, 1), (3, 6), (2, 32), (7, 3)):
        given = RANDOM.integers(0, 20, (batch, time))
        (wanted,) = evaluated(model, given)
        np.testing.assert_allclose(run(made, given)[0], wanted, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(evaluated(again, given)[0], wanted, rtol=1e-5, atol=1e-5)
    shape = made.graph.output[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in shape] == ["batch", "time", 20]


def test_the_lstm(example):
    module = example("lstm")
    inputs, _ = module.batch(np.random.default_rng(0), 3)
    agree(module.Adder(nn.LSTM), inputs)


def test_the_autoencoder_and_its_parts(example):
    model = example("vae").VAE(16)
    agree(model, x(2, 16))
    agree(model.decoder, x(2, 2))
    with pytest.raises(onnx.OnnxError, match=r"normal.*vae.py:\d+.*an input of the model"):
        onnx.export(model.loss, te.tensor(np.abs(x(2, 16)) / 9), dynamic_axes="batch")


@pytest.mark.parametrize("k", [-1, 0, 1])
def test_triangles_of_numpy_follow_a_size(k):
    def model(x):
        n = x.shape[1]
        lower, upper = np.tril(np.ones((n, n), "f4"), k), np.triu(np.ones((n, n), bool), k)
        return x @ te.tensor(lower), te.where(te.tensor(upper), x[0, 0], 0.5), x * te.tensor(lower)[-1]

    made = onnx.export(model, te.tensor(x(2, 5)), dynamic_axes={"x": {1: "n"}})
    for n in (2, 5, 9):
        given = x(2, n)
        for mine, theirs in zip(evaluated(model, given), run(made, given), strict=True):
            np.testing.assert_allclose(theirs, mine, rtol=1e-5)
