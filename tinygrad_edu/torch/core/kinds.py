"""Kinds of PyTorch's words that are not here: a pattern for names, the reason, what to write instead."""

from __future__ import annotations

import re

# Of (pattern, reason), the first whose pattern matches the whole of a word's last name holds.
KINDS: tuple[tuple[str, str], ...] = (
    (r".*(quant|qint|qscheme|QInt|QUInt|fbgemm|int_repr|q_scale|q_zero_point|q_per_channel|qparams|"
     r"per_channel_|per_tensor_|fused_moving_avg_obs).*|quint\w+",
     "there are no quantized tensors here"),
    (r".*(sparse|coo|csr|csc|bsr|bsc|crow_|ccol_|row_indices|col_indices|coalesce|spmm|addmm_sparse|"
     r"dense_dim).*|smm|dsmm|hsmm|hspmm|saddmm|sspaddmm|values|values_copy|indices|indices_copy|to_dense|"
     r"jagged|to_padded_tensor",
     "there are no sparse and no nested tensors here; use dense ones, and a mask"),
    (r".*(complex|polar|real|imag|fft|stft|Complex).*|cdouble|cfloat|chalf|H|eig|eigvals|symeig",
     "there are no complex numbers here; keep the real and the imaginary part in two tensors"),
    (r"u?int[1-7]|uint(16|32|64)|bits?\w*|float[48]_\w+|half|bfloat16|short|char",
     "tensors hold float32, float64, int64, int32, uint8 and bool"),
    (r"(cudnn|miopen|mkldnn|native)_\w+|batch_norm_(backward|elemt|gather|stats|update)\w*|conv_tbc|"
     r"convolution|embedding_renorm_|grid_sampler\w*|is_vulkan\w*|has_(lapack|mkl|openmp|spectral|magma|"
     r"half)|to_mkldnn|is_vulkan|init_num_threads|norm_except_dim|affine_grid_generator|segment_reduce|"
     r"hash_tensor|group_norm_\w+",
     "it is a part of PyTorch's own machinery, which its public functions call; torch.nn.functional has "
     "those"),
    (r"\w+_copy|unsafe_\w+|slice_inverse|as_strided_scatter",
     "it is for PyTorch's compilers; use the function without the addition, and .clone()"),
    (r"sym_\w+|Sym\w+|\w*Type|Script\w*|\w*Graph\w*|Alias\w*|Argument\w*|Block|Code|CompilationUnit|"
     r"Concrete\w+|Compile\w+|CallStack|Capsule|ErrorReport|Execution\w+|FunctionSchema|Future|Gradient|"
     r"IODescriptor|JITException|CompleteArgumentSpec|LiteScript\w*|LockingLogger|LoggerBase|Node|"
     r"NoopLogger|OperatorInfo|PyTorchFile\w+|StaticModule|Tag|TracingState|Type|Use|Value|Dispatch\w+|"
     r"DeepCopyMemoTable|ExcludeDispatchKeyGuard|FatalError|FileCheck|FunctionalTensor|ThroughputBenchmark|"
     r"Benchmark\w+|ModuleDict|ParameterDict|BufferDict|import_ir_\w+|parse_\w+|merge_type\w*|"
     r"unify_type_list|while_loop|cond|fork|wait|\w+Context|DisableTorchFunction\w*|PRIVATE_OPS|USE_\w+|"
     r"classproperty|AcceleratorError|prepare_multi\w+|profiler_allow\w+|get_file_path|SUM|AVG",
     "it is a part of TorchScript and of PyTorch's compilers; a program runs here as it is written"),
    (r"\w*Storage(Base)?|normalize_storage_type|storage\w*|untyped_storage|set_|const_data_ptr|storage_type|"
     r"from_file",
     "the memory of a tensor has no object of its own here; x.data_ptr() is its address, x.numpy() its "
     "numbers"),
    (r"\w*autocast\w*",
     "there is no float16 here, so that no mode of it can be asked for; torch.autocast can be entered"),
    (r"lu\w*|ldl_\w+|geqrf|o?ormqr|orgqr|householder_product|lobpcg|pca_lowrank|svd_lowrank|solve|solve_ex|"
     r"lstsq|matrix_rank",
     "the library has no such decomposition, or PyTorch itself has withdrawn the name; torch.linalg has "
     "solve, lstsq, qr, svd, eigh and cholesky, and scipy.linalg the others, of x.numpy()"),
    (r"(gru|lstm|rnn_tanh|rnn_relu)(_cell)?",
     "torch.nn.GRU, LSTM, RNN and their cells compute it"),
    (r"(binary_cross_entropy_with_logits|cosine_embedding_loss|ctc_loss|hinge_embedding_loss|kl_div|"
     r"margin_ranking_loss|poisson_nll_loss|triplet_margin_loss|embedding_bag)",
     "it is in torch.nn.functional, where `reduction` is a word"),
    (r"is_(xla|xpu|ipu|maia|mtia|hpu|distributed|quantized)|ipu|xpu|mtia|hpu|xla",
     "only the devices cpu and cuda are here, and cuda's simulation"),
    (r"poisson|binomial|reinforce",
     "torch.distributions draws it"),
    (r"\w*(rpc|Store|ProcessGroup|Backend|Reduce\w+Options|Options|Bucket|rendezvous|DeviceMesh|device_mesh|"
     r"subgroup|_group|GroupMember|GroupName|debug_level|DebugLevel|DistError|P2POp|Reducer|Work|Logger|"
     r"QueueEmptyError|backend|send|recv|_rank|_tensor|_coalesced|to_all|_single|_object\w*|"
     r"monitored_barrier|breakpoint|reduce_op|reduce_scatter|pg_timeout|pg_count|group|record_comm|HookType|"
     r"supports_complex|ucc_available|xccl_available|DistBackendError|DistNetworkError|DistStoreError)\w*",
     "torch.distributed has one process here; tinygrad_edu.distributed has several, on MPI"),
    (r"\w*(DataPipe|datapipe)\w*|DataChunk|argument_validation|non_deterministic|runtime_validation\w*",
     "there are no DataPipes here; write an IterableDataset"),
    (r"kaiser_window",
     "torch.from_numpy(numpy.kaiser(n, beta)) computes it"),
    (r"\w+_notes|\w*MODES|BroadcastingList\d|T_destination|factory_kwargs|volatile|name|index|dim_order|"
     r"grad_dtype|module_load|as_subclass|record_stream|resize|resize_as|get_device_module|"
     r"thread_safe_generator|is_warn_always_enabled|is_anomaly_check_nan_enabled|"
     r"\w*deterministic_debug_mode|legacy_contiguous_format|SourceChangeWarning|Load\w+|mkdtemp|"
     r"register_package|\w*crc32\w*|\w*mmap\w*|\w*endianness\w*|validate_\w+|skip_data|"
     r"check_module_version\w*|get_unsafe_globals\w*|assert_allclose|functionalize|linearize|rearrange|"
     r"debug_unwrap|replace_all_batch_norm\w*|enforce_grad_layout\w*|set_multithreading\w*|variable|"
     r"swap_in_\w+|convert_conv\w+|Checkpoint\w+|SAC_\w+|Selective\w+|check_backward\w*|create_selective\w*|"
     r"detach_variable|\w*device_states|set_checkpoint\w*|GraphExecGroup|DefaultDeviceType|Tensor",
     "it is internal to PyTorch, withdrawn by it, or without meaning on one process with strided tensors"),
)  # fmt: skip
CUDA = "it is about an NVIDIA driver's own state; tinygrad_edu.cuda says what is known of the device"
DISTRIBUTIONS = (
    "it is not here; a distribution of one's own derives from torch.distributions.Distribution, "
    "and scipy.stats has its density"
)
_COMPILED = [(re.compile(pattern), reason) for pattern, reason in KINDS]


def reason_of_kind(name: str) -> str:
    """The reason for a word by its kind; "" if it is of none."""
    if name.startswith("torch.cuda."):
        return CUDA
    if name.startswith("torch.distributions."):
        return DISTRIBUTIONS
    last = name.rpartition(".")[2]
    return next((reason for pattern, reason in _COMPILED if pattern.fullmatch(last)), "")
