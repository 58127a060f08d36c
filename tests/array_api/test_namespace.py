"""What te.array_api says about itself, arrays of the dtypes that tensors lack, gradients, and its errors."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as te
import tinygrad_edu.array_api as xp
from tinygrad_edu.array_api.host import HostArray
from tinygrad_edu.errors import NotDifferentiableError


def test_a_tensor_knows_its_namespace():
    x = te.ones(2)
    assert x.__array_namespace__() is xp is te.array_api
    assert x.__array_namespace__(api_version="2022.12") is xp and xp.__array_api_version__ == "2025.12"
    with pytest.raises(ValueError, match=r"version '1999.1' of the Array API .*; there are 2021.12"):
        x.__array_namespace__(api_version="1999.1")
    assert x.to_device("cpu") is x and xp.asarray([1j]).to_device("cpu").device == "cpu"
    with pytest.raises(ValueError, match="stream=1"):
        x.to_device("cpu", stream=1)


def test_what_it_says_about_itself():
    info = xp.__array_namespace_info__()
    assert info.capabilities() == {
        "boolean indexing": True,
        "data-dependent shapes": True,
        "max dimensions": 64,
    }
    assert info.default_device() in info.devices()
    assert info.default_dtypes() == {"real floating": xp.float32, "complex floating": xp.complex64,
                                     "integral": xp.int64, "indexing": xp.int64}  # fmt: skip
    assert len(info.dtypes()) == 13 and set(info.dtypes(kind="bool")) == {"bool"}
    assert set(info.dtypes(kind=("real floating", "complex floating"))) == {
        "float32", "float64", "complex64", "complex128"}  # fmt: skip


def test_dtypes():
    assert xp.isdtype(xp.int8, "signed integer") and xp.isdtype(xp.uint8, ("bool", "integral"))
    assert not xp.isdtype(xp.float32, "complex floating") and xp.isdtype(xp.float64, xp.float64)
    with pytest.raises(ValueError, match=r"no kind 'whole' .*; say one of bool"):
        xp.isdtype(xp.int8, "whole")
    assert xp.result_type(xp.int8, te.ones(1, dtype="int32")) == xp.int32
    assert xp.result_type(te.ones(1), 2, 1.5) == xp.float32 and xp.result_type(xp.float32, 1j) == xp.complex64
    with pytest.raises(ValueError, match="neither an array nor a dtype"):
        xp.result_type(1, 2.0)
    assert xp.can_cast(xp.int8, xp.int32) and not xp.can_cast(te.ones(1), xp.int64)
    for dtype, bits in ((xp.float32, 32), (xp.float64, 64), (xp.complex64, 32)):
        found = xp.finfo(dtype)
        assert found.bits == bits and type(found.eps) is float and found.max == np.finfo(dtype).max
    for dtype in (xp.int8, xp.uint64, xp.int64):
        found = xp.iinfo(xp.zeros(1, dtype=dtype))
        assert (found.min, found.max, found.bits) == (
            np.iinfo(dtype).min,
            np.iinfo(dtype).max,
            8 * dtype.itemsize,
        )
    for function, dtype in ((xp.finfo, xp.int8), (xp.iinfo, xp.float32), (xp.iinfo, xp.complex64)):
        with pytest.raises(TypeError):
            function(dtype)
    x = te.ones(2)
    assert xp.astype(x, xp.float32, copy=False) is x and xp.astype(x, xp.float32) is not x
    assert (
        xp.astype(x, xp.int16).dtype == "int16"
        and type(xp.astype(xp.astype(x, xp.int16), xp.int32)) is te.Tensor
    )
    with pytest.raises(TypeError, match="float16"):
        xp.astype(x, "float16")


def test_asarray_copies_or_shares_as_it_is_told_to():
    x, array = te.ones(2), np.zeros(2, np.float32)
    assert xp.asarray(x) is x and xp.asarray(x, copy=False) is x and xp.asarray(x, copy=True) is not x
    assert np.shares_memory(xp.asarray(array, copy=False).numpy(), array)
    assert not np.shares_memory(xp.asarray(array).numpy(), array)
    assert xp.asarray(memoryview(b"ab")).tolist() == [97, 98]
    assert xp.asarray(1.5).dtype == xp.float32 and xp.asarray([1]).dtype == xp.int64
    assert (
        xp.asarray([1 + 2j]).dtype == xp.complex64 == xp.full((1,), 1j).dtype == xp.linspace(0, 1j, 3).dtype
    )
    small = xp.asarray([1], dtype=xp.int8)
    assert xp.asarray(small) is small and xp.asarray(small, copy=True) is not small
    assert type(xp.asarray(small, dtype=xp.int32)) is te.Tensor
    for given, options in ((x, {"dtype": xp.float64}), ([1.0], {}), (array, {"dtype": xp.float64})):
        with pytest.raises(ValueError, match="copy=False, and"):
            xp.asarray(given, copy=False, **options)


def test_arrays_of_the_other_dtypes():
    x = xp.asarray([1, 2, 3], dtype=xp.int8)
    assert isinstance(x, te.Tensor) and type(x) is HostArray
    for again in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(again) is HostArray and again.tolist() == [1, 2, 3]
    whole = te.tensor([1, 2, 3], dtype="int32")
    for found in (x + whole, whole + x, whole * x, x - whole):
        assert type(found) is te.Tensor and found.dtype == xp.int32
    assert (x + x).dtype == xp.int8 and (2 - x).tolist() == [1, 0, -1] and (x & 1).tolist() == [1, 0, 1]
    assert (~x).tolist() == [-2, -3, -4] and (x << 1).tolist() == [2, 4, 6] and (-x).tolist() == [-1, -2, -3]
    x += 1
    x[0] = 7
    assert type(x) is HostArray and x.tolist() == [7, 3, 4] and int(x[0]) == 7 and x.T.shape == (3,)
    z = xp.asarray([[3 + 4j]])
    assert complex(z) == 3 + 4j and xp.abs(z).dtype == xp.float32 and xp.abs(z).item() == 5.0
    assert z.mT.shape == (1, 1) and type(xp.real(z)) is te.Tensor and complex(te.tensor(2.0)) == 2
    assert xp.sum(te.ones(3, dtype="uint8")).dtype == xp.uint64
    np.testing.assert_array_equal(np.from_dlpack(x), x.numpy())
    assert xp.from_dlpack(np.ones(2, np.int8)).dtype == xp.int8
    with pytest.raises(TypeError, match="on the cpu only"):
        te.array_api.asarray([1j]).to("simulator") if "simulator" in te.devices() else x.to("cuda")
    with pytest.raises(TypeError):
        x + "a"


def test_programs_for_the_standard_have_gradients():
    def softplus_of_norm(x):
        names = x.__array_namespace__()
        length = names.linalg.vector_norm(x, axis=-1)
        return names.sum(names.logaddexp(length, names.zeros_like(length)))

    x = te.tensor(np.random.default_rng(0).normal(size=(3, 4)), requires_grad=True)
    te.check.gradcheck(softplus_of_norm, [x])
    te.check.gradcheck(lambda x: xp.sum(xp.hypot(x, 2.0 * x[::-1, :])), [x])
    te.check.gradcheck(lambda x: xp.sum(xp.copysign(xp.square(x), -x)), [x])
    te.check.gradcheck(lambda x: xp.sum(xp.repeat(x, xp.asarray([1, 0, 2]), axis=0) ** 2), [x])
    te.check.gradcheck(lambda x: xp.sum(xp.cumulative_prod(x, axis=1, include_initial=True)), [x])
    te.check.gradcheck(lambda x: xp.sum(xp.linalg.pinv(x, rtol=xp.asarray(1e-9, dtype=xp.float64))), [x])
    te.check.gradcheck(lambda x: xp.sum(xp.expand_dims(xp.concat([x, x], axis=None), axis=(0, 2)) ** 2), [x])


def test_a_graph_is_not_lost_in_silence():
    x = te.ones(2, requires_grad=True)
    for call in (
        lambda: xp.nextafter(x, x),
        lambda: xp.fft.fft(x),
        lambda: xp.add(x, 1j),
        lambda: xp.asarray([1j]) * x,
        lambda: xp.astype(x, xp.int8),
        lambda: xp.linalg.eigvals(te.eye(2) * x),
    ):
        with pytest.raises(NotDifferentiableError, match=r"say x\.detach\(\)"):
            call()
    assert xp.signbit(x).tolist() == [False, False]  # of a bool there is no gradient to lose


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_lengths_and_quotients_at_the_ends(kind):
    big = np.finfo(kind).max / 2
    x = te.tensor(np.array([big, np.inf, np.inf, 0.0, 3.0, np.nan], kind))
    y = te.tensor(np.array([big, np.nan, -np.inf, 0.0, 4.0, 1.0], kind))
    np.testing.assert_allclose(xp.hypot(x, y).numpy(), np.hypot(x.numpy(), y.numpy()), rtol=1e-6)
    infinite = te.tensor(np.array([np.inf, -np.inf, 1.0, -1.0], kind))
    with np.errstate(invalid="ignore"):  # NumPy warns of what the library's own // returns
        found = xp.floor_divide(infinite, te.tensor(np.array([2.0, 2.0, -np.inf, np.inf], kind)))
    np.testing.assert_array_equal(found.numpy(), [np.inf, -np.inf, -0.0, -0.0])
    assert np.signbit(found.numpy()[2:]).all()


def test_arguments_that_do_not_fit():
    x = te.ones(2, 3)
    with pytest.raises(ValueError, match=r"a tensor of 2 axes .*; say which axis="):
        xp.take(x, te.tensor([0]))
    with pytest.raises(IndexError, match="name each of -4 to 3 once"):
        xp.expand_dims(x, axis=(0, -4))
    with pytest.raises(ValueError, match="copy=False"):
        xp.reshape(x.T, (6,), copy=False)
    assert xp.reshape(x, (6,), copy=False).shape == (6,)
    y = xp.reshape(x, (6,), copy=True)
    assert not np.shares_memory(y.numpy(), x.numpy())
    assert xp.broadcast_shapes((2, 1), (3,)) == (2, 3) and xp.clip(x).tolist() == x.tolist()
    assert xp.clip(xp.asarray([1, 9], dtype=xp.int8), max=3).tolist() == [1, 3]
    assert xp.roll(x, (1, 2), axis=(0, 1)).shape == (2, 3) and xp.roll(x, 1, axis=(0, 1)).shape == (2, 3)


PROGRAM = """
import os
os.environ["SCIPY_ARRAY_API"] = "1"
import numpy as np, sklearn, tinygrad_edu as te
from scipy import special, stats
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.preprocessing import MinMaxScaler, StandardScaler

X = np.random.default_rng(0).normal(size=(60, 5))
y = (X[:, 0] + X[:, 1] > 0).astype(np.int64)
CALLS = [
    lambda X, y: StandardScaler().fit_transform(X), lambda X, y: MinMaxScaler().fit_transform(X),
    lambda X, y: PCA(2, svd_solver="full").fit_transform(X),
    lambda X, y: Ridge(solver="svd").fit(X, X[:, 0]).predict(X),
    lambda X, y: LinearDiscriminantAnalysis().fit(X, y).predict_proba(X),
    lambda X, y: special.logsumexp(X, axis=0), lambda X, y: stats.skew(X, axis=0),
]
with sklearn.config_context(array_api_dispatch=True):
    for call in CALLS:
        found = call(te.tensor(X), te.tensor(y))
        assert type(found) is te.Tensor, type(found)
        np.testing.assert_allclose(found.numpy(), call(X, y), atol=1e-12)
print("done")
"""


def test_scikit_learn_and_scipy_compute_with_tensors():
    pytest.importorskip(
        "sklearn", reason="`pip install scikit-learn` for the programs that compute with tensors"
    )
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300)
    assert done.stdout == "done\n", done.stderr[-2000:]
