"""A job that runs until it is interrupted."""

import time

from tinygrad_edu import distributed


def endless(comm):
    comm.barrier()
    if comm.rank == 0:
        print("runs", flush=True)
    while True:
        time.sleep(0.01)
        comm.barrier()


if __name__ == "__main__":
    distributed.run(endless, cluster="mpi")
