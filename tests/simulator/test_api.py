"""The driver's surface: which calls there are, the device, contexts, memory, and what errors say."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import textwrap
import threading
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_ulonglong, c_void_p
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.simulator import driver as abi
from tests.simulator.driver import Driver, DriverError, examples
from tinygrad_edu.simulator import build, control, toolchain

SYMBOLS = (Path(__file__).parent / "driver_symbols.txt").read_text().split()
BASE, SPAN = 0x200000000000, 256 << 30


# -- the library -------------------------------------------------------------------------------------


def test_all_that_pycuda_links_with_is_exported_and_nothing_strange_is(api):
    run = subprocess.run(
        ["nm", "-D", "--defined-only", build.library()], capture_output=True, text=True, check=True
    )
    exported = {line.split()[-1].split("@")[0] for line in run.stdout.splitlines()}
    assert len(SYMBOLS) == 143
    assert set(SYMBOLS) <= exported
    allowed = ("cu", "sim_", "__tsan_", "__sanitizer_cov_trace_pc", "__ubsan_handle_")
    assert not [name for name in exported if not name.startswith(allowed)]


def test_the_driver_compiles_without_warnings(api):
    build.library()
    assert build.warnings() == ""


def test_the_library_says_its_name_and_is_built_once(api):
    path = build.library()
    assert path == build.library() == toolchain.library_path()
    assert path.with_name("libcuda.so").resolve() == path
    dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    assert "soname: [libcuda.so.1]" in dynamic


def test_without_a_compiler_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    toolchain.compiler.cache_clear()
    with pytest.raises(toolchain.ToolchainError, match="apt-get install g"):
        toolchain.compiler()
    toolchain.compiler.cache_clear()


def test_what_the_compiler_refuses_is_shown_with_the_command(monkeypatch, tmp_path):
    source = tmp_path / "broken.cpp"
    source.write_text("int main() { return missing; }")
    monkeypatch.setenv("TINYGRAD_EDU_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(toolchain, "SIMULATOR", tmp_path)
    monkeypatch.setattr(toolchain, "driver_sources", lambda: [source])
    monkeypatch.setattr(toolchain, "driver_headers", list)
    with pytest.raises(toolchain.ToolchainError, match=r"(?s)broken\.cpp.*missing") as error:
        build._build(tmp_path / "cache" / "libcuda.so.1")
    assert "-std=c++17" in str(error.value)


def test_the_library_is_named_by_its_sources(monkeypatch, tmp_path):
    source = tmp_path / "one.cpp"
    source.write_text("int one;")
    monkeypatch.setattr(toolchain, "SIMULATOR", tmp_path)
    before = toolchain._digest([source])
    assert before == toolchain._digest([source])
    source.write_text("int two;")
    assert before != toolchain._digest([source])


# -- errors ------------------------------------------------------------------------------------------


def test_every_code_has_a_name_and_a_text(api):
    name, text = c_char_p(), c_char_p()
    for code in (0, 1, 2, 100, 201, 209, 700, 719, 801, 999):
        assert api.code("cuGetErrorName", code, byref(name)) == 0 and name.value.startswith(b"CUDA_")
        assert api.code("cuGetErrorString", code, byref(text)) == 0 and text.value
    assert api.code("cuGetErrorString", 12345, byref(text)) == abi.INVALID_VALUE
    assert b"12345" in text.value


@pytest.mark.parametrize(("name", "code", "word"), [
    ("cuTexRefCreate", 801, "textures"), ("cuModuleGetTexRef", 801, "__ldg"),
    ("cuArrayCreate_v2", 801, "arrays"), ("cuLinkCreate_v2", 801, "#include"),
    ("cuIpcGetMemHandle", 801, "processes"), ("cuCtxEnablePeerAccess", 217, "no link")])  # fmt: skip
def test_what_is_not_supported_says_so_by_name(driver, name, code, word):
    text = driver.refused(code, name, 0, 0, 0, 0)
    assert text.startswith(name.removesuffix("_v2") + ": ") and word in text


# -- the device --------------------------------------------------------------------------------------


def test_the_device_is_one_of_capability_9(driver):
    assert driver.get(c_int, "cuDriverGetVersion") == 13000
    assert driver.get(c_int, "cuDeviceGetCount") == 1
    name = ctypes.create_string_buffer(100)
    driver.cuDeviceGetName(name, 100, 0)
    assert b"simulator" in name.value
    assert (driver.attribute(75), driver.attribute(76)) == (9, 0)
    assert [driver.attribute(i) for i in range(1, 8)] == [1024, 1024, 1024, 64, 2**31 - 1, 65535, 65535]
    assert driver.attribute(97) == 227 * 1024
    with pytest.raises(DriverError, match="no attribute 100000"):
        driver.attribute(100000)
    with pytest.raises(DriverError, match="no device 1"):
        driver.get(c_int, "cuDeviceGet", 1)


@examples
@given(room=st.integers(1, 60))
def test_a_name_is_cut_to_the_room_there_is(api, room):
    api.cuInit(0)
    name = ctypes.create_string_buffer(b"\xff" * 80)
    api.cuDeviceGetName(name, room, 0)
    assert len(name.value) <= room - 1 and name.raw[room:79] == b"\xff" * (79 - room)


def test_the_bus_name_leads_back_to_the_device(driver):
    name = ctypes.create_string_buffer(20)
    driver.cuDeviceGetPCIBusId(name, 20, 0)
    assert driver.get(c_int, "cuDeviceGetByPCIBusId", name) == 0
    text = driver.refused(abi.INVALID_DEVICE, "cuDeviceGetByPCIBusId", byref(c_int()), b"0000:ff:00.0")
    assert "0000:ff:00.0" in text


# -- contexts ----------------------------------------------------------------------------------------


def in_a_thread(function):
    """What a function returns in an OS thread of its own."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function()))
    thread.start()
    thread.join()
    return answers[0]


def test_a_thread_without_a_context_is_told_to_push_one(driver):
    pointer = c_ulonglong()
    assert in_a_thread(lambda: driver.code("cuMemAlloc_v2", byref(pointer), 4)) == abi.INVALID_CONTEXT
    text = driver.text(abi.INVALID_CONTEXT)
    assert text.startswith("cuMemAlloc: no context is current in this thread") and "push" in text


def test_contexts_are_a_stack(driver):
    outer = driver.get(c_void_p, "cuCtxGetCurrent")
    inner = driver.get(c_void_p, "cuCtxCreate_v4", None, 0, 0)
    assert driver.get(c_void_p, "cuCtxGetCurrent") == inner != outer
    assert driver.get(c_void_p, "cuCtxPopCurrent_v2") == inner
    assert driver.get(c_void_p, "cuCtxGetCurrent") == outer
    driver.cuCtxPushCurrent_v2(inner)
    driver.cuCtxDetach(inner)  # pops it
    assert driver.get(c_void_p, "cuCtxGetCurrent") == outer
    assert "not a living context" in driver.refused(abi.INVALID_CONTEXT, "cuCtxPushCurrent_v2", inner)
    assert "more pops than pushes" in in_a_thread(
        lambda: driver.refused(abi.INVALID_CONTEXT, "cuCtxPopCurrent_v2", None)
    )


def test_attach_counts_and_a_context_takes_its_memory_along(driver):
    free = driver.get(c_size_t, "cuDeviceTotalMem_v2", 0), memory(driver)
    context = driver.get(c_void_p, "cuCtxCreate_v4", None, 0, 0)
    assert driver.get(c_void_p, "cuCtxAttach", 0) == context
    address = driver.alloc(1 << 20)
    driver.cuCtxDetach(context)
    driver.cuMemsetD8_v2(address, 0, 1 << 20)
    driver.cuCtxDetach(context)
    assert (driver.get(c_size_t, "cuDeviceTotalMem_v2", 0), memory(driver)) == free
    assert "freed" in driver.refused(abi.INVALID_VALUE, "cuMemsetD8_v2", address, 0, 1)


def test_a_context_destroyed_elsewhere_is_an_error_not_a_crash(driver):
    context = driver.get(c_void_p, "cuCtxCreate_v4", None, 0, 0)
    in_a_thread(lambda: driver.cuCtxDestroy_v2(context))
    assert "destroyed" in driver.refused(709, "cuCtxSynchronize")
    driver.cuCtxPopCurrent_v2(None)


def test_the_primary_context_is_one_and_counted(driver):
    """In a process of its own: whatever else holds the primary context here would lose it under its feet."""
    body = """
        driver = Driver()
        driver.cuInit(0)
        first = driver.get(c_void_p, "cuDevicePrimaryCtxRetain", 0)
        assert driver.get(c_void_p, "cuDevicePrimaryCtxRetain", 0) == first
        assert "released" in driver.refused(abi.INVALID_CONTEXT, "cuCtxDestroy_v2", first)
        driver.cuDevicePrimaryCtxRelease_v2(0)
        driver.cuCtxPushCurrent_v2(first)
        driver.cuCtxPopCurrent_v2(None)
        driver.cuDevicePrimaryCtxRelease_v2(0)
        assert "more releases" in driver.refused(abi.INVALID_CONTEXT, "cuDevicePrimaryCtxRelease_v2", 0)
    """
    code = (
        "from ctypes import c_void_p\nfrom tests.simulator import driver as abi\n"
        "from tests.simulator.driver import Driver\n" + textwrap.dedent(body)
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_limits_and_settings_are_read_back(driver):
    assert driver.get(c_size_t, "cuCtxGetLimit", 0) == 1024
    driver.cuCtxSetLimit(0, 4096)
    assert driver.get(c_size_t, "cuCtxGetLimit", 0) == 4096
    assert "limit 77" in driver.refused(215, "cuCtxSetLimit", 77, 1)
    driver.cuCtxSetCacheConfig(2)
    assert driver.get(c_int, "cuCtxGetCacheConfig") == 2
    assert driver.get(c_int, "cuCtxGetSharedMemConfig") == 1
    version = c_uint()
    driver.cuCtxGetApiVersion(None, byref(version))
    assert version.value == 3020


def test_a_forked_child_is_told_to_spawn(driver):
    child = os.fork()
    if child == 0:  # no pytest in here: only an exit status leaves
        code = driver.code("cuCtxSynchronize")
        os._exit(42 if code == abi.NOT_INITIALIZED and "spawn" in driver.text(code) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42


# -- memory ------------------------------------------------------------------------------------------


def memory(driver):
    """Bytes free."""
    free, total = c_size_t(), c_size_t()
    driver.cuMemGetInfo_v2(byref(free), byref(total))
    assert free.value <= total.value
    return free.value


class Memory(RuleBasedStateMachine):
    """Any order of allocating, writing, reading and freeing: nobody's bytes are anybody else's."""

    given: tuple[Driver]  # in a tuple, because the machine reads every attribute of an attribute

    def __init__(self):
        super().__init__()
        self.live, self.dead = {}, []
        self.before = memory(self.given[0])

    @rule(
        size=st.integers(1, 20000),
        kind=st.sampled_from(["device", "pinned", "managed"]),
        value=st.integers(0, 255),
    )
    def allocate(self, size, kind, value):
        if kind == "pinned":
            address = self.given[0].pinned(size)[0]
        elif kind == "managed":
            address = self.given[0].get(c_ulonglong, "cuMemAllocManaged", size, 1)
        else:
            address = self.given[0].alloc(size)
        assert BASE <= address < BASE + SPAN and address % 256 == 0
        assert address not in self.dead, "an address is used again, so that a stale pointer is not found out"
        assert bytes((ctypes.c_ubyte * size).from_address(address)) == b"\xff" * size
        self.given[0].cuMemsetD8_v2(address, value, size)
        self.live[address] = (size, kind, value)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def free(self, data):
        address = data.draw(st.sampled_from(sorted(self.live)))
        kind = self.live.pop(address)[1]
        getattr(self.given[0], "cuMemFreeHost" if kind == "pinned" else "cuMemFree_v2")(address)
        assert "freed twice" in self.given[0].refused(abi.INVALID_VALUE, "cuMemFree_v2", address)
        self.dead.append(address)

    @invariant()
    def everyone_has_their_own(self):
        for address, (size, _, value) in self.live.items():
            assert self.given[0].download(address, size) == bytes([value]) * size
            assert self.given[0].code("cuMemsetD8_v2", address, 0, size + 1) == abi.INVALID_VALUE

    def teardown(self):
        for address, (_, kind, _) in self.live.items():
            getattr(self.given[0], "cuMemFreeHost" if kind == "pinned" else "cuMemFree_v2")(address)
        assert memory(self.given[0]) == self.before


def test_memory_is_nobody_elses(driver):
    Memory.given = (driver,)
    Memory.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
    Memory.TestCase("runTest").runTest()


def test_what_cannot_be_allocated(driver):
    pointer = c_ulonglong()
    assert "0 bytes" in driver.refused(abi.INVALID_VALUE, "cuMemAlloc_v2", byref(pointer), 0)
    text = driver.refused(abi.OUT_OF_MEMORY, "cuMemAlloc_v2", byref(pointer), 1 << 40)
    assert str(1 << 40) in text and "sim.configure(memory=...)" in text
    assert driver.code("cuMemAlloc_v2", byref(pointer), 2**64 - 1) == abi.OUT_OF_MEMORY
    assert "null" in driver.refused(abi.INVALID_VALUE, "cuMemAlloc_v2", None, 4)


@examples
@given(offset=st.integers(1, 300))
def test_only_the_beginning_can_be_freed(driver, offset):
    address = driver.alloc(300)
    text = driver.refused(abi.INVALID_VALUE, "cuMemFree_v2", address + offset)
    into = f"{offset} byte{'s' * (offset > 1)} into"
    assert ("just past the end of" if offset == 300 else into) in text and "300 bytes" in text
    driver.cuMemFree_v2(address)


def test_the_wrong_way_to_free_is_named(driver):
    address, _ = driver.pinned(16)
    assert "cuMemFreeHost" in driver.refused(abi.INVALID_VALUE, "cuMemFree_v2", address)
    assert "cuMemFree" in driver.refused(abi.INVALID_VALUE, "cuMemFreeHost", driver.alloc(16))
    array = (ctypes.c_ubyte * 8)()
    assert "host memory" in driver.refused(abi.INVALID_VALUE, "cuMemFree_v2", ctypes.addressof(array))
    driver.cuMemFree_v2(0)


def test_memory_tells_where_it_came_from(driver):
    where = ctypes.CFUNCTYPE(c_int, c_void_p, c_int)

    @where
    def line(out, size):
        ctypes.memmove(out, b"train.py:31", 11)
        return 11

    driver.library.sim_set_where(line)
    try:
        address = driver.alloc(4000)
        driver.library.sim_get.restype = c_char_p
        known = json.loads(driver.library.sim_get(b"allocations"))
        assert next(a for a in known if a["address"] == address)["made_at"] == "train.py:31"
        text = driver.refused(abi.INVALID_VALUE, "cuMemsetD8_v2", address + 4004, 0, 1)
        assert "4 bytes past the end of the 4000 bytes allocated at train.py:31" in text
        text = driver.refused(abi.INVALID_VALUE, "cuMemsetD8_v2", address - 4, 0, 1)
        assert "4 bytes before the 4000 bytes allocated at train.py:31" in text
        driver.cuMemFree_v2(address)
        text = driver.refused(abi.INVALID_VALUE, "cuMemsetD8_v2", address, 0, 1)
        assert "the beginning of the 4000 bytes allocated at train.py:31 and freed at train.py:31" in text
    finally:
        driver.library.sim_set_where(control._callback if control.is_loaded() else None)


@examples
@given(width=st.integers(1, 3000), height=st.integers(1, 20), element=st.sampled_from([4, 8, 16]))
def test_pitched_rows_do_not_overlap(driver, width, height, element):
    address, pitch = c_ulonglong(), c_size_t()
    driver.cuMemAllocPitch_v2(byref(address), byref(pitch), width, height, element)
    assert pitch.value >= width and pitch.value % 512 == 0
    driver.cuMemsetD8_v2(address.value, 1, pitch.value * height)
    base, size = c_ulonglong(), c_size_t()
    driver.cuMemGetAddressRange_v2(byref(base), byref(size), address.value + width - 1)
    assert (base.value, size.value) == (address.value, pitch.value * height)
    driver.cuMemFree_v2(address.value)


def test_registered_and_pinned_memory_is_the_devices_too(driver):
    array = (ctypes.c_ubyte * 64)(*range(64))
    host = ctypes.addressof(array)
    assert driver.code("cuMemcpyDtoH_v2", ctypes.create_string_buffer(64), host, 64) == abi.INVALID_VALUE
    driver.cuMemHostRegister_v2(host, 64, 2)
    assert "already" in driver.refused(712, "cuMemHostRegister_v2", host + 63, 1, 0)
    assert driver.get(c_ulonglong, "cuMemHostGetDevicePointer_v2", host, 0) == host
    assert driver.download(host + 8, 8) == bytes(range(8, 16))
    driver.cuMemHostUnregister(host)
    assert "not registered" in driver.refused(713, "cuMemHostUnregister", host)
    assert driver.code("cuMemcpyDtoH_v2", ctypes.create_string_buffer(64), host, 64) == abi.INVALID_VALUE
    address, pinned = driver.pinned(32, flags=2)
    assert driver.get(c_uint, "cuMemHostGetFlags", address) == 2
    driver.cuMemsetD8_v2(address, 7, 32)
    assert bytes(pinned) == b"\7" * 32
    driver.cuMemFreeHost(address)
