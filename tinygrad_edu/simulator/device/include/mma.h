// #include <mma.h>: what it declares is always there, see ../wmma.h.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
