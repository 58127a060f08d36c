"""PyTorch's devices: `torch.device("cuda")`, and which device of the library answers to that name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tinygrad_edu.backend import registry
from tinygrad_edu.errors import wrong

__all__ = ["device", "get_default_device", "set_default_device"]

KNOWN = ("cpu", "cuda", "simulator")
NOT_HERE = ("mps", "xpu", "meta", "hip", "xla", "mkldnn", "vulkan", "privateuseone", "mtia", "ipu", "hpu")
_answers: dict[str, str] = {}  # "cuda": "simulator", where a command runs a GPU's program without a GPU
_default: ContextVar[str] = ContextVar("tinygrad_edu_torch_device", default="cpu")


class device:
    """A place for tensors: `torch.device("cuda", 0)`, `torch.device("cpu")`. Only the first GPU is used.

    As a context manager it is where new tensors are made.
    """

    __slots__ = ("_token", "index", "type")
    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        if isinstance(type, int) and not isinstance(type, bool):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise wrong(TypeError, "device", f"a device is given by its name, not by {type!r:.60}")
        kind, colon, number = type.partition(":")
        if colon:
            if index is not None:
                raise wrong(RuntimeError, "device", f"{type!r} has an index already, {index} was given, too")
            if not number.isdigit():
                raise wrong(RuntimeError, "device", f"Invalid device string: {type!r}")
            index = int(number)
        if kind not in KNOWN and kind not in NOT_HERE:
            raise wrong(
                RuntimeError, "device", f"there is no device {kind!r}", f"the devices are {', '.join(KNOWN)}"
            )
        self.type, self.index = kind, index

    def __enter__(self) -> device:
        self._token = _default.set(here(self))
        return self

    def __exit__(self, *error: Any) -> None:
        _default.reset(self._token)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, *(() if self.index is None else (self.index,)))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"


def here(place: Any) -> str:
    """The library's name of a device of the face: "cpu", "cuda" or "simulator".

    None is the default. Raises RuntimeError for a device that is not here.
    """
    if place is None:
        return _default.get()
    found = place if isinstance(place, device) else device(place)
    if found.type in NOT_HERE:
        raise wrong(
            RuntimeError,
            "device",
            f"the device {found.type!r} is not here",
            "use 'cpu', or 'cuda' with a GPU",
        )
    if found.index:
        raise wrong(RuntimeError, "device", f"{found}: only one GPU is used", "say 'cuda' or 'cuda:0'")
    return _answers.get(found.type, found.type)


def there(name: str) -> device:
    """The face's device of one of the library's."""
    for asked, answering in _answers.items():
        if answering == name:
            return device(asked, 0)
    return device(name) if name == "cpu" else device(name, 0)


def let_answer(asked: str, answering: str) -> None:
    """Let a device of the library answer to another name: the simulator to "cuda"."""
    registry.get(answering)
    _answers[asked] = answering


def set_default_device(place: Any) -> None:
    """Make new tensors on this device unless told otherwise."""
    _default.set(here(place))


def get_default_device() -> device:
    """Where new tensors are made."""
    return there(_default.get())


@contextmanager
def making_on(place: Any) -> Iterator[None]:
    """Within this context new tensors are made on `place`."""
    token = _default.set(here(place))
    try:
        yield
    finally:
        _default.reset(token)
