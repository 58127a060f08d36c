"""Files of the oracle that import PyTorch at their top: `make test` does without it, `make oracle` has it."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["test_torch_attention.py", "test_torch_sequences.py"]
