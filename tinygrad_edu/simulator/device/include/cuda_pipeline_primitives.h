// #include <cuda_pipeline_primitives.h>: what it declares is always there, see ../pipeline.h.
#pragma once
