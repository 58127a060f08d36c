"""Programs that do with their input, their output and their processes what Python's streams do not see."""

from __future__ import annotations

import os
import subprocess
import sys

from tinygrad_edu import distributed


def output(comm):
    """Lines that an MPI could have written, or the launcher's own rank; the last one of stderr has no end."""
    if comm.rank == 0:
        os.write(1, f"\n====\n{'-' * 70}\n\x1e{{}}\n=   note\n\rbar\né\n".encode())
        os.write(1, b"line\n" * 5000)
    comm.barrier()
    os.write(2, b"no end")


def reads(comm):
    """Input, of which there is none."""
    try:
        input()
    except EOFError:
        print("no input")


def leaves_a_child(comm):
    """A process that goes on for longer than the job, and keeps its output open."""
    subprocess.Popen(["sleep", "60"])


def leaves(comm):
    """The process of rank 1 ends without a word."""
    comm.barrier()
    if comm.rank == 1:
        os._exit(3)
    comm.barrier()


def talks(comm):
    """More output than any reader wants."""
    while True:
        print("line")


if __name__ == "__main__":
    distributed.run(globals()[sys.argv[1]], cluster="mpi")
