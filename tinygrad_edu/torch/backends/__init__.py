"""torch.backends: which libraries PyTorch computes with. None of them is here; their switches can be set."""

from tinygrad_edu.torch.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp
from tinygrad_edu.torch.core.words import missing_from

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
__getattr__ = missing_from("torch.backends")
