"""The times of PyTorch and CuPy for the case of a ladder, on the same GPU and in the same process.

Each is imported only if it is installed. Both use the primary context of the device, as this library does.
"""

from __future__ import annotations

import importlib
import importlib.util
import statistics
from collections.abc import Callable
from typing import Any

WARM, REPEATS = 3, 20
Work = Callable[[], Any]


def times(family: str, arrays: tuple[Any, ...]) -> dict[str, float]:
    """{peer: ms}, the median of `REPEATS`; also "PyTorch TF32" for a family that has a tensor-core rung.

    It is empty if no peer has a function for the family, or no peer is installed.
    """
    found: dict[str, float] = {}
    if importlib.util.find_spec("torch"):
        found |= _torch(family, arrays)
    if importlib.util.find_spec("cupy"):
        found |= _cupy(family, arrays)
    return found


def _median(
    work: Work, event: Callable[[], Any], wait: Callable[[Any], Any], between: Callable[[Any, Any], float]
) -> float:
    for _ in range(WARM):
        work()
    spent = []
    for _ in range(REPEATS):
        start = event()
        work()
        stop = event()
        wait(stop)
        spent.append(float(between(start, stop)))
    return statistics.median(spent)


def _torch(family: str, arrays: tuple[Any, ...]) -> dict[str, float]:
    torch = importlib.import_module("torch")
    nn = torch.nn.functional
    xs = [torch.from_numpy(a).cuda() for a in arrays]
    work: dict[str, Work] = {
        "elementwise": lambda: xs[0] * xs[1],
        "copy": lambda: xs[0].T.contiguous(),
        "reduce": lambda: xs[0].sum(1),
        "scan": lambda: xs[0].cumsum(1),
        "softmax": lambda: xs[0].softmax(1),
        "norm": lambda: nn.layer_norm(xs[0], xs[0].shape[1:]),
        "gather": lambda: xs[0][xs[1]],
        "sort": lambda: xs[0].argsort(stable=True),
        "matmul": lambda: xs[0] @ xs[1],
        "convolution": lambda: nn.conv2d(xs[0], xs[1], padding=1),
        "pooling": lambda: nn.max_pool2d(xs[0][:, None], 2),
        "random": lambda: torch.rand(1 << 26, device="cuda"),
    }
    if family == "cross_entropy":
        logits = xs[0].requires_grad_()
        loss = nn.cross_entropy(logits, xs[1])
        work[family] = lambda: torch.autograd.grad(loss, logits, retain_graph=True)
    elif family == "optim":
        weight = xs[0].requires_grad_()
        weight.grad = xs[1]
        work[family] = torch.optim.Adam([weight], fused=True).step
    elif family == "scatter":
        out = torch.zeros(int(xs[1].max()) + 1, xs[0].shape[1], device="cuda")
        work[family] = lambda: out.index_add_(0, xs[1], xs[0])
    if family not in work:
        return {}

    def event() -> Any:
        made = torch.cuda.Event(enable_timing=True)
        made.record()
        return made

    def spent(tf32: bool) -> float:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        return _median(work[family], event, lambda e: e.synchronize(), lambda a, b: a.elapsed_time(b))

    found = {"PyTorch": spent(False)}
    if family == "matmul":
        found["PyTorch TF32"] = spent(True)
    return found


def _cupy(family: str, arrays: tuple[Any, ...]) -> dict[str, float]:
    cupy = importlib.import_module("cupy")
    xs = [cupy.asarray(a) for a in arrays]
    work: dict[str, Work] = {
        "elementwise": lambda: xs[0] * xs[1],
        "copy": lambda: cupy.ascontiguousarray(xs[0].T),
        "reduce": lambda: xs[0].sum(1),
        "scan": lambda: xs[0].cumsum(1),
        "gather": lambda: xs[0][xs[1]],
        "sort": lambda: xs[0].argsort(),
        "matmul": lambda: xs[0] @ xs[1],
        "random": lambda: cupy.random.random(1 << 26, dtype=cupy.float32),
    }
    if family not in work:
        return {}

    def event() -> Any:
        made = cupy.cuda.Event()
        made.record()
        return made

    spent = _median(work[family], event, lambda e: e.synchronize(), cupy.cuda.get_elapsed_time)
    return {"CuPy": spent}
