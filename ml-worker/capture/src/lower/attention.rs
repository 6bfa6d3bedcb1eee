//! Attention as one operation, as Burn records it where no gradient is asked for.

use super::{number, shape, Lowered, Lowering};
use burn_ir::AttentionOpIr;
use repops::program::{OperationKind, Relation, ValueId};

impl Lowering<'_> {
	/// `softmax(q · kᵀ · scale) · v`, step by step as Burn does it where a gradient is asked for.
	pub(super) fn attention(&mut self, op: &AttentionOpIr) -> Lowered {
		let (query, key) = (self.operand(&op.query)?, self.operand(&op.key)?);
		let value = self.operand(&op.value)?;
		let width = op.query.shape[op.query.shape.num_dims() - 1];
		let scale = match op.options.scale {
			Some(scale) => number(scale),
			None => (1.0 / (width as f64).sqrt()) as f32,
		};
		let scores = self.graph.matmul((query, false), (key, true));
		let mut scores = self.graph.multiply_scalar(scores, scale);
		if let Some(cap) = op.options.softcap.map(number) {
			let scaled = self.graph.divide_scalar(scores, cap);
			let capped = self.graph.unary(OperationKind::Tanh, scaled);
			scores = self.graph.multiply_scalar(capped, cap);
		}
		let whole = self.graph.shape(scores).to_vec();
		if let Some(mask) = &op.mask {
			let mask = self.operand(mask)?;
			let mask = self.expand(mask, &whole);
			scores = self.graph.fill(mask, scores, f32::NEG_INFINITY);
		}
		if op.options.is_causal {
			let mask = self.later(&whole);
			scores = self.graph.fill(mask, scores, f32::NEG_INFINITY);
		}
		if let Some(bias) = &op.attn_bias {
			let bias = self.operand(bias)?;
			let bias = self.expand(bias, &whole);
			scores = self.graph.add(scores, bias);
		}
		let weights = self.weights(scores);
		let result = self.graph.matmul((weights, false), (value, false));
		Ok(self.graph.reshape(result, &shape(&op.out)))
	}

	/// Which keys come later than the query, of scores `[…, queries, keys]`; the last of both belong together.
	fn later(&mut self, scores: &[u32]) -> ValueId {
		let rank = scores.len();
		let (queries, keys) = (scores[rank - 2], scores[rank - 1]);
		let row = self.graph.iota(&[queries], 0);
		let row = self.graph.reshape(row, &[queries, 1]);
		let row = self.graph.add_scalar(row, keys as f32 - queries as f32);
		let row = self.graph.broadcast(row, &[queries, keys]);
		let column = self.graph.iota(&[keys], 0);
		let column = self.graph.reshape(column, &[1, keys]);
		let column = self.graph.broadcast(column, &[queries, keys]);
		let mask = self.graph.compare(Relation::Less, row, column);
		self.expand(mask, scores)
	}

	/// The softmax over the last axis; all zeros where everything is masked.
	fn weights(&mut self, scores: ValueId) -> ValueId {
		let whole = self.graph.shape(scores).to_vec();
		let last = whole.len() - 1;
		let max = self.graph.max(scores, last);
		let max = self.at_least(max, f32::MIN);
		let max = self.graph.broadcast(max, &whole);
		let shifted = self.graph.subtract(scores, max);
		let powers = self.graph.unary(OperationKind::Exp, shifted);
		let sum = self.graph.sum(powers, last);
		let sum = self.at_least(sum, f32::MIN_POSITIVE);
		let sum = self.graph.broadcast(sum, &whole);
		self.quotient(powers, sum)
	}

	fn at_least(&mut self, a: ValueId, least: f32) -> ValueId {
		let below = self.graph.compare_scalar(Relation::Less, a, least);
		self.graph.fill(below, a, least)
	}
}
