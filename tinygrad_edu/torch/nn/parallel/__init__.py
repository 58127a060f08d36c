"""torch.nn.parallel: wrappers for several devices; one process uses one, so that each calls its module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.nn.module import Module


class _Wrapper(Module):
    def __init__(self, module: Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


class DataParallel(_Wrapper):
    """A module by the name `module`: there is one device, which computes the whole batch."""

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__(module)
        self.device_ids = list(device_ids) if device_ids else []
        self.output_device, self.dim = output_device, dim


class DistributedDataParallel(_Wrapper):
    """A module by the name `module`: there is one process, so that no gradients are averaged.

    `te.distributed` trains on several.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        process_group: Any = None,
        bucket_cap_mb: Any = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(module)
        self.device_ids, self.output_device, self.dim = device_ids, output_device, dim
        self.broadcast_buffers, self.find_unused_parameters = broadcast_buffers, find_unused_parameters
        self.process_group, self.require_backward_grad_sync = process_group, True

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Within this context gradients are not synchronised; they never are."""
        yield


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """`module(*inputs)`, on the one device."""
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*given, **(module_kwargs or {}))


__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]
__getattr__ = missing_from("torch.nn.parallel")
