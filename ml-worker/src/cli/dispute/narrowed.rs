//! Where a dispute has been narrowed down to, in words that need no knowledge of the game.

use super::Status;
use pouw_dispute::{ChallengerMove, Origin, Position, Subject};
use repops::{
	check::Checked,
	commit::tile_grid,
	parts::{MergeParts, Parts},
	program::Target,
	referee::{judge, passages, Operand, Running},
	tensor::{DType, TensorType},
};
use serde::Serialize;
use std::fmt;

/// Where a dispute stands; what is not known yet, or not without the program, is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Narrowed {
	/// The kind of the position.
	position: &'static str,
	/// What is claimed.
	about: String,
	#[serde(skip_serializing_if = "Option::is_none")]
	segment: Option<u32>,
	/// Steps of the segment between whose ends the states begin to differ.
	#[serde(skip_serializing_if = "Option::is_none")]
	steps: Option<[u64; 2]>,
	/// The step of the segment.
	#[serde(skip_serializing_if = "Option::is_none")]
	step: Option<u64>,
	/// Its batch, counted from the task's start.
	#[serde(skip_serializing_if = "Option::is_none")]
	batch: Option<u64>,
	/// The state tensor, or several.
	#[serde(skip_serializing_if = "Option::is_none")]
	tensor: Option<String>,
	/// The operation, or several.
	#[serde(skip_serializing_if = "Option::is_none")]
	operation: Option<String>,
	/// The tile of a tensor, or several.
	#[serde(skip_serializing_if = "Option::is_none")]
	tile: Option<String>,
	/// The element, by its row-major index and by its place along each axis.
	#[serde(skip_serializing_if = "Option::is_none")]
	element: Option<String>,
	/// Passages of the element's computation.
	#[serde(skip_serializing_if = "Option::is_none")]
	passage: Option<String>,
	/// What is agreed on before that passage.
	#[serde(skip_serializing_if = "Option::is_none")]
	agreed: Option<String>,
	/// What the trainer claims after it.
	#[serde(skip_serializing_if = "Option::is_none")]
	claimed: Option<String>,
}

impl Narrowed {
	/// Where a dispute stands. With the task's step program things have names.
	pub(super) fn of(status: &Status, program: Option<&Checked>) -> Self {
		with_parts(status, program, |parts| Self::of_parts(status, parts))
	}

	fn of_parts(status: &Status, parts: Option<&dyn Parts>) -> Self {
		let game = &status.game;
		let mut narrowed = Narrowed {
			segment: game.checkpoint().and_then(|named| named.checked_sub(1)),
			..Narrowed::default()
		};
		narrowed.name_the_subject(status);
		let in_step = !matches!(game.position(), Position::Trace(_) | Position::Steps(_));
		if let (Subject::Steps { first_position, .. }, true) = (game.subject(), in_step) {
			narrowed.step = Some(game.step());
			narrowed.batch = Some(first_position.saturating_add(game.step()));
		}
		narrowed.name_the_position(game.position(), parts);
		narrowed
	}

	fn name_the_subject(&mut self, status: &Status) {
		self.about = match *status.game.subject() {
			Subject::Round { segments, .. } => format!("the {segments} segments of a round"),
			Subject::Initial { .. } => "the state that the task starts from".into(),
			Subject::Merge { .. } => format!(
				"the merge of {} states that {}",
				status.updates.len(),
				match status.score {
					None => "the round starts from",
					Some(_) => "is the final state",
				}
			),
			Subject::Steps { steps, .. } => format!("the {steps} steps of a segment"),
			Subject::Evaluation { .. } => "the number of right answers".into(),
		};
	}

	fn name_the_position(&mut self, position: &Position, parts: Option<&dyn Parts>) {
		match position {
			Position::Trace(_) => self.position = "trace",
			Position::Steps(span) => {
				self.position = "steps";
				self.steps = Some([span.start, span.end]);
			}
			Position::Tensors(descent) => {
				self.position = "tensors";
				self.tensor = Some(tensors(descent.first, descent.width, parts));
			}
			Position::Values { value, .. } | Position::Input { value, .. } => {
				self.position = match position {
					Position::Values { .. } => "values",
					_ => "input",
				};
				self.tensor = made_of(*value, parts);
				let index = parts.and_then(|parts| parts.operation_of(*value));
				self.operation = index.map(|index| operation(index, parts));
			}
			Position::Operations(descent) => {
				self.position = "operations";
				self.operation = Some(match descent.width {
					1 => operation(descent.first, parts),
					width => range(descent.first, width),
				});
			}
			Position::Tiles { origin, descent } => {
				self.position = "tiles";
				self.name_the_origin(*origin, parts);
				let tiles = range(descent.first, descent.width);
				self.tile = Some(tiles);
			}
			Position::Tile { origin, tile, .. } | Position::Element { origin, tile, .. } => {
				self.position = match position {
					Position::Tile { .. } => "tile",
					_ => "element",
				};
				self.name_the_origin(*origin, parts);
				self.tile = Some(self::tile(*tile, kind(*origin, parts).as_ref()));
			}
			Position::Passages {
				operation,
				element,
				span,
			} => {
				self.position = "passages";
				self.name_the_element(*operation, *element, parts);
				self.passage = Some(passage(*operation, [span.start, span.end], parts));
				self.name_the_values(*operation, span.agreed, span.claimed, parts);
			}
			Position::Passage {
				operation,
				question,
				before,
				claimed,
			} => {
				self.position = "passage";
				self.name_the_element(*operation, question.element, parts);
				let ends = [question.passage, question.passage.saturating_add(1)];
				self.passage = Some(passage(*operation, ends, parts));
				self.name_the_values(*operation, *before, *claimed, parts);
			}
		}
	}

	fn name_the_origin(&mut self, origin: Origin, parts: Option<&dyn Parts>) {
		match origin {
			Origin::Initial { tensor } => self.tensor = Some(tensors(tensor.into(), 1, parts)),
			Origin::Operation { index } => {
				let value = parts.and_then(|parts| parts.counts().inputs.checked_add(index));
				self.tensor = value.and_then(|value| made_of(value, parts));
				self.operation = Some(operation(index, parts));
			}
		}
	}

	fn name_the_element(&mut self, index: u32, element: u64, parts: Option<&dyn Parts>) {
		let origin = Origin::Operation { index };
		self.name_the_origin(origin, parts);
		self.element = Some(match kind(origin, parts) {
			Some(kind) => format!("{element} at {:?}", place(element, &kind)),
			None => element.to_string(),
		});
	}

	fn name_the_values(
		&mut self,
		index: u32,
		agreed: Running,
		claimed: Running,
		parts: Option<&dyn Parts>,
	) {
		let kind = kind(Origin::Operation { index }, parts);
		self.agreed = Some(number(agreed, kind.as_ref()));
		self.claimed = Some(number(claimed, kind.as_ref()));
	}

	/// What is to be said, line by line, each with its heading.
	pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
		let mut lines = vec![("about", self.about.clone())];
		let mut line = |name, text: Option<String>| {
			if let Some(text) = text {
				lines.push((name, text));
			}
		};
		line("segment", self.segment.map(|segment| segment.to_string()));
		let steps = self
			.steps
			.map(|[start, end]| match end.saturating_sub(start) {
				1 => format!("step {start}"),
				_ => format!("steps {start} to {}", end.saturating_sub(1)),
			});
		line("steps", steps);
		let batch = self.batch.map_or(String::new(), |batch| {
			format!(", batch {batch} of the task")
		});
		line("step", self.step.map(|step| format!("{step}{batch}")));
		line("tensor", self.tensor.clone());
		line("operation", self.operation.clone());
		line("tile", self.tile.clone());
		line("element", self.element.clone());
		line("passage", self.passage.clone());
		line("agreed", self.agreed.clone());
		line("claimed", self.claimed.clone());
		lines
	}
}

impl fmt::Display for Narrowed {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		for (at, (name, text)) in self.lines().iter().enumerate() {
			match (at, *name) {
				(0, _) => write!(f, "{text}")?,
				// Its text says that it is one.
				(_, "steps") => write!(f, ", {text}")?,
				(_, name) => write!(f, ", {name} {text}")?,
			}
		}
		Ok(())
	}
}

/// Gives the program that a dispute is about, where the task's step program is known: that or the merge.
fn with_parts<R>(
	status: &Status,
	program: Option<&Checked>,
	then: impl FnOnce(Option<&dyn Parts>) -> R,
) -> R {
	match (status.game.subject(), program) {
		(_, None) => then(None),
		(Subject::Merge { .. }, Some(program)) => {
			let updates = status.updates.len().try_into().unwrap_or(u16::MAX);
			then(Some(&MergeParts::new(program, updates)))
		}
		(_, Some(program)) => then(Some(program)),
	}
}

/// What the chain computes of the last passage from the challenger's evidence, and what was claimed. None if the
/// dispute is not there, or the evidence does not suffice.
pub(super) fn referee(
	status: &Status,
	program: Option<&Checked>,
	made: &ChallengerMove,
) -> Option<[String; 2]> {
	let Position::Passage {
		operation,
		question,
		before,
		claimed,
	} = status.game.position()
	else {
		return None;
	};
	let ChallengerMove::Evidence { operands, tiles } = made else {
		return None;
	};
	with_parts(status, program, |parts| {
		let parts = parts?;
		let (operation, kind) = parts.operation(*operation)?;
		let shown = operation.operands.iter().zip(operands);
		let operands: Option<Vec<Operand>> = shown
			.map(|(value, shown)| {
				let kind = parts.value_type(*value)?;
				let root = shown.root;
				Some(Operand { kind, root })
			})
			.collect();
		let right = judge(&operation.kind, &operands?, *question, *before, tiles).ok()?;
		Some([right, *claimed].map(|running| number(running, Some(&kind))))
	})
}

/// Numbers from the first on.
fn range(first: u32, width: u32) -> String {
	match width {
		0 | 1 => first.to_string(),
		_ => format!(
			"{first} to {}",
			first.saturating_add(width).saturating_sub(1)
		),
	}
}

/// State tensors by their names.
fn tensors(first: u32, width: u32, parts: Option<&dyn Parts>) -> String {
	let name = |tensor: u32| parts.and_then(|parts| parts.state_tensor(tensor));
	match (width, name(first)) {
		(0 | 1, Some(tensor)) => {
			let name = String::from_utf8_lossy(&tensor.name);
			format!("{first} `{name}` {}", tensor.shape)
		}
		_ => range(first, width),
	}
}

/// The state tensor that a value becomes.
fn made_of(value: u32, parts: Option<&dyn Parts>) -> Option<String> {
	let of = parts?;
	let tensors = 0..u16::try_from(of.counts().state).unwrap_or(u16::MAX);
	let becomes = |tensor: &u16| of.output(Target::State(*tensor)) == Some(value);
	let tensor = tensors.into_iter().find(becomes)?;
	Some(self::tensors(tensor.into(), 1, parts))
}

/// An operation by its kind and the type of its result.
fn operation(index: u32, parts: Option<&dyn Parts>) -> String {
	match parts.and_then(|parts| parts.operation(index)) {
		Some((operation, kind)) => format!("{index}, {:?} → {kind}", operation.kind),
		None => index.to_string(),
	}
}

/// The type of what a dispute is about.
fn kind(origin: Origin, parts: Option<&dyn Parts>) -> Option<TensorType> {
	match origin {
		Origin::Initial { tensor } => {
			let tensor = parts?.state_tensor(tensor.into())?;
			Some(TensorType::f32(tensor.shape))
		}
		Origin::Operation { index } => parts?.operation(index).map(|(_, kind)| kind),
	}
}

/// A tile by its row and column of tiles.
fn tile(tile: u32, kind: Option<&TensorType>) -> String {
	match kind.map(|kind| tile_grid(&kind.shape)) {
		Some((rows, columns)) if columns > 0 => {
			let (row, column) = (tile as usize / columns, tile as usize % columns);
			format!("{tile}, in row {row} of {rows} and column {column} of {columns}")
		}
		_ => tile.to_string(),
	}
}

/// The place of an element along each axis.
fn place(element: u64, kind: &TensorType) -> Vec<u64> {
	let mut left = element;
	let mut place: Vec<u64> = Vec::new();
	for length in kind.shape.0.iter().rev() {
		let length = u64::from(*length).max(1);
		place.push(left % length);
		left /= length;
	}
	place.reverse();
	place
}

/// Passages of an element's computation, and of how many.
fn passage(operation: u32, [start, end]: [u64; 2], parts: Option<&dyn Parts>) -> String {
	let all = parts.and_then(|parts| {
		let (operation, _) = parts.operation(operation)?;
		let values = operation.operands.iter();
		let types: Option<Vec<TensorType>> = values.map(|value| parts.value_type(*value)).collect();
		let types = types?;
		Some(passages(&operation.kind, &types.iter().collect::<Vec<_>>()))
	});
	let which = match end.saturating_sub(start) {
		1 => start.to_string(),
		_ => format!("{start} to {}", end.saturating_sub(1)),
	};
	match all {
		Some(all) => format!("{which} of {all}"),
		None => which,
	}
}

/// A running result as a number, with its bits.
fn number(running: Running, kind: Option<&TensorType>) -> String {
	let Running([first, second]) = running;
	let bits = match second {
		0 => format!("{first:#010x}"),
		_ => format!("{first:#010x} {second:#010x}"),
	};
	match kind.map(|kind| kind.dtype) {
		Some(DType::F32) => format!("{} ({bits})", f32::from_bits(first)),
		Some(DType::U32) => format!("{first} ({bits})"),
		None => bits,
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn an_element_has_a_place_along_each_axis() {
		let kind = TensorType::f32([2, 3, 5]);
		assert_eq!(place(0, &kind), [0, 0, 0]);
		assert_eq!(place(29, &kind), [1, 2, 4]);
		assert_eq!(place(16, &kind), [1, 0, 1]);
	}

	#[test]
	fn tiles_stand_in_rows_and_columns() {
		let kind = TensorType::f32([40, 70]);
		assert_eq!(tile(4, Some(&kind)), "4, in row 1 of 2 and column 1 of 3");
		assert_eq!(tile(4, None), "4");
	}

	#[test]
	fn running_results_are_numbers_of_the_results_type() {
		let half = Running([0.5f32.to_bits(), 0]);
		assert_eq!(
			number(half, Some(&TensorType::f32([1]))),
			"0.5 (0x3f000000)"
		);
		assert_eq!(number(Running([7, 1]), None), "0x00000007 0x00000001");
	}
}
