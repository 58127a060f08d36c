"""What a call comes to on the cpu and on a device, and that both are the same."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.backend import registry
from tinygrad_edu.errors import ShapeError

ERRORS = (ValueError, TypeError, IndexError, OverflowError)


def outcome(call, device):
    """What `call` gives on a device: numbers of a dtype, or a class of error that names what was asked."""
    with contextlib.suppress(*ERRORS):  # of a call that was refused before it was waited for
        registry.get(device).synchronize()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.array(call(device).numpy()), ""
    except ERRORS as error:
        kind = next(k for k in (ShapeError, *ERRORS) if isinstance(error, k))
        return kind, str(error)


def agree(call, device, says=""):
    """Assert that `call` comes to the same on the cpu and on `device`; of an error, that both name `says`."""
    (here, said), (there, said_there) = outcome(call, "cpu"), outcome(call, device.name)
    if isinstance(here, type) or isinstance(there, type):
        assert here is there, f"cpu: {here} {said}\n{device.name}: {there} {said_there}"
        assert says in said
        assert says in said_there
        return here
    assert (here.shape, here.dtype) == (there.shape, there.dtype)
    np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-6)
    return None


def numbers(shape, device, dtype="float32"):
    return te.tensor(np.arange(1, np.prod(shape) + 1).reshape(shape).astype(dtype), device=device)


def slope(f, shape):
    """The gradient by one input, as a call; the square makes it depend on the place."""
    return lambda device: te.grad(lambda x: (f(x, device) ** 2).sum())(numbers(shape, device))
