"""torch.distributed: a job of one process. Its collectives are those of one rank.

A program that is started alone finds that it is rank 0 of 1. For several processes the library has
`tinygrad_edu.distributed`, on MPI; a job that asks here for more than one rank is an error that says so.
"""

from __future__ import annotations

import os
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.words import missing_from

_group: list[str] = []  # the name of the back end, while a group is made


class ReduceOp:
    """What a reduction does."""

    SUM, PRODUCT, MIN, MAX, AVG, BAND, BOR, BXOR = (
        "sum",
        "product",
        "min",
        "max",
        "avg",
        "band",
        "bor",
        "bxor",
    )


class _Work:
    """A collective that is done already."""

    def wait(self, timeout: Any = None) -> bool:
        return True

    def is_completed(self) -> bool:
        return True


def is_available() -> bool:
    """Whether there are process groups: yes, of one process."""
    return True


def is_initialized() -> bool:
    """Whether `init_process_group` was called."""
    return bool(_group)


def init_process_group(
    backend: Any = None,
    init_method: Any = None,
    timeout: Any = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Make the group of this one process. RuntimeError for more than one."""
    size = world_size if world_size > 0 else int(os.environ.get("WORLD_SIZE", "1"))
    if size != 1:
        raise wrong(
            RuntimeError, "init_process_group", f"a group of {size} processes was asked for, and here is one",
            "use tinygrad_edu.distributed with `tinygrad-edu launch`, which has the same collectives on MPI",
        )  # fmt: skip
    if _group:
        raise wrong(ValueError, "init_process_group", "trying to initialize the default process group twice!")
    _group.append(str(backend or "gloo"))


def destroy_process_group(group: Any = None) -> None:
    """Forget the group."""
    _group.clear()


def _check() -> None:
    if not _group:
        raise wrong(
            ValueError, "torch.distributed",
            "Default process group has not been initialized, please make sure to call init_process_group.",
        )  # fmt: skip


def get_rank(group: Any = None) -> int:
    """This process's number: 0."""
    _check()
    return 0


def get_world_size(group: Any = None) -> int:
    """How many processes there are: 1."""
    _check()
    return 1


def get_backend(group: Any = None) -> str:
    """The name that the group was made with."""
    _check()
    return _group[0]


def _alone(tensor: Any, async_op: bool = False) -> Any:
    _check()
    return _Work() if async_op else None


def all_reduce(tensor: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False) -> Any:
    """The sum over one process: the tensor stays as it is."""
    return _alone(tensor, async_op)


def broadcast(
    tensor: Any, src: int | None = None, group: Any = None, async_op: bool = False, **rest: Any
) -> Any:
    """From process 0 to itself: the tensor stays as it is."""
    return _alone(tensor, async_op)


def reduce(tensor: Any, dst: int | None = None, op: Any = ReduceOp.SUM, group: Any = None,
           async_op: bool = False, **rest: Any) -> Any:  # fmt: skip
    """The sum over one process: the tensor stays as it is."""
    return _alone(tensor, async_op)


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Any:
    """Wait for all processes: there is one."""
    return _alone(None, async_op)


def all_gather(tensor_list: list[Any], tensor: Any, group: Any = None, async_op: bool = False) -> Any:
    """The tensors of all processes: of this one."""
    tensor_list[0].copy_(tensor)
    return _alone(tensor, async_op)


def gather(tensor: Any, gather_list: list[Any] | None = None, dst: int | None = None, group: Any = None,
           async_op: bool = False, **rest: Any) -> Any:  # fmt: skip
    """The tensors of all processes at one: of this one."""
    if gather_list:
        gather_list[0].copy_(tensor)
    return _alone(tensor, async_op)


def scatter(tensor: Any, scatter_list: list[Any] | None = None, src: int | None = None, group: Any = None,
            async_op: bool = False, **rest: Any) -> Any:  # fmt: skip
    """To each process its tensor: to this one the first."""
    if scatter_list:
        tensor.copy_(scatter_list[0])
    return _alone(tensor, async_op)


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """The objects of all processes: of this one."""
    _check()
    object_list[0] = obj


def broadcast_object_list(
    object_list: list[Any], src: int | None = None, group: Any = None, device: Any = None, **rest: Any
) -> None:
    """From process 0 to itself: the objects stay as they are."""
    _check()


def new_group(ranks: Any = None, timeout: Any = None, backend: Any = None, **options: Any) -> Any:
    """A group of some of the processes: of this one."""
    _check()
    return object()


def is_nccl_available() -> bool:
    """Whether NCCL is here: no."""
    return False


def is_gloo_available() -> bool:
    """Whether groups on the cpu are here: of one process, yes."""
    return True


is_mpi_available = is_torchelastic_launched = is_nccl_available
__getattr__ = missing_from("torch.distributed")
