//! Gradient clipping by the norm of all gradients together.

use super::{Factor, Parameter};
use crate::graph::Graph;
use repops::program::{OperationKind, Relation, ValueId};

/// Added to the norm, so that nothing is divided by 0.
const MARGIN: f32 = 1e-6;

/// Multiplies the gradients of all parameters by `max_norm / (norm + 1e-6)` where that is less than 1.
///
/// `norm` is the square root of the sum of all squares, those of the parameters added in the order of the state.
/// A norm that is not finite, or that overflows, makes the factor 0 or NaN; an infinite or missing gradient then
/// still ends the run as diverged, because 0 times infinity is NaN.
pub(super) fn clip(
	max_norm: f32,
	mut parameters: Vec<Parameter>,
	graph: &mut Graph,
) -> Vec<Parameter> {
	let mut total = None;
	for gradient in parameters.iter().filter_map(|parameter| parameter.gradient) {
		let sum = sum_of_squares(graph, gradient);
		total = Some(total.map_or(sum, |total| graph.add(total, sum)));
	}
	let Some(total) = total else {
		return parameters;
	};
	let norm = graph.unary(OperationKind::Sqrt, total);
	let divisor = graph.add_scalar(norm, MARGIN);
	let greatest = graph.constant(max_norm, &[1]);
	let factor = graph.divide(greatest, divisor);
	let is_short = graph.compare_scalar(Relation::GreaterEqual, factor, 1.0);
	let factor = Factor::Value(graph.fill(is_short, factor, 1.0));
	for parameter in &mut parameters {
		parameter.gradient = parameter
			.gradient
			.map(|gradient| factor.times(graph, gradient));
	}
	parameters
}

/// The sum of a tensor's squares, `[1]`: first within each element of the outermost axis, which engines can
/// compute side by side, then over that axis.
fn sum_of_squares(graph: &mut Graph, value: ValueId) -> ValueId {
	let square = graph.multiply(value, value);
	let shape = graph.shape(value);
	let rows = shape.first().copied().unwrap_or(1);
	let columns = shape.iter().skip(1).product();
	let matrix = graph.reshape(square, &[rows, columns]);
	let sums = graph.sum(matrix, 1);
	let sums = graph.flatten(sums);
	let sum = graph.sum(sums, 1);
	graph.reshape(sum, &[1])
}
