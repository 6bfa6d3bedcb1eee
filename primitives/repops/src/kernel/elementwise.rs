//! Operations on elements of the same place.

use crate::program::Relation;
use alloc::{vec, vec::Vec};

/// Whether `a` is in the relation to `b`.
pub fn compare<T: PartialOrd>(relation: Relation, a: &T, b: &T) -> bool {
	match relation {
		Relation::Equal => a == b,
		Relation::NotEqual => a != b,
		Relation::Less => a < b,
		Relation::LessEqual => a <= b,
		Relation::Greater => a > b,
		Relation::GreaterEqual => a >= b,
	}
}

/// For each label a row of `classes` elements: 1 at the label's place, else 0.
pub fn one_hot(labels: &[u32], classes: u32) -> Vec<f32> {
	let mut rows = vec![0.0; labels.len() * classes as usize];
	for (row, label) in rows.chunks_exact_mut(classes.max(1) as usize).zip(labels) {
		if let Some(element) = row.get_mut(*label as usize) {
			*element = 1.0;
		}
	}
	rows
}
