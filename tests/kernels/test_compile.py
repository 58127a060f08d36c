"""From files to modules: few runs of the compiler, the files as they are now, a cache that may be lost."""

from __future__ import annotations

import re
import shutil
from contextlib import nullcontext

import numpy as np
import pytest

import tinygrad_edu as te
import tinygrad_edu.simulator as sim
from tinygrad_edu.backend.cuda.device import compile as compiler
from tinygrad_edu.backend.cuda.families import LADDERS
from tinygrad_edu.errors import DeviceError


def test_training_a_network_takes_few_runs_of_nvcc(device, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_CACHE", str(tmp_path))
    monkeypatch.setattr(device.library, "kernels", {})
    monkeypatch.setattr(device.library, "modules", {})
    asked = []
    monkeypatch.setattr(
        compiler.driver,
        "compile_cubin",
        lambda text, *_: asked.append(text) or (_ for _ in ()).throw(DeviceError("stop")),
    )
    units = {ladder.unit for ladder in LADDERS.values()}
    assert len(units) <= 10
    with pytest.raises(DeviceError, match="stop"):
        te.ones(3, device=device.name) + 1
    assert len(asked) == 1  # and nothing was compiled before it was needed


def test_cubins_are_kept_by_content(device, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_CACHE", str(tmp_path))
    parts = [(LADDERS["fold"], LADDERS["fold"].rungs[0])]
    made, runs = [], compiler.runs
    for dtype in ("float32", "float32", "float64"):
        made.append(compiler.cubin(parts, np.dtype(dtype), device.context.arch, compiler.kernels_folder()))
    assert compiler.runs == runs + 2
    assert made[0] == made[1]


def test_a_kernel_that_does_not_compile_says_what_nvcc_said(device, tmp_path):
    (tmp_path / "common.cuh").write_text("#error the sky is falling\n")
    (tmp_path / "fold").mkdir()
    (tmp_path / "fold" / "01_thread_per_place.cu").write_text("")
    with compiler.kernels_from(tmp_path), pytest.raises(DeviceError, match="the sky is falling"):
        device.kernel("fold", "fold", np.dtype(np.float32))


def test_kernels_from_uses_the_files_as_they_are_now(device, tmp_path):
    folder = tmp_path / "kernels"
    shutil.copytree(compiler.kernels_folder(), folder)
    formulas = folder / "elementwise" / "formulas.cuh"
    x = te.tensor([1.0, 2.0], device=device.name)
    for text, wanted in (("-x", [-1, -2]), ("-x - 1", [-2, -3]), ("-x", [-1, -2])):
        formulas.write_text(re.sub(r"ANY1\(neg, .*\)", f"ANY1(neg, {text})", formulas.read_text()))
        with compiler.kernels_from(str(folder)):
            assert (-x).tolist() == wanted
    with pytest.raises(FileNotFoundError, match="holds no kernels"), compiler.kernels_from("nowhere"):
        pass


def test_a_damaged_cubin_is_compiled_again(device, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_CACHE", str(tmp_path))
    for k in range(2):
        monkeypatch.setattr(device.library, "kernels", {})
        monkeypatch.setattr(device.library, "modules", {})
        assert device.kernel("fold", "fold", np.dtype(np.float32)).resources()["registers"] > 0
        (kept,) = tmp_path.rglob("*.cubin")
        whole = kept.read_bytes()
        if k == 0:
            kept.write_bytes(whole[: len(whole) // 2])
    kept.write_bytes(b"")
    monkeypatch.setattr(device.library, "kernels", {})
    monkeypatch.setattr(device.library, "modules", {})
    device.kernel("fold", "fold", np.dtype(np.float32))
    assert kept.read_bytes()


def test_a_cache_that_cannot_be_made_is_done_without_or_named(device, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TINYGRAD_EDU_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(device.library, "kernels", {})
    monkeypatch.setattr(device.library, "modules", {})
    # The simulator's compiler works in that folder; the real one needs none.
    refused = pytest.raises(DeviceError, match="set TINYGRAD_EDU_CACHE")
    with refused if sim.is_installed() else nullcontext():
        device.kernel("fold", "fold", np.dtype(np.float32))
