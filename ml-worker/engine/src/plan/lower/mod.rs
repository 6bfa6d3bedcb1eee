//! From operations to stages.

mod contraction;
mod layout;
mod operation;

use super::{
	draft::{Draft, Head, Item, Lowered, Term},
	Anchor, Root, TAIL_OPERATIONS,
};
use crate::kernels::{
	elementwise::{Function, Spread},
	window::Pictures,
};
use repops::{
	check::Checked,
	program::{Input, OperationKind, Source, Target, ValueId},
	tensor::Shape,
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
	/// What windows show of pictures.
	Unfolded {
		root: Root,
		pictures: Pictures,
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
	/// For each value how many operations and outputs read it.
	uses: Vec<usize>,
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
		uses: uses(checked),
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

/// For each value how many operations and outputs read it.
fn uses(checked: &Checked) -> Vec<usize> {
	let program = checked.program();
	let mut uses = vec![0; checked.types().len()];
	let read = program
		.operations
		.iter()
		.flat_map(|operation| &operation.operands);
	for value in read.chain(program.outputs.iter().map(|output| &output.value)) {
		uses[*value as usize] += 1;
	}
	uses
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
		Meaning::Root(self.anchor_root(anchor, length))
	}

	fn anchor_root(&mut self, anchor: Anchor, length: usize) -> Root {
		let root = self.new_root(length, Some(self.stages.len()));
		self.stage(Head::Anchor(anchor, root), 0);
		root
	}

	fn stage(&mut self, head: Head, length: usize) {
		let items = Vec::new();
		self.stages.push(Draft {
			head,
			length,
			items,
		});
		self.fixed.push(false);
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
				let operand = root;
				self.anchor_root(Anchor::Transpose { operand, columns }, length)
			}
			Meaning::Unfolded { root, pictures } => {
				let operand = root;
				self.anchor_root(Anchor::Unfold { operand, pictures }, length)
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
			Meaning::Transposed { .. } | Meaning::Unfolded { .. } => Term::Root(self.root(value)),
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
			self.stage(Head::Nothing, length);
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

	/// Whether the value is read once, and all that it is another shape of too.
	fn is_read_once(&self, value: usize) -> bool {
		let inputs = self.checked.program().inputs.len();
		let operation = |index: usize| &self.checked.program().operations[index];
		let reshaped = value.checked_sub(inputs).map(operation);
		self.uses[value] == 1
			&& match reshaped {
				Some(operation) if matches!(operation.kind, OperationKind::Reshape { .. }) => {
					self.is_read_once(operation.operands[0] as usize)
				}
				_ => true,
			}
	}
}
