//! What a task file can name: layers, optimisers, and their numbers.
//!
//! These types are read with serde; unknown keys are refused. Whether the numbers make sense is
//! checked when the programs are built (see [`crate::build`]).

mod layer;
mod learning_rate;

pub use layer::{Layer, ModelSpec};
pub use learning_rate::{LearningRate, MAX_POINTS, MAX_TABLE_STEP};

use serde::{Deserialize, Serialize};

/// How parameters follow from gradients.
///
/// Every optimiser takes a learning rate that is a number or a table over the steps, and may clip gradients:
/// with `clip_norm` all gradients are multiplied by `clip_norm / (norm + 1e-6)` where that is less than 1. `norm`
/// is the root of the sum of all squares of the gradients of all parameters together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimiserSpec {
	/// Stochastic gradient descent: `g ← g + weight_decay · p`, `v ← momentum · v + g`,
	/// `p ← p − learning_rate · v`.
	Sgd {
		/// The step width.
		learning_rate: LearningRate,
		/// How much of the last step's velocity is kept; with 0 no velocity is stored.
		#[serde(default)]
		momentum: f32,
		/// How strongly parameters are pulled to 0.
		#[serde(default)]
		weight_decay: f32,
		/// The greatest norm of all gradients together; none if they are not clipped.
		#[serde(default, skip_serializing_if = "Option::is_none")]
		clip_norm: Option<f32>,
	},
	/// Adam (Kingma and Ba, arXiv 1412.6980) with bias correction.
	Adam {
		/// The step width.
		learning_rate: LearningRate,
		/// How much of the first moment is kept.
		#[serde(default = "beta1")]
		beta1: f32,
		/// How much of the second moment is kept.
		#[serde(default = "beta2")]
		beta2: f32,
		/// Added to the divisor so that it isn't 0.
		#[serde(default = "epsilon")]
		epsilon: f32,
		/// The greatest norm of all gradients together; none if they are not clipped.
		#[serde(default, skip_serializing_if = "Option::is_none")]
		clip_norm: Option<f32>,
	},
	/// Adam whose weight decay is no part of the gradient (Loshchilov and Hutter, arXiv 1711.05101):
	/// `p ← (1 − learning_rate · weight_decay) · p`, then Adam's change. Where the product is less than
	/// 2^-25, there is no decay: an `f32` has nothing between 1 and the number before it.
	AdamW {
		/// The step width.
		learning_rate: LearningRate,
		/// How much of the first moment is kept.
		#[serde(default = "beta1")]
		beta1: f32,
		/// How much of the second moment is kept.
		#[serde(default = "beta2")]
		beta2: f32,
		/// Added to the divisor so that it isn't 0.
		#[serde(default = "epsilon")]
		epsilon: f32,
		/// How strongly parameters are pulled to 0.
		#[serde(default = "decoupled_weight_decay")]
		weight_decay: f32,
		/// The greatest norm of all gradients together; none if they are not clipped.
		#[serde(default, skip_serializing_if = "Option::is_none")]
		clip_norm: Option<f32>,
	},
}

impl OptimiserSpec {
	/// Stochastic gradient descent of this constant rate, without momentum, decay and clipping.
	pub const fn sgd(learning_rate: f32) -> Self {
		OptimiserSpec::Sgd {
			learning_rate: LearningRate::Constant(learning_rate),
			momentum: 0.0,
			weight_decay: 0.0,
			clip_norm: None,
		}
	}

	/// Adam of this constant rate, with the usual numbers and without clipping.
	pub const fn adam(learning_rate: f32) -> Self {
		OptimiserSpec::Adam {
			learning_rate: LearningRate::Constant(learning_rate),
			beta1: BETA1,
			beta2: BETA2,
			epsilon: EPSILON,
			clip_norm: None,
		}
	}

	/// AdamW of this constant rate, with the usual numbers and without clipping.
	pub const fn adam_w(learning_rate: f32) -> Self {
		OptimiserSpec::AdamW {
			learning_rate: LearningRate::Constant(learning_rate),
			beta1: BETA1,
			beta2: BETA2,
			epsilon: EPSILON,
			weight_decay: DECOUPLED_WEIGHT_DECAY,
			clip_norm: None,
		}
	}

	/// The step width.
	pub const fn learning_rate(&self) -> &LearningRate {
		match self {
			OptimiserSpec::Sgd { learning_rate, .. }
			| OptimiserSpec::Adam { learning_rate, .. }
			| OptimiserSpec::AdamW { learning_rate, .. } => learning_rate,
		}
	}

	/// The greatest norm of all gradients together; none if they are not clipped.
	pub const fn clip_norm(&self) -> Option<f32> {
		match self {
			OptimiserSpec::Sgd { clip_norm, .. }
			| OptimiserSpec::Adam { clip_norm, .. }
			| OptimiserSpec::AdamW { clip_norm, .. } => *clip_norm,
		}
	}

	/// The same optimiser with another learning rate.
	pub fn with_learning_rate(mut self, rate: LearningRate) -> Self {
		match &mut self {
			OptimiserSpec::Sgd { learning_rate, .. }
			| OptimiserSpec::Adam { learning_rate, .. }
			| OptimiserSpec::AdamW { learning_rate, .. } => *learning_rate = rate,
		}
		self
	}

	/// The same optimiser with gradients clipped to this norm.
	pub fn with_clip_norm(mut self, norm: f32) -> Self {
		match &mut self {
			OptimiserSpec::Sgd { clip_norm, .. }
			| OptimiserSpec::Adam { clip_norm, .. }
			| OptimiserSpec::AdamW { clip_norm, .. } => *clip_norm = Some(norm),
		}
		self
	}
}

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
const DECOUPLED_WEIGHT_DECAY: f32 = 0.01;

fn beta1() -> f32 {
	BETA1
}

fn beta2() -> f32 {
	BETA2
}

fn epsilon() -> f32 {
	EPSILON
}

fn decoupled_weight_decay() -> f32 {
	DECOUPLED_WEIGHT_DECAY
}
