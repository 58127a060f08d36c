"""How columns are scaled, and what a description keeps."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.training import Scaling, Settings

SEEDS = st.integers(0, 2**32 - 1)


def quantities(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    centre, width = random.uniform(-1e3, 1e3), 10.0 ** random.integers(-3, 4)
    return random.normal(centre, width, (random.integers(2, 30), 3))


@given(SEEDS)
def test_quantities_get_mean_0_and_deviation_1_and_come_back(seed: int) -> None:
    values = quantities(seed)
    scaling = Scaling.fit(values)
    scaled = scaling.forwards(values, "float64")
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-6)
    np.testing.assert_allclose(scaling.backwards(scaled), values, rtol=1e-9)


@given(SEEDS)
def test_json_keeps_every_bit(seed: int) -> None:
    scaling = Scaling.fit(quantities(seed))
    again = Scaling.from_json(json.loads(json.dumps(scaling.to_json())), len(scaling.scale))
    assert again.offset.tobytes() == scaling.offset.tobytes()
    assert again.scale.tobytes() == scaling.scale.tobytes()


def test_bits_stay_and_constants_are_only_centred() -> None:
    values = np.array([[0, 7.0, 10.0], [1, 7.0, 20.0], [0, 7.0, 30.0]])
    scaled = Scaling.fit(values).forwards(values, "float32")
    assert scaled.dtype == np.float32
    assert scaled[:, 0].tolist() == [0, 1, 0]
    assert scaled[:, 1].tolist() == [0, 0, 0]
    assert scaled[:, 2] == pytest.approx([-1.2247449, 0, 1.2247449])


def test_an_image_stays() -> None:
    values = np.random.default_rng(0).uniform(0, 1, (20, 9))
    values[0, 0], values[1, 1] = 0.0, 1.0
    np.testing.assert_array_equal(Scaling.fit(values).forwards(values, "float64"), values)


def test_settings_pass_through_json() -> None:
    settings = Settings(hidden=(3, 4), dropout=0.25, seed=2**63)
    assert Settings.from_json(json.loads(json.dumps(asdict(settings)))) == settings
    with pytest.raises(ValueError, match="unknown settings \\['colour'\\]"):
        Settings.from_json({**asdict(settings), "colour": "red"})


@pytest.mark.parametrize(("options", "said"), [
    ({"lr": 0.0}, "lr"), ({"lr": float("inf")}, "lr"), ({"epochs": 0}, "epochs"),
    ({"batch_size": -1}, "batch_size"),
    ({"hidden": (0,)}, "hidden"), ({"dropout": 1.0}, "dropout"),
    ({"activation": "cosh"}, "there are relu"),
    ({"optimizer": "lbfgs"}, "there are adam"), ({"dtype": "float16"}, "float32"),
    ({"patience": -1}, "patience"),
])  # fmt: skip
def test_settings_are_checked(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1e-200, 1e200, 1e307])
def test_tiny_and_huge_quantities_are_scaled_too(size: float) -> None:
    near, far = (Scaling.fit(quantities(0) / 1e4 * scale) for scale in (1.0, size))
    np.testing.assert_allclose(far.offset / size, near.offset, rtol=1e-9)
    np.testing.assert_allclose(far.scale / size, near.scale, rtol=1e-9)
