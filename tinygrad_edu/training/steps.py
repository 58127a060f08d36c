"""A step: from a batch to a loss; and batches, from whatever data a user has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.data import ArrayDataset, DataLoader, DistributedSampler, IterableDataset
from tinygrad_edu.data.dataset import Dataset
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import tensor
from tinygrad_edu.functional.loss_weights import Told, telling
from tinygrad_edu.metrics import Metric
from tinygrad_edu.tensor import Tensor

Step = Callable[[Any, Any], Any]
PARTS = ("loss", "outputs", "targets", "rows")  # of what a step returns; everything else is logged


class Result(NamedTuple):
    """What a step has found.

    loss     a scalar tensor, or None if the step has trained the model itself and gave none
    outputs  what the model returned, and targets, for metrics; None if the step gave none
    rows     how many rows, or whatever the loss is a mean of, the batch has
    numbers  further numbers to log, each a mean over the rows
    weight   what the mean of the loss is divided by, a number or a scalar tensor; 0 if no row counts
    is_sum   whether the loss is a sum, which no weight makes a mean
    is_told  whether the weight is what the loss or the step said, and not just the rows
    doubt    why the weight may be wrong, or ""
    """

    loss: Any
    outputs: Any
    targets: Any
    rows: float
    numbers: dict[str, Any]
    weight: Any = 1.0
    is_sum: bool = False
    is_told: bool = False
    doubt: str = ""


def supervised(loss: Callable[[Any, Any], Any]) -> Step:
    """The step of batches `(x, y)`, or `(x1, x2, ..., y)`: `loss(model(x), y)`."""

    def step(model: Any, batch: Any) -> dict[str, Any]:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            kind = f"{len(batch)} arrays" if isinstance(batch, tuple | list) else f"a {type(batch).__name__}"
            remedy = "pass step=, a function of the model and the batch that returns the loss"
            raise wrong(ValueError, "fit", f"a batch is {kind}, and not (x, y)", remedy)
        *inputs, targets = batch
        outputs = model(*inputs)
        found = loss(outputs, targets)
        found = dict(found) if isinstance(found, Mapping) else {"loss": found}
        return {"outputs": outputs, "targets": targets, **found}

    return step


def measured(step: Step, model: Any, batch: Any, *, needs_loss: bool) -> Result:
    """What a step finds on a batch, with the weight that its loss tells."""
    with telling() as losses:
        found = step(model, batch)
    return result_of(found, batch, needs_loss, losses)


def result_of(found: Any, batch: Any, needs_loss: bool, losses: Iterable[Told] = ()) -> Result:
    """What a step has returned: a loss, or a dict with "loss", "outputs", "targets", "rows" and numbers.

    needs_loss  whether the loss is differentiated. Raises TypeError or ValueError if it cannot be
    losses      what the losses that were computed have told: one of them may be the step's
    """
    if not isinstance(found, Mapping):
        found = {} if found is None and not needs_loss else {"loss": found}
    numbers = {name: value for name, value in found.items() if name not in PARTS}
    loss, rows = found.get("loss"), found.get("rows")
    if needs_loss and (not isinstance(loss, Tensor) or loss.size != 1):
        problem = (
            f"{getattr(loss, 'shape', loss)!r:.60} as its loss"
            if loss is not None
            else "a dict without 'loss'"
            if found and "loss" not in found
            else "None"
        )
        raise wrong(TypeError, "fit", f"step returned {problem}",
                    "return a scalar tensor, or {'loss': tensor, ...}")  # fmt: skip
    for name, value in numbers.items():
        if not _is_number(value):
            what = f"of shape {value.shape}" if hasattr(value, "shape") else f"{value!r:.60}"
            raise wrong(TypeError, "fit", f"step returned {name!r} {what}, and what is logged is one number",
                        'return its mean; what metrics judge is "outputs" and "targets"')  # fmt: skip
    count = rows_of(batch) if rows is None else float(rows)
    if count is None or not 0 <= count < float("inf") or (count == 0 and rows is None):
        raise wrong(ValueError, "fit", f"the batch has {count if rows is None else rows} rows",
                    "return {'loss': ..., 'rows': how many the loss is a mean of}")  # fmt: skip
    result = Result(loss, found.get("outputs"), found.get("targets"), count, numbers, count)
    if rows is not None or loss is None:
        return result._replace(is_told=rows is not None)
    own = next((one for one in losses if one.loss is loss), None)
    if own is not None and own.kind != "none":
        is_sum = own.kind == "sum"
        return result._replace(weight=1.0 if is_sum else own.weight, is_sum=is_sum, is_told=True)
    return result._replace(doubt=_doubt(losses))


def _doubt(losses: Iterable[Told]) -> str:
    """Why batches are perhaps not joined as one large batch; "" if there is no reason."""
    kinds = {one.kind for one in losses}
    if not kinds:
        return ""
    what = "a sum" if kinds == {"sum"} else "a loss with ignore_index= or weight="
    return (
        f"fit: the loss is made of {what}, and not that loss itself, so batches are joined by their rows; "
        "say what its mean is divided by: a step, or a loss, can return {'loss': ..., 'rows': that number}"
    )


def _is_number(value: Any) -> bool:
    """Whether it is a number, or a tensor or array of one."""
    if isinstance(value, np.ndarray | Tensor):
        return value.size == 1 and np.dtype(value.dtype).kind in "biuf"
    return isinstance(value, bool | int | float | np.number) or hasattr(value, "__float__")


def number_of(value: Any) -> float:
    """A Python number, or a tensor or array of one."""
    return float(value.item() if hasattr(value, "item") else value)


def rows_of(batch: Any) -> int | None:
    """The length of the first array of a batch; None if there is no array with rows."""
    if getattr(batch, "ndim", 0):
        return len(batch)
    inside = batch.values() if isinstance(batch, Mapping) else batch
    if isinstance(batch, list) and batch and all(isinstance(item, str | bytes) for item in batch):
        return len(batch)
    if isinstance(inside, Iterable) and not isinstance(inside, str | bytes) and not hasattr(batch, "shape"):
        return next((rows for item in inside if (rows := rows_of(item)) is not None), None)
    return None


def loader_of(data: Any, what: str, batch_size: int, shuffle: bool, seed: int, comm: Any) -> Any:
    """A loader for whatever `fit` takes as data: a loader, an iterable of batches, a dataset, or arrays.

    A tuple or list of arrays, of any length, is arrays that share their rows; of a tuple that has lists of
    numbers, too. A list of rows looks like one of batches, and is refused.

    Raises TypeError for anything else, and ValueError for a loader that is not this rank's.
    """
    shard = (0, 1) if comm is None else (comm.rank, comm.size)
    if isinstance(data, np.ndarray | Tensor):
        data = (data,)
    if _are_arrays(data):
        data = ArrayDataset(*map(_as_array, data))
    _refuse_rows(data, what)
    if isinstance(data, IterableDataset) and comm is not None:
        raise wrong(ValueError, "fit", f"{what} is a stream, and each rank would read all of it",
                    "give a loader of this rank's part")  # fmt: skip
    if isinstance(data, IterableDataset):
        return DataLoader(data, batch_size)
    if isinstance(data, Dataset) and not hasattr(data, "__iter__"):
        return DataLoader(data, batch_size, shuffle=shuffle, seed=seed, shard=shard)
    if isinstance(data, Tensor) or not isinstance(data, Iterable) or isinstance(data, str | Mapping):
        raise wrong(TypeError, "fit", f"{what} is a {type(data).__name__}",
                    "give a DataLoader, a dataset, or arrays (x, y)")  # fmt: skip
    own = shard  # what is not the library's loader, or has a sampler, is the user's to share
    if isinstance(data, DataLoader) and data.sampler is None and data.batch_sampler is None:
        own = (data.rank, data.size)
    if what == "data" and comm is not None and own != shard:
        raise wrong(ValueError, "fit", f"the loader is that of rank {own[0]} of {own[1]}, this is rank "
                    f"{shard[0]} of {shard[1]}", "make it with shard=(comm.rank, comm.size)")  # fmt: skip
    return data


def is_shared(loader: Any) -> bool:
    """Whether each rank of a job has its own part of the data."""
    return getattr(loader, "size", 1) > 1 or isinstance(getattr(loader, "sampler", None), DistributedSampler)


def length_of(loader: Any) -> int | None:
    """The batches of an epoch, if the loader knows."""
    try:
        return len(loader)
    except TypeError:
        return None


def metrics_of(metrics: Any) -> dict[str, Metric]:
    """The metrics by their names. Raises TypeError for what is none, ValueError for a name given twice."""
    if isinstance(metrics, Metric):
        metrics = [metrics]
    named = (
        metrics.items() if isinstance(metrics, Mapping) else [(getattr(m, "name", ""), m) for m in metrics]
    )
    found: dict[str, Metric] = {}
    for name, metric in named:
        if not isinstance(metric, Metric):
            remedy = "give objects such as metrics.Accuracy(); a function is metrics.Mean(function)"
            raise wrong(TypeError, "fit", f"{metric!r:.60} is no metric", remedy)
        if name in found or name == "loss" or not isinstance(name, str) or not name:
            raise wrong(ValueError, "fit", f"a metric is named {name!r}, which is taken or no name",
                        "give {'name': metric, ...}")  # fmt: skip
        found[name] = metric
    return found


def _is_array(part: Any) -> bool:
    return isinstance(part, np.ndarray | Tensor) and part.ndim > 0


def _are_arrays(data: Any) -> bool:
    """Whether data is arrays that share their rows: (x, y), (x,), [x], or lists of numbers in a tuple."""
    if not isinstance(data, tuple | list) or not data:
        return False
    sure = isinstance(data, tuple) or any(map(_is_array, data))
    return sure and all(_is_array(part) or _has_numbers(part) for part in data)


def _has_numbers(part: Any) -> bool:
    """Whether it is a list of numbers, or of such lists, as `x.tolist()` makes it."""
    while isinstance(part, list) and part:
        part = part[0]
        if isinstance(part, bool | int | float | np.number):
            return True
    return False


def _as_array(part: Any) -> Any:
    return (
        part
        if isinstance(part, np.ndarray)
        else tensor(part).numpy()
        if isinstance(part, list)
        else (part.detach().numpy())
    )


def _refuse_rows(data: Any, what: str) -> None:
    """Raise TypeError for a list of rows, or of lists of numbers: the first item says that it is no batch."""
    if not isinstance(data, tuple | list) or not data:
        return
    first = data[0]
    parts = (
        first
        if isinstance(first, tuple | list)
        else list(first.values())
        if isinstance(first, Mapping)
        else []
    )
    sizes = {len(part) for part in parts if _is_array(part)}
    single = any(
        isinstance(part, bool | int | float | np.number) or not np.ndim(part)
        for part in parts
        if isinstance(part, bool | int | float | np.number | np.ndarray | Tensor)
    )
    if len(sizes) > 1 or single:
        raise wrong(
            TypeError,
            "fit",
            f"{what} is a {type(data).__name__} of rows, not of batches: in the first item "
            f"{'a single number stands' if single else f'arrays of {sorted(sizes)} rows stand'}",
            "give data.DataLoader(rows, batch_size, shuffle=True), or the arrays themselves, (x, y)",
        )
