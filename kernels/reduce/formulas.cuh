// One line for each reduction: REDUCTION(name, state, result, start, add, join, finish).
//
// The state of a thread begins as `start`. `add` adds element x, at index `place` of its row, to state s;
// `join` combines states s and t, where t comes later in a fixed order; `finish` computes the result from the
// state of the row. FLOAT_REDUCTION is for float32 and float64 only. `number` is the type of the computation.

// clang-format off: it would format `s * x` as a declaration of a pointer
REDUCTION(sum, number, number, number(0), s + x, s + t, s)
REDUCTION(prod, number, number, number(1), s * x, s * t, s)
REDUCTION(max, number, number, limits<number>::lowest(), larger(s, x), larger(s, t), s)
REDUCTION(min, number, number, limits<number>::highest(), smaller(s, x), smaller(s, t), s)
REDUCTION(any, bool, bool, false, s || x != number(0), s || t, s)
REDUCTION(all, bool, bool, true, s && x != number(0), s && t, s)
REDUCTION(argmax, Best, int64, (State{number(0), -1}), better<1>(s, Best{x, place}), better<1>(s, t), s.place)
REDUCTION(argmin, Best, int64, (State{number(0), -1}), better<-1>(s, Best{x, place}), better<-1>(s, t),
          s.place)
FLOAT_REDUCTION(logsumexp, Exponentials<number>, number, (State{limits<number>::lowest(), number(-1)}),
                add_exponential(s, x), join_exponentials(s, t), s.top + log1p(s.rest))
FLOAT_REDUCTION(norm2, Squares<number>, number, (State{number(0), number(0)}), add_square(s, x),
                join_squares(s, t), s.top * sqrt(s.sum))
// clang-format on
