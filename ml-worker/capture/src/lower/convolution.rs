//! Convolutions: windows laid out as matrices, so that the weights' product with them is one contraction.
//!
//! With `p` windows of `k` positions on pictures of `c` channels: what the windows show is `[n, c·k, p]`, the
//! weights are `[oc, c·k]`, and their product is `[n, oc, p]`. One dimension is two with a height of 1.

use super::{
	pooling::{pair_of, pictures, window, Figures},
	shape, unsupported, Lowered, Lowering, Refusal,
};
use burn_ir::{ModuleOperationIr, TensorIr};
use repops::program::{ValueId, Window};

/// The sizes of a convolution.
struct Sizes {
	window: Window,
	/// Number, channels, height and width of the pictures.
	pictures: [u32; 4],
	/// The channels of the result.
	channels: u32,
	/// The windows on a picture.
	windows: u32,
}

impl Sizes {
	fn new<F: Figures>(
		x: &TensorIr,
		weight: &TensorIr,
		[stride, padding, dilation]: [&F; 3],
		groups: usize,
	) -> Result<Self, Refusal> {
		if groups != 1 {
			return unsupported("only one group of channels");
		}
		let weight = shape(weight);
		let kernel = pair_of(&weight[2..])?.map(|length| length as usize);
		let window = window(kernel, stride, padding, dilation)?;
		let pictures = pictures(&shape(x))?;
		let windows = window.window_count([pictures[2], pictures[3]]);
		match windows {
			Some(windows) => Ok(Self {
				window,
				pictures,
				channels: weight[0],
				windows,
			}),
			None => unsupported("no window fits on the pictures"),
		}
	}

	/// `c·k`
	fn inner(&self) -> u32 {
		self.pictures[1]
			.saturating_mul(self.window.kernel[0])
			.saturating_mul(self.window.kernel[1])
	}
}

impl Lowering<'_> {
	pub(super) fn convolution(&mut self, operation: &ModuleOperationIr, out: &TensorIr) -> Lowered {
		use ModuleOperationIr::*;
		macro_rules! sizes {
			($op:expr) => {{
				let options = &$op.options;
				let figures = [&options.stride, &options.padding, &options.dilation];
				Sizes::new(&$op.x, &$op.weight, figures, options.groups)?
			}};
		}
		match operation {
			Conv1d(op) => self.forward(&sizes!(op), &op.x, &op.weight, op.bias.as_ref(), out),
			Conv2d(op) => self.forward(&sizes!(op), &op.x, &op.weight, op.bias.as_ref(), out),
			Conv1dXBackward(op) => self.x_gradient(&sizes!(op), &op.weight, &op.output_grad, out),
			Conv2dXBackward(op) => self.x_gradient(&sizes!(op), &op.weight, &op.output_grad, out),
			Conv1dWeightBackward(op) => {
				self.weight_gradient(&sizes!(op), &op.x, &op.output_grad, out)
			}
			Conv2dWeightBackward(op) => {
				self.weight_gradient(&sizes!(op), &op.x, &op.output_grad, out)
			}
			Conv1dBiasBackward(op) => self.bias_gradient(&op.output_grad, out),
			Conv2dBiasBackward(op) => self.bias_gradient(&op.output_grad, out),
			_ => unsupported(""),
		}
	}

	fn forward(
		&mut self,
		sizes: &Sizes,
		x: &TensorIr,
		weight: &TensorIr,
		bias: Option<&TensorIr>,
		out: &TensorIr,
	) -> Lowered {
		let shown = self.shown(sizes, x)?;
		let weight = self.weight_matrix(sizes, weight)?;
		let mut product = self.graph.matmul((weight, false), (shown, false));
		if let Some(bias) = bias {
			let bias = self.operand(bias)?;
			let bias = self.graph.reshape(bias, &[1, sizes.channels, 1]);
			let whole = self.graph.shape(product).to_vec();
			let bias = self.graph.broadcast(bias, &whole);
			product = self.graph.add(product, bias);
		}
		Ok(self.graph.reshape(product, &shape(out)))
	}

	fn x_gradient(
		&mut self,
		sizes: &Sizes,
		weight: &TensorIr,
		gradient: &TensorIr,
		out: &TensorIr,
	) -> Lowered {
		let [number, channels, height, width] = sizes.pictures;
		let weight = self.weight_matrix(sizes, weight)?;
		let gradient = self.gradient_matrices(sizes, gradient)?;
		let product = self.graph.matmul((weight, true), (gradient, false));
		let positions = sizes.inner() / channels;
		let shown = [number, channels, positions, sizes.windows];
		let product = self.graph.reshape(product, &shown);
		let pictures = self.graph.fold(product, sizes.window, [height, width]);
		Ok(self.graph.reshape(pictures, &shape(out)))
	}

	fn weight_gradient(
		&mut self,
		sizes: &Sizes,
		x: &TensorIr,
		gradient: &TensorIr,
		out: &TensorIr,
	) -> Lowered {
		let shown = self.shown(sizes, x)?;
		let gradient = self.gradient_matrices(sizes, gradient)?;
		let sum = self.graph.matmul_sum((gradient, false), (shown, true));
		Ok(self.graph.reshape(sum, &shape(out)))
	}

	/// Over the windows first, then over the pictures.
	fn bias_gradient(&mut self, gradient: &TensorIr, out: &TensorIr) -> Lowered {
		let gradient = self.operand(gradient)?;
		let (number, channels, windows) = match self.graph.shape(gradient) {
			[number, channels, space @ ..] => (*number, *channels, space.iter().product()),
			_ => return unsupported("a gradient without channels"),
		};
		let gradient = self.graph.reshape(gradient, &[number, channels, windows]);
		let sums = self.graph.sum(gradient, 2);
		let sum = self.graph.sum(sums, 0);
		Ok(self.graph.reshape(sum, &shape(out)))
	}

	/// What the windows show, `[n, c·k, p]`.
	fn shown(&mut self, sizes: &Sizes, x: &TensorIr) -> Lowered {
		let x = self.operand(x)?;
		let x = self.graph.reshape(x, &sizes.pictures);
		let shown = self.graph.unfold(x, sizes.window, 0.0, sizes.windows);
		let matrices = [sizes.pictures[0], sizes.inner(), sizes.windows];
		Ok(self.graph.reshape(shown, &matrices))
	}

	fn weight_matrix(&mut self, sizes: &Sizes, weight: &TensorIr) -> Lowered {
		let weight = self.operand(weight)?;
		let matrix = [sizes.channels, sizes.inner()];
		Ok(self.graph.reshape(weight, &matrix))
	}

	fn gradient_matrices(
		&mut self,
		sizes: &Sizes,
		gradient: &TensorIr,
	) -> Result<ValueId, Refusal> {
		let gradient = self.operand(gradient)?;
		let matrices = [sizes.pictures[0], sizes.channels, sizes.windows];
		Ok(self.graph.reshape(gradient, &matrices))
	}
}
