// What the kernels are written in, on a CPU: for the tests. Blocks run one after another, in an order that `order`
// chooses, and so do the threads of a block; where these wait for one another each has a stack of its own.
//
// Compile with `-ffp-contract=off`, or the compiler joins products and sums that are to be rounded apart.

#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>

typedef uint32_t u32;
typedef unsigned long long u64;
typedef int32_t i32;
typedef long long i64;

#define THREADS 256

#define FUNCTION static inline
#define METHOD inline
#define SHARED static __attribute__((aligned(16)))
#define UNROLL

namespace emulation {
typedef void (*Body)(const void* parameters);

static u32 thread_now, block_now, blocks_now;
static bool barriers_allowed;
// 0: ascending, 1: descending, else each time from another thread on.
static u32 order;

// Threads that wait for one another stay from block to block. Each is entered once by its context; from then on it and
// the scheduler jump to one another, which unlike `swapcontext` makes no system call.
static const size_t STACK = 64 * 1024;
static ucontext_t contexts[THREADS];
static jmp_buf scheduler, threads[THREADS];
static bool entered[THREADS], finished[THREADS];
static Body body_now;
static const void* parameters_now;

static __attribute__((noinline)) void leave() {
	if (_setjmp(threads[thread_now]) == 0) _longjmp(scheduler, 1);
}

static __attribute__((noinline)) void resume() {
	if (_setjmp(scheduler) != 0) return;
	if (entered[thread_now]) _longjmp(threads[thread_now], 1);
	entered[thread_now] = true;
	setcontext(&contexts[thread_now]);
}

static void enter() {
	for (;;) {
		body_now(parameters_now);
		finished[thread_now] = true;
		leave();
	}
}

static void wait() {
	if (!barriers_allowed) {
		fprintf(stderr, "a kernel that is declared without barriers has one\n");
		abort();
	}
	leave();
}

static u32 place(u32 turn, u32 count, u32 round) {
	if (order == 0) return turn;
	if (order == 1) return count - 1 - turn;
	return (u32)((turn + (u64)round * 2654435761u + order) % count);
}

static void make_contexts() {
	char* stacks = (char*)malloc(THREADS * STACK);
	for (u32 at = 0; at < THREADS; at++) {
		getcontext(&contexts[at]);
		contexts[at].uc_stack.ss_sp = stacks + at * STACK;
		contexts[at].uc_stack.ss_size = STACK;
		makecontext(&contexts[at], enter, 0);
	}
}

static void run_block_with_barriers() {
	for (u32 at = 0; at < THREADS; at++) finished[at] = false;
	// In each round every thread goes to its next barrier, or all of them to the end.
	for (u32 round = 0;; round++) {
		u32 ended = 0;
		for (u32 turn = 0; turn < THREADS; turn++) {
			thread_now = place(turn, THREADS, round);
			resume();
			ended += finished[thread_now];
		}
		if (ended == THREADS) return;
		if (ended != 0) {
			fprintf(stderr, "%u of the threads of a block have ended, the others wait\n", ended);
			abort();
		}
	}
}

static void run(Body body, const void* parameters, u32 blocks, bool barriers) {
	body_now = body;
	parameters_now = parameters;
	blocks_now = blocks;
	barriers_allowed = barriers;
	static bool made = false;
	if (barriers && !made) make_contexts();
	made |= barriers;
	for (u32 turn = 0; turn < blocks; turn++) {
		block_now = place(turn, blocks, 0);
		if (barriers) {
			run_block_with_barriers();
		} else {
			for (u32 at = 0; at < THREADS; at++) {
				thread_now = place(at, THREADS, block_now);
				body(parameters);
			}
		}
	}
}
}  // namespace emulation

extern "C" void choose_order(u32 order) { emulation::order = order; }

// `NAME_fields` says how many fields the kernel's parameters have.
#define HOST_KERNEL(name, Parameters, barriers)                                       \
	static void name##_body(const Parameters& p);                                     \
	static void name##_run(const void* p) { name##_body(*(const Parameters*)p); }     \
	extern "C" u32 name##_fields() { return sizeof(Parameters) / 8; }                 \
	extern "C" void name(const void* parameters, u32 blocks) {                        \
		emulation::run(name##_run, parameters, blocks, barriers);                     \
	}                                                                                 \
	static void name##_body(const Parameters& p)
#define KERNEL(name, Parameters) HOST_KERNEL(name, Parameters, false)
#define KERNEL_WITH_BARRIERS(name, Parameters) HOST_KERNEL(name, Parameters, true)
#define KERNEL_IN_PAIRS(name, Parameters) HOST_KERNEL(name, Parameters, true)

FUNCTION u32 thread() { return emulation::thread_now; }
FUNCTION u32 block() { return emulation::block_now; }
FUNCTION u32 blocks() { return emulation::blocks_now; }
FUNCTION void barrier() { emulation::wait(); }

FUNCTION u32 bits_of(float number) {
	u32 bits;
	memcpy(&bits, &number, 4);
	return bits;
}
FUNCTION float number_of(u32 bits) {
	float number;
	memcpy(&number, &bits, 4);
	return number;
}

FUNCTION float sum_of(float a, float b) { return a + b; }
FUNCTION float difference_of(float a, float b) { return a - b; }
FUNCTION float product_of(float a, float b) { return a * b; }
FUNCTION float quotient_of(float a, float b) { return a / b; }
FUNCTION float root_of(float a) { return __builtin_sqrtf(a); }
FUNCTION float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
FUNCTION float nearest_number(u32 a) { return (float)a; }
FUNCTION float nearest_signed(i32 a) { return (float)a; }
