// The symbols of this family, implemented by the rung's function `each_group<Function>(out, x, seed, groups,
// n, eps, layout)`.
extern "C" __global__ void __launch_bounds__(256, 2)
    standardize(number* out, const number* x, const number* seed, int64 groups, int64 n, double eps,
                norming::Layout layout) {
    norming::each_group<norming::Standardize>(out, x, seed, groups, n, (number)eps, layout);
}
extern "C" __global__ void __launch_bounds__(256, 2)
    standardize_grad(number* out, const number* x, const number* seed, int64 groups, int64 n, double eps,
                     norming::Layout layout) {
    norming::each_group<norming::StandardizeGrad>(out, x, seed, groups, n, (number)eps, layout);
}
