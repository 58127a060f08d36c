"""The simulator's nvcc: it finds the kernels in a .cu file and compiles them with g++."""
