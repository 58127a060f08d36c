"""torch.backends.cpu: what NumPy computes with."""


def get_cpu_capability() -> str:
    """PyTorch's word for the processor's vector instructions; NumPy chooses its own here."""
    return "DEFAULT"
