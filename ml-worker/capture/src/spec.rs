//! What a task file can name: layers, optimisers, and their numbers.
//!
//! These types are read with serde; unknown keys are refused. Whether the numbers make sense is
//! checked when the programs are built (see [`crate::build`]).

use serde::{Deserialize, Serialize};

/// A model as a chain of layers, from the features of one sample to one number for each class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
	/// The layers, in the order in which data flows through them. The last layer that changes the
	/// number of columns must leave as many as there are classes.
	pub layers: Vec<Layer>,
}

/// One layer.
// Those without settings are written with braces, because serde lets unit variants have any fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Layer {
	/// `x · weight + bias`, with weight `[inputs, outputs]`. Weight and bias start uniform in
	/// `±1 / √inputs`, as in Burn.
	Linear {
		/// The number of columns that leave the layer.
		outputs: u32,
		/// Whether there is a bias; there is one if nothing is said.
		#[serde(default = "enabled")]
		bias: bool,
	},
	/// The greater of 0 and `x`.
	Relu {},
	/// Hyperbolic tangent.
	Tanh {},
	/// `1 / (1 + e^−x)`
	Sigmoid {},
}

/// How parameters follow from gradients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimiserSpec {
	/// Stochastic gradient descent: `g ← g + weight_decay · p`, `v ← momentum · v + g`,
	/// `p ← p − learning_rate · v`.
	Sgd {
		/// The step width.
		learning_rate: f32,
		/// How much of the last step's velocity is kept; with 0 no velocity is stored.
		#[serde(default)]
		momentum: f32,
		/// How strongly parameters are pulled to 0.
		#[serde(default)]
		weight_decay: f32,
	},
	/// Adam (Kingma and Ba, arXiv 1412.6980) with bias correction.
	Adam {
		/// The step width.
		learning_rate: f32,
		/// How much of the first moment is kept.
		#[serde(default = "beta1")]
		beta1: f32,
		/// How much of the second moment is kept.
		#[serde(default = "beta2")]
		beta2: f32,
		/// Added to the divisor so that it isn't 0.
		#[serde(default = "epsilon")]
		epsilon: f32,
	},
}

fn enabled() -> bool {
	true
}

fn beta1() -> f32 {
	0.9
}

fn beta2() -> f32 {
	0.999
}

fn epsilon() -> f32 {
	1e-8
}
