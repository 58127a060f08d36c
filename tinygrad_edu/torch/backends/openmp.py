"""torch.backends.openmp: not here."""


def is_available() -> bool:
    """Whether it is here: no."""
    return False


def is_built() -> bool:
    """Whether it was compiled in: no."""
    return False


enabled = False
