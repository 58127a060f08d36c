"""torch.optim: ten steps of each optimizer, with groups and all of its settings, and its saved state."""

from __future__ import annotations

import copy
import importlib
import io
import pickle
from collections.abc import Callable
from typing import Any


def leaves(t: Any, d: Any, dtype: str = "float64", shapes: Any = ((3, 2), (), (4,))) -> list[Any]:
    """Parameters, and targets that they are drawn to."""
    return [d.floats(*shape, dtype=dtype, grad=False).requires_grad_() for shape in shapes]


def loss_of(t: Any, params: list[Any]) -> Any:
    """A sum with a gradient of its own for each parameter."""
    total = 0.0
    for i, p in enumerate(params):
        total = total + ((p - 0.3 * i) ** 2 * (i + 1.0) + (p * 2.0).sin()).sum()
    return total


def walk(t: Any, params: list[Any], optimizer: Any, steps: int = 10, change: Any = None) -> list[Any]:
    """Parameters and state after some steps; a parameter has no gradient in the third one."""
    for step in range(steps):
        optimizer.zero_grad()
        loss_of(t, params).backward()
        if step == 2:
            params[-1].grad = None
        if change is not None:
            change(optimizer, step)
        optimizer.step()
    return [*(p.detach() for p in params), optimizer.state_dict()]


def trained(name: str, dtype: str = "float64", **settings: Any) -> Callable[..., Any]:
    """A recipe: ten steps with these settings."""

    def recipe(t: Any, d: Any) -> Any:
        params = leaves(t, d, dtype, ((3, 2), (2, 4), (1, 3)) if name == "Muon" else ((3, 2), (), (4,)))
        return walk(t, params, getattr(t.optim, name)(params, **settings))

    recipe.tolerance = 0.02 if name == "Muon" else 1e-6  # type: ignore[attr-defined] # bfloat16 in PyTorch
    return recipe


def grouped(name: str, **settings: Any) -> Callable[..., Any]:
    """A recipe: two groups with rates of their own, a third one later, and a rate that a program changes."""

    def recipe(t: Any, d: Any) -> Any:
        params = leaves(t, d)
        optimizer = getattr(t.optim, name)(
            [{"params": params[:1], "lr": 0.02}, {"params": params[1]}], **settings
        )

        def change(optimizer: Any, step: int) -> None:
            if step == 4:
                optimizer.add_param_group({"params": [params[2]], "weight_decay": 0.3})
            optimizer.param_groups[0]["lr"] *= 0.9

        return walk(t, params, optimizer, change=change)

    recipe.tolerance = 1e-6  # type: ignore[attr-defined]
    return recipe


def resumed(name: str, how: str, **settings: Any) -> Callable[..., Any]:
    """A recipe: three steps, the state into a new optimizer, three more."""

    def recipe(t: Any, d: Any) -> Any:
        params = leaves(t, d)
        first = getattr(t.optim, name)(params, **settings)
        walk(t, params, first, 3)
        second = getattr(t.optim, name)(params, lr=7.0)
        if how == "pickle":
            saved = first.state_dict()
            rows = {
                k: {n: v.numpy() if hasattr(v, "numpy") else v for n, v in row.items()}
                for k, row in saved["state"].items()
            }
            rows = pickle.loads(pickle.dumps(rows))
            back = {
                k: {n: t.from_numpy(v) if hasattr(v, "dtype") else v for n, v in row.items()}
                for k, row in rows.items()
            }
            second.load_state_dict({"state": back, "param_groups": saved["param_groups"]})
        else:
            second.load_state_dict(copy.deepcopy(first.state_dict()))
        return walk(t, params, second, 3)

    recipe.tolerance = 1e-6  # type: ignore[attr-defined]
    return recipe


def refused(name: str, **settings: Any) -> Callable[..., Any]:
    """A recipe: a setting that raises."""
    return lambda t, d: getattr(t.optim, name)(leaves(t, d), **settings)


VARIANTS: dict[str, list[dict[str, Any]]] = {
    "SGD": [{}, {"lr": 0.05, "momentum": 0.9}, {"lr": 0.1, "foreach": True},
            {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "maximize": True},
            {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}],
    "ASGD": [{}, {"lr": 0.1, "lambd": 0.2, "alpha": 0.6, "t0": 3}, {"lr": 0.1, "weight_decay": 0.1, "t0": 0,
                                                                  "maximize": True}],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (0.01, 0.3)}, {"lr": 0.03, "maximize": True}],
    "Muon": [{}, {"lr": 0.05, "nesterov": False, "ns_steps": 3},
             {"lr": 0.05, "adjust_lr_fn": "match_rms_adamw", "weight_decay": 0.0}],
    "Adam": [{}, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3},
             {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1},
             {"lr": 0.1, "maximize": True}, {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True},
             {"lr": 0.1, "capturable": False, "fused": None, "foreach": False}],
    "AdamW": [{}, {"lr": 0.1, "weight_decay": 0.3}, {"lr": 0.1, "amsgrad": True, "maximize": True}],
    "Adamax": [{}, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-2, "weight_decay": 0.1}, {"maximize": True}],
    "NAdam": [{}, {"lr": 0.1, "momentum_decay": 0.1, "weight_decay": 0.1},
              {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}],
    "RAdam": [{}, {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1},
              {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RMSprop": [{}, {"lr": 0.05, "alpha": 0.8, "momentum": 0.5}, {"lr": 0.05, "centered": True},
                {"lr": 0.05, "centered": True, "momentum": 0.5, "weight_decay": 0.1, "maximize": True}],
    "Adagrad": [{}, {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5}, {"lr": 0.1,
                "weight_decay": 0.1, "maximize": True}],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1}, {"maximize": True}],
}  # fmt: skip
REFUSED: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        {"lr": -1.0},
        {"momentum": -0.1},
        {"nesterov": True},
        {"lr": 0.1, "fused": True, "foreach": True},
    ],
    "ASGD": [{"lr": -1.0}, {"weight_decay": -1}],
    "Rprop": [{"etas": (1.5, 2.0)}],
    "Muon": [{}, {"lr": -1.0}, {"adjust_lr_fn": "other"}],
    "Adam": [{"betas": (1.0, 0.9)}, {"eps": -1.0}, {"lr": float("nan")}],
    "AdamW": [{"betas": (0.9, -0.1)}],
    "Adamax": [{"eps": -1.0}],
    "NAdam": [{"momentum_decay": -1.0}],
    "RAdam": [{"betas": (0.9, 1.0)}],
    "RMSprop": [{"alpha": -0.1}, {"momentum": -1}],
    "Adagrad": [{"lr_decay": -1}, {"initial_accumulator_value": -1}],
    "Adadelta": [{"rho": 1.5}],
}
RECIPES: dict[str, list[Any]] = {
    f"torch.optim.{name}": [
        *(trained(name, **settings) for settings in several),
        trained(name, "float32", **several[-1]),
        *(
            []
            if name == "Muon"
            else [resumed(name, "copy", **several[1]), resumed(name, "pickle", **several[1])]
        ),
        *([] if name in ("Muon", "Rprop") else [grouped(name)]),
        *(refused(name, **settings) for settings in REFUSED[name]),
    ]
    for name, several in VARIANTS.items()
}


def closed(t: Any, d: Any, dtype: str = "float64", **settings: Any) -> Any:
    """Steps of LBFGS, saved and resumed between the third and the fourth."""
    params = leaves(t, d, dtype)
    optimizer = t.optim.LBFGS(params, **settings)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = loss_of(t, params)
        loss.backward()
        return loss

    losses = [float(optimizer.step(closure)) for _ in range(3)]
    state = optimizer.state_dict()
    optimizer = t.optim.LBFGS(params, **settings)
    optimizer.load_state_dict(state)
    losses += [float(optimizer.step(closure))]
    saved = optimizer.state_dict()
    row = saved["state"][0]
    kept = {key: row[key] for key in sorted(row) if key in ("func_evals", "n_iter", "d", "prev_flat_grad")}
    kept["t"] = float(row["t"])
    return (
        [p.detach() for p in params],
        losses,
        kept,
        sorted(row),
        len(row.get("ro", [])),
        saved["param_groups"],
    )


class Momentum:
    """A program's own optimizer, as tutorials write one; `made` derives it from torch's base."""

    @staticmethod
    def made(t: Any) -> Any:
        class Own(t.optim.Optimizer):
            def __init__(self, params: Any, lr: float = 0.1, beta: float = 0.9) -> None:
                super().__init__(params, {"lr": lr, "beta": beta})

            @t.no_grad()
            def step(self, closure: Any = None) -> Any:
                loss = None
                if closure is not None:
                    with t.enable_grad():
                        loss = closure()
                for group in self.param_groups:
                    for p in group["params"]:
                        if p.grad is None:
                            continue
                        state = self.state[p]
                        if len(state) == 0:
                            state["step"] = 0
                            state["velocity"] = t.zeros_like(p.data)
                        state["step"] += 1
                        state["velocity"].mul_(group["beta"]).add_(p.grad.data)
                        p.data.add_(state["velocity"], alpha=-group["lr"])
                return loss

        return Own


def own(t: Any, d: Any) -> Any:
    params = leaves(t, d)
    optimizer = Momentum.made(t)(params, lr=0.05)
    calls: list[Any] = []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: calls.append(("pre", len(args))))
    optimizer.register_step_post_hook(lambda o, args, kwargs: calls.append(("post", o is optimizer)))
    found = walk(t, params, optimizer, 3)
    before.remove()
    loss = optimizer.step(lambda: loss_of(t, params))
    again = copy.deepcopy(optimizer.state_dict())
    other = Momentum.made(t)(params)
    other.load_state_dict(again)
    text = repr(optimizer)
    return found, calls, float(loss), other.state_dict(), text


def hooks(t: Any, d: Any) -> Any:
    params = leaves(t, d)
    optimizer = t.optim.Adam(params)
    calls: list[str] = []
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("before"))
    optimizer.register_state_dict_post_hook(lambda o, s: {**s, "more": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, s: {k: s[k] for k in ("state", "param_groups")})
    optimizer.register_load_state_dict_post_hook(lambda o: calls.append("loaded"))
    found = walk(t, params, optimizer, 2)
    optimizer.load_state_dict(found[-1])
    return found, calls, repr(optimizer)


def named(t: Any, d: Any) -> Any:
    params = leaves(t, d)
    optimizer = t.optim.SGD([(f"p{i}", p) for i, p in enumerate(params)], lr=0.1)
    return walk(t, params, optimizer, 2)


def tensor_rate(t: Any, d: Any) -> Any:
    params = leaves(t, d)
    optimizer = t.optim.Adam(params, lr=t.tensor(0.05))
    found = walk(t, params, optimizer, 3)
    return found[:-1], optimizer.param_groups[0]["lr"]


def replaced(t: Any, d: Any) -> Any:
    """Memory of parameters and state that a program replaces between steps."""
    params = leaves(t, d)
    optimizer = t.optim.Adam(params, lr=0.1, weight_decay=0.1)

    def change(optimizer: Any, step: int) -> None:
        if step == 3:
            params[0].data = params[0].data * 0.5
            optimizer.state[params[1]]["exp_avg"] = optimizer.state[params[1]]["exp_avg"] * 0.0
            optimizer.state[params[2]]["exp_avg_sq"].mul_(2.0)
            optimizer.state[params[0]]["step"].add_(5.0)
            optimizer.param_groups[0]["betas"] = (0.5, 0.9)

    return walk(t, params, optimizer, 6, change)


def frozen(t: Any, d: Any) -> Any:
    params = leaves(t, d)
    optimizer = t.optim.SGD(params, lr=0.1, momentum=0.9)
    walk(t, params, optimizer, 2)
    params[0].requires_grad_(False)
    optimizer.zero_grad(set_to_none=False)
    zeros = [None if p.grad is None else p.grad.clone() for p in params]
    params[1].grad = t.ones_like(params[1])
    optimizer.step()
    return [p.detach() for p in params], zeros


def through_a_file(t: Any, d: Any) -> Any:
    params = leaves(t, d)
    optimizer = t.optim.AdamW(params, lr=0.1)
    walk(t, params, optimizer, 3)
    file = io.BytesIO()
    t.save({"optimizer": optimizer.state_dict(), "epoch": 3}, file)
    file.seek(0)
    saved = t.load(file)
    second = t.optim.AdamW(params)
    second.load_state_dict(saved["optimizer"])
    return walk(t, params, second, 3), saved["epoch"]


def misfits(position: int) -> Callable[..., Any]:
    def recipe(t: Any, d: Any) -> Any:
        params = leaves(t, d)
        sgd = t.optim.SGD
        made: list[Callable[[], Any]] = [
            lambda: sgd([]),
            lambda: sgd(params[0]),
            lambda: sgd([1.0]),
            lambda: sgd([params[0] * 2]),
            lambda: sgd([{"params": params[:1]}, {"params": params[:1]}]),
            lambda: sgd([{"params": set(params)}]),
            lambda: sgd(params).add_param_group([params[0]]),
            lambda: sgd(params).load_state_dict(sgd(params[:1]).state_dict()),
            lambda: sgd(params).load_state_dict(
                sgd([{"params": params[:1]}, {"params": params[1:]}]).state_dict()
            ),
            lambda: t.optim.LBFGS([{"params": params[:1]}, {"params": params[1:]}]),
            lambda: t.optim.Optimizer(
                [{"params": params}],
                {"lr": importlib.import_module(f"{t.__name__}.optim.optimizer").required},
            ),
        ]
        return made[position]()

    return recipe


for _recipe in (tensor_rate, replaced):  # PyTorch computes with a rate, and a count, of float32
    _recipe.tolerance = 1e-6  # type: ignore[attr-defined]
RECIPES |= {
    "torch.optim.LBFGS": [
        lambda t, d: closed(t, d, lr=0.1, max_iter=4),
        lambda t, d: closed(t, d, lr=1, max_iter=6, history_size=3, line_search_fn="strong_wolfe"),
        lambda t, d: closed(t, d, "float32", lr=0.05, max_iter=3, max_eval=2),
        lambda t, d: t.optim.LBFGS(leaves(t, d), lr=-1.0),
    ],
    "torch.optim.Optimizer": [own, hooks, named, tensor_rate, replaced, frozen, *map(misfits, range(11))],
}
RECIPES["torch.optim.AdamW"].append(through_a_file)
