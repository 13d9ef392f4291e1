#include <cstdint>
#include <cstring>
struct alignas(32) LV { float v[8]; };
__global__ void k1(const float* a, float* b, int n){ int i=blockIdx.x*256+threadIdx.x; LV x; memcpy(&x, __builtin_assume_aligned(a+i*8,32),32); for(int l=0;l<8;++l) x.v[l]*=2.f; memcpy(__builtin_assume_aligned(b+i*8,32), &x, 32);}
__global__ void k2(const float* a, float* b, int n){ int i=blockIdx.x*256+threadIdx.x; LV x=*reinterpret_cast<const LV*>(a+i*8); for(int l=0;l<8;++l) x.v[l]*=2.f; *reinterpret_cast<LV*>(b+i*8)=x;}
