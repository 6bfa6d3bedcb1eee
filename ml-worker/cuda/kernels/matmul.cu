// Matrix products. Each element is one contraction: within a chunk of 256 terms a chain of fused multiply-adds in
// ascending order from +0, then the chunks' results added in ascending order. A block computes a tile of elements;
// the operands' tiles lie in shared memory, in two buffers by turns. Rows and columns are filled up with zeros where a
// matrix ends, terms never: one more `0 * 0` can turn -0 into +0.

struct Product {
	const float* left;
	const float* right;
	float* result;
	u64 rows;
	u64 columns;
	// The terms of an element.
	u64 inner;
	// From one stored element to the next: of the left matrix along its rows' numbers and along the terms, of the
	// right one along its columns' numbers and along the terms. One of each pair is 1.
	u64 left_line;
	u64 left_term;
	u64 right_line;
	u64 right_term;
	// From matrix to matrix of the stacks; 0 where one matrix is a factor of each product.
	u64 left_matrix;
	u64 right_matrix;
	// Where products are summed: the terms that one pair of matrices has.
	u64 matrix_inner;
	// 1: all chunks are added here. Else one block for each chunk, whose result is kept, `[stack, chunks, m, n]`.
	u64 apart;
};

// How a thread fetches its four elements of a tile of `TILE` lines and `1024 / TILE` terms.
template <u32 TILE, bool SUM>
struct Fetch {
	static const u32 STEP = TILE / 4;
	const float* matrix;
	u32 line_stride, term_stride, matrix_stride, matrix_inner;
	// Of the first element: its line and its term within the tile.
	u32 line, term;
	// The lines that there are from the tile's first one on.
	u32 lines;

	METHOD void prepare(const float* from, u64 along_lines, u64 along_terms, u32 first_line, u32 all_lines) {
		line_stride = (u32)along_lines;
		term_stride = (u32)along_terms;
		// Neighbouring threads fetch neighbouring elements.
		const u32 depth = 1024 / TILE;
		const bool along = term_stride == 1;
		line = along ? thread() / depth : thread() % STEP;
		term = along ? thread() % depth : thread() / STEP;
		matrix = from + first_line * line_stride;
		lines = all_lines - first_line;
	}

	METHOD void fetch(float* elements, u32 first_term, u32 end) const {
		const u32 at = first_term + term;
		u32 place = at * term_stride;
		if (SUM) place = at / matrix_inner * matrix_stride + at % matrix_inner * term_stride;
		UNROLL
		for (u32 number = 0; number < 4; number++) {
			const u32 of = line + number * STEP;
			elements[number] = at < end && of < lines ? matrix[place + of * line_stride] : 0.0f;
		}
	}

	METHOD void store(float (*tile)[TILE + 4], const float* elements) const {
		UNROLL
		for (u32 number = 0; number < 4; number++) tile[term][line + number * STEP] = elements[number];
	}
};

// `TILE` lines among sixteen threads: up to four neighbouring ones, then the next sixteen times as many.
template <u32 TILE>
FUNCTION u32 line_of(u32 of_sixteen, u32 number) {
	const u32 together = TILE / 16 < 4 ? TILE / 16 : 4;
	return number / together * 16 * together + of_sixteen * together + number % together;
}

template <u32 TILE>
FUNCTION void add_terms(float (*sums)[TILE / 16], const float* left, const float* right) {
	const u32 side = TILE / 16;
	float a[side], b[side];
	UNROLL
	for (u32 at = 0; at < side; at++) a[at] = left[line_of<TILE>(thread() / 16, at)];
	UNROLL
	for (u32 at = 0; at < side; at++) b[at] = right[line_of<TILE>(thread() % 16, at)];
	UNROLL
	for (u32 row = 0; row < side; row++) {
		UNROLL
		for (u32 column = 0; column < side; column++) sums[row][column] = fused(a[row], b[column], sums[row][column]);
	}
}

template <u32 TILE, bool SUM>
FUNCTION void multiply_matrices(const Product& p) {
	const u32 side = TILE / 16, depth = 1024 / TILE;
	SHARED float left_tiles[2][depth][TILE + 4];
	SHARED float right_tiles[2][depth][TILE + 4];
	const u32 rows = (u32)p.rows, columns = (u32)p.columns, inner = (u32)p.inner;
	const u32 chunks = (inner + CHUNK - 1) / CHUNK, parts = p.apart != 0 ? chunks : 1;
	const u32 tiles_down = (rows + TILE - 1) / TILE, tiles_right = (columns + TILE - 1) / TILE;
	const u32 first_column = block() % tiles_right * TILE;
	const u32 first_row = block() / tiles_right % tiles_down * TILE;
	const u32 part = block() / tiles_right / tiles_down % parts;
	const u32 matrix = block() / tiles_right / tiles_down / parts;

	Fetch<TILE, SUM> left, right;
	left.prepare(p.left + matrix * (u32)p.left_matrix, p.left_line, p.left_term, first_row, rows);
	right.prepare(p.right + matrix * (u32)p.right_matrix, p.right_line, p.right_term, first_column, columns);
	left.matrix_stride = (u32)p.left_matrix;
	right.matrix_stride = (u32)p.right_matrix;
	left.matrix_inner = right.matrix_inner = (u32)p.matrix_inner;
	float* result = p.result + (matrix * parts + part) * rows * columns;

	u32 buffer = 0;
	const u32 last_chunk = p.apart != 0 ? part + 1 : chunks;
	for (u32 chunk = part; chunk < last_chunk; chunk++) {
		const u32 start = chunk * CHUNK, end = end_of(start, inner);
		float sums[side][side];
		UNROLL
		for (u32 row = 0; row < side; row++) {
			UNROLL
			for (u32 column = 0; column < side; column++) sums[row][column] = 0.0f;
		}
		float of_left[4], of_right[4];
		left.fetch(of_left, start, end);
		right.fetch(of_right, start, end);
		left.store(left_tiles[buffer], of_left);
		right.store(right_tiles[buffer], of_right);
		barrier();
		for (u32 first = start; first < end; first += depth) {
			const bool more = end - first > depth;
			if (more) {
				left.fetch(of_left, first + depth, end);
				right.fetch(of_right, first + depth, end);
			}
			if (end - first >= depth) {
				UNROLL
				for (u32 term = 0; term < depth; term++) {
					add_terms<TILE>(sums, left_tiles[buffer][term], right_tiles[buffer][term]);
				}
			} else {
				for (u32 term = 0; term < end - first; term++) {
					add_terms<TILE>(sums, left_tiles[buffer][term], right_tiles[buffer][term]);
				}
			}
			buffer ^= 1;
			if (more) {
				left.store(left_tiles[buffer], of_left);
				right.store(right_tiles[buffer], of_right);
			}
			barrier();
		}
		UNROLL
		for (u32 down = 0; down < side; down++) {
			const u32 row = first_row + line_of<TILE>(thread() / 16, down);
			UNROLL
			for (u32 across = 0; across < side; across++) {
				const u32 column = first_column + line_of<TILE>(thread() % 16, across);
				if (row >= rows || column >= columns) continue;
				// The same thread has written what is there.
				float* place = result + row * columns + column;
				const float sum = canonical(sums[down][across]);
				*place = chunk == part ? sum : add(*place, sum);
			}
		}
	}
}

KERNEL_IN_PAIRS(product_128, Product) { multiply_matrices<128, false>(p); }
KERNEL_IN_PAIRS(product_64, Product) { multiply_matrices<64, false>(p); }
KERNEL_IN_PAIRS(product_32, Product) { multiply_matrices<32, false>(p); }
KERNEL_IN_PAIRS(product_sum_128, Product) { multiply_matrices<128, true>(p); }
KERNEL_IN_PAIRS(product_sum_64, Product) { multiply_matrices<64, true>(p); }
KERNEL_IN_PAIRS(product_sum_32, Product) { multiply_matrices<32, true>(p); }
