"""torch.nn.Module of the face: its registers, hooks, state, tied weights and copies, without PyTorch."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as te
import tinygrad_edu.torch as torch
from tests.torch.nets import Net, numbers, same
from tinygrad_edu.torch import nn


def test_what_is_assigned_goes_into_the_registers_in_pytorchs_order():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == [
        "scale", "first.weight", "first.bias", "norm.weight", "norm.bias", "layers.0.weight", "layers.0.bias",
    ]  # fmt: skip
    assert [n for n, _ in net.named_buffers()] == [
        "shift", "cache", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
    ]  # fmt: skip
    assert [n for n, _ in net.named_modules()] == ["", "first", "norm", "layers", "layers.0", "layers.1"]
    assert [n for n, _ in net.named_children()] == ["first", "norm", "layers"]
    assert "cache" not in net.state_dict()
    assert {"scale", "shift", "norm.running_var"} < net.state_dict().keys()
    assert [n for n, _ in net.named_parameters(prefix="p", recurse=False)] == ["p.scale"]
    assert "scale" not in vars(net)
    assert {"scale", "shift", "first"} <= set(dir(net))


def test_assignment_before_init_and_of_the_wrong_kind_is_an_error():
    class Early(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    class EarlyParameter(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(torch.ones(1))

    with pytest.raises(AttributeError, match="before Module"):
        Early()
    with pytest.raises(AttributeError, match="before Module"):
        EarlyParameter()
    net = Net()
    with pytest.raises(TypeError, match=r"cannot assign 'torch\.Tensor' as parameter 'scale'"):
        net.scale = torch.ones(4)
    with pytest.raises(TypeError, match="child module 'first'"):
        net.first = 3
    with pytest.raises(TypeError, match="buffer 'shift'"):
        net.shift = 3
    with pytest.raises(KeyError, match="already exists"):
        net.register_buffer("forward", torch.ones(1))
    with pytest.raises(KeyError, match="contain"):
        net.add_module("a.b", nn.ReLU())
    with pytest.raises(TypeError, match="not a Module"):
        net.add_module("a", 1)
    with pytest.raises(ValueError, match="non-leaf"):
        p = nn.Parameter(torch.ones(1))
        p._inner = (p * 2)._inner
        net.register_parameter("q", p)
    with pytest.raises(AttributeError, match="no attribute 'secnd'"):
        _ = net.secnd


def test_assigning_none_and_deleting():
    net = Net()
    net.scale = None
    assert net.scale is None and "scale" not in net.state_dict()
    net.scale = nn.Parameter(torch.ones(2))
    assert net.scale.shape == (2,)
    net.shift = torch.ones(4)
    assert net._buffers["shift"] is net.shift and "shift" in net.state_dict()
    del net.scale, net.first, net.shift
    assert not hasattr(net, "scale") and not hasattr(net, "first") and "shift" not in net.state_dict()
    net.first = nn.ReLU()
    net.first = nn.Parameter(torch.ones(1))  # a name belongs to one register
    assert "first" not in net._modules and isinstance(net.first, nn.Parameter)


def test_paths_lead_to_modules_parameters_and_buffers():
    net = Net()
    assert net.get_submodule("layers.0") is net.layers[0] and net.get_submodule("") is net
    assert net.get_parameter("layers.0.bias") is net.layers[0].bias
    assert net.get_buffer("norm.running_mean") is net.norm.running_mean
    net.set_submodule("layers.1", nn.Tanh())
    assert isinstance(net.layers[1], nn.Tanh)
    for path in ("layers.5", "nothing"):
        with pytest.raises(AttributeError):
            net.get_submodule(path)
    with pytest.raises(AttributeError, match=r"not an nn\.Parameter"):
        net.get_parameter("norm.running_mean")


def test_a_layer_computes_with_the_tensors_of_its_registers():
    layer = nn.Linear(3, 2)
    assert layer.inner.weight is layer.weight.inner
    assert isinstance(layer.inner, te.nn.Linear) and isinstance(layer.weight.inner, te.nn.Parameter)
    x = torch.ones(1, 3)
    layer.weight = nn.Parameter(torch.zeros(2, 3))
    assert same(layer(x)[0], layer.bias)
    layer.bias = None
    assert same(layer(x), torch.zeros(1, 2))
    layer.weight.data = torch.ones(2, 3)
    assert same(layer(x), torch.full((1, 2), 3.0))
    layer._parameters["weight"] = nn.Parameter(torch.full((2, 3), 2.0))
    assert same(layer(x), torch.full((1, 2), 6.0))


def test_options_of_a_layer_may_change():
    norm = nn.BatchNorm1d(2)
    x = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    norm.eps, norm.momentum = 1.0, 1.0
    assert np.allclose(numbers(norm(x))[:, 0], [-1 / 2**0.5, 1 / 2**0.5])
    assert np.allclose(numbers(norm.running_mean), [2.0, 4.0])
    conv = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular")
    assert conv(torch.ones(1, 1, 4)).shape == (1, 1, 4)
    conv.padding = (2,)
    assert conv(torch.ones(1, 1, 4)).shape == (1, 1, 6)
    rnn = nn.LSTM(2, 3)
    rnn.batch_first = True
    assert rnn(torch.ones(4, 5, 2))[1][0].shape == (1, 4, 3)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, i):
        return self.head(self.embedding(i))


def test_tied_weights_are_one_parameter():
    for tied in (Tied(), copy.deepcopy(Tied()), pickle.loads(pickle.dumps(Tied()))):
        assert tied.head.weight is tied.embedding.weight
        assert len(list(tied.parameters())) == 1
        assert len(list(tied.named_parameters(remove_duplicate=False))) == 2
        assert list(tied.state_dict()) == ["embedding.weight", "head.weight"]
        tied(torch.tensor([1, 2])).sum().backward()
        both = numbers(tied.head.weight.grad)
        weight = numbers(tied.head.weight)
        expected = np.tile(weight[[1, 2]].sum(0), (5, 1))
        expected[[1, 2]] += weight.sum(0)
        assert np.allclose(both, expected, atol=1e-5)


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_copy_has_its_own_equal_tensors(how):
    net = Net()
    x = torch.randn(5, 3)
    net(x)
    other = copy.deepcopy(net) if how == "deepcopy" else pickle.loads(pickle.dumps(net))
    assert all(same(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values()))
    assert other.first.weight is not net.first.weight
    assert other.first.inner.weight is other.first.weight.inner
    assert other.norm.inner.running_mean is other.norm.running_mean.inner
    with torch.no_grad():
        other.first.weight.add_(1.0)
    assert not same(net.first.weight, other.first.weight)
    assert same(net.eval()(x), copy.deepcopy(net)(x))


@pytest.mark.parametrize("make", [lambda: nn.LSTM(2, 3, 2), lambda: nn.MultiheadAttention(4, 2),
                                  lambda: nn.TransformerEncoderLayer(4, 2, 5), lambda: nn.PReLU(),
                                  lambda: nn.GroupNorm(2, 4), lambda: nn.Bilinear(2, 3, 4)])  # fmt: skip
def test_layers_are_copied_and_pickled(make):
    layer = make()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert list(other.state_dict()) == list(layer.state_dict())
        assert all(same(a, b) for a, b in zip(layer.state_dict().values(), other.state_dict().values()))
        assert repr(other) == repr(layer)


def test_modes_gradients_and_dtypes():
    net = Net()
    net.eval()
    assert not any(m.training for m in net.modules())
    net.layers.train()
    assert net.layers[0].training and not net.norm.training
    with pytest.raises(ValueError, match="boolean"):
        net.train("yes")
    net.train()
    net(torch.randn(4, 3)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all(not numbers(p.grad).any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    parameters = list(net.parameters())
    assert net.double() is net
    assert all(a is b for a, b in zip(parameters, net.parameters()))
    assert {x.dtype for x in net.state_dict().values()} == {torch.float64, torch.int64}
    net.to(torch.float32).to("cpu")
    assert net.scale.dtype == torch.float32
    for change in (net.half, lambda: net.to(torch.int64)):
        with pytest.raises(TypeError):
            change()


def test_gradients_change_their_dtype_with_their_parameters():
    layer = nn.Linear(2, 2)
    layer(torch.ones(1, 2)).sum().backward()
    layer.double()
    assert layer.weight.grad.dtype == torch.float64
    layer(torch.ones(1, 2, dtype=torch.float64)).sum().backward()
    assert np.allclose(numbers(layer.weight.grad), 2.0)


def test_apply_reaches_every_module_children_first():
    seen = []
    net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU()))
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "ReLU", "Sequential", "Sequential"]


def test_prints_are_pytorchs():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU())
            self.many = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])

    assert repr(Block()) == "\n".join([
        "Block(",
        "  (net): Sequential(",
        "    (0): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))",
        "    (1): ReLU()",
        "  )",
        "  (many): ModuleList(",
        "    (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)",
        "  )",
        ")",
    ])  # fmt: skip
    assert repr(nn.Parameter(torch.ones(2))).startswith("Parameter containing:\ntensor([1., 1.]")


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match='missing the required "forward"'):
        nn.Module()(1)
    with pytest.raises(TypeError):
        nn.Module(3)


def test_subclasses_of_layers_keep_their_mathematics():
    class Masked(nn.Linear):
        def __init__(self, n, m):
            super().__init__(n, m)
            self.register_buffer("mask", torch.zeros(m, n))

        def forward(self, x):
            return nn.functional.linear(x, self.weight * self.mask, self.bias)

    layer = Masked(3, 2)
    assert same(layer(torch.ones(1, 3))[0], layer.bias)
    assert list(layer.state_dict()) == ["weight", "bias", "mask"]
    assert isinstance(layer, nn.Module) and isinstance(layer, nn.Linear)


def test_a_parameter_shares_memory_with_its_tensor():
    x = torch.ones(3)
    p = nn.Parameter(x)
    x.add_(1)
    assert same(p, torch.full((3,), 2.0))
    assert p.is_leaf and p.requires_grad and isinstance(p, torch.Tensor) and isinstance(p, nn.Parameter)
    assert copy.deepcopy(p) is not p and isinstance(copy.deepcopy(p), nn.Parameter)
    assert isinstance(pickle.loads(pickle.dumps(p)), nn.Parameter)


def test_running_averages_are_the_buffers_themselves():
    norm = nn.BatchNorm1d(2)
    mean = norm.running_mean
    norm(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert norm.running_mean is mean and np.allclose(numbers(mean), [0.2, 0.3])
    assert int(norm.num_batches_tracked) == 1
    norm.eval()
    norm(torch.ones(4, 2))
    assert int(norm.num_batches_tracked) == 1


def test_wrappers_for_several_devices_call_their_module():
    for kind in (nn.DataParallel, nn.parallel.DistributedDataParallel):
        wrapped = kind(nn.Linear(2, 1))
        assert wrapped.module(torch.ones(1, 2)).tolist() == wrapped(torch.ones(1, 2)).tolist()
        assert list(wrapped.state_dict()) == ["module.weight", "module.bias"]


def test_unknown_words_say_what_is_missing():
    for module in (nn, nn.functional, nn.init, nn.utils):
        with pytest.raises(AttributeError, match="no attribute 'nothing_like_it'"):
            _ = module.nothing_like_it
