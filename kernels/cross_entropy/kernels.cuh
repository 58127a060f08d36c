// The symbols of this family, by the rung's function `each_row(rows, done)`: done(r, class, total, first,
// step) is called by the threads that share a row; they take its elements first, first + step, ...
extern "C" __global__ void __launch_bounds__(256, 2)
    cross_entropy_loss(number* loss, cross_entropy::Rows rows, double scale) {
    using namespace cross_entropy;
    each_row(rows, [&](int64 r, int64 mine, Total total, int64 first, int64) {
        if (first == 0) loss[r] = mine < 0 ? number(0) : loss_of(rows.at(r, mine), total, (number)scale);
    });
}

extern "C" __global__ void __launch_bounds__(256, 2)
    cross_entropy_slope(number* out, cross_entropy::Rows rows, cross_entropy::Seed seed) {
    using namespace cross_entropy;
    each_row(rows, [&](int64 r, int64 mine, Total total, int64 first, int64 step) {
        number weight = seed.of(r);
        for (int64 i = first; i < rows.classes; i += step)
            out[r * rows.classes + i] = slope_of(rows.at(r, i), total, i == mine, weight);
    });
}
