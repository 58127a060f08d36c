"""Ctrl-C of a terminal reaches the workers of a loader, too, and ends the run as it does without them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAD = """
import multiprocessing, os, signal, sys, threading, time
from multiprocessing import forkserver
import numpy as np
import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, training

server = forkserver._forkserver

def wait_for_server():
    while server._forkserver_pid is None:
        time.sleep(0.001)
    os.killpg(0, signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
if __name__ == "__mp_main__" and multiprocessing.current_process().name == "DataLoader worker {presser}":
    os.killpg(0, signal.SIGINT)  # while this worker imports the program's file
"""
TRAIN = """
def main():
    model = nn.Linear(4, 2)
    rows = data.TensorDataset(np.zeros((64, 4), "float32"), np.zeros(64, "int64"))
    loaders = [data.DataLoader(rows, 8, **options) for options in ({train}, {validation})]
    history = training.fit(model, loaders[0], validation=loaders[1], optimizer=optim.SGD(model.parameters()),
                           loss=te.cross_entropy, epochs=2000, checkpoint=sys.argv[1], verbose=False)
    print(history.ended, os.path.exists(os.path.join(sys.argv[1], "last.safetensors")))

if __name__ == "__main__":
    {before}
    main()
"""


def printed(tmp_path: Path, program: str) -> str:
    path = tmp_path / "program.py"
    path.write_text(program)
    done = subprocess.run(
        [sys.executable, str(path), str(tmp_path / "run")], env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=100, capture_output=True, text=True, start_new_session=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("presser", [0, 1])
@pytest.mark.parametrize(
    ("train", "validation"),
    [
        ("dict(num_workers=2)", "{}"),
        ("dict(num_workers=2, persistent_workers=True)", "{}"),
        ("{}", "dict(num_workers=2)"),
        ("{}", "dict(num_workers=2, persistent_workers=True)"),
    ],
)
def test_ctrl_c_while_workers_begin(tmp_path: Path, train: str, validation: str, presser: int) -> None:
    program = HEAD.format(presser=presser) + TRAIN.format(train=train, validation=validation, before="pass")
    assert printed(tmp_path, program) == "interrupted True\n"


def test_ctrl_c_while_the_server_of_the_workers_begins(tmp_path: Path) -> None:
    program = HEAD.format(presser="-") + TRAIN.format(
        train="dict(num_workers=2)",
        validation="{}",
        before="threading.Thread(target=wait_for_server).start()",
    )
    assert printed(tmp_path, program) == "interrupted True\n"


OTHERS = """
def blocked():
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())

def tell(connection):
    connection.send((blocked(), signal.getsignal(signal.SIGINT) is signal.default_int_handler))

if __name__ == "__main__":
    rows = data.TensorDataset(np.zeros((4, 1), "float32"))
    list(data.DataLoader(rows, 2, num_workers=1))
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("forkserver").Process(target=tell, args=(theirs,))
    process.start()
    print(ours.recv(), blocked())
    process.join()
    from tinygrad_edu.data.worker_server import interrupt_blocked
    try:
        with interrupt_blocked():
            os.kill(os.getpid(), signal.SIGINT)
            print("not yet")
        print("never")
    except KeyboardInterrupt:
        print("interrupted", blocked())
"""


def test_other_processes_of_the_program_and_the_program_itself_can_be_interrupted(tmp_path: Path) -> None:
    expected = "(False, True) False\nnot yet\ninterrupted False\n"
    assert printed(tmp_path, HEAD.format(presser="-") + OTHERS) == expected
