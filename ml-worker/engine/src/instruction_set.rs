//! Which vector instructions the kernels use.

use crate::EngineError;
use std::fmt;

/// A set of vector instructions that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InstructionSet {
	/// What every CPU has that Rust's target names; on x86-64 without a fused multiply-add, so it is slow.
	Portable,
	/// AVX2 and FMA: vectors of 8.
	Avx2,
	/// AVX-512 F, BW, DQ and VL: vectors of 16.
	Avx512,
}

impl InstructionSet {
	/// All of them, the slowest first.
	pub const ALL: [InstructionSet; 3] = [
		InstructionSet::Portable,
		InstructionSet::Avx2,
		InstructionSet::Avx512,
	];

	/// Whether this CPU has it.
	pub fn is_available(self) -> bool {
		match self {
			InstructionSet::Portable => true,
			#[cfg(target_arch = "x86_64")]
			InstructionSet::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
			#[cfg(target_arch = "x86_64")]
			InstructionSet::Avx512 => {
				InstructionSet::Avx2.is_available()
					&& is_x86_feature_detected!("avx512f")
					&& is_x86_feature_detected!("avx512bw")
					&& is_x86_feature_detected!("avx512dq")
					&& is_x86_feature_detected!("avx512vl")
			}
			#[cfg(not(target_arch = "x86_64"))]
			InstructionSet::Avx2 | InstructionSet::Avx512 => false,
		}
	}

	/// The fastest one that this CPU has.
	pub fn best() -> Self {
		let fastest_first = Self::ALL.into_iter().rev();
		fastest_first
			.into_iter()
			.find(|set| set.is_available())
			.unwrap_or(InstructionSet::Portable)
	}
}

impl fmt::Display for InstructionSet {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			InstructionSet::Portable => "portable",
			InstructionSet::Avx2 => "AVX2 with FMA",
			InstructionSet::Avx512 => "AVX-512 (F, BW, DQ, VL)",
		})
	}
}

/// An instruction set that this CPU was found to have: the proof that its kernels may be called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vectors(InstructionSet);

impl Vectors {
	pub(crate) fn new(asked: InstructionSet) -> Result<Self, EngineError> {
		if asked.is_available() {
			Ok(Vectors(asked))
		} else {
			Err(EngineError::MissingInstructionSet {
				asked,
				best: InstructionSet::best(),
			})
		}
	}

	pub(crate) fn set(self) -> InstructionSet {
		self.0
	}
}

/// How a kernel multiplies and adds with one rounding.
pub(crate) trait MultiplyAdd {
	/// `a * b + c`, rounded once; a NaN may have any bits.
	fn fused(a: f32, b: f32, c: f32) -> f32;
}

/// With the CPU's instruction. Without one, `mul_add` would call the system's libm.
pub(crate) struct Hardware;

impl MultiplyAdd for Hardware {
	#[inline(always)]
	fn fused(a: f32, b: f32, c: f32) -> f32 {
		a.mul_add(b, c)
	}
}

/// By whatever is right on every CPU.
pub(crate) struct Everywhere;

impl MultiplyAdd for Everywhere {
	#[inline(always)]
	fn fused(a: f32, b: f32, c: f32) -> f32 {
		#[cfg(target_arch = "aarch64")]
		return a.mul_add(b, c);
		#[cfg(not(target_arch = "aarch64"))]
		return repops::number::fused_in_software(a, b, c);
	}
}

/// Compiles a function once for each instruction set and picks at run time:
/// `for_each_set! { fn name(argument: Type, …) -> Type = body; }`, where `body` is an `inline(always)`
/// function with a type parameter of [`MultiplyAdd`] and the same arguments.
macro_rules! for_each_set {
	($($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $body:ident;)*) => {$(
		$(#[$attribute])*
		$visibility fn $name(vectors: $crate::instruction_set::Vectors, $($argument: $type),*) $(-> $result)? {
			#[cfg(target_arch = "x86_64")]
			#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
			fn avx512($($argument: $type),*) $(-> $result)? {
				$body::<$crate::instruction_set::Hardware>($($argument),*)
			}
			#[cfg(target_arch = "x86_64")]
			#[target_feature(enable = "avx2,fma")]
			fn avx2($($argument: $type),*) $(-> $result)? {
				$body::<$crate::instruction_set::Hardware>($($argument),*)
			}
			match vectors.set() {
				// SAFETY: `Vectors` is only made of an instruction set that the CPU was found to have.
				#[cfg(target_arch = "x86_64")]
				$crate::InstructionSet::Avx512 => unsafe { avx512($($argument),*) },
				// SAFETY: as above.
				#[cfg(target_arch = "x86_64")]
				$crate::InstructionSet::Avx2 => unsafe { avx2($($argument),*) },
				_ => $body::<$crate::instruction_set::Everywhere>($($argument),*),
			}
		}
	)*};
}
pub(crate) use for_each_set;
