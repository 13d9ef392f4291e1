// What lets one source compile for the CPU and, under nvcc, for the GPU.
#pragma once

#if defined(__CUDACC__)
#define RL_HD __host__ __device__
#else
#define RL_HD
#endif
