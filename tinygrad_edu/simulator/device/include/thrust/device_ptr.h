// Not part of the simulator; found here so that the error says so.
#pragma once
#error "Thrust is not part of the simulator of tinygrad_edu. Instead of it use pycuda.gpuarray."
