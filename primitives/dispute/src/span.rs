//! A computation of many equal steps, whose start is agreed on and whose end is not.

use crate::{MoveError, WAYS};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Steps `start` to `end` of a computation. The value before them is agreed on, the one after them is
/// claimed by the defender.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Span<T> {
	/// The steps made before.
	pub start: u64,
	/// The steps made after the last.
	pub end: u64,
	/// The value before the first step.
	pub agreed: T,
	/// The claimed value after the last.
	pub claimed: T,
	/// The claimed values at the cuts; empty while the defender is to post them.
	posted: BoundedVec<T, ConstU32<{ WAYS - 1 }>>,
}

impl<T: Copy> Span<T> {
	/// The steps from `start` to `end`, at least one.
	pub fn new(start: u64, end: u64, agreed: T, claimed: T) -> Self {
		Span {
			start,
			end: end.max(start.saturating_add(1)),
			agreed,
			claimed,
			posted: BoundedVec::new(),
		}
	}

	/// The number of steps.
	fn length(&self) -> u64 {
		self.end.saturating_sub(self.start)
	}

	/// Whether a single step is left.
	pub fn is_single(&self) -> bool {
		self.length() <= 1
	}

	/// Whether the values at the cuts are there.
	pub fn is_posted(&self) -> bool {
		!self.posted.is_empty()
	}

	fn parts(&self) -> u64 {
		self.length().min(u64::from(WAYS))
	}

	/// The end of a part, counted from 0: parts are of equal length, but for one step.
	fn end_of(&self, part: u64) -> u64 {
		let parts = u128::from(self.parts().max(1));
		let steps = u128::from(self.length())
			.saturating_mul(u128::from(part).saturating_add(1))
			.checked_div(parts)
			.unwrap_or_default();
		let steps = u64::try_from(steps).unwrap_or(u64::MAX);
		self.start.saturating_add(steps).min(self.end)
	}

	/// After how many steps of the computation the defender is to say the value: at the end of each part
	/// but the last.
	pub fn cuts(&self) -> impl Iterator<Item = u64> + '_ {
		(0..self.parts().saturating_sub(1)).map(|part| self.end_of(part))
	}

	/// The value that the defender has claimed at the end of each part, with the number of steps made.
	pub fn claims(&self) -> impl Iterator<Item = (u64, T)> + '_ {
		let last = core::iter::once((self.end, self.claimed));
		self.cuts().zip(self.posted.iter().copied()).chain(last)
	}

	/// The defender says the values at the cuts.
	pub fn post(&mut self, values: Vec<T>) -> Result<(), MoveError> {
		let expected = self.parts().saturating_sub(1);
		if values.len() as u64 != expected {
			let (expected, found) = (expected as u32, values.len() as u32);
			return Err(MoveError::Count { expected, found });
		}
		self.posted = values.try_into().map_err(|_| MoveError::NotNow)?;
		Ok(())
	}

	/// The challenger names the first part whose end is wrong.
	pub fn pick(&mut self, part: u32) -> Result<(), MoveError> {
		let part = u64::from(part);
		if part >= self.parts() {
			return Err(MoveError::NoSuchPart);
		}
		let claims: Vec<(u64, T)> = self.claims().collect();
		let at = |part: u64| {
			let part = usize::try_from(part).ok()?;
			claims.get(part).copied()
		};
		let (end, claimed) = at(part).ok_or(MoveError::NoSuchPart)?;
		let before = part.checked_sub(1).and_then(at);
		let (start, agreed) = before.unwrap_or((self.start, self.agreed));
		*self = Span::new(start, end, agreed, claimed);
		Ok(())
	}
}
