// The symbols of this family, implemented by the rung's function `each_row(rows, done)`. The threads that
// share a row each call done(r, class, total, part) with their part of the row. part.leads is true for one of
// them, and part.turn(out, change) sets out[i] = change(i, logit i) for each of its elements.
extern "C" __global__ void __launch_bounds__(256, 2)
    cross_entropy_loss(number* loss, cross_entropy::Rows rows, double scale) {
    using namespace cross_entropy;
    each_row(rows, [&](int64 r, int64 mine, Total total, const auto& part) {
        if (part.leads) loss[r] = mine < 0 ? number(0) : loss_of(rows.at(r, mine), total, (number)scale);
    });
}

extern "C" __global__ void __launch_bounds__(256, 2)
    cross_entropy_slope(number* out, cross_entropy::Rows rows, cross_entropy::Seed seed) {
    using namespace cross_entropy;
    each_row(rows, [&](int64 r, int64 mine, Total total, const auto& part) {
        number scale = seed.of(r) / total.sum();
        part.turn(out + r * rows.classes,
                  [&](int64 i, number x) { return slope_of(x, total, i == mine, scale); });
    });
}
