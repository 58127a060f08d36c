"""`tinygrad-edu launch`: its command lines for each MPI, its errors, its output. No MPI is started here."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.commands import command
from tinygrad_edu.cli import mpiexec
from tinygrad_edu.cli.arguments import UsageError, parser
from tinygrad_edu.cli.launch import Job
from tinygrad_edu.cli.output import Screen
from tinygrad_edu.cli.processes import Gone
from tinygrad_edu.cli.rank import Prefixed, _run

MPICH = "#!/bin/sh\necho 'HYDRA build details:'\n"
OPEN_MPI = "#!/bin/sh\necho 'mpirun (Open MPI) 5.0.11'\n"


def asked(*words: str) -> argparse.Namespace:
    return parser().parse_args(["launch", *words])


def starter(folder: Path, text: str, name: str = "mpiexec") -> mpiexec.Starter:
    """A program that names itself as that of an MPI."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return mpiexec.Starter(str(path), mpiexec.kind_of(str(path)))


def line(request: argparse.Namespace, found: mpiexec.Starter) -> list[str]:
    """The words of the command line, without the program."""
    hosts = mpiexec.hosts_of(request.hosts, request.ranks)
    ranks = mpiexec.ranks_of(request, hosts)
    env = mpiexec.environment(request, found, ranks, hosts)
    return mpiexec.command(request, found, ranks, hosts, env)[1:]


def test_the_command_line_of_each_mpi(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"], "OTHER": "1", "MINE": "2"})
    request = asked("--hosts", "a:2,b:2", "--agent", "/my/ssh", "--env", "MINE", "train.py", "--hosts", "x")
    mpich, open_mpi = starter(tmp_path, MPICH), starter(tmp_path, OPEN_MPI, "mpirun")
    slurm = starter(tmp_path, "", "srun")
    assert (mpich.kind, open_mpi.kind, slurm.kind) == ("MPICH", "Open MPI", "Slurm")
    assert line(request, mpich) == ["-n", "4", "-hosts", "a:2,b:2", "-launcher", "ssh",
                                    "-launcher-exec", "/my/ssh"]  # fmt: skip
    words = line(request, open_mpi)
    assert words[:9] == ["-n", "4", "--bind-to", "none", "--host", "a:2,b:2", "--prtemca", "plm_ssh_agent",
                         "/my/ssh"]  # fmt: skip
    passed = {words[i + 1] for i, word in enumerate(words) if word == "-x"}
    assert {"MINE", "PATH", "OMP_NUM_THREADS"} <= passed and "OTHER" not in passed
    assert line(request, slurm) == ["-n", "4", "--kill-on-bad-exit=1", "--unbuffered", "-w", "a,b"]
    assert request.words == ["train.py", "--hosts", "x"]


def test_the_environment_of_the_ranks(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"]})
    found = starter(tmp_path, OPEN_MPI)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libmpi.so.40").touch()
    env = mpiexec.environment(asked("-n", "2", "--timeout", "7", "--env", "A=b=c"), found, 2, {})
    assert env["A"] == "b=c"
    assert float(env["TINYGRAD_EDU_TIMEOUT"]) == 7
    assert env["OMP_NUM_THREADS"] == env["OPENBLAS_NUM_THREADS"] == "1"
    assert env["MPI4PY_LIBMPI"] == str(tmp_path / "lib" / "libmpi.so.40"), "mpi4py would load another MPI"
    assert env["PRTE_MCA_rmaps_default_mapping_policy"] == ":oversubscribe"
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "3"})
    assert mpiexec.environment(asked("-n", "2"), found, 2, {})["OMP_NUM_THREADS"] == "3"
    assert "OPENBLAS_NUM_THREADS" not in mpiexec.environment(asked("-n", "1"), found, 1, {})
    apart = mpiexec.environment(asked("-n", "2", "--hosts", "a,b"), found, 2, {"a": 1, "b": 1})
    assert "OPENBLAS_NUM_THREADS" not in apart


def test_srun_is_used_inside_an_allocation_of_slurm(tmp_path, monkeypatch):
    pytest.importorskip("mpi4py", reason='pip install "tinygrad_edu[mpi]" makes this run')
    srun = starter(tmp_path, "", "srun")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert mpiexec.find(asked("-n", "2")).kind != "Slurm"
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_NTASKS", "8")
    assert mpiexec.find(asked()) == srun
    assert mpiexec.ranks_of(asked(), {}) == 8
    other = starter(tmp_path, MPICH, "other")
    assert mpiexec.find(asked("--mpiexec", other.path)) == other


@pytest.mark.parametrize(
    ("text", "ranks", "found"),
    [("a,b", 5, {"a": 3, "b": 2}), ("a,b", None, {"a": 1, "b": 1}), ("a:3,b:1", None, {"a": 3, "b": 1}),
     ("a", 4, {"a": 4}), (None, 4, {})],
)  # fmt: skip
def test_hosts(text, ranks, found):
    assert mpiexec.hosts_of(text, ranks) == found


@pytest.mark.parametrize("text", ["", "a,", "a:0", "a:x", "a,a", "a:2,b"])
def test_hosts_that_cannot_be_read(text):
    with pytest.raises(UsageError, match="--hosts"):
        mpiexec.hosts_of(text, None)


@pytest.mark.parametrize(
    ("words", "said"),
    [(("-n", "2"), "name a script"), (("-n", "2", "no.py"), "no such script"),
     (("script.py",), "say how many ranks: tinygrad-edu launch -n 4 train.py"),
     (("-n", "0", "script.py"), "not a whole number of at least 1"),
     (("-n", "3", "--hosts", "a:1,b:1", "script.py"), "-n 3: --hosts has room for 2"),
     (("-n", "2", "--timeout", "-1", "script.py"), "not a number of seconds"),
     (("-n", "2", "--env", "NOT_SET_HERE", "script.py"), "give it a value"),
     (("-n", "2", "--mpiexec", "/no/mpiexec", "script.py"), "--mpiexec /no/mpiexec: no such program"),
     (("-n", "2", "--mpiexec", "true", "script.py"), "is the mpiexec of no MPI that is known here")],
)  # fmt: skip
def test_what_cannot_be_started_is_said_in_a_line(words, said, tmp_path):
    pytest.importorskip("mpi4py", reason='pip install "tinygrad_edu[mpi]" makes this run')
    (tmp_path / "script.py").touch()
    done = command("launch", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
    assert done.stdout == ""


def test_without_a_launcher_the_error_says_what_to_install(tmp_path, monkeypatch):
    pytest.importorskip("mpi4py", reason='pip install "tinygrad_edu[mpi]" makes this run')
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(UsageError, match=r'no mpiexec here: pip install "tinygrad_edu\[mpi\]"; on a cluster'):
        mpiexec.find(asked("-n", "2"))


def _written(tmp_path, *texts):
    with (tmp_path / "out").open("w") as file:
        stream = Prefixed(file, "[3] ", False, "<")
        for text in texts:
            if text is None:
                stream.flush()
            else:
                stream.write(text)
        stream.finish()
    return (tmp_path / "out").read_bytes().decode()


def test_lines_of_a_rank_are_whole(tmp_path):
    assert _written(tmp_path, "a", "b\nc", None, "d\n\n", "end") == "[3] ab\n[3] cd\n[3] \n[3] end\n"


def test_a_progress_bar_of_a_rank_is_a_line_for_the_launcher(tmp_path):
    bars = ("\r 10%", None, "\r 20%", None, "\r     \r", None, "next\n")
    assert _written(tmp_path, *bars) == "<\r[3]  10%\n<\r[3]  20%\n<\r\n[3] next\n"
    bars = ("\r 90%", None, "\r100%", None, "\n")
    assert _written(tmp_path, *bars) == "<\r[3]  90%\n<\r[3] 100%\n<\r\n[3] 100%\n"


def test_the_stream_of_a_rank_has_what_programs_use_of_a_text_stream(tmp_path):
    with (tmp_path / "out").open("w") as file:
        stream = Prefixed(file, "[3] ", False, "<")
        real = {name for name in dir(file) if not name.startswith("_")}
        assert real - set(dir(stream)) == set()
        stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)
        with pytest.raises(TypeError, match="'colour'"):
            stream.reconfigure(colour="red")
        assert (stream.name, stream.mode, stream.newlines) == (file.name, "w", None)
        stream.buffer.write(b"bytes\n")
        print("é\udc80", file=stream, flush=True)
    assert (tmp_path / "out").read_bytes().decode() == "[3] é\\udc80\nbytes\n"


@pytest.mark.parametrize(
    ("given", "code", "how"),
    [("None", 0, "0"), ("0", 0, "0"), ("7", 7, "7"), ("True", 1, "1"), ("-1", 255, "-1"), ("256", 1, "256"),
     ("1 << 40", 1, str(1 << 40)), ("258", 2, "258"), ("'why'", 1, "1")],
)  # fmt: skip
def test_an_exit_code_is_pythons_and_not_0_of_a_rank_that_failed(given, code, how, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    (tmp_path / "script.py").write_text(f"import sys; sys.exit({given})")
    assert _run([str(tmp_path / "script.py")]) == (code, f"exited with code {how}")


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_launcher_draws_the_bar_under_the_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := _Terminal())
    screen = Screen()
    screen.bar("[0] 10%", terminal)
    screen.line("[1] hello", terminal)
    screen.bar("", terminal)
    screen.line("[0] end", terminal)
    clear = "\r\x1b[K"
    assert terminal.getvalue() == f"{clear}[0] 10%{clear}[1] hello\n[0] 10%{clear}[0] end\n"


def _job(kind="MPICH", shrink=False):
    job = Job(
        ["mpiexec"],
        {"TINYGRAD_EDU_JOB": "x", **({"TINYGRAD_EDU_SHRINK": "1"} if shrink else {})},
        2,
        1.0,
        kind,
    )
    job.ranks = {rank: {"rank": rank, "process": 100 + rank, "host": "vm"} for rank in (0, 1)}
    return job


def _shown(job, *lines, out=None):
    """What the launcher shows of lines, the last of which has no end."""
    out = io.StringIO() if out is None else out
    job._pump(io.BytesIO("\n".join(lines).encode()), out)  # type: ignore[arg-type]
    return out.getvalue()


def _verdict(*said, code=9, done=(), shrink=False, kind="MPICH", capsys):
    job = _job(kind, shrink)
    job.done = set(done)
    out = _shown(job, *said)
    return job._verdict(code, ""), out, capsys.readouterr().err


RULE = "-" * 74


BANNER = ("=" * 83, "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES", "=   PID 101 RUNNING AT vm",
          "=   EXIT CODE: 9", "=" * 83)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "said"),
    [("MPICH", ("", *BANNER, "YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)")),
     ("Open MPI", (RULE, "prterun noticed that process rank 1 with PID 101 on node vm exited on",
                   "signal 9 (Killed).", RULE)),
     ("Slurm", ("srun: error: vm: task 1: Killed",))],
)  # fmt: skip
def test_each_mpi_names_the_rank_that_died(kind, said, capsys):
    code, out, err = _verdict("[0] before", *said, "[0] after", kind=kind, capsys=capsys)
    assert code == 137
    assert out == "[0] before\n[0] after\n"
    assert err.startswith("tinygrad-edu launch: rank 1 (process 101 on vm) was killed by signal 9 (SIGKILL);")
    assert len(err.splitlines()) == 1


def test_what_an_mpi_says_is_shown_where_nothing_else_explains_it(capsys):
    code, out, err = _verdict("[mpiexec@vm] no route to host", code=3, capsys=capsys)
    assert (code, out) == (3, "")
    assert err.splitlines() == ["[mpiexec@vm] no route to host",
                                "tinygrad-edu launch: mpiexec ended with code 3; "
                                "the job has ended"]  # fmt: skip
    code, out, err = _verdict(RULE, "No slots", RULE, code=3, kind="Open MPI", capsys=capsys)
    assert (code, out) == (3, f"{RULE}\nNo slots\n{RULE}\n")


@pytest.mark.parametrize("kind", ["MPICH", "Open MPI", "Slurm"])
@pytest.mark.parametrize(
    "lines",
    [(RULE, "result 42"), (RULE,), (RULE, RULE, "a", "b", "c", RULE), ("", "", "====", "=   note", ""),
     ("", "=" * 83, "a"), BANNER[:3], ("=" * 83, "=" * 83), ("\rsaved", "10%\r20%"), ("\x1e{}", "\x1ey{}"),
     ("\x1ex", "\x1ex{}", "\x1ex[1]"), (RULE, "noticed that process", "and no end"),
     (RULE, "with non-zero status", *map(str, range(40)), RULE)],
)  # fmt: skip
def test_output_that_is_not_surely_mpis_is_shown_as_it_is(kind, lines):
    assert _shown(_job(kind), *lines, "end") == "\n".join((*lines, "end")) + "\n"
    assert _shown(_job(kind), *lines, "") == "\n".join(lines) + "\n"


def test_a_report_follows_text_that_has_no_end():
    job = _job()
    done = json.dumps({"rank": 1, "code": 0})
    assert _shown(job, f"warning\x1ex{done}", "\x1ex\r 10%", f"\x1ey{done}") == f"warning\n\x1ey{done}\n"
    assert job.done == {1}


class _Ascii(io.StringIO):
    encoding = "ascii"


class _Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def test_a_terminal_without_some_characters_gets_their_numbers():
    assert _shown(_job(), "é ✓", out=_Ascii()) == "\\xe9 \\u2713\n"


def test_a_reader_that_has_gone_ends_the_job_quietly_and_all_is_read(capsys):
    job = _job()
    source = io.BytesIO(b"line\n" * 1000)
    job._pump(source, _Broken())
    assert source.read() == b""
    assert job._verdict(0, "") == 141
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("gone", "said", "way"),
    [([(1, 0.0, 3 << 8), (0, 0.1, 9)], (), "rank 1 (process 101) ended with code 3 before the end of"),
     ([(0, 0.0, 9), (1, 0.001, 3 << 8)], BANNER, "rank 1 (process 101) ended with code 3 before"),
     ([(0, 0.0, 9), (1, 0.01, 9)], BANNER, "rank 0 (process 100) was killed by signal 9 (SIGKILL)"),
     ([(0, 0.0, 9), (1, 0.001, 9)], BANNER, "rank 1 (process 101) was killed by signal 9 (SIGKILL)"),
     ([(1, 0.0, None)], (), "rank 1 (process 101) ended with code 5 before the end of its script"),
     ([(1, 0.0, 11 | 128)], (), "rank 1 (process 101) was killed by signal 11 (SIGSEGV)")],
)  # fmt: skip
def test_the_rank_that_ended_first_is_named_not_those_that_mpi_has_ended(gone, said, way, capsys):
    job, host = _job(), os.uname().nodename
    for facts in job.ranks.values():
        facts["host"] = host
    job.processes.gone = [Gone(*one) for one in gone]
    assert _shown(job, *said) == ""
    assert job._verdict(5, "") != 0
    assert capsys.readouterr().err.startswith(f"tinygrad-edu launch: {way}".replace(")", f" on {host})", 1))


def test_a_job_is_well_if_all_ranks_came_to_their_end(capsys):
    assert _verdict(code=0, done=(0, 1), capsys=capsys) == (0, "", "")
    code, _, err = _verdict(code=0, done=(0,), capsys=capsys)
    assert code == 1
    assert "not all ranks came to the end of the script: 1;" in err
    assert _verdict(code=0, done=(0,), shrink=True, capsys=capsys)[0] == 0
