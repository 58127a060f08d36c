"""Tensor's methods and operators: the functions of the face that take a tensor first, bound by name."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.torch import operators
from tinygrad_edu.torch.core import legacy
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions import (
    assignment,
    bessel,
    binary,
    comparisons,
    constants,
    conversions,
    copies,
    counting,
    creation,
    draws,
    extremes,
    facts,
    gamma,
    indexing,
    joins,
    normal,
    parts,
    pointwise,
    products,
    reductions,
    resizing,
    rounding,
    scattering,
    shapes,
    sorting,
    systems,
    triangles,
)  # fmt: skip
from tinygrad_edu.torch.functions.changes import in_place

# Names of functions that are methods too, by file.
METHODS: dict[Any, str] = {
    creation: "new_tensor",
    constants: "new_zeros new_ones new_empty new_full",
    draws: """bernoulli multinomial normal_ uniform_ random_ bernoulli_ exponential_ geometric_
        log_normal_ cauchy_""",
    shapes: """view_as view reshape_as reshape flatten unflatten ravel squeeze unsqueeze transpose
        swapaxes swapdims permute t adjoint movedim moveaxis T mT mH expand expand_as broadcast_to
        contiguous clone""",
    resizing: "squeeze_ unsqueeze_ t_ transpose_ swapaxes_ swapdims_ resize_ resize_as_ resize_to",
    parts: """narrow narrow_copy select split split_with_sizes chunk tensor_split hsplit vsplit
        dsplit unbind diagonal unfold as_strided""",
    joins: """repeat tile repeat_interleave flip fliplr flipud roll rot90""",
    triangles: """tril triu diag diagflat diag_embed fill_diagonal_ diagonal_scatter""",
    facts: """is_nonzero is_same_size is_conj is_neg is_inference is_set_to is_pinned is_shared
        ndimension pin_memory share_memory_ resolve_conj resolve_neg""",
    indexing: """gather index_add index_copy index_fill index_put index_select masked_scatter
        masked_select put select_scatter slice_scatter take take_along_dim""",
    scattering: """index_reduce scatter scatter_add scatter_reduce""",
    products: """addbmm addmm addmv addr baddbmm bmm corrcoef cov cross dot ger kron matmul
        matrix_power mm mv outer trace vdot __matmul__ __rmatmul__""",
    systems: """cholesky cholesky_inverse cholesky_solve det inverse logdet matrix_exp pinverse qr
        slogdet svd triangular_solve""",
    copies: """as_strided_ as_strided_scatter dim_order H is_ipu is_maia is_mtia is_sparse_csr is_vulkan
        is_xla is_xpu new_empty_strided real set_ to_dense unsafe_chunk unsafe_split
        unsafe_split_with_sizes""",
    conversions: "to double long byte half bfloat16 short char type_as cpu cuda",
    binary: """add addcdiv addcmul arctan2 atan2 clamp clamp_max clamp_min clip copysign div divide
        float_power fmax fmin gcd heaviside hypot lcm ldexp lerp logaddexp logaddexp2 maximum minimum mul
        multiply nextafter pow sub subtract true_divide xlogy""",
    assignment: "apply_ copy_ fill_ map_ map2_ zero_",
    comparisons: """allclose bitwise_and bitwise_left_shift bitwise_not bitwise_or
        bitwise_right_shift bitwise_xor eq equal ge greater greater_equal gt isclose isfinite isinf isnan
        isneginf isposinf isreal le less less_equal logical_and logical_not logical_or logical_xor lt
        masked_fill ne not_equal""",
    pointwise: """abs absolute acos acosh angle arccos arccosh arcsin arcsinh arctan arctanh asin
        asinh atan atanh conj conj_physical conj_physical_ cos cosh deg2rad erf exp exp2 expm1 frexp log
        log10 log1p log2 log_softmax logit nan_to_num neg negative positive rad2deg reciprocal relu rsqrt
        sgn sigmoid sign signbit sin sinc sinh softmax sqrt square tan tanh""",
    sorting: """argsort argwhere kthvalue msort nonzero nonzero_static sort topk unique
        unique_consecutive""",
    gamma: "digamma igamma igammac lgamma mvlgamma polygamma",
    normal: "erfc erfinv",
    bessel: "i0",
    counting: "bincount histc histogram",
    rounding: "ceil fix floor floor_divide fmod frac remainder round trunc",
    reductions: """all any count_nonzero cumprod cumsum diff dist logcumsumexp logsumexp mean nanmean
        nansum norm prod renorm std sum sum_to_size var""",
    extremes: """amax amin aminmax argmax argmin cummax cummin max median min mode nanmedian
        nanquantile quantile""",
}
# Methods that have a form with an underscore, which writes the result into the tensor itself.
IN_PLACE = """add addcdiv addcmul arctan2 atan2 clamp clamp_max clamp_min clip copysign div divide
    float_power gcd heaviside hypot lcm ldexp lerp mul multiply nextafter pow sub subtract
    true_divide xlogy bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift
    bitwise_xor eq ge greater greater_equal gt le less less_equal logical_and logical_not
    logical_or logical_xor lt masked_fill ne not_equal abs absolute acos acosh arccos arccosh
    arcsin arcsinh arctan arctanh asin asinh atan atanh cos cosh deg2rad erf erfc exp exp2 expm1
    log log10 log1p log2 logit nan_to_num neg negative rad2deg reciprocal relu rsqrt sgn sigmoid
    sign sin sinc sinh sqrt square tan tanh ceil fix floor floor_divide fmod frac remainder
    round trunc cumsum cumprod renorm digamma igamma igammac lgamma mvlgamma erfinv i0 polygamma
    tril triu index_add index_copy index_fill index_put masked_scatter put index_reduce scatter
    scatter_add scatter_reduce addbmm addmm addmv addr baddbmm"""

# Those that are functions of torch, too.
_CHANGES = """abs acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh ceil clamp
    clamp_max clamp_min clip conj_physical cos cosh deg2rad erf erfc exp exp2 expm1 fill fix
    floor frac gcd i0 lcm ldexp log log10 log1p log2 logit nan_to_num neg negative rad2deg
    reciprocal relu round rsqrt sigmoid sin sinc sinh sqrt square tan tanh trunc xlogy zero"""
CHANGES = tuple(f"{name}_" for name in _CHANGES.split())


def bind() -> None:
    """Give Tensor its methods and operators."""
    for file, names in METHODS.items():
        for name in names.split():
            function = getattr(file, name)
            setattr(Tensor, name, getattr(function, "method", function))
    for name in ("float", "int", "bool"):
        setattr(Tensor, name, getattr(conversions, f"{name}_"))
    Tensor.type = legacy.type_  # type: ignore[attr-defined]
    Tensor.new = legacy.new  # type: ignore[attr-defined]
    for name in IN_PLACE.split():
        setattr(Tensor, f"{name}_", in_place(f"{name}_", getattr(Tensor, name)))
    operators.bind()


bind()
