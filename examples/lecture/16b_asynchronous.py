"""Asynchronous, and not lazy: what a launch waits for (slide: CUDA Programming Model).

"Computation is performed asynchronously (not lazy)", says the slide. Asynchronous: a launch returns at once
and the host goes on, while the device computes. Not lazy: the device begins without waiting to be asked for
the result. You will see both put to the test. A kernel with much to do is launched; how long does the launch
take, and how long the wait for the result after it? And if the host first does something else that takes as
long, is the result there when it comes back?

A GPU is asynchronous. The simulator is not: it has one processor, the host's, and as it is the launch *is*
the work. Deferred (`simulator.deferred()`), it puts the work off until somebody waits. To a program that
reads too early that looks like a GPU; but it is lazy, since nobody computes in the meantime.

Change: ROUNDS. Take `te.cuda.synchronize` out of `timed`: what do you measure then, on each device?
"""
from __future__ import annotations

import time
from contextlib import nullcontext

import numpy as np
from common import draw, open_device, options, source_module

import tinygrad_edu as te
from tinygrad_edu import simulator, viz

N, BLOCK_SIZE, ROUNDS = 65536, 256, {"cuda": 2_000_000, "simulator": 1000}

SOURCE = """
__global__ void work(int rounds, float *x) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float v = x[i];
    for (int round = 0; round < rounds; round++)
        v = v * 0.999f + 0.001f;        // comes nearer to 1
    x[i] = v;
}
"""
VERDICTS = {(True, True): "synchronous: the launch is the work",
            (False, True): "asynchronous, not lazy: done while the host did something else",
            (False, False): "lazy: put off until somebody waits"}


def timed(launch, device, own=0.0):
    """Seconds of (the launch, the host's own work, the wait for the device)."""
    moments = [time.perf_counter()]
    launch()
    moments.append(time.perf_counter())
    busy(own)
    moments.append(time.perf_counter())
    te.cuda.synchronize(device)
    moments.append(time.perf_counter())
    return np.diff(moments)


def busy(seconds):
    """Something of the host's own, for so long."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def done(launch, device, own=0.0):
    """Whether the device is done when the host asks, after its own work; an event answers without waiting."""
    import pycuda.driver as cuda
    launched = cuda.Event()
    launch()
    launched.record()
    busy(own)
    answer = launched.query()
    te.cuda.synchronize(device)
    return answer


def main(arguments=None):
    given = options(__doc__, arguments)
    device, name = open_device()
    from pycuda import gpuarray

    simulated = device.startswith("simulator")
    rounds = np.int32(ROUNDS["simulator" if simulated else "cuda"] // (10 if given.smoke else 1))
    kernel, x = source_module(SOURCE).get_function("work"), gpuarray.zeros(N, np.float32)

    def launch():
        kernel(rounds, x, block=(BLOCK_SIZE, 1, 1), grid=(N // BLOCK_SIZE, 1))

    timed(launch, device)                               # whatever happens only once, happens here
    modes = {name: nullcontext}
    if simulated:
        modes = {"simulator, as it is": nullcontext, "simulator, deferred": simulator.deferred}
    bars = {}
    for mode, entered in modes.items():
        with entered():
            alone = timed(launch, device)
            own = 1.5 * alone.sum()
            beside = timed(launch, device, own)
            answers = done(launch, device), done(launch, device, own)
        print(f"{mode}, measured here, in milliseconds\n{'':<38} launch   own work     wait")
        for what, spent in (("launch and wait", alone), ("launch, do something else, wait", beside)):
            print(f"  {what:<34} {spent[0] * 1e3:>8.3f} {spent[1] * 1e3:>10.3f} {spent[2] * 1e3:>8.3f}")
        print(f"  done when the launch returns: {answers[0]}; after the host's own work: {answers[1]}\n"
              f"  {VERDICTS.get(answers, 'slower than the own work')}\n")
        short = mode.removeprefix("simulator, ")
        bars |= {f"{short}:\nlaunch": alone[0] * 1e3, f"{short}:\nwait": alone[2] * 1e3}
    print("x is now", x.get()[0], "everywhere" if np.ptp(x.get()) == 0 else "here, and not everywhere")
    draw(viz.bars(bars, ylabel="milliseconds, measured here",
                  title=f"Where the time goes, on the {'simulator' if simulated else name}"),
         "16b_asynchronous.png", given)


if __name__ == "__main__":
    main()
