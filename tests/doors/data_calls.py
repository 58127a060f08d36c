"""Calls of samplers, transforms, streams and what else a DataLoader is given. calls.py imports this file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import data
from tinygrad_edu.data import rows

_ROWS = data.ArrayDataset(np.arange(6), np.arange(6) % 2)
_IMAGES = np.arange(96.0).reshape(2, 3, 4, 4) / 96


def drawn(sampler: Any, *given: Any) -> Any:
    """A call that returns the order of a sampler, of the numbers that are passed to it."""
    return lambda **k: list(sampler(*given, **k))


class _Stream(data.IterableDataset):
    def __iter__(self) -> Any:
        return iter(range(9))


def streamed(kind: Any, text: str) -> Any:
    """A call that returns the items of a file of that text, read by `kind`."""

    def call(**numbers: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rows.csv")
            path.write_text(text)
            stream = kind(path, **numbers)
            return [stream.decode(item) for item in stream]

    return call


def _in_loader(**numbers: Any) -> Any:
    with rows.fetching(rows.Rows(2, np.array([3]), np.array([0]))):
        return data.sample_generator(**numbers).random()


# fmt: off
def calls(call: Any) -> dict[str, Any]:
    """Those of `data`; `call` makes one."""
    return {
        "RandomCrop": call(lambda **k: data.RandomCrop(**{"size": 2, **k})(_IMAGES), numbers={
            "size": 3, "padding": 1, "fill": 0.5, "seed": 3}),
        "RandomHorizontalFlip": call(lambda **k: data.RandomHorizontalFlip(**k)(_IMAGES), numbers={
            "p": 1, "seed": 3}),
        "RandomVerticalFlip": call(lambda **k: data.RandomVerticalFlip(**k)(_IMAGES), numbers={
            "p": 1, "seed": 3}),
        "ColorJitter": call(lambda **k: data.ColorJitter(**k)(_IMAGES), numbers={
            "brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "seed": 3}),
        "Resize": call(lambda size=2: data.Resize(size)(_IMAGES), numbers={"size": (3, 2)}),
        "BatchSampler": call(
            lambda **k: list(data.BatchSampler(range(9), **{"batch_size": 2, **k})), numbers={
            "batch_size": 4, "drop_last": True}),
        "RandomSampler": call(drawn(data.RandomSampler, _ROWS), numbers={
            "replacement": True, "num_samples": 4, "seed": 3}),
        "SubsetRandomSampler": call(drawn(data.SubsetRandomSampler, [4, 2, 1]), numbers={"seed": 3}),
        "WeightedRandomSampler": call(
            lambda **k: list(data.WeightedRandomSampler([1.0, 2.0, 3.0], **{"num_samples": 2, **k})),
            numbers={
                "num_samples": 3, "replacement": False, "seed": 3}),
        "DistributedSampler": call(
            lambda **k: list(data.DistributedSampler(_ROWS, **{"num_replicas": 4, "rank": 1, **k})), numbers={
                "num_replicas": 3, "rank": 2, "shuffle": False, "seed": 3, "drop_last": True}),
        "ShuffleBuffer": call(
            lambda size=3, **k: list(data.ShuffleBuffer(_Stream(), size, **k)), numbers={
            "size": 4, "seed": 3}),
        "CSVRows": call(streamed(data.CSVRows, "1,2,3\n4,5,6\n"), numbers={
            "label": 0, "columns": (1, 2), "header": True}),
        "TextLines": call(streamed(data.TextLines, "a\n\nb\n"), numbers={"skip_empty": True}),
        "PadCollate": call(lambda **k: data.PadCollate(**k)([([1.0, 2.0],), ([3.0],)]), numbers={
            "padding_value": 0.5, "lengths": False}),
        "pad_sequence": call(data.pad_sequence, lambda: ([np.ones(2), np.ones(3)],), {
            "batch_first": True, "padding_value": 0.5}),
        "random_split": call(
            lambda lengths=(3, 3), **k: [s.indices for s in data.random_split(_ROWS, lengths, **k)],
            numbers={"lengths": (2, 4), "seed": 3}),
        "sample_generator": call(_in_loader, numbers={"seed": 3}),
        "WordTokenizer": call(lambda **k: data.WordTokenizer.learn("A b a B", **k).tokens, numbers={
            "lower": True}),
    }
# fmt: on
