"""torch.utils.tensorboard: SummaryWriter, which writes logs for TensorBoard by tensorboardX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.training.tensorboard import summary_writer

__all__ = ["SummaryWriter"]


class SummaryWriter:
    """Logs for TensorBoard: `writer.add_scalar("loss", loss, step)`, and its other `add_*`.

    log_dir       the folder; by default `runs/` with the time and the computer, and `comment` at its end
    purge_step    the step from which on older numbers in the folder are forgotten
    flush_secs    how often what is waiting is written; max_queue: how many may wait

    It needs `pip install tensorboardX`, and raises ImportError without.
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        folder = None if log_dir is None else str(log_dir)
        self.inner = summary_writer(
            folder,
            comment=comment,
            purge_step=purge_step,
            max_queue=max_queue,
            flush_secs=flush_secs,
            filename_suffix=filename_suffix,
        )
        self.log_dir = self.inner.logdir

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not name.startswith("add_"):
            raise AttributeError(f"SummaryWriter has no {name!r}")
        add = getattr(self.inner, name)

        def added(*args: Any, **named: Any) -> Any:
            return add(*map(_array, args), **{key: _array(value) for key, value in named.items()})

        return added

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """A drawing of the model; not here, since it is traced by PyTorch itself."""
        raise wrong(
            RuntimeError,
            "add_graph",
            "graphs for TensorBoard are traced by PyTorch",
            "te.viz.graph(loss) draws the graph of a computation",
        )

    def get_logdir(self) -> str:
        """The folder of the logs."""
        return str(self.log_dir)

    def flush(self) -> None:
        """Write what is waiting."""
        self.inner.flush()

    def close(self) -> None:
        """Write what is waiting, and close the files."""
        self.inner.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def _array(value: Any) -> Any:
    """A value with NumPy's arrays, and numbers, in place of tensors."""
    if isinstance(value, Tensor):
        found = value.detach().cpu().numpy()
        return found.item() if not found.shape else np.array(found)
    if isinstance(value, dict):
        return {key: _array(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_array(one) for one in value)
    return value


__getattr__ = missing_from("torch.utils.tensorboard")
