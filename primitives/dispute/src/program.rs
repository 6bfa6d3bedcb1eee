//! Which program a dispute is about, and what of it must be shown with a move.

use crate::{ChallengerMove, DefenderMove, Dispute, Facts, MoveError, Subject};
use alloc::{borrow::Cow, vec::Vec};
use repops::{
	check::Checked,
	parts::{AskedParts, Counts, MergeParts, Part, PartProof, Parts, Place},
	program::{Target, ValueId},
};

/// The program of a subject.
pub(crate) enum SubjectParts<'a> {
	/// The one that the caller gives.
	Given(&'a dyn Parts),
	/// The merge that follows from it.
	Merge(MergeParts<'a, dyn Parts + 'a>),
}

impl<'a> SubjectParts<'a> {
	pub(crate) fn new(subject: &Subject, program: &'a dyn Parts, facts: &Facts) -> Self {
		match subject {
			Subject::Merge { .. } => {
				let updates = facts.updates.len().try_into().unwrap_or(u16::MAX);
				SubjectParts::Merge(MergeParts::new(program, updates))
			}
			_ => SubjectParts::Given(program),
		}
	}

	fn parts(&self) -> &dyn Parts {
		match self {
			SubjectParts::Given(program) => *program,
			SubjectParts::Merge(merge) => merge,
		}
	}
}

impl Parts for SubjectParts<'_> {
	fn counts(&self) -> Counts {
		self.parts().counts()
	}

	fn part(&self, place: Place) -> Option<Cow<'_, Part>> {
		self.parts().part(place)
	}

	fn output(&self, target: Target) -> Option<ValueId> {
		self.parts().output(target)
	}
}

impl Dispute {
	/// The parts of the program that must be shown when a dispute about this claim is opened, the counts always
	/// among them. It is the same program that [`Dispute::new`] takes. The error is that of the opening.
	pub fn parts_of_opening(
		subject: Subject,
		program: &Checked,
		facts: &Facts,
	) -> Result<Vec<PartProof>, MoveError> {
		asked(program, |parts| Dispute::new(subject, parts, facts))
	}

	/// The parts of the program that must be shown with this move of the defender's, the counts always among
	/// them. It is the same program that [`Dispute::defend`] takes. The error is that of the move.
	pub fn parts_of_defence(
		&self,
		made: &DefenderMove,
		program: &Checked,
		facts: &Facts,
	) -> Result<Vec<PartProof>, MoveError> {
		asked(program, |parts| {
			self.clone().defend(made.clone(), parts, facts)
		})
	}

	/// The parts of the program that must be shown with this move of the challenger's, the counts always among
	/// them. It is the same program that [`Dispute::challenge`] takes. The error is that of the move.
	pub fn parts_of_challenge(
		&self,
		made: &ChallengerMove,
		program: &Checked,
		facts: &Facts,
	) -> Result<Vec<PartProof>, MoveError> {
		asked(program, |parts| {
			self.clone().challenge(made.clone(), parts, facts)
		})
	}
}

/// The parts that a move asks for.
fn asked<Made>(
	program: &Checked,
	make: impl FnOnce(&AskedParts<'_>) -> Result<Made, MoveError>,
) -> Result<Vec<PartProof>, MoveError> {
	let parts = AskedParts::of(program);
	make(&parts)?;
	Ok(parts.show())
}
