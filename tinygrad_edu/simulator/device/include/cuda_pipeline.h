// #include <cuda_pipeline.h>: what it declares is always there, see ../pipeline.h.
#pragma once
