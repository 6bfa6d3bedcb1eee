//! From one position to the next, where there is nothing left to say or to choose.

use crate::{Descent, Dispute, MoveError, Origin, Position, Subject};
use repops::{
	commit::{tile_count, Hash, TILE, TILE_BYTES},
	parts::Parts,
	program::Target,
	referee::{element_at, tile_bits, Question},
	tensor::TensorType,
};

impl Dispute {
	pub(crate) fn leave_steps(&mut self, program: &dyn Parts) -> Result<(), MoveError> {
		if let Position::Steps(span) = &self.position {
			if span.is_single() {
				self.step = span.start;
				self.before = Some(span.agreed);
				self.position = tensors(span.claimed, program)?;
			}
		}
		Ok(())
	}

	pub(crate) fn leave_tensors(&mut self, program: &dyn Parts) -> Result<(), MoveError> {
		let Position::Tensors(descent) = &self.position else {
			return Ok(());
		};
		let Some(root) = descent.leaf() else {
			return Ok(());
		};
		let tensor = u16::try_from(descent.first).map_err(|_| MoveError::NoSuchThing)?;
		self.position = if matches!(self.subject, Subject::Initial { .. }) {
			tiles(Origin::Initial { tensor }, root, program)?
		} else {
			output(Target::State(tensor), root, program)?
		};
		Ok(())
	}

	pub(crate) fn leave_operations(&mut self, program: &dyn Parts) -> Result<(), MoveError> {
		if let Position::Operations(descent) = &self.position {
			if let Some(root) = descent.leaf() {
				let index = descent.first;
				self.position = tiles(Origin::Operation { index }, root, program)?;
			}
		}
		Ok(())
	}

	pub(crate) fn leave_tiles(&mut self) {
		if let Position::Tiles { origin, descent } = &self.position {
			if let Some(leaf) = descent.leaf() {
				self.position = Position::Tile {
					origin: *origin,
					tile: descent.first,
					leaf,
				};
			}
		}
	}

	pub(crate) fn leave_passages(&mut self) {
		if let Position::Passages {
			operation,
			element,
			span,
		} = &self.position
		{
			if span.is_single() {
				self.position = Position::Passage {
					operation: *operation,
					question: Question {
						element: *element,
						passage: span.start,
					},
					before: span.agreed,
					claimed: span.claimed,
				};
			}
		}
	}
}

/// Into the tree over a state's tensors.
pub(crate) fn tensors(claimed: Hash, program: &dyn Parts) -> Result<Position, MoveError> {
	match program.counts().state {
		0 => Err(MoveError::NoSuchThing),
		count => Ok(Position::Tensors(Descent::from_root(claimed, count))),
	}
}

/// To what an output is, which was claimed to have this root.
pub(crate) fn output(
	target: Target,
	root: Hash,
	program: &dyn Parts,
) -> Result<Position, MoveError> {
	let value = program.output(target).ok_or(MoveError::NoSuchThing)?;
	Ok(if program.operation_of(value).is_some() {
		Position::Values { value, root }
	} else {
		Position::Input { value, root }
	})
}

/// Into the tree over a tensor's tiles.
pub(crate) fn tiles(
	origin: Origin,
	root: Hash,
	program: &dyn Parts,
) -> Result<Position, MoveError> {
	let count = tile_count(&kind_of(origin, program)?.shape).filter(|count| *count > 0);
	let count = count.ok_or(MoveError::NoSuchThing)?;
	Ok(Position::Tiles {
		origin,
		descent: Descent::from_root(root, count),
	})
}

pub(crate) fn kind_of(origin: Origin, program: &dyn Parts) -> Result<TensorType, MoveError> {
	let kind = match origin {
		Origin::Initial { tensor } => program
			.state_tensor(u32::from(tensor))
			.map(|tensor| TensorType::f32(tensor.shape)),
		Origin::Operation { index } => program.operation(index).map(|(_, kind)| kind),
	};
	kind.ok_or(MoveError::NoSuchThing)
}

/// Whether there are zeros where the tensor has ended. A tile with other bytes there would be wrong without a
/// wrong element.
pub(crate) fn ends_with_zeros(kind: &TensorType, tile: u32, bytes: &[u8; TILE_BYTES]) -> bool {
	(0..TILE.saturating_mul(TILE))
		.all(|place| element_at(kind, tile, place).is_some() || tile_bits(bytes, place) == Some(0))
}
