"""`python -m benchmarks`: all of them; each rewrites its own table here and in the README."""

from benchmarks import accuracy, distributed, estimators, mlp, newcomer, simulator, startup

startup.main()
mlp.main()
accuracy.main()
estimators.main()
simulator.main()
newcomer.main()
distributed.main(["--write"])
