//! Random numbers: counter-based, so that each can be computed alone.
//!
//! The generator is Philox4x32-10 of J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel random
//! numbers: as easy as 1, 2, 3" (SC 2011): a bijection of 128-bit counters under a 64-bit key. A
//! [`Stream`] is named by the task's [`Seed`] and a [`Purpose`]; their BLAKE3 hash gives the key and the
//! upper half of the counter, and the index within the stream is the lower half.

use crate::{
	number,
	program::{Bits, Initialiser},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A task's seed: all of its randomness follows from it.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	TypeInfo,
	MaxEncodedLen,
)]
pub struct Seed(pub [u8; 32]);

impl Seed {
	/// The seed as programs read it: eight words, the bytes of each in little-endian order.
	pub fn words(&self) -> [u32; 8] {
		core::array::from_fn(|word| {
			u32::from_le_bytes(core::array::from_fn(|byte| self.0[4 * word + byte]))
		})
	}

	/// The seed of these [`Self::words`].
	pub fn from_words(words: [u32; 8]) -> Self {
		Seed(core::array::from_fn(|byte| {
			words[byte / 4].to_le_bytes()[byte % 4]
		}))
	}
}

/// What random numbers are for. Different purposes have unrelated streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
	/// The first values of the state tensor of this index.
	Initial(u32),
	/// The order of the rows in this epoch.
	Order(u64),
	/// The random tensor of this number in the step for the batch at this position.
	Noise {
		/// The number of the batch since the task's start.
		position: u64,
		/// Which of the program's random tensors it is.
		stream: u32,
	},
}

/// The random numbers of one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
	key: [u32; 2],
	counter: [u32; 2],
}

impl Stream {
	/// The stream of this purpose.
	pub fn new(seed: &Seed, purpose: Purpose) -> Self {
		let (tag, index, second) = match purpose {
			Purpose::Initial(tensor) => (0, u64::from(tensor), None),
			Purpose::Order(epoch) => (1, epoch, None),
			Purpose::Noise { position, stream } => (2, position, Some(stream)),
		};
		let mut name = [0; 45];
		name[..32].copy_from_slice(&seed.0);
		name[32] = tag;
		name[33..41].copy_from_slice(&index.to_le_bytes());
		name[41..].copy_from_slice(&second.unwrap_or(0).to_le_bytes());
		// Only where there is a second index is it part of the name.
		let length = if second.is_some() { 45 } else { 41 };
		let hash = blake3::keyed_hash(b"repops random stream            ", &name[..length]);
		let word = |at: usize| {
			u32::from_le_bytes(core::array::from_fn(|byte| hash.as_bytes()[4 * at + byte]))
		};
		Stream {
			key: [word(0), word(1)],
			counter: [word(2), word(3)],
		}
	}

	/// The four words at this index.
	pub fn block(&self, index: u64) -> [u32; 4] {
		philox4x32_10(
			[
				index as u32,
				(index >> 32) as u32,
				self.counter[0],
				self.counter[1],
			],
			self.key,
		)
	}

	/// Word `index` of the stream: the blocks' words one after another.
	pub fn word(&self, index: u64) -> u32 {
		self.block(index / 4)[(index % 4) as usize]
	}
}

/// The Philox4x32-10 bijection.
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
	let [mut x0, mut x1, mut x2, mut x3] = counter;
	let [mut k0, mut k1] = key;
	for _ in 0..10 {
		let left = 0xD251_1F53 * u64::from(x0);
		let right = 0xCD9E_8D57 * u64::from(x2);
		x0 = (right >> 32) as u32 ^ x1 ^ k0;
		x1 = right as u32;
		x2 = (left >> 32) as u32 ^ x3 ^ k1;
		x3 = left as u32;
		k0 = k0.wrapping_add(0x9E37_79B9);
		k1 = k1.wrapping_add(0xBB67_AE85);
	}
	[x0, x1, x2, x3]
}

/// A number in `[0, 1)`: the upper 24 bits of the word, times 2^-24, exactly.
pub fn unit(word: u32) -> f32 {
	(word >> 8) as f32 * TWO_TO_MINUS_24
}

/// A number in `[low, high)`: `unit * (high - low) + low` with one rounding after the difference's; what
/// rounding lifts to `high` becomes the number below it.
pub fn uniform(word: u32, low: f32, high: f32) -> f32 {
	let number = number::fma(unit(word), number::sub(high, low), low);
	if number >= high {
		high.next_down()
	} else {
		number
	}
}

/// A normal number of mean 0 and deviation 1, by the inverse of its distribution: `√2 erfinv(x)` at the
/// middle `x` of one of 2^24 equal parts of (−1, 1), so within ±5.42.
///
/// The inverse error function is the single-precision one of M. Giles, "Approximating the erfinv
/// function" (GPU Computing Gems 2, 2011), each step of its polynomials a fused multiply-add.
pub fn standard_normal(word: u32) -> f32 {
	use number::{fma, mul, sub};
	// An odd number below 2^24 times 2^-24: exact.
	let x = (2 * (word >> 8) as i32 + 1 - (1 << 24)) as f32 * TWO_TO_MINUS_24;
	let w = -number::log(fma(-x, x, 1.0));
	let (w, coefficients) = if w < 5.0 {
		(sub(w, 2.5), &CENTRE)
	} else {
		(sub(number::sqrt(w), 3.0), &TAIL)
	};
	let p = coefficients[1..]
		.iter()
		.fold(coefficients[0], |p, coefficient| fma(p, w, *coefficient));
	mul(core::f32::consts::SQRT_2, mul(p, x))
}

/// Element `index` of a random tensor with this distribution: of a state tensor that starts like this from the
/// stream [`Purpose::Initial`], of the noise of a step from [`Purpose::Noise`].
pub fn initial_element(initialiser: Initialiser, stream: &Stream, index: u64) -> f32 {
	match initialiser {
		Initialiser::Constant(value) => value.into(),
		Initialiser::Uniform { low, high } => uniform(stream.word(index), low.into(), high.into()),
		Initialiser::Normal {
			mean: Bits(mean),
			deviation: Bits(deviation),
		} => {
			let (mean, deviation) = (f32::from_bits(mean), f32::from_bits(deviation));
			number::fma(standard_normal(stream.word(index)), deviation, mean)
		}
	}
}

const TWO_TO_MINUS_24: f32 = 1.0 / 16_777_216.0;

/// Giles' polynomial for `w < 5`, the highest term first.
const CENTRE: [f32; 9] = [
	2.810_226_4e-8,
	3.432_739_4e-7,
	-3.523_387_7e-6,
	-4.391_506_5e-6,
	0.000_218_580_87,
	-0.001_253_725,
	-0.004_177_681_6,
	0.246_640_73,
	1.501_409_4,
];

/// Giles' polynomial for `w >= 5`, the highest term first.
const TAIL: [f32; 9] = [
	-0.000_200_214_26,
	0.000_100_950_56,
	0.001_349_343_2,
	-0.003_673_428_4,
	0.005_739_507_7,
	-0.007_622_461_3,
	0.009_438_870_5,
	1.001_674,
	2.832_976_8,
];

/// A random order of the numbers below a population, of which each place can be asked for alone.
///
/// A Feistel network permutes the numbers of as many bits as the population needs; what lands outside of
/// the population goes through it again ("cycle walking": J. Black and P. Rogaway, "Ciphers with
/// arbitrary finite domains", CT-RSA 2002), on average less than once. The two halves of the bits differ by at
/// most one bit and are changed in turn, so nothing is swapped. Its round function is the finaliser of
/// A. Appleby's MurmurHash3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permutation {
	population: u32,
	low_bits: u32,
	high_bits: u32,
	keys: [u32; 8],
}

impl Permutation {
	/// The order of this epoch. A population of 0 is taken as 1.
	pub fn new(seed: &Seed, epoch: u64, population: u32) -> Self {
		let population = population.max(1);
		let bits = 32 - (population - 1).leading_zeros();
		let stream = Stream::new(seed, Purpose::Order(epoch));
		Permutation {
			population,
			low_bits: bits - bits / 2,
			high_bits: bits / 2,
			keys: core::array::from_fn(|round| stream.word(round as u64)),
		}
	}

	/// The number at this place; the place is taken modulo the population.
	pub fn at(&self, index: u32) -> u32 {
		// Each pass is a bijection of a finite set, so the walk comes back into the population.
		let mut number = index % self.population;
		loop {
			number = self.pass(number);
			if number < self.population {
				return number;
			}
		}
	}

	fn pass(&self, number: u32) -> u32 {
		// At most 16 bits each.
		let low_mask = (1 << self.low_bits) - 1;
		let high_mask = (1 << self.high_bits) - 1;
		let mut low = number & low_mask;
		let mut high = (number >> self.low_bits) & high_mask;
		for keys in self.keys.chunks_exact(2) {
			low ^= mix(high ^ keys[0]) & low_mask;
			high ^= mix(low ^ keys[1]) & high_mask;
		}
		high << self.low_bits | low
	}
}

/// The rows of a batch, see [`crate::program::OperationKind::BatchRows`]; each follows from its place alone.
pub fn batch_rows(
	seed: &Seed,
	position: u64,
	batch: u32,
	population: u32,
) -> impl Iterator<Item = u32> {
	let seed = *seed;
	let mut current: Option<(u64, Permutation)> = None;
	(0..batch).map(move |row| {
		let (epoch, place) = sample(position, batch, population, row);
		let order = match current {
			Some((of, order)) if of == epoch => order,
			_ => Permutation::new(&seed, epoch, population),
		};
		current = Some((epoch, order));
		order.at(place)
	})
}

/// One of the [`batch_rows`], computed alone.
pub fn batch_row(seed: &Seed, position: u64, batch: u32, population: u32, row: u32) -> u32 {
	let (epoch, place) = sample(position, batch, population, row);
	Permutation::new(seed, epoch, population).at(place)
}

/// The epoch of a batch's row, and its place in that epoch's order.
fn sample(position: u64, batch: u32, population: u32, row: u32) -> (u64, u32) {
	let population = u64::from(population.max(1));
	let sample = position
		.wrapping_mul(u64::from(batch))
		.wrapping_add(u64::from(row));
	(sample / population, (sample % population) as u32)
}

/// The finaliser of MurmurHash3 (32 bits).
fn mix(mut word: u32) -> u32 {
	word ^= word >> 16;
	word = word.wrapping_mul(0x85EB_CA6B);
	word ^= word >> 13;
	word = word.wrapping_mul(0xC2B2_AE35);
	word ^ word >> 16
}
