"""Every layer of te.nn, as ONNX Runtime computes it, with batches of other sizes than the example's."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tests.interop.onnx_runs import agree
from tinygrad_edu import nn
from tinygrad_edu.interop import onnx

pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")

RANDOM = np.random.default_rng(0)
FIXED = ()  # sizes of a batch that may not vary


def x(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def places(high, *shape):
    return RANDOM.integers(0, high, shape)


def _settled(norm):
    """A batch norm whose averages are not those it begins with."""
    for name in ("running_mean", "running_var"):
        value = getattr(norm, name)
        value.copy_(te.tensor(RANDOM.uniform(0.5, 2.0, value.shape)))
    for parameter in norm.parameters():
        parameter.detach().copy_(te.tensor(RANDOM.uniform(0.5, 2.0, parameter.shape)))
    return norm


SIGNAL, IMAGE, VOLUME, ROWS = x(2, 4, 9), x(2, 4, 8, 9), x(2, 4, 5, 6, 5), x(3, 6)
LAYERS = {
    "Identity": (nn.Identity, ROWS),
    "Linear": (lambda: nn.Linear(6, 5), ROWS),
    "Linear, no bias": (lambda: nn.Linear(6, 5, bias=False), ROWS),
    "Linear, of sequences": (lambda: nn.Linear(9, 5), SIGNAL),
    "Bilinear": (lambda: nn.Bilinear(6, 6, 3), ROWS, ROWS[::-1].copy()),
    "Flatten": (nn.Flatten, IMAGE),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 3)), ROWS),
    "Conv1d": (lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1), SIGNAL),
    "Conv1d, same": (lambda: nn.Conv1d(4, 6, 4, padding="same"), SIGNAL),
    "Conv2d": (lambda: nn.Conv2d(4, 6, (3, 2), padding=1, dilation=2), IMAGE),
    "Conv2d, groups": (lambda: nn.Conv2d(4, 8, 3, groups=4, bias=False), IMAGE),
    "Conv3d": (lambda: nn.Conv3d(4, 3, 3), VOLUME),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 3, 3, stride=2, padding=1, output_padding=1), SIGNAL),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), IMAGE),
    "ConvTranspose2d, dilated": (lambda: nn.ConvTranspose2d(4, 3, 3, dilation=2, padding=2), IMAGE),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(4, 2, 2, stride=2), VOLUME),
    "MaxPool1d": (lambda: nn.MaxPool1d(3), SIGNAL),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, stride=2, padding=1), IMAGE),
    "MaxPool2d, dilated": (lambda: nn.MaxPool2d(2, dilation=2), IMAGE),
    "MaxPool2d, ceil": (lambda: nn.MaxPool2d(3, stride=2, ceil_mode=True), IMAGE),
    "MaxPool2d, indices": (lambda: nn.MaxPool2d(2, return_indices=True), IMAGE),
    "MaxPool3d": (lambda: nn.MaxPool3d(2), VOLUME),
    "AvgPool1d": (lambda: nn.AvgPool1d(3, stride=2), SIGNAL),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), IMAGE),
    "AvgPool2d, padded": (lambda: nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), IMAGE),
    "AvgPool3d": (lambda: nn.AvgPool3d(2), VOLUME),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(4), SIGNAL),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((3, 4)), IMAGE),
    "AdaptiveAvgPool2d, even": (lambda: nn.AdaptiveAvgPool2d(1), IMAGE),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d(2), VOLUME),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(4), SIGNAL),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((2, 4)), IMAGE),
    "AdaptiveMaxPool3d": (lambda: nn.AdaptiveMaxPool3d(2), VOLUME),
    "BatchNorm1d": (lambda: _settled(nn.BatchNorm1d(6)), ROWS),
    "BatchNorm2d": (lambda: _settled(nn.BatchNorm2d(4)), IMAGE),
    "BatchNorm3d": (lambda: _settled(nn.BatchNorm3d(4)), VOLUME),
    "BatchNorm2d, not affine": (lambda: nn.BatchNorm2d(4, affine=False), IMAGE),
    "LayerNorm": (lambda: nn.LayerNorm(6), ROWS),
    "LayerNorm, of images": (lambda: nn.LayerNorm((8, 9)), IMAGE),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), IMAGE),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(4, affine=True), SIGNAL),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4), IMAGE),
    "InstanceNorm3d": (lambda: nn.InstanceNorm3d(4), VOLUME),
    "RMSNorm": (lambda: nn.RMSNorm(6), ROWS),
    "Embedding": (lambda: nn.Embedding(7, 3), places(7, 3, 4)),
    "Embedding, padded": (lambda: nn.Embedding(7, 3, padding_idx=0), places(7, 3, 4)),
    "PositionalEncoding": (lambda: nn.PositionalEncoding(6), x(2, 3, 6)),
    "LearnedPositionalEncoding": (lambda: nn.LearnedPositionalEncoding(6, max_len=8), x(2, 3, 6)),
    "Dropout": (lambda: nn.Dropout(0.5), ROWS),
    "Dropout1d": (lambda: nn.Dropout1d(0.5), SIGNAL),
    "Dropout2d": (lambda: nn.Dropout2d(0.5), IMAGE),
    "Dropout3d": (lambda: nn.Dropout3d(0.5), VOLUME),
    "AlphaDropout": (lambda: nn.AlphaDropout(0.5), ROWS),
    "RNN": (lambda: nn.RNN(6, 4, nonlinearity="relu", batch_first=True), x(2, 3, 6)),
    "LSTM": (lambda: nn.LSTM(6, 4, 2, bidirectional=True, batch_first=True), x(2, 3, 6)),
    "GRU": (lambda: nn.GRU(6, 4, batch_first=True), x(2, 3, 6)),
    "RNNCell": (lambda: nn.RNNCell(6, 4), ROWS),
    "LSTMCell": (lambda: nn.LSTMCell(6, 4), ROWS),
    "GRUCell": (lambda: nn.GRUCell(6, 4), ROWS),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), x(2, 3, 6)),
    "TransformerEncoder": (
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(6, 2, 8, batch_first=True, norm_first=True), 2
        ),
        x(2, 3, 6),
    ),
    "TransformerDecoderLayer": (
        lambda: nn.TransformerDecoderLayer(6, 2, 8, batch_first=True),
        x(2, 3, 6),
        x(2, 5, 6),
    ),
    "TransformerDecoder": (
        lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 3, 8, batch_first=True), 2),
        x(2, 3, 6),
        x(2, 5, 6),
    ),
    "Transformer": (lambda: nn.Transformer(6, 2, 1, 1, 8, batch_first=True), x(2, 3, 6), x(2, 4, 6)),
    "Upsample": (lambda: nn.Upsample(scale_factor=2), IMAGE),
    "Upsample, linear": (lambda: nn.Upsample(scale_factor=1.5, mode="linear"), SIGNAL),
    "Upsample, bilinear": (lambda: nn.Upsample(size=(5, 13), mode="bilinear"), IMAGE),
    "Upsample, aligned": (lambda: nn.Upsample(size=12, mode="bilinear", align_corners=True), IMAGE),
    "Upsample, bicubic": (lambda: nn.Upsample(scale_factor=2, mode="bicubic"), IMAGE),
    "Upsample, trilinear": (lambda: nn.Upsample(scale_factor=2, mode="trilinear"), VOLUME),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), IMAGE),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), x(2, 3, 4, 6)),
    "Unfold": (lambda: nn.Unfold(3, stride=2, padding=1), IMAGE),
    "Fold": (lambda: nn.Fold((4, 5), 2), x(2, 12, 12)),
    "ZeroPad1d": (lambda: nn.ZeroPad1d((1, 2)), SIGNAL),
    "ZeroPad2d": (lambda: nn.ZeroPad2d(2), IMAGE),
    "ConstantPad1d": (lambda: nn.ConstantPad1d(1, 3.5), SIGNAL),
    "ConstantPad2d": (lambda: nn.ConstantPad2d((1, 0, 2, 1), -1.0), IMAGE),
    "ReflectionPad1d": (lambda: nn.ReflectionPad1d(2), SIGNAL),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d((1, 2, 3, 0)), IMAGE),
    "ReplicationPad1d": (lambda: nn.ReplicationPad1d(2), SIGNAL),
    "ReplicationPad2d": (lambda: nn.ReplicationPad2d(1), IMAGE),
    "CircularPad1d": (lambda: nn.CircularPad1d(2), SIGNAL),
    "CircularPad2d": (lambda: nn.CircularPad2d((1, 2, 0, 3)), IMAGE),
    "CosineSimilarity": (nn.CosineSimilarity, ROWS, x(3, 6)),
    "PairwiseDistance": (nn.PairwiseDistance, ROWS, x(3, 6)),
    "Softmax": (nn.Softmax, ROWS),
    "Softmin": (nn.Softmin, ROWS),
    "LogSoftmax": (nn.LogSoftmax, ROWS),
    "GLU": (nn.GLU, ROWS),
    "GELU, tanh": (lambda: nn.GELU("tanh"), ROWS * 3),
    "PReLU, of channels": (lambda: nn.PReLU(4), IMAGE),
    "Sequential": (lambda: nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2)), ROWS),
}
ACTIVATIONS = ("ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "CELU", "SELU", "SiLU", "Mish", "GELU", "Tanh",
               "Sigmoid", "LogSigmoid", "Softplus", "Hardtanh", "Hardsigmoid", "Hardswish", "Hardshrink",
               "Softshrink", "Softsign", "Tanhshrink")  # fmt: skip
LAYERS |= {
    name: (getattr(nn, name), np.linspace(-8, 8, 66, dtype=np.float32).reshape(6, 11)) for name in ACTIVATIONS
}
LAYERS["Threshold"] = (lambda: nn.Threshold(0.5, -1.0), ROWS)

CHANCES = np.abs(x(4, 5)) / 9
LOSSES = {
    "MSELoss": (x(4, 5), x(4, 5)),
    "L1Loss": (x(4, 5), x(4, 5)),
    "HuberLoss": (x(4, 5), x(4, 5)),
    "SmoothL1Loss": (x(4, 5), x(4, 5)),
    "HingeLoss": (x(4), np.array([1, -1, 1, -1], "f4")),
    "LogisticLoss": (x(4), np.array([1, -1, 1, -1], "f4")),
    "BCELoss": (CHANCES, CHANCES[::-1].copy()),
    "BCEWithLogitsLoss": (x(4, 5), CHANCES),
    "CrossEntropyLoss": (x(4, 5), places(5, 4)),
    "NLLLoss": (x(4, 5), places(5, 4)),
    "MultiMarginLoss": (x(4, 5), places(5, 4)),
    "KLDivLoss": (x(4, 5), CHANCES),
    "PoissonNLLLoss": (x(4, 5), CHANCES),
    "GaussianNLLLoss": (x(4, 5), x(4, 5), CHANCES + 1),
    "CosineEmbeddingLoss": (x(4, 5), x(4, 5), np.array([1, -1, 1, -1], "f4")),
    "MarginRankingLoss": (x(4), x(4), np.array([1, -1, 1, -1], "f4")),
    "TripletMarginLoss": (x(4, 5), x(4, 5), x(4, 5)),
    "HingeEmbeddingLoss": (x(4), np.array([1, -1, 1, -1], "f4")),
    "MultiLabelSoftMarginLoss": (x(4, 5), (CHANCES > 0.1).astype("f4")),
    "SoftMarginLoss": (x(4), np.array([1, -1, 1, -1], "f4")),
}
# what is no layer, or is tested by another name below
OTHERS = {"Module", "Parameter", "CheckpointError", "ModuleList", "ModuleDict", "ParameterList",
          "ParameterDict", "MultiheadAttention", "CTCLoss"}  # fmt: skip


def test_every_layer_is_here():
    tested = {name.partition(",")[0] for name in (*LAYERS, *LOSSES)}
    layers = {name for name in nn.__all__ if isinstance(getattr(nn, name), type)}
    assert tested | OTHERS >= layers and tested <= layers


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer(name):
    te.manual_seed(3)
    make, *inputs = LAYERS[name]
    agree(make(), *inputs)


WRITTEN = {
    "Linear": ["Gemm"],
    "Conv2d": ["Conv"],
    "ConvTranspose2d": ["ConvTranspose"],
    "MaxPool1d": ["MaxPool"],
    "AvgPool2d": ["AveragePool"],
    "AdaptiveAvgPool2d, even": ["Reshape", "ReduceMean"],
    "Embedding": ["Gather"],
    "Flatten": ["Reshape"],
    "ReLU": ["Relu"],
    "Dropout": ["Identity"],
    "Softmax": ["Softmax"],
    "LayerNorm": ["ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add"],
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_layer_is_the_nodes_that_a_reader_looks_for(name):
    make, *inputs = LAYERS[name]
    made = onnx.export(make(), tuple(map(te.tensor, inputs)), dynamic_axes="batch")
    assert [node.op_type for node in made.graph.node] == WRITTEN[name]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss(name, reduction):
    """The mean is over as many rows as there are."""
    with np.errstate(all="ignore"):
        agree(getattr(nn, name)(reduction=reduction), *LOSSES[name], sizes=(1, 4, 7))


@pytest.mark.parametrize("options", [{}, {"need_weights": True}, {"attn_mask": te.causal_mask(3, 5)}])
def test_attention(options):
    layer = nn.MultiheadAttention(6, 2, batch_first=True)
    agree(lambda q, k: layer(q, k, k, **options), x(2, 3, 6), x(2, 5, 6))


def test_recurrent_layers_take_states_and_steps_first():
    agree(nn.LSTM(3, 4), x(5, 2, 3), sizes=FIXED)
    layer = nn.GRU(3, 4, 2, batch_first=True, bidirectional=True)
    agree(lambda x, h: layer(x, te.permute_dims(h, (1, 0, 2))), x(2, 3, 3), x(2, 4, 4))


def test_the_ctc_loss_of_fixed_sizes():
    targets, lengths, steps = te.tensor(places(3, 2, 2) + 1), te.tensor([2, 2]), te.tensor([5, 5])
    agree(lambda x: nn.CTCLoss()(te.log_softmax(x, -1), targets, steps, lengths), x(5, 2, 4), sizes=FIXED)
