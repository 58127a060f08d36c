"""Lion and Rprop: rules that use the signs of gradients, and not their sizes.

    Lion      w' = (1 - lr weight_decay) w - lr sign(beta1 m + (1 - beta1) g)
              m' = beta2 m + (1 - beta2) g
    Rprop     e' = e * eta, limited to step_sizes          w' = w - e' sign(g)
              eta = etas[1] where g h > 0, etas[0] where g h < 0, and 1 where g h = 0
              h' = g, but where g h < 0 both h' and the step are 0

where h is the last gradient and e the size of a coordinate's step, at first lr. Rprop needs gradients of all
examples, because the sign of a batch's gradient is often wrong.

Sources: Chen, Liang, Huang and others, "Symbolic discovery of optimization algorithms", arXiv 2302.06675;
Riedmiller, Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm", 1993.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.ops.elementwise import maximum, minimum, sign
from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.rule import Numbers


class Lion(Optimizer):
    """Evolved sign momentum: every coordinate moves by lr, and the state is half of Adam's.

    lr is best 3 to 10 times smaller, and weight_decay as many times larger, than AdamW's. betas, in [0, 1),
    are the decay rates of the mean in the step, and of the mean that is kept.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings)

    def check(self, group: Group) -> None:
        super().check(group)
        self._check_betas(group)

    def memory(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg",)

    def numbers(self, group: Group, step: int) -> Numbers:
        (beta1, beta2), lr = group["betas"], group["lr"]
        return lr, beta1, 1.0 - beta1, beta2, 1.0 - beta2, 1.0 - lr * group["weight_decay"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        lr, beta1, new1, beta2, new2, decay = numbers
        if group["weight_decay"]:
            p = p * decay
        (m,) = state
        return p - sign(m * beta1 + g * new1) * lr, m * beta2 + g * new2


class Rprop(Optimizer):
    """Resilient backpropagation: a step size of its own for each coordinate; it has no weight decay.

    etas        the factors of a step size where the gradient changes its sign, in (0, 1), and where it does
                not, > 1
    step_sizes  the smallest and the largest step
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize})

    def check(self, group: Group) -> None:
        super().check(group)
        smaller, larger = self._pair(group, "etas")
        least, most = self._pair(group, "step_sizes")
        for name, pair in (("etas", (smaller, larger)), ("step_sizes", (least, most))):
            numbers = (self._number(f"{name}[{i}]", x, math.inf, "be a finite number >= 0")
                       for i, x in enumerate(pair))  # fmt: skip
            group[name] = tuple(numbers)
        if not 0.0 < smaller < 1.0 < larger:
            raise wrong(ValueError, "Rprop", f"etas={group['etas']} must be in (0, 1), and > 1")
        if least > most:
            raise wrong(ValueError, "Rprop", f"step_sizes={group['step_sizes']} must be the smallest first")

    def memory(self, group: Group) -> tuple[str, ...]:
        return "prev", "step_size"

    def start(self, group: Group) -> Numbers:
        return 0.0, group["lr"]

    def numbers(self, group: Group, step: int) -> Numbers:
        return *group["etas"], *group["step_sizes"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        smaller, larger, least, most = numbers
        agreement = sign(g * state[0])
        kept = minimum(agreement, 0.0) + 1.0  # 0 where the sign changed
        size = state[1] * maximum(agreement * larger, 1.0) * maximum(kept, smaller)
        size = minimum(maximum(size, least), most)
        g = g * kept
        return p - sign(g) * size, g, size
