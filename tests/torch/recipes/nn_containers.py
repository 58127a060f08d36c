"""Containers of torch.nn, and its losses as layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tests.torch.recipes.nn_layers import filled, layer, refused

Recipe = Callable[[Any, Any], Any]


def _sequential(t: Any, d: Any) -> Any:
    n = t.nn
    module = n.Sequential(n.Linear(3, 4), n.ReLU(), n.Linear(4, 2))
    named = n.Sequential(OrderedDict([("first", n.Linear(3, 4)), ("second", n.Tanh())]))
    module.append(n.Tanh())
    module.insert(1, n.Dropout(0.0))
    last = module.pop(-1)
    del module[1]
    cut, joined = module[1:], module + named
    joined += n.Sequential(n.GELU())
    filled(t, d, module)
    return [
        repr(module),
        repr(named),
        repr(cut),
        repr(joined),
        repr(last),
        len(joined),
        list(joined.state_dict()),
        module(d.floats(2, 3)),
        module[-1] is module[2],
        [type(m).__name__ for m in module],
        repr(n.Sequential(n.ReLU()) * 2),
        named.second is named[1],
    ]


def _module_list(t: Any, d: Any) -> Any:
    n = t.nn
    several = n.ModuleList([n.Linear(2, 2) for _ in range(3)])
    several.append(n.ReLU())
    several.extend([n.ReLU(), n.Tanh()])
    several.insert(0, n.GELU())
    several[1] = n.Linear(2, 3)
    del several[2]
    several += [n.Sigmoid()]
    popped = several.pop(0)
    return [repr(several), len(several), list(several.state_dict()), repr(several[1:3]), repr(popped),
            repr(several.__add__([n.ReLU()])), several[-1] is several[len(several) - 1]]  # fmt: skip


def _module_dict(t: Any, d: Any) -> Any:
    n = t.nn
    several = n.ModuleDict({"a": n.Linear(2, 2), "b": n.ReLU()})
    several.update([("c", n.Tanh())])
    several["d"] = n.GELU()
    popped = several.pop("b")
    del several["d"]
    return [
        repr(several),
        list(several),
        list(several.keys()),
        [k for k, _ in several.items()],
        "a" in several,
        len(several),
        repr(popped),
        list(several.state_dict()),
    ]


def _parameter_list(t: Any, d: Any) -> Any:
    several = t.nn.ParameterList([t.nn.Parameter(t.ones(2, 3)), t.zeros(2)])
    several.append(t.nn.Parameter(t.ones(1), requires_grad=False))
    several += [t.ones(4)]
    several[0] = t.nn.Parameter(t.ones(3, 2))
    return [repr(several), len(several), [p.requires_grad for p in several], list(several.state_dict()),
            len(several[1:]), [n for n, _ in several.named_parameters()]]  # fmt: skip


def _parameter_dict(t: Any, d: Any) -> Any:
    several = t.nn.ParameterDict({"a": t.nn.Parameter(t.ones(2, 3))})
    several["b"] = t.zeros(2)
    several.update({"c": t.ones(1)})
    popped = several.pop("a")
    several.setdefault("e", t.ones(2))
    other = several | t.nn.ParameterDict({"f": t.ones(1)})
    return [
        repr(several),
        list(several),
        "b" in several,
        popped.shape,
        list(several.state_dict()),
        list(other),
        several.get("z", 3),
        [k for k, _ in several.items()],
        len(several),
    ]


LOSSES: dict[str, list[Recipe]] = {
    title: [
        layer(title, (3, 4), (3, 4), **more),
        layer(title, (3, 4), (3, 4), named={"reduction": "sum"}, **more),
    ]
    for title, more in {
        "MSELoss": {},
        "L1Loss": {},
        "SmoothL1Loss": {},
        "HuberLoss": {},
        "KLDivLoss": {"positive": True},
        "PoissonNLLLoss": {},
    }.items()
}


def _classes(title: str, **options: Any) -> Recipe:
    def recipe(t: Any, d: Any) -> Any:
        weight = d.floats(4, low=0.1, grad=False)
        loss = getattr(t.nn, title)(weight, **options)
        return [
            loss(d.floats(5, 4), d.ints(5, low=0, high=4)),
            list(loss.state_dict()),
            repr(loss),
            loss.reduction,
        ]

    return recipe


def _of(title: str, *kinds: str, **options: Any) -> Recipe:
    """A recipe for a loss: of floats (f), of signs (s), of bits (b), of probabilities (p), each (3, 4)."""

    def recipe(t: Any, d: Any) -> Any:
        given = []
        for kind in kinds:
            shape = (3,) if kind.isupper() else (3, 4)
            bits = d.ints(*shape, low=0, high=2).double()
            draw = {"f": lambda s: d.floats(*s), "p": lambda s: d.floats(*s, low=0.1, high=0.9)}
            kind = kind.lower()
            given.append(draw[kind](shape) if kind in draw else bits if kind == "b" else bits * 2 - 1)
        loss = getattr(t.nn, title)(**options)
        return [loss(*given), repr(loss)]

    return recipe


def _ctc(t: Any, d: Any) -> Any:
    x = t.nn.functional.log_softmax(d.floats(6, 2, 4), -1)
    return t.nn.CTCLoss(zero_infinity=True)(
        x, d.ints(2, 3, low=1, high=4), t.tensor([6, 5]), t.tensor([3, 2])
    )


RECIPES: dict[str, list[Any]] = {
    **{f"torch.nn.{title}": recipes for title, recipes in LOSSES.items()},
    "torch.nn.CrossEntropyLoss": [
        _classes("CrossEntropyLoss"),
        _classes("CrossEntropyLoss", label_smoothing=0.1, ignore_index=1),
        lambda t, d: t.nn.CrossEntropyLoss(size_average=False).reduction,
        lambda t, d: t.nn.CrossEntropyLoss(classes=3),
    ],
    "torch.nn.NLLLoss": [_classes("NLLLoss"), _classes("NLLLoss", reduction="none")],
    "torch.nn.NLLLoss2d": [_classes("NLLLoss2d")],
    "torch.nn.MultiMarginLoss": [
        lambda t, d: t.nn.MultiMarginLoss(2, 0.5, d.floats(4, low=0.1, grad=False))(
            d.floats(5, 4), d.ints(5, low=0, high=4)
        )
    ],
    "torch.nn.BCELoss": [_of("BCELoss", "p", "b"), _of("BCELoss", "p", "b", reduction="none")],
    "torch.nn.BCEWithLogitsLoss": [
        _of("BCEWithLogitsLoss", "f", "b"),
        lambda t, d: t.nn.BCEWithLogitsLoss(pos_weight=d.floats(4, low=0.1, grad=False))(
            d.floats(3, 4), d.bools(3, 4).double()
        ),
    ],
    "torch.nn.GaussianNLLLoss": [_of("GaussianNLLLoss", "f", "f", "p", full=True)],
    "torch.nn.HingeEmbeddingLoss": [_of("HingeEmbeddingLoss", "f", "s", margin=0.5)],
    "torch.nn.SoftMarginLoss": [_of("SoftMarginLoss", "f", "s")],
    "torch.nn.MultiLabelSoftMarginLoss": [_of("MultiLabelSoftMarginLoss", "f", "b")],
    "torch.nn.MultiLabelMarginLoss": [
        lambda t, d: t.nn.MultiLabelMarginLoss()(d.distinct(1, 4), t.tensor([[3, 0, -1, 1]]))
    ],
    "torch.nn.CosineEmbeddingLoss": [_of("CosineEmbeddingLoss", "f", "f", "S", margin=0.2)],
    "torch.nn.MarginRankingLoss": [_of("MarginRankingLoss", "F", "F", "S", margin=0.2)],
    "torch.nn.TripletMarginLoss": [_of("TripletMarginLoss", "f", "f", "f", margin=0.5, swap=True)],
    "torch.nn.TripletMarginWithDistanceLoss": [
        _of("TripletMarginWithDistanceLoss", "f", "f", "f", margin=0.5)
    ],
    "torch.nn.CTCLoss": [_ctc],
    "torch.nn.Sequential": [_sequential, lambda t, d: t.nn.Sequential(t.nn.ReLU())[1]],
    "torch.nn.ModuleList": [_module_list, lambda t, d: t.nn.ModuleList([1]), lambda t, d: t.nn.ModuleList(3)],
    "torch.nn.ModuleDict": [
        _module_dict,
        lambda t, d: t.nn.ModuleDict({"a": 1}),
        lambda t, d: t.nn.ModuleDict()["a"],
    ],
    "torch.nn.ParameterList": [_parameter_list, lambda t, d: t.nn.ParameterList()[0]],
    "torch.nn.ParameterDict": [_parameter_dict, lambda t, d: t.nn.ParameterDict()["a"]],
    "torch.nn.DataParallel": [
        lambda t, d: [
            repr(t.nn.DataParallel(t.nn.Linear(2, 2)).module),
            list(t.nn.DataParallel(t.nn.ReLU()).children()) == [],
            t.nn.DataParallel(t.nn.ReLU())(d.floats(3)),
        ],
        refused("DataParallel"),
    ],
}
