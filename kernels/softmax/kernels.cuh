// The symbols of this family, implemented by the rung's function `each_row<Rule>(out, x, y, rows, n,
// layout)`.
#ifndef RESIDENT
#define RESIDENT 1  // blocks that a multiprocessor should hold at once
#endif
#define ROWS(name, Rule)                                                                                 \
    extern "C" __global__ void __launch_bounds__(256, RESIDENT) name(                                    \
        number* out, const number* x, const number* y, int64 rows, int64 n, softmaxing::Layout layout) { \
        softmaxing::each_row<softmaxing::Rule>(out, x, y, rows, n, layout);                              \
    }
ROWS(softmax, Softmax)
ROWS(log_softmax, LogSoftmax)
ROWS(softmax_grad, SoftmaxGrad)
ROWS(log_softmax_grad, LogSoftmaxGrad)
#undef ROWS
#undef RESIDENT
