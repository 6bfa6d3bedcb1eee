//! Where in a module a recorded operation stands.
//!
//! Burn does not say which module asks for an operation. What is known is which parameters the operation's
//! operands depend on, and which of these was used last.

use crate::record::Tape;
use burn_ir::TensorId;
use std::collections::HashMap;

/// Knows the parameters that were used up to each operation.
pub(crate) struct Places {
	/// The names of the parameters.
	names: HashMap<TensorId, String>,
	/// How many operations there are before the gradients' ones.
	forward: Option<usize>,
}

impl Places {
	/// Nothing is named yet; the gradients begin at this operation, if there are any.
	pub(crate) fn new(forward: Option<usize>) -> Self {
		Self {
			names: HashMap::new(),
			forward,
		}
	}

	/// Names a parameter.
	pub(crate) fn name(&mut self, parameter: TensorId, name: String) {
		self.names.insert(parameter, name);
	}

	/// The name of a tensor that is a parameter.
	pub(crate) fn parameter(&self, tensor: TensorId) -> Option<&str> {
		self.names.get(&tensor).map(String::as_str)
	}

	/// Where an operation stands: at the parameter that it uses, or after the one that was used last on the way to
	/// its operands.
	pub(crate) fn describe(&self, tape: &Tape, index: usize) -> String {
		// For each tensor the operation at which a parameter was used last, and that parameter.
		let mut last: HashMap<TensorId, (usize, TensorId)> = HashMap::new();
		let mut found = None;
		for (number, operation) in tape.operations.iter().enumerate().take(index + 1) {
			found = operation
				.inputs()
				.filter_map(|input| match self.names.contains_key(&input.id) {
					true => Some((number, input.id)),
					false => last.get(&input.id).copied(),
				})
				// Of several parameters of one operation the first one.
				.reduce(|best, other| if other.0 > best.0 { other } else { best });
			if let Some(found) = found {
				last.extend(operation.outputs().map(|out| (out.id, found)));
			}
		}
		let place = match found.map(|(number, id)| (number == index, self.parameter(id))) {
			Some((true, Some(name))) => format!("at `{name}`"),
			Some((false, Some(name))) => format!("after `{name}`"),
			_ => "before any parameter".to_owned(),
		};
		match self.forward {
			Some(forward) if index >= forward => format!("{place}, in the gradient"),
			_ => place,
		}
	}
}
