//! From operations to stages.

use super::{
	draft::{Draft, Head, Item, Lowered, Term},
	Anchor, Root, TAIL_OPERATIONS,
};
use crate::kernels::{
	elementwise::{Function, Spread},
	matmul::Product,
	movement::BroadcastAxis,
};
use repops::{
	check::Checked,
	kernel::axis_view,
	program::{Input, Operation, OperationKind, Source, Target, ValueId},
	tensor::{DType, Shape},
};

/// What a value of the program is.
#[derive(Clone, Copy)]
enum Meaning {
	Root(Root),
	/// Elements of a smaller root.
	Spread(Root, Spread),
	/// The same number everywhere.
	Constant(f32),
	/// A matrix of so many columns, transposed.
	Transposed {
		root: Root,
		columns: usize,
	},
}

struct Lowering<'a> {
	checked: &'a Checked,
	/// What each value is, once its operation was seen.
	meanings: Vec<Option<Meaning>>,
	lengths: Vec<usize>,
	/// The stage that makes each root; none for inputs.
	makers: Vec<Option<usize>>,
	stages: Vec<Draft>,
	/// For each stage whether another one reads it.
	fixed: Vec<bool>,
}

/// Turns the program's operations into stages.
pub(super) fn lower(checked: &Checked) -> Lowered {
	let program = checked.program();
	let mut lowering = Lowering {
		checked,
		meanings: vec![None; checked.types().len()],
		lengths: Vec::new(),
		makers: Vec::new(),
		stages: Vec::new(),
		fixed: Vec::new(),
	};
	for value in 0..program.inputs.len() {
		let root = lowering.new_root(lowering.length(value), None);
		lowering.meanings[value] = Some(Meaning::Root(root));
	}
	for index in order(checked) {
		let value = program.inputs.len() + index;
		let meaning = lowering.operation(value, &program.operations[index]);
		lowering.meanings[value] = Some(meaning);
	}
	let mut outputs: Vec<(Target, Root)> = Vec::new();
	for output in &program.outputs {
		let value = output.value as usize;
		let root = lowering.root(value);
		let stays =
			program
				.inputs
				.get(root)
				.is_some_and(|input| match (input.source, output.target) {
					(Source::State(old), Target::State(new)) => old == new,
					_ => false,
				});
		let foreign = root < program.inputs.len() && !stays;
		let taken = outputs.iter().any(|(_, other)| *other == root);
		let root = if foreign || taken {
			lowering.copy(Term::Root(root), lowering.length(value))
		} else {
			root
		};
		outputs.push((output.target, root));
	}
	let mut stages = lowering.stages;
	stages.retain(|stage| !stage.items.is_empty() || !matches!(stage.head, Head::Nothing));
	Lowered {
		lengths: lowering.lengths,
		stages,
		outputs,
	}
}

/// The most elements of a small result.
const SMALL: usize = 64;

/// The operations in the order in which they are lowered: first those with small results that depend on state
/// alone, such as the corrections of Adam. Otherwise they would separate what reads them, the updates, from
/// the gradients' products.
fn order(checked: &Checked) -> Vec<usize> {
	let program = checked.program();
	let reads_state = |input: &Input| matches!(input.source, Source::State(_));
	let mut is_early: Vec<bool> = program.inputs.iter().map(reads_state).collect();
	for (operation, kind) in program
		.operations
		.iter()
		.zip(&checked.types()[program.inputs.len()..])
	{
		let is_small = kind
			.shape
			.elements()
			.is_some_and(|elements| elements <= SMALL as u64);
		let early = |value: &ValueId| is_early[*value as usize];
		is_early.push(is_small && operation.operands.iter().all(early));
	}
	let is_early = &is_early[program.inputs.len()..];
	let (early, others): (Vec<usize>, Vec<usize>) =
		(0..program.operations.len()).partition(|index| is_early[*index]);
	[early, others].concat()
}

impl Lowering<'_> {
	fn meaning(&self, value: usize) -> Meaning {
		self.meanings[value]
			.expect("operands are lowered before the operations that read them; qed")
	}

	fn shape(&self, value: usize) -> &Shape {
		&self.checked.types()[value].shape
	}

	fn length(&self, value: usize) -> usize {
		self.shape(value)
			.0
			.iter()
			.map(|length| *length as usize)
			.product()
	}

	fn new_root(&mut self, length: usize, maker: Option<usize>) -> Root {
		self.lengths.push(length);
		self.makers.push(maker);
		self.lengths.len() - 1
	}

	/// A stage that starts with this operation.
	fn anchor(&mut self, anchor: Anchor, length: usize) -> Meaning {
		let root = self.new_root(length, Some(self.stages.len()));
		self.stages.push(Draft {
			head: Head::Anchor(anchor, root),
			length: 0,
			items: Vec::new(),
		});
		self.fixed.push(false);
		Meaning::Root(root)
	}

	/// The value as a root of its own, to be read by another stage.
	fn root(&mut self, value: usize) -> Root {
		let length = self.length(value);
		let root = match self.meaning(value) {
			Meaning::Root(root) => {
				self.fix(root);
				return root;
			}
			Meaning::Spread(root, spread) => self.copy(Term::Spread(root, spread), length),
			Meaning::Constant(number) => self.copy(Term::Constant(number), length),
			Meaning::Transposed { root, columns } => {
				let Meaning::Root(root) = self.anchor(
					Anchor::Transpose {
						operand: root,
						columns,
					},
					length,
				) else {
					unreachable!("an anchor's meaning is its root")
				};
				root
			}
		};
		self.fix(root);
		self.meanings[value] = Some(Meaning::Root(root));
		root
	}

	fn copy(&mut self, term: Term, length: usize) -> Root {
		self.item(Function::Copy, vec![term], length)
	}

	/// The value as an operand of an elementwise operation.
	fn term(&mut self, value: usize) -> Term {
		match self.meaning(value) {
			Meaning::Root(root) => Term::Root(root),
			Meaning::Spread(root, spread) => Term::Spread(root, spread),
			Meaning::Constant(number) => Term::Constant(number),
			Meaning::Transposed { .. } => Term::Root(self.root(value)),
		}
	}

	/// The value as an operand of a matrix product, and whether it is stored transposed.
	fn matrix(&mut self, value: usize, transposed: bool) -> (Root, bool) {
		match self.meaning(value) {
			Meaning::Transposed { root, .. } => {
				self.fix(root);
				(root, !transposed)
			}
			_ => (self.root(value), transposed),
		}
	}

	/// Adds an elementwise operation: to the stage of the last of its operands if that has as many places, else
	/// as a stage of its own. Stages that only this operation waited for go along.
	fn item(&mut self, function: Function, operands: Vec<Term>, length: usize) -> Root {
		let maker = |term: &Term| match term {
			Term::Root(root) | Term::Spread(root, _) => self.makers[*root],
			Term::Constant(_) => None,
		};
		let mut makers: Vec<usize> = operands.iter().filter_map(maker).collect();
		makers.sort_unstable();
		makers.dedup();
		let is_movable =
			|stage: &usize| self.stages[*stage].length == length && self.is_free(*stage);
		let (movable, others): (Vec<usize>, Vec<usize>) =
			makers.iter().partition(|stage| is_movable(stage));
		let target = others.last().or(movable.first()).copied().filter(|target| {
			let items = |stage: &usize| self.stages[*stage].items.len();
			let sum = items(target) + movable.iter().map(items).sum::<usize>();
			self.stages[*target].length == length && sum < TAIL_OPERATIONS
		});
		let stage = target.unwrap_or_else(|| {
			self.stages.push(Draft {
				head: Head::Nothing,
				length,
				items: Vec::new(),
			});
			self.fixed.push(false);
			self.stages.len() - 1
		});
		for emptied in movable
			.into_iter()
			.filter(|other| target.is_some() && *other != stage)
		{
			let items = std::mem::take(&mut self.stages[emptied].items);
			self.stages[emptied].length = 0;
			for item in &items {
				self.makers[item.root] = Some(stage);
			}
			self.stages[stage].items.extend(items);
		}
		for operand in &operands {
			if let Term::Root(root) | Term::Spread(root, _) = operand {
				if self.makers[*root] != Some(stage) {
					self.fix(*root);
				}
			}
		}
		let root = self.new_root(length, Some(stage));
		self.stages[stage].items.push(Item {
			function,
			operands,
			root,
		});
		root
	}

	/// Whether the stage can stand anywhere: it depends on inputs alone, and no other stage reads it yet.
	fn is_free(&self, stage: usize) -> bool {
		let draft = &self.stages[stage];
		let mut terms = draft.items.iter().flat_map(|item| &item.operands);
		!self.fixed[stage]
			&& matches!(draft.head, Head::Nothing)
			&& terms.all(|term| match term {
				Term::Root(root) | Term::Spread(root, _) => {
					self.makers[*root].is_none_or(|maker| maker == stage)
				}
				Term::Constant(_) => true,
			})
	}

	/// Says that another stage reads the root.
	fn fix(&mut self, root: Root) {
		if let Some(maker) = self.makers[root] {
			self.fixed[maker] = true;
		}
	}

	fn elementwise(&mut self, value: usize, function: Function, operands: Vec<Term>) -> Meaning {
		let length = self.length(value);
		Meaning::Root(self.item(function, operands, length))
	}

	/// Adds the operation that makes `value`.
	fn operation(&mut self, value: usize, operation: &Operation) -> Meaning {
		let operand = |place: usize| operation.operands[place] as usize;
		let terms = |lowering: &mut Self| {
			operation
				.operands
				.iter()
				.map(|value| lowering.term(*value as usize))
				.collect::<Vec<_>>()
		};
		let length = self.length(value);
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
			} => {
				let (left, right) = (operand(0), operand(1));
				let inner = self.shape(left).0[usize::from(!transpose_left)] as usize;
				let (rows, columns) = (self.shape(value).rows(), self.shape(value).columns());
				let (left, left_transposed) = self.matrix(left, *transpose_left);
				let (right, right_transposed) = self.matrix(right, *transpose_right);
				let product = Product {
					rows,
					columns,
					inner,
					left_transposed,
					right_transposed,
				};
				let result = self.new_root(length, Some(self.stages.len()));
				let head = Head::Product {
					product,
					left,
					right,
					result,
				};
				self.stages.push(Draft {
					head,
					length,
					items: Vec::new(),
				});
				self.fixed.push(false);
				Meaning::Root(result)
			}
			OperationKind::Add => {
				let terms = terms(self);
				self.elementwise(value, Function::Add, terms)
			}
			OperationKind::Subtract => {
				let terms = terms(self);
				self.elementwise(value, Function::Subtract, terms)
			}
			OperationKind::Multiply => {
				let terms = terms(self);
				self.elementwise(value, Function::Multiply, terms)
			}
			OperationKind::Divide => {
				let terms = terms(self);
				self.elementwise(value, Function::Divide, terms)
			}
			OperationKind::AddScalar(constant) => {
				let terms = vec![self.term(operand(0)), Term::Constant((*constant).into())];
				self.elementwise(value, Function::Add, terms)
			}
			OperationKind::MultiplyScalar(constant) => {
				let terms = vec![self.term(operand(0)), Term::Constant((*constant).into())];
				self.elementwise(value, Function::Multiply, terms)
			}
			OperationKind::Reciprocal => {
				let terms = vec![Term::Constant(1.0), self.term(operand(0))];
				self.elementwise(value, Function::Divide, terms)
			}
			OperationKind::Exp => {
				let terms = terms(self);
				self.elementwise(value, Function::Exp, terms)
			}
			OperationKind::Log => {
				let terms = terms(self);
				self.elementwise(value, Function::Log, terms)
			}
			OperationKind::Sqrt => {
				let terms = terms(self);
				self.elementwise(value, Function::Sqrt, terms)
			}
			OperationKind::Tanh => {
				let terms = terms(self);
				self.elementwise(value, Function::Tanh, terms)
			}
			OperationKind::Compare(relation) => {
				let function = match self.checked.types()[operand(0)].dtype {
					DType::F32 => Function::Compare(*relation),
					DType::U32 => Function::CompareIntegers(*relation),
				};
				let terms = terms(self);
				self.elementwise(value, function, terms)
			}
			OperationKind::CompareScalar(relation, constant) => {
				let terms = vec![self.term(operand(0)), Term::Constant((*constant).into())];
				self.elementwise(value, Function::Compare(*relation), terms)
			}
			OperationKind::Select => {
				let terms = terms(self);
				self.elementwise(value, Function::Select, terms)
			}
			OperationKind::Fill(constant) => {
				let (mask, others) = (self.term(operand(0)), self.term(operand(1)));
				self.elementwise(
					value,
					Function::Select,
					vec![mask, Term::Constant((*constant).into()), others],
				)
			}
			OperationKind::Sum { axis } => {
				let view = axis_view(self.shape(operand(0)), *axis)
					.expect("the check saw that the axis is there; qed");
				let operand = self.root(operand(0));
				self.anchor(Anchor::Sum { operand, view }, length)
			}
			OperationKind::Max { axis } => {
				let view = axis_view(self.shape(operand(0)), *axis)
					.expect("the check saw that the axis is there; qed");
				let operand = self.root(operand(0));
				self.anchor(Anchor::Max { operand, view }, length)
			}
			OperationKind::ArgMax => {
				let columns = self.shape(operand(0)).columns();
				let operand = self.root(operand(0));
				self.anchor(Anchor::ArgMax { operand, columns }, length)
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
			OperationKind::Reshape { .. } => match self.meaning(operand(0)) {
				// A transposition is a mark on a matrix; under another shape it is none any more.
				Meaning::Transposed { .. } => Meaning::Root(self.root(operand(0))),
				meaning => meaning,
			},
			OperationKind::Transpose => {
				let columns = self.shape(operand(0)).columns();
				match self.meaning(operand(0)) {
					Meaning::Constant(number) => Meaning::Constant(number),
					Meaning::Transposed { root, .. } => Meaning::Root(root),
					_ => Meaning::Transposed {
						root: self.root(operand(0)),
						columns,
					},
				}
			}
			OperationKind::Constant { value, .. } => Meaning::Constant((*value).into()),
		}
	}

	fn broadcast(&mut self, operand: usize, to: &Shape) -> Meaning {
		if let Meaning::Constant(number) = self.meaning(operand) {
			return Meaning::Constant(number);
		}
		let axes = broadcast_axes(self.shape(operand), to);
		let length = axes.iter().map(|axis| axis.length).product();
		let repeats: Vec<bool> = axes.iter().map(|axis| axis.stride == 0).collect();
		let spread = match (&repeats[..], &axes[..]) {
			([] | [false], _) => return self.meaning(operand),
			([true], _) => Spread {
				run: length,
				period: 1,
			},
			([true, false], [_, kept]) => Spread {
				run: 1,
				period: kept.length,
			},
			([false, true], [kept, repeated]) => Spread {
				run: repeated.length,
				period: kept.length,
			},
			([true, false, true], [_, kept, repeated]) => Spread {
				run: repeated.length,
				period: kept.length,
			},
			_ => {
				let operand = self.root(operand);
				return self.anchor(Anchor::Broadcast { operand, axes }, length);
			}
		};
		Meaning::Spread(self.root(operand), spread)
	}
}

/// The axes of a broadcast. Neighbours that are both repeated or both kept are taken as one, and axes of length
/// 1 in the result are left out.
fn broadcast_axes(from: &Shape, to: &Shape) -> Vec<BroadcastAxis> {
	let mut axes: Vec<BroadcastAxis> = Vec::new();
	let mut stride = 1;
	for (from, to) in from.0.iter().zip(&to.0).rev().filter(|(_, to)| **to != 1) {
		let length = *to as usize;
		let kept = from == to;
		match axes.last_mut() {
			Some(last) if (last.stride != 0) == kept => last.length *= length,
			_ => axes.push(BroadcastAxis {
				length,
				stride: if kept { stride } else { 0 },
			}),
		}
		if kept {
			stride *= length;
		}
	}
	axes.reverse();
	axes
}
