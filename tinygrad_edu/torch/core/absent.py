"""PyTorch's words that are not here, each with the reason and, where there is one, what to write instead."""

from __future__ import annotations

# A name ending in a dot stands for all names that begin with it.
ABSENT = {
    "torch.fft.": "there are no complex numbers here; numpy.fft transforms x.numpy()",
    "torch.sparse.": "there are no sparse tensors here; use dense ones, or torch.nn.Embedding for rows of a table",
    "torch.optim.SparseAdam": "there are no sparse gradients here; torch.optim.Adam updates dense ones",
    "torch.optim.Adafactor": "it is not here; torch.optim.AdamW has a second moment for each number instead",
    "torch.complex": "there are no complex numbers here; keep the real and the imaginary part in two tensors",
    "torch.imag": "there are no complex numbers here; the imaginary part of a real tensor is torch.zeros_like(x)",
    **dict.fromkeys(
        (f"torch.special.{name}" for name in ("airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1",
         "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1")),
        "the library has no such Bessel function; torch.from_numpy(scipy.special.j0(x.numpy())) and its kin do",
    ),
    "torch.quantization.": "there are no quantized tensors here",
    "Tensor.half": "there is no float16 here; stay in float32",
    "Tensor.bfloat16": "there is no bfloat16 here; stay in float32",
}


def reason_of(name: str) -> str:
    """Why a word is not here, and what to write instead; a general word if nothing is known of it."""
    if name in ABSENT:
        return ABSENT[name]
    for start, reason in ABSENT.items():
        if start.endswith(".") and (name + ".").startswith(start):
            return reason
    return "tinygrad-edu's torch does not have it; docs/torch.md lists what is there"
