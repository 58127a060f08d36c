"""What has no ONNX file is an error that names the op and the line; and numbers that follow sizes."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tests.interop.onnx_runs import agree, evaluated, run
from tinygrad_edu import nn
from tinygrad_edu.interop import onnx

standard = pytest.importorskip("onnx", reason="needs onnx: pip install onnx")
HERE = r"\(at .*test_onnx_faults.py:\d+\)"
X = te.tensor(np.arange(1, 7, dtype=np.float32).reshape(2, 3))


def _branches(x):
    if x.sum() > 0:
        return x
    return -x


def _in_place(x):
    y = x * 2
    y.add_(1.0)
    return y


def _item_of_part(x):
    y = x.clone()
    y[0] = 1.0
    return y


def _item_of_places(x):
    y = te.zeros(2, 3)
    y[[0, 1], [2, 0]] = x[:, 0]
    return y


OWN = te.Op("onnx_own", lambda x: x + 1, [lambda g: g], register=False)
REFUSED = {
    "item": (lambda x: x * x.max().item(), "item: numbers that depend on the inputs are read"),
    "if": (_branches, "if: numbers"),
    "numpy": (lambda x: te.tensor(x.detach().numpy() + 1), "numpy: numbers"),
    "tolist": (lambda x: te.tensor(x.tolist()), "tolist: numbers"),
    "float": (lambda x: x * float(x[0, 0]), "number: numbers"),
    "mask": (lambda x: x[x > 2], r"x\[key\]: numbers"),
    "nonzero": (lambda x: te.nonzero(x)[0], "nonzero: numbers"),
    "random": (lambda x: x + te.randn(2, 3), "normal draws other numbers in every run"),
    "dropout": (lambda x: te.dropout(x, 0.5), "draws other numbers in every run"),
    "in place": (_in_place, "add_: memory that depends on inputs"),
    "an item": (_item_of_part, "memory that depends on inputs"),
    "items at places": (_item_of_places, "memory that depends on inputs"),
    "own op": (lambda x: OWN(x), "onnx_own has no word in ONNX: it is an op of your own"),
    "linalg": (
        lambda x: te.linalg.svd(x).S,
        "svd.*has no word in ONNX: ONNX has no operator that factorises",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_file_can_have_is_named_with_its_line(name):
    model, problem = REFUSED[name]
    with pytest.raises(onnx.OnnxError, match=f"{problem}.*{HERE}"):
        onnx.export(model, X)


def test_an_error_that_the_model_catches_is_raised_all_the_same():
    def model(x):
        try:
            return x * x.max().item()
        except ValueError:
            return x

    with pytest.raises(onnx.OnnxError, match="item"):
        onnx.export(model, X)


def test_numbers_that_no_event_tells_of_are_found_by_comparing():
    with pytest.raises(onnx.OnnxError, match=r"would compute something else.*numbers from call to call"):
        onnx.export(lambda x: x + float(x.storage.array[0, 0]), X)


@pytest.mark.parametrize("dynamic_axes", [None, "batch"])
def test_a_model_of_another_device(boxed, dynamic_axes):
    te.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).to("boxed")
    made = onnx.export(model, X, dynamic_axes=dynamic_axes)
    np.testing.assert_allclose(run(made, X.numpy())[0], evaluated(model.to("cpu"), X.numpy())[0], rtol=1e-5)
    again = onnx.load(made).to("boxed")
    assert again(X.to("boxed")).device == "boxed"


def test_a_print_is_harmless_and_constants_may_be_read_and_changed(capsys):
    def model(x):
        print(x)
        mask = te.zeros(3)
        first = x + mask
        mask[1] = 5.0
        mask += mask.sum().item()
        return first + mask

    agree(model, X, sizes=())
    assert "tensor" in capsys.readouterr().out


def test_weights_that_a_call_changes_are_refused():
    class Counting(nn.Module):
        def __init__(self):
            self.register_buffer("calls", te.zeros(1))

        def forward(self, x):
            self.calls.add_(1.0)
            return x * self.calls

    with pytest.raises(onnx.OnnxError, match=rf"add_: memory that depends on inputs or weights.*{HERE}"):
        onnx.export(Counting(), X)


def _rows(x):
    return te.stack([row * 2 for row in te.unbind(x)])


def _first_of_many(x):
    return x * 2 if x.shape[0] < 4 else x * 3


def _table(x):
    return x + te.tensor(np.random.default_rng(0).standard_normal(x.shape).astype("f4"))


def _halves(x):
    return x[: x.shape[0] // 2]


VARYING = {
    "a loop": (_rows, "the program is another one for other sizes.*a loop over an axis"),
    "an if": (_first_of_many, "mul: a number is 2 with batch=2 and 3 with batch=5"),
    "a table": (_table, "add: an array of numbers is another one for other sizes"),
    "a half": (_halves, "slice: a number is .*no formula is known"),
    "a square": (lambda x: te.ones(x.shape[0] ** 2), "no formula|is another one"),
    "a matrix": (
        lambda x: x @ te.ones(3, 4) @ te.ones(4, 2).reshape(4, 2)[:, : x.shape[0]],
        "would compute something else",
    ),
}


@pytest.mark.parametrize("name", VARYING)
def test_a_size_that_cannot_vary_is_named(name):
    """And the same models have files for one size."""
    model, problem = VARYING[name]
    with pytest.raises(onnx.OnnxError, match=problem):
        onnx.export(model, X, dynamic_axes="batch")
    agree(model, X, sizes=())


def test_an_if_of_a_size_that_no_run_meets_is_found_by_comparing():
    def model(x):
        return x if x.shape[0] > 1 else x + 1

    with pytest.raises(onnx.OnnxError, match="would compute something else than the model with batch=1"):
        onnx.export(model, X, dynamic_axes="batch")


FOLLOWING = {
    "reshape": lambda x: x.reshape(x.shape[0] * 3),
    "reshape, several": lambda x: (x @ x.T)[:, None].reshape(x.shape[0], 1, x.shape[0]),
    "mean": lambda x: x.mean(0),
    "var": lambda x: te.var(x, 0),
    "std": lambda x: te.std(x, 0),
    "a divisor": lambda x: x / (2 * x.shape[0] + 1),
    "a fraction": lambda x: x * (x.shape[0] / 4 + 0.5),
    "a root": lambda x: x / x.shape[0] ** 0.5,
    "zeros": lambda x: te.concat([x, te.zeros(x.shape[0], 2), te.full((x.shape[0], 1), 3.0)], 1),
    "arrays of one number": lambda x: x + te.tensor(np.full((x.shape[0], 1), 0.5, "f4")),
    "range": lambda x: x + te.arange(x.shape[0])[:, None] * 2,
    "range of NumPy": lambda x: x + te.tensor(np.arange(1, 2 * x.shape[0], 2)[:, None]),
    "sizes as numbers": lambda x: x.sum() + te.tensor(np.array([x.shape[0], x.shape[0] + 2, 3])),
    "eye": lambda x: te.where(te.arange(x.shape[0])[:, None] == te.arange(3), x, 0.0),
    "slices": lambda x: te.concat([x, x])[: x.shape[0], ::-1][-1],
    "roll": lambda x: te.roll(x, 1, 0),
    "flip": lambda x: te.flip(x, 0),
    "cumulative": lambda x: te.cumsum(x, 0),
    "sort": lambda x: te.sort(x, 0),
    "rows": lambda x: x[te.arange(x.shape[0])],
    "one hot": lambda x: te.one_hot(te.argmax(x, 1), 3),
    "gather": lambda x: te.take_along_axis(x, te.argmax(x, 1, keepdims=True), 1),
    "pairs": lambda x: x @ x.T,
    "windows": lambda x: te.sliding_windows(te.concat([x, x, x]).T, 2),
    "pad": lambda x: te.pad(x, [(x.shape[0], 0), (0, 1)]),
    "unbroadcast": lambda x: (x[:, None] - x[None]).sum((0, 1)),
    "softmax": lambda x: te.softmax(x, 0),
    "kept": lambda x: x.max(0) + te.cross_entropy(x, te.argmax(x, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLLOWING)
def test_numbers_that_follow_a_size(name):
    agree(FOLLOWING[name], X, sizes=(1, 2, 3, 8))


def test_several_sizes_vary_at_once_and_sums_of_them():
    def model(x, y):
        both = te.concat([x, y], 1)
        return both.reshape(-1), both.reshape(x.shape[0] * (x.shape[1] + y.shape[1])), both.mean((0, 1))

    axes = {"x": {0: "n", 1: "a"}, "y": {0: "n", 1: "b"}}
    x, y = (np.random.default_rng(0).standard_normal(s).astype("f4") for s in ((2, 3), (2, 4)))
    made = onnx.export(model, (te.tensor(x), te.tensor(y)), dynamic_axes=axes)
    for n, a, b in ((2, 3, 4), (1, 1, 1), (5, 7, 2)):
        inputs = [np.random.default_rng(n).standard_normal(s).astype("f4") for s in ((n, a), (n, b))]
        for wanted, found in zip(evaluated(model, *inputs), run(made, *inputs), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_images_of_any_size():
    te.manual_seed(0)
    first = nn.Conv2d(1, 4, 3, stride=2, padding=1)
    model = nn.Sequential(first, nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 2, 1), nn.Flatten(2), nn.Softmax())
    made = onnx.export(model, te.randn(2, 1, 9, 12), dynamic_axes={"input": {0: "n", 2: "h", 3: "w"}},
                       input_names=["input"])  # fmt: skip
    for shape in ((1, 1, 9, 12), (3, 1, 16, 7), (2, 1, 5, 33)):
        image = np.random.default_rng(0).standard_normal(shape).astype("f4")
        np.testing.assert_allclose(run(made, image)[0], evaluated(model, image)[0], rtol=1e-5, atol=1e-6)


def test_patches_of_images():
    def patches(x):
        n, c, h, w = x.shape
        parts = x.reshape(n, c, h // 2, 2, w // 2, 2)
        return te.permute_dims(parts, (0, 2, 4, 1, 3, 5)).reshape(n, (h // 2) * (w // 2), c * 4)

    made = onnx.export(patches, te.ones(2, 3, 6, 8), dynamic_axes={"x": {0: "n", 2: "h", 3: "w"}})
    for shape in ((1, 3, 2, 2), (3, 3, 10, 4)):
        image = np.random.default_rng(0).standard_normal(shape).astype("f4")
        np.testing.assert_array_equal(run(made, image)[0], evaluated(patches, image)[0])


def test_a_model_that_takes_multiples_only():
    te.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 2, 2, stride=2), nn.ConvTranspose1d(2, 1, 2, stride=2))
    agree(lambda x: x + model(x), np.random.default_rng(0).standard_normal((2, 1, 8)).astype("f4"))
    made = onnx.export(lambda x: x + model(x), te.randn(2, 1, 8), dynamic_axes={"x": {2: "length"}})
    x = np.random.default_rng(0).standard_normal((2, 1, 14)).astype("f4")
    np.testing.assert_allclose(run(made, x)[0], evaluated(lambda x: x + model(x), x)[0], rtol=1e-5, atol=1e-6)
