"""Files that are damaged or made to do harm: always a PTError that names the file and the reason, nothing is
run, and no more memory is used than the file has bytes for."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.interop.pt_programs import number, numbers, program, row, storage, tensor, text, zipped
from tinygrad_edu import nn
from tinygrad_edu.interop import PTError, load_pt, save_pt

FOUR = np.arange(4, dtype="<f4").tobytes()
PLAIN = tensor(storage("FloatStorage", "0", 4), size=(4,), stride=(1,))


def refused(content, match):
    """Check that this file is refused for this reason, with little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(PTError, match=match):
            load_pt(io.BytesIO(content))
        assert tracemalloc.get_traced_memory()[1] < 2_000_000 + 20 * len(content)
    finally:
        tracemalloc.stop()


def with_item(*items, **more):
    return zipped(program(*items), {"0": FOUR}, **more)


class Evil(tuple):
    """(function, arguments): what is called when Python's own machine reads it."""

    def __reduce__(self):
        return tuple(self)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_functions_of_python_are_named_and_not_called(protocol, tmp_path):
    mark = tmp_path / "mark"
    for function, arguments, name in (
        (os.system, (f"touch {mark}",), "posix.system|nt.system"),
        (eval, (f"open({str(mark)!r}, 'w')",), "builtins.eval"),
        (getattr, (os, "system"), "builtins.getattr"),
        (open, (str(mark), "w"), "io.open|_io.open"),
        (np.load, (str(mark),), "numpy.load"),
        (te.interop.save_pt, ([1], str(mark)), "tinygrad_edu.interop.pt_file.save_pt"),
    ):
        try:
            data = pickle.dumps([Evil((function, arguments))], protocol=protocol)
        except TypeError:  # a module cannot be pickled
            data = pickle.dumps([Evil((function, ("os", "system")))], protocol=protocol)
        refused(
            zipped(data), f"it asks for ({name}), which is no part of weights; nothing was run.*state_dict"
        )
        refused(zipped(data), "torch.save")
    assert not mark.exists()


def test_a_whole_model_of_pytorch_is_refused_by_its_class():
    data = b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81}b."
    refused(zipped(data), r"it asks for torch\.nn\.modules\.linear\.Linear, which is no part of weights")


@pytest.mark.parametrize(
    "module", ["torch.hub", "torch", "builtins", "__builtin__", "collections", "os", "", "numpy"]
)
def test_no_other_name_of_a_known_module_is_found(module):
    for name in (
        "load",
        "eval",
        "OrderedDict.fromkeys",
        "__class__",
        "namedtuple",
        "Tensor.__reduce__",
        "exec",
    ):
        refused(with_item(f"c{module}\n{name}\n".encode()), "it asks for|damaged")
        refused(with_item(text(module) + text(name) + b"\x93"), "it asks for|damaged")


def test_instructions_that_weights_do_not_need_are_refused():
    for code, name in (
        (b"(cos\nsystem\no", "asks for os.system"),  # OBJ
        (b"(S'ls'\nios\nsystem\n", "INST"),
        (b"\x82\x01", "EXT1"),
        (b"cbuiltins\nset\n)}\x92", "NEWOBJ_EX"),
        (b"Pname\n", "PERSID"),
    ):
        refused(with_item(code), name)


def test_only_functions_that_the_file_may_have_are_called():
    for code in (text("os"), b"K\x05", b"]", b"}", PLAIN, b"ctorch\nFloatStorage\n", b"ctorch\nfloat32\n"):
        for call in (b")R", b")\x81"):
            refused(with_item(code + call), "no function that it may call|damaged|which weights do not need")
    for code in (b"]", b"(K\x01K\x02t", PLAIN, b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nfloat32\n",
                 b"ccollections\nOrderedDict\n)R"):  # fmt: skip
        state = b"}" + text("__class__") + text("x") + b"s"
        refused(with_item(code + state + b"b"), "sets the state of|damaged")


def test_builders_take_what_they_need_and_no_more():
    for code in (
        b"cbuiltins\nbytearray\n" + number(10**12) + b"\x85R",
        b"ctorch\nSize\n" + text("x") + b"\x85R",
        b"ctorch\ndevice\n" + number(1) + b"\x85R",
        b"cbuiltins\nset\n" + number(3) + b"\x85R",
        b"cbuiltins\nset\n]](K\x01ea\x85R",
        b"cbuiltins\ncomplex\n" + text("1") + text("2") + b"\x86R",
        b"ccollections\nCounter\n" + number(3) + b"\x85R",
        b"ccollections\nOrderedDict\n](K\x01K\x02K\x03te\x85R",
        b"c_codecs\nencode\n" + text("x") + text("rot13") + b"\x86R",
        b"cnumpy\ndtype\n" + text("O") + b"\x85R",
        b"cnumpy\ndtype\n" + text("f8,f8") + b"\x85R",
        b"cnumpy._core.multiarray\n_reconstruct\n" + text("x") + numbers([0]) + text("b") + b"\x87R",
    ):
        refused(with_item(code), "damaged|none of numbers")


def test_numbers_of_numpy_are_compared_with_their_bytes():
    def array(shape, data, dtype="f8"):
        made = (
            b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + numbers([0]) + text("b") + b"\x87R"
        )
        kind = b"cnumpy\ndtype\n" + text(dtype) + b"\x89\x88\x87R"
        return (
            made + b"(K\x01" + numbers(shape) + kind + b"\x89B" + struct.pack("<I", len(data)) + data + b"tb"
        )

    (found,) = load_pt(io.BytesIO(with_item(array((2,), np.array([1.5, 2]).tobytes()))))
    assert type(found) is np.ndarray and found.tolist() == [1.5, 2.0]
    for shape, data in (((3,), b"\0" * 16), ((2**40, 2**40), b"\0" * 16), ((-1,), b""), ((2,), b"")):
        refused(with_item(array(shape, data)), "in .* bytes")
    scalar = b"cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\n" + text("f8") + b"\x89\x88\x87R"
    refused(with_item(scalar + b"C\x02ab\x86R"), "another length")


@pytest.mark.parametrize(("offset", "size", "stride", "match"), [
    (0, (5,), (1,), "reaches beyond its storage '0', which has 4 elements"),
    (4, (1,), (1,), "reaches beyond"),
    (1, (2, 2), (2, 1), "reaches beyond"),
    (0, (2,), (4,), "reaches beyond"),
    (2**62, (1,), (1,), "reaches beyond"),
    (0, (2**61,), (1,), "more elements than memory can have"),
    (0, (2**40, 2**40), (0, 0), "more elements than memory can have"),
    (0, (0, 2**62, 2**62), (1, 1, 1), "more elements than memory can have"),
    (0, (2,), (2**64,), "more elements than memory can have"),
    (3, (4,), (-1,), "no negative numbers"),
    (-1, (2,), (1,), "no negative numbers"),
    (0, (-1,), (1,), "no negative numbers"),
    (0, (2, 2), (1,), "as many strides as sizes"),
    (0, (1,) * 65, (1,) * 65, "65 axes"),
])  # fmt: skip
def test_tensors_lie_in_their_storage(offset, size, stride, match):
    item = tensor(storage("FloatStorage", "0", 4), offset, size, stride)
    refused(with_item(item), match)
    refused(row(program(item), {"0": (4, FOUR)}), match)


def test_an_expanded_tensor_takes_no_memory():
    item = tensor(storage("FloatStorage", "0", 4), 1, (2**20, 2**20), (0, 0))
    tracemalloc.start()
    (found,) = load_pt(io.BytesIO(with_item(item)))
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()
    assert found.shape == (2**20, 2**20) and found[5, 7].item() == 1.0
    assert not found.numpy().flags.writeable


def test_many_views_of_one_storage_take_no_memory_each():
    big = np.zeros(100_000, np.float16).tobytes()
    item = tensor(storage("HalfStorage", "0", 100_000), 0, (100_000,), (1,))
    content = zipped(program(*[item] * 500), {"0": big})
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = load_pt(io.BytesIO(content))
    assert len(found) == 500 and tracemalloc.get_traced_memory()[1] < 20 * len(content)
    tracemalloc.stop()


def test_storages_have_the_bytes_that_the_pickle_says():
    for count in (3, 5, 2**50):
        item = tensor(storage("FloatStorage", "0", count), size=(3,), stride=(1,))
        refused(with_item(item), "has 16 bytes, and")
        refused(row(program(item), {"0": (4, FOUR)}), "another number of elements|ends")
        if count > 4:
            refused(
                row(program(item), {"0": (4, FOUR)}, counts={"0": count}), "it ends before its storage '0'"
            )
    for key in ("1", "../0", "", "data.pkl"):
        refused(
            with_item(tensor(storage("FloatStorage", key, 4), size=(1,), stride=(1,))), "it has no storage"
        )
    for made in (b"(" + text("module") + b"tQ", text("0") + b"Q", b"(tQ",
                 b"(" + text("storage") + text("FloatStorage") + text("0") + text("cpu") + number(4) + b"tQ",
                 storage("FloatStorage", "0", -1)):  # fmt: skip
        refused(with_item(tensor(made, size=(1,), stride=(1,))), "refers to|has -1 elements")


def test_dtypes_without_a_counterpart_are_refused_by_name():
    for kind, name in (("ComplexFloatStorage", "complex64"), ("ComplexDoubleStorage", "complex128"),
                       ("QUInt8Storage", "quint8")):  # fmt: skip
        size = 16 if "Double" in kind else 8 if "Complex" in kind else 1
        item = tensor(storage(kind, "0", 16 // size), size=(1,), stride=(1,))
        refused(
            with_item(item), f"a tensor of {name}, which this library does not have.*convert it in PyTorch"
        )
    for function, what in (("_rebuild_sparse_tensor", "sparse"), ("_rebuild_qtensor", "quantized")):
        refused(with_item(f"ctorch._utils\n{function}\n".encode()), f"a {what} tensor")
    refused(with_item(tensor(storage("BoolStorage", "0", 16), size=(1,), stride=(1,))), "neither 0 nor 1")


def test_gradients_and_hooks_that_there_cannot_be():
    item = tensor(storage("IntStorage", "0", 4), size=(1,), stride=(1,), requires_grad=True)
    refused(with_item(item), "int32 tensor that requires grad")
    hooks = b"ccollections\nOrderedDict\n)R" + number(1) + text("x") + b"s"
    refused(with_item(tensor(storage("FloatStorage", "0", 4), size=(1,), stride=(1,), hooks=hooks)), "hooks")
    parameter = b"ctorch._utils\n_rebuild_parameter\n"
    refused(with_item(parameter + text("x") + b"\x88)\x87R"), "a parameter that is no plain tensor")


def test_archives_that_pytorch_does_not_write():
    data, two = program(PLAIN), {"0": FOUR}
    refused(zipped(data, two, compress=zipfile.ZIP_DEFLATED), "compressed or encrypted")
    bomb = zipped(data, {"0": b"\0" * 10_000_000}, compress=zipfile.ZIP_DEFLATED)
    refused(bomb, "compressed or encrypted")
    for name in ("/etc/passwd", "archive/../../x", "..\\x", "archive/a\\..\\b"):
        refused(zipped(data, two, extra=[(name, b"")]), "leads out of it|in one folder")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns about the second entry while it writes it
        refused(zipped(data, two, extra=[("archive/data/0", FOUR)]), "two entries of one name")
    refused(zipped(data, two, extra=[("other/data.pkl", b"")]), "in one folder")
    refused(zipped(data, two, extra=[("archive/constants.pkl", b"")]), "torch.jit.save")
    refused(zipped(data, two, version=b"99"), "its format is '99'")
    refused(zipped(data, two, version=b"x" * 99), "its format is")
    np.savez(made := io.BytesIO(), a=np.ones(2))
    refused(made.getvalue(), "no file of torch.save.*numpy.load")


def test_entries_that_lie_about_their_sizes():
    content = zipped(program(PLAIN), {"0": FOUR})
    at = content.rindex(b"archive/data/0") - 46
    assert content[at : at + 4] == b"PK\x01\x02"
    for size in (17, 2**31, 2**32 - 2):
        sizes = struct.pack("<II", size, size)
        refused(
            content[: at + 20] + sizes + content[at + 28 :], "more bytes|cannot be read|shorter|has .* bytes"
        )
    flipped = bytearray(content)
    flipped[content.index(FOUR) + 2] ^= 1
    refused(bytes(flipped), "CRC")


def test_programs_that_would_take_for_ever_or_fill_the_memory():
    small = b"\x80\x02]r\xff\xff\xff\xff."  # an index of the memo of four thousand million
    assert load_pt(io.BytesIO(zipped(small))) == []
    for code in (b"\x8e" + struct.pack("<Q", 2**62), b"\x8d" + struct.pack("<Q", 2**62), b"X\xff\xff\xff\xff",
                 b"\x8b\xff\xff\xff\x7f", b"\x96" + struct.pack("<Q", 2**62)):  # fmt: skip
        refused(zipped(b"\x80\x04" + code + b"."), "damaged")
    nested = b")" + b"2\x86" * 60  # a tuple of tuples with two to the power of sixty parts
    refused(with_item(b"}" + nested + b"K\x01s"), "as a key")
    refused(with_item(b"cbuiltins\nset\n](" + nested + b"e\x85R"), "as a key")
    deep = zipped(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".")
    assert type(load_pt(io.BytesIO(deep))) is list


@given(st.binary(max_size=60))
def test_any_program(data):
    with contextlib.suppress(PTError):
        load_pt(io.BytesIO(zipped(b"\x80\x02" + data, {"0": FOUR})))


CODES = [
    *(PLAIN, storage("FloatStorage", "0", 4), number(3), text("0"), text("f8"), b"C\x01b"),
    *(
        b"(",
        b"t",
        b"R",
        b"b",
        b"Q",
        b"]",
        b"}",
        b")",
        b"a",
        b"e",
        b"s",
        b"u",
        b"0",
        b"1",
        b"2",
        b"N",
        b"d",
        b"l",
    ),
    *(b"\x81", b"\x85", b"\x86", b"\x88", b"\x8f", b"\x90", b"\x91", b"\x94", b"q\x00", b"h\x00"),
    *(b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_parameter\n", b"ctorch\nSize\n"),
    *(b"ctorch._tensor\n_rebuild_from_type_v2\n", b"cnumpy\ndtype\n", b"cnumpy\nndarray\n"),
    b"cnumpy._core.multiarray\n_reconstruct\n",
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(CODES), max_size=25))
def test_any_mixture_of_instructions(codes):
    data = b"\x80\x02" + b"".join(codes) + b"."
    for content in (zipped(data, {"0": FOUR}), row(data, {"0": (4, FOUR)})):
        with contextlib.suppress(PTError):
            load_pt(io.BytesIO(content))


def _whole():
    file = io.BytesIO()
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    save_pt({"model": model.state_dict(), "epoch": 3}, file)
    return file.getvalue()


WHOLE = _whole()
ROW = row(program(PLAIN, text("a")), {"0": (4, FOUR)})


@given(st.data())
def test_any_damage(data):
    """A flipped byte, or the end cut off, is an error or changes nothing that is read."""
    for content in (WHOLE, ROW):
        at = data.draw(st.integers(0, len(content) - 1))
        byte = data.draw(st.integers(1, 255))
        changed = bytearray(content)
        changed[at] ^= byte
        for file in (bytes(changed), content[:at]):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with contextlib.suppress(PTError):
                    load_pt(io.BytesIO(file))


def test_an_error_names_the_file(tmp_path):
    path = tmp_path / "m.pt"
    path.write_bytes(with_item(b"cos\nsystem\n"))
    with pytest.raises(PTError, match=r"m\.pt: it asks for os\.system"):
        load_pt(path)
    with pytest.raises(pickle.UnpicklingError):  # as code that reads pickles expects
        load_pt(path)
    with pytest.raises(FileNotFoundError, match=r"no file at .*none\.pt"):
        load_pt(tmp_path / "none.pt")
    nn.save_checkpoint(tmp_path / "c.safetensors", model=nn.Linear(2, 2))
    with pytest.raises(PTError, match=r"no file of torch\.save; .*nn\.load_checkpoint"):
        load_pt(tmp_path / "c.safetensors")
    written = io.BytesIO()
    save_pt([1], written)
    with pytest.raises(PTError, match=r"nothing to read; .*file\.seek\(0\)"):
        load_pt(written)


def test_rows_of_pickles():
    (found,) = load_pt(io.BytesIO(row(program(PLAIN), {"0": (4, FOUR)})))
    assert found.tolist() == [0.0, 1.0, 2.0, 3.0]
    file = io.BytesIO(b"before" + ROW + b"after")
    file.seek(6)
    assert load_pt(file)[1] == "a" and file.read() == b"after"
    data = program(PLAIN)
    refused(row(data, {"0": (4, FOUR)}, version=7), "its format is 7")
    refused(row(data, {"0": (4, FOUR)}, keys=[]), "its list of storages")
    refused(row(data, {"0": (4, FOUR), "1": (4, FOUR)}), "its list of storages")
    refused(ROW[:-1], "ends")
    twice = program(PLAIN, tensor(storage("IntStorage", "0", 4), size=(1,), stride=(1,)))
    refused(row(twice, {"0": (4, FOUR)}), "two types")


def test_a_class_of_the_caller_is_built_once_from_a_row_of_pickles():
    made = []

    class Mine:
        def __init__(self):
            made.append(self)

        def __setstate__(self, state):
            self.state = state

    code = b"cmine\nMine\n)R}" + text("a") + PLAIN + b"sb"
    (found,) = load_pt(
        io.BytesIO(row(program(code), {"0": (4, FOUR)})),
        find=lambda m, n: Mine if (m, n) == ("mine", "Mine") else None,
    )
    assert made == [found] and found.state["a"].tolist() == [0.0, 1.0, 2.0, 3.0]
