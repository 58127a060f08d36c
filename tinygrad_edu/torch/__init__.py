"""PyTorch's face of the library: `import tinygrad_edu.torch as torch`."""

from __future__ import annotations

import importlib as _importlib
from typing import Any as _Any

from tinygrad_edu.torch import autograd, random, return_types, special
from tinygrad_edu.torch import methods as _methods
from tinygrad_edu.torch.core import legacy as _legacy
from tinygrad_edu.torch.core.border import faced, torch_function
from tinygrad_edu.torch.core.devices import device, get_default_device, set_default_device
from tinygrad_edu.torch.core.dtypes import NAMES as _NAMES  # fmt: skip
from tinygrad_edu.torch.core.dtypes import (
    bfloat16,
    can_cast,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    result_type,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from tinygrad_edu.torch.core.formats import *
from tinygrad_edu.torch.core.generators import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)  # fmt: skip
from tinygrad_edu.torch.core.legacy import set_default_tensor_type
from tinygrad_edu.torch.core.printing import get_printoptions, printoptions, set_printoptions
from tinygrad_edu.torch.core.size import Size
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from as _missing_from
from tinygrad_edu.torch.functions.assignment import *
from tinygrad_edu.torch.functions.bessel import *
from tinygrad_edu.torch.functions.binary import *
from tinygrad_edu.torch.functions.comparisons import *
from tinygrad_edu.torch.functions.constants import (
    arange,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    range,
    zeros,
    zeros_like,
)  # fmt: skip
from tinygrad_edu.torch.functions.copies import (
    alias_copy,
    as_strided_,
    as_strided_copy,
    as_strided_scatter,
    detach,
    detach_,
    detach_copy,
    diagonal_copy,
    empty_permuted,
    empty_strided,
    expand_copy,
    get_device,
    is_signed,
    permute_copy,
    select_copy,
    slice_copy,
    split_copy,
    split_with_sizes_copy,
    squeeze_copy,
    t_copy,
    transpose_copy,
    unbind_copy,
    unfold_copy,
    unsafe_chunk,
    unsafe_split,
    unsafe_split_with_sizes,
    unsqueeze_copy,
    view_copy,
)  # fmt: skip
from tinygrad_edu.torch.functions.counting import *
from tinygrad_edu.torch.functions.creation import (
    as_tensor,
    asarray,
    from_dlpack,
    from_numpy,
    frombuffer,
    scalar_tensor,
    tensor,
)  # fmt: skip
from tinygrad_edu.torch.functions.draws import (
    bernoulli,
    binomial,
    multinomial,
    normal,
    poisson,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
)  # fmt: skip
from tinygrad_edu.torch.functions.extremes import *
from tinygrad_edu.torch.functions.facts import (
    is_complex,
    is_conj,
    is_floating_point,
    is_inference,
    is_neg,
    is_nonzero,
    is_same_size,
    is_storage,
    is_tensor,
    numel,
    resolve_conj,
    resolve_neg,
)  # fmt: skip
from tinygrad_edu.torch.functions.gamma import *
from tinygrad_edu.torch.functions.indexing import (
    gather,
    index_add,
    index_copy,
    index_fill,
    index_put,
    index_select,
    masked_scatter,
    masked_select,
    put,
    select_scatter,
    slice_scatter,
    take,
    take_along_dim,
)  # fmt: skip
from tinygrad_edu.torch.functions.joins import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    cartesian_prod,
    cat,
    column_stack,
    combinations,
    concat,
    concatenate,
    dstack,
    flip,
    fliplr,
    flipud,
    hstack,
    meshgrid,
    repeat_interleave,
    roll,
    rot90,
    row_stack,
    stack,
    tile,
    vstack,
)  # fmt: skip
from tinygrad_edu.torch.functions.normal import *
from tinygrad_edu.torch.functions.parts import (
    as_strided,
    chunk,
    diagonal,
    dsplit,
    hsplit,
    narrow,
    narrow_copy,
    select,
    split,
    split_with_sizes,
    tensor_split,
    unbind,
    vsplit,
)  # fmt: skip
from tinygrad_edu.torch.functions.pointwise import *
from tinygrad_edu.torch.functions.products import (
    addbmm,
    addmm,
    addmv,
    addr,
    baddbmm,
    bmm,
    cdist,
    chain_matmul,
    corrcoef,
    cov,
    cross,
    dot,
    einsum,
    ger,
    inner,
    kron,
    matmul,
    matrix_power,
    mm,
    mv,
    outer,
    tensordot,
    trace,
    trapezoid,
    trapz,
    vander,
    vdot,
)  # fmt: skip
from tinygrad_edu.torch.functions.reductions import *
from tinygrad_edu.torch.functions.rounding import *
from tinygrad_edu.torch.functions.scattering import (
    index_reduce,
    scatter,
    scatter_add,
    scatter_reduce,
)  # fmt: skip
from tinygrad_edu.torch.functions.shapes import (
    adjoint,
    broadcast_shapes,
    broadcast_tensors,
    broadcast_to,
    clone,
    flatten,
    moveaxis,
    movedim,
    permute,
    ravel,
    reshape,
    squeeze,
    swapaxes,
    swapdims,
    t,
    transpose,
    unflatten,
    unsqueeze,
)  # fmt: skip
from tinygrad_edu.torch.functions.slopes import *
from tinygrad_edu.torch.functions.sorting import *
from tinygrad_edu.torch.functions.systems import (
    cholesky,
    cholesky_inverse,
    cholesky_solve,
    det,
    inverse,
    logdet,
    matrix_exp,
    pca_lowrank,
    pinverse,
    qr,
    slogdet,
    svd,
    svd_lowrank,
    triangular_solve,
)  # fmt: skip
from tinygrad_edu.torch.functions.triangles import (
    block_diag,
    diag,
    diag_embed,
    diagflat,
    diagonal_scatter,
    tril,
    tril_indices,
    triu,
    triu_indices,
)  # fmt: skip

globals().update({_name: getattr(Tensor, _name) for _name in _methods.CHANGES})  # relu_(x) is x.relu_()
globals().update({_name: _kind for _name, _kind in _NAMES.items()})  # float, long, bool: dtypes here
from math import e, inf, nan, pi

from tinygrad_edu.torch.autograd.modes import (
    enable_grad,
    inference_mode,
    is_anomaly_enabled,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)  # fmt: skip
from tinygrad_edu.torch.compiler import compile
from tinygrad_edu.torch.core.settings import *
from tinygrad_edu.torch.version import __version__

globals().update(_legacy.of_device("cpu"))  # FloatTensor, LongTensor and their kin
newaxis = None
set_anomaly_enabled = autograd.set_detect_anomaly
_MODULES = ("amp", "backends", "compiler", "cuda", "distributed", "distributions", "func", "jit", "linalg", "multiprocessing",
            "nn", "optim", "overrides", "profiler", "serialization", "special", "testing", "utils", "version")
_LATER = {"vmap": "func", "save": "serialization", "load": "serialization", "OutOfMemoryError": "cuda", "Event": "cuda", "Stream": "cuda", "autocast": "amp", "GradScaler": "amp"}
_missing = _missing_from("torch")


def __getattr__(name: str) -> _Any:
    """Modules are imported when they are named."""
    if name in _MODULES:
        return _importlib.import_module(f"{__name__}.{name}")
    if name in _LATER:
        return getattr(_importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    namesakes = _importlib.import_module(f"{__name__}.functions.namesakes")  # of torch.nn.functional
    return getattr(namesakes, name) if name in namesakes.NAMES else _missing(name)
