//! Random step programs.

use super::{Builder, Numbers};
use repops::{
	check::{Checked, Role},
	interpret::Bindings,
	program::{Bits, Initialiser, OperationKind, Relation, Source, StateRole, Target, ValueId},
	random::Seed,
	tensor::{DType, Shape, Tensor, TensorType},
};

const ZERO: Initialiser = Initialiser::Constant(Bits(0));

/// Grows a program operation by operation.
struct Grower {
	numbers: Numbers,
	b: Builder,
	/// Shapes that tensors start with and are broadcast or reshaped to.
	shapes: Vec<Shape>,
	used: Vec<bool>,
}

impl Grower {
	fn values(&self, fits: impl Fn(&TensorType) -> bool) -> Vec<ValueId> {
		(0u32..)
			.zip(&self.b.types)
			.filter(|(_, kind)| fits(kind))
			.map(|(value, _)| value)
			.collect()
	}

	fn pick(&mut self, fits: impl Fn(&TensorType) -> bool) -> Option<ValueId> {
		let values = self.values(fits);
		// Later values more often: chains then grow.
		let later = values.len().saturating_sub(4);
		match values.len() {
			0 => None,
			_ if self.numbers.below(2) == 0 => Some(self.numbers.pick(&values[later..])),
			_ => Some(self.numbers.pick(&values)),
		}
	}

	fn operate(&mut self, kind: OperationKind, operands: &[ValueId]) -> ValueId {
		for operand in operands {
			self.used[*operand as usize] = true;
		}
		self.used.push(false);
		self.b.operate(kind, operands)
	}

	/// Adds an operation, if one of the kind that comes up fits.
	fn grow(&mut self) -> Option<ValueId> {
		let a = self.pick(|kind| kind.dtype == DType::F32)?;
		let kind_of_a = self.b.types[a as usize].clone();
		let constant = (self.numbers.unit() * 2.0).into();
		let relation =
			self.numbers
				.pick(&[Relation::Less, Relation::GreaterEqual, Relation::NotEqual]);
		let matrix = kind_of_a.shape.rank() == 2;
		let axis = self.numbers.below(kind_of_a.shape.rank()) as u8;
		match self.numbers.below(19) {
			0..=3 => {
				let other = self.pick(|kind| *kind == kind_of_a)?;
				let kind = self.numbers.pick(&[
					OperationKind::Add,
					OperationKind::Subtract,
					OperationKind::Multiply,
					OperationKind::Divide,
				]);
				Some(self.operate(kind, &[a, other]))
			}
			4..=6 => {
				let kind = self.numbers.pick(&[
					OperationKind::AddScalar(constant),
					OperationKind::MultiplyScalar(constant),
					OperationKind::Reciprocal,
					OperationKind::Exp,
					OperationKind::Log,
					OperationKind::Sqrt,
					OperationKind::Tanh,
				]);
				Some(self.operate(kind, &[a]))
			}
			7 => {
				let other = self.pick(|kind| *kind == kind_of_a)?;
				Some(self.operate(OperationKind::Compare(relation), &[a, other]))
			}
			8 => Some(self.operate(OperationKind::CompareScalar(relation, constant), &[a])),
			9 => {
				let mask =
					self.pick(|kind| kind.dtype == DType::U32 && kind.shape == kind_of_a.shape)?;
				let other = self.pick(|kind| *kind == kind_of_a)?;
				Some(self.operate(OperationKind::Select, &[mask, a, other]))
			}
			10 => {
				let mask =
					self.pick(|kind| kind.dtype == DType::U32 && kind.shape == kind_of_a.shape)?;
				Some(self.operate(OperationKind::Fill(constant), &[mask, a]))
			}
			11 => Some(self.operate(OperationKind::Sum { axis }, &[a])),
			12 => Some(self.operate(OperationKind::Max { axis }, &[a])),
			13 => {
				let fits = |to: &&Shape| {
					to.rank() == kind_of_a.shape.rank()
						&& kind_of_a
							.shape
							.0
							.iter()
							.zip(&to.0)
							.all(|(from, to)| from == to || *from == 1)
				};
				let shapes: Vec<Shape> = self.shapes.iter().filter(fits).cloned().collect();
				let shape = (!shapes.is_empty()).then(|| self.numbers.pick(&shapes))?;
				Some(self.operate(OperationKind::Broadcast { shape }, &[a]))
			}
			14 | 15 if matrix => {
				let (transpose_left, transpose_right) =
					(self.numbers.below(2) == 0, self.numbers.below(2) == 0);
				let inner = kind_of_a.shape.0[usize::from(!transpose_left)];
				let place = usize::from(transpose_right);
				let b = self.pick(|kind| {
					kind.dtype == DType::F32
						&& kind.shape.rank() == 2
						&& kind.shape.0[place] == inner
				})?;
				Some(self.operate(
					OperationKind::MatMul {
						transpose_left,
						transpose_right,
					},
					&[a, b],
				))
			}
			16 if matrix => Some(self.operate(OperationKind::Permute { axes: vec![1, 0] }, &[a])),
			17 => {
				let elements = kind_of_a.shape.elements();
				let shapes: Vec<Shape> = self
					.shapes
					.iter()
					.filter(|shape| shape.elements() == elements)
					.cloned()
					.collect();
				let flat = Shape(vec![elements.expect("a small shape") as u32]);
				let shape = self.numbers.pick(&[shapes, vec![flat]].concat());
				Some(self.operate(OperationKind::Reshape { shape }, &[a]))
			}
			_ => {
				let indices =
					self.pick(|kind| kind.dtype == DType::U32 && kind.shape.rank() == 1)?;
				match self.numbers.below(2) {
					0 => Some(self.operate(OperationKind::GatherRows, &[a, indices])),
					_ => Some(self.operate(OperationKind::OneHot { classes: 5 }, &[indices])),
				}
			}
		}
	}

	/// Every value that nothing uses becomes state.
	fn keep_the_unused(&mut self, state: &mut Vec<Tensor>) {
		for value in 0..self.b.types.len() as ValueId {
			if self.used[value as usize] {
				continue;
			}
			let TensorType { dtype, shape } = self.b.types[value as usize].clone();
			let kept = match dtype {
				DType::F32 => value,
				DType::U32 => {
					let zeros = OperationKind::Constant {
						shape: shape.clone(),
						value: 0.0.into(),
					};
					let zeros = self.operate(zeros, &[]);
					let kept = self.operate(OperationKind::Fill(1.0.into()), &[value, zeros]);
					self.used[kept as usize] = true;
					kept
				}
			};
			let index = self.b.declare(StateRole::Optimiser, shape.clone(), ZERO);
			self.b.output(Target::State(index), kept);
			state.push(self.numbers.tensor(shape));
		}
	}
}

/// A step program, and what it reads.
pub struct RandomStep {
	pub program: Checked,
	pub state: Vec<Tensor>,
	pub features: Tensor,
	pub labels: Tensor,
	pub seed: Seed,
	pub position: u64,
}

impl RandomStep {
	pub fn bindings(&self) -> Bindings<'_> {
		Bindings {
			state: &self.state,
			features: Some(&self.features),
			labels: Some(&self.labels),
			seed: self.seed,
			position: self.position,
			..Bindings::default()
		}
	}
}

/// A program of about so many operations on tensors whose axes have some of these lengths. Some state tensors
/// become another's old value; some programs begin with numbers of any kind.
pub fn random_step(seed: u64, operations: usize, lengths: &[u32]) -> RandomStep {
	let mut numbers = Numbers(seed);
	let [m, n, k] = std::array::from_fn(|_| numbers.pick(lengths));
	let shapes: Vec<Shape> = [[m, n], [n, m], [m, k], [k, n], [1, n], [m, 1], [1, 1]]
		.map(Shape::from)
		.into_iter()
		.chain([Shape::from([n]), Shape::from([1]), Shape::from([m, 1, n])])
		.collect();
	let mut b = Builder::default();
	let (population, batch) = (50, m);
	let features = b.input(Source::Features, TensorType::f32([population, n]));
	let labels = b.input(Source::Labels, TensorType::u32([population]));
	let seed_words = b.input(Source::Seed, TensorType::u32([8]));
	let position = b.input(Source::Position, TensorType::u32([2]));
	let nasty = numbers.below(3) == 0;
	let fresh = |numbers: &mut Numbers, shape: Shape| match nasty {
		true => numbers.nasty_tensor(shape),
		false => numbers.tensor(shape),
	};
	let mut state = Vec::new();
	for _ in 0..6 {
		let shape = numbers.pick(&shapes);
		b.state(StateRole::Parameter, shape.clone(), ZERO);
		state.push(fresh(&mut numbers, shape));
	}
	let used = vec![true; b.types.len()];
	let features_tensor = fresh(&mut numbers, [population, n].into());
	let labels_tensor = numbers.labels(population, 60);
	let mut grower = Grower {
		numbers,
		b,
		shapes,
		used,
	};
	let rows = grower.operate(
		OperationKind::BatchRows { population, batch },
		&[seed_words, position],
	);
	grower.operate(OperationKind::GatherRows, &[features, rows]);
	grower.operate(OperationKind::GatherRows, &[labels, rows]);
	let mut grown = 0;
	while grown < operations {
		grown += 1;
		grower.grow();
	}
	// Each state tensor that is read becomes any value of its shape, maybe another one's old state.
	for index in 0..6u16 {
		let declared = TensorType::f32(grower.b.program.state[usize::from(index)].shape.clone());
		let old = (0u32..)
			.zip(&grower.b.program.inputs)
			.find(|(_, input)| input.source == Source::State(index));
		let old = old.expect("it is read").0;
		let value = grower.pick(|kind| *kind == declared).unwrap_or(old);
		grower.used[value as usize] = true;
		grower.used[old as usize] = true;
		grower.b.output(Target::State(index), value);
		// Nothing else may read the old state, but every input has to be read.
		if value != old {
			grower.operate(OperationKind::Add, &[old, old]);
		}
	}
	let loss = grower.pick(|kind| *kind == TensorType::f32([1]));
	let loss = match loss {
		Some(loss) => loss,
		None => grower.operate(
			OperationKind::Constant {
				shape: [1].into(),
				value: 0.5.into(),
			},
			&[],
		),
	};
	grower.used[loss as usize] = true;
	grower.b.output(Target::Loss, loss);
	grower.keep_the_unused(&mut state);
	RandomStep {
		program: grower.b.check(Role::Step),
		state,
		features: features_tensor,
		labels: labels_tensor,
		seed: Seed([seed as u8; 32]),
		position: seed >> 40,
	}
}
