// y[t] = a[t] y[t - 1] + b[t] along each row, with y[-1] = 0: a warp for each row, 32 steps at a time.
//
// Two steps in a row are one step, (a, b) after (f, s) being (a f, a s + b). After log2(32) rounds lane k of the
// warp has the composition of steps 0 to k, and `last` is y before them.
extern "C" __global__ void recurrence(number* y, const number* a, const number* b, long long rows,
                                      long long time) {
    long long row = (blockIdx.x * (long long)blockDim.x + threadIdx.x) / 32;
    int lane = threadIdx.x % 32;
    if (row >= rows) return;
    number last = 0;
    for (long long t = lane; t - lane < time; t += 32) {
        number f = t < time ? a[row * time + t] : 1;
        number s = t < time ? b[row * time + t] : 0;
        for (int d = 1; d < 32; d *= 2) {
            number f0 = __shfl_up_sync(0xffffffff, f, d);
            number s0 = __shfl_up_sync(0xffffffff, s, d);
            if (lane >= d) {
                s += f * s0;
                f *= f0;
            }
        }
        s += f * last;
        if (t < time) y[row * time + t] = s;
        last = __shfl_sync(0xffffffff, s, 31);
    }
}
