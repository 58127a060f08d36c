"""A systolic array, cell by cell (slide: Custom Hardware for Matrix Multiply).

Tensor cores are one kind of hardware that only multiplies matrices; a systolic array is another, the heart of
Google's TPU. For y = x w, every number of w stays in a cell of its own ("weights stationary"). In each cycle
a cell takes x from its left neighbour and a sum from the one above, adds w x, and hands x on to the right and
the sum down:

    x' = x          s' = s + w x

The rows of x come in from the left, each column a cycle after the one before ("skewed"), so that a product
meets the sum it belongs to; the rows of y leave at the bottom. Nobody fetches a number twice. You will see
the array at work, its results beside NumPy's, which cells are busy in each cycle, and the price: it takes
time to fill and to drain, which long batches make up for.

Change: ROWS, COLUMNS, BATCHES. Let all of x come in at once, without the skew (`t - k` to `t`): what becomes
of y? Sources: Kung and Leiserson, Systolic arrays, 1978; Jouppi and others, ISCA 2017, for the TPU.
"""
from __future__ import annotations

import numpy as np
from common import draw, options, ticked

from tinygrad_edu import viz

ROWS, COLUMNS, BATCHES = 8, 8, (4, 16, 64)      # of cells; rows of x
SHOWN = (0, 4, 7, 11, 15, 17)                   # cycles that are drawn
TPU_SIDE, TPU_CLOCK = 256, 700e6                # the first TPU: 256 x 256 cells, 700 MHz


def cell(w, x, s):
    """What a cell does in a cycle: (what it hands to the right, what it hands down). None: nothing came."""
    return (None, None) if x is None else (x, (0 if s is None else s) + w * x)


def array(w, x):
    """(x w, busy): the product (batch, columns), and which cells worked, (cycles, rows, columns)."""
    (rows, columns), batch = w.shape, len(x)
    cycles = batch + rows + columns - 2
    right = [[None] * columns for _ in range(rows)]             # what each cell handed on in the last cycle
    down = [[None] * columns for _ in range(rows)]
    y, busy = np.zeros((batch, columns), np.result_type(w, x)), np.zeros((cycles, rows, columns), bool)
    for t in range(cycles):
        before_right, before_down = right, down
        right, down = ([[None] * columns for _ in range(rows)] for _ in range(2))
        for k in range(rows):
            entering = x[t - k, k] if 0 <= t - k < batch else None              # skewed: row k is k late
            for n in range(columns):
                left = before_right[k][n - 1] if n else entering
                above = before_down[k - 1][n] if k else None
                right[k][n], down[k][n] = cell(w[k, n], left, above)
                busy[t, k, n] = left is not None
        for n in range(columns):                                # what leaves at the bottom, skewed as it came
            b = t - (rows - 1) - n
            if 0 <= b < batch:
                y[b, n] = down[-1][n] or 0
    return y, busy


def utilisation(batch, rows, columns):
    """The share of the cells' cycles that do something: batch products a cell, in all the cycles."""
    return batch / (batch + rows + columns - 2)


def main(arguments=None):
    given = options(__doc__, arguments)
    random = np.random.default_rng(given.seed)
    w = random.integers(-9, 10, (ROWS, COLUMNS))

    print(f"{ROWS} x {COLUMNS} cells\n"
          "rows of x   cycles   products   cells busy, counted   by formula   y as NumPy's")
    shares = {}
    for batch in BATCHES:
        x = random.integers(-9, 10, (batch, ROWS))
        y, busy = array(w, x)
        shares[batch] = busy.mean(axis=(1, 2))
        print(f"{batch:>9} {len(busy):>8} {busy.sum():>10} {busy.mean():>21.1%} "
              f"{utilisation(batch, ROWS, COLUMNS):>12.1%}   {np.array_equal(y, x @ w)}")
    x = random.standard_normal((BATCHES[0], ROWS)).astype(np.float32)
    weights = random.standard_normal((ROWS, COLUMNS)).astype(np.float32)
    print(f"float32: largest difference from NumPy {np.abs(array(weights, x)[0] - x @ weights).max():.1e}")

    batch = BATCHES[-1]
    fetched, twice = batch * ROWS + ROWS * COLUMNS, 2 * batch * ROWS * COLUMNS
    print(f"\n{batch} rows: {fetched} numbers fetched, {twice} if every product fetched its two: "
          f"{twice / fetched:.1f} times as many")
    print(f"a TPU: {TPU_SIDE} x {TPU_SIDE} cells x 2 x {TPU_CLOCK / 1e6:g} MHz = "
          f"{2 * TPU_SIDE**2 * TPU_CLOCK / 1e12:.1f} tera-operations a second, when all are busy;")
    print(", ".join(f"{utilisation(rows, TPU_SIDE, TPU_SIDE):.1%} of it for {rows} rows of x"
                    for rows in (10, 256, 4096)))

    _, busy = array(w, np.ones((BATCHES[0], ROWS), int))
    cycles = [t for t in SHOWN if t < len(busy)]
    picture = viz.images(busy[cycles].astype(float), titles=[f"cycle {t}" for t in cycles], columns=3,
                         title=f"Busy cells (white), {BATCHES[0]} rows of x")
    for axes in picture.figure.axes:
        axes.spines[:].set_visible(True)                        # white cells end where the page begins
    draw(picture, "17b_wave.png", given)
    last = max(map(len, shares.values()))
    padded = {f"{batch} rows of x: {share.mean():.0%} of all": [*share, *[np.nan] * (last - len(share))]
              for batch, share in shares.items()}
    picture = viz.curves(np.arange(last), padded, xlabel="cycle", ylabel="share of the cells that are busy",
                         ylim=(-0.03, 1.3), title=f"{ROWS} x {COLUMNS} cells fill, work and drain")
    draw(ticked(picture, y=np.linspace(0, 1, 6)), "17b_utilisation.png", given)


if __name__ == "__main__":
    main()
