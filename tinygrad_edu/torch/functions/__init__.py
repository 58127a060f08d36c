"""torch's functions of tensors, in the library's words: one file a family. `torch/__init__.py` gathers them."""
