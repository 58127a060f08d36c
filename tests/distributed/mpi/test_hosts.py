"""Two hosts made of network namespaces train one model: messages between them go over a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid

import numpy as np
import pytest

from tests.distributed.mpi.jobs import Started, is_open_mpi, launch, needs_mpi

ADDRESSES = ("10.77.41.1", "10.77.41.2")
# What mpiexec calls in place of ssh: AGENT [OPTIONS] HOST COMMAND. A host is named by its address.
AGENT = """#!/bin/sh
while [ "${{1#-}}" != "$1" ]; do shift; done
host=$1
shift
echo "$host" >> {log}
exec ip netns exec "{prefix}$host" unshare --uts sh -c "hostname $host; $*"
"""


def _run(*words):
    subprocess.run(words, check=True, capture_output=True, text=True)


def _why_not():
    """Why namespaces cannot be made here; "" if they can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "network namespaces need root: run it as root"
    if not (shutil.which("ip") and shutil.which("unshare")):
        return "network namespaces need the programs ip and unshare: apt install iproute2 util-linux"
    name = f"t{uuid.uuid4().hex[:8]}"
    try:
        _run("ip", "netns", "add", name)
        _run("ip", "netns", "exec", name, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip()
        return f"this machine allows no network namespaces ({why}): run it in a container with --privileged"
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return ""


@pytest.fixture
def hosts(tmp_path):
    """(the agent, its log, the words that run a command on the first host)."""
    if reason := _why_not():
        pytest.skip(reason)
    prefix = f"t{uuid.uuid4().hex[:6]}-"
    spaces = [prefix + address for address in ADDRESSES]
    try:
        for space in spaces:
            _run("ip", "netns", "add", space)
            _run("ip", "-n", space, "link", "set", "lo", "up")
        _run("ip", "link", "add", "eth7", "netns", spaces[0], "type", "veth",
             "peer", "name", "eth7", "netns", spaces[1])  # fmt: skip
        for space, address in zip(spaces, ADDRESSES):
            _run("ip", "-n", space, "addr", "add", f"{address}/24", "dev", "eth7")
            _run("ip", "-n", space, "link", "set", "eth7", "up")
        log, agent = tmp_path / "log", tmp_path / "agent"
        agent.write_text(AGENT.format(log=log, prefix=prefix))
        agent.chmod(0o755)
        first = ("ip", "netns", "exec", spaces[0], "unshare", "--uts", "sh", "-c",
                 f'hostname {ADDRESSES[0]}; exec "$@"', "sh")  # fmt: skip
        yield agent, log, first
    finally:
        for space in spaces:
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


@needs_mpi
def test_two_hosts_train_one_model(hosts, tmp_path):
    agent, log, first = hosts
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    words = ("-m", "tests.distributed.mpi.programs", "resumed")
    job = Started("--hosts", ",".join(ADDRESSES), "--agent", agent, "--timeout", 30, *words, two, -1,
                  before=first).end(90)  # fmt: skip
    assert job.code == 0, job.out + job.err
    assert ADDRESSES[1] in log.read_text()
    assert not job.left
    alone = launch("-n", 2, *words, one, -1)
    assert alone.code == 0, alone.err
    for rank in (0, 1):
        with np.load(one / f"rank{rank}.npz") as here, np.load(two / f"rank{rank}.npz") as there:
            assert all(here[name].tobytes() == there[name].tobytes() for name in here.files)


@needs_mpi
@pytest.mark.long
def test_a_rank_that_dies_on_another_host_ends_the_job(hosts):
    agent, _, first = hosts
    job = Started("--hosts", ",".join(ADDRESSES), "--agent", agent, "-m", "tests.distributed.mpi.programs",
                  "fault", "dies", before=first).end(90)  # fmt: skip
    assert not job.left
    if is_open_mpi():  # a rank that sees its connection close ends the job before the launcher knows why
        assert job.code != 0
        assert f"Peer host:  {ADDRESSES[1]}" in job.err
    else:
        assert job.code == 137, job.out + job.err
        assert f"on {ADDRESSES[1]}) was killed by signal 9" in job.err
