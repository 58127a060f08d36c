"""What is written, and how: every writer of the library leaves what it must not touch, and no litter."""

from __future__ import annotations

import ast
import errno
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import data, files, interop, nn, reference, viz
from tinygrad_edu.cli import main
from tinygrad_edu.data.fingerprints import Fingerprints, write_fp
from tinygrad_edu.interop import onnx
from tinygrad_edu.simulator.profile import Profile
from tinygrad_edu.viz import figure

PACKAGE = Path(te.__file__).parent
NAME = "résumé 1"


def _picture(path):
    te.manual_seed(0)
    return viz.histograms(nn.Linear(2, 2), path=path)


def _graph(path):
    return viz.graph(te.ones(2, requires_grad=True) * 2).save(path)


def _table(path):
    return write_fp(path, Fingerprints(("a",), np.zeros(1), np.zeros((1, 4), np.uint8), ()))


# how each writer is called, and the ending that it asks for
WRITERS = {
    "files": (lambda path: files.write(path, "text"), ""),
    "checkpoint": (lambda path: nn.save_checkpoint(path, model=nn.Linear(2, 2)), ".safetensors"),
    "idx": (lambda path: data.write_idx(path, np.zeros(3, np.uint8)), ".idx"),
    "idx, packed": (lambda path: data.write_idx(path, np.zeros(3, np.uint8)), ".gz"),
    "fingerprints": (_table, ".fp"),
    "graph": (_graph, ".svg"),
    "picture": (_picture, ".png"),
    "animation": (lambda path: figure.Animation(None, b"GIF", 1).save(path), ".gif"),
    "pt": (lambda path: interop.save_pt([te.ones(2)], path), ".pt"),
    "safetensors": (lambda path: interop.save_safetensors({"a": te.ones(2)}, path), ".safetensors"),
    "onnx": (lambda path: onnx.export(nn.Linear(2, 2), te.ones(1, 2), path), ".onnx"),
    "profile": (lambda path: Profile().html(path), ".html"),
}


@pytest.fixture(params=list(WRITERS))
def writer(request):
    return WRITERS[request.param]


def test_a_link_stays_and_what_it_leads_to_is_replaced(writer, tmp_path):
    write, ending = writer
    (tmp_path / "real").mkdir()
    real, between, link = tmp_path / "real" / f"a{ending}", tmp_path / f"b{ending}", tmp_path / f"c{ending}"
    real.write_text("old")
    between.symlink_to(Path("real") / real.name)
    link.symlink_to(between)
    write(link)
    assert link.is_symlink() and between.is_symlink() and not real.is_symlink()
    assert real.read_bytes() == link.read_bytes() != b"old"
    real.unlink()
    write(link)  # a link to what is not there yet makes it there
    assert link.is_symlink() and real.is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["real", between.name, link.name])


def test_a_pipe_is_written_to(writer, tmp_path):
    write, ending = writer
    write(plain := tmp_path / f"plain{ending}")
    pipe, link, got = tmp_path / f"pipe{ending}", tmp_path / f"link{ending}", []
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write(link)
    reader.join(30)
    assert stat.S_ISFIFO(pipe.stat().st_mode) and link.is_symlink()
    assert len(got[0]) > 0 and len(got[0]) == len(plain.read_bytes())


def test_permissions_stay_and_missing_folders_are_made(writer, tmp_path):
    write, ending = writer
    path = tmp_path / "not" / "yet" / f"{NAME}{ending}"
    write(path)
    assert path.stat().st_size > 0
    path.write_bytes(b"old")
    for mode in (0o600, 0o664, 0o2755):
        path.chmod(mode)
        write(path)
        assert stat.S_IMODE(path.stat().st_mode) == mode and path.read_bytes() != b"old"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_cannot_be_written_is_named_and_leaves_no_litter(writer, tmp_path):
    write, ending = writer
    folder, file = tmp_path / f"folder{ending}", tmp_path / "file"
    folder.mkdir()
    file.write_text("old")
    for path in (folder, file / f"a{ending}", file / "b" / f"a{ending}"):
        with pytest.raises(OSError) as raised:
            write(path)
        assert raised.value.filename == str(path) and raised.value.errno in (errno.EISDIR, errno.ENOTDIR)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["file", folder.name])
    assert file.read_text() == "old" and not list(folder.iterdir())


def test_a_terminal_and_a_socket_are_not_replaced(tmp_path):
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    files.write(name, "hello")
    assert os.read(ours, 5) == b"hello" and stat.S_ISCHR(os.stat(name).st_mode)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        with pytest.raises(OSError, match="s'"):
            files.write(tmp_path / "s", "hello")
        assert stat.S_ISSOCK((tmp_path / "s").stat().st_mode)
    assert [p.name for p in tmp_path.iterdir()] == ["s"]
    os.close(ours)
    os.close(theirs)


def test_a_device_that_takes_nothing_says_so():
    with pytest.raises(OSError, match="'/dev/full'") as raised:
        files.write("/dev/full", "x")
    assert raised.value.errno == errno.ENOSPC and stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_an_open_descriptor_goes_on_where_it_stands(tmp_path):
    (log := tmp_path / "log").write_text("before\n")
    program = (
        "import os; from tinygrad_edu import files; os.write(1, b'first\\n'); "
        "files.write('/dev/stdout', 'second\\n'); files.write('/proc/self/fd/1', 'third\\n'); "
        "os.write(1, b'last\\n')"
    )
    number = log.stat().st_ino
    with open(log, "a") as stream:
        subprocess.run([sys.executable, "-c", program], stdout=stream, check=True, cwd=PACKAGE.parent)
    assert log.read_text() == "before\nfirst\nsecond\nthird\nlast\n" and log.stat().st_ino == number


def test_a_new_file_is_as_private_as_the_process_makes_its_files(tmp_path):
    program = "import os, sys; os.umask(0o077); from tinygrad_edu import files; files.write(sys.argv[1], '')"
    subprocess.run([sys.executable, "-c", program, tmp_path / "a"], check=True, cwd=PACKAGE.parent)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_a_file_that_may_not_be_written_stays(tmp_path, monkeypatch):
    (path := tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anything
    with pytest.raises(PermissionError, match="may not be written"):
        files.write(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_links_in_a_circle_and_names_of_folders(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError) as raised:
        files.write(tmp_path / "a", "x")
    assert raised.value.errno == errno.ELOOP and (tmp_path / "a").is_symlink()
    with pytest.raises(IsADirectoryError, match="name a file in it"):
        files.write(f"{tmp_path}/new/", "x")
    assert not (tmp_path / "new").exists()


@given(
    name=st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1).filter(
        lambda name: name not in (".", "..") and len(name.encode()) < 256
    ),
    content=st.binary(max_size=40) | st.text(max_size=20),
)
def test_any_name_and_any_content(name, content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    for _ in range(2):
        files.write(folder / name, content)
    assert (folder / name).read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127])
def test_the_longest_name(name, tmp_path):
    files.write(tmp_path / name, "x")
    assert (tmp_path / name).read_text() == "x"


def test_the_command_line_does_not_replace_what_is_no_file(tmp_path, capsys):
    table = "\n".join(["a,b,kind", *(f"{i},{i % 3},{'yn'[i % 2]}" for i in range(40))])
    (tmp_path / "t.csv").write_text(table)
    out = tmp_path / "out"
    assert main(["train", str(tmp_path / "t.csv"), "--epochs", "1", "--quiet", "--out", str(out)]) == 0
    words = ["predict", str(out), str(tmp_path / "t.csv"), "-o"]
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("real")
    before = sorted(p.name for p in tmp_path.iterdir())
    assert main([*words, str(tmp_path / "folder")]) == 2
    assert "folder" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == before and not list((tmp_path / "folder").iterdir())
    assert main([*words, str(tmp_path / "link")]) == main([*words, str(tmp_path / "new" / "p.csv")]) == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == (tmp_path / "new" / "p.csv").read_text() != ""


def test_reports_are_written_into_folders_that_are_made(tmp_path):
    made = reference.write(tmp_path / "not" / "yet")
    assert made and all(path.is_file() for path in made)


# who may: the door itself, locks, a log that grows, and what only its writer sees before it has its name
OTHERS = {"files.py", "backend/cuda/device/compile.py", "simulator/build.py",
          "simulator/nvcc/compile.py", "simulator/nvcc/host_uses.py", "simulator/nvcc/main.py",
          "simulator/nvcc/shim.py", "simulator/seal.py", "training/logs.py", "viz/screen.py"}  # fmt: skip


def _writes(node):
    """Whether a node of a program opens a file to write to it, or renames one."""
    called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    if called == "open":
        return any(set("wax+") & set(ast.unparse(mode)) for mode in [*node.args[1:], *node.keywords])
    if called == "os.open" and ast.unparse(node.args[0]) == "os.devnull":
        return False
    return called.endswith((".write_text", ".write_bytes")) or called in (
        "os.open",
        "os.replace",
        "os.rename",
        "tempfile.NamedTemporaryFile",
        "tempfile.mkstemp",
    )


def test_no_other_file_of_the_library_writes():
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(map(_writes, ast.walk(ast.parse(path.read_text()))))
    }
    assert found == OTHERS, "write with files.write: it replaces whole or not at all, and only what is a file"
