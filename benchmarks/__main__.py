"""`python -m benchmarks`: all of them; each rewrites its own table."""
from benchmarks import mlp

mlp.main()
