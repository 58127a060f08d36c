"""The workers of `tinygrad-edu train`: their options, and how their ranks are started and stopped.

Under MPI the command starts itself again in each rank, as `launch` starts a script, and `main` is what runs
there. Ctrl-C reaches only the process that the user has started: it leaves a file, which rank 0 looks for.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tinygrad_edu import files
from tinygrad_edu.cli.arguments import UsageError, as_usage
from tinygrad_edu.data.source import STANDARD_INPUT
from tinygrad_edu.training import job
from tinygrad_edu.training.predictor import read_run

FOLDER = "TINYGRAD_EDU_TRAIN"  # the variable with the folder of these two files
STOP, CODE = "stop", "code"
LONG = 86400.0  # seconds that a rank waits for another: rank 0 may read and draw meanwhile


class JobOptions(NamedTuple):
    """The options of a job; `workers` is 0 for a process alone."""

    workers: int = 0
    scheme: str = "all-reduce"
    staleness: int | None = 0
    backups: int = 0

    @property
    def ranks(self) -> int:
        """How many ranks the job has: a parameter server is one, too."""
        return max(self.workers, 1) + (self.scheme == "parameter-server")

    def notes(self) -> dict[str, Any]:
        """What a checkpoint keeps, so that --resume starts as many workers."""
        return {} if self.ranks == 1 else {"job": self._asdict()}

    def of_trainer(self) -> dict[str, Any]:
        """The arguments of a Trainer."""
        return {"scheme": self.scheme, "staleness": self.staleness, "backups": self.backups}


def options(asked: argparse.Namespace, checkpoint: Path) -> JobOptions:
    """The options that are given; for the others, those of the run that is resumed. Checks them."""
    names = ("workers", "scheme", "staleness", "backups")
    given = {name: getattr(asked, name) for name in names if getattr(asked, name) is not None}
    if given.get("staleness") == "none":
        given["staleness"] = None
    saved: dict[str, Any] = _saved(checkpoint) if asked.resume and asked.folds is None else {}
    if "scheme" in given and given["scheme"] != saved.get("scheme"):
        saved = {name: value for name, value in saved.items() if name == "workers"}
    found = JobOptions(**{**saved, **given})
    if not found.workers:
        extra = [name for name in (*given, *(["cluster"] if asked.cluster else [])) if name != "workers"]
        if extra:
            raise UsageError(f"--{extra[0]} is of a job; say how many work in it, with --workers")
        return found
    try:
        job.check(*found[1:], found.ranks)
    except ValueError as error:
        raise as_usage(error) from None
    return found


def _saved(checkpoint: Path) -> dict[str, Any]:
    """The options of the job that wrote a checkpoint; {} if it was a process alone."""
    noted = read_run(checkpoint)[0]["extra"]["notes"].get("job")
    if not isinstance(noted, dict) or noted.keys() != set(JobOptions._fields):
        return {}
    kinds = {"workers": int, "scheme": str, "staleness": int | None, "backups": int}
    return noted if all(isinstance(noted[name], kind) for name, kind in kinds.items()) else {}


def cluster_of_threads(ranks: int) -> Any:
    """Ranks that are threads of this process."""
    from tinygrad_edu.distributed import ThreadCluster

    return ThreadCluster(ranks, timeout=LONG)


# -- processes under MPI -----------------------------------------------------------------------------------


def launch(asked: argparse.Namespace, options: JobOptions) -> int:
    """Start the ranks under MPI, and wait for their end; returns the exit code of the command."""
    from tinygrad_edu.cli import launch

    if asked.data == STANDARD_INPUT:
        raise UsageError(
            "standard input does not reach the ranks of MPI; give the name of a file, or --cluster threads"
        )
    if "TINYGRAD_EDU_JOB" in os.environ:
        raise UsageError("this is a rank of a job already; leave out `launch`: --workers starts the ranks")
    words = {name: value for name, value in vars(asked).items() if name != "run"}
    with tempfile.TemporaryDirectory(prefix="tinygrad-edu-") as name:
        folder = Path(name)
        job = argparse.Namespace(
            words=["tinygrad_edu.cli.workers", json.dumps([words, options])], module=True, shrink=False,
            ranks=options.ranks, hosts=None, timeout=None, mpiexec=None, agent=None,
            env=[f"{FOLDER}={folder}", "TINYGRAD_EDU_PLAIN=1"],
        )  # fmt: skip
        stops = 0

        def stop(number: int, frame: Any) -> None:
            nonlocal stops
            stops += 1
            if stops > 1:
                raise KeyboardInterrupt
            (folder / STOP).touch()

        before = signal.signal(signal.SIGINT, stop)
        try:
            code = launch.run(job)
        except UsageError as error:
            raise UsageError(f"{error}; or let threads work, with --cluster threads") from None
        finally:
            signal.signal(signal.SIGINT, before)
        noted = folder / CODE
        return int(noted.read_text()) if code == 0 and noted.exists() else code


def main(text: str) -> int:
    """What runs in each rank under MPI; returns the exit code of its process."""
    from tinygrad_edu.cli import execute, is_input, train
    from tinygrad_edu.distributed.mpi import MPICluster

    words, options = json.loads(text)
    folder = Path(os.environ[FOLDER])
    asked = argparse.Namespace(**words)

    def program(comm: Any) -> int:
        def run(asked: argparse.Namespace) -> int:
            return train.run_rank(comm, asked, JobOptions(*options), (folder / STOP).exists)

        if comm.rank:
            try:  # rank 0 says what the user has to change; all ranks have the same error
                return run(asked)
            except Exception as error:
                if not is_input(error):
                    raise
                return 0
        return execute(asked, run)

    code = int(MPICluster().run(program)[0])  # that of rank 0, on every rank
    if not folder.is_dir():
        return code  # on another machine than the one that reads the file
    files.write(folder / CODE, str(code))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
