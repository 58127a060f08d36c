"""The CUDA C files, found by `importlib.resources.files("tinygrad_edu.kernels")`; no Python lives here."""
