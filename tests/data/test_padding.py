"""Sequences that cannot be padded or collated: errors that name the sequence, or the field of the items."""

import numpy as np
import pytest

from tinygrad_edu.data import PadCollate, collate, pad_sequence


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: pad_sequence([np.ones(2, "f")], padding_value=1e300), ValueError, "does not fit float32"),
        (
            lambda: pad_sequence([np.ones(2, "f"), np.ones(3, "f")], padding_value=-1e39),
            ValueError,
            "not fit",
        ),
        (lambda: pad_sequence([["a", "b"], ["c"]]), TypeError, "sequence 0 holds <U1, not numbers.*encode"),
        (lambda: pad_sequence([[1, 2], [None]]), TypeError, "sequence 1 holds object, not numbers"),
        (lambda: pad_sequence([[1], [[1], [1, 2]]]), ValueError, "sequence 1 is a list whose inner lists"),
        (lambda: PadCollate()([{"a": [[1], [1, 2]]}]), ValueError, "'a' in the items.*inner lists differ"),
        (
            lambda: PadCollate()([(1, [3]), (2, [[1], [1, 2]])]),
            ValueError,
            "part 1 of the items, item 1, is a",
        ),
        (lambda: PadCollate()([(np.array(["a"]), 1)]), TypeError, "part 0 of the items, item 0, holds <U1"),
        (lambda: collate([(1, [[1], [1, 2]])]), ValueError, "part 1 of the items is a list whose inner"),
    ],
)
def test_what_cannot_be_padded_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e38, -1e-60])
def test_padding_that_the_dtype_has(value):
    out = pad_sequence((np.ones(n, "f") for n in (1, 2)), True, value)
    np.testing.assert_array_equal(out, np.array([[1, value], [1, 1]], "f"))
