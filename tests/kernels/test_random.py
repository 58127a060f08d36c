"""Random numbers on the device: the bits of the cpu's, from any counter and key, on every rung."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.kernels.harness import RUNGS, bugs_of, checked, planted, report
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.engine.op import REGISTRY

COUNTERS = st.sampled_from((0, 1, 2**64 - 3, 2**128 - 2, 2**256 - 2))


def pair(key, counter):
    both = Generator(key), Generator(key)
    for generator in both:
        generator.counter = counter
    return both


@pytest.mark.parametrize("rung", RUNGS("random"))
@given(n=st.integers(0, 600), key=st.integers(0, 2**128 - 1), counter=COUNTERS, data=st.data())
@settings(max_examples=15)
@checked
def test_the_same_bits_as_the_cpu(device, rung, n, key, counter, data):
    here, there = pair(key, counter)
    name, params = data.draw(
        st.sampled_from(
            (
                ("uniform", {"dtype": np.float32}),
                ("uniform", {"dtype": np.float64}),
                ("integers", {"low": -3, "high": 2**40}),
                ("bernoulli", {"p": 0.3, "dtype": np.float32}),
                ("bernoulli", {"p": 0.7, "dtype": np.bool_}),
            )
        )
    )
    with using("random", rung):
        found = device.numpy(REGISTRY[name].kernel(device)(shape=(n,), generator=there, **params))
    np.testing.assert_array_equal(found, REGISTRY[name].numpy(shape=(n,), generator=here, **params))
    assert here.counter == there.counter


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normals_are_the_cpus_to_rounding(device, dtype):
    here, there = pair(5, 17)
    for n in (1, 2, 7, 1001):
        found = device.numpy(REGISTRY["normal"].kernel(device)(shape=(n,), generator=there, dtype=dtype))
        np.testing.assert_allclose(
            found, here.normal((n,), dtype), rtol=1e-6 if dtype == np.float32 else 1e-13, atol=1e-13
        )
        assert here.counter == there.counter


@pytest.mark.parametrize("n", [0, 1, 5, 300, 2000])
def test_permutations_are_the_cpus(device, n):
    here, there = pair(9, 3)
    np.testing.assert_array_equal(
        device.numpy(REGISTRY["permutation"].kernel(device)(n=n, generator=there)), here.permutation(n)
    )


def test_the_public_functions_draw_on_the_device_what_they_draw_on_the_cpu(device):
    drawn = []
    for name in ("cpu", device.name):
        te.manual_seed(3)
        drawn.append(
            [
                te.rand(5, device=name).numpy(),
                te.randint(0, 9, (4,), device=name).numpy(),
                te.randn(6, device=name).numpy(),
            ]
        )
    for a, b in zip(*drawn, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-6)


@bugs_of("random")
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, rung, old, new, says):
    def body():
        with planted("random", rung, old, new):
            n = 4 * 256 + 3
            device.numpy(REGISTRY["uniform"].kernel(device)(shape=(n,), generator=pair(1, 0)[0]))

    assert says in report(body)
