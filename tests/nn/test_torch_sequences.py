"""Recurrence, attention, embeddings and containers are PyTorch's: names, values, gradients, training."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn, optim

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch")
F64 = {"dtype": "float64"}
T64 = {"dtype": torch.float64}
torch.set_num_threads(1)
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


@pytest.fixture(autouse=True)
def by_the_formula():
    """PyTorch computes attention by its formula: its fused kernels have no second derivative."""
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        yield


def twins(name, *args, **options):
    """A layer of ours and of PyTorch's, with PyTorch's weights, which are loaded back, too."""
    theirs = getattr(torch.nn, name)(*args, **options, **T64)
    ours = getattr(nn, name)(*args, **options, **F64)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    return ours, theirs


def both(*arrays):
    """Leaves of these numbers, ours and PyTorch's."""
    return ([te.tensor(a, requires_grad=True) for a in arrays],
            [torch.tensor(a, requires_grad=True) for a in arrays])  # fmt: skip


def tensors_of(out):
    if isinstance(out, (tuple, list)):
        return [t for item in out for t in tensors_of(item)]
    return [] if out is None else [out]


def agree(ours, theirs, out, expected, inputs, their_inputs, second=True):
    """Values, gradients, and the gradients of a sum of squares of gradients."""
    found, wanted = tensors_of(out), tensors_of(expected)
    assert len(found) == len(wanted)
    for f, e in zip(found, wanted, strict=True):
        assert f.shape == tuple(e.shape)
        np.testing.assert_allclose(f.detach().numpy(), e.detach().numpy(), **CLOSE)
    loss = sum((f * f * f).sum() for f in found)
    their_loss = sum((e * e * e).sum() for e in wanted)
    leaves = [*inputs, *ours.parameters()]
    their_leaves = [*their_inputs, *theirs.parameters()]
    loss.backward(create_graph=second)
    grads = torch.autograd.grad(their_loss, their_leaves, create_graph=second, allow_unused=True)
    pairs = [(x, g) for x, g in zip(leaves, grads, strict=True) if g is not None]
    for x, g in pairs:
        np.testing.assert_allclose(x.grad.detach().numpy(), g.detach().numpy(), rtol=1e-10, atol=1e-11)
    if second:
        first = [x.grad for x, _ in pairs]
        for x in leaves:
            x.grad = None
        sum((g * g).sum() for g in first).backward()
        twice = torch.autograd.grad(sum((g * g).sum() for _, g in pairs), their_leaves, allow_unused=True)
        for x, g in zip(leaves, twice, strict=True):
            if g is not None:
                np.testing.assert_allclose(x.grad.numpy(), g.numpy(), rtol=1e-8, atol=1e-9)


RECURRENT = st.sampled_from(("RNN", "LSTM", "GRU"))


@given(kind=RECURRENT, layers=st.integers(1, 2), two=st.booleans(), first=st.booleans(), bias=st.booleans(),
       relu=st.booleans(), state=st.booleans(), batch=st.sampled_from((None, 1, 3)), steps=st.integers(1, 7),
       packed=st.booleans(), training=st.booleans(), seed=st.integers(0, 99))  # fmt: skip
@settings(max_examples=30)
def test_recurrent_layers(kind, layers, two, first, bias, relu, state, batch, steps, packed, training, seed):
    rng = np.random.default_rng(seed)
    options = {"num_layers": layers, "bidirectional": two, "batch_first": first, "bias": bias}
    if kind == "RNN" and relu:
        options["nonlinearity"] = "relu"
    ours, theirs = twins(kind, 3, 4, **options)
    ours.train(training), theirs.train(training)
    shape = (steps, 3) if batch is None else (batch, steps, 3) if first else (steps, batch, 3)
    rows = (layers * (2 if two else 1), *(() if batch is None else (batch,)), 4)
    parts = 2 if kind == "LSTM" else 1
    arrays = [rng.normal(size=shape), *(rng.normal(size=rows) for _ in range(parts if state else 0))]
    (x, *h), (v, *k) = both(*arrays)
    hx, their_hx = (tuple(h), tuple(k)) if parts == 2 else ((h or [None])[0], (k or [None])[0])
    hx, their_hx = hx if state else None, their_hx if state else None
    if not packed or batch is None:
        agree(ours, theirs, ours(x, hx), theirs(v, their_hx), [x, *h], [v, *k])
        return
    lengths = rng.integers(1, steps + 1, batch)
    pack = torch.nn.utils.rnn.pack_padded_sequence(v, torch.tensor(lengths), first, enforce_sorted=False)
    out, last = theirs(pack, their_hx)
    out, _ = torch.nn.utils.rnn.pad_packed_sequence(out, first, total_length=steps)
    agree(ours, theirs, ours(x, hx, lengths=lengths), (out, last), [x, *h], [v, *k])


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(), (5,)])
@pytest.mark.parametrize("state", [True, False])
def test_cells(kind, bias, batch, state):
    rng = np.random.default_rng(1)
    ours, theirs = twins(kind, 3, 4, bias)
    parts = (2 if kind == "LSTMCell" else 1) if state else 0
    (x, *h), (v, *k) = both(
        rng.normal(size=(*batch, 3)), *(rng.normal(size=(*batch, 4)) for _ in range(parts))
    )
    given_, their = (tuple(h), tuple(k)) if parts == 2 else ((h or [None])[0], (k or [None])[0])
    agree(
        ours,
        theirs,
        ours(x, given_ if state else None),
        theirs(v, their if state else None),
        [x, *h],
        [v, *k],
    )


@given(lead=st.sampled_from(((), (2,), (2, 3))), queries=st.integers(1, 4), keys=st.integers(1, 5),
       mask=st.sampled_from((None, "bool", "float")), causal=st.booleans(),
       scale=st.sampled_from((None, 0.3)), seed=st.integers(0, 99))  # fmt: skip
@settings(max_examples=30)
def test_scaled_dot_product_attention(lead, queries, keys, mask, causal, scale, seed):
    rng = np.random.default_rng(seed)
    shapes = ((*lead, queries, 4), (*lead, keys, 4), (*lead, keys, 3))
    inputs, their = both(*(rng.normal(size=s) for s in shapes))
    given_ = their_mask = None
    if mask == "bool":
        table = rng.random((queries, keys)) < 0.6
        given_, their_mask = te.tensor(table), torch.tensor(table)
    elif mask == "float":
        (given_,), (their_mask,) = both(rng.normal(size=(queries, keys)))
        inputs, their = [*inputs, given_], [*their, their_mask]
    causal = causal and mask is None  # PyTorch refuses both
    out = te.scaled_dot_product_attention(*inputs[:3], given_, is_causal=causal, scale=scale)
    attention = torch.nn.functional.scaled_dot_product_attention
    expected = attention(*their[:3], their_mask, is_causal=causal, scale=scale)
    agree(nn.Identity(), torch.nn.Identity(), out, expected, inputs, their)


def test_grouped_heads():
    rng = np.random.default_rng(0)
    inputs, their = both(*(rng.normal(size=s) for s in ((2, 6, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4))))
    out = te.scaled_dot_product_attention(*inputs, enable_gqa=True)
    expected = torch.nn.functional.scaled_dot_product_attention(*their, enable_gqa=True)
    agree(nn.Identity(), torch.nn.Identity(), out, expected, inputs, their)


@given(heads=st.sampled_from((1, 2)), bias=st.booleans(), bias_kv=st.booleans(), zero=st.booleans(),
       sizes=st.sampled_from((None, (3, 5), (4, 3))), first=st.booleans(),
       batch=st.sampled_from((None, 1, 3)), padding=st.sampled_from((None, "bool", "float")),
       mask=st.sampled_from((None, "bool", "float", "each")), average=st.booleans(), need=st.booleans(),
       training=st.booleans(), seed=st.integers(0, 99))  # fmt: skip
@settings(max_examples=40)
def test_multihead_attention(heads, bias, bias_kv, zero, sizes, first, batch, padding, mask, average, need,
                             training, seed):  # fmt: skip
    rng = np.random.default_rng(seed)
    options = {"bias": bias, "add_bias_kv": bias_kv, "add_zero_attn": zero, "batch_first": first}
    if sizes:
        options |= {"kdim": sizes[0], "vdim": sizes[1]}
    ours, theirs = twins("MultiheadAttention", 4, heads, **options)
    ours.train(training), theirs.train(training)
    queries, keys = int(rng.integers(1, 5)), int(rng.integers(2, 6))

    def shape(length, size):
        if batch is None:
            return length, size
        return (batch, length, size) if first else (length, batch, size)

    widths = sizes or (4, 4)
    q, v = both(rng.normal(size=shape(queries, 4)), rng.normal(size=shape(keys, widths[0])),
                rng.normal(size=shape(keys, widths[1])))  # fmt: skip
    named, their = {}, {}

    def add(name, table):
        named[name], their[name] = te.tensor(table), torch.tensor(table)

    if padding:
        rows = (keys,) if batch is None else (batch, keys)
        table = rng.random(rows) < 0.4
        table[..., 0] = False  # a row without keys is NaN in PyTorch
        add("key_padding_mask", table if padding == "bool" else rng.normal(size=rows))
    if mask:
        rows = (queries, keys) if mask != "each" else ((batch or 1) * heads, queries, keys)
        table = rng.random(rows) < 0.4
        table[..., 0] = False
        if padding == "float":  # PyTorch wants both of one kind
            table = np.where(table, -np.inf, 0.0)
        add("attn_mask", table if mask != "float" or padding == "bool" else rng.normal(size=rows))
    named |= {"need_weights": need, "average_attn_weights": average}
    their |= {"need_weights": need, "average_attn_weights": average}
    agree(ours, theirs, ours(*q, **named), theirs(*v, **their), q, v)


SETTINGS = st.fixed_dictionaries({
    "activation": st.sampled_from(("relu", "gelu")), "batch_first": st.booleans(),
    "norm_first": st.booleans(),
    "bias": st.booleans(), "layer_norm_eps": st.sampled_from((1e-5, 0.1))})  # fmt: skip


@given(options=SETTINGS, masked=st.booleans(), training=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=12)
def test_transformer_layers_and_stacks(options, masked, training, seed):
    rng = np.random.default_rng(seed)
    layer, their_layer = twins("TransformerEncoderLayer", 4, 2, 6, 0.0, **options)
    below, their_below = twins("TransformerDecoderLayer", 4, 2, 6, 0.0, **options)
    encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(4, **F64))
    theirs = torch.nn.TransformerEncoder(
        their_layer, 2, torch.nn.LayerNorm(4, **T64), enable_nested_tensor=False
    )
    assert list(encoder.state_dict()) == list(theirs.state_dict())
    encoder.train(training), theirs.train(training)
    order = (lambda n: (3, n, 4)) if options["batch_first"] else (lambda n: (n, 3, 4))
    (x, y), (v, w) = both(rng.normal(size=order(5)), rng.normal(size=order(4)))
    named, their = {}, {}
    if masked:
        padding = rng.random((3, 5)) < 0.4
        padding[:, 0] = False
        square = np.triu(np.ones((5, 5), bool), 1)
        named = {"mask": square, "src_key_padding_mask": te.tensor(padding)}
        their = {"mask": torch.tensor(square), "src_key_padding_mask": torch.tensor(padding)}
    agree(encoder, theirs, encoder(x, **named), theirs(v, **their), [x], [v], second=False)
    decoder = nn.TransformerDecoder(below, 2)
    their_decoder = torch.nn.TransformerDecoder(their_below, 2)
    decoder.train(training), their_decoder.train(training)
    named, their = {}, {}
    if masked:
        square = np.triu(np.ones((4, 4), bool), 1)
        named = {"tgt_mask": te.tensor(square), "memory_key_padding_mask": te.tensor(padding)}
        their = {"tgt_mask": torch.tensor(square), "memory_key_padding_mask": torch.tensor(padding)}
    out, expected = decoder(y, x, **named), their_decoder(w, v, **their)
    for p in (*encoder.parameters(), x):
        p.grad = None
    agree(decoder, their_decoder, out, expected, [y, x], [w, v])


def test_a_transformer():
    theirs = torch.nn.Transformer(4, 2, 1, 2, 6, 0.0, batch_first=True, **T64)
    ours = nn.Transformer(4, 2, 1, 2, 6, 0.0, batch_first=True, **F64)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    rng = np.random.default_rng(0)
    (x, y), (v, w) = both(rng.normal(size=(3, 5, 4)), rng.normal(size=(3, 2, 4)))
    mask, their = ours.generate_square_subsequent_mask(2), theirs.generate_square_subsequent_mask(2)
    np.testing.assert_array_equal(mask.numpy(), their.numpy())
    agree(ours, theirs, ours(x, y, tgt_mask=mask), theirs(v, w, tgt_mask=their.double()), [x, y], [v, w])


@pytest.mark.parametrize("padding", [None, 0, -1])
def test_embedding(padding):
    ours, theirs = twins("Embedding", 5, 3, padding)
    places = np.array([[0, 4, 1], [4, 4, 0]])
    assert ours.padding_idx == theirs.padding_idx
    agree(ours, theirs, ours(te.tensor(places)), theirs(torch.tensor(places)), [], [])
    rows = nn.Embedding(5, 3, padding).weight.numpy()
    assert padding is None or not rows[padding].any()
    table = np.random.default_rng(0).normal(size=(4, 2))
    known = nn.Embedding.from_pretrained(te.tensor(table), padding_idx=padding)
    their = torch.nn.Embedding.from_pretrained(torch.tensor(table), padding_idx=padding)
    assert known.padding_idx == their.padding_idx and not known.weight.requires_grad
    assert repr(known) == repr(their)


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(bias):
    ours, theirs = twins("Bilinear", 3, 2, 4, bias)
    rng = np.random.default_rng(0)
    x, v = both(rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 2)))
    agree(ours, theirs, ours(*x), theirs(*v), x, v)


EDGES = [-3.0, 3.0, -0.5, 0.5, -1.0, 1.0, 0.0, 6.0]
ACTIVATIONS = [
    ("ReLU6", {}), ("CELU", {"alpha": 1.5}), ("SELU", {}), ("Mish", {}), ("GELU", {"approximate": "tanh"}),
    ("GLU", {"dim": 1}), ("GLU", {"dim": 0}), ("LogSigmoid", {}),
    ("Hardtanh", {"min_val": -0.5, "max_val": 3}),
    ("Hardtanh", {}), ("Hardsigmoid", {}), ("Hardswish", {}), ("Hardshrink", {"lambd": 1.0}),
    ("Softshrink", {"lambd": 1.0}), ("Softsign", {}), ("Tanhshrink", {}),
    ("Threshold", {"threshold": 0.5, "value": 20.0}), ("Softmin", {"dim": 0}), ("Softmax", {"dim": 0}),
    ("LogSoftmax", {"dim": 0}), ("PReLU", {}), ("PReLU", {"num_parameters": 8, "init": 0.1})]  # fmt: skip
# PyTorch keeps 1 / 6 and 1 / alpha as float32 in these gradients
COARSE = {"CELU", "Hardsigmoid"}


@pytest.mark.parametrize(("name", "options"), ACTIVATIONS)
def test_activations(name, options):
    ours, theirs = getattr(nn, name)(**options).double(), getattr(torch.nn, name)(**options).double()
    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }
    x = np.vstack([np.random.default_rng(1).normal(size=(3, 8)) * 3, EDGES])
    (w,), (v,) = both(x)
    if name not in COARSE:
        agree(ours, theirs, ours(w), theirs(v), [w], [v], second=False)
        return
    out, expected = ours(w), theirs(v)
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), **CLOSE)
    (out * out).sum().backward()
    (expected * expected).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), v.grad.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU", "MultiheadAttention", "TransformerEncoderLayer"])
def test_ten_steps_of_training(kind):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(6, 5, 4)), rng.normal(size=(6, 5, 4))
    args = (4, 2) if kind == "MultiheadAttention" else (4, 2, 8, 0.0) if "Transformer" in kind else (4, 4, 2)
    ours, theirs = twins(kind, *args)
    call = (lambda m, v: m(v, v, v)[0]) if kind == "MultiheadAttention" else (
        (lambda m, v: m(v)) if "Transformer" in kind else (lambda m, v: m(v)[0])
    )  # fmt: skip
    step, their_step = optim.Adam(ours.parameters(), lr=0.01), torch.optim.Adam(theirs.parameters(), lr=0.01)
    for _ in range(10):
        step.zero_grad(), their_step.zero_grad()
        te.mse(call(ours, te.tensor(x)), te.tensor(y)).backward()
        torch.nn.functional.mse_loss(call(theirs, torch.tensor(x)), torch.tensor(y)).backward()
        step.step(), their_step.step()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-6, atol=1e-7)


FIRST = [("RNN", (9, 400)), ("LSTM", (9, 200)), ("GRUCell", (9, 200)), ("MultiheadAttention", (64, 2)),
         ("TransformerEncoderLayer", (32, 2, 64)), ("Embedding", (100, 40)),
         ("Bilinear", (20, 9, 50))]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), FIRST)
def test_first_values_are_drawn_as_pytorchs(name, args):
    ours, theirs = getattr(nn, name)(*args).state_dict(), getattr(torch.nn, name)(*args).state_dict()
    for key, expected in theirs.items():
        values, wanted = ours[key], expected.numpy()
        assert (values.std() == 0) == (wanted.std() == 0) and values.shape == wanted.shape
        if wanted.std() == 0:
            np.testing.assert_array_equal(values, wanted)
        elif values.size > 500:
            assert abs(values.std() / wanted.std() - 1) < 0.15, key
            if name != "Embedding":  # all others are uniform, and have an end
                assert abs(np.abs(values).max() / np.abs(wanted).max() - 1) < 0.05, key


def test_hooks_are_called_as_pytorchs():
    def run(n, to_tensor, change):
        said = []
        model = n.Sequential(n.Linear(2, 3), n.Tanh(), n.Linear(3, 1)).double()
        rng = np.random.default_rng(0)
        state = {k: rng.normal(size=v.shape) for k, v in model.state_dict().items()}
        model.load_state_dict({k: change(v) for k, v in state.items()})

        def plain(ts):
            return [None if t is None else t.detach().numpy().round(12).tolist() for t in ts]

        model[0].register_forward_pre_hook(lambda m, a: said.append(("pre", plain(a))) or (a[0] * 2,))
        model[1].register_forward_hook(lambda m, a, out: said.append(("out", plain([out]))) or out * 3)
        model[1].register_forward_hook(lambda m, a, out: said.append(("first", plain(a))), prepend=True)
        model[2].register_forward_pre_hook(
            lambda m, a, k: said.append(("kwargs", sorted(k))), with_kwargs=True
        )
        model[0].register_full_backward_hook(lambda m, i, o: said.append(("zero", plain(i), plain(o))))
        model[2].register_full_backward_hook(
            lambda m, i, o: said.append(("two", plain(i), plain(o))) or (i[0] * 0.5,)
        )
        model[2].register_full_backward_pre_hook(lambda m, o: said.append(("seed", plain(o))) or (o[0] * 4,))
        x = to_tensor(np.arange(6.0).reshape(3, 2) / 3)
        (model(x) ** 2).sum().backward()
        return said, [p.grad.numpy() for p in model.parameters()]

    found, ours = run(nn, te.tensor, np.asarray)
    expected, theirs = run(torch.nn, torch.tensor, torch.tensor)
    assert [s[0] for s in found] == [s[0] for s in expected]
    for f, e in zip(found, expected, strict=True):
        for a, b in zip(f[1:], e[1:], strict=True):
            assert len(a) == len(b)
            for i, j in zip(a, b, strict=True):
                assert i == j if j is None or isinstance(j, str) else np.allclose(i, j, rtol=1e-10)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p, q, **CLOSE)


def test_containers_have_pytorchs_names_and_slices():
    def build(n):
        layers = n.ModuleList([n.Linear(2, 2), n.Linear(2, 2)])
        layers.append(n.Linear(2, 1))
        layers.extend([n.ReLU(), n.Linear(1, 1)])
        layers.insert(1, n.Linear(2, 2))
        named = n.ModuleDict({"a": n.Linear(1, 2), "b": layers})
        parameters = n.ParameterList([n.Linear(1, 1).weight, n.Linear(2, 1).weight])
        table = n.ParameterDict({"w": n.Linear(1, 1).weight})
        return n.ModuleDict({"named": named, "list": parameters, "table": table,
                             "seq": n.Sequential(n.Linear(1, 1), n.ReLU(), n.Linear(1, 2))[1:]})  # fmt: skip

    ours, theirs = build(nn), build(torch.nn)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    twin = copy.deepcopy(ours)
    assert list(twin.state_dict()) == list(ours.state_dict())
