"""Reads event files of TensorBoard."""

from __future__ import annotations

import struct
from pathlib import Path


def events_of(folder: Path) -> dict[str, dict[int, float]]:
    """The numbers in the event files of a folder, {tag: {step: value}}, without those that are void.

    A record is: its length in 8 bytes, a checksum in 4, that many bytes, another checksum.
    """
    from tensorboardX.proto import event_pb2

    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = event_pb2.Event.FromString(data[at + 12 : at + 12 + length])
            at += 12 + length + 4
            if event.session_log.status == event.session_log.START and event.HasField("session_log"):
                for series in found.values():
                    for step in [step for step in series if step >= event.step]:
                        del series[step]
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found
