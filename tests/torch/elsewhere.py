"""Names of the face that have no recipe: where they are tested, or why there is nothing to draw."""

from __future__ import annotations

# A file of tests, and the names in it that it calls.
ELSEWHERE = {
    "tests/torch/test_one_process.py": """torch.are_deterministic_algorithms_enabled
        torch.is_deterministic_algorithms_warn_only_enabled torch.autocast torch.compile
        torch.compiled_with_cxx11_abi torch.get_default_device torch.get_float32_matmul_precision
        torch.get_num_interop_threads torch.get_num_threads torch.initial_seed torch.is_anomaly_enabled
        torch.set_anomaly_enabled torch.set_default_device torch.set_float32_matmul_precision
        torch.set_flush_denormal torch.set_num_interop_threads torch.set_num_threads torch.set_warn_always
        torch.use_deterministic_algorithms torch.autograd.detect_anomaly torch.autograd.set_detect_anomaly
        torch.cuda.Event torch.cuda.Stream torch.cuda.current_device torch.cuda.current_stream
        torch.cuda.default_stream torch.cuda.device torch.cuda.empty_cache torch.cuda.get_device_capability
        torch.cuda.get_device_name torch.cuda.get_rng_state torch.cuda.get_rng_state_all torch.cuda.init
        torch.cuda.initial_seed torch.cuda.ipc_collect torch.cuda.is_bf16_supported torch.cuda.manual_seed
        torch.cuda.manual_seed_all torch.cuda.max_memory_allocated torch.cuda.max_memory_reserved
        torch.cuda.memory_allocated torch.cuda.memory_cached torch.cuda.memory_reserved
        torch.cuda.reset_max_memory_allocated torch.cuda.reset_peak_memory_stats torch.cuda.seed
        torch.cuda.seed_all torch.cuda.set_device torch.cuda.set_rng_state torch.cuda.set_rng_state_all
        torch.cuda.stream torch.cuda.synchronize torch.amp.autocast torch.amp.custom_bwd torch.amp.custom_fwd
        torch.amp.is_autocast_available torch.distributed.ReduceOp torch.distributed.all_gather
        torch.distributed.all_gather_object torch.distributed.all_reduce torch.distributed.barrier
        torch.distributed.broadcast torch.distributed.broadcast_object_list
        torch.distributed.destroy_process_group torch.distributed.gather torch.distributed.get_backend
        torch.distributed.get_rank torch.distributed.get_world_size torch.distributed.init_process_group
        torch.distributed.is_available torch.distributed.is_gloo_available torch.distributed.is_initialized
        torch.distributed.is_mpi_available torch.distributed.is_nccl_available
        torch.distributed.is_torchelastic_launched torch.distributed.new_group torch.distributed.reduce
        torch.distributed.scatter torch.random.initial_seed torch.random.manual_seed
        torch.nn.parallel.DataParallel Tensor.cuda Tensor.pin_memory""",
    "tests/torch/recipes/autograd.py": """torch.enable_grad torch.inference_mode torch.set_grad_enabled
        torch.autograd.no_grad torch.autograd.enable_grad torch.autograd.inference_mode
        torch.autograd.set_grad_enabled torch.vmap""",
    "tests/torch/recipes/nn_utils.py": """torch.nn.utils.parametrize.remove_parametrizations
        torch.nn.utils.parametrize.is_parametrized""",
    "tests/torch/recipes/nn_module.py": """torch.nn.utils.parametrize.type_before_parametrizations
        torch.nn.Module.register_load_state_dict_post_hook torch.nn.Module.register_load_state_dict_pre_hook
        torch.nn.Module.register_state_dict_post_hook torch.nn.Module.set_extra_state""",
    "tests/torch/recipes/lr_scheduler.py": """torch.optim.swa_utils.get_swa_avg_fn
        torch.optim.swa_utils.get_ema_avg_fn torch.optim.swa_utils.get_ema_multi_avg_fn""",
    "tests/torch/recipes/data.py": "torch.utils.data.IterableDataset",
    "tests/torch/test_module.py": """torch.nn.Module.apply torch.nn.Module.type torch.nn.Module.state_dict""",
    "tests/torch/test_serialization.py": """torch.serialization.save torch.serialization.load
        torch.serialization.add_safe_globals torch.serialization.clear_safe_globals
        torch.serialization.get_safe_globals torch.serialization.safe_globals""",
    "tests/torch/recipes/distributions.py": """torch.distributions.AffineTransform
        torch.distributions.SigmoidTransform torch.distributions.TanhTransform""",
    "tests/torch/recipes/facts.py": """torch.GradScaler torch.e torch.inf torch.newaxis torch.is_conj
        torch.is_inference torch.resolve_conj torch.float torch.double torch.long torch.int torch.bool
        torch.uint8 torch.half torch.bfloat16 torch.int8 torch.float16 torch.float32 torch.float64 torch.int32
        torch.int64 torch.nn.Module.add_module torch.nn.Module.buffers torch.nn.Module.children
        torch.nn.Module.cpu torch.nn.Module.double torch.nn.Module.eval torch.nn.Module.extra_repr
        torch.nn.Module.float torch.nn.Module.forward torch.nn.Module.get_buffer torch.nn.Module.get_parameter
        torch.nn.Module.modules torch.nn.Module.named_buffers torch.nn.Module.named_children
        torch.nn.Module.named_modules torch.nn.Module.parameters torch.nn.Module.register_buffer
        torch.nn.Module.register_forward_pre_hook torch.nn.Module.register_full_backward_hook
        torch.nn.Module.register_full_backward_pre_hook torch.nn.Module.register_module
        torch.nn.Module.requires_grad_ torch.nn.Module.set_submodule torch.nn.Module.state_dict
        torch.nn.Module.train torch.nn.Module.zero_grad""",
}
# Names of which there is nothing to draw.
NOTHING = {
    "a dtype that tensors do not have: core/dtypes.py names it, test_dtypes.py holds its errors": """
        torch.BFloat16Tensor torch.CharTensor torch.HalfTensor torch.ShortTensor torch.cdouble
        torch.cfloat torch.chalf torch.complex128 torch.complex32 torch.complex64 torch.int16 torch.short
        torch.uint16 torch.uint32 torch.uint64 Tensor.bfloat16 Tensor.char Tensor.half Tensor.short
        torch.nn.Module.bfloat16 torch.nn.Module.half torch.cuda.BFloat16Tensor torch.cuda.CharTensor
        torch.cuda.HalfTensor torch.cuda.ShortTensor""",
    "a type of tensors on a GPU, made as those of the cpu are": """torch.cuda.BoolTensor
        torch.cuda.ByteTensor torch.cuda.DoubleTensor torch.cuda.FloatTensor torch.cuda.IntTensor
        torch.cuda.LongTensor torch.Event torch.Stream torch.OutOfMemoryError torch.nn.Module.cuda""",
    "a name for a layout that changes nothing": """
        torch.channels_last torch.channels_last_3d torch.contiguous_format torch.preserve_format torch.strided
        torch.layout torch.memory_format torch.nn.utils.convert_conv3d_weight_memory_format""",
    "a switch of PyTorch's that is accepted, and changes nothing": """
        torch.nn.Module.call_super_init torch.nn.Module.compile torch.nn.Module.dump_patches
        torch.nn.Module.share_memory torch.nn.Module.to_empty torch.nn.utils.parametrize.cached
        torch.utils.checkpoint.noop_context_fn torch.utils.checkpoint.set_checkpoint_debug_enabled
        torch.utils.checkpoint.set_checkpoint_early_stop torch.serialization.default_restore_location
        torch.serialization.location_tag""",
    "the same object under another of PyTorch's names": """
        torch.random.get_rng_state torch.random.seed torch.random.set_rng_state torch.default_generator
        torch.nn.Container torch.nn.RNNCellBase torch.nn.UninitializedBuffer torch.autograd.NestedIOFunction
        torch.linalg.LinAlgError torch.nn.parallel.data_parallel torch.nn.parallel.DistributedDataParallel
        torch.distributions.Distribution torch.distributions.Transform torch.distributions.register_kl
        torch.distributions.ComposeTransform torch.distributions.ExpTransform torch.nan
        torch.nn.utils.parametrize.ParametrizationList torch.optim.swa_utils.get_swa_multi_avg_fn
        torch.nn.Module.register_backward_hook""",
    "the library's own tensor: docs/torch.md says so": "Tensor.inner",
}


def names(rows: dict[str, str]) -> dict[str, str]:
    """{name: its row}."""
    return {name: row for row, several in rows.items() for name in several.split()}
