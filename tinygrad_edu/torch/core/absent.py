"""PyTorch's words that are not here, each with the reason and, where there is one, what to write instead."""

from __future__ import annotations

from tinygrad_edu.torch.core.kinds import reason_of_kind


def _names(front: str, words: str) -> list[str]:
    return [f"{front}{word}" for word in words.split()]


# A name ending in a dot stands for all names that begin with it.
ABSENT = {
    "torch.fft.": "there are no complex numbers here; numpy.fft transforms x.numpy()",
    "torch.sparse.": "there are no sparse tensors here; use dense ones, or torch.nn.Embedding for rows of "
    "a table",
    "torch.hub.": "nothing is loaded from the network here; torch.load reads a file of weights that you have",
    "torch.utils.model_zoo.": "nothing is loaded from the network here; torch.load reads a file of weights",
    "torch.utils.cpp_extension.": "there are no extensions in C++ here; write the function with torch's own",
    "torch.utils.benchmark.": "it is not here; time.perf_counter() and timeit measure time",
    "torch.utils.data.datapipes.": "there are no DataPipes here; write an IterableDataset",
    **dict.fromkeys(
        _names(
            "torch.utils.data.",
            """DFIterDataPipe DataChunk IterDataPipe MapDataPipe argument_validation
            functional_datapipe guaranteed_datapipes_determinism non_deterministic runtime_validation
            runtime_validation_disabled""",
        ),
        "there are no DataPipes here; write an IterableDataset",
    ),
    **dict.fromkeys(
        _names(
            "torch.utils.checkpoint.",
            """CheckpointError CheckpointFunction CheckpointPolicy
            DefaultDeviceType GraphExecGroup SAC_IGNORED_OPS SelectiveCheckpointContext
            check_backward_validity create_selective_checkpoint_contexts detach_variable get_device_states
            set_device_states""",
        ),
        "a checkpoint is computed again as a whole here; torch.utils.checkpoint.checkpoint makes one",
    ),
    **dict.fromkeys(
        _names(
            "torch.serialization.",
            """LoadEndianness SourceChangeWarning StorageType
            check_module_version_greater_or_equal get_crc32_options get_default_load_endianness
            get_default_mmap_options get_unsafe_globals_in_checkpoint mkdtemp normalize_storage_type
            register_package set_crc32_options set_default_load_endianness set_default_mmap_options
            skip_data storage_to_tensor_type validate_cuda_device validate_hpu_device""",
        ),
        "files have one format here, and nothing in them is run; torch.save and torch.load are all of it",
    ),
    "torch.optim.swap_in_optimizer_params_and_state": "it is not here; load_state_dict sets a state",
    "torch.optim.SparseAdam": "there are no sparse gradients here; torch.optim.Adam updates dense ones",
    "torch.optim.Adafactor": "it is not here; torch.optim.AdamW has a second moment for each number instead",
    "torch.to_dlpack": "give the tensor itself: numpy.from_dlpack(x), torch.from_dlpack(x)",
    "Tensor.hardshrink": "torch.nn.functional.hardshrink(x) computes it",
    "Tensor.prelu": "torch.nn.functional.prelu(x, weight) computes it",
    "torch.complex": "there are no complex numbers here; keep the real and the imaginary part in two tensors",
    "torch.imag": "there are no complex numbers here; the imaginary part of a real tensor is "
    "torch.zeros_like(x)",
    **dict.fromkeys(
        _names(
            "torch.special.",
            """airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_k0
            modified_bessel_k1 scaled_modified_bessel_k0 scaled_modified_bessel_k1""",
        ),
        "the library has no such Bessel function; torch.from_numpy(scipy.special.j0(x.numpy())) and its "
        "kin do",
    ),
    **dict.fromkeys(
        (
            "torch.nn.FractionalMaxPool2d",
            "torch.nn.FractionalMaxPool3d",
            *(
                f"torch.nn.functional.fractional_max_pool{n}d{end}"
                for n in (2, 3)
                for end in ("", "_with_indices")
            ),
        ),
        "there is no pooling with windows of drawn sizes here; torch.nn.AdaptiveMaxPool2d has fixed ones",
    ),
    "torch.nn.CrossMapLRN2d": "it is not here; torch.nn.LocalResponseNorm normalizes over channels, too",
    **dict.fromkeys(
        (
            "torch.nn.LinearCrossEntropyLoss",
            "torch.nn.LinearCrossEntropyOptions",
            "torch.nn.functional.linear_cross_entropy",
        ),
        "it is not here; call torch.nn.Linear, and torch.nn.functional.cross_entropy of its result",
    ),
    **dict.fromkeys(
        (
            f"torch.nn.functional.{name}"
            for name in ("grouped_mm", "scaled_mm", "scaled_grouped_mm", "ScalingType", "SwizzleType")
        ),
        "there are no products of 8-bit floats here; x @ y multiplies float32 and float64",
    ),
    **dict.fromkeys(
        _names(
            "torch.nn.functional.",
            """handle_torch_function has_torch_function has_torch_function_unary
            has_torch_function_variadic boolean_dispatch assert_int_or_pair""",
        ),
        "it is a part of PyTorch's own source; programs need it only to define functions as PyTorch does",
    ),
    **dict.fromkeys(
        (
            f"torch.nn.utils.{name}"
            for name in (
                "fuse_conv_bn_eval",
                "fuse_conv_bn_weights",
                "fuse_linear_bn_eval",
                "fuse_linear_bn_weights",
            )
        ),
        "layers are not fused here; model.eval() computes them one after the other",
    ),
    **dict.fromkeys(
        (f"torch.nn.parallel.{name}" for name in ("gather", "parallel_apply", "replicate", "scatter")),
        "one process uses one device; te.distributed trains on several machines",
    ),
    **dict.fromkeys(
        (
            "torch.linalg.eig",
            "torch.linalg.eigvals",
            "torch.view_as_complex",
            "torch.view_as_real",
            "torch.polar",
            "torch.stft",
            "torch.istft",
            "Tensor.stft",
            "Tensor.istft",
            "Tensor.imag",
            "Tensor.cfloat",
            "Tensor.cdouble",
        ),
        "there are no complex numbers here; torch.linalg.eigh has the eigenvalues of symmetric matrices",
    ),
    **dict.fromkeys(
        (
            f"{place}.{name}"
            for place in ("torch", "torch.linalg", "Tensor")
            for name in (
                "lu",
                "lu_factor",
                "lu_factor_ex",
                "lu_solve",
                "lu_unpack",
                "ldl_factor",
                "ldl_factor_ex",
                "ldl_solve",
                "householder_product",
                "geqrf",
                "orgqr",
                "ormqr",
                "lobpcg",
            )
        ),
        "the library has no such factors; torch.linalg.solve, det, qr and cholesky need none of yours",
    ),
    **dict.fromkeys(
        ("Tensor.untyped_storage", "Tensor.storage_type", "Tensor.const_data_ptr", "torch.from_file"),
        "there are no storages here; x.detach().numpy() is the memory of a tensor",
    ),
    **dict.fromkeys(
        _names(
            "Tensor.", """to_sparse coalesce indices values sparse_mask sparse_dim dense_dim is_coalesced"""
        ),
        "there are no sparse tensors here; use dense ones",
    ),
    "torch.quantization.": "there are no quantized tensors here",
    "Tensor.half": "there is no float16 here; stay in float32",
    "Tensor.bfloat16": "there is no bfloat16 here; stay in float32",
}


def reason_of(name: str) -> str:
    """Why a word is not here, and what to write instead; a general word if nothing is known of it."""
    if name in ABSENT:
        return ABSENT[name]
    for start, reason in ABSENT.items():
        if start.endswith(".") and (name + ".").startswith(start):
            return reason
    return reason_of_kind(name) or "tinygrad-edu's torch does not have it; docs/torch.md lists what is there"
