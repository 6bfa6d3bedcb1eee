//! A program in parts, each of which can be shown alone.
//!
//! A dispute ends in one operation of a program that may have thousands. So beside the hash of its encoding a
//! program has a *root*: over a Merkle tree whose leaves are its parts. Who knows the root alone can be shown
//! the few parts that matter.

mod merge;

pub use merge::MergeParts;

use crate::{
	check::{check_shape, Checked, Limits},
	commit::{part_leaf, root, Domain, Hash, MerkleProof},
	program::{
		Input, Operation, OperationKind, Output, StateTensor, Target, ValueId, ARITHMETIC_VERSION,
	},
	tensor::{Shape, TensorType},
};
use alloc::{
	borrow::Cow,
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::{cell::RefCell, fmt};
use scale_info::TypeInfo;

/// A part of a program. They stand in the order of this list: the counts, then all state tensors, and so on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Part {
	/// How many of the others there are.
	Counts(Counts),
	/// A state tensor's declaration.
	State(StateTensor),
	/// An input.
	Input(Input),
	/// An operation and the type of its result.
	Operation(Operation, TensorType),
	/// An output.
	Output(Output),
}

/// How many parts of each kind a program has, and its arithmetic.
#[derive(
	Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
pub struct Counts {
	/// The arithmetic's version.
	pub version: u16,
	/// State tensors.
	pub state: u32,
	/// Inputs.
	pub inputs: u32,
	/// Operations.
	pub operations: u32,
	/// Outputs.
	pub outputs: u32,
}

impl Counts {
	/// The parts in all, the counts themselves included.
	pub fn parts(&self) -> u32 {
		[self.state, self.inputs, self.operations, self.outputs]
			.into_iter()
			.fold(1, u32::saturating_add)
	}

	/// Where the part stands in the order of all.
	fn index(&self, place: Place) -> u32 {
		let (before, at): (&[u32], u32) = match place {
			Place::Counts => return 0,
			Place::State(at) => (&[], at),
			Place::Input(at) => (&[self.state], at),
			Place::Operation(at) => (&[self.state, self.inputs], at),
			Place::Output(at) => (&[self.state, self.inputs, self.operations], at),
		};
		before.iter().fold(at.saturating_add(1), |sum, count| {
			sum.saturating_add(*count)
		})
	}

	/// Whether there is such a part.
	fn has(&self, place: Place) -> bool {
		match place {
			Place::Counts => true,
			Place::State(at) => at < self.state,
			Place::Input(at) => at < self.inputs,
			Place::Operation(at) => at < self.operations,
			Place::Output(at) => at < self.outputs,
		}
	}
}

/// The place of a part among those of its kind.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	TypeInfo,
)]
pub enum Place {
	/// The counts.
	Counts,
	/// The state tensor of this index.
	State(u32),
	/// The input of this index.
	Input(u32),
	/// The operation of this index.
	Operation(u32),
	/// The output of this index.
	Output(u32),
}

/// A program, or as much of it as is known.
pub trait Parts {
	/// How many parts there are.
	fn counts(&self) -> Counts;

	/// A part; none if there is no such part, or it is not known.
	fn part(&self, place: Place) -> Option<Cow<'_, Part>>;

	/// The type of a value.
	fn value_type(&self, value: ValueId) -> Option<TensorType> {
		match value.checked_sub(self.counts().inputs) {
			None => self.input(value).map(|input| input.kind),
			Some(index) => self.operation(index).map(|(_, kind)| kind),
		}
	}

	/// The operation whose result a value is; none for an input.
	fn operation_of(&self, value: ValueId) -> Option<u32> {
		value.checked_sub(self.counts().inputs)
	}

	/// A state tensor's declaration.
	fn state_tensor(&self, index: u32) -> Option<StateTensor> {
		match self.part(Place::State(index))?.into_owned() {
			Part::State(tensor) => Some(tensor),
			_ => None,
		}
	}

	/// An input.
	fn input(&self, index: u32) -> Option<Input> {
		match self.part(Place::Input(index))?.into_owned() {
			Part::Input(input) => Some(input),
			_ => None,
		}
	}

	/// An operation and the type of its result.
	fn operation(&self, index: u32) -> Option<(Operation, TensorType)> {
		match self.part(Place::Operation(index))?.into_owned() {
			Part::Operation(operation, kind) => Some((operation, kind)),
			_ => None,
		}
	}

	/// The value that becomes this output. A checked program has each output at most once.
	fn output(&self, target: Target) -> Option<ValueId>;
}

impl Parts for Checked {
	fn counts(&self) -> Counts {
		let program = self.program();
		Counts {
			version: program.version,
			state: program.state.len() as u32,
			inputs: program.inputs.len() as u32,
			operations: program.operations.len() as u32,
			outputs: program.outputs.len() as u32,
		}
	}

	fn part(&self, place: Place) -> Option<Cow<'_, Part>> {
		let program = self.program();
		let part = match place {
			Place::Counts => Part::Counts(self.counts()),
			Place::State(at) => Part::State(program.state.get(at as usize)?.clone()),
			Place::Input(at) => Part::Input(program.inputs.get(at as usize)?.clone()),
			Place::Operation(at) => {
				let value = program.inputs.len().checked_add(at as usize)?;
				let kind = self.types().get(value)?.clone();
				Part::Operation(program.operations.get(at as usize)?.clone(), kind)
			}
			Place::Output(at) => Part::Output(*program.outputs.get(at as usize)?),
		};
		Some(Cow::Owned(part))
	}

	fn output(&self, target: Target) -> Option<ValueId> {
		let mut outputs = self.program().outputs.iter();
		Some(outputs.find(|output| output.target == target)?.value)
	}
}

fn places(counts: &Counts) -> impl Iterator<Item = Place> {
	core::iter::once(Place::Counts)
		.chain((0..counts.state).map(Place::State))
		.chain((0..counts.inputs).map(Place::Input))
		.chain((0..counts.operations).map(Place::Operation))
		.chain((0..counts.outputs).map(Place::Output))
}

fn leaves(program: &Checked) -> Vec<Hash> {
	places(&program.counts())
		.filter_map(|place| program.part(place))
		.map(|part| part_leaf(&part.encode()))
		.collect()
}

/// The root that commits to a program's parts.
pub fn program_root(program: &Checked) -> Hash {
	root(Domain::Program, &leaves(program))
}

/// A program that notes which of its parts are asked for, to know what to show.
pub struct AskedParts<'a> {
	program: &'a Checked,
	asked: RefCell<BTreeSet<Place>>,
}

impl<'a> AskedParts<'a> {
	/// Nothing is asked yet.
	pub fn of(program: &'a Checked) -> Self {
		AskedParts {
			program,
			asked: RefCell::default(),
		}
	}

	/// The parts that were asked for, ready to be shown.
	pub fn show(self) -> Vec<PartProof> {
		show(self.program, self.asked.into_inner())
	}
}

impl Parts for AskedParts<'_> {
	fn counts(&self) -> Counts {
		self.program.counts()
	}

	fn part(&self, place: Place) -> Option<Cow<'_, Part>> {
		self.asked.borrow_mut().insert(place);
		self.program.part(place)
	}

	fn output(&self, target: Target) -> Option<ValueId> {
		let mut outputs = (0u32..).zip(&self.program.program().outputs);
		let (at, output) = outputs.find(|(_, output)| output.target == target)?;
		self.asked.borrow_mut().insert(Place::Output(at));
		Some(output.value)
	}
}

/// A part, and that it is one of a program's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct PartProof {
	/// Which part.
	pub place: Place,
	/// The part.
	pub part: Part,
	/// The hashes beside its way to the root.
	pub proof: MerkleProof,
}

/// Shows these parts of a program, and the counts, without which nothing can be placed. Parts that the program
/// has not are left out.
pub fn show(program: &Checked, shown: impl IntoIterator<Item = Place>) -> Vec<PartProof> {
	let (counts, leaves) = (program.counts(), leaves(program));
	let wanted: BTreeSet<Place> = shown.into_iter().chain([Place::Counts]).collect();
	let prove = |place: Place| {
		Some(PartProof {
			place,
			part: program.part(place)?.into_owned(),
			proof: MerkleProof::new(&leaves, counts.index(place))?,
		})
	};
	wanted.into_iter().filter_map(prove).collect()
}

/// The parts of a program that have been shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownParts {
	counts: Counts,
	parts: BTreeMap<Place, Part>,
}

/// The operands that an operation has at most.
const MAX_OPERANDS: usize = 3;

impl Part {
	/// Whether the part is of the kind that stands at this place and within the bounds of a checked program. A
	/// root can commit to anything; what is judged by it must cost no more than what was checked.
	fn fits(&self, place: Place, limits: &Limits) -> bool {
		let fits = |shape: &Shape| check_shape(shape, limits).is_ok();
		match (place, self) {
			(Place::Counts, Part::Counts(counts)) => {
				counts.version == ARITHMETIC_VERSION
					&& counts.state <= limits.state_tensors
					&& counts.inputs <= limits.inputs
					&& counts.operations <= limits.operations
					&& counts.outputs <= limits.state_tensors.saturating_add(1)
			}
			(Place::State(_), Part::State(tensor)) => {
				tensor.name.len() <= limits.name_bytes as usize && fits(&tensor.shape)
			}
			(Place::Input(_), Part::Input(input)) => fits(&input.kind.shape),
			(Place::Operation(_), Part::Operation(operation, kind)) => {
				let rank = limits.rank as usize;
				let own = match &operation.kind {
					OperationKind::Broadcast { shape }
					| OperationKind::Reshape { shape }
					| OperationKind::Constant { shape, .. }
					| OperationKind::Random { shape, .. }
					| OperationKind::Iota { shape, .. } => fits(shape),
					OperationKind::Slice { starts, shape } => fits(shape) && starts.len() <= rank,
					OperationKind::Insert { starts } => starts.len() <= rank,
					OperationKind::Permute { axes } => axes.len() <= rank,
					_ => true,
				};
				own && fits(&kind.shape) && operation.operands.len() <= MAX_OPERANDS
			}
			(Place::Output(_), Part::Output(_)) => true,
			_ => false,
		}
	}
}

/// Why parts are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartError {
	/// The first one must be the counts.
	NoCounts,
	/// The part is not what the root commits to at that place.
	NotCommitted(Place),
	/// No checked program has such a part at that place.
	OutOfBounds(Place),
}

impl fmt::Display for PartError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			PartError::NoCounts => write!(f, "the first part that is shown must be the counts"),
			PartError::NotCommitted(place) => {
				write!(f, "the program's root commits to another {place:?}")
			}
			PartError::OutOfBounds(place) => {
				write!(f, "{place:?} is nothing that a checked program has there")
			}
		}
	}
}

impl core::error::Error for PartError {}

impl ShownParts {
	/// Checks each part against the program's root. The counts come first, as [`show`] puts them.
	pub fn open(root: &Hash, shown: &[PartProof]) -> Result<Self, PartError> {
		let counts = match shown.first().map(|first| (first.place, &first.part)) {
			Some((Place::Counts, Part::Counts(counts))) => *counts,
			_ => return Err(PartError::NoCounts),
		};
		let limits = Limits::default();
		let mut parts = BTreeMap::new();
		for PartProof { place, part, proof } in shown {
			if !part.fits(*place, &limits) {
				return Err(PartError::OutOfBounds(*place));
			}
			let leaf = part_leaf(&part.encode());
			let (count, index) = (counts.parts(), counts.index(*place));
			if !counts.has(*place) || !proof.verify(Domain::Program, root, count, index, &leaf) {
				return Err(PartError::NotCommitted(*place));
			}
			parts.insert(*place, part.clone());
		}
		Ok(ShownParts { counts, parts })
	}
}

impl Parts for ShownParts {
	fn counts(&self) -> Counts {
		self.counts
	}

	fn part(&self, place: Place) -> Option<Cow<'_, Part>> {
		self.parts.get(&place).map(Cow::Borrowed)
	}

	fn output(&self, target: Target) -> Option<ValueId> {
		// A part at the place of an output is one.
		let of = |part: &Part| match part {
			Part::Output(output) if output.target == target => Some(output.value),
			_ => None,
		};
		self.parts.values().find_map(of)
	}
}
