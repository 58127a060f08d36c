"""A module is what its attributes are: found in order, named as PyTorch names them, shared ones once."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as te
from tests.backend.boxed import BoxedBackend
from tinygrad_edu import nn, optim
from tinygrad_edu.backend import registry


class Block(nn.Module):
    def __init__(self):
        self.norm = nn.LayerNorm(3)
        self.layers = [nn.Linear(3, 3), nn.Linear(3, 3, bias=False)]
        self.scale = nn.Parameter([2.0])
        self.register_buffer("seen", te.zeros(2))
        self.register_buffer("scratch", te.ones(1), persistent=False)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.norm(x) * self.scale


NAMES = ["scale", "seen", "norm.weight", "norm.bias", "layers.0.weight", "layers.0.bias", "layers.1.weight"]


def test_names_come_in_order_of_assignment_and_through_containers():
    block = Block()
    assert list(block.state_dict()) == NAMES
    assert [n for n, _ in block.named_parameters()] == [n for n in NAMES if n != "seen"]
    assert [n for n, _ in block.named_buffers()] == ["seen", "scratch"]
    assert [n for n, _ in block.named_children()] == ["norm", "layers.0", "layers.1"]
    assert [n for n, _ in block.named_modules()] == ["", "norm", "layers.0", "layers.1"]
    assert next(block.parameters()) is block.scale and next(block.children()) is block.norm
    assert next(block.buffers()) is block.seen and next(block.modules()) is block


def test_state_dict_names_of_a_sequential_are_pytorchs():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 1)))
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.0.weight", "2.0.bias"]


def test_a_shared_parameter_is_learned_once_and_saved_under_each_name():
    one, two = nn.Linear(2, 2), nn.Linear(2, 2)
    two.weight = one.weight
    model = nn.Sequential(one, two, one)
    assert len(list(model.parameters())) == 3 and len(list(model.modules())) == 3
    assert {"0.weight", "1.weight", "2.weight"} <= set(model.state_dict())
    assert len(optim.SGD(model.parameters()).param_groups[0]["params"]) == 3


def test_a_module_inside_itself_is_walked_once():
    block = Block()
    block.norm.parent = block
    assert list(block.state_dict()) == NAMES


def test_state_dict_is_a_copy_and_round_trips():
    block, other = Block(), Block()
    state = block.state_dict()
    state["scale"][:] = 7.0
    assert block.scale.item() == 2.0
    assert other.load_state_dict(state) == ([], [])
    assert all(np.array_equal(other.state_dict()[k], state[k]) for k in NAMES)
    assert other.scale.dtype == te.float32 and other.scale.requires_grad


@pytest.mark.parametrize(("change", "said"), [
    (lambda s: s.pop("norm.bias"), ["missing: norm.bias"]),
    (lambda s: s.update(extra=np.zeros(1)), ["unexpected: extra"]),
    (lambda s: s.update(scale=np.zeros(4)), ["scale is (4,) in the state, (1,) in the model"]),
    (lambda s: s.update(scale=np.array(["a"])), ["scale is <U1 in the state"]),
    (lambda s: (s.pop("seen"), s.update(other=1.0, scale=np.zeros((1, 1)))),
     ["missing: seen", "unexpected: other", "scale is (1, 1)"]),
])  # fmt: skip
def test_a_state_that_does_not_fit_changes_nothing(change, said):
    block = Block()
    before = block.state_dict()
    state = {k: v + 1 for k, v in before.items()}
    change(state)
    with pytest.raises(ValueError) as error:
        block.load_state_dict(state)
    assert all(part in str(error.value) for part in [*said, "nothing was loaded", "test_module.py"])
    assert all(np.array_equal(v, before[k]) for k, v in block.state_dict().items())


def test_strict_false_loads_what_matches_and_reports_the_rest():
    block = Block()
    keys = block.load_state_dict({"scale": np.array([5.0]), "extra": np.zeros(1)}, strict=False)
    assert block.scale.item() == 5.0
    assert keys.unexpected_keys == ["extra"] and keys.missing_keys == [n for n in NAMES if n != "scale"]


def test_loading_converts_to_the_models_dtype():
    line = nn.Linear(2, 1, dtype="float64")
    line.load_state_dict({"weight": np.ones((1, 2), np.float32), "bias": te.ones(1)})
    assert line.weight.dtype == te.float64 and line.weight.tolist() == [[1.0, 1.0]]


def test_modes_freezing_and_zeroing_reach_every_module():
    block = Block()
    assert block.eval() is block and not any(m.training for m in block.modules())
    assert all(m.training for m in block.train().modules())
    block(te.ones(2, 3)).sum().backward()
    assert all(p.grad is not None for p in block.parameters())
    block.zero_grad(set_to_none=False)
    assert all(np.all(p.grad.numpy() == 0) for p in block.parameters())
    block.zero_grad()
    assert all(p.grad is None for p in block.parameters())
    assert not any(p.requires_grad for p in block.requires_grad_(False).parameters())
    assert not block(te.ones(2, 3)).requires_grad


def test_apply_visits_children_first():
    visited = []
    nn.Sequential(nn.Linear(1, 1), nn.ReLU()).apply(lambda m: visited.append(type(m).__name__))
    assert visited == ["Linear", "ReLU", "Sequential"]


def test_a_plain_tensor_cannot_take_a_parameters_place():
    block = Block()
    with pytest.raises(TypeError, match=r"Block\.scale is a Parameter.*test_module\.py.*copy_"):
        block.scale = block.scale * 2
    block.scale = nn.Parameter([3.0])
    assert block.scale.item() == 3.0


def test_hooks_see_and_may_replace_the_output_and_can_be_removed():
    line, seen = nn.Linear(2, 1), []
    hook = line.register_forward_hook(lambda m, xs, out: seen.append((m, xs, out)))
    x = te.ones(3, 2)
    y = line(x)
    assert seen == [(line, (x,), y)]
    hook.remove()
    line.register_forward_hook(lambda m, xs, out: out * 0)
    assert np.all(line(x).numpy() == 0) and len(seen) == 1


def test_to_keeps_the_parameters_and_carries_gradients_and_optimizers_along():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    params = list(model.parameters())
    rule = optim.SGD(params, lr=0.5, momentum=0.5)
    model(te.ones(1, 2)).sum().backward()
    rule.step()
    model.to("float64")
    assert [id(p) for p in model.parameters()] == [id(p) for p in params]
    assert all(p.dtype == te.float64 and p.grad.dtype == te.float64 and p.is_leaf for p in params)
    before = [p.numpy().copy() for p in params]
    buffers = [rule.state_dict()["state"][i]["momentum_buffer"] for i in range(4)]
    rule.step()
    for p, old, b in zip(params, before, buffers, strict=True):
        np.testing.assert_allclose(p.numpy(), old - 0.5 * (0.5 * b + p.grad.numpy()), rtol=1e-12)
    with pytest.raises(TypeError, match="must stay floats"):
        model.to("int64")


def test_to_a_device_and_back():
    registry.register("boxed", BoxedBackend)
    block = Block()
    before = block.state_dict()
    block.to("boxed")
    assert {p.device for p in (*block.parameters(), *block.buffers())} == {"boxed"}
    block.load_state_dict({k: v * 2 for k, v in before.items()})
    assert all(np.array_equal(v, before[k] * 2) for k, v in block.state_dict().items())
    assert block.to("cpu").scale.device == "cpu"
    assert nn.Linear(2, 3, device="boxed").weight.device == "boxed"


def test_repr_is_nested_as_pytorchs():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Dropout(0.25)), nn.LeakyReLU(0.2))
    assert repr(model) == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (1): Sequential(\n    (0): Dropout(p=0.25)\n  )\n"
        "  (2): LeakyReLU(negative_slope=0.2)\n)"
    )


def test_summary_counts_and_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.Linear(10, 10), nn.Dropout(), nn.Linear(10, 10), nn.Linear(10, 10))
    model[1].eval()
    te.manual_seed(3)
    table = model.summary((5, 10))
    assert table.parameters == table.trainable == 330 and table.bytes == 1320
    assert [row[2] for row in table.rows] == ["(5, 10)"] * 4
    assert "330 parameters" in str(table) and "<table>" in table._repr_html_()
    assert model.training and not model[1].training and not model[0]._hooks
    assert te.rand(1).item() == te.rand(1, generator=te.Generator(3)).item()
    model[0].requires_grad_(False)
    assert "?" in str(model.summary()) and model.summary().trainable == 220


def test_summary_counts_a_shared_parameter_once():
    line = nn.Linear(3, 3)
    tied = nn.Linear(3, 3)
    tied.weight = line.weight
    assert nn.Sequential(line, tied).summary().parameters == 9 + 3 + 3
    words = nn.Sequential(nn.Embedding(5, 2)).summary(te.tensor([1, 2]))
    assert words.rows[0][2] == "(2, 2)"


def test_copies_and_pickles_are_independent_and_keep_sharing():
    model = nn.Sequential(nn.Linear(2, 2), nn.ELU(0.5), nn.Linear(2, 2))
    model[2].weight = model[0].weight
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(twin) == repr(model) and twin[2].weight is twin[0].weight
        assert all(np.array_equal(v, model.state_dict()[k]) for k, v in twin.state_dict().items())
        twin[0].weight.detach().zero_()
        assert model[0].weight.numpy().any()
        twin(te.ones(1, 2)).sum().backward()
        assert twin[0].weight.grad is not None and model[0].weight.grad is None


def test_misuse_says_what_to_do():
    with pytest.raises(NotImplementedError, match="has no forward"):
        nn.Module()(1)
    with pytest.raises(TypeError, match=r"has no gradient.*register_buffer"):
        nn.Parameter([1, 2])
    with pytest.raises(TypeError, match="a buffer is a tensor"):
        nn.Module().register_buffer("x", np.zeros(2))
    assert "Parameter(tensor" in repr(nn.Parameter([1.0]))


def test_two_tensors_do_not_load_into_one():
    apart, tied = (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)) for _ in range(2))
    tied[1].weight = tied[0].weight
    before = tied[0].weight.tolist()
    with pytest.raises(ValueError, match=r"0\.weight and 1\.weight are one tensor in the model and two"):
        tied.load_state_dict(apart.state_dict())
    assert tied[0].weight.tolist() == before
    apart[1].weight.detach().copy_(apart[0].weight.detach())
    tied.load_state_dict(apart.state_dict())
    assert tied[1].weight.tolist() == apart[0].weight.tolist()


def test_loading_a_models_own_arrays_reads_all_before_it_writes():
    """Arrays and tensors that share memory with parameters, whole or in part, swapped and overlapping."""
    for read in (lambda t: t, lambda t: t.numpy(), lambda t: t.numpy()[::-1][::-1], lambda t: t.detach()[0:]):
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
        before = {name: t.numpy().copy() for name, t in model.named_parameters()}
        own = dict(model.named_parameters())
        turned = {name: f"{(int(name[0]) + 1) % 3}{name[1:]}" for name in own}
        model.load_state_dict({name: read(own[other]) for name, other in turned.items()})
        for name, other in turned.items():
            np.testing.assert_array_equal(own[name].numpy(), before[other])


def test_loading_a_transposed_view_of_a_parameter_itself():
    model = nn.Linear(3, 3, bias=False)
    before = model.weight.numpy().copy()
    model.load_state_dict({"weight": model.weight.numpy().T})
    np.testing.assert_array_equal(model.weight.numpy(), before.T)


@pytest.mark.parametrize(
    "data", [2.0, te.tensor(2.0), np.float32(2), np.array(2.0), te.ones(2, 1).T[0, 0] * 2]
)
def test_a_parameter_of_one_number_has_no_axis(data):
    parameter = nn.Parameter(data)
    assert parameter.shape == () and nn.Parameter(te.zeros(2, 3).T).shape == (3, 2)
    model = nn.Module()
    model.scale = parameter
    model.load_state_dict({"scale": np.float32(3)})
    assert (te.ones(2, 3) * parameter).shape == (2, 3) and parameter.item() == 3


def test_a_buffer_stays_a_tensor():
    model = nn.Module()
    model.register_buffer("counter", te.zeros(()))
    for value in (5, 2.5, "x", np.zeros(2), [1]):
        with pytest.raises(TypeError, match=r"Module.counter is a buffer, not a .*assign te.tensor"):
            model.counter = value
    model.counter = te.tensor(5)
    assert model.state_dict()["counter"] == 5
    model.counter = None
    assert "counter" not in model.state_dict()
    model.counter = te.tensor(6)
    assert model.state_dict()["counter"] == 6


@pytest.mark.parametrize("name", ["a.b", "", 3, "forward", "weight", "training"])
def test_a_buffer_has_a_name_of_its_own(name):
    model = nn.Linear(2, 3)
    with pytest.raises(KeyError, match="register_buffer"):
        model.register_buffer(name, te.ones(1))
    assert list(model.state_dict()) == ["weight", "bias"]
