//! Convolutions and poolings made of windows and matrix products, with their gradients: against the sums that they
//! stand for, in double precision, and against differences of these.

mod support;

use repops::{
	kernel::apply,
	program::{OperationKind, Window},
	tensor::{Shape, Tensor},
};
use support::{cases::window, Words};

/// A convolution: pictures `[n, c, h, w]`, weights `[o, c, kernel…]`.
struct Convolution {
	window: Window,
	pictures: [u32; 4],
	outputs: u32,
}

impl Convolution {
	fn any(words: &mut Words) -> Self {
		let (window, pictures) = window(words);
		Convolution {
			window,
			pictures,
			outputs: 1 + words.below(4),
		}
	}

	fn size(&self) -> [u32; 2] {
		[self.pictures[2], self.pictures[3]]
	}

	fn terms(&self) -> u32 {
		self.pictures[1] * self.window.positions().unwrap()
	}

	fn windows(&self) -> u32 {
		self.window.window_count(self.size()).unwrap()
	}

	/// What the windows show, as a matrix `[c · positions, windows]` of each picture.
	fn columns(&self, pictures: &Tensor) -> Tensor {
		let fill = 0.0.into();
		let unfold = OperationKind::Unfold {
			window: self.window,
			fill,
		};
		let unfolded = apply(&unfold, &[pictures]).unwrap();
		reshaped(&unfolded, [self.pictures[0], self.terms(), self.windows()])
	}

	/// `[n, o, windows]`
	fn forward(&self, pictures: &Tensor, weights: &Tensor) -> Tensor {
		product(false, false, weights, &self.columns(pictures))
	}

	fn gradient_of_weights(&self, pictures: &Tensor, gradient: &Tensor) -> Tensor {
		let kind = OperationKind::MatMulSum {
			transpose_left: false,
			transpose_right: true,
		};
		apply(&kind, &[gradient, &self.columns(pictures)]).unwrap()
	}

	fn gradient_of_pictures(&self, weights: &Tensor, gradient: &Tensor) -> Tensor {
		let columns = product(true, false, weights, gradient);
		let [n, c, ..] = self.pictures;
		let positions = self.window.positions().unwrap();
		let columns = reshaped(&columns, [n, c, positions, self.windows()]);
		let fold = OperationKind::Fold {
			window: self.window,
			size: self.size(),
		};
		apply(&fold, &[&columns]).unwrap()
	}

	/// The result by its definition: for each output a sum over channels and the window's positions.
	fn direct(&self, pictures: &[f64], weights: &[f64]) -> Vec<f64> {
		let [n, c, h, w] = self.pictures.map(|length| length as usize);
		let [kernel_rows, kernel_columns] = self.window.kernel.map(|length| length as usize);
		let [down, right] = self.window.windows(self.size()).unwrap();
		let mut result = Vec::new();
		for picture in 0..n {
			for output in 0..self.outputs as usize {
				for y in 0..down {
					for x in 0..right {
						let mut sum = 0.0;
						for channel in 0..c {
							for i in 0..kernel_rows {
								for j in 0..kernel_columns {
									let Window {
										stride,
										padding,
										dilation,
										..
									} = self.window;
									let row = i64::from(y * stride[0])
										+ i as i64 * i64::from(dilation[0])
										- i64::from(padding[0]);
									let column = i64::from(x * stride[1])
										+ j as i64 * i64::from(dilation[1])
										- i64::from(padding[1]);
									if !(0..h as i64).contains(&row)
										|| !(0..w as i64).contains(&column)
									{
										continue;
									}
									let place = (picture * c + channel) * h * w;
									let place = place + row as usize * w + column as usize;
									let weight = (output * c + channel) * kernel_rows + i;
									sum += pictures[place] * weights[weight * kernel_columns + j];
								}
							}
						}
						result.push(sum);
					}
				}
			}
		}
		result
	}
}

fn product(transpose_left: bool, transpose_right: bool, left: &Tensor, right: &Tensor) -> Tensor {
	let kind = OperationKind::MatMul {
		transpose_left,
		transpose_right,
	};
	apply(&kind, &[left, right]).unwrap()
}

fn reshaped(tensor: &Tensor, shape: impl Into<Shape>) -> Tensor {
	let shape = shape.into();
	apply(&OperationKind::Reshape { shape }, &[tensor]).unwrap()
}

fn numbers(words: &mut Words, shape: impl Into<Shape>) -> Tensor {
	let shape = shape.into();
	let count = shape.elements().unwrap() as usize;
	Tensor::f32(shape, words.numbers(count)).unwrap()
}

fn doubles(tensor: &Tensor) -> Vec<f64> {
	tensor
		.as_f32()
		.unwrap()
		.iter()
		.copied()
		.map(f64::from)
		.collect()
}

fn inner(left: &[f64], right: &[f64]) -> f64 {
	left.iter().zip(right).map(|(a, b)| a * b).sum()
}

#[track_caller]
fn assert_near(found: &Tensor, expected: &[f64], of: &str) {
	let found = doubles(found);
	assert_eq!(found.len(), expected.len(), "{of}");
	let scale = expected
		.iter()
		.fold(1.0, |most: f64, number| most.max(number.abs()));
	for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
		let error = (found - expected).abs() / scale;
		assert!(error < 1e-5, "{of} at {at}: {found}, not {expected}");
	}
}

/// By how much `⟨gradient, function⟩` changes for each argument, over a step of 1 in both directions.
fn differences(
	arguments: &[f64],
	step: f64,
	gradient: &[f64],
	function: impl Fn(&[f64]) -> Vec<f64>,
) -> Vec<f64> {
	let slope = |at: usize| {
		let moved = |by: f64| {
			let mut moved = arguments.to_vec();
			moved[at] += by;
			inner(gradient, &function(&moved))
		};
		(moved(step) - moved(-step)) / (2.0 * step)
	};
	(0..arguments.len()).map(slope).collect()
}

#[test]
fn a_convolution_and_its_gradients_are_those_of_its_definition() {
	let mut words = Words::new(1);
	for _ in 0..25 {
		let convolution = Convolution::any(&mut words);
		let pictures = numbers(&mut words, convolution.pictures);
		let weights = numbers(&mut words, [convolution.outputs, convolution.terms()]);
		let result = convolution.forward(&pictures, &weights);
		let [n, ..] = convolution.pictures;
		let (o, windows) = (convolution.outputs, convolution.windows());
		assert_eq!(result.shape.0, [n, o, windows]);
		let (of_pictures, of_weights) = (doubles(&pictures), doubles(&weights));
		let direct = convolution.direct(&of_pictures, &of_weights);
		assert_near(&result, &direct, "the convolution");

		// A convolution is linear in each argument, so that any step gives the slope.
		let gradient = numbers(&mut words, [n, o, windows]);
		let backwards = doubles(&gradient);
		let expected = differences(&of_weights, 1.0, &backwards, |weights| {
			convolution.direct(&of_pictures, weights)
		});
		let found = convolution.gradient_of_weights(&pictures, &gradient);
		assert_near(&found, &expected, "the gradient of the weights");
		let expected = differences(&of_pictures, 1.0, &backwards, |pictures| {
			convolution.direct(pictures, &of_weights)
		});
		let found = convolution.gradient_of_pictures(&weights, &gradient);
		assert_near(&found, &expected, "the gradient of the pictures");
	}
}

/// The greatest number of each window, `[n, c, 1, windows]`, and its gradient by the position where it stands.
#[test]
fn a_max_pooling_and_its_gradient_are_those_of_its_definition() {
	let mut words = Words::new(2);
	let mut chosen_elsewhere = 0;
	for _ in 0..40 {
		let convolution = Convolution::any(&mut words);
		let pictures = numbers(&mut words, convolution.pictures);
		let unfold = OperationKind::Unfold {
			window: convolution.window,
			fill: f32::NEG_INFINITY.into(),
		};
		let unfolded = apply(&unfold, &[&pictures]).unwrap();
		let result = apply(&OperationKind::Max { axis: 2 }, &[&unfolded]).unwrap();
		let chosen = apply(&OperationKind::ArgMax { axis: 2 }, &[&unfolded]).unwrap();
		chosen_elsewhere += chosen
			.as_u32()
			.unwrap()
			.iter()
			.filter(|at| **at != 0)
			.count();
		let gradient = numbers(&mut words, result.shape.clone());
		let unpool = OperationKind::Unpool {
			window: convolution.window,
			size: convolution.size(),
		};
		let found = apply(&unpool, &[&gradient, &chosen]).unwrap();

		let direct = |pictures: &[f64]| -> Vec<f64> {
			let [n, c, h, w] = convolution.pictures.map(|length| length as usize);
			let window = &convolution.window;
			let [down, right] = window.windows(convolution.size()).unwrap();
			let mut greatest = Vec::new();
			for plane in 0..n * c {
				for y in 0..down {
					for x in 0..right {
						let mut most = f64::NEG_INFINITY;
						for i in 0..window.kernel[0] {
							for j in 0..window.kernel[1] {
								let row = y * window.stride[0] + i * window.dilation[0];
								let column = x * window.stride[1] + j * window.dilation[1];
								let row = row.wrapping_sub(window.padding[0]) as usize;
								let column = column.wrapping_sub(window.padding[1]) as usize;
								if row < h && column < w {
									most = most.max(pictures[(plane * h + row) * w + column]);
								}
							}
						}
						greatest.push(most);
					}
				}
			}
			greatest
		};
		let arguments = doubles(&pictures);
		let expected = direct(&arguments);
		assert_eq!(doubles(&result), expected);
		// A window beyond the picture shows nothing; its gradient goes nowhere.
		let backwards: Vec<f64> = doubles(&gradient)
			.into_iter()
			.zip(&expected)
			.map(|(number, greatest)| if greatest.is_finite() { number } else { 0.0 })
			.collect();
		let finite = |numbers: Vec<f64>| -> Vec<f64> {
			let kept = numbers.into_iter();
			kept.map(|number| if number.is_finite() { number } else { 0.0 })
				.collect()
		};
		// So small a step that no other number becomes the greatest.
		let expected = differences(&arguments, 1e-9, &backwards, |pictures| {
			finite(direct(pictures))
		});
		for (found, expected) in doubles(&found).iter().zip(&expected) {
			assert!((found - expected).abs() < 1e-4, "{found}, not {expected}");
		}
	}
	assert!(chosen_elsewhere > 500);
}
