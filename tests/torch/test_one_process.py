"""Words that programs import without needing: they do what one process on this device can do, and say so."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest

import tinygrad_edu.torch as torch
import tinygrad_edu.torch.cuda.amp
import tinygrad_edu.torch.distributed as dist
import tinygrad_edu.torch.multiprocessing
import tinygrad_edu.torch.profiler
from tinygrad_edu.errors import DeviceError


@pytest.fixture
def group():
    dist.init_process_group("gloo", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_collectives_of_one_process_leave_the_tensor_as_it_is(group) -> None:
    x = torch.tensor([1.0, 2.0])
    assert dist.is_available() and dist.is_initialized()
    assert (dist.get_rank(), dist.get_world_size(), dist.get_backend()) == (0, 1, "gloo")
    dist.all_reduce(x, op=dist.ReduceOp.SUM)
    dist.broadcast(x, src=0)
    dist.reduce(x, 0)
    assert dist.all_reduce(x, async_op=True).wait()
    dist.barrier()
    assert x.tolist() == [1, 2]
    out = [torch.zeros(2)]
    dist.all_gather(out, x)
    assert out[0].tolist() == [1, 2]
    gathered, scattered = [torch.zeros(2)], torch.zeros(2)
    dist.gather(x, gathered)
    dist.scatter(scattered, [x])
    assert gathered[0].tolist() == scattered.tolist() == [1, 2]
    objects = [None]
    dist.all_gather_object(objects, {"a": 1})
    dist.broadcast_object_list(objects)
    assert objects == [{"a": 1}]
    assert dist.new_group([0]) is not None


def test_a_job_of_several_processes_is_refused_with_what_to_use(monkeypatch) -> None:
    with pytest.raises(RuntimeError, match=r"tinygrad_edu\.distributed"):
        dist.init_process_group("gloo", rank=0, world_size=4)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RuntimeError, match="2 processes"):
        dist.init_process_group("gloo")
    assert not dist.is_initialized()
    with pytest.raises(ValueError, match="init_process_group"):
        dist.get_rank()
    with pytest.raises(ValueError, match="twice"):
        monkeypatch.delenv("WORLD_SIZE")
        dist.init_process_group("gloo")
        try:
            dist.init_process_group("gloo")
        finally:
            dist.destroy_process_group()


def test_what_of_it_is_there() -> None:
    assert not (dist.is_nccl_available() or dist.is_mpi_available() or dist.is_torchelastic_launched())
    assert dist.is_gloo_available()


def test_without_a_gpu_the_cuda_module_says_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("a GPU is here; this is about machines without one")
    assert torch.cuda.device_count() == 0 and not torch.cuda.is_initialized()
    assert torch.cuda.memory_allocated() == torch.cuda.max_memory_allocated() == 0
    assert torch.cuda.memory_reserved() == torch.cuda.max_memory_reserved() == torch.cuda.memory_cached() == 0
    for call in (torch.cuda.current_device, torch.cuda.synchronize, torch.cuda.get_device_name,
                 torch.cuda.get_device_capability):  # fmt: skip
        with pytest.raises(DeviceError, match="is_available"):
            call()
    with pytest.raises(RuntimeError):
        torch.zeros(2).cuda()
    torch.cuda.empty_cache()
    torch.cuda.init()
    torch.cuda.ipc_collect()
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.reset_max_memory_allocated()
    torch.cuda.set_device(0)
    with pytest.raises(RuntimeError, match="one GPU"):
        torch.cuda.set_device(1)
    assert not torch.cuda.is_bf16_supported()


def test_pinned_memory_is_the_tensor_itself_where_pytorch_without_a_gpu_has_an_error() -> None:
    x = torch.ones(3)
    assert x.pin_memory() is x
    assert not x.is_pinned()


def test_streams_and_events_are_made_and_measure() -> None:
    with torch.cuda.stream(torch.cuda.Stream()) as entered, torch.cuda.device(0):
        assert entered is None
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    with pytest.raises(RuntimeError, match="recorded"):
        start.elapsed_time(end)
    start.record()
    end.record()
    assert start.elapsed_time(end) >= 0
    assert torch.cuda.current_stream() is torch.cuda.default_stream()
    assert torch.cuda.current_stream().query() and start.query()


def test_one_generator_makes_the_random_numbers_of_all_devices() -> None:
    torch.cuda.manual_seed_all(5)
    first, state = torch.rand(3), torch.cuda.get_rng_state()
    torch.cuda.manual_seed(5)
    assert torch.rand(3).tolist() == first.tolist()
    torch.cuda.set_rng_state(state)
    after = torch.rand(3).tolist()
    torch.cuda.set_rng_state_all([state])
    assert torch.rand(3).tolist() == after
    assert torch.cuda.initial_seed() == 5 and len(torch.cuda.get_rng_state_all()) == 1
    torch.cuda.seed()
    torch.cuda.seed_all()
    assert torch.cuda.initial_seed() != 5
    torch.random.manual_seed(3)
    assert torch.random.initial_seed() == torch.initial_seed() == 3


def test_autocast_computes_in_float32_and_says_so_once() -> None:
    tinygrad_edu.torch.amp._tell.cache_clear()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(2):
            with torch.autocast("cuda", dtype=torch.bfloat16), torch.cuda.amp.autocast():
                assert (torch.ones(2) * 2).dtype is torch.float32
    assert len(said) == 1 and "float32" in str(said[0].message)
    assert not torch.amp.is_autocast_available("cuda")


def test_custom_fwd_and_bwd_leave_functions_as_they_are() -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cuda")
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @torch.cuda.amp.custom_bwd
        def backward(ctx, g):
            return g * 2

    x = torch.ones(2, requires_grad=True)
    Double.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_compiled_and_scripted_functions_are_themselves() -> None:
    def f(x):
        return x + 1

    @torch.compile(mode="max-autotune")
    def g(x):
        return x + 1

    assert torch.compile(f) is f and torch.jit.script(f) is f and torch.jit.trace(f, torch.ones(1)) is f
    assert g(torch.ones(1)).item() == 2 and not torch.compiler.is_compiling()
    assert torch.jit.isinstance([1], list)


def test_the_accelerator_is_named_without_its_maker() -> None:
    accelerator = torch.accelerator
    assert accelerator.is_available() == torch.cuda.is_available()
    assert accelerator.device_count() == torch.cuda.device_count()
    if accelerator.is_available():
        assert accelerator.current_accelerator().type == "cuda" and accelerator.current_device_index() == 0
        return
    assert accelerator.current_accelerator() is None
    with pytest.raises(DeviceError):
        accelerator.current_device_index()


def test_modules_need_not_be_imported_before_they_are_named() -> None:
    code = """
import tinygrad_edu.torch as torch
assert torch.cuda.amp.GradScaler(enabled=False).get_scale() == 1.0
assert torch.distributions.normal.Normal is torch.distributions.Normal
assert torch.nn.parallel.distributed.DistributedDataParallel is torch.nn.parallel.DistributedDataParallel
assert isinstance(3, torch.types.Number) and not hasattr(torch.nn, "no_such_module")
from tinygrad_edu.torch.optim.adamw import AdamW
assert AdamW is torch.optim.AdamW
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_ways_to_compute_attention_can_be_named() -> None:
    from tinygrad_edu.torch.nn.attention import SDPBackend, sdpa_kernel

    x = torch.arange(6.0).view(1, 3, 2)
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
        inside = torch.nn.functional.scaled_dot_product_attention(x, x, x)
    assert torch.equal(inside, torch.nn.functional.scaled_dot_product_attention(x, x, x))


def test_a_compiled_module_names_the_module_that_it_was() -> None:
    compiled = torch.compile(torch.nn.Linear(2, 3))
    assert compiled._orig_mod is compiled and list(compiled.state_dict()) == ["weight", "bias"]


def test_switches_can_be_set_and_change_nothing() -> None:
    torch.use_deterministic_algorithms(True)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    with pytest.raises(RuntimeError, match="highest"):
        torch.set_float32_matmul_precision("low")
    assert torch.get_float32_matmul_precision() in ("highest", "high")
    torch.set_num_interop_threads(2)
    assert torch.get_num_interop_threads() == 1 and not torch.set_flush_denormal(True)
    torch.set_warn_always(False)
    assert not torch.backends.mps.is_available() and not torch.backends.cudnn.is_available()
    assert torch.compiled_with_cxx11_abi()


def test_threads_of_matrix_products_can_be_set() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)
    with pytest.raises(RuntimeError, match="positive"):
        torch.set_num_threads(0)


def test_the_default_device_is_where_tensors_are_made() -> None:
    assert str(torch.get_default_device()) == "cpu"
    torch.set_default_device("cpu")
    with torch.device("cpu"):
        assert torch.zeros(1).device.type == "cpu"


def test_parallel_wrappers_hold_the_module() -> None:
    net = torch.nn.Linear(2, 3)
    for wrapper in (torch.nn.DataParallel(net), torch.nn.parallel.DataParallel(net)):
        assert wrapper.module is net
        np.testing.assert_array_equal(wrapper(torch.ones(1, 2)).detach(), net(torch.ones(1, 2)).detach())


def test_a_profile_has_the_ops(capsys) -> None:
    with tinygrad_edu.torch.profiler.profile() as seen, tinygrad_edu.torch.profiler.record_function("part"):
        torch.exp(torch.ones(3))
    assert "exp" in seen.key_averages().table(sort_by="cpu_time_total")


def test_spawned_processes_run_and_their_failure_is_an_error(tmp_path) -> None:
    script = tmp_path / "spawned.py"
    script.write_text(
        "import tinygrad_edu.torch.multiprocessing as mp\n"
        "def work(i, folder):\n    open(f'{folder}/{i}', 'w').close()\n    assert i < 2\n"
        "if __name__ == '__main__':\n"
        f"    mp.spawn(work, args=({str(tmp_path)!r},), nprocs=2)\n"
        "    try:\n"
        f"        mp.spawn(work, args=({str(tmp_path)!r},), nprocs=3)\n"
        "    except RuntimeError as error:\n        print(error)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert "process 2" in done.stdout and sorted(p.name for p in tmp_path.glob("?")) == ["0", "1", "2"]


def test_anomalies_are_found_and_named() -> None:
    x = torch.tensor([-1.0], requires_grad=True)
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="NaN"):
        torch.log(x)
    with torch.autograd.set_detect_anomaly(True):
        assert torch.is_anomaly_enabled()
    assert not torch.is_anomaly_enabled()
    torch.set_anomaly_enabled(True)
    assert torch.is_anomaly_enabled()
    torch.set_anomaly_enabled(False)
    assert not torch.is_anomaly_enabled()
