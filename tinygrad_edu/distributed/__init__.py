"""Floor 7: many machines. One program, written against `Comm`, runs in threads, under MPI, and simulated.

`run(program, ranks=4)` calls `program(comm)` on each rank. `DataParallel(model, comm)` averages gradients
over the ranks by all-reduce; a `ParameterServer` keeps the parameters on rank 0 and takes gradients from
workers, synchronously, with a bound on their staleness, or as they come.
"""

from tinygrad_edu.distributed.cluster import Cluster as Cluster
from tinygrad_edu.distributed.cluster import run as run
from tinygrad_edu.distributed.comm import Comm as Comm
from tinygrad_edu.distributed.compute import ComputeModel as ComputeModel
from tinygrad_edu.distributed.compute import constant as constant
from tinygrad_edu.distributed.compute import exponential as exponential
from tinygrad_edu.distributed.compute import pauses as pauses
from tinygrad_edu.distributed.compute import slow_rank as slow_rank
from tinygrad_edu.distributed.data_parallel import DataParallel as DataParallel
from tinygrad_edu.distributed.fault import DistributedError as DistributedError
from tinygrad_edu.distributed.fault import RankFailed as RankFailed
from tinygrad_edu.distributed.mpi import MPICluster as MPICluster
from tinygrad_edu.distributed.network import Network as Network
from tinygrad_edu.distributed.parameter_server import ParameterServer as ParameterServer
from tinygrad_edu.distributed.parameter_server import Report as Report
from tinygrad_edu.distributed.simulated import SimulatedCluster as SimulatedCluster
from tinygrad_edu.distributed.sync import check_in_sync as check_in_sync
from tinygrad_edu.distributed.sync import split_streams as split_streams
from tinygrad_edu.distributed.threads import ThreadCluster as ThreadCluster
from tinygrad_edu.distributed.timeline import Span as Span
from tinygrad_edu.distributed.work import Work as Work
from tinygrad_edu.words import missing_from

__all__ = [
    "Cluster",
    "Comm",
    "ComputeModel",
    "DataParallel",
    "DistributedError",
    "MPICluster",
    "Network",
    "ParameterServer",
    "RankFailed",
    "Report",
    "SimulatedCluster",
    "Span",
    "ThreadCluster",
    "Work",
    "check_in_sync",
    "constant",
    "exponential",
    "pauses",
    "run",
    "slow_rank",
    "split_streams",
]

__getattr__ = missing_from(__name__)
