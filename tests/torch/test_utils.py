"""torch.utils where PyTorch need not be there: checkpoints, logs for TensorBoard, words that are not here."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import tinygrad_edu.torch as torch
from tinygrad_edu.torch.utils.checkpoint import checkpoint


def test_a_checkpoint_keeps_no_array_inside_and_computes_it_again():
    runs = []
    seen: list[weakref.ref] = []

    def segment(x):
        runs.append(1)
        inside = x.exp()
        seen.append(weakref.ref(inside.inner.storage))
        return (inside * inside).sum()

    x = torch.rand(100).requires_grad_()
    y = checkpoint(segment, x, use_reentrant=False)
    gc.collect()
    assert len(runs) == 1 and seen[0]() is None
    y.backward()
    assert len(runs) == 2
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(2 * x.detach().numpy()), rtol=1e-5)


def test_a_segment_that_takes_another_course_is_an_error():
    factors = [2.0]
    x = torch.ones(3).requires_grad_()
    y = checkpoint(lambda x: (x * factors[0]).sin(), x, use_reentrant=False)
    factors[0] = 3.0
    with pytest.raises(RuntimeError, match="another course"):
        y.sum().backward()


def test_contexts_are_entered_in_the_first_and_in_the_second_run():
    met = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            met.append(self.name)

        def __exit__(self, *error):
            pass

    x = torch.ones(2).requires_grad_()
    y = checkpoint(
        torch.sin, x, use_reentrant=False, context_fn=lambda: (Context("forward"), Context("again"))
    )
    y.sum().backward()
    assert met == ["forward", "again"]


def test_logs_for_tensorboard_take_tensors(tmp_path):
    pytest.importorskip("tensorboardX", reason="pip install tensorboardX")
    from tinygrad_edu.torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path / "run", flush_secs=1) as writer:
        for step in range(3):
            writer.add_scalar("loss", torch.tensor(1.0 / (step + 1)), step)
        writer.add_scalars("both", {"a": torch.tensor(1.0), "b": 2.0}, 0)
        writer.add_histogram("weights", torch.rand(10), 0)
        writer.add_image("image", torch.rand(3, 4, 4), 0)
        writer.add_text("note", "a text")
        writer.flush()
        with pytest.raises(RuntimeError, match="graph"):
            writer.add_graph(None)
        with pytest.raises(AttributeError):
            writer.show  # noqa: B018
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert files and sum(path.stat().st_size for path in files) > 500
    assert any(b"loss" in path.read_bytes() for path in files)


@pytest.mark.parametrize("name", ["model_zoo", "cpp_extension", "benchmark"])
def test_words_that_are_not_here_say_why(name):
    with pytest.raises(AttributeError, match="here"):
        getattr(torch.utils, name)
