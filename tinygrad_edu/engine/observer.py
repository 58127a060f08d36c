"""The events that observers are notified of: ops applied, nodes of backward, memory written, numbers read."""

from __future__ import annotations

from typing import Any, ClassVar


class Observer:
    """The base of a profiler, a tape or a detector of NaNs. Each method does nothing until it is overridden.

    An observer that sets `every_op` sees a training step op by op. For it, gradient rules, sums of gradients,
    optimizers and changes in place are computed by ops, and each calls `applied`. The results are then copied
    to their memory, which calls `wrote`. The numbers are the same, but it takes longer. Numbers are read only
    where the program asks for them, and each such read calls `read`.
    """

    every_op: ClassVar[bool] = False

    def applied(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], result: Any, node: Any, seconds: float
    ) -> None:
        """An op ran: `inputs` as given, `result` the new Storage, `node` the recorded node, or None."""

    def pulled(self, node: Any, g: Any, grads: list[Any], seconds: float) -> None:
        """Backward passed a node: from its gradient `g`, the rules computed `grads` (one per parent: an
        array, a Value or None)."""

    def writing(self, memory: Any) -> None:
        """A Storage that owns its memory is about to be changed in place."""

    def wrote(self, target: Any, source: Any, name: str, seconds: float) -> None:
        """The Storage `target`, which may be a view, was changed in place by the function `name`.

        source   the Storage whose numbers, broadcast and cast, it has now; None if no op made them. Under
                 `every_op` it is None only for numbers from outside, and for `x[key] = value` with a key
                 that no view can have
        """

    def read(self, storage: Any, name: str) -> None:
        """The numbers of a Storage were read by `name`, such as `item` or `if`."""
