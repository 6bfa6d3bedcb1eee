//! Numbers: IEEE 754 binary32, round to nearest even, subnormals kept.
//!
//! Addition, subtraction, multiplication, division, square root and the fused multiply-add are
//! correctly rounded, so every right implementation has the same bits. [`exp`], [`log`], [`tanh`] and
//! [`erf`] have no correctly rounded standard implementation; here they are *defined* by a sequence of such
//! operations and of operations on bits, without tables or branches, so that a vector lane, a GPU
//! thread and wasm follow the same steps. No function of the system's libm is called.
//!
//! What a computation makes of a NaN differs between machines in sign and payload. Each function here
//! writes every NaN that it produces as [`NAN`].

/// The one NaN that computations produce, `0x7FC00000`.
pub const NAN: f32 = f32::from_bits(0x7FC0_0000);

/// The number itself, or [`NAN`] if it is any NaN.
#[inline(always)]
pub fn canonical(number: f32) -> f32 {
	// On the bits as an integer: LLVM takes one NaN for as good as another, and drops a choice between a
	// square root and a NaN where the root is NaN.
	let bits = number.to_bits();
	f32::from_bits(if bits & 0x7FFF_FFFF > 0x7F80_0000 {
		0x7FC0_0000
	} else {
		bits
	})
}

/// `a + b`
#[inline(always)]
pub fn add(a: f32, b: f32) -> f32 {
	canonical(a + b)
}

/// `a - b`
#[inline(always)]
pub fn sub(a: f32, b: f32) -> f32 {
	canonical(a - b)
}

/// `a * b`
#[inline(always)]
pub fn mul(a: f32, b: f32) -> f32 {
	canonical(a * b)
}

/// `a / b`
#[inline(always)]
pub fn div(a: f32, b: f32) -> f32 {
	canonical(a / b)
}

/// The square root; of −0 it is −0, of a lesser number NaN.
#[inline(always)]
pub fn sqrt(a: f32) -> f32 {
	// Of the absolute value, because LLVM takes "NaN if a < 0, else the root of a" for the CPU's instruction
	// alone, and the NaN that an x86 makes is another one than ours.
	let magnitude = a.abs();
	// Both are correctly rounded; `core` has none yet, and the one of `std` is one instruction.
	#[cfg(feature = "std")]
	let root = magnitude.sqrt();
	#[cfg(not(feature = "std"))]
	let root = libm::sqrtf(magnitude);
	if a < 0.0 || a.is_nan() {
		NAN
	} else {
		root.copysign(a)
	}
}

/// `a * b + c`, rounded once.
#[inline(always)]
pub fn fma(a: f32, b: f32, c: f32) -> f32 {
	canonical(fused(a, b, c))
}

/// [`fma`] without the care for NaN's bits, for use inside of a longer computation.
#[inline(always)]
pub(crate) fn fused(a: f32, b: f32, c: f32) -> f32 {
	// Without the instruction, `mul_add` calls the system's libm. Not all of these were right.
	#[cfg(all(feature = "std", any(target_feature = "fma", target_arch = "aarch64")))]
	return a.mul_add(b, c);
	#[cfg(not(all(feature = "std", any(target_feature = "fma", target_arch = "aarch64"))))]
	return fused_in_software(a, b, c);
}

/// `a * b + c`, rounded once, from double precision alone; a NaN may have any bits.
///
/// The product of two 24-bit significands is exact in 53 bits. Their sum with `c` is first rounded to
/// odd: of two neighbours the one with an odd last bit, which no later rounding to fewer bits can take
/// for a tie. See S. Boldo and G. Melquiond, "Emulation of a FMA and correctly rounded sums: proved
/// algorithms using rounding to odd", IEEE Transactions on Computers 57 (2008).
#[inline(always)]
pub fn fused_in_software(a: f32, b: f32, c: f32) -> f32 {
	let product = f64::from(a) * f64::from(b);
	let addend = f64::from(c);
	let sum = product + addend;
	// The exact error of that sum (D. Knuth's TwoSum). With an infinity or NaN it is NaN, which is
	// greater than nothing.
	let part = sum - product;
	let error = (product - (sum - part)) + (addend - part);
	let bits = sum.to_bits();
	let inexact = error.abs() > 0.0;
	let even = bits & 1 == 0;
	// Away from zero if the error points there, else towards it.
	let outwards = (error > 0.0) == (sum > 0.0);
	let neighbour = if outwards {
		bits.wrapping_add(1)
	} else {
		bits.wrapping_sub(1)
	};
	f64::from_bits(if inexact && even { neighbour } else { bits }) as f32
}

/// `e^x`, within 1 ulp. Of neighbouring arguments the greater may have a result that is an ulp less.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
	exp_with(x, fused)
}

/// Natural logarithm, within 1 ulp; of ±0 it is −∞, of a number below 0 NaN.
#[inline(always)]
pub fn log(x: f32) -> f32 {
	log_with(x, fused)
}

/// Hyperbolic tangent, within 2 ulp; odd, and of ±0 it is ±0.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
	tanh_with(x, fused)
}

/// The error function, within 1.1 ulp; odd, of ±0 it is ±0, and it never falls.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
	erf_with(x, fused)
}

/// [`exp`] by means of a given fused multiply-add, which must round once; the bits of a NaN in between
/// don't matter. A function compiled for a machine with that instruction passes it here.
///
/// Steps: `n` = the integer nearest to `x / ln 2`; `r = x - n ln 2` with ln 2 in two parts;
/// `e^r` by a polynomial of degree 6, the terms from the highest; times `2^n` in two exact halves, so
/// that overflow and subnormal results come of one rounding multiplication.
#[inline(always)]
pub fn exp_with(x: f32, fma: impl Fn(f32, f32, f32) -> f32) -> f32 {
	// Beyond these bounds the result is ∞ or 0 all the same. A NaN passes both.
	let x = if x > 89.0 { 89.0 } else { x };
	let x = if x < -104.0 { -104.0 } else { x };
	let shifted = fma(x, core::f32::consts::LOG2_E, ROUNDING);
	let n = shifted - ROUNDING;
	let r = fma(n, -LN_2_LOW, fma(n, -LN_2_HIGH, x));
	let mut p = EXP[4];
	p = fma(p, r, EXP[3]);
	p = fma(p, r, EXP[2]);
	p = fma(p, r, EXP[1]);
	p = fma(p, r, EXP[0]);
	p = fma(p, r, 1.0);
	p = fma(p, r, 1.0);
	let exponent = (shifted.to_bits() as i32).wrapping_sub(ROUNDING.to_bits() as i32);
	let half = exponent >> 1;
	canonical(p * power_of_two(half) * power_of_two(exponent.wrapping_sub(half)))
}

/// [`log`] by means of a given fused multiply-add; see [`exp_with`].
///
/// Steps: `x = m 2^n` with `m` in `[2/3, 4/3)`; `f = m - 1`; the logarithm of `1 + f` is
/// `f + f² q(f)` with a polynomial `q` of degree 8, the terms from the highest; plus `n ln 2`.
#[inline(always)]
pub fn log_with(x: f32, fma: impl Fn(f32, f32, f32) -> f32) -> f32 {
	let subnormal = x < f32::MIN_POSITIVE;
	let scaled = if subnormal { x * TWO_TO_23 } else { x };
	let offset = if subnormal { -23.0 } else { 0.0 };
	let exponent = scaled.to_bits().wrapping_sub(TWO_THIRDS) & 0xFF80_0000;
	let m = f32::from_bits(scaled.to_bits().wrapping_sub(exponent));
	let n = ((exponent as i32) >> 23) as f32 + offset;
	let f = m - 1.0;
	let mut q = LOG[8];
	q = fma(q, f, LOG[7]);
	q = fma(q, f, LOG[6]);
	q = fma(q, f, LOG[5]);
	q = fma(q, f, LOG[4]);
	q = fma(q, f, LOG[3]);
	q = fma(q, f, LOG[2]);
	q = fma(q, f, LOG[1]);
	q = fma(q, f, LOG[0]);
	let y = fma(n, core::f32::consts::LN_2, fma(q, f * f, f));
	let y = if x == f32::INFINITY { f32::INFINITY } else { y };
	let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
	if x >= 0.0 {
		y
	} else {
		NAN
	}
}

/// [`tanh`] by means of a given fused multiply-add; see [`exp_with`].
///
/// Steps: with `a = |x|` below 5/8, `a + a³ p(a²)` with a polynomial `p` of degree 4, the terms from
/// the highest; from there on `1 - 2 / (e^(2a) + 1)`; then the sign of `x`.
#[inline(always)]
pub fn tanh_with(x: f32, fma: impl Fn(f32, f32, f32) -> f32) -> f32 {
	let a = x.abs();
	let s = a * a;
	let mut p = TANH[4];
	p = fma(p, s, TANH[3]);
	p = fma(p, s, TANH[2]);
	p = fma(p, s, TANH[1]);
	p = fma(p, s, TANH[0]);
	let near = fma(p * s, a, a);
	let far = 1.0 - 2.0 / (exp_with(a + a, &fma) + 1.0);
	let y = if a < 0.625 { near } else { far };
	canonical(y.copysign(x))
}

/// [`erf`] by means of a given fused multiply-add; see [`exp_with`].
///
/// Steps: with `a = |x|` below 59/64, `a + a p(a²)` with a polynomial `p` of degree 5, the terms from the highest;
/// from there on, with `a` at most 4, `1 - e^(-(a + a q(a)))` with a polynomial `q` of degree 5; then the sign of
/// `x`.
#[inline(always)]
pub fn erf_with(x: f32, fma: impl Fn(f32, f32, f32) -> f32) -> f32 {
	let a = x.abs();
	let s = a * a;
	let mut p = ERF_NEAR[5];
	p = fma(p, s, ERF_NEAR[4]);
	p = fma(p, s, ERF_NEAR[3]);
	p = fma(p, s, ERF_NEAR[2]);
	p = fma(p, s, ERF_NEAR[1]);
	p = fma(p, s, ERF_NEAR[0]);
	let near = fma(p, a, a);
	// Beyond this bound the result is 1 all the same. A NaN passes.
	let b = if a > 4.0 { 4.0 } else { a };
	let mut q = ERF_FAR[5];
	q = fma(q, b, ERF_FAR[4]);
	q = fma(q, b, ERF_FAR[3]);
	q = fma(q, b, ERF_FAR[2]);
	q = fma(q, b, ERF_FAR[1]);
	q = fma(q, b, ERF_FAR[0]);
	let far = 1.0 - exp_with(-fma(q, b, b), &fma);
	let y = if a < 0.921_875 { near } else { far };
	canonical(y.copysign(x))
}

/// `2^exponent` for exponents of normal numbers.
#[inline(always)]
fn power_of_two(exponent: i32) -> f32 {
	f32::from_bits((exponent.wrapping_add(127) as u32) << 23)
}

/// 1.5 · 2^23: the sum of it and a small number has no place for a fraction, so it rounds to an integer.
const ROUNDING: f32 = 12_582_912.0;
const TWO_TO_23: f32 = 8_388_608.0;
/// The bits of 2/3, rounded up.
const TWO_THIRDS: u32 = 0x3F2A_AAAB;
/// ln 2 rounded to 24 bits, and what is left of it.
const LN_2_HIGH: f32 = core::f32::consts::LN_2;
const LN_2_LOW: f32 = f32::from_bits(0xB102_E308);

// Minimax in the relative error of the whole function, each coefficient rounded to f32 before the next
// was fitted; the lowest term first.

/// `(e^r - 1 - r) / r²` for `|r| <= ln 2 / 2`.
const EXP: [f32; 5] = [
	f32::from_bits(0x3EFF_FFFE),
	f32::from_bits(0x3E2A_AA49),
	f32::from_bits(0x3D2A_AC56),
	f32::from_bits(0x3C09_1CBE),
	f32::from_bits(0x3AB5_289D),
];

/// `(log(1 + f) - f) / f²` for `|f| <= 1/3`.
const LOG: [f32; 9] = [
	f32::from_bits(0xBF00_0000),
	f32::from_bits(0x3EAA_AA83),
	f32::from_bits(0xBE7F_FF7C),
	f32::from_bits(0x3E4C_E82F),
	f32::from_bits(0xBE2A_CE41),
	f32::from_bits(0x3E0F_6A19),
	f32::from_bits(0xBDF9_999B),
	f32::from_bits(0x3E0F_398D),
	f32::from_bits(0xBE03_DF8A),
];

/// `(tanh(a) - a) / a³` in `a²`, for `a <= 5/8`.
const TANH: [f32; 5] = [
	f32::from_bits(0xBEAA_AA99),
	f32::from_bits(0x3E08_837E),
	f32::from_bits(0xBD5C_1B9A),
	f32::from_bits(0x3CA9_03BF),
	f32::from_bits(0xBBBA_B004),
];

/// `(erf(a) - a) / a` in `a²`, for `a <= 59/64`.
const ERF_NEAR: [f32; 6] = [
	f32::from_bits(0x3E03_75D3),
	f32::from_bits(0xBEC0_9374),
	f32::from_bits(0x3DE7_0D5A),
	f32::from_bits(0xBCDB_4733),
	f32::from_bits(0x3BA3_A507),
	f32::from_bits(0xBA1D_2471),
];

/// `(-log(1 - erf(a)) - a) / a` for `59/64 <= a <= 4`.
const ERF_FAR: [f32; 6] = [
	f32::from_bits(0x3E03_991E),
	f32::from_bits(0x3F22_BE90),
	f32::from_bits(0x3DD7_9232),
	f32::from_bits(0xBCBB_805F),
	f32::from_bits(0x3B52_A9B9),
	f32::from_bits(0xB960_5152),
];
