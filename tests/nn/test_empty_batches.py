"""Layers of batches without rows: as the same layer of some rows, of which none is kept."""

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError


def rows(*shape):
    return te.tensor(np.random.default_rng(0).normal(size=shape), dtype="float32", requires_grad=True)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_layers(kind, batch_first):
    layer = kind(2, 3, num_layers=2, bidirectional=True, batch_first=batch_first)
    x = rows(0, 4, 2) if batch_first else rows(4, 0, 2)
    out, state = layer(x)
    assert out.shape == (*x.shape[:2], 6)
    assert {s.shape for s in (state if kind is nn.LSTM else (state,))} == {(4, 0, 3)}
    out.sum().backward()
    assert not layer.weight_hh_l0.grad.numpy().any() and x.grad.shape == x.shape
    for empty in ((2, 0, 2) if batch_first else (0, 2, 2), (0, 2)):
        with pytest.raises(ShapeError, match="with a step"):
            layer(te.zeros(empty))


def test_attention_of_no_rows_and_to_no_keys():
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    for need in (True, False):
        x = rows(0, 3, 4)
        out, weights = layer(x, x, x, need_weights=need)
        assert out.shape == (0, 3, 4) and (weights is None or weights.shape == (0, 3, 3))
    with te.no_grad():
        layer.out_proj.bias.copy_(te.arange(4.0))
    out, weights = layer(rows(2, 3, 4), rows(2, 0, 4), rows(2, 0, 4))
    assert weights.shape == (2, 3, 0)
    np.testing.assert_array_equal(out.numpy(), np.broadcast_to(layer.out_proj.bias.numpy(), (2, 3, 4)))
    out.sum().backward()
    assert layer.out_proj.bias.grad.numpy().tolist() == [6.0] * 4


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2)])
def test_batch_norm_in_evaluation(shape):
    layer = nn.BatchNorm1d(3).eval()
    assert layer(rows(*shape)).shape == shape
    with pytest.raises(ShapeError, match=r"call eval\(\)"):
        layer.train()(rows(*shape))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("adaptive", [False, True])
def test_the_places_of_the_largest_elements(axes, adaptive):
    name = f"{'Adaptive' * adaptive}MaxPool{axes}d"
    layer = getattr(nn, name)(2, return_indices=True)
    whole, places = layer(rows(2, 3, *(4,) * axes))
    out, indices = layer(rows(0, 3, *(4,) * axes))
    assert out.shape == indices.shape == (0, *whole.shape[1:]) and indices.dtype == places.dtype
