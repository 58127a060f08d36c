"""The stand-in for nvcc: finds the kernels in a .cu file and compiles them with g++ for the simulator."""
