// What the kernels are written in, on a GPU. The same names for a CPU stand in `host.h`, so that the tests can run
// every kernel where there is no GPU.

typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

// The threads of each block.
#define THREADS 256

#define FUNCTION __device__ __forceinline__
#define METHOD __device__ __forceinline__
#define SHARED __shared__ __align__(16)
#define UNROLL _Pragma("unroll")

// A kernel takes one structure of fields of eight bytes each. In a kernel of the second kind the threads of a block
// wait for one another, by `barrier`; in one of the third kind too, and two blocks' registers fit a multiprocessor.
#define KERNEL(name, Parameters) extern "C" __global__ void __launch_bounds__(THREADS) name(const Parameters p)
#define KERNEL_WITH_BARRIERS(name, Parameters) KERNEL(name, Parameters)
#define KERNEL_IN_PAIRS(name, Parameters) \
	extern "C" __global__ void __launch_bounds__(THREADS, 2) name(const Parameters p)

FUNCTION u32 thread() { return threadIdx.x; }
FUNCTION u32 block() { return blockIdx.x; }
FUNCTION u32 blocks() { return gridDim.x; }
FUNCTION void barrier() { __syncthreads(); }

FUNCTION u32 bits_of(float number) { return __float_as_uint(number); }
FUNCTION float number_of(u32 bits) { return __uint_as_float(bits); }

// Each rounded once, to the nearest even; the compiler joins none of them with another.
FUNCTION float sum_of(float a, float b) { return __fadd_rn(a, b); }
FUNCTION float difference_of(float a, float b) { return __fsub_rn(a, b); }
FUNCTION float product_of(float a, float b) { return __fmul_rn(a, b); }
FUNCTION float quotient_of(float a, float b) { return __fdiv_rn(a, b); }
FUNCTION float root_of(float a) { return __fsqrt_rn(a); }
FUNCTION float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
FUNCTION float nearest_number(u32 a) { return __uint2float_rn(a); }
FUNCTION float nearest_signed(i32 a) { return __int2float_rn(a); }
