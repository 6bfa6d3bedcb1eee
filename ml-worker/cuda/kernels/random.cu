// Random numbers and the order of rows, as `repops::random` defines them.

struct Stream {
	u32 key[2];
	u32 counter[2];
};

FUNCTION u32 rotated(u32 word, u32 by) { return word >> by | word << (32 - by); }

FUNCTION void mix_quarter(u32* v, u32 a, u32 b, u32 c, u32 d, u32 x, u32 y) {
	v[a] += v[b] + x;
	v[d] = rotated(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = rotated(v[b] ^ v[c], 12);
	v[a] += v[b] + y;
	v[d] = rotated(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = rotated(v[b] ^ v[c], 7);
}

// The first words of the keyed BLAKE3 hash of a stream's name, which is one block of `length` bytes: the seed, a tag,
// an index and, where the name has one, a second index.
FUNCTION Stream stream_of(const u32* seed, u32 tag, u64 index, u32 second, u32 length) {
	u32 m[16];
	UNROLL
	for (u32 at = 0; at < 8; at++) m[at] = seed[at];
	m[8] = tag | (u32)index << 8;
	m[9] = (u32)(index >> 24);
	m[10] = (u32)(index >> 56) | second << 8;
	m[11] = second >> 24;
	m[12] = m[13] = m[14] = m[15] = 0;
	// The key "repops random stream", filled up with spaces; BLAKE3's constants; counter, length and flags
	// (first and last block of a chunk, root, keyed).
	u32 v[16] = {0x6F706572u, 0x72207370u, 0x6F646E61u, 0x7473206Du, 0x6D616572u, 0x20202020u, 0x20202020u, 0x20202020u,
		0x6A09E667u, 0xBB67AE85u, 0x3C6EF372u, 0xA54FF53Au, 0, 0, length, 1 | 2 | 8 | 16};
	const u32 order[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
	UNROLL
	for (u32 round = 0; round < 7; round++) {
		UNROLL
		for (u32 at = 0; at < 4; at++) mix_quarter(v, at, at + 4, at + 8, at + 12, m[2 * at], m[2 * at + 1]);
		UNROLL
		for (u32 at = 0; at < 4; at++) {
			mix_quarter(v, at, (at + 1) % 4 + 4, (at + 2) % 4 + 8, (at + 3) % 4 + 12, m[2 * at + 8], m[2 * at + 9]);
		}
		u32 next[16];
		UNROLL
		for (u32 at = 0; at < 16; at++) next[at] = m[order[at]];
		UNROLL
		for (u32 at = 0; at < 16; at++) m[at] = next[at];
	}
	Stream stream = {{v[0] ^ v[8], v[1] ^ v[9]}, {v[2] ^ v[10], v[3] ^ v[11]}};
	return stream;
}

struct Words {
	u32 at[4];
};

// Philox4x32-10: the four words at an index of the stream.
FUNCTION Words words_of(const Stream& stream, u32 index) {
	u32 x0 = index, x1 = 0, x2 = stream.counter[0], x3 = stream.counter[1];
	u32 k0 = stream.key[0], k1 = stream.key[1];
	UNROLL
	for (u32 round = 0; round < 10; round++) {
		const u64 left = (u64)0xD2511F53u * x0, right = (u64)0xCD9E8D57u * x2;
		x0 = (u32)(right >> 32) ^ x1 ^ k0;
		x1 = (u32)right;
		x2 = (u32)(left >> 32) ^ x3 ^ k1;
		x3 = (u32)left;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	Words words = {{x0, x1, x2, x3}};
	return words;
}

// Element `index` of a batch's rows; see `repops::random::Permutation`.
struct Batch {
	const u32* seed;
	const u32* position;
	u32* result;
	u64 count;
	u64 population;
	// The bits of the halves of a number below the population.
	u64 low_bits;
	u64 high_bits;
};

FUNCTION u32 mixed(u32 word) {
	word ^= word >> 16;
	word *= 0x85EBCA6Bu;
	word ^= word >> 13;
	word *= 0xC2B2AE35u;
	return word ^ word >> 16;
}

KERNEL(batch_rows, Batch) {
	const u64 position = (u64)p.position[1] << 32 | p.position[0];
	const u32 population = (u32)p.population, low_bits = (u32)p.low_bits;
	const u32 low_mask = (1u << low_bits) - 1, high_mask = (1u << (u32)p.high_bits) - 1;
	FOR_EACH(at, p.count) {
		const u64 sample = position * p.count + at;
		const Stream stream = stream_of(p.seed, 1, sample / population, 0, 41);
		const Words first = words_of(stream, 0), second = words_of(stream, 1);
		u32 number = (u32)(sample % population);
		do {
			u32 low = number & low_mask, high = number >> low_bits & high_mask;
			UNROLL
			for (u32 round = 0; round < 4; round++) {
				const Words& keys = round < 2 ? first : second;
				low ^= mixed(high ^ keys.at[round % 2 * 2]) & low_mask;
				high ^= mixed(low ^ keys.at[round % 2 * 2 + 1]) & high_mask;
			}
			number = high << low_bits | low;
		} while (number >= population);
		p.result[at] = number;
	}
}

// A step's random tensor.
struct Noise {
	const u32* seed;
	const u32* position;
	float* result;
	u64 count;
	u64 stream;
	// Low and high end, or mean and deviation.
	u64 first;
	u64 second;
	// The number below the high end.
	u64 below_high;
};

FUNCTION float uniform(const Noise& p, u32 word) {
	const float low = number_of((u32)p.first), high = number_of((u32)p.second);
	const float unit = product_of(nearest_number(word >> 8), number_of(0x33800000u));  // 2^-24
	const float number = canonical(fused(unit, subtract(high, low), low));
	return number >= high ? number_of((u32)p.below_high) : number;
}

FUNCTION float standard_normal(u32 word) {
	const u32 centre[9] = {0x32F16588u, 0x34B84B36u, 0xB66C7357u, 0xB6935AC1u, 0x396532DBu, 0xBAA45408u, 0xBB88E4EFu,
		0x3E7C8F63u, 0x3FC02E2Fu};
	const u32 tail[9] = {0xB951F09Bu, 0x38D3B56Bu, 0x3AB0DC72u, 0xBB70BDE7u, 0x3BBC127Bu, 0xBBF9C5D7u, 0x3C1AA57Eu,
		0x3F8036DBu, 0x40354F7Eu};
	const i32 odd = 2 * (i32)(word >> 8) + 1 - (1 << 24);
	const float x = product_of(nearest_signed(odd), number_of(0x33800000u));
	const float w = negative(logarithm(canonical(fused(negative(x), x, 1.0f))));
	const bool central = w < 5.0f;
	const float v = central ? subtract(w, 2.5f) : subtract(square_root(w), 3.0f);
	float sum = number_of(central ? centre[0] : tail[0]);
	UNROLL
	for (u32 at = 1; at < 9; at++) sum = canonical(fused(sum, v, number_of(central ? centre[at] : tail[at])));
	return multiply(number_of(0x3FB504F3u), multiply(sum, x));  // the square root of 2
}

FUNCTION float normal(const Noise& p, u32 word) {
	return canonical(fused(standard_normal(word), number_of((u32)p.second), number_of((u32)p.first)));
}

#define NOISE(name, distribution)                                                     \
	KERNEL(name, Noise) {                                                             \
		const u64 position = (u64)p.position[1] << 32 | p.position[0];                \
		const Stream stream = stream_of(p.seed, 2, position, (u32)p.stream, 45);      \
		const u32 count = (u32)p.count;                                               \
		FOR_EACH(group, (count + 3) / 4) {                                            \
			const Words words = words_of(stream, group);                              \
			UNROLL                                                                    \
			for (u32 at = 0; at < 4; at++) {                                          \
				const u32 element = 4 * group + at;                                   \
				if (element < count) p.result[element] = distribution(p, words.at[at]); \
			}                                                                         \
		}                                                                             \
	}

NOISE(uniform_noise, uniform)
NOISE(normal_noise, normal)
