//! Pooling: the greatest element or the mean of what a window shows.

use super::{reciprocal, shape, unsupported, Lowered, Lowering, Refusal};
use burn_ir::{ModuleOperationIr, TensorIr};
use repops::program::{ValueId, Window};

/// The figures of a window along one dimension or two.
pub(super) trait Figures {
	/// Downwards and to the right; of one dimension, which is to the right, the other is `first`.
	fn pair(&self, first: usize) -> [usize; 2];
}

impl Figures for usize {
	fn pair(&self, first: usize) -> [usize; 2] {
		[first, *self]
	}
}

impl Figures for [usize; 1] {
	fn pair(&self, first: usize) -> [usize; 2] {
		[first, self[0]]
	}
}

impl Figures for [usize; 2] {
	fn pair(&self, _: usize) -> [usize; 2] {
		*self
	}
}

/// The last one or two lengths, as height and width.
pub(super) fn pair_of(lengths: &[u32]) -> Result<[u32; 2], Refusal> {
	match lengths {
		[length] => Ok([1, *length]),
		[height, width] => Ok([*height, *width]),
		_ => unsupported("only pictures of one or two dimensions"),
	}
}

/// Number, channels, height and width.
pub(super) fn pictures(lengths: &[u32]) -> Result<[u32; 4], Refusal> {
	match lengths {
		[number, channels, space @ ..] => {
			let [height, width] = pair_of(space)?;
			Ok([*number, *channels, height, width])
		}
		_ => unsupported("pictures without channels"),
	}
}

/// The window of these figures.
pub(super) fn window<F: Figures>(
	kernel: [usize; 2],
	stride: &F,
	padding: &F,
	dilation: &F,
) -> Result<Window, Refusal> {
	let figures = |pair: [usize; 2]| match pair.map(u32::try_from) {
		[Ok(down), Ok(right)] => Ok([down, right]),
		_ => unsupported("a figure of the window is too large"),
	};
	Ok(Window {
		kernel: figures(kernel)?,
		stride: figures(stride.pair(1))?,
		padding: figures(padding.pair(0))?,
		dilation: figures(dilation.pair(1))?,
	})
}

/// A window on pictures of a known size.
struct Pool {
	window: Window,
	/// Number, channels, height and width of the pictures.
	pictures: [u32; 4],
	/// The windows on a picture.
	windows: u32,
}

impl Pool {
	/// `pooled` has one element for each window.
	fn new(window: Window, x: &TensorIr, pooled: &TensorIr) -> Result<Self, Refusal> {
		let pictures = pictures(&shape(x))?;
		let pooled = self::pictures(&shape(pooled))?;
		let expected = window.windows([pictures[2], pictures[3]]);
		if expected != Some([pooled[2], pooled[3]]) {
			return unsupported("windows that go beyond the border and its padding (`ceil_mode`)");
		}
		Ok(Self {
			window,
			pictures,
			windows: pooled[2].saturating_mul(pooled[3]),
		})
	}

	/// The window of adaptive pooling, if it is the same everywhere.
	fn adaptive(x: &TensorIr, pooled: &TensorIr) -> Result<Self, Refusal> {
		let from = pictures(&shape(x))?;
		let to = pictures(&shape(pooled))?;
		if from[2] % to[2] != 0 || from[3] % to[3] != 0 {
			return unsupported("windows of different sizes: the lengths must divide");
		}
		let kernel = [from[2] / to[2], from[3] / to[3]];
		let window = Window {
			kernel,
			stride: kernel,
			padding: [0, 0],
			dilation: [1, 1],
		};
		Self::new(window, x, pooled)
	}

	/// One element for each window.
	fn pooled(&self) -> [u32; 4] {
		[self.pictures[0], self.pictures[1], 1, self.windows]
	}

	fn size(&self) -> [u32; 2] {
		[self.pictures[2], self.pictures[3]]
	}

	fn positions(&self) -> u32 {
		self.window.kernel[0].saturating_mul(self.window.kernel[1])
	}
}

/// What the mean of a window is divided by.
enum Divisor {
	/// The number of its positions.
	Positions,
	/// The number of its positions that are not beyond the border.
	Shown,
}

fn divisor(count_include_pad: bool, window: &Window) -> Divisor {
	match count_include_pad || window.padding == [0, 0] {
		true => Divisor::Positions,
		false => Divisor::Shown,
	}
}

impl Lowering<'_> {
	pub(super) fn pooling(&mut self, operation: &ModuleOperationIr, out: &TensorIr) -> Lowered {
		use ModuleOperationIr::*;
		macro_rules! max_pool {
			($op:expr, $pooled:expr) => {{
				let kernel = $op.kernel_size.pair(1);
				let window = window(kernel, &$op.stride, &$op.padding, &$op.dilation)?;
				Pool::new(window, &$op.x, $pooled)?
			}};
		}
		macro_rules! average_pool {
			($op:expr, $pooled:expr) => {{
				let mut window = window(
					$op.kernel_size.pair(1),
					&$op.stride,
					&$op.padding,
					&$op.stride,
				)?;
				window.dilation = [1, 1];
				let pool = Pool::new(window, &$op.x, $pooled)?;
				let divisor = divisor($op.count_include_pad, &pool.window);
				(pool, divisor)
			}};
		}
		match operation {
			MaxPool1d(op) => self.max_pool(&max_pool!(op, out), &op.x, None, out),
			MaxPool2d(op) => self.max_pool(&max_pool!(op, out), &op.x, None, out),
			MaxPool1dWithIndices(op) => {
				self.max_pool(&max_pool!(op, out), &op.x, Some(&op.out_indices), out)
			}
			MaxPool2dWithIndices(op) => {
				self.max_pool(&max_pool!(op, out), &op.x, Some(&op.out_indices), out)
			}
			MaxPool1dWithIndicesBackward(op) => {
				self.max_pool_gradient(&max_pool!(op, &op.grad), &op.grad, &op.indices, out)
			}
			MaxPool2dWithIndicesBackward(op) => {
				self.max_pool_gradient(&max_pool!(op, &op.grad), &op.grad, &op.indices, out)
			}
			AvgPool1d(op) => self.average_pool(average_pool!(op, out), &op.x, out),
			AvgPool2d(op) => self.average_pool(average_pool!(op, out), &op.x, out),
			AvgPool1dBackward(op) => {
				self.average_pool_gradient(average_pool!(op, &op.grad), &op.grad, out)
			}
			AvgPool2dBackward(op) => {
				self.average_pool_gradient(average_pool!(op, &op.grad), &op.grad, out)
			}
			AdaptiveAvgPool1d(op) => self.adaptive_pool(&op.x, out),
			AdaptiveAvgPool2d(op) => self.adaptive_pool(&op.x, out),
			AdaptiveAvgPool1dBackward(op) => self.adaptive_pool_gradient(&op.x, &op.grad, out),
			AdaptiveAvgPool2dBackward(op) => self.adaptive_pool_gradient(&op.x, &op.grad, out),
			_ => unsupported(""),
		}
	}

	/// The greatest element, and which position in the window it has: only gradients use this.
	fn max_pool(
		&mut self,
		pool: &Pool,
		x: &TensorIr,
		indices: Option<&TensorIr>,
		out: &TensorIr,
	) -> Lowered {
		let x = self.operand(x)?;
		let x = self.graph.reshape(x, &pool.pictures);
		let shown = self
			.graph
			.unfold(x, pool.window, f32::NEG_INFINITY, pool.windows);
		if let Some(indices) = indices {
			let chosen = self.graph.arg_max(shown, 2);
			self.positions.insert(indices.id, chosen);
		}
		let max = self.graph.max(shown, 2);
		Ok(self.graph.reshape(max, &shape(out)))
	}

	fn max_pool_gradient(
		&mut self,
		pool: &Pool,
		gradient: &TensorIr,
		indices: &TensorIr,
		out: &TensorIr,
	) -> Lowered {
		let Some(chosen) = self.positions.get(&indices.id).copied() else {
			return Err(Refusal::Foreign(indices.shape.to_vec()));
		};
		let gradient = self.operand(gradient)?;
		let gradient = self.graph.reshape(gradient, &pool.pooled());
		let pictures = self
			.graph
			.unpool(gradient, chosen, pool.window, pool.size());
		Ok(self.graph.reshape(pictures, &shape(out)))
	}

	fn average_pool(
		&mut self,
		(pool, divisor): (Pool, Divisor),
		x: &TensorIr,
		out: &TensorIr,
	) -> Lowered {
		let x = self.operand(x)?;
		let x = self.graph.reshape(x, &pool.pictures);
		let shown = self.graph.unfold(x, pool.window, 0.0, pool.windows);
		let sum = self.graph.sum(shown, 2);
		let mean = self.divided(&pool, divisor, sum);
		Ok(self.graph.reshape(mean, &shape(out)))
	}

	fn average_pool_gradient(
		&mut self,
		(pool, divisor): (Pool, Divisor),
		gradient: &TensorIr,
		out: &TensorIr,
	) -> Lowered {
		let gradient = self.operand(gradient)?;
		let gradient = self.graph.reshape(gradient, &pool.pooled());
		let share = self.divided(&pool, divisor, gradient);
		let mut shown = pool.pooled();
		shown[2] = pool.positions();
		let shares = self.graph.broadcast(share, &shown);
		let pictures = self.graph.fold(shares, pool.window, pool.size());
		Ok(self.graph.reshape(pictures, &shape(out)))
	}

	/// Numbers of windows, `[n, c, 1, windows]`, divided by how many elements each shows.
	fn divided(&mut self, pool: &Pool, divisor: Divisor, sums: ValueId) -> ValueId {
		match divisor {
			Divisor::Positions => {
				let factor = reciprocal(pool.positions() as usize);
				self.graph.multiply_scalar(sums, factor)
			}
			Divisor::Shown => {
				let [height, width] = pool.size();
				let ones = self.graph.constant(1.0, &[1, 1, height, width]);
				let shown = self.graph.unfold(ones, pool.window, 0.0, pool.windows);
				let counts = self.graph.sum(shown, 2);
				let counts = self.graph.broadcast(counts, &pool.pooled());
				self.graph.divide(sums, counts)
			}
		}
	}

	fn adaptive_pool(&mut self, x: &TensorIr, out: &TensorIr) -> Lowered {
		let pool = Pool::adaptive(x, out)?;
		self.average_pool((pool, Divisor::Positions), x, out)
	}

	fn adaptive_pool_gradient(
		&mut self,
		x: &TensorIr,
		gradient: &TensorIr,
		out: &TensorIr,
	) -> Lowered {
		let pool = Pool::adaptive(x, gradient)?;
		self.average_pool_gradient((pool, Divisor::Positions), gradient, out)
	}
}
