"""torch's functions of tensors, in the library's words: one file a family. `torch` gathers them."""
