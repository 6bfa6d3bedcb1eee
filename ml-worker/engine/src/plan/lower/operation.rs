//! What each operation becomes.

use super::{layout::part, Lowering, Meaning};
use crate::{
	kernels::{elementwise::Function, window::Found},
	plan::{draft::Term, Anchor},
};
use repops::{
	kernel::{axis_view, AxisView},
	program::{Operation, OperationKind},
	tensor::DType,
};

impl Lowering<'_> {
	/// Adds the operation that makes `value`.
	pub(super) fn operation(&mut self, value: usize, operation: &Operation) -> Meaning {
		let operand = |place: usize| operation.operands[place] as usize;
		let length = self.length(value);
		let elementwise = |lowering: &mut Self, function: Function| {
			let operands = operation.operands.iter();
			let terms = operands
				.map(|value| lowering.term(*value as usize))
				.collect();
			Meaning::Root(lowering.item(function, terms, length))
		};
		match &operation.kind {
			OperationKind::BatchRows { population, .. } => {
				let (seed, position) = (self.root(operand(0)), self.root(operand(1)));
				self.anchor(
					Anchor::BatchRows {
						seed,
						position,
						population: *population,
					},
					length,
				)
			}
			OperationKind::GatherRows => {
				let row = self.length(operand(0)) / self.shape(operand(0)).0[0] as usize;
				let (table, indices) = (self.root(operand(0)), self.root(operand(1)));
				self.anchor(
					Anchor::GatherRows {
						table,
						indices,
						row,
					},
					length,
				)
			}
			OperationKind::MatMul {
				transpose_left,
				transpose_right,
			} => self.product(
				value,
				[operand(0), operand(1)],
				[*transpose_left, *transpose_right],
			),
			OperationKind::MatMulSum {
				transpose_left,
				transpose_right,
			} => self.sum_of_products(
				value,
				[operand(0), operand(1)],
				[*transpose_left, *transpose_right],
			),
			OperationKind::Unfold { window, fill } => self.unfold(operand(0), window, *fill),
			OperationKind::Fold { window, .. } => self.fold(value, operand(0), window),
			OperationKind::Unpool { window, .. } => {
				let pictures = self.pictures(value, window, 0.0);
				let (chosen, operand) = (self.root(operand(1)), self.root(operand(0)));
				self.anchor(
					Anchor::Unpool {
						operand,
						chosen,
						pictures,
					},
					length,
				)
			}
			OperationKind::Add => elementwise(self, Function::Add),
			OperationKind::Subtract => elementwise(self, Function::Subtract),
			OperationKind::Multiply => elementwise(self, Function::Multiply),
			OperationKind::Divide => elementwise(self, Function::Divide),
			OperationKind::Exp => elementwise(self, Function::Exp),
			OperationKind::Log => elementwise(self, Function::Log),
			OperationKind::Sqrt => elementwise(self, Function::Sqrt),
			OperationKind::Tanh => elementwise(self, Function::Tanh),
			OperationKind::Erf => elementwise(self, Function::Erf),
			OperationKind::ToInteger => elementwise(self, Function::ToInteger),
			OperationKind::ToNumber => elementwise(self, Function::ToNumber),
			OperationKind::Select => elementwise(self, Function::Select),
			OperationKind::AddScalar(constant) => {
				let terms = vec![self.term(operand(0)), Term::Constant((*constant).into())];
				Meaning::Root(self.item(Function::Add, terms, length))
			}
			OperationKind::MultiplyScalar(constant) => {
				let terms = vec![self.term(operand(0)), Term::Constant((*constant).into())];
				Meaning::Root(self.item(Function::Multiply, terms, length))
			}
			OperationKind::Reciprocal => {
				let terms = vec![Term::Constant(1.0), self.term(operand(0))];
				Meaning::Root(self.item(Function::Divide, terms, length))
			}
			OperationKind::Compare(relation) => {
				let function = match self.checked.types()[operand(0)].dtype {
					DType::F32 => Function::Compare(*relation),
					DType::U32 => Function::CompareIntegers(*relation),
				};
				elementwise(self, function)
			}
			OperationKind::CompareScalar(relation, constant) => {
				let terms = vec![self.term(operand(0)), Term::Constant((*constant).into())];
				Meaning::Root(self.item(Function::Compare(*relation), terms, length))
			}
			OperationKind::Fill(constant) => {
				let (mask, others) = (self.term(operand(0)), self.term(operand(1)));
				let terms = vec![mask, Term::Constant((*constant).into()), others];
				Meaning::Root(self.item(Function::Select, terms, length))
			}
			OperationKind::Sum { axis } => {
				let view = self.axis_view(operand(0), *axis);
				let operand = self.root(operand(0));
				self.anchor(Anchor::Sum { operand, view }, length)
			}
			OperationKind::Max { axis } => {
				if let Some(pool) = self.pool(operand(0), *axis, Found::Greatest) {
					return self.anchor(pool, length);
				}
				let view = self.axis_view(operand(0), *axis);
				let operand = self.root(operand(0));
				self.anchor(Anchor::Max { operand, view }, length)
			}
			OperationKind::ArgMax { axis } => {
				if let Some(pool) = self.pool(operand(0), *axis, Found::Position) {
					return self.anchor(pool, length);
				}
				let view = self.axis_view(operand(0), *axis);
				let operand = self.root(operand(0));
				self.anchor(Anchor::ArgMax { operand, view }, length)
			}
			OperationKind::Broadcast { shape } => self.broadcast(operand(0), shape),
			OperationKind::OneHot { classes } => {
				let labels = self.root(operand(0));
				self.anchor(
					Anchor::OneHot {
						labels,
						classes: *classes as usize,
					},
					length,
				)
			}
			OperationKind::CountNonzero => {
				let mask = self.root(operand(0));
				self.anchor(Anchor::CountNonzero { mask }, length)
			}
			OperationKind::Reshape { shape } => self.reshape(operand(0), shape),
			OperationKind::Permute { axes } => self.permute(operand(0), axes, length),
			OperationKind::Slice { starts, shape } => {
				let part = part(self.shape(operand(0)), starts, shape);
				let whole = self.root(operand(0));
				self.anchor(Anchor::Slice { whole, part }, length)
			}
			OperationKind::Insert { starts } => {
				let part = part(self.shape(operand(0)), starts, self.shape(operand(1)));
				let (whole, inserted) = (self.root(operand(0)), self.root(operand(1)));
				self.anchor(
					Anchor::Insert {
						whole,
						inserted,
						part,
					},
					length,
				)
			}
			OperationKind::ScatterRows { .. } => {
				let row = self.length(operand(0)) / self.length(operand(1));
				let (operand, indices) = (self.root(operand(0)), self.root(operand(1)));
				self.anchor(
					Anchor::ScatterRows {
						operand,
						indices,
						row,
					},
					length,
				)
			}
			OperationKind::Random {
				stream,
				distribution,
				..
			} => {
				let (seed, position) = (self.root(operand(0)), self.root(operand(1)));
				self.anchor(
					Anchor::Random {
						seed,
						position,
						stream: *stream,
						distribution: *distribution,
					},
					length,
				)
			}
			OperationKind::Iota { shape, axis } => {
				let view = axis_view(shape, *axis).expect("the check saw the axis; qed");
				let (length_of_axis, inner) = (view.length, view.inner);
				self.anchor(
					Anchor::Iota {
						length: length_of_axis,
						inner,
					},
					length,
				)
			}
			OperationKind::Constant { value, .. } => Meaning::Constant((*value).into()),
		}
	}

	fn axis_view(&self, operand: usize, axis: u8) -> AxisView {
		axis_view(self.shape(operand), axis).expect("the check saw that the axis is there; qed")
	}
}
