"""The lowest storey of `cuda/`: memory, arrays, views, compiled kernels, and the errors that kernels report.

To read it from the bottom up, begin with `driver` (the only module that uses PyCUDA, with `contexts` and
`nvcc`), then `memory` and `staging`, `array`, then `kernels`, `compile` and `library` (from a source file to
a kernel that can be launched), and last `device`, which combines all of them in one object. No module here
knows an op.
"""
