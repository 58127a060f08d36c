"""The profiler counts what ran, books it where it belongs, and leaves no trace. No duration is asserted."""

from __future__ import annotations

import threading
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import tinygrad_edu as te
from tests.instruments.programs import network, tensors
from tinygrad_edu.engine.modes import current
from tinygrad_edu.profile import profile


def rows(p):
    return {row.name: row for row in p.rows}


def test_calls_and_bytes_are_exact():
    x, w = tensors((4, 5), (5, 6))
    with profile() as p:
        for _ in range(3):
            te.tanh(x @ w)
    found = rows(p)
    assert found["matmul"].calls == found["tanh"].calls == 3
    assert found["matmul"].made == found["tanh"].made == 3 * 4 * 6 * 4
    assert found["matmul"].saved == 3 * (4 * 5 + 5 * 6) * 4
    assert found["tanh"].saved == 3 * 4 * 6 * 4


def test_rows_sum_to_the_total_and_are_sorted_by_time():
    with profile() as p:
        loss, _ = network()
        loss.backward()
    total = p.total
    assert total.calls == sum(row.calls for row in p.rows)
    assert total.made == sum(row.made for row in p.rows) and total.saved == sum(row.saved for row in p.rows)
    assert total.seconds == pytest.approx(sum(row.seconds for row in p.rows))
    assert [row.seconds for row in p.rows] == sorted((row.seconds for row in p.rows), reverse=True)
    assert all(row.backward > 0 for row in p.rows if row.name in ("matmul", "cross_entropy", "relu"))


def test_without_a_graph_nothing_is_saved():
    (x,) = tensors((3,))
    with profile() as p, te.no_grad():
        te.exp(x)
    assert p.total.calls == 1 and p.total.saved == 0 and p.total.backward == 0


def test_a_view_makes_no_bytes():
    (x,) = tensors((3, 2))
    with profile() as p:
        te.reshape(x, (6,))
    assert p.total.calls == 1 and p.total.made == 0


def test_by_line_books_backward_on_the_line_that_recorded():
    (x,) = tensors((3,))
    with profile(by="line") as p:
        y = te.exp(x)
        z = te.sum(te.sin(y))
        z.backward()
    assert len(p.rows) == 2 and all("test_profile.py:" in row.name and row.backward > 0 for row in p.rows)


def test_backward_of_what_was_recorded_before_is_not_lost():
    (x,) = tensors((3,))
    y = te.sum(te.exp(x))
    with profile(by="line") as p:
        y.backward()
    assert [row.name for row in p.rows] == ["(recorded before the profile)"]


def test_it_ends_with_its_block_and_can_nest():
    (x,) = tensors((3,))
    with profile() as outer:
        te.exp(x)
        with profile() as inner:
            te.sin(x)
    te.cos(x)
    assert outer.total.calls == 2 and inner.total.calls == 1
    assert not current.get().observers


def test_it_ends_with_an_error_too():
    with pytest.raises(ZeroDivisionError), profile():
        1 / 0  # noqa: B018
    assert not current.get().observers


def test_other_threads_are_not_watched():
    with profile() as p:
        other = threading.Thread(target=lambda: te.exp(te.tensor(np.ones(3))))
        other.start()
        other.join()
    assert p.total.calls == 0


def test_gradients_are_unchanged():
    loss, names = network()
    loss.backward()
    with profile():
        again, watched = network()
        again.backward()
    np.testing.assert_array_equal(names["W1"].grad.numpy(), watched["W1"].grad.numpy())


def test_table_and_html():
    with profile() as p:
        te.exp(te.tensor([1.0], requires_grad=True))
    lines = str(p).splitlines()
    assert lines[0].split()[:2] == ["op", "calls"] and lines[-1].startswith("total")
    assert len({len(line) for line in lines}) == 1
    table = ElementTree.fromstring(p._repr_html_())
    assert [row[0].text for row in table] == ["op", "exp", "total"]


def test_mistakes_say_what_to_do():
    with pytest.raises(ValueError, match="'op' or 'line'"):
        profile(by="file")
    p = profile()
    with p, pytest.raises(RuntimeError, match="another"), p:
        pass
