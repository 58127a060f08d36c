"""AdaptiveLogSoftmaxWithLoss: a softmax of very many classes, whose rare ones are in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import faced, torch_function
from tinygrad_edu.torch.nn import functional as F
from tinygrad_edu.torch.nn.containers import ModuleList, Sequential
from tinygrad_edu.torch.nn.linear import Linear
from tinygrad_edu.torch.nn.module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    output: Any
    loss: Any


@torch_function
def _joined(head: Any, tails: Any, shortlist: int) -> Any:
    """Log-probabilities of all classes: those of the frequent ones, then each cluster's plus its members'."""
    parts = [head[:, :shortlist]]
    for i, tail in enumerate(tails):
        parts.append(tail + te.expand_dims(head[:, shortlist + i], 1))
    return te.concat(parts, 1)


class AdaptiveLogSoftmaxWithLoss(Module):
    """(N, in_features) and classes (N,) -> the log-probabilities of the classes (N,), and the mean of -them.

    Source: Grave, Joulin, Cisse, Grangier, Jegou, "Efficient softmax approximation for GPUs", ICML 2017.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        ends = list(cutoffs)
        if not ends:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            ends != sorted(set(ends)) or min(ends) <= 0 or max(ends) > n_classes - 1
            or any(int(c) != c for c in ends)
        ):  # fmt: skip
            raise ValueError(
                f"cutoffs={ends} should be unique integers in increasing order, from 1 to {n_classes - 1}"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*ends, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        placed = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **placed)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            inner = int(in_features // (div_value ** (i + 1)))
            out = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, inner, bias=False, **placed), Linear(inner, out, bias=False, **placed)
                )
            )

    def reset_parameters(self) -> None:
        """Draw all weights again."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def log_prob(self, input: Any) -> Any:
        """The log-probabilities of all classes: (N, n_classes)."""
        head = F.log_softmax(self.head(input), 1)
        tails = [F.log_softmax(cluster(input), 1) for cluster in self.tail]
        return _joined(head, tails, self.shortlist_size)

    def forward(self, input_: Any, target_: Any) -> Any:
        """(log-probabilities of the classes, loss)."""
        single = input_.dim() == 1
        x, target = (input_[None], target_[None]) if single else (input_, target_)
        if target_.dim() != (0 if single else 1) or x.shape[0] != target.shape[0]:
            raise wrong(
                RuntimeError,
                "AdaptiveLogSoftmaxWithLoss",
                "Input and target should have the same size in the batch dimension.",
            )
        classes = target.inner.numpy()
        if classes.size and not (classes.min() >= 0 and classes.max() < self.n_classes):
            raise wrong(
                RuntimeError,
                "AdaptiveLogSoftmaxWithLoss",
                f"Target values should be in [0, {self.n_classes - 1}], but they are in [{classes.min()}, "
                f"{classes.max()}]",
            )
        output = -F.nll_loss(self.log_prob(x), target, reduction="none")
        loss = faced(-te.mean(output.inner))
        return _ASMoutput(output[0] if single else output, loss)

    def predict(self, input: Any) -> Any:
        """The most probable classes: (N,)."""
        return faced(te.argmax(self.log_prob(input).inner, 1))
