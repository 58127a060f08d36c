"""A run resumed from its checkpoint in another process is the run that was never interrupted, bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import numpy as safetensors_numpy

import tinygrad_edu as te
from tests.nn.run import RULES, Run
from tinygrad_edu import files, nn, optim

ROOT = Path(__file__).parents[2]


def program(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.nn.run", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, stderr=subprocess.PIPE
    )


@pytest.fixture
def saved(tmp_path):
    """(a run, the file it was just saved to)."""
    run = Run("adam", seed=1)
    run.train(3)
    nn.save_checkpoint(tmp_path / "run.safetensors", **run.parts(), extra={"losses": run.losses})
    return run, tmp_path / "run.safetensors"


def everything(run):
    """Whatever a load could have changed, to compare."""
    return repr(
        (
            run.model.state_dict(),
            run.optimizer.state_dict(),
            run.loader.state_dict(),
            run.noise,
            run.model[4].generator,
            nn.serialization.philox.default,
        )
    )


@pytest.mark.parametrize("rule", RULES)
def test_twenty_steps_are_ten_a_new_process_and_ten(rule, tmp_path):
    half = Run(rule, seed=7)
    half.train(10)
    nn.save_checkpoint(tmp_path / "half", **half.parts(), extra={"losses": half.losses})
    whole = Run(rule, seed=7)
    whole.train(20)
    out, error = program("resume", rule, tmp_path / "half").communicate(timeout=600)
    assert error == "" and out.strip() == whole.digest()
    assert len(set(whole.losses)) == 20


def test_killed_in_the_middle_of_saving_the_file_is_whole(tmp_path):
    path = tmp_path / "run.safetensors"
    for wait in (1, 7, 16):
        process = program("save_forever", path)
        for _ in range(wait):
            assert process.stdout.readline().strip().isdigit()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        run = Run("adam", seed=50)
        assert len(nn.load_checkpoint(path, **run.parts())["losses"]) >= wait
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f"{files._prefix()}{dead.pid}.abc.tmp").write_bytes(b"half a file")
    (tmp_path / f"{files._prefix()}{os.getpid()}.abc.tmp").write_bytes(b"another thread's")
    (tmp_path / ".tinygrad_edu.elsewhere-1.abc.tmp").write_bytes(b"another machine's")
    nn.save_checkpoint(path, model=run.model)
    left = sorted(p.name for p in tmp_path.iterdir())
    assert len(left) == 3 and not any(f"-{dead.pid}." in name for name in left)


def test_a_save_that_fails_leaves_the_old_file_and_no_litter(saved, monkeypatch):
    run, path = saved
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        nn.save_checkpoint(path, model=run.model)
    with pytest.raises(TypeError, match="JSON"):
        nn.save_checkpoint(path, model=run.model, extra={"when": object()})
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


@settings(max_examples=40)
@given(data=st.data())
def test_any_damage_is_an_error_and_changes_nothing(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damage")
    run = Run("momentum", seed=1)
    run.train(1)
    nn.save_checkpoint(folder / "run", **run.parts())
    whole = (folder / "run").read_bytes()
    if data.draw(st.booleans(), "truncate"):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1), "length")]
    else:
        at = data.draw(st.one_of(st.integers(0, len(whole) - 1), st.integers(0, 1500)), "place")
        damaged = bytearray(whole)
        damaged[at] ^= data.draw(st.integers(1, 255), "bits")
    (folder / "run").write_bytes(damaged)
    other = Run("momentum", seed=2)
    before = everything(other)
    with pytest.raises(nn.CheckpointError):
        nn.load_checkpoint(folder / "run", **other.parts())
    assert everything(other) == before


def test_foreign_files_are_named_as_such(tmp_path):
    model = nn.Linear(2, 2)
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        nn.load_checkpoint(tmp_path / "nothing", model=model)
    (tmp_path / "text").write_text("weights, I promise")
    (tmp_path / "empty").write_bytes(b"")
    for name in ("text", "empty"):
        with pytest.raises(nn.CheckpointError, match="damaged, or no safetensors file"):
            nn.load_checkpoint(tmp_path / name, model=model)
    safetensors_numpy.save_file(model.state_dict(), tmp_path / "foreign")
    with pytest.raises(nn.CheckpointError, match="no checkpoint of tinygrad_edu; read its arrays"):
        nn.load_checkpoint(tmp_path / "foreign", model=model)


@pytest.mark.parametrize(("change", "said"), [
    (lambda parts: parts.update(model=nn.Linear(4, 16)), "missing: weight, bias; unexpected: 0.bias"),
    (lambda parts: parts.update(optimizer=optim.SGD(parts["model"].parameters())),
     "the state of Adam, not of SGD"),
    (lambda parts: parts.update(optimizer=optim.Adam([te.zeros(2, requires_grad=True)])), r"groups of \[6\]"),
    (lambda parts: parts.update(generators={"sound": te.Generator(0)}), "without a generator 'sound'"),
    (lambda parts: parts.update(generators={"default": te.Generator(0)}), "under a name not taken"),
    (lambda parts: setattr(parts["loader"], "batch_size", 5), "batch_size"),
])  # fmt: skip
def test_a_file_that_does_not_fit_changes_nothing(saved, change, said):
    _, path = saved
    other = Run("adam", seed=2)
    parts = other.parts()
    change(parts)
    before = everything(other)
    with pytest.raises(nn.CheckpointError, match=said):
        nn.load_checkpoint(path, **parts)
    assert everything(other) == before


def test_parts_that_were_not_saved_and_formats_to_come(tmp_path):
    model = nn.Linear(2, 1)
    nn.save_checkpoint(tmp_path / "weights", model=model)
    for name, part in (("optimizer", optim.SGD(model.parameters())), ("loader", Run("adam", 0).loader)):
        with pytest.raises(nn.CheckpointError, match=f"saved without {name}="):
            nn.load_checkpoint(tmp_path / "weights", **{name: part})
    assert nn.load_checkpoint(tmp_path / "weights", model=model) is None
    text = json.dumps({"format": 99})
    arrays = {"a": np.zeros(1, np.float32)}
    nn.checkpoint_file.write_file(
        tmp_path / "new", arrays, {"tinygrad_edu": text, "sha256": nn.checkpoint_file.digest_of(text, arrays)}
    )
    with pytest.raises(nn.CheckpointError, match=r"format 99.*update tinygrad_edu"):
        nn.load_checkpoint(tmp_path / "new")


class Odd(nn.Module):
    def __init__(self, fill):
        rng = np.random.default_rng(fill)
        self.register_buffer("strided", te.functional.wrap(rng.normal(size=(4, 6))[::2, ::3]))
        columns = np.asfortranarray(rng.normal(size=(3, 4)).astype(np.float32))
        self.register_buffer("columns", te.functional.wrap(columns))
        self.register_buffer("number", te.tensor(fill))
        self.register_buffer("none", te.zeros((0, 3)))
        self.register_buffer("mask", te.tensor(rng.random(5) < 0.5))
        self.register_buffer("bytes", te.tensor(rng.integers(0, 255, 3).astype(np.uint8)))
        self.register_buffer("small", te.tensor(rng.integers(-9, 9, 3).astype(np.int32)))
        self.weight = nn.Parameter(rng.normal(size=(3, 2)).T)


def test_every_dtype_and_layout_round_trips_bit_for_bit(tmp_path):
    one, two = Odd(1), Odd(2)
    nn.save_checkpoint(tmp_path / "odd", model=one)
    nn.load_checkpoint(tmp_path / "odd", model=two)
    for name, array in one.state_dict().items():
        loaded = two.state_dict()[name]
        assert loaded.dtype == array.dtype and np.array_equal(loaded, array), name
    raw = safetensors_numpy.load_file(tmp_path / "odd")  # and other programs see the same
    assert all(np.array_equal(raw[f"model.{name}"], array) for name, array in one.state_dict().items())


def test_the_default_stream_can_be_left_where_it_is(tmp_path):
    te.manual_seed(1)
    nn.save_checkpoint(tmp_path / "c", extra=[1, {"a": None}])
    te.manual_seed(2)
    expected = te.rand(1, generator=te.Generator(2)).item()
    assert nn.load_checkpoint(tmp_path / "c", default_generator=False) == [1, {"a": None}]
    assert te.rand(1).item() == expected


def test_permissions_of_an_older_file_are_kept(saved):
    run, path = saved
    path.chmod(0o640)
    nn.save_checkpoint(path, model=run.model)
    assert path.stat().st_mode & 0o777 == 0o640 or os.name != "posix"


def test_nothing_is_imported_before_it_is_needed():
    code = "import sys; from tinygrad_edu import nn, optim; sys.exit('safetensors' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_state_dict_of_strided_arrays_is_saved_by_value(tmp_path):
    class Transposed(nn.Linear):
        def state_dict(self):
            return {name: np.asfortranarray(array) for name, array in super().state_dict().items()}

    one, two = Transposed(3, 4), nn.Linear(3, 4)
    nn.save_checkpoint(tmp_path / "t", model=one)
    nn.load_checkpoint(tmp_path / "t", model=two)
    assert np.array_equal(one.weight.numpy(), two.weight.numpy())


@pytest.mark.parametrize("facts", ["[]", "{bad", "{}", '{"format": "x"}'])
def test_facts_that_no_checkpoint_has_are_refused(tmp_path, facts):
    from tinygrad_edu.nn import checkpoint_file

    metadata = {checkpoint_file.FACTS: facts, checkpoint_file.DIGEST: checkpoint_file.digest_of(facts, {})}
    safetensors_numpy.save_file({}, tmp_path / "forged", metadata)
    with pytest.raises(nn.CheckpointError, match="facts"):
        nn.read_checkpoint(tmp_path / "forged")


@pytest.mark.parametrize("function", [nn.save_checkpoint, nn.load_checkpoint])
def test_what_follows_the_path_comes_by_name(function, tmp_path):
    with pytest.raises(TypeError, match=rf"{function.__name__}\(path, model=model"):
        function(tmp_path / "model.safetensors", nn.Linear(2, 1))
    assert not list(tmp_path.iterdir())
