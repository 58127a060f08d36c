"""torch.nn.Module: what its methods return and do, side by side; and classes that others stand on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.torch.recipes.nn_layers import filled, layer

Recipe = Callable[[Any, Any], Any]


def net(t: Any) -> Any:
    """A model with all kinds of members, one module twice, and a shared parameter."""

    class Net(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = t.nn.Linear(3, 4)
            self.norm = t.nn.BatchNorm1d(4)
            self.again = self.first
            self.w = t.nn.Parameter(t.ones(4))
            self.register_buffer("kept", t.zeros(2))
            self.register_buffer("lost", t.zeros(2), persistent=False)
            self.register_parameter("none", None)
            self.layers = t.nn.ModuleList([t.nn.Linear(4, 3), t.nn.Dropout(0.0)])

        def forward(self, x: Any) -> Any:
            x = self.norm(self.first(x)) * self.w
            for part in self.layers:
                x = part(x)
            return x

    return Net()


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


def _error(call: Callable[[], Any]) -> str:
    """The type of an error, by name, that is one of Python's on both sides."""
    try:
        call()
    except Exception as error:
        return next(k.__name__ for k in type(error).__mro__ if k.__module__ == "builtins")
    return "none"


def _names(t: Any, d: Any) -> Any:
    m = net(t)
    return [
        names(m.named_parameters()), names(m.named_parameters("p")), names(m.named_parameters(recurse=False)),
        names(m.named_parameters(remove_duplicate=False)), names(m.named_buffers()), names(m.named_modules()),
        names(m.named_modules(remove_duplicate=False)), names(m.named_children()), len(list(m.children())),
        len(list(m.modules())), len(list(m.parameters())), len(list(m.buffers())), list(m.state_dict()),
        list(m.state_dict(prefix="a.")), list(m.state_dict()._metadata), m.state_dict()._metadata["norm"],
    ]  # fmt: skip


def _registering(t: Any, d: Any) -> Any:
    m, p = t.nn.Module(), t.nn.Parameter(t.ones(2))
    calls = [
        lambda: m.register_parameter("a", p),
        lambda: m.register_parameter("a.b", p),
        lambda: m.register_parameter("", p),
        lambda: m.register_parameter(1, p),
        lambda: m.register_parameter("b", t.ones(2)),
        lambda: m.register_parameter("c", p * 2),
        lambda: m.register_parameter("forward", p),
        lambda: m.register_buffer("a", t.ones(2)),
        lambda: m.register_buffer("d", 3),
        lambda: m.register_buffer("d", None),
        lambda: m.register_buffer("x.y", t.ones(1)),
        lambda: m.add_module("e", t.nn.ReLU()),
        lambda: m.add_module("e", 3),
        lambda: m.add_module("a", t.nn.ReLU()),
        lambda: m.register_module("f", None),
        lambda: setattr(m, "a", t.ones(2)),
        lambda: setattr(m, "e", 2),
        lambda: setattr(m, "d", "text"),
        lambda: setattr(m, "a", None),
        lambda: setattr(m, "e", None),
        lambda: delattr(m, "zzz"),
        lambda: m.zzz,
        lambda: m.get_parameter("q"),
        lambda: m.get_submodule("q.r"),
        lambda: m.get_buffer("e"),
        lambda: m(1),
        lambda: m.load_state_dict({"x": 1}),
        lambda: m.load_state_dict(3),
        lambda: m.train("on"),
        lambda: m.to(t.int64),
        lambda: m.to("nowhere"),
    ]
    return [*[_error(call) for call in calls], list(m._parameters), list(m._buffers), list(m._modules)]


def _moving(t: Any, d: Any) -> Any:
    m = net(t)
    found = [m.double() is m, str(m.w.dtype), str(m.norm.num_batches_tracked.dtype), str(m.kept.dtype)]
    m.to(t.float32)
    found += [str(m.w.dtype), m.cpu() is m, str(m.to("cpu").w.device), str(m.to(t.ones(1).double()).w.dtype)]
    found += [str(m.type(t.float32).w.dtype), str(m.float().kept.dtype), m.share_memory() is m]
    found += [str(m.to_empty(device="cpu").w.shape), m.to(device="cpu", dtype=t.float64) is m]
    return found


def _training(t: Any, d: Any) -> Any:
    m = net(t).double()
    filled(t, d, m)
    d.leaves.clear()
    m(d.floats(4, 3, grad=False)).sum().backward()
    grads = [p.grad for p in m.parameters()]
    seen: list[str] = []
    m.apply(lambda x: seen.append(type(x).__name__))
    m.eval()
    modes = [x.training for x in m.modules()]
    m.layers.train()
    modes += [x.training for x in m.modules()]
    m.zero_grad(set_to_none=False)
    zeros = [p.grad for p in m.parameters()]
    m.zero_grad()
    gone = [p.grad is None for p in m.parameters()]
    m.requires_grad_(False)
    return [grads, seen, modes, zeros, gone, [p.requires_grad for p in m.parameters()], repr(m)]


def _loading(t: Any, d: Any) -> Any:
    m = net(t)
    state = m.state_dict()
    found = [str(m.load_state_dict(state))]
    part = {k: v for k, v in state.items() if not k.startswith("norm")}
    part["extra"] = t.ones(1)
    keys = m.load_state_dict(part, strict=False)
    found += [keys.missing_keys, keys.unexpected_keys, _error(lambda: m.load_state_dict(part))]
    part = {**state, "w": t.ones(5)}
    found += [_error(lambda: m.load_state_dict(part)), _error(lambda: m.load_state_dict(part, strict=False))]
    m.load_state_dict({**state, "w": t.full((4,), 3.0)}, assign=True)
    return [*found, m.w.detach(), m.w.requires_grad, m.state_dict(keep_vars=True)["w"] is m.w]


def _hooks(t: Any, d: Any) -> Any:
    m, calls = t.nn.Linear(3, 2).double(), []
    filled(t, d, m)
    d.leaves.clear()
    handles = [
        m.register_forward_pre_hook(lambda m, args: calls.append("pre")),
        m.register_forward_pre_hook(lambda m, args, kwargs: ((args[0] * 2,), kwargs), with_kwargs=True),
        m.register_forward_pre_hook(lambda m, args: calls.append("first"), prepend=True),
        m.register_forward_hook(lambda m, args, out: out * 3),
        m.register_forward_hook(lambda m, args, kwargs, out: calls.append(str(kwargs)), with_kwargs=True),
        m.register_full_backward_pre_hook(lambda m, out: (out[0] * 2,)),
        m.register_full_backward_hook(
            lambda m, into, out: calls.append(str([x.shape for x in (*into, *out)]))
        ),
        m.register_full_backward_hook(lambda m, into, out: (into[0] + 1,)),
    ]
    x = d.floats(4, 3)
    d.leaves.clear()
    out = m(x)
    out.sum().backward()
    for handle in handles:
        handle.remove()
    return [out.detach(), x.grad, m.weight.grad, calls, m(x).detach()]


def _state_hooks(t: Any, d: Any) -> Any:
    m, calls = t.nn.Linear(3, 2), []
    m.register_state_dict_pre_hook(lambda m, prefix, keep: calls.append((prefix, keep)))
    m.register_state_dict_post_hook(lambda m, state, prefix, local: calls.append(list(state)))
    m.register_load_state_dict_pre_hook(lambda m, state, prefix, *more: state.update(bias=state["bias"] * 0))
    m.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    state = m.state_dict()
    m.load_state_dict(state)
    found = [calls, m.bias.detach()]
    del state["weight"]
    return [*found, str(m.load_state_dict(state))]


def _paths(t: Any, d: Any) -> Any:
    m = net(t)
    m.set_submodule("layers.1", t.nn.Tanh())
    return [
        m.get_submodule("layers.0") is m.layers[0],
        m.get_parameter("layers.0.bias").shape,
        repr(m.layers),
        m.get_buffer("norm.running_mean").shape,
        m.get_submodule("") is m,
    ]


def _extra(t: Any, d: Any) -> Any:
    class Counted(t.nn.Module):
        def get_extra_state(self) -> Any:
            return {"count": 3}

        def set_extra_state(self, state: Any) -> None:
            self.count = state["count"]

        def extra_repr(self) -> str:
            return "one\ntwo"

    m = Counted()
    state = m.state_dict()
    m.load_state_dict(state)
    return [list(state), m.count, repr(m), repr(t.nn.Sequential(m))]


def _buffer(t: Any, d: Any) -> Any:
    m = t.nn.Module()
    m.a, m.b = t.nn.Buffer(t.ones(2)), t.nn.Buffer(t.ones(3), persistent=False)
    return [names(m.named_buffers()), list(m.state_dict()), isinstance(m.a, t.Tensor), m.a.requires_grad]


def _sync(t: Any, d: Any) -> Any:
    m = t.nn.SyncBatchNorm.convert_sync_batchnorm(t.nn.Sequential(t.nn.Linear(3, 4), t.nn.BatchNorm1d(4)))
    return [repr(m), list(m.state_dict())]


def _lazy_tensors(t: Any, d: Any) -> Any:
    p, b = t.nn.UninitializedParameter(), t.nn.UninitializedBuffer()
    p.materialize((2, 3))
    b.materialize((4,))
    return [
        p.shape,
        b.shape,
        p.requires_grad,
        b.requires_grad,
        isinstance(p, t.nn.Parameter),
        type(p).__name__,
    ]


def _transferred(t: Any, d: Any) -> Any:
    P, one, other = t.nn.utils.parametrize, t.nn.Linear(3, 2), t.nn.Linear(3, 2)

    class Half(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return x / 2

    P.register_parametrization(one, "weight", Half())
    P.transfer_parametrizations_and_params(one, other)
    return [P.is_parametrized(other, "weight"), bool((one.weight == other.weight).all()),
            P.type_before_parametrizations(other).__name__, type(other).__name__,
            repr(one.parametrizations.weight)]  # fmt: skip


def _spectral_removed(t: Any, d: Any) -> Any:
    m = t.nn.utils.spectral_norm(t.nn.Linear(3, 2))
    during = list(m.state_dict())
    t.nn.utils.remove_spectral_norm(m)
    return [during, list(m.state_dict()), m.weight.requires_grad]


def _bag(t: Any, d: Any) -> Any:
    F = t.nn.functional
    return [
        F.embedding_bag(d.ints(2, 3, low=0, high=5), d.floats(5, 3), mode=d.choose(["sum", "mean", "max"])),
        F.embedding_bag(d.ints(4, low=0, high=5), d.floats(5, 3), t.tensor([0, 3, 3]), padding_idx=1),
    ]


METHODS: dict[str, list[Recipe]] = {
    "named_parameters": [_names],
    "register_parameter": [_registering],
    "to": [_moving],
    "train": [_training],
    "load_state_dict": [_loading],
    "register_forward_hook": [_hooks],
    "register_state_dict_pre_hook": [_state_hooks],
    "get_submodule": [_paths],
    "get_extra_state": [_extra],
}
RECIPES: dict[str, list[Any]] = {f"torch.nn.Module.{name}": recipes for name, recipes in METHODS.items()}
RECIPES |= {
    "torch.nn.Buffer": [_buffer],
    "torch.nn.SyncBatchNorm": [_sync, layer("SyncBatchNorm", (4, 3), args=(3,), random=True)],
    "torch.nn.UninitializedParameter": [_lazy_tensors],
    "torch.nn.utils.parametrize.transfer_parametrizations_and_params": [_transferred],
    "torch.nn.utils.remove_spectral_norm": [_spectral_removed],
    "torch.nn.functional.embedding_bag": [
        _bag,
        lambda t, d: t.nn.functional.embedding_bag(d.ints(3, low=0, high=5), d.floats(5, 3)),
        lambda t, d: t.nn.functional.embedding_bag(
            d.ints(3, 2, low=0, high=5), d.floats(5, 3), t.tensor([0])
        ),
        lambda t, d: t.nn.functional.embedding_bag(d.ints(3, 2, low=0, high=5), d.floats(5, 3), mode="min"),
    ],
    "torch.nn.functional.native_channel_shuffle": [
        lambda t, d: t.nn.functional.native_channel_shuffle(d.floats(2, 6, 2, grad=False), 3)
    ],
    "torch.nn.utils.convert_conv2d_weight_memory_format": [
        lambda t, d: repr(
            t.nn.utils.convert_conv2d_weight_memory_format(t.nn.Conv2d(1, 2, 3), t.channels_last)
        )
    ],
    "torch.nn.modules.utils": [
        lambda t, d: [
            t.nn.modules.utils._pair(2),
            t.nn.modules.utils._triple((1, 2, 3)),
            isinstance(t.nn.BatchNorm2d(2), t.nn.modules.batchnorm._BatchNorm),
            isinstance(t.nn.MSELoss(), t.nn.modules.loss._Loss),
            isinstance(t.nn.Conv2d(1, 1, 1), t.nn.modules.conv._ConvNd),
            t.nn.modules.module._IncompatibleKeys([], []).missing_keys,
        ]
    ],
}
