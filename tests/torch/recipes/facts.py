"""What tensors and modules say of themselves, and words that are one thing on a machine without a GPU."""

from __future__ import annotations

import copy
from typing import Any


def _facts_of(name: str) -> Any:
    """An attribute, or what a method without arguments returns, of tensors of any dtype and shape."""

    def recipe(t: Any, d: Any) -> Any:
        value = getattr(d.any(*d.shape()), name)
        return value() if callable(value) else value

    return recipe


FACTS = """dim element_size get_device is_complex is_contiguous is_cpu is_cuda is_floating_point is_leaf
    is_meta is_mkldnn is_mps is_nested is_pinned is_quantized is_shared is_signed is_sparse itemsize
    nbytes ndim ndimension nelement numel requires_grad shape size storage_offset stride tolist dtype
    device layout grad output_nr retains_grad is_inference is_neg is_conj resolve_neg resolve_conj cpu
    double float long int bool byte contiguous is_ipu is_maia is_mtia is_sparse_csr is_vulkan
    is_xla is_xpu share_memory_"""
AVAILABLE = ["is_available", "device_count", "is_initialized"]


def _hook(t: Any, d: Any) -> Any:
    seen: list[Any] = []
    x = d.floats(3)
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.clone()))
    (x * 2).sum().backward()
    return seen


def _module(t: Any) -> Any:
    class Net(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = t.nn.Linear(3, 4)
            self.rest = t.nn.Sequential(t.nn.ReLU(), t.nn.Linear(4, 2), t.nn.BatchNorm1d(2))
            self.register_buffer("steps", t.zeros(1))
            self.register_buffer("hidden", t.ones(2), persistent=False)

        def forward(self, x: Any) -> Any:
            return self.rest(self.first(x))

    return Net()


def _walk(t: Any, d: Any) -> Any:
    net = _module(t)
    return [
        [n for n, _ in net.named_parameters()],
        [n for n, _ in net.named_buffers()],
        [n for n, _ in net.named_modules()],
        [n for n, _ in net.named_children()],
        list(net.state_dict()),
        len(list(net.modules())),
        [tuple(p.shape) for p in net.parameters()],
        [tuple(b.shape) for b in net.buffers()],
        len(list(net.children())),
        tuple(net.get_parameter("rest.1.weight").shape),
        tuple(net.get_buffer("steps").shape),
        type(net.get_submodule("rest.0")).__name__,
        net.first.extra_repr(),
    ]


def _changes(t: Any, d: Any) -> Any:
    net = _module(t)
    seen: list[Any] = [net.training, net.eval().training, net.rest[0].training, net.train().training]
    net.add_module("more", t.nn.Identity())
    net.register_module("again", t.nn.Identity())
    net.set_submodule("rest.0", t.nn.Tanh())
    seen += [[n for n, _ in net.named_children()], type(net.rest[0]).__name__]
    net.double()
    seen.append(str(net.first.weight.dtype))
    net.float()
    net.requires_grad_(False)
    seen.append([p.requires_grad for p in net.parameters()])
    net.requires_grad_()
    net(t.ones(3, 3)).sum().backward()
    seen.append(net.first.weight.grad is not None)
    net.zero_grad()
    seen.append(net.first.weight.grad is None)
    twin = copy.deepcopy(net)
    seen.append([bool((a == b).all()) for a, b in zip(net.parameters(), twin.parameters(), strict=True)])
    seen.append(net.cpu() is net)
    return seen


def _module_hooks(t: Any, d: Any) -> Any:
    seen: list[Any] = []
    layer = t.nn.Linear(2, 2).double()
    layer.register_forward_pre_hook(lambda m, x: seen.append(("before", len(x))))
    layer.register_forward_hook(lambda m, x, y: y * 2)
    layer.register_full_backward_hook(lambda m, gi, go: seen.append(("grad", len(gi), len(go))))
    layer.register_full_backward_pre_hook(lambda m, go: seen.append(("first", len(go))))
    x = d.floats(3, 2)
    layer(x).sum().backward()
    return seen


def _missing_attribute(t: Any, d: Any) -> Any:
    return _module(t).no_such_thing


def _without_forward(t: Any, d: Any) -> Any:
    return t.nn.Module()(d.floats(2))


def _scaler(t: Any, d: Any) -> Any:
    scaler = t.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    x = t.nn.Parameter(t.tensor([1.0, 2.0]))
    optimizer = t.optim.SGD([x], lr=0.1)
    seen = []
    for factor in (1.0, float("inf"), 1.0, 1.0):
        optimizer.zero_grad()
        scaler.scale((x * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        seen.append(scaler.get_scale())
    return [seen, x, scaler.state_dict(), scaler.is_enabled()]


def _close(t: Any, d: Any) -> Any:
    x = d.floats(3)
    t.testing.assert_close(x, x + 1e-12)
    return True


def _not_close(t: Any, d: Any) -> Any:
    x = d.floats(3)
    t.testing.assert_close(x, x + 1)


def _functional_call(t: Any, d: Any) -> Any:
    layer = t.nn.Linear(3, 2).double()
    weight, bias, x = d.floats(2, 3), d.floats(2), d.floats(4, 3)
    return t.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))


RECIPES: dict[str, list[Any]] = (
    {f"Tensor.{name}": [_facts_of(name)] for name in FACTS.split()}
    | {f"torch.cuda.{name}": [lambda t, d, name=name: getattr(t.cuda, name)()] for name in AVAILABLE}
    | {
        "Tensor.register_post_accumulate_grad_hook": [_hook],
        "Tensor.item": [
            lambda t, d: d.any().item(),
            lambda t, d: d.any(1, 1).item(),
            lambda t, d: d.any(2).item(),
        ],
        "Tensor.numpy": [
            lambda t, d: d.any(3).detach().numpy().tolist(),
            lambda t, d: d.floats(3).numpy(),
            lambda t, d: (lambda x: (x.numpy().__setitem__(0, 7), x)[1])(d.ints(3)),
        ],
        "Tensor.detach_": [lambda t, d: (d.floats(3) * 2).detach_()],
        "Tensor.grad_fn": [
            lambda t, d: d.floats(3).grad_fn is None,
            lambda t, d: (d.floats(3) * 2).grad_fn is not None,
        ],
        "Tensor.mH": [lambda t, d: d.any(2, 3).mH, lambda t, d: d.floats(2, 2, 3).mH],
        "Tensor.data_ptr": [lambda t, d: isinstance(d.any(3).data_ptr(), int)],
        "Tensor.is_set_to": [lambda t, d: (lambda x: [x.is_set_to(x), x.is_set_to(x.clone())])(d.any(3))],
        "Tensor.swapaxes_": [
            lambda t, d: d.ints(2, 3).swapaxes_(0, 1),
            lambda t, d: (d.floats(2, 3) * 1).swapaxes_(0, -1),
        ],
        "Tensor.swapdims_": [lambda t, d: d.ints(2, 3).swapdims_(0, 1)],
        "Tensor.triu_": [lambda t, d: d.ints(3, 3).triu_(), lambda t, d: (d.floats(3, 3) * 1).triu_(1)],
        "Tensor.addmm_": [lambda t, d: (d.floats(2, 2) * 1).addmm_(d.floats(2, 3), d.floats(3, 2), beta=0.5)],
        "Tensor.addbmm_": [
            lambda t, d: (d.floats(2, 2) * 1).addbmm_(d.floats(4, 2, 3), d.floats(4, 3, 2), alpha=2)
        ],
        "Tensor.baddbmm_": [
            lambda t, d: (d.floats(4, 2, 2) * 1).baddbmm_(d.floats(4, 2, 3), d.floats(4, 3, 2))
        ],
        "Tensor.addr_": [lambda t, d: (d.floats(2, 3) * 1).addr_(d.floats(2), d.floats(3))],
        "Tensor.index_reduce_": [
            lambda t, d: d.floats(4, grad=False).index_reduce_(
                0, t.tensor([0, 2]), d.floats(2, grad=False), "prod"
            )
        ],
        "Tensor.scatter_reduce_": [
            lambda t, d: d.floats(4, grad=False).scatter_reduce_(
                0, t.tensor([0, 2, 2]), d.floats(3, grad=False), "sum"
            )
        ],
        "Tensor.new_empty_strided": [lambda t, d: d.any(2).new_empty_strided((2, 3), (3, 1)).shape],
        "Tensor.to": [
            lambda t, d: d.any(2).to(t.float64),
            lambda t, d: d.any(2).to("cpu", t.float32),
            lambda t, d: d.any(2).to(d.any(1)),
            lambda t, d: d.any(2).to(dtype=t.int64),
            lambda t, d: (lambda x: x.to(x.dtype) is x)(d.any(2)),
            lambda t, d: (lambda x: x.to(x.dtype, copy=True) is x)(d.any(2)),
            lambda t, d: d.any(2).to("nowhere"),
            lambda t, d: d.any(2).to(device="cpu", non_blocking=True),
        ],
        "torch.resolve_neg": [lambda t, d: [t.resolve_neg(d.any(2)), t.resolve_conj(d.any(2))]],
        "torch.is_neg": [lambda t, d: [t.is_neg(d.any(2)), t.is_conj(d.any(2)), t.is_inference(d.any(2))]],
        "torch.range": [lambda t, d: t.range(0, 3), lambda t, d: t.range(1, 2, 0.5)],
        "torch.split_with_sizes": [lambda t, d: t.split_with_sizes(d.floats(5), [2, 3])],
        "torch.as_strided_": [lambda t, d: t.as_strided_(d.ints(6), (2, 2), (3, 1))],
        "torch.nn.Module": [_walk, _changes, _module_hooks, _missing_attribute, _without_forward],
        "torch.amp.GradScaler": [_scaler],
        "torch.testing.assert_close": [_close, _not_close],
        "torch.testing.make_tensor": [
            lambda t, d: (lambda x: [tuple(x.shape), str(x.dtype), bool((x >= 2).all() and (x < 5).all())])(
                t.testing.make_tensor(2, 3, dtype=d.choose([t.float32, t.int64]), device="cpu", low=2, high=5)
            )
        ],
        "torch.func.functional_call": [_functional_call],
        "torch.func.stack_module_state": [
            lambda t, d: [
                {k: (tuple(v.shape), v.requires_grad) for k, v in part.items()}
                for part in t.func.stack_module_state([t.nn.Linear(2, 3) for _ in range(4)])
            ]
        ],
        "torch.func.grad_and_value": [
            lambda t, d: t.func.grad_and_value(lambda x: (x**3).sum())(d.floats(3, grad=False))
        ],
        "torch.finfo": [
            lambda t, d: [
                getattr(t.finfo(k), n)
                for k in (t.float32, t.float64)
                for n in ("eps", "max", "min", "tiny", "bits")
            ],
            lambda t, d: t.finfo(t.int64),
        ],
        "torch.iinfo": [
            lambda t, d: [
                getattr(t.iinfo(k), n) for k in (t.int32, t.int64, t.uint8) for n in ("max", "min", "bits")
            ],
            lambda t, d: t.iinfo(t.float32),
        ],
        "torch.device": [
            lambda t, d: [str(t.device(n)) for n in ("cpu", "cuda", "cuda:0")],
            lambda t, d: repr(t.device("cuda", 0)),
            lambda t, d: t.device("nowhere"),
            lambda t, d: t.device("cpu") == t.device("cpu"),
            lambda t, d: [t.device("cuda:0").type, t.device("cuda:0").index],
        ],
        "torch.dtype": [
            lambda t, d: [
                str(k)
                for k in (t.float, t.double, t.long, t.int, t.bool, t.uint8, t.half, t.bfloat16, t.int8)
            ],
            lambda t, d: [k.is_floating_point for k in (t.float32, t.int64, t.bool)],
            lambda t, d: [k.itemsize for k in (t.float32, t.int64, t.bool, t.float16)],
            lambda t, d: t.float is t.float32 and t.long is t.int64,
        ],
        "torch.Size": [
            lambda t, d: repr(t.zeros(2, 3).size()),
            lambda t, d: t.Size([2, 3]).numel(),
            lambda t, d: [repr(a + b) for a, b in [((4,), t.Size([2, 3])), (t.Size([2, 3]), (4,))]],
            lambda t, d: [type(t.Size([2, 3])[:1]).__name__, t.Size([2, 3]) == (2, 3)],
        ],
        "torch.pi": [lambda t, d: [t.pi, t.e, t.inf, t.newaxis]],
        "torch.typename": [lambda t, d: t.typename(d.any(2)), lambda t, d: t.typename(3)],
        "torch.is_storage": [lambda t, d: t.is_storage(d.any(2))],
        "Tensor.storage": [
            lambda t, d: d.any(2, 3).storage().tolist(),
            lambda t, d: list(d.any(2, 3)[1].storage()),
            lambda t, d: d.any(2, 3).t().storage()[1],
            lambda t, d: (lambda s: [len(s), s.size(), s.nbytes(), s.element_size()])(
                d.any(4, 2)[0].storage()
            ),
            lambda t, d: str(d.any(2).storage().dtype),
            lambda t, d: (lambda x: x[1:].storage().data_ptr() == x.storage().data_ptr())(d.any(3)),
            lambda t, d: d.any(3).storage()[3],
        ],
        "torch.get_default_dtype": [lambda t, d: t.get_default_dtype()],
        "torch.is_grad_enabled": [lambda t, d: t.is_grad_enabled()],
        "torch.is_inference_mode_enabled": [lambda t, d: t.is_inference_mode_enabled()],
    }
)
