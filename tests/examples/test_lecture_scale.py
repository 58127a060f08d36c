"""The lecture's second half, slide by slide: parallelism, the two examples, learning rates."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from tinygrad_edu import data

# Source: the lecture's cell mlp.get_params().
PARAMETERS = {"activation": "relu", "alpha": 0.0001, "batch_size": "auto", "beta_1": 0.9, "beta_2": 0.999,
              "early_stopping": False, "epsilon": 1e-08, "hidden_layer_sizes": (100,),
              "learning_rate": "constant", "learning_rate_init": 0.001, "max_fun": 15000, "max_iter": 200,
              "momentum": 0.9, "n_iter_no_change": 10, "nesterovs_momentum": True, "power_t": 0.5,
              "random_state": None, "shuffle": True, "solver": "adam", "tol": 0.0001,
              "validation_fraction": 0.1, "verbose": False, "warm_start": False}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks this small are slower with more."""
    with threadpool_limits(1):
        yield


def numbers(said, pattern):
    """The numbers in the first match of the pattern's groups."""
    found = re.search(pattern, said)
    assert found, pattern
    return [float(group.replace(",", "")) for group in found.groups()]


# -- parallelism --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("register", "widths"), [
    ("MMX", (0, 0, 8)), ("SSE", (0, 4, 0)), ("SSE2", (2, 4, 16)), ("AVX", (4, 8, 0)), ("AVX2", (4, 8, 32)),
    ("AVX-512", (8, 16, 64)),
])  # fmt: skip
def test_15_numbers_that_fit_a_register(lesson, register, widths):
    fifteen = lesson(15)
    assert tuple(fifteen.width(register, dtype) for dtype in ("float64", "float32", "int8")) == widths


def test_15_the_loop_adds(lesson):
    x, y = [1.0, 2.0], [10.0, 20.0]
    lesson(15).python_add(x, y)
    assert (x, y) == ([1.0, 2.0], [11.0, 22.0])


def test_15_threads_know_their_place_and_a_block_has_1024_at_most(smoke):
    said, _ = smoke(15)
    assert "200 numbers, 4 blocks of 64 threads, run on tinygrad_edu simulator (CPU)" in said
    rows = re.findall(r"^ +(\d+) +(\d+) +(\d+) +(\d+) +(yes|no)$", said, re.M)
    for row in rows:
        i, block, warp, lane = map(int, row[:4])
        assert (block, warp, lane, row[4] == "yes") == (i // 64, i % 64 // 32, i % 32, i < 200)
    assert len(rows) == 7
    assert "a block of 1024 threads: runs, 32 warps" in said
    assert re.search(r"a block of 1025 threads: .*cannot be launched", said)
    assert "a block of 100 threads: 4 warps, 28 lanes idle" in said
    assert "56 multiprocessors x 64 cores = 3584 cores, 112 warps" in said


def test_16_as_few_blocks_as_hold_all(lesson):
    blocks = lesson(16).number_of_blocks
    assert blocks(1_000_000) == 3907
    for n in (1, 255, 256, 257, 10**9):
        for size in (1, 32, 256, 1000, 1024):
            assert (blocks(n, size) - 1) * size < n <= blocks(n, size) * size


def test_16_the_lectures_numbers(smoke):
    said, _ = smoke(16)
    assert "n = 1000000: 3907 blocks of 256 threads, 192 without work" in said
    assert said.count("right True") == 2
    assert "47.5 us on its GPU, 826 us by NumPy: 17.4 times as fast" in said
    assert "24 MB moved: 505 GB/s and 29 GB/s" in said


def test_16_a_simulated_time_is_called_so(smoke):
    times = re.findall(r"^ +\d+   (.+)$", smoke(16)[0], re.M)
    assert len(times) == 3 and times[0] == "NumPy (CPU)"
    assert all(line.endswith("(simulated on the CPU, not a GPU's time)") for line in times[1:])


def test_16_numpy_arrays_are_refused_and_the_missing_guard_is_found(smoke):
    said, _ = smoke(16)
    assert re.search(r"NumPy arrays given to the kernel: .*Wrong arguments for kernel add", said)
    assert "Out-of-bounds read of global memory in kernel add\n" in said
    assert "thread (64, 0, 0) of block (3906, 0, 0) reads 8 bytes" in said  # 3906 * 256 + 64 = 1000000


def test_17_what_the_rungs_ask_of_global_memory(lesson, smoke):
    said, _ = smoke(17)
    row = r" +([\d,]+) +([\d,]+) +([\d,]+) +[\d.]+x +([\d.]+) +(\S+)"
    rows = {rung: numbers(said, rung + row) for rung in lesson(17).RUNGS}
    for _, sectors, moved, intensity, _ in rows.values():
        assert moved == 32 * sectors and intensity == pytest.approx(2 * 64**3 / moved, abs=0.005)
    naive, tiles, cores = rows.values()
    assert naive[0] == 2 * 64**3 // 32 + 64 * 64 // 32  # each product loads two, a warp at once
    assert tiles[0] == 2 * 64**3 // 32 // 32 + 64 * 64 // 32  # each number that was loaded serves 32 times
    assert naive[2] > 20 * tiles[2] and cores[2] == 3 * 64 * 64 * 4
    assert naive[4] < 1e-4 < 1e-3 < cores[4]  # tensor cores round what they multiply


def test_17_how_many_operations_a_byte_keep_the_gpu_busy(smoke):
    assert (
        "3584 cores x 2 x 1.48 GHz = 10.6 TFLOP/s, 732 GB/s: to keep all cores at work takes 14.5 FLOP"
        in smoke(17)[0]
    )


# -- the examples -------------------------------------------------------------------------------------------


def test_21_the_parameters_are_the_lectures(lesson):
    found = lesson(21).MLPClassifier().get_params()
    assert len(PARAMETERS) == 23 and {name: found[name] for name in PARAMETERS} == PARAMETERS


def test_21_the_lectures_cells(smoke):
    said, _ = smoke(21)
    assert "np.unique(X) [0. 1.]" in said and "mlp.get_params(): 23 as in scikit-learn" in said
    assert (
        "ConvergenceWarning: Stochastic Optimizer: Maximum iterations (200) reached and the optimization "
        "hasn't converged yet."
    ) in said and "epochs 200, loss " in said
    assert "scikit-learn has another" not in said
    assert max(numbers(said, r"loss curves (\S+), of the probabilities (\S+)")) < 1e-9
    train, held_out = numbers(said, r"Test on Train AUC (\S+)\nHeld out Test AUC (\S+)")
    assert train > 0.99 and 0.75 < held_out < 0.9


def test_22_the_default_learns_by_heart_and_a_large_alpha_helps(lesson):
    twenty_two = lesson(22)
    table = data.load("tcga")
    X, Y = table.features, table.labels
    train, test = twenty_two.folds(len(X), 0)[0]
    learned, held_out = twenty_two.losses(X, Y, train, test, 0)
    assert held_out.argmin() < 80 and held_out[-1] > held_out.min() + 0.1 and learned[-1] < learned[80] < 0.3
    mlp = twenty_two.fit(X[train], Y[train], 0, epochs=3, alpha=50.0)
    same, _ = twenty_two.losses(X, Y, train, test, 0, epochs=3, alpha=50.0)  # the answers' loss, no L2
    assert same[-1] < 0.9 * mlp.loss_curve_[-1]
    (default,), (stiff,) = (twenty_two.aucs(X, Y, [(train, test)], 0, alpha=alpha) for alpha in (1e-4, 3))
    assert default[0] > 0.99 and default[0] - default[1] > 0.1  # trained, held out
    assert stiff[1] > default[1] and stiff[0] - stiff[1] < 0.1
    assert (twenty_two.padded(np.ones(2), 3)[:2] == 1).all() and np.isnan(twenty_two.padded(np.ones(2), 3)[2])


def test_22_one_fold_has_no_deviation_and_all_methods_have_the_same_folds(smoke, lesson):
    said, _ = smoke(22)
    assert "±" not in said.partition("folds: 1\n")[2]
    default, alpha = (numbers(said, rf"{name} +[\d.]+ +([\d.]+)")[0] for name in ("default", "L2, alpha = 3"))
    gain, better = numbers(said, r"L2, alpha = 3 .* (\S+), better in (\d) of 1")
    assert gain == pytest.approx(alpha - default, abs=1.1e-4) and better == (gain > 0)
    assert lesson(22).spread([1.0, 3.0]) == "2.0000 ± 1.0000"


def test_22_weights_and_rows_are_counted(smoke):
    assert "6300 weights for 638 tumours" in smoke(22)[0]  # 62 * 100 + 100; two thirds of 958


def test_23_a_fold_of_the_compounds(lesson):
    twenty_three = lesson(23)
    table = data.load("compounds")
    X, Y = table.features, table.labels
    train, test = next(KFold(n_splits=3, shuffle=True, random_state=0).split(X))
    mlp, stopped = twenty_three.fit(X[train], Y[train], 0)
    assert stopped == (mlp.n_iter_ < 200)
    trained, held_out = (roc_auc_score(Y[rows], mlp.predict_proba(X[rows])[:, 1]) for rows in (train, test))
    assert trained > 0.9999 and held_out > 0.9


def test_23_what_is_right_is_compared_with_always_saying_inactive(smoke):
    said, _ = smoke(23)
    always = numbers(said, r'Always saying "inactive" is right for (\d+)%')[0]
    assert always == round(100 * (1 - data.load("compounds").labels.mean()))
    nearest, network = numbers(said, r"\n +0 +(\d+)% +(\d+)% ")
    assert always < nearest < network
    assert re.search(r"was the harder one in [01] of 1\n$", said)


def test_23_similarity_is_tanimotos(lesson):
    a = np.array([[1, 1, 0, 0], [0, 0, 1, 1.0]])
    b = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0.0]])
    np.testing.assert_allclose(lesson(23).similarity(a, b), [[1, 1 / 3, 2 / 3], [0, 1 / 3, 1 / 4]])


def test_24_what_the_slides_say_of_the_four_rates(lesson):
    twenty_four = lesson(24)
    table = data.load("compounds")
    train, _ = next(KFold(n_splits=3, shuffle=True, random_state=0).split(table.features))
    assert twenty_four.RATES == {"blue": 1e-4, "orange": 1e-3, "green": 1e-2, "red": 1e-1}
    curves, converged = {}, {}
    for colour, rate in twenty_four.RATES.items():
        curves[colour], converged[colour] = twenty_four.loss_curve(
            table.features[train], table.labels[train], rate, 0, 200
        )
    assert not converged["blue"] and len(curves["blue"]) == 200 and (np.diff(curves["blue"]) < 0).all()
    assert curves["red"][0] > 2 * max(curves[colour][0] for colour in ("blue", "orange", "green"))
    assert max(curves, key=lambda colour: twenty_four.noise(curves[colour])) == "red"
    assert (twenty_four.slowest(curves), twenty_four.wildest(curves)) == ("blue", "red")


def test_24_noise_adds_up_rises_only(lesson):
    assert lesson(24).noise(np.array([3.0, 1.0, 1.5, 0.5, 0.75])) == 0.75
