"""The devices `cuda` and `simulator`: hand-written kernels through PyCUDA."""
