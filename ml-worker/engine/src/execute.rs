//! Runs a plan on its memory.

use crate::{
	buffer::{as_u32_mut, lock, Buffer},
	instruction_set::Vectors,
	kernels::{
		elementwise::{all_finite, apply, update, Elements},
		matmul::{multiply, Product, Workspace},
		movement, random, reduction,
		stack::{multiply_stack, sum_stack, Scratch, StackProduct},
		window,
	},
	plan::{Anchor, Destination, Load, Operand, Plan, Root, Stage, Tail, BLOCK, TAIL_OPERATIONS},
	storage::Storage,
	team::Team,
};
use std::sync::atomic::{AtomicBool, Ordering};

/// The least elementwise operations that are worth another thread.
const LEAST_WORK: usize = 1 << 14;

/// What a stage writes: the matrix product, if it is kept, then the outputs of its tail.
const OUTPUTS: usize = 1 + TAIL_OPERATIONS;

/// Runs all stages once, and says whether the new state and the loss are finite. `finished` is called after each stage
/// with its number.
pub(crate) fn execute(
	plan: &Plan,
	vectors: Vectors,
	storage: &mut Storage,
	team: &Team,
	mut finished: impl FnMut(usize),
) -> bool {
	let execution = Execution {
		plan,
		vectors,
		team,
		finite: AtomicBool::new(true),
	};
	for (number, stage) in plan.stages.iter().enumerate() {
		match stage {
			Stage::Anchor(anchor, root) => execution.anchor(anchor, *root, storage),
			Stage::Product {
				product,
				left,
				right,
				result,
				tail,
			} => execution.product(product, [*left, *right], *result, tail, storage),
			Stage::Stack {
				stack,
				left,
				right,
				result,
				tail,
			} => execution.stack(stack, [*left, *right], *result, tail, storage),
			Stage::Elementwise(tail) => execution.elementwise(tail, storage),
		}
		finished(number);
	}
	for moved in &plan.moves {
		let from = std::mem::replace(&mut storage.slots[moved.from], Buffer::empty());
		storage.slots[moved.to][..moved.length].copy_from_slice(&from[..moved.length]);
		storage.slots[moved.from] = from;
	}
	let loss = plan.loss.map_or(&[][..], |loss| storage.view(plan, loss));
	let unwatched = plan
		.unwatched
		.iter()
		.map(|tensor| &storage.slots[plan.state[*tensor]][..plan.state_lengths[*tensor]]);
	execution.finite.into_inner()
		&& unwatched
			.chain([loss])
			.all(|elements| all_finite(vectors, elements))
}

struct Execution<'a> {
	plan: &'a Plan,
	vectors: Vectors,
	team: &'a Team,
	/// Whether all new state that was written so far is finite.
	finite: AtomicBool,
}

impl Execution<'_> {
	fn anchor(&self, anchor: &Anchor, root: Root, storage: &mut Storage) {
		let Execution {
			plan,
			vectors,
			team,
			..
		} = *self;
		let mut buffer = storage.take(plan, root);
		let result = &mut buffer[..plan.places[root].length];
		let view = |root: &Root| storage.view(plan, *root);
		match anchor {
			Anchor::Sum {
				operand,
				view: axis,
			} => reduction::sum(team, vectors, view(operand), axis, result),
			Anchor::Max {
				operand,
				view: axis,
			} => reduction::max(team, vectors, view(operand), axis, result),
			Anchor::ArgMax {
				operand,
				view: axis,
			} => reduction::arg_max_along(team, view(operand), axis, result),
			Anchor::GatherRows {
				table,
				indices,
				row,
			} => movement::gather_rows(team, view(table), *row, view(indices), result),
			Anchor::BatchRows {
				seed,
				position,
				population,
			} => movement::batch(view(seed), view(position), *population, result),
			Anchor::OneHot { labels, classes } => movement::one_hot(view(labels), *classes, result),
			Anchor::CountNonzero { mask } => {
				as_u32_mut(result)[0] = movement::count_nonzero(view(mask))
			}
			Anchor::Transpose { operand, columns } => {
				movement::transpose(team, vectors, view(operand), *columns, result)
			}
			Anchor::Broadcast { operand, axes } => movement::broadcast(view(operand), axes, result),
			Anchor::Permute { operand, axes } => {
				movement::permute(team, vectors, view(operand), axes, result)
			}
			Anchor::Slice { whole, part } => movement::copy_part(
				&view(whole)[part.start..],
				&part.whole_strides,
				result,
				&part.part_strides,
				&part.lengths,
			),
			Anchor::Insert {
				whole,
				inserted,
				part,
			} => {
				result.copy_from_slice(view(whole));
				movement::copy_part(
					view(inserted),
					&part.part_strides,
					&mut result[part.start..],
					&part.whole_strides,
					&part.lengths,
				)
			}
			Anchor::ScatterRows {
				operand,
				indices,
				row,
			} => movement::scatter_rows(team, vectors, view(operand), *row, view(indices), result),
			Anchor::StackSum { stack, left, right } => {
				let mut turned = std::mem::replace(&mut storage.packed, Buffer::empty());
				let length = stack.turned_length();
				let operands = [*left, *right].map(|root| storage.view(plan, root));
				let scratch = self.scratch(storage);
				sum_stack(scratch, stack, operands, &mut turned[..length], result);
				storage.packed = turned;
			}
			Anchor::Unfold { operand, pictures } => {
				window::unfold(team, vectors, pictures, view(operand), result)
			}
			Anchor::Fold { operand, pictures } => {
				window::fold(team, vectors, pictures, view(operand), result)
			}
			Anchor::Unpool {
				operand,
				chosen,
				pictures,
			} => window::unpool(
				team,
				vectors,
				pictures,
				[view(operand), view(chosen)],
				result,
			),
			Anchor::Pool {
				operand,
				pictures,
				found,
			} => window::pool(team, vectors, pictures, *found, view(operand), result),
			Anchor::Random {
				seed,
				position,
				stream,
				distribution,
			} => {
				let operands = [view(seed), view(position)];
				random::draw(team, operands, *stream, *distribution, result)
			}
			Anchor::Iota { length, inner } => movement::iota(*length, *inner, result),
		}
		storage.put_back(plan, root, buffer);
	}

	fn product(
		&self,
		product: &Product,
		operands: [Root; 2],
		result: Option<Root>,
		tail: &Tail,
		storage: &mut Storage,
	) {
		let Execution {
			plan,
			vectors,
			team,
			..
		} = *self;
		let mut packed = std::mem::replace(&mut storage.packed, Buffer::empty());
		let mut buffers = self.take_outputs(result, tail, storage);
		let workspace = Workspace {
			team,
			vectors,
			rows: &storage.rows,
			left: &storage.left,
		};
		let [left, right] = operands.map(|operand| storage.view(plan, operand));
		let outputs = output_slices(&mut buffers, product.rows * product.columns);
		multiply(
			workspace,
			product,
			left,
			right,
			&mut packed,
			outputs,
			|worker, start, rows, mut outputs| {
				let mut registers = lock(&storage.registers[worker]);
				self.tail(
					tail,
					storage,
					start,
					rows,
					&mut outputs[1..],
					&mut registers,
				);
			},
		);
		storage.packed = packed;
		self.put_outputs_back(result, tail, buffers, storage);
	}

	fn scratch<'b>(&'b self, storage: &'b Storage) -> Scratch<'b> {
		Scratch {
			workspace: Workspace {
				team: self.team,
				vectors: self.vectors,
				rows: &storage.rows,
				left: &storage.left,
			},
			own: &storage.scratch,
		}
	}

	fn stack(
		&self,
		stack: &StackProduct,
		operands: [Root; 2],
		result: Option<Root>,
		tail: &Tail,
		storage: &mut Storage,
	) {
		let mut buffers = self.take_outputs(result, tail, storage);
		let operands = operands.map(|operand| storage.view(self.plan, operand));
		let outputs = output_slices(&mut buffers, stack.count * stack.result_length());
		multiply_stack(
			self.scratch(storage),
			stack,
			operands,
			outputs,
			|worker, start, rows, mut outputs| {
				let mut registers = lock(&storage.registers[worker]);
				self.tail(
					tail,
					storage,
					start,
					rows,
					&mut outputs[1..],
					&mut registers,
				);
			},
		);
		self.put_outputs_back(result, tail, buffers, storage);
	}

	fn elementwise(&self, tail: &Tail, storage: &mut Storage) {
		let mut buffers = self.take_outputs(None, tail, storage);
		let outputs = output_slices(&mut buffers, tail.length);
		let chunk = self.team.chunk(
			tail.length,
			LEAST_WORK.div_ceil(tail.instructions.len().max(1)),
			tail.block,
		);
		let storage_view = &*storage;
		self.team
			.for_each_chunk_of(outputs, tail.length, chunk, |worker, start, mut outputs| {
				let mut registers = lock(&storage_view.registers[worker]);
				self.tail(
					tail,
					storage_view,
					start,
					&[],
					&mut outputs[1..],
					&mut registers,
				);
			});
		self.put_outputs_back(None, tail, buffers, storage);
	}

	fn take_outputs(
		&self,
		result: Option<Root>,
		tail: &Tail,
		storage: &mut Storage,
	) -> [Buffer; OUTPUTS] {
		let mut buffers = [const { Buffer::empty() }; OUTPUTS];
		for (buffer, root) in buffers.iter_mut().zip(written_roots(result, tail)) {
			*buffer = root.map_or(Buffer::empty(), |root| storage.take(self.plan, root));
		}
		buffers
	}

	fn put_outputs_back(
		&self,
		result: Option<Root>,
		tail: &Tail,
		buffers: [Buffer; OUTPUTS],
		storage: &mut Storage,
	) {
		for (buffer, root) in buffers.into_iter().zip(written_roots(result, tail)) {
			if let Some(root) = root {
				storage.put_back(self.plan, root, buffer);
			}
		}
	}

	/// Does the elementwise operations on the places from `start` on that `outputs` have. `product` are the
	/// matrix product's elements of the same places.
	fn tail(
		&self,
		tail: &Tail,
		storage: &Storage,
		start: usize,
		product: &[f32],
		outputs: &mut [&mut [f32]],
		registers: &mut [f32],
	) {
		let length = match tail.outputs.len() {
			0 => 0,
			_ => outputs[0].len(),
		};
		// At which place of its period each repeated row was loaded last.
		let mut phases = [usize::MAX; 4 * TAIL_OPERATIONS];
		for offset in (0..length).step_by(tail.block) {
			let block = Block {
				execution: self,
				storage,
				product,
				start,
				offset,
				length: tail.block.min(length - offset),
			};
			for ((register, load), phase) in tail.loads.iter().zip(&mut phases) {
				let register = &mut registers[register * BLOCK..][..block.length];
				block.load(load, phase, outputs, register);
			}
			for instruction in &tail.instructions {
				let (registers, outputs, result) = match instruction.result {
					Destination::Register(register) => {
						let (lower, upper) = registers.split_at_mut(register * BLOCK);
						(lower, &mut *outputs, &mut upper[..block.length])
					}
					Destination::Output(output) => {
						let (lower, upper) = outputs.split_at_mut(output);
						(
							&mut *registers,
							lower,
							&mut upper[0][offset..offset + block.length],
						)
					}
				};
				let elements = |operand| block.elements(operand, registers, outputs);
				match instruction.operands {
					[Operand::Replaced, b, c] => update(
						self.vectors,
						instruction.function,
						[b, c].map(elements),
						result,
					),
					operands => apply(
						self.vectors,
						instruction.function,
						operands.map(elements),
						result,
					),
				}
			}
			for (output, watched) in outputs.iter().zip(&tail.watched) {
				if *watched && !all_finite(self.vectors, &output[offset..offset + block.length]) {
					self.finite.store(false, Ordering::Relaxed);
				}
			}
		}
	}
}

/// The places that are worked on at a time.
struct Block<'a> {
	execution: &'a Execution<'a>,
	storage: &'a Storage<'a>,
	product: &'a [f32],
	/// The place where the outputs' slices start.
	start: usize,
	/// From there to the block.
	offset: usize,
	length: usize,
}

impl Block<'_> {
	/// Fills a register.
	fn load(&self, load: &Load, phase: &mut usize, outputs: &[&mut [f32]], register: &mut [f32]) {
		match load {
			Load::Replaced { output } => {
				register.copy_from_slice(&outputs[*output][self.offset..self.offset + self.length])
			}
			Load::Spread { root, spread } => {
				let place = self.start + self.offset;
				let due = place % spread.period;
				// A row that was loaded at the same place of its period is still there: the first block of a
				// range is its longest.
				if spread.run != 1 || *phase != due {
					spread.fill(
						self.storage.view(self.execution.plan, *root),
						place,
						register,
					);
					*phase = due;
				}
			}
		}
	}

	fn elements<'b>(
		&'b self,
		operand: Operand,
		registers: &'b [f32],
		outputs: &'b [&mut [f32]],
	) -> Elements<'b> {
		let range = self.offset..self.offset + self.length;
		let view = |root| self.storage.view(self.execution.plan, root);
		match operand {
			Operand::Root(root) => Elements::Each(&view(root)[self.start..][range]),
			Operand::Single(root) => Elements::Same(view(root)[0]),
			Operand::Product => Elements::Each(&self.product[range]),
			Operand::Register(register) => {
				Elements::Each(&registers[register * BLOCK..][..self.length])
			}
			Operand::Output(output) => Elements::Each(&outputs[output][range]),
			Operand::Constant(number) => Elements::Same(number),
			Operand::Replaced => unreachable!("the plan has it as a first operand only"),
		}
	}
}

/// The roots that a stage writes, in the order of its outputs.
fn written_roots(result: Option<Root>, tail: &Tail) -> impl Iterator<Item = Option<Root>> + '_ {
	std::iter::once(result).chain(tail.outputs.iter().map(|root| Some(*root)))
}

/// What of each buffer the stage writes; nothing of those that are not there.
fn output_slices(buffers: &mut [Buffer; OUTPUTS], length: usize) -> [&mut [f32]; OUTPUTS] {
	buffers.each_mut().map(|buffer| match buffer.is_empty() {
		true => Default::default(),
		false => &mut buffer[..length],
	})
}
