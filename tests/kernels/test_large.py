"""Arrays past 2^31: elements whose places need 64 bits, and more elements than 32 bits can count.

Of the simulator's memory only the pages that are touched cost anything, so a laptop has enough.
"""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
import tinygrad_edu.simulator as sim
from tinygrad_edu.backend.cuda.device.array import DeviceArray
from tinygrad_edu.engine.value import Storage
from tinygrad_edu.tensor import Tensor

FAR = 2**31 + 3  # elements from one row to the next
ROWS = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def vast(device):
    """A float32 array of more than 2^31 elements, whose contents are nobody's business."""
    elements = FAR + 2**20
    if sim.is_installed():
        sim.configure(memory=2**34)
    elif device.context.memory()[0] < 5 * elements:
        pytest.skip("needs 11 GB of free device memory, or --device simulator")
    yield device.empty((elements,), np.dtype(np.float32))
    device.pool.release()
    if sim.is_installed():
        sim.configure(memory=2**32)


@pytest.fixture(scope="module")
def rows(device, vast):
    """ROWS on the device, its second row 2^31 + 3 elements after its first."""
    far = device.view(vast, ROWS.shape, (4 * FAR, 4), 0)
    device.copy(device.asarray(ROWS), out=far)
    return Tensor(Storage(far, device))


LABELS = np.array([5, 0])
OPERATIONS = {
    "map": lambda x: x * 2 + x.exp(),
    "broadcast": lambda x: x + x[1:],
    "copy": lambda x: te.concat([x, te.flip(x, 0)]),
    "sum of rows": lambda x: x.sum(1),
    "sum of columns": lambda x: x.sum(0),
    "argmax": lambda x: x.argmax(0),
    "cumsum": lambda x: te.cumsum(x, 0),
    "softmax": lambda x: x.softmax(1),
    "softmax of columns": lambda x: x.softmax(0),
    "layer norm": te.layer_norm,
    "matmul": lambda x: x @ x.mT,
    "matmul, turned": lambda x: x.mT @ x,
    "batched": lambda x: x[:, None, :] @ x[:, :, None],
    "take": lambda x: x[[1, 0, 1]],
    "sort": lambda x: te.argsort(x, 1),
    "cross-entropy": lambda x: te.cross_entropy(x, LABELS),
    "convolution": lambda x: te.conv1d(x[None], x[:, None, :3].expand(2, 1, 3), groups=2),
    "pooling": lambda x: te.max_pool2d(x[None], 2),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_places_need_64_bits(rows, name):
    here = OPERATIONS[name](te.tensor(ROWS, device="cpu")).numpy()
    np.testing.assert_allclose(OPERATIONS[name](rows).numpy(), here, rtol=2e-5, atol=1e-6)


def test_gradients_come_from_there_and_writes_go_there(device, vast, rows):
    x = rows.detach().requires_grad_()
    (x.softmax(1) * x).sum().backward()
    y = te.tensor(ROWS, requires_grad=True, device="cpu")
    (y.softmax(1) * y).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=2e-5, atol=1e-6)
    spare = Tensor(Storage(device.view(vast, (2, 3), (4 * FAR, 4), 4096), device))
    spare.copy_(np.arange(6.0, dtype=np.float32).reshape(2, 3))
    spare[1] = spare[0] * 10
    assert spare.numpy().tolist() == [[0, 1, 2], [0, 10, 20]]
    np.testing.assert_array_equal(rows.numpy(), ROWS)


def test_more_elements_than_32_bits_count(device):
    many = 2**31 + 77
    ones = te.ones(1, dtype="int64", device=device.name).expand((many,))
    assert ones.sum().item() == many


def test_more_elements_than_32_bits_count_are_written(device, vast):
    if sim.is_installed():
        pytest.skip("takes half a minute on the simulator, where it has passed; on a GPU it runs")
    many = 2**31 + 77
    small = DeviceArray(device, vast.memory, vast.pointer + (1 << 20), (many,), (1,), np.dtype(np.uint8))
    device.fill(small, 3)
    for at in (0, many - 4):
        assert device.numpy(device.view(small, (4,), (1,), at)).tolist() == [3, 3, 3, 3]
