// The host's side of CUDA: a kernel can use only the version number.
#pragma once
#define CUDA_VERSION 13000
