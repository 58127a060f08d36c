"""A checkpoint of a job: every rank goes on to the bits of a run that was never stopped, or all raise."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import distributed, files, nn, optim
from tinygrad_edu.data import ArrayDataset, DataLoader
from tinygrad_edu.nn.ranks import together

RULES = {
    "momentum": lambda params: optim.SGD(params, lr=0.05, momentum=0.9, weight_decay=1e-3),
    "adam": lambda params: optim.Adam(params, lr=0.01),
}


def job(program, *args, ranks=3, timeout=20):
    return distributed.ThreadCluster(ranks, timeout=timeout).run(program, *args)


class Run:
    """Batch norm, two dropouts, one with a stream of its own, and a shuffled shard, on one rank."""

    def __init__(self, comm, rule="momentum", seed=1):
        te.manual_seed(seed)
        x = np.random.default_rng(0).normal(size=(47, 4)).astype(np.float32)
        y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
        self.comm = comm
        self.model = nn.Sequential(
            nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.3),
            nn.Dropout(0.2, generator=te.Generator(seed + 1)), nn.Linear(8, 2),
        )  # fmt: skip
        self.optimizer = RULES[rule](self.model.parameters())
        self.loader = DataLoader(ArrayDataset(x, y), 4, shuffle=True, seed=3, shard=(comm.rank, comm.size))
        self.noise = te.Generator(1000 * seed + comm.rank)
        for stream in (te.backend.philox.current(), self.model[4].generator):
            stream.load_state_dict(stream.spawn(comm.rank).state_dict())  # other dropout on each rank
        self.losses = []

    def parts(self):
        return {"model": self.model, "optimizer": self.optimizer, "loader": self.loader,
                "generators": {"noise": self.noise}}  # fmt: skip

    def train(self, steps):
        while steps:
            for x, y in self.loader:
                noisy = x + te.randn(x.shape, generator=self.noise) * 0.1
                self.optimizer.zero_grad()
                loss = te.cross_entropy(self.model(noisy), y)
                loss.backward()
                for p in self.model.parameters():
                    self.comm.all_reduce(p.grad, "mean")
                for b in self.model.buffers():
                    if b.dtype.kind == "f":
                        self.comm.all_reduce(b, "mean")
                self.optimizer.step()
                self.losses.append(loss.item())
                steps -= 1
                if not steps:
                    return

    def state(self):
        """Whatever a load could change, as text."""
        streams = te.backend.philox.current(), self.noise, self.model[4].generator
        parts = self.model, self.optimizer, self.loader, *streams
        return repr([part.state_dict() for part in parts])

    def digest(self):
        h = hashlib.sha256(repr(self.losses).encode())
        for array in self.model.state_dict().values():
            h.update(array.tobytes())
        for row in self.optimizer.state_dict()["state"].values():
            for value in row.values():
                h.update(np.asarray(value).tobytes())
        h.update(self.state().encode())
        return h.hexdigest()


@settings(max_examples=12)
@given(
    ranks=st.integers(1, 4), rule=st.sampled_from(sorted(RULES)), before=st.integers(0, 9),
    after=st.integers(1, 6),
)  # fmt: skip
def test_a_resumed_job_has_the_bits_of_an_undisturbed_one(tmp_path_factory, ranks, rule, before, after):
    path = tmp_path_factory.mktemp("job") / "run"

    def undisturbed(comm):
        run = Run(comm, rule)
        run.train(before + after)
        return run.digest()

    def first(comm):
        run = Run(comm, rule)
        run.train(before)
        losses = comm.all_gather_object(run.losses)
        nn.save_checkpoint(path, **run.parts(), extra={"losses": losses}, comm=comm)

    def second(comm):
        run = Run(comm, rule, seed=77)
        run.losses = nn.load_checkpoint(path, **run.parts(), comm=comm)["losses"][comm.rank]
        run.train(after)
        return run.digest()

    expected = job(undisturbed, ranks=ranks)
    job(first, ranks=ranks)
    assert job(second, ranks=ranks) == expected
    assert len(set(expected)) == ranks, "every rank has streams of its own"


@pytest.fixture
def saved(tmp_path):
    """The file of a job of 3 ranks after 5 steps."""

    def program(comm):
        run = Run(comm)
        run.train(5)
        nn.save_checkpoint(tmp_path / "run", **run.parts(), extra="five", comm=comm)

    job(program)
    return tmp_path / "run"


def test_only_rank_0_touches_the_disk(tmp_path, monkeypatch):
    """The others give a path where nothing can be written or read."""

    def program(comm):
        run = Run(comm)
        path = tmp_path / "run" if comm.rank == 0 else "/nowhere/at all"
        nn.save_checkpoint(path, **run.parts(), extra=comm.rank, comm=comm)
        return nn.load_checkpoint(path, **Run(comm, seed=2).parts(), comm=comm)

    assert job(program) == [0, 0, 0]


def test_weights_and_optimizer_go_to_another_number_of_ranks(saved):
    def program(comm):
        run = Run(comm, seed=9)
        streams = te.backend.philox.current().state_dict(), run.model[4].generator.state_dict()
        nn.load_checkpoint(
            saved, model=run.model, optimizer=run.optimizer, default_generator=False, comm=comm
        )
        assert streams == (te.backend.philox.current().state_dict(), run.model[4].generator.state_dict())
        return run.model.state_dict(), run.optimizer.state_dict()["state"]

    _, arrays = nn.read_checkpoint(saved)
    for ranks in (1, 2, 4):
        for weights, state in job(program, ranks=ranks):
            assert all(np.array_equal(arrays[f"model.{name}"], a) for name, a in weights.items())
            for i, row in state.items():
                name = next(name for name in row if name != "step")
                assert np.array_equal(arrays[f"optimizer.{i}.{name}"], row[name])


@pytest.mark.parametrize("leave_out", [(), ("loader",), ("loader", "generators")])
def test_a_job_with_other_ranks_is_not_resumed(saved, leave_out):
    def program(comm):
        run = Run(comm, seed=9)
        before = run.state()
        parts = {name: part for name, part in run.parts().items() if name not in leave_out}
        try:
            nn.load_checkpoint(saved, **parts, comm=comm)
        except nn.CheckpointError as error:
            return str(error), run.state() == before
        return "loaded", False

    for ranks, said in ((1, "1 rank"), (2, "2 ranks")):
        for text, unchanged in job(program, ranks=ranks):
            assert f"saved by 3 ranks, and this job has {said}" in text and unchanged


def test_a_process_alone_and_a_job_read_each_others_weights(saved, tmp_path):
    class Alone:
        rank, size = 0, 1

    run = Run(Alone(), seed=4)
    assert nn.load_checkpoint(saved, model=run.model, optimizer=run.optimizer) == "five"
    with pytest.raises(nn.CheckpointError, match="saved with shards=3, this loader has 1"):
        nn.load_checkpoint(saved, loader=run.loader)
    nn.save_checkpoint(tmp_path / "alone", **run.parts())

    def program(comm):
        other = Run(comm, seed=5)
        nn.load_checkpoint(tmp_path / "alone", model=other.model, default_generator=False, comm=comm)
        with pytest.raises(nn.CheckpointError, match="saved by 1 rank, and this job has 3"):
            nn.load_checkpoint(tmp_path / "alone", model=other.model, comm=comm)
        return other.model.state_dict()

    for weights in job(program):
        assert all(np.array_equal(run.model.state_dict()[name], a) for name, a in weights.items())


def test_one_rank_writes_the_file_of_a_process_alone(tmp_path):
    def program(comm):
        for name, ranks in (("with", comm), ("without", None)):
            nn.save_checkpoint(tmp_path / name, **Run(comm).parts(), comm=ranks)

    job(program, ranks=1)
    (facts, arrays), (others, same) = (nn.read_checkpoint(tmp_path / name) for name in ("with", "without"))
    assert facts == others and "ranks" not in facts
    assert all(np.array_equal(arrays[name], same[name]) for name in arrays | same)
    nn.load_checkpoint(tmp_path / "with")


def test_loaders_may_stand_at_different_positions_and_a_server_has_none(tmp_path):
    def loader_of(comm):
        if comm.rank == 0:
            return None
        shard = (comm.rank - 1, comm.size - 1)
        return DataLoader(ArrayDataset(np.arange(40)), 2, shuffle=True, shard=shard, as_numpy=True)

    def program(comm):
        loader = loader_of(comm)
        for _, _ in zip(range(comm.rank), loader or ()):
            pass
        nn.save_checkpoint(tmp_path / "run", loader=loader, comm=comm)
        again = loader_of(comm)
        nn.load_checkpoint(tmp_path / "run", loader=again, comm=comm)
        return again and again.state_dict()["position"]

    assert job(program, ranks=4) == [None, 1, 2, 3]
    plain = DataLoader(ArrayDataset(np.arange(40)), 2, shuffle=True)
    with pytest.raises(
        nn.CheckpointError, match="saved by 4 ranks, each with a loader of its own; pass comm="
    ):
        nn.load_checkpoint(tmp_path / "run", loader=plain)


# -- errors: all ranks raise, and nobody waits -----------------------------------------------------------


def every_error(program, ranks=3):
    """(the kind and text of the error of each rank, its notes)."""

    def caught(comm):
        try:
            program(comm)
        except Exception as error:
            return type(error), str(error), getattr(error, "__notes__", [])
        return None, "", []

    return job(caught, ranks=ranks)


def test_a_full_disk_is_the_error_of_all_ranks(saved, monkeypatch):
    before = saved.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    found = every_error(lambda comm: nn.save_checkpoint(saved, **Run(comm).parts(), comm=comm))
    assert [kind for kind, _, _ in found] == [OSError] * 3
    assert all("No space left" in text for _, text, _ in found)
    assert found[0][2] == [] and all("raised on rank 0 of 3" in notes[0] for _, _, notes in found[1:])
    assert saved.read_bytes() == before


@pytest.mark.parametrize("culprit", [0, 2])
def test_what_one_rank_cannot_save_or_load_is_the_error_of_all(saved, culprit):
    before = saved.read_bytes()

    def save(comm):
        wrong = {"default": te.Generator(0)} if comm.rank == culprit else {}
        nn.save_checkpoint(saved, generators=wrong, comm=comm)

    def load(comm):
        run = Run(comm, seed=9)
        parts, before = run.parts(), run.state()
        if comm.rank == culprit:
            parts["optimizer"] = optim.SGD([te.zeros(2, requires_grad=True)])
        try:
            nn.load_checkpoint(saved, **parts, comm=comm)
        finally:
            assert run.state() == before, "a rank loaded what another one could not"

    for program, kind in ((save, TypeError), (load, nn.CheckpointError)):
        found = every_error(program)
        assert [k for k, _, _ in found] == [kind] * 3 and len({text for _, text, _ in found}) == 1
        for rank, (_, _, notes) in enumerate(found):
            assert any(f"raised on rank {culprit}" in note for note in notes) == (rank != culprit)
    assert saved.read_bytes() == before


@pytest.mark.parametrize(("content", "kind"), [(None, FileNotFoundError), (b"junk", nn.CheckpointError)])
def test_a_file_that_is_missing_or_damaged_is_the_error_of_all(tmp_path, content, kind):
    if content is not None:
        (tmp_path / "run").write_bytes(content)
    found = every_error(lambda comm: nn.load_checkpoint(tmp_path / "run", **Run(comm).parts(), comm=comm))
    assert [k for k, _, _ in found] == [kind] * 3


def test_what_json_cannot_hold_is_the_error_of_all(saved):
    found = every_error(lambda comm: nn.save_checkpoint(saved, extra={1: 2}, comm=comm))
    assert [k for k, _, _ in found] == [TypeError] * 3


def test_an_error_that_cannot_be_sent_goes_as_text():
    class Local(Exception):
        def __init__(self, a, b):
            super().__init__("it failed")

    def program(comm):
        def fail():
            if comm.rank == 1:
                raise Local(1, 2)

        together(comm, fail, lambda _: None)

    found = every_error(program)
    assert [k for k, _, _ in found] == [RuntimeError, Local, RuntimeError]
    assert found[0][1] == "Local: it failed"


def test_facts_of_ranks_that_no_file_has_are_refused(saved, tmp_path):
    facts, arrays = nn.read_checkpoint(saved)
    for forged in (None, 5, {}, [1, 2, 3], [{"generators": 1}] * 3, [{"generators": {}}] * 3):
        nn.checkpoint_file.write_checkpoint(tmp_path / "forged", {**facts, "ranks": forged}, arrays)
        found = every_error(
            lambda comm: nn.load_checkpoint(tmp_path / "forged", **Run(comm).parts(), comm=comm)
        )
        assert [k for k, _, _ in found] == [nn.CheckpointError] * 3, forged
