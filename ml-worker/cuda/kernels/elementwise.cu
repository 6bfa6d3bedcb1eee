// Operations on elements of the same place. The result may lie where an operand lay.

// The elements that a thread computes lie a grid apart.
#define FOR_EACH(at, count) \
	for (u32 at = block() * THREADS + thread(); at < (u32)(count); at += blocks() * THREADS)

struct Unary {
	const float* a;
	float* result;
	u64 count;
	// The bits of the constant, where there is one.
	u64 constant;
};

#define UNARY(name, value)                                           \
	KERNEL(name, Unary) {                                            \
		const float constant = number_of((u32)p.constant);           \
		(void)constant;                                              \
		FOR_EACH(at, p.count) {                                      \
			const float a = p.a[at];                                 \
			p.result[at] = value;                                    \
		}                                                            \
	}

UNARY(add_scalar, add(a, constant))
UNARY(multiply_scalar, multiply(a, constant))
UNARY(reciprocal, divide(1.0f, a))
UNARY(exponentials, exponential(a))
UNARY(logarithms, logarithm(a))
UNARY(square_roots, square_root(a))
UNARY(hyperbolic_tangents, hyperbolic_tangent(a))
UNARY(error_functions, error_function(a))

struct Binary {
	const float* a;
	const float* b;
	float* result;
	u64 count;
};

#define BINARY(name, value)                                          \
	KERNEL(name, Binary) {                                           \
		FOR_EACH(at, p.count) {                                      \
			const float a = p.a[at], b = p.b[at];                    \
			p.result[at] = value;                                    \
		}                                                            \
	}

BINARY(add_elements, add(a, b))
BINARY(subtract_elements, subtract(a, b))
BINARY(multiply_elements, multiply(a, b))
BINARY(divide_elements, divide(a, b))

// The numbers of the relations are those of `repops::program::Relation` in its order.
template <typename T>
FUNCTION bool related(u32 relation, T a, T b) {
	switch (relation) {
		case 0: return a == b;
		case 1: return a != b;
		case 2: return a < b;
		case 3: return a <= b;
		case 4: return a > b;
		default: return a >= b;
	}
}

struct Comparison {
	const void* a;
	// Nothing where the other is the constant.
	const void* b;
	u32* result;
	u64 count;
	u64 relation;
	u64 constant;
};

KERNEL(compare_numbers, Comparison) {
	const float* a = (const float*)p.a;
	const float* b = (const float*)p.b;
	FOR_EACH(at, p.count) p.result[at] = related((u32)p.relation, a[at], b[at]);
}

KERNEL(compare_with_constant, Comparison) {
	const float* a = (const float*)p.a;
	const float constant = number_of((u32)p.constant);
	FOR_EACH(at, p.count) p.result[at] = related((u32)p.relation, a[at], constant);
}

KERNEL(compare_integers, Comparison) {
	const u32* a = (const u32*)p.a;
	const u32* b = (const u32*)p.b;
	FOR_EACH(at, p.count) p.result[at] = related((u32)p.relation, a[at], b[at]);
}

struct Choice {
	const u32* mask;
	const u32* a;
	// Nothing where the other is the constant.
	const u32* b;
	u32* result;
	u64 count;
	u64 constant;
};

KERNEL(select_elements, Choice) {
	FOR_EACH(at, p.count) p.result[at] = p.mask[at] != 0 ? p.a[at] : p.b[at];
}

KERNEL(fill_masked, Choice) {
	FOR_EACH(at, p.count) p.result[at] = p.mask[at] != 0 ? (u32)p.constant : p.a[at];
}

struct Conversion {
	const void* a;
	void* result;
	u64 count;
};

KERNEL(to_integers, Conversion) {
	FOR_EACH(at, p.count) ((u32*)p.result)[at] = integer_of(((const float*)p.a)[at]);
}

KERNEL(to_numbers, Conversion) {
	FOR_EACH(at, p.count) ((float*)p.result)[at] = nearest_number(((const u32*)p.a)[at]);
}
