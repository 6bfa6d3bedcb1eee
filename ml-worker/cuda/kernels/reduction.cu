// Sums, greatest elements and counts. A sum over several chunks of terms leaves a result for each chunk, which
// `add_chunks` adds in ascending order; the chunks' order of terms is that of `repops::kernel`.

#define CHUNK 256u
#define LANES 16u
#define GROUPS (THREADS / LANES)

struct ChunkSums {
	const float* a;
	// For `[outer, length, inner]` the results `[outer, chunks, inner]`.
	float* results;
	u64 count;
	u64 length;
	u64 chunks;
	u64 inner;
};

FUNCTION u32 end_of(u32 start, u32 length) { return length - start < CHUNK ? length : start + CHUNK; }

// Sixteen threads for each chunk along the last axis, one for each of its chains.
KERNEL_WITH_BARRIERS(sum_last_axis, ChunkSums) {
	SHARED float chains[THREADS];
	const u32 count = (u32)p.count, length = (u32)p.length, chunks = (u32)p.chunks;
	const u32 lane = thread() % LANES;
	for (u32 first = block() * GROUPS; first < count; first += blocks() * GROUPS) {
		const u32 at = first + thread() / LANES;
		float chain = 0.0f;
		if (at < count) {
			const float* row = p.a + at / chunks * length;
			const u32 start = at % chunks * CHUNK, end = end_of(start, length);
			for (u32 term = start + lane; term < end; term += LANES) chain = sum_of(chain, row[term]);
		}
		chains[thread()] = chain;
		barrier();
		for (u32 width = LANES / 2; width > 0; width /= 2) {
			if (lane < width) chains[thread()] = sum_of(chains[thread()], chains[thread() + width]);
			barrier();
		}
		if (lane == 0 && at < count) p.results[at] = canonical(chains[thread()]);
		barrier();
	}
}

// One thread for each chunk along another axis.
KERNEL(sum_other_axis, ChunkSums) {
	const u32 length = (u32)p.length, chunks = (u32)p.chunks, inner = (u32)p.inner;
	FOR_EACH(at, p.count) {
		const u32 offset = at % inner, chunk = at / inner % chunks, outer = at / inner / chunks;
		const float* a = p.a + outer * length * inner + offset;
		const u32 end = end_of(chunk * CHUNK, length);
		float sum = 0.0f;
		for (u32 term = chunk * CHUNK; term < end; term++) sum = sum_of(sum, a[term * inner]);
		p.results[at] = canonical(sum);
	}
}

struct Chunks {
	// `[outer, chunks, inner]`
	const float* chunk_results;
	// `[outer, inner]`
	float* result;
	u64 count;
	u64 chunks;
	u64 inner;
};

KERNEL(add_chunks, Chunks) {
	const u32 chunks = (u32)p.chunks, inner = (u32)p.inner;
	FOR_EACH(at, p.count) {
		const float* terms = p.chunk_results + at / inner * chunks * inner + at % inner;
		float sum = terms[0];
		for (u32 chunk = 1; chunk < chunks; chunk++) sum = add(sum, terms[chunk * inner]);
		p.result[at] = sum;
	}
}

struct Reduction {
	const float* a;
	void* result;
	u64 count;
	u64 length;
	u64 inner;
};

// Sixteen threads for each row along the last axis; the order makes no difference.
KERNEL_WITH_BARRIERS(max_last_axis, Reduction) {
	SHARED float greatest[THREADS];
	const u32 count = (u32)p.count, length = (u32)p.length, lane = thread() % LANES;
	for (u32 first = block() * GROUPS; first < count; first += blocks() * GROUPS) {
		const u32 at = first + thread() / LANES;
		float most = negative(INFINITE);
		if (at < count) {
			const float* row = p.a + at * length;
			for (u32 place = lane; place < length; place += LANES) most = maximum(most, row[place]);
		}
		greatest[thread()] = most;
		barrier();
		for (u32 width = LANES / 2; width > 0; width /= 2) {
			if (lane < width) {
				greatest[thread()] = maximum(greatest[thread()], greatest[thread() + width]);
			}
			barrier();
		}
		if (lane == 0 && at < count) ((float*)p.result)[at] = greatest[thread()];
		barrier();
	}
}

KERNEL(max_other_axis, Reduction) {
	const u32 length = (u32)p.length, inner = (u32)p.inner;
	FOR_EACH(at, p.count) {
		const float* a = p.a + at / inner * length * inner + at % inner;
		float most = negative(INFINITE);
		for (u32 place = 0; place < length; place++) most = maximum(most, a[place * inner]);
		((float*)p.result)[at] = most;
	}
}

KERNEL(place_of_max, Reduction) {
	const u32 length = (u32)p.length, inner = (u32)p.inner;
	FOR_EACH(at, p.count) {
		const float* a = p.a + at / inner * length * inner + at % inner;
		float most = a[0];
		u32 best = 0;
		for (u32 place = 1; place < length; place++) {
			const float element = a[place * inner];
			if (element > most || (is_nan(element) && !is_nan(most))) {
				most = element;
				best = place;
			}
		}
		((u32*)p.result)[at] = best;
	}
}

struct Counting {
	const u32* words;
	u32* result;
	u64 count;
};

// One block counts all. Integers: the order makes no difference.
KERNEL_WITH_BARRIERS(count_nonzero, Counting) {
	SHARED u32 counts[THREADS];
	u32 count = 0;
	for (u32 at = thread(); at < (u32)p.count; at += THREADS) count += p.words[at] != 0;
	counts[thread()] = count;
	barrier();
	for (u32 width = THREADS / 2; width > 0; width /= 2) {
		if (thread() < width) counts[thread()] += counts[thread() + width];
		barrier();
	}
	if (thread() == 0) p.result[0] = counts[0];
}

// Writes 1 if a NaN or an infinity is among the numbers. Whoever writes, writes the same.
KERNEL(find_nonfinite, Counting) {
	FOR_EACH(at, p.count) {
		if (!is_finite(p.words[at])) p.result[0] = 1;
	}
}
