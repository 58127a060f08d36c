// The symbols of this family, implemented by the rung's function `scan_lines<Rule>(out, in, lines, n, layout,
// exclusive, backwards)`. prod_others is the product of all elements before, times the product of all after.
extern "C" __global__ void __launch_bounds__(256, 4)
    scan_sum(number* out, const void* in, int64 lines, int64 n, scanning::Layout layout, int32 exclusive,
             int32 backwards) {
    scanning::scan_lines<scanning::Add>(out, in, lines, n, layout, exclusive, backwards);
}
extern "C" __global__ void __launch_bounds__(256, 4)
    scan_product(number* out, const void* in, int64 lines, int64 n, scanning::Layout layout, int32 exclusive,
                 int32 backwards) {
    scanning::scan_lines<scanning::Multiply>(out, in, lines, n, layout, exclusive, backwards);
}
