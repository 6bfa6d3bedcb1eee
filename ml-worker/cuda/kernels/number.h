// Numbers, as `repops::number` defines them. Constants are given by their bits, so that no compiler rounds them.

#define NOT_A_NUMBER number_of(0x7FC00000u)
#define INFINITE number_of(0x7F800000u)

FUNCTION bool is_nan(float a) { return (bits_of(a) & 0x7FFFFFFFu) > 0x7F800000u; }
FUNCTION bool is_finite(u32 bits) { return (bits & 0x7F800000u) != 0x7F800000u; }
FUNCTION float magnitude(float a) { return number_of(bits_of(a) & 0x7FFFFFFFu); }
FUNCTION float negative(float a) { return number_of(bits_of(a) ^ 0x80000000u); }
FUNCTION float with_sign_of(float a, float sign) {
	return number_of((bits_of(a) & 0x7FFFFFFFu) | (bits_of(sign) & 0x80000000u));
}

// The number itself, or the one NaN if it is any NaN.
FUNCTION float canonical(float a) { return is_nan(a) ? NOT_A_NUMBER : a; }

FUNCTION float add(float a, float b) { return canonical(sum_of(a, b)); }
FUNCTION float subtract(float a, float b) { return canonical(difference_of(a, b)); }
FUNCTION float multiply(float a, float b) { return canonical(product_of(a, b)); }
FUNCTION float divide(float a, float b) { return canonical(quotient_of(a, b)); }

FUNCTION float square_root(float a) {
	float root = root_of(magnitude(a));
	return a < 0.0f || is_nan(a) ? NOT_A_NUMBER : with_sign_of(root, a);
}

FUNCTION float power_of_two(i32 exponent) { return number_of(((u32)exponent + 127u) << 23); }

FUNCTION float exponential(float x) {
	const float rounding = number_of(0x4B400000u);  // 1.5 * 2^23
	x = x > 89.0f ? 89.0f : x;
	x = x < -104.0f ? -104.0f : x;
	float shifted = fused(x, number_of(0x3FB8AA3Bu), rounding);  // 1 / ln 2
	float n = difference_of(shifted, rounding);
	// ln 2 in two parts, negative.
	float r = fused(n, number_of(0x3102E308u), fused(n, number_of(0xBF317218u), x));
	float p = number_of(0x3AB5289Du);
	p = fused(p, r, number_of(0x3C091CBEu));
	p = fused(p, r, number_of(0x3D2AAC56u));
	p = fused(p, r, number_of(0x3E2AAA49u));
	p = fused(p, r, number_of(0x3EFFFFFEu));
	p = fused(p, r, 1.0f);
	p = fused(p, r, 1.0f);
	i32 exponent = (i32)(bits_of(shifted) - bits_of(rounding));
	i32 half = exponent >> 1;
	float scaled = product_of(p, power_of_two(half));
	return canonical(product_of(scaled, power_of_two((i32)((u32)exponent - (u32)half))));
}

FUNCTION float logarithm(float x) {
	bool subnormal = x < number_of(0x00800000u);
	float scaled = subnormal ? product_of(x, number_of(0x4B000000u)) : x;  // 2^23
	float offset = subnormal ? -23.0f : 0.0f;
	u32 exponent = (bits_of(scaled) - 0x3F2AAAABu) & 0xFF800000u;  // 2/3
	float m = number_of(bits_of(scaled) - exponent);
	float n = sum_of(nearest_signed((i32)exponent >> 23), offset);
	float f = difference_of(m, 1.0f);
	float q = number_of(0xBE03DF8Au);
	q = fused(q, f, number_of(0x3E0F398Du));
	q = fused(q, f, number_of(0xBDF9999Bu));
	q = fused(q, f, number_of(0x3E0F6A19u));
	q = fused(q, f, number_of(0xBE2ACE41u));
	q = fused(q, f, number_of(0x3E4CE82Fu));
	q = fused(q, f, number_of(0xBE7FFF7Cu));
	q = fused(q, f, number_of(0x3EAAAA83u));
	q = fused(q, f, number_of(0xBF000000u));
	float y = fused(n, number_of(0x3F317218u), fused(q, product_of(f, f), f));  // ln 2
	y = x == INFINITE ? INFINITE : y;
	y = x == 0.0f ? negative(INFINITE) : y;
	return x >= 0.0f ? y : NOT_A_NUMBER;
}

FUNCTION float hyperbolic_tangent(float x) {
	float a = magnitude(x);
	float s = product_of(a, a);
	float p = number_of(0xBBBAB004u);
	p = fused(p, s, number_of(0x3CA903BFu));
	p = fused(p, s, number_of(0xBD5C1B9Au));
	p = fused(p, s, number_of(0x3E08837Eu));
	p = fused(p, s, number_of(0xBEAAAA99u));
	float near = fused(product_of(p, s), a, a);
	float grown = sum_of(exponential(sum_of(a, a)), 1.0f);
	float far = difference_of(1.0f, quotient_of(2.0f, grown));
	return canonical(with_sign_of(a < 0.625f ? near : far, x));
}

FUNCTION float error_function(float x) {
	float a = magnitude(x);
	float s = product_of(a, a);
	float p = number_of(0xBA1D2471u);
	p = fused(p, s, number_of(0x3BA3A507u));
	p = fused(p, s, number_of(0xBCDB4733u));
	p = fused(p, s, number_of(0x3DE70D5Au));
	p = fused(p, s, number_of(0xBEC09374u));
	p = fused(p, s, number_of(0x3E0375D3u));
	float near = fused(p, a, a);
	float b = a > 4.0f ? 4.0f : a;
	float q = number_of(0xB9605152u);
	q = fused(q, b, number_of(0x3B52A9B9u));
	q = fused(q, b, number_of(0xBCBB805Fu));
	q = fused(q, b, number_of(0x3DD79232u));
	q = fused(q, b, number_of(0x3F22BE90u));
	q = fused(q, b, number_of(0x3E03991Eu));
	float far = difference_of(1.0f, exponential(negative(fused(q, b, b))));
	return canonical(with_sign_of(a < 0.921875f ? near : far, x));
}

// The greater of two; a NaN among them gives NaN, and +0 is greater than -0.
FUNCTION float maximum(float a, float b) {
	if (is_nan(a) || is_nan(b)) return NOT_A_NUMBER;
	if (a > b) return a;
	if (b > a) return b;
	return number_of(bits_of(a) & bits_of(b));
}

// Without its fraction, within 0 and 2^32 - 1; 0 for a NaN.
FUNCTION u32 integer_of(float a) {
	if (!(a >= 1.0f)) return 0;
	return a >= 4294967296.0f ? 0xFFFFFFFFu : (u32)a;
}
